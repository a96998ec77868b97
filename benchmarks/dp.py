"""`table.dp_marginals` on Adult, and an audit that tries to break what it promises.

    python benchmarks/dp.py [--repeats 3] [--runs 2000] [--peers] [--keep-audit] [--page]

Halves of Adult as in `make bench-tables` (seed 0), both methods at ε = 1, 3 and 10, δ = 1e-6, add or remove one record.
Noise has no seed, so every figure is shown over several fits; drawing has one. The first fit of each cell is judged by the
whole scorer (`benchmarks/tables/scorer.py`), the others by shapes, pairs, triples and the later task. The domain is
declared from the census bureau's own documentation: ages 17 to 90, 1 to 99 hours, gains up to 99,999, levels as the source
lists them (``public``). Goals at ε = 1: pairs <= 4.5 %, TSTR >= 0.83, fit <= 15 s.

The audit plays `synthproof.testing.privacy.game` on a table of 600 persons and one more: lower bounds of the ε that the
generator loses, and of a broken one that adds half of the noise it books; ``--keep-audit`` takes the kept one over.
``--peers`` puts dpmm beside ours in the same run (`dp_peers.py`); without it the kept cells of the peer stay. Writes
``benchmarks/results/dp.json`` and the table of ``docs/how-to/differential-privacy.md``; ``--page`` writes the table again
from the kept result.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent / "tables"))
from coding import code
from fidelity import shape_error, trend_error, triple_error
from learned import prediction
from scorer import measure_real, score
from sets import SETS, halves

from _machine import RESULTS, environment, keep
from _page import write_section
from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.data.table.io import read_table
from synthproof.engines.threads import one_blas_thread
from synthproof.synthesizers.table.dp_marginals import METHODS, DpMarginals
from synthproof.testing.privacy import HalfNoise, Listening, audit, game, listening

EPSILONS = (1.0, 3.0, 10.0)
DELTA = 1e-6
DRAW_SEED = 1
GOALS = {"trend_err": 4.5, "tstr": 0.83, "fit_wall_s": 15.0}
DOMAIN = {
    "age": {"low": 17, "high": 90},
    "fnlwgt": {"low": 0, "high": 1_500_000},
    "education_num": {"low": 1, "high": 16},
    "capital_gain": {"low": 0, "high": 99_999},
    "capital_loss": {"low": 0, "high": 5_000},
    "hours_per_week": {"low": 1, "high": 99},
}


def generator(names: list[str], **settings: Any) -> DpMarginals:
    """Return the generator with Adult's public domain."""
    public = [n for n in names if n not in DOMAIN]
    return DpMarginals(domain=DOMAIN, public=public, delta=DELTA, random_state=0, **settings)


def measured(train: pd.DataFrame, holdout: pd.DataFrame, repeats: int) -> list[dict[str, Any]]:
    """Return one cell for each method and ε."""
    table, target = read_table(train), SETS["adult"].target
    book, a, h, _ = code(train, holdout, holdout)
    real = measure_real(book, a, h, target)
    cells = []
    for method in METHODS:
        for epsilon in EPSILONS:
            found: dict[str, list[float]] = {}
            whole: dict[str, Any] = {}
            for k in range(repeats):
                model = generator(list(train.columns), epsilon=epsilon, method=method)
                wall, cpu = time.perf_counter(), time.process_time()
                model.fit(table)
                figures = {"fit_wall_s": time.perf_counter() - wall, "fit_cpu_s": time.process_time() - cpu}
                started = time.process_time()
                drawn = model.sample(len(train), seed=DRAW_SEED).to_native()
                figures["sample_cpu_s"] = time.process_time() - started
                book, a, h, s = code(train, holdout, drawn)
                figures |= {
                    "shape_err": shape_error(book, a, s),
                    "trend_err": trend_error(book, a, s),
                    "tri_err": triple_error(book, a, s),
                    "tstr": prediction(book, s, h, target),
                }
                for name, value in figures.items():
                    found.setdefault(name, []).append(round(float(value), 4))
                if k == 0:
                    whole = score(train, holdout, drawn, target, real_side=real)
            told = model.ledger_
            cell = {
                "method": method, "epsilon": epsilon, "delta": DELTA, "epsilon_spent": told["epsilon_spent"],
                "rho": told["rho"], "looks": len(told["entries"]), "noise": told["noise"], "fits": found,
                "mean": {name: round(float(np.mean(v)), 4) for name, v in found.items()}, "first_fit_scored": whole,
            }  # fmt: skip
            cells.append(cell)
            print(method, epsilon, cell["mean"], flush=True)
    return cells


