"""What a piece of work will cost, said before it is begun; and how it is made to fit a budget, or refused.

A budget of time picks, in this order: the generator (`auto`), the rows learned from, and the repeats of simulated limits.
A budget of memory picks the rows learned from, and the batches in which rows are drawn. What cannot be made to fit is
refused before anything is done.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from synthproof.core.amounts import bytes_of, seconds_of, show_bytes, show_seconds
from synthproof.core.cost import Cost, Size, cost, fit_cost, known, most_rows
from synthproof.core.errors import ConfigError, ReadError
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.core.schema import Schema
from synthproof.core.words import Words
from synthproof.data.table.chunks import Data, fewer
from synthproof.data.table.parts import open_parts
from synthproof.pipeline.config import RunConfig
from synthproof.pipeline.environment import peak_memory
from synthproof.pipeline.quick import QUICK_NOTICE, generator_of

LEAST_REPEATS = 20
"""Repeats of simulated limits that a budget may go down to."""
_LEAST_ROWS, _PER_COLUMN = 1_000, 20

_STEPS = {
    "read": Words(en="reading", ko="읽기"),
    "protect": Words(en="protecting", ko="보호조치"),
    "fit": Words(en="learning", ko="학습"),
    "draw": Words(en="drawing", ko="생성"),
    "verify": Words(en="verifying", ko="검증"),
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the steps of some work will cost here.

    Parameters
    ----------
    steps
        ``"read"``, ``"protect"``, ``"fit"``, ``"draw"`` and ``"verify"``, as far as they are part of the work.
    """

    steps: Mapping[str, Cost]

    @property
    def seconds(self) -> float:
        """Wall seconds of all steps."""
        return sum(c.seconds for c in self.steps.values())

    @property
    def bytes(self) -> int:
        """Bytes of the step that holds most, beyond the interpreter with its libraries."""
        return max((c.bytes for c in self.steps.values()), default=0)

    @property
    def words(self) -> Words:
        """The estimate as a sentence."""
        parts = [(_STEPS[name], show_seconds(c.seconds)) for name, c in self.steps.items()]
        whole, held = show_seconds(self.seconds), show_bytes(self.bytes)
        return Words(
            en=f"About {whole.en} and {held}: " + ", ".join(f"{w.en} {s.en}" for w, s in parts) + ".",
            ko=f"예상 {whole.ko}, {held}: " + ", ".join(f"{w.ko} {s.ko}" for w, s in parts) + ".",
        )

    def tell(self, run: Run | None) -> None:
        """Report the estimate as an event: ``estimate`` with seconds, bytes and both sentences."""
        if run is not None:
            facts = {name: round(c.seconds, 3) for name, c in self.steps.items()}
            words = self.words
            run.tick("estimate", 0, 1, seconds=self.seconds, bytes=self.bytes, en=words.en, ko=words.ko, steps=facts)


@dataclass(frozen=True, slots=True)
class Budget:
    """How long some work may take and how much it may hold; ``None``: no bound.

    Parameters
    ----------
    seconds
        Wall seconds, from `started` on.
    bytes
        Of the whole process.
    started
        Reading of ``time.monotonic()`` when the work began.
    """

    seconds: float | None = None
    bytes: int | None = None
    started: float = 0.0

    @classmethod
    def of(cls, time_text: str | float | None, memory_text: str | float | None) -> Budget:
        """Read a budget such as ``("5m", "4G")``; nothing or an empty text is no bound.

        Raises
        ------
        ConfigError
            ``budget/unreadable``.
        """
        seconds = seconds_of(time_text) if time_text not in (None, "") else None
        held = bytes_of(memory_text) if memory_text not in (None, "") else None
        return cls(seconds, held, time.monotonic())

    @property
    def bound(self) -> bool:
        """Whether there is any bound."""
        return self.seconds is not None or self.bytes is not None

    @property
    def left(self) -> Cost:
        """What is left of it: the time not yet gone, the memory not yet held."""
        seconds = float("inf") if self.seconds is None else self.seconds - (time.monotonic() - self.started)
        held = 1 << 62 if self.bytes is None else self.bytes - peak_memory()
        return Cost(seconds, held)


@dataclass(frozen=True, slots=True)
class Plan:
    """Work made to fit a budget.

    Parameters
    ----------
    estimate
        Of the work as planned.
    rows
        Rows learned from.
    repeats
        Of simulated limits.
    parameters
        Of the generator, those that hand a budget on included.
    notices
        What was reduced for the budget.
    """

    estimate: Estimate
    rows: int
    repeats: int
    parameters: Mapping[str, Any]
    notices: tuple[Words, ...] = ()


