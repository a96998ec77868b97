"""The trial of the whole verdict: planted leaks, many times, and how often each is shown, bounded or not assessed.

    python benchmarks/verdicts.py [--minutes 240] [--n 4000] [--source adult …] [--leak "copies 1 %" …]
    python benchmarks/verdicts.py --minutes 0          only the summary of what is kept
    python benchmarks/verdicts.py --refresh table.near_copies …    measure some metrics of every kept cell again, then go on

One cell is one leak in one source at one split and one redraw: a whole safety battery at the parameters of the policies.
What was measured is kept line by line in a cache outside the repository (SYNTHPROOF_PEERS/verdicts.jsonl), so that the run
goes on where it stopped and verdicts are made anew when a policy changes; redraws go round and round over all cells, so a
run that is cut short is balanced. The summary is kept in results/verdicts.json and told in docs/explanation/calibration.md.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from _machine import environment, keep
from dp import audited
from real_sources import PURPOSES, RealSource
from synthproof.core.evidence import AxisFinding, Evidence
from synthproof.core.stats import clopper_pearson
from synthproof.core.words import Words
from synthproof.policy.axes import MET, judge_axes, overall
from synthproof.policy.load import load_policy
from synthproof.testing.leaks import LEAKS, SPLITS, LawSource, Source, leak_case, mixture, told
from synthproof.testing.worlds import worlds

POLICIES = ("public", "partner", "internal")
LAWS = {w.name: w for w in (mixture(), *worlds())}
SOURCES = (*LAWS, *PURPOSES)
COARSE = frozenset({"survey", "adult_like"})
"""Sources whose K are so common that handing out K and T alone tells nobody's secret."""
_ROUNDS, _CLEAN = 8, 26  # redraws of a cell, and of a clean one
_NONE = Words(en="kept without its words", ko="문구 없이 보관")
Cell = tuple[str, str, str, int]


def source_of(name: str) -> Source:
    """Return a source by name."""
    return LawSource(LAWS[name]) if name in LAWS else RealSource(name)


