"""What Jensen-Shannon and Hellinger have in common: shares of bins, column by column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.run import Run
from synthproof.core.words import Words
from synthproof.metrics.table.answers import (
    NO_FIELDS,
    NO_HOLDOUT,
    REAL_UNITS,
    SYNTHETIC_UNITS,
    insufficient,
    joined,
    too_few,
)
from synthproof.metrics.table.coded_case import ENOUGH, CodedCase, coded_case
from synthproof.metrics.table.histograms import FieldCounts, binned_fields, row_bins
from synthproof.metrics.table.intervals import basic_interval
from synthproof.metrics.table.resampling import REPEATS, resampled

FloatArray = npt.NDArray[np.float64]
Divergence = Callable[[FloatArray, FloatArray], FloatArray]
"""Takes shares of shape (repeats, k) twice, returns shape (repeats,)."""

_Pair = tuple[float, FloatArray]

_READ = Words(
    en="Numbers are compared in bins at rounded quantiles of the real data, missing values as a bin of their own. The "
    "interval is a basic bootstrap over groups of units (it takes the upward bias out).",
    ko="수치 열은 원본의 반올림한 분위수 구간으로, 결측은 별도 구간으로 비교합니다. "
    "구간은 상향 편의를 제거한 보호 단위 묶음 부트스트랩입니다.",
)


def measure_columns(
    card: Card,
    case: Case[Any],
    divergence: Divergence,
    floor: Callable[[int, float, float], float],
    *,
    root: bool = False,
    seed: int,
    run: Run,
) -> Sequence[Evidence]:
    """Return the mean of a divergence over columns first, then one piece of evidence a column.

    Parameters
    ----------
    floor
        (filled bins, rows here, rows there) → the value to expect between two samples of one law.
    root
        Whether the divergence is a root of a sum of squares (see `basic_interval`).
    """
    cc = coded_case(case)
    for part, what in ((cc.train, REAL_UNITS), (cc.synthetic, SYNTHETIC_UNITS)):
        if part.n < ENOUGH:
            return [too_few(card, part.n, ENOUGH, what, seed=seed)]
    if not cc.fields:
        return [insufficient(card, NO_FIELDS, seed=seed)]
    held = cc.holdout if cc.holdout is not None and cc.holdout.n >= ENOUGH else None
    n, m = cc.train.effective, cc.synthetic.effective
    out, all_draws, all_fresh = [], np.zeros(REPEATS), np.zeros(REPEATS)
    for counts in run.each(binned_fields(case), card.id):
        value, draws = _measured(divergence, case, counts, "synthetic", seed)
        all_draws += draws
        reference, around = None, None
        if held is not None and counts.holdout is not None:
            reference, fresh = _measured(divergence, case, counts, "holdout", seed)
            all_fresh += fresh
            around = basic_interval(reference, fresh, root=root)
        filled = int(((counts.train > 0) | (counts.synthetic > 0)).sum())
        out.append(
            Evidence(
                metric=card.id,
                version=card.version,
                subject=counts.field.name,
                estimate=value,
                interval=basic_interval(value, draws, root=root),
                reference=reference,
                reference_interval=around,
                n=cc.synthetic.n,
                seed=seed,
                detail={"bins": filled, "floor": floor(filled, n, m)},
                caveat=None if held is not None else NO_HOLDOUT,
            )
        )
    return [_mean(card, cc, out, all_draws / len(out), all_fresh / len(out), seed, root), *out]


def _mean(
    card: Card, cc: CodedCase, out: Sequence[Evidence], draws: FloatArray, fresh: FloatArray, seed: int, root: bool
) -> Evidence:
    values = np.array([e.estimate for e in out], dtype=np.float64)
    references = [e.reference for e in out if e.reference is not None]
    order = np.argsort(-values, kind="stable")
    mean = float(values.mean())
    reference = float(np.mean(references)) if references else None
    return Evidence(
        metric=card.id,
        version=card.version,
        estimate=mean,
        interval=basic_interval(mean, draws, root=root),
        reference=reference,
        reference_interval=None if reference is None else basic_interval(reference, fresh, root=root),
        n=cc.synthetic.n,
        seed=seed,
        detail={
            "columns": [out[i].subject for i in order],
            "values": [float(values[i]) for i in order],
            "floor": float(np.mean([e.detail["floor"] for e in out])),
        },
        caveat=joined(_READ, None if references else NO_HOLDOUT),
    )


def _value(divergence: Divergence, a: npt.NDArray[np.intp], b: npt.NDArray[np.intp]) -> float:
    return float(divergence((a / max(1, a.sum()))[None], (b / max(1, b.sum()))[None])[0])


def _measured(divergence: Divergence, case: Case[Any], counts: FieldCounts, other: str, seed: int) -> _Pair:
    """Return train against another table of the case: the value, and its values over groups drawn anew."""
    cc = coded_case(case)
    train, part = cc.train, getattr(cc, other)
    bins, k = row_bins(train, counts.field, counts.edges)
    others, _ = row_bins(part, counts.field, counts.edges)
    value = divergence(_share(bins, k)[None], _share(others, k)[None])[0]
    draws = divergence(resampled(case, "train", seed).shares(bins, k), resampled(case, other, seed).shares(others, k))
    return float(value), draws


def _share(bins: npt.NDArray[np.intp], k: int) -> FloatArray:
    return np.asarray(np.bincount(bins, minlength=k) / max(1, len(bins)), dtype=np.float64)
