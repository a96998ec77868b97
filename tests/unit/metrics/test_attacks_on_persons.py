from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from synthproof.core.contracts import Case
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.stats import newcombe
from synthproof.data.table.dataset import Table
from synthproof.engines.predicates import MANY, NOBODY, Index
from synthproof.metrics.table.disclosure import Disclosure
from synthproof.metrics.table.exchangeable import bound_words, of_attacks, of_targets
from synthproof.metrics.table.linkability import Linkability
from synthproof.metrics.table.near_copies import NearCopies
from synthproof.metrics.table.reidentification import Reidentification, inverse_class_size
from synthproof.metrics.table.singling_out import SinglingOut
from synthproof.testing.references import fresh
from synthproof.testing.worlds import patients, survey, visits

LEVELS = ("a", "b", "c", "d", "e")
SCHEMA = Schema(
    fields=(
        Field(name="k", kind="categorical", levels=LEVELS),
        Field(name="t", kind="categorical", levels=("x", "y")),
    )
)
PURPOSE = Purpose(quasi_identifiers=("k",), sensitive=("t",))


def table(pairs: str) -> Table:
    k, t = zip(*pairs.split(), strict=True)
    columns = {"k": pd.CategoricalDtype(list(LEVELS)), "t": pd.CategoricalDtype(["x", "y"])}
    frame = pd.DataFrame({name: pd.Series(v).astype(columns[name]) for name, v in (("k", k), ("t", t))})
    return Table(frame, SCHEMA)


def case(train: str, holdout: str, synthetic: str) -> Case[Table]:
    return Case(train=table(train), holdout=table(holdout), synthetic=table(synthetic), purpose=PURPOSE)


def test_an_index_answers_as_a_scan_does() -> None:
    g = np.random.default_rng(1)
    ranks = g.integers(0, [[4], [9], [30]], (3, 400)).astype(np.int32)
    units = g.integers(0, 300, 400)
    counts = np.array([4, 9, 30])
    index = Index.of(ranks, units, counts)
    columns = np.argsort(g.random((500, 3)), axis=1).astype(np.int32)
    columns[::3, 2] = -1
    low = g.integers(0, counts[np.maximum(columns, 0)]).astype(np.int32)
    high = np.minimum(low + g.integers(0, 3, low.shape), counts[np.maximum(columns, 0)] - 1).astype(np.int32)
    found = index.single(columns, low, high)
    for q in range(500):
        match = np.ones(400, dtype=bool)
        for j, a, b in zip(columns[q], low[q], high[q], strict=True):
            if j >= 0:
                match &= (ranks[j] >= a) & (ranks[j] <= b)
        who = np.unique(units[match])
        assert found[q] == (NOBODY if len(who) == 0 else who[0] if len(who) == 1 else MANY)
    assert {NOBODY, MANY} < set(found.tolist())


def brute_credit(a: np.ndarray, b: np.ndarray, k: int) -> float:
    def worth(d: np.ndarray) -> np.ndarray:
        last = np.sort(d)[k - 1]
        nearer, tied = d < last, d == last
        return nearer + tied * (k - nearer.sum()) / tied.sum()

    return min(1.0, float((worth(a) * worth(b)).sum()))


@pytest.mark.parametrize("k", [1, 3])
def test_linking_shares_ties_as_by_hand(k: int) -> None:
    from synthproof.engines.link_kernels import link
    from synthproof.engines.neighbours import tiled

    g = np.random.default_rng(k)
    n, d = 1500, 4
    rows, queries = (g.integers(0, 3, (m, d)).astype(np.float32) for m in (n, 40))
    members = np.array([[[0, 1, 0, 0], [2, 3, 0, 0]], [[3, 0, 0, 0], [1, 2, 0, 0]], [[1, 0, 0, 0], [0, 2, 3, 0]]])
    counts = np.array([[2, 2], [2, 2], [1, 3]])
    credit = np.empty((40, 3))
    weights = np.ones(d, dtype=np.float32)
    link(queries, tiled(rows), weights, n, members.astype(np.int32), counts.astype(np.int32), k, credit)
    for q in range(40):
        parts = np.minimum(np.abs(rows - queries[q]), 1.0)
        for s in range(3):
            a, b = (parts[:, members[s, h, : counts[s, h]]].sum(axis=1) for h in (0, 1))
            assert credit[q, s] == pytest.approx(brute_credit(a, b, k))


def test_population_classes_by_their_closed_form() -> None:
    p = 0.1
    assert inverse_class_size(np.array([1]), p)[0] == pytest.approx(p / (1 - p) * math.log(1 / p))
    # Negative binomial, summed term by term.
    sizes = np.arange(3, 4000)
    logs = [math.lgamma(h) - math.lgamma(3) - math.lgamma(h - 2) for h in sizes]
    weights = np.exp(np.array(logs) + 3 * math.log(p) + (sizes - 3) * math.log(1 - p))
    assert inverse_class_size(np.array([3]), p)[0] == pytest.approx(float((weights / sizes).sum()), rel=1e-9)
    assert inverse_class_size(np.array([4]), 1.0)[0] == 0.25


