"""The frontier: how surely a synthetic table is told from unseen real rows, against how much it tells of its own rows.

Both axes are AUCs and 0.5 is best on both: the lower left corner is a fresh real sample. One small point for each
generator and set, one large point for its mean. Colours are Okabe and Ito's, and every generator has a shape as well.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from peers import DEFAULT, OURS
from summary import Generator

_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#8C6D00",
    "#7F7F7F",
    "#5B3A8C",
)
_SHAPES = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h")
_GREY = "#555555"
FIRST = DEFAULT.replace(OURS, "ours.")


def draw(generators: list[Generator], wanted: int, path: Path, title: str) -> None:
    """Draw the picture; a mean over fewer than `wanted` sets is hollow and says over how many."""
    with mpl.rc_context({"svg.hashsalt": "frontier", "svg.fonttype": "path", "font.size": 10}):
        canvas = Canvas(figsize=(9.2, 5.6), layout="constrained")
        axes = canvas.subplots()
        looks = sorted(generators, key=lambda g: (g.label != FIRST, g.label))  # the same look whatever the rank
        for g in generators:
            _one(axes, g, looks.index(g), wanted)
        axes.plot(0.5, 0.5, marker="*", markersize=17, color="#333333", linestyle="none", label="a fresh real sample")
        axes.axhline(0.5, color=_GREY, linewidth=0.6)
        axes.axvline(0.5, color=_GREY, linewidth=0.6)
        axes.set_xlabel("membership AUC (density ratio; 0.5: nothing is told of the rows learned from)")
        axes.set_ylabel("told from unseen real rows: AUC of boosted trees\n(0.5: not to be told apart)")
        axes.set_title(title, loc="left", fontsize=11)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.grid(color="#e5e5e5", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9, labelspacing=0.8)
        path.parent.mkdir(parents=True, exist_ok=True)
        canvas.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=150)


def _one(axes: Axes, g: Generator, k: int, wanted: int) -> None:
    colour, shape = _COLOURS[k % len(_COLOURS)], _SHAPES[k % len(_SHAPES)]
    points = [(g.figure(s, "mia_auc"), g.figure(s, "c2st_auc_holdout")) for s in g.sets()]
    xy = np.array([(x.value, y.value) for x, y in points if x is not None and y is not None])
    if not len(xy):
        return
    axes.scatter(*xy.T, s=26, marker=shape, color=colour, alpha=0.45, linewidths=0, zorder=2)
    full = len(xy) >= wanted
    note = "" if full else f" ({len(xy)} of {wanted} sets)"
    axes.scatter(
        *xy.mean(axis=0),
        s=150,
        marker=shape,
        facecolor=colour if full else "white",
        edgecolor="white" if full else colour,
        linewidths=1.2 if full else 2.0,
        zorder=4,
        label=g.title + note,
    )
