"""Text burned into pictures is covered, or the pictures are left out, or the run is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import ConfigError, DataError, NotFittedError
from synthproof.core.params import Params, check_range
from synthproof.core.run import Run, quiet
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.image.chain import Pixels
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.store import new_store
from synthproof.engines.finders.burned_in import LEAST_SCORE, LEAST_SIDE, Found, find_burned_in
from synthproof.protection.treatments import Treatment

IntArray = npt.NDArray[np.intp]
Action = Literal["mask", "drop", "refuse"]
ACTIONS: tuple[Action, ...] = ("mask", "drop", "refuse")
FIELD = "image"
MARGIN, RING = 2, 4
"""Pixels that a mask reaches beyond what was found, and the width of the surroundings that give it its grey."""


class BurnedIn(Params):
    """Find lines of letters in the pixels and cover them.

    Parameters
    ----------
    action
        ``"mask"`` fills each place with the median of what surrounds it; ``"drop"`` leaves the picture out; ``"refuse"``
        stops and says how many there are.
    score
        Least score of a line of letters; lower finds more and covers more that is none.

    Notes
    -----
    Nothing is read: no letter is recognised or kept. What is found and what is not stands at
    `synthproof.engines.finders.burned_in.find_burned_in`; pictures of fewer than 64 pixels a side cannot be looked at,
    and the receipt says so. Every picture is looked at by itself: a mask does not depend on what else is in the set.
    Cost: 2 ms a picture at 96 px, 40 ms at 512 px; changed sets are written anew, unchanged ones are not copied.
    """

    title = Words(en="text burned into pictures covered", ko="이미지에 새겨진 문자 가림")

    def __init__(self, action: str = "mask", score: float = LEAST_SCORE) -> None:
        self.action = action
        self.score = score

    def fit(self, train: ImageSet, /, *, run: Run | None = None) -> Self:
        """Look at train and count.

        Raises
        ------
        DataError
            ``protect/burned-in`` when something is found and `action` is ``"refuse"``.
        """
        if self.action not in ACTIONS:
            allowed = ", ".join(ACTIONS)
            raise ConfigError(
                "params/out-of-range", owner=type(self).__name__, name="action", value=self.action, allowed=allowed
            )
        check_range(self, "score", self.score, 0.0, 1e6)
        self.looked_ = train.chain.side >= LEAST_SIDE
        found = self._found(train, run)
        self.pictures_, self.marked_ = train.n_rows, len(found)
        self.places_ = sum(len(f) for f in found.values())
        self.notices_ = _notices(self.looked_, self.marked_, self.action)
        if self.action == "refuse" and found:
            raise DataError("protect/burned-in", n=len(found), of=train.n_rows)
        return self

    def _found(self, data: ImageSet, run: Run | None) -> dict[int, tuple[Found, ...]]:
        """Lines of letters by row; rows without one are not listed."""
        out: dict[int, tuple[Found, ...]] = {}
        if data.chain.side < LEAST_SIDE:
            return out
        job = quiet(run)
        for block in data.batches():
            job.tick("protect: burned-in text", block.start, data.n_rows)
            for k, picture in enumerate(data.pixels(block)):
                if found := find_burned_in(picture, line=self.score):
                    out[block.start + k] = found
        return out

    def transform(self, data: ImageSet, /) -> ImageSet:
        """Return the pictures without what was found; the set itself when nothing was.

        Raises
        ------
        DataError
            ``protect/burned-in`` when something is found and `action` is ``"refuse"``.
        """
        if not hasattr(self, "looked_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="transform")
        found = self._found(data, None)
        if not found:
            return data
        if self.action == "refuse":
            raise DataError("protect/burned-in", n=len(found), of=data.n_rows)
        if self.action == "drop":
            return data.take_rows(np.setdiff1d(np.arange(data.n_rows), list(found)).astype(np.intp))
        store = new_store(data.n_rows, data.chain)
        for block in data.batches():
            store[block] = data.pixels(block)
        for row, places in found.items():
            store[row] = masked(store[row], places)
        return data.with_pixels(store)  # boxes, where there are any, ride along

    def receipt(self) -> Mapping[str, Any]:
        """Return counts; no place, no picture."""
        if not hasattr(self, "looked_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="receipt")
        return {
            "protection": "image.burned_in",
            "version": 1,
            "action": self.action,
            "score": self.score,
            "assessed": self.looked_,
            "least_side": LEAST_SIDE,
            "pictures": self.pictures_,
            "pictures_with_text": self.marked_,
            "places": self.places_,
            "treatments": [] if not self.marked_ else [_treatment(self.action, self.marked_, self.places_).to_dict()],
        }

    def get_state(self) -> State:
        """Return counts; the finder needs nothing that was learned here."""
        if not hasattr(self, "looked_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="get_state")
        return {"looked": self.looked_, "pictures": self.pictures_, "marked": self.marked_, "places": self.places_}

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self.looked_, self.pictures_ = bool(state["looked"]), int(state["pictures"])
        self.marked_, self.places_ = int(state["marked"]), int(state["places"])
        self.notices_ = _notices(self.looked_, self.marked_, self.action)
        return self


def masked(picture: Pixels, places: tuple[Found, ...]) -> Pixels:
    """Return a picture, shape (h, w, c), whose given places have the median of what surrounds them, each channel."""
    out = picture.copy()
    high, wide = picture.shape[:2]
    hidden = np.zeros((high, wide), dtype=bool)
    for f in places:
        hidden[_part(f, MARGIN, high, wide)] = True
    for f in places:
        around = np.zeros_like(hidden)
        around[_part(f, MARGIN + RING, high, wide)] = True
        around &= ~hidden
        # a place that reaches from edge to edge has no surroundings left: then the rest of the picture gives the grey
        given = picture[around] if around.any() else picture[~hidden] if not hidden.all() else picture.reshape(-1, 1)
        out[_part(f, MARGIN, high, wide)] = np.median(given, axis=0).astype(picture.dtype)
    return out


def _part(f: Found, more: int, high: int, wide: int) -> tuple[slice, slice]:
    t, l, b, r = f.box
    return slice(max(0, t - more), min(high, b + more)), slice(max(0, l - more), min(wide, r + more))


def _notices(looked: bool, marked: int, action: str) -> tuple[Words, ...]:
    if not looked:
        return (_TOO_SMALL.filled(side=LEAST_SIDE),)
    if not marked:
        return ()
    return ({"mask": _MASKED, "drop": _DROPPED}.get(action, _MASKED).filled(n=marked),)


def _treatment(action: str, marked: int, places: int) -> Treatment:
    if action == "drop":
        return Treatment(field=FIELD, klass="direct", method="delete", detail=_DETAIL_DROP.filled(n=marked))
    return Treatment(field=FIELD, klass="direct", method="mask", detail=_DETAIL_MASK.filled(n=marked, places=places))


_DETAIL_MASK = Words(
    en="Text burned into {n} pictures ({places} places) covered with the median of its surroundings.",
    ko="이미지 {n}장에 새겨진 문자({places}곳)를 주변 중앙값으로 가림",
)
_DETAIL_DROP = Words(en="{n} pictures with burned-in text left out.", ko="문자가 새겨진 이미지 {n}장을 제외함")
_MASKED = Words(
    en="Text seems to be burned into {n} picture(s); the places were covered. Look at them before you go on: a finder "
    "misses some and takes other things for letters.",
    ko="이미지 {n}장에 문자가 새겨진 것으로 보여 해당 부분을 가렸습니다. 탐색기는 일부를 놓치거나 다른 것을 문자로 볼 수 있으므로 "
    "진행하기 전에 확인하십시오.",
)
_DROPPED = Words(
    en="Text seems to be burned into {n} picture(s); they were left out.",
    ko="이미지 {n}장에 문자가 새겨진 것으로 보여 제외하였습니다.",
)
_TOO_SMALL = Words(
    en="Pictures of fewer than {side} pixels a side are too small to look for burned-in text. Look at the originals.",
    ko="한 변이 {side}픽셀 미만인 이미지는 새겨진 문자를 탐색하기에 너무 작습니다. 원본 이미지를 확인하십시오.",
)

__all__ = ["ACTIONS", "FIELD", "BurnedIn", "masked"]
