"""Several releases of pictures held together: pixels, labels and boxes of all of them, each in its place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthproof.core.contracts import Case
from synthproof.core.schema import Purpose
from synthproof.data.image.scenes import Scenes
from synthproof.data.image.union import union_pictures
from synthproof.metrics.image.exact_copies import ExactCopies
from synthproof.testing.scenes import scenes
from synthproof.testing.shapes import shapes
from synthproof.verification.releases import held


def test_pictures_and_labels_of_all_parts_stand_one_behind_the_other() -> None:
    parts = [shapes(40, 1), shapes(25, 2), shapes(30, 3).take(np.arange(5, 20))]
    both = union_pictures(parts)
    assert both.n_rows == 80
    assert np.array_equal(both.pixels(), np.concatenate([p.pixels() for p in parts]))
    assert both.frame["class"].astype(str).tolist() == [c for p in parts for c in p.frame["class"].astype(str)]
    assert union_pictures(parts[:1]) is parts[0]


def test_boxes_go_with_their_pictures_and_are_left_out_where_a_part_has_none() -> None:
    first, second = scenes(6, 1), scenes(4, 2)
    both = union_pictures([first, second])
    assert isinstance(both, Scenes)
    for row, (of, r) in ((0, (first, 0)), (5, (first, 5)), (6, (second, 0)), (9, (second, 3))):
        corners, kinds = both.boxes_of(row)
        theirs, their_kinds = of.boxes_of(r)
        assert np.array_equal(corners, theirs)
        assert [both.part_classes[k] for k in kinds] == [of.part_classes[k] for k in their_kinds]


def test_pictures_of_two_sizes_are_not_put_together() -> None:
    with pytest.raises(ValueError, match="one size"):
        union_pictures([shapes(5, 1), shapes(5, 2, side=32)])


def test_a_copy_in_an_earlier_release_shows_for_whoever_kept_it() -> None:
    train, drawn = shapes(200, 1), shapes(60, 2)
    case = Case(
        train=train, holdout=shapes(200, 3), synthetic=drawn, purpose=Purpose(), released=(train.take(np.arange(12)),)
    )
    together = held(case)
    assert together is not None
    found = [ExactCopies().measure(c, seed=1)[0].estimate for c in (replace(case, released=()), together)]
    assert found == [0.0, pytest.approx(12 / 72)]
