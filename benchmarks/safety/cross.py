"""Where a definition of ours and of a peer agree, the numbers must: copies against SDMetrics, linkability against Anonymeter.

    python benchmarks/safety/cross.py

Copies: on tables of levels only (`survey`), one less SDMetrics' NewRowSynthesis is the share of synthetic rows that equal a
training row, as `table.pipc_singling_out` counts it. Linkability: on numbers without ties (`mixture`), with the same two
halves and one neighbour; both tools scale a number by its range, Anonymeter by that of both tables, so the residual risks
agree to within their intervals, not to the digit.
"""

from __future__ import annotations

from typing import Any

from catch import plain
from runner import ANONYMETER, SDMETRICS, ask, folder_of, keep

from synthproof.core.registry import metrics
from synthproof.testing.leaks import LEAKS, LawSource, leak_case
from verdicts import LAWS

N = 1_500


def pair(world: str, leak: str) -> tuple[Any, Any]:
    """Return a case, and the folder that holds its tables for a peer."""
    case = leak_case(LEAKS[leak], LawSource(LAWS[world]), N, "1:1", 3)
    folder = folder_of("cross")
    for name, table in (("train", case.train), ("holdout", case.holdout), ("synthetic", case.synthetic)):
        plain(table).to_parquet(folder / f"{name}.parquet")
    return case, folder


def main() -> None:
    found: dict[str, Any] = {"n": N, "copies": {}, "linkability": {}}
    for leak in ("clean", "copies 10 %"):
        case, folder = pair("survey", leak)
        ours = metrics.make("table.pipc_singling_out").measure(case, seed=1)[0].estimate
        theirs = ask(SDMETRICS, folder, {"kind": "new_row", "known": [], "secret": ""})
        found["copies"][leak] = {"ours": ours, "sdmetrics": 1 - theirs["score"]}
        case, folder = pair("mixture", leak)
        k = list(case.purpose.quasi_identifiers)
        rest = [f.name for f in case.train.schema.modelled if f.name not in k]
        e = next(e for e in metrics.make("table.linkability").measure(case, seed=1) if e.subject.startswith("quasi"))
        risk = ask(ANONYMETER, folder, {"kind": "linkability", "attacks": N, "halves": [k, rest]})
        found["linkability"][leak] = {
            "ours": [e.estimate, *(e.interval or ())],
            "anonymeter": [risk["risk"], *risk["ci"]],
        }
    print(keep("cross", found), found)


if __name__ == "__main__":
    main()
