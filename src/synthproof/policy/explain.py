"""Every rule and every word of a verdict, explained in two languages for a reader who is not a statistician."""

from __future__ import annotations

from collections.abc import Mapping

from synthproof.core.words import Lang, Words
from synthproof.policy.axes import Axis
from synthproof.policy.because import plain
from synthproof.policy.purposes import ENVIRONMENT_WORDS, FORM_WORDS
from synthproof.policy.rule import Compare, Line, Origin, Rule
from synthproof.policy.rules import RulePolicy

TERMS: Mapping[str, Words] = {
    "meets": Words(
        en="Every deciding rule was measured and kept its limit.",
        ko="판정에 쓰이는 모든 규칙이 측정되었고 한계를 지켰습니다.",
    ),
    "does_not_meet": Words(
        en="At least one deciding rule broke its limit. One broken rule is enough; nothing is averaged.",
        ko="판정에 쓰이는 규칙 중 하나 이상이 한계를 벗어났습니다. 하나라도 벗어나면 미충족이며 평균하지 않습니다.",
    ),
    "not_assessed": Words(
        en="No deciding rule is broken, but at least one could not be decided: a number is missing, failed, rests on too "
        "few records, or its interval lies on both sides of the limit. This is never a pass.",
        ko="벗어난 규칙은 없으나 하나 이상을 판단할 수 없습니다. 값이 없거나, 측정이 실패했거나, 자료가 부족하거나, 구간이 "
        "한계에 걸쳐 있는 경우입니다. 통과를 뜻하지 않습니다.",
    ),
    "advisory": Words(
        en="Shown for the reader; it cannot decide the verdict.",
        ko="참고용으로 표시하며 판정에는 쓰이지 않습니다.",
    ),
    "interval": Words(
        en="The range in which the number would plausibly lie if the same work were done on other records of the same "
        "kind (95 %).",
        ko="같은 성격의 다른 자료로 같은 작업을 했을 때 값이 있을 만한 범위입니다(95 %).",
    ),
    "reference": Words(
        en="The same number for real data held against real data: what perfection would score.",
        ko="실제 자료끼리 비교했을 때의 같은 지표 값으로, 완벽한 합성데이터가 얻을 수준을 뜻합니다.",
    ),
    "simulated": Words(
        en="The limit comes from your own (preprocessed) data: they are halved at random many times, one half plays the "
        "synthetic data, and a quantile of the results is the limit.",
        ko="한계를 (전처리된) 자체 데이터에서 구합니다. 자료를 무작위로 여러 번 반분하여 한쪽을 합성데이터로 보고 지표를 계산한 뒤 "
        "그 결과의 백분위수를 한계로 삼습니다.",
    ),
    "guide": Words(
        en="The limit is a number that a published procedure recommends.",
        ko="공표된 안내서가 권고하는 값입니다.",
    ),
    "convention": Words(
        en="The limit is a number in common use, without a procedure behind it.",
        ko="관례로 쓰이는 값이며 공식 절차의 기준은 아닙니다.",
    ),
    "own": Words(
        en="The limit is ours (or your institution's); another one can be defended.",
        ko="자체 설정 값입니다. 합리적인 근거가 있으면 다른 값을 쓸 수 있습니다.",
    ),
}
_OVER = Words(
    en="What counts is by how much the number is over the reference, that is over what real records reach that nothing "
    "was learned from.",
    ko="기준값(학습에 쓰이지 않은 실제 자료가 보이는 수준)을 얼마나 넘는지를 봅니다.",
)
_COMPARED: Mapping[Compare, Words] = {
    "estimate": Words(
        en="The number itself is compared; its interval is printed beside it.",
        ko="값 자체를 비교하고 구간은 함께 표시합니다.",
    ),
    "lower": Words(
        en="The lower end of the interval is compared.",
        ko="구간의 하한을 비교합니다.",
    ),
    "upper": Words(
        en="The upper end of the interval is compared.",
        ko="구간의 상한을 비교합니다.",
    ),
    "interval": Words(
        en="The whole interval is compared: all of it must keep the limit to meet, all of it must break the limit to "
        "fail; in between the data cannot tell.",
        ko="구간 전체를 비교합니다. 전부 한계를 지켜야 충족, 전부 벗어나야 미충족이며 그 사이는 판단 불가입니다.",
    ),
}


_AXIS = Words(
    en="Leak shown: a lower end lies over its line, or an exact test of the persons met says so, corrected for all measures and "
    "axes (Holm). Bounded: every upper end lies under its tolerance. Otherwise not assessed.",
    ko="하한이 기준을 넘거나 일치한 사람 수의 정확검정이 유의하면 유출 입증(모든 지표와 축에 대해 Holm 보정), 모든 상한이 허용치 "
    "아래이면 한도 이내, 그 밖에는 판단 불가입니다.",
)


def explain_rule(rule: Rule, lang: Lang = "en") -> str:
    """Return what a rule is for, what it compares, where its limit comes from, and whether it decides."""
    title = rule.title.say(lang)
    parts = [f"{title} — {rule.explain.say(lang)}"]
    if rule.limit is not None:
        parts += [_line(rule, rule.limit, lang), _COMPARED[rule.compare].say(lang)]
    if rule.measure == "over_reference":
        parts.append(_OVER.say(lang))
    if rule.or_below is not None:
        below = plain(rule.or_below)
        parts.append(
            f"{below} 미만이면 한계를 넘어도 충족합니다." if lang == "ko" else f"Under {below} it meets as well."
        )
    if rule.statement:
        parts.append(
            f"값을 알 수 없을 때에는 담당자의 진술(질문 ‘{rule.statement}’)로 답할 수 있습니다."
            if lang == "ko"
            else f"Where nothing can be known, a named person may state it (question “{rule.statement}”)."
        )
    if rule.skip_not_applicable:
        parts.append(
            "해당 사항이 없으면 규칙에서 제외하고 그 사유를 표시합니다."
            if lang == "ko"
            else "Where the question does not arise, the rule is left out and the finding says why."
        )
    if rule.remedy is not None:
        parts.append(f"조치: {rule.remedy.ko}" if lang == "ko" else f"Remedy: {rule.remedy.en}")
    parts.append(_weight(rule, lang))
    return " ".join(parts)


