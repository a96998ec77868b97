"""What a user gives becomes a table: read at once, or part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from synthproof.core.constraints import Constraint
from synthproof.core.errors import ConfigError, ReadError, SchemaError, did_you_mean
from synthproof.core.run import Run
from synthproof.core.schema import Schema
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import How, is_image_source
from synthproof.data.image.scenes_io import read_pictures
from synthproof.data.table.chunks import ChunkedTable, open_chunks
from synthproof.data.table.dataset import Table
from synthproof.data.table.declared import declare
from synthproof.data.table.io import read_table, with_target
from synthproof.data.table.schema_file import load_schema
from synthproof.pipeline.stage_config import ImageConfig

MOST_SIDE = 4_096
"""Pixels of a side at most: beyond it a single square takes hundreds of megabytes while it is worked on."""


def read(
    source: Any,
    *,
    schema: Schema | str | Path | None = None,
    target: str | None = None,
    query: str | None = None,
    table: str | None = None,
    rules: Sequence[Constraint | str] = (),
    how: How | None = None,
) -> Any:
    """Return a table of units from a file, a database URL or a data frame; or pictures from a folder or archive.

    Parameters
    ----------
    source
        CSV, TSV (also .gz), Parquet, Excel, JSON lines; a SQLAlchemy URL; a pandas, polars or Arrow table. A folder of
        images (one folder a class, or with a label table), a zip of them, an ``.npz`` or ``{"images": …, "labels": …}`` gives
        an `ImageSet`; where a table of boxes lies beside the images, `Scenes`.
    schema
        A schema or a schema file; inferred, with reasons, when absent.
    target
        Column that a later task predicts.
    query, table
        What to read from a database.
    rules
        Rules that every row keeps, as expressions (``"discharge >= admission"``) or `Constraint` objects.
    how
        How pictures are read: label table, person, side, boxes …; absent: all of it is found.

    Raises
    ------
    ReadError
        When the source cannot be read; the message says what was found and what to do.
    """
    if is_image_source(source):
        given = how or How()
        return own_pictures(source, replace(given, targets=_names(target)) if target else given)
    known = load_schema(Path(schema)) if isinstance(schema, str | Path) else schema
    data = source if isinstance(source, Table) else read_table(source, schema=known, query=query, table=table)
    data = declare(data, rules) if rules else data
    return data.with_schema(with_target(data.schema, target)) if target else data


def how_of(image: ImageConfig, target: str = "", maker: Any = None) -> How:
    """Return how settings have pictures read.

    Parameters
    ----------
    maker
        The synthesizer that is to learn from them: it says whether it learns from boxes. Absent: boxes are read where there
        are some.
    """
    scenes = image.scenes
    if scenes == "auto" and maker is not None:
        scenes = "yes" if image.boxes else getattr(maker, "scenes", "no")
    return How(
        labels=image.labels, targets=_names(target), person=image.person, side=image.side, fit=image.fit, colour=image.colour,
        part=image.part, scenes=scenes, boxes=image.boxes,
    )  # fmt: skip


def own_pictures(source: Any, how: How, *, store: Path | None = None, run: Run | None = None) -> ImageSet:
    """Return the pictures that a user names, read as asked; what is asked for and is not there is refused.

    A person column that nobody has would else be passed over, and pictures of one person would stand on both sides of the
    split of somebody who asked that they do not.

    Raises
    ------
    ReadError
        ``image/no-person-column``, and as `read_pictures` raises.
    SchemaError
        ``schema/unknown-field`` for a label that is not there.
    ConfigError
        ``params/out-of-range`` for a side that no square can have, or a way of reading that there is not.
    """
    if not 0 <= how.side <= MOST_SIDE:
        raise _not_allowed("side", how.side, f"0 … {MOST_SIDE:,}")
    for name, words in _WAYS.items():
        if getattr(how, name) not in words:
            raise _not_allowed(name, getattr(how, name), ", ".join(words))
    found = read_pictures(source, how, store=store, run=run)
    schema, where = found.schema, found.origin.name
    if how.person and (schema.unit_field is None or schema.unit == "file"):
        raise ReadError("image/no-person-column", where=where, name=how.person)
    for name in how.targets:
        listed = any(f.reason == f"part of {name}" for f in schema.fields)  # "A|B" in one column became a column each
        if name not in schema and not listed:
            known = schema.with_role("target")
            hint = did_you_mean(name, known)
            raise SchemaError("schema/unknown-field", where=where, name=name, hint=hint, n=len(schema.fields))
    return found


_WAYS = {"fit": ("pad", "crop"), "colour": ("auto", "grey", "rgb"), "scenes": ("auto", "yes", "no")}


def _not_allowed(name: str, value: object, allowed: str) -> ConfigError:
    facts: dict[str, Any] = {"owner": "image", "name": name, "value": value, "allowed": allowed}
    return ConfigError("params/out-of-range", where=f"How.{name}", **facts)


def _names(text: str) -> tuple[str, ...]:
    return tuple(t.strip() for t in text.split(",") if t.strip())


def read_chunks(
    source: str | Path, *, schema: Schema | str | Path | None = None, target: str | None = None
) -> ChunkedTable:
    """Return a table that is read part by part and never held whole.

    Parameters
    ----------
    source
        A Parquet file, a folder of Parquet parts, CSV or TSV (also .gz).
    schema, target
        As `read` takes them.

    Raises
    ------
    ReadError
        As `read` raises, and ``read/not-in-chunks`` for other formats.
    """
    known = load_schema(Path(schema)) if isinstance(schema, str | Path) else schema
    found: ChunkedTable = data_of(open_chunks(source, schema=known), target)
    return found


def data_of(data: Any, target: str | None) -> Any:
    """Return a table, or one that is read in chunks as it is; with a target column, if one is named."""
    if not isinstance(data, ChunkedTable):
        return read(data, target=target)
    return data.with_schema(with_target(data.schema, target)) if target else data


__all__ = ["MOST_SIDE", "data_of", "how_of", "own_pictures", "read", "read_chunks"]
