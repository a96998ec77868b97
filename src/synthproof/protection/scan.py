"""What identifies people in a table: a look before anything is learned, and the K and T columns it suggests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pandas as pd

from synthproof.core.errors import StatementError
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field, Purpose
from synthproof.data.table.dataset import Table
from synthproof.engines.finders.headers import header_kinds
from synthproof.engines.finders.kinds import KINDS, ColumnFinding
from synthproof.protection.columns_kt import Proposal, propose
from synthproof.protection.treatments import FieldClass

SURE = 0.55
"""Least belief of a finding that is acted upon; a column named ``id`` of which values repeat has 0.595."""
_RESIDENT = frozenset({"rrn", "frn"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldScan:
    """What one column was found to hold.

    Parameters
    ----------
    field
        Column name.
    kind
        Kind of the field in the schema.
    findings
        Kinds of identifiers, most believed first; names, shares and counts only.
    """

    field: str
    kind: str
    findings: tuple[ColumnFinding, ...] = ()

    def sure(self) -> tuple[ColumnFinding, ...]:
        """Return the findings believed enough to act upon."""
        return tuple(f for f in self.findings if f.confidence >= SURE)

    @property
    def klass(self) -> FieldClass:
        """The class in law: the strongest that a sure finding about the column as a whole speaks of."""
        whole = [KINDS[f.kind].klass for f in self.sure() if f.by != "text" and not _unlikely(self.kind, f)]
        order: tuple[FieldClass, ...] = ("direct", "sensitive", "firm", "quasi")
        return next((k for k in order if k in whole), "other")

    def whole(self) -> ColumnFinding | None:
        """Return the leading sure finding that speaks of the column as a whole, of the strongest class."""
        found = [
            f
            for f in self.sure()
            if f.by != "text" and KINDS[f.kind].klass == self.klass and not _unlikely(self.kind, f)
        ]
        return found[0] if found else None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values: names, kinds, shares and counts; no value."""
        return {
            "field": self.field,
            "kind": self.kind,
            "class": self.klass,
            "findings": [asdict(f) for f in self.findings],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What every column of a table was found to hold."""

    fields: tuple[FieldScan, ...]
    n_rows: int
    by_name: Mapping[str, FieldScan] = field(default_factory=dict, repr=False, compare=False)

    def of(self, name: str) -> FieldScan:
        """Return what one column holds; an empty answer for a column that was not scanned."""
        return self.by_name.get(name) or FieldScan(field=name, kind="")

    @property
    def classes(self) -> dict[str, FieldClass]:
        """Class in law of each field that has one."""
        return {f.field: f.klass for f in self.fields if f.klass != "other"}

    @property
    def resident_numbers(self) -> tuple[str, ...]:
        """Columns that hold resident or foreigner registration numbers, whole or inside text."""
        return tuple(f.field for f in self.fields if any(x.kind in _RESIDENT for x in f.sure()))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values: names, kinds, shares and counts; no value."""
        return {
            "n_rows": self.n_rows,
            "fields": [f.to_dict() for f in self.fields],
            "resident_numbers": list(self.resident_numbers),
        }


def scan(table: Table, *, purpose: Purpose, run: Run | None = None) -> Scan:
    """Return what each column holds: identifiers, quasi-identifiers, sensitive content.

    Parameters
    ----------
    table
        Canonical columns.
    purpose
        What the data are for. It changes nothing of what is found; `require_basis` and `propose` use it next.
    run
        Progress and cancelling, one step for each column.

    Notes
    -----
    Cost is linear in the cells; equal cells are read once.
    """
    from synthproof.engines.finders import find_in_column

    found = []
    for f in quiet(run).each(table.schema.fields, "scan"):
        findings = find_in_column(f.name, cells_as_text(table.frame[f.name], f))
        found.append(FieldScan(field=f.name, kind=f.kind, findings=_with_named(f.name, findings)))
    return Scan(fields=tuple(found), n_rows=table.n_rows, by_name={f.field: f for f in found})


def _with_named(name: str, findings: Sequence[ColumnFinding]) -> tuple[ColumnFinding, ...]:
    """Put a resident number first where the name says so and the values have the shape of some other number.

    A company number is written like a resident number; where they disagree the name decides, because passing over
    a resident number is the graver error.
    """
    named = header_kinds(name)
    shaped = [x for x in findings if x.by == "value" and x.share >= 0.5 and KINDS[x.kind].klass in {"direct", "firm"}]
    told = [kind for kind in ("rrn", "frn") if named.get(kind, 0.0) >= SURE]
    if not told or not shaped or any(x.kind in _RESIDENT for x in findings):
        return tuple(findings)
    words = KINDS[told[0]]
    first = replace(
        shaped[0],
        kind=told[0],
        by="name",
        confidence=max(shaped[0].confidence, named[told[0]]),
        reason_en=f"The name of the column says that it holds: {words.en.lower()}; its values are numbers.",
        reason_ko=f"열 이름이 {words.ko} 항목임을 가리키며, 값도 번호 형식입니다.",
    )
    return (first, *findings)


def cells_as_text(column: pd.Series, f: Field) -> Sequence[str | None]:
    """Return a canonical column's cells as they would be written, ``None`` where missing.

    Only finders and replacements see this; it never reaches a record.
    """
    missing = column.isna().to_numpy()
    match f.kind:
        case "datetime":
            naive = column.dt.tz_localize(None) if column.dt.tz is not None else column
            day = (naive.dropna() == naive.dropna().dt.normalize()).all()
            texts = naive.dt.strftime("%Y-%m-%d" if day else "%Y-%m-%d %H:%M:%S").to_numpy(dtype=object)
        case "continuous":
            whole = (column.dropna() % 1 == 0).all()
            texts = column.map(lambda v: f"{v:.0f}" if whole else repr(float(v)), na_action="ignore").to_numpy(
                dtype=object
            )
        case _:
            texts = column.astype(object).map(str, na_action="ignore").to_numpy(dtype=object)
    return [None if gone else text for text, gone in zip(texts, missing, strict=True)]


def require_basis(found: Scan, purpose: Purpose) -> None:
    """Stop when resident numbers were found and no statutory basis is stated.

    Raises
    ------
    StatementError
        ``protection/resident-number``: PIPA art. 24-2 forbids processing them without a basis, even to remove them.
    """
    fields = found.resident_numbers
    if fields and not purpose.resident_number_basis.strip():
        raise StatementError(
            "protect/resident-number", where=", ".join(fields), n=len(fields), fields=", ".join(fields)
        )


def _unlikely(kind: str, finding: ColumnFinding) -> bool:
    """A measured number is no identifier because a few of its values happen to have the shape of one."""
    if kind not in {"continuous", "datetime", "boolean"} or KINDS[finding.kind].klass in {"quasi", "sensitive"}:
        return False
    return finding.share < 0.5


__all__ = [
    "SURE",
    "FieldScan",
    "Proposal",
    "Scan",
    "cells_as_text",
    "propose",
    "require_basis",
    "scan",
]
