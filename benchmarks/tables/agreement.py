"""Our scorer against the independent judge `shared/bench/score.py`, figure by figure: results/tables/agreement.json.

    python benchmarks/tables/agreement.py [--sets heart_disease default_credit adult]

Both score the cached synthetic table of one kept cell (`table.cart_chain`, seed 0), on one thread.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import time
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
from cells import KEPT, keep
from scorer import score
from sets import SETS, cache_dir, label, stored_halves

from _machine import data_dir, environment

NAMES = {
    "shape_err": "shape_err",
    "trend_err": "trend_err",
    "tri_err": "tri_err",
    "missing_err": "missing_err",
    "category_coverage": "category_cov",
    "rare_coverage": "rare_cov",
    "range_coverage": "range_cov",
    "rules": "fd_rules",
    "rules_broken": "fd_violation",
    "c2st_auc": "c2st_auc",
    "c2st_auc_holdout": "c2st_auc_holdout",
    "tstr": "tstr_gbm",
    "trtr": "trtr_gbm",
    "dcr_share": "dcr_share",
    "dcr_median_ratio": "dcr_median_ratio",
    "mia_auc": "mia_auc_domias",
    "mia_auc_nearest": "mia_auc_nearest",
    "copies": "copy_rate",
    "copies_holdout": "copy_rate_holdout",
}
"""Our name of a figure → the judge's."""
PARTS = ("fidelity", "detection", "strict", "utility", "privacy")


def load_judge(path: Path) -> ModuleType:
    """Import the judge from its file; it works on one thread then."""
    found = importlib.util.spec_from_file_location("independent_judge", path)
    if found is None or found.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    module.THREADS = 1  # type: ignore[attr-defined]
    return module


def differences(
    judge: ModuleType, train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame, target: str
) -> dict[str, Any]:
    """Return both sides' figures, how far each pair is apart, and the CPU seconds of both."""
    marks = [time.process_time()]
    ours = score(train, holdout, synthetic, target)
    marks.append(time.process_time())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = judge.score(train, holdout, synthetic, target, PARTS)
    marks.append(time.process_time())
    pairs = {a: (ours[a], theirs[b]) for a, b in NAMES.items()}
    return {
        "figures": {a: {"ours": x, "judge": y, "apart": apart(x, y)} for a, (x, y) in pairs.items()},
        "most_apart": max(apart(x, y) for x, y in pairs.values()),
        "ours_cpu_s": marks[1] - marks[0],
        "judge_cpu_s": marks[2] - marks[1],
    }


def apart(x: float | None, y: float | None) -> float:
    """Return the distance of two figures; infinite when only one of them is there."""
    if x is None or y is None:
        return 0.0 if x is y else float("inf")
    return abs(x - y)


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sets", nargs="*", default=["heart_disease", "default_credit", "adult"], choices=list(SETS))
    ap.add_argument("--folder", default="ours.table.cart_chain", help="whose cached tables are scored")
    a = ap.parse_args()
    os.environ["BENCH_CACHE"] = ""  # the judge works everything out, as ours does
    judge = load_judge(data_dir().parent / "bench" / "score.py")
    result: dict[str, Any] = {"environment": environment(), "generator": a.folder, "seed": 0, "sets": {}}
    for name in a.sets:
        paths = (*stored_halves(name, 0), cache_dir() / a.folder / f"{label(name, 0)}.parquet")
        found = differences(judge, *(pd.read_parquet(p) for p in paths), SETS[name].target)
        result["sets"][name] = found
        print(name, {k: v for k, v in found.items() if k != "figures"}, flush=True)
    keep(KEPT / "agreement.json", result)


if __name__ == "__main__":
    main()