def audited(runs: int) -> dict[str, Any]:
    """Return what the attacker finds of the generator and of a broken one."""
    fields = tuple(Field(name=n, kind="categorical", levels=("a", "b")) for n in "xy")

    def persons(b: int) -> Table:
        column = pd.Series(["a"] * 300 + ["b"] * b).astype(canonical_dtype(fields[0]))
        return Table(pd.DataFrame({"x": column, "y": column}), Schema(fields=fields))

    promise = {"epsilon": 4.0, "delta": 1e-2, "method": "mst"}
    out: dict[str, Any] = {"promise": promise, "runs": runs, "level": 0.98}
    for name, ledger in (("as it is", Listening), ("half the noise", HalfNoise)):
        found = audit(*game(listening(ledger)(**promise), persons(300), persons(301), runs), delta=1e-2, level=0.98)
        out[name] = {k: round(getattr(found, k), 3) for k in ("epsilon", "mu", "epsilon_gaussian", "ceiling")}
        print(name, out[name], flush=True)
    return out


PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "differential-privacy.md"


def shown(result: dict[str, Any]) -> str:
    """Return the page's table and what the audit found."""
    lines = [
        "| method | ε | columns | pairs | triples | later task (AUC) | told apart (AUC) | membership (AUC) | fit, CPU s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *(_row(c) for c in [*result["cells"], *result.get("peers", ())]),
    ]
    a = result["audit"]
    kept, broken = a["as it is"], a["half the noise"]
    peers = result.get("peers", ())
    versions = sorted({c["version"] for c in peers if "version" in c})
    return "\n".join(
        [
            *lines,
            "",
            f"Told apart and membership are of the first fit. The audit, {a['runs']:,} runs a side against a promise of "
            f"ε = {a['promise']['epsilon']:g}\nat δ = {a['promise']['delta']:g}, shows a loss of at least "
            f"{kept['epsilon_gaussian']:.1f} of the generator and {broken['epsilon_gaussian']:.1f} of the broken copy "
            f"(Gaussian reading;\nby rates alone {kept['epsilon']:.1f} and {broken['epsilon']:.1f}).",
            *(
                ["", f"The peer is {', '.join(versions)}, in an environment of its own." if versions else ""]
                if peers
                else []
            ),
        ]
    )


def _missed(peers: list[dict[str, Any]]) -> str:
    """Say which cells of the peer nobody measured."""
    there = {(c["method"], c["epsilon"]) for c in peers}
    missed = [f"{m} at ε = {e:g}" for m in ("dpmm MST", "dpmm AIM") for e in EPSILONS if (m, e) not in there]
    return f" Not measured: {', '.join(missed)}." if missed else ""


def _row(c: dict[str, Any]) -> str:
    name = f"| {c['method']} | {c['epsilon']:g} "
    if not c["fits"]:
        why = f"over {c['cap_s']:g} CPU s: ended" if c["status"] == "cap" else c["status"]
        return name + f"| – | – | – | – | – | – | {why} |"
    mean, first = c["mean"], c["first_fit_scored"]
    return name + (
        f"| {mean['shape_err']:.2f} | {mean['trend_err']:.2f} | {mean['tri_err']:.2f} "
        f"| {mean['tstr']:.3f} | {first['c2st_auc_holdout']:.3f} | {first['mia_auc']:.3f} | {mean['fit_cpu_s']:.1f} |"
    )


def write_page(result: dict[str, Any]) -> None:
    """Write the page's section."""
    write_section("dp", shown(result), PAGE)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--repeats", type=int, default=3)
    words.add_argument("--runs", type=int, default=2_000)
    words.add_argument("--peers", action="store_true")
    words.add_argument("--keep-audit", action="store_true")
    words.add_argument("--page", action="store_true")
    asked = words.parse_args()
    kept = json.loads((RESULTS / "dp.json").read_text(encoding="utf-8")) if (RESULTS / "dp.json").is_file() else {}
    if asked.page:
        write_page(kept)
        return
    train, holdout = halves("adult", 0)
    with one_blas_thread():
        result = {
            "environment": environment(),
            "data": {"set": "adult", "split": "halves", "seed": 0, "rows": len(train), "draw_seed": DRAW_SEED},
            "noise": "from the system's entropy; no seed exists",
            "goals_at_epsilon_1": GOALS,
            "cells": measured(train, holdout, asked.repeats),
            "audit": kept["audit"] if asked.keep_audit else audited(asked.runs),
        }
        for name in ("peers", "peers_environment"):
            if name in kept:
                result[name] = kept[name]
        if asked.peers:
            from dp_peers import measured_peers

            result["peers"] = measured_peers(EPSILONS, DELTA, 1)
            result["peers_environment"] = environment()
    print(keep("dp", result))
    write_page(result)


if __name__ == "__main__":
    main()
