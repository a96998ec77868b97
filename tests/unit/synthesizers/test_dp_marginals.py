"""Differential privacy by noisy marginals: what is promised, what is refused, and what never comes out."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import ConfigError, DataError
from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.data.table.io import read_table
from synthproof.synthesizers.table.dp import network
from synthproof.synthesizers.table.dp.discover import _powers
from synthproof.synthesizers.table.dp.measure import _consistent, project
from synthproof.synthesizers.table.dp.pairs import Counter, Tables, rake
from synthproof.synthesizers.table.dp.persons import bounded_rows
from synthproof.synthesizers.table.dp_marginals import DpMarginals
from synthproof.testing.privacy import HalfNoise, Listening, audit, game, listening
from synthproof.testing.synthesizers import example

LOOSE = {"epsilon": 200.0, "random_state": 3}


def table(frame: dict[str, Any], *fields: Field) -> Table:
    columns = {f.name: pd.Series(frame[f.name]).astype(canonical_dtype(f)) for f in fields}
    return Table(pd.DataFrame(columns), Schema(fields=fields))


def ages(n: int = 2_000, *, seed: int = 0) -> Table:
    rng = np.random.Generator(np.random.Philox(seed))
    age = np.clip(np.rint(rng.normal(50, 12, n)), 18, 90)
    ward = np.where(rng.random(n) < 0.1 + 0.8 * (age > 50), "old", "young")
    ill = np.where(rng.random(n) < np.where(ward == "old", 0.6, 0.1), "yes", "no")
    return table(
        {"age": age, "ward": ward, "ill": ill},
        Field(name="age", kind="integer", low=0, high=120),
        Field(name="ward", kind="categorical", levels=("old", "young")),
        Field(name="ill", kind="categorical", levels=("no", "yes")),
    )


def everything(value: Any) -> str:
    """Return all that a state holds as text, numbers of arrays included."""
    return json.dumps(value, default=lambda a: a.tolist(), ensure_ascii=False)


def test_a_domain_that_nobody_declared_is_refused_by_name() -> None:
    frame = pd.DataFrame({"age": np.arange(400) % 60 + 0.5, "ward": np.where(np.arange(400) % 3 == 0, "A", "B")})
    inferred = read_table(frame)
    with pytest.raises(DataError, match="dp/domain-unknown") as refused:
        DpMarginals().fit(inferred)
    assert "age, ward" in str(refused.value)
    with pytest.raises(DataError, match="dp/domain-unknown") as refused:
        DpMarginals(domain={"age": {"low": 0, "high": 100, "step": 0.5}}).fit(inferred)
    assert "1 columns" in str(refused.value)
    vouched = DpMarginals(**LOOSE, public="all").fit(inferred)
    assert set(vouched.ledger_["domain"].values()) == {"vouched"}
    assert any("common knowledge" in n.en and "age, ward" in n.en for n in vouched.notices_)
    bought = DpMarginals(**LOOSE, domain_share=0.3).fit(inferred)
    assert set(bought.ledger_["domain"].values()) == {"bought"}
    assert {e["purpose"] for e in bought.ledger_["entries"]} >= {"range", "grain", "levels"}
    assert bought.schema_.field("ward").levels == ("A", "B")
    assert bought.schema_.field("age").low <= 0.5
    assert bought.schema_.field("age").high >= 59.5
    assert bought.schema_.field("age").decimals == 1


@pytest.mark.parametrize(
    ("domain", "code"),
    [
        ({"nobody": {"low": 1}}, "params/unknown"),
        ({"age": {"lo": 1}}, "params/unknown"),
        ({"age": {"low": 9, "high": 3}}, "dp/bad-domain"),
        ({"age": {"low": "x", "high": 3}}, "dp/bad-domain"),
        ({"age": {"step": 0.5}}, "dp/bad-domain"),
        ({"ward": {"levels": ["old", "old"]}}, "dp/bad-domain"),
    ],
)
def test_what_is_no_domain_is_refused(domain: dict[str, Any], code: str) -> None:
    with pytest.raises(ConfigError, match=code):
        DpMarginals(domain=domain).fit(ages(50))


def test_nothing_of_a_person_stands_in_state_or_output() -> None:
    rng = np.random.Generator(np.random.Philox(5))
    n = 3_000
    pay = np.round(rng.gamma(2, 900, n), 2)
    pay[17] = 987_654_321.25  # one person is very rich
    job = np.array(["clerk", "nurse", "judge"])[rng.integers(0, 3, n)]
    job[17] = "astronaut"  # and has an office that nobody else holds
    frame = pd.DataFrame({"pay": pay, "job": job, "name": [f"N-{k:05d}" for k in range(n)]})
    frame["note"] = [f"a long remark on visit {k * 7919} of somebody who came in alone" for k in range(n)]
    inferred = read_table(frame)
    models = [
        DpMarginals(epsilon=1.0, domain_share=0.2, random_state=1).fit(inferred),
        DpMarginals(
            epsilon=1.0,
            random_state=1,
            domain={"pay": {"low": 0, "high": 20_000, "step": 0.01}, "job": {"levels": ["clerk", "judge", "nurse"]}},
        ).fit(inferred),
    ]
    for model in models:
        drawn = model.sample(4_000, seed=1)
        told = everything(model.get_state()) + everything(drawn.schema.to_dict()) + str(model.notices_)
        assert "astronaut" not in told
        assert "987654321" not in told
        counted = re.search(r".{60}\b3000\b.{20}", told)
        assert counted is None, f"the true number of rows: {counted.group()}"
        assert "N-" not in told, "the shape of the real identifiers"
        assert set(drawn.frame["job"].dropna()) <= {"clerk", "judge", "nurse"}
        assert drawn.frame["pay"].max() < 1e6
        assert not set(np.round(pay[pay > 15_000], 2)) & set(drawn.frame["pay"].dropna())


def test_only_noisy_numbers_are_kept() -> None:
    data = ages(500)
    state = DpMarginals(epsilon=1.0).fit(data).get_state()
    counts = np.concatenate([np.asarray(level["count"]) for node in state["nodes"] for level in node["levels"]])
    true = data.frame["ward"].value_counts()
    assert not np.isin(counts, [*true.to_numpy(), 500]).any()
    other = DpMarginals(epsilon=1.0).fit(data).get_state()
    assert everything(state["nodes"]) != everything(other["nodes"]), "two fits have the same noise"


def test_one_fitted_model_draws_the_same_rows_for_the_same_seed() -> None:
    model = DpMarginals(**LOOSE).fit(ages())
    again = DpMarginals().set_state(model.get_state())
    assert again.sample(5_000, seed=4).frame.equals(model.sample(5_000, seed=4).frame)
    assert again.ledger_ == model.ledger_
    assert not model.sample(50, seed=5).frame.equals(model.sample(50, seed=4).frame)


@pytest.mark.parametrize("method", ["mst", "adaptive"])
def test_with_much_budget_pairs_and_conditions_come_out_right(method: str) -> None:
    data = ages(6_000)
    model = DpMarginals(**LOOSE, method=method).fit(data)
    drawn = model.sample(6_000, seed=1).frame
    real = data.frame
    for a, b in (("ward", "ill"),):
        x, y = (pd.crosstab(t[a].astype(str), t[b].astype(str), normalize=True) for t in (real, drawn))
        assert float(np.abs(x - y).to_numpy().sum()) / 2 < 0.03
    assert abs(real["age"].mean() - drawn["age"].mean()) < 0.8
    # P(ward = old | ill = yes) by the model's own rows, and by asking for it
    given = model.sample(6_000, where={"ill": "yes"}, seed=2).frame
    own = model.sample(60_000, seed=3).frame
    wanted = (own.loc[own["ill"] == "yes", "ward"] == "old").mean()
    assert (given["ill"] == "yes").all()
    assert abs((given["ward"] == "old").mean() - wanted) < 4 * 0.5 / 6_000**0.5 + 0.01


def test_every_look_is_in_the_ledger_and_the_promise_is_kept() -> None:
    for method, pairs in (("mst", 2), ("adaptive", 3)):
        model = DpMarginals(epsilon=2.0, delta=1e-5, method=method).fit(ages(300))
        told = model.ledger_
        purposes = [e["purpose"] for e in told["entries"]]
        assert purposes.count("total") == 1
        assert purposes.count("column") == 3
        assert purposes.count("pair") == pairs
        assert purposes.count("choice") == pairs
        assert 1.9 < told["epsilon_spent"] <= 2.0
        assert told["delta_spent"] <= 1e-5
        assert told["neighbours"] == "add-or-remove-one"


def test_a_person_counts_for_so_many_rows_at_most() -> None:
    visits = 12
    who = np.repeat([f"P{k}" for k in range(60)], visits)
    data = table(
        {"person": who, "ward": np.where(np.arange(len(who)) % 2 == 0, "A", "B")},
        Field(name="person", kind="identifier", roles=frozenset({"unit"}), pattern=r"P\d{2}"),
        Field(name="ward", kind="categorical", levels=("A", "B")),
    )
    with pytest.raises(DataError, match="fit/several-rows-per-unit"):
        DpMarginals().fit(data)
    for most in (1, 5, 20):
        rows, _ = bounded_rows(data, most, True)
        assert rows.frame["person"].value_counts().max() == min(most, visits)
    chosen = [bounded_rows(data, 3, True)[0].frame["ward"].eq("A").sum() for _ in range(30)]
    assert len(set(chosen)) > 3, "which rows stay is not random"
    one = DpMarginals(row_wise=True).fit(data)
    five = DpMarginals(row_wise=True, rows_per_person=5).fit(data)
    assert five.ledger_["rows_per_person"] == 5
    for a, b in zip(one.ledger_["entries"], five.ledger_["entries"], strict=True):
        assert b["sensitivity"] == pytest.approx(5 * a["sensitivity"])
        if a["mechanism"] == "discrete_gaussian":
            assert b["scale"] == pytest.approx(5 * a["scale"], rel=0.01)


def test_rows_thinned_beforehand_are_refused() -> None:
    data = ages(200)
    thinned = Table(data.frame, data.schema, origin=replace(data.origin, options={"drawn_rows": 200, "of_rows": 900}))
    with pytest.raises(DataError, match="dp/thinned"):
        DpMarginals().fit(thinned)


def test_rules_that_say_what_the_data_have_are_left_aside_and_said() -> None:
    data = example()
    from synthproof.data.table.declared import declare

    ruled = declare(data, ["combination(sex, grade)", "pressure >= age"])
    model = DpMarginals(epsilon=100.0, domain_share=0.2).fit(ruled)
    assert [r.text for r in model.rules_] == ["pressure >= age"]
    assert any("combination(sex, grade)" in n.en for n in model.notices_)
    assert any("chart" in n.en and "chance" in n.en for n in model.notices_)
    drawn = model.sample(500, seed=1).frame.dropna(subset=["pressure", "age"])
    assert (drawn["pressure"] >= drawn["age"]).all()


def test_parameters_are_checked() -> None:
    for wrong in ({"epsilon": 0}, {"delta": 1.0}, {"method": "best"}, {"column_share": 0.95, "choice_share": 0.2}):
        with pytest.raises(ConfigError, match="params/out-of-range"):
            DpMarginals(**wrong).fit(ages(50))  # type: ignore[arg-type]


def test_one_column_and_a_handful_of_rows_are_enough() -> None:
    one = ages(12).without("age", "ill")
    assert len(DpMarginals().fit(one).sample(30, seed=1)) == 30


def test_the_scale_of_ranges_is_the_same_for_all_data() -> None:
    values = np.array([0.0, 1.0, 3.0, -5.0, 1e-12, 1e30, -1e30])
    cell, low, high = _powers(values)
    assert (low[cell[:4]] <= values[:4]).all()
    assert (values[:4] <= high[cell[:4]]).all()
    assert low[cell[4]] == high[cell[4]] == 0.0
    assert np.array_equal(_powers(np.array([7.0]))[1], low)
    assert (np.diff(low) > 0).all()


def test_work_on_noisy_numbers_is_what_it_says() -> None:
    rng = np.random.Generator(np.random.Philox(1))
    values = rng.normal(1, 5, 40)
    near = project(values, 30.0)
    assert near.sum() == pytest.approx(30.0)
    assert near.min() >= 0
    for _ in range(200):  # no other table of that kind lies nearer
        other = rng.dirichlet(np.ones(40)) * 30
        assert ((near - values) ** 2).sum() <= ((other - values) ** 2).sum() + 1e-9
    leaves = rng.normal(10, 3, 64)
    levels = _consistent([leaves, leaves.reshape(-1, 4).sum(1) + 2, leaves.reshape(-1, 16).sum(1) - 1])
    assert np.allclose(levels[0].reshape(-1, 4).sum(axis=1), levels[1])
    assert np.allclose(levels[1].reshape(-1, 4).sum(axis=1), levels[2])
    raked = rake(rng.random((3, 4)), np.array([5.0, 3, 2]), np.array([1.0, 2, 3, 4]))
    assert np.allclose(raked.sum(axis=0), [1, 2, 3, 4])
    assert np.allclose(raked.sum(axis=1), [5, 3, 2], rtol=1e-3)


def test_residuals_of_exact_tables_give_the_table_back() -> None:
    rng = np.random.Generator(np.random.Philox(2))
    codes = [rng.integers(0, 3, 900).astype(np.intp), rng.integers(0, 4, 900).astype(np.intp)]
    counter = Counter(codes, [3, 4], 100)
    true = counter.table((0, 1)).astype(float)
    tables = Tables([true.sum(axis=1), true.sum(axis=0)], [1.0, 1.0], 900.0)
    tables.add((0, 1), true, 1.0)
    assert np.allclose(tables.pair((0, 1)), true, rtol=1e-4)
    assert np.allclose(tables.column(0), true.sum(axis=1))
    # Two looks at the same pair are weighed by what they are worth.
    tables.add((0, 1), true + 40 * rng.normal(size=true.shape), 1600.0)
    assert np.abs(tables.pair((0, 1)) - true).max() < 2


def _game(ledger: type[Listening], runs: int) -> Any:
    fields = tuple(Field(name=n, kind="categorical", levels=("a", "b")) for n in "xy")

    def with_b(k: int) -> Table:
        column = ["a"] * 300 + ["b"] * k
        return table({"x": column, "y": column}, *fields)

    promise = listening(ledger)(epsilon=4.0, delta=1e-2, method="mst")
    return audit(*game(promise, with_b(300), with_b(301), runs), delta=1e-2, level=0.98)


def test_the_audit_does_not_break_the_promise_and_breaks_a_broken_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_ROWS", 256)  # rows of the model's own; no look at the data
    kept = _game(Listening, 300)
    assert kept.epsilon <= 4.0
    assert kept.epsilon_gaussian <= 4.0
    broken = _game(HalfNoise, 600)
    assert broken.epsilon_gaussian > 4.0
    assert broken.ceiling > 3.0
