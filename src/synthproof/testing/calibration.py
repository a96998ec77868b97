"""What a metric says of generators whose answer is known: the trial that every metric faces before the catalogue.

{fresh, copycat, noise} × {equal, 9:1 split} × many redrawn worlds. No policy is involved: a piece of evidence is *worse*
than its reference when the interval of their difference lies wholly on the bad side, and *covers* it when the interval
holds 0. A reference that is itself measured brings its own interval; the two are combined as for independent estimates
(method of variance estimates recovery, Zou & Donner 2008, doi:10.1002/sim.3095).
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from scipy import stats as st

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.random import derive
from synthproof.core.registry import metrics
from synthproof.core.run import Run, quiet
from synthproof.core.stats import clopper_pearson
from synthproof.data.table.dataset import Table
from synthproof.engines.threads import one_blas_thread
from synthproof.testing.references import copycat, fresh, noise, partial_copycat
from synthproof.testing.worlds import World

GENERATORS = ("fresh", "copycat", "noise", "tenth")
"""``tenth``: fresh records of which a tenth is exchanged for verbatim training records."""
BY_KEYS = frozenset(
    {"table.cap", "table.disclosure", "table.linkability", "table.pipc_linkage", "table.reidentification"}
)
"""Metrics to which a person is known by some columns only: where those are coarse, copying gives nobody away by them."""
SPLITS: Mapping[str, tuple[float, float]] = {"equal": (0.5, 0.5), "9:1": (0.9, 0.1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One piece of evidence from one redrawn world.

    Parameters
    ----------
    worse, covers
        How the estimate stands to its reference; see `against_reference`.
    asked
        Whether the metric can see copies in this world at all (see `BY_KEYS`).
    """

    world: str
    split: str
    generator: str
    seed: int
    metric: str
    subject: str
    family: str
    outcome: str
    estimate: float | None
    reference: float | None
    worse: bool
    covers: bool
    asked: bool = True


def case_of(world: World, split: str, generator: str, seed: int, n: int) -> Case[Table]:
    """Return a case of n real units in all, cut as `split` says, with the synthetic data of a known generator."""
    share_train, _ = SPLITS[split]
    n_train = round(share_train * n)
    train = world.draw(n_train, derive(seed, "calibration/train"))
    holdout = world.draw(n - n_train, derive(seed, "calibration/holdout"))
    new = fresh(world, n_train, derive(seed, "calibration/fresh"))
    if generator == "fresh":
        synthetic = new
    elif generator == "copycat":
        synthetic = copycat(train, n_train, seed)
    elif generator == "tenth":
        synthetic = partial_copycat(train, new, 0.1, seed)
    else:
        synthetic = noise(train, n_train, seed)
    return Case(train=train, holdout=holdout, synthetic=synthetic, purpose=world.purpose)


def trials(
    world: World,
    split: str,
    generator: str,
    seed: int,
    *,
    n: int,
    names: Sequence[str],
    run: Run | None = None,
    seconds: dict[str, float] | None = None,
) -> list[Trial]:
    """Return what the named metrics say of one generator in one redrawn world; `seconds` gathers their wall times."""
    case = case_of(world, split, generator, seed, n)
    out: list[Trial] = []
    for name in names:
        metric = metrics.make(name)
        if metric.applies(case.train.schema, case.purpose) is not None:
            continue
        started = time.perf_counter()
        found = metric.measure(case, seed=derive(seed, name), run=run)
        if seconds is not None:
            seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - started
        for e in found:
            worse, covers = against_reference(e, metric.card.better)
            out.append(
                Trial(
                    world=world.name,
                    split=split,
                    generator=generator,
                    seed=seed,
                    metric=name,
                    subject=e.subject,
                    family=metric.card.family,
                    outcome=e.outcome,
                    estimate=e.estimate,
                    reference=e.reference,
                    worse=worse,
                    covers=covers,
                    asked=world.fine_keys or name not in BY_KEYS,
                )
            )
    return out


def campaign(
    world: World,
    split: str,
    generator: str,
    seeds: Sequence[int],
    *,
    n: int,
    names: Sequence[str],
    run: Run | None = None,
) -> tuple[list[Trial], dict[str, float]]:
    """Return the trials of many redrawn worlds, and the wall seconds of each metric.

    The worlds are tried side by side on the run's workers, on a cluster as on one machine; the trials do not depend on
    them.
    """
    work = partial(_one_world, world, split, generator, n, tuple(names))
    found: list[Trial] = []
    seconds: dict[str, float] = {}
    for told, took in quiet(run).map(work, seeds, f"calibrate/{world.name}/{split}/{generator}"):
        found += told
        for name, s in took.items():
            seconds[name] = seconds.get(name, 0.0) + s
    return found, seconds


