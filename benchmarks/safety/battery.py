"""What a whole battery costs at several sizes: wall seconds by metric, peak memory, and the exponents.

    python benchmarks/safety/battery.py [--rows 10000 30000 100000 1000000] [--columns 10 25 50]
    python benchmarks/safety/battery.py --adult [--again]

The plan of the policy `public`, train, holdout and synthetic of equal size (Adult resampled with jitter), all cores.
``--adult``: the two halves of Adult itself, once more with nothing compiled beforehand (a folder of kernels of its own).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ours_timed import case_of
from runner import HERE, folder_of, keep, kept
from speed import KNOWN, SECRET, tables

from scale_data import Recipe, base
from synthproof.core.random import derive  # noqa: F401  (loads the package before the clock starts)
from synthproof.core.run import Run
from synthproof.core.schema import Purpose

ADULT = 24_421
GOALS = {"24421x15": (30, None), "100000x50": (60, None), "1000000x50": (300, 6.0)}


def adult() -> Path:
    """Write the halves of Adult, and as many rows of it resampled with jitter, once."""
    folder = folder_of("adult")
    if not (folder / "synthetic.parquet").is_file():
        whole = base("adult").sample(frac=1.0, random_state=1).reset_index(drop=True)
        whole.iloc[:ADULT].to_parquet(folder / "train.parquet", index=False)
        whole.iloc[ADULT : 2 * ADULT].to_parquet(folder / "holdout.parquet", index=False)
        Recipe("adult", whole.shape[1]).part(3, ADULT).to_parquet(folder / "synthetic.parquet", index=False)
    return folder


def one(rows: int, columns: int) -> dict[str, Any]:
    """Measure one size in this process; the second run has its kernels loaded."""
    from synthproof.engines.threads import one_blas_thread
    from synthproof.policy.load import load_policy
    from synthproof.verification.battery import run_battery

    purpose = Purpose(quasi_identifiers=KNOWN, sensitive=("occupation",), targets=(SECRET,))
    purpose = replace(purpose, quasi_identifiers=tuple(k for k in KNOWN if k != "occupation"))
    started = time.perf_counter()
    case = case_of(adult() if columns == 0 else tables(rows, columns), purpose)
    read_s = time.perf_counter() - started
    width = len(case.train.schema.names)
    out: dict[str, Any] = {
        "rows": case.train.n_rows,
        "columns": width,
        "load": round(os.getloadavg()[0], 1),
        "read_s": round(read_s, 2),
    }
    for name in ("cold", "warm") if rows <= 50_000 else ("cold",):  # noqa: PLR2004
        case.cache.clear()
        wall, cpu = time.perf_counter(), time.process_time()
        with one_blas_thread():
            found = run_battery(case, load_policy("public"), seed=1, run=Run())
        out[name] = {"wall_s": round(time.perf_counter() - wall, 2), "cpu_s": round(time.process_time() - cpu, 2)}
        out["by_metric"] = {k: round(v, 2) for k, v in sorted(found.seconds.items(), key=lambda kv: -kv[1]) if v > 0.05}  # noqa: PLR2004
        out["failed"] = sorted({e.metric for e in found if e.outcome == "failed"})
    out["peak_gib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    return out


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--rows", nargs="*", type=int, default=[10_000, 30_000, 100_000, 300_000, 1_000_000])
    ap.add_argument("--columns", nargs="*", type=int, default=[50])
    ap.add_argument("--again", action="store_true")
    ap.add_argument("--adult", action="store_true")
    ap.add_argument("--one", nargs=2, type=int)
    a = ap.parse_args()
    if a.one:
        print(json.dumps(one(*a.one)))
        return
    if a.adult:
        if kept("battery-adult") is None or a.again:
            with tempfile.TemporaryDirectory() as kernels:
                compiling = process(ADULT, 0, NUMBA_CACHE_DIR=kernels)
            found = process(ADULT, 0)
            told(keep("battery-adult", {**found, "nothing_compiled": compiling.get("cold", compiling)}), found)
        return
    for columns in a.columns:
        for rows in a.rows:
            name = f"battery-{rows}x{columns}"
            if kept(name) is None or a.again:
                found = process(rows, columns)
                told(keep(name, found), found)


def process(rows: int, columns: int, **more: str) -> dict[str, Any]:
    """Measure one size in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--one", str(rows), str(columns)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE, env=os.environ | more, check=False)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["?"])[-1][:300]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def told(path: Path, found: dict[str, Any]) -> None:
    """Say what was kept."""
    print(path, {k: found.get(k) for k in ("cold", "warm", "peak_gib", "failed", "error")}, flush=True)


if __name__ == "__main__":
    main()
