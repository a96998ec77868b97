"""The peer beside `table.dp_marginals`: dpmm's MST and AIM on the same halves of Adult, at the same ε and δ.

    SYNTHPROOF_PEERS=… python benchmarks/tables/environments.py dpmm
    SYNTHPROOF_PEERS=… python benchmarks/dp_peers.py [--kinds MST AIM] [--epsilons 1 3 10]

dpmm runs in an environment of its own, through the adapter of `make bench-tables`, one process a cell, on one thread, and
ends at 600 CPU-seconds ("cap"). One fit a cell (``--repeats`` for more, where a fit is cheap enough). It is handed ranges and
levels of the training rows. `dp.py --peers` measures ours and the peer in one run; this file alone puts the peer's cells
into the kept ``benchmarks/results/dp.json``. A table that was drawn is not drawn again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent / "tables"))
from cells import generate
from coding import code
from fidelity import shape_error, trend_error, triple_error
from learned import prediction
from peers import Peer
from scorer import measure_real, score
from sets import SETS, cache_dir, halves, stored_halves

from _machine import RESULTS, environment, keep

KINDS = ("MST", "AIM")
EXPENSIVE_S = 120.0
"""CPU-seconds of a first fit over which a cell is fitted once only."""


def already(out: Path) -> dict[str, Any] | None:
    """Return what the adapter said of a table that an earlier run drew; it goes on from where it stopped."""
    said = out.with_suffix(".said")
    lines = said.read_text(encoding="utf-8").strip().splitlines() if said.is_file() and out.is_file() else []
    return {"status": "drawn", **json.loads(lines[-1])} if lines else None


def measured_peers(
    epsilons: Sequence[float], delta: float, repeats: int, kinds: Sequence[str] = KINDS
) -> list[dict[str, Any]]:
    """Return one cell for each method of dpmm and ε; a fit that met the cap or failed says so and has no figures."""
    train, holdout = halves("adult", 0)
    stored, target = stored_halves("adult", 0, "halves")[0], SETS["adult"].target
    book, a, h, _ = code(train, holdout, holdout)
    real = measure_real(book, a, h, target)
    cells = []
    for kind in kinds:
        for epsilon in epsilons:
            cell: dict[str, Any] = {"method": f"dpmm {kind}", "epsilon": epsilon, "delta": delta, "fits": {}}
            for seed in range(repeats):
                params = {"kind": kind, "epsilon": epsilon, "delta": delta}
                out = cache_dir() / "dp" / f"{kind}-{epsilon:g}-{seed}.parquet"
                told = already(out) or generate(
                    Peer("dpmm", "dpmm", "dpmm", "for_dpmm.py", params), stored, out, seed, 1
                )
                if told["status"] != "drawn":
                    cell |= {k: told[k] for k in ("status", "error", "cap_s") if k in told}
                    break
                drawn = pd.read_parquet(out)
                book, a, h, s = code(train, holdout, drawn)
                figures = {name: told["cost"][name] for name in ("fit_wall_s", "fit_cpu_s", "sample_cpu_s")}
                figures |= {
                    "shape_err": shape_error(book, a, s),
                    "trend_err": trend_error(book, a, s),
                    "tri_err": triple_error(book, a, s),
                    "tstr": prediction(book, s, h, target),
                }
                for name, value in figures.items():
                    cell["fits"].setdefault(name, []).append(round(float(value), 4))
                cell |= {"status": "drawn", "version": told["version"]}
                if seed == 0:
                    cell["first_fit_scored"] = score(train, holdout, drawn, target, real_side=real)
                if figures["fit_cpu_s"] > EXPENSIVE_S:
                    break
            cell["mean"] = {name: round(float(np.mean(v)), 4) for name, v in cell["fits"].items()}
            cells.append(cell)
            print(cell["method"], epsilon, cell["status"], cell["mean"], flush=True)
    return cells


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--repeats", type=int, default=1)
    words.add_argument("--kinds", nargs="*", default=list(KINDS))
    words.add_argument("--epsilons", nargs="*", type=float)
    asked = words.parse_args()
    import dp

    cells = measured_peers(asked.epsilons or dp.EPSILONS, dp.DELTA, asked.repeats, asked.kinds)
    kept = json.loads((RESULTS / "dp.json").read_text(encoding="utf-8"))
    merged = {(c["method"], c["epsilon"]): c for c in [*kept.get("peers", ()), *cells]}
    order = [f"dpmm {kind}" for kind in KINDS]
    kept["peers"] = sorted(merged.values(), key=lambda c: (order.index(c["method"]), c["epsilon"]))
    kept["peers_environment"] = environment()
    print(keep("dp", kept))
    dp.write_page(kept)


if __name__ == "__main__":
    main()
