"""Definitions of the utility metrics, held against scipy, scikit-learn and arithmetic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats as st
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.neighbors import NearestNeighbors

from synthproof.core.contracts import Case
from synthproof.core.run import Run
from synthproof.core.schema import Purpose
from synthproof.data.table.dataset import Table
from synthproof.metrics.any.clusters import Clusters, adjusted_rand, mutual_information
from synthproof.metrics.any.coverage import NEIGHBOURS, Coverage, four_numbers
from synthproof.metrics.table.coded_case import coded_case
from synthproof.metrics.table.coefficients import THEORY, Coefficients
from synthproof.metrics.table.effects import holm, kruskal_wallis, level_effects, numeric_effects
from synthproof.metrics.table.fairness import Fairness, corrected_v
from synthproof.metrics.table.gaps import Gap, gap_of, worst_of
from synthproof.metrics.table.groupings import groupings, protected_columns
from synthproof.metrics.table.histograms import codes_of, numbers_of
from synthproof.metrics.table.joint_density import JointDensity, bands
from synthproof.metrics.table.pmse import PMse
from synthproof.metrics.table.rare_values import RareValues
from synthproof.metrics.table.regressions import overlaps
from synthproof.metrics.table.resampling import resampled
from synthproof.metrics.table.subgroups import Subgroups
from synthproof.metrics.table.tests import Tests
from synthproof.testing.calibration import case_of
from synthproof.testing.worlds import adult_like, patients, survey, visits


def case(generator: str = "fresh", n: int = 1200, world: str = "patients") -> Case[Table]:
    made = {"patients": patients, "adult_like": adult_like, "survey": survey}[world]()
    return case_of(made, "equal", generator, 3, n)


def visits_case(n: int = 150) -> Case[Table]:
    world = visits()
    purpose = Purpose(quasi_identifiers=("ward",), targets=("fever",))
    return Case(train=world.draw(n, 1), holdout=world.draw(n, 2), synthetic=world.draw(n, 3), purpose=purpose)


def test_the_four_numbers_are_their_definitions() -> None:
    g = np.random.default_rng(1)
    real, other = g.normal(size=(150, 3)), g.normal(size=(150, 3)) * 0.7 + 0.3
    reach = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(real).kneighbors(real)[0][:, -1]
    other_reach = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(other).kneighbors(other)[0][:, -1]
    apart = np.linalg.norm(real[:, None] - other[None], axis=2)
    inside = apart <= reach[:, None]
    found = four_numbers(real, other)
    assert found["precision"] == inside.any(axis=0).mean()
    assert found["coverage"] == inside.any(axis=1).mean()
    assert found["density"] == pytest.approx(inside.sum(axis=0).mean() / NEIGHBOURS)
    assert found["recall"] == (apart <= other_reach[None]).any(axis=1).mean()


def test_equal_points_lie_within_balls_of_no_size() -> None:
    same = np.repeat(np.array([[0.1, 0.7], [0.3, 1e3]]), 50, axis=0)
    found = four_numbers(same, same)
    assert found["coverage"] == found["precision"] == found["recall"] == 1.0
    assert found["density"] == 10.0  # fifty balls around each unit, five neighbours wanted


def test_without_a_holdout_halves_of_train_stand_in() -> None:
    found = Coverage().measure(replace(case(), holdout=None, cache={}), seed=1)
    assert [e.subject for e in found] == ["all", "precision", "recall", "density"]
    assert found[0].n == 300
    assert found[0].caveat is not None
    assert "holdout" in found[0].caveat.en


def test_agreement_of_sortings_is_sklearns() -> None:
    g = np.random.default_rng(2)
    a = g.integers(0, 5, 400)
    b = np.where(g.random(400) < 0.5, a, g.integers(0, 4, 400))
    assert adjusted_rand(a, b) == pytest.approx(adjusted_rand_score(a, b))
    assert mutual_information(a, b) == pytest.approx(normalized_mutual_info_score(a, b))
    assert adjusted_rand(a, a) == mutual_information(a, a) == 1.0


def test_few_distinct_units_give_few_clusters_and_no_warning() -> None:
    made = case(world="survey")
    only = ("sex",)
    parts = [
        t.with_frame(t.frame[list(only)], t.schema.without(*(n for n in t.schema.names if n not in only)))
        for t in (made.train, made.holdout, made.synthetic)
        if t is not None
    ]
    found = Clusters().measure(Case(train=parts[0], holdout=parts[1], synthetic=parts[2], purpose=Purpose()), seed=1)
    assert found[0].estimate == found[0].reference == 1.0


def test_overlaps_of_intervals() -> None:
    one = np.ones(4)
    found = overlaps(np.zeros(4), one, np.array([0.0, 1.959963985, 3.92, 9.0]), one)
    assert np.allclose(found, [1.0, 0.5, 0.0, 0.0], atol=1e-3)
    inside = overlaps(np.zeros(1), one[:1], np.zeros(1), 0.5 * one[:1])
    assert inside[0] == pytest.approx((0.5 + 1.0) / 2)
    g = np.random.default_rng(3)
    drawn = overlaps(g.normal(size=100_000), np.ones(1), g.normal(size=100_000), np.ones(1))
    # what the cut at 0 adds to the closed form is below 0.001
    assert drawn.mean() == pytest.approx(THEORY, abs=0.003)


def test_standard_errors_are_the_textbooks() -> None:
    g = np.random.default_rng(4)
    made = case(world="adult_like", n=4000)
    frame = made.train.frame[["age", "hours", "income"]].copy()
    y = 0.05 * frame["age"].astype(float) + g.normal(size=len(frame))
    frame["hours"] = pd.array(np.rint(10 * y).astype(int), dtype=frame["hours"].dtype)
    schema = made.train.schema.without(*(n for n in made.train.schema.names if n not in frame.columns))
    train = made.train.with_frame(frame, schema)
    whole = Case(train=train, holdout=None, synthetic=train, purpose=Purpose(targets=("hours",)))
    found = Coefficients().measure(whole, seed=1)
    assert found[0].estimate == pytest.approx(1.0)
    assert found[0].reference == THEORY
    x = np.column_stack([np.ones(len(frame)), frame["age"].astype(float), frame["income"].cat.codes])
    hours = frame["hours"].to_numpy(dtype=float)
    z = (hours - hours.mean()) / hours.std()
    x[:, 1] = (x[:, 1] - x[:, 1].mean()) / x[:, 1].std()
    beta, *_ = np.linalg.lstsq(x, z, rcond=None)
    residual = z - x @ beta
    se = np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * (residual @ residual) / (len(z) - 3))
    told = {c["name"]: c for c in found[1].detail["coefficients"]}
    assert told["age"]["real"] == pytest.approx(beta[1], rel=1e-4)
    assert told["age"]["real_se"] == pytest.approx(se[1], rel=1e-3)
    assert {"age", "income = high"} == set(told)


def test_rows_of_one_person_widen_the_intervals_of_coefficients() -> None:
    made = replace(visits_case(400), purpose=Purpose(targets=("pulse",)))
    by_person = Coefficients().measure(made, seed=1)[1].detail["coefficients"]
    alone = []
    for t in (made.train, made.holdout, made.synthetic):
        assert t is not None
        alone.append(t.with_frame(t.frame.drop(columns="person"), t.schema.without("person")))
    rows = Case(train=alone[0], holdout=alone[1], synthetic=alone[2], purpose=made.purpose)
    by_row = Coefficients().measure(rows, seed=1)[1].detail["coefficients"]
    person, row = ({c["name"]: c["real_se"] for c in found} for found in (by_person, by_row))
    # a ward is a person's for good, and what the ward does not say of a pulse the person's next visit repeats
    wards = [name for name in person if name.startswith("ward")]
    assert len(wards) >= 3
    assert np.mean([person[w] / row[w] for w in wards]) > 1.05


def test_effects_are_scipys() -> None:
    made = case()
    cc = coded_case(made)
    assert cc.holdout is not None
    a, b = resampled(made, "holdout", 1), resampled(made, "synthetic", 1)
    stay = cc.field("stay")
    x, y = (v[~np.isnan(v)] for v in (numbers_of(p.coded, "stay") for p in (cc.holdout, cc.synthetic)))
    found = numeric_effects(cc.holdout, cc.synthetic, stay, a, b)
    assert found["ks"].value == pytest.approx(st.ks_2samp(x, y).statistic)
    mw = st.mannwhitneyu(y, x, use_continuity=False, method="asymptotic")
    assert found["mann_whitney"].signed == pytest.approx(2 * mw.statistic / (len(x) * len(y)) - 1)
    # rows with a value are whole, so the effective numbers are those of the rows
    assert found["mann_whitney"].p == pytest.approx(mw.pvalue, abs=2e-3)
    region = cc.field("region")
    counts = np.stack([np.bincount(codes_of(p.coded, "region"), minlength=5) for p in (cc.holdout, cc.synthetic)])
    chi = st.chi2_contingency(counts, correction=False)
    tested = level_effects(cc.holdout, cc.synthetic, region, a, b)["chi_square"]
    assert tested.statistic == pytest.approx(chi.statistic)
    assert tested.p == pytest.approx(chi.pvalue)
    by = codes_of(cc.holdout.coded, "disease").astype(np.intp)
    across = kruskal_wallis(cc.holdout, cc.field("glucose"), by, 3, a)
    assert across is not None
    h = st.kruskal(*(numbers_of(cc.holdout.coded, "glucose")[by == k] for k in range(3)))
    assert across.h == pytest.approx(h.statistic)
    assert across.p == pytest.approx(h.pvalue)
    assert across.epsilon2 == pytest.approx(h.statistic / (len(by) - 1))


def test_holm_steps_down() -> None:
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([]) == []


def test_p_values_stay_in_the_detail_and_the_signed_rank_test_does_not_apply() -> None:
    found = {e.subject: e for e in Tests().measure(case("noise"), seed=2)}
    assert found["wilcoxon_signed_rank"].outcome == "not_applicable"
    assert found["age/ks"].detail["p_holm"] < 1e-6
    assert found["age/ks"].estimate == found["age/ks"].detail["statistic"]
    assert found["all"].detail["below_5_percent_after_holm"] > 5
    assert found["all"].detail["below_5_percent_after_holm_reference"] <= 2


def test_corrected_v() -> None:
    table = np.array([[30.0, 10.0], [10.0, 50.0]])
    plain = st.contingency.association(table.astype(int), method="cramer")
    assert corrected_v(table[None] / 100, 1e9)[0] == pytest.approx(plain)
    assert corrected_v(table[None] / 100, 100)[0] < plain
    assert corrected_v(np.full((1, 2, 2), 0.25), 100)[0] == 0.0


def test_gaps_and_the_worst_of_them() -> None:
    gap = gap_of(0.1, 0.03, [0.5, 0.6], [0.5, 0.5])
    assert gap.se_training == pytest.approx(np.std([0.5, 0.6], ddof=1) / np.sqrt(2))
    assert gap.se == pytest.approx(np.hypot(0.03, gap.se_training))
    sure = [Gap(0.1, 0.01, 0.0, 5), Gap(0.05, 0.2, 0.0, 5)]
    which, (low, high) = worst_of(sure, low=-2.0, high=2.0)
    assert which == 0
    z = st.norm.ppf(1 - 0.025 / 2)
    assert low == pytest.approx(0.1 - 0.01 * z, abs=1e-6)
    assert high == pytest.approx(0.05 + 0.2 * z, abs=1e-5)


def test_groups_have_thirty_real_units_and_targets_are_not_among_them() -> None:
    made = case(world="adult_like")
    assert protected_columns(made) == ("age", "marital", "race", "sex", "country")
    found = {g.name: g for g in groupings(made, protected_columns(made))}
    assert found["race"].labels[0] == "r0"
    assert len(found["race"].labels) < 5  # levels of 1 % have no thirty units here
    assert all(e.startswith(("≤", ">")) or "–" in e for e in found["age"].labels)
    cc = coded_case(made)
    counts = np.bincount(found["race"].codes(cc.train.coded) + 1)[1:]
    assert (counts >= 30).all()


def test_subgroups_and_fairness_share_their_models_and_name_every_group() -> None:
    made = case(world="adult_like", n=1000)
    gaps = Subgroups().measure(made, seed=1)
    kept = made.cache["table.learned"]
    fair = Fairness().measure(made, seed=1, run=Run(workers=1))
    assert made.cache["table.learned"] is kept
    subjects = {e.subject for e in gaps}
    assert {"all", "income=high/recall", "income/sex=true/AUROC"} <= subjects
    assert gaps[0].detail["groups"][0]["gap"] == gaps[0].estimate
    assert {"income/sex/parity", "income/sex/odds", "income/sex/association"} <= {e.subject for e in fair}
    alone = Fairness().measure(replace(made, cache={}), seed=1)
    assert [e.to_dict() for e in alone] == [e.to_dict() for e in fair]


def test_without_protected_columns_fairness_does_not_arise() -> None:
    made = case(world="adult_like", n=400)
    names = set(made.train.schema.names) - {"income", "hours", "weight"}
    parts = []
    for t in (made.train, made.holdout, made.synthetic):
        assert t is not None
        parts.append(t.with_frame(t.frame[["weight", "hours", "income"]], t.schema.without(*names)))
    purpose = Purpose(targets=("income",))
    bare = Case(train=parts[0], holdout=parts[1], synthetic=parts[2], purpose=purpose)
    (found,) = Fairness().measure(bare, seed=1)
    assert found.outcome == "not_applicable"


def test_lost_tails_are_told() -> None:
    made = case(n=4000)
    frame = made.synthetic.frame.copy()
    low, high = made.train.frame["cost"].quantile([0.01, 0.99])
    frame["cost"] = frame["cost"].clip(low, high)
    cut = replace(made, synthetic=made.synthetic.with_frame(frame), cache={})
    found = {e.subject: e for e in RareValues().measure(cut, seed=1)}
    assert found["cost"].estimate == 1.0
    assert found["cost"].detail["synthetic"]["estimate"] == 0.0
    assert found["cost"].detail["real"]["estimate"] == pytest.approx(0.02, abs=0.002)
    whole = {e.subject: e for e in RareValues().measure(made, seed=1)}
    assert whole["cost"].estimate is not None
    assert whole["cost"].estimate < 0.5


def test_bands_hold_their_shares() -> None:
    density = np.array([0.5, 0.3, 0.1, 0.06, 0.04, 0.0, 0.0])
    assert bands(density).tolist() == [3, 2, 1, 1, 0, 0]


def test_densities_show_no_cell_with_few_real_rows() -> None:
    found = JointDensity().measure(case(n=600), seed=1)
    for pair in found[0].detail["pairs"]:
        shape = (len(pair["edges_x"]) - 1, len(pair["edges_y"]) - 1)
        assert np.shape(pair["real_bands"]) == shape
        assert set(np.unique(pair["real_bands"])) <= {0, 1, 2, 3}
        assert set(pair) == {"names", "kinds", "edges_x", "edges_y", "bands", "real_bands", "synthetic_bands"}
    assert found[0].estimate == pytest.approx(np.mean([e.estimate for e in found[1:]]))


def test_the_pmse_ratio_is_told() -> None:
    (found,) = PMse().measure(case(), seed=1)
    assert found.caveat is not None
    assert f"{found.detail['ratio_independent']:.2f}" in found.caveat.en
    assert f"{found.detail['ratio_snoke']:.2f}" in found.caveat.ko
