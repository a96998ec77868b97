"""Pieces, lattices, conditions and identifiers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from synthproof.core.errors import ConditionError
from synthproof.core.schema import Field, Schema
from synthproof.synthesizers.table.columns.conditions import Condition, read_conditions
from synthproof.synthesizers.table.columns.grid import Grid, shape_of
from synthproof.synthesizers.table.columns.identifiers import id_maker, permute, places_of
from synthproof.synthesizers.table.columns.pieces import merged, number_pieces, point_pieces

NUMBER = Field(name="x", kind="continuous")
WHOLE = Field(name="k", kind="integer")


def uniform(n: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.Generator(np.random.Philox(seed)).random(n)


def test_shared_values_stay_and_others_move() -> None:
    x = np.concatenate([np.zeros(50), uniform(200) * 10 + 1])
    shape = shape_of(x, NUMBER, min_shared=10)
    pieces = number_pieces(x, shape)
    drawn = pieces.draw(np.zeros(5000, dtype=np.intp), uniform(5000, 1), uniform(5000, 2))
    assert abs((drawn == 0).mean() - 0.2) < 5 * np.sqrt(0.2 * 0.8 / 5000)
    assert not np.isin(drawn, x[x > 0]).any()
    assert x.min() <= drawn.min()
    assert drawn.max() <= x.max()


def test_distribution_is_kept_within_the_dkw_band() -> None:
    x = np.exp(uniform(2000, 3) * 4)
    pieces = merged(number_pieces(x, shape_of(x, NUMBER, min_shared=10)), most=128)
    assert len(pieces.low) <= 130
    u = (np.arange(20_000) + 0.5) / 20_000
    drawn = np.sort(pieces.quantile(u))
    empirical = np.searchsorted(np.sort(x), drawn, side="right") / len(x)
    assert np.abs(empirical - u).max() < 2 / 128


@pytest.mark.parametrize(
    ("values", "f", "step", "offset"),
    [
        (np.arange(100, 200, 5), WHOLE, 5.0, 0.0),
        (np.arange(3, 200, 7), WHOLE, 7.0, 3.0),
        (np.arange(40) / 4, NUMBER, 0.25, 0.0),
        (np.array([1.0, 11.0, 21.0]), WHOLE, 1.0, 0.0),
        (np.arange(20) * 86_400e6, Field(name="d", kind="datetime"), 86_400e6, 0.0),
        (np.arange(20) * 86_400e6 + 54_000e6, Field(name="d", kind="datetime"), 86_400e6, 54_000e6),
        (np.arange(30) * 0.1, Field(name="c", kind="continuous", decimals=1), 0.1, 0.0),
    ],
)
def test_steps_are_found(values: Any, f: Field, step: float, offset: float) -> None:
    grid = shape_of(values.astype(float), f, min_shared=1).grid
    assert grid.step == pytest.approx(step)
    assert grid.offset == pytest.approx(offset)
    settled = grid.settle(uniform(500) * (values.max() - values.min()) * 1.2 + values.min())
    assert np.allclose(np.mod((settled - offset) / step + 0.5, 1), 0.5, atol=1e-6)
    assert settled.max() <= values.max() + 1e-9


def test_one_persons_value_alone_is_not_shown() -> None:
    gone = np.full(30, np.nan)
    gone[3] = 17.25
    assert shape_of(gone, NUMBER, min_shared=10).empty
    assert not shape_of(np.full(30, 4.5), NUMBER, min_shared=10).empty


def test_a_value_repeated_by_one_person_is_not_shared() -> None:
    x = np.concatenate([np.full(20, 3.5), uniform(20)])
    persons = np.concatenate([np.zeros(20), np.arange(1, 21)]).astype(np.intp)
    assert shape_of(x, NUMBER, min_shared=10).shared.sum() == 1
    assert shape_of(x, NUMBER, min_shared=10, persons=persons).shared.sum() == 0


def test_restrict_keeps_weights_and_exact_values() -> None:
    codes = np.array([0, 0, 0, 1, 2, 2, -1, -1])
    pieces = point_pieces(codes)
    some = pieces.restrict(Condition("c", False, ((0.0, 0.0), (2.0, 2.0)), (None, None)))
    assert some.mass.tolist() == [5.0]
    gone = pieces.restrict(Condition("c", True, (), ()))
    assert gone.mass.tolist() == [2.0]
    assert np.isnan(gone.low).all()
    x = uniform(1000)
    exact = number_pieces(x, shape_of(x, NUMBER, min_shared=10)).restrict(
        Condition("x", False, ((0.5 - 1e-6, 0.5 + 1e-6),), (0.5,))
    )
    assert (exact.draw(np.zeros(20, dtype=np.intp), uniform(20), uniform(20, 1)) == 0.5).all()


def test_leaves_without_allowed_values_have_no_weight() -> None:
    pieces = point_pieces(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), 2)
    only = pieces.restrict(Condition("c", False, ((1.0, 1.0),), (None,)))
    assert only.mass.tolist() == [0.0, 2.0]


SCHEMA = Schema(
    fields=(
        WHOLE,
        Field(name="sex", kind="categorical", levels=("F", "M")),
        Field(name="on", kind="boolean"),
        Field(name="d", kind="datetime"),
        Field(name="id", kind="identifier"),
    )
)
GRIDS = {"k": Grid(1.0, 0.0, 0.0, 100.0), "d": Grid(86_400e6, 0.0, 0.0, 4e15)}


def test_conditions_are_read() -> None:
    read = read_conditions({"k": {"min": 9.5}, "sex": ["F", None], "on": "yes", "d": "2024-02-01"}, SCHEMA, GRIDS)
    assert read["k"].ranges[0][0] == pytest.approx(9.5, abs=1e-5)
    assert read["k"].ranges[0][1] == pytest.approx(100.5, abs=1e-5)
    assert read["sex"].missing
    assert read["sex"].ranges == ((0.0, 0.0),)
    assert read["on"].ranges == ((1.0, 1.0),)
    assert read["d"].exact == (float(np.datetime64("2024-02-01", "us").astype("int64")),)


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"nobody": 1}, "condition/unknown-field"),
        ({"id": "x"}, "condition/not-drawn"),
        ({"sex": "secret-level"}, "condition/unknown-level"),
        ({"k": 1000}, "condition/out-of-range"),
        ({"k": 1.5}, "condition/out-of-range"),
        ({"k": (60, 40)}, "condition/out-of-range"),
        ({"k": "many"}, "condition/unreadable"),
        ({"k": {"above": 3}}, "condition/unreadable"),
        ({"k": []}, "condition/unreadable"),
        ({"k": float("inf")}, "condition/unreadable"),
        ({"d": 12}, "condition/unreadable"),
        ({"sex": {"min": 1}}, "condition/unreadable"),
    ],
)
def test_bad_conditions_are_refused_without_showing_values(where: dict[str, Any], code: str) -> None:
    with pytest.raises(ConditionError) as caught:
        read_conditions(where, SCHEMA, GRIDS)
    assert caught.value.code == code
    assert "secret-level" not in str(caught.value)
    assert caught.value.text("ko")


@pytest.mark.parametrize("size", [2, 3, 10, 97, 1000, 65_537])
def test_permutation_is_one_to_one_and_invertible(size: int) -> None:
    line = np.arange(size, dtype=np.int64)
    there = permute(line, size, 42)
    assert np.array_equal(np.sort(there), line)
    assert np.array_equal(permute(there, size, 42, back=True), line)


@pytest.mark.parametrize(
    "pattern",
    [r"P-\d{6}", r"[A-Z]{2}[0-9a-f]{12}", r"^\d{6}-[1-4]\d{6}$", r"(?:KR|US)-\w{8}", r"[가-힣]{3}\d{4}", r"X\.\d{5}"],
)
def test_identifiers_fit_their_pattern_and_are_new(pattern: str) -> None:
    first = id_maker([], pattern, key=1).make(2000, 5, "id").tolist()
    assert all(re.fullmatch(pattern, t) for t in first)
    maker = id_maker(first, pattern, key=1)
    again = maker.make(3000, 6, "id").tolist()
    assert len(set(again)) == 3000
    assert not set(again) & set(first)
    assert maker.make(100, 6, "id").tolist() == again[:100]


def test_tight_identifiers_become_longer() -> None:
    real = [f"{k:03d}" for k in range(900)]
    maker = id_maker(real, r"\d{3}", key=3)
    made = maker.make(500, 1, "id").tolist()
    assert len(set(made)) == 500
    assert not set(made) & set(real)


def test_identifiers_without_a_usable_pattern_take_the_shape_of_the_texts() -> None:
    real = [f"AB{k:05d}-x" for k in range(0, 30_000, 100)]
    made = id_maker(real, r"(?=lookahead).*", key=3).make(50, 1, "id").tolist()
    assert all(re.fullmatch(r"AB\d{5}-x", t) for t in made)
    assert all(re.fullmatch(r"ID\d{10}", t) for t in id_maker([], "", key=3).make(5, 1, "id"))


@pytest.mark.parametrize("pattern", [r"\d+(?=x)", r"[^a]", r"\bword", "(a|[0-9])", "[abc", "x{", "abc"])
def test_patterns_that_say_more_than_places_are_not_used(pattern: str) -> None:
    assert places_of(pattern) is None
