"""The language of rules: what each sort says, what is refused, and that a rule written out reads back the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthproof.core.constraints import Constraint
from synthproof.core.errors import ConfigError

FRAME = pd.DataFrame(
    {
        "a": pd.array([1, 5, None, 9], dtype="Int64"),
        "b": [2.0, 5.0, 1.0, np.nan],
        "sex": pd.Categorical(["F", "M", "F", None], categories=["F", "M"]),
        "grade": pd.Categorical(["low", "mid", "high", "low"], categories=["low", "mid", "high"], ordered=True),
        "next": pd.Categorical(["mid", "mid", "low", "low"], categories=["low", "mid", "high"], ordered=True),
        "smoker": pd.array([True, False, None, True], dtype="boolean"),
        "code": ["A12", "B7", "A99", None],
        "day": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01", None]).astype("datetime64[us]"),
        "out": pd.to_datetime(["2024-01-03", "2024-01-30", "2024-03-31", None]).astype("datetime64[us]"),
        "입원 일": [1, 2, 3, 4],
    }
)


@pytest.mark.parametrize(
    ("text", "sort", "kept"),
    [
        ("a between 2 and 6", "compare", [False, True, True, False]),
        ("2 <= a <= 6", "compare", [False, True, True, False]),
        ("a + b = 3 within 7", "compare", [True, True, True, True]),
        ("a + b = 3 within 6", "compare", [True, False, True, True]),
        ("a * b <= 10", "compare", [True, False, True, True]),
        ('sex = "F"', "compare", [True, False, True, True]),
        ('a <= 3 if sex = "M"', "compare", [True, False, True, True]),
        ('a <= 3 if sex = "M" and b > 5', "compare", [True, True, True, True]),
        ('grade >= "mid"', "compare", [False, True, True, False]),
        ("grade <= next", "compare", [True, True, False, True]),
        ("grade = next", "compare", [False, True, False, True]),
        ("grade != next", "compare", [True, False, True, False]),
        ("smoker = 'true'", "compare", [True, False, True, True]),
        ('sex in ("F")', "among", [True, False, True, True]),
        ("a in (1, 9)", "among", [True, False, True, True]),
        ("a in {1, 5}", "among", [True, True, True, False]),
        (r'code matches "A\d{2}"', "pattern", [True, False, True, True]),
        ("out >= day", "compare", [True, False, True, True]),
        ("out <= day + 3 days", "compare", [True, True, False, True]),
        ("out = day + a * 2 days", "compare", [True, False, True, True]),
        ('day >= "2024-01-15"', "compare", [False, True, True, True]),
        ("`입원 일` <= 2", "compare", [True, True, False, False]),
        ("unique(sex)", "unique", [False, True, False, True]),
    ],
)
def test_what_rules_say(text: str, sort: str, kept: list[bool]) -> None:
    rule = Constraint.parse(text)
    assert rule.sort == sort
    assert rule.holds(FRAME).tolist() == kept


@pytest.mark.parametrize(
    "text",
    [
        "a between 1", "a in ()", "a in (b", 'a matches "["', "range(a)", "a <= 1 if", "a = b within c", "a < b within 1",
        "own(a)", 'own("x")', "if a < b", "a <= 3 4", "unique()", "combination(a", "in b", 'a = "open',
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="constraint/unreadable"):
        Constraint.parse(text)


def test_what_can_be_read_but_not_asked_is_refused() -> None:
    with pytest.raises(ConfigError, match="constraint/no-order"):
        Constraint.parse("sex <= grade").holds(FRAME)
    with pytest.raises(ConfigError, match="constraint/not-a-date"):
        Constraint.parse('day >= "soon"').holds(FRAME)


def test_ranges_and_places_come_from_the_reference() -> None:
    real = pd.DataFrame({"g": ["x", "x", "y"], "v": [1.0, 5.0, 7.0], "city": ["S", "S", "B"]})
    made = pd.DataFrame({"g": ["x", "x", "y", "z"], "v": [4.0, 6.0, 7.0, 1.0], "city": ["S", "B", "B", "S"]})
    assert Constraint.range_by("v", "g").holds(made, real).tolist() == [True, False, True, False]
    assert Constraint.inside("g", "city").holds(made, real).tolist() == [True, False, True, False]
    assert Constraint.combination("g", "city").holds(made, real).tolist() == [True, False, True, False]


def test_one_district_has_one_city_the_usual_one() -> None:
    data = pd.DataFrame({"d": ["x"] * 5, "c": ["S", "S", "S", "S", "B"]})
    assert Constraint.inside("d", "c").holds(data).tolist() == [True] * 4 + [False]


NAMES = st.sampled_from(["a", "b b", "in", "나이", "x.y", "unique", "by"])


@given(NAMES, NAMES, st.integers(-9, 9), st.text("ab \"'c", max_size=4).filter(lambda t: not ('"' in t and "'" in t)))
def test_objects_and_texts_are_the_same(one: str, other: str, number: int, text: str) -> None:
    made = [
        Constraint.unique(one, other),
        Constraint.combination(one, other),
        Constraint.inside(one, other),
        Constraint.between(one, number, number + 1),
        Constraint.range_by(one, other),
        Constraint.among(one, [text, number]),
        Constraint.matches(one, "[a-z]+"),
        Constraint.own(text, lambda f: [True] * len(f), [one, other]),
    ]
    for rule in made:
        again = Constraint.parse(rule.text)
        assert again == rule
        assert again.sort == rule.sort
        assert set(again.fields) <= {one, other}
    assert made[-1].checkable
    assert not Constraint.parse(made[-1].text).checkable
