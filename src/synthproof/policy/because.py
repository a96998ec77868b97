"""The sentence under every finding, in both languages, with its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from synthproof.core.evidence import Evidence, Finding, Limit, Result, Statement
from synthproof.core.words import Words
from synthproof.policy.rule import Compare, Number, Rule

_READS: dict[Compare, Words] = {
    "estimate": Words(en="estimate", ko="추정값"),
    "lower": Words(en="lower bound of the interval", ko="구간 하한"),
    "upper": Words(en="upper bound of the interval", ko="구간 상한"),
    "interval": Words(en="the whole interval", ko="구간 전체"),
}
_ORIGINS = {
    "simulated": Words(en="simulated", ko="모의"),
    "guide": Words(en="guide", ko="안내서"),
    "convention": Words(en="convention", ko="관례"),
    "own": Words(en="ours", ko="자체 설정"),
}


def number(value: float) -> str:
    """Return a number with three digits that matter, without trailing noise."""
    if value == 0:
        return "0"
    if value < 0:
        return f"−{number(-value)}"
    size = value
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 0.001:
        return f"{value:.3f}" if size < 10 else f"{value:.1f}"
    return f"{value:.2g}"


def plain(value: float) -> str:
    """Return a number that a person wrote (a limit of the policy) as it was written."""
    return f"{value:g}".replace("-", "−")


def between(low: float, high: float) -> Words:
    """Return an interval; a dash beside a minus sign would be read wrongly."""
    if low < 0:
        return Words(en=f"{number(low)} to {number(high)}", ko=f"{number(low)} ~ {number(high)}")
    return Words(en=f"{number(low)}–{number(high)}", ko=f"{number(low)}–{number(high)}")


def measured(e: Evidence) -> Words:
    """Return estimate, interval and reference of measured evidence."""
    assert e.estimate is not None
    assert e.interval is not None
    if e.interval[0] == e.interval[1] == e.estimate:
        # A property rather than a measurement (yes or no, the highest of all): an interval would only pretend.
        if e.reference is None:
            return Words(en=plain(e.estimate), ko=plain(e.estimate))
        found, beside = number(e.estimate), number(e.reference)
        return Words(en=f"{found} (reference {beside})", ko=f"{found}(기준값 {beside})")
    span = between(*e.interval)
    en = f"{number(e.estimate)} ({e.level:.0%} interval {span.en}"
    ko = f"{number(e.estimate)}({e.level * 100:.0f} % 구간 {span.ko}"
    if e.reference is not None:
        en += f"; reference {number(e.reference)}"
        ko += f"; 기준값 {number(e.reference)}"
    return Words(en=en + ")", ko=ko + ")")


def held(rule: Rule, e: Evidence, found: Number, limit: Limit, result: Result) -> Words:
    """Return the sentence of a number held against a line."""
    name, numbers = _named(rule, e), measured(e)
    sign = _sign(rule, found, limit, result)
    origin = _ORIGINS[limit.origin]
    line = number(limit.value) if limit.origin == "simulated" or _relative(rule) else plain(limit.value)
    en, ko = f"{name.en} {numbers.en}", f"{name.ko} {numbers.ko}"
    if rule.measure == "over_reference":
        span = between(found.low, found.high)
        en += f", over the reference by {number(found.value)} ({span.en})"
        ko += f", 기준값 초과분 {number(found.value)}({span.ko})"
    # the number that stands beside the line is the one that was held against it, or the sentence would read falsely
    if rule.compare != "estimate":
        which = _READS[rule.compare]
        held_up = {"lower": f" {number(found.low)}", "upper": f" {number(found.high)}"}.get(rule.compare, "")
        en += f"; {which.en}{held_up}"
        ko += f"; {which.ko}{held_up}"
    en += f" {sign} limit {line} ({origin.en}: {limit.because.en.rstrip('.')})"
    ko += f" {sign} 한계 {line}({origin.ko}: {limit.because.ko.rstrip('.')})"
    if result == "meets" and rule.or_below is not None and not _below_line(rule, found, limit.value):
        en += f". It is over the limit but under {plain(rule.or_below)}, which meets as well"
        ko += f". 한계를 넘지만 {plain(rule.or_below)} 미만이므로 충족"
    if result == "not_assessed":
        en += ". The interval lies on both sides of the limit, so the data cannot tell"
        ko += ". 구간이 한계에 걸쳐 있어 이 자료만으로는 판단할 수 없음"
    if result == "does_not_meet" and rule.remedy is not None:
        en += f". Remedy: {rule.remedy.en.rstrip('.')}"
        ko += f". 조치: {rule.remedy.ko.rstrip('.')}"
    return Words(en=en + ".", ko=ko + ".")


def no_reference(rule: Rule, e: Evidence) -> Words:
    """Return the sentence for a number that can be read only beside a reference, when there is none."""
    name, numbers = _named(rule, e), measured(e)
    return Words(
        en=f"{name.en} {numbers.en}: without the holdout's own value nobody can say how much of it is due to these data.",
        ko=f"{name.ko} {numbers.ko}: 홀드아웃의 비교값이 없어 이 자료에서 비롯된 부분을 판단할 수 없습니다.",
    )


def missing(rule: Rule) -> Words:
    """Return the sentence for evidence that is not there."""
    return Words(
        en=f"{rule.title.en}: there is no result of {rule.metric}; what was not measured cannot meet.",
        ko=f"{rule.title.ko}: {rule.metric}의 측정 결과가 없어 판단할 수 없습니다.",
    )


def incomplete(rule: Rule, lost: int) -> Words:
    """Return the sentence for a metric of which some results are gone."""
    return Words(
        en=f"{rule.title.en}: {lost} of the results of {rule.metric} are missing.",
        ko=f"{rule.title.ko}: {rule.metric}의 측정 결과 중 {lost}건이 없습니다.",
    )


def unmeasured(rule: Rule, e: Evidence, *, skipped: bool) -> Words:
    """Return the sentence for evidence without a number."""
    reason = e.caveat or Words(en="no reason was given", ko="사유가 기록되지 않았습니다.")
    if skipped:
        en, ko = "does not apply here and was left out", "해당 없음(규칙 제외)"
    else:
        en, ko = {
            "not_applicable": ("does not apply here", "해당 없음"),
            "insufficient": ("too little to say", "자료 부족"),
            "failed": ("the measurement failed", "측정 실패"),
            "measured": ("measured", "측정됨"),
        }[e.outcome]
    name = _named(rule, e)
    out_en = f"{name.en.rstrip(':')}: {en}. {reason.en}"
    out_ko = f"{name.ko.rstrip(':')}: {ko}. {reason.ko}"
    if rule.statement and e.outcome == "insufficient":
        out_en += f" A named person may answer this with a statement (question “{rule.statement}”)."
        out_ko += f" 담당자가 소속·성명을 밝힌 진술(질문 ‘{rule.statement}’)로 답할 수 있습니다."
    return Words(en=out_en, ko=out_ko)


def no_limit(rule: Rule, e: Evidence) -> Words:
    """Return the sentence for a number without a line to hold it against."""
    name, numbers = _named(rule, e), measured(e)
    if _relative(rule):
        en = "there is no reference to hold it against"
        ko = "비교할 기준값이 없어 판단할 수 없습니다"
    else:
        en = "there is no simulated limit to hold it against"
        ko = "비교할 모의 한계가 없어 판단할 수 없습니다"
    return Words(en=f"{name.en} {numbers.en}: {en}.", ko=f"{name.ko} {numbers.ko}: {ko}.")


def stated(rule: Rule, s: Statement) -> Words:
    """Return the sentence for a rule that a person's statement satisfies."""
    when = f", {s.at}" if s.at else ""
    return Words(
        en=f"{rule.title.en}: stated by {s.author}{when}; a statement, not a measurement.",
        ko=f"{rule.title.ko}: {s.author}의 진술{when}. 측정이 아닌 진술에 따른 것입니다.",
    )


