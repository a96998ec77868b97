from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthproof.core.run import Run
from synthproof.core.schema import Field, Schema
from synthproof.engines.codes import Coded, encode
from synthproof.engines.neighbours import MixedSpace, nearest, nearest_without
from synthproof.engines.records import encode_alike, record_ids
from synthproof.testing.worlds import World, adult_like, patients, survey, worlds

SCHEMA = Schema(
    fields=(
        Field(name="x", kind="integer"),
        Field(name="y", kind="continuous", decimals=1),
        Field(name="c", kind="categorical", levels=("a", "b", "c")),
    )
)


def coded(x: list[float], y: list[float], c: list[int]) -> Coded:
    return Coded(("x", "y"), ("c",), np.array([x, y], dtype=float).T, np.array(c, dtype=np.int32)[:, None], (3,))


def gower(a: Coded, b: Coded, reference: Coded) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Pair by pair, by the book: for tests only."""
    out = np.zeros((len(a), len(b)))
    for i in range(len(a)):
        for j in range(len(b)):
            parts = [float(u != v) for u, v in zip(a.codes[i], b.codes[j], strict=True)]
            for f, (u, v) in enumerate(zip(a.numbers[i], b.numbers[j], strict=True)):
                width = np.nanmax(reference.numbers[:, f]) - np.nanmin(reference.numbers[:, f])
                if np.isnan(u) or np.isnan(v):
                    parts.append(float(np.isnan(u) != np.isnan(v)))
                else:
                    parts.append(min(1.0, abs(u - v) / width))
            out[i, j] = np.mean(parts)
    return out


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_distances_are_gowers(engine: str) -> None:
    world = patients()
    train, other = world.draw(60, 1), world.draw(25, 2)
    a, b = encode(train.frame, world.schema), encode(other.frame, world.schema)
    space = MixedSpace.fit(a, world.schema)
    distance, row = nearest(space, space.place(b), space.place(a), 7, engine=engine)  # type: ignore[arg-type]
    truth = gower(b, a, a)
    assert distance == pytest.approx(np.sort(truth, axis=1)[:, :7], abs=1e-12)
    assert np.take_along_axis(truth, row, axis=1) == pytest.approx(distance, abs=1e-12)


def test_missing_values_have_a_place_of_their_own() -> None:
    rows = coded([0, 10, np.nan], [0.0, 1.0, np.nan], [0, 1, -1])
    space = MixedSpace.fit(rows, SCHEMA)
    placed = space.place(rows)
    distance, row = nearest(space, placed, placed, 3)
    assert row[2].tolist() == [2, 0, 1]
    assert distance[2].tolist() == [0.0, 1.0, 1.0]


def test_equal_differences_are_equal_distances_and_ties_go_to_the_lower_row() -> None:
    # 0.1-steps are not exact in binary: 0.3 - 0.2 != 0.2 - 0.1 in floats, yet they must tie.
    y = [0.2, 0.3, 0.1, 0.7]
    rows = coded([0, 0, 0, 5], y, [0, 0, 0, 0])
    space = MixedSpace.fit(rows, SCHEMA)
    for engine in ("numpy", "numba"):
        distance, row = nearest(space, space.place(rows), space.place(rows), 3, engine=engine)  # type: ignore[arg-type]
        assert distance[0, 1] == distance[0, 2] > 0
        assert row[0].tolist() == [0, 1, 2]


def test_a_field_that_is_constant_in_the_reference_and_values_beyond_its_range() -> None:
    rows = coded([4, 4], [0.0, 1.0], [0, 0])
    space = MixedSpace.fit(rows, SCHEMA)
    far = space.place(coded([5, 4], [0.0, 99.0], [0, 0]))
    distance, _ = nearest(space, far, space.place(rows), 1)
    assert distance[:, 0].tolist() == pytest.approx([1 / 3, 1 / 3])


@pytest.mark.parametrize("world", worlds(), ids=lambda w: w.name)
def test_compiled_and_plain_engines_agree_to_the_bit(world: object) -> None:
    draw = world.draw(2500, 3)  # type: ignore[attr-defined]
    c = encode(draw.frame, draw.schema)
    space = MixedSpace.fit(c, draw.schema)
    placed = space.place(c)
    plain = nearest(space, placed.rows(slice(0, 600)), placed, 20, engine="numpy")
    quick = nearest(space, placed.rows(slice(0, 600)), placed, 20, engine="numba")
    assert np.array_equal(plain[0], quick[0])
    assert np.array_equal(plain[1], quick[1])


def test_workers_change_nothing() -> None:
    world = adult_like()
    draw = world.draw(3000, 4)
    c = encode(draw.frame, draw.schema)
    space = MixedSpace.fit(c, draw.schema)
    placed = space.place(c)
    one = nearest(space, placed, placed, 5, run=Run(workers=1), engine="numba")
    four = nearest(space, placed, placed, 5, run=Run(workers=4), engine="numba")
    assert np.array_equal(one[0], four[0])
    assert np.array_equal(one[1], four[1])


def test_fewer_rows_than_neighbours() -> None:
    rows = coded([0, 1], [0.0, 1.0], [0, 0])
    space = MixedSpace.fit(rows, SCHEMA)
    distance, row = nearest(space, space.place(rows), space.place(rows), 64, engine="numba")
    assert distance.shape == row.shape == (2, 2)
    assert row.tolist() == [[0, 1], [1, 0]]


def test_record_ids_know_equal_from_unequal() -> None:
    world = survey()
    a, b = world.draw(300, 1), world.draw(200, 2)
    one, two = record_ids(encode_alike([(a.frame, a.schema), (b.frame, b.schema)]), a.schema)
    texts = pd.concat([a.frame, b.frame]).astype(str).agg("|".join, axis=1).to_numpy()
    ids = np.concatenate([one, two])
    assert len(set(texts)) == len(np.unique(ids)) == ids.max() + 1
    assert all(len({ids[i] for i in np.flatnonzero(texts == t)}) == 1 for t in list(dict.fromkeys(texts))[:20])


def test_record_ids_do_not_depend_on_row_order() -> None:
    world = patients()
    t = world.draw(100, 1)
    order = np.random.default_rng(0).permutation(100)
    c = encode(t.frame, t.schema)
    assert np.array_equal(record_ids([c], t.schema)[0][order], record_ids([c.rows(order)], t.schema)[0])


@pytest.mark.parametrize("world", worlds(), ids=lambda w: w.name)
def test_one_field_left_out_is_a_search_in_the_others(world: World) -> None:
    train, other = world.draw(2300, 1), world.draw(30, 2)
    a, b = encode(train.frame, world.schema), encode(other.frame, world.schema)
    space = MixedSpace.fit(a, world.schema)
    asked, learned = space.place(b), space.place(a)
    wanted = list(range(0, space.d, 2))
    found = {
        engine: nearest_without(space, asked, learned, wanted, engine=engine)  # type: ignore[arg-type]
        for engine in ("numpy", "numba")
    }
    for i, left_out in enumerate(wanted):
        kept = np.arange(space.d) != left_out
        gaps = np.minimum(space.weights * np.abs(learned.exact[None] - asked.exact[:, None]), 1.0)[:, :, kept]
        truth = gaps.sum(axis=2) / kept.sum()
        for distance, row in found.values():
            assert distance[:, i] == pytest.approx(truth.min(axis=1), abs=1e-12)
            assert truth[np.arange(30), row[:, i]] == pytest.approx(truth.min(axis=1), abs=1e-12)
    # Equal sums are equal in both: the same row, the lowest.
    assert (found["numpy"][1] == found["numba"][1]).all()


def test_rows_that_differ_in_the_field_left_out_alone_tie_and_the_lowest_wins() -> None:
    rows = coded([0, 3, 7, 3], [0.1, 0.7, 0.7, 0.7], [0, 1, 1, 1])
    space = MixedSpace.fit(rows, SCHEMA)
    placed = space.place(rows)
    for engine in ("numpy", "numba"):
        distance, row = nearest_without(space, placed, placed, [0], engine=engine)  # type: ignore[arg-type]
        assert row[:, 0].tolist() == [0, 1, 1, 1]
        assert distance[:, 0].tolist() == [0.0, 0.0, 0.0, 0.0]


def test_nothing_to_leave_out_or_to_find() -> None:
    rows = coded([0, 1], [0.0, 1.0], [0, 1])
    space = MixedSpace.fit(rows, SCHEMA)
    placed = space.place(rows)
    none = placed.rows(slice(0, 0))
    assert nearest_without(space, placed, placed, [])[1].shape == (2, 0)
    distance, row = nearest_without(space, placed, none, [0, 1])
    assert np.isinf(distance).all()
    assert (row == -1).all()


def test_leaving_out_is_the_same_on_any_number_of_workers() -> None:
    world = adult_like()
    train, other = world.draw(1500, 1), world.draw(1300, 2)
    a, b = encode(train.frame, world.schema), encode(other.frame, world.schema)
    space = MixedSpace.fit(a, world.schema)
    one, three = (
        nearest_without(space, space.place(b), space.place(a), range(space.d), run=Run(workers=w)) for w in (1, 3)
    )
    assert (one[0] == three[0]).all()
    assert (one[1] == three[1]).all()
