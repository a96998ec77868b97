"""Write docs/studies.md from the kept results: the papers' numbers beside ours, and what none of them says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import blood_cells_pages
from relief import section

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "studies.md"
FAMILIES = HERE.parent / "benchmarks" / "results" / "images" / "families.json"
ENDS = HERE.parent / "benchmarks" / "results" / "images" / "ends.json"
COPIES = HERE.parent / "benchmarks" / "results" / "images" / "copies.json"

ROWS = (
    ("image.frechet", "all", "nFD, classifier of this folder"),
    ("image.frechet", "random convolutions", "nFD, random convolutions"),
    ("image.frechet", "pixel axes", "nFD, axes of pixels"),
    ("image.kid", "all", "KID"),
    ("image.coverage", "all", "coverage"),
    ("image.diversity", "all", "MS-SSIM within a class"),
    ("image.pixel_tests", "all", "KS of pixel values, 8 bits"),
    ("image.pixel_tests", "Mann-Whitney", "Mann-Whitney effect of pixel values"),
    ("image.views", "all", "neighbours that mix"),
    ("image.views", "clusters", "k-means: shares of clusters alike"),
    ("image.views", "density", "overlap of joint densities"),
    ("any.tsne", "all", "t-SNE: cells that differ"),
    ("image.class_agreement", "all", "class agreement"),
    ("image.prediction", "all", "AUROC lost by training on synthetic"),
    ("image.prediction", "accuracy", "accuracy lost by training on synthetic"),
    ("image.detection", "all", "mAP lost by training on synthetic"),
    ("image.exact_copies", "all", "exact copies"),
    ("image.near_copies", "all", "near copies beyond chance"),
    ("image.membership", "all", "membership AUC"),
    ("image.similarity", "SSIM maximum", "largest SSIM to an original"),
)


def cell(record: dict[str, Any], metric: str, subject: str) -> str:
    """Return a number with its interval and reference, or why there is none."""
    entry = record["evidence"].get(metric)
    if entry is None:
        return "not measured"
    for e in entry["found"]:
        if e["subject"] == subject:
            if e["estimate"] is None:
                return str(e["outcome"]).replace("_", " ")
            low, high = e["interval"]
            reference = "" if e["reference"] is None else f" · {e['reference']:.3g}"
            return f"{e['estimate']:.3g} ({low:.3g}–{high:.3g}){reference}"
    return "–"


def table(title: str, columns: dict[str, str]) -> list[str]:
    """Return a table of metrics by generator; columns without a kept result are left out."""
    kept = {
        label: json.loads((RESULTS / f"{k}.json").read_text())
        for k, label in columns.items()
        if (RESULTS / f"{k}.json").is_file()
    }
    if not kept:
        return []
    lines = [f"## {title}", "", "Value (95 % interval) · what unseen real images give.", ""]
    lines += ["| | " + " | ".join(kept) + " |", "| --- |" + " --- |" * len(kept)]
    for metric, subject, name in ROWS:
        cells = [cell(record, metric, subject) for record in kept.values()]
        if any(c != "not measured" for c in cells):
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def ends() -> list[str]:
    """Return what drawing black exactly did to the digits of two cores."""
    found = json.loads(ENDS.read_text())["mnist"]

    def change(name: str) -> str:
        return f"{found['before'][name]['estimate']:.3g} → {found['after'][name]['estimate']:.3g}"

    return [
        "*The flow of the H100 was learned before the darkest grey was drawn exactly (four pixels in five of a digit are 0; flow "
        "matching lands one or two greys beside it), those of the two cores after it. What that changes on one set of digits "
        "(`benchmarks/images/ends.py`): KS of pixel "
        f"values {change('image.pixel_tests all')}, KID over random convolutions {change('image.kid random convolutions')}, nFD over "
        f"them {change('image.frechet random convolutions')}; over the classifier {change('image.frechet all')}.*",
        "",
    ]


def copies() -> list[str]:
    """Return the catch rates of planted copies."""
    if not COPIES.is_file():
        return []
    return [
        "## Planted copies",
        "",
        "Exact, shifted, mirrored, noised and cropped copies of training images among fresh ones, at one in 500 and one in 100:",
        "what share of sets is shown to leak stands in [copies of images](explanation/copies-of-images.md).",
        "",
    ]


def main() -> None:
    """Write the page."""
    lines = [
        "# The published experiments, again",
        "",
        "*`make studies-small` runs them at the size of two cores: from nothing in 81 minutes of running, in one go, beside other work "
        "that took a quarter of the cores (2026-11-28). Results are kept in `studies/results/` with the machine.*",
        "",
        "## What the papers say",
        "",
        "| paper | its number | what it leaves open |",
        "| --- | --- | --- |",
        "| digits by DCGAN (statistical study) | KS of pixels 0.55, Mann-Whitney p, views by t-SNE, k-means, density | with 10⁷ "
        "pixels any p is 0; four pixels in five are 0, so a lifted background alone moves KS by up to 0.81; nothing on copies |",
        "| X-rays by PGGAN (imbalance) | mean AUROC 0.785 → 0.841, one run | findings that were *not* topped up gained more (+0.071) than "
        "those that were (+0.038); no control with as many duplicates or steps |",
        "| embryos, teeth (reviewed sets) | VTT .45, FID 16.47, AUROC gap .05, mAP gap .059 | safety argued from irreversibility; no "
        "similarity, membership or copies measured |",
        "",
        *table(
            "Digits: MNIST, 28 px, 10,000 drawn",
            {
                "mnist-dcgan": "DCGAN, two cores, 240,000 looks",
                "mnist-flow-cpu": "flow, two cores, 20 minutes",
                "mnist-flow-cpu-shared": "flow, the same, a quarter of the cores taken by others",
                "mnist-flow": "flow, H100, 2.6 minutes",
            },
        ),
        *ends(),
        "![Joint density, k-means and t-SNE of drawn and unseen digits](pictures/digits-views.png)",
        "",
        "*The paper's three views, drawn from aggregates (`python studies/views.py`): the DCGAN, whose classifier distance is twice "
        "that of real digits and on which a classifier learns 3 points less, looks as good in all of them. A view that shows one "
        "cloud is no proof.*",
        "",
        "![Synthetic digits](pictures/digits-synthetic.png)",
        "",
        "nFD is the Fréchet distance over that of as many fresh real images: 1 is as good as real. It is never called FID: no "
        "canonical extractor is used.",
        "",
        *table(
            "Chest X-rays, three classes, patients apart, 3,000 drawn",
            {"xrays-flow": "flow, 96 px, H100, 4.6 minutes", "xrays-pggan": "PGGAN, 48 px, one CPU core, 24,000 seen"},
        ),
        "![Synthetic X-rays: bacterial, normal, viral](pictures/xrays-synthetic.png)",
        "",
        "*All synthetic: bacterial pneumonia, normal, viral pneumonia, the first eight of each as they were drawn.*",
        "",
        "## Scenes from parts: blood cells, 128 px (the stand-in for the reviewed embryo and oral sets)",
        "",
        *blood_cells_pages.section(),
        *table(
            "Blood cells: whole scenes, and their parts cut out by their boxes",
            {"cells-compose": "scenes, `image.compose`", "cells-parts": "parts of the same scenes"},
        ),
        "## Rare classes relieved, class by class",
        "",
        *section(),
        *copies(),
        "## Families on one footing",
        "",
        "Three CPU minutes each on 20,000 digits: see [image families](how-to/image-families.md).",
        "",
        "## Not done",
        "",
        *blood_cells_pages.not_done(),
        "PGGAN on the X-rays is measured at 48 px.",
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
