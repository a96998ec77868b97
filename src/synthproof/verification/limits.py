"""Limits simulated from the institution's own data, as the PIPC guide does (appendix 4): original against original.

The preprocessed original is cut at random into two halves by unit; one half plays the original, the other the synthetic
data, and the metric is measured. Repeated some 100 times, a quantile of the values is the limit: what real records of
the same source do to each other. The lower the quantile, the stricter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Limit
from synthproof.core.random import derive, permutation
from synthproof.core.registry import metrics
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose
from synthproof.core.stats import quantile_interval
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import Coded, encode
from synthproof.engines.learners.linear import Columns, Design, Products, fit_logistic
from synthproof.engines.neighbours import MixedSpace, Placed, nearest
from synthproof.engines.records import IdArray, record_ids
from synthproof.engines.threads import one_blas_thread

FloatArray = npt.NDArray[np.float64]
RowArray = npt.NDArray[np.intp]
CountArray = npt.NDArray[np.intp]

NEIGHBOURS = 64
"""Neighbours of every record that are held once; a random half misses all of them with probability 2**-64."""
MOST_UNITS: Mapping[str, int] = {"table.pipc_inference": 60_000, "table.corr_sd": 200_000, "table.pmse": 60_000}
"""Larger tables are sampled down to this many units for the metric, and the limit says so."""
MOST_WORK = 200_000_000_000
"""Units² × fields above which the sample for inference is smaller still (about 20 CPU-seconds of search)."""
_FEWEST_UNITS = 20
_QUICK = 12


@dataclass(frozen=True, slots=True)
class LimitSpec:
    """A limit that is wanted: of which metric, at which quantile of the repeats."""

    metric: str
    quantile: float


def simulate_limits(
    train: Table,
    purpose: Purpose,
    specs: Sequence[LimitSpec],
    *,
    seed: int,
    repeats: int = 100,
    run: Run | None = None,
) -> list[Limit]:
    """Return one limit per spec that could be simulated.

    Parameters
    ----------
    train
        The *preprocessed* original that the synthetic data are compared with.
    specs
        Metrics and quantiles. ``table.pipc_singling_out``, ``table.pipc_inference``, ``table.corr_sd`` and
        ``table.pmse`` have their own quick forms; any other registered metric is run on the halves as it is.
    repeats
        Number of random halvings; the same halvings serve every metric.

    Returns
    -------
    list of Limit
        ``record`` holds all repeats, quantile and its interval, seed, sizes and the data's digest. A metric that gave
        no number in more than half of the repeats, and a table under 20 units, yield no limit.

    Notes
    -----
    The single-out share is measured against n/2 originals but applies to n, so it is corrected: p* = 1 - (1 - p)²; the
    others are not. Cost: one search of the 64 nearest neighbours of the table, then a look-up per repeat.
    """
    run = quiet(run)
    if len(train) < _FEWEST_UNITS or not specs:
        return []
    digest = train.fingerprint()
    found: list[Limit] = []
    values: dict[str, tuple[FloatArray, int]] = {}
    for metric in dict.fromkeys(s.metric for s in specs):
        halves = _Halves(train, purpose, most=_most(metric, train), seed=seed)
        halves.prepare(metric, run)
        work = partial(_SIMULATED.get(metric, partial(_by_metric, metric)), halves)
        with one_blas_thread():
            measured = np.array(run.map(work, range(repeats), f"limits/{metric}"), dtype=np.float64)
        values[metric] = measured, halves.n_units
    for spec in specs:
        measured, units = values[spec.metric]
        good = measured[np.isfinite(measured)]
        if len(good) * 2 > repeats:
            facts = _Facts(units=units, of_units=len(train), unit=train.schema.unit, digest=digest, seed=seed)
            found.append(_limit(spec, good, repeats, facts))
    return found


def _most(metric: str, table: Table) -> int | None:
    most = MOST_UNITS.get(metric)
    if most is None or metric != "table.pipc_inference":
        return most
    return min(most, int((MOST_WORK / max(1, len(table.schema.modelled))) ** 0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    units: int
    of_units: int
    unit: str
    digest: str
    seed: int


def _limit(spec: LimitSpec, values: FloatArray, repeats: int, facts: _Facts) -> Limit:
    low, high = quantile_interval(values, spec.quantile)
    percent = f"{100 * spec.quantile:g}"
    sampled = facts.units < facts.of_units
    corrected = spec.metric == "table.pipc_singling_out"
    en = f"{percent}th percentile of {repeats} random halves of your own data"
    ko = f"자체 원본을 무작위로 절반씩 {repeats}회 나누어 모의한 값의 {percent}백분위수"
    if corrected:
        en += ", corrected to the full size by p* = 1 - (1 - p)²"
        ko += "(전체 크기에 맞게 p* = 1 - (1 - p)²로 보정)"
    if sampled:
        en += f" (a random sample of {facts.units:,} of {facts.of_units:,} {facts.unit}s)"
        ko += f"(전체 {facts.of_units:,}건 중 무작위 표본 {facts.units:,}건 사용)"
    return Limit(
        metric=spec.metric,
        value=float(np.quantile(values, spec.quantile)),
        side="max",
        origin="simulated",
        because=Words(en=en + ".", ko=ko + "."),
        record={
            "values": [float(v) for v in values],
            "repeats": repeats,
            "quantile": spec.quantile,
            "quantile_interval": [low, high],
            "median": float(np.median(values)),
            "seed": facts.seed,
            "units": facts.of_units,
            "units_used": facts.units,
            "units_per_half": facts.units // 2,
            "correction": "1-(1-p)^2" if corrected else "",
            "data": facts.digest,
        },
    )


class _Halves:
    """A table (or a sample of it), its random halves, and what all repeats share."""

    def __init__(self, table: Table, purpose: Purpose, *, most: int | None, seed: int) -> None:
        if most is not None and len(table) > most:
            table = table.take(np.sort(permutation(seed, "limits/sample", len(table))[:most]))
        self.table = table
        self.purpose = purpose
        self.seed = seed
        self.neighbours: _Neighbours | None = None
        self.main_effects: tuple[Columns, Products] | None = None
        self.n_units = len(table)
        self.unit_of_row = table.unit_of_row
        self.coded: Coded = encode(table.frame, table.schema)
        self.ids: IdArray = record_ids([self.coded], table.schema)[0]
        self.n_records = int(self.ids.max(initial=-1)) + 1

    def units(self, repeat: int) -> tuple[RowArray, RowArray]:
        """Return the units of the two halves, equally many; of an odd number one unit sits out."""
        order = permutation(self.seed, f"limits/half/{repeat}", self.n_units)
        half = self.n_units // 2
        return np.sort(order[:half]), np.sort(order[half : 2 * half])

    def rows(self, repeat: int) -> tuple[RowArray, RowArray]:
        """Return the rows of the two halves, in table order."""
        side = np.zeros(self.n_units, dtype=np.int8)
        a, b = self.units(repeat)
        side[a], side[b] = 1, 2
        of_row = side[self.unit_of_row]
        return np.flatnonzero(of_row == 1).astype(np.intp), np.flatnonzero(of_row == 2).astype(np.intp)

    def counts(self, repeat: int) -> tuple[CountArray, CountArray]:
        """Return how many rows of each half each distinct record has."""
        a, b = self.rows(repeat)
        return np.bincount(self.ids[a], minlength=self.n_records), np.bincount(self.ids[b], minlength=self.n_records)

    def prepare(self, metric: str, run: Run) -> None:
        """Make what all repeats of a metric share: the neighbours of every record, or the products of main effects."""
        if metric == "table.pipc_inference":
            self._search(run)
        elif metric == "table.pmse":
            # Both halves together are the table: `pmse_of` would learn the same design from them every time.
            columns = Design.learn([self.coded]).apply(self.coded)
            self.main_effects = columns, Products.of(columns)

    def _search(self, run: Run) -> None:
        _, first = np.unique(self.ids, return_index=True)
        space = MixedSpace.fit(self.coded, self.table.schema)
        placed = space.place(self.coded.rows(first.astype(np.intp)))
        distance, record = nearest(space, placed, placed, NEIGHBOURS + 1, run=run, task="limits/neighbours")
        self.neighbours = _Neighbours(space, placed, distance, record)


@dataclass(frozen=True, slots=True)
class _Neighbours:
    space: MixedSpace
    placed: Placed
    distance: FloatArray
    record: npt.NDArray[np.int32]

    def within(self, queries: RowArray, allowed: npt.NDArray[np.bool_], *, other: bool) -> tuple[FloatArray, RowArray]:
        """Return each query's nearest allowed record (`other`: not itself): first by look-up, the rest by search."""
        distance = np.full(len(queries), np.inf)
        record = np.full(len(queries), -1, dtype=np.intp)
        open_ = np.arange(len(queries))
        for width in (_QUICK, self.record.shape[1]):
            listed = self.record[queries[open_], :width]
            good = allowed[listed]
            if other:
                good &= listed != queries[open_, None]
            at, hit = good.argmax(axis=1), good.any(axis=1)
            done, at = open_[hit], at[hit]
            distance[done] = self.distance[queries[done], at]
            record[done] = listed[hit, at]
            open_ = open_[~hit]
        if len(open_):
            places = np.flatnonzero(allowed)
            queries_left, among = self.placed.rows(queries[open_]), self.placed.rows(places)
            found, row = nearest(self.space, queries_left, among, 2 if other else 1, run=Run(workers=1))
            for column in range(found.shape[1]):
                candidate = places[row[:, column]]
                use = (record[open_] < 0) & ((candidate != queries[open_]) if other else True)
                record[open_[use]] = candidate[use]
                distance[open_[use]] = found[use, column]
        return distance, record


