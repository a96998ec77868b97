"""Whether pictures are learned by heart: their loss beside that of other persons' pictures, class by class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.random import derive, stream
from synthproof.core.run import Run
from synthproof.core.words import Words
from synthproof.engines.torch_nets.flow_path import between
from synthproof.engines.torch_nets.load import need_torch
from synthproof.engines.torch_nets.nets import Weights
from synthproof.synthesizers.image.drawing import Begun

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]
_EACH, _ALL = 128, 1_280
"""Pictures a class and side that are looked at, and of all classes a side: looking must stay cheap beside learning."""
_SURE = 3.0
"""Standard errors: a gap that large comes by chance once in 700 looks."""
_SMALL = 0.02
"""Gap of log losses below which there is no reason to stop: an attack gains next to nothing from 2 %."""
_PLAINLY = 4.0
"""Standard errors of a gap that is held against nothing: chance reaches it once in 30,000 looks."""
_LEAST = 10
_CHUNK = 64
_EARLIEST = 0.05


def losses_at(
    velocity: Callable[[Any, Any, Any], Any],
    load: Callable[[IntArray], tuple[Any, ...]],
    rows: IntArray,
    seed: int,
    levels: int,
    run: Run,
) -> FloatArray:
    """Return the mean squared error of the velocity for each picture, over evenly spread noise levels.

    Parameters
    ----------
    velocity
        (x, t, condition) → velocity.
    levels
        Shares of picture in the mixture, from one half to nine tenths: where a network that knows a picture shows it.
    """
    torch = need_torch()
    out = np.zeros(len(rows))
    at = np.linspace(0.5, 0.9, levels)
    for i in range(0, len(rows), _CHUNK):
        run.tick("losses", i, len(rows))
        mine = rows[i : i + _CHUNK]
        pictures, condition = load(mine)[:2]
        for k, level in enumerate(at):
            draws = stream(seed, f"gap/{k}", i).standard_normal(tuple(pictures.shape), dtype=np.float32)
            noise = torch.as_tensor(draws).to(pictures.device)
            t = torch.full((len(mine),), float(level), device=pictures.device)
            found = velocity(between(pictures, noise, t), t, condition).float()
            error = (found - (pictures - noise)).square().mean(dim=(1, 2, 3))
            out[i : i + len(mine)] += error.cpu().numpy().astype(np.float64) / levels
    return out


class Watcher:
    """Looks at the gap while a network learns.

    Parameters
    ----------
    begun
        Pictures with their fold of other persons.
    losses
        (weights, rows, seed) → loss of each picture.
    action
        ``"stop"`` or ``"warn"``.
    """

    def __init__(self, begun: Begun, losses: Callable[[Weights, IntArray, int], FloatArray], action: str) -> None:
        self.losses, self.action, self.seed = losses, action, derive(begun.seed, "gap")
        self.names = begun.data.several or begun.names
        self.record: list[dict[str, Any]] = []
        self._warned: list[str] = []
        self._plain: list[str] = []
        self.unwatched = 0
        self.unit = begun.data.unit_of_row
        self._first: dict[int, tuple[FloatArray, FloatArray]] = {}
        self.sides: list[tuple[int, IntArray, IntArray]] = []
        # of several labels each is looked at by itself: their combinations are too small to tell
        flags = begun.data.frame[list(begun.data.several)].fillna(False).astype(bool).to_numpy()
        for c in range(len(self.names)):
            bears = flags[:, c] if begun.data.several else begun.codes == c
            inside, outside = begun.rows[bears[begun.rows]], begun.fold[bears[begun.fold]]
            if min(len(inside), len(outside)) >= _LEAST:
                self.sides.append((c, self._some(inside), self._some(outside)))
            else:
                self.unwatched += bool(len(inside))

    @property
    def cost(self) -> int:
        """Evaluations of pictures that one look takes, at two noise levels."""
        return 2 * sum(len(inside) + len(outside) for _, inside, outside in self.sides)

    def _some(self, rows: IntArray) -> IntArray:
        most = max(16, min(_EACH, _ALL // len(self.names)))
        if len(rows) <= most:
            return rows
        return np.sort(stream(self.seed, "gap/rows").choice(rows, most, replace=False)).astype(np.intp)

    def stop(self, weights: Weights, progress: float) -> bool:
        """Return whether to stop: some class's gap is sure and not small."""
        if progress < _EARLIEST:
            return False
        over = []
        for c, inside, outside in self.sides:
            known = self.losses(weights, inside, self.seed)
            other = self.losses(weights, outside, self.seed)
            # Pictures differ in how hard they are, far more than by being known: each is held against itself at the
            # first look, when nothing could be known by heart.
            easy, hard = self._first.setdefault(c, (known, other))
            gained, strange = np.log(known / easy), np.log(other / hard)
            gap = float(strange.mean() - gained.mean())
            error = float(np.sqrt(gained.var(ddof=1) / len(known) + strange.var(ddof=1) / len(other)))
            sure = gap > _SURE * error and gap > _SMALL
            self.record.append(
                {"progress": round(progress, 4), "class": self.names[c], "member": float(known.mean()),
                 "other": float(other.mean()), "gap": gap, "standard_error": error}
            )  # fmt: skip
            if sure:
                over.append(self.names[c])
            if self.names[c] not in self._plain and self._by_heart(known, inside, other, outside):
                self._plain.append(self.names[c])
        if over:
            self._warned = sorted({*self._warned, *over})
        return bool(over) and self.action == "stop"

    def _by_heart(self, known: FloatArray, inside: IntArray, other: FloatArray, outside: IntArray) -> bool:
        """Return whether members are plainly known better, whatever the first look saw.

        A small folder has been looked at hundreds of times before the first look, which then hides what it should show.
        One number a person, since pictures of one person are alike.
        """
        sides = []
        for losses, rows in ((known, inside), (other, outside)):
            _, of = np.unique(self.unit[rows], return_inverse=True)
            sides.append(np.bincount(of, np.log(losses)) / np.bincount(of))
        mine, theirs = sides
        if min(len(mine), len(theirs)) < _LEAST:
            return False
        gap = float(theirs.mean() - mine.mean())
        error = float(np.sqrt(mine.var(ddof=1) / len(mine) + theirs.var(ddof=1) / len(theirs)))
        return gap > _PLAINLY * error and gap > _SMALL

    def get_state(self) -> dict[str, Any]:
        """Return what was seen so far, for a checkpoint: without the first look, what was learned before it would pass."""
        first = {str(c): {"known": known, "other": other} for c, (known, other) in self._first.items()}
        return {"first": first, "record": self.record, "warned": self._warned, "plain": self._plain}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `get_state` returned."""
        self._first = {int(c): (pair["known"], pair["other"]) for c, pair in state["first"].items()}
        self.record, self._warned = list(state["record"]), list(state["warned"])
        self._plain = list(state.get("plain", ()))

    def notices(self, stopped_at: float | None) -> tuple[Words, ...]:
        """Return what the reader must know."""
        return (*self._seen(stopped_at), *self._unseen())

    def _unseen(self) -> tuple[Words, ...]:
        if not self.sides or not self.unwatched:
            return ()
        n = self.unwatched
        return (
            Words(
                en=f"{n} class(es) have too few pictures of other persons (under {_LEAST} are held back) to tell whether they are "
                "learned by heart.",
                ko=f"{n}개 부류는 따로 떼어 둔 다른 사람의 이미지가 {_LEAST}장 미만이어서, 그대로 외웠는지 판단할 수 없습니다.",
            ),
        )

    def _seen(self, stopped_at: float | None) -> tuple[Words, ...]:
        n = len(self._warned) if stopped_at is not None else len({*self._warned, *self._plain})
        if stopped_at is not None:
            percent = round(100 * stopped_at)
            return (
                Words(
                    en=f"Learning was stopped at {percent} % of its budget, because pictures of {n} class(es) began to be "
                    "known better than pictures of other persons.",
                    ko=f"{n}개 부류에서 학습 이미지의 손실이 다른 사람의 이미지보다 낮아지기 시작하여(외우기 시작했다는 신호) "
                    f"예산의 {percent} %에서 학습을 멈추었습니다.",
                ),
            )
        if n:
            return (
                Words(
                    en=f"Pictures of {n} class(es) are known better than pictures of other persons: they may be learned by heart.",
                    ko=f"{n}개 부류에서 학습 이미지의 손실이 다른 사람의 이미지보다 낮아, 그대로 외웠을 수 있습니다.",
                ),
            )
        if not self.sides:
            return (
                Words(
                    en="No class has enough pictures of other persons to tell whether pictures are learned by heart.",
                    ko="이미지를 그대로 외웠는지 판단할 만큼 다른 사람의 이미지가 충분한 부류가 없습니다.",
                ),
            )
        return ()


__all__ = ["Watcher", "losses_at"]
