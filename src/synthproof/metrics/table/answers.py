"""Evidence without a number, and the sentences that say why."""

from __future__ import annotations

from synthproof.core.evidence import Card, Evidence
from synthproof.core.words import Words

TOO_FEW = Words(
    en="Too few records to say: {n} {what}, at least {least} are needed.",
    ko="{what_ko} {n}건으로는 판단할 수 없습니다. 최소 {least}건이 필요합니다.",
)
NO_FIELDS = Words(
    en="No column that this number could be computed on.",
    ko="이 지표를 계산할 수 있는 열이 없습니다.",
)
NO_HOLDOUT = Words(
    en="There is no holdout, so there is no real-against-real value to compare with.",
    ko="홀드아웃(미학습 원본)이 없어 원본 간 비교값을 제시할 수 없습니다.",
)
NEEDS_HOLDOUT = Words(
    en="This number needs real records that nothing was learned from (a holdout); there are none.",
    ko="이 지표에는 학습에 쓰이지 않은 원본(홀드아웃)이 필요하나 제공되지 않았습니다.",
)


def insufficient(card: Card, why: Words, *, subject: str = "all", n: int = 0, seed: int | None = None) -> Evidence:
    """Return evidence that there is too little to say anything."""
    return Evidence(
        metric=card.id, version=card.version, subject=subject, outcome="insufficient", n=n, seed=seed, caveat=why
    )


def not_applicable(card: Card, why: Words, *, subject: str = "all", seed: int | None = None) -> Evidence:
    """Return evidence that the question does not arise."""
    return Evidence(
        metric=card.id, version=card.version, subject=subject, outcome="not_applicable", seed=seed, caveat=why
    )


def too_few(card: Card, n: int, least: int, what: Words, *, subject: str = "all", seed: int | None = None) -> Evidence:
    """Return *insufficient* evidence for a count of records below the least one that says something."""
    why = Words(
        en=TOO_FEW.en.format(n=n, what=what.en, least=least), ko=TOO_FEW.ko.format(n=n, what_ko=what.ko, least=least)
    )
    return insufficient(card, why, subject=subject, n=n, seed=seed)


REAL_UNITS = Words(en="real units", ko="원본")
SYNTHETIC_UNITS = Words(en="synthetic units", ko="합성데이터")
HOLDOUT_UNITS = Words(en="holdout units", ko="홀드아웃")


def joined(*parts: Words | None) -> Words | None:
    """Return several remarks as one, or ``None`` when there is none."""
    given = [p for p in parts if p is not None]
    if not given:
        return None
    return Words(en=" ".join(p.en for p in given), ko=" ".join(p.ko for p in given))
