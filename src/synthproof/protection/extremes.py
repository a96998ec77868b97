"""Top and bottom coding: no value stays that fewer than k persons reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import NotFittedError
from synthproof.core.params import Params, check_range
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field, Schema
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table, empty_frame
from synthproof.engines.codes import from_numbers, to_numbers
from synthproof.protection.persons import person_extremes, persons_of
from synthproof.protection.treatments import Treatment, class_by_role

FloatArray = npt.NDArray[np.float64]


class Extremes(Params):
    """Cut each numeric field where fewer than k persons lie beyond.

    The upper cut is the k-th largest of the persons' largest values, the lower cut the k-th smallest of their smallest:
    afterwards each end is held by at least k persons. A value that many hold (an atom such as 99999) is its own cut
    and stays.

    Parameters
    ----------
    k
        Fewest persons at each end, at least 2. The default 5 is ours (the guide names top and bottom coding without a
        number) and the receipt says so.
    quantile
        Also cut at this quantile of the persons' extremes and its mirror image, in (0.5, 1); ``None`` cuts by k alone.
    fields
        Fields to look at; all numeric modelled fields if ``None``.

    Notes
    -----
    A field that fewer than k persons hold is set missing whole; one with fewer than 2 k persons, whose two cuts would
    cross, becomes its median. Both are said in the receipt. Cost O(n log n) for each field.

    References
    ----------
    PIPC, guidance on pseudonymisation and on synthetic data: outstanding values (특이정보), top and bottom coding.
    """

    def __init__(self, k: int = 5, quantile: float | None = None, fields: Sequence[str] | None = None) -> None:
        self.k = k
        self.quantile = quantile
        self.fields = fields

    def fit(self, train: Table, /, *, run: Run | None = None) -> Self:
        """Learn the cuts from train alone."""
        check_range(self, "k", self.k, 2, 1_000_000)
        if self.quantile is not None:
            check_range(self, "quantile", self.quantile, 0.5, 1.0)
        job = quiet(run)
        cuts: dict[str, dict[str, Any]] = {}
        for f in job.each(_chosen(train.schema, self.fields), "protect: extremes"):
            cut = self._cut(train, f)
            if cut is not None:
                cuts[f.name] = cut
        self.cuts_ = cuts
        self.classes_ = {f.name: class_by_role(f) for f in train.schema.fields if f.name in cuts}
        self.n_persons_ = len(train)
        return self

    def _cut(self, train: Table, f: Field) -> dict[str, Any] | None:
        values = to_numbers(train.frame[f.name], f)
        finite = np.where(np.isfinite(values), values, np.nan)
        least, most = person_extremes(train, finite)
        if not least.size:
            return None
        if least.size < self.k:
            held = ~np.isnan(values)
            return _told(how="missing", bottom=0, top=0, persons=persons_of(train, held), cells=int(held.sum()))
        low, high = float(least[self.k - 1]), float(most[-self.k])
        if self.quantile is not None:
            low = max(low, float(np.quantile(least, 1 - self.quantile, method="higher")))
            high = min(high, float(np.quantile(most, self.quantile, method="lower")))
        how = "cut"
        if low > high:
            low = high = float(np.quantile(finite[~np.isnan(finite)], 0.5, method="lower"))
            how = "median"
        below, above = values < low, values > high
        if not below.any() and not above.any():
            return {**_told(how="none", bottom=0, top=0, persons=0, cells=0), "low": low, "high": high}
        told = _told(
            how=how,
            bottom=int(below.sum()),
            top=int(above.sum()),
            persons=persons_of(train, below | above),
            cells=int((below | above).sum()),
        )
        return {**told, "low": low, "high": high}

    def transform(self, data: Table, /) -> Table:
        """Return the table with values beyond the cuts set to them; the schema's ranges follow."""
        if not hasattr(self, "cuts_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="transform")
        frame = data.frame.copy(deep=False)
        schema = data.schema
        for name, cut in self.cuts_.items():
            f = schema.field(name)
            if cut["how"] == "missing":
                frame[name] = empty_frame(Schema(fields=(f,)), len(frame))[name]
                schema = schema.replace_field(replace(f, low=None, high=None, nullable=True))
                continue
            low, high = cut["low"], cut["high"]
            frame[name] = _clipped(frame[name], f, low, high)
            least = low if f.low is None else max(f.low, low)
            most = high if f.high is None else min(f.high, high)
            schema = schema.replace_field(replace(f, low=least, high=most))
        return data.with_frame(frame, schema)

    def receipt(self) -> Mapping[str, Any]:
        """Return counts for each field and the origin of the threshold; no value."""
        if not hasattr(self, "cuts_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="receipt")
        changed = {n: c for n, c in self.cuts_.items() if c["how"] != "none"}
        keys = ("how", "bottom", "top", "persons", "cells")
        return {
            "protection": "extremes",
            "version": 1,
            "k": self.k,
            "quantile": self.quantile,
            "threshold": _origin(self.k, self.quantile).to_dict(),
            "persons": self.n_persons_,
            "looked_at": list(self.cuts_),
            "fields": {name: {key: cut[key] for key in keys} for name, cut in changed.items()},
            "treatments": [
                Treatment(field=n, klass=self.classes_[n], method=_method(c), detail=_detail(c, self.k)).to_dict()
                for n, c in changed.items()
            ],
        }

    def get_state(self) -> State:
        """Return the cuts as JSON values. It belongs in the vault: a cut is a value that k persons share."""
        if not hasattr(self, "cuts_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="get_state")
        return {"cuts": self.cuts_, "classes": self.classes_, "persons": self.n_persons_}

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self.cuts_ = {name: dict(cut) for name, cut in state["cuts"].items()}
        self.classes_ = dict(state["classes"])
        self.n_persons_ = int(state["persons"])
        return self


def _chosen(schema: Schema, names: Sequence[str] | None) -> list[Field]:
    if names is not None:
        return [f for f in map(schema.field, names) if f.numeric and not f.has("unit")]
    return [f for f in schema.modelled if f.numeric]


def _clipped(column: pd.Series, f: Field, low: float, high: float) -> pd.Series:
    """Only the cells beyond a cut are written anew: integers beyond 2**53 elsewhere stay exact."""
    values = to_numbers(column, f)
    out = column
    for beyond, end in ((values < low, low), (values > high, high)):
        if beyond.any():
            out = out.copy() if out is column else out
            out[beyond] = from_numbers(np.array([end]), f).iloc[0]
    return out


def _told(*, how: str, bottom: int, top: int, persons: int, cells: int) -> dict[str, Any]:
    return {"how": how, "bottom": bottom, "top": top, "persons": persons, "cells": cells}


def _origin(k: int, quantile: float | None) -> Words:
    by_quantile_en = f", and at the {quantile:g} quantile at the latest" if quantile is not None else ""
    by_quantile_ko = f"(늦어도 {quantile:g} 분위수에서 절단)" if quantile is not None else ""
    return Words(
        en=f"Cut at the value of the {k}th most extreme person at each end{by_quantile_en}; "
        "k is a setting of this tool, not a number of the guide.",
        ko=f"양 끝에서 {k}번째로 극단적인 사람의 값에서 절단{by_quantile_ko}. k는 지침의 수치가 아니라 이 도구의 설정값임",
    )


def _method(cut: Mapping[str, Any]) -> Any:
    return "delete" if cut["how"] == "missing" else "generalise"


def _detail(cut: Mapping[str, Any], k: int) -> Words:
    persons, cells = cut["persons"], cut["cells"]
    if cut["how"] == "missing":
        return Words(
            en=f"Held by {persons} persons only, fewer than {k}: every value set missing.",
            ko=f"보유자가 {persons}명으로 {k}명 미만이어서 모든 값을 결측으로 처리함",
        )
    if cut["how"] == "median":
        return Words(
            en=f"Held by fewer than {2 * k} persons: {cells} values set to the median.",
            ko=f"보유자가 {2 * k}명 미만이어서 {cells}개 값을 중앙값으로 대체함",
        )
    return Words(
        en=f"Top and bottom coding, at least {k} persons at each end: {cut['top']} values lowered, "
        f"{cut['bottom']} raised.",
        ko=f"상·하단 코딩(양 끝 각 {k}명 이상): 상단 {cut['top']}건, 하단 {cut['bottom']}건 조정",
    )
