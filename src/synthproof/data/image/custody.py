"""The chain of custody: what was done to pictures, step by step, and whether each step began from real ones.

A picture counts as drawn only when its maker said so and no step before it began from a real picture. Whatever says
nothing is real: pictures read from disk, pictures that a control hands out, pictures of another tool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self, TypeAlias

from synthproof.core.errors import DataError
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.data.table.dataset import Table

Did: TypeAlias = Literal["draw", "translate", "super-resolve", "paint", "compose", "duplicate", "augment"]
Input: TypeAlias = Literal["none", "drawn", "real"]
KEY = "custody"
"""Where the steps stand among the options of a data set's origin."""
_CALLED: Mapping[str, Words] = {
    "translate": Words(en="translated", ko="변환"),
    "super-resolve": Words(en="enlarged", ko="초해상화"),
    "paint": Words(en="painted", ko="채색"),
    "compose": Words(en="composed", ko="합성 배치"),
    "duplicate": Words(en="duplicated", ko="복제"),
    "augment": Words(en="augmented", ko="증강"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stage of the making of pictures.

    Parameters
    ----------
    did
        What was done.
    input
        From what: ``"none"`` (noise alone), ``"drawn"`` or ``"real"`` pictures.
    model
        Digest of the model that did it.
    """

    did: Did
    input: Input
    model: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(**data)


def steps_of(data: Any) -> tuple[Step, ...]:
    """Return the steps that made some pictures; none when nobody said."""
    options = getattr(getattr(data, "origin", None), "options", {})
    return tuple(Step.from_dict(s) for s in options.get(KEY, ()))


def is_drawn(data: ImageSet) -> bool:
    """Return whether pictures are known to hold no pixel of a real one."""
    steps = steps_of(data)
    return data.marks is not None and bool(steps) and all(s.input != "real" for s in steps)


def altered_real(data: Any) -> bool:
    """Return whether some step began from real pictures: then there is neither full synthesis nor irreversibility."""
    return any(s.input == "real" for s in steps_of(data))


def input_of(data: ImageSet, did: Did, *, knowingly: bool = False) -> Input:
    """Return what a stage begins from, or refuse it.

    Parameters
    ----------
    knowingly
        Whether the user asked for altered real pictures. They are marked so, and no metric calls them synthetic.

    Raises
    ------
    DataError
        ``image/real-input``.

    Notes
    -----
    PIPC, Guide to generating and using synthetic data (Dec 2024), appendix 2: translating, inpainting or super-resolving
    an original is no full synthesis, because part of the original remains.
    """
    if is_drawn(data):
        return "drawn"
    if not knowingly:
        raise DataError("image/real-input", where=data.origin.name, n=data.n_rows, did=_CALLED[did])
    return "real"


def with_steps(data: ImageSet, *steps: Step) -> ImageSet:
    """Return the same pictures with further steps noted."""
    options = {**data.origin.options, KEY: [s.to_dict() for s in (*steps_of(data), *steps)]}
    labels = Table(data.frame, data.labels.schema, origin=replace(data.origin, options=options))
    return data.with_labels(labels)


__all__ = ["KEY", "Did", "Input", "Step", "altered_real", "input_of", "is_drawn", "steps_of", "with_steps"]
