"""The manifest of a run folder: what it holds, made of what, and that it is whole.

`manifest.json` lists every file with its size and SHA-256, and `manifest.json.sha256` holds the
manifest's own (in the form of the tool `sha256sum`), so that no byte of a run can change unseen.
Files that the manifest does not list are never read, but for those of `artifacts.later`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import AwareDatetime, Field, field_validator

from foretaste.artifacts.provenance import Machine
from foretaste.config import Config
from foretaste.errors import ArtifactError, ConfigError

#: The version of the format of run folders that this code writes, and the newest that it reads.
FORMAT = 1

MANIFEST = "manifest.json"
_CHECKSUM = "manifest.json.sha256"

_AGAIN = "Copy the folder again from where it came, or train again."


class FileEntry(Config):
    """A file of the run.

    Attributes:
        size: Bytes.
        sha256: Of the contents, in hexadecimal.
    """

    size: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(Config):
    """What a run folder holds, and what it was made of.

    Attributes:
        format: Version of the format of the folder.
        model: Name of the model in `foretaste.models.MODELS`.
        created: When, in UTC.
        seed: Of the model, where it has one.
        dataset_fingerprint: Of the whole data set.
        split_kind: How the data was divided.
        split_fingerprint: Of the division.
        git_commit: Of the code, where it ran from a checkout.
        lock_sha256: Of `constraints.txt`, likewise.
        versions: Of Python and the packages that results depend on.
        machine: What it was made on.
        files: By name, relative to the folder, with "/" between the parts.
    """

    format: int
    model: str
    created: AwareDatetime
    seed: int | None = None
    dataset_fingerprint: str | None = None
    split_kind: str | None = None
    split_fingerprint: str | None = None
    git_commit: str | None = None
    lock_sha256: str | None = None
    versions: dict[str, str]
    machine: Machine
    files: dict[str, FileEntry]

    @field_validator("files")
    @classmethod
    def _stay_inside(cls, files: dict[str, FileEntry]) -> dict[str, FileEntry]:
        for name in files:
            path = PurePosixPath(name)
            plain = path.parts and ".." not in path.parts and str(path) == name
            if not plain or path.is_absolute() or "\\" in name or not name.isprintable():
                raise ValueError(f"'{name}' is not a plain name inside the folder")
        return files


def list_files(folder: Path) -> dict[str, FileEntry]:
    """Size and SHA-256 of every file below `folder`, by name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): FileEntry(
            size=path.stat().st_size, sha256=_sha256(path)
        )
        for path in files
    }


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest and its checksum; last of all files."""
    content = json.dumps(manifest.model_dump(mode="json"), indent=2).encode() + b"\n"
    (folder / MANIFEST).write_bytes(content)
    (folder / _CHECKSUM).write_bytes(_checksum_line(content))


def read_manifest(folder: str | Path) -> Manifest:
    """Reads and verifies the manifest alone: quick, for lists of runs.

    Raises:
        ArtifactError: There is no run, its manifest is damaged, or its format is newer than this
            code knows.
    """
    folder = Path(folder)
    path = folder / MANIFEST
    if not path.is_file():
        raise ArtifactError(
            f"there is no run in this folder: it has no {MANIFEST}.",
            file=folder,
            hint="Give the folder that 'foretaste train' or save() wrote.",
        )
    content = _read(path)
    checksum = folder / _CHECKSUM
    if not checksum.is_file():
        raise ArtifactError("this file of the run is missing.", file=checksum, hint=_AGAIN)
    if _read(checksum) != _checksum_line(content):
        raise ArtifactError("the manifest is not as it was written.", file=path, hint=_AGAIN)
    try:
        return _parse(json.loads(content), path)
    except (ValueError, RecursionError):
        raise ArtifactError("the manifest is not JSON.", file=path, hint=_AGAIN) from None


def verify(folder: str | Path) -> Manifest:
    """Verifies every file of a run.

    Returns:
        The manifest.

    Raises:
        ArtifactError: As `read_manifest`, or a file is missing, cut short, altered, or lies
            outside the folder.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    home = folder.resolve()
    for name, entry in manifest.files.items():
        path = folder / name
        if path.resolve() != home / name:
            raise ArtifactError("this name leads out of the run through a link.", file=path)
        if not path.is_file():
            raise ArtifactError("this file of the run is missing.", file=path, hint=_AGAIN)
        size = path.stat().st_size
        if size != entry.size:
            raise ArtifactError(
                f"this file has {size:,} bytes where {entry.size:,} were written.",
                file=path,
                hint=_AGAIN,
            )
        if _sha256(path) != entry.sha256:
            raise ArtifactError("this file is not as it was written.", file=path, hint=_AGAIN)
    return manifest


def _parse(values: Any, path: Path) -> Manifest:
    written = values.get("format") if isinstance(values, dict) else None
    if not isinstance(written, int):
        raise ArtifactError("the manifest does not say its format.", file=path, hint=_AGAIN)
    if written > FORMAT:
        raise ArtifactError(
            f"the run is of format {written}, newer than {FORMAT}, which this version reads.",
            file=path,
            hint="Install a newer version of foretaste.",
        )
    try:
        return Manifest.parse(values, file=path)
    except ConfigError as error:
        raise ArtifactError(error.message, file=path, field=error.field, hint=_AGAIN) from None


def _checksum_line(content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n".encode()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(f"this file can't be read: {error.strerror}.", file=path)
