"""A recipe of stages: the first draws, the others alter what was drawn, and the chain of custody rides along.

The whole chain is judged, not its last link: a super-resolution of drawn pictures is full synthesis, the same stage over
real ones is not. A stage states in every result what it did and whether its input was drawn or real.
"""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from typing import Any, Protocol

from synthproof.core.contracts import Conditions
from synthproof.core.errors import ConfigError
from synthproof.core.random import derive
from synthproof.core.run import Run, quiet
from synthproof.data.image.custody import altered_real, is_drawn, steps_of
from synthproof.data.image.dataset import ImageSet


class Maker(Protocol):
    """A fitted generator of pictures."""

    def sample(
        self, n: int, /, *, where: Conditions | None = None, seed: int | None = None, run: Run | None = None
    ) -> ImageSet:
        """Return n pictures."""
        ...


class Stage(Protocol):
    """A fitted synthesizer that also alters pictures: `image.superres`, `image.translate`, `image.semantic`."""

    def apply(
        self, data: Any, /, *, seed: int | None = None, knowingly: bool = False, run: Run | None = None
    ) -> ImageSet:
        """Return altered pictures; real ones are refused unless `knowingly`."""
        ...


class Stages:
    """Stages in a row.

    Parameters
    ----------
    maker
        Fitted generator that begins from noise.
    stages
        Fitted stages, in order.
    names
        A name for each stage, in order, that its seed is addressed by; their numbers if absent.

    Raises
    ------
    ConfigError
        ``params/out-of-range``: a stage cannot be applied to pictures.

    Notes
    -----
    Picture i is a function of the models, the seed and i.
    """

    def __init__(self, maker: Maker, *stages: Stage, names: Sequence[str] = ()) -> None:
        for stage in stages:
            if not callable(getattr(stage, "apply", None)):
                raise ConfigError(
                    "params/out-of-range",
                    owner="Stages",
                    name="stages",
                    value=type(stage).__name__,
                    allowed="image.superres, image.translate, image.semantic",
                )
        self.maker, self.stages = maker, stages
        self.names = tuple(names) or tuple(str(k) for k in range(len(stages)))

    def sample(self, n: int, /, *, where: Conditions | None = None, seed: int, run: Run | None = None) -> ImageSet:
        """Return n pictures that went through every stage."""
        job = quiet(run)
        drawn = self.maker.sample(n, where=where, seed=derive(seed, "maker"), run=job)
        return self.go_on(drawn, seed=seed, where=where, run=job)

    def go_on(
        self,
        data: ImageSet,
        /,
        *,
        seed: int,
        where: Conditions | None = None,
        knowingly: bool = False,
        run: Run | None = None,
    ) -> ImageSet:
        """Return given pictures after every stage; `where` is what stages that give new labels are to give.

        Raises
        ------
        DataError
            ``image/real-input`` when they are not known to be drawn, unless `knowingly`.
        """
        job = quiet(run)
        for name, stage in zip(self.names, self.stages, strict=True):
            job.tick("stages", len(steps_of(data)), len(self.stages) + 1)
            asked: dict[str, Any] = {"where": where} if "where" in signature(stage.apply).parameters else {}
            data = stage.apply(data, seed=derive(seed, f"stage/{name}"), knowingly=knowingly, run=job, **asked)
        return data


def receipt(data: ImageSet) -> dict[str, Any]:
    """Return how pictures were made, for a card: each step with its input, and what follows for the whole chain."""
    altered = altered_real(data)
    return {
        "steps": [s.to_dict() for s in steps_of(data)],
        "drawn": is_drawn(data),
        "full_synthesis": is_drawn(data) and not altered,
        "irreversible": is_drawn(data) and not altered,
    }


__all__ = ["Maker", "Stage", "Stages", "receipt"]
