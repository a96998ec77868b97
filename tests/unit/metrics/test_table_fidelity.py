from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats as st

from synthproof.core.constraints import Constraint
from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.registry import metrics
from synthproof.core.run import Run
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.data.table.dataset import Origin, Table, canonical_dtype
from synthproof.engines.codes import encode
from synthproof.metrics.table.constraints_kept import ConstraintsKept
from synthproof.metrics.table.corr_sd import CorrSd
from synthproof.metrics.table.hellinger import hellinger
from synthproof.metrics.table.histograms import overlay, picture_edges, quantile_edges
from synthproof.metrics.table.jensen_shannon import JensenShannon, jensen_shannon
from synthproof.metrics.table.keys import Keys
from synthproof.metrics.table.missingness import Missingness
from synthproof.metrics.table.shape import Shape, kolmogorov_smirnov
from synthproof.metrics.table.validity import Validity
from synthproof.testing.references import copycat, fresh, noise
from synthproof.testing.worlds import adult_like, patients, visits, worlds

OURS = (
    "table.validity",
    "table.keys",
    "table.constraints",
    "table.shape",
    "table.jensen_shannon",
    "table.hellinger",
    "table.missingness",
    "table.corr_sd",
    "table.distinguishability",
    "table.distinguishability_linear",
    "table.pmse",
    "table.prediction",
)


def table(
    fields: tuple[Field, ...], origin: Origin | None = None, rules: tuple[str, ...] = (), **columns: Any
) -> Table:
    frame = pd.DataFrame({f.name: pd.Series(columns[f.name]).astype(canonical_dtype(f)) for f in fields})
    return Table(frame, Schema(fields=fields, constraints=tuple(Constraint.parse(r) for r in rules)), origin=origin)


def case_of(name: str, world: Any = None, n: int = 400, seed: int = 3) -> Case[Table]:
    w = world or patients()
    train, holdout = w.draw(n, 10 * seed), w.draw(n, 10 * seed + 1)
    made = {"fresh": lambda: fresh(w, n, 10 * seed + 2), "copycat": lambda: copycat(train, n, seed)}
    synthetic = made[name]() if name in made else noise(train, n, seed)
    return Case(train=train, holdout=holdout, synthetic=synthetic, purpose=w.purpose)


def subject(found: Any, name: str) -> Evidence:
    return next(e for e in found if e.subject == name)


@pytest.mark.parametrize("metric", OURS)
@pytest.mark.parametrize("world", worlds(), ids=lambda w: w.name)
def test_every_metric_answers_in_its_range_and_repeats_itself(metric: str, world: Any) -> None:
    case = case_of("fresh", world, n=120)
    if metric == "table.prediction" and not case.purpose.targets:
        case = replace(case, purpose=replace(case.purpose, targets=(case.train.schema.modelled[-1].name,)))
    kind = metrics.get(metric)
    assert kind.card.id == metric
    first = kind().measure(case, seed=5, run=Run(workers=1))
    again = kind().measure(replace(case, cache={}), seed=5, run=Run(workers=2))
    assert first[0].subject == "all"
    assert [json.dumps(e.to_dict(), sort_keys=True) for e in first] == [
        json.dumps(e.to_dict(), sort_keys=True) for e in again
    ]
    for e in first:
        assert e.metric == metric
        assert e.seed == 5
        if e.estimate is not None:
            assert e.interval is not None
            assert kind.card.low <= e.estimate <= kind.card.high
            assert kind.card.low <= e.interval[0] <= e.interval[1] <= kind.card.high
            assert e.n > 0


@pytest.mark.parametrize("metric", OURS)
@pytest.mark.parametrize("n", [0, 1, 7])
def test_too_few_records_are_answered_not_raised(metric: str, n: int) -> None:
    case = case_of("fresh", n=60)
    units = np.arange(n)
    small = Case(
        train=case.train.take(units),
        holdout=case.holdout.take(units) if case.holdout is not None else None,
        synthetic=case.synthetic.take(units),
        purpose=replace(case.purpose, targets=(case.train.schema.modelled[-1].name,)),
    )
    for found in (
        metrics.get(metric)().measure(small, seed=1),
        metrics.get(metric)().measure(replace(small, holdout=None, cache={}), seed=1),
    ):
        assert found
        for e in found:
            assert e.estimate is not None or e.caveat is not None