def _one_world(
    world: World, split: str, generator: str, n: int, names: tuple[str, ...], seed: int
) -> tuple[list[Trial], dict[str, float]]:
    seconds: dict[str, float] = {}
    alone = Run(executor="serial")
    with one_blas_thread():
        found = trials(world, split, generator, seed, n=n, names=names, run=alone, seconds=seconds)
    return found, seconds


def against_reference(e: Evidence, better: str) -> tuple[bool, bool]:
    """Return (worse than the reference, covers the reference) for one piece of evidence; no number is neither."""
    if e.estimate is None or e.interval is None or e.reference is None:
        return False, False
    low, high = e.interval
    ref_low, ref_high = e.reference_interval or (e.reference, e.reference)
    difference = e.estimate - e.reference
    below = difference - math.hypot(e.estimate - low, ref_high - e.reference)
    above = difference + math.hypot(high - e.estimate, e.reference - ref_low)
    worse = below > 0 if better == "lower" else above < 0
    return worse, below <= 0 <= above


def fewest_covered(n: int, level: float = 0.95, alarm: float = 1e-3) -> int:
    """Return the least number of n intervals that must cover, so that a true level fails with chance `alarm`."""
    return int(st.binom.ppf(alarm, n, level))


def summary(found: Iterable[Trial]) -> list[dict[str, Any]]:
    """Return one row per world, split, generator, metric and subject: how often worse, how often covered, medians."""
    groups: dict[tuple[str, ...], list[Trial]] = defaultdict(list)
    for t in found:
        groups[(t.world, t.split, t.generator, t.family, t.metric, t.subject)].append(t)
    rows = []
    for (world, split, generator, family, metric, subject), group in sorted(groups.items()):
        measured = [t for t in group if t.outcome == "measured" and t.reference is not None]
        n = len(measured)
        worse, covered = sum(t.worse for t in measured), sum(t.covers for t in measured)
        rows.append(
            {
                "world": world,
                "split": split,
                "generator": generator,
                "family": family,
                "metric": metric,
                "subject": subject,
                "trials": len(group),
                "measured": n,
                "worse": worse,
                "worse_rate": list(clopper_pearson(worse, n)) if n else None,
                "covered": covered,
                "covered_rate": list(clopper_pearson(covered, n)) if n else None,
                "median_estimate": _median([t.estimate for t in measured]),
                "median_reference": _median([t.reference for t in measured]),
                "holds": _holds(generator, family, subject, n, worse)
                if group[0].asked or generator == "fresh"
                else None,
            }
        )
    return rows


def together(found: Iterable[Trial], family: str = "safety") -> list[dict[str, Any]]:
    """Return per world, split and generator in how many worlds *any* subject of the family's metrics was worse."""
    groups: dict[tuple[str, str, str], dict[int, bool]] = defaultdict(dict)
    for t in found:
        if t.family == family:
            seen = groups[(t.world, t.split, t.generator)]
            seen[t.seed] = seen.get(t.seed, False) or t.worse
    return [
        {
            "world": world,
            "split": split,
            "generator": generator,
            "worlds": len(seen),
            "any_worse": sum(seen.values()),
            "any_worse_rate": list(clopper_pearson(sum(seen.values()), len(seen))),
        }
        for (world, split, generator), seen in sorted(groups.items())
    ]


def _holds(generator: str, family: str, subject: str, n: int, worse: int) -> bool | None:
    """Return whether the row is as it must be, or ``None`` where nothing is asked of it.

    Fresh records must not be called worse more often than the interval's error rate allows. (Better than the reference
    is no error: a small holdout makes the reference of a distance itself large.) Copies must be called worse by safety,
    noise by the summary of a fidelity metric (a single column may well be uniform), in nine of ten worlds. A tenth of
    copies is asked of the battery as a whole (`together`).
    """
    if n == 0:
        return None
    if generator == "fresh":
        return n - worse >= fewest_covered(n)
    if generator == "copycat" and family == "safety":
        return worse >= 0.9 * n
    if generator == "noise" and family in {"fidelity", "utility"} and subject == "all":
        return worse >= 0.9 * n
    return None


def _median(values: Sequence[float | None]) -> float | None:
    known = sorted(v for v in values if v is not None)
    return known[len(known) // 2] if known else None


__all__ = [
    "GENERATORS",
    "SPLITS",
    "Trial",
    "against_reference",
    "campaign",
    "case_of",
    "fewest_covered",
    "summary",
    "together",
    "trials",
]
