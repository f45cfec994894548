"""What the files of a model come to."""

from __future__ import annotations

from foretaste.content._weights import find_model, model_files


def size_mib(model: str) -> float:
    """Size of the files that decide what a model answers.

    Args:
        model: As in `TextEncoderConfig`.

    Raises:
        InputError: There is no such model, or its files may not be used.
    """
    return sum(path.stat().st_size for path in model_files(find_model(model))) / 2**20
