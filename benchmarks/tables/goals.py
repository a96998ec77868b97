"""The goals set for the default generator, beside what was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from peers import DEFAULT, OURS
from sets import SETS
from summary import Generator, over_sets

_LABEL = DEFAULT.replace(OURS, "ours.")
_FAST = "ours.table.cart_chain"  # what --fast takes


@dataclass(frozen=True, slots=True)
class Goal:
    """One line: what, how it is read off, the goal's and the dream's bounds, both ends included; no dream: the floor."""

    what: str
    read: Callable[[Generator], float | None]
    goal: tuple[float, float]
    dream: tuple[float, float] | None
    digits: int = 3
    fast: bool = False


def _on(name: str, key: str) -> Callable[[Generator], float | None]:
    def read(g: Generator) -> float | None:
        found = g.figure(name, key)
        return None if found is None else found.value

    return read


def _over(key: str, worst: bool = False) -> Callable[[Generator], float | None]:
    def read(g: Generator) -> float | None:
        values = over_sets(g, key, SETS)
        if len(values) < len(SETS):
            return None
        return max(values) if worst else sum(values) / len(values)

    return read


def _quiet(name: str, key: str) -> Callable[[Generator], float | None]:
    def read(g: Generator) -> float | None:
        for cell in g.scored(name):
            again = cell.get("retimed", {})
            if again.get("status") == "drawn":
                cost = again["cost"]
                return float(cell["rows"] / max(cost["sample_wall_s"], 1e-3) if key == "rate" else cost[key])
        return None

    return read


_LOW, _HIGH, _FLOOR = float("-inf"), float("inf"), None
GOALS: tuple[Goal, ...] = (
    Goal("Adult: C2ST against unseen rows", _on("adult", "c2st_auc_holdout"), (_LOW, 0.55), (_LOW, 0.52)),
    Goal("Adult: nearer to train, %", _on("adult", "dcr_share"), (49, 51.2), (49, 50.5), 1),
    Goal("Adult: membership", _on("adult", "mia_auc"), (_LOW, 0.511), (_LOW, 0.505)),
    Goal("Adult: shape error, %", _on("adult", "shape_err"), (_LOW, 0.65), _FLOOR, 2),
    Goal("Adult: trend error, %", _on("adult", "trend_err"), (_LOW, 1.45), _FLOOR, 2),
    Goal("Adult: 3-way error, %", _on("adult", "tri_err"), (_LOW, 2.75), _FLOOR, 2),
    Goal("Adult: TSTR", _on("adult", "tstr"), (0.923, _HIGH), (0.925, _HIGH)),
    Goal("Adult: rules broken, %", _on("adult", "rules_broken"), (0, 0), (0, 0), 2),
    Goal("Adult: fit, s (quiet)", _quiet("adult", "fit_wall_s"), (_LOW, 12), (_LOW, 6), 1),
    Goal("Adult: rows drawn per second (quiet)", _quiet("adult", "rate"), (30_000, _HIGH), (100_000, _HIGH), 0),
    Goal("Adult: memory, MiB (quiet)", _quiet("adult", "peak_mib"), (_LOW, 334), (_LOW, 334), 0),
    Goal(
        "default_credit: C2ST against unseen rows",
        _on("default_credit", "c2st_auc_holdout"),
        (_LOW, 0.68),
        (_LOW, 0.58),
    ),
    Goal("default_credit: nearer to train, %", _on("default_credit", "dcr_share"), (49, 51.5), (49, 51.5), 1),
    Goal("eleven sets: C2ST, mean", _over("c2st_auc_holdout"), (_LOW, 0.59), (_LOW, 0.55)),
    Goal("eleven sets: C2ST, worst", _over("c2st_auc_holdout", worst=True), (_LOW, 0.72), (_LOW, 0.62)),
    Goal("eleven sets: membership, mean", _over("mia_auc"), (_LOW, 0.511), (_LOW, 0.511)),
    Goal("quick look, Adult: C2ST", _on("adult", "c2st_auc_holdout"), (_LOW, 0.555), (_LOW, 0.555), fast=True),
    Goal("quick look, Adult: nearer to train, %", _on("adult", "dcr_share"), (49, 55), (49, 52), 1, fast=True),
    Goal("quick look, Adult: fit, s (quiet)", _quiet("adult", "fit_wall_s"), (_LOW, 4), (_LOW, 4), 1, fast=True),
    Goal(
        "quick look, Adult: rows/s (quiet)", _quiet("adult", "rate"), (100_000, _HIGH), (100_000, _HIGH), 0, fast=True
    ),
)


def goals(found: dict[str, Generator], fresh: Generator) -> list[str]:
    """Return the goals as a table: bound, measured, floor where there is one, and whether it is met."""
    out = [
        "The floor is that of the halves used here, averaged over seeds; it moves by some hundredths of a point from half to"
        " half, so a goal of shape, trend or triples is to be read beside it.",
        "",
    ]
    out += ["| goal | bound | dream | measured | floor | met |", "| --- | ---: | ---: | ---: | ---: | --- |"]
    for g in GOALS:
        generator = found.get(_FAST if g.fast else _LABEL)
        value = g.read(generator) if generator is not None else None
        least = g.read(fresh)
        dream = g.dream or (_LOW, least if least is not None else _LOW)
        cells = [g.what, _bound(g.goal, g.digits), "the floor" if g.dream is None else _bound(dream, g.digits)]
        cells += ["not measured" if value is None else f"{value:,.{g.digits}f}"]
        cells += ["–" if least is None else f"{least:,.{g.digits}f}", _met(value, g, dream)]
        out.append("| " + " | ".join(cells) + " |")
    return out


def _met(value: float | None, g: Goal, dream: tuple[float, float]) -> str:
    if value is None:
        return "–"
    rounded = round(value, g.digits)
    if g.dream is None and rounded < round(dream[1], g.digits):
        return "yes, below the floor"
    if dream[0] <= rounded <= round(dream[1], g.digits):
        return "dream"
    return "yes" if g.goal[0] <= rounded <= g.goal[1] else "**no**"


def _bound(bound: tuple[float, float], digits: int) -> str:
    low, high = bound
    if low == _LOW:
        return f"≤ {high:,.{digits}f}"
    if high == _HIGH:
        return f"≥ {low:,.{digits}f}"
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"