@pytest.mark.parametrize("metric", OURS)
def test_without_a_holdout_the_reference_is_missing_and_said_so(metric: str) -> None:
    case = replace(case_of("fresh", n=150), holdout=None)
    found = metrics.get(metric)().measure(case, seed=1)[0]
    if found.outcome == "measured" and metric not in {"table.pmse", "table.keys"}:
        assert found.caveat is not None
        if metric.startswith("table.distinguishability"):
            assert found.reference == 0.5
            assert found.detail["real_side"] == "train"
        else:
            assert found.reference is None
    elif metric == "table.prediction":
        assert found.outcome in {"insufficient", "not_applicable"}


def test_shape_is_scipys_ks_and_total_variation() -> None:
    case = case_of("noise")
    found = Shape().measure(case, seed=0)
    for f in case.train.schema.modelled:
        e = subject(found, f.name)
        a, b = case.train.frame[f.name], case.synthetic.frame[f.name]
        if f.kind in {"integer", "continuous"}:
            expected = st.ks_2samp(a.dropna().to_numpy(float), b.dropna().to_numpy(float)).statistic
        elif f.levelled:
            p = a.astype(object).astype(str).value_counts(normalize=True)
            q = b.astype(object).astype(str).value_counts(normalize=True)
            expected = p.sub(q, fill_value=0).abs().sum() / 2
        else:
            continue
        assert e.estimate == pytest.approx(expected, abs=1e-12)
    whole = found[0]
    assert whole.estimate == pytest.approx(np.mean([e.estimate for e in found[1:] if e.estimate is not None]))


def test_ks_of_shifted_normals_lies_in_its_interval() -> None:
    # N(0,1) against N(0.5,1): the true distance is 2Φ(0.25) - 1.
    truth = 2 * st.norm.cdf(0.25) - 1
    fields = (Field(name="x", kind="continuous"),)
    inside = 0
    for seed in range(40):
        g = np.random.default_rng(seed)
        case = Case(
            train=table(fields, x=g.normal(size=300)),
            holdout=None,
            synthetic=table(fields, x=g.normal(0.5, 1, 300)),
            purpose=Purpose(),
        )
        low, high = Shape().measure(case, seed=seed)[1].interval or (1, 0)
        inside += low <= truth <= high
    # 40 intervals at 95 %: fewer than 33 would happen once in a thousand times (binomial).
    assert inside >= st.binom.ppf(1e-3, 40, 0.95)


def test_divergences_of_known_laws() -> None:
    p, q = np.array([[0.5, 0.5, 0.0]]), np.array([[0.0, 0.5, 0.5]])
    assert jensen_shannon(p, q)[0] == pytest.approx(0.5)
    assert hellinger(p, q)[0] == pytest.approx(np.sqrt(0.5))
    assert jensen_shannon(p, p)[0] == 0
    assert hellinger(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))[0] == pytest.approx(1.0)
    assert jensen_shannon(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))[0] == pytest.approx(1.0)


def test_an_invented_level_counts_in_shape_and_validity() -> None:
    base = (Field(name="a", kind="categorical", levels=("x", "y")),)
    more = (Field(name="a", kind="categorical", levels=("x", "y", "z")),)
    train = table(base, a=["x", "y"] * 50)
    synthetic = table(more, origin=Origin(options={"unparsable": {}}), a=["x", "z"] * 50)
    case = Case(train=train, holdout=None, synthetic=synthetic, purpose=Purpose())
    assert Shape().measure(case, seed=0)[1].estimate == pytest.approx(0.5)
    valid = Validity().measure(case, seed=0)
    assert valid[0].estimate == pytest.approx(0.5)
    assert valid[1].detail["unknown_level"] == 50
    assert JensenShannon().measure(case, seed=0)[0].estimate == pytest.approx(0.5)


