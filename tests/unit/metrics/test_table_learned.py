from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats as st

from synthproof.core.contracts import Case
from synthproof.core.run import Run
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.stats import auc_interval
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.engines.codes import Coded
from synthproof.engines.learners.boosting import BoostedTrees
from synthproof.engines.learners.crossfit import fold_of_rows
from synthproof.engines.learners.linear import Design, fit_logistic, fit_ridge, independent
from synthproof.metrics.table.association import association_matrix, corr_sd_of
from synthproof.metrics.table.distinguishability import Distinguishability
from synthproof.metrics.table.distinguishability_linear import DistinguishabilityLinear
from synthproof.metrics.table.intervals import auc_influence, basic_interval, influence_se
from synthproof.metrics.table.pmse import pmse_of, propensity_of
from synthproof.metrics.table.prediction import Prediction
from synthproof.metrics.table.predictors import class_scores, number_scores
from synthproof.metrics.table.propensity import roc_points


def mixed(n: int, seed: int, *, gaps: float = 0.0) -> Coded:
    """Two numbers, one of them a sum of the other and noise, and two fields with levels; all tied together."""
    g = np.random.default_rng(seed)
    a = g.integers(0, 3, n)
    x = g.normal(size=n) + a
    y = x + g.normal(size=n)
    b = (y + g.normal(size=n) > 1).astype(int)
    numbers = np.column_stack([x, y])
    numbers[g.random((n, 2)) < gaps] = np.nan
    return Coded(("x", "y"), ("a", "b"), numbers, np.column_stack([a, b]).astype(np.int32), (3, 2))


def stacked_indicators(c: Coded) -> np.ndarray[Any, Any]:
    blocks = [np.ones((len(c), 1)), np.nan_to_num(c.numbers), np.isnan(c.numbers).astype(float)]
    blocks += [np.eye(k + 1)[c.codes[:, j] + 1] for j, k in enumerate(c.cardinality)]
    return np.hstack(blocks)


def test_associations_are_those_of_scipy() -> None:
    c = mixed(500, 1)
    m = association_matrix(c)
    assert m[0, 1] == pytest.approx(np.corrcoef(c.numbers.T)[0, 1])
    table = pd.crosstab(c.codes[:, 0], c.codes[:, 1]).to_numpy()
    assert m[2, 3] == pytest.approx(st.contingency.association(table, method="cramer"))
    groups = [c.numbers[c.codes[:, 0] == k, 1] for k in range(3)]
    between = sum(len(g) * (g.mean() - c.numbers[:, 1].mean()) ** 2 for g in groups)
    assert m[1, 2] == pytest.approx(between / np.square(c.numbers[:, 1] - c.numbers[:, 1].mean()).sum())
    assert np.allclose(m, m.T)
    assert np.allclose(np.diag(m), 1)


def test_missing_numbers_leave_only_their_pairs_and_missing_levels_are_a_level() -> None:
    c = mixed(600, 2, gaps=0.2)
    m = association_matrix(c)
    both = ~np.isnan(c.numbers).any(axis=1)
    assert m[0, 1] == pytest.approx(np.corrcoef(c.numbers[both].T)[0, 1])
    codes = c.codes.copy()
    codes[c.codes[:, 0] == 2, 0] = -1
    hidden = Coded(c.numeric_names, c.level_names, c.numbers, codes, c.cardinality)
    assert np.allclose(association_matrix(hidden), m)


def test_columns_without_spread_have_no_association() -> None:
    c = mixed(100, 3)
    flat = Coded(c.numeric_names, c.level_names, c.numbers * [1, 0] + 7.0, c.codes * [1, 0], c.cardinality)
    m = association_matrix(flat)
    assert np.all(m[1, [0, 2, 3]] == 0)
    assert np.all(m[3, [0, 1, 2]] == 0)
    assert np.isfinite(m).all()


def test_large_offsets_do_not_spoil_a_correlation() -> None:
    c = mixed(400, 4)
    moved = Coded(c.numeric_names, c.level_names, c.numbers * 1e6 + 1.6e15, c.codes, c.cardinality)
    # Microseconds since 1970: a float holds them to 0.25, a relative 2.5e-7 of the spread.
    assert np.allclose(association_matrix(moved), association_matrix(c), atol=1e-6)


def test_corr_sd_of_halves() -> None:
    c = mixed(800, 5)
    rows = np.random.default_rng(0).permutation(800)
    a, b = rows[:400], rows[400:]
    d = association_matrix(c.rows(a)) - association_matrix(c.rows(b))
    assert corr_sd_of(c.rows(a), c.rows(b)) == pytest.approx(d[np.triu_indices(4, 1)].std())
    assert corr_sd_of(c, c) == 0.0


