"""Our attacks and theirs on the same tables in the same run: CPU seconds per attack, and the ratios.

    python benchmarks/safety/speed.py [--rows 30000 100000] [--columns 50]

Tables are Adult resampled with jitter (`scale_data.Recipe`), train, holdout and synthetic of equal size. One attack is one
target (linkability: and one split of the columns; inference: and one secret) or one predicate, tried against train *and*
holdout, as both tools do. SDMetrics' distance score is compared per pair of rows. Everything runs on one thread.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from runner import ANONYMETER, SDMETRICS, ask, folder_of, keep, kept, ours

from scale_data import Recipe

KNOWN = ("age", "sex", "race", "education", "occupation")
SECRET = "income"
ATTACKS = {30_000: 400, 100_000: 150, 1_000_000: 20}
"""How many targets Anonymeter is given, so that it ends within minutes; its cost per target does not depend on it."""
SD_ROWS = 500


def tables(rows: int, columns: int) -> Path:
    """Write the three tables once."""
    folder = folder_of(f"{rows}x{columns}")
    recipe = Recipe("adult", columns)
    for k, name in enumerate(("train", "holdout", "synthetic")):
        path = folder / f"{name}.parquet"
        if not path.is_file():
            recipe.part(k, rows).to_parquet(path)
    return folder


def measured(rows: int, columns: int) -> dict[str, Any]:
    """Return the times of all tools at one size."""
    folder, n = tables(rows, columns), ATTACKS.get(rows, 100)
    names = Recipe("adult", columns).names
    halves = [names[: columns // 2], names[columns // 2 :]]
    theirs = {
        "singling_out": ask(ANONYMETER, folder, {"kind": "singling_out multivariate", "attacks": n}),
        "linkability": ask(ANONYMETER, folder, {"kind": "linkability", "attacks": n, "halves": halves}),
        "inference": ask(
            ANONYMETER,
            folder,
            {"kind": "inference", "attacks": n, "known": [c for c in names if c != SECRET], "secret": SECRET},
        ),
        "distance": ask(SDMETRICS, folder, {"kind": "dcr", "rows": SD_ROWS}),
    }
    mine = {
        "singling_out": ours("table.singling_out", folder, {}),
        "linkability": ours("table.linkability", folder, {}),
        "inference": ours(
            "table.attribute_inference", folder, {"sensitive": [SECRET], "quasi_identifiers": list(KNOWN)}
        ),
        "distance": ours("table.near_copies", folder, {}),
    }
    return {
        "rows": rows,
        "columns": columns,
        "attacks": n,
        "theirs": theirs,
        "ours": mine,
        "ratios": ratios(theirs, mine, n),
    }


def ratios(theirs: dict[str, Any], mine: dict[str, Any], n: int) -> dict[str, Any]:
    """Return microseconds of CPU per attack (or per pair of rows) on both sides, and how many times ours is faster."""
    out: dict[str, Any] = {}
    for name in theirs:
        a, b = theirs[name], mine[name]
        if a["status"] != "done" or b["status"] != "done":
            out[name] = {"theirs": a["status"], "ours": b["status"]}
            continue
        if name == "distance":
            # of a large table a sample of the synthetic rows is looked at: only pairs that were really measured count
            looked = next(e["detail"]["rows_looked_at"] for e in b["evidence"])
            per, own = 2.0 * a["rows"] ** 2, float(looked) * (b["rows"][0] + b["rows"][1])
        else:
            per, own = float(n), float(_attacks(name, b["evidence"]))
        mine_us, their_us = 1e6 * b["warm"]["cpu_s"] / own, 1e6 * a["cost"]["cpu_s"] / per
        out[name] = {
            "theirs_us": round(their_us, 3),
            "ours_us": round(mine_us, 6),
            "times": round(their_us / mine_us, 1),
        }
    return out


def _attacks(name: str, evidence: list[dict[str, Any]]) -> float:
    if name == "singling_out":
        # theirs are multivariate; our whole time is charged to such queries, though it holds the univariate ones as well
        return sum(e["detail"].get("queries_made", 0) for e in evidence if e["subject"] == "multivariate")
    if name == "linkability":
        return sum(
            (e["detail"]["targets"] + e["detail"]["control_targets"]) / 2 * e["detail"]["splits"] for e in evidence
        )
    return sum(e["n"] for e in evidence if e["subject"] != "all")


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--rows", nargs="*", type=int, default=[30_000, 100_000, 1_000_000])
    ap.add_argument("--columns", type=int, default=50)
    ap.add_argument("--again", action="store_true")
    a = ap.parse_args()
    for rows in a.rows:
        name = f"speed-{rows}x{a.columns}"
        if kept(name) is None or a.again:
            found = measured(rows, a.columns)
            print(keep(name, found), found["ratios"], flush=True)


if __name__ == "__main__":
    main()
