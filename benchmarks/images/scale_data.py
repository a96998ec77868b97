"""Folders of many pictures to measure with: digits of MNIST at 28 px, means of two chest X-rays above; picture i by number.

A mean of two X-rays, drawn from 5,216 with random weights, sides and brightness, is a chest that nobody has: 50,000 of
them are as alike as X-rays are and none repeats another. One in a hundred has a line of letters burned in, so that the
protection has something to cover and writes the set anew.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _machine import data_dir

SEED = 20_261_128
LETTERS_EVERY = 100
_CLASSES = ("normal", "bacterial", "viral")


class Pictures:
    """Picture i of a recipe, whatever is asked for before it.

    Parameters
    ----------
    side, channels
        Of the square made.
    fresh
        Whether pictures are others than those of the folders: what stands for synthetic ones.
    """

    def __init__(self, side: int, channels: int, *, fresh: bool = False) -> None:
        self.side, self.channels, self.shift = side, channels, 1_000_000 if fresh else 0
        self.fresh = fresh
        if side == 28:
            with np.load(data_dir() / "mnist" / "mnist.npz") as stored:
                self.x, self.y = stored["x_train"], stored["y_train"]
        else:
            with np.load(data_dir() / "chest_xray_pneumonia" / "xray.npz") as stored:
                self.x, self.y = stored["x"], stored["y"]

    def __getitem__(self, i: int) -> tuple[np.ndarray[Any, Any], str]:
        """Return a picture, shape (side, side) or (side, side, 3), and its class."""
        rng = np.random.Generator(np.random.Philox(key=SEED, counter=i + self.shift))
        if self.side == 28:
            at = i if not self.fresh else 59_999 - i % 60_000
            shown = self.x[at] if not self.fresh else np.roll(self.x[at], rng.integers(-2, 3, 2), (0, 1))
            return self._coloured(shown), str(int(self.y[at]))
        a, b = rng.integers(0, len(self.x), 2)
        share = rng.uniform(0.35, 0.65)
        other = self.x[b][:, ::-1] if rng.random() < 0.5 else self.x[b]
        grey = np.clip((share * self.x[a] + (1 - share) * other) * rng.uniform(0.8, 1.2), 0, 255).astype(np.uint8)
        picture = Image.fromarray(grey).resize((self.side, self.side), Image.Resampling.LANCZOS)
        if i % LETTERS_EVERY == 0 and not self.fresh:
            text = f"{int(rng.integers(10**7, 10**8))}"
            ImageDraw.Draw(picture).text((3, 3), text, fill=255, font=ImageFont.load_default(size=12))
        return self._coloured(np.asarray(picture)), _CLASSES[int(self.y[a])]

    def _coloured(self, grey: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if self.channels == 1:
            return grey
        return np.stack([grey, np.roll(grey, 1, 0), 255 - grey], axis=-1)


def make_folder(folder: Path, n: int, side: int, channels: int) -> Path:
    """Write the first n pictures as PNG files, one folder a class; those that are there already stay."""
    made = folder / ".made"
    have = int(made.read_text(encoding="utf-8")) if made.is_file() else 0
    if have >= n:
        return folder
    pictures = Pictures(side, channels)
    for i in range(have, n):
        picture, name = pictures[i]
        path = folder / name / f"{i:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path, format="PNG", compress_level=1)
    made.write_text(str(n), encoding="utf-8")
    return folder


def part_of(folder: Path, whole: Path, n: int) -> Path:
    """Return a folder of the first n pictures of a larger one, by hard links."""
    made = folder / ".made"
    if not made.is_file():
        for path in sorted(whole.rglob("*.png")):
            if int(path.stem) < n:
                to = folder / path.parent.name / path.name
                to.parent.mkdir(parents=True, exist_ok=True)
                if not to.exists():
                    to.hardlink_to(path)
        made.write_text(str(n), encoding="utf-8")
    return folder


__all__ = ["Pictures", "make_folder", "part_of"]
