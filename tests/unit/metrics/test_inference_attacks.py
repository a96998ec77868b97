"""Membership and attribute inference: what they count, whom they attack, and what they refuse to say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.run import Run
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.data.table.dataset import Table
from synthproof.metrics.table import attacked, attribute_inference, membership_inference
from synthproof.metrics.table.attacked import order_of_units
from synthproof.metrics.table.attribute_guesses import Secrets
from synthproof.metrics.table.attribute_inference import AttributeInference
from synthproof.metrics.table.membership_inference import SUBJECTS, MembershipInference
from synthproof.testing.references import copycat, partial_copycat
from synthproof.testing.worlds import World, patients, survey, visits

BOTH = [MembershipInference, AttributeInference]
Metric = type[MembershipInference] | type[AttributeInference]


def case(world: World, n: int, kind: str = "fresh", seed: int = 1, purpose: Purpose | None = None) -> Case[Table]:
    train, holdout, new = (world.draw(n, 10 * seed + k) for k in range(3))
    made = {
        "fresh": lambda: new,
        "copycat": lambda: copycat(train, n, seed),
        "tenth": lambda: partial_copycat(train, new, 0.1, seed),
        "holdout": lambda: copycat(holdout, n, seed),
    }[kind]()
    return Case(train=train, holdout=holdout, synthetic=made, purpose=purpose or world.purpose)


def by_subject(found: object) -> dict[str, Evidence]:
    return {e.subject: e for e in found}  # type: ignore[attr-defined]


def jittered(table: Table, seed: int) -> Table:
    g = np.random.default_rng(seed)
    cost = table.frame["cost"] * (1 + 1e-4 * g.standard_normal(table.n_rows))
    return table.with_frame(table.frame.assign(cost=cost.round(2)))


@pytest.mark.parametrize("metric", BOTH)
def test_too_few_persons_say_how_many_are_needed(metric: Metric) -> None:
    small = case(patients(), 90)
    for e in metric().measure(small, seed=0):
        assert e.outcome == "insufficient"
        assert e.caveat is not None
        assert "needed" in e.caveat.en
    lonely = replace(small, holdout=None, cache={})
    assert {e.outcome for e in metric().measure(lonely, seed=0)} == {"insufficient"}


@pytest.mark.parametrize("metric", BOTH)
def test_a_holdout_that_was_handed_out_proves_nothing(metric: Metric) -> None:
    handed_out = case(patients(), 600, "holdout")
    near = replace(handed_out, synthetic=jittered(handed_out.synthetic, 1), cache={})
    for one in (handed_out, near):
        found = metric().measure(one, seed=0)
        assert {e.outcome for e in found} == {"insufficient"}
        assert "not unseen" in found[0].caveat.en  # type: ignore[union-attr]


@pytest.mark.parametrize("metric", BOTH)
@pytest.mark.parametrize("world", [patients(), survey()], ids=lambda w: w.name)
def test_order_of_rows_and_number_of_workers_change_nothing(metric: Metric, world: World) -> None:
    base = case(world, 400, "tenth")
    order = np.random.default_rng(5).permutation(400).astype(np.intp)
    moved = Case(
        train=base.train.take(order),
        holdout=base.holdout.take(order[::-1]),  # type: ignore[union-attr]
        synthetic=base.synthetic.take(order),
        purpose=base.purpose,
    )
    first = metric().measure(base, seed=0, run=Run(workers=1))
    again = metric().measure(moved, seed=0, run=Run(workers=3))
    assert [(e.subject, e.estimate, e.interval) for e in first] == [(e.subject, e.estimate, e.interval) for e in again]


@pytest.mark.parametrize("metric", BOTH)
def test_positions_stay_in_the_vault_and_point_at_training_rows(metric: Metric) -> None:
    base = case(patients(), 600, "tenth")
    copied = set(base.train.frame["cost"]) & set(base.synthetic.frame["cost"])
    found = metric().measure(base, seed=0)
    private = [e.private for e in found if e.private]
    assert private
    for e in found:
        plain = repr(e.to_dict())
        assert "train_units_most" not in plain
        assert "train_rows_inferred" not in plain
        for field in base.train.schema.fields:
            assert not any(f"'{level}'" in plain for level in field.levels)
    (positions,) = private[0].values()
    # A tenth of the synthetic data copies 60 of 600; those that lead the list are all among them.
    assert all(base.train.frame["cost"].iloc[p] in copied for p in positions[:10])


def doubled(n: int, seed: int) -> Table:
    """Persons with two rows each, alike but for age and cost."""
    one, two = patients().draw(n, seed), patients().draw(n, seed + 100)
    second = one.frame.assign(age=two.frame["age"], cost=two.frame["cost"])
    frame = pd.concat([one.frame, second], ignore_index=True)
    frame.insert(0, "person", pd.Series([f"P{i:05d}" for i in range(n)] * 2, dtype="str"))
    person = Field(name="person", kind="identifier", roles=frozenset({"unit"}), pattern=r"P\d{5}")
    return Table(frame, Schema(fields=(person, *one.schema.fields), unit="person"))


@pytest.mark.parametrize("metric", BOTH)
def test_persons_are_the_unit(metric: Metric) -> None:
    train, holdout, new = (doubled(400, s) for s in (1, 2, 3))
    unseen = Case(train=train, holdout=holdout, synthetic=new, purpose=Purpose())
    copies = replace(unseen, synthetic=copycat(train, 400, 1), cache={})
    found = [metric().measure(c, seed=0)[0] for c in (unseen, copies)]
    assert [e.n for e in found] == ([200, 200] if metric is MembershipInference else [400, 400])
    fresh_, copied = found
    assert fresh_.interval is not None
    assert copied.interval is not None
    assert fresh_.reference is not None
    assert fresh_.interval[0] <= fresh_.reference <= fresh_.interval[1]
    assert copied.interval[0] > fresh_.reference


def test_rows_that_tell_the_same_twice_are_no_second_person() -> None:
    # Every row written twice: the interval must not shrink.
    base = case(patients(), 400, purpose=Purpose())

    def twice(table: Table) -> Table:
        frame = pd.concat([table.frame, table.frame], ignore_index=True)
        frame.insert(0, "person", pd.Series([f"P{i:05d}" for i in range(len(table))] * 2, dtype="str"))
        person = Field(name="person", kind="identifier", roles=frozenset({"unit"}), pattern=r"P\d{5}")
        return Table(frame, Schema(fields=(person, *table.schema.fields), unit="person"))

    tables = {k: twice(getattr(base, k)) for k in ("train", "holdout", "synthetic")}
    doubled_case = Case(**tables, purpose=Purpose())
    once, again = (MembershipInference().measure(c, seed=0)[0] for c in (base, doubled_case))
    assert once.interval is not None
    assert again.interval is not None
    assert again.interval[1] - again.interval[0] > 0.8 * (once.interval[1] - once.interval[0])
    assert again.n == once.n
    disease = by_subject(AttributeInference().measure(doubled_case, seed=0))["disease"]
    shares = disease.detail["never_abstaining"]["nearest"]
    # 200 persons a side on half B with 400 rows: they are worth 200.
    for side in ("right_of_members", "right_of_others"):
        assert shares[side]["n_effective"] == pytest.approx(200, rel=0.02)
    assert disease.n == 400


def test_all_rows_of_a_person_are_also_looked_at_together() -> None:
    world = visits()
    train, holdout = world.draw(2000, 1), world.draw(2000, 2)
    copies = Case(train=train, holdout=holdout, synthetic=copycat(train, 2000, 1), purpose=Purpose())
    all_ = MembershipInference().measure(copies, seed=0)[0]
    assert {"distance_all", "density_ratio_all"} <= set(all_.detail["auc_by_attack"])
    assert "distance_all" not in MembershipInference().measure(case(patients(), 400), seed=0)[0].detail["auc_by_attack"]


@pytest.mark.parametrize("metric", BOTH)
def test_a_large_table_is_sampled_and_says_so(metric: Metric, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attacked, "MOST_WORK", 1)
    monkeypatch.setattr(attacked, "FEWEST", 120)
    e = metric().measure(case(patients(), 600), seed=0)[0]
    assert e.detail["members_attacked"] == 120
    assert e.caveat is not None
    assert "120" in e.caveat.en


def odd(n: int, kind: str) -> Table:
    schema = Schema(
        fields=(
            Field(name="when", kind="datetime", nullable=True),
            Field(name="x", kind="continuous", nullable=True),
            Field(name="c", kind="categorical", levels=("a", "b"), nullable=True),
        )
    )
    g = np.random.default_rng(n)
    if kind == "missing":
        columns = {"when": [pd.NaT] * n, "x": [np.nan] * n, "c": [None] * n}
    else:
        values = g.normal(0, 1e150, n) if kind == "wild" else np.full(n, -2.0)
        columns = {"when": [pd.Timestamp("2020-01-01")] * n, "x": values, "c": ["a"] * n}
    frame = pd.DataFrame(columns).astype({"when": "datetime64[us]", "x": "float64"})
    frame["c"] = frame["c"].astype(pd.CategoricalDtype(["a", "b"]))
    return Table(frame, schema)


@pytest.mark.parametrize("metric", BOTH)
@pytest.mark.parametrize(
    "kinds", [("wild", "constant"), ("constant", "wild"), ("missing", "wild"), ("wild", "missing")]
)
def test_odd_tables_give_a_number_or_a_reason(metric: Metric, kinds: tuple[str, str]) -> None:
    real, drawn = kinds
    one = Case(train=odd(440, real), holdout=odd(439, real), synthetic=odd(60, drawn), purpose=Purpose())
    for e in metric().measure(one, seed=0):
        e.to_dict(private=True)
        if e.outcome == "measured":
            assert e.estimate is not None
            assert e.interval is not None
            assert e.interval[0] <= e.estimate <= e.interval[1]
            assert metric.card.low <= e.interval[0] <= e.interval[1] <= metric.card.high


def test_membership_speaks_of_every_subject_and_prints_its_ceiling() -> None:
    found = MembershipInference(population=60_000).measure(case(patients(), 600, "copycat"), seed=0)
    assert tuple(e.subject for e in found) == SUBJECTS
    told = by_subject(found)
    assert told["all"].detail["members_attacked"] == 300
    # 150 on half B: ln(a^(1/150) / (1 - a^(1/150))) with a = 0.025.
    assert told["all"].detail["epsilon_ceiling"] == pytest.approx(3.69, abs=0.01)
    assert told["surest"].detail["epsilon_lower_bound"] <= told["all"].detail["epsilon_ceiling"]
    assert told["exposed"].outcome == "insufficient"
    assert told["TPR at 1 % FPR"].outcome == "insufficient"
    assert "2,000" in told["TPR at 1 % FPR"].caveat.en  # type: ignore[union-attr]
    # 600 members of 60,000 persons: a perfect attack on 150 + 150 is right in at most these shares of its calls.
    low, high = told["surest"].detail["precision_at_prevalence"]
    assert low < 0.5 < high
    assert (
        "precision_at_prevalence"
        not in by_subject(MembershipInference().measure(case(patients(), 600, "copycat"), seed=0))["surest"].detail
    )


def test_losses_of_the_model_are_used_where_the_case_has_them() -> None:
    base = case(patients(), 600)
    g = np.random.default_rng(0)
    losses = {"train": g.normal(0, 1, 600), "holdout": g.normal(3, 1, 600)}
    all_ = MembershipInference().measure(replace(base, losses=losses, cache={}), seed=0)[0]
    assert all_.detail["attack"] == "loss"
    assert all_.estimate is not None
    assert all_.estimate > 0.95
    assert "losses" in all_.caveat.en  # type: ignore[union-attr]
    torn = {"train": losses["train"][:10], "holdout": losses["holdout"]}
    assert (
        "loss"
        not in MembershipInference().measure(replace(base, losses=torn, cache={}), seed=0)[0].detail["auc_by_attack"]
    )


def test_isolated_persons_are_a_twentieth_unless_ties_would_double_it() -> None:
    assert membership_inference._isolated(np.arange(100.0)).sum() == 5
    assert membership_inference._isolated(np.r_[np.zeros(96), 1, 2, 3, 4]).sum() == 4
    assert membership_inference._isolated(np.r_[np.zeros(92), np.ones(8)]).sum() == 8


def test_units_are_ordered_by_content() -> None:
    ids, units = np.array([5, 1, 1, 3, 1, 5]), np.array([0, 0, 1, 1, 2, 2])
    # {1, 5}, {1, 3}, {1, 5}: the units 0 and 2 are alike, whatever the order of rows.
    order = order_of_units(ids, units).tolist()
    assert abs(order.index(0) - order.index(2)) == 1


def test_a_guess_is_right_within_the_reach_whatever_the_sign() -> None:
    # Anonymeter's relative error divides by the guess: every negative guess counts there.
    secrets = Secrets(("x",), {"x": 0.1})
    truth = np.array([100.0, -1.0, -1.0, 0.2, np.nan])
    assert secrets.right("x", np.array([-1.0, -1.05, 1.0, 0.3, 0.0]), truth).tolist() == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert secrets.right("c", np.array([1.0, np.nan, 2.0]), np.array([1.0, np.nan, 1.0])).tolist() == [
        True,
        False,
        False,
    ]


def test_the_reach_is_a_part_of_the_median_deviation_and_nothing_where_half_is_equal() -> None:
    base = case(patients(), 400)
    secrets = Secrets.of(base, ("age", "disease"), 0.1)
    age = base.train.frame["age"].astype(float)
    assert secrets.reach == {"age": pytest.approx(0.1 * (age - age.median()).abs().median())}
    flat = Case(train=odd(50, "constant"), holdout=None, synthetic=odd(50, "constant"), purpose=Purpose())
    assert Secrets.of(flat, ("x",), 0.1).reach["x"] == 0.0


def test_attribute_inference_asks_for_t_or_for_every_column() -> None:
    base = case(patients(), 500, "copycat")
    assert [e.subject for e in AttributeInference().measure(base, seed=0)] == ["all", "disease"]
    # Roles of the schema name T too: without either every column is asked for.
    plain = replace(base.train.schema, fields=tuple(replace(f, roles=frozenset()) for f in base.train.schema.fields))
    tables = {k: Table(getattr(base, k).frame, plain) for k in ("train", "holdout", "synthetic")}
    told = by_subject(AttributeInference().measure(Case(**tables, purpose=Purpose()), seed=0))
    assert list(told) == ["all", *plain.names]
    worst = told["all"]
    gains = {name: e.estimate for name, e in told.items() if name != "all"}
    assert worst.estimate == max(v for v in gains.values() if v is not None)
    assert worst.detail["gains"] == gains
    # Eight at once are known less surely than the worst alone.
    alone = told[worst.detail["worst"]]
    assert worst.interval is not None
    assert alone.interval is not None
    assert worst.interval[0] <= alone.interval[0] + 1e-12
    assert worst.interval[1] >= alone.interval[1] - 1e-12
    for name in ("cost", "glucose", "disease"):
        assert told[name].interval[0] > 0.5  # type: ignore[index]
        # Copies give away what real records of other people do not.
        assert told[name].detail["real_reference"] < told[name].detail["right_of_members"]["estimate"]


def test_nothing_to_infer_from_one_field() -> None:
    schema = Schema(fields=(Field(name="x", kind="integer"),))
    line = Table(pd.DataFrame({"x": pd.array(range(300), dtype="Int64")}), schema)
    assert AttributeInference().applies(schema, Purpose()) is not None
    found = AttributeInference().measure(Case(train=line, holdout=line, synthetic=line, purpose=Purpose()), seed=0)
    assert found[0].outcome == "insufficient"


def test_an_attacker_who_dares_to_guess_nobody_bounds_nothing() -> None:
    base = case(patients(), 1000)
    e = by_subject(AttributeInference().measure(base, seed=0))["disease"]
    # 500 a side on half B: guesses of everybody are known to about ±0.06, and so far the upper end must reach.
    assert e.interval is not None
    assert e.interval[1] > 0.02
    assert attribute_inference.MOST >= 1000
    assert set(e.detail["never_abstaining"]) == {"nearest", "trees"}