def estimate(
    name: str,
    schema: Schema,
    rows: int,
    *,
    parameters: Mapping[str, Any] | None = None,
    draw: int | None = None,
    repeats: int | None = None,
) -> Estimate:
    """Return what learning, drawing and verifying will cost.

    Parameters
    ----------
    name
        Registry name of the generator.
    schema, rows
        Of the table learned from.
    draw
        Rows drawn; ``None``: none.
    repeats
        Repeats of simulated limits; ``None``: no verifying.
    """
    model = synthesizers.make(name, **dict(parameters or {}))
    steps = {"fit": fit_cost(model, name, rows, schema)}
    size = Size.of(schema, rows)
    if draw is not None:
        drawn = replace(size, rows=draw)
        likely = [name] if known(f"{name}/draw") else [n for n in _draws_like(model) if known(f"{n}/draw")]
        costs = [cost(f"{n}/draw", drawn) for n in likely] or [Cost(0.0, 0)]
        steps["draw"] = Cost(max(c.seconds for c in costs), max(c.bytes for c in costs))
    if repeats is not None:
        steps["verify"] = _verifying(size, repeats)
    return Estimate(steps)


def planned(
    name: str,
    data: Data,
    budget: Budget,
    *,
    parameters: Mapping[str, Any] | None = None,
    draw: int | None = None,
    repeats: int | None = None,
) -> Plan:
    """Return work that fits a budget.

    Raises
    ------
    ConfigError
        ``budget/time`` or ``budget/memory`` with the least that is needed, before anything is done.
    """
    given = dict(parameters or {})
    schema, rows = data.schema, data.n_rows
    whole = estimate(name, schema, rows, parameters=given, draw=draw, repeats=repeats)
    if not budget.bound:
        return Plan(whole, rows, repeats or 0, given)
    left, notices = budget.left, []
    others = sum(c.seconds for k, c in whole.steps.items() if k not in ("fit", "verify"))
    kept = repeats
    if repeats is not None:
        kept = _repeats(Size.of(schema, rows), repeats, left.seconds - others)
        if kept < repeats:
            notices.append(_FEWER_REPEATS.filled(repeats=kept, of=repeats))
        others += _verifying(Size.of(schema, rows), kept).seconds
    allowed = Cost(left.seconds - others, left.bytes)
    takes = _parameter_names(name)
    if {"budget_s", "memory"} <= takes:  # it chooses and thins by itself
        own: dict[str, Any] = {"budget_s": max(0.0, allowed.seconds)} if budget.seconds is not None else {}
        own |= {"memory": max(0, allowed.bytes)} if budget.bytes is not None else {}
        given, learned = {**own, **given}, rows
    else:
        learned = most_rows(partial(_fitting, name, given, schema), rows, allowed)
        if learned < min(rows, max(_LEAST_ROWS, _PER_COLUMN * len(schema.modelled))):
            learned = 0
        if budget.seconds is not None and "budget_s" in takes:  # it stops by the clock, should the estimate be too low
            given = {"budget_s": max(1e-3, allowed.seconds), **given}
    final = estimate(name, schema, learned or min(rows, _LEAST_ROWS), parameters=given, draw=draw, repeats=kept)
    _refuse(name, final, budget, left)
    if learned < rows:
        notices.append(_FEWER_ROWS.filled(rows=learned, of=rows))
    return Plan(final, learned, kept or 0, given, tuple(notices))


def plan_of(config: RunConfig, data: Data, budget: Budget, *, draw: int, run: Run | None) -> Plan:
    """Return a run's work as it fits its budget, and report the estimate; see `planned`."""
    fit = config.fit
    given = {**fit.parameters, **({"row_wise": True} if fit.row_wise else {})}
    plan = planned(generator_of(fit), data, budget, parameters=given, draw=draw, repeats=config.verify.repeats)
    plan.estimate.tell(run)
    return replace(plan, notices=(QUICK_NOTICE, *plan.notices)) if fit.fast else plan


