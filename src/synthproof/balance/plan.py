"""The arms of a study: what each one learns from, and with how many steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from synthproof.core.words import Words

DOSES = (0.25, 0.5, 1.0, 2.0)
Kind: TypeAlias = Literal[
    "real", "weights", "threshold", "duplicates", "augmentation", "smote", "synthetic", "pretrain", "longer"
]

KIND_WORDS: dict[Kind, Words] = {
    "real": Words(en="real rows", ko="실제 행"),
    "weights": Words(en="class weights", ko="범주 가중치"),
    "threshold": Words(en="real rows, decision moved", ko="실제 행, 판정 기준 이동"),
    "duplicates": Words(en="duplicates", ko="복제"),
    "augmentation": Words(en="classical augmentation", ko="고전적 증강"),
    "smote": Words(en="SMOTE", ko="SMOTE"),
    "synthetic": Words(en="synthetic", ko="합성"),
    "pretrain": Words(en="synthetic first, then real", ko="합성 사전학습 후 실제"),
    "longer": Words(en="real rows, twice the steps", ko="실제 행, 단계 2배"),
}
DOSED: tuple[Kind, ...] = ("duplicates", "smote", "augmentation", "synthetic")
MADE: dict[Kind, Kind] = {
    "smote": "smote",
    "augmentation": "augmentation",
    "synthetic": "synthetic",
    "pretrain": "synthetic",
}
"""Whose rows an arm learns from that are not real ones."""
CHECKS: tuple[Kind, ...] = ("longer",)
"""Arms that are not of equal steps: they check that the baseline was trained enough, and win nothing."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to learn.

    Parameters
    ----------
    kind
        What is done about the rare classes.
    dose
        Added rows per real row of each rare class; 0 for arms that add none.
    """

    kind: Kind
    dose: float = 0.0

    @property
    def id(self) -> str:
        """Name in files, e.g. ``"synthetic@0.5"``."""
        return f"{self.kind}@{self.dose:g}" if self.dose else self.kind

    @property
    def words(self) -> Words:
        """Name on a page."""
        name = KIND_WORDS[self.kind]
        return Words(en=f"{name.en} ×{self.dose:g}", ko=f"{name.ko} ×{self.dose:g}") if self.dose else name


def arms_of(doses: Sequence[float] = DOSES) -> Iterator[Arm]:
    """Yield every arm of a study: the baseline, what costs nothing, the controls at each dose, pre-training, the check."""
    free: tuple[Kind, ...] = ("real", "weights", "threshold")
    for kind in free:
        yield Arm(kind)
    for dosed in DOSED:
        for dose in doses:
            yield Arm(dosed, dose)
    yield Arm("pretrain")
    yield Arm("longer")
