"""Pictures of known law for tests and calibration: as many fresh ones as are wanted, of as many persons as are wanted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthproof.core.random import stream
from synthproof.core.schema import Field, Schema
from synthproof.data.image.chain import Chain
from synthproof.data.image.dataset import ImageSet
from synthproof.data.table.dataset import Origin, Table

CLASSES = ("cross", "disc", "ring")


def shapes(
    n: int,
    seed: int,
    *,
    side: int = 16,
    channels: int = 1,
    persons: int | None = None,
    shares: tuple[float, ...] = (0.4, 0.4, 0.2),
) -> ImageSet:
    """Return n pictures of discs, rings and crosses of random place, size, brightness and background.

    Parameters
    ----------
    persons
        How many persons they show; a person's pictures share their place and background. Absent: no person column.
    shares
        How often each of `CLASSES` occurs.
    """
    dice = stream(seed, "world/shapes")
    who = dice.integers(0, persons, n) if persons else np.arange(n)
    kinds = dice.choice(len(CLASSES), size=n, p=np.asarray(shares) / np.sum(shares))
    traits = dice.random((int(who.max(initial=0)) + 1, 4))
    place, radius = 0.35 + 0.3 * traits[who, :2], 0.15 + 0.15 * dice.random(n)
    low, high = 0.1 + 0.2 * traits[who, 2], 0.6 + 0.35 * dice.random(n)
    y, x = np.mgrid[0:side, 0:side] / (side - 1)
    dy, dx = y[None] - place[:, 0, None, None], x[None] - place[:, 1, None, None]
    away, r = np.hypot(dy, dx), radius[:, None, None]
    soft = 1.0 / side
    disc = np.clip((r - away) / soft, 0, 1)
    ring = np.clip((0.35 * r - np.abs(away - r)) / soft, 0, 1)
    cross = np.clip((0.25 * r - np.minimum(np.abs(dy), np.abs(dx))) / soft, 0, 1) * (
        np.maximum(np.abs(dy), np.abs(dx)) < r
    )
    chosen = np.choose(kinds[:, None, None], [cross, disc, ring])
    value = low[:, None, None] + (high - low)[:, None, None] * chosen + 0.02 * dice.standard_normal((n, side, side))
    pixels = np.clip(np.rint(255 * value), 0, 255).astype(np.uint8)[..., None]
    tint = np.array([1.0, 0.8, 0.6])[:channels]
    store = np.rint(pixels * tint).astype(np.uint8)
    fields = [Field(name="class", kind="categorical", levels=CLASSES, roles=frozenset({"target"}))]
    columns: dict[str, object] = {"class": pd.Categorical(np.array(CLASSES)[kinds], categories=list(CLASSES))}
    if persons:
        fields.append(Field(name="patient", kind="identifier", roles=frozenset({"unit"})))
        columns["patient"] = pd.Series([f"P{w:06d}" for w in who], dtype=pd.StringDtype(na_value=np.nan))
    schema = Schema(fields=tuple(fields), unit="patient" if persons else "image", modality="image")
    origin = Origin(container="arrays", name="shapes", options={"format": "png", "layout": "classes"})
    chain = Chain(side=side, channels=3 if channels == 3 else 1)
    return ImageSet(Table(pd.DataFrame(columns), schema, origin=origin), store, chain)


FINDINGS = ("disc", "bar", "spot")


def findings(
    n: int,
    seed: int,
    *,
    side: int = 16,
    persons: int | None = None,
    shares: tuple[float, float, float] = (0.5, 0.12, 0.08),
    together: float = 0.6,
) -> ImageSet:
    """Return n pictures that may show a disc (upper left), a bar (below) and a bright spot (upper right), each or none.

    Parameters
    ----------
    shares
        How often each of `FINDINGS` occurs.
    together
        Chance that a rarer finding comes with the disc, as findings of one illness do.
    """
    dice = stream(seed, "world/findings")
    disc = dice.random(n) < shares[0]
    yes = [disc]
    for share in shares[1:]:
        # so that the share stays what it is: with the disc in `together` of the cases
        chance = np.where(disc, share * together / shares[0], share * (1 - together) / (1 - shares[0]))
        yes.append(dice.random(n) < chance)
    y, x = np.mgrid[0:side, 0:side] / (side - 1)
    shift = 0.06 * dice.standard_normal((n, 3, 2))
    size = 0.12 + 0.05 * dice.random((n, 3))
    light = 0.5 + 0.4 * dice.random((n, 3))
    value = 0.15 + 0.1 * dice.random((n, 1, 1)) + 0.04 * dice.standard_normal((n, side, side))
    for k, (down, right) in enumerate(((0.3, 0.3), (0.75, 0.5), (0.25, 0.75))):
        dy = np.abs(y[None] - down - shift[:, k, 0, None, None])
        dx = np.abs(x[None] - right - shift[:, k, 1, None, None])
        r = size[:, k, None, None]
        inside = (np.hypot(dy, dx) < r, (dy < 0.4 * r) & (dx < 2 * r), np.hypot(dy, dx) < 0.5 * r)[k]
        value = np.where(inside & yes[k][:, None, None], light[:, k, None, None], value)
    store = np.clip(np.rint(255 * value), 0, 255).astype(np.uint8)[..., None]
    fields = [Field(name=name, kind="boolean", roles=frozenset({"target"})) for name in FINDINGS]
    columns: dict[str, object] = {name: pd.array(yes[k], dtype="boolean") for k, name in enumerate(FINDINGS)}
    if persons:
        fields.append(Field(name="patient", kind="identifier", roles=frozenset({"unit"})))
        who = dice.integers(0, persons, n)
        columns["patient"] = pd.Series([f"P{w:06d}" for w in who], dtype=pd.StringDtype(na_value=np.nan))
    schema = Schema(fields=tuple(fields), unit="patient" if persons else "image", modality="image")
    labels = Table(pd.DataFrame(columns), schema, origin=Origin(container="arrays", name="findings"))
    return ImageSet(labels, store, Chain(side=side, channels=1, bits=8))


__all__ = ["CLASSES", "FINDINGS", "findings", "shapes"]
