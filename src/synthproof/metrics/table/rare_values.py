"""Are rare levels and tails kept? The share of records in them, real and synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.words import Words
from synthproof.engines.codes import levels_of
from synthproof.metrics.table.answers import (
    NO_HOLDOUT,
    REAL_UNITS,
    SYNTHETIC_UNITS,
    insufficient,
    joined,
    not_applicable,
    too_few,
)
from synthproof.metrics.table.coded_case import ENOUGH, CodedCase, Part, coded_case
from synthproof.metrics.table.footing import share
from synthproof.metrics.table.histograms import SHOWN, codes_of, numbers_of
from synthproof.metrics.table.intervals import basic_interval
from synthproof.metrics.table.resampling import resampled, thinned

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

RARE = 0.01
"""A level below this share of train is rare; a tail lies beyond train's 1 % or 99 % quantile."""
MOST_IN_A_TAIL = 2 * RARE

_NOTHING_RARE = Words(
    en="No column has a level below 1 % or a tail beyond its 1 % or 99 % quantile.",
    ko="1 % 미만의 범주나 1 %·99 % 분위수 밖의 꼬리가 있는 항목이 없습니다.",
)
_READ = Words(
    en="Rare levels (below 1 % of train) one by one, and the values beyond train's 1 % and 99 % quantiles: Bray-Curtis "
    "dissimilarity of their shares, Σ|q - p| / Σ(p + q); 0 is kept exactly, 1 wholly lost. The detail tells whether the "
    "synthetic data have too few or too many. Compare with the reference: few records make every share jump.",
    ko="희소 범주(학습 원본의 1 % 미만) 각각과 학습 원본의 1 %·99 % 분위수 밖 값의 비율을 브레이-커티스 비유사도 Σ|q-p|/Σ(p+q)로 "
    "비교합니다(0은 그대로 유지, 1은 완전 소실). 합성데이터에 부족한지 과다한지는 상세 내용에 있습니다. 레코드가 "
    "적으면 비율이 크게 흔들리므로 "
    "비교값과 함께 보십시오.",
)


class RareValues:
    """Bray-Curtis dissimilarity of the shares of rare levels and tails, all columns together first.

    Notes
    -----
    Synthetic and holdout are thinned to one size, since the number grows as samples shrink. A column stands alone where 10
    rare records are to be expected in each of them, and counts in the whole where fewer are. Cost O(cells); 0.3 s for
    24,000 rows × 15.
    """

    card: ClassVar[Card] = Card(
        id="table.rare_values",
        version=1,
        family="fidelity",
        name=Words(en="Rare levels and tails", ko="희소 범주와 꼬리"),
        question=Words(
            en="Do rare levels and extreme values occur as often in the synthetic data as in the real data?",
            ko="희소 범주와 극단값이 합성데이터에서도 원본만큼 나타납니까?",
        ),
        unit="distance (0 to 1)",
        low=0.0,
        high=1.0,
        better="lower",
        ideal=Words(
            en="The distance between two real samples (shown beside it); 0 only for the same data.",
            ko="원본 표본 간의 거리(함께 표시). 동일한 자료일 때만 0입니다.",
        ),
        source="Bray & Curtis 1957 doi:10.2307/1942268",
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no column can be compared."""
        return None if schema.modelled else _NOTHING_RARE.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the dissimilarity over all columns first, then one piece of evidence per column with anything rare."""
        cc = coded_case(case)
        for part, what in ((cc.train, REAL_UNITS), (cc.synthetic, SYNTHETIC_UNITS)):
            if part.n < ENOUGH:
                return [too_few(self.card, part.n, ENOUGH, what, seed=seed)]
        held = cc.holdout is not None and cc.holdout.n >= ENOUGH
        kept = thinned(cc, ("synthetic", "holdout") if held else ("synthetic",), seed, "rare_values")
        looks = [
            look
            for f in quiet(run).each(cc.fields, self.card.id)
            if (rare := _regions(cc, f)) is not None and (look := _look(case, cc, f, rare, kept, seed)) is not None
        ]
        if not looks:
            return [(not_applicable if cc.fields else insufficient)(self.card, _NOTHING_RARE, seed=seed)]
        remark = joined(_READ, None if held else NO_HOLDOUT)
        together = {name: np.concatenate([x.shares[name] for x in looks], axis=1) for name in looks[0].shares}
        by_column = {x.name: {k: x.facts[k] for k in ("real", "synthetic", "regions")} for x in looks}
        whole = self._evidence("all", together, {"columns": by_column}, min(cc.train.n, cc.synthetic.n), remark, seed)
        n = min(cc.synthetic.n, cc.holdout.n) if held and cc.holdout is not None else cc.synthetic.n
        alone = [x for x in looks if x.shares["train"][0].sum() * n >= SHOWN]
        return [whole, *(self._evidence(x.name, x.shares, x.facts, whole.n, None, seed) for x in alone)]

    def _evidence(
        self,
        subject: str,
        shares: dict[str, FloatArray],
        detail: dict[str, Any],
        n: int,
        remark: Words | None,
        seed: int,
    ) -> Evidence:
        value, interval = _dissimilarity(shares["train"], shares["synthetic"])
        reference, around = _dissimilarity(shares["train"], shares["holdout"]) if "holdout" in shares else (None, None)
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=subject,
            estimate=value,
            interval=interval,
            reference=reference,
            reference_interval=around,
            n=n,
            seed=seed,
            detail=detail,
            caveat=remark,
        )


