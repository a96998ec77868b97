"""Columns of very many levels: groups, members, rare levels that never come out, stand-ins, conditions."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core import state as _state
from synthproof.core.errors import ConditionError
from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table
from synthproof.synthesizers.table.cart_chain import CartChain
from synthproof.synthesizers.table.columns.layout import lay_out
from synthproof.synthesizers.table.columns.levels import MOST, Levels
from synthproof.synthesizers.table.copula import Copula
from synthproof.synthesizers.table.marginals import Marginals

GENERATORS = [CartChain, Copula, Marginals]


@cache
def wide(n: int = 12_000, d: int = 1_200, skew: float = 1.0, by_text: bool = True) -> Table:
    """Return a table with a column of many codes whose chapter (or hidden kind) decides another column."""
    dice = np.random.default_rng(5)
    share = 1.0 / np.arange(1, d + 1) ** skew
    rank = np.minimum(np.searchsorted(np.cumsum(share) / share.sum(), dice.random(n)), d - 1)
    codes = dice.permutation(d)[rank]
    levels = tuple(f"{'ABCDEFGHIJ'[k * 10 // d]}{k * 7 % 10_000:04d}.{k % 10}" for k in range(d))
    assert len(set(levels)) == d
    chapter = codes * 10 // d if by_text else dice.permutation(d)[codes] % 10
    frame = pd.DataFrame(
        {
            "code": pd.Categorical.from_codes(codes, categories=list(levels)),
            "cost": np.round(chapter * 100 + dice.normal(0, 20, n), 1),
            "sex": pd.Categorical.from_codes((dice.random(n) < 0.5).astype(int), categories=["F", "M"]),
        }
    )
    fields = (
        Field(name="code", kind="categorical", levels=levels),
        Field(name="cost", kind="continuous", decimals=1),
        Field(name="sex", kind="categorical", levels=("F", "M")),
    )
    return Table(frame, Schema(fields=fields))


def rare_of(table: Table, k: int = 10) -> set[str]:
    counts = table.frame["code"].value_counts()
    return set(counts.index[(counts < k) & (counts > 0)].astype(str))


@pytest.mark.parametrize("generator", GENERATORS)
def test_rare_levels_are_never_drawn_named_or_saved(generator: Any, tmp_path: Path) -> None:
    data = wide()
    model = generator(random_state=1).fit(data)
    drawn = model.sample(9000, seed=2)
    rare = rare_of(data)
    assert len(rare) > 300
    assert not rare & set(drawn.frame["code"].astype(str))
    assert not rare & set(drawn.schema.field("code").levels)
    _state.save(tmp_path / "m", header={}, state=model.get_state())
    saved = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert not [t for t in rare if t.encode() in saved]
    again = generator().set_state(_state.load(tmp_path / "m")[1])
    assert again.sample(9000, seed=2).frame.equals(drawn.frame)
    assert any(str(len(rare)) in n.en for n in model.notices_)


@pytest.mark.parametrize("generator", [CartChain, Copula])
@pytest.mark.parametrize("by_text", [True, False])
def test_association_with_other_columns_is_kept(generator: Any, by_text: bool) -> None:
    data = wide(by_text=by_text)
    drawn = generator(random_state=1).fit(data).sample(12_000, seed=2)

    def told(frame: pd.DataFrame) -> float:
        """Share of the cost's variance that the frequent codes tell."""
        often = data.frame["code"].value_counts().index[:60]
        part = frame[frame["code"].isin(often)]
        means = part.groupby(part["code"].astype(str))["cost"].transform("mean")
        return float(means.var() / part["cost"].var())

    assert told(data.frame) > 0.9
    assert told(drawn.frame) > (0.85 if generator is CartChain else 0.7)


@pytest.mark.parametrize("generator", GENERATORS)
def test_frequencies_of_shared_levels_are_kept(generator: Any) -> None:
    data = wide()
    drawn = generator(random_state=1).fit(data).sample(12_000, seed=2)
    real, made = (t.frame["code"].astype(str).value_counts(normalize=True) for t in (data, drawn))
    often = real.index[:100]
    assert np.abs(made.reindex(often).fillna(0) - real[often]).max() < 0.02
    assert real[often].sum() * 0.95 < made.reindex(often).sum() < real[often].sum() * 1.35  # rare rows join them


@pytest.mark.parametrize("generator", GENERATORS)
def test_conditions_on_levels_are_met_in_their_proportion(generator: Any) -> None:
    data = wide(n=30_000)
    model = generator(random_state=1).fit(data)
    counts = data.frame["code"].value_counts()
    alone, grouped = str(counts.index[0]), [str(c) for c in counts.index[300:303]]
    drawn = model.sample(3000, where={"code": alone}, seed=3).frame["code"]
    assert (drawn == alone).all()
    asked = [alone, *grouped]
    drawn = model.sample(8000, where={"code": asked}, seed=3).frame["code"].astype(str)
    assert set(drawn) == set(asked)
    levels = model._layout.wide["code"]
    weight = np.array([levels.weight[levels.texts.index(c)] for c in asked])
    share = drawn.value_counts(normalize=True)[asked].to_numpy()
    assert np.abs(share - weight / weight.sum())[1:].max() < 0.03
    with pytest.raises(ConditionError):
        model.sample(10, where={"code": next(iter(rare_of(data)))}, seed=3)


