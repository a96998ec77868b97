"""The balancer: containers, types and index come back; caps, small classes, marks; pipelines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from synthproof.balance import balance
from synthproof.balance.balancer import Balancer
from synthproof.core.errors import ConfigError, DataError, NotFoundError, SchemaError
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import read_table
from synthproof.testing.worlds import patients

Mixed = Callable[..., tuple[pd.DataFrame, pd.Series]]

STRATEGIES = ("none", "weights", "duplicates", "down", "smote", "table.marginals", "table.smote")
CALM = settings(deadline=None, max_examples=25)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_pandas_comes_back_as_it_came(strategy: str, mixed: Mixed) -> None:
    X, y = mixed()
    before, labels = X.copy(), y.copy()
    balancer = Balancer(strategy, random_state=3)
    X2, y2 = balancer.fit_resample(X, y)
    pd.testing.assert_frame_equal(X, before)
    pd.testing.assert_series_equal(y, labels)
    assert (X2.dtypes == X.dtypes).all()
    assert (y2.dtype, y2.name) == (y.dtype, y.name)
    assert X2.index.equals(y2.index)
    assert X2.index.is_unique
    assert X2.index.name == "chart"
    real = balancer.origin_ == "real"
    rows = balancer.sample_indices_[real]
    pd.testing.assert_frame_equal(X2[real], X.iloc[rows])
    pd.testing.assert_series_equal(y2[real], y.iloc[rows])
    assert len(X2) == len(balancer.origin_) == len(balancer.sample_indices_) == len(balancer.sample_weight_)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_other_containers_keep_their_types(strategy: str, mixed: Mixed) -> None:
    X, y = mixed()
    plain = X.reset_index(drop=True)
    polars, arrow = pl.from_pandas(plain), pa.Table.from_pandas(plain)
    got, labels = Balancer(strategy, random_state=3).fit_resample(polars, pl.Series("y", y.tolist()))
    assert got.schema == polars.schema
    assert isinstance(labels, pl.Series)
    assert len(labels) == got.height
    got, labels = Balancer(strategy, random_state=3).fit_resample(arrow, pa.array(y.tolist()))
    assert got.schema == arrow.schema
    assert len(labels) == got.num_rows
    numbers = X[["visits", "smokes"]].astype("float32").to_numpy()
    got, labels = Balancer(strategy, random_state=3).fit_resample(numbers, y.to_list())
    assert got.dtype == np.float32
    assert isinstance(labels, np.ndarray)
    assert len(labels) == len(got)


@given(
    st.lists(st.integers(2, 400), min_size=2, max_size=6),
    st.sampled_from(["duplicates", "down"]),
    st.sampled_from(["range", "numbers", "texts", "dates", "repeated", "levels"]),
    st.integers(0, 10**6),
)
@CALM
def test_index_is_safe(counts: list[int], strategy: str, kind: str, seed: int) -> None:
    y = np.repeat(np.arange(len(counts)), counts)
    np.random.default_rng(seed).shuffle(y)
    n = len(y)
    index = {
        "range": pd.RangeIndex(5, 5 + n),
        "numbers": pd.Index(np.random.default_rng(seed).permutation(n) * 3, dtype="int32"),
        "texts": pd.Index([f"p{i}" for i in range(n)]),
        "dates": pd.date_range("2024-01-01", periods=n),
        "repeated": pd.Index(np.zeros(n, dtype=int)),
        "levels": pd.MultiIndex.from_arrays([np.arange(n), np.arange(n)]),
    }[kind]
    X = pd.DataFrame({"row": np.arange(n)}, index=index)
    balancer = Balancer(strategy, random_state=seed)
    X2, y2 = balancer.fit_resample(X, pd.Series(y, index=index))
    # whatever the index, row and label stay together and every row says where it came from
    assert (X2["row"].to_numpy() == balancer.sample_indices_).all()
    assert (y[X2["row"].to_numpy()] == y2.to_numpy()).all()
    assert X2.index.equals(y2.index)
    real = balancer.origin_ == "real"
    assert (np.diff(balancer.sample_indices_[real]) > 0).all()
    if kind in ("range", "numbers", "texts"):
        assert X2.index.is_unique
        if kind != "range" or strategy == "duplicates":
            assert X2.index[real].equals(index[balancer.sample_indices_[real]])
    if strategy == "duplicates":
        times = np.bincount(balancer.sample_indices_, minlength=n)
        for c in range(len(counts)):
            assert times[y == c].max() - times[y == c].min() <= 1


def test_gaps_are_neither_filled_nor_invented(mixed: Mixed) -> None:
    X, y = mixed(900)
    balancer = Balancer("smote", random_state=1)
    X2, y2 = balancer.fit_resample(X, y)
    made = balancer.origin_ == "augmentation"
    assert made.sum() > 50
    assert set(y2[made]) == {"rare"}
    assert not X2.loc[made, ["visits", "when", "blood", "smokes"]].isna().to_numpy().any()
    assert 0 < X2.loc[made, "height"].isna().mean() < 0.4  # 1 in 7 of the real ones
    assert set(X2.loc[made, "ward"].dropna()) <= set(X["ward"].dropna())
    low, high = X.loc[y == "rare", "height"].min(), X.loc[y == "rare", "height"].max()
    assert X2.loc[made, "height"].dropna().between(low - 0.1, high + 0.1).all()
    assert (X2.loc[made, "height"].dropna() * 10 % 1).round(6).isin([0, 1]).all()  # rounded as the column is


def test_a_column_without_any_value_and_rows_without_a_label(mixed: Mixed) -> None:
    X, y = mixed()
    X["empty"] = np.nan
    y = y.where(np.arange(len(y)) % 10 > 0)
    balancer = Balancer("smote", random_state=1)
    X2, y2 = balancer.fit_resample(X, y)
    assert X2["empty"].isna().all()
    assert int(y2.isna().sum()) == int(y.isna().sum()) == 50
    assert any("50" in w.en for w in balancer.notices_)


def test_identifier_and_text_of_a_made_row_are_those_of_its_nearest_real_one(mixed: Mixed) -> None:
    X, y = mixed()
    X = X.assign(chart_no=[f"C-{i:06d}" for i in range(len(X))])
    balancer = Balancer("smote", random_state=1)
    X2, _ = balancer.fit_resample(X, y)
    made = balancer.origin_ == "augmentation"
    assert set(X2.loc[made, "chart_no"]) <= set(X.loc[y == "rare", "chart_no"])


def test_marks_follow_the_tags_of_the_generator(mixed: Mixed) -> None:
    X, y = mixed()
    for strategy, mark in {
        "duplicates": "duplicate",
        "smote": "augmentation",
        "table.smote": "augmentation",
        "table.marginals": "synthetic",
    }.items():
        balancer = Balancer(strategy, random_state=1)
        balancer.fit_resample(X, y)
        assert set(balancer.origin_) == {"real", mark}
        assert (balancer.sample_indices_[balancer.origin_ == mark] >= 0).all() == (mark == "duplicate")


def test_numbers_alone_and_levels_alone(mixed: Mixed) -> None:
    X, y = mixed()
    numbers = X[["visits", "scans"]]
    for strategy in ("smote", "borderline", "adasyn"):
        balancer = Balancer(strategy, random_state=1)
        X2, _ = balancer.fit_resample(numbers, y)
        assert len(X2) > len(X)
        assert (X2.dtypes == numbers.dtypes).all()
    X2, _ = Balancer("smote", random_state=1).fit_resample(X[["ward", "blood"]], y)
    assert len(X2) > len(X)
    with pytest.raises(ConfigError, match="balance/needs-numbers"):
        Balancer("adasyn", random_state=1).fit_resample(X, y)


def test_classical_augmentation_is_a_hook() -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (200, 4, 4), dtype=np.uint8)
    y = np.array([0] * 160 + [1] * 40)

    def flip(rows: np.ndarray, seed: int) -> np.ndarray:
        assert isinstance(seed, int)
        return rows[:, :, ::-1].astype(float)

    balancer = Balancer("augmentation", augment=flip, random_state=1)
    X2, y2 = balancer.fit_resample(pictures, y)
    made = balancer.origin_ == "augmentation"
    assert set(y2[made]) == {1}
    assert X2.dtype == np.uint8
    assert {r.tobytes() for r in X2[made]} <= {r[:, ::-1].tobytes() for r in pictures[160:]}
    assert len(Balancer("duplicates").fit_resample(pictures, y)[0]) == 260  # to the median class
    with pytest.raises(ConfigError, match="balance/not-for-pictures"):
        Balancer("smote").fit_resample(pictures, y)
    with pytest.raises(ConfigError, match="balance/no-augmenter"):
        Balancer("augmentation").fit_resample(pictures.reshape(200, -1), y)
    with pytest.raises(DataError, match="balance/lengths-differ"):
        Balancer("augmentation", augment=lambda rows, seed: rows[:3]).fit_resample(pictures, y)


def test_classes_too_small_to_learn(mixed: Mixed) -> None:
    X, y = mixed()
    few = y.to_numpy() != "rare"
    few[np.flatnonzero(~few)[:12]] = True
    X, y = X[few], y[few]
    with pytest.raises(DataError, match="balance/class-too-small") as refused:
        Balancer("table.marginals").fit_resample(X, y)
    for part in ("what", "found", "remedy"):
        assert refused.value.part(part, "ko")
    assert "rare" not in str(refused.value)  # a level is a value of the data
    flagged = Balancer("table.marginals", small="flag", random_state=1)
    _, y2 = flagged.fit_resample(X, y)
    assert (y2 == "rare").sum() == 36
    assert any("12" in w.en for w in flagged.notices_)
    _, y2 = Balancer("table.marginals", small="skip", random_state=1).fit_resample(X, y)
    assert (y2 == "rare").sum() == 12
    assert (Balancer("duplicates", random_state=1).fit_resample(X, y)[1] == "rare").sum() == 36


def test_caps_refuse_what_is_asked_for_by_hand(mixed: Mixed) -> None:
    X, y = mixed()
    with pytest.raises(ConfigError, match="cap_class"):
        Balancer("smote", ratio="equal").fit_resample(X, y)
    with pytest.raises(ConfigError, match="cap_total"):
        Balancer("smote", ratio={"rare": 400, "mid": 500}, cap_class=None).fit_resample(X, y)
    _, y2 = Balancer("smote", ratio="equal", cap_class=None, cap_total=None, random_state=1).fit_resample(X, y)
    assert y2.value_counts().nunique() == 1
    _, y2 = Balancer("duplicates", ratio="equal", random_state=1).fit_resample(X, y)  # real rows keep no cap
    assert y2.value_counts().nunique() == 1


def test_seed_decides_and_none_is_kept(mixed: Mixed) -> None:
    X, y = mixed()
    one, again = (Balancer("smote", random_state=5).fit_resample(X, y)[0] for _ in range(2))
    pd.testing.assert_frame_equal(one, again)
    balancer = Balancer("smote")
    free = balancer.fit_resample(X, y)[0]
    pd.testing.assert_frame_equal(free, Balancer("smote", random_state=balancer.seed_).fit_resample(X, y)[0])


def test_scikit_learn_and_imbalanced_learn_pipelines(mixed: Mixed) -> None:
    from imblearn.pipeline import make_pipeline
    from sklearn.model_selection import GridSearchCV
    from sklearn.preprocessing import StandardScaler

    X, y = mixed()
    numbers, yes = X[["visits", "smokes"]].astype(float), (y == "rare").astype(int)
    balancer = Balancer("duplicates", random_state=1, ratio=0.5)
    twin = clone(balancer)
    assert twin.get_params() == balancer.get_params()
    assert twin.set_params(ratio="auto").ratio == "auto"
    assert balancer.ratio == 0.5
    with pytest.raises(ConfigError, match="params/unknown"):
        balancer.set_params(rato=1)
    pipe = make_pipeline(balancer, StandardScaler(), LogisticRegression())
    pipe.fit(numbers, yes)
    assert pipe.predict(numbers).shape == (len(X),)  # what is predicted is not resampled
    plain = make_pipeline(StandardScaler(), LogisticRegression()).fit(numbers, yes)
    assert pipe.predict_proba(numbers)[:, 1].mean() > plain.predict_proba(numbers)[:, 1].mean() + 0.1
    pipe.set_params(balancer__ratio="auto")
    search = GridSearchCV(pipe, {"balancer__strategy": ["none", "duplicates", "smote"]}, cv=2, scoring="roc_auc")
    assert search.fit(numbers, yes).best_score_ > 0


def test_weights(mixed: Mixed) -> None:
    X, y = mixed()
    balancer = Balancer("weights", random_state=1)
    X2, _ = balancer.fit_resample(X, y)
    assert len(X2) == len(X)
    per_class = pd.Series(balancer.sample_weight_).groupby(y.to_numpy()).sum()
    assert np.allclose(per_class, len(X) / 3)
    assert set(balancer.class_weight_) == {"big", "mid", "rare"}


def test_what_cannot_be_balanced_is_refused(mixed: Mixed) -> None:
    X, y = mixed()
    with pytest.raises(NotFoundError, match="smote"):
        Balancer("smotte").fit_resample(X, y)
    with pytest.raises(DataError, match="balance/container"):
        Balancer().fit_resample(sparse.csr_matrix(np.eye(4)), [0, 1, 0, 1])
    with pytest.raises(DataError, match="balance/lengths-differ"):
        Balancer().fit_resample(X, y[:-1])
    with pytest.raises(DataError, match="balance/not-classes"):
        Balancer().fit_resample(X, X["height"].fillna(0.5).to_numpy())
    with pytest.raises(DataError, match="balance/not-classes"):
        Balancer().fit_resample(X, np.zeros(len(X)))
    with pytest.raises(DataError, match="balance/index-order"):
        Balancer().fit_resample(X, y.sort_index())
    for ratio in (0, 1.5, "many", {"none such": 5}, {"rare": -1}, {"rare": 2.5}, True):
        with pytest.raises(ConfigError, match="balance/bad-ratio"):
            Balancer(ratio=ratio).fit_resample(X, y)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="params/out-of-range"):
        Balancer(small="perhaps").fit(X, y)


def test_a_whole_table_with_marks_and_receipt(tmp_path: Path, mixed: Mixed) -> None:
    X, y = mixed()
    frame = X.assign(label=y)
    done = Balancer("smote", target="label", random_state=1).balance(frame)
    assert isinstance(done.data, pd.DataFrame)
    assert (done.data.dtypes == frame.dtypes).all()
    pd.testing.assert_frame_equal(done.data[done.origin == "real"], frame)
    table = read_table(patients().draw(400, 1).frame)
    done = Balancer("table.marginals", target="disease", random_state=1).balance(table)
    assert isinstance(done.data, Table)
    assert done.data.schema.with_role("target") == ("disease",)
    written, marks, receipt = done.write(tmp_path / "balanced.csv")
    kept = pd.read_csv(marks)
    assert len(pd.read_csv(written)) == len(kept) == done.data.n_rows
    assert kept["source_row"].notna().equals(kept["origin"] == "real")
    said = json.loads(receipt.read_text("utf-8"))
    assert said["releasable"] is False
    assert said["rows"]["synthetic"] == int((done.origin == "synthetic").sum()) > 0
    with pytest.raises(ConfigError, match="balance/no-target"):
        Balancer().balance(frame)
    again = balance(frame, target="label", strategy="down", random_state=1)
    assert len(again.data) < len(frame)
    with pytest.raises(SchemaError, match="label"):
        balance(frame, target="labell")


def test_columns_named_by_numbers(mixed: Mixed) -> None:
    X, y = mixed()
    numbered = X.set_axis(range(X.shape[1]), axis=1)
    X2, _ = Balancer("smote", random_state=1).fit_resample(numbered, y)
    assert X2.columns.tolist() == list(range(X.shape[1]))
    assert (X2.dtypes == numbered.dtypes).all()
