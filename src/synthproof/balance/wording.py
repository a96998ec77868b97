"""A study's texts for tables (rows) and for pictures (images), and the names of its facts in both languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from synthproof.core.words import Lang, Words

_EN = ((r"\brows\b", "images"), (r"\brow\b", "image"))
# Korean counts images by 장, and particles follow the vowel that 이미지 ends in. Only a word that begins with 행 is meant.
_KO = (
    (r"(?<=[\d}])행", "장"),
    (r"(?<![가-힣])행과", "이미지와"),
    (r"(?<![가-힣])행을", "이미지를"),
    (r"(?<![가-힣])행이", "이미지가"),
    (r"(?<![가-힣])행은", "이미지는"),
    (r"(?<![가-힣])행", "이미지"),
)

FACTS: Mapping[str, Words] = {
    "modality": Words(en="data", ko="데이터"),
    "several": Words(en="several labels a row", ko="행마다 여러 라벨"),
    "source": Words(en="source", ko="원본"),
    "target": Words(en="target", ko="목표"),
    "columns": Words(en="columns", ko="열 수"),
    "features": Words(en="numbers a learner sees", ko="학습기가 보는 수"),
    "unlabelled": Words(en="rows without a label, left out", ko="라벨이 없어 제외한 행"),
    "combinations": Words(en="combinations of labels", ko="라벨 조합 수"),
    "side": Words(en="side of an image, pixels", ko="이미지 한 변(화소)"),
    "seen_at": Words(en="side at which the learner looks, pixels", ko="학습기가 보는 한 변(화소)"),
    "unit": Words(en="one unit is a", ko="단위"),
    "train_units": Words(en="units to learn from", ko="학습 단위 수"),
    "test_units": Words(en="units to test on", ko="시험 단위 수"),
    "holdout": Words(en="share held out (0: given apart)", ko="홀드아웃 비율(0: 따로 주어짐)"),
    "split_seed": Words(en="seed of the split", ko="분할 시드"),
    "generator": Words(en="generator of synthetic rows", ko="합성 행의 생성기"),
    "generator_params": Words(en="its parameters", ko="생성기 매개변수"),
    "learner": Words(en="learner", ko="학습기"),
    "steps": Words(en="optimiser steps of every arm", ko="비교군마다 최적화 단계"),
    "seeds": Words(en="seeds", ko="시드 수"),
    "seed": Words(en="seed of the study", ko="연구 시드"),
    "repeats": Words(en="bootstrap replicates of the test units", ko="시험 단위 부트스트랩 반복"),
    "doses": Words(en="doses", ko="용량"),
}
MACHINE: Mapping[str, Words] = {
    "cores": Words(en="cores", ko="코어 수"),
    "processor": Words(en="processor", ko="프로세서"),
    "platform": Words(en="platform", ko="플랫폼"),
}
_VALUES: Mapping[Any, Words] = {
    "table": Words(en="table", ko="표"),
    "image": Words(en="image", ko="이미지"),
    "record": Words(en="record", ko="레코드"),
    "patient": Words(en="patient", ko="환자"),
    "small convolutional network": Words(en="small convolutional network", ko="작은 합성곱 신경망"),
    "perceptron": Words(en="perceptron", ko="퍼셉트론"),
    "trees": Words(en="boosted trees", ko="부스팅 트리"),
}
_TRANSLATED = ("modality", "unit", "learner")


def for_modality(words: Words, modality: str) -> Words:
    """Return a fixed text of ours as it reads for a modality: rows of a table are images of a set.

    Only for texts without inserted names: a class may be called anything.
    """
    if modality != "image":
        return words
    en, ko = words.en, words.ko
    for pattern, new in _EN:
        en = re.sub(pattern, new, en)
    for pattern, new in _KO:
        ko = re.sub(pattern, new, ko)
    return Words(en=en, ko=ko)


def fact_name(key: str, modality: str) -> Words:
    """Return what a fact is called on a page; a key that is not known stays as it is."""
    return for_modality(FACTS.get(key) or MACHINE.get(key) or Words(en=key, ko=key), modality)


def fact_value(key: str, value: Any) -> Words:
    """Return a fact's value as a person reads it: lists by commas, numbers with thousands, yes and no."""
    if key in _TRANSLATED and value in _VALUES:
        return _VALUES[value]
    if isinstance(value, bool):
        return Words(en="yes" if value else "no", ko="예" if value else "아니오")
    if isinstance(value, Mapping):
        text = ", ".join(f"{k} = {_plain(v)}" for k, v in value.items()) or "-"
    elif isinstance(value, list | tuple):
        text = ", ".join(_plain(v) for v in value)
    else:
        # a seed is a name, not a quantity
        text = str(value) if key.endswith("seed") else _plain(value)
    return Words(en=text or "-", ko=text or "-")


def _plain(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def say_for(words: Words, modality: str, lang: Lang) -> str:
    """Return one language of `for_modality`."""
    return for_modality(words, modality).say(lang)


__all__ = ["fact_name", "fact_value", "for_modality", "say_for"]
