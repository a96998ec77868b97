"""`make calibrate-costs`: what learning, drawing, reading and verifying cost, and the constants of `core/cost.py`.

    python benchmarks/costs.py [--only table.copula …] [--minutes 20]     (``--only none``: fit the kept runs again)

Every generator runs over tables of many sizes, each in a process of its own that measures its CPU and wall seconds and
the most memory it held. Constants are fitted to CPU seconds, which a busy machine hardly changes, by non-negative least
squares on relative error; how many cores the work kept busy is the median of CPU over wall, so that run is best made
on a quiet machine. Writes
``benchmarks/results/costs.json`` (every run, and how far it lies from the fit) and ``src/synthproof/core/costs.json``.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from _machine import RESULTS, environment, keep
from scale_data import Recipe

SHIPPED = Path(__file__).parents[1] / "src" / "synthproof" / "core" / "costs.json"
TERMS = ("one", "columns", "levels", "cells", "learned_cells", "learned_pairs", "pairs", "table")
CAPS = {"table.cart_chain": 100_000, "table.autoregressive": 50_000}
"""Rows beyond which a generator looks at no more of them when it learns, or (`ROOTS`) at as many as their root."""
ROOTS = {"table.autoregressive"}
SETTINGS = {"table.dp_marginals": {"public": "all"}}
"""What a generator cannot do without; it does not change what the work costs."""
GRID = [
    ("adult", 1_000, 15, 0), ("adult", 8_000, 15, 0), ("adult", 8_000, 5, 0), ("adult", 4_000, 30, 0),
    ("adult", 8_000, 10, 900), ("support2_emr", 2_000, 47, 0), ("magic", 16_000, 11, 0),
    ("default_credit", 8_000, 24, 0), ("adult", 64_000, 12, 0), ("adult", 250_000, 6, 0),
]  # fmt: skip
VERIFIED = [
    ("adult", 1_000, 15), ("adult", 8_000, 8), ("adult", 16_000, 15), ("support2_emr", 4_000, 47),
    ("magic", 8_000, 11), ("adult", 2_000, 60),
]  # fmt: skip


def one(work: str, data: str, rows: int, columns: int, cardinality: int, draw: int) -> dict[str, Any]:
    """Measure one piece of work in this process."""
    from synthproof.core.cost import Size
    from synthproof.core.registry import synthesizers
    from synthproof.data.table.io import read_table
    from synthproof.engines.threads import one_blas_thread

    frame = Recipe(data, columns, cardinality=cardinality).part(0, rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.parquet"
        frame.to_parquet(path)
        del frame
        with one_blas_thread():
            if work == "auto/judge":
                return _judged(read_table(path))
            if work not in ("read", "verify"):
                # kernels are compiled or loaded once per process, and no part of what a table costs
                small = read_table(Recipe("adult", 6).part(0, 300))
                synthesizers.make(work, random_state=1, **SETTINGS.get(work, {})).fit(small).sample(10, seed=1)
            table, reading = _timed(lambda: read_table(path)) if work == "read" else (read_table(path), {})
            size = Size.of(table.schema, table.n_rows)
            if work == "verify":
                return {"size": _plain(size), "verify": _verified(table)}
            if work == "read":
                return {"size": _plain(size), "read": reading}
            own = int(table.frame.memory_usage(deep=True).sum())
            model, fit = _timed(partial(synthesizers.make(work, random_state=1, **SETTINGS.get(work, {})).fit, table))
            fit["bytes"] += own  # the table itself is part of what learning holds
            del table
            drawn, sampled = _timed(lambda: model.sample(draw, seed=1))
            return {"size": _plain(size), "fit": fit, "draw": {**sampled, "rows": drawn.n_rows}}


def _judged(table: Any) -> dict[str, Any]:
    from synthproof.core.cost import Size
    from synthproof.core.run import Run
    from synthproof.synthesizers.table.checks import Judge

    half = table.n_rows // 2
    parts = [table.take(np.arange(k * half, (k + 1) * half)) for k in range(2)]
    for _ in range(2):  # kernels are compiled or loaded at the first
        _, spent = _timed(lambda: Judge(*parts, seed=1).judge(parts[0], run=Run()))
    return {"size": _plain(Size.of(table.schema, half)), "auto/judge": spent}


def _verified(table: Any) -> dict[str, Any]:
    from synthproof.pipeline import face

    parts = face.split(table, seed=1)
    fake = face.synthesizer("table.copula", random_state=1).fit(parts.train).core.sample(len(parts.train), seed=1)
    out: dict[str, Any] = {}
    for repeats in (20, 60):
        _, out[str(repeats)] = _timed(partial(face.verify, parts, fake, seed=1, repeats=repeats))
    return out


def _timed(work: Any) -> tuple[Any, dict[str, Any]]:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what earlier work freed must not hide what this work takes
    _reset_peak()
    before, wall, cpu = _memory("VmRSS"), time.perf_counter(), time.process_time()
    result = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return result, {"seconds": cpu, "wall": wall, "bytes": max(0, _memory("VmHWM") - before)}


def _memory(key: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    return 0


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _plain(size: Any) -> dict[str, int]:
    return {"rows": size.rows, "columns": size.columns, "levels": size.levels}


def fitted(points: list[dict[str, Any]], key: str, cap: float, root: bool) -> tuple[dict[str, float], float]:
    """Return non-negative constants of the terms, and the median relative error of the points."""
    from synthproof.core.cost import Size

    x = np.array([[Size(**p["size"]).terms(cap, root=root)[t] for t in TERMS] for p in points])
    y = np.maximum(np.array([p[key] for p in points], dtype=float), 1e-4 if key == "seconds" else 2**20)
    scale = x.max(axis=0)
    weights, _ = nnls(x / scale / y[:, None], np.ones(len(y)))
    found = {t: float(w / s) for t, w, s in zip(TERMS, weights, scale, strict=True) if w > 0}
    error = float(np.median(np.abs(x @ (weights / scale) / y - 1)))
    return found, error


def constants(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the constants of every piece of work that was measured."""
    work: dict[str, list[dict[str, Any]]] = {}
    for r in runs:
        name = r["work"]
        if "fit" in r:
            work.setdefault(f"{name}/fit", []).append({"size": r["size"], **r["fit"]})
            work.setdefault(f"{name}/draw", []).append({"size": {**r["size"], "rows": r["draw"]["rows"]}, **r["draw"]})
        elif name != "verify":
            work.setdefault(name, []).append({"size": r["size"], **r[name]})
        else:
            few, many = r["verify"]["20"], r["verify"]["60"]
            each = max(0.0, (many["seconds"] - few["seconds"]) / 40)
            rest = max(0.05, few["seconds"] - 20 * each)
            wall = few["seconds"] / few["wall"]
            point = {"size": r["size"], "bytes": max(few["bytes"], many["bytes"])}
            work.setdefault("verify", []).append({**point, "seconds": rest, "wall": rest / wall})
            work.setdefault("verify/repeat", []).append({**point, "seconds": each, "wall": each / wall, "bytes": 0})
    out: dict[str, Any] = {}
    for name, points in sorted(work.items()):
        cap = CAPS.get(name.split("/")[0], 0) if name.endswith("/fit") else 0
        root = cap > 0 and name.split("/")[0] in ROOTS
        seconds, off = fitted(points, "seconds", cap or np.inf, root)
        held, held_off = fitted(points, "bytes", cap or np.inf, root)
        spread = float(np.median([p["seconds"] / p["wall"] for p in points if p["wall"] > 0] or [1.0]))
        out[name] = {
            "cap": cap,
            "cores": round(max(1.0, spread), 2),
            "seconds": seconds,
            "bytes": held,
            "points": len(points),
        }
        out[name] |= {"median_error": {"seconds": round(off, 3), "bytes": round(held_off, 3)}}
    return out


