"""How often planted copies are caught among real unseen pictures, by kind and rate, and how often clean sets are accused.

    python benchmarks/images/copies.py [--seeds 10] [--only mnist]

For every seed the source is cut by patient into train, holdout and fresh pictures. The fresh ones play a perfect
generator: nothing copied, and no more unlike train than the holdout is. Then 0.2 % and 1 % of them are exchanged for
copies of training pictures, one kind at a time. *Shown*: the exact chance of such a number without a leak is below
0.004, which is what the copies axis of the policy ``image`` needs (0.025 over three measures and two axes). *Flagged*: share of the
planted copies below the limit. Each seed is kept as it ends; a run that was cut off goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.engines.vision.alignment import nearest_aligned
from synthproof.metrics.image.alike import NEIGHBOURS, reference_of, small
from synthproof.metrics.image.near_copies import chance_without_leak, flags, views_of
from synthproof.metrics.image.tails import nearness
from synthproof.testing.pictures import KINDS, image_set, planted

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "benchmarks" / "results" / "images" / "copies.json"
RATES = (0.002, 0.01)
SIZES = {"train": 2_000, "holdout": 1_000, "fresh": 1_000}
SETS = {"mnist": "mnist/mnist.npz", "chest_xray_pneumonia": "chest_xray_pneumonia/xray.npz"}
SHOWN = 0.004
PLANTED = 10


def load(name: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return pixels, classes and persons of one source."""
    place = Path(os.environ.get("SYNTHPROOF_DATA", ROOT.parent / "shared" / "data"))
    with np.load(place / SETS[name]) as z:
        if name == "mnist":
            return z["x_train"], z["y_train"], np.arange(len(z["x_train"]), dtype=np.intp)
        return z["x"], z["y"], np.unique(z["patient"], return_inverse=True)[1].astype(np.intp)


def one(name: str, seed: int) -> dict[str, Any]:
    """Return what became of one cut of one source."""
    started = time.process_time(), time.perf_counter()
    pixels, classes, persons = load(name)
    rng = np.random.default_rng(seed)
    rank = rng.permutation(int(persons.max()) + 1)
    order = np.argsort(rank[persons], kind="stable")
    ends = np.cumsum([0, *SIZES.values()])
    train, holdout, fresh = (order[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True))
    learned = image_set(pixels[train], classes[train], persons[train])
    known = reference_of(learned)
    units = learned.unit_of_row

    def look(shown: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float64]]:
        return [nearness(n, units) for n in nearest_aligned(small(image_set(shown)), known, NEIGHBOURS)]

    unseen, clean = look(pixels[holdout]), look(pixels[fresh])
    out: dict[str, Any] = {"fresh": _judged(clean, unseen, np.zeros(0, dtype=bool))}
    for kind in KINDS:
        copies = look(planted(pixels[rng.choice(train, PLANTED, replace=False)], kind, rng))
        for rate in RATES:
            k = round(rate * SIZES["fresh"])
            mixed = [np.concatenate([c[:k], f[k:]]) for c, f in zip(copies, clean, strict=True)]
            out[f"{kind} {rate:g}"] = _judged(mixed, unseen, np.arange(len(mixed[0])) < k)
    out["cpu_s"], out["wall_s"] = time.process_time() - started[0], time.perf_counter() - started[1]
    return out


def _judged(drawn: Any, unseen: Any, copied: npt.NDArray[np.bool_]) -> dict[str, Any]:
    views = views_of(drawn, unseen)
    flagged, twins = flags(views)
    chance = chance_without_leak(views, int(flagged.sum()), len(flagged), int(twins.sum()), len(twins))
    found = {"flagged": int(flagged.sum()), "unseen_flagged": int(twins.sum()), "chance": chance}
    return found | (
        {"planted_flagged": int(flagged[copied].sum()), "planted": int(copied.sum())} if copied.any() else {}
    )


def summary(runs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return rates over the seeds of one source."""
    names = [n for n in next(iter(runs.values())) if not n.endswith("_s")]
    out: dict[str, Any] = {"seeds": len(runs), "wall_s": sum(r["wall_s"] for r in runs.values())}
    for name in names:
        cells = [r[name] for r in runs.values()]
        told = {"shown": sum(c["chance"] < SHOWN for c in cells), "of": len(cells)}
        if "planted" in cells[0]:
            told["planted_flagged"] = sum(c["planted_flagged"] for c in cells) / sum(c["planted"] for c in cells)
        else:
            told["any_flagged"] = sum(c["flagged"] > 0 for c in cells)
        out[name] = told
    return out


def main() -> None:
    """Run what is not there yet, and write after every seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    kept: dict[str, Any] = json.loads(OUT.read_text(encoding="utf-8")) if OUT.is_file() else {"runs": {}}
    for name in [asked.only] if asked.only else list(SETS):
        runs = kept["runs"].setdefault(name, {})
        for seed in range(asked.seeds):
            if str(seed) not in runs:
                runs[str(seed)] = one(name, seed)
                print(
                    name,
                    seed,
                    json.dumps(
                        {
                            k: v.get("planted_flagged", v["flagged"])
                            for k, v in runs[str(seed)].items()
                            if isinstance(v, dict)
                        }
                    ),
                    flush=True,
                )  # noqa: T201, E501
                kept["summary"] = {n: summary(r) for n, r in kept["runs"].items() if r}
                kept["sizes"] = SIZES
                OUT.parent.mkdir(parents=True, exist_ok=True)
                OUT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
