"""Draw the paper's three figures (joint density, k-means, t-SNE) of the digits from the kept evidence: aggregates of real ones.

Real digits appear as shares of cells and clusters only, as in a report; synthetic ones as points.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from scoring import RESULTS

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "digits-views.png"
SHOWN = {"mnist-dcgan": "DCGAN", "mnist-flow-cpu": "flow, two cores", "mnist-flow": "flow, H100"}
REAL, SYNTHETIC = "#52606d", "#0b6fa4"


def main() -> None:
    """Draw a row for every kept generator."""
    kept = {
        label: json.loads((RESULTS / f"{k}.json").read_text())
        for k, label in SHOWN.items()
        if (RESULTS / f"{k}.json").is_file()
    }
    figure = Figure(figsize=(9.2, 3.0 * len(kept)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    rcParams["font.size"], rcParams["axes.titlesize"] = 7.5, 8.5
    for row, (label, record) in zip(figure.subplots(len(kept), 3, squeeze=False), kept.items(), strict=True):
        density, clusters = (_found(record, "image.views", s) for s in ("density", "clusters"))
        _density(row[0], density["detail"], f"{label}: densities overlap by {density['estimate']:.2f}")
        _clusters(row[1], clusters["detail"], f"k-means: shares alike to {clusters['estimate']:.2f}")
        map_ = _found(record, "any.tsne", "all")
        _map(row[2], map_["detail"], f"t-SNE: cells differ by {map_['estimate']:.2f} (real: {map_['reference']:.2f})")
    figure.savefig(PICTURE)


def _found(record: dict[str, Any], metric: str, subject: str) -> dict[str, Any]:
    return next(e for e in record["evidence"][metric]["found"] if e["subject"] == subject)


def _density(ax: Any, detail: dict[str, Any], title: str) -> None:
    real, synthetic = (np.array(detail[s]).T for s in ("real", "synthetic"))
    levels = np.quantile(real[real > real.max() / 50], [0.1, 0.4, 0.7, 0.9])
    ax.contourf(real, levels=[*levels, real.max()], colors=["#e4e7eb", "#cbd2d9", "#9aa5b1", "#7b8794"])
    ax.contour(synthetic, levels=levels, colors=SYNTHETIC, linewidths=1.2)
    ax.set(title=title, xlabel="first axis", ylabel="second axis", xticks=[], yticks=[])


def _clusters(ax: Any, detail: dict[str, Any], title: str) -> None:
    at = np.arange(len(detail["real"]))
    ax.bar(at - 0.2, detail["real"], 0.4, color=REAL, label="real, unseen")
    ax.bar(at + 0.2, detail["synthetic"], 0.4, color=SYNTHETIC, label="synthetic")
    ax.set(title=title, xlabel="cluster", ylabel="share", xticks=at)
    ax.set_ylim(0, 1.25 * max(*detail["real"], *detail["synthetic"]))
    ax.legend(frameon=False, ncols=2, loc="upper center")


def _map(ax: Any, detail: dict[str, Any], title: str) -> None:
    edges = [np.array(detail[k]) for k in ("edges_x", "edges_y")]
    counts = np.array([[0 if c is None else c for c in line] for line in detail["real_counts"]], dtype=float)
    ax.pcolormesh(*edges, counts.T, cmap="Greys", vmax=counts.max() * 1.6)
    points = np.array(detail["synthetic_points"])
    ax.scatter(points[:, 0], points[:, 1], s=4, color=SYNTHETIC, linewidths=0)
    ax.set(title=title, xticks=[], yticks=[])


if __name__ == "__main__":
    main()
