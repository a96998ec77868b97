from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.stats import auc_interval, wilson
from synthproof.data.table.dataset import Table
from synthproof.metrics.table.nearer_than_unseen import NearerThanUnseen, auc_by_unit
from synthproof.metrics.table.pipc_inference import PipcInference
from synthproof.testing.references import copycat, fresh, noise, partial_copycat
from synthproof.testing.worlds import World, adult_like, patients, survey, visits, worlds

LINE = Schema(fields=(Field(name="x", kind="integer"),))


def line(*values: float) -> Table:
    return Table(pd.DataFrame({"x": pd.array([int(v) for v in values], dtype="Int64")}), LINE)


def case(world: World, n_train: int, n_holdout: int, kind: str, seed: int = 1) -> Case[Table]:
    train, holdout = world.draw(n_train, 10 * seed), world.draw(n_holdout, 10 * seed + 1)
    new = fresh(world, n_train, 10 * seed + 2)
    made = {
        "fresh": lambda: new,
        "copycat": lambda: copycat(train, n_train, seed),
        "tenth": lambda: partial_copycat(train, new, 0.1, seed),
        "noise": lambda: noise(train, n_train, seed),
    }[kind]()
    return Case(train=train, holdout=holdout, synthetic=made, purpose=world.purpose)


def low(e: Evidence) -> float:
    assert e.interval is not None
    return e.interval[0]


def test_inference_by_hand() -> None:
    # Originals 0, 10, 20, 20, 100: gaps to the nearest other are 10, 10, 0, 0, 80.
    train = line(0, 10, 20, 20, 100)
    # 3: dS 3 < 10 closer; 20: dS 0 = dO 0 tie; 21: dS 1 > 0 farther; 60: nearest is 20 (equally 100, later), 40 > 0;
    # 100: 0 < 80 closer; -10: dS 10 = dO 10 tie.
    found = PipcInference().measure(
        Case(train=train, holdout=None, synthetic=line(3, 20, 21, 60, 100, -10), purpose=Purpose()), seed=0
    )[0]
    assert found.detail["rows_counted"] == 4
    assert found.detail["rows_tied"] == 2
    assert found.estimate == pytest.approx(2 / 4)
    assert found.interval == pytest.approx(wilson(2, 4))


def test_inference_of_copies_is_one_and_of_fresh_about_a_half() -> None:
    world = patients()
    assert PipcInference().measure(case(world, 800, 200, "copycat"), seed=0)[0].estimate == 1.0
    found = PipcInference().measure(case(world, 3000, 3000, "fresh"), seed=0)[0]
    assert found.estimate is not None
    assert found.reference is not None
    # Two shares of 3,000 differ by more than 0.06 with probability below 1e-5.
    assert abs(found.estimate - found.reference) < 0.06
    assert 0.4 < found.estimate < 0.6


def test_all_ties_are_no_number() -> None:
    twice = line(1, 1)
    found = PipcInference().measure(Case(train=twice, holdout=None, synthetic=twice, purpose=Purpose()), seed=0)[0]
    assert found.outcome == "insufficient"


@pytest.mark.parametrize("sizes", [(1000, 1000), (1800, 200)])
@pytest.mark.parametrize("world", [patients(), adult_like()], ids=lambda w: w.name)
def test_copies_are_nearer_at_any_split(world: World, sizes: tuple[int, int]) -> None:
    all_, closest = NearerThanUnseen().measure(case(world, *sizes, "copycat"), seed=0)
    assert low(all_) > 0.5
    assert low(closest) > 0.5
    all_, closest = NearerThanUnseen().measure(case(world, *sizes, "tenth"), seed=0)
    assert low(closest) > 0.5


@pytest.mark.parametrize("world", [patients(), adult_like()], ids=lambda w: w.name)
def test_noise_is_far_and_no_alarm(world: World) -> None:
    for e in NearerThanUnseen().measure(case(world, 900, 300, "noise"), seed=0):
        assert e.interval is not None
        assert e.interval[1] < 0.5


@pytest.mark.parametrize("sizes", [(500, 500), (900, 100)])
@pytest.mark.parametrize("world", worlds(), ids=lambda w: w.name)
def test_fresh_records_cover_a_half(world: World, sizes: tuple[int, int]) -> None:
    repeats = 30
    found = [NearerThanUnseen().measure(case(world, *sizes, "fresh", s), seed=0) for s in range(1, repeats + 1)]
    for subject in (0, 1):
        covered = sum(e[subject].interval[0] <= 0.5 <= e[subject].interval[1] for e in found)  # type: ignore[index]
        # 95 % nominal: fewer than 23 of 30 has probability below 1e-4.
        assert covered >= 23


def test_small_holdout_says_so() -> None:
    found = NearerThanUnseen().measure(case(patients(), 200, 40, "fresh"), seed=0)
    assert [e.outcome for e in found] == ["measured", "insufficient"]


def test_auc_by_unit_is_delongs_for_single_rows_and_wider_for_clusters() -> None:
    g = np.random.default_rng(1)
    a, b = np.round(g.normal(0, 1, 300), 1), np.round(g.normal(0.2, 1, 200), 1)
    # core.stats scores positives high; ours asks which is nearer.
    expected = auc_interval(-a, -b)
    assert auc_by_unit(a, np.arange(300), b, np.arange(200)) == pytest.approx(expected, abs=1e-9)
    _, low_, high = auc_by_unit(np.repeat(a, 3), np.repeat(np.arange(300), 3), b, np.arange(200))
    _, naive_low, naive_high = auc_by_unit(np.repeat(a, 3), np.arange(900), b, np.arange(200))
    assert high - low_ > naive_high - naive_low
    assert (low_, high) == pytest.approx(expected[1:], abs=1e-3)


@pytest.mark.parametrize("metric", [PipcInference(), NearerThanUnseen()], ids=lambda m: m.card.id)
def test_row_order_does_not_matter(metric: PipcInference | NearerThanUnseen) -> None:
    base = case(survey(), 400, 150, "fresh")
    order = np.random.default_rng(5).permutation(400).astype(np.intp)
    moved = Case(
        train=base.train.take(order), holdout=base.holdout, synthetic=base.synthetic.take(order), purpose=base.purpose
    )
    for e, f in zip(metric.measure(base, seed=0), metric.measure(moved, seed=0), strict=True):
        assert e.estimate == pytest.approx(f.estimate, abs=1e-12)


def test_persons_with_several_rows_are_counted_once() -> None:
    world = visits()
    case_ = Case(train=world.draw(200, 1), holdout=world.draw(200, 2), synthetic=world.draw(200, 3), purpose=Purpose())
    for metric in (PipcInference(), NearerThanUnseen()):
        found = metric.measure(case_, seed=0)[0]
        assert found.outcome == "measured"
        assert found.n == 200


def test_a_case_made_from_another_shares_no_stale_distances() -> None:
    first = case(patients(), 300, 150, "fresh")
    for metric in (PipcInference(), NearerThanUnseen()):
        metric.measure(first, seed=0)
    second = replace(first, synthetic=copycat(first.train, 300, 1))
    assert second.cache is first.cache
    assert PipcInference().measure(second, seed=0)[0].estimate == 1.0
    assert NearerThanUnseen().measure(second, seed=0)[0].estimate == 1.0
    assert PipcInference().measure(first, seed=0)[0].estimate != 1.0
