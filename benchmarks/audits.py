"""Audits that train again, against generators whose answer is known: canaries and shadow models on Adult.

    python benchmarks/audits.py [--rows 4000] [--page]

4,000 training persons of Adult (the first of the half that `make bench-tables` learns from, seed 0). A copycat hands training
rows back and must be shown; independent columns must not; trees with one row a leaf stand beside the default; so does
differential privacy at ε = 1. Writes ``benchmarks/results/audits.json`` and the table of ``docs/how-to/audit-a-generator.md``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "tables"))
from sets import halves

from _machine import RESULTS, environment, keep
from _page import write_section
from synthproof.core.contracts import Case, Recipe
from synthproof.core.registry import metrics
from synthproof.core.run import Run
from synthproof.core.schema import Purpose
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import read_table
from synthproof.engines.threads import one_blas_thread
from synthproof.testing.references import copycat

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "audit-a-generator.md"
SEED = 1
AUDITS: dict[str, dict[str, Any]] = {"table.canaries": {"canaries": 500}, "table.shadow_membership": {}}


class Copycat:
    """A "generator" that hands back what it learned from."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {}

    def fit(self, data: Table, /, *, run: Run | None = None) -> Copycat:
        self.data = data
        return self

    def sample(self, n: int, /, *, seed: int, run: Run | None = None) -> Table:
        return copycat(self.data, n, seed)


class CopycatRecipe(Recipe):
    def build(self) -> Any:
        return Copycat()


GENERATORS: dict[str, Recipe] = {
    "copies of training rows": CopycatRecipe(name="copycat"),
    "table.marginals": Recipe(name="table.marginals"),
    "table.cart_chain": Recipe(name="table.cart_chain"),
    "table.cart_chain, one row a leaf": Recipe(name="table.cart_chain", params={"min_leaf": 1}),
    "table.dp_marginals, ε = 1": Recipe(name="table.dp_marginals", params={"epsilon": 1.0, "public": "all"}),
}


def measured(rows: int) -> list[dict[str, Any]]:
    """Return one entry for each generator and audit."""
    train = read_table(halves("adult", 0)[0].head(rows))
    out = []
    for name, recipe in GENERATORS.items():
        made = recipe.build().fit(train).sample(rows, seed=SEED)
        case = Case(train=train, holdout=None, synthetic=made, purpose=Purpose(), recipe=recipe)
        for audit, settings in AUDITS.items():
            started = time.process_time()
            found = metrics.make(audit, **settings).measure(case, seed=SEED, run=Run(workers=1))
            entry = {
                "generator": name,
                "audit": audit,
                "cpu_s": round(time.process_time() - started, 1),
                "evidence": {e.subject: _kept(e) for e in found},
            }
            out.append(entry)
            print(name, audit, entry["cpu_s"], entry["evidence"], flush=True)
    return out


def _kept(e: Any) -> dict[str, Any]:
    keys = ("epsilon_lower_bound", "epsilon_ceiling", "rank_test_p", "attack")
    return {
        "outcome": e.outcome,
        "estimate": e.estimate,
        "interval": e.interval,
        "reference": e.reference,
        "n": e.n,
        **{k: e.detail[k] for k in keys if k in e.detail},
    }


def shown(result: dict[str, Any]) -> str:
    """Return the page's table."""
    lines = [
        "| generator | canaries: AUC | ε at least | shadow models: AUC | most isolated: AUC | TPR at 1 % FPR | ε at least | CPU s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    found = {(r["generator"], r["audit"]): r for r in result["rows"]}
    for name in GENERATORS:
        c, s = (found[name, audit] for audit in AUDITS)
        one, two = c["evidence"], s["evidence"]
        cells = [
            _share(one["all"]),
            _bound(one["guesses"]),
            _share(two["all"]),
            _share(two["exposed"]),
            _share(two["TPR at 1 % FPR"]),
            f"{_bound(two['guesses'])}, {_bound(two['exposed, guesses'])}",
            f"{c['cpu_s']:.0f} + {s['cpu_s']:.0f}",
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    ceilings = [found["table.marginals", audit]["evidence"]["guesses"]["epsilon_ceiling"] for audit in AUDITS]
    lines += [
        "",
        f"Intervals are at 95 %. The most that a perfect attack could have shown: ε = {ceilings[0]:.1f} by the canaries, "
        f"{ceilings[1]:.1f} by the\nshadow models' random targets. Two bounds: random targets, most isolated.",
    ]
    return "\n".join(lines)


def _share(e: dict[str, Any]) -> str:
    if e["outcome"] != "measured":
        return "not assessed"
    return f"{e['estimate']:.2f} ({e['interval'][0]:.2f}–{e['interval'][1]:.2f})"


def _bound(e: dict[str, Any]) -> str:
    return f"{e['epsilon_lower_bound']:.2f}" if e["outcome"] == "measured" else "not assessed"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rows", type=int, default=4_000)
    words.add_argument("--page", action="store_true")
    asked = words.parse_args()
    if asked.page:
        write_section("audits", shown(json.loads((RESULTS / "audits.json").read_text(encoding="utf-8"))), PAGE)
        return
    with one_blas_thread():
        result = {
            "environment": environment(),
            "data": {"set": "adult", "split": "halves", "seed": 0, "rows": asked.rows},
            "settings": AUDITS,
            "seed": SEED,
            "rows": measured(asked.rows),
        }
    print(keep("audits", result))
    write_section("audits", shown(result), PAGE)


if __name__ == "__main__":
    main()
