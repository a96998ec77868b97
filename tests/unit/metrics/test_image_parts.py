"""Copies of parts and of layouts: planted ones show, fresh scenes are not accused, plain pictures are not asked."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.registry import metrics
from synthproof.core.schema import Purpose
from synthproof.data.image.layouts import layouts, repeated
from synthproof.data.image.parts import cut
from synthproof.data.image.scenes import CORNERS, Scenes
from synthproof.metrics.image.part_copies import grouped
from synthproof.policy.axes import judge_axes
from synthproof.policy.load import load_policy
from synthproof.testing.pictures import digit_case, digits
from synthproof.testing.scenes import pasted, scenes

PER_SCENE, SIDE = 3, 64
AXIS = next(a for a in load_policy("image").axes if a.id == "part_copies")


@cache
def worlds() -> tuple[Scenes, Scenes, Scenes]:
    """Return train, unseen and fresh scenes of three digits of 12 pixels each: 120, 150 and 80 scenes."""
    x, y = digits()
    x = x[:, ::2, ::2]
    ends = [0, 360, 810, 1_050]
    made = [
        pasted(x[a:b], (y[a:b] > 4).astype(int), PER_SCENE, s, side=SIDE) for s, (a, b) in enumerate(pairwise(ends))
    ]
    return made[0], made[1], made[2]


def case_of(drawn: Scenes) -> Case[Any]:
    train, holdout, _ = worlds()
    return Case(train=train, holdout=holdout, synthetic=drawn, purpose=Purpose())


def measured(case: Case[Any]) -> dict[str, Evidence]:
    return {e.subject: e for e in metrics.make("image.part_copies").measure(case, seed=3)}


def with_part_of_train(drawn: Scenes, n: int) -> Scenes:
    """Return drawn scenes, n of which hold one part of a training scene in the place of one of their own."""
    train = worlds()[0]
    store = drawn.pixels()
    for i in range(n):
        a, b = (d.boxes_of(5 * i)[0][0].astype(int).tolist() for d in (train, drawn))
        source = train.pixels()[5 * i, a[1] : a[3], a[0] : a[2]]
        store[5 * i, b[1] : b[3], b[0] : b[2]] = source
    return drawn.with_pixels(store)


def test_fresh_scenes_are_not_accused() -> None:
    found = measured(case_of(worlds()[2]))
    assert found["all"].detail["copies"] == 0
    assert found["all"].detail["chance_without_leak"] == 1.0
    assert {"part part 0", "part part 1", "nearer", "mean", "maximum", "layouts"} <= set(found)
    assert found["layouts"].detail["repeat"] <= 1
    # one interval of "nearer" in twenty leaves 0 out (18 of 20 redrawn worlds held it): the policy's tolerance decides
    assert found["all"].outcome == "insufficient"  # digits of 12 pixels: the search misses most copies that it plants
    for subject, slack in (("nearer", 0.1), ("layouts", 0.0)):
        low, high = found[subject].interval or (1.0, -1.0)
        assert low - slack <= 0.0 <= high, subject
    assert abs((found["mean"].estimate or 0) - (found["mean"].reference or 1)) < 0.03
    assert judge_axes(list(found.values()), [AXIS])[0].state != "leak_shown"


def test_one_part_of_a_training_scene_shows() -> None:
    found = measured(case_of(with_part_of_train(worlds()[2], 4)))
    assert found["all"].detail["copies"] >= 2
    assert found["all"].detail["scenes_with_copies"] >= 2
    assert found["all"].detail["chance_without_leak"] < 0.01
    assert (found["maximum"].estimate or 0) > 0.99
    assert judge_axes(list(found.values()), [AXIS])[0].state == "leak_shown"
    worst = found["all"].private["worst_parts"][0]
    assert worst["synthetic_box"] % (5 * PER_SCENE) == 0
    # whole pictures hide it: two thirds of each scene are fresh
    whole = metrics.make("image.near_copies").measure(case_of(with_part_of_train(worlds()[2], 4)), seed=3)
    assert whole[0].outcome != "measured" or whole[0].detail["copies"] == 0


def test_a_copycat_and_noise() -> None:
    train, _, fresh = worlds()
    found = measured(case_of(train.take_rows(np.arange(60, dtype=np.intp))))
    assert (found["all"].estimate or 0) > 0.9
    assert (found["nearer"].estimate or 0) > 0.9
    assert found["layouts"].detail["repeat"] == 60
    state = judge_axes(list(found.values()), [AXIS])[0]
    assert state.state == "leak_shown"
    dice = np.random.default_rng(0)
    noise = fresh.with_pixels(dice.integers(0, 256, fresh.pixels().shape).astype(np.uint8))
    assert measured(case_of(noise))["all"].detail["copies"] == 0


def test_a_layout_of_train_shows_and_a_moved_one_does_not() -> None:
    train, _, fresh = worlds()
    boxes = fresh.boxes.copy()
    for i in range(6):  # the places of a training scene, other parts in them
        boxes.loc[PER_SCENE * i : PER_SCENE * i + 2, [*CORNERS, "class"]] = (
            train.boxes.loc[PER_SCENE * i : PER_SCENE * i + 2, [*CORNERS, "class"]]
        ).to_numpy()
    stolen = Scenes(fresh.labels, fresh.store, fresh.chain, boxes=boxes.astype(dict.fromkeys(CORNERS, float)))
    found = measured(case_of(stolen))["layouts"]
    assert 6 <= found.detail["repeat"] <= 7
    assert found.detail["chance_without_leak"] < 0.05
    assert found.private["repeats"]["synthetic_rows"][:6] == list(range(6))
    known = layouts(train)
    corners, kinds = train.boxes_of(2)
    assert repeated(corners / SIDE, kinds, known) == 2
    assert repeated(corners / SIDE + 0.2, kinds, known) == -1
    assert repeated(corners / SIDE, 1 - kinds, known) == -1


def test_plain_pictures_are_not_asked_and_few_parts_say_nothing() -> None:
    plain = metrics.make("image.part_copies").measure(digit_case(), seed=1)
    assert [e.outcome for e in plain] == ["not_applicable"]
    assert judge_axes(plain, [AXIS])[0].applies is False
    train, holdout, fresh = worlds()
    few = Case(train=train, holdout=holdout.take_rows(np.arange(10, dtype=np.intp)), synthetic=fresh, purpose=Purpose())
    assert {e.outcome for e in metrics.make("image.part_copies").measure(few, seed=1)} == {"insufficient"}
    none = replace(few, holdout=None, cache={})
    assert metrics.make("image.part_copies").measure(none, seed=1)[0].outcome == "insufficient"


def test_rare_classes_are_searched_together() -> None:
    def counts(train: list[int], holdout: list[int], drawn: list[int]) -> list[tuple[int, ...]]:
        given = {"train": train, "holdout": holdout, "synthetic": drawn}
        return grouped({k: np.array(v, dtype=np.intp) for k, v in given.items()})  # type: ignore[misc]

    assert counts([900, 90, 80], [500, 250, 300], [9, 9, 9]) == [(0,), (1,), (2,)]
    assert counts([900, 90, 80], [500, 120, 90], [9, 9, 9]) == [(0,), (1, 2)]
    assert counts([900, 90, 80], [500, 50, 40], [9, 9, 9]) == [(0, 1, 2)]
    assert counts([900, 90, 80], [500, 50, 40], [9, 0, 0]) == [(0,)]
    assert counts([30, 30], [50, 40], [5, 5]) == [(0, 1)]


def test_parts_at_the_edge_are_cut_where_copies_are_looked_for() -> None:
    data = scenes(30, 1)
    assert cut(data, 16, edges=True).n_rows == len(data.boxes) > cut(data, 16).n_rows


def test_the_same_answer_twice() -> None:
    case = case_of(worlds()[2].take_rows(np.arange(20, dtype=np.intp)))
    made = metrics.make("image.part_copies")
    assert made.measure(case, seed=1)[0] == made.measure(replace(case, cache={}), seed=1)[0]
