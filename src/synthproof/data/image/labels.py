"""Labels, persons and attributes of pictures: a table whose rows are matched to files, made fit to learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import ReadError, SchemaError, did_you_mean
from synthproof.core.schema import Field, Schema
from synthproof.data.balanced import ADDED_COLUMNS, ORIGINS
from synthproof.data.table.dataset import Origin, Table
from synthproof.data.table.formats import write_texts
from synthproof.data.table.hints import person_like
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
)
PERSON_NAMES = (
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
    """

    table: Table
    files: IntArray
    notices: tuple[Notice, ...] = ()


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
        rows = np.flatnonzero(at >= 0).astype(np.intp)
        if len(rows) < table.n_rows:
            notices.append({"code": "image/rows-without-file", "where": origin.name, "n": int((at < 0).sum())})
        left = len(files) - len(np.unique(at[rows]))
        if left:
            notices.append({"code": "image/files-without-row", "where": origin.name, "n": left})
        table = table.without(name)
    table = table.with_frame(table.frame.take(rows).reset_index(drop=True))
    table = _with_person(table, person)
    table, dropped = _with_targets(_split_lists(table, targets), targets, origin.name)
    notices += dropped
    return Labelled(
        table=Table(table.frame, table.schema, origin=replace(origin)), files=at[rows], notices=tuple(notices)
    )


def _matched(table: Table, files: Sequence[str], where: str) -> tuple[str, IntArray]:
    """Return the column that names pictures and, row by row, the position of the picture (-1: none)."""
    keys: list[dict[str, int]] = [{}, {}, {}]
    for i, name in enumerate(files):
        path = PurePosixPath(name)
        for known, key in zip(keys, (name, path.name, path.stem), strict=True):
            known[key] = -1 if key in known else i  # a name that two files share names neither
    best, found = "", np.full(table.n_rows, -1, dtype=np.intp)
    for f in table.schema.fields:
        if f.kind in {"continuous", "datetime", "boolean"}:
            continue
        texts = [str(v).replace("\\", "/").removeprefix("./") for v in table.frame[f.name].astype("string").fillna("")]
        for known in keys:
            at = np.array([known.get(t, known.get(PurePosixPath(t).name, -1)) for t in texts], dtype=np.intp)
            if (at >= 0).sum() > (found >= 0).sum():
                best, found = f.name, at
    if (found >= 0).sum() * 2 < min(table.n_rows, len(files)):
        raise ReadError("image/no-file-column", where=where, n=int((found >= 0).sum()), rows=table.n_rows)
    # a picture named twice belongs to its first row
    taken = pd.Series(found).where(found >= 0)
    found[(taken.duplicated() & taken.notna()).to_numpy()] = -1
    return best, found


def _with_person(table: Table, person: str) -> Table:
    """Return the table whose person column holds pseudonyms and is the unit."""
    name = person or table.schema.unit_field or ""
    if not name:
        known = {n.lower(): n for n in table.schema.names}
        name = next((known[p] for p in PERSON_NAMES if p in known), "")
    if not name:
        return table
    f = table.schema.field(name)
    codes, _ = pd.factorize(table.frame[name].astype("string"), use_na_sentinel=True)
    # Who is who must not follow from the numbers: they count in the order of the rows, not of the names.
    alone = codes.max(initial=-1) + 1 + np.arange(len(codes))
    codes = np.where(codes < 0, alone, codes)
    pseudonyms = pd.Series([f"P{c + 1:06d}" for c in codes], dtype=pd.StringDtype(na_value=np.nan))
    unit = person_like(name) or "patient"
    kept = Field(name=name, kind="identifier", roles=f.roles | {"unit"}, reason=f"says whose picture it is ({unit})")
    schema = replace(table.schema, unit=unit)
    for other in schema.with_role("unit"):
        if other != name:
            clean = schema.field(other)
            schema = schema.replace_field(replace(clean, roles=clean.roles - {"unit"}))
    return Table(table.frame.assign(**{name: pseudonyms}), schema.replace_field(kept), origin=table.origin)


def _split_lists(table: Table, targets: Sequence[str]) -> Table:
    """Return the table in which a column such as ``Effusion|Mass`` became one yes/no column a label."""
    names = targets or [n for n in table.schema.names if n.lower() in LABEL_NAMES]
    for name in names:
        if name not in table.schema or table.schema.field(name).numeric:
            continue
        cells = table.frame[name].astype("string").fillna("")
        if not cells.str.contains(_SPLIT, regex=False).any():
            continue
        flags = cells.str.get_dummies(_SPLIT)
        kinds = [k for k in flags.columns if k.strip().lower() not in {"", "no finding", "none", "normal"}]
        if not 2 <= len(kinds) <= _MOST_CLASSES:
            continue
        made = [Field(name=k, kind="boolean", roles=frozenset({"target"}), reason=f"part of {name}") for k in kinds]
        frame = table.frame.drop(columns=[name]).assign(**{k: flags[k].astype(bool).astype("boolean") for k in kinds})
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


def grouped(labels: Table, whose: Sequence[str], unit: str) -> Table:
    """Return labels with a unit column of pseudonyms, numbered as persons first appear."""
    name = unit
    while name in labels.schema:
        name += "_"
    codes, _ = pd.factorize(np.array(whose, dtype=object))
    f = Field(name=name, kind="identifier", roles=frozenset({"unit"}), reason="whose picture it is, from the file")
    frame = labels.frame.assign(
        **{name: pd.Series([f"P{c + 1:06d}" for c in codes], dtype=pd.StringDtype(na_value=np.nan))}
    )
    schema = replace(labels.schema, fields=(*labels.schema.fields, f), unit=unit)
    return Table(frame, schema, origin=labels.origin)


def labels_file(folder: Path) -> Path | None:
    """Return the label table that lies beside pictures, if there is just one."""
    suffixes = {".csv", ".tsv", ".parquet", ".xlsx", ".jsonl"}
    # a table of boxes has a row a box, and says nothing of whole pictures
    known = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in suffixes and p.stem.lower() != "boxes"]
    named = [p for p in known if p.stem.lower() in {"labels", "label", "images", "metadata", "annotations"}]
    return (named or known)[0] if len(named) == 1 or len(known) == 1 else None


def _schema(fields: Sequence[Field]) -> Schema:
    return Schema(fields=tuple(fields), unit="image", modality="image")


__all__ = ["Labelled", "as_class", "grouped", "labels_file", "of_classes", "of_table", "unlabelled"]
