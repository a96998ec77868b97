"""The trial of the verdict: what is kept can be judged anew, also lines of an older form; what came last counts."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from synthproof.core.evidence import AxisFinding

pytest.importorskip("lightgbm", reason="the bench extra is not installed")


@pytest.fixture
def verdicts() -> Any:
    return importlib.import_module("verdicts")


def line(seed: int, estimate: float, *more: Any) -> dict[str, Any]:
    row = ["table.exact_copies", "unique", "measured", estimate, [0.0, 0.5], 0.0, None, 100, None, *more]
    other = ["table.near_copies", "all", "insufficient", None, None, None, None, 100, None]
    return {"cell": ["mixture", "1:1", "clean", seed], "n": 4000, "evidence": [row, other]}


def test_of_a_cell_measured_twice_the_last_counts(verdicts: Any, tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    assert verdicts.kept_cells(path, 4000) == []
    lines = [line(0, 0.1), line(1, 0.2), line(0, 0.3), {**line(2, 0.4), "n": 500}]
    path.write_text("".join(json.dumps(x) + "\n" for x in lines), encoding="utf-8")
    kept = verdicts.kept_cells(path, 4000)
    assert sorted((k["cell"][3], k["evidence"][0][3]) for k in kept) == [(0, 0.3), (1, 0.2)]


def test_lines_with_and_without_persons_met_are_read(verdicts: Any) -> None:
    met = [{"train": 3, "holdout": 1, "of_train": 10, "of_holdout": 10, "whole": 10}]
    old, other = verdicts.evidence_of(line(0, 0.1)["evidence"])
    new = verdicts.evidence_of(line(0, 0.1, met)["evidence"])[0]
    assert old.detail == {}
    assert new.detail == {"persons_met": met}
    assert other.outcome == "insufficient"


def test_bounded_below_its_size_is_counted_and_nothing_else(verdicts: Any) -> None:
    def bounded(bound: float) -> tuple[AxisFinding, ...]:
        return (AxisFinding(axis="a", state="bounded", bound=bound), AxisFinding(axis="b", state="bounded", bound=0.01))

    assert verdicts._below(0.05, bounded(0.04))
    assert not verdicts._below(0.05, bounded(0.06))
    assert not verdicts._below(None, bounded(0.04))
    assert not verdicts._below(0.05, (*bounded(0.04), AxisFinding(axis="c", state="not_assessed")))
