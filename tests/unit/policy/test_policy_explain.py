"""Every rule and every word of a verdict is explained, in both languages."""

from __future__ import annotations

from typing import get_args

import pytest

from synthproof.core.evidence import RESULTS, Result
from synthproof.core.registry import policies
from synthproof.core.words import LANGS, Lang
from synthproof.policy.because import between, number, plain
from synthproof.policy.explain import TERMS, explain_policy, explain_rule
from synthproof.policy.load import load_policy
from synthproof.policy.rule import ORIGINS


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", policies.names())
def test_every_rule_says_what_it_compares_and_whether_it_decides(name: str, lang: Lang) -> None:
    policy = load_policy(name)
    whole = policy.explain(lang)
    assert whole == explain_policy(policy, lang)
    for rule in policy.rules:
        text = explain_rule(rule, lang)
        assert text in whole
        assert rule.title.say(lang) in text
        if rule.limit is not None and rule.limit.because is not None:
            assert rule.limit.because.say(lang).rstrip(".") in text
        decides = "판정에" if lang == "ko" else "deci"
        assert decides in text


def test_every_word_of_a_verdict_is_explained() -> None:
    assert set(RESULTS) == set(get_args(Result))
    for word in (*RESULTS, *ORIGINS, "advisory", "interval", "reference"):
        assert len(TERMS[word].en) > 10
        assert any("가" <= c <= "힣" for c in TERMS[word].ko)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.0412, "0.041"),
        (0.00042, "0.00042"),
        (1234.5, "1,234"),
        (-0.05, "−0.050"),
        (12.34, "12.3"),
        (1.0, "1.000"),
    ],
)
def test_numbers_are_short(value: float, shown: str) -> None:
    assert number(value) == shown


def test_limits_are_shown_as_written_and_intervals_as_spans() -> None:
    assert (plain(0.5), plain(0.005), plain(-0.1)) == ("0.5", "0.005", "−0.1")
    assert between(0.1, 0.2).ko == "0.100–0.200"
    assert between(-0.1, 0.2).en == "−0.100 to 0.200"
    assert between(-0.1, 0.2).ko == "−0.100 ~ 0.200"
