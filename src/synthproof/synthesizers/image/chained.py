"""A recipe of stages as one synthesizer: what draws, and what then alters what was drawn, each learned from the same images.

So that a recipe can be written into a project file, saved, resumed and judged like any other generator (`stages.Stages` is
the same over models that are at hand).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from synthproof.core.contracts import Conditions, Tags
from synthproof.core.errors import ConfigError, DataError, NotFittedError, did_you_mean
from synthproof.core.models import Saved
from synthproof.core.params import Params, check_range
from synthproof.core.random import derive, fresh_seed
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Schema
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.scenes import Scenes
from synthproof.synthesizers.image.drawing import model_digest, own_seed
from synthproof.synthesizers.image.stages import Stages
from synthproof.synthesizers.image.super_stage import halved

DOUBLES = "image.superres"
"""The stage after which the side is twice as large."""
STAGES = ("image.semantic", "image.superres", "image.translate")
_LEAST = 4
_NO_MAKERS = ("image.stages", "image.augment", "image.duplicate")


class Chained(Params, Saved):
    """Draw images by a recipe of stages (needs the images extra).

    Parameters
    ----------
    maker
        Synthesizer that draws from noise: ``image.flow``, ``image.compose`` …
    stages
        Stages that follow, with commas between, of ``image.translate``, ``image.superres``, ``image.semantic`` (which
        paints over the parts of scenes after ``image.compose``, else over what is bright).
    options
        Parameters of maker and stages by their names: ``{"image.translate": {"keep": 0.5}}``.
    minutes, images
        Budget in all, shared evenly; a maker or stage with options of its own keeps these.
    random_state
        Seed.

    Attributes
    ----------
    digest_
        Digests of the models in order.

    Notes
    -----
    Every part learns at the side that images have where it stands: before each ``image.superres`` half of what comes after.
    Image *i* is a function of models, seed and *i*. `apply` sends given images through the stages; real ones are refused.
    """

    tags: ClassVar[Tags] = Tags(modality="image", family="neural", extra="images")

    def __init__(
        self,
        *,
        maker: str = "image.flow",
        stages: str = DOUBLES,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        minutes: float = 20.0,
        images: int | None = None,
        random_state: int | None = None,
    ) -> None:
        self.maker = maker
        self.stages = stages
        self.options = options
        self.minutes = minutes
        self.images = images
        self.random_state = random_state

    @property
    def scenes(self) -> str:
        """Whether boxes are learned from: as the maker says."""
        return str(getattr(synthesizers.get(self.maker), "scenes", "no"))

    @property
    def paints_parts(self) -> bool:
        """Whether some stage paints over the boxes of parts: then `apply` takes scenes alone."""
        self._fitted("paints_parts")
        return any(getattr(p, "paints_parts", False) for p in self._parts[1:])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the stages in order."""
        return tuple(s.strip() for s in self.stages.split(",") if s.strip())

    def fit(self, data: ImageSet, /, *, run: Run | None = None) -> Self:
        """Learn every part.

        Raises
        ------
        ConfigError
            ``params/out-of-range``, ``params/unknown``.
        DataError
            ``image/side-not-divisible``, and what the parts raise.
        """
        made = self._made()
        job, side = quiet(run), data.chain.side
        job.tick("stages", 0, len(made))
        left = sum(name == DOUBLES for name in self.names)
        if side % (1 << left) or side >> left < _LEAST:
            raise DataError(
                "image/side-not-divisible", where=data.origin.name, side=side, stages=left, multiple=1 << left,
                least=_LEAST << left,
            )  # fmt: skip
        seed = fresh_seed() if self.random_state is None else self.random_state
        for k, (name, part) in enumerate(made):
            left -= k > 0 and name == DOUBLES
            part.set_params(random_state=derive(seed, f"stages/{k}"))
            given = data if k == 0 or self.scenes == "yes" else _plain(data)
            part.fit(halved(given, left), run=job)
            job.tick("stages", k + 1, len(made))
        self._take([part for _, part in made], seed)
        return self

    def _made(self) -> list[tuple[str, Any]]:
        """Return maker and stages, unfitted, each with its share of the budget."""
        check_range(self, "minutes", self.minutes, 0.001, 1e6)
        if self.images is not None:
            check_range(self, "images", self.images, 1, 1e12)
        known = [n for n in synthesizers.names() if n.startswith("image.") and n not in _NO_MAKERS]
        # without a stage there would be nothing to apply, and real images would come back under the model's name
        for name, allowed in ((self.maker, known), *((s, list(STAGES)) for s in self.names or ("",))):
            if name not in allowed or (allowed is known and not _draws(name)):
                where = "maker" if allowed is known else "stages"
                raise ConfigError(
                    "params/out-of-range", owner="Chained", name=where, value=name, allowed=", ".join(allowed)
                )
        options = dict(self.options or {})
        asked = (self.maker, *self.names)
        for name in options:
            if name not in asked:
                raise ConfigError(
                    "params/unknown", owner="options", name=name, hint=did_you_mean(name, asked), known=", ".join(asked)
                )
        out = []
        for name in asked:
            takes, given = synthesizers.get(name).param_names(), dict(options.get(name, {}))
            if not {"minutes", "images"} & set(given):
                share = {"minutes": self.minutes / len(asked)}
                if self.images is not None:
                    share["images"] = max(1, self.images // len(asked))
                given = {**{k: v for k, v in share.items() if k in takes}, **given}
            out.append((name, synthesizers.make(name, **given)))
        return out

    def _take(self, parts: list[Any], seed: int) -> None:
        self._parts = parts
        self._chain = Stages(parts[0], *parts[1:], names=[f"{k}/{n}" for k, n in enumerate(self.names)])
        self.seed_ = seed
        digests = {str(k): str(getattr(p, "digest_", "")) for k, p in enumerate(parts)}
        self.digest_ = model_digest(
            "image.stages", {k: np.frombuffer(d.encode(), dtype=np.uint8) for k, d in digests.items()}
        )

    # drawing -----------------------------------------------------------------------------------------------

    def sample(
        self, n: int, /, *, where: Conditions | None = None, seed: int | None = None, run: Run | None = None
    ) -> ImageSet:
        """Return n images that went through every stage; with one seed, fewer are the head of more.

        Raises
        ------
        UsageError
            ``sample/bad-count``.
        ConditionError
            ``image/no-such-label``, ``image/label-not-learned``.
        """
        chain = self._fitted("sample")
        own = own_seed(seed, self.seed_)
        return self._marked(chain.sample(n, where=where, seed=own, run=run), own)

    def _marked(self, data: ImageSet, seed: int) -> ImageSet:
        """Return images that name the whole recipe and its seed, not the last stage's."""
        n = data.n_rows
        data.marks = pd.DataFrame({"seed": np.full(n, seed), "index": np.arange(n), "model": [self.digest_] * n})
        return data

    def apply(
        self, data: ImageSet, /, *, seed: int | None = None, knowingly: bool = False, run: Run | None = None
    ) -> ImageSet:
        """Return drawn images after every stage.

        Raises
        ------
        DataError
            ``image/real-input`` when they are not known to be drawn, unless `knowingly`: then the result says so.
        """
        chain = self._fitted("apply")
        own = own_seed(seed, self.seed_)
        return self._marked(chain.go_on(data, seed=own, knowingly=knowingly, run=run), own)

    def _fitted(self, call: str) -> Stages:
        if "_chain" not in self.__dict__:
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call=call)
        return self._chain

    @property
    def schema_(self) -> Schema:
        """Schema of drawn images."""
        self._fitted("schema_")
        found: Schema = self._parts[0].schema_
        return found

    @property
    def notices_(self) -> tuple[Words, ...]:
        """What the reader of a report must know, of every part."""
        self._fitted("notices_")
        told = [w for p in self._parts for w in getattr(p, "notices_", ())]
        return tuple(w for k, w in enumerate(told) if w not in told[:k])

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        self._fitted("get_state")
        parts = [{"params": p.get_params(), "state": p.get_state()} for p in self._parts]
        return {"parts": parts, "seed": self.seed_}

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        parts = [
            synthesizers.get(name)(**kept["params"]).set_state(kept["state"])
            for name, kept in zip((self.maker, *self.names), state["parts"], strict=True)
        ]
        self._take(parts, int(state["seed"]))
        return self


def _plain(data: ImageSet) -> ImageSet:
    """Return the same images without boxes: what follows a maker of images alone is never given any."""
    if not isinstance(data, Scenes):
        return data
    return ImageSet(data.labels, data.store, data.chain, at=data.at, marks=data.marks)


def _draws(name: str) -> bool:
    """Return whether a synthesizer draws anew: what hands out real images cannot begin a recipe of full synthesis."""
    tags = synthesizers.get(name).tags
    return bool(tags.full_synthesis and tags.irreversible and tags.releasable)


__all__ = ["DOUBLES", "STAGES", "Chained"]
