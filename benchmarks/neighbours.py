"""How fast the exact mixed-type neighbour search is, against the plain ways of doing it: results/neighbours.json.

Adult (48,842 × 15) against itself, 64 neighbours. `tiled` is `engines.neighbours`; `column by column` is the same scan
compiled without tiles and without summing four columns at a time; `numpy` is the plain float64 path, whose answer the
others must equal. The last two are timed on some queries and scaled to all.
"""

from __future__ import annotations

import time
from typing import Any

import numba
import numpy as np
import pandas as pd

from _machine import data_dir, environment, keep
from synthproof.core.run import Run, available_cores
from synthproof.data.table.io import read_table
from synthproof.engines.codes import encode
from synthproof.engines.neighbours import MixedSpace, Placed, nearest

K = 64
SOME = 512


@numba.njit(nogil=True, fastmath={"nnan", "nsz"})
def plain_scan(queries: Any, columns: Any, weights: Any, best: Any) -> None:
    d, n = columns.shape
    k = best.shape[1]
    total = np.empty(n, np.float32)
    for q in range(queries.shape[0]):
        total[:] = 0
        for j in range(d):
            column, value, weight = columns[j], queries[q, j], weights[j]
            for b in range(n):
                total[b] += min(weight * abs(column[b] - value), np.float32(1))
        best[q] = np.sort(total)[:k]


def main() -> None:
    folder = data_dir() / "adult"
    table = read_table(pd.concat([pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test")]))
    coded = encode(table.frame, table.schema)
    space = MixedSpace.fit(coded, table.schema)
    placed = space.place(coded)
    some = placed.rows(slice(0, SOME))
    nearest(space, some.rows(slice(0, 8)), placed, K, engine="numba")  # compile
    rows: list[dict[str, Any]] = []
    for workers in dict.fromkeys((1, available_cores())):
        wall, cpu, found = timed(space, placed, placed, workers)
        rows.append({"way": "tiled", "workers": workers, "queries": len(placed), "wall_s": wall, "cpu_s": cpu})
    started, cpu_started = time.perf_counter(), time.process_time()
    truth = nearest(space, some, placed, K, run=Run(workers=1), engine="numpy")
    scale = len(placed) / SOME
    rows.append(scaled("numpy", started, cpu_started, scale))
    columns = np.ascontiguousarray(placed.quick.T)
    weights = np.minimum(space.weights * space.shrink, 1e30).astype(np.float32)
    best = np.empty((SOME, K), np.float32)
    plain_scan(some.quick[:4], columns, weights, best[:4])
    started, cpu_started = time.perf_counter(), time.process_time()
    plain_scan(some.quick, columns, weights, best)
    rows.append(scaled("column by column, full sort", started, cpu_started, scale))
    pairs = len(placed) ** 2
    result = {
        "what": f"Adult {len(placed)} x {space.d} against itself, {K} nearest",
        "environment": environment(),
        "ways": rows,
        "pairs": pairs,
        "tiled_ns_per_pair_and_field": round(1e9 * rows[0]["cpu_s"] / pairs / space.d, 4),
        "same_distances_as_numpy": bool(np.array_equal(found[0][:SOME], truth[0])),
        "same_rows_as_numpy": bool(np.array_equal(found[1][:SOME], truth[1])),
    }
    keep("neighbours", result)
    for row in rows:
        print(row)
    print({k: v for k, v in result.items() if k.startswith(("same", "tiled"))})


def timed(space: MixedSpace, queries: Placed, reference: Placed, workers: int) -> tuple[float, float, Any]:
    started, cpu = time.perf_counter(), time.process_time()
    found = nearest(space, queries, reference, K, run=Run(workers=workers), engine="numba")
    return round(time.perf_counter() - started, 2), round(time.process_time() - cpu, 2), found


def scaled(way: str, started: float, cpu: float, scale: float) -> dict[str, Any]:
    wall, spent = time.perf_counter() - started, time.process_time() - cpu
    return {
        "way": way,
        "workers": 1,
        "queries": SOME,
        "wall_s": round(wall * scale, 1),
        "cpu_s": round(spent * scale, 1),
    }


if __name__ == "__main__":
    main()
