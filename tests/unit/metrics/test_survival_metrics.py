"""Survival targets and the metrics that read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core.contracts import Case
from synthproof.core.errors import SchemaError
from synthproof.core.run import Run
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.data.table.survival import SurvivalTarget, happened, survival_targets
from synthproof.engines.survival import kaplan_meier
from synthproof.metrics.table.concordance import Concordance
from synthproof.metrics.table.kaplan_meier import KaplanMeier
from synthproof.synthesizers.table.bayes_net import BayesNet
from synthproof.synthesizers.table.cart_chain import CartChain
from synthproof.synthesizers.table.marginals import Marginals
from synthproof.testing.calibration import SPLITS, against_reference, fewest_covered, summary, trials
from synthproof.testing.worlds import follow_up, patients

WORLD = follow_up()
SEEDS = range(1, 13)


def number(name: str, **more: Any) -> Field:
    return Field(name=name, kind="integer", **more)


def flag(name: str, **more: Any) -> Field:
    return Field(name=name, kind="boolean", **more)


def schema(*fields: Field) -> Schema:
    return Schema(fields=fields)


def test_declared_pairs_come_first_then_roles_then_names() -> None:
    t, e = frozenset({"time"}), frozenset({"event"})
    named = schema(number("stay", roles=t), flag("gone", roles=e), number("futime", low=0), flag("death"))
    assert survival_targets(named, Purpose()) == (SurvivalTarget("stay", "gone"),)
    assert survival_targets(named, Purpose(survival=("futime ~ death",))) == (SurvivalTarget("futime", "death"),)
    plain = schema(number("age"), number("futime", low=0), flag("death"))
    assert survival_targets(plain, Purpose()) == (SurvivalTarget("futime", "death", proposed=True),)
    assert survival_targets(patients().schema, Purpose()) == ()


def test_names_are_paired_by_their_first_letter() -> None:
    two = schema(number("rtime", low=0), flag("recur"), number("dtime", low=0), flag("death"))
    assert [t.name for t in survival_targets(two, Purpose())] == ["rtime ~ recur", "dtime ~ death"]
    korean = schema(number("생존기간", low=0), flag("사망여부"))
    assert [t.name for t in survival_targets(korean, Purpose())] == ["생존기간 ~ 사망여부"]
    clock = schema(number("time", low=0), Field(name="amount", kind="continuous"), flag("fraud"))
    assert survival_targets(clock, Purpose()) == ()


@pytest.mark.parametrize("pair", ["age", "age ~ ", "nobody ~ died", "stage ~ died"])
def test_what_cannot_be_a_survival_target_is_refused(pair: str) -> None:
    with pytest.raises(SchemaError):
        survival_targets(WORLD.schema, Purpose(survival=(pair,)))


def test_what_an_event_is() -> None:
    def levels(*texts: str) -> Field:
        return Field(name="status", kind="categorical", levels=texts)

    codes = np.array([0.0, 1.0, np.nan])
    for texts, wanted in (
        (("alive", "dead"), [0, 1]),
        (("dead", "alive"), [1, 0]),
        (("0", "1"), [0, 1]),
        (("x", "y"), [0, 1]),
        (("사망", "생존"), [1, 0]),
    ):
        found = happened(codes, levels(*texts))
        assert found[:2].tolist() == wanted
        assert np.isnan(found[2])
    causes = happened(np.array([0.0, 1, 2, 3]), levels("censored", "heart", "cancer"))
    assert causes[:3].tolist() == [0, 1, 1]
    assert np.isnan(causes[3])
    assert happened(np.array([0.0, 1.0, 2.0]), number("status")).tolist() == [0, 1, 1]


def case(synthetic: Any = None, n: int = 600) -> Case[Any]:
    train = WORLD.draw(n, 1)
    return Case(
        train=train, holdout=WORLD.draw(n, 2), synthetic=synthetic or WORLD.draw(n, 3), purpose=WORLD.purpose
    )  # fmt: skip


def test_the_distance_is_that_of_the_product_limit_curves() -> None:
    c = case(n=300)  # few enough times to read the curves at every one
    assert c.holdout is not None
    found = {e.subject: e for e in KaplanMeier().measure(c, seed=1)}
    a, b = (t.frame for t in (c.train, c.synthetic))
    curves = [kaplan_meier(f["days"].to_numpy(dtype=float), f["died"].to_numpy(dtype=bool)) for f in (a, b)]
    ends = [np.sort(t.frame["days"].to_numpy(dtype=float))[-15] for t in (c.train, c.holdout)]
    at = np.arange(0, min(ends) + 1)
    gap = np.abs(curves[0].at(at) - curves[1].at(at))
    assert found["days ~ died"].estimate == pytest.approx(gap.max(), abs=1e-12)
    assert found["days ~ died area"].estimate == pytest.approx(gap[:-1].mean(), abs=1e-6)
    assert found["all"].estimate == found["days ~ died"].estimate
    shown = found["all"].detail["curves"][0]
    assert np.allclose(shown["train"], curves[0].at(np.array(shown["time"])), atol=1e-4)
    assert shown["censored"]["train"] == int((~a["died"].astype(bool)).sum())


def test_calibrated_on_fresh_records_and_noise() -> None:
    names = ["table.kaplan_meier", "table.concordance"]
    found = [
        t
        for split in SPLITS
        for generator in ("fresh", "noise")
        for seed in SEEDS
        for t in trials(WORLD, split, generator, seed, n=1100, names=names, run=Run(workers=1))
    ]
    rows = [r for r in summary(found) if r["holds"] is not None]
    assert {r["metric"] for r in rows} == set(names)
    assert [r for r in rows if not r["holds"]] == []
    equal = [r for r in summary(found) if r["generator"] == "fresh" and r["split"] == "equal"]
    assert all(r["covered"] >= fewest_covered(r["measured"]) for r in equal)


def test_time_and_event_torn_apart_are_seen() -> None:
    torn = WORLD.draw(2000, 3)
    torn = torn.with_frame(torn.frame.assign(died=torn.frame["died"].to_numpy()[::-1]))
    for synthetic, worse in ((torn, True), (WORLD.draw(2000, 3), False)):
        for e in KaplanMeier().measure(case(synthetic, 2000), seed=1):
            assert against_reference(e, "lower")[0] is worse, e.subject


def test_no_events_no_target_no_holdout() -> None:
    alive = WORLD.draw(200, 1)
    alive = alive.with_frame(alive.frame.assign(died=pd.array([False] * 200, dtype="boolean")))
    c = Case(train=alive, holdout=WORLD.draw(200, 2), synthetic=WORLD.draw(200, 3), purpose=WORLD.purpose)
    assert [e.outcome for e in KaplanMeier().measure(c, seed=1)] == ["insufficient", "insufficient"]
    assert {e.outcome for e in Concordance().measure(c, seed=1)} == {"insufficient"}
    bare = replace(case(), holdout=None)
    first = KaplanMeier().measure(bare, seed=1)[0]
    assert first.outcome == "measured"
    assert first.reference is None
    assert Concordance().measure(bare, seed=1)[0].outcome == "insufficient"
    other = Case(train=patients().draw(60, 1), holdout=None, synthetic=patients().draw(60, 2), purpose=Purpose())
    for metric in (KaplanMeier(), Concordance()):
        assert metric.applies(other.train.schema, other.purpose)
        assert metric.measure(other, seed=1)[0].outcome == "not_applicable"


def test_generators_that_keep_relations_keep_survival_and_marginals_do_not() -> None:
    gaps, ranks = {}, {}
    for cls in (CartChain, BayesNet, Marginals):
        train = WORLD.draw(1500, 1)
        c = Case(
            train=train,
            holdout=WORLD.draw(1500, 2),
            synthetic=cls(random_state=1).fit(train).sample(1500, seed=2),
            purpose=WORLD.purpose,
        )
        gaps[cls] = float(KaplanMeier().measure(c, seed=1)[0].estimate or 0.0)
        ranks[cls] = float(Concordance().measure(c, seed=1)[0].estimate or 0.0)
    assert max(gaps[CartChain], gaps[BayesNet]) < 0.1 < gaps[Marginals]
    assert max(ranks[CartChain], ranks[BayesNet]) < 0.1 < ranks[Marginals]


@pytest.mark.parametrize(
    ("name", "pairs"), [("flchain", ["futime ~ death"]), ("rotterdam", ["rtime ~ recur", "dtime ~ death"])]
)
def test_real_survival_tables_are_recognised(data_dir: Path, name: str, pairs: list[str]) -> None:
    from synthproof.pipeline.face import read

    table = read(data_dir / f"survival_{name}" / "data.parquet")
    assert [t.name for t in survival_targets(table.schema, Purpose())] == pairs