def measured(cell: Cell, n: int, only: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Run one battery, or `only` some metrics of it, and return what the axes read, in short."""
    from synthproof.core.run import Run
    from synthproof.engines.threads import one_blas_thread
    from synthproof.verification.battery import run_battery

    source, split, leak, seed = cell
    policy = load_policy("public")
    read = only or {m.metric for a in policy.axes for m in a.measures}
    policy = replace(policy, planned=tuple(p for p in policy.planned if p.metric in read), rules=())
    started = time.perf_counter()
    with one_blas_thread():
        case = leak_case(LEAKS[leak], source_of(source), n, split, seed)
        found = run_battery(case, policy, seed=seed, run=Run(executor="serial"))
    took = time.perf_counter() - started
    kept = [
        [e.metric, e.subject, e.outcome, e.estimate, e.interval, e.reference, e.reference_interval, e.n,
         e.detail.get("persons"), e.detail.get(MET)]
        for e in found
    ]  # fmt: skip
    return {"cell": list(cell), "n": n, "train": len(case.train), "holdout": len(case.holdout or ()), "s": round(took, 2),
            "evidence": kept, **told_of(cell, n)}  # fmt: skip


def told_of(cell: Cell, n: int) -> dict[str, float]:
    """Return the true size of a leak of K and T alone, which is not its share of rows; nothing for another leak."""
    source, split, leak, seed = cell
    if LEAKS[leak].axes != ("attribute",):
        return {}
    case, clean = (leak_case(LEAKS[name], source_of(source), n, split, seed) for name in (leak, "clean"))
    return {"told": told(case, clean)}


def evidence_of(kept: list[list[Any]]) -> list[Evidence]:
    """Return kept evidence as evidence."""
    out = []
    for metric, subject, outcome, estimate, interval, reference, beside, n, *detail in kept:
        out.append(
            Evidence(
                metric=metric, subject=subject, outcome=outcome, estimate=estimate,
                interval=tuple(interval) if interval else None, reference=reference,
                reference_interval=tuple(beside) if beside else None, n=n,
                detail={k: v for k, v in zip(("persons", MET), detail, strict=False) if v is not None},
                caveat=None if outcome == "measured" else _NONE,
            )
        )  # fmt: skip
    return out


def todo(a: argparse.Namespace, done: set[Cell]) -> Iterator[Cell]:
    """Yield cells that are not kept, one redraw of all before the next of any; the 9:1 split every second round."""
    for seed in range(min(a.redraws, max(_ROUNDS, _CLEAN))):
        for source in a.source:
            for split in SPLITS:
                for leak in a.leak:
                    rounds = _CLEAN if leak == "clean" else _ROUNDS
                    late = split != "1:1" and leak != "clean" and seed % 2
                    if seed < rounds and not late and (source, split, leak, seed) not in done:
                        yield source, split, leak, seed


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--minutes", type=float, default=240)
    ap.add_argument("--n", type=int, default=4000)
    ap.add_argument("--workers", type=int, default=2)
    ap.add_argument("--source", nargs="*", default=list(SOURCES), choices=SOURCES)
    ap.add_argument("--leak", nargs="*", default=list(LEAKS), choices=list(LEAKS))
    ap.add_argument(
        "--name", default="verdicts", help="what the kept summary is called; only `verdicts` writes the page"
    )
    ap.add_argument("--redraws", type=int, default=_CLEAN, help="redraws of a cell at most")
    ap.add_argument("--refresh", nargs="*", default=[], help="metrics to measure again in every kept cell")
    a = ap.parse_args()
    path = cache()
    kept = kept_cells(path, a.n)
    ends, cells = time.monotonic() + 60 * a.minutes, todo(a, {tuple(k["cell"]) for k in kept})
    with ProcessPoolExecutor(a.workers) as pool, path.open("a", encoding="utf-8") as out:
        stale = [k for k in kept if not set(a.refresh) <= set(k.get("refreshed", ()))]
        for found in pool.map(partial(refreshed, names=frozenset(a.refresh)), stale):
            out.write(json.dumps(found) + "\n")
            out.flush()
        kept = kept_cells(path, a.n)
        while time.monotonic() < ends:
            batch = [c for c, _ in zip(cells, range(4 * a.workers), strict=False)]
            if not batch:
                break
            for found in pool.map(measured, batch, [a.n] * len(batch)):
                out.write(json.dumps(found) + "\n")
                kept.append(found)
            out.flush()
            print(f"{time.strftime('%H:%M:%S')} {len(kept)} cells, last {batch[-1]}", flush=True)
    from verdicts_page import write_page

    result = {
        "what": "states of the safety axes on planted leaks; see benchmarks/verdicts.py",
        "environment": environment(),
        "n": a.n,
        "cells": len(kept),
        "seconds_per_battery": sorted(k["s"] for k in kept)[len(kept) // 2] if kept else None,
        "by_leak": rates(kept, lambda c: (c[2], c[1])),
        "by_source": rates(kept, lambda c: (c[2], c[0], c[1])),
        "clean": rates([k for k in kept if k["cell"][2] == "clean"], lambda c: ("clean",)),
        "dp_audit": audited(300),
    }
    print(keep(a.name, result), write_page(result) if a.name == "verdicts" else "")


def kept_cells(path: Path, n: int) -> list[dict[str, Any]]:
    """Return what is kept of cells of this size; of a cell that was measured twice what came last."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return list({tuple(k["cell"]): k for k in map(json.loads, lines) if k["n"] == n}.values())


def refreshed(kept: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Return a kept cell of which some metrics are measured again, as they are now."""
    source, split, leak, seed = kept["cell"]
    again = measured((source, split, leak, seed), kept["n"], names)
    rest = [e for e in kept["evidence"] if e[0] not in names]
    return {
        **again,
        "s": kept["s"],
        "evidence": [*rest, *again["evidence"]],
        "refreshed": sorted({*kept.get("refreshed", ()), *names}),
    }


def cache() -> Path:
    """Return where what was measured is kept."""
    from sets import cache_dir

    folder = cache_dir().parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "verdicts.jsonl"


def rates(kept: list[dict[str, Any]], key: Any) -> list[dict[str, Any]]:
    """Return per group and policy how often each state was reached, with Clopper-Pearson intervals."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for k in kept:
        groups.setdefault(key(k["cell"]), []).append(k)
    out = []
    for name, cells in sorted(groups.items()):
        leak = LEAKS[name[0]]
        for policy in POLICIES:
            axes = load_policy(policy).axes
            judged = [judge_axes(evidence_of(c["evidence"]), axes) for c in cells]
            states = [overall(j) for j in judged]
            n = len(states)
            row: dict[str, Any] = {"group": list(name), "policy": policy, "redraws": n, "size": leak.size}
            for state in ("leak_shown", "bounded", "not_assessed"):
                hits = states.count(state)  # type: ignore[arg-type]
                row[state] = [hits, *(round(x, 4) for x in clopper_pearson(hits, n))]
            row["axes"] = {
                a.id: [
                    sum(f.state == s for j in judged for f in j if f.axis == a.id) for s in ("leak_shown", "bounded")
                ]
                for a in axes
            }
            row["told"] = _mean([c["told"] for c in cells if "told" in c])
            row["below_its_size"] = sum(_below(c.get("told", leak.size), j) for c, j in zip(cells, judged, strict=True))
            row["below_its_share_of_rows"] = sum(_below(leak.size, j) for j in judged)
            row["unexpected"] = sum(s not in leak.expected for s in states)
            out.append(row)
    return out


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _below(size: float | None, judged: tuple[AxisFinding, ...]) -> bool:
    """Return whether the whole verdict is "bounded" below the true share of records or persons leaked."""
    bounds = [f.bound for f in judged if f.bound is not None]
    return bool(size and overall(judged) == "bounded" and bounds and max(bounds) < size)


if __name__ == "__main__":
    main()
