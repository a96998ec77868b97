"""What the generator families of the literature share: how they begin, draw, and are kept.

They stand beside `image.flow` for reproduction and comparison. A family is its networks, its training and its sampler;
labels, the fold, the sampling of rare classes and the addressing of drawn pictures are the same for all, so that a
comparison compares families and nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Conditions, Tags
from synthproof.core.errors import NotFittedError
from synthproof.core.models import Saved
from synthproof.core.params import Params, check_range
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Schema
from synthproof.core.state import State
from synthproof.data.image.chain import Pixels
from synthproof.data.image.dataset import ImageSet
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import Arrays, Weights
from synthproof.engines.torch_nets.picture_training import on_device
from synthproof.synthesizers.image.drawing import (
    BLOCK,
    Begun,
    Learnt,
    begin,
    draw,
    model_digest,
    noise_of,
    own_seed,
    seed_of,
    to_pixels,
)
from synthproof.synthesizers.table.columns.layout import check_count

Float32Array = npt.NDArray[np.float32]
Noise = Callable[[str, tuple[int, ...]], Float32Array]
"""(purpose, shape) → normal numbers of the pictures of a block."""

_RANGES: Mapping[str, tuple[float, float]] = {
    "minutes": (0.001, 1e6),
    "width": (0, 1024),
    "batch_size": (0, 65_536),
    "learning_rate": (1e-8, 1),
    "min_class": (1, 1e9),
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a family learned.

    Parameters
    ----------
    shape
        Of the network, JSON values.
    arrays
        Weights of what is needed to draw.
    losses
        Step and losses at every report.
    learned
        Steps, pictures seen and seconds.
    """

    shape: dict[str, Any]
    arrays: Arrays
    losses: npt.NDArray[np.float64]
    learned: dict[str, Any]


class Family(Params, Saved, ABC):
    """Base of a family.

    A subclass has the parameters ``minutes images width batch_size learning_rate min_class random_state``, names itself
    in `NAME`, learns in `_learn` and paints in `_paint`.
    """

    tags: ClassVar[Tags] = Tags(modality="image", family="neural", extra="images")
    NAME: ClassVar[str]
    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {}

    losses_: npt.NDArray[np.float64]
    learned_: dict[str, Any]
    digest_: str
    seed_: int

    def fit(self, data: ImageSet, /, *, run: Run | None = None) -> Self:
        """Learn from pictures.

        Raises
        ------
        MissingExtraError
            ``extra/missing``: torch is not installed.
        DataError
            ``image/too-few``, ``image/classes-too-small``.
        ConfigError
            ``params/out-of-range``.
        """
        need_torch()
        self._check()
        job = quiet(run)
        job.tick(self.NAME, 0, 1)
        begun = begin(data, seed_of(getattr(self, "random_state", None)), min_class=self._value("min_class"), run=job)
        found = self._learn(begun, job)
        self._take(found, Learnt.of(begun))
        return self

    def sample(
        self, n: int, /, *, where: Conditions | None = None, seed: int | None = None, run: Run | None = None
    ) -> ImageSet:
        """Return n pictures; with one seed, fewer are the head of more.

        Raises
        ------
        UsageError
            ``sample/bad-count``.
        ConditionError
            ``image/no-such-label``, ``image/label-not-learned``.
        """
        learnt, found = self._fitted("sample")
        n, job = check_count(n), quiet(run)
        own, device = own_seed(seed, learnt.seed), device_for(job.device)
        weights = on_device(found.arrays, device)

        def paint(block: int, condition: Float32Array, _run: Run) -> Pixels:
            def noise(purpose: str, shape: tuple[int, ...]) -> Float32Array:
                return noise_of(own, f"{self.NAME}/{purpose}", block, (len(condition), *shape))

            with one_torch_thread(), need_torch().no_grad():
                asked = need_torch().as_tensor(condition, device=device)
                made = self._paint(found.shape, weights, asked, noise)
                return to_pixels(made.float().cpu().numpy(), learnt.chain)

        return draw(
            paint,
            n,
            code=learnt.code,
            law=learnt.law,
            chain=learnt.chain,
            origin=learnt.origin,
            model=self.digest_,
            where=where,
            seed=own,
            run=job,
            block=BLOCK,
        )

    @abstractmethod
    def _learn(self, begun: Begun, run: Run) -> Fitted:
        """Return what is learned of pictures."""

    @abstractmethod
    def _paint(self, shape: Mapping[str, Any], weights: Weights, condition: Any, noise: Noise) -> Any:
        """Return pictures in [-1, 1], shape (n, c, side, side), under conditions of shape (n, size)."""

    @property
    def schema_(self) -> Schema:
        """Schema of drawn pictures."""
        return self._fitted("schema_")[0].code.schema

    @property
    def notices_(self) -> tuple[Any, ...]:
        """What the reader of a report must know."""
        return self._fitted("notices_")[0].notices

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        learnt, found = self._fitted("get_state")
        return {
            "shape": found.shape,
            "arrays": found.arrays,
            "losses": found.losses,
            "learned": found.learned,
            "learnt": learnt.get_state(),
        }

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        found = Fitted(dict(state["shape"]), dict(state["arrays"]), state["losses"], dict(state["learned"]))
        self._take(found, Learnt.from_state(state["learnt"]))
        return self

    def _take(self, found: Fitted, learnt: Learnt) -> None:
        """Keep what was learned: the last thing a fit does, so that a cancelled one leaves nothing."""
        self._both = (learnt, found)
        self.losses_, self.learned_ = found.losses, found.learned
        self.digest_ = model_digest(self.NAME, found.arrays)
        self.seed_ = learnt.seed

    def _fitted(self, call: str) -> tuple[Learnt, Fitted]:
        if "_both" not in self.__dict__:
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call=call)
        return self._both

    def _value(self, name: str) -> Any:
        return self.get_params()[name]

    def _check(self) -> None:
        params = self.get_params()
        for name, (low, high) in {**_RANGES, **self.RANGES}.items():
            check_range(self, name, params[name], low, high)
        if params["images"] is not None:
            check_range(self, "images", params["images"], 1, 1e12)


__all__ = ["Family", "Fitted", "Noise"]
