"""What was done to each field, in the words of the guide's form 1-4 (항목별 개인정보 처리계획)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from synthproof.core.schema import Field
from synthproof.core.words import Words

FieldClass: TypeAlias = Literal["direct", "quasi", "sensitive", "firm", "other"]
Method: TypeAlias = Literal["delete", "replace", "mask", "generalise", "keep_part", "keep"]

CLASSES: Mapping[FieldClass, Words] = {
    "direct": Words(en="direct identifier", ko="식별정보"),
    "quasi": Words(en="quasi-identifier", ko="식별가능정보"),
    "sensitive": Words(en="sensitive information", ko="민감정보"),
    "firm": Words(en="identifier of a firm", ko="사업자·법인 식별정보"),
    "other": Words(en="other information", ko="그 밖의 정보"),
}
METHODS: Mapping[Method, Words] = {
    "delete": Words(en="deleted", ko="삭제"),
    "replace": Words(en="replaced", ko="대체"),
    "mask": Words(en="masked", ko="마스킹"),
    "generalise": Words(en="generalised", ko="일반화"),
    "keep_part": Words(en="kept in part", ko="일부 유지"),
    "keep": Words(en="kept", ko="유지"),
}
_STRONGEST: tuple[Method, ...] = ("delete", "replace", "mask", "generalise", "keep_part", "keep")


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """One row of form 1-4: a field, what it is in law, what was done to it, and how far.

    Parameters
    ----------
    field
        Column name.
    klass
        A key of `CLASSES`.
    method
        A key of `METHODS`.
    detail
        How and how far; names and counts only.
    """

    field: str
    klass: FieldClass
    method: Method
    detail: Words

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values: ids beside the words of both languages."""
        return {
            "field": self.field,
            "class": {"id": self.klass, **CLASSES[self.klass].to_dict()},
            "method": {"id": self.method, **METHODS[self.method].to_dict()},
            "detail": self.detail.to_dict(),
        }


def class_by_role(field: Field) -> FieldClass:
    """Return the class that a field's stated roles give it; ``other`` when they say nothing."""
    if field.has("unit"):
        return "direct"
    if field.has("sensitive"):
        return "sensitive"
    return "quasi" if field.has("quasi_identifier") else "other"


def merged(
    names: Sequence[str], receipts: Iterable[Mapping[str, Any]], classes: Mapping[str, FieldClass]
) -> list[dict[str, Any]]:
    """Return one row for each source field, in column order: everything that was done to it, in order.

    Parameters
    ----------
    names
        Columns of the source.
    receipts
        Receipts of the protections, in the order they ran.
    classes
        Class of each field as the scan found it; a field that is not named keeps the class of its rows.
    """
    rows: dict[str, list[Mapping[str, Any]]] = {name: [] for name in names}
    for receipt in receipts:
        for row in receipt.get("treatments", ()):
            rows.setdefault(row["field"], []).append(row)
    return [_one(name, found, classes) for name, found in rows.items()]


def _one(name: str, found: Sequence[Mapping[str, Any]], classes: Mapping[str, FieldClass]) -> dict[str, Any]:
    klass: FieldClass = classes.get(name) or (found[0]["class"]["id"] if found else "other")
    acted = [row for row in found if row["method"]["id"] != "keep"]
    told = acted or list(found)
    if not told:
        detail = Words(en="No change was needed.", ko="변경할 필요가 없어 그대로 유지함")
        return Treatment(field=name, klass=klass, method="keep", detail=detail).to_dict()
    methods = {row["method"]["id"] for row in told}
    method = next(m for m in _STRONGEST if m in methods)
    detail = Words(en=" ".join(row["detail"]["en"] for row in told), ko=" / ".join(row["detail"]["ko"] for row in told))
    return Treatment(field=name, klass=klass, method=method, detail=detail).to_dict()
