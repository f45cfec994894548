"""How much memory a process has used; for our processes and the peers' alike."""

from __future__ import annotations

import resource
from pathlib import Path


def peak_memory_mib() -> int:
    """Most memory this process ever held resident.

    Linux counts the memory of the process that started this one into its `ru_maxrss`, but not
    into the high-water mark of its own memory.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