def test_rare_levels_of_long_fields_are_merged() -> None:
    g = np.random.default_rng(1)
    codes = np.column_stack([g.integers(0, 5000, 2000), g.integers(0, 3, 2000)]).astype(np.int32)
    c = Coded(("x",), ("zip", "k"), g.normal(size=(2000, 1)), codes, (5000, 3))
    assert np.isfinite(corr_sd_of(c.rows(slice(0, 1000)), c.rows(slice(1000, 2000))))
    assert 0 <= pmse_of(c.rows(slice(0, 1000)), c.rows(slice(1000, 2000))) < 0.25


def test_gram_dot_and_back_are_the_dense_products() -> None:
    c = mixed(300, 6, gaps=0.1)
    columns = Design.learn([c]).apply(c)
    blocks = [columns.dense] + [np.eye(k)[code] for code, k in zip(columns.levels, columns.sizes, strict=True)]
    dense = np.hstack(blocks)
    g = np.random.default_rng(0)
    w, beta = g.random(300), g.normal(size=columns.width)
    assert np.allclose(columns.gram(w), dense.T @ (dense * w[:, None]))
    assert np.allclose(columns.dot(beta), dense @ beta)
    assert np.allclose(columns.back(w), dense.T @ w)
    group = g.integers(0, 4, 300)
    expected = np.stack([dense[group == k].T @ w[group == k] for k in range(4)])
    assert np.allclose(columns.back_by_group(w, group, 4), expected)
    assert len(independent(columns.gram(np.ones(300)))) == np.linalg.matrix_rank(dense)


def test_logistic_and_ridge_are_sklearns() -> None:
    from sklearn.linear_model import LogisticRegression, Ridge

    c = mixed(400, 7)
    target = c.codes[:, 1] == 1
    columns = Design.learn([c], leave_out=("b",)).apply(c)
    fitted = fit_logistic(columns, target, penalty=1e-6)
    plain = LogisticRegression(C=1e8, tol=1e-10, max_iter=5000)
    x = np.column_stack([columns.dense[:, 1:], np.eye(4)[columns.levels[0]][:, 2:]])
    expected = plain.fit(x, target).predict_proba(x)[:, 1]
    assert np.allclose(fitted.probabilities, expected, atol=1e-4)
    assert fitted.rank == np.linalg.matrix_rank(np.column_stack([np.ones(400), x]))
    only = Design.learn([c], leave_out=("b", "a")).apply(c)
    y = c.numbers[:, 1]
    expected_line = Ridge(alpha=1.0).fit(only.dense[:, 1:], y).predict(only.dense[:, 1:])
    assert np.allclose(only.dot(fit_ridge(only, y)), expected_line, atol=1e-6)


def test_a_column_that_separates_the_classes_stays_finite() -> None:
    c = mixed(200, 8)
    target = c.codes[:, 0] == 2
    fitted = fit_logistic(Design.learn([c]).apply(c), target)
    assert np.isfinite(fitted.beta).all()
    assert np.abs(fitted.probabilities - target).max() < 0.01


def test_pmse_of_two_samples_of_one_law_has_the_stated_expectation() -> None:
    ratios = []
    for seed in range(60):
        a, b = mixed(500, 2 * seed), mixed(700, 2 * seed + 1)
        found, _, _ = propensity_of(a, b)
        assert found.share == pytest.approx(700 / 1200)
        assert found.snoke_null == pytest.approx(found.independent_null * (1 - found.share))
        ratios.append(found.pmse / found.independent_null)
    free = found.parameters - 1
    # N·pMSE/(c(1-c)) is chi-square with k-1 degrees: the mean of 60 ratios has sd sqrt(2/(k-1)/60); 4.5 of them are
    # a false alarm of 1e-5, and 0.05 is for the chi-square being an approximation at N = 1,200.
    assert np.mean(ratios) == pytest.approx(1.0, abs=4.5 * np.sqrt(2 / free / 60) + 0.05)


def test_pmse_reaches_its_largest_value() -> None:
    a = mixed(200, 1)
    far = Coded(a.numeric_names, a.level_names, a.numbers + 1000, a.codes, a.cardinality)
    assert pmse_of(a, far) == pytest.approx(0.25, abs=1e-3)
    assert pmse_of(a, a) == pytest.approx(0.0, abs=1e-12)


