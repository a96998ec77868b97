"""Contract checks for protections of pictures: run them on your own before you register it under ``image.…``.

>>> from synthproof.testing.picture_protections import check_picture_protection
>>> from synthproof.protection.near_duplicates import NearDuplicates
>>> check_picture_protection(NearDuplicates)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import ndimage

from synthproof.core.schema import Field, Schema
from synthproof.data.image.chain import Chain
from synthproof.data.image.dataset import ImageSet
from synthproof.data.table.dataset import Table
from synthproof.testing.planted_text import plant
from synthproof.testing.protection_basics import check_protocol, check_unfitted

TOKEN = "QZXCANARY"
PREFIX = "image."
SIDE = 96
TRAIN, HOLDOUT = 40, 14
WITH_TEXT = (3, 17)
COPIES = ((5, 6), (8, 20), (9, 30))
"""Rows of train that are nearly one picture; the last pair bears two labels."""
Make = Callable[[], Any]


@cache
def example() -> tuple[ImageSet, ImageSet]:
    """Return train (40 pictures of 20 persons) and holdout (14 of 7): smooth blobs, text burned into two pictures of
    train and one of the holdout, three pairs of near-copies in train, one holdout picture that nearly equals one of
    train."""
    rng = np.random.Generator(np.random.Philox(41))
    every = np.stack([_blobs(rng) for _ in range(TRAIN + HOLDOUT)])
    for row in (*WITH_TEXT, TRAIN + 2):
        made = plant(every[row], rng, fold="held_out", heights=(14, 18), colours=("white",))
        assert made is not None
        every[row] = made.picture
    for a, b in (*COPIES, (11, TRAIN + 5)):
        every[b] = np.clip(every[a].astype(np.float64) * 0.9 + 8, 0, 255).astype(np.uint8)
    return _set(every[:TRAIN], 0), _set(every[TRAIN:], 100)


def _blobs(rng: np.random.Generator) -> Any:
    rough = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 7)
    return np.rint(40 + 160 * (rough - rough.min()) / np.ptp(rough)).astype(np.uint8)


def _set(pictures: Any, first: int) -> ImageSet:
    n = len(pictures)
    schema = Schema(
        modality="image",
        unit="patient",
        fields=(
            Field(name="class", kind="categorical", levels=("a", "b"), roles=frozenset({"target"})),
            Field(name="patient", kind="identifier", roles=frozenset({"unit"})),
        ),
    )
    label = ["b" if i >= 30 else "a" for i in range(n)]
    frame = pd.DataFrame(
        {
            "class": pd.Categorical(label, categories=["a", "b"]),
            "patient": pd.Series([f"{TOKEN}-{first + i // 2:03d}" for i in range(n)], dtype="str"),
        }
    )
    return ImageSet(Table(frame, schema), pictures[..., None], Chain(side=SIDE))


def check_picture_protection(make: Make) -> None:
    """Run every check on what `make()` returns; an `AssertionError` says which rule is broken."""
    for _, check in checks():
        check(make)


def checks() -> Iterator[tuple[str, Callable[[Make], None]]]:
    """Yield (name, check) of every contract check."""
    for check in (
        follows_protocol,
        refuses_unfitted,
        leaves_data_untouched,
        keeps_labels_and_order,
        is_deterministic,
        receipt_tells_no_value,
        state_round_trip,
    ):
        yield check.__name__, check


def follows_protocol(make: Make) -> None:
    """It has fit, transform and receipt; fit returns the object."""
    check_protocol(make, example()[0])


def refuses_unfitted(make: Make) -> None:
    """Asked before fit, transform and receipt raise `NotFittedError`."""
    check_unfitted(make, example()[0])


def leaves_data_untouched(make: Make) -> None:
    """Neither fit nor transform changes the pictures it is given."""
    train, holdout = example()
    before = train.store.copy(), holdout.store.copy()
    protection = make().fit(train)
    protection.transform(train)
    protection.transform(holdout)
    for data, kept in zip((train, holdout), before, strict=True):
        assert np.array_equal(data.store, kept), "the pictures given were changed"


def keeps_labels_and_order(make: Make) -> None:
    """Pictures that stay keep their order, labels, person and chain; none is added."""
    for data in example():
        after = make().fit(example()[0]).transform(data)
        assert isinstance(after, ImageSet)
        assert after.n_rows <= data.n_rows
        assert after.chain == data.chain
        assert after.schema.names == data.schema.names
        rows = list(zip(data.frame["class"], data.frame["patient"], strict=True))
        at = 0
        for row in zip(after.frame["class"], after.frame["patient"], strict=True):
            at = rows.index(row, at) + 1  # raises when a label changed or the order did


def is_deterministic(make: Make) -> None:
    """Two objects fitted alike give the same pictures, and one gives them twice."""
    train, holdout = example()
    a, b = make().fit(train), make().fit(train)
    for data in (train, holdout):
        assert a.transform(data).fingerprint() == a.transform(data).fingerprint() == b.transform(data).fingerprint()


def receipt_tells_no_value(make: Make) -> None:
    """The receipt is JSON, names its protection, has rows for form 1-4, and holds no person."""
    train, holdout = example()
    protection = make().fit(train)
    protection.transform(holdout)
    receipt = protection.receipt()
    told = json.dumps(receipt, ensure_ascii=False, allow_nan=False)
    assert receipt["protection"].startswith(PREFIX), "a receipt names its protection"
    for row in receipt["treatments"]:
        assert row["field"]
        assert row["method"]["ko"]
        assert row["detail"]["ko"]
        assert row["detail"]["en"]
    assert TOKEN not in told, "the receipt names a person"


def state_round_trip(make: Make) -> None:
    """A state, where there is one, is plain and gives a new object the same behaviour."""
    train, holdout = example()
    fitted = make().fit(train)
    if not hasattr(fitted, "get_state"):
        return
    again = make().set_state(json.loads(json.dumps(fitted.get_state(), allow_nan=False)))
    assert again.transform(holdout).fingerprint() == fitted.transform(holdout).fingerprint()
    assert json.dumps(again.receipt(), sort_keys=True) == json.dumps(fitted.receipt(), sort_keys=True)


__all__ = ["PREFIX", "check_picture_protection", "checks", "example"]
