"""Section "Images: time and memory" of docs/benchmarks.md, its curves, and the constants of estimates, from scale.json.

    python benchmarks/images/scale_page.py

Writes ``docs/benchmarks.md``, ``docs/pictures/images_scale.svg`` and ``src/synthproof/pipeline/picture_costs.json``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _machine import RESULTS
from _page import write_section

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "pictures" / "images_scale.svg"
SHIPPED = ROOT / "src" / "synthproof" / "pipeline" / "picture_costs.json"
COSTS = ROOT / "src" / "synthproof" / "core" / "costs.json"
TERMS = ("one", "values", "pictures", "all_values")
GROWN = ("read", "protect", "search", "write")
COLOURS = {"28×1": "#1b6ca8", "64×1": "#c8553d", "96×1": "#4f772d", "128×1": "#7b2d8b", "64×3": "#b8860b"}
_KIB = 1024.0


def main() -> None:
    kept = json.loads((RESULTS / "images" / "scale.json").read_text(encoding="utf-8"))
    points = sorted(kept["points"].values(), key=lambda p: (p["side"], p["channels"], p["n"]))
    draw(points)
    write_section("images-scale", "\n".join(section(kept, points)))
    SHIPPED.write_text(json.dumps(constants(kept, points), indent=1) + "\n", encoding="utf-8")
    print(PICTURE, SHIPPED)


def stored_mib(p: dict[str, Any]) -> float:
    """Return what the squares of a point take, MiB: what would be held by someone who holds the set."""
    return float(p["n"] * p["side"] ** 2 * p["channels"]) / 2**20


def exponent(points: list[dict[str, Any]], stage: str) -> tuple[float, float] | None:
    """Return the exponent that CPU seconds go with the number of pictures by, and its error; three numbers at least."""
    xy = [(np.log(p["n"]), np.log(p[stage]["cpu_s"])) for p in points]
    if len(xy) < 3:
        return None
    x, y = np.array(xy).T
    slope, rest = np.polyfit(x, y, 1)
    off = y - slope * x - rest
    return float(slope), float(np.sqrt((off**2).sum() / max(1, len(x) - 2) / ((x - x.mean()) ** 2).sum()))


def series(points: list[dict[str, Any]], stage: str) -> dict[str, list[dict[str, Any]]]:
    """Return the points at which a stage was measured, by side and channels."""
    out: dict[str, list[dict[str, Any]]] = {}
    for p in points:
        if stage in p:
            out.setdefault(f"{p['side']}×{p['channels']}", []).append(p)
    return out


def section(kept: dict[str, Any], points: list[dict[str, Any]]) -> Iterable[str]:
    e = kept["environment"]
    yield "## Images: time and memory · 이미지: 시간과 메모리"
    yield ""
    yield (
        f"Written by `make bench-images` from `benchmarks/results/images/scale.json`: {e['cores']} cores "
        f"({e['processor']}), {e['memory_gib']} GiB, {e['system']}; Python {e['python']}, numpy {e['numpy']}; synthproof "
        f"{e['synthproof']}; {e['date']}; seed {kept['seed']}. Every stage in a process of its own, one thread. Seconds are "
        "CPU seconds of the process: the machine was busy with other work, so that wall time says nothing. *Anonymous* is "
        "memory that cannot be given back, at its highest beyond that of the loaded libraries; *stored* is what the squares "
        "take on disk, which is mapped and never counted. Pictures: PNG files of MNIST (28 px), means of two chest X-rays "
        "(above), one in a hundred with letters burned in. "
    )
    yield ""
    yield "| pictures | side × channels | stored MiB | read: s | MiB | protect: s | MiB | search: s | MiB | write: ms a file | MiB |"
    yield "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for p in sorted(points, key=lambda p: (p["n"], p["side"], p["channels"])):
        cells = []
        for stage in ("read", "protect", "search"):
            done = p.get(stage)
            cells += [f"{done['cpu_s']:.1f}", f"{done['anonymous_mib']:.0f}"] if done else ["–", "–"]
        done = p.get("write")
        cells += [f"{1000 * done['per_file_s']:.2f}", f"{done['anonymous_mib']:.0f}"] if done else ["–", "–"]
        yield f"| {p['n']:,} | {p['side']} × {p['channels']} | {stored_mib(p):.0f} | " + " | ".join(cells) + " |"
    yield ""
    yield "*read*: heads, pixels, intake, squares into the vault. *protect*: split, near-duplicates, burned-in text (from 64 px), "
    yield "both sides written. *search*: fingerprints, exact and near copies of up to 2,000 synthetic pictures. –: not measured "
    yield "here; `make bench-images` goes on where it stopped."
    yield ""
    yield from _growth(points)
    yield from _networks(points)
    yield "![CPU seconds and anonymous memory against the number of pictures](pictures/images_scale.svg)"


def _growth(points: list[dict[str, Any]]) -> Iterable[str]:
    yield "Against the number of pictures: exponent of the power law of CPU time (1: twice as many, twice the time), and "
    yield "anonymous bytes that each picture more adds, between the smallest and the largest number measured."
    yield ""
    yield "| stage | side × channels | from | to | CPU time | bytes a picture more | bytes of a picture |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for stage in (*GROWN, "fit"):
        for name, found in series(points, stage).items():
            if len(found) < 2:
                continue
            low, high = found[0], found[-1]
            told = exponent(found, stage) if stage in ("read", "protect", "search") else None
            more = (high[stage]["anonymous_mib"] - low[stage]["anonymous_mib"]) * 2**20 / (high["n"] - low["n"])
            size = low["side"] ** 2 * low["channels"]
            shown = "–" if told is None else f"{told[0]:.2f} ± {told[1]:.2f}"
            yield f"| {stage} | {name} | {low['n']:,} | {high['n']:,} | {shown} | {max(0.0, more):,.0f} | {size:,} |"
    yield ""


def _networks(points: list[dict[str, Any]]) -> Iterable[str]:
    found = [p for p in points if "sample" in p and p["channels"] == 1]
    if not found:
        return
    yield "What a network takes, whatever their number (`image.flow`, its default net for a CPU, one thread); *verify* is the "
    yield "whole battery with its limits on 1,000 pictures, which looks at 4,000 a side at most:"
    yield ""
    yield "| side | learning: ms a picture | a step of 64, s | MiB | drawing: ms a picture | MiB | loss: ms a picture | verify, s | MiB |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for p in found:
        f, s, v = p["fit"], p["sample"], p.get("verify")
        last = (
            [f"{1000 * v['loss_per_picture_s']:.1f}", f"{v['prove_s']:.0f}", f"{v['anonymous_mib']:.0f}"]
            if v
            else ["–"] * 3
        )
        yield (
            f"| {p['side']} | {1000 * f['per_picture_s']:.1f} | {f['step_s']:.2f} | {f['anonymous_mib']:.0f} | "
            f"{1000 * s['per_picture_s']:.0f} | {s['anonymous_mib']:.0f} | " + " | ".join(last) + " |"
        )
    yield ""


def constants(kept: dict[str, Any], points: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what `pipeline/picture_costs.py` reads."""
    fits = series(points, "fit")
    more = [
        (x[-1]["fit"]["anonymous_mib"] - x[0]["fit"]["anonymous_mib"]) * 2**20 / (x[-1]["n"] - x[0]["n"])
        for x in fits.values() if len(x) > 1
    ]  # fmt: skip
    # seconds as they would be on the machine that `core/costs.json` was measured on, which `machine_pace` compares with
    ratio = float(json.loads(COSTS.read_text(encoding="utf-8"))["pace_s"]) / float(kept["pace_s"])
    grey = [p for p in points if p["channels"] == 1 and p["n"] == min(q["n"] for q in points)]

    def of(stage: str, key: str, factor: float = 1.0) -> dict[str, float]:
        return {str(p["side"]): factor * p[stage][key] for p in grey if stage in p}

    by_side = {
        "fit_bytes": of("fit", "anonymous_mib", 2**20),
        "draw_bytes": of("sample", "anonymous_mib", 2**20),
        "verify_bytes": of("verify", "anonymous_mib", 2**20),
        "step_picture_s": of("fit", "per_picture_s", ratio),
        "draw_picture_s": of("sample", "per_picture_s", ratio),
        "loss_picture_s": of("verify", "loss_per_picture_s", ratio),
        "verify_s": of("verify", "prove_s", ratio),
    }
    linear = {stage: _linear([p for p in points if stage in p], stage, ratio) for stage in ("protect", "search")}
    return {
        "measured_by": "benchmarks/images/scale.py",
        "by_side": by_side,
        "fit_bytes_a_picture": max(0.0, float(np.median(more))) if more else 0.0,
        "linear": linear,
    }


