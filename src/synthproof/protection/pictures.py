"""Run protections of pictures over a split: learned from train, the same change for both sides, one receipt each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from synthproof.core.errors import ConfigError, did_you_mean
from synthproof.core.random import derive
from synthproof.core.registry import protections as registry
from synthproof.core.run import Run, quiet
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.data.split import Split

PREFIX = "image."
IMAGE_STEPS: tuple[str, ...] = ("image.near_duplicates", "image.burned_in")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedPictures:
    """A split after protection.

    Parameters
    ----------
    parts
        The pictures, changed.
    receipts
        One for each protection, in order: counts and names, no value.
    notices
        What a person should look at.
    """

    parts: Split[ImageSet]
    receipts: tuple[Mapping[str, Any], ...]
    notices: tuple[Words, ...] = ()


def protect_pictures(
    parts: Split[ImageSet],
    steps: Sequence[str],
    *,
    seed: int,
    parameters: Mapping[str, Any] | None = None,
    run: Run | None = None,
) -> ProtectedPictures:
    """Return the split after the named protections.

    Raises
    ------
    ConfigError
        ``image/no-such-protection``.
    """
    job = quiet(run)
    receipts: list[Mapping[str, Any]] = []
    notices: list[Words] = []
    known = [n for n in registry.names() if n.startswith(PREFIX)]
    for i, name in enumerate(steps):
        job.tick("protect", i, len(steps), step=name)
        if name not in known:
            raise ConfigError(
                "image/no-such-protection", where=name, hint=did_you_mean(name, known), known=", ".join(known)
            )
        given = dict((parameters or {}).get(name, {}))
        made = registry.make(name, **given)
        if "random_state" in getattr(made, "get_params", dict)():
            made.set_params(random_state=derive(seed, name))
        made.fit(parts.train, run=run)
        parts = replace(parts, train=made.transform(parts.train), holdout=made.transform(parts.holdout))
        receipts.append({"step": name, **made.receipt()})
        notices += list(getattr(made, "notices_", ()))
    job.tick("protect", len(steps), len(steps))
    return ProtectedPictures(parts=parts, receipts=tuple(receipts), notices=tuple(notices))


__all__ = ["IMAGE_STEPS", "ProtectedPictures", "protect_pictures"]
