"""Where a run comes from: the code, the packages and the machine that made it."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import psutil

from foretaste.config import Config

#: The packages that results depend on.
_PACKAGES = (
    "implicit",
    "numpy",
    "polars",
    "safetensors",
    "scipy",
    "sentence-transformers",
    "torch",
    "transformers",
)

_CPU_INFO = Path("/proc/cpuinfo")

#: Of a checkout; installed from a wheel, the package lies elsewhere and nothing is found there.
_CHECKOUT = Path(__file__).parents[3]


class Machine(Config):
    """The machine a run was made on; never its name or address.

    Attributes:
        system: Operating system and architecture.
        processor: Its model, where the system tells.
        cores: Logical processors.
        memory: Bytes of main memory.
    """

    system: str
    processor: str
    cores: int
    memory: int


def machine() -> Machine:
    """This machine."""
    return Machine(
        system=platform.platform(),
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory=psutil.virtual_memory().total,
    )


def versions() -> dict[str, str]:
    """Versions of this package, Python and the packages that results depend on."""
    installed = {name: metadata.version(name) for name in ("foretaste", *_PACKAGES)}
    return {"python": platform.python_version(), **installed}


def git_commit() -> str | None:
    """The commit of the checkout this code runs from, with "-dirty" after it where files differ."""
    if not (_CHECKOUT / ".git").exists():
        return None
    command = ["git", "-C", str(_CHECKOUT), "describe", "--always", "--dirty", "--abbrev=40"]
    command += ["--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def lock_sha256() -> str | None:
    """SHA-256 of the checkout's pinned versions, `constraints.txt`."""
    lock = _CHECKOUT / "constraints.txt"
    return hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None


def _processor() -> str:
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