def _linear(points: list[dict[str, Any]], stage: str, ratio: float) -> dict[str, Any]:
    """Return non-negative constants of the terms for seconds and bytes, least in relative error, and how far they lie off."""
    values = np.array([p["side"] ** 2 * p["channels"] for p in points], dtype=float)
    n = np.array([p["n"] for p in points], dtype=float)
    x = np.stack([np.ones(len(n)), values, n, n * values], axis=1)
    out: dict[str, Any] = {"points": len(points)}
    for key, y in (
        ("seconds", np.array([ratio * p[stage]["cpu_s"] for p in points])),
        ("bytes", np.array([max(1.0, p[stage]["anonymous_mib"]) * 2**20 for p in points])),
    ):
        # nobody holds values of all pictures: memory has no such term, and the table shows how well that fits
        terms = TERMS[:-1] if key == "bytes" else TERMS
        given = x[:, : len(terms)]
        scale = given.max(axis=0)
        weights, _ = nnls(given / scale / y[:, None], np.ones(len(y)))
        out[key] = {t: float(w / s) for t, w, s in zip(terms, weights, scale, strict=True) if w > 0}
        out[f"{key}_median_error"] = round(float(np.median(np.abs(given @ (weights / scale) / y - 1))), 3)
    return out


def draw(points: list[dict[str, Any]]) -> None:
    """Draw CPU seconds and anonymous memory against the number of pictures, beside what the pictures take."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "images-scale", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot as plt

    fig, axes = plt.subplots(2, 3, figsize=(10, 5.4), sharex=True, layout="constrained")
    for column, stage in enumerate(("read", "protect", "search")):
        for name, found in series(points, stage).items():
            n = [p["n"] for p in found]
            axes[0, column].plot(n, [p[stage]["cpu_s"] for p in found], "o-", ms=4, color=COLOURS[name], label=name)
            axes[1, column].plot(n, [max(1, p[stage]["anonymous_mib"]) for p in found], "o-", ms=4, color=COLOURS[name])
            axes[1, column].plot(n, [stored_mib(p) for p in found], ":", color=COLOURS[name], lw=1)
        axes[0, column].set_title(stage)
        for ax in axes[:, column]:
            ax.set_xscale("log")
            ax.set_yscale("log")
            ax.grid(True, which="major", alpha=0.3)
        axes[1, column].set_xlabel("pictures")
    axes[0, 0].set_ylabel("CPU s")
    axes[1, 0].set_ylabel("MiB anonymous (dotted: the pictures)")
    axes[0, 0].legend(frameon=False, title="px × channels")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(PICTURE, metadata={"Date": None})
    plt.close(fig)


if __name__ == "__main__":
    main()
