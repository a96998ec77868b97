"""Contract checks for protections: run them on your own before you register it.

>>> from synthproof.testing.protections import check_protection
>>> from synthproof.protection.rare import Rare
>>> check_protection(Rare)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.testing.protection_basics import check_protocol, check_unfitted

TOKEN = "QZXCANARY"
"""Every planted value begins with it, so that a search finds any that escaped."""

EXAMPLE_PARAMS: Mapping[str, Mapping[str, Any]] = {
    "coarsen": {"fields": {"age": "band:10", "visit": "month", "address": "sigungu"}},
}
"""Parameters under which a protection that does nothing by default has something to do in the example."""

Make = Callable[[], Any]
_LEVELS = ("A", "B", "C", TOKEN + "-WARD")
_PLANTED_NUMBER = 987_654


def example(seed: int = 0) -> tuple[Table, Table]:
    """Return train (60 persons, two rows each) and holdout (20): every kind of field, with planted values.

    Planted are one rare level, one extreme number, one address and record numbers that begin with `TOKEN`, and
    phone numbers and e-mails inside text; resident numbers only with impossible dates.
    """
    return _people(0, 60, seed), _people(60, 80, seed)


def _people(first: int, last: int, seed: int) -> Table:
    rng = np.random.Generator(np.random.Philox(seed * 1000 + first))
    person = np.repeat(np.arange(first, last), 2)
    n = person.size
    ward = np.array(list("ABC"))[rng.integers(0, 3, n)].astype(object)
    spend = np.round(rng.gamma(2.0, 50.0, n), 1)
    if first == 0:
        ward[0], spend[1] = _LEVELS[3], float(_PLANTED_NUMBER)
    day = np.datetime64("2024-01-05", "us") + rng.integers(0, 300, n) * np.timedelta64(1, "D")
    columns: dict[str, Any] = {
        "patient_id": [f"{TOKEN}-{p:04d}" for p in person],
        "resident_no": [f"99{13 + p % 80:02d}32-1{p:06d}" for p in person],
        "phone": [f"010-1{p % 1000:03d}-{7000 + p}" for p in person],
        "age": 20 + person % 60,
        "member": person % 2 == 0,
        "ward": ward,
        "stage": np.array(["I", "II", "III"])[person % 3],
        "spend": np.where(person % 7 == 0, np.nan, spend),
        "visit": day,
        "address": [f"서울특별시 {'강남구' if p % 2 else '종로구'} 없는로 {p}" for p in person],
        "note": [
            f"재방문 예정. 주민번호 99{13 + p % 80:02d}32-1{p:06d}, 연락처 010-1{p % 1000:03d}-{7000 + p}, "
            f"mail {TOKEN.lower()}{p}@example.com"
            for p in person
        ],
    }
    schema = Schema(
        unit="patient",
        fields=(
            Field(name="patient_id", kind="identifier", roles=frozenset({"unit"})),
            Field(name="resident_no", kind="identifier"),
            Field(name="phone", kind="text"),
            Field(name="age", kind="integer", low=20, high=79),
            Field(name="member", kind="boolean"),
            Field(name="ward", kind="categorical", levels=_LEVELS),
            Field(name="stage", kind="ordinal", levels=("I", "II", "III")),
            Field(name="spend", kind="continuous", decimals=1, nullable=True, low=0.0, high=float(_PLANTED_NUMBER)),
            Field(name="visit", kind="datetime"),
            Field(name="address", kind="text"),
            Field(name="note", kind="text"),
        ),
    )
    frame = pd.DataFrame({f.name: pd.Series(columns[f.name]).astype(canonical_dtype(f)) for f in schema.fields})
    return Table(frame, schema)


def check_protection(make: Make) -> None:
    """Run every check on what `make()` returns; an `AssertionError` says which rule is broken.

    Parameters
    ----------
    make
        Returns a new, unfitted protection each time it is called.
    """
    for _, check in checks():
        check(make)


def checks() -> Iterator[tuple[str, Callable[[Make], None]]]:
    """Yield (name, check) of every contract check."""
    for check in (
        follows_protocol,
        refuses_unfitted,
        leaves_data_untouched,
        keeps_units,
        is_deterministic,
        changes_each_alike,
        receipt_tells_no_value,
        state_round_trip,
        schema_fits_frame,
    ):
        yield check.__name__, check


def follows_protocol(make: Make) -> None:
    """It has fit, transform and receipt; fit returns the object."""
    check_protocol(make, example()[0])


def refuses_unfitted(make: Make) -> None:
    """Asked before fit, transform and receipt raise `NotFittedError`."""
    check_unfitted(make, example()[0])


def leaves_data_untouched(make: Make) -> None:
    """Neither fit nor transform changes the tables it is given."""
    train, holdout = example()
    before = train.fingerprint(), holdout.fingerprint()
    protection = make().fit(train)
    protection.transform(train)
    protection.transform(holdout)
    assert (train.fingerprint(), holdout.fingerprint()) == before, "the data given were changed"


def keeps_units(make: Make) -> None:
    """Rows stay in their order, and rows of one person stay together as one person."""
    train, _ = example()
    after = make().fit(train).transform(train)
    assert after.n_rows == train.n_rows
    assert np.array_equal(after.unit_of_row, train.unit_of_row), "persons were merged, split or moved"


def is_deterministic(make: Make) -> None:
    """The same fitted protection gives the same table each time; a given seed gives it in a new object too."""
    train, holdout = example()
    protection = make().fit(train)
    assert protection.transform(holdout).fingerprint() == protection.transform(holdout).fingerprint()
    params = protection.get_params() if hasattr(protection, "get_params") else {}
    if "random_state" in params:
        a, b = (make().set_params(random_state=7).fit(train).transform(train).fingerprint() for _ in range(2))
        assert a == b, "the same random_state gave two different tables"


def changes_each_alike(make: Make) -> None:
    """A person is changed in the same way whatever else stands in the table, in train and in holdout."""
    train, holdout = example()
    protection = make().fit(train)
    whole = protection.transform(holdout)
    some = np.array([7, 2, 11], dtype=np.intp)
    part = protection.transform(holdout.take(some))
    assert part.schema == whole.schema, "the schema depends on the rows at hand"
    pd.testing.assert_frame_equal(part.frame, whole.take(some).frame)


def receipt_tells_no_value(make: Make) -> None:
    """The receipt is JSON, names its protection, has rows for form 1-4, and holds no planted value."""
    train, _ = example()
    receipt = make().fit(train).receipt()
    told = json.dumps(receipt, ensure_ascii=False, allow_nan=False)
    assert receipt["protection"], "a receipt names its protection"
    for row in receipt["treatments"]:
        assert row["field"] in train.schema
        assert row["method"]["ko"]
        assert row["detail"]["ko"]
        assert row["detail"]["en"]
    for secret in secrets_of(train):
        assert secret not in told, "the receipt holds a value of the data"


def state_round_trip(make: Make) -> None:
    """A state is plain, holds no planted value, and gives a new object the same behaviour."""
    train, holdout = example()
    fitted = make().fit(train)
    if not hasattr(fitted, "get_state"):
        return
    text = json.dumps(fitted.get_state(), ensure_ascii=False, allow_nan=False)
    for secret in secrets_of(train):
        assert secret not in text, "the state holds a value that belongs to one person"
    again = make().set_state(json.loads(text))
    assert again.transform(holdout).fingerprint() == fitted.transform(holdout).fingerprint()
    assert json.dumps(again.receipt(), sort_keys=True) == json.dumps(fitted.receipt(), sort_keys=True)


def schema_fits_frame(make: Make) -> None:
    """Every column has the canonical type of its field, and its values lie in the stated levels and range."""
    train, holdout = example()
    protection = make().fit(train)
    for after in (protection.transform(train), protection.transform(holdout)):
        for f in after.schema.fields:
            assert after.frame[f.name].dtype == canonical_dtype(f), f"{f.name}: wrong column type"
            if not f.nullable:
                assert after.frame[f.name].notna().all(), f"{f.name}: missing values in a field said to have none"


def secrets_of(table: Table) -> tuple[str, ...]:
    """Return the planted values of a table that `example` made, as they might be written."""
    frame = table.frame
    found = {TOKEN, TOKEN.lower(), str(_PLANTED_NUMBER), f"{_PLANTED_NUMBER:,}"}
    found |= set(frame["resident_no"]) | set(frame["phone"]) | set(frame["address"]) | set(frame["note"])
    return tuple(sorted(found))
