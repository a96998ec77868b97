"""Train and holdout share no unit, whoever the units are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthproof.core.errors import ConfigError, DataError
from synthproof.core.words import LANGS
from synthproof.data.split import split
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import read_table, with_target


def people(n: int, repeats: int = 1) -> Table:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "patient_id": np.repeat([f"A{i:05d}" for i in range(n)], repeats),
            "x": rng.normal(size=n * repeats).round(3),
            "y": (np.arange(n * repeats) % 10 == 0).astype(int),
        }
    )
    return read_table(frame)


@pytest.mark.parametrize(("n", "expected"), [(100, 50), (1999, 1000), (2000, 400), (5000, 1000)])
def test_default_shares(n: int, expected: int) -> None:
    parts = split(people(n), seed=1)
    assert len(parts.holdout) == expected
    assert len(parts.train) == n - expected


def test_parts_are_disjoint_and_whole_and_the_positions_are_true() -> None:
    table = people(500)
    parts = split(table, holdout=0.3, seed=5)
    both = np.concatenate([parts.train_units, parts.holdout_units])
    assert np.array_equal(np.sort(both), np.arange(500))
    assert parts.train.frame["patient_id"].tolist() == table.frame["patient_id"].iloc[parts.train_units].tolist()
    assert parts.holdout.fingerprint() == table.take(parts.holdout_units).fingerprint()


def test_units_with_several_rows_go_to_one_side() -> None:
    table = people(300, repeats=4)
    assert table.schema.unit_field == "patient_id"
    parts = split(table, holdout=0.25, seed=2)
    assert len(parts.holdout) == 75
    assert parts.holdout.n_rows == 300
    assert not set(parts.train.frame["patient_id"]) & set(parts.holdout.frame["patient_id"])


def test_target_stratifies() -> None:
    table = people(1000)
    table = table.with_schema(with_target(table.schema, "y"))
    parts = split(table, holdout=0.2, seed=11)
    assert parts.stratified_by == "y"
    assert int(parts.holdout.frame["y"].sum()) == 20
    by_number = split(table, holdout=0.2, seed=11, stratify="x")
    assert by_number.stratified_by == "x"
    tenths = pd.qcut(table.frame["x"], 10, labels=False).to_numpy()[by_number.holdout_units]
    assert np.bincount(tenths).min() >= 19
    assert split(people(1000), seed=1).stratified_by == ""


def test_seed_decides() -> None:
    table = people(400)
    one, two, other = split(table, seed=1), split(table, seed=1), split(table, seed=2)
    assert np.array_equal(one.holdout_units, two.holdout_units)
    assert not np.array_equal(one.holdout_units, other.holdout_units)


@settings(max_examples=30, deadline=None)
@given(st.integers(40, 300), st.floats(0.3, 0.7), st.integers(0, 2**63))
def test_size_is_exact(n: int, share: float, seed: int) -> None:
    parts = split(people(n), holdout=share, seed=seed)
    assert len(parts.holdout) == round(n * share)


@pytest.mark.parametrize(
    ("n", "share", "code"),
    [(1, None, "split/too-few-units"), (19, None, "split/too-few-units"), (50, 0.05, "split/holdout-too-small")],
)
def test_too_small_to_say_anything(n: int, share: float | None, code: str) -> None:
    with pytest.raises(DataError) as caught:
        split(people(n), holdout=share, seed=1)
    assert caught.value.code == code
    for lang in LANGS:
        assert all(caught.value.part(p, lang) for p in ("what", "found", "remedy"))


def test_share_out_of_range_and_unknown_target() -> None:
    with pytest.raises(ConfigError):
        split(people(100), holdout=1.0, seed=1)
    with pytest.raises(DataError) as caught:
        split(people(100), seed=1, stratify="z")
    assert caught.value.code == "schema/unknown-field"
