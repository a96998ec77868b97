"""How the data were made: full synthesis by a generator that draws anew (the guide's 완전합성 and 비가역성)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthproof.core.contracts import Case, Tags
from synthproof.core.evidence import Card, Evidence
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.data.balanced import counts_of, not_drawn
from synthproof.data.image.custody import altered_real, steps_of
from synthproof.metrics.table.answers import insufficient, not_applicable

_UNKNOWN = Words(
    en="The generator is not known here, so nothing can be said about how the data were made.",
    ko="생성기를 알 수 없어 생성 방식을 확인할 수 없습니다.",
)
_READ = Words(
    en="Read from what the generator's author declares in the registry; it says how the data were drawn, not how safe "
    "they are.",
    ko="등록된 생성기의 선언에 따른 값입니다. 생성 방식을 나타낼 뿐 안전성을 뜻하지 않습니다.",
)
_BALANCED = Words(
    en="The data say of themselves that they were balanced: they hold real, repeated, interpolated or moved records, which serve "
    "to train a model and are never released.",
    ko="균형을 맞춘 데이터라는 표시가 있습니다. 실제 레코드나 이를 복제·보간·변형한 레코드가 들어 있어 모형 학습용으로만 쓰며 반출할 수 "
    "없습니다.",
)


class Generation:
    """Whether every value of every record was drawn, by a generator that does not alter real records.

    Notes
    -----
    1 when the recipe's generator is tagged ``full_synthesis``, ``irreversible`` and ``releasable``; 0 when any is
    absent, or when the data say of themselves that a stage altered real pictures or that `synthproof balance` made them
    (its receipt lies beside the file), whoever the generator was; *insufficient* for another tool's file.
    The subject ``releasable`` says alone whether the generator is meant for release (SMOTE and its like are not), so
    that a policy that lets partial synthesis pass can still refuse it; it is *not applicable* for another tool's file.
    Not a measurement of the data: a property of the method, which the guide asks for beside the three numbers
    (items T3-1, T3-5; 부록 2). No randomness; cost O(1).
    """

    card = Card(
        id="any.generation",
        version=2,
        family="safety",
        name=Words(en="Full synthesis, irreversible", ko="완전합성·비가역성"),
        question=Words(
            en="Was every value drawn anew, rather than altered from a real record?",
            ko="모든 값을 새로 생성했는가, 아니면 실제 레코드를 변형했는가?",
        ),
        unit="yes (1) or no (0)",
        low=0.0,
        high=1.0,
        better="higher",
        source="PIPC, Guide to generating and using synthetic data (Dec 2024), stage 2, checklist item T3-5, appendix 2",
        ideal=Words(en="1: full synthesis by an irreversible generator.", ko="1: 비가역적 생성기에 의한 완전합성."),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``: the question always makes sense."""
        return None

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return two pieces of evidence, subjects ``all`` and ``releasable``."""
        quiet(run).tick(self.card.id, 0, 1)
        if not_drawn(case.synthetic):
            return self._told(
                {"all": 0.0, "releasable": 0.0}, case, {"balanced": counts_of(case.synthetic)}, _BALANCED, seed
            )
        altered = altered_real(case.synthetic)
        known = case.recipe is not None and case.recipe.name in synthesizers.names()
        if not known and not altered:
            return (
                insufficient(self.card, _UNKNOWN, seed=seed),
                not_applicable(self.card, _UNKNOWN, subject="releasable", seed=seed),
            )
        name = case.recipe.name if case.recipe is not None else ""
        tags: Tags = synthesizers.get(name).tags if known else Tags()
        # a generator that draws anew may still have been asked to alter real pictures: the data say so of themselves
        drawn = not altered
        marks = {
            "full_synthesis": tags.full_synthesis and drawn,
            "irreversible": tags.irreversible and drawn,
            "releasable": tags.releasable and drawn,
        }
        detail: dict[str, Any] = {**marks, "generator": name}
        if known:
            detail["declared_by"] = synthesizers.entry(name).owner
        if steps := steps_of(case.synthetic):
            detail["stages"] = [f"{s.did} ({s.input})" for s in steps]
        told = {"all": float(all(marks.values())), "releasable": float(marks["releasable"])}
        return self._told(told, case, detail, _READ, seed)

    def _told(
        self, values: Mapping[str, float], case: Case[Any], detail: Mapping[str, Any], caveat: Words, seed: int
    ) -> tuple[Evidence, ...]:
        return tuple(
            Evidence(
                metric=self.card.id,
                version=self.card.version,
                subject=subject,
                estimate=value,
                interval=(value, value),
                reference=1.0,
                n=len(case.synthetic),
                seed=seed,
                detail=detail,
                caveat=caveat,
            )
            for subject, value in values.items()
        )
