"""The rhythm of a date column: days of the week and of the month, hours, minutes; and draws that keep it.

Visits come on working days between nine and five, payments on the 25th, readings at full minutes. The profile is a
weight for every day (day of the week times day of the month) times a weight for every moment of the day (by working
day, Saturday and Sunday: the hour; for all days: the minute within the hour and the second within the minute). The
calendar repeats itself after 400 years, so that running sums over one such period give the weight of any interval, and
the moment at a share of it, by look-up. Everything is read off the wall clock of the column's own time zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.schema import Field
from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.columns.rounding import LEAST_VALUES, factors, heads

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_US = 1_000_000
_DAY = 86_400
_CYCLE = 146_097  # days after which weekdays and dates fall together again
_FAR = 4e18  # microseconds; nearer than the end of 64 bits
_REPEATS = 10  # times that a rhythm must have come round to be one
_SPLIT = 2_400  # moments that a kind of day needs for hours of its own


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Weights of days and of moments of the day.

    Parameters
    ----------
    zone
        Whose wall clock it is; empty where the column has none.
    step
        Distance of neighbouring moments, microseconds.
    week, month
        Shapes (7,) from Monday and (32,): weight of a day of the week, and of a day of the month (the last of any month
        is number 31).
    hours
        Shape (3, 24): working days, Saturday, Sunday; each sums to 24.
    minutes, seconds
        Shapes (60,), mean 1.
    """

    zone: str
    step: float
    week: FloatArray
    month: FloatArray
    hours: FloatArray
    minutes: FloatArray
    seconds: FloatArray
    _days: FloatArray
    _clock: FloatArray
    _line: FloatArray

    @classmethod
    def of(cls, zone: str, step: float, parts: Mapping[str, FloatArray]) -> Self:
        """Return the profile with its running sums."""
        week, month = parts["week"], parts["month"]
        weekday, dom = _calendar(np.arange(_CYCLE))
        days = np.concatenate([[0.0], np.cumsum(week[weekday] * month[dom])])
        if step >= _DAY * _US:
            clock = np.ones((3, 1))
        else:
            second = parts["seconds"] if step < 60 * _US else np.ones(1)
            minute = parts["minutes"] if step < 3600 * _US else np.ones(1)
            clock = (parts["hours"][:, :, None, None] * minute[:, None] * second).reshape(3, -1)
        clock = clock / clock.sum(axis=1, keepdims=True)
        above = np.concatenate([np.zeros((3, 1)), np.cumsum(clock, axis=1)], axis=1)
        above[:, -1] = 1.0
        line = (above[:, 1:] + np.arange(3.0)[:, None]).ravel()
        return cls(zone, step, week, month, parts["hours"], parts["minutes"], parts["seconds"], days, above, line)

    def draw(self, low: FloatArray, high: FloatArray, u: FloatArray, v: FloatArray) -> FloatArray:
        """Return one moment in [low, high] per row by weight, NaN where none has any. Cost O(n log days)."""
        first, last = self._wall(low, up=True), self._wall(high, up=False)
        begin, end = self._sum(first), self._sum(last + self.step)
        turns = np.floor(first / (_CYCLE * _DAY * _US))  # kept apart, so that sums stay exact in 64 bits
        cycle = self._days[-1]
        goal = begin - turns * cycle + u * (end - begin)
        more = np.floor(goal / cycle)
        goal = goal - more * cycle
        day = np.clip(np.searchsorted(self._days, goal, side="right") - 1, 0, _CYCLE - 1)
        weight = self._days[day + 1] - self._days[day]
        share = np.clip((goal - self._days[day]) / np.where(weight > 0, weight, 1.0), 0.0, 1 - 1e-12)
        kind = _kind(day)
        size = self._clock.shape[1] - 1
        tick = np.clip(np.searchsorted(self._line, kind + share, side="right") - kind * size, 0, size - 1)
        whole = (day + (turns + more) * _CYCLE) * (_DAY * _US) + tick * (_DAY * _US / size)
        fine = _DAY * _US / size / self.step
        if fine > 1:
            whole = whole + self.step * np.floor(v * fine)
        found = self._back(np.clip(whole, first, np.maximum(first, last)))
        kept = (last >= first) & (end > begin) & (found >= low) & (found <= high)
        return np.where(kept, found, np.nan)

    def mass(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """Return the total weight of the moments in [low, high], shape (n,)."""
        first, last = self._wall(low, up=True), self._wall(high, up=False)
        return np.where(last >= first, np.maximum(self._sum(last + self.step) - self._sum(first), 0.0), 0.0)

    def _sum(self, wall: FloatArray) -> FloatArray:
        """Return the weight of all moments before `wall`, counted from 1970."""
        day, within = np.divmod(wall, _DAY * _US)
        turn, place = np.divmod(day, _CYCLE)
        at = place.astype(np.intp)
        size = self._clock.shape[1] - 1
        tick, rest = np.divmod(within / (_DAY * _US) * size, 1)
        row, t = _kind(at), tick.astype(np.intp)
        share = self._clock[row, t] + rest * (self._clock[row, np.minimum(t + 1, size)] - self._clock[row, t])
        return np.asarray(turn * self._days[-1] + self._days[at] + share * (self._days[at + 1] - self._days[at]))

    def _wall(self, moments: FloatArray, *, up: bool) -> FloatArray:
        wall = wall_clock(np.clip(moments, -_FAR, _FAR), self.zone)
        ticks = np.ceil(wall / self.step - 1e-9) if up else np.floor(wall / self.step + 1e-9)
        return np.asarray(ticks * self.step)

    def _back(self, wall: FloatArray) -> FloatArray:
        if not self.zone:
            return wall
        there = pd.Series(wall.astype(np.int64).view("datetime64[us]"))
        # The hour that a clock skips in spring is moved on; of the hour it repeats in autumn the second is taken.
        utc = there.dt.tz_localize(
            self.zone, ambiguous=np.zeros(len(there), dtype=np.bool_), nonexistent="shift_forward"
        )
        return _micros(utc.dt.tz_convert("UTC").dt.tz_localize(None))

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        parts = {n: getattr(self, n) for n in ("week", "month", "hours", "minutes", "seconds")}
        return {"zone": self.zone, "step": self.step, **parts}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls.of(str(state["zone"]), float(state["step"]), state)


def learn_rhythm(
    values: FloatArray, f: Field, grid: Grid, weights: FloatArray, persons: IntArray | None, *, min_shared: int
) -> Rhythm | None:
    """Return the rhythm of a column's moments (microseconds since 1970 UTC), or ``None`` where it has none.

    Parameters are those of `learn_rounding`.
    """
    if f.kind != "datetime" or len(values) < LEAST_VALUES or grid.step <= 0:
        return None
    zone = str(f.format.get("zone") or "")
    wall = wall_clock(values, zone)
    step = next((s for s in (_DAY * _US, 3600 * _US, 60 * _US, _US) if not np.mod(wall, s).any()), grid.step)
    day, within = np.divmod(wall, _DAY * _US)
    day = day.astype(np.intp)
    weekday, dom = _calendar(day)
    all_days = np.arange(day.min(), day.max() + 1)
    grown = _Shares(weights, persons, min_shared)
    density = np.interp(all_days, *_density(day, weights))
    there_week, there_month = _calendar(all_days)
    week, month = np.ones(7), np.ones(32)
    if len(all_days) >= 7 * _REPEATS:
        week = grown.of(weekday, np.bincount(there_week, density, minlength=7).astype(np.float64))
    if len(all_days) >= 31 * _REPEATS:
        month = grown.of(dom, np.bincount(there_month, density * week[there_week], minlength=32).astype(np.float64))
    second = (within // _US).astype(np.intp)
    parts = {
        "week": week,
        "month": month,
        "hours": np.ones((3, 24)),
        "minutes": np.ones(60),
        "seconds": np.ones(60),
    }
    if step < _DAY * _US and _several(day):
        hour = grown.of(second // 3600, np.ones(24))
        kind = np.asarray(_kind(day))
        parts["hours"] = np.stack([hour] * 3)
        for k in range(3):
            mine = np.flatnonzero(kind == k)
            if len(mine) >= _SPLIT:
                parts["hours"][k] = grown.some(mine).of(second[mine] // 3600, hour) * hour
    if step < 3600 * _US and _several(wall // (3600 * _US)):
        parts["minutes"] = _sixty(grown, second // 60 % 60)
    if step < 60 * _US and _several(wall // (60 * _US)):
        parts["seconds"] = _sixty(grown, second % 60)
    if all(np.all(p == 1) for p in parts.values()):
        return None
    return Rhythm.of(zone, float(step), parts)


def _several(turns: npt.NDArray[Any]) -> bool:
    """Return whether a rhythm had occasion to repeat itself."""
    return len(np.unique(turns)) >= _REPEATS


def _sixty(shares: _Shares, part: IntArray) -> FloatArray:
    """Return the weights of minutes (or seconds): by the largest divisor of sixty in them, then one by one."""
    classes = np.zeros(60, dtype=np.intp)
    for k, divisor in enumerate((2, 5, 10, 15, 30, 60)):
        classes[np.arange(60) % divisor == 0] = k + 1
    group = shares.of(classes[part], np.bincount(classes, minlength=7).astype(np.float64))[classes]
    return np.asarray(group * shares.of(part, group))


class _Shares:
    """Compares how often each class occurs with how often it should."""

    def __init__(self, weights: FloatArray, persons: IntArray | None, min_shared: int) -> None:
        self.weights, self.persons, self.min_shared = weights, persons, min_shared

    def some(self, rows: IntArray) -> _Shares:
        """Return the same for some values."""
        return _Shares(self.weights[rows], None if self.persons is None else self.persons[rows], self.min_shared)

    def of(self, classes: IntArray, expected: FloatArray) -> FloatArray:
        """Return each class' occurrence over its expectation, 1 where that is not sure, shape of `expected`."""
        size = len(expected)
        expected = expected * (self.weights.sum() / max(expected.sum(), 1e-300))
        seen = np.bincount(classes, self.weights, minlength=size).astype(np.float64)
        return factors(seen, expected, heads(classes, self.persons, size) < self.min_shared)


def wall_clock(moments: FloatArray, zone: str) -> FloatArray:
    """Return the zone's wall clock at moments in UTC, both in microseconds, shape (n,)."""
    if not zone:
        return moments
    utc = pd.Series(np.asarray(moments).astype(np.int64).view("datetime64[us]"))
    return _micros(utc.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None))


def _micros(column: pd.Series) -> FloatArray:
    return column.to_numpy().astype("datetime64[us]").astype(np.int64).astype(np.float64)


def _calendar(days: npt.NDArray[np.intp]) -> tuple[IntArray, IntArray]:
    """Return weekday (Monday 0) and day of the month (0 to 30; the month's last is 31) of days since 1970."""
    dates = np.asarray(days).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    dom = (dates - months.astype("datetime64[D]")).astype(np.intp)
    last = (dates + 1).astype("datetime64[M]") != months
    return (np.asarray(days) + 3) % 7, np.where(last, 31, dom)


def _kind(days: IntArray) -> IntArray:
    """Return 0 for working days, 1 for Saturdays, 2 for Sundays."""
    return np.maximum((np.asarray(days) + 3) % 7 - 4, 0)


def _density(days: IntArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a slowly moving density of values over days: positions and values of 4-week means."""
    edges = np.arange(days.min(), days.max() + 29, 28)
    inside = np.histogram(days, bins=edges, weights=weights)[0] if len(edges) > 1 else np.array([1.0])
    return (edges[:-1] + 14.0 if len(edges) > 1 else edges.astype(np.float64)), inside
