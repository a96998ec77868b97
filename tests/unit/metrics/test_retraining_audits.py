"""Canaries and shadow models against generators whose answer is known: copies are shown, marginals and strangers are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats as st

from synthproof.core.contracts import Case, Recipe
from synthproof.core.models import recipe_of
from synthproof.core.random import derive
from synthproof.core.registry import metrics, policies
from synthproof.core.run import Event, Run
from synthproof.data.table.dataset import Table
from synthproof.data.table.declared import check_rules
from synthproof.data.table.union import union
from synthproof.metrics.table.canaries import SUBJECTS, Canaries
from synthproof.metrics.table.canary_law import canaries
from synthproof.metrics.table.shadow_features import Attack, left_out_scores
from synthproof.metrics.table.shadow_membership import ShadowMembership
from synthproof.policy.load import load_policy
from synthproof.synthesizers.table.auto import Auto
from synthproof.testing.references import copycat
from synthproof.testing.worlds import World, patients, survey, visits

WORLD = patients()
Draw = Callable[[Table, int, int], Table]


class Machine:
    """A generator that is one function of what it learned from."""

    def __init__(self, draw: Draw, log: list[Table]) -> None:
        self.draw, self.log, self.seed = draw, log, 0

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"random_state": None}

    def set_params(self, **params: Any) -> Machine:
        self.seed = params["random_state"]
        return self

    def fit(self, data: Table, /, *, run: Run | None = None) -> Machine:
        self.data = data
        self.log.append(data)
        return self

    def sample(self, n: int, /, *, seed: int, run: Run | None = None) -> Table:
        return self.draw(self.data, n, seed)


class Known(Recipe):
    """A recipe of a `Machine`."""

    def build(self) -> Any:
        return Machine(self.params["draw"], self.params.get("log", []))


def of(draw: Draw, log: list[Table] | None = None) -> Recipe:
    return Known(name="known", params={"draw": draw, "log": [] if log is None else log})


def strangers(world: World = WORLD) -> Recipe:
    return of(lambda _, n, seed: world.draw(n, seed))


def case(recipe: Recipe | None, n: int = 400, world: World = WORLD, seed: int = 1) -> Case[Table]:
    return Case(
        train=world.draw(n, seed),
        holdout=None,
        synthetic=world.draw(n, derive(seed, "released")),
        purpose=world.purpose,
        recipe=recipe,
    )


@cache
def planted(name: str) -> dict[str, Any]:
    recipe = of(copycat) if name == "copycat" else Recipe(name=name)
    return {e.subject: e for e in Canaries().measure(case(recipe, 1_000), seed=3)}


@cache
def shadowed(name: str) -> dict[str, Any]:
    recipe = of(copycat) if name == "copycat" else Recipe(name=name)
    return {e.subject: e for e in ShadowMembership().measure(case(recipe, 500), seed=3)}


def test_canaries_show_a_copycat() -> None:
    found = planted("copycat")
    assert tuple(found) == SUBJECTS
    assert found["all"].interval[0] > 0.8
    assert found["all"].detail["rank_test_p"] < 1e-6
    assert found["guesses"].interval[0] > 0.7
    told = found["guesses"].detail
    assert 1.0 < told["epsilon_lower_bound"] <= told["epsilon_ceiling"]
    assert told["canaries_inside"] + told["canaries_outside"] == 200


def test_canaries_do_not_show_marginals() -> None:
    found = planted("table.marginals")
    for e in found.values():
        assert e.interval[0] <= 0.5 <= e.interval[1]
    assert found["all"].detail["rank_test_p"] > 0.01
    assert found["guesses"].detail["epsilon_lower_bound"] == 0.0


def test_canaries_leave_a_generator_alone_that_does_not_learn() -> None:
    alarms = sum(
        e.interval[0] > 0.5
        for s in range(12)
        for e in Canaries().measure(case(strangers(), 250, seed=s), seed=s)
        if e.interval is not None
    )
    assert alarms <= st.binom.ppf(1 - 1e-4, 24, 0.05)


def test_shadow_models_show_a_copycat() -> None:
    found = shadowed("copycat")
    for subject in ("all", "exposed", "guesses", "exposed, guesses"):
        assert found[subject].interval[0] > 0.8, subject
        told = found[subject].detail
        assert 1.5 < told["epsilon_lower_bound"] <= told["epsilon_ceiling"]
    assert found["TPR at 1 % FPR"].interval[0] > 0.5
    assert found["TPR at 1 % FPR"].reference < 0.05
    assert found["all"].n == 100
    assert len(found["exposed"].private["train_units_most_recognised"]) == 20


def test_shadow_models_do_not_show_marginals() -> None:
    found = shadowed("table.marginals")
    for subject in ("all", "exposed", "guesses", "exposed, guesses"):
        assert found[subject].interval[0] <= 0.5 <= found[subject].interval[1], subject
    for subject in ("TPR at 1 % FPR", "exposed, TPR at 10 % FPR"):
        assert found[subject].interval[0] <= found[subject].reference_interval[1]


def test_shadow_models_see_one_person_who_is_handed_out() -> None:
    # Half of the synthetic records are the loneliest training person's: only that person leaks, and is known by it.
    table = case(None, 300).train
    old = table.frame.assign(cost=np.where(np.arange(300) == 7, 99_999.0, table.frame["cost"].clip(upper=90_000)))
    table = table.with_frame(old)

    def draw(data: Table, n: int, seed: int) -> Table:
        new = WORLD.draw(n, seed)
        lonely = np.flatnonzero(data.frame["cost"].to_numpy() == 99_999.0)
        kept = new.take(np.arange(n - 20 * len(lonely)))
        return union([kept, *[data.take(lonely)] * 20]) if len(lonely) else new

    c = replace(case(of(draw), 300), train=table)
    found = {e.subject: e for e in ShadowMembership(exposed=5, targets=20, further=6).measure(c, seed=2)}
    assert found["exposed"].private["train_units_most_recognised"][0] == 7
    assert found["all"].interval[0] <= 0.5


def test_what_the_models_learn_from() -> None:
    log: list[Table] = []
    c = case(of(copycat, log), 250)
    Canaries().measure(c, seed=4)
    assert len(log) == 1
    assert 250 + 70 < len(log[0]) < 250 + 130
    log.clear()
    ShadowMembership(shadows=4, further=2).measure(c, seed=4)
    assert len(log) == 6
    assert all(250 - 120 < len(t) < 250 for t in log)
    assert {t.schema.names for t in log} == {c.train.schema.names}


def test_the_cost_is_said_beforehand_and_what_is_left_afterwards() -> None:
    events: list[Event] = []
    c = case(Recipe(name="table.marginals"), 250)
    ShadowMembership(shadows=4, further=2).measure(c, seed=4, run=Run(events.append, workers=1))
    said = [i for i, e in enumerate(events) if e.task == "estimate"]
    fits = [i for i, e in enumerate(events) if e.task == "table.shadow_membership/fits"]
    assert len(said) == 1
    assert said[0] < fits[0]
    assert "6" in str(events[said[0]].facts["en"])
    assert "6회" in str(events[said[0]].facts["ko"])
    assert [events[i].done for i in fits] == [1, 2, 3, 4, 5, 6]
    assert events[fits[-1]].facts["seconds_left"] == 0.0


@pytest.mark.parametrize("metric", [Canaries(), ShadowMembership()])
def test_what_cannot_be_said_is_not_said(metric: Any) -> None:
    few = case(Recipe(name="table.marginals"), 150)

    def breaks(_data: Table, _n: int, _seed: int) -> Table:
        raise ZeroDivisionError("a secret value")

    for broken, word in (
        (replace(few, recipe=None), "not known"),
        (case(Recipe(name="another.tool"), 250), "not known"),
        (few, "at least 2"),
        (case(of(breaks), 250), "ZeroDivisionError"),
    ):
        found = metric.measure(broken, seed=1)
        assert {e.outcome for e in found} == {"insufficient"}
        assert all(word in e.caveat.en and "secret" not in e.caveat.en for e in found)


def test_a_person_with_several_rows_is_one_canary() -> None:
    world = visits()
    e = Canaries().measure(case(of(copycat), 250, world), seed=1)[0]
    assert e.detail["canaries_inside"] + e.detail["canaries_outside"] == 200
    assert e.interval is not None
    assert e.interval[0] > 0.5
    assert e.n <= 200


def test_the_law_of_canaries_stays_within_the_table() -> None:
    train = WORLD.draw(400, 1)
    made = canaries(train, 200, seed=1, run=Run(workers=1))
    assert made is not None
    assert len(made) == 200
    for f in train.schema.fields:
        if f.numeric:
            assert made.frame[f.name].min() >= train.frame[f.name].min()
            assert made.frame[f.name].max() <= train.frame[f.name].max()
        else:
            assert set(made.frame[f.name].astype(str)) <= set(train.frame[f.name].astype(str))
    both = union([train, made]).frame.astype(str)
    assert not both.duplicated(keep=False).iloc[400:].any()
    narrow = survey().draw(400, 1)
    one = narrow.with_frame(narrow.frame.iloc[[0] * 400])
    assert canaries(one, 200, seed=1, run=Run(workers=1)) is None


def test_the_law_of_canaries_keeps_declared_rules() -> None:
    from synthproof.core.constraints import Constraint

    train = WORLD.draw(400, 1)
    schema = replace(train.schema, constraints=(Constraint.parse("cost >= glucose"),))
    kept = train.frame[train.frame["cost"] >= train.frame["glucose"]]
    made = canaries(train.with_frame(kept, schema), 200, seed=1, run=Run(workers=1))
    assert made is not None
    assert [c.broken for c in check_rules(made)] == [0]


def test_the_attack_learns_each_targets_own_movement() -> None:
    g = np.random.default_rng(1)
    inside = g.random((12, 30)).argsort(axis=0) < 6
    moves = np.where(np.arange(30) < 15, 3.0, -3.0)  # some targets are seen by less, some by more
    seen = g.standard_normal((12, 30, 4))
    seen[:, :, 1] += inside * moves
    strata = (np.arange(30) >= 15).astype(np.intp)
    attack = Attack.learn(seen, inside, strata)
    truth = g.random((40, 30)) < 0.5
    new = g.standard_normal((40, 30, 4))
    new[:, :, 1] += truth * moves
    assert ((attack.scores(new) > 0) == truth).mean() > 0.85
    assert ((left_out_scores(seen, inside, strata) > 0) == inside).mean() > 0.85


def test_a_policy_of_ones_own_plans_them_and_the_model_is_built_again() -> None:
    ours = {"table.canaries", "table.shadow_membership"}
    assert ours <= set(metrics.names())
    for name in policies.names():
        assert not ours & {p.metric for p in load_policy(name).planned}, name  # they retrain: nobody is made to
    chosen = Auto(candidates=("table.marginals",), random_state=1).fit(WORLD.draw(300, 1))
    recipe = recipe_of(chosen)
    assert recipe.name == "table.marginals"
    assert recipe.build().fit(WORLD.draw(50, 1)).sample(5, seed=1).n_rows == 5
    fitted = recipe.build().set_params(min_shared=7)
    assert recipe_of(fitted).params["min_shared"] == 7
