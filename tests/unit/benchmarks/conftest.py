"""The benchmark's modules are scripts, not a package: tests import them from their folder."""

from __future__ import annotations

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
for folder in (BENCHMARKS, BENCHMARKS / "tables"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
