"""Whose a picture is: pseudonyms in the order of the rows, and, in memory alone, what tells the same person elsewhere.

Pseudonyms are counted anew in every source: ``P000001`` of one folder is not ``P000001`` of another. Whether two sources
share a person is asked of keyed digests of the numbers as given, under a key that is drawn by each process and kept nowhere.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import pandas as pd

from synthproof.core.schema import Field
from synthproof.data.table.dataset import Table
from synthproof.data.table.hints import person_like

People: TypeAlias = Mapping[str, bytes]
"""Digest of the person behind each pseudonym. Never written, nor sent anywhere."""
NAMES = (
    "patient",
    "patient_id",
    "patient id",
    "patientid",
    "subject",
    "subject_id",
    "person",
    "person_id",
    "pid",
)
"""Columns that say whose a picture is, where the table's own schema names none."""
_KEY = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A label table whose unit is the person.

    Parameters
    ----------
    table
        Labels with a column of pseudonyms, or as they were when no column speaks of persons.
    people
        Who stands behind the pseudonyms.
    unknown
        Rows without a person, each of which counts as one of its own.
    """

    table: Table
    people: People = field(default_factory=dict)
    unknown: int = 0


def with_person(table: Table, person: str = "") -> Owned:
    """Return the table whose person column holds pseudonyms and is the unit.

    Parameters
    ----------
    person
        Name of the column; found by name when empty.

    Raises
    ------
    SchemaError
        ``schema/unknown-field``.
    """
    name = person or table.schema.unit_field or ""
    if not name:
        known = {n.lower(): n for n in table.schema.names}
        name = next((known[p] for p in NAMES if p in known), "")
    if not name:
        return Owned(table=table)
    f = table.schema.field(name)
    given = table.frame[name].astype("string").str.strip()
    codes, _ = pd.factorize(given.mask(given == ""), use_na_sentinel=True)
    unknown = codes < 0
    # Who is who must not follow from the numbers: they count in the order of the rows, not of the names.
    alone = codes.max(initial=-1) + 1 + np.arange(len(codes))
    codes = np.where(unknown, alone, codes)
    pseudonyms = _pseudonyms(codes)
    unit = person_like(name) or "patient"
    kept = Field(name=name, kind="identifier", roles=f.roles | {"unit"}, reason=f"says whose picture it is ({unit})")
    schema = replace(table.schema, unit=unit)
    for other in schema.with_role("unit"):
        if other != name:
            clean = schema.field(other)
            schema = schema.replace_field(replace(clean, roles=clean.roles - {"unit"}))
    people = _people(pseudonyms[~unknown].tolist(), given[~unknown].tolist())
    owned = Table(table.frame.assign(**{name: pseudonyms}), schema.replace_field(kept), origin=table.origin)
    return Owned(table=owned, people=people, unknown=int(unknown.sum()))


def grouped(labels: Table, whose: Sequence[str | None], unit: str, groups: Sequence[object] = ()) -> Owned:
    """Return labels with a unit column of pseudonyms, numbered as persons first appear.

    Parameters
    ----------
    whose
        The person of each row; ``None`` where nobody knows.
    groups
        What holds the rows without a person together, such as their file; absent: each is alone.
    """
    name = unit
    while name in labels.schema:
        name += "_"
    apart = groups or range(len(whose))
    keys = [("person", w) if w is not None else ("group", str(g)) for w, g in zip(whose, apart, strict=True)]
    codes, _ = pd.factorize(pd.Series(keys, dtype=object))
    f = Field(name=name, kind="identifier", roles=frozenset({"unit"}), reason="whose picture it is, from the file")
    pseudonyms = _pseudonyms(codes)
    schema = replace(labels.schema, fields=(*labels.schema.fields, f), unit=unit)
    table = Table(labels.frame.assign(**{name: pseudonyms}), schema, origin=labels.origin)
    known = [(p, w) for p, w in zip(pseudonyms.tolist(), whose, strict=True) if w is not None]
    return Owned(table=table, people=_people([p for p, _ in known], [w for _, w in known]))


def _pseudonyms(codes: Sequence[int] | np.ndarray[tuple[int], np.dtype[np.intp]]) -> pd.Series:
    return pd.Series([f"P{c + 1:06d}" for c in codes], dtype=pd.StringDtype(na_value=np.nan))


def _people(pseudonyms: Sequence[str], whose: Sequence[str]) -> dict[str, bytes]:
    return {p: _digest(w) for p, w in dict(zip(pseudonyms, whose, strict=True)).items()}


def _digest(whose: str) -> bytes:
    return hashlib.blake2b(whose.strip().casefold().encode(), key=_KEY, digest_size=16).digest()


__all__ = ["NAMES", "Owned", "People", "grouped", "with_person"]