def test_folds_keep_units_whole_and_even() -> None:
    units = np.repeat(np.arange(103), 3)
    fold = fold_of_rows(units, 5, seed=1, purpose="t")
    assert all(len(set(fold[units == u])) == 1 for u in range(103))
    assert np.ptp(np.bincount(fold) // 3) <= 1


def test_auc_influence_is_delongs_formula() -> None:
    g = np.random.default_rng(0)
    positive = g.random(300) < 0.4
    scores = np.round(g.normal(size=300) + positive, 1)
    auc, influence = auc_influence(scores, positive)
    expected, low, high = auc_interval(scores[positive], scores[~positive])
    assert auc == pytest.approx(expected)
    assert influence.mean() == pytest.approx(0, abs=1e-12)
    se = influence_se(influence, None)
    logit = np.log(auc / (1 - auc))
    half = 1.959964 * se / (auc * (1 - auc))
    # DeLong divides by n-1 within each class, the jackknife by n-1 over all: below one part in a hundred here.
    assert 1 / (1 + np.exp(-(logit - half))) == pytest.approx(low, abs=2e-3)
    assert 1 / (1 + np.exp(-(logit + half))) == pytest.approx(high, abs=2e-3)


def test_influences_of_scores_are_their_derivatives() -> None:
    g = np.random.default_rng(2)
    truth = g.integers(0, 3, 90)
    p = g.dirichlet(np.ones(3), 90)
    twice = np.arange(90) == 4
    for name, score in class_scores(p, truth).items():
        # The row counted twice: weight 1/n more, so that the score moves by its influence / n, to first order.
        more = class_scores(np.vstack([p, p[twice]]), np.append(truth, truth[twice]))[name].value
        assert more - score.value == pytest.approx(score.influence[4] / 91, abs=5e-4), name
        assert score.influence.mean() == pytest.approx(0, abs=1e-9)
    y, guess = g.normal(size=200), g.normal(size=200)
    for name, score in number_scores(guess * 0.1, y, 0.0).items():
        more = number_scores(np.append(guess * 0.1, guess[7] * 0.1), np.append(y, y[7]), 0.0)[name].value
        assert more - score.value == pytest.approx(score.influence[7] / 201, abs=5e-4), name


def test_class_scores_are_sklearns() -> None:
    from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score

    g = np.random.default_rng(3)
    truth, p = g.integers(0, 3, 200), g.dirichlet(np.ones(3), 200)
    found = class_scores(p, truth)
    assert found["AUROC"].value == pytest.approx(roc_auc_score(truth, p, multi_class="ovr"))
    assert found["balanced_accuracy"].value == pytest.approx(balanced_accuracy_score(truth, p.argmax(axis=1)))
    y, guess = g.normal(size=100), 0.2 * g.normal(size=100)
    assert number_scores(guess, y, 0.0)["R2"].value == pytest.approx(r2_score(y, guess))


def test_roc_points_agree_with_the_auc() -> None:
    g = np.random.default_rng(4)
    second = g.random(4000) < 0.5
    scores = g.normal(size=4000) + second
    curve = roc_points(second, scores)
    area = np.trapezoid(curve["tpr"], curve["fpr"])
    # 101 points: the trapezoids cut less than one step's area from a concave curve.
    assert area == pytest.approx(auc_influence(scores, second)[0], abs=0.01)
    assert curve["tpr"][0] >= 0
    assert curve["tpr"][-1] == 1


def test_root_intervals_reach_zero_when_there_is_no_difference() -> None:
    g = np.random.default_rng(5)
    k, low_ends = 20, []
    for _ in range(50):
        value = np.sqrt(np.square(g.normal(size=k)).mean())
        start = g.normal(size=k) * value
        draws = np.sqrt(np.square(start + g.normal(size=(300, k)) * value).mean(axis=1))
        low_ends.append(basic_interval(float(np.sqrt(np.square(start).mean())), draws, top=10, root=True)[0])
    assert np.mean(np.array(low_ends) == 0) > 0.8


def frame_table(n: int, seed: int, *, broken: bool = False) -> Table:
    c = mixed(n, seed)
    g = np.random.default_rng(seed + 1)
    b = g.permutation(c.codes[:, 1]) if broken else c.codes[:, 1]
    fields = (
        Field(name="x", kind="continuous"),
        Field(name="y", kind="continuous"),
        Field(name="a", kind="categorical", levels=("p", "q", "r")),
        Field(name="b", kind="boolean", roles=frozenset({"target"})),
    )
    frame = pd.DataFrame(
        {
            "x": c.numbers[:, 0],
            "y": c.numbers[:, 1],
            "a": pd.Series(np.array(["p", "q", "r"])[c.codes[:, 0]]).astype(canonical_dtype(fields[2])),
            "b": pd.Series(b == 1).astype("boolean"),
        }
    )
    return Table(frame, Schema(fields=fields))


def case(n: int, seed: int, *, broken: bool = False, targets: tuple[str, ...] = ()) -> Case[Table]:
    return Case(
        train=frame_table(n, 3 * seed),
        holdout=frame_table(n, 3 * seed + 1),
        synthetic=frame_table(n, 3 * seed + 2, broken=broken),
        purpose=Purpose(targets=targets),
    )


def test_the_strong_classifier_sees_what_the_linear_one_cannot() -> None:
    # Shuffling b keeps every column as it was: only the combination gives the data away.
    broken = case(600, 4, broken=True)
    strong = Distinguishability().measure(broken, seed=1)[0]
    linear = DistinguishabilityLinear().measure(broken, seed=1)[0]
    assert strong.interval is not None
    assert linear.interval is not None
    assert strong.interval[0] > 0.55
    assert linear.interval[0] < 0.5 < linear.interval[1] + 0.05
    assert next(iter(strong.detail["columns_together"])) == "b"
    assert strong.detail["real_side"] == "holdout"


def test_a_shifted_column_is_named() -> None:
    shifted = case(300, 5)
    frame = shifted.synthetic.frame.assign(x=shifted.synthetic.frame["x"] + 3)
    found = DistinguishabilityLinear().measure(replace(shifted, synthetic=shifted.synthetic.with_frame(frame)), seed=1)
    assert next(iter(found[0].detail["columns_alone"])) == "x"
    assert found[0].estimate is not None
    assert found[0].estimate > 0.9


def test_prediction_gap_of_fresh_and_of_broken_data() -> None:
    good = Prediction().measure(case(400, 6), seed=1)
    bad = Prediction().measure(case(400, 6, broken=True), seed=1)
    names = {e.subject for e in good}
    assert {"all", "b/gbm/AUROC", "b/linear/AUROC", "b/linear/accuracy"} <= names
    assert good[0].interval is not None
    assert bad[0].interval is not None
    assert good[0].interval[0] <= 0 <= good[0].interval[1]
    assert bad[0].interval[0] > 0.1
    worst = max(e.estimate for e in bad if e.detail.get("score") == "AUROC" and e.estimate is not None)
    assert bad[0].estimate == pytest.approx(worst)
    classes = next(e for e in good if e.subject == "b/gbm/AUROC").detail["classes"]
    assert [c["label"] for c in classes] in (["false", "true"], ["true", "false"])


def test_prediction_of_numbers_several_targets_and_unknown_ones() -> None:
    found = Prediction().measure(case(300, 7, targets=("y", "a", "nothing")), seed=1, run=Run(workers=1))
    by = {e.subject: e for e in found}
    assert by["nothing"].outcome == "insufficient"
    assert by["y/linear/R2"].detail["trtr"] > 0.4
    assert by["a/gbm/AUROC"].detail["guessing"] == 0.5
    assert by["all"].detail["not_assessed"] == ["nothing"]
    assert Prediction().applies(Schema(fields=()), Purpose()) is not None


def test_trees_give_the_same_bits_on_any_number_of_threads() -> None:
    from threadpoolctl import threadpool_limits

    c = mixed(3000, 9)
    x = np.column_stack([c.numbers, c.codes[:, 0].astype(float)])
    kinds = np.array([False, False, True])
    out = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads):
            trees = BoostedTrees(classify=True, categorical=kinds).fit(x, c.codes[:, 1].astype(np.intp))
            out.append(trees.probabilities(x, 2))
    assert np.array_equal(out[0], out[1])
    assert np.array_equal(out[0], out[2])


