"""What a study says, in plain sentences. A gain or loss is told only where an interval that holds for all comparisons at
once excludes 0; everything else is "not shown"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from synthproof.balance.differences import Difference
from synthproof.balance.plan import CHECKS, KIND_WORDS, Arm
from synthproof.balance.scores import Score
from synthproof.balance.study import Study
from synthproof.balance.wording import for_modality
from synthproof.core.words import Lang, Words
from synthproof.dossier.disclose import printable

SCORE_WORDS: dict[Score, Words] = {
    "auroc": Words(en="AUROC", ko="AUROC"),
    "auprc": Words(en="average precision (AUPRC)", ko="평균 정밀도(AUPRC)"),
    "recall": Words(en="accuracy within the class (recall)", ko="범주 내 정확도(재현율)"),
}
_RANKED: tuple[Score, ...] = ("auroc", "auprc")


def sentences(study: Study) -> list[Words]:
    """Return the study in plain sentences: first what was gained, then what was lost, then what explains it."""
    ours = [d for d in study.against_real if _arm(study, d.arm).kind not in CHECKS]
    out = [*_changes(study, ours, _RANKED, sign=1), *_changes(study, ours, _RANKED, sign=-1)]
    out += [*_changes(study, ours, ("recall",), sign=1), *_changes(study, ours, ("recall",), sign=-1)]
    out += [*_moved(study), *_against_copies(study), *_trained_enough(study)]
    return out


def _changes(study: Study, found: Sequence[Difference], scores: Sequence[Score], *, sign: int) -> Iterator[Words]:
    told = False
    for score in scores:
        for c, name in enumerate(study.names):
            if score == "auroc" and len(study.names) == 2 and not study.rare[c] and not study.facts.get("several"):
                continue  # of two classes it is one number
            shown = [d for d in found if d.score == score and d.position == c and d.claim == sign]
            if shown:
                told = True
                yield _change(study, shown, score, c, name, sign, of=len(study.arms) - 1 - _checks(study))
    if not told:
        yield _own(study, _nothing(scores, sign))


def _change(study: Study, shown: Sequence[Difference], score: Score, c: int, name: str, sign: int, *, of: int) -> Words:
    most = max(shown, key=lambda d: sign * d.estimate)
    words = Words(
        en="{what} {name} ({size}): its {score} {verb} under {k} of {of} arms, most under {arm}, by {by} ({low} to {high}).",
        ko="{what} {name}({size})의 {score}: 비교군 {of}개 중 {k}개에서 {verb}. 가장 큰 변화는 {arm}, {by}({low} ~ {high}).",
    )
    n = f"{study.train[c]:,}"
    size = _own(study, Words(en=f"{n} training rows", ko=f"학습 {n}행"))
    what = Words(en="Label", ko="라벨") if study.facts.get("several") else Words(en="Class", ko="범주")
    size = Words(en=f"rare, {size.en}", ko=f"희소, {size.ko}") if study.rare[c] else size
    verb = Words(en="rises", ko="높아집니다") if sign > 0 else Words(en="falls", ko="낮아집니다")
    facts: dict[str, object] = {
        "name": printable(name, 30),
        "k": len({d.arm for d in shown}),
        "of": of,
        "by": f"{most.estimate:+.3f}",
        "low": f"{most.sure_low:+.3f}",
        "high": f"{most.sure_high:+.3f}",
    }
    arm = _own(study, _arm(study, most.arm).words)
    parts = {"what": what, "size": size, "score": SCORE_WORDS[score], "verb": verb, "arm": arm}
    return Words(
        en=words.en.format_map({**facts, **{k: w.en for k, w in parts.items()}}),
        ko=words.ko.format_map({**facts, **{k: w.ko for k, w in parts.items()}}),
    )


def _nothing(scores: Sequence[Score], sign: int) -> Words:
    en = " and ".join(SCORE_WORDS[s].en for s in scores)
    ko = "·".join(SCORE_WORDS[s].ko for s in scores)
    if sign > 0:
        return Words(
            en=f"No arm is shown to raise the {en} of any class over real rows alone.",
            ko=f"실제 행만 사용한 경우보다 어느 범주의 {ko}라도 높인다고 확인된 방법은 없습니다.",
        )
    return Words(
        en=f"No class is shown to lose {en}; that is no proof that none does.",
        ko=f"{ko}가 떨어졌다고 확인된 범주는 없습니다. 다만 떨어지지 않았다는 증명은 아닙니다.",
    )


def _moved(study: Study) -> Iterator[Words]:
    """Say what moving the decision alone does to recall, where adding rows seems to help it."""
    moved = [d for d in study.against_real if d.arm == "threshold" and d.score == "recall" and study.rare[d.position]]
    others = [
        d
        for d in study.against_real
        if d.score == "recall" and d.claim > 0 and d.arm != "threshold" and study.rare[d.position]
    ]
    if moved and others and any(d.claim > 0 for d in moved):
        best = max(moved, key=lambda d: d.estimate)
        words = Words(
            en="Recall of a rare class rises by {by} as well when the same model's decision is merely moved to equal class shares, "
            "with nothing added: such a rise is a change of threshold, paid by the other classes, and no new knowledge.",
            ko="아무것도 추가하지 않고 같은 모형의 판정 기준만 균등 비율로 옮겨도 희소 범주의 재현율이 {by} 높아집니다. 이런 상승은 다른 "
            "범주의 손실로 얻은 기준 이동이며 새로운 정보가 아닙니다.",
        )
        yield _own(study, words).filled(by=f"{best.estimate:+.3f}")


def _against_copies(study: Study) -> Iterator[Words]:
    """Compare made rows with as many duplicates: what they know beyond counting rare rows more often."""
    for kind in ("synthetic", "smote", "augmentation"):
        own = [d for d in study.against_copies if _arm(study, d.arm).kind == kind and d.score in _RANKED]
        if not own:
            continue
        shown = [d for d in own if d.claim]
        first = _arm(study, own[0].arm)
        en, ko = _kind(first, "en"), _kind(first, "ko")
        if not shown:
            words = Words(
                en=f"Against as many duplicated real rows, {en} rows show no difference in AUROC or AUPRC of any class.",
                ko=f"같은 수만큼 복제한 실제 행과 비교하면 {ko} 행은 어느 범주에서도 AUROC·AUPRC 차이가 확인되지 않습니다.",
            )
            yield _own(study, words)
            continue
        most = sorted(shown, key=lambda d: -abs(d.estimate))[:4]
        said_en = "; ".join(_told(study, d, "en") for d in most)
        said_ko = "; ".join(_told(study, d, "ko") for d in most)
        words = Words(
            en=f"Against as many duplicated real rows, {en} rows differ in {len(shown)} of {len(own)} comparisons: ",
            ko=f"같은 수만큼 복제한 실제 행과 비교하면 {ko} 행은 {len(own)}개 비교 중 {len(shown)}개에서 차이가 있습니다: ",
        )
        words = _own(study, words)
        yield Words(en=f"{words.en}{said_en}.", ko=f"{words.ko}{said_ko}.")


def _told(study: Study, d: Difference, lang: Lang) -> str:
    name, score = printable(study.names[d.position], 30), SCORE_WORDS[d.score].say(lang)
    words = Words(en="{arm}, {score} of class {name} {by}", ko="{arm}, 범주 {name}의 {score} {by}")
    if study.facts.get("several"):
        words = Words(en="{arm}, {score} of label {name} {by}", ko="{arm}, 라벨 {name}의 {score} {by}")
    return words.say(
        lang, arm=_own(study, _arm(study, d.arm).words).say(lang), score=score, name=name, by=f"{d.estimate:+.3f}"
    )


def _trained_enough(study: Study) -> Iterator[Words]:
    own = [d for d in study.against_real if d.arm == "longer" and d.score in _RANKED]
    if not own:
        return
    gained = [d for d in own if d.claim > 0]
    if gained:
        best = max(gained, key=lambda d: d.estimate)
        words = Words(
            en="Beware: twice the steps on real rows alone already raise {score} by {by}; a gain of that size may be mere training.",
            ko="주의: 실제 행만으로 단계를 두 배로 늘려도 {score} 값이 {by} 높아집니다. 이 정도의 향상은 "
            "더 오래 학습한 효과일 수 있습니다.",
        )
        by, words = f"{best.estimate:+.3f}", _own(study, words)
        yield Words(
            en=words.en.format(score=SCORE_WORDS[best.score].en, by=by),
            ko=words.ko.format(score=SCORE_WORDS[best.score].ko, by=by),
        )
        return
    lost = [d for d in own if d.claim < 0]
    if lost:
        worst = min(lost, key=lambda d: d.estimate)
        words = Words(
            en="Twice the steps on real rows alone lower {score} by {by}: the baseline is trained to the full and overfits beyond.",
            ko="실제 행만으로 단계를 두 배로 늘리면 {score} 값이 {by} 변합니다. 기준 모형은 충분히 학습되었고 그 이상은 과적합입니다.",
        )
        words = _own(study, words)
        yield Words(
            en=words.en.format(score=SCORE_WORDS[worst.score].en, by=f"{worst.estimate:+.3f}".lstrip("-")),
            ko=words.ko.format(score=SCORE_WORDS[worst.score].ko, by=f"{worst.estimate:+.3f}"),
        )
        return
    words = Words(
        en="Twice the steps on real rows alone are not shown to change the ranking: nothing says that the baseline was trained too little.",
        ko="실제 행만으로 단계를 두 배로 늘려도 순위 점수의 변화가 확인되지 않습니다. 기준 모형의 학습이 부족하였다고 볼 근거는 없습니다.",
    )
    yield _own(study, words)


def _own(study: Study, words: Words) -> Words:
    """Return a text of ours in the words of the study's modality."""
    return for_modality(words, str(study.facts.get("modality", "table")))


def _kind(arm: Arm, lang: Lang) -> str:
    return KIND_WORDS[arm.kind].say(lang)


def _checks(study: Study) -> int:
    return int(np.sum([a.kind in CHECKS for a in study.arms]))


def _arm(study: Study, name: str) -> Arm:
    return next(a for a in study.arms if a.id == name)
