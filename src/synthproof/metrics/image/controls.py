"""Positive controls: copies of training pictures that a search plants itself, to know whether it could have seen any.

A limit is drawn from how near unseen pictures come. Where those repeat training pictures too (frames of one recording,
several pictures of a person whom no column names), it falls so low that a real copy passes under it, and silence is read
as safety. So a few copies are made of training pictures and asked about like any other: a search that misses its own
copies has nothing to say about others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from synthproof.core.random import permutation, stream
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.engines.vision.alignment import reduced, resampling

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]
Seen: TypeAlias = Mapping[str, tuple[int, int]]
"""By kind of control: how many were seen, of how many."""

PERSONS = 24
"""Persons of whom one picture is copied, each in every kind."""
KINDS = ("noisy", "cropped")
"""The kinds that a limit must leave room for; whole shifts and mirror images lie at distance 0 and are seen by any."""
NOISE = 0.05
KEPT = 0.9
FEWEST_SEEN = 0.5
"""Share of the controls that must be seen for silence to mean anything."""

BLIND = Words(
    en="Of {planted} copies of training images that this check planted itself (noise of 0.05, crops to nine tenths), it saw only "
    "{seen}: unseen images come as near to training ones as such copies do, so that a leak cannot be excluded. Do both sides "
    "share near duplicates (frames of one recording, several images of a person whom no column names)? Name the person column "
    "or collapse the duplicates, hold out more, and verify again.",
    ko="이 점검이 스스로 심은 학습 원본의 복제 {planted}건(잡음 0.05, 90% 자르기) 가운데 {seen}건만 찾아냈습니다. 미학습 원본이 그런 "
    "복제만큼 학습 원본에 가까우므로 유출이 없다고 할 수 없습니다. 양쪽이 유사 중복(한 영상의 여러 장면, 사람 열이 없는 동일인의 여러 "
    "이미지)을 공유하는지 확인하여 사람 열을 지정하거나 중복을 정리하고, 홀드아웃을 늘려 다시 검증하십시오.",
)


def planted(train: ImageSet, seed: int) -> dict[str, Float32Array]:
    """Return altered copies of training pictures by kind, as a search sees them: shape (up to 24, c, s, s).

    Notes
    -----
    One picture each of persons drawn at random. Noise is normal with σ 0.05 of full scale; a crop keeps nine tenths of
    the side, somewhere, and is brought back to size. Both happen at the pictures' own size.
    """
    chosen = np.sort(permutation(seed, "image.controls", len(train))[:PERSONS])
    values = train.values(train.first_rows()[chosen])
    noise = stream(seed, "image.controls/noise").standard_normal(values.shape).astype(np.float32)
    noisy = np.clip(values + np.float32(2 * NOISE) * noise, -1.0, 1.0)  # values run from -1 to 1
    side = values.shape[-1]
    span = KEPT * side
    corners = stream(seed, "image.controls/crops").uniform(0.0, side - span, (len(values), 2)).tolist()
    cropped = [
        resampling(side, side, top, span) @ picture @ resampling(side, side, left, span).T
        for picture, (top, left) in zip(values, corners, strict=True)
    ]
    return {KINDS[0]: reduced(noisy), KINDS[1]: reduced(np.stack(cropped))}


def seen(nearness: Mapping[str, Sequence[FloatArray]], limits: Sequence[float]) -> Seen:
    """Return how many controls lie under the limit of either embedding, from their nearness to train by kind."""
    found = {}
    for kind, by_view in nearness.items():
        under = np.any([values < limit for values, limit in zip(by_view, limits, strict=True)], axis=0)
        found[kind] = int(under.sum()), len(under)
    return found


def together(parts: Sequence[Seen]) -> Seen:
    """Return the counts of several searches together."""
    return {kind: (sum(p[kind][0] for p in parts), sum(p[kind][1] for p in parts)) for kind in KINDS}


def blind(found: Seen) -> Words | None:
    """Return what must be said where fewer than half of the controls were seen, else ``None``."""
    hits, n = (sum(pair[i] for pair in found.values()) for i in (0, 1))
    return BLIND.filled(planted=n, seen=hits) if hits < FEWEST_SEEN * n else None


__all__ = ["FEWEST_SEEN", "KINDS", "Seen", "blind", "planted", "seen", "together"]
