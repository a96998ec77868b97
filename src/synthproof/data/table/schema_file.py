"""The schema as a TOML file that a person can read and change; the reason for each kind stands beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Table

from synthproof.core.errors import SchemaError
from synthproof.core.files import write_text
from synthproof.core.schema import KINDS, ROLES, Field, Schema

_HEAD = (
    "The columns of the data. Change what is wrong and pass this file with --schema.",
    "kind: " + ", ".join(KINDS),
    "roles: " + ", ".join(ROLES),
    "levels of an ordinal field stand from lowest to highest; low and high of a datetime are microseconds since 1970 UTC.",
    'constraints, e.g. "discharge >= admission", "total = a + b", "unique(id, visit)"',
)
_ORDER = ("name", "kind", "roles", "nullable", "levels", "low", "high", "decimals", "pattern", "storage", "format")


def save_schema(schema: Schema, path: Path | str) -> Path:
    """Write a schema as TOML, whole or not at all.

    Raises
    ------
    WorkspaceError
        ``workspace/unwritable``.
    """
    return write_text(Path(path), schema_text(schema))


def schema_text(schema: Schema) -> str:
    """Return a schema as TOML."""
    doc = tomlkit.document()
    for line in _HEAD:
        doc.add(tomlkit.comment(line))
    doc.add(tomlkit.nl())
    doc["modality"] = schema.modality
    doc["unit"] = schema.unit
    doc["constraints"] = _array([c.text for c in schema.constraints])
    fields = tomlkit.aot()
    for f in schema.fields:
        fields.append(_field_table(f))
    doc["fields"] = fields
    return tomlkit.dumps(doc)


def _field_table(f: Field) -> Table:
    values = f.to_dict()
    values.setdefault("roles", [])
    table = tomlkit.table()
    for key in _ORDER:
        if key not in values:
            continue
        value = values[key]
        if key == "format":
            inline = tomlkit.inline_table()
            inline.update({k: _plain(v) for k, v in value.items()})
            table[key] = inline
        else:
            table[key] = _array(value) if isinstance(value, list) else value
        if key == "kind" and f.reason:
            table[key].comment(" ".join(f.reason.split()))
    return table


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _array(values: list[Any]) -> Array:
    out = tomlkit.array()
    out.extend(values)
    return out.multiline(len(values) > 8)


def load_schema(path: Path | str) -> Schema:
    """Read a schema file.

    Raises
    ------
    SchemaError
        ``schema/unreadable`` when it is no TOML or lacks fields.
    ConfigError
        ``params/unknown`` or ``params/out-of-range`` for keys, kinds and roles that do not exist.
    """
    place = Path(path)
    try:
        doc = tomlkit.parse(place.read_text(encoding="utf-8"))
    except TOMLKitError as error:
        line = getattr(error, "line", 0)
        raise SchemaError(
            "schema/unreadable", where=str(place), reason=f"{type(error).__name__}, line {line}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError("schema/unreadable", where=str(place), reason=type(error).__name__) from error
    listed = doc.get("fields")
    if not isinstance(listed, AoT) or not listed:
        raise SchemaError("schema/unreadable", where=str(place), reason="it has no [[fields]]")
    reasons = [_comment(entry) for entry in listed]
    data = doc.unwrap()
    for entry, reason in zip(data["fields"], reasons, strict=True):
        if "name" not in entry or "kind" not in entry:
            raise SchemaError("schema/unreadable", where=str(place), reason="a field lacks its name or kind")
        if reason:
            entry.setdefault("reason", reason)
        for key in ("low", "high"):
            if key in entry:
                entry[key] = float(entry[key])
    return Schema.from_dict(data)


def _comment(entry: Any) -> str:
    trivia = getattr(entry.item("kind"), "trivia", None) if "kind" in entry else None
    return str(trivia.comment).removeprefix("#").strip() if trivia is not None else ""


__all__ = ["load_schema", "save_schema", "schema_text"]