def refuse_to_hold(source: Any, budget: Budget) -> None:
    """Refuse a source that is read whole and leaves too little of the memory allowed.

    Raises
    ------
    ConfigError
        ``budget/memory``.
    """
    if budget.bytes is not None and too_large_to_hold(source, budget):
        size = peek(source)
        assert size is not None
        needed = show_bytes(2 * cost("read", size, pace=1.0).bytes + peak_memory())
        work = f"run ({size.rows:,} × {size.columns})"
        raise ConfigError("budget/memory", allowed=show_bytes(budget.bytes), needed=needed, work=work)


def refuse_larger(name: str, estimate: Estimate, budget: Budget) -> None:
    """Refuse work that is expected to hold more memory than is allowed; time is not asked about.

    Raises
    ------
    ConfigError
        ``budget/memory``.
    """
    _refuse(name, estimate, replace(budget, seconds=None), budget.left)


def thinned(data: Data, plan: Plan, seed: int) -> Data:
    """Return the rows that a plan learns from."""
    return fewer(data, plan.rows, seed)


def peek(source: Any) -> Size | None:
    """Return the size of a file before it is read: exact for Parquet, from the first lines for text; ``None``: unknown."""
    if not isinstance(source, str | Path) or "://" in str(source):
        return None
    path = Path(source)
    try:
        if path.is_file() and path.suffix.lower() in (".csv", ".tsv", ".txt", ".tab"):
            with path.open("rb") as handle:
                head = handle.read(1 << 20)
            lines = max(1, head.count(b"\n"))
            first = head.split(b"\n", 1)[0]
            columns = 1 + max(first.count(c) for c in (b",", b"\t", b";", b"|"))
            return Size(int(path.stat().st_size * lines / max(1, len(head))), columns)
        parts = open_parts(path)
    except (ReadError, OSError):
        return None
    return Size(parts.n_rows, parts.empty().num_columns)


def too_large_to_hold(source: Any, budget: Budget) -> bool:
    """Return whether reading a source whole would leave less than half of the memory allowed for learning from it."""
    if budget.bytes is None:
        return False
    size = peek(source)
    return size is not None and cost("read", size, pace=1.0).bytes > budget.left.bytes / 2


def _verifying(size: Size, repeats: int) -> Cost:
    once, each = cost("verify", size), cost("verify/repeat", size)
    return Cost(once.seconds + repeats * each.seconds, once.bytes)


def _repeats(size: Size, repeats: int, allowed: float) -> int:
    if _verifying(size, repeats).seconds <= allowed / 2:
        return repeats
    each = cost("verify/repeat", size).seconds
    room = (allowed / 2 - cost("verify", size).seconds) / each if each > 0 else repeats
    return min(repeats, max(LEAST_REPEATS, int(room)))


def _refuse(name: str, final: Estimate, budget: Budget, left: Cost) -> None:
    if budget.bytes is not None and final.bytes > left.bytes:
        needed = show_bytes(final.bytes + budget.bytes - left.bytes)
        raise ConfigError("budget/memory", allowed=show_bytes(budget.bytes), needed=needed, work=name)
    if budget.seconds is not None and final.seconds > left.seconds:
        needed_s = show_seconds(final.seconds + budget.seconds - left.seconds)
        raise ConfigError("budget/time", allowed=show_seconds(budget.seconds), needed=needed_s, work=name)


def _fitting(name: str, parameters: Mapping[str, Any], schema: Schema, rows: int) -> Cost:
    return fit_cost(synthesizers.make(name, **parameters), name, rows, schema)


def _parameter_names(name: str) -> frozenset[str]:
    cls = synthesizers.get(name)
    return frozenset(cls.param_names()) if hasattr(cls, "param_names") else frozenset()


def _draws_like(model: Any) -> tuple[str, ...]:
    return tuple(model.tried()) if hasattr(model, "tried") else ()


_FEWER_ROWS = Words(
    en="The budget allows learning from {rows:,} of {of:,} rows, drawn at random.",
    ko="예산에 맞추어 전체 {of:,}행 가운데 무작위로 뽑은 {rows:,}행으로 학습합니다.",
)
_FEWER_REPEATS = Words(
    en="The budget allows {repeats} repeats of simulated limits instead of {of}; the limits are less exact.",
    ko="예산에 맞추어 모의실험 임계값의 반복을 {of}회에서 {repeats}회로 줄입니다. 임계값의 정밀도가 낮아집니다.",
)

__all__ = [
    "Budget",
    "Estimate",
    "Plan",
    "estimate",
    "peek",
    "plan_of",
    "planned",
    "refuse_larger",
    "refuse_to_hold",
    "thinned",
    "too_large_to_hold",
]
