"""Copies and membership class by class: a leak confined to a rare class shows, and ten classes do not cry wolf."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.registry import metrics
from synthproof.core.schema import Purpose
from synthproof.data.image.dataset import ImageSet
from synthproof.metrics.image.copies_by_class import WORST, Flagged, by_class
from synthproof.policy.axes import judge_axes
from synthproof.policy.load import load_policy
from synthproof.testing.pictures import digit_case, digits, image_set, planted

COPIES, MEMBERSHIP = (a for a in load_policy("image").axes if a.id in ("copies", "membership"))
CARD = metrics.get("image.near_copies").card


def measured(case: Case[ImageSet], name: str = "image.near_copies") -> dict[str, Evidence]:
    return {e.subject: e for e in metrics.make(name).measure(case, seed=3)}


def rare_case(copies: int) -> Case[ImageSet]:
    """Digits of which the eights are rare (1 in 20); copies are planted among the eights alone."""
    x, y = digits()
    eights = np.flatnonzero(y == 8)
    others = np.flatnonzero(y != 8)
    parts = [
        np.concatenate([others[a:b], eights[c:d]])
        for a, b, c, d in ((0, 760, 0, 40), (760, 1_140, 40, 60), (1_140, 1_520, 60, 80))
    ]
    train, holdout, fresh = parts
    shown, labels = x[fresh].copy(), y[fresh].copy()
    if copies:
        shown[-copies:] = planted(x[train[-copies:]], "exact", np.random.default_rng(0))
    sets = [image_set(x[at], y[at]) for at in (train, holdout)]
    return Case(train=sets[0], holdout=sets[1], synthetic=image_set(shown, labels), purpose=Purpose())


def test_copies_confined_to_a_rare_class_show_in_it() -> None:
    found = measured(rare_case(2))
    worst, eight = found[WORST], found["class c8"]
    assert worst.detail["class"] == "c8"
    assert (worst.detail["copies"], worst.detail["images"]) == (2, 20)
    assert worst.estimate == eight.estimate == pytest.approx(0.1)
    assert worst.interval is not None
    assert eight.interval is not None
    # corrected for ten classes: wider, and still over 0
    assert 0.0 < worst.interval[0] < eight.interval[0]
    assert worst.detail["chance_without_leak"] == pytest.approx(10 * eight.detail["chance_without_leak"])
    assert worst.detail["chance_without_leak"] < found["all"].detail["chance_without_leak"] + 1e-3
    exact = metrics.make("image.exact_copies").measure(rare_case(2), seed=3)
    state = judge_axes([*found.values(), *exact], [COPIES])[0]
    assert state.state == "leak_shown"
    assert f"image.near_copies: {WORST}" in state.shown_by


def test_fresh_images_of_a_rare_class_are_not_accused() -> None:
    found = measured(rare_case(0))
    assert found[WORST].estimate == 0.0
    assert found[WORST].detail["chance_without_leak"] == 1.0
    assert found[WORST].detail["classes"] == 10
    assert {f"class c{i}" for i in range(10)} <= set(found)
    # the search misses its own copies among these small digits: a class may show copies, never that there are none
    assert found["all"].outcome == "insufficient"
    assert all(found[s].interval == (0.0, 1.0) for s in (WORST, "class c8"))


def test_one_class_or_none_has_no_worst_one() -> None:
    case = digit_case()
    x, _ = digits()
    alone = [image_set(s.pixels()[..., 0]) for s in (case.train, case.holdout, case.synthetic) if s is not None]
    found = measured(Case(train=alone[0], holdout=alone[1], synthetic=alone[2], purpose=Purpose()))
    assert set(found) == {"all", "nearer"}


def test_the_worst_of_ten_innocent_classes_accuses_as_often_as_it_says() -> None:
    # 2 innocent pictures expected under the limits (not 0.05, so that the test sees many), spread over uneven classes
    rng = np.random.default_rng(0)
    shares = np.array([0.3, 0.2, 0.1, 0.1, 0.1, 0.08, 0.06, 0.03, 0.02, 0.01])
    names = [f"c{i}" for i in range(10)]
    accused = 0
    for _ in range(400):
        sides = []
        for n, expected in ((1_000, 2.0), (1_000, 0.0)):
            classes = rng.choice(10, n, p=shares)
            sides.append(Flagged(classes, rng.random(n) < expected / n, rng.random(n) < 0.1))
        worst = by_class(CARD, sides[0], sides[1], names, 2.0, seed=0)[0]
        accused += worst.detail["chance_without_leak"] <= 0.05
    assert accused <= 35  # 0.05 a world is 20 in 400; binomial 99.9 % end 35


def test_twins_of_a_class_are_taken_off_within_it() -> None:
    classes = np.repeat([0, 1], 500)
    unseen = Flagged(classes, np.isin(np.arange(1_000), range(10)), np.zeros(1_000, dtype=bool))
    same = Flagged(classes, np.isin(np.arange(1_000), range(10)))
    other = Flagged(classes, np.isin(np.arange(1_000), range(500, 510)))
    innocent, accused = (by_class(CARD, d, unseen, ("a", "b"), 0.05, seed=0) for d in (same, other))
    assert innocent[0].detail["chance_without_leak"] > 0.5
    assert innocent[1].estimate == 0.0
    assert accused[0].detail["class"] == "b"
    assert accused[0].detail["chance_without_leak"] < 0.01


def test_membership_by_distance_by_loss_and_in_the_worst_class() -> None:
    case = digit_case(train=800, holdout=800, n=100)
    rng = np.random.default_rng(1)
    classes = case.train.frame["label"].astype(str).to_numpy()
    loss = {"train": rng.normal(0, 1, 800), "holdout": rng.normal(0, 1, 800)}
    loss["train"] = loss["train"] - 3.0 * (classes == "c4")  # the model remembers the fours
    found = measured(replace(case, losses=loss, cache={}), "image.membership")
    assert {"by distance", "by loss", WORST, "class c4"} <= set(found)
    assert found["by loss"].detail["attack"].startswith("loss")
    assert not found["by distance"].detail["attack"].startswith("loss")
    worst = found[WORST]
    assert worst.detail["class"] == "c4"
    assert worst.detail["classes"] == 10
    assert worst.estimate == found["class c4"].estimate
    assert worst.interval is not None
    assert found["class c4"].interval is not None
    assert 0.8 < worst.interval[0] < found["class c4"].interval[0]
    assert set(found["class c4"].detail["auc_by_attack"]) >= {"loss", "distance"}
    state = judge_axes(list(found.values()), [MEMBERSHIP])[0]
    assert state.state == "leak_shown"
    assert f"image.membership: {WORST}" in state.shown_by


def test_membership_of_innocent_classes_is_not_shown_and_small_ones_are_said() -> None:
    found = measured(digit_case(train=800, holdout=800, n=100), "image.membership")
    assert "by loss" not in found
    assert found[WORST].interval is not None
    assert found[WORST].interval[0] < 0.55
    assert judge_axes(list(found.values()), [MEMBERSHIP])[0].state != "leak_shown"
    few = measured(digit_case(train=150, holdout=150, n=60), "image.membership")
    assert few[WORST].outcome == "insufficient"
    assert few[WORST].caveat is not None
    assert "25" in few[WORST].caveat.en
