"""Metadata of SDV (single table, or several with exactly one) as a schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthproof.core.errors import SchemaError
from synthproof.core.schema import Field, Role, Schema

_STRFTIME = {
    "Y": "{YYYY}",
    "m": "{MM}",
    "d": "{DD}",
    "H": "{HH}",
    "I": "{HH}",
    "M": "{mm}",
    "S": "{ss}",
    "f": "{f}",
    "b": "{Mon}",
    "p": "{ampm}",
    "z": "{zone}",
}


def from_sdv(metadata: Mapping[str, Any] | Path | str) -> Schema:
    """Return the schema that SDV metadata states.

    Parameters
    ----------
    metadata
        Its dictionary or JSON file: ``columns`` at the top, or under exactly one entry of ``tables``.

    Returns
    -------
    Schema
        Levels and ranges are not in such metadata; `read_table` fills them from the data.

    Raises
    ------
    SchemaError
        ``schema/not-sdv``, ``schema/unreadable``.
    """
    data = metadata if isinstance(metadata, Mapping) else _from_file(Path(metadata))
    tables = data.get("tables")
    if isinstance(tables, Mapping):
        if len(tables) != 1:
            raise SchemaError("schema/not-sdv", reason=f"{len(tables)} tables")
        data = next(iter(tables.values()))
    columns = data.get("columns")
    if not isinstance(columns, Mapping) or not columns:
        raise SchemaError("schema/not-sdv", reason="no columns")
    key, person = data.get("primary_key"), data.get("sequence_key")
    return Schema(fields=tuple(_field(str(n), c, n in _listed(key), n in _listed(person)) for n, c in columns.items()))


def _from_file(path: Path) -> Mapping[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SchemaError("schema/unreadable", where=str(path), reason=type(error).__name__) from None
    if not isinstance(data, Mapping):
        raise SchemaError("schema/not-sdv", where=str(path), reason="not a JSON object")
    return data


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _field(name: str, column: Mapping[str, Any], is_key: bool, is_person: bool) -> Field:
    sdtype = str(column.get("sdtype", "unknown"))
    said = f"SDV metadata: sdtype {sdtype}"
    if is_key or is_person or sdtype == "id":
        roles: frozenset[Role] = frozenset({"unit"}) if is_person else frozenset()
        why = f"{said}, {'sequence' if is_person else 'primary'} key" if is_key or is_person else said
        return Field(name=name, kind="identifier", roles=roles, pattern=_pattern(column), reason=why)
    match sdtype:
        case "numerical":
            kind = str(column.get("computer_representation", ""))
            whole = re.match(r"^U?Int", kind) is not None
            return Field(name=name, kind="integer" if whole else "continuous", reason=said)
        case "boolean":
            return Field(name=name, kind="boolean", reason=said)
        case "categorical":
            order = tuple(str(v) for v in column.get("order", ()))
            return Field(name=name, kind="ordinal" if order else "categorical", levels=order, reason=said)
        case "datetime":
            style = style_of(str(column.get("datetime_format", "")))
            return Field(name=name, kind="datetime", format={"style": style} if style else {}, reason=said)
        case "unknown":
            return Field(name=name, kind="text", reason=said)
        case _:
            return Field(name=name, kind="identifier", pattern=_pattern(column), reason=f"{said}, personal data")


def _pattern(column: Mapping[str, Any]) -> str:
    return str(column.get("regex_format", ""))


def style_of(strftime: str) -> str:
    """Return a strftime format in our places, or an empty string when a code has no place."""
    parts = re.split(r"%(-?[A-Za-z])", strftime)
    out = []
    for i, part in enumerate(parts):
        if i % 2 == 0:
            out.append(part)
        elif part.lstrip("-") not in _STRFTIME:
            return ""
        else:
            place = _STRFTIME[part.lstrip("-")]
            out.append({"{MM}": "{M}", "{DD}": "{D}", "{HH}": "{H}"}.get(place, place) if part[0] == "-" else place)
    return "".join(out)


__all__ = ["from_sdv", "style_of"]
