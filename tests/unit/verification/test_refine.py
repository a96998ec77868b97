from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.random import derive
from synthproof.data.table.dataset import Table
from synthproof.metrics.table.pipc_linkage import PipcLinkage
from synthproof.metrics.table.pipc_singling_out import PipcSinglingOut
from synthproof.policy.load import load_policy
from synthproof.testing.references import fresh, partial_copycat
from synthproof.testing.worlds import patients, visits
from synthproof.verification.refine import cap_remedy, drop_exact_copies, voided_by, withheld

WORLD = patients()
TRAIN = WORLD.draw(400, 1)


def copies(synthetic: Table, train: Table) -> float | None:
    return (
        PipcSinglingOut()
        .measure(Case(train=train, holdout=None, synthetic=synthetic, purpose=WORLD.purpose), seed=0)[0]
        .estimate
    )


def test_copies_go_and_new_units_come() -> None:
    drawn = partial_copycat(TRAIN, fresh(WORLD, 400, 2), 0.25, 3)
    asked: list[int] = []

    def more(k: int) -> Table:
        asked.append(k)
        return partial_copycat(TRAIN, fresh(WORLD, k, 4), 0.25, derive(5, "more"))

    done, log = drop_exact_copies(drawn, TRAIN, more)
    assert len(done) == 400
    assert copies(done, TRAIN) == 0.0
    assert log["copies_dropped"] == 100
    assert log["rate_before"] == pytest.approx(0.25)
    assert log["rate_after"] == 0.0
    assert log["units_after"] == 400
    assert asked
    assert list(done.frame.dtypes) == list(drawn.frame.dtypes)
    # What was no copy stays as it was, in order.
    assert done.frame.head(300).equals(drawn.frame[~_is_copy(drawn)].reset_index(drop=True))


def _is_copy(drawn: Table) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    known = set(map(tuple, TRAIN.frame.astype(str).to_numpy()))
    return np.array([tuple(r) in known for r in drawn.frame.astype(str).to_numpy()])


def test_without_replacements_the_data_shrink() -> None:
    drawn = partial_copycat(TRAIN, fresh(WORLD, 200, 2), 0.5, 3)
    done, log = drop_exact_copies(drawn, TRAIN)
    assert len(done) == log["units_after"] == 100


def test_a_generator_that_only_copies_ends_empty_not_endless() -> None:
    done, log = drop_exact_copies(TRAIN, TRAIN, lambda k: TRAIN.take(np.arange(min(k, 400), dtype=np.intp)))
    assert len(done) == log["units_after"] == 0


def test_persons_are_dropped_whole_and_named_apart() -> None:
    world = visits()
    train = world.draw(100, 1)
    drawn = partial_copycat(train, world.draw(100, 2), 0.5, 3)
    done, log = drop_exact_copies(drawn, train, lambda k: world.draw(k, 9))
    assert len(done) == 100
    assert log["units_after"] == 100
    # Replacements take the labels of what they replace: the pattern and uniqueness of keys stay.
    assert set(done.frame["person"]) == set(drawn.frame["person"])


def test_cap_remedy_brings_every_original_under() -> None:
    world = patients()
    train, drawn = world.draw(500, 1), world.draw(500, 2)
    done, log = cap_remedy(drawn, train, world.purpose)
    before = PipcLinkage().measure(Case(train=train, holdout=None, synthetic=drawn, purpose=world.purpose), seed=0)[0]
    after = PipcLinkage().measure(Case(train=train, holdout=None, synthetic=done, purpose=world.purpose), seed=0)[0]
    assert before.estimate is not None
    assert before.estimate > 0
    assert after.estimate == 0.0
    assert after.detail["max"] <= 0.7
    assert log["rate_before"] == {"disease": before.estimate}
    assert log["rate_after"] == {"disease": 0.0}
    assert log["rows_dropped"] == 500 - done.n_rows > 0
    again, nothing = cap_remedy(done, train, world.purpose)
    assert nothing["rows_dropped"] == 0
    assert again.n_rows == done.n_rows


def test_cap_remedy_drops_no_more_than_needed() -> None:
    world = patients()
    train = world.draw(500, 1)
    done, log = cap_remedy(world.draw(500, 2), train, world.purpose, limit=1.0 - 1e-12)
    # Only classes in which every row carries the value are over a limit of (almost) one.
    assert log["rows_dropped"] < 500
    assert done.n_rows > 0


def test_a_filter_under_differential_privacy_takes_the_numbers_on_safety_away() -> None:
    done = ({"refinement": "drop_exact_copies", "copies_dropped": 0},)
    assert voided_by({"private": False}, done) is None
    assert voided_by({"private": True}, ()) is None
    why = voided_by({"private": True}, done)
    assert why is not None
    assert "drop_exact_copies" in why.en
    assert "drop_exact_copies" in why.ko
    evidence = (
        Evidence(metric="table.exact_copies", estimate=0.0, interval=(0.0, 0.1), reference=0.0, n=9),
        Evidence(metric="table.shape", estimate=0.1, interval=(0.0, 0.2), n=9),
        Evidence(metric="plugin.gone", estimate=0.1, interval=(0.0, 0.2), n=9),
    )
    safety, fidelity, unknown = withheld(evidence, why)
    assert safety.outcome == unknown.outcome == "failed"
    assert safety.estimate is safety.reference is None
    assert safety.caveat == why
    assert fidelity is evidence[1]
    assert load_policy("internal").judge(
        withheld((replace(evidence[0], inputs={"parts": "1"}),), why), (), ()
    ).families["safety"] == "not_assessed"  # fmt: skip
