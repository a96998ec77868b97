"""`make bench-scale`: time and memory against rows, columns and cardinality; the large runs; estimates against what came.

    python benchmarks/scale.py [--share 1.0] [--only big curve-rows …] [--synthesizer table.autoregressive …] [--page]

Every point runs in a process of its own and is kept in ``benchmarks/results/scale/`` at once; points that are there are
not run again, so that a stopped run goes on. ``--share 0.1`` tries everything at a tenth of the rows, in temporary files.
Data: shared sets resampled with jitter, by the recipe in ``scale_data.py``. Writes ``benchmarks/results/scale.json`` and
the section of ``docs/benchmarks.md`` with its picture.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from _machine import RESULTS, environment, keep
from scale_data import Recipe

FOLDER = RESULTS / "scale"
DEFAULT = ("table.autoregressive", "table.cart_chain")
LIMITS = {
    "million": {"fit_s": 600, "peak_gib": 6, "rows_per_s": 10_000},
    "half": {"total_s": 180},
    "ten-million": {"peak_gib": 6},
}
BASE_ROWS, BASE_COLUMNS = 20_000, 15


def points(share: float, synthesizers: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return every point: its name, its data and what is done with them."""
    out: list[dict[str, Any]] = []

    def add(
        family: str, name: str, data: str, rows: int, columns: int, cardinality: int, draw: int, **more: Any
    ) -> None:
        rows, draw = max(500, round(rows * share)), max(500, round(draw * share))
        for synthesizer in synthesizers:
            point = {"family": family, "name": f"{name}-{synthesizer.removeprefix('table.')}", "data": data}
            point |= {"rows": rows, "columns": columns, "cardinality": cardinality, "draw": draw}
            out.append(point | {"synthesizer": synthesizer, "share": share, **more})

    for rows in (5_000, 10_000, 20_000, 50_000, 100_000, 200_000):
        add("curve-rows", f"rows-{rows}", "adult", rows, BASE_COLUMNS, 0, rows)
    for columns in (5, 10, 20, 40, 80):
        add("curve-columns", f"columns-{columns}", "support2_emr", BASE_ROWS, columns, 0, BASE_ROWS)
    for levels in (10, 100, 1_000, 10_000, 100_000):
        add("curve-cardinality", f"cardinality-{levels}", "adult", 5 * BASE_ROWS, 6, levels, BASE_ROWS)
    add("big", "half", "adult", 500_000, 15, 0, 500_000)
    add("big", "million", "support2_emr", 1_000_000, 50, 0, 100_000, chunked=True)
    add("big", "ten-million", "adult", 50_000, 15, 0, 10_000_000, parts=True)
    return out


