"""The section "Tables: generators side by side" of docs/benchmarks.md, and its pictures, from the kept cells.

python benchmarks/tables/report.py
"""

from __future__ import annotations

import json

from cells import CAP_S, KEPT
from frontier import draw
from goals import goals
from peers import DEFAULT, OURS
from sets import FOUR, SETS
from summary import Generator, over_sets, read

from _page import PAGE, write_section

PICTURES = PAGE.parent / "pictures"
# Key → (heading, digits). Shown for each set, with the floor's row on top.
COLUMNS: dict[str, tuple[str, int]] = {
    "c2st_auc_holdout": ("C2ST unseen", 3),
    "c2st_auc": ("C2ST mixed", 3),
    "shape_err": ("shape %", 2),
    "trend_err": ("trend %", 2),
    "tri_err": ("3-way %", 2),
    "tstr": ("TSTR", 3),
    "dcr_share": ("nearer to train %", 1),
    "mia_auc": ("membership", 3),
    "copies": ("copies %", 2),
    "missing_err": ("missing, points", 2),
    "category_coverage": ("levels %", 1),
    "rules_broken": ("rules broken %", 1),
}
COSTS: dict[str, tuple[str, int]] = {
    "fit_cpu_s": ("fit CPU s", 1),
    "sample_cpu_s": ("sample CPU s", 1),
    "peak_mib": ("peak MiB", 0),
}
INTRO = """
## Tables: generators side by side · 표 생성기 비교

Written by `make bench-tables` from `benchmarks/results/tables/` (one kept file per generator, set and seed). Every set
is cut into two equal random halves; a generator learns one and draws as many rows; the other half is unseen. One scorer
(`benchmarks/tables/scorer.py`, which defines every figure) measures all generators, ours included, and takes nothing
from synthproof's own metrics. Seeds differ in the halves and in the generator.

**How to read it.** *C2ST unseen*: AUC of boosted trees asked which rows are synthetic, against real rows that nobody
learned from; 0.5 is not to be told apart. *Membership*: AUC of an attacker who asks which real rows were learned from;
0.5 tells nothing. *Nearer to train*: 50 is no memory. *The floor* is what a fresh real sample of the same size scores:
an error **below the floor is a sign of memory, not a merit**. Nearness and membership of a fresh sample are 50 and 0.5 by
symmetry. Figures after ± are half-widths of 95 % intervals: over seeds from three seeds on; else, and on heart_disease
(460 rows a side) always, of a single cell (DeLong for AUCs, bootstrap for the rest of heart_disease).

CPU seconds (children included, import of the package excluded) were taken on one thread at the lowest priority while
the machine did other work; they are rougher than wall seconds on a quiet machine, which the table "on a quiet machine"
gives where they were taken. A cell that needs more than {cap:.0f} CPU-seconds ends as "cap".
"""

READING = (
    "Small points are single sets, large ones means; a hollow mean is over some sets only. Towards the lower left is"
    " better on both axes."
)


def main() -> None:
    generators, variants = _kept()
    found, _ = read()
    draw(
        [g for g in generators if g.sets()],
        len(SETS),
        PICTURES / "tables_frontier.svg",
        "Distinguishability against membership, eleven real tables",
    )
    if variants:
        rows, common = _compared(generators, variants)
        draw(
            rows, len(common), PICTURES / "tables_bakeoff.svg", f"Variants of the default generator, {len(common)} sets"
        )
    write_section("tables", section())
    print(f"{PAGE}: {len(found)} generators, {len(variants)} of them variants")


def section() -> str:
    """Return the text of the section: every figure in it comes from a kept file."""
    generators, variants = _kept()
    found, fresh = read()
    lines = [INTRO.strip().format(cap=CAP_S), "", *_agreement()]
    lines += ["", "![Frontier of distinguishability and membership](pictures/tables_frontier.svg)", "", READING, ""]
    lines += ["### Over all sets (generators that ran on every one)", "", *_means(generators, fresh, list(SETS)), ""]
    lines += [f"### Over the four sets where the slow ones ran too ({', '.join(FOUR)})", ""]
    lines += [*_means(generators, fresh, list(FOUR)), ""]
    lines += ["### Where the goals of the default stand", "", *goals(found, fresh), ""]
    if variants:
        lines += _bake_off(*_compared(generators, variants), fresh)
    lines += _quiet(generators + variants)
    lines += ["### Set by set", ""]
    for name in SETS:
        lines += _one_set(name, generators, fresh)
    published, floor_published = read("published")
    if published:
        lines += ["### Adult on the publisher's own parts (32,561 rows learned, 16,281 unseen)", ""]
        lines += _table("adult", sorted(published.values(), key=_rank), floor_published)
    return "\n".join(lines + _not_scored(generators))


