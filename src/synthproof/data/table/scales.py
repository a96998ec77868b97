"""Words in order: yes and no, low to high, bands of age and money."""

from __future__ import annotations

import re
from collections.abc import Sequence

TRUE_FALSE: tuple[tuple[str, str], ...] = (
    ("true", "false"),
    ("yes", "no"),
    ("y", "n"),
    ("t", "f"),
    ("예", "아니오"),
    ("예", "아니요"),
    ("네", "아니오"),
    ("네", "아니요"),
    ("참", "거짓"),
    ("유", "무"),
    ("있음", "없음"),
    ("o", "x"),
)

SCALES: tuple[tuple[str, ...], ...] = (
    ("하", "중하", "중", "중상", "상"),
    ("초", "중", "고", "대", "대학원"),
    ("무학", "초졸", "중졸", "고졸", "전문대졸", "대졸", "대학원졸"),
    ("무학", "초등학교", "중학교", "고등학교", "전문대", "대학교", "대학원"),
    ("매우 낮음", "낮음", "보통", "높음", "매우 높음"),
    ("매우낮음", "낮음", "보통", "높음", "매우높음"),
    ("매우 나쁨", "나쁨", "보통", "좋음", "매우 좋음"),
    ("매우나쁨", "나쁨", "보통", "좋음", "매우좋음"),
    ("매우 불만족", "불만족", "보통", "만족", "매우 만족"),
    ("매우불만족", "불만족", "보통", "만족", "매우만족"),
    ("전혀 그렇지 않다", "그렇지 않다", "보통이다", "그렇다", "매우 그렇다"),
    ("정상", "경증", "중등도", "중등증", "중증", "최중증"),
    ("경도", "중등도", "고도"),
    ("소", "중", "대"),
    ("소형", "중형", "대형"),
    ("없음", "약함", "보통", "강함"),
    ("none", "very low", "low", "medium", "high", "very high"),
    ("none", "low", "moderate", "high"),
    ("low", "mid", "high"),
    ("low", "middle", "high"),
    ("low", "normal", "high"),
    ("lowest", "low", "medium", "high", "highest"),
    ("xs", "s", "m", "l", "xl", "xxl", "xxxl"),
    ("very small", "small", "medium", "large", "very large"),
    ("very poor", "poor", "fair", "good", "very good", "excellent"),
    ("very bad", "bad", "average", "good", "very good"),
    ("never", "rarely", "seldom", "sometimes", "often", "usually", "always"),
    ("none", "minimal", "mild", "moderate", "severe", "very severe", "critical"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"),
    ("stage 0", "stage i", "stage ii", "stage iii", "stage iv"),
    ("beginner", "intermediate", "advanced", "expert"),
    ("bronze", "silver", "gold", "platinum", "diamond"),
)

_BAND = re.compile(
    r"^\s*[\[(<>≤≥]*=?\s*[$₩]?(?P<low>[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?)\s*(?P<tail>k|세|대|등급|분위|학년|급|기|단계|kg|cm|만원|원|%|점|년|개월|회)?"
    r"\s*(?:(?:[-~–∼]|to)\s*[$₩]?(?P<high>[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?)?\s*(?:k|세|대|만원|원|%|점|년|개월|회)?)?"
    r"\s*(?P<word>\+|이상|미만|이하|초과|and over|or more|under)?\s*[\])]?$"
)
_LOWER_FIRST = {"미만": -1, "이하": -1, "under": -1, "초과": 1, "이상": 1, "+": 1}


def yes_no(levels: Sequence[str]) -> tuple[str, str] | None:
    """Return (text of true, text of false) when the one or two levels are a known yes and no."""
    folded = {v.strip().casefold(): v for v in levels}
    if len(folded) != 2 or len(levels) != 2:
        return None
    for true, false in TRUE_FALSE:
        if set(folded) == {true, false}:
            return folded[true], folded[false]
    return None


def in_order(levels: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    """Return the levels from lowest to highest, and why, when they lie on a known scale."""
    folded = {re.sub(r"\s+", " ", v.strip().casefold().replace("_", " ")): v for v in levels}
    if len(levels) < 2 or len(folded) != len(levels):
        return None
    for scale in SCALES:
        if set(folded) <= set(scale) and not set(folded) <= {"none", "없음"}:
            return tuple(folded[s] for s in scale if s in folded), "all levels are words of one known scale"
    return _bands(levels)


def _bands(levels: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    if len(levels) < 3 or all(re.fullmatch(r"[\d.,\s]+", v) for v in levels):
        return None
    keys = []
    for v in levels:
        found = _BAND.match(v.strip())
        if found is None:
            return None
        low = float(found.group("low").replace(",", ""))
        side = _LOWER_FIRST.get(found.group("word") or "", 0)
        side = -1 if re.match(r"^\s*[<≤]", v) else 1 if re.match(r"^\s*[>≥]", v) else side
        keys.append((low, side))
    if len(set(keys)) < len(keys):
        return None
    ordered = tuple(v for _, v in sorted(zip(keys, levels, strict=True)))
    return ordered, "all levels are bands or grades with a number to order them by"


__all__ = ["in_order", "yes_no"]
