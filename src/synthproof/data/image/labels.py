"""Labels, persons and attributes of pictures: a table whose rows are matched to files, made fit to learn from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import ReadError, SchemaError, did_you_mean
from synthproof.core.schema import Field, Schema
from synthproof.data.balanced import ADDED_COLUMNS, ORIGINS
from synthproof.data.image.matching import files_named
from synthproof.data.image.persons import People, with_person
from synthproof.data.table.dataset import Origin, Table
from synthproof.data.table.formats import write_texts
from synthproof.data.table.io import read_table

IntArray = npt.NDArray[np.intp]
Notice = Mapping[str, Any]

LABEL_NAMES = (
    "label",
    "labels",
    "class",
    "target",
    "y",
    "diagnosis",
    "dx",
    "finding",
    "finding labels",
    "grade",
    "stage",
    "라벨",
    "레이블",
    "클래스",
    "부류",
    "분류",
    "진단",
    "진단명",
    "판정",
    "소견",
    "등급",
    "병기",
)
MARKS = ("seed", "index", "model")
_MOST_CLASSES = 200
_SPLIT = "|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A label table and the pictures its rows belong to.

    Parameters
    ----------
    table
        Classes, persons (pseudonyms), attributes; no file name.
    files
        Position of the picture of each row.
    notices
        What a person should know, as the errors that were not raised.
    people
        Who stands behind the pseudonyms, for as long as the process lives.
    """

    table: Table
    files: IntArray
    notices: tuple[Notice, ...] = ()
    people: People = field(default_factory=dict)


def of_classes(names: Sequence[str], origin: Origin) -> Table:
    """Return the label table of pictures that lie in one folder a class: a single column ``class``."""
    levels = tuple(sorted(set(names)))
    f = Field(name="class", kind="categorical", levels=levels, roles=frozenset({"target"}), reason="folder of the file")
    return Table(
        pd.DataFrame({"class": pd.Categorical(list(names), categories=list(levels))}), _schema([f]), origin=origin
    )


def unlabelled(n: int, origin: Origin) -> Table:
    """Return a label table that says nothing: one class for all."""
    f = Field(name="class", kind="categorical", levels=("all",), roles=frozenset({"target"}), reason="no labels given")
    return Table(pd.DataFrame({"class": pd.Categorical(["all"] * n, categories=["all"])}), _schema([f]), origin=origin)


def of_table(
    source: Any, files: Sequence[str], *, targets: Sequence[str] = (), person: str = "", origin: Origin
) -> Labelled:
    """Return the labels in a table with one row a picture.

    Parameters
    ----------
    source
        Whatever `read_table` takes. The column that names the pictures is found by matching it against `files`.
    files
        Names of the pictures relative to their folder, POSIX. Empty: row i is picture i.
    targets, person
        Names of the label columns and of the column that says whose picture it is; found by name when absent.

    Raises
    ------
    ReadError
        ``image/no-file-column``, ``image/no-label-column``.
    SchemaError
        ``schema/unknown-field``.
    """
    table = read_table(source)
    if set(MARKS) <= set(table.schema.names):
        table = table.without(*MARKS)  # pictures that we drew ourselves: how is no label
    if isinstance(source, str) and Path(source).name == ORIGINS:
        table = table.without(*(n for n in ADDED_COLUMNS if n in table.schema))  # nor is where a balanced one came from
    rows, at = np.arange(table.n_rows, dtype=np.intp), np.arange(table.n_rows, dtype=np.intp)
    notices: list[Notice] = []
    if files:
        name, at = _matched(table, files, origin.name)
        if (at < 0).any():
            notices.append({"code": "image/rows-without-file", "where": origin.name, "n": int((at < 0).sum())})
        # a picture named twice belongs to its first row
        again = (at >= 0) & pd.Series(at).duplicated().to_numpy()
        if again.any():
            notices.append({"code": "image/rows-twice", "where": origin.name, "n": int(again.sum())})
        at = np.where(again, -1, at)
        rows = np.flatnonzero(at >= 0).astype(np.intp)
        left = len(files) - len(np.unique(at[rows]))
        if left:
            notices.append({"code": "image/files-without-row", "where": origin.name, "n": left})
        table = table.without(name)
    table = table.with_frame(table.frame.take(rows).reset_index(drop=True))
    owned = with_person(table, person)
    if owned.unknown:
        facts = {"n": owned.unknown, "of": table.n_rows}
        notices.append({"code": "image/persons-unknown", "where": origin.name, **facts})
    table, dropped = _with_targets(_split_lists(owned.table, targets), targets, origin.name)
    notices += dropped
    table = Table(table.frame, table.schema, origin=replace(origin))
    return Labelled(table=table, files=at[rows], notices=tuple(notices), people=owned.people)


def _matched(table: Table, files: Sequence[str], where: str) -> tuple[str, IntArray]:
    """Return the column that names pictures and, row by row, the position of the picture (-1: none)."""
    best, found = "", np.full(table.n_rows, -1, dtype=np.intp)
    for f in table.schema.fields:
        if f.kind in {"continuous", "datetime", "boolean"}:
            continue
        at = files_named(table.frame[f.name].astype("string").fillna("").tolist(), files)
        if (at >= 0).sum() > (found >= 0).sum():
            best, found = f.name, at
    if (found >= 0).sum() * 2 < min(table.n_rows, len(files)):
        raise ReadError("image/no-file-column", where=where, n=int((found >= 0).sum()), rows=table.n_rows)
    return best, found


