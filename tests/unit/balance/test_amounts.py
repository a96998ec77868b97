"""How many rows: the default rule and the caps hold for any counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthproof.balance.amounts import dose_amounts, down_amounts, rare_classes, up_amounts
from synthproof.balance.classes import Classes, classes_of
from synthproof.core.errors import ConfigError

COUNTS = st.lists(st.integers(1, 5000), min_size=2, max_size=12)


def classes(counts: list[int]) -> Classes:
    return Classes(tuple(range(len(counts))), np.repeat(np.arange(len(counts)), counts).astype(np.intp))


@given(COUNTS)
@settings(deadline=None)
def test_default_rule(counts: list[int]) -> None:
    for made in (False, True):
        amounts = up_amounts(classes(counts), "auto", made=made)
        assert (amounts.after >= amounts.before).all()
        assert (amounts.after <= np.maximum(amounts.before, np.median(counts))).all()
        assert (amounts.after <= 3 * amounts.before).all()
        assert not amounts.added[~rare_classes(amounts.before)].any()
        assert amounts.added.sum() <= sum(counts)


@given(COUNTS, st.floats(0, 4), st.floats(0, 2))
@settings(deadline=None)
def test_caps(counts: list[int], cap_class: float, cap_total: float) -> None:
    amounts = up_amounts(classes(counts), "auto", made=True, cap_class=cap_class, cap_total=cap_total)
    assert (amounts.added <= cap_class * amounts.before).all()
    assert amounts.added.sum() <= cap_total * sum(counts)
    added = max(counts) - np.array(counts)
    if (added > np.floor(cap_class * np.array(counts))).any() or added.sum() > np.floor(cap_total * sum(counts)):
        with pytest.raises(ConfigError, match="balance/too-much"):
            up_amounts(classes(counts), "equal", made=True, cap_class=cap_class, cap_total=cap_total)
    else:
        equal = up_amounts(classes(counts), "equal", made=True, cap_class=cap_class, cap_total=cap_total)
        assert (equal.after == max(counts)).all()


@given(COUNTS)
@settings(deadline=None)
def test_thinning(counts: list[int]) -> None:
    amounts = down_amounts(classes(counts), "auto")
    assert (amounts.after <= amounts.before).all()
    assert amounts.after.max() <= 3 * min(counts)
    assert amounts.after.min() == min(counts)
    assert (down_amounts(classes(counts), "equal").after == min(counts)).all()


@given(COUNTS, st.floats(0.05, 2.0))
@settings(deadline=None)
def test_a_dose_up_to_two_makes_no_more_than_is_real(counts: list[int], dose: float) -> None:
    amounts = dose_amounts(np.array(counts, dtype=np.intp), dose)
    assert amounts.sum() <= sum(counts) + len(counts)  # rounding
    assert not amounts[np.array(counts) >= np.median(counts)].any()


def test_ratios_by_hand() -> None:
    known = classes_of(["a"] * 100 + ["b"] * 10 + ["c"] * 50)
    assert up_amounts(known, 0.5, made=False).after.tolist() == [100, 50, 50]
    assert up_amounts(known, {"b": 25, "c": 0.8}, made=False).after.tolist() == [100, 25, 80]
    assert down_amounts(known, 0.5).after.tolist() == [20, 10, 20]
    assert down_amounts(known, {"a": 30}).after.tolist() == [30, 10, 50]


def test_labels_of_any_type() -> None:
    assert classes_of([2, 1, 2, None]).labels == (1, 2)
    assert classes_of([2, 1, 2, None]).codes.tolist() == [1, 0, 1, -1]
    assert classes_of([True, False, True]).labels == (False, True)
    mixed = classes_of(["x", 1, "x"])
    assert set(mixed.labels) == {"x", 1}
    assert mixed.position("1") == mixed.labels.index(1)
