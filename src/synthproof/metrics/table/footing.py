"""Equal footing: train, holdout and synthetic encoded alike once per battery, and shares with intervals by unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.stats import wilson
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table, same_fields
from synthproof.engines.codes import Coded
from synthproof.engines.records import IdArray, encode_alike, record_ids

FloatArray = npt.NDArray[np.float64]
UnitArray = npt.NDArray[np.intp]

OURS = ("table.footing", "table.space", "table.distinct", "table.to_train")
"""Keys of the case's cache that hang on the footing."""

NO_HOLDOUT = Words(
    en="There is no holdout, so nothing tells copies from coincidences: the number cannot be given.",
    ko="홀드아웃(검증용 원본)이 없어 복제와 우연의 일치를 구별할 수 없으므로 값을 제시하지 않습니다.",
)
NO_RECORDS = Words(
    en="A data set that is needed has no records.",
    ko="측정에 필요한 데이터에 레코드가 없습니다.",
)
NO_FIELDS = Words(
    en="The table has no field that can be compared (only identifiers or free text).",
    ko="비교할 수 있는 항목이 없습니다(식별자 또는 자유 텍스트만 존재).",
)


@dataclass(frozen=True, slots=True)
class Footing:
    """The three data sets of a case as arrays in which equal codes mean equal values.

    Parameters
    ----------
    train, holdout, synthetic
        Modelled fields; `holdout` is ``None`` when the case has none.
    ids
        Number of each row's content, by data set; equal numbers mean equal rows.
    units
        Unit of each row, by data set.
    tables
        The very tables it was made from.
    """

    train: Coded
    holdout: Coded | None
    synthetic: Coded
    ids: Mapping[str, IdArray]
    units: Mapping[str, UnitArray]
    tables: Mapping[str, Table]

    def part(self, name: str) -> Coded:
        """Return one of the data sets by name."""
        found = {"train": self.train, "holdout": self.holdout, "synthetic": self.synthetic}[name]
        assert found is not None
        return found


def footing(case: Case[Table]) -> Footing:
    """Return the case's data sets on equal footing, made once per battery and kept in the case's cache."""
    named = {"train": case.train, "synthetic": case.synthetic}
    if case.holdout is not None:
        named["holdout"] = case.holdout
    found = case.cache.get("table.footing")
    if isinstance(found, Footing) and _same_tables(found.tables, named):
        return found
    # A case made from another by `dataclasses.replace` shares its cache: what was found for other tables must go.
    for key in [k for k in case.cache if k.startswith(OURS)]:
        del case.cache[key]
    for table in named.values():
        same_fields(case.train, table)
    coded = encode_alike([(t.frame, t.schema) for t in named.values()])
    ids = dict(zip(named, record_ids(coded, case.train.schema), strict=True))
    made = Footing(
        train=coded[0],
        synthetic=coded[1],
        holdout=coded[2] if case.holdout is not None else None,
        ids=ids,
        units={name: table.unit_of_row for name, table in named.items()},
        tables=named,
    )
    case.cache["table.footing"] = made
    return made


def _same_tables(old: Mapping[str, Table], new: Mapping[str, Table]) -> bool:
    return old.keys() == new.keys() and all(old[name] is table for name, table in new.items())


def lacks(case: Case[Table], *, holdout: bool) -> Words | None:
    """Return why a case cannot be looked at, or ``None``."""
    if not case.train.schema.modelled:
        return NO_FIELDS
    if len(case.train) == 0 or len(case.synthetic) == 0:
        return NO_RECORDS
    if holdout and (case.holdout is None or len(case.holdout) == 0):
        return NO_HOLDOUT
    return None


@dataclass(frozen=True, slots=True)
class Share:
    """A share of rows with its interval; `n` is the effective number of rows that the interval rests on."""

    estimate: float
    low: float
    high: float
    n: float
    hits: float

    def plain(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"estimate": self.estimate, "interval": [self.low, self.high], "n_effective": self.n}


def share(hits: npt.NDArray[Any], units: UnitArray, level: float = 0.95) -> Share:
    """Return the share of rows that are hits, with Wilson's interval by unit.

    Rows of one unit are alike, so they count for less than as many units: the number of rows is divided by the design
    effect of the ratio estimator (Kish & Frankel 1974, doi:10.1111/j.2517-6161.1974.tb00981.x); with no spread left
    (share 0 or 1) the units are counted. One row a unit gives Wilson's interval as it is.

    Parameters
    ----------
    hits
        Booleans, or numbers in [0, 1] (fractional credit), one per row.
    units
        Unit of each row, 0 … u - 1.
    """
    x = np.asarray(hits, dtype=np.float64)
    n = len(x)
    if n == 0:
        return Share(0.0, 0.0, 1.0, 0.0, 0.0)
    p = float(x.mean())
    n_eff = effective_rows(x, units)
    low, high = wilson(p * n_eff, n_eff, level)
    return Share(p, min(low, p), max(high, p), n_eff, float(x.sum()))


def effective_rows(x: FloatArray, units: UnitArray) -> float:
    """Return how many independent rows the rows are worth for the mean of `x`."""
    n = len(x)
    present = np.bincount(units) > 0  # units are numbered, so counting them is far cheaper than sorting or hashing
    n_units = int(present.sum())
    if n_units == n:
        return float(n)
    p = float(x.mean())
    sums = np.bincount(units, weights=x - p)
    if n_units < 2 or p in (0.0, 1.0):
        return float(n_units)
    variance = float((sums[present] ** 2).sum()) * n_units / (n_units - 1) / n**2
    return float(min(n, p * (1 - p) / variance)) if variance > 0 else float(n_units)


__all__ = ["NO_HOLDOUT", "NO_RECORDS", "Footing", "Share", "effective_rows", "footing", "lacks", "share"]
