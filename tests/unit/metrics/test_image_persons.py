"""Persons with many pictures: who is drawn, what pieces are made of, and what too few persons say."""

from __future__ import annotations

import numpy as np
import pytest

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.registry import metrics
from synthproof.core.schema import Purpose
from synthproof.data.image.dataset import ImageSet
from synthproof.engines.vision.alignment import Near
from synthproof.metrics.image.kid import _pieces, kernel_distance
from synthproof.metrics.image.reading import pieces_of, rows_of
from synthproof.metrics.image.tails import nearness
from synthproof.pipeline.image_sides import as_train
from synthproof.testing.pictures import digits, image_set


def owned(sizes: list[int]) -> ImageSet:
    """Return plain pictures of persons with so many pictures each."""
    persons = np.repeat(np.arange(len(sizes)), sizes)
    return image_set(np.zeros((len(persons), 2, 2), dtype=np.uint8), persons=persons)


@pytest.mark.parametrize("seed", range(5))
def test_one_person_with_most_pictures_neither_fills_nor_ends_the_draw(seed: int) -> None:
    images = owned([450, *([1] * 20)])
    rows = rows_of(images, 100, seed, "test")
    assert len(rows) == len(np.unique(rows)) == 100
    assert len(np.unique(images.unit_of_row[rows])) == 21
    assert (np.diff(rows) > 0).all()
    # of one person alone, pictures at random and not the first ones: a copy among the last must be able to show
    alone = rows_of(owned([500]), 100, seed, "test")
    assert len(alone) == 100
    assert alone.max() > 400


def test_where_persons_are_small_whole_ones_are_drawn() -> None:
    images = owned([3] * 100)
    rows = rows_of(images, 100, 0, "test")
    assert len(rows) == 99
    assert (np.bincount(images.unit_of_row[rows], minlength=100) % 3 == 0).all()


def test_pieces_hold_whole_persons() -> None:
    units = np.repeat(np.arange(30), 4)
    order = np.random.default_rng(0).permutation(len(units))
    pieces = pieces_of(units, 5, order)
    assert sorted(np.concatenate(pieces)) == list(range(120))
    assert [len(np.unique(units[p])) for p in pieces] == [6] * 5
    assert len({u for p in pieces for u in np.unique(units[p])}) == 30
    alone = pieces_of(np.arange(20), 4, np.arange(20))
    assert [p.tolist() for p in alone] == [list(range(i, 20, 4)) for i in range(4)]


def test_pictures_of_one_person_do_not_make_two_equal_laws_differ() -> None:
    # 40 persons of 10 pictures on both sides, one law: 0 lies in 95 of 100 intervals, and in none if persons were forgotten
    rng = np.random.default_rng(0)
    units = np.repeat(np.arange(40), 10)
    held, forgotten, found = 0, 0, []
    for seed in range(40):
        a, b = (
            (rng.normal(0, 1, (40, 1, 8)) + rng.normal(0, 0.3, (40, 10, 8))).reshape(-1, 8)
            for _ in ("holdout", "train")
        )
        value, low, high, pieces = _pieces(
            {"holdout": a, "train": b}, {"holdout": units, "train": units}, "train", seed
        )
        assert pieces == 4
        found.append(value)
        held += low <= 0 <= high
        forgotten += kernel_distance(a, b) > 0.1
    assert held >= 33  # binomial 99.9 % end of 0.95 in 40
    assert forgotten == 40
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(40)


def test_neighbours_of_one_person_alone_are_read_on_the_scale_of_the_others() -> None:
    # pictures 0 to 4 are one person's; the second asked-for picture meets that person alone
    units = np.array([0, 0, 0, 0, 0, 1, 2])
    near = Near(np.array([[0, 5, 6], [1, 2, 3]]), np.array([[0.1, 0.4, 0.6], [0.1, 0.2, 0.3]]))
    assert nearness(near, units) == pytest.approx([0.2, 0.2])
    assert nearness(Near(near.row[1:], near.distance[1:]), units) == pytest.approx([0.1])


def case_of(persons: np.ndarray) -> Case[ImageSet]:
    x, y = digits()
    holdout = image_set(x[200:500], y[200:500], persons)
    return Case(train=image_set(x[:200], y[:200]), holdout=holdout, synthetic=image_set(x[500:700]), purpose=Purpose())


@pytest.mark.parametrize("name", ["image.frechet", "image.kid", "image.coverage"])
def test_few_unseen_persons_give_no_interval(name: str) -> None:
    (found,) = metrics.make(name).measure(case_of(np.arange(300) % 3), seed=0)
    assert found.outcome == "insufficient"
    assert found.caveat is not None
    assert "persons" in found.caveat.en


def test_halves_of_which_one_is_empty_give_no_ratio() -> None:
    # without labels no classifier has to be trained
    case = case_of(np.maximum(np.arange(300) - 270, 0))
    train = image_set(case.train.pixels())
    found = metrics.make("image.frechet").measure(
        Case(train=train, holdout=case.holdout, synthetic=case.synthetic, purpose=Purpose()), seed=0
    )
    assert {e.outcome for e in found} == {"insufficient"}
    assert found[0].subject == "all"
    assert found[0].caveat is not None
    assert "halves" in found[0].caveat.en


def test_a_copy_under_a_class_that_train_does_not_know_is_compared_all_the_same() -> None:
    x, y = digits()
    train, shown = image_set(x[:150], y[:150]), x[200:260].copy()
    shown[:2] = x[:2]
    for labels in (np.concatenate([[77, 77], y[202:260]]), np.full(60, 77)):
        case = Case(train=train, holdout=None, synthetic=as_train(image_set(shown, labels), train), purpose=Purpose())
        found: dict[str, Evidence] = {e.subject: e for e in metrics.make("image.similarity").measure(case, seed=0)}
        assert found["SSIM maximum"].n == 60
        assert found["SSIM maximum"].estimate == pytest.approx(1.0, abs=1e-5)
