"""The benchmarks are scripts beside the package: their folders are put on the path."""

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

for folder in (BENCHMARKS / "peers", BENCHMARKS):
    sys.path.insert(0, str(folder))
