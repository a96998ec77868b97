"""The generator families of the documents on one footing: three CPU minutes of one thread each, on 20,000 digits of MNIST.

python benchmarks/images/families.py                 # what is not kept yet
python benchmarks/images/families.py image.dcgan     # one family, anew

Each family's row is kept as soon as it is measured, in benchmarks/results/images/families.json, with a sheet of drawn
digits beside it (of synthetic ones only). A small network that was trained on 30,000 other real digits says how often a
drawn digit is of the class that was asked for. A pilot says how many pictures a family sees in a CPU second, and the fit's
budget is that many times the seconds: what else the machine does then costs time, not quality.
Fréchet distances are over that network's features and stand beside the
distance of as many real digits, that no family saw, from the same 5,000.
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
import torch
from PIL import Image
from torch import nn

from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.data.image.io import read_images

HERE = Path(__file__).resolve().parents[1] / "results" / "images"
KEPT = HERE / "families.json"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "image-families.md"
DATA = Path(os.environ.get("SYNTHPROOF_DATA", "../shared/data"))
FAMILIES = ("image.dcgan", "image.pggan", "image.vae", "image.ddpm", "image.flow", "image.augment", "image.duplicate")
SEED, LEARNED, JUDGED, DRAWN = 0, 20_000, 30_000, 2_000
PILOT = 0.25  # wall minutes
FloatArray = npt.NDArray[np.float32]


class Digits:
    """MNIST, cut once: to learn from, for the judge, to compare with."""

    def __init__(self) -> None:
        with np.load(DATA / "mnist" / "mnist.npz", allow_pickle=False) as stored:
            self.x, self.y = stored["x_train"], stored["y_train"].astype(int)
            self.test_x, self.test_y = scaled(stored["x_test"]), stored["y_test"].astype(int)
        order = np.random.Generator(np.random.Philox(SEED)).permutation(len(self.x))
        self.learned, self.judged, self.other = np.split(order, [LEARNED, LEARNED + JUDGED])


def scaled(pixels: npt.NDArray[np.uint8]) -> FloatArray:
    return pixels[:, None].astype(np.float32) / 127.5 - 1.0


def network() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(1, 24, 3, 2, 1), nn.ReLU(), nn.Conv2d(24, 48, 3, 2, 1), nn.ReLU(), nn.Conv2d(48, 64, 3, 1, 1)),
        *(nn.ReLU(), nn.Flatten(), nn.Linear(64 * 49, 96), nn.ReLU(), nn.Linear(96, 10)),
    )


def classifier(x: FloatArray, y: npt.NDArray[np.int_], images: int) -> nn.Sequential:
    """Return a network trained on `images` pictures drawn from x."""
    dice = np.random.Generator(np.random.Philox(SEED))
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        net = network()
        steps = images // 128
        adam = torch.optim.Adam(net.parameters(), 1e-3)
        for step in range(steps):
            for group in adam.param_groups:
                group["lr"] = 1e-3 * (1 - step / steps) + 1e-5
            rows = dice.integers(len(x), size=128)
            loss = nn.functional.cross_entropy(net(torch.tensor(x[rows])), torch.tensor(y[rows]))
            adam.zero_grad()
            loss.backward()
            adam.step()
    return net.eval()


def outputs(net: nn.Module, x: FloatArray) -> npt.NDArray[np.float64]:
    with torch.no_grad():
        parts = [net(torch.tensor(x[i : i + 1000])).numpy() for i in range(0, len(x), 1000)]
    return np.concatenate(parts).astype(np.float64)


def accuracy(net: nn.Sequential, x: FloatArray, y: npt.NDArray[np.int_]) -> float:
    return float((outputs(net, x).argmax(axis=1) == y).mean())


def frechet(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Return the squared Fréchet distance of two normals fitted to features."""
    covs = np.cov(a.T), np.cov(b.T)
    roots = np.sqrt(np.linalg.eigvals(covs[0] @ covs[1]).real.clip(0))
    gap = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    return float(gap + np.trace(covs[0]) + np.trace(covs[1]) - 2 * roots.sum())


class Judge:
    """What looks at drawn digits."""

    def __init__(self, digits: Digits) -> None:
        self.digits = digits
        self.net = classifier(scaled(digits.x[digits.judged]), digits.y[digits.judged], 250_000)
        self.features = self.net[:9]
        self.real = outputs(self.features, scaled(digits.x[digits.other[:5000]]))
        fresh = digits.other[5000 : 5000 + DRAWN]
        self.floor = frechet(outputs(self.features, scaled(digits.x[fresh])), self.real)
        few = classifier(scaled(digits.x[fresh]), digits.y[fresh], 60_000)
        self.base = {
            "judge_accuracy_on_test": round(accuracy(self.net, digits.test_x, digits.test_y), 4),
            "fd_of_real": round(self.floor, 2),
            f"accuracy_trained_on_{DRAWN}_real": round(accuracy(few, digits.test_x, digits.test_y), 4),
        }

    def look(self, x: FloatArray, y: npt.NDArray[np.int_]) -> dict[str, Any]:
        """Return what is measured of drawn digits."""
        said = outputs(self.net, x).argmax(axis=1)
        fd = frechet(outputs(self.features, x), self.real)
        own = classifier(x, y, 60_000)
        return {
            "class_agreement": round(float((said == y).mean()), 4),
            "agreement_by_class": [round(float((said[y == k] == k).mean()), 3) for k in range(10)],
            "fd": round(fd, 2),
            "nfd": round(fd / self.floor, 2),
            f"accuracy_trained_on_{DRAWN}_drawn": round(accuracy(own, self.digits.test_x, self.digits.test_y), 4),
        }


