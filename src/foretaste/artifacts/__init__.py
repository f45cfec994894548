"""Run folders: written whole, verified when opened, nothing in them that could run."""

from foretaste.artifacts.interest import save_interest
from foretaste.artifacts.manifest import FORMAT, Manifest, read_manifest, verify
from foretaste.artifacts.run import CONFIG, Run, load, open_run, save

__all__ = [
    "CONFIG",
    "FORMAT",
    "Manifest",
    "Run",
    "load",
    "open_run",
    "read_manifest",
    "save",
    "save_interest",
    "verify",
]
