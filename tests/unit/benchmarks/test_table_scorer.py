"""The benchmark's scorer: equal to the independent judge, and right where the answer is known."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("lightgbm", reason="the bench extra is not installed")
pytest.importorskip("psutil", reason="the bench extra is not installed")


def module(name: str) -> Any:
    return importlib.import_module(name)


def made_up(train: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Rows that every figure notices: some copied, some with columns drawn apart, an unknown level, lost values."""
    rng = np.random.default_rng(seed)
    n = len(train)
    apart = pd.DataFrame({c: train[c].to_numpy()[rng.permutation(n)] for c in train})
    out = train.iloc[rng.integers(n, size=n)].reset_index(drop=True)
    changed = np.flatnonzero(rng.random(n) < 0.7)
    out.loc[changed] = apart.loc[changed].to_numpy()
    out = out.astype(train.dtypes.to_dict())
    text = next(c for c in out if not pd.api.types.is_numeric_dtype(out[c]))
    number = next(c for c in out if out[c].dtype.kind == "f") if "f" in {t.kind for t in out.dtypes} else None
    out.loc[rng.random(n) < 0.02, text] = "never seen"
    if number is not None:
        out.loc[rng.random(n) < 0.05, number] = np.nan
        out.loc[rng.random(n) < 0.02, number] = out[number].max() * 3
    return out


@pytest.mark.parametrize("name", ["heart_disease", "news_popularity_20pct", "adult", "king_county_houses"])
def test_agrees_with_the_independent_judge(data_dir: Path, name: str) -> None:
    path = data_dir.parent / "bench" / "score.py"
    if not path.is_file():
        pytest.skip("shared/bench/score.py, the independent judge, is not here")
    agreement, sets = module("agreement"), module("sets")
    train, holdout = (part.head(1200) for part in sets.halves(name, 3))
    found = agreement.differences(agreement.load_judge(path), train, holdout, made_up(train, 5), sets.SETS[name].target)
    assert set(found["figures"]) == set(agreement.NAMES)
    assert found["most_apart"] < 1e-5, {k: v for k, v in found["figures"].items() if v["apart"] >= 1e-5}
    assert found["figures"]["copies"]["ours"] > 10


def test_halves_are_disjoint_equal_and_in_random_order(data_dir: Path) -> None:
    sets = module("sets")
    whole = sets.prepared("heart_disease")
    train, holdout = sets.halves("heart_disease", 0)
    assert len(train) == len(holdout) == 460
    both = pd.concat([train, holdout]).astype(str).value_counts().sort_index()
    assert both.equals(whole.astype(str).value_counts().sort_index())
    # The source is sorted by hospital; a half in the source's order would spoil the folds of telling apart.
    changes = (holdout["site"] != holdout["site"].shift()).mean()
    assert changes > 0.5
    again = sets.halves("heart_disease", 0)[0]
    assert again.equals(train)
    assert not sets.halves("heart_disease", 1)[0].equals(train)


def test_prepared_codes_are_text_and_row_numbers_are_gone(data_dir: Path) -> None:
    sets = module("sets")
    credit = sets.prepared("default_credit")
    assert "ID" not in credit
    assert sorted(credit["SEX"].unique()) == ["1", "2"]
    assert {c for c in credit if not pd.api.types.is_numeric_dtype(credit[c])} == {
        "SEX",
        "EDUCATION",
        "MARRIAGE",
        "default.payment.next.month",
    }


@pytest.mark.parametrize("same", [False, True])
def test_nearest_equals_plain_numpy(same: bool) -> None:
    nearness = module("nearness")
    rng = np.random.default_rng(0)
    a = np.column_stack([rng.random((1500, 3)).round(1), rng.integers(-1, 3, (1500, 2))]).astype(np.float32)
    b = (
        a
        if same
        else np.column_stack([rng.random((1100, 3)).round(1), rng.integers(-1, 3, (1100, 2))]).astype(np.float32)
    )
    d = np.zeros((len(a), len(b)), np.float32)
    for j in range(3):
        d += np.abs(a[:, j, None] - b[None, :, j])
    for j in range(3, 5):
        d += a[:, j, None] != b[None, :, j]
    if same:
        np.fill_diagonal(d, np.inf)
    first, second, back = nearness.nearest(a, b, 3, same=same)
    ordered = np.sort(d, axis=1)
    assert np.array_equal(first, ordered[:, 0])
    assert np.array_equal(second, ordered[:, 1])
    assert np.array_equal(back, d.min(axis=0))


def test_auc_and_its_error() -> None:
    from sklearn.metrics import roc_auc_score

    intervals = module("intervals")
    rng = np.random.default_rng(1)
    values = []
    for _ in range(400):
        p, q = rng.normal(0.5, 1, 60), rng.normal(0, 1, 80)
        values.append(intervals.auc_and_error(p, q))
    p, q = rng.integers(0, 5, 60), rng.integers(0, 4, 80)
    plain = roc_auc_score(np.repeat([1, 0], [60, 80]), np.concatenate([p, q]))
    assert intervals.auc(p, q) == pytest.approx(plain)
    found = np.array(values)
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(ddof=1), rel=0.12)


def test_a_copy_a_fresh_sample_and_columns_drawn_apart_are_told_from_each_other() -> None:
    scorer = module("scorer")
    rng = np.random.default_rng(2)

    def people(n: int) -> pd.DataFrame:
        x = rng.normal(size=n)
        y = x + 0.3 * rng.normal(size=n)
        group = np.where(x + 0.5 * rng.normal(size=n) > 0, "high", "low")
        return pd.DataFrame({"x": x, "y": y, "z": rng.exponential(size=n), "group": group})

    train, holdout, fresh = people(1500), people(1500), people(1500)
    apart = pd.DataFrame({c: train[c].to_numpy()[rng.permutation(1500)] for c in train})
    copied = train.sample(frac=1, random_state=0, ignore_index=True)
    found = {
        k: scorer.score(train, holdout, s, "group") for k, s in (("copy", copied), ("fresh", fresh), ("apart", apart))
    }
    assert found["fresh"]["c2st_auc_holdout"] == pytest.approx(0.5, abs=0.04)
    assert found["fresh"]["mia_auc"] == pytest.approx(0.5, abs=0.05)
    assert found["fresh"]["dcr_share"] == pytest.approx(50, abs=4)
    assert found["fresh"]["copies"] == 0
    assert found["copy"]["mia_auc"] > 0.9
    assert found["copy"]["dcr_share"] == 100
    assert found["copy"]["copies"] == 100
    assert found["copy"]["shape_err"] == 0
    assert found["apart"]["c2st_auc_holdout"] > 0.8
    assert found["apart"]["tstr"] < 0.6 < found["fresh"]["tstr"]
    assert found["apart"]["trend_err"] > 5 * found["fresh"]["trend_err"]