def _singling_out(halves: _Halves, repeat: int) -> float:
    original, synthetic = halves.counts(repeat)
    p = float(synthetic[original > 0].sum() / max(1, synthetic.sum()))
    return 1 - (1 - p) ** 2


def _inference(halves: _Halves, repeat: int) -> float:
    original, synthetic = halves.counts(repeat)
    drawn = np.flatnonzero(synthetic).astype(np.intp)
    in_original = original > 0
    assert halves.neighbours is not None
    near, record = halves.neighbours.within(drawn, in_original, other=False)
    met = np.unique(record)
    between, _ = halves.neighbours.within(met, in_original, other=True)
    between = np.where(original[met] > 1, 0.0, between)[np.searchsorted(met, record)]
    times = synthetic[drawn]
    counted = float(times[near != between].sum())
    return float(times[near < between].sum()) / counted if counted else float("nan")


def _corr_sd(halves: _Halves, repeat: int) -> float:
    from synthproof.metrics.table.association import corr_sd_of

    a, b = halves.rows(repeat)
    return corr_sd_of(halves.coded.rows(a), halves.coded.rows(b))


def _pmse(halves: _Halves, repeat: int) -> float:
    assert halves.main_effects is not None
    columns, products = halves.main_effects
    drawn = np.ones(len(columns), dtype=bool)
    drawn[halves.rows(repeat)[0]] = False
    share = float(drawn.mean())
    fitted = fit_logistic(columns, drawn, products=products)
    return float(np.mean((fitted.probabilities - share) ** 2))


def _by_metric(metric: str, halves: _Halves, repeat: int) -> float:
    a, b = halves.units(repeat)
    case = Case(train=halves.table.take(a), holdout=None, synthetic=halves.table.take(b), purpose=halves.purpose)
    seed = derive(halves.seed, f"limits/{metric}/{repeat}")
    found = metrics.make(metric).measure(case, seed=seed)
    estimates = [e.estimate for e in found if e.subject == "all" and e.estimate is not None]
    return estimates[0] if estimates else float("nan")


_SIMULATED: Mapping[str, Callable[[_Halves, int], float]] = {
    "table.pipc_singling_out": _singling_out,
    "table.pipc_inference": _inference,
    "table.corr_sd": _corr_sd,
    "table.pmse": _pmse,
}

__all__ = ["LimitSpec", "simulate_limits"]
