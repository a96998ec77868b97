"""Refinements of drawn data that the PIPC guide knows: logged, opt-in, measured again afterwards.

Both look at training data while they choose what to drop, which is itself a channel: whoever can run the generator and
the filter again learns from the holes (Ganev & De Cristofaro, arXiv 2312.05114). They are therefore off by default, drop
at distance zero only, and write what they did, in counts, for the report.

A proof of differential privacy speaks of the generator, not of what such a filter lets through: after any of them the
safety of a private generator's data is *not assessed* (`voided_by`, `withheld`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import NotFoundError
from synthproof.core.evidence import Evidence
from synthproof.core.registry import metrics
from synthproof.core.schema import Purpose
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.engines.records import encode_alike, record_ids
from synthproof.metrics.table.key_classes import CAP_LIMIT, cap, keys, named

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]
_ROUNDS = 5


def drop_exact_copies(
    synthetic: Table, train: Table, replacement: Callable[[int], Table] | None = None
) -> tuple[Table, Mapping[str, Any]]:
    """Drop synthetic units that equal training records, and fill up with new ones (the reference model's variant B).

    Parameters
    ----------
    synthetic, train
        Compared on all modelled fields, as written. A unit of several rows is a copy when every row of it equals some
        training row.
    replacement
        ``replacement(k)`` returns k further units; ``replacement(k)`` is the head of ``replacement(k + 1)``, as with
        every synthesizer of ours. It is asked at most five times. Without it the result is smaller.

    Returns
    -------
    Table
        As many units as before, when the replacements suffice; no unit equal to a training record.
    dict
        What was done, with the share of copies before and after; counts only.
    """
    kept, copied = _originals(synthetic, train)
    gone = synthetic.take(copied)
    wanted, seen, asked = len(synthetic), 0, 0
    parts = [synthetic.take(kept)]
    missing = wanted - len(kept)
    while replacement is not None and missing > 0 and asked < _ROUNDS:
        size = seen + 2 * missing + 64
        drawn = replacement(size)
        spare = drawn.take(np.arange(seen, len(drawn), dtype=np.intp))
        new, _ = _originals(spare, train)
        done = len(gone) - missing
        parts.append(_named_after(spare.take(new[:missing]), gone, done))
        seen, asked = len(drawn), asked + 1
        missing = wanted - sum(len(p) for p in parts)
    frame = pd.concat([p.frame for p in parts], ignore_index=True).astype(synthetic.frame.dtypes.to_dict())
    entry = {
        "refinement": "drop_exact_copies",
        "units_before": wanted,
        "copies_dropped": len(copied),
        "rate_before": len(copied) / wanted if wanted else 0.0,
        "rate_after": 0.0,
        "units_after": wanted - max(0, missing),
        "drawn_in_addition": seen,
    }
    return synthetic.with_frame(frame), entry


def cap_remedy(
    synthetic: Table, train: Table, purpose: Purpose, limit: float = CAP_LIMIT
) -> tuple[Table, Mapping[str, Any]]:
    """Drop part of the synthetic rows that give a sensitive value away, until no original's CAP is over the limit.

    For a class K in which some original's value T reaches CAP over the limit, the last of the rows with that K and T
    are dropped: as many as the limit needs, all of them where every row of the class carries that T (CAP is then
    undefined). Several sensitive items are treated in turn until none is over.

    Returns
    -------
    Table
        Fewer rows, in the same order.
    dict
        Rows dropped, and per sensitive item the share of originals over the limit before and after; counts only.
    """
    k, items = named(purpose, train.schema)
    before = {t: _over(synthetic, train, k, t, limit) for t in items} if k else {}
    now = synthetic
    while before:
        size = now.n_rows
        for t in items:
            now = now.with_frame(now.frame[_under(now, train, k, t, limit)].reset_index(drop=True))
        if now.n_rows == size:
            break
    entry = {
        "refinement": "cap_remedy",
        "cap_limit": limit,
        "rows_before": synthetic.n_rows,
        "rows_dropped": synthetic.n_rows - now.n_rows,
        "rate_before": before,
        "rate_after": {t: _over(now, train, k, t, limit) for t in before},
    }
    return now, entry


def voided_by(tags: Mapping[str, Any], refinements: Sequence[Mapping[str, Any]]) -> Words | None:
    """Return why the safety of drawn data cannot be judged, or ``None``.

    Parameters
    ----------
    tags
        Of the generator (`Tags` as a mapping).
    refinements
        Logged changes of the drawn data; also one that dropped nothing looked at the data.
    """
    if not tags.get("private") or not refinements:
        return None
    return _VOIDED.filled(names=", ".join(str(r.get("refinement", r.get("name", "?"))) for r in refinements))


def withheld(evidence: Sequence[Evidence], why: Words) -> tuple[Evidence, ...]:
    """Return evidence of which that on safety carries no number; no person's word stands in for it."""
    return tuple(
        replace(
            e, outcome="failed", estimate=None, interval=None, reference=None, reference_interval=None, detail={},
            private={}, caveat=why,
        )
        if _on_safety(e.metric)
        else e
        for e in evidence
    )  # fmt: skip


def _on_safety(metric: str) -> bool:
    try:
        return bool(metrics.get(metric).card.family == "safety")
    except NotFoundError:
        return True


_VOIDED = Words(
    en="Withheld: the generator gives differential privacy, and a filter that looked at the real records changed what it drew "
    "({names}). The proof does not cover that, so safety is not assessed. Draw again without the filter.",
    ko="판단 보류: 차분 프라이버시를 제공하는 생성기의 결과를 실제 자료를 참조하는 후처리({names})로 변경하였습니다. 증명이 이를 "
    "포함하지 않으므로 안전성을 판단할 수 없습니다. 후처리 없이 다시 생성하십시오.",
)


def _originals(synthetic: Table, train: Table) -> tuple[IntArray, IntArray]:
    """Return the units that are no copies, and those that are."""
    coded = encode_alike([(train.frame, train.schema), (synthetic.frame, synthetic.schema)])
    real, drawn = record_ids(coded, train.schema)
    novel_rows = np.bincount(synthetic.unit_of_row, weights=~np.isin(drawn, real), minlength=len(synthetic))
    return np.flatnonzero(novel_rows > 0).astype(np.intp), np.flatnonzero(novel_rows == 0).astype(np.intp)


def _named_after(new: Table, gone: Table, start: int) -> Table:
    """Return new units under the labels of the dropped ones, from the one at `start` on, so that keys stay unique."""
    unit = new.schema.unit_field
    if unit is None:
        labels = {
            f.name: gone.frame[f.name].iloc[start : start + len(new)].reset_index(drop=True)
            for f in new.schema.fields
            if f.kind == "identifier"
        }
    else:
        free = gone.frame[unit].drop_duplicates().iloc[start : start + len(new)]
        labels = {unit: free.iloc[new.unit_of_row].reset_index(drop=True)}
    return new.with_frame(new.frame.assign(**labels)) if labels else new


def _over(synthetic: Table, train: Table, k: tuple[str, ...], t: str, limit: float) -> float | None:
    values = cap(keys({"train": train, "synthetic": synthetic}, k, t), "train", "synthetic")
    defined = values[~np.isnan(values)]
    return float((defined > limit).mean()) if len(defined) else None


def _under(synthetic: Table, train: Table, k: tuple[str, ...], t: str, limit: float) -> BoolArray:
    """Return which synthetic rows stay so that no original's CAP for one item is over the limit."""
    found = keys({"train": train, "synthetic": synthetic}, k, t)
    n_t = 1 + max(int(v.max(initial=0)) for v in found.t.values())
    pair = found.k["synthetic"] * n_t + found.t["synthetic"]
    targets = np.unique(found.k["train"] * n_t + found.t["train"])
    pairs, inverse, in_pair = np.unique(pair, return_inverse=True, return_counts=True)
    in_class = np.bincount(found.k["synthetic"])[pairs // n_t]
    # (c - x) / (n - x) <= limit  <=>  x >= (c - limit n) / (1 - limit); the small slack keeps exact 0.7 from rounding up.
    needed = np.ceil((in_pair - limit * in_class) / (1 - limit) - 1e-9)
    drop = np.where(np.isin(pairs, targets), np.clip(needed, 0, in_pair), 0).astype(np.int64)
    rank_from_end = _rank_from_end(inverse)
    return np.asarray(rank_from_end >= drop[inverse], dtype=bool)


def _rank_from_end(groups: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
    """Return for each row how many later rows are of its group."""
    order = np.argsort(groups[::-1], kind="stable")
    sorted_groups = groups[::-1][order]
    starts = np.searchsorted(sorted_groups, sorted_groups, side="left")
    rank = np.empty(len(groups), dtype=np.int64)
    rank[order] = np.arange(len(groups)) - starts
    return rank[::-1]