def _kept() -> tuple[list[Generator], list[Generator]]:
    """Return generators, best first, and variants of our own, best first."""
    found, _ = read()
    plain = [g for g in found.values() if "," not in g.label]
    return sorted(plain, key=_rank), sorted((g for g in found.values() if "," in g.label), key=_rank)


def _compared(generators: list[Generator], variants: list[Generator]) -> tuple[list[Generator], list[str]]:
    """Return the default beside its variants, and the sets that all of them have."""
    rows = [g for g in generators if g.label == DEFAULT.replace(OURS, "ours.")] + variants
    return rows, [n for n in SETS if all(g.scored(n) for g in rows)]


def _rank(g: Generator) -> tuple[float, str]:
    names = [s for s in FOUR if g.scored(s)]
    values = over_sets(g, "c2st_auc_holdout", names)
    return (sum(values) / len(values) if values else 9.0, g.label)


def _number(value: float | None, digits: int, half: float | None = None) -> str:
    if value is None:
        return "–"
    text = f"{value:,.{digits}f}"
    return text if half is None else f"{text} ± {half:.{digits}f}"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _means(shown: list[Generator], fresh: Generator, names: list[str]) -> list[str]:
    head = [
        "generator", "sets (cells)", "C2ST unseen: mean", "worst", "membership: mean", "worst", "nearer to train %",
        "shape %", "trend %", "3-way %", "TSTR lost", "copies above chance %", "rules broken %", "fit CPU s", "peak MiB",
    ]  # fmt: skip
    out = [_row(head), "| --- | ---: |" + " ---: |" * (len(head) - 2)]
    out.append(_mean_row(fresh, names, "*floor*"))
    for g in shown:
        # A mean over a handful of sets says nothing beside means over all: those peers stand in the table of four.
        if sum(1 for n in names if g.cells.get(n)) == len(names):
            out.append(_mean_row(g, names, g.title))
    return out


def _mean_row(g: Generator, names: list[str], title: str) -> str:
    have = [n for n in names if g.scored(n)]

    def mean(values: list[float]) -> float | None:
        return sum(values) / len(values) if values else None

    def worst(values: list[float]) -> float | None:
        return max(values, default=None)

    apart, member = over_sets(g, "c2st_auc_holdout", have), over_sets(g, "mia_auc", have)
    lost = [a - b for a, b in zip(over_sets(g, "trtr", have), over_sets(g, "tstr", have), strict=True)]
    copies = [a - b for a, b in zip(over_sets(g, "copies", have), over_sets(g, "copies_holdout", have), strict=True)]
    seeds = sum(len(g.scored(n)) for n in have)
    cells = [title, f"{len(have)} ({seeds})"]
    cells += [_number(mean(apart), 3), _number(worst(apart), 3), _number(mean(member), 3), _number(worst(member), 3)]
    cells += [_number(mean(over_sets(g, "dcr_share", have)), 1)]
    cells += [_number(mean(over_sets(g, k, have)), 2) for k in ("shape_err", "trend_err", "tri_err")]
    cells += [_number(mean(lost), 3), _number(mean(copies), 2), _number(mean(over_sets(g, "rules_broken", have)), 1)]
    costs = {k: [c for n in have if (c := g.cost(n, k)) is not None] for k in ("fit_cpu_s", "peak_mib")}
    return _row([*cells, _number(mean(costs["fit_cpu_s"]), 1), _number(worst(costs["peak_mib"]), 0)])


def _one_set(name: str, shown: list[Generator], fresh: Generator) -> list[str]:
    facts = next(iter(fresh.scored(name)), None)
    if facts is None:
        return []
    text = f"{facts['rows']:,} rows a side, {facts['columns']} columns ({facts['numeric']} numbers)"
    real = fresh.figure(name, "trtr")
    scale = "R²" if SETS[name].regression else "AUC"
    predicted = f"predicting `{SETS[name].target}`: real rows reach {scale} {_number(real and real.value, 3)}"
    return [f"#### {name}", "", f"{text}; {predicted}.", "", *_table(name, shown, fresh)]


def _table(name: str, shown: list[Generator], fresh: Generator) -> list[str]:
    heads = [h for h, _ in COLUMNS.values()] + [h for h, _ in COSTS.values()]
    out = [_row(["generator", "seeds", *heads]), "| --- | ---: |" + " ---: |" * len(heads)]
    out.append(_set_row(fresh, name, "*floor: a fresh real sample*"))
    measured = [g for g in shown if g.scored(name)]
    measured.sort(key=lambda g: (f := g.figure(name, "c2st_auc_holdout")) and f.value or 9.0)
    out += [_set_row(g, name, g.title) for g in measured]
    for g in shown:
        if g.cells.get(name) and not g.scored(name):
            out.append(_row([g.title, str(len(g.cells[name])), g.cells[name][0]["status"]] + ["–"] * (len(heads) - 1)))
    return [*out, ""]


