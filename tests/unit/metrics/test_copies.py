from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthproof.core.contracts import Case
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.stats import wilson
from synthproof.data.table.dataset import Table
from synthproof.metrics.table.exact_copies import ExactCopies
from synthproof.metrics.table.pipc_singling_out import PipcSinglingOut
from synthproof.testing.references import copycat, fresh, noise, partial_copycat
from synthproof.testing.worlds import World, adult_like, patients, survey, visits, worlds
from synthproof.verification.refine import drop_exact_copies

TINY = Schema(
    fields=(
        Field(name="a", kind="continuous", decimals=1),
        Field(name="b", kind="categorical", levels=("x", "y")),
    )
)


def tiny(a: list[float], b: list[str | None]) -> Table:
    dtype = pd.CategoricalDtype(["x", "y"])
    return Table(pd.DataFrame({"a": np.asarray(a, dtype=float), "b": pd.Series(b).astype(dtype)}), TINY)


def case(world: World, n_train: int, n_holdout: int, synthetic: Table | str, seed: int = 1) -> Case[Table]:
    train, holdout = world.draw(n_train, 10 * seed), world.draw(n_holdout, 10 * seed + 1)
    made = synthetic if isinstance(synthetic, Table) else None
    if synthetic == "fresh":
        made = fresh(world, n_train, 10 * seed + 2)
    elif synthetic == "copycat":
        made = copycat(train, n_train, seed)
    elif synthetic == "tenth":
        made = partial_copycat(train, fresh(world, n_train, 10 * seed + 2), 0.1, seed)
    elif synthetic == "noise":
        made = noise(train, n_train, seed)
    assert made is not None
    return Case(train=train, holdout=holdout, synthetic=made, purpose=world.purpose)


def test_the_guides_definition_by_hand() -> None:
    train = tiny([0.1, 0.1, 0.3, np.nan], ["x", "x", "y", None])
    # 0.30000000000000004 is written 0.3; a missing value equals a missing value.
    synthetic = tiny([0.1, 0.1 + 0.2, 0.3, np.nan, 9.0], ["x", "y", "x", None, "x"])
    found = PipcSinglingOut().measure(Case(train=train, holdout=None, synthetic=synthetic, purpose=Purpose()), seed=0)[
        0
    ]
    assert found.estimate == pytest.approx(3 / 5)
    assert found.interval == pytest.approx(wilson(3, 5))
    assert found.detail["divided_by_duplicates"] == pytest.approx((0.5 + 1 + 1) / 5)
    assert found.detail["matches_of_unique_originals"] == 2
    assert found.private["synthetic_rows"] == [0, 1, 3]
    assert found.reference is None
    assert found.caveat is not None


def test_a_level_only_the_synthetic_table_knows_is_not_a_missing_value() -> None:
    train = tiny([0.1], [None])
    wide = Schema(fields=(TINY.fields[0], Field(name="b", kind="categorical", levels=("x", "y", "new"))))
    frame = pd.DataFrame({"a": [0.1], "b": pd.Series(["new"]).astype(pd.CategoricalDtype(["x", "y", "new"]))})
    found = PipcSinglingOut().measure(
        Case(train=train, holdout=None, synthetic=Table(frame, wide), purpose=Purpose()), seed=0
    )[0]
    assert found.estimate == 0.0


@pytest.mark.parametrize("world", worlds(), ids=lambda w: w.name)
@pytest.mark.parametrize("sizes", [(1500, 1500), (2700, 300)])
def test_verbatim_copies_are_found_at_any_split(world: World, sizes: tuple[int, int]) -> None:
    found = {e.subject: e for e in ExactCopies().measure(case(world, *sizes, "copycat"), seed=0)}
    assert found["unique"].interval is not None
    assert found["unique"].interval[0] > 0 or world.name == "survey"
    if world.name != "survey":  # there nearly every combination is ordinary, and copying it reveals little
        assert found["all"].interval is not None
        assert found["all"].interval[0] > 0
        assert PipcSinglingOut().measure(case(world, *sizes, "copycat"), seed=0)[0].estimate == 1.0


@pytest.mark.parametrize("world", [patients(), adult_like()], ids=lambda w: w.name)
@pytest.mark.parametrize("sizes", [(1500, 1500), (2700, 300)])
def test_a_tenth_of_copies_is_found_and_sized(world: World, sizes: tuple[int, int]) -> None:
    found = ExactCopies().measure(case(world, *sizes, "tenth"), seed=0)[0]
    assert found.estimate is not None
    assert found.interval is not None
    assert found.interval[0] > 0
    assert found.interval[0] <= 0.1 <= found.interval[1]


@pytest.mark.parametrize("world", worlds(), ids=lambda w: w.name)
@pytest.mark.parametrize("sizes", [(900, 900), (1620, 180)])
def test_fresh_records_are_no_copies(world: World, sizes: tuple[int, int]) -> None:
    repeats = 40
    alarms = 0
    for seed in range(1, repeats + 1):
        found = ExactCopies().measure(case(world, *sizes, "fresh", seed), seed=0)[0]
        assert found.interval is not None
        alarms += found.interval[0] > 0
    # One-sided rate 2.5 %: more than 6 of 40 has probability below 1e-4.
    assert alarms <= 6


def test_a_holdout_handed_out_as_synthetic_is_no_holdout() -> None:
    world = patients()
    train, holdout = world.draw(400, 1), world.draw(200, 2)
    found = ExactCopies().measure(
        Case(train=train, holdout=holdout, synthetic=copycat(holdout, 200, 3), purpose=world.purpose), seed=0
    )
    assert [e.outcome for e in found] == ["insufficient", "insufficient"]
    assert found[0].detail["share_equal_to_holdout"]["estimate"] == 1.0


def test_dropping_copies_does_not_accuse_the_holdout() -> None:
    world = survey()
    train, holdout = world.draw(900, 1), world.draw(300, 2)
    kept, _ = drop_exact_copies(world.draw(2000, 3), train)
    found = ExactCopies().measure(Case(train=train, holdout=holdout, synthetic=kept, purpose=world.purpose), seed=0)
    assert [e.outcome for e in found] == ["measured", "measured"]


def test_no_holdout_means_no_number() -> None:
    train = patients().draw(50, 1)
    found = ExactCopies().measure(Case(train=train, holdout=None, synthetic=train, purpose=Purpose()), seed=0)
    assert [e.outcome for e in found] == ["insufficient"]


def test_row_order_does_not_matter() -> None:
    base = case(survey(), 400, 100, "fresh")
    order = np.random.default_rng(5).permutation(400).astype(np.intp)
    moved = Case(train=base.train.take(order), holdout=base.holdout, synthetic=base.synthetic, purpose=base.purpose)
    for metric in (ExactCopies(), PipcSinglingOut()):
        for e, f in zip(metric.measure(base, seed=0), metric.measure(moved, seed=0), strict=True):
            assert e.estimate == pytest.approx(f.estimate, abs=1e-12)
            assert e.interval == pytest.approx(f.interval, abs=1e-12)


def test_units_with_alike_rows_widen_the_interval() -> None:
    world = visits()
    train, synthetic = world.draw(300, 1), world.draw(300, 2)
    found = PipcSinglingOut().measure(
        Case(train=train, holdout=world.draw(300, 3), synthetic=synthetic, purpose=world.purpose), seed=0
    )[0]
    assert found.estimate is not None
    assert found.interval is not None
    plain = wilson(found.estimate * synthetic.n_rows, synthetic.n_rows)
    assert found.interval[1] - found.interval[0] > plain[1] - plain[0]
    assert found.n == 300
