"""How often planted copies are caught among real unseen pictures, by kind and rate, and how often clean sets are accused.

    python benchmarks/images/copies.py [--seeds 10] [--only mnist]

For every seed the source is cut by patient into train, holdout and fresh pictures. The fresh ones play a perfect
generator: nothing copied, and no more unlike train than the holdout is. Then 0.2 % and 1 % of them are exchanged for
copies of training pictures, one kind at a time. *Shown*: the exact chance of such a number without a leak is below
0.003125, which is what the copies axis of the policy ``image`` needs (0.025 over four measures and two axes). *Flagged*:
share of the planted copies below the limit. Each seed is kept as it ends; a run that was cut off goes on where it stopped.

*Over the limit* (``likeness``): the rules of `image.similarity`, whose limits are simulated from halves of train as the
guide does: in how many cuts the mean and the maximum of SSIM, MS-SSIM and 1 - deep distance lie over their limits, for
the fresh pictures and the holdout (false alarms, two redraws a cut) and with copies planted.
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

from synthproof.core.contracts import Case
from synthproof.core.run import Run
from synthproof.core.schema import Purpose
from synthproof.engines.vision.alignment import nearest_aligned
from synthproof.metrics.image.alike import NEIGHBOURS, reference_of, small
from synthproof.metrics.image.near_copies import chance_without_leak, flags, views_of
from synthproof.metrics.image.similarity import likeness, rows_looked_at
from synthproof.metrics.image.tails import nearness
from synthproof.testing.pictures import KINDS, image_set, planted
from synthproof.verification.image_limits import METRIC, simulate_image_limits
from synthproof.verification.limits import LimitSpec

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "benchmarks" / "results" / "images" / "copies.json"
RATES = (0.002, 0.01)
SIZES = {"train": 2_000, "holdout": 1_000, "fresh": 1_000}
SETS = {"mnist": "mnist/mnist.npz", "chest_xray_pneumonia": "chest_xray_pneumonia/xray.npz"}
SHOWN = 0.025 / (4 * 2)
PLANTED = 10
QUANTILE = 0.95


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
    train, holdout, fresh = cut(persons, rng)
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


def likeness_of(name: str, seed: int) -> dict[str, Any]:
    """Return which limits of likeness one cut of one source breaks: fresh, unseen, and with copies planted."""
    started = time.process_time(), time.perf_counter()
    pixels, classes, persons = load(name)
    rng = np.random.default_rng(seed)
    train, holdout, fresh = cut(persons, rng)
    sets = {"train": train, "holdout": holdout, "fresh": fresh}
    made = {k: image_set(pixels[at], classes[at], persons[at]) for k, at in sets.items()}
    run = Run()
    case = Case(train=made["train"], holdout=made["holdout"], synthetic=made["fresh"], purpose=Purpose())
    limits = {
        x.subject: x.value
        for x in simulate_image_limits(case, [LimitSpec(METRIC, QUANTILE)], seed=seed, repeats=100, run=run)[0]
    }
    rows = rows_looked_at(case, seed)
    clean = {"fresh": likeness(case, "synthetic", rows, run), "holdout": likeness(case, "holdout", rows, run)}
    out: dict[str, Any] = {"limits": limits}
    out |= {side: {**_over({k: (p.mean, p.most) for k, p in found.items()}, limits)} for side, found in clean.items()}
    for kind in KINDS:
        at = rng.choice(train, PLANTED, replace=False)
        copied = image_set(planted(pixels[at], kind, rng), classes[at])
        among = Case(train=made["train"], holdout=None, synthetic=copied, purpose=Purpose())
        found = likeness(among, "synthetic", rows_looked_at(among, seed), run)
        for rate in RATES:
            k = round(rate * SIZES["fresh"])
            mixed = {
                s: tuple(np.concatenate([a[:k], b[k:]]) for a, b in ((found[s].mean, p.mean), (found[s].most, p.most)))
                for s, p in clean["fresh"].items()
            }
            out[f"{kind} {rate:g}"] = _over(mixed, limits)
    out["cpu_s"], out["wall_s"] = time.process_time() - started[0], time.perf_counter() - started[1]
    return out


def _over(found: Any, limits: dict[str, float]) -> dict[str, bool]:
    told = {}
    for i, (kind, (mean, most)) in enumerate(found.items()):
        for subject, value in (("all" if i == 0 else kind, mean.mean()), (f"{kind} maximum", most.max())):
            if subject in limits:
                told[subject] = bool(value > limits[subject])
    told["any maximum"] = any(v for s, v in told.items() if s.endswith("maximum"))
    return told


def cut(persons: npt.NDArray[np.intp], rng: np.random.Generator) -> list[npt.NDArray[np.intp]]:
    """Return train, holdout and fresh pictures by person."""
    rank = rng.permutation(int(persons.max()) + 1)
    order = np.argsort(rank[persons], kind="stable")
    ends = np.cumsum([0, *SIZES.values()])
    return [order[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True)]


def likeness_summary(runs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return in how many cuts of one source each limit of likeness was broken."""
    first = next(iter(runs.values()))
    names = [n for n in first if n != "limits" and not n.endswith("_s")]
    out: dict[str, Any] = {"cuts": len(runs), "cpu_s": sum(r["cpu_s"] for r in runs.values())}
    for name in names:
        subjects = dict.fromkeys(s for r in runs.values() for s in r[name])
        out[name] = {
            s: [sum(r[name].get(s, False) for r in runs.values()), sum(s in r[name] for r in runs.values())]
            for s in subjects
        }
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
    kept.setdefault("likeness", {"runs": {}})
    for seed in range(asked.seeds):
        for name in [asked.only] if asked.only else list(SETS):
            runs, likes = kept["runs"].setdefault(name, {}), kept["likeness"]["runs"].setdefault(name, {})
            if str(seed) in runs and str(seed) in likes:
                continue
            if str(seed) not in runs:
                runs[str(seed)] = one(name, seed)
            if str(seed) not in likes:
                likes[str(seed)] = likeness_of(name, seed)
            told = {
                k: v.get("any maximum") for k, v in likes[str(seed)].items() if k != "limits" and isinstance(v, dict)
            }
            print(name, seed, json.dumps(told), flush=True)  # noqa: T201
            kept["summary"] = {n: summary(r) for n, r in kept["runs"].items() if r}
            kept["likeness"]["summary"] = {n: likeness_summary(r) for n, r in kept["likeness"]["runs"].items() if r}
            kept["likeness"]["quantile"] = QUANTILE
            kept["sizes"] = SIZES
            OUT.parent.mkdir(parents=True, exist_ok=True)
            OUT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
