"""Kept cells as figures with intervals: one value per generator and set, and means over sets."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from cells import KEPT
from scipy.stats import t as student
from sets import SETS

Cell = dict[str, Any]
_ENOUGH = 3  # seeds from which an interval over seeds is drawn


@dataclass(frozen=True, slots=True)
class Figure:
    """Mean over seeds and the half-width of its 95 % interval; `None` where none is known."""

    value: float
    half: float | None
    seeds: int


@dataclass(slots=True)
class Generator:
    """All kept cells of one generator."""

    label: str
    title: str
    cells: dict[str, list[Cell]] = field(default_factory=lambda: defaultdict(list))

    def scored(self, name: str) -> list[Cell]:
        """Return the cells of a set that were scored, by seed."""
        return [c for c in self.cells.get(name, []) if "scores" in c]

    def sets(self) -> list[str]:
        """Return the sets with at least one scored cell, in the benchmark's order."""
        return [s for s in SETS if self.scored(s)]

    def figure(self, name: str, key: str) -> Figure | None:
        """Return a figure on one set.

        The interval is Student's over three or more seeds; with fewer, and on a table so small that its cells carry
        bootstrap errors, it is that of a single cell (averaged over seeds, not narrowed by them: halves overlap).
        """
        cells = [c for c in self.scored(name) if c["scores"].get(key) is not None]
        if not cells:
            return None
        values = np.array([c["scores"][key] for c in cells], dtype=np.float64)
        errors = [c["scores"].get("errors", {}).get(key) for c in cells]
        known = [e for e in errors if e is not None]
        small = all("shape_err" in c["scores"].get("errors", {}) for c in cells)
        half: float | None = None
        if len(values) >= _ENOUGH and not (small and known):
            half = float(student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
        elif known:
            half = 1.96 * float(np.mean(known))
        return Figure(float(values.mean()), half, len(values))

    def cost(self, name: str, key: str) -> float | None:
        """Return the median over seeds of a cost."""
        found = [c["cost"][key] for c in self.scored(name) if key in c.get("cost", {})]
        return float(np.median(found)) if found else None


def read(split: str = "halves", folder: Path = KEPT) -> tuple[dict[str, Generator], Generator]:
    """Return every generator with kept cells of a split, and the floor."""
    found: dict[str, Generator] = {}
    for path in sorted(folder.glob("*/*.json")):
        cell: Cell = json.loads(path.read_text(encoding="utf-8"))
        if cell.get("split") == split:
            g = found.setdefault(path.parent.name, Generator(path.parent.name, cell["title"]))
            g.cells[cell["set"]].append(cell)
    fresh = found.pop("floor", Generator("floor", "a fresh real sample"))
    return found, fresh


def over_sets(g: Generator, key: str, names: Iterable[str]) -> list[float]:
    """Return a figure of each of the sets, in order; sets without one are left out."""
    return [f.value for n in names if (f := g.figure(n, key)) is not None]
