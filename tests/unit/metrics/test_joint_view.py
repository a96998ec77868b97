"""The joint view: fresh records lie where real ones do, noise does not, and no real record is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from synthproof.core.evidence import Evidence
from synthproof.engines.codes import Coded
from synthproof.engines.principal import principal_axes
from synthproof.metrics.table.joint_view import JointView
from synthproof.testing.calibration import case_of, trials
from synthproof.testing.worlds import worlds

WORLD = worlds()[0]


def look(generator: str, seed: int = 1, n: int = 1200) -> Evidence:
    (found,) = JointView().measure(case_of(WORLD, "equal", generator, seed, n), seed=5)
    return found


@pytest.mark.parametrize("split", ["equal", "9:1"])
def test_fresh_covers_and_noise_fails(split: str) -> None:
    fresh = [t for s in range(4) for t in trials(WORLD, split, "fresh", s, n=1200, names=["table.joint_view"])]
    noise = [t for s in range(4) for t in trials(WORLD, split, "noise", s, n=1200, names=["table.joint_view"])]
    assert sum(t.covers for t in fresh) >= 3
    assert not any(t.worse for t in fresh)
    assert all(t.worse for t in noise)


def test_same_data_give_zero_and_the_same_seed_the_same() -> None:
    copy = look("copycat")
    assert copy.estimate is not None
    assert copy.estimate < 0.15  # resampled train rows: bootstrap noise alone
    assert look("fresh").to_dict() == look("fresh").to_dict()


def test_real_cells_that_few_share_are_empty() -> None:
    detail = look("fresh").to_dict()["detail"]
    counts = np.array(detail["real_counts"])
    assert ((counts == 0) | (counts >= 10)).all()
    assert counts.sum() > 0
    assert counts.shape == (len(detail["edges_x"]) - 1, len(detail["edges_y"]) - 1)
    assert len(detail["synthetic_points"]) <= 1200
    assert "real_points" not in detail


def test_too_few_units_say_nothing() -> None:
    (found,) = JointView().measure(case_of(WORLD, "equal", "fresh", 1, 20), seed=5)
    assert found.outcome == "insufficient"


def test_axes_find_the_direction_of_most_variance() -> None:
    rng = np.random.default_rng(0)
    common = rng.normal(size=4000)
    numbers = np.stack([common + 0.1 * rng.normal(size=4000), common, rng.normal(size=4000)], axis=1)
    coded = Coded(("a", "b", "c"), (), numbers, np.empty((4000, 0), dtype=np.int32), ())
    axes = principal_axes(coded)
    assert axes is not None
    # Two columns share one direction: two thirds of the variance of three standardised columns, within sampling error.
    assert abs(axes.explained[0] - 2 / 3) < 0.02
    placed = axes.place(coded)
    assert abs(np.corrcoef(placed[:, 0], common)[0, 1]) > 0.99
    assert placed[:, 0] @ placed[:, 1] / 4000 == pytest.approx(0, abs=0.01)


def test_columns_that_do_not_vary_have_no_axes() -> None:
    coded = Coded(("a",), ("b",), np.ones((50, 1)), np.zeros((50, 1), dtype=np.int32), (1,))
    assert principal_axes(coded) is None
