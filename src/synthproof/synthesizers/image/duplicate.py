"""Duplicates: real pictures handed out again, each as often as any other. A control, never a release.

A classifier that learns from real pictures and as many duplicates takes as many steps over as many pictures as one that
has synthetic ones beside them: what that one gains above this is due to the synthetic pictures, not to their number.
"""

from __future__ import annotations

from typing import ClassVar

from synthproof.core.words import Words
from synthproof.data.image.chain import Chain, Pixels
from synthproof.data.image.custody import Did
from synthproof.synthesizers.image.kept import Kept


class Duplicate(Kept):
    """Hand out real pictures.

    Parameters
    ----------
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
    """

    NAME: ClassVar[str] = "image.duplicate"
    DID: ClassVar[Did] = "duplicate"
    NOTICE: ClassVar[Words] = Words(
        en="These are the real pictures themselves, counted out as a control. They must not be released.",
        ko="대조군으로 사용하는 실제 이미지 자체입니다. 공개·제공해서는 안 됩니다.",
    )

    def __init__(self, *, random_state: int | None = None) -> None:
        self.random_state = random_state

    def _changed(self, pictures: Pixels, chain: Chain, seed: int, first: int) -> Pixels:
        return pictures


__all__ = ["Duplicate"]