def measure(name: str, minutes: float, digits: Digits, judge: Judge) -> dict[str, Any]:
    """Return one family's row."""
    labels = np.array([f"digit {k}" for k in digits.y[digits.learned]])
    data = read_images({"images": digits.x[digits.learned], "labels": labels})
    made = synthesizers.make(name, random_state=SEED)
    run = Run(workers=1)
    if "minutes" in made.get_params():
        cpu = time.process_time()
        pilot = synthesizers.make(name, random_state=SEED, minutes=PILOT).fit(data, run=run)
        rate = pilot.learned_["images"] / (time.process_time() - cpu)
        made.set_params(images=int(rate * 60 * minutes))
    wall, cpu = time.monotonic(), time.process_time()
    made.fit(data, run=run)
    fitted, fitted_cpu = time.monotonic() - wall, time.process_time() - cpu
    wall = time.monotonic()
    drawn = made.sample(DRAWN, seed=SEED + 1, run=run)
    seconds = time.monotonic() - wall
    codes, names = drawn.classes()
    y = np.array([int(n.rpartition(" ")[2]) for n in names])[codes]
    if made.tags.full_synthesis:
        sheet(drawn.pixels()[..., 0], y, HERE / "families" / f"{name}.png")
    learned = getattr(made, "learned_", {})
    return {
        "params": made.get_params(),
        "images_seen": learned.get("images"),
        "steps": learned.get("steps"),
        "fit_wall_s": round(fitted, 1),
        "fit_cpu_s": round(fitted_cpu, 1),
        "drawn_per_s": round(DRAWN / seconds, 1),
        **judge.look(drawn.values(), y),
    }


def sheet(pixels: npt.NDArray[np.uint8], y: npt.NDArray[np.int_], path: Path) -> None:
    """Write the first twelve digits of each class, one class a row."""
    rows = [np.concatenate(list(pixels[np.flatnonzero(y == k)[:12]]), axis=1) for k in range(10)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(path, optimize=True)


def keep(name: str, row: dict[str, Any], base: dict[str, Any], minutes: float) -> None:
    """Add a row to what is kept."""
    HERE.mkdir(parents=True, exist_ok=True)
    kept = json.loads(KEPT.read_text("utf-8")) if KEPT.is_file() else {"families": {}}
    kept["how"] = {
        "data": f"MNIST, {LEARNED} digits to learn from, {JUDGED} others for the judge",
        "drawn": DRAWN,
        "cpu_minutes": minutes,
        "threads": 1,
        "seed": SEED,
        "torch": torch.__version__,
        "cores": os.cpu_count(),
        **base,
    }
    kept["families"][name] = row
    kept["families"] = dict(sorted(kept["families"].items()))
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def page() -> None:
    """Write the kept rows into the page that tells of them."""
    kept = json.loads(KEPT.read_text("utf-8"))
    drawn, how = kept["how"]["drawn"], kept["how"]
    lines = [
        f"| generator | pictures seen | fit, CPU s | class agreement | nFD | accuracy trained on {drawn:,} drawn |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in kept["families"].items():
        seen = "–" if row["images_seen"] is None else f"{row['images_seen']:,}"
        own = row[f"accuracy_trained_on_{drawn}_drawn"]
        lines.append(
            f"| `{name}` | {seen} | {row['fit_cpu_s']:.0f} | {row['class_agreement']:.3f} | {row['nfd']:.1f} | {own:.3f} |"
        )
    lines += [
        "",
        f"The judge is right on {how['judge_accuracy_on_test']:.1%} of real test digits; a network trained on {drawn:,} other "
        f"real digits on {how[f'accuracy_trained_on_{drawn}_real']:.1%}. nFD is the Fréchet distance over the judge's "
        "features, divided by that of as many fresh real digits. One run each, one seed.",
    ]
    text = PAGE.read_text("utf-8")
    head, rest = text.split("<!-- table -->", 1)
    tail = rest.split("<!-- end of table -->", 1)[1]
    body = "\n".join(lines)
    PAGE.write_text(f"{head}<!-- table -->\n\n{body}\n\n<!-- end of table -->{tail}", encoding="utf-8")


def main() -> None:
    """Measure what is asked for, or what is missing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", metavar="FAMILY")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--page", action="store_true", help="only write the table of the documentation")
    given = parser.parse_args()
    if given.page:
        page()
        return
    torch.set_num_threads(1)
    kept = json.loads(KEPT.read_text("utf-8"))["families"] if KEPT.is_file() else {}
    names = given.names or [n for n in FAMILIES if n not in kept]
    digits = Digits()
    judge = Judge(digits)
    for name in names:
        row = measure(name, given.minutes, digits, judge)
        keep(name, row, judge.base, given.minutes)
        print(name, {k: v for k, v in row.items() if k not in ("params", "agreement_by_class")}, flush=True)


if __name__ == "__main__":
    main()