def _split_lists(table: Table, targets: Sequence[str]) -> Table:
    """Return the table in which a column such as ``Effusion|Mass`` became one yes/no column a label."""
    names = targets or [n for n in table.schema.names if n.lower() in LABEL_NAMES]
    for name in names:
        if name not in table.schema or table.schema.field(name).numeric:
            continue
        cells = table.frame[name].astype("string").fillna("")
        if not cells.str.contains(_SPLIT, regex=False).any():
            continue
        lists = cells.str.strip().str.replace(rf"\s*{re.escape(_SPLIT)}\s*", _SPLIT, regex=True)
        flags = lists.str.get_dummies(_SPLIT)
        kinds = [k for k in flags.columns if k.strip().lower() not in {"", "no finding", "none", "normal"}]
        if not 2 <= len(kinds) <= _MOST_CLASSES:
            continue
        unknown = lists == ""  # nobody looked: that is no "no"
        some, why = bool(unknown.any()), f"part of {name}"
        made = [Field(name=k, kind="boolean", roles=frozenset({"target"}), nullable=some, reason=why) for k in kinds]
        yes = {k: flags[k].astype(bool).astype("boolean").mask(unknown) for k in kinds}
        frame = table.frame.drop(columns=[name]).assign(**yes)
        fields = (*(f for f in table.schema.fields if f.name != name), *made)
        table = Table(frame, replace(table.schema, fields=fields), origin=table.origin)
    return table


def _with_targets(table: Table, targets: Sequence[str], where: str) -> tuple[Table, list[Notice]]:
    """Return the table with its label columns marked and fit to be classes, and without what no picture is drawn by."""
    schema = table.schema
    chosen = [n for n in (targets or schema.with_role("target")) if n in schema]
    for name in targets:
        if name not in schema and not schema.with_role("target"):
            raise SchemaError(
                "schema/unknown-field", name=name, hint=did_you_mean(name, schema.names), n=len(schema.fields)
            )
    chosen = chosen or list(schema.with_role("target"))
    if not chosen:
        chosen = [n for n in schema.names if n.lower() in LABEL_NAMES][:1]
    if not chosen:
        chosen = [f.name for f in schema.fields if f.kind == "boolean"]
    if not chosen:
        raise ReadError("image/no-label-column", where=where, columns=len(schema.fields))
    frame = table.frame
    for name in chosen:
        f, column = as_class(schema.field(name), frame[name], alone=len(chosen) == 1)
        schema, frame = schema.replace_field(f), frame.assign(**{name: column})
    lost = [f.name for f in schema.fields if not f.modelled and not f.has("unit")]
    notices: list[Notice] = (
        [{"code": "image/columns-left-out", "where": where, "names": ", ".join(lost)}] if lost else []
    )
    out = Table(frame[list(schema.names)], schema, origin=table.origin)
    return out.without(*lost), notices


def as_class(f: Field, column: pd.Series, *, alone: bool = False) -> tuple[Field, pd.Series]:
    """Return a column as a target of levels: numbers that are codes of classes become their texts.

    Parameters
    ----------
    alone
        Whether it is the only label.
    """
    if f.kind == "boolean" and alone:
        # one yes/no label is two classes, called as the source calls them
        texts = write_texts(column, f)
        words = [str(w) for w in texts.values.to_pylist()]
        named = [words[c] if c >= 0 else None for c in texts.codes.tolist()]
        return as_class(
            Field(name=f.name, kind="text", roles=f.roles, nullable=f.nullable), pd.Series(named, dtype="str")
        )
    if f.levelled and len(f.levels) <= _MOST_CLASSES:
        return f.with_roles("target"), column
    present = column.dropna()
    kinds = sorted(present.unique().tolist())
    if f.kind not in {"integer", "identifier", "text"} or not 1 <= len(kinds) <= _MOST_CLASSES:
        raise SchemaError("image/not-a-class", where=f.name, kind=f.kind, n=len(kinds))
    levels = tuple(str(k) for k in kinds)
    named_as = column.map({k: str(k) for k in kinds})
    made = Field(
        name=f.name, kind="categorical", levels=levels, roles=f.roles | {"target"}, nullable=f.nullable, reason="label"
    )
    return made, pd.Series(pd.Categorical(named_as, categories=list(levels)))


def labels_file(folder: Path) -> Path | None:
    """Return the label table that lies beside pictures, if there is just one."""
    suffixes = {".csv", ".tsv", ".parquet", ".xlsx", ".jsonl"}
    # a table of boxes has a row a box, and says nothing of whole pictures
    known = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in suffixes and p.stem.lower() != "boxes"]
    named = [p for p in known if p.stem.lower() in {"labels", "label", "images", "metadata", "annotations"}]
    return (named or known)[0] if len(named) == 1 or len(known) == 1 else None


def _schema(fields: Sequence[Field]) -> Schema:
    return Schema(fields=tuple(fields), unit="image", modality="image")


__all__ = ["Labelled", "as_class", "labels_file", "of_classes", "of_table", "unlabelled"]
