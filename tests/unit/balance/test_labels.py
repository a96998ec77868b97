"""Several labels a row: goals stand for labels, rows are added by combination, and nothing is made worse in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthproof.balance.balancer import Balancer
from synthproof.balance.combinations import dose_plan, down_plan, label_goals, shared, told_plan, up_plan
from synthproof.balance.labels import labels_of, several_labels
from synthproof.core.errors import ConfigError, DataError
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import read_images
from synthproof.testing.shapes import FINDINGS, findings

CALM = settings(deadline=None, max_examples=40)


def flags(n: int, seed: int, shares: tuple[float, ...] = (0.5, 0.12, 0.08)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    out = (rng.random((n, len(shares))) < shares).astype(float)
    out[: len(shares)] = np.eye(len(shares))
    out[len(shares)] = 0
    return out


def test_rows_without_a_label_are_a_class_and_rows_of_which_one_is_missing_are_not() -> None:
    y = flags(400, 1)
    y[10, 1] = np.nan
    labels = labels_of(y, ["a", "b", "c"])
    known = y[~np.isnan(y).any(axis=1)]
    assert labels.names == ("a", "b", "c", "none")
    assert labels.counts.tolist() == [*known.sum(axis=0), (known.sum(axis=1) == 0).sum()]
    assert labels.groups.codes[10] == -1
    assert labels.rows == 399
    assert (labels.kinds[labels.groups.codes[0]] == [1, 0, 0, 0]).all()
    weights = labels.weights()
    assert np.allclose(weights[:, 0] * (399 - labels.counts[:3]), 399 / 2)
    assert np.allclose(weights[:, 1] * labels.counts[:3], 399 / 2)


@given(st.integers(0, 10**6), st.sampled_from(["auto", "equal", 0.4]), st.booleans())
@CALM
def test_a_plan_keeps_its_caps_and_shrinks_nothing(seed: int, ratio: str | float, capped: bool) -> None:
    rng = np.random.default_rng(seed)
    shares = tuple(rng.uniform(0.02, 0.5, int(rng.integers(2, 7))))
    labels = labels_of(flags(600, seed, shares), [f"l{k}" for k in range(len(shares))])
    cap = 2.0 if capped else None
    try:
        goal = label_goals(labels, ratio, made=capped, cap_class=cap)
    except ConfigError:
        return  # a ratio by hand beyond the cap is refused
    plan = up_plan(labels, goal, by_hand=False, cap_class=cap, cap_total=1.0 if capped else None)
    added = plan.groups.added
    assert (plan.groups.after >= plan.groups.before).all()
    assert (labels.of_groups(plan.groups.after) == plan.labels.after).all()
    if capped:
        assert (plan.labels.added <= np.floor(2.0 * plan.labels.before)).all()
        assert added.sum() <= labels.rows
    reached = np.setdiff1d(np.arange(len(labels)), plan.missed)
    assert (plan.labels.after[reached] >= goal[reached]).all()
    # whatever became rarer beside the commonest, or stayed short, is told by its name
    said = " ".join(w.en for w in told_plan(labels, plan))
    for c in [*plan.rarer, *plan.missed]:
        assert labels.names[c] in said
    before, after = plan.labels.before, plan.labels.after
    worse = after.max() / after > before.max() / before * (1 + 1e-9)
    assert set(np.flatnonzero(worse)) == set(plan.rarer)


@given(st.integers(0, 10**6), st.sampled_from(["auto", "equal", 0.5]))
@CALM
def test_thinning_never_costs_a_label_that_is_not_too_common(seed: int, ratio: str | float) -> None:
    labels = labels_of(flags(600, seed, (0.6, 0.3, 0.05, 0.1)), list("abcd"))
    plan = down_plan(labels, ratio)
    assert (plan.groups.after <= plan.groups.before).all()
    for c in range(len(labels)):
        if plan.goal[c] >= plan.labels.before[c]:
            assert plan.labels.after[c] == plan.labels.before[c]
        else:
            assert plan.labels.after[c] >= plan.goal[c]
    assert not len(plan.rarer)


def test_the_combination_with_least_burden_is_taken_first() -> None:
    # "rare" occurs alone and beside "common": alone is what is added
    y = np.array([[1, 0]] * 80 + [[1, 1]] * 5 + [[0, 1]] * 5 + [[0, 0]] * 80)
    labels = labels_of(y, ["common", "rare"])
    plan = up_plan(labels, np.array([85, 30, 80]), by_hand=False, cap_class=None, cap_total=None)
    assert plan.labels.after.tolist() == [85, 30, 80]
    # only beside "common" it cannot be added alone: both rise, and what got worse is told
    bound = labels_of(np.array([[1, 0]] * 80 + [[1, 1]] * 5 + [[0, 0]] * 80), ["common", "rare"])
    plan = up_plan(bound, np.array([85, 30, 80]), by_hand=False, cap_class=None, cap_total=None)
    assert plan.labels.after.tolist() == [110, 30, 80]
    said = [w for w in told_plan(bound, plan) if "Made worse" in w.en]
    assert len(said) == 1
    assert "none" in said[0].en
    assert "악화" in said[0].ko


def test_a_dose_follows_the_rare_labels() -> None:
    labels = labels_of(flags(1000, 3), list("abc"))
    counts = labels.counts
    rare = counts < np.median(counts)
    for dose in (0.5, 1.0, 2.0):
        more = labels.of_groups(dose_plan(labels, dose))
        assert (more[rare] >= np.rint(dose * counts[rare])).all()
        assert (more[rare] <= 1.35 * dose * counts[rare] + 2).all()
    assert shared(7, np.array([3, 3, 1])).sum() == 7


def test_matrices_in_every_container_come_back_as_they_came() -> None:
    y = flags(300, 2).astype(int)
    X = pd.DataFrame({"a": np.arange(300), "b": [None, "x", "y"] * 100}, index=np.arange(300) * 2)
    frame = pd.DataFrame(y, columns=["p", "q", "r"], index=X.index)
    for strategy in ("duplicates", "down", "weights", "none"):
        balancer = Balancer(strategy, random_state=1)
        X2, y2 = balancer.fit_resample(X, frame)
        assert X2.index.equals(y2.index)
        assert (y2.dtypes == frame.dtypes).all()
        assert (y2.to_numpy() == y[balancer.sample_indices_]).all()
        assert balancer.classes_.tolist() == ["p", "q", "r", "none"]
        assert balancer.after_.tolist()[:3] == y2.sum().tolist()
        assert balancer.sample_weight_.shape == (len(X2), 3)
        assert set(balancer.class_weight_) == {"p", "q", "r"}
    plain = X.reset_index(drop=True)
    got, lab = Balancer(random_state=1).fit_resample(pl.from_pandas(plain), pl.DataFrame({"p": y[:, 0], "q": y[:, 1]}))
    assert isinstance(lab, pl.DataFrame)
    assert got.height == lab.height
    got, lab = Balancer(random_state=1).fit_resample(
        pa.Table.from_pandas(plain), pa.table({"p": y[:, 0], "q": y[:, 1]})
    )
    assert got.num_rows == lab.num_rows
    got, lab = Balancer(random_state=1).fit_resample(np.arange(600).reshape(300, 2), y.tolist())
    assert lab.shape == (len(got), 3)
    assert several_labels(frame[["p"]]) is None  # one column is one label


def test_what_lies_between_two_rows_has_no_labels_of_its_own() -> None:
    y = flags(300, 2).astype(int)
    X = pd.DataFrame({"a": np.random.default_rng(0).normal(size=300)})
    for strategy in ("smote", "adasyn", "table.marginals"):
        with pytest.raises(ConfigError, match="balance/several-labels") as refused:
            Balancer(strategy, least=2).fit_resample(X, y)
        for part in ("what", "found", "remedy"):
            assert refused.value.part(part, "ko")
    with pytest.raises(ConfigError, match="balance/not-for-pictures"):
        Balancer("smote", least=2).fit_resample(findings(300, 1))
    for bad in (
        np.array([[1, 2], [0, 1]] * 20),
        np.array([[1, 1], [0, 1]] * 20),
        np.array([["a", "b"], ["c", "d"]] * 20),
    ):
        with pytest.raises(DataError, match="balance/not-labels"):
            Balancer().fit_resample(np.zeros((40, 2)), bad)


@pytest.mark.parametrize("strategy", ["duplicates", "augmentation", "down", "weights"])
def test_pictures_of_several_findings(strategy: str) -> None:
    images = findings(600, 1, persons=200)
    balancer = Balancer(strategy, random_state=1)
    out, y = balancer.fit_resample(images)
    assert isinstance(out, ImageSet)
    assert list(y.columns) == list(FINDINGS) == list(out.targets)
    on = out.frame[list(FINDINGS)].astype(bool).to_numpy()
    assert (on == y.astype(bool).to_numpy()).all()
    assert balancer.after_.tolist() == [*on.sum(axis=0), (~on.any(axis=1)).sum()]
    rarity = balancer.before_.max() / balancer.before_, balancer.after_.max() / balancer.after_
    if strategy != "weights":
        assert rarity[1][1] < rarity[0][1]
        assert rarity[1][2] < rarity[0][2]
    assert set(out.frame["patient"]) <= set(images.frame["patient"])  # copies keep their person


def test_findings_drawn_by_a_generator() -> None:
    pytest.importorskip("torch")
    images = findings(700, 1)
    balancer = Balancer("image.vae", params={"images": 256}, random_state=1)
    out, y = balancer.fit_resample(images)
    made = balancer.origin_ == "synthetic"
    assert made.sum() > 20
    assert (balancer.after_ - balancer.before_ <= np.floor(2 * balancer.before_)).all()
    assert made.sum() <= 700
    assert (out.frame[list(FINDINGS)].astype(bool).to_numpy() == y.astype(bool).to_numpy()).all()
    with pytest.raises(DataError, match="balance/class-too-small"):
        Balancer("image.vae", least=200).fit_resample(images)
    with pytest.raises(ConfigError, match="cap_class"):
        Balancer("image.vae", ratio="equal").fit_resample(images)
    with pytest.raises(ConfigError, match="cap_total"):
        Balancer("image.vae", ratio={"spot": 900}, cap_class=None).fit_resample(images)


def test_a_folder_of_several_findings_is_written_and_read_back(tmp_path: Path) -> None:
    images = findings(300, 1, persons=100)
    done = Balancer("duplicates", random_state=1).balance(images)
    (folder,) = done.write(tmp_path / "out")
    assert {p.name for p in folder.iterdir()} == {"images", "origin.csv", "balance.json"}
    assert done.facts["labels"] == [*FINDINGS, "none"]
    back = read_images(folder)
    assert set(back.targets) == set(FINDINGS)
    assert back.n_rows == done.data.n_rows
    assert len(back) == len(images)
    on = back.frame[list(FINDINGS)].astype(bool).sum().to_numpy()
    assert (on == done.data.frame[list(FINDINGS)].astype(bool).sum().to_numpy()).all()