def test_validity_counts_ranges_gaps_digits_and_unreadable_cells() -> None:
    fields = (
        Field(name="n", kind="integer"),
        Field(name="c", kind="continuous", decimals=1),
        Field(name="m", kind="integer", nullable=True),
    )
    train = table(fields, n=[1, 2, 3, 4], c=[0.1, 0.2, 0.3, 0.4], m=[1, 2, None, 4])
    synthetic = table(
        fields,
        origin=Origin(options={"unparsable": {"m": 2}}),
        n=[0, 5, None, 2],
        c=[0.1, 0.25, 0.1 + 0.2, 0.4],
        m=[None, None, 3, 3],
    )
    found = Validity().measure(Case(train=train, holdout=train, synthetic=synthetic, purpose=Purpose()), seed=0)
    assert found[1].detail["below_range"] == 1
    assert found[1].detail["above_range"] == 1
    assert found[1].detail["missing_where_none_allowed"] == 1
    assert found[2].detail["too_many_digits"] == 1
    assert found[3].estimate == pytest.approx(0.5)
    assert found[0].estimate == pytest.approx(1 - (3 + 1 + 2) / 12)
    assert found[0].reference == 1.0


def test_keys_must_be_new_and_unique() -> None:
    fields = (Field(name="id", kind="identifier", pattern=r"A\d"), Field(name="v", kind="integer"))
    train = table(fields, id=["A1", "A9"], v=[1, 2])
    holdout = table(fields, id=["A3"], v=[1])
    # A3 belongs to an unseen unit: that can only be chance.
    synthetic = table(fields, id=["A1", "A3", "A5", "A5", "B7", "A6"], v=[1] * 6)
    found = Keys().measure(Case(train=train, holdout=holdout, synthetic=synthetic, purpose=Purpose()), seed=0)
    assert found[1].detail == {"values": 6, "good": 2, "reused": 1, "repeated": 2, "pattern_broken": 1}
    assert found[0].estimate == pytest.approx(2 / 6)
    assert found[0].caveat is not None
    assert Keys().applies(train.schema.without("id"), Purpose()) is not None


def test_units_may_repeat_their_number_but_not_a_real_one() -> None:
    fields = (Field(name="who", kind="identifier", roles=frozenset({"unit"})), Field(name="v", kind="integer"))
    train = table(fields, who=["a", "a", "b"], v=[1, 2, 3])
    synthetic = table(fields, who=["s", "s", "b"], v=[1, 2, 3])
    found = Keys().measure(Case(train=train, holdout=None, synthetic=synthetic, purpose=Purpose()), seed=0)
    assert found[0].estimate == pytest.approx(1 / 2)


def test_constraints_are_counted_by_rule_and_together() -> None:
    fields = (Field(name="a", kind="integer"), Field(name="b", kind="integer"))
    train = table(fields, rules=("a <= b", "a >= 0"), a=[1, 2], b=[2, 3])
    synthetic = table(fields, rules=("a <= b", "a >= 0"), a=[1, 5, -1, 0], b=[2, 3, 4, None])
    found = ConstraintsKept().measure(Case(train=train, holdout=train, synthetic=synthetic, purpose=Purpose()), seed=0)
    assert [e.estimate for e in found] == pytest.approx([0.5, 0.75, 0.75])
    assert found[0].reference == 1.0
    assert ConstraintsKept().applies(Schema(fields=fields), Purpose()) is not None


