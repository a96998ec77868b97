"""Small worlds of pictures for tests and calibrations: data sets from arrays, and copies planted among fresh pictures."""

from __future__ import annotations

from functools import cache
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.contracts import Case
from synthproof.core.schema import Field, Purpose
from synthproof.data.image.chain import Chain
from synthproof.data.image.dataset import ImageSet
from synthproof.data.table.io import read_table

IntArray = npt.NDArray[np.intp]
Pixels8: TypeAlias = npt.NDArray[np.uint8]
Kind: TypeAlias = Literal["exact", "shifted", "mirrored", "noisy", "cropped"]
KINDS: tuple[Kind, ...] = ("exact", "shifted", "mirrored", "noisy", "cropped")


def image_set(
    pixels: Pixels8, classes: npt.NDArray[np.generic] | None = None, persons: npt.NDArray[np.generic] | None = None
) -> ImageSet:
    """Return grey or RGB pictures (n, s, s) or (n, s, s, c) as a data set.

    Parameters
    ----------
    classes
        Class of each picture, the target ``label``.
    persons
        Person of each picture, the unit ``person``.
    """
    store = pixels[..., None] if pixels.ndim == 3 else pixels
    frame = pd.DataFrame({"image": [f"i{i:06d}" for i in range(len(store))]})
    if classes is not None:
        frame["label"] = [f"c{c}" for c in classes]
    if persons is not None:
        frame["person"] = [f"p{p}" for p in persons]
    schema = read_table(frame).schema
    fields = [Field(name="image", kind="identifier")]
    if classes is not None:
        levels = tuple(sorted(set(frame["label"])))
        fields.append(Field(name="label", kind="categorical", levels=levels).with_roles("target"))
    if persons is not None:
        fields.append(Field(name="person", kind="identifier").with_roles("unit"))
    for f in fields:
        schema = schema.replace_field(f)
    channels: Literal[1, 3] = 3 if store.shape[3] == 3 else 1
    return ImageSet(read_table(frame, schema=schema), store, Chain(side=store.shape[1], channels=channels))


def planted(pixels: Pixels8, kind: Kind, rng: np.random.Generator) -> Pixels8:
    """Return copies of grey pictures (n, s, s) of one kind.

    Shifted by 2 of 28 pixels either way, mirrored left to right, with normal noise of σ 0.05 of full scale, or cropped
    to nine tenths somewhere and brought back to size.
    """
    n, side = len(pixels), pixels.shape[1]
    if kind == "shifted":
        d = max(1, round(2 * side / 28))
        shifts = rng.choice([-d, d], (n, 2))
        return np.stack([np.roll(p, tuple(s), (0, 1)) for p, s in zip(pixels, shifts.tolist(), strict=True)])
    if kind == "mirrored":
        return np.ascontiguousarray(pixels[:, :, ::-1])
    if kind == "noisy":
        noisy = pixels + rng.normal(0.0, 0.05 * 255, pixels.shape)
        return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    if kind == "cropped":
        from PIL import Image

        wide = round(0.9 * side)
        out = []
        for p, (i, j) in zip(pixels, rng.integers(0, side - wide + 1, (n, 2)).tolist(), strict=True):
            cut = Image.fromarray(p[i : i + wide, j : j + wide])
            out.append(np.asarray(cut.resize((side, side), Image.Resampling.LANCZOS)))
        return np.stack(out)
    return pixels.copy()


@cache
def digits() -> tuple[Pixels8, IntArray]:
    """Return 1,797 digits of 24 pixels (scikit-learn's, thrice as large) in a fixed random order, and their classes."""
    from PIL import Image
    from sklearn.datasets import load_digits

    given = load_digits()
    order = np.random.default_rng(0).permutation(len(given.images))
    small = np.clip(np.rint(given.images[order] * (255 / 16)), 0, 255).astype(np.uint8)
    large = [np.asarray(Image.fromarray(p).resize((24, 24), Image.Resampling.BICUBIC)) for p in small]
    return np.stack(large), given.target[order].astype(np.intp)


def digit_case(
    n: int = 400,
    *,
    train: int = 900,
    holdout: int = 400,
    kind: Kind | None = None,
    copies: int = 0,
    noise: bool = False,
    persons: bool = False,
) -> Case[ImageSet]:
    """Return a case of digits: train, unseen ones, and n fresh ones that play synthetic ones.

    Parameters
    ----------
    kind, copies
        So many of the fresh ones are exchanged for copies of training digits.
    noise
        All synthetic ones are uniform noise.
    persons
        Real digits belong two and two to a person.
    """
    x, y = digits()
    ends = np.cumsum([0, train, holdout, n]).tolist()
    a, b, c = (slice(i, j) for i, j in zip(ends[:-1], ends[1:], strict=True))
    rng = np.random.default_rng(1)
    drawn, labels = x[c].copy(), y[c].copy()
    if noise:
        drawn = rng.integers(0, 256, drawn.shape).astype(np.uint8)
    if kind is not None:
        source = rng.choice(train, copies, replace=False)
        drawn[:copies], labels[:copies] = planted(x[a][source], kind, rng), y[a][source]
    real = [
        image_set(x[s], y[s], np.arange(s.stop - s.start) // 2 if persons else None) for s in (a, b) if s.stop > s.start
    ]
    made = image_set(drawn, labels)
    return Case(train=real[0], holdout=real[1] if holdout else None, synthetic=made, purpose=Purpose())


__all__ = ["KINDS", "Kind", "digit_case", "digits", "image_set", "planted"]