def main() -> None:
    from synthproof.core.cost import pace_seconds
    from synthproof.core.registry import synthesizers

    ap = argparse.ArgumentParser()
    ap.add_argument("--only", nargs="*")
    ap.add_argument("--minutes", type=float, default=30)
    ap.add_argument("--one", nargs=6)
    a = ap.parse_args()
    if a.one:
        print(json.dumps(one(a.one[0], a.one[1], *(int(x) for x in a.one[2:]))))
        return
    names = [n for n in synthesizers.names() if n.startswith("table.") and _measurable(synthesizers.get(n))]
    todo = [
        (n, d, r, c, k) for d, r, c, k in GRID for n in [*names, "read", *(["auto/judge"] if r <= 20_000 else [])]
    ] + [("verify", d, r, c, 0) for d, r, c in VERIFIED]
    kept = RESULTS / "costs.json"
    old = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {"runs": []}
    runs = [r for r in old["runs"] if a.only is not None and r["work"] not in a.only]
    fresh = a.only != ["none"]
    told = {"environment": environment(), "pace_s": pace_seconds(time.process_time)} if fresh else old
    result: dict[str, Any] = {**told, "runs": runs}
    ends = time.monotonic() + 60 * a.minutes
    for work, data, rows, columns, cardinality in todo:
        if (a.only is not None and work not in a.only) or time.monotonic() > ends:
            continue
        given = [work, data, *(str(x) for x in (rows, columns, cardinality, min(rows, 50_000)))]
        try:
            done = subprocess.run(
                [sys.executable, __file__, "--one", *given], capture_output=True, text=True, timeout=240,
                env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True,
            )  # fmt: skip
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            print(f"{work:18} {data:14} {rows:7} × {columns:3}  FAILED {str(error.stderr)[-300:]}")
            continue
        run = {
            "work": work,
            "data": data,
            "cardinality": cardinality,
            **json.loads(done.stdout.strip().splitlines()[-1]),
        }
        runs.append(run)
        told = {
            k: {x: round(y, 3) for x, y in run[k].items() if x == "seconds"}
            for k in ("fit", "draw", "read")
            if k in run
        }
        print(f"{work:18} {data:14} {rows:7} × {columns:3}  {told or ''}", flush=True)
        result["work"] = constants(runs)
        keep("costs", result)
    result["work"] = constants(runs)
    keep("costs", result)
    shipped = {"pace_s": result["pace_s"], "measured_by": "benchmarks/costs.py", "work": result["work"]}
    SHIPPED.write_text(json.dumps(shipped, indent=1) + "\n", encoding="utf-8")


def _measurable(cls: Any) -> bool:
    return cls.tags.needs_data and not getattr(cls.tags, "extra", "")


if __name__ == "__main__":
    main()