def _set_row(g: Generator, name: str, title: str) -> str:
    cells = [title, str(len(g.scored(name)))]
    for key, (_, digits) in COLUMNS.items():
        f = g.figure(name, key)
        cells.append("–" if f is None else _number(f.value, digits, f.half))
    return _row(cells + [_number(g.cost(name, key), digits) for key, (_, digits) in COSTS.items()])


def _bake_off(rows: list[Generator], common: list[str], fresh: Generator) -> list[str]:
    """Variants of our own generator, on the sets that all of them have."""
    return [
        "### Bake-off: network, trees, mixture",
        "",
        f"Variants of our own generator on the {len(common)} sets that every one of them has ({', '.join(common)}).",
        "",
        "![Variants on the frontier](pictures/tables_bakeoff.svg)",
        "",
        *_means(rows, fresh, common),
        "",
        "C2ST against unseen rows, membership, set by set:",
        "",
        _row(["generator", *SETS]),
        "| --- |" + " ---: |" * len(SETS),
        *(_row([g.title, *(_pair(g, n) for n in SETS)]) for g in rows),
        "",
    ]


def _pair(g: Generator, name: str) -> str:
    found = [g.figure(name, key) for key in ("c2st_auc_holdout", "mia_auc")]
    return ", ".join("–" if f is None else f"{f.value:.3f}" for f in found) if found[0] else "–"


def _quiet(generators: list[Generator]) -> list[str]:
    """Wall seconds of cells that were timed again on all cores with the machine otherwise idle."""
    head = ["generator", "set", "fit s", "sample s", "rows/s", "fit CPU s", "peak MiB", "cores busy elsewhere"]
    out = [_row(head), "| --- | --- |" + " ---: |" * (len(head) - 2)]
    for g in generators:
        for name in SETS:
            for c in g.scored(name):
                again = c.get("retimed", {})
                if again.get("status") != "drawn":
                    continue
                t = again["cost"]
                speed = c["rows"] / max(t["sample_wall_s"], 1e-3)
                numbers = [
                    (t["fit_wall_s"], 1),
                    (t["sample_wall_s"], 2),
                    (speed, 0),
                    (t["fit_cpu_s"], 1),
                    (t["peak_mib"], 0),
                ]
                busy = again["machine"]["cores_busy_elsewhere"]
                out.append(_row([g.title, name, *(_number(v, d) for v, d in numbers), _number(busy, 2)]))
    if len(out) == 2:  # noqa: PLR2004
        return []
    return ["### On a quiet machine (wall seconds, all cores)", "", *out, ""]


def _not_scored(shown: list[Generator]) -> list[str]:
    """Caps and failures, versions, and what was left out."""
    out = ["### Versions, caps and failures", ""]
    for g in shown:
        cells = [c for s in SETS for c in g.cells.get(s, [])]
        versions = sorted({c["version"] for c in cells if "version" in c})
        bad = [f"{c['set']} (seed {c['seed']}): {_why(c)}" for c in cells if "scores" not in c]
        if versions or bad:
            out.append(
                f"- **{g.title}**: {', '.join(versions) or 'no version'}" + ("; " + "; ".join(bad) if bad else "")
            )
    out += [
        "",
        "Kinds of columns are told to every peer alike (text is levels, numbers are numbers). Columns that only number rows are"
        " dropped for all (`ID`, `Id`, and also `No` in beijing_pm25 and `id` in king_county_houses). arfpy and dpmm have no"
        " place for missing numbers and learn the median instead, which costs them where numbers are missing.",
        "Not run: synthcity (does not import beside a current torch), ForestDiffusion and UnmaskingTrees (need older"
        " libraries, and did not end in the time allowed when tried), REaLTabFormer and be-great (language models; hours on two"
        " cores). Published tables of TabSyn and TabDiff are not quoted: their text was not at hand to be read.",
        "",
    ]
    return out


def _why(cell: dict[str, object]) -> str:
    return f"cap of {CAP_S:.0f} CPU-s" if cell["status"] == "cap" else f"failed ({cell.get('error', '?')})"


def _agreement() -> list[str]:
    path = KEPT / "agreement.json"
    if not path.is_file():
        return []
    found = json.loads(path.read_text(encoding="utf-8"))["sets"]
    far = max(f["most_apart"] for f in found.values())
    times = "; ".join(f"{n} {f['ours_cpu_s']:.1f} against {f['judge_cpu_s']:.1f}" for n, f in found.items())
    some = next(iter(found.values()))
    return [
        f"The scorer agrees with an independent judge that the project was given: {len(some['figures'])} figures on"
        f" {', '.join(found)}, none more than {far:.0e} apart (CPU-s to score one cell: {times}; kept in"
        " `benchmarks/results/tables/agreement.json`, and a test compares them again).",
    ]


if __name__ == "__main__":
    main()
