"""Put every registered table metric to the trial of known generators and keep what it says.

    python benchmarks/calibrate.py                    # everything: results/calibration.json
    python benchmarks/calibrate.py --family safety    # a part, merged into the kept file
    python benchmarks/calibrate.py --executor ray://head:10001    # on a cluster; the same numbers

The kept file says per world, split, generator, metric and subject: in how many of the redrawn worlds the number was
called worse than its reference and in how many it covered it, with Clopper-Pearson intervals.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from _machine import RESULTS, environment, keep
from synthproof.core.registry import metrics
from synthproof.core.run import Run
from synthproof.testing.calibration import GENERATORS, SPLITS, Trial, campaign, summary, together
from synthproof.testing.worlds import worlds

KEY = ("world", "split", "generator", "metric", "subject")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--n", type=int, default=2000, help="real units in all (train and holdout)")
    parser.add_argument("--family", default="", help="only metrics of this family")
    parser.add_argument("--metric", action="append", default=[], help="only this metric (repeatable)")
    parser.add_argument("--world", action="append", default=[], help="only this world (repeatable)")
    parser.add_argument("--split", action="append", default=[], choices=list(SPLITS), help="only this split")
    parser.add_argument("--executor", default="serial", help="serial, processes, ray or ray://HOST:PORT")
    parser.add_argument("--workers", type=int, default=None, help="worlds at a time (default: every core)")
    args = parser.parse_args()
    with Run(executor=args.executor, workers=args.workers) as run:
        calibrate(args, run)


def calibrate(args: argparse.Namespace, run: Run) -> None:
    chosen = [w for w in worlds() if not args.world or w.name in args.world]
    names = [
        name
        for name in metrics.names()
        if name.startswith("table.")
        and (not args.metric or name in args.metric)
        and (not args.family or metrics.get(name).card.family == args.family)
    ]
    seconds: dict[str, float] = {}
    found: list[Trial] = []
    started = time.perf_counter()
    for world in chosen:
        for split in args.split or SPLITS:
            for generator in GENERATORS:
                seeds = range(1, args.seeds + 1)
                told, took = campaign(world, split, generator, seeds, n=args.n, names=names, run=run)
                found += told
                for name, s in took.items():
                    seconds[name] = seconds.get(name, 0.0) + s
                save(args, found, seconds)
                print(f"{time.perf_counter() - started:7.0f} s  {world.name} {split} {generator}", flush=True)
    result = save(args, found, seconds)
    for r in result["not_held"]:
        print("not held:", r)


def save(args: argparse.Namespace, found: list[Trial], seconds: dict[str, float]) -> dict[str, Any]:
    whole = args.family in {"", "safety"} and not args.metric
    rows = merged("rows", summary(found), KEY)
    result: dict[str, Any] = {
        "what": "every table metric on generators of known answer; see benchmarks/calibrate.py",
        "environment": environment(),
        "seeds": args.seeds,
        "real_units": args.n,
        "splits": {k: list(v) for k, v in SPLITS.items()},
        "wall_seconds_per_metric": {k: round(v, 1) for k, v in seconds.items()},
        "rows": rows,
        "safety_battery": merged("safety_battery", together(found) if whole else [], KEY[:3]),
        "not_held": [{k: r[k] for k in (*KEY, "measured", "worse", "covered")} for r in rows if r["holds"] is False],
    }
    keep("calibration", result)
    return result


def merged(part: str, new: list[dict[str, Any]], key: tuple[str, ...]) -> list[dict[str, Any]]:
    path = RESULTS / "calibration.json"
    old = json.loads(path.read_text(encoding="utf-8")).get(part, []) if path.is_file() else []
    table = {tuple(r[k] for k in key): r for r in old}
    table.update({tuple(r[k] for k in key): r for r in new})
    return [table[k] for k in sorted(table)]


if __name__ == "__main__":
    main()