def test_a_single_class_is_predicted_as_such() -> None:
    trees = BoostedTrees(classify=True, categorical=np.array([False])).fit(np.zeros((5, 1)), np.full(5, 2))
    assert trees.probabilities(np.zeros((2, 1)), 4).tolist() == [[0, 0, 1, 0]] * 2


def test_the_interval_of_a_cross_fitted_auc_covers_a_coin() -> None:
    inside = 0
    for seed in range(60):
        found = DistinguishabilityLinear().measure(replace(case(60, 100 + seed), train=frame_table(0, 1)), seed=seed)
        assert found[0].interval is not None
        inside += found[0].interval[0] <= 0.5 <= found[0].interval[1]
    # 60 intervals at 95 %: fewer would happen once in a thousand times.
    assert inside >= st.binom.ppf(1e-3, 60, 0.95)


def test_numbers_do_not_depend_on_the_threads_of_linear_algebra() -> None:
    from threadpoolctl import threadpool_info, threadpool_limits

    a, b = mixed(9000, 10), mixed(9000, 11)
    found = []
    for threads in (1, 4):
        with threadpool_limits(threads, user_api="blas"):
            before = [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]
            found.append((corr_sd_of(a, b), pmse_of(a, b)))
            assert [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"] == before
    assert found[0] == found[1]
