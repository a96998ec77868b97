"""The Bayesian network: its structure, its probabilities, and conditions met inside it."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import ConditionError, NotFittedError
from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.synthesizers.table.bayes_net import BayesNet
from synthproof.synthesizers.table.columns.backoff import count_node
from synthproof.synthesizers.table.columns.parents import choose_parents, views_for
from synthproof.testing.synthesizers import example
from synthproof.testing.worlds import adult_like

LEVELS = ("a", "b", "c", "d")


def dice(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def levels(columns: dict[str, Any], **more: Field) -> Table:
    fields = [more.get(n, Field(name=n, kind="categorical", levels=LEVELS)) for n in columns]
    made = {}
    for f in fields:
        values = columns[f.name]
        made[f.name] = pd.Series(np.array(LEVELS)[values] if f.levelled else values).astype(canonical_dtype(f))
    return Table(pd.DataFrame(made), Schema(fields=tuple(fields)))


def chain(n: int = 4000, seed: int = 1) -> Table:
    """x → y → z, and e that knows nothing; w is a function of z."""
    g = dice(seed)
    x = g.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    y = np.where(g.random(n) < 0.75, x, g.integers(0, 4, n))
    z = np.where(g.random(n) < 0.75, (y + 1) % 4, g.integers(0, 4, n))
    return levels({"x": x, "y": y, "z": z, "e": g.integers(0, 4, n), "w": 3 - z})


def every_row(model: BayesNet) -> Table:
    """Return all combinations of levels, one row each."""
    names = list(model.schema_.names)
    cells = np.array(list(product(range(4), repeat=len(names))))
    return levels({name: cells[:, j] for j, name in enumerate(names)})


def test_the_structure_is_found_and_independence_costs_no_parent() -> None:
    model = BayesNet(random_state=0).fit(chain())
    assert model.parents_["e"] == ()
    assert not any("e" in given for given in model.parents_.values())
    linked = {frozenset((a, b)) for a, given in model.parents_.items() for b in given}
    assert {frozenset("xy"), frozenset("zw")} <= linked
    assert frozenset("xz") not in linked
    assert frozenset("xw") not in linked


def test_probabilities_of_all_rows_add_up_to_one_and_match_the_draws() -> None:
    model = BayesNet(random_state=0).fit(chain())
    rows = every_row(model)
    p = np.exp(model.log_prob(rows))
    # A combination of probability 0 (w is a function of z) counts as half a time seen: leave those out.
    possible = (rows.frame["w"].cat.codes + rows.frame["z"].cat.codes).to_numpy() == 3
    assert p[possible].sum() == pytest.approx(1.0, abs=1e-9)
    drawn = model.sample(60_000, seed=3).frame
    key = rows.frame.astype(str).agg("".join, axis=1)
    share = drawn.astype(str).agg("".join, axis=1).value_counts(normalize=True).reindex(key).fillna(0.0).to_numpy()
    # Expected total variation of n draws over k cells is about sqrt(k / (2 π n)).
    assert np.abs(share - p)[possible].sum() / 2 < 3 * np.sqrt(possible.sum() / (2 * np.pi * 60_000))
    assert share[~possible].sum() == 0


@pytest.mark.parametrize(
    "where", [{"z": "a"}, {"x": "d", "z": ["b", "c"]}, {"w": "a", "x": "a"}, {"x": "d", "y": "a", "z": "d", "e": "a"}]
)
def test_conditions_are_met_and_the_rest_follows_the_networks_own_conditional(where: dict[str, Any]) -> None:
    model = BayesNet(random_state=0).fit(chain())
    rows = every_row(model)
    p = np.exp(model.log_prob(rows))
    p *= (rows.frame["w"].cat.codes + rows.frame["z"].cat.codes).to_numpy() == 3
    for name, wanted in where.items():
        p *= rows.frame[name].isin([wanted] if isinstance(wanted, str) else wanted).to_numpy()
    p /= p.sum()
    drawn = model.sample(30_000, where=where, seed=5).frame
    key = rows.frame.astype(str).agg("".join, axis=1)
    share = drawn.astype(str).agg("".join, axis=1).value_counts(normalize=True).reindex(key).fillna(0.0).to_numpy()
    assert share[p == 0].sum() == 0
    # Four rows of the pool stand behind a drawn one, so that draws are worth a half of their number at least.
    assert np.abs(share - p).sum() / 2 < 3 * np.sqrt((p > 0).sum() / (2 * np.pi * 15_000))


def test_rare_conditions_are_drawn_by_foresight_and_impossible_ones_refused_with_their_probability() -> None:
    g = dice(2)
    n = 20_000
    x = np.where(g.random(n) < 0.002, 3, g.integers(0, 3, n))
    y = np.where(x == 3, 3, g.integers(0, 3, n))
    model = BayesNet(random_state=0).fit(levels({"x": x, "y": y, "z": g.integers(0, 4, n)}))
    drawn = model.sample(5000, where={"y": "d"}, seed=1).frame
    assert (drawn["y"] == "d").all()
    assert (drawn["x"] == "d").all()
    assert drawn["z"].value_counts(normalize=True).min() > 0.2
    with pytest.raises(ConditionError) as refused:
        model.sample(10, where={"x": "d", "y": "a"}, seed=1)
    assert refused.value.code == "condition/impossible"
    assert "0" in str(refused.value)


def test_exact_dependencies_between_columns_stay_exact() -> None:
    g = dice(4)
    code = g.choice(16, 5000, p=np.arange(1, 17) / np.arange(1, 17).sum())
    fields = (
        Field(name="school", kind="categorical", levels=tuple(f"s{i}" for i in range(16))),
        Field(name="years", kind="integer", low=0, high=15),
    )
    frame = pd.DataFrame(
        {
            "school": pd.Series([f"s{i}" for i in code]).astype(canonical_dtype(fields[0])),
            "years": pd.Series(code).astype(canonical_dtype(fields[1])),
        }
    )
    drawn = BayesNet(random_state=0).fit(Table(frame, Schema(fields=fields))).sample(20_000, seed=2).frame
    assert (drawn["school"].str.removeprefix("s").astype(int) == drawn["years"].astype(int)).all()


def test_log_prob_ranks_rows_of_the_law_above_rows_torn_apart() -> None:
    world = adult_like()
    model = BayesNet(random_state=0).fit(world.draw(4000, 1))
    fresh = world.draw(2000, 2)
    torn = fresh.with_frame(fresh.frame.assign(age=fresh.frame["age"].to_numpy()[::-1]))
    a, b = model.log_prob(fresh), model.log_prob(torn)
    assert np.isfinite(a).all()
    assert (a - b).mean() > 3 * (a - b).std() / np.sqrt(2000)


def test_values_that_were_never_seen_cost_but_do_not_break() -> None:
    model = BayesNet(random_state=0).fit(chain())
    rows = chain(20, seed=9)
    column = rows.frame["x"].copy()
    column.iloc[0] = None
    odd = rows.with_frame(rows.frame.assign(x=column))
    assert model.log_prob(odd)[0] < model.log_prob(rows)[0]
    assert np.array_equal(model.log_prob(odd)[1:], model.log_prob(rows)[1:])


def test_a_conditioned_column_of_many_bins_keeps_its_range_and_its_shape() -> None:
    model = BayesNet(random_state=0).fit(example(2000))
    whole = model.sample(100_000, seed=1).frame
    drawn = model.sample(4000, where={"amount": {"min": 2000.0, "max": 4000.0}}, seed=1).frame
    inside = whole[whole["amount"].between(2000, 4000)]
    assert drawn["amount"].between(2000, 4000).all()
    assert abs(drawn["age"].mean() - inside["age"].mean()) < 5 * inside["age"].std() * np.sqrt(
        1 / 2000 + 1 / len(inside)
    )
    assert abs(drawn["amount"].median() - inside["amount"].median()) < 100


def test_asked_before_fit() -> None:
    with pytest.raises(NotFittedError):
        BayesNet().log_prob(chain(20))


def test_parents_are_chosen_by_what_they_tell_of_unseen_rows() -> None:
    g = dice(6)
    n = 2000
    told, silent = g.integers(0, 4, n), g.integers(0, 4, n)
    x = np.where(g.random(n) < 0.8, told, g.integers(0, 4, n))
    candidates = [(v, v.table[z]) for k, z in ((0, told), (1, silent)) for v in views_for(x, 4, z, 4, k, (2,))]
    chosen = choose_parents(x, 4, candidates, most=3, least=10)
    assert [view.node for view, _ in chosen] == [0]
    assert chosen[0][0].size == 4
    node = count_node({0: told}, x, 4, chosen, own=None, least=10)
    assert node.parents == (0,)
    p = node.probability(node.contexts({0: told}, n), x)
    table = np.zeros((4, 4))
    np.add.at(table, (told, x), 1.0)
    a = chosen[0][1]
    wanted = (table[told, x] + a * table.sum(axis=0)[x] / n) / (table.sum(axis=1)[told] + a)
    assert np.allclose(p, wanted)