def test_missing_patterns_are_seen_where_rates_agree() -> None:
    fields = (Field(name="a", kind="continuous"), Field(name="b", kind="continuous"))
    together = np.arange(400) % 4 == 0
    train = table(fields, a=np.where(together, np.nan, 1.0), b=np.where(together, np.nan, 1.0))
    synthetic = table(fields, a=np.where(together, np.nan, 1.0), b=np.where(np.roll(together, 1), np.nan, 1.0))
    found = Missingness().measure(Case(train=train, holdout=None, synthetic=synthetic, purpose=Purpose()), seed=0)
    assert subject(found, "all").estimate == 0.0
    # A quarter is missing in both columns; in the copy in one or the other: half of the mass has moved.
    assert subject(found, "pattern").estimate == pytest.approx(0.5)


def test_noise_is_worse_and_fresh_is_not() -> None:
    for metric in ("table.shape", "table.hellinger", "table.jensen_shannon", "table.corr_sd", "table.pmse"):
        kind = metrics.get(metric)
        good = kind().measure(case_of("fresh"), seed=2)[0]
        bad = kind().measure(case_of("noise"), seed=2)[0]
        assert good.reference is not None
        assert good.interval[0] <= good.reference
        assert bad.interval[0] > bad.reference


def test_no_real_value_reaches_the_pictures() -> None:
    g = np.random.default_rng(0)
    f = Field(name="pay", kind="continuous")
    values = np.concatenate([g.lognormal(3, 1, 2000), [987654.321, 123456.789]])
    other = g.lognormal(3, 1, 2000)
    real, synthetic = table((f,), pay=values), table((f,), pay=other)
    for edges in (quantile_edges(values, f), picture_edges(values, f)):
        assert not np.isin(edges, values).any()
    shown = overlay(f, encode(real.frame, real.schema), encode(synthetic.frame, synthetic.schema))
    assert all(count is None or count >= 10 for count in shown["real"])
    assert sum(shown["real"]) == len(values)
    assert sum(shown["synthetic"]) == len(other)
    assert len(shown["edges"]) == len(shown["real"]) - 1
    rare = Field(name="ward", kind="categorical", levels=("common", "token-7f3a", "other"))
    wards = table((rare,), ward=["common"] * 90 + ["token-7f3a"] * 3 + ["other"] * 20)
    bars = overlay(rare, encode(wards.frame, wards.schema), encode(wards.frame, wards.schema))
    assert "token-7f3a" not in bars["labels"]
    assert all(count is None or count >= 10 for count in bars["real"])
    assert sum(bars["real"]) == 113


def test_rows_of_one_unit_widen_the_interval() -> None:
    world = visits()
    case = case_of("fresh", world, n=200)
    by_unit = Shape().measure(case, seed=1)[0]
    plain = case.train.schema
    loose = replace(plain, fields=tuple(replace(f, roles=frozenset()) for f in plain.fields))
    flat = Case(
        train=case.train.with_schema(loose),
        holdout=case.holdout.with_schema(loose) if case.holdout is not None else None,
        synthetic=case.synthetic.with_schema(loose),
        purpose=Purpose(),
    )
    by_row = Shape().measure(flat, seed=1)[0]
    assert by_unit.interval is not None
    assert by_row.interval is not None
    assert by_unit.interval[1] - by_unit.interval[0] > by_row.interval[1] - by_row.interval[0]


def test_ks_handles_empty_sides() -> None:
    assert kolmogorov_smirnov(np.empty(0), np.empty(0)) == 0.0
    assert kolmogorov_smirnov(np.array([1.0]), np.empty(0)) == 1.0


def test_corr_sd_reports_its_matrices_in_schema_order() -> None:
    case = case_of("fresh", adult_like(), n=300)
    found = CorrSd().measure(case, seed=1)[0]
    names = found.detail["names"]
    assert names == [f.name for f in case.train.schema.modelled]
    real = np.asarray(found.detail["real"])
    assert real.shape == (len(names), len(names))
    assert np.allclose(real, real.T)
    entries = np.asarray(found.detail["difference"])[np.triu_indices(len(names), 1)]
    # The picture's matrices are rounded to four digits, so that an entry is off by 5e-5 at most, and so is their SD.
    assert found.estimate == pytest.approx(entries.std(), abs=1e-4)
