"""Survival targets: how long a person was observed, and whether the event came or observation merely ended.

A user declares them in the purpose (``survival = ["futime ~ death"]``) or by the roles ``time`` and ``event`` in the
schema (the first time goes with the first event, and so on). Where neither is done, names that can hardly mean anything
else are taken as a proposal, which every number made from it says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import SchemaError
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.data.table.hints import words_of
from synthproof.engines.codes import levels_of

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_EVENT = {
    "event", "death", "dead", "died", "deceased", "relapse", "recurrence", "recur", "recurred", "progression", "failure",
    "mortality", "endpoint", "dth", "censored", "uncensored",
}  # fmt: skip
_EVENT_KO = ("사망", "사건", "재발", "진행여부", "이벤트")
_TIME = {
    "time", "times", "futime", "followup", "survival", "survtime", "duration", "tte", "pfs", "os", "dfs", "rtime", "dtime",
    "ttime", "stime", "etime",
}  # fmt: skip
_TIME_KO = ("생존기간", "추적기간", "생존일", "추적일", "관찰기간", "생존시간")
_COME = {
    "1",
    "true",
    "yes",
    "y",
    "event",
    "death",
    "dead",
    "died",
    "deceased",
    "relapse",
    "recurred",
    "사망",
    "예",
    "재발",
}
_CENSORED = {"0", "false", "no", "n", "censored", "censor", "alive", "none", "생존", "아니오", "중도절단"}


@dataclass(frozen=True, slots=True)
class SurvivalTarget:
    """One pair of columns.

    Parameters
    ----------
    time, event
        Names of the columns.
    proposed
        Whether nobody declared the pair and names alone speak for it.
    """

    time: str
    event: str
    proposed: bool = False

    @property
    def name(self) -> str:
        """The pair as users write it."""
        return f"{self.time} ~ {self.event}"


def survival_targets(schema: Schema, purpose: Purpose) -> tuple[SurvivalTarget, ...]:
    """Return the survival targets of a table: declared in the purpose, else by roles, else proposed from names.

    Raises
    ------
    SchemaError
        ``schema/unknown-field``, or ``schema/not-survival`` where a declared pair cannot be one.
    """
    if purpose.survival:
        return tuple(_declared(text, schema) for text in purpose.survival)
    times, events = schema.with_role("time"), schema.with_role("event")
    if times or events:
        if len(times) != len(events):
            raise SchemaError("schema/not-survival", where="roles", name=", ".join((*times, *events)))
        return tuple(_checked(t, e, schema) for t, e in zip(times, events, strict=True))
    return _proposed(schema)


def _declared(text: str, schema: Schema) -> SurvivalTarget:
    time, _, event = (part.strip() for part in text.partition("~"))
    if not event:
        raise SchemaError("schema/not-survival", where="purpose.survival", name=text)
    return _checked(time, event, schema)


def _checked(time: str, event: str, schema: Schema) -> SurvivalTarget:
    t, e = schema.field(time), schema.field(event)
    if t.kind not in ("integer", "continuous") or not (e.levelled or e.kind in ("integer", "continuous")):
        raise SchemaError("schema/not-survival", where=time, name=f"{time} ~ {event}")
    return SurvivalTarget(time, event)


def _proposed(schema: Schema) -> tuple[SurvivalTarget, ...]:
    events = [f for f in schema.fields if _event_like(f)]
    times = [f for f in schema.fields if _time_like(f)]
    order = {f.name: i for i, f in enumerate(schema.fields)}
    found = []
    for e in events:
        # rtime goes with recur and dtime with death: the same first letter, then the neighbour in the table.
        near = sorted(
            times, key=lambda t: (t.name[:1].lower() != e.name[:1].lower(), abs(order[t.name] - order[e.name]))
        )
        if near and (len(times) == 1 or near[0].name[:1].lower() == e.name[:1].lower() or len(events) == 1):
            found.append(SurvivalTarget(near[0].name, e.name, proposed=True))
    taken = [t.time for t in found]
    return tuple(t for t in found if taken.count(t.time) == 1)


def _event_like(f: Field) -> bool:
    speaks = any(w in _EVENT for w in words_of(f.name)) or any(k in f.name for k in _EVENT_KO)
    two = (
        f.kind == "boolean"
        or (f.levelled and len(f.levels) == 2)
        or (f.kind == "integer" and (f.low, f.high) == (0, 1))
    )
    return speaks and two


def _time_like(f: Field) -> bool:
    if f.kind not in ("integer", "continuous") or (f.low is not None and f.low < 0):
        return False
    words = [w for part in words_of(f.name) for w in (part, re.sub(r"^(?:d|r|fu)(?=time$)", "", part))]
    return any(w in _TIME for w in words) or any(k in f.name for k in _TIME_KO)


def happened(values: FloatArray, f: Field) -> FloatArray:
    """Return 1 where the event came, 0 where observation ended without it, NaN where that is not known.

    Parameters
    ----------
    values
        The event column as numbers or codes of its levels, NaN missing.

    Notes
    -----
    A number is an event when it is above 0 (several causes count as one). Of two levels the one that says so is the
    event, else the last one; of more levels every one that does not say "none" or "censored".
    """
    if f.numeric:
        return np.where(np.isnan(values), np.nan, (values > 0).astype(np.float64))
    texts = [t.strip().lower() for t in levels_of(f)]
    come = _come(texts)
    code = np.where(np.isnan(values), 0, values).astype(np.intp)
    known = np.array([*come, np.nan])  # levels that only another table knows say nothing
    return np.where(np.isnan(values), np.nan, known[np.minimum(code, len(come))])


def _come(texts: Sequence[str]) -> list[float]:
    if len(texts) == 2:
        first = texts[0] in _COME or texts[1] in _CENSORED
        return [1.0, 0.0] if first and texts[1] not in _COME else [0.0, 1.0]
    return [0.0 if t in _CENSORED else 1.0 for t in texts]


__all__ = ["SurvivalTarget", "happened", "survival_targets"]