def explain_axis(axis: Axis, lang: Lang = "en") -> str:
    """Return what an axis asks, which measures it reads with which tolerances, and whether it decides."""
    parts = [f"{axis.title.say(lang)} — {axis.question.say(lang)} {_AXIS.say(lang)}"]
    for m in axis.measures:
        named = m.metric if m.subject in {"all", "*"} else f"{m.metric} ({m.subject})"
        over = Words(en="over the reference ", ko="기준값 초과분 ").say(lang) if m.measure == "over_reference" else ""
        only = Words(en="; can only show a leak", ko="; 유출 입증에만 사용").say(lang) if m.shows_only else ""
        shown = plain(m.shown_over)
        parts.append(
            f"{named}: {over}허용 {plain(m.tolerance)}, 입증 기준 {shown}({m.because.ko}{only})."
            if lang == "ko"
            else f"{named}: {over}tolerance {plain(m.tolerance)}, shown over {shown} ({m.because.en}{only})."
        )
    if axis.when_unsure == "shown":
        parts.append(
            Words(
                en="A leak that is shown decides; that none can be excluded is only said.",
                ko="유출이 입증되면 판정에 반영하고, 배제할 수 없는 경우에는 표시만 합니다.",
            ).say(lang)
        )
    parts.append(
        TERMS["advisory"].say(lang) if not axis.required else "판정에 쓰입니다." if lang == "ko" else "It decides."
    )
    return " ".join(parts)


def explain_policy(policy: RulePolicy, lang: Lang = "en") -> str:
    """Return the whole policy in words: title, summary, quantiles, and every rule on a line of its own."""
    lines = [f"{policy.title.say(lang)} ({policy.id}, v{policy.version})", policy.summary.say(lang)]
    if any(r.limit is not None and r.limit.origin == "simulated" for r in policy.rules):
        lines += [TERMS["simulated"].say(lang), _quantiles(policy, lang)]
    lines += [f"· {explain_rule(rule, lang)}" for rule in policy.rules]
    lines += [f"· {explain_axis(axis, lang)}" for axis in policy.axes]
    return "\n".join(lines)


def _quantiles(policy: RulePolicy, lang: Lang) -> str:
    forms = list(FORM_WORDS.values())
    shown = ", ".join(f"{w.say(lang)} {q:g}" for w, q in zip(forms, policy.quantiles.by_step, strict=True))
    label = "모의 한계의 분위수: " if lang == "ko" else "Quantile of simulated limits: "
    reason = f". {policy.quantiles.because.say(lang)}" if policy.quantiles.because else ""
    places = ", ".join(w.say(lang) for w in ENVIRONMENT_WORDS.values())
    tail = (
        f" 활용 환경({places})과 활용 형태 중 더 엄격한 쪽을 따릅니다."
        if lang == "ko"
        else f" The stricter of environment ({places}) and form of use decides."
    )
    return label + shown + reason + tail


def _line(rule: Rule, line: Line, lang: Lang) -> str:
    sides = {"max": ("at most", "이하"), "min": ("at least", "이상")}
    en, ko = sides[rule.side]
    origin: Origin = line.origin
    if origin == "simulated":
        return (
            f"한계: 자체 데이터로 모의한 한계 {ko}."
            if lang == "ko"
            else f"Limit: {en} the one simulated from your own data."
        )
    assert line.because is not None
    if line.from_reference is not None:
        sign = "+" if rule.side == "max" else "−"
        place = plain(line.from_reference)
        shown_en = f"{en} the reference {sign} {place}"
        shown_ko = f"기준값 {sign} {place} {ko}"
        if line.value is not None:
            shown_en += f"; {en} {plain(line.value)} where there is no reference"
            shown_ko += f"; 기준값이 없으면 {plain(line.value)} {ko}"
    else:
        assert line.value is not None
        shown_en, shown_ko = f"{en} {plain(line.value)}", f"{plain(line.value)} {ko}"
    reason = line.because.say(lang).rstrip(".")
    return f"한계: {shown_ko}({reason})." if lang == "ko" else f"Limit: {shown_en} ({reason})."


def _weight(rule: Rule, lang: Lang) -> str:
    uses = {
        "ai_training": Words(en="AI training", ko="AI 학습"),
        "analysis": Words(en="analysis", ko="분석"),
        "software_test": Words(en="software test", ko="소프트웨어 시험"),
        "education": Words(en="education", ko="교육"),
    }
    if not rule.required:
        return TERMS["advisory"].say(lang)
    if rule.required_for:
        shown = ", ".join(uses[u].say(lang) for u in rule.required_for)
        return (
            f"활용 목적이 {shown}인 경우에만 판정에 쓰입니다."
            if lang == "ko"
            else f"It decides only when the data are for {shown}."
        )
    return "판정에 쓰입니다." if lang == "ko" else "It decides."
