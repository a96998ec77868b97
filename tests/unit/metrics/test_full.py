"""``full``: every person and every pair, where a random sample would be taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synthproof.core.contracts import Case
from synthproof.metrics.table import attacked, attribute_inference, distances, linkability, membership_inference
from synthproof.testing.references import fresh
from synthproof.testing.worlds import patients

N = 1_200


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Case:  # type: ignore[type-arg]
    for module, name, value in (
        (distances, "MOST_WORK", 1),
        (distances, "FEWEST_ROWS", 300),
        (linkability, "MOST_WORK", 1),
        (linkability, "FEWEST_TARGETS", 300),
        (attacked, "MOST_WORK", 1),
        (attacked, "FEWEST", 500),
        (attribute_inference, "MOST", 500),
    ):
        monkeypatch.setattr(module, name, value)
    world = patients()
    return Case(train=world.draw(N, 1), holdout=world.draw(N, 2), synthetic=fresh(world, N, 3), purpose=world.purpose)


def test_distances_look_at_every_record(case: Case) -> None:  # type: ignore[type-arg]
    assert len(distances.to_train(case, "synthetic", None).rows) == 300
    whole = replace(case, full=True, cache={})
    assert len(distances.to_train(whole, "synthetic", None).rows) == N


def test_linkability_attacks_everybody(case: Case) -> None:  # type: ignore[type-arg]
    few, every = (linkability.Linkability().measure(c, seed=1)[0] for c in (case, replace(case, full=True, cache={})))
    assert (few.detail["targets"], every.detail["targets"]) == (300, N)


def test_membership_and_attributes_attack_everybody(case: Case) -> None:  # type: ignore[type-arg]
    for metric, least in (
        (membership_inference.MembershipInference(), N // 2),
        (attribute_inference.AttributeInference(), N),
    ):
        few, every = (metric.measure(c, seed=1)[0] for c in (case, replace(case, full=True, cache={})))
        assert few.outcome == every.outcome == "measured"
        assert few.n < every.n
        assert every.detail.get("members_attacked", every.n) >= least
