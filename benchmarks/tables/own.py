"""The table of our own generators in docs/how-to/choose-a-generator.md, from the kept cells.

python benchmarks/tables/own.py
"""

from __future__ import annotations

from sets import SETS
from summary import Generator, over_sets, read

from _page import PAGE, write_section

HOW_TO = PAGE.parent / "how-to" / "choose-a-generator.md"
OURS = (
    "table.autoregressive", "table.cart_chain", "table.bayes_net", "table.copula", "table.diffusion", "table.vae",
    "table.gan", "table.smote", "table.marginals",
)  # fmt: skip
HEAD = (
    "generator", "Adult: told apart (AUC)", "Adult: membership (AUC)", "Adult: TSTR", "Adult: fit, CPU s",
    "mean: told apart", "mean: membership", "sets measured",
)  # fmt: skip


def main() -> None:
    """Write the table; a cell that no kept file holds says so."""
    found, fresh = read()
    lines = ["| " + " | ".join(HEAD) + " |", "| --- |" + " ---: |" * (len(HEAD) - 1)]
    lines.append(_row("*a fresh real sample*", fresh))
    lines += [_row(f"`{name}`", found.get(f"ours.{name}")) for name in OURS]
    write_section("own", "\n".join(lines), HOW_TO)
    print(HOW_TO)


def _row(title: str, g: Generator | None) -> str:
    if g is None or not g.sets():
        return f"| {title} |" + " not measured |" * (len(HEAD) - 2) + " 0 |"
    apart, member, learned = (g.figure("adult", k) for k in ("c2st_auc_holdout", "mia_auc", "tstr"))
    cells = [_number(f.value if f else None, 3) for f in (apart, member, learned)]
    cells.append(_number(g.cost("adult", "fit_cpu_s"), 1))
    whole = len(g.sets()) == len(SETS)  # a mean over some sets says nothing beside one over all
    for key in ("c2st_auc_holdout", "mia_auc"):
        values = over_sets(g, key, SETS)
        cells.append(_number(sum(values) / len(values) if whole else None, 3))
    return f"| {title} | " + " | ".join([*cells, f"{len(g.sets())} of {len(SETS)}"]) + " |"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    main()
