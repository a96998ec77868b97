"""How much burned-in text is found, and how often there is an alarm for nothing; writes results/images/burned_in.json.

Run: python benchmarks/images/burned_in.py [--pictures N] [--seed N]       (under 5 CPU minutes)

Pictures: X-rays of persons that the finder neither learned from nor had its line set on; the set `chest_xray_covid`,
which it never saw and which bears real marks on the film, apart; cells under the microscope. Text: fonts and strings of
the fold ``held_out``, capitals 10 to 24 pixels high, white, black or grey, at least 40 grey levels of contrast. A line
of text counts as found when at least half of its ink lies inside what was found. Pictures of 28 px (pneumonia_mnist)
are no case: letters of 10 px fill a third of them; the finder does not look at sides below 64.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _machine import data_dir, environment, keep
from synthproof.engines.finders.burned_in import LEAST_SCORE, LEAST_SIDE, burned_in_score, find_burned_in
from synthproof.engines.finders.measure import wilson
from synthproof.testing.planted_text import Planted, plant

GOALS = {"found": 0.95, "false_alarms": 0.02}
LINES = (4.0, 6.0, 8.0, 10.0, 12.0, 16.0)


def share(k: int, n: int) -> dict[str, Any]:
    low, high = wilson(k, n)
    return {"n": n, "k": k, "share": round(k / max(n, 1), 4), "wilson_95": [round(low, 4), round(high, 4)]}


def sized(picture: np.ndarray, side: int) -> np.ndarray:
    if picture.shape[0] == side:
        return picture
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))


def covered(made: Planted) -> tuple[list[float], float, float]:
    """Share of ink covered of each line and of all, and the share of the picture that is covered."""
    found = find_burned_in(made.picture)
    mask = np.zeros(made.ink.shape, dtype=bool)
    for f in found:
        t, l, b, r = f.box
        mask[t:b, l:r] = True
    lines = [float(mask[t:b, l:r][made.ink[t:b, l:r]].mean()) for t, l, b, r in made.boxes]
    return lines, float(mask[made.ink].mean()), float(mask.mean())


def recall(pictures: np.ndarray, side: int, rng: np.random.Generator) -> dict[str, Any]:
    by: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    pages, lines, ink, area, none = [0, 0], [0, 0], [], [], 0
    for picture in pictures:
        made = plant(sized(picture, side), rng, fold="held_out")
        if made is None:
            none += 1
            continue
        of_line, of_all, part = covered(made)
        hit = max(of_line) >= 0.5
        pages[0] += hit
        pages[1] += 1
        lines[0] += sum(s >= 0.5 for s in of_line)
        lines[1] += len(of_line)
        ink.append(of_all)
        area.append(part)
        for key in (made.colour, f"{10 + (made.height - 10) // 5 * 5}+ px"):
            by[key][0] += hit
            by[key][1] += 1
    return {
        "pictures_found": share(*pages),
        "lines_found": share(*lines),
        "ink_covered_mean": round(float(np.mean(ink)), 4),
        "area_covered_mean": round(float(np.mean(area)), 4),
        "not_plantable": none,
        "by": {k: share(*v) for k, v in sorted(by.items())},
    }


def alarms(pictures: list[np.ndarray] | np.ndarray, side: int = 0) -> dict[str, Any]:
    scores = np.array([burned_in_score(sized(p, side) if side else p) for p in pictures])
    return {
        "alarms": share(int((scores >= LEAST_SCORE).sum()), len(scores)),
        "by_line": {str(line): round(float((scores >= line).mean()), 4) for line in LINES},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--seed", type=int, default=12)
    args = parser.parse_args()
    from folds import cells, folds_of_persons

    start = time.process_time()
    rng = np.random.default_rng(args.seed)
    z = np.load(data_dir() / "chest_xray_pneumonia" / "xray.npz")
    xrays = z["x"][folds_of_persons(z["patient"])[2]]
    other = np.load(data_dir() / "chest_xray_covid" / "xray.npz")
    result: dict[str, Any] = {"goals": GOALS, "line": LEAST_SCORE, "least_side": LEAST_SIDE, "xrays": {}}
    for side in (96, 256, 384, 512):
        n = args.pictures * (2 if side == 96 else 1) // (1 if side < 384 else 2)
        chosen = xrays[rng.choice(len(xrays), n, replace=False)]
        result["xrays"][str(side)] = {"enlarged": side > 96, **recall(chosen, side, rng), **alarms(chosen, side)}
        told = result["xrays"][str(side)]
        print(side, told["pictures_found"], told["alarms"], f"{time.process_time() - start:.0f} s", flush=True)
    pages = [result["xrays"][s] for s in result["xrays"]]
    for name, key in (("found", "pictures_found"), ("lines_found", "lines_found"), ("false_alarms", "alarms")):
        result[name] = share(sum(p[key]["k"] for p in pages), sum(p[key]["n"] for p in pages))
    on_film = {}
    for label, name in enumerate(other["classes"].tolist()):
        rows = np.flatnonzero(other["y"] == label)
        rows = rng.choice(rows, min(args.pictures // 2, len(rows)), replace=False)
        on_film[str(name)] = {**alarms(other["x"][rows]), "planted": recall(other["x"][rows], 128, rng)}
    result["chest_xray_covid, 128 px as it is (real marks on the film)"] = on_film
    result["cells 640 × 480, without text"] = alarms(cells()[200:][:: max(1, 164 // (args.pictures // 4 + 1))])
    result["cpu_seconds"] = round(time.process_time() - start, 1)
    result["environment"] = environment()
    (Path(__file__).resolve().parents[1] / "results" / "images").mkdir(parents=True, exist_ok=True)
    print(keep("images/burned_in", result))
    print({k: result[k] for k in ("found", "lines_found", "false_alarms", "cpu_seconds")})


if __name__ == "__main__":
    main()
