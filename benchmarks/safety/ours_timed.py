"""One of our metrics on three tables, timed in a process of its own: cold (kernels loaded from their cache), then warm."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from typing import Any

import synthproof
from synthproof.core.contracts import Case
from synthproof.core.registry import metrics
from synthproof.core.run import Run
from synthproof.core.schema import Purpose
from synthproof.data.table.conform import conform
from synthproof.engines.threads import one_blas_thread


def case_of(folder: Path, purpose: Purpose) -> Case[Any]:
    """Return the tables of a folder as a case."""
    train = synthproof.read(str(folder / "train.parquet"))
    holdout, synthetic = (conform(str(folder / f"{n}.parquet"), train.schema) for n in ("holdout", "synthetic"))
    return Case(train=train, holdout=holdout, synthetic=synthetic, purpose=purpose)


def main(metric: str, folder: str, params: dict[str, Any]) -> None:
    """Measure twice and print one line."""
    given = dict(params)
    purpose = Purpose(**{k: tuple(given.pop(k)) for k in ("quasi_identifiers", "sensitive") if k in given})
    case = case_of(Path(folder), purpose)
    out: dict[str, Any] = {}
    with one_blas_thread():
        for name in ("cold", "warm"):
            case.cache.clear()
            wall, cpu = time.perf_counter(), time.process_time()
            found = metrics.make(metric, **given).measure(case, seed=1, run=Run(executor="serial"))
            out[name] = {
                "cpu_s": round(time.process_time() - cpu, 3),
                "wall_s": round(time.perf_counter() - wall, 3),
            }
    out["evidence"] = [
        {"subject": e.subject, "outcome": e.outcome, "estimate": e.estimate, "interval": e.interval, "n": e.n,
         "detail": {k: v for k, v in e.detail.items() if isinstance(v, int | float) and not isinstance(v, bool)}}
        for e in found
    ]  # fmt: skip
    out["rows"] = [case.train.n_rows, case.holdout.n_rows, case.synthetic.n_rows]
    out["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(out), flush=True)
