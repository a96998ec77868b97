"""The section "Scale" of docs/benchmarks.md, and its curves, from ``benchmarks/results/scale.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from _machine import RESULTS
from _page import write_section

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "scale.svg"
AXES = {
    "curve-rows": ("rows", "rows"),
    "curve-columns": ("columns", "columns"),
    "curve-cardinality": ("cardinality", "levels"),
}
COLOURS = ("#1b6ca8", "#c8553d", "#4f772d", "#7b2d8b")


def write_page() -> list[Path]:
    """Write the section and the picture; return where they are."""
    kept = json.loads((RESULTS / "scale.json").read_text(encoding="utf-8"))
    draw_curves(kept["points"])
    write_section("scale", "\n".join(section(kept)))
    return [PICTURE]


def section(kept: dict[str, Any]) -> Iterable[str]:
    points = kept["points"]
    big = [p for p in points if p["family"] == "big"]
    yield "## Scale"
    yield ""
    yield "Written by `make bench-scale` from `benchmarks/results/scale.json`. Data: shared sets resampled with jitter, by the "
    yield "recipe in `benchmarks/scale_data.py`; each run in a process of its own, started on this machine:"
    yield ""
    for said in sorted({_machine(p["environment"]) for p in points}):
        yield f"- {said}"
    yield ""
    if big:
        yield "| run | generator | rows × columns | read s | fit s | estimated s | drawn | rows/s | peak GiB | goal |"
        yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
        for p in big:
            run = p["name"].removesuffix("-" + p["synthesizer"].removeprefix("table."))
            yield (
                f"| {run} | {p['synthesizer']} | {p['rows']:,} × {p['columns']} | {p['read_s']:.1f} | {p['fit_s']:.1f} | "
                f"{p['estimated']['fit']:.1f} | {p['draw']:,} | {p['rows_per_s']:,.0f} | {p['peak_gib']:.2f} | "
                f"{_goal(run, p, kept['limits'])} |"
            )
        yield ""
        for p in big:
            for words in p["notices"]:
                if "drawn at random" in words:
                    yield f"- {p['name']}: {words}"
        yield ""
    if kept["exponents"]:
        yield "Time and memory against size: the exponent of the power law fitted to each curve, with its standard error "
        yield "(1: twice the size, twice the time; under 1 where a fixed part still weighs)."
        yield ""
        yield "| against | from | to | generator | fit, CPU time | draw, CPU time | fit, memory |"
        yield "| --- | ---: | ---: | --- | ---: | ---: | ---: |"
        for e in kept["exponents"]:
            cells = [f"{e[k]['exponent']:.2f} ± {e[k]['error']:.2f}" for k in ("fit_cpu_s", "draw_cpu_s", "fit_memory")]
            yield f"| {e['axis']} | {e['from']:,} | {e['to']:,} | {e['synthesizer']} | " + " | ".join(cells) + " |"
        yield ""
        yield "![Time and memory against rows, columns and levels](pictures/scale.svg)"
        yield ""
    off = sorted(max(p["estimated"]["fit"] / p["fit_s"], p["fit_s"] / p["estimated"]["fit"]) for p in points)
    if off:
        yield f"Estimates of learning made before it began were off by a factor of {off[len(off) // 2]:.2f} in the median, "
        yield f"{off[-1]:.2f} at most."


def _machine(e: dict[str, Any]) -> str:
    return (
        f"{e['cores']} cores ({e['processor']}), {e['memory_gib']} GiB, {e['system']}; Python {e['python']}, "
        f"numpy {e['numpy']}; synthproof {e['synthproof']}; {e['date']}"
    )


def _goal(run: str, p: dict[str, Any], limits: dict[str, dict[str, float]]) -> str:
    """Return each limit of a large run with what came, met or not met."""
    came = {**p, "total_s": p["fit_s"] + p["draw_s"]}
    told = []
    for key, limit in limits.get(run, {}).items():
        good = came[key] >= limit if key == "rows_per_s" else came[key] <= limit
        told.append(f"{key} {'≥' if key == 'rows_per_s' else '≤'} {limit:,}: {'met' if good else 'not met'}")
    return "; ".join(told) or "–"


def draw_curves(points: list[dict[str, Any]]) -> None:
    """Draw CPU time and memory of learning against rows, columns and levels, on logarithmic axes."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "scale", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot as plt

    fig, axes = plt.subplots(2, 3, figsize=(10, 5.4), sharex="col", layout="constrained")
    names = sorted({p["synthesizer"] for p in points})
    for column, (family, (axis, word)) in enumerate(AXES.items()):
        for row, (title, of) in enumerate(
            (
                ("learning, CPU s", lambda p: p["fit_cpu_s"]),
                ("learning, MiB", lambda p: 1024 * (p["fit_peak_gib"] - p["base_gib"])),
            )
        ):
            ax = axes[row, column]
            for colour, name in zip(COLOURS, names, strict=False):
                chosen = sorted(
                    (p for p in points if p["family"] == family and p["synthesizer"] == name), key=lambda p: p[axis]
                )
                if chosen:
                    ax.plot(
                        [p[axis] for p in chosen],
                        [max(1e-2, of(p)) for p in chosen],
                        "o-",
                        color=colour,
                        label=name,
                        ms=4,
                    )
            ax.set_xscale("log")
            ax.set_yscale("log")
            ax.grid(True, which="major", alpha=0.3)
            if column == 0:
                ax.set_ylabel(title)
            if row == 1:
                ax.set_xlabel(word)
    axes[0, 0].legend(frameon=False)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(PICTURE, metadata={"Date": None})
    plt.close(fig)


if __name__ == "__main__":
    print(*write_page())
