"""Classical augmentation: real pictures shifted, turned, zoomed and lightened a little. A control, never a release.

What every study of synthetic pictures must be compared with (Shorten & Khoshgoftaar 2019, doi:10.1186/s40537-019-0197-0):
it costs nothing, and often helps as much. Each drawn picture is one real picture, moved: whoever knows the real one
recognises it.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from synthproof.core.params import check_range
from synthproof.core.random import stream
from synthproof.core.words import Words
from synthproof.data.image.chain import Chain, Pixels
from synthproof.data.image.custody import Did
from synthproof.synthesizers.image.kept import Kept

FloatArray = npt.NDArray[np.float64]


class Augment(Kept):
    """Move real pictures a little.

    Parameters
    ----------
    shift
        Largest shift, as a share of the side.
    turn
        Largest turn, degrees.
    zoom
        Largest change of size: 0.1 is from 1 / 1.1 to 1.1 times as large.
    gamma
        Largest change of lightness: 0.2 raises intensities in [0, 1] to powers from 1 / 1.2 to 1.2.
    flip
        Whether half of the pictures are mirrored: never where sides matter (heart, teeth, digits).
    random_state
        Seed of `sample` calls without their own; ``None`` draws one and keeps it in ``seed_``.

    Attributes
    ----------
    schema_
        Schema of drawn pictures: the labels, no persons.
    notices_
        What the reader of a report must know.
    seed_
        Seed that was used.

    Notes
    -----
    One bilinear interpolation a picture, the rim repeated; about 8,000 pictures/s at 28 px, 1,000 at 128 px.
    """

    NAME: ClassVar[str] = "image.augment"
    DID: ClassVar[Did] = "augment"
    NOTICE: ClassVar[Words] = Words(
        en="Augmented pictures are real pictures, moved and lightened a little: for training a model only. They are not "
        "synthetic and must not be released.",
        ko="증강 이미지는 실제 이미지를 조금 이동·회전하고 밝기를 바꾼 것으로, 모형 학습에만 사용하십시오. 합성 이미지가 아니므로 "
        "공개·제공해서는 안 됩니다.",
    )

    def __init__(
        self,
        *,
        shift: float = 0.06,
        turn: float = 8.0,
        zoom: float = 0.08,
        gamma: float = 0.2,
        flip: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.shift = shift
        self.turn = turn
        self.zoom = zoom
        self.gamma = gamma
        self.flip = flip
        self.random_state = random_state

    def _check(self) -> None:
        for name, high in (("shift", 0.5), ("turn", 180.0), ("zoom", 1.0), ("gamma", 4.0)):
            check_range(self, name, getattr(self, name), 0, high)

    def _changed(self, pictures: Pixels, chain: Chain, seed: int, first: int) -> Pixels:
        out = np.empty_like(pictures)
        for k, picture in enumerate(pictures):
            dice = stream(seed, "image.augment/move", first + k)
            out[k] = self._moved(picture, chain, dice)
        return out

    def _moved(self, picture: Pixels, chain: Chain, dice: np.random.Generator) -> Pixels:
        across, down, turn, zoom, gamma = dice.uniform(-1, 1, 5)
        mirrored = self.flip and dice.random() < 0.5
        angle = np.deg2rad(turn * self.turn)
        grow = (1 + self.zoom) ** zoom
        # from a pixel of the new picture to its place in the old one, both counted from the middle
        matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / grow
        middle = np.full(2, (chain.side - 1) / 2)
        start = middle - matrix @ middle + chain.side * self.shift * np.array([down, across])
        light = picture.astype(np.float64) / chain.top
        light = light[:, ::-1] if mirrored else light
        planes = [
            ndimage.affine_transform(light[..., c], matrix, start, order=1, mode="nearest")
            for c in range(chain.channels)
        ]
        moved = np.clip(np.stack(planes, axis=-1), 0, 1) ** ((1 + self.gamma) ** gamma)
        out: Pixels = np.rint(moved * chain.top).astype(chain.dtype)
        return out


__all__ = ["Augment"]
