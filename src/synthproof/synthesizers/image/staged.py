"""What the synthesizers of stages share: parameters, what is kept, what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.contracts import Tags
from synthproof.core.errors import DataError, NotFittedError
from synthproof.core.models import Saved
from synthproof.core.params import Params, check_range
from synthproof.core.run import Run
from synthproof.core.schema import Schema
from synthproof.core.words import Words
from synthproof.data.image.chain import Pixels
from synthproof.data.image.dataset import ImageSet
from synthproof.engines.torch_nets.picture_training import Schedule
from synthproof.engines.torch_nets.unet import UNet
from synthproof.synthesizers.image.drawing import Learnt
from synthproof.synthesizers.image.sizes import batch_for, rate_for

RANGES: Mapping[str, tuple[float, float]] = {
    "minutes": (0.001, 1e6),
    "width": (0, 1024),
    "steps": (0, 1000),
    "min_class": (1, 1e9),
}


class Staged(Params, Saved):
    """Base of the synthesizers of stages: `_learnt`, ``digest_`` and ``seed_`` are what a fit leaves last."""

    tags: ClassVar[Tags] = Tags(modality="image", family="neural", extra="images")
    MORE: ClassVar[Mapping[str, tuple[float, float]]] = {}

    digest_: str
    seed_: int

    @property
    def schema_(self) -> Schema:
        """Schema of drawn pictures."""
        return self._fitted("schema_").code.schema

    @property
    def notices_(self) -> tuple[Words, ...]:
        """What the reader of a report must know."""
        return self._fitted("notices_").notices

    def _fitted(self, call: str) -> Learnt:
        if "_learnt" not in self.__dict__:
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call=call)
        return self.__dict__["_learnt"]  # type: ignore[no-any-return]

    def _check(self) -> None:
        given = self.get_params()
        for name, (low, high) in {**RANGES, **self.MORE}.items():
            check_range(self, name, given[name], low, high)
        if given["images"] is not None:
            check_range(self, "images", given["images"], 1, 1e12)

    def _schedule(self, net: UNet, run: Run, share: float) -> Schedule:
        """Return the schedule of a network that gets a share of the budget."""
        given = self.get_params()
        images = None if given["images"] is None else max(1, round(given["images"] * share))
        return Schedule(
            minutes=given["minutes"] * share, images=images, batch=batch_for(net, run.device), rate=rate_for(net)
        )

    def _condition(self, data: ImageSet) -> npt.NDArray[np.float32]:
        """Return the numbers of pictures' labels; zeros, which leave everything open, when they have other labels."""
        code = self._fitted("apply").code
        known = all(
            n in data.schema and data.schema.field(n).levels == code.schema.field(n).levels for n in code.schema.names
        )
        if not known:
            return np.zeros((data.n_rows, code.size), dtype=np.float32)
        return code.encode(data.frame[list(code.schema.names)])

    def _refuse_other_chain(self, data: ImageSet, *, any_side: bool = False) -> None:
        """Refuse pictures of another size, depth or colour than was learned."""
        known = self._fitted("apply").chain
        wanted, found = (
            f"{'any' if any_side else c.side} px, {c.channels} channel(s), {c.bits} bits" for c in (known, data.chain)
        )
        if wanted != found:
            raise DataError("image/chains-differ", where=data.origin.name, found=found, wanted=wanted)

    def _marked(self, data: ImageSet, pixels: Pixels, seed: int) -> ImageSet:
        """Return drawn pictures that a stage made of others, labels kept, marked as ours."""
        n = data.n_rows
        marks = pd.DataFrame({"seed": np.full(n, seed), "index": np.arange(n), "model": [self.digest_] * n})
        return ImageSet(data.labels, pixels, data.chain, marks=marks)


__all__ = ["RANGES", "Staged"]
