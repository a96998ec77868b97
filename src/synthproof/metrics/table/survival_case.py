"""A case's survival targets as arrays: observed times and whether the event came, for train, holdout and synthetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import SchemaError
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.data.table.survival import SurvivalTarget, happened, survival_targets
from synthproof.metrics.table.coded_case import CodedCase, Part
from synthproof.metrics.table.histograms import codes_of, numbers_of

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

LEAST_EVENTS = 10

NO_SURVIVAL = Words(
    en="No survival target is stated (purpose.survival as 'time ~ event', or the roles 'time' and 'event').",
    ko="생존 분석 대상이 지정되지 않았습니다(purpose.survival의 '시간 열 ~ 사건 열' 또는 time·event 역할).",
)
FEW_EVENTS = Words(
    en="Fewer than 10 events were observed in the real records.",
    ko="실제 자료에서 관찰된 사건이 10건 미만입니다.",
)
PROPOSED = Words(
    en="The columns were proposed from their names; state purpose.survival to confirm or change them.",
    ko="열 이름으로 제안된 대상입니다. 확정하거나 바꾸려면 purpose.survival에 적으십시오.",
)


@dataclass(frozen=True, slots=True)
class Observed:
    """One table's records whose time and event are known.

    Parameters
    ----------
    time, event
        Shape (k,).
    rows
        Their positions in the table.
    """

    time: FloatArray
    event: BoolArray
    rows: IntArray


def targets_of(schema: Schema, purpose: Purpose) -> tuple[SurvivalTarget, ...]:
    """Return the survival targets, none where what is declared cannot be one."""
    try:
        return survival_targets(schema, purpose)
    except SchemaError:
        return ()


def shared_targets(cc: CodedCase, schema: Schema, purpose: Purpose) -> tuple[SurvivalTarget, ...]:
    """Return the survival targets whose columns all tables of a case have."""
    there = {f.name for f in cc.fields}
    return tuple(t for t in targets_of(schema, purpose) if {t.time, t.event} <= there)


def observed(cc: CodedCase, part: Part, target: SurvivalTarget) -> Observed:
    """Return a part's records whose time (not below 0) and event are known."""
    f = cc.field(target.event)
    if f.numeric:
        values = numbers_of(part.coded, f.name)
    else:
        codes = codes_of(part.coded, f.name)
        values = np.where(codes < 0, np.nan, codes)
    event = happened(values, f)
    time = numbers_of(part.coded, target.time)
    rows = np.flatnonzero(~np.isnan(event) & (time >= 0))
    return Observed(time[rows], event[rows] == 1, rows.astype(np.intp))