@dataclass(frozen=True, slots=True)
class _Regions:
    """What is rare in one field: ``bins`` gives each row's region, 0 for none."""

    count: int
    place: IntArray
    low: float
    high: float

    def bins(self, part: Part, f: Field) -> IntArray:
        if f.levelled:
            return self.place[codes_of(part.coded, f.name).astype(np.intp) + 1]
        values = numbers_of(part.coded, f.name)
        with np.errstate(invalid="ignore"):
            return np.where(values < self.low, 1, np.where(values > self.high, 2, 0)).astype(np.intp)


@dataclass(frozen=True, slots=True)
class _Look:
    """Shares of each rare region of a field: row 0 as found, then over resampled groups of units."""

    name: str
    shares: dict[str, FloatArray]
    facts: dict[str, Any]


def _regions(cc: CodedCase, f: Field) -> _Regions | None:
    if f.levelled:
        k = len(levels_of(f))
        codes = codes_of(cc.train.coded, f.name)
        shares = np.bincount(codes[codes >= 0], minlength=k) / max(1, len(codes))
        # levels that only other tables have come after train's own and are for `table.validity`
        rare = np.flatnonzero((shares > 0) & (shares < RARE))
        place = np.zeros(k + 1, dtype=np.intp)
        place[rare + 1] = 1 + np.arange(len(rare))
        return _Regions(len(rare), place, np.nan, np.nan) if len(rare) else None
    values = numbers_of(cc.train.coded, f.name)
    present = values[~np.isnan(values)]
    if len(present) == 0:
        return None
    low, high = np.quantile(present, [RARE, 1 - RARE])
    tails = float((present < low).mean()), float((present > high).mean())
    # "beyond" a value that many share is no tail
    low, high = (
        (low if 0 < tails[0] <= MOST_IN_A_TAIL else -np.inf),
        (high if 0 < tails[1] <= MOST_IN_A_TAIL else np.inf),
    )
    if np.isinf(low) and np.isinf(high):
        return None
    return _Regions(2, np.empty(0, dtype=np.intp), float(low), float(high))


def _look(
    case: Case[Any], cc: CodedCase, f: Field, rare: _Regions, kept: dict[str, npt.NDArray[np.bool_]], seed: int
) -> _Look | None:
    shares: dict[str, FloatArray] = {}
    facts: dict[str, Any] = {"kind": "levels" if f.levelled else "tails", "regions": rare.count}
    for name in ("train", *kept):
        part: Part = getattr(cc, name)
        bins, keep = rare.bins(part, f), kept.get(name)
        drawn = resampled(case, name, seed).shares(bins, rare.count + 1, keep)
        mine = bins if keep is None else bins[keep]
        here = np.bincount(mine, minlength=rare.count + 1) / max(1, len(mine))
        shares[name] = np.concatenate([here[None], drawn])[:, 1:]
        if name == "holdout":
            continue
        hits, side = share(bins > 0, part.unit_of_row), "real" if name == "train" else name
        if name == "train" and hits.hits < SHOWN:
            return None
        facts[side] = hits.plain()
        if not f.levelled:
            rows = np.bincount(bins, minlength=3)[1:]
            facts[f"{side}_tails"] = [
                float(r / len(bins)) if side != "real" or r == 0 or r >= SHOWN else None for r in rows
            ]
    return _Look(f.name, shares, facts)


def _dissimilarity(p: FloatArray, q: FloatArray) -> tuple[float, tuple[float, float]]:
    """Return Bray-Curtis of row 0 and the interval from the others."""
    values = np.abs(p - q).sum(axis=1) / np.maximum((p + q).sum(axis=1), 1e-300)
    return float(values[0]), basic_interval(float(values[0]), values[1:], root=True)


__all__ = ["RARE", "RareValues"]