def test_repu_and_disco_by_hand() -> None:
    found = Disclosure().measure(case("ax bx cy dy dy", "ax ey ex", "ax bx bx cy dy dx"), seed=0)
    repu, disco = found
    assert [e.subject for e in found] == ["RepU", "DiSCO: t"]
    # One synthetic unit each: a and c; unique in train: a, b, c; unique in train and holdout together: b, c.
    assert repu.detail["repu"]["train"]["estimate"] == pytest.approx(2 / 5)
    assert repu.detail["unique_on_keys"]["train"] == pytest.approx(3 / 5)
    assert repu.detail["train_rate"] == pytest.approx(1 / 5)
    assert repu.estimate == pytest.approx(1 / 5)
    # Unanimous classes: a = x, b = x, c = y; all right for train's a, b, c; for the holdout's a.
    assert disco.detail["disco"]["train"]["estimate"] == pytest.approx(3 / 5)
    assert disco.detail["disco"]["holdout"]["estimate"] == pytest.approx(1 / 3)
    assert disco.detail["original_disclosive"] == pytest.approx(1.0)
    assert disco.estimate == pytest.approx(3 / 5 - 1 / 3)
    assert disco.private["train_rows"] == [0, 1, 2]


def test_an_innocent_attack_lands_by_the_size_of_the_sets() -> None:
    g = np.random.default_rng(3)
    hits = (g.random(2000) < 0.3) / 600
    wide = of_attacks(hits[:1800], hits[1800:], 1800, 200, 600)
    assert wide.low < 0 < wide.high
    rate, control = hits[:1800].sum(), hits[1800:].sum() * 9
    assert wide.estimate == pytest.approx(rate - control)
    assert of_attacks(hits, np.zeros(500), 2000, 500, 600).low > 0
    assert of_attacks(np.zeros(500), hits, 500, 2000, 600).surely_below < 0


def test_targets_of_single_rows_have_newcombes_interval() -> None:
    train, control = np.array([1.0] * 30 + [0.0] * 70), np.array([1.0] * 5 + [0.0] * 45)
    found = of_targets(train, np.arange(100), control, np.arange(50))
    n, m = 99.0, 49.0  # the variance by unit has one degree of freedom less
    assert (found.low, found.high) == pytest.approx(newcombe(0.3 * n, n, 0.1 * m, m))
    # Each person ten times: the interval is that of the persons.
    ten = of_targets(np.repeat(train, 10), np.repeat(np.arange(100), 10), control, np.arange(50))
    assert (ten.low, ten.high) == pytest.approx((found.low, found.high))


def test_no_hit_says_what_0_04_percent_would_need() -> None:
    words = bound_words(0, 1000)
    assert words is not None
    assert "0.30%" in words.en
    assert "7,488" in words.en
    assert "7,488" in words.ko
    assert bound_words(1, 1000) is None


def test_a_larger_population_lowers_the_risk() -> None:
    world = patients()
    parts = {"train": world.draw(400, 1), "holdout": world.draw(400, 2), "synthetic": world.draw(400, 3)}

    def risk(population: int | None) -> float:
        found = Reidentification(population).measure(Case(**parts, purpose=world.purpose), seed=0)[0]
        assert found.estimate is not None
        assert found.detail["convention"] == 0.09
        return found.estimate

    assert 0 < risk(1_000_000) < risk(8_000) < risk(None)


def test_recognition_without_a_holdout_has_no_reference() -> None:
    world = patients()
    alone = Case(train=world.draw(200, 1), holdout=None, synthetic=world.draw(200, 3), purpose=world.purpose)
    found = Reidentification().measure(alone, seed=0)[0]
    assert found.outcome == "measured"
    assert found.reference is None


@pytest.mark.parametrize("metric", [Disclosure(), Reidentification()])
def test_without_quasi_identifiers_it_does_not_apply(metric: Disclosure | Reidentification) -> None:
    assert metric.applies(SCHEMA, Purpose())
    bare = Case(train=table("ax"), holdout=table("bx"), synthetic=table("ax"), purpose=Purpose())
    assert metric.measure(bare, seed=0)[0].outcome == "not_applicable"


def test_what_cannot_be_measured_is_not_called_low() -> None:
    world = survey()
    few = Case(train=world.draw(300, 1), holdout=world.draw(300, 2), synthetic=fresh(world, 300, 3), purpose=Purpose())
    for metric in (SinglingOut(), NearCopies()):
        for e in metric.measure(few, seed=0):
            assert e.outcome == "insufficient"
            assert e.caveat is not None
    asked = SinglingOut().measure(few, seed=0)[1]
    assert "of 10,000" in str(asked.caveat)


def test_named_split_follows_the_quasi_identifiers() -> None:
    world = visits()
    found = Linkability(splits=3).measure(
        Case(train=world.draw(80, 1), holdout=world.draw(80, 2), synthetic=world.draw(80, 3), purpose=world.purpose),
        seed=0,
    )
    assert [e.subject for e in found] == ["random splits", "quasi-identifiers | rest"]
    assert found[1].detail["first_file"] == ["ward"]
