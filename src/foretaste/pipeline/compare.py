"""A model beside the baselines it has to beat, on the same data and the same question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from foretaste.pipeline.config import ModelSection, RunConfig
from foretaste.pipeline.run import Prepared, Tell, Trained, train


def train_all(
    config: RunConfig, prepared: Prepared, models: Sequence[str], tell: Tell
) -> Iterator[Trained]:
    """Fits and measures the named models in turn.

    The model that `config` names has its settings; the others have their defaults.
    """
    for name in models:
        section = config.model if name == config.model.name else ModelSection(name=name)
        yield train(config.model_copy(update={"model": section}), prepared, tell)
