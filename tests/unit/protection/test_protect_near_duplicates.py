from __future__ import annotations

import io
import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage

from synthproof.core.errors import ConfigError
from synthproof.core.schema import Field, Schema
from synthproof.data.image.chain import Chain
from synthproof.data.image.dataset import ImageSet
from synthproof.data.table.dataset import Table
from synthproof.engines.picture_hashes import BANDS, WITHIN, Prints, alikeness, candidates, groups_of, prints
from synthproof.protection.near_duplicates import NearDuplicates
from synthproof.testing.picture_protections import COPIES, example


def pictures(n: int, side: int = 64, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        rough = ndimage.gaussian_filter(rng.normal(size=(side, side)), 4)
        out.append(np.rint(20 + 200 * (rough - rough.min()) / np.ptp(rough)))
    return np.stack(out).astype(np.uint8)


def dataset(x: np.ndarray, classes: list[str], patients: list[str]) -> ImageSet:
    levels = tuple(sorted(set(classes)))
    schema = Schema(
        unit="patient",
        fields=(
            Field(name="class", kind="categorical", levels=levels, roles=frozenset({"target"})),
            Field(name="patient", kind="identifier", roles=frozenset({"unit"})),
        ),
    )
    frame = pd.DataFrame(
        {"class": pd.Categorical(classes, categories=list(levels)), "patient": pd.Series(patients, dtype="str")}
    )
    bits = 8 if x.dtype == np.uint8 else 16
    return ImageSet(Table(frame, schema), x[..., None], Chain(side=x.shape[1], bits=bits))


def jpeg(a: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(a).save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file))


def resized(a: np.ndarray) -> np.ndarray:
    n = a.shape[0]
    small = Image.fromarray(a).resize((round(0.9 * n), round(0.9 * n)), Image.Resampling.LANCZOS)
    return np.asarray(small.resize((n, n), Image.Resampling.LANCZOS))


def brighter(a: np.ndarray) -> np.ndarray:
    return np.clip(a * 1.1 + 10, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("change", [jpeg, resized, brighter], ids=lambda f: f.__name__)
def test_altered_copies_are_collapsed_and_others_are_not(change: Callable[[np.ndarray], np.ndarray]) -> None:
    x = pictures(60)
    both = np.concatenate([x, np.stack([change(a) for a in x[:20]])])
    data = dataset(both, ["a"] * 80, [f"p{i}" for i in range(80)])
    fitted = NearDuplicates().fit(data)
    after = fitted.transform(data)
    assert after.n_rows == 60
    assert np.array_equal(after.at, np.arange(60)), "the first of each group stays"
    told = fitted.receipt()
    assert (told["dropped"], told["groups"], told["largest_group"], told["persons_left_out"]) == (20, 20, 2, 20)


def test_groups_across_classes_and_persons_are_told_and_each_label_keeps_one() -> None:
    x = pictures(6)
    x[3], x[4], x[5] = x[0], x[0], x[1]
    data = dataset(x, ["a", "a", "a", "b", "a", "a"], ["p", "q", "r", "s", "p", "q"])
    fitted = NearDuplicates().fit(data)
    assert fitted.transform(data).at.tolist() == [0, 1, 2, 3]
    told = fitted.receipt()
    assert (told["groups_across_classes"], told["groups_across_persons"], told["largest_group"]) == (1, 1, 3)
    assert len(fitted.notices_) == 2
    assert "different labels" in fitted.notices_[0].en
    assert "'p'" not in json.dumps(told)


def test_copies_across_the_split_leave_the_holdout() -> None:
    train, holdout = example()
    fitted = NearDuplicates().fit(train)
    assert fitted.receipt()["crossing_split"] is None
    assert fitted.transform(train).n_rows == train.n_rows - len(COPIES) + 1  # one pair bears two labels
    assert fitted.transform(holdout).n_rows == holdout.n_rows - 1
    assert fitted.receipt()["crossing_split"] == 1
    assert fitted.also_in_train(holdout).sum() == 1
    assert any("holdout" in n.en for n in fitted.notices_)


def test_sixteen_bits_blank_pictures_and_none_at_all() -> None:
    x = pictures(4).astype(np.uint16) * 257
    x[2] = x[3] = 0
    data = dataset(np.concatenate([x, x[:1]]), ["a"] * 5, list("pqrst"))
    assert NearDuplicates().fit(data).transform(data).at.tolist() == [0, 1, 2]
    none = data.take_rows(np.zeros(0, dtype=np.intp))
    assert NearDuplicates().fit(none).transform(none).n_rows == 0
    with pytest.raises(ConfigError):
        NearDuplicates(correlation=0.2).fit(data)


def test_every_pair_within_the_bits_is_found_once() -> None:
    rng = np.random.default_rng(3)
    base = rng.integers(0, 1 << 63, 40, dtype=np.uint64)
    hashes = np.concatenate([base, base.copy()])
    for i in range(40, 80):
        for bit in rng.choice(64, int(rng.integers(0, 9)), replace=False):
            hashes[i] ^= np.uint64(1) << np.uint64(bit)
    far = rng.integers(0, 1 << 63, 80, dtype=np.uint64)
    small = np.tile(np.full(256, 1 / 16, dtype=np.float32), (80, 1))
    found = candidates(Prints(hashes, far, small, np.zeros(80, dtype=bool)))
    bits = lambda h, i, j: int(h[i] ^ h[j]).bit_count()  # noqa: E731
    want = [(i, j) for i in range(80) for j in range(i + 1, 80) if min(bits(hashes, i, j), bits(far, i, j)) <= WITHIN]
    assert len(want) > 10
    assert [tuple(p) for p in found.tolist()] == want
    assert sum(BANDS) == 64
    assert len(BANDS) > WITHIN


def test_alikeness_sees_through_shift_and_brightness_and_groups_join() -> None:
    a, b = pictures(2).astype(np.float32)
    moved = np.roll(a * 0.8 + 20, (1, -2), axis=(0, 1))
    assert min(alikeness(a, moved)) > 0.999
    assert alikeness(a, b)[0] < 0.7
    assert groups_of(6, np.array([[0, 3], [3, 5], [1, 2]])).tolist() == [0, 1, 1, 0, 4, 0]
    assert prints(np.zeros((2, 64, 64), np.float32)).flat.all()
