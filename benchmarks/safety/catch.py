"""Who catches what: the planted leaks through Anonymeter, SDMetrics and our axes, on the same tables.

    python benchmarks/safety/catch.py [--source adult] [--n 2000] [--redraws 5] [--minutes 60]

One file is kept for each leak and redraw, so that it goes on where it stopped.

Each tool is read as it asks to be read. Anonymeter: a leak is shown when the lower end of the 95 % interval of any of its
risks is over 0. SDMetrics gives scores without intervals or limits: a leak counts as seen when any score is lower than in
every clean redraw (so it is read more kindly than its users can). Ours: the state of the axes under the policy `public`.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from typing import Any

import numpy as np
import pandas as pd
from runner import ANONYMETER, SDMETRICS, ask, folder_of, keep, kept

from synthproof.policy.axes import judge_axes, overall
from synthproof.policy.load import load_policy
from synthproof.testing.leaks import LEAKS, leak_case
from verdicts import evidence_of, measured, source_of

CHOSEN = (
    "clean", "near copies 1 %", "near copies 5 %", "kernel 0.4 sd", "kernel 0.1 sd", "copies 1 %", "copies 5 %",
    "attribute only 5 %", "between neighbours",
)  # fmt: skip
ATTACKS, SD_ROWS = 300, 400


def cell(source: str, leak: str, n: int, seed: int) -> dict[str, Any]:
    """Return what all three say of one leak."""
    case = leak_case(LEAKS[leak], source_of(source), n, "1:1", seed)
    folder = folder_of(f"catch/{os.getpid()}")
    for name, table in (("train", case.train), ("holdout", case.holdout), ("synthetic", case.synthetic)):
        plain(table).to_parquet(folder / f"{name}.parquet")
    names = [f.name for f in case.train.schema.modelled]
    known, secret = list(case.purpose.quasi_identifiers), case.purpose.sensitive[0]
    options = {"kind": "battery", "attacks": ATTACKS, "known": known, "secret": secret}
    options["halves"] = [names[: len(names) // 2], names[len(names) // 2 :]]
    anonymeter = ask(ANONYMETER, folder, options)
    sdmetrics = ask(SDMETRICS, folder, {**options, "rows": SD_ROWS})
    own = measured((source, "1:1", leak, seed), n)
    found = judge_axes(evidence_of(own["evidence"]), load_policy("public").axes)
    return {
        "leak": leak,
        "seed": seed,
        "anonymeter": anonymeter.get("risks", anonymeter),
        "sdmetrics": sdmetrics.get("scores", sdmetrics),
        "ours": {"state": overall(found), "axes": {f.axis: f.state for f in found}, "seconds": own["s"]},
    }


def plain(table: Any) -> pd.DataFrame:
    """Return a table as any pandas reads it: floats and texts."""
    frame = table.frame[[f.name for f in table.schema.modelled]]
    out = {}
    for f in table.schema.modelled:
        column = frame[f.name]
        if f.numeric and f.kind != "datetime":
            out[f.name] = column.to_numpy(dtype="float64", na_value=np.nan)
        else:
            out[f.name] = column.astype(object).where(column.notna(), None).map(lambda v: None if v is None else str(v))
    return pd.DataFrame(out)


def summary(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how often each tool saw each leak."""
    clean = [c for c in cells if c["leak"] == "clean"]
    scores = ("dcr", "baseline", "disclosure", "new_row")
    least = {
        k: min((c["sdmetrics"][k]["score"] for c in clean if _score(c, k) is not None), default=None) for k in scores
    }
    out: dict[str, Any] = {"sdmetrics_clean_least": least, "leaks": {}}
    for leak in dict.fromkeys(c["leak"] for c in cells):
        mine = [c for c in cells if c["leak"] == leak]
        row: dict[str, Any] = {"redraws": len(mine)}
        row["anonymeter"] = {
            k: sum(1 for c in mine if (c["anonymeter"].get(k, {}).get("ci") or [0])[0] > 0)
            for k in ("singling_out univariate", "singling_out multivariate", "linkability", "inference")
        }
        row["anonymeter any"] = sum(
            any((r.get("ci") or [0])[0] > 0 for r in c["anonymeter"].values() if isinstance(r, dict)) for c in mine
        )
        row["sdmetrics"] = {k: sum(1 for c in mine if _under(c, k, least[k])) for k in scores}
        row["sdmetrics any"] = sum(any(_under(c, k, least[k]) for k in scores) for c in mine)
        row["ours"] = sum(c["ours"]["state"] == "leak_shown" for c in mine)
        row["ours bounded"] = sum(c["ours"]["state"] == "bounded" for c in mine)
        out["leaks"][leak] = row
    return out


def _score(c: dict[str, Any], key: str) -> float | None:
    found = c["sdmetrics"].get(key)
    return found.get("score") if isinstance(found, dict) else None


def _under(c: dict[str, Any], key: str, least: float | None) -> bool:
    score = _score(c, key)
    return score is not None and least is not None and score < least


def cell_name(source: str, leak: str, seed: int) -> str:
    """Return where one cell is kept, under results/safety."""
    return f"catch/{source}-{re.sub('[^a-z0-9.]+', '_', leak)}-{seed}"


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--source", default="adult")
    ap.add_argument("--n", type=int, default=2000)
    ap.add_argument("--redraws", type=int, default=5)
    ap.add_argument("--minutes", type=float, default=float("inf"))
    a = ap.parse_args()
    end = time.monotonic() + 60 * a.minutes
    for seed in range(2 * a.redraws):
        for leak in CHOSEN:
            name = cell_name(a.source, leak, seed)
            if (leak == "clean" or seed < a.redraws) and kept(name) is None and time.monotonic() < end:
                keep(name, {"n": a.n, **cell(a.source, leak, a.n, seed)})
        cells = [c for s in range(2 * a.redraws) for x in CHOSEN if (c := kept(cell_name(a.source, x, s))) is not None]
        result = {"source": a.source, "n": a.n, "attacks": ATTACKS, "sdmetrics_rows": SD_ROWS, **summary(cells)}
        print(keep(f"catch-{a.source}", result), len(cells), flush=True)


if __name__ == "__main__":
    main()