def test_stand_ins_have_the_shape_and_beginning_of_rare_codes_but_are_not_real() -> None:
    data = wide(n=6_000, d=3_000, skew=0.0)
    model = CartChain(random_state=1, trees=2).fit(data)
    drawn = model.sample(6_000, seed=2).frame
    codes, real = drawn["code"].astype(str), set(data.schema.field("code").levels)
    assert not set(codes) & rare_of(data)
    assert np.mean(codes.isin(real)) < 0.2
    assert all(re.fullmatch(r"[A-J]\d{4}\.\d", c) for c in codes.unique())
    assert codes.nunique() > 0.8 * data.frame["code"].nunique()
    means, seen = (
        f["cost"].groupby(f["code"].astype(str).str[0]).mean().reindex(list("ABCDEFGHIJ")) for f in (data.frame, drawn)
    )
    assert np.corrcoef(means, seen)[0, 1] > 0.95
    assert any("invented" in n.en for n in model.notices_)


def test_a_level_of_one_person_with_many_rows_is_rare() -> None:
    dice = np.random.default_rng(0)
    codes, persons = np.concatenate([dice.integers(0, 299, 9_000), np.full(50, 299)]), np.arange(9_050)
    persons[9_000:] = 9_000
    f = Field(name="c", kind="categorical", levels=tuple(f"K{k:03d}" for k in range(300)))
    levels = Levels.learn(codes, f, persons=persons, min_shared=5)
    assert "K299" not in levels.texts
    assert "K299" in Levels.learn(codes, f, min_shared=5).texts


@pytest.mark.parametrize("d", [MOST + 1, 600, 5_000])
def test_groups_are_few_and_members_follow_their_weights(d: int) -> None:
    dice = np.random.default_rng(1)
    codes = np.minimum(dice.geometric(8 / d, 40_000) - 1, d - 1)
    f = Field(name="c", kind="categorical", levels=tuple(f"{k:05d}" for k in range(d)))
    levels = Levels.learn(codes, f, min_shared=5)
    assert levels.n_groups <= MOST
    groups = levels.groups_of(f.levels)[codes].astype(float)
    drawn = levels.member(groups, dice.random(40_000)).astype(int)
    assert np.array_equal(levels.group[drawn], groups.astype(int))
    expected = np.bincount(np.array([int(t) for t in levels.texts]), levels.weight, minlength=d)
    seen = np.bincount(np.array([int(levels.texts[k]) for k in drawn]), minlength=d)
    assert np.abs(seen - expected * (40_000 / expected.sum())).max() < 6 * np.sqrt(expected.max()) + 60


def test_ordinal_levels_stay_in_order_and_missing_ones_stay_missing() -> None:
    dice = np.random.default_rng(2)
    codes = np.where(dice.random(8_000) < 0.2, -1, dice.integers(0, 400, 8_000))
    f = Field(name="o", kind="ordinal", levels=tuple(f"step {k}" for k in range(400)), nullable=True)
    levels = Levels.learn(codes, f, min_shared=5)
    group = levels.groups_of(f.levels)
    assert np.all(np.diff(group) >= 0)
    assert list(levels.texts) == sorted(levels.texts, key=lambda t: int(t.split()[1]))
    assert np.isnan(levels.member(np.array([np.nan]), np.array([0.3]))).all()


def test_the_model_sees_groups_and_other_tables_by_their_texts() -> None:
    data = wide()
    layout = lay_out(data, seed=1, row_wise=False)
    seen = layout.seen(data)
    assert seen.frame["code"].notna().all()
    assert len(seen.schema.field("code").levels) <= MOST
    saved = type(layout).from_state(layout.get_state())
    common = data.frame["code"].isin(saved.wide["code"].texts).to_numpy()
    other = saved.seen(data).frame["code"]
    assert (other[common].astype(str) == seen.frame["code"][common].astype(str)).all()
    assert other[~common].isna().all()


@pytest.mark.parametrize("generator", GENERATORS)
def test_the_only_persons_level_is_not_shown(generator: Any) -> None:
    dice = np.random.default_rng(4)
    codes = np.full(400, -1)
    codes[17] = 0
    frame = pd.DataFrame({"note": pd.Categorical.from_codes(codes, categories=["hers"]), "x": dice.normal(size=400)})
    fields = (
        Field(name="note", kind="categorical", levels=("hers",), nullable=True),
        Field(name="x", kind="continuous"),
    )
    model = generator(random_state=1).fit(Table(frame, Schema(fields=fields)))
    drawn = model.sample(5_000, seed=1)
    assert drawn.frame["note"].isna().all()
    assert drawn.schema.field("note").levels == ()
    assert any("one person" in n.en for n in model.notices_)