def one(point: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Measure one point in this process."""
    import synthproof as sp
    from synthproof.core.cost import Size, machine_pace
    from synthproof.core.run import Run

    source = folder / "data.parquet"
    estimate, result = None, dict(point)
    run = Run()
    # kernels and libraries are loaded once per process, and no part of what a table costs
    sp.synthesizer(point["synthesizer"], random_state=1).fit(Recipe("adult", 6).part(0, 300)).sample(10, seed=1)
    start = time.perf_counter()
    if point.get("chunked"):
        data: Any = sp.read_chunks(source)
    else:
        data = sp.read(source)
    result["read_s"] = time.perf_counter() - start
    result["size"] = {k: getattr(Size.of(data.schema, data.n_rows), k) for k in ("rows", "columns", "levels")}
    pace = machine_pace()
    model = sp.synthesizer(point["synthesizer"], random_state=1)
    estimate = model.cost(data, point["draw"])
    result["estimated"] = {k: c.seconds for k, c in estimate.steps.items()} | {"bytes": estimate.bytes, "pace": pace}
    base = _peak()
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(data, run=run)
    result |= {
        "fit_s": time.perf_counter() - wall,
        "fit_cpu_s": time.process_time() - cpu,
        "fit_peak_gib": _peak() / 2**30,
    }
    result["notices"] = [w.en for w in model.notices]
    del data
    wall, cpu = time.perf_counter(), time.process_time()
    if point.get("parts"):
        paths = sp.sample_to(model, point["draw"], folder / "out", seed=1, run=run)
        result["drawn_bytes"] = sum(p.stat().st_size for p in paths)
    else:
        model.core.sample(point["draw"], seed=1, run=run)
    draw = time.perf_counter() - wall
    result |= {"draw_s": draw, "draw_cpu_s": time.process_time() - cpu, "rows_per_s": point["draw"] / draw}
    result |= {"peak_gib": _peak() / 2**30, "base_gib": base / 2**30}
    return result


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(point: dict[str, Any], hours: float) -> dict[str, Any] | None:
    """Run a point in a process of its own, unless its file is there already."""
    kept = place(point)
    if kept.is_file():
        return json.loads(kept.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    folder = Path(tempfile.mkdtemp(prefix="synthproof-scale-"))
    try:
        recipe = Recipe(point["data"], point["columns"], cardinality=point["cardinality"])
        recipe.write(folder / "data.parquet", point["rows"])
        done = subprocess.run(
            [sys.executable, __file__, "--one", json.dumps(point), "--folder", str(folder)],
            capture_output=True, text=True, timeout=3600 * hours, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True,
        )  # fmt: skip
        result = {**json.loads(done.stdout.strip().splitlines()[-1]), "environment": environment()}
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{point['name']:36} FAILED {str(error.stderr)[-400:]}")
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return result


def place(point: dict[str, Any]) -> Path:
    """Return the file of a point; tries at a smaller share are no results and lie among the temporary files."""
    if point["share"] == 1:
        return FOLDER / f"{point['name']}.json"
    return Path(tempfile.gettempdir()) / f"synthproof-scale-{point['share']:g}" / f"{point['name']}.json"


AXES = {"curve-rows": "rows", "curve-columns": "columns", "curve-cardinality": "cardinality"}


def exponents(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return for each curve the slope of log time and log memory against log size, with its standard error."""
    out = []
    for family, axis in AXES.items():
        for synthesizer in sorted({r["synthesizer"] for r in results}):
            chosen = [r for r in results if r["family"] == family and r["synthesizer"] == synthesizer]
            if len(chosen) < 3:
                continue
            x = np.log([r[axis] for r in chosen])
            fitted = {"axis": axis, "synthesizer": synthesizer, "from": min(r[axis] for r in chosen)}
            fitted["to"] = max(r[axis] for r in chosen)
            for key in ("fit_cpu_s", "draw_cpu_s"):
                fitted[key] = _slope(x, np.log([max(1e-3, r[key]) for r in chosen]))
            held = [max(2**-10, r["fit_peak_gib"] - r["base_gib"]) for r in chosen]
            fitted["fit_memory"] = _slope(x, np.log(held))
            out.append(fitted)
    return out


def _slope(x: Any, y: Any) -> dict[str, float]:
    (slope, level), cov = np.polyfit(x, y, 1, cov="unscaled")
    left = y - slope * x - level
    error = float(np.sqrt(cov[0, 0] * (left**2).sum() / max(1, len(x) - 2)))
    return {"exponent": round(float(slope), 3), "error": round(error, 3)}


def main() -> None:
    ap = argparse.ArgumentParser()
    ap.add_argument("--share", type=float, default=1.0)
    ap.add_argument("--only", nargs="*", help="families or names")
    ap.add_argument("--synthesizer", nargs="*", default=list(DEFAULT))
    ap.add_argument("--hours", type=float, default=1.0, help="at most, for each point")
    ap.add_argument("--page", action="store_true", help="only write the page from what is kept")
    ap.add_argument("--one")
    ap.add_argument("--folder")
    a = ap.parse_args()
    if a.one:
        print(json.dumps(one(json.loads(a.one), Path(a.folder))))
        return
    results = []
    for point in points(a.share, tuple(a.synthesizer)):
        if a.only and not {point["family"], point["name"]} & set(a.only):
            continue
        if a.page and not place(point).is_file():
            continue
        found = measure(point, a.hours)
        if found is not None:
            results.append(found)
            print(
                f"{found['name']:36} {found['rows']:9,} × {found['columns']:3}  fit {found['fit_s']:7.1f} s "
                f"({found['fit_cpu_s']:7.1f} CPU, estimated {found['estimated']['fit']:7.1f})  draw {found['rows_per_s']:9,.0f} "
                f"rows/s  peak {found['peak_gib']:.2f} GiB",
                flush=True,
            )
    if a.share == 1:
        from scale_page import write_page

        path = keep("scale", {"limits": LIMITS, "exponents": exponents(results), "points": results})
        print(path, *write_page())


if __name__ == "__main__":
    main()