def unstated(rule: Rule) -> Words:
    """Return the sentence for a statement that nobody made."""
    return Words(
        en=f"{rule.title.en}: a named person must state this (question “{rule.statement}”); nobody has.",
        ko=f"{rule.title.ko}: 담당자의 진술(질문 ‘{rule.statement}’)이 필요하나 아직 없습니다.",
    )


def of_several(rule: Rule, sentence: Words, chosen: Finding, pool: Sequence[Finding]) -> Words:
    """Return the sentence of the worst of several subjects, saying of how many and how the others did."""
    if len(pool) < 2:
        return sentence
    same = sum(f.result == chosen.result for f in pool)
    tail = {
        "meets": Words(en="All {n} meet; this one is shown", ko="{n}개 모두 충족; 대표로 표시"),
        "does_not_meet": Words(en="{same} of {n} do not meet; the first is shown", ko="{n}개 중 {same}개 미충족"),
        "not_assessed": Words(en="{same} of {n} are not assessed", ko="{n}개 중 {same}개 판단 불가"),
    }[chosen.result].filled(n=len(pool), same=same)
    return Words(en=f"{sentence.en} {tail.en}.", ko=f"{sentence.ko} {tail.ko}.")


def _named(rule: Rule, e: Evidence) -> Words:
    if e.subject == "all" or rule.subject == e.subject:
        return rule.title
    return Words(en=f"{rule.title.en}, “{e.subject}”:", ko=f"{rule.title.ko}, ‘{e.subject}’:")


def _relative(rule: Rule) -> bool:
    return rule.limit is not None and rule.limit.from_reference is not None


def _below_line(rule: Rule, found: Number, line: float) -> bool:
    ends = {"estimate": found.value, "lower": found.low, "upper": found.high, "interval": found.high}
    return ends[rule.compare] <= line


def _sign(rule: Rule, found: Number, limit: Limit, result: Result) -> str:
    if result == "not_assessed":
        return "≷"
    kept = result == "meets"
    if rule.side == "max" and kept and rule.or_below is not None:
        kept = _below_line(rule, found, limit.value)
    return {("max", True): "≤", ("max", False): ">", ("min", True): "≥", ("min", False): "<"}[(rule.side, kept)]
