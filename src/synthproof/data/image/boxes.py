"""Tables of boxes: CSV, Parquet or COCO, made one form; a bad row is left out and told, a table of them is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import ReadError
from synthproof.core.words import Words
from synthproof.data.image.folder import MOST_BAD
from synthproof.data.image.persons import NAMES as PERSON_NAMES
from synthproof.data.image.scenes import CORNERS
from synthproof.data.table.io import read_table

Notice = Mapping[str, Any]
COCO = "annotations.json"
NAMES = ("boxes.csv", "boxes.tsv", "boxes.parquet", COCO)
"""Files that are taken for a table of boxes where they lie beside pictures, the first of them."""
_IMAGE = ("image", "file", "filename", "file_name", "image_id")
_CLASS = ("class", "label", "category", "name")
_SIZES = ("x", "y", "width", "height")

_NO_TABLE = Words(
    en="no boxes.csv, boxes.parquet or annotations.json (COCO)",
    ko="boxes.csv, boxes.parquet 또는 annotations.json(COCO) 없음",
)
_ABSENT = Words(en="columns that are missing: {names}", ko="없는 열: {names}")
_EMPTY = Words(en="no row", ko="행 없음")
_BAD = Words(
    en="{n} of {of} rows are no box (not a number, or an end that is not beyond its beginning)",
    ko="{of}행 중 {n}행이 상자가 아님(숫자가 아니거나 끝이 시작보다 크지 않음)",
)
_SHARES = Words(
    en="all coordinates lie between 0 and 1: they seem to be shares of the side, not pixels",
    ko="모든 좌표가 0과 1 사이로, 픽셀이 아니라 변의 비율로 보임",
)
_NO_PART = Words(en="no row whose split is {part}", ko="split이 {part}인 행 없음")
_NOT_COCO = Words(
    en="not COCO: {names} missing or of another form", ko="COCO 형식이 아님: {names} 항목이 없거나 형식이 다름"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """What a table of boxes says.

    Parameters
    ----------
    frame
        One row a box: ``image`` (name of its picture), ``class`` and `CORNERS` in pixels of the file; ``person`` where
        the table has such a column. Only rows that are boxes.
    images
        Names of pictures that the table lists, with boxes or without, in its order.
    others
        Names of pictures of other parts than the one that was asked for.
    whole
        Whether no row was left out: numbers of parts in masks still hold.
    notices
        What a person should know, as errors that were not raised.
    """

    frame: pd.DataFrame
    images: tuple[str, ...]
    others: tuple[str, ...]
    whole: bool
    notices: tuple[Notice, ...] = ()


def boxes_file(folder: Path) -> Path | None:
    """Return the table of boxes that lies in a folder, if there is one."""
    for name in NAMES:
        path = folder / name
        if path.is_file() and (path.suffix != ".json" or _looks_coco(path)):
            return path
    return None


def read_boxes(path: Path | None, *, part: str = "", where: str = "") -> Boxes:
    """Return the boxes of a table.

    Parameters
    ----------
    path
        CSV, TSV or Parquet with ``image`` (file name, with or without its suffix), ``class`` and ``xmin, ymin, xmax, ymax``
        in pixels of the file, or ``x, y, width, height``; or COCO (``.json``). A person column (``patient`` …) is kept.
    part
        Keep rows whose ``split`` is that, where the table has such a column.

    Raises
    ------
    ReadError
        ``image/boxes-unreadable``: no table, a column is missing, or more than a tenth of the rows are no box.
    """
    if path is None or not path.is_file():
        raise _unreadable(where if path is None else path.name, _NO_TABLE)
    if path.suffix.lower() == ".json":
        frame, images, others = _of_coco(path, part)
    else:
        frame, images, others = read_table(str(path)).frame, None, []
    if frame.empty and not images:
        raise _unreadable(path.name, _EMPTY)
    lower = {str(c).lower(): str(c) for c in frame.columns}
    out, numbers = _columns(frame, lower, path.name)
    if part and "split" in lower:
        mine = (_texts(frame[lower["split"]]) == part).to_numpy()
        others = [*others, *out["image"][~mine]]
        out, numbers = out[mine].reset_index(drop=True), numbers[mine]
        if out.empty and not images:
            raise _unreadable(path.name, _NO_PART.filled(part=part))
    named = ((out["image"] != "") & (out["class"] != "")).to_numpy()
    good = named & np.isfinite(numbers).all(axis=1) & (numbers[:, 2:] > numbers[:, :2]).all(axis=1)
    n, bad = len(good), int((~good).sum())
    if bad > MOST_BAD * n:
        raise _unreadable(path.name, _BAD.filled(n=bad, of=n))
    out[list(CORNERS)] = numbers
    if good.any() and numbers[good].min() >= 0 and numbers[good].max() <= 1:
        raise _unreadable(path.name, _SHARES)
    listed = images if images is not None else [name for name in out["image"] if name]
    notices = [{"code": "image/boxes-left-out", "where": path.name, "n": bad, "of": n}] if bad else []
    return Boxes(
        frame=out[good].reset_index(drop=True),
        images=tuple(dict.fromkeys(listed)),
        others=tuple(dict.fromkeys(others)),
        whole=not bad,
        notices=tuple(notices),
    )


def _columns(frame: pd.DataFrame, lower: Mapping[str, str], where: str) -> tuple[pd.DataFrame, npt.NDArray[np.float64]]:
    image, kind = (next((lower[c] for c in names if c in lower), "") for names in (_IMAGE, _CLASS))
    sides = CORNERS if not all(c in lower for c in _SIZES) or all(c in lower for c in CORNERS) else _SIZES
    absent = [n for n, found in (("image", image), ("class", kind)) if not found]
    absent += [c for c in sides if c not in lower]
    if absent:
        raise _unreadable(where, _ABSENT.filled(names=", ".join(absent)))
    out = pd.DataFrame({"image": _texts(frame[image]), "class": _texts(frame[kind])})
    out["image"] = out["image"].str.replace("\\", "/", regex=False).str.removeprefix("./")
    numbers = np.stack([_numbers(frame[lower[c]]) for c in sides], axis=1)
    if sides == _SIZES:
        numbers[:, 2:] += numbers[:, :2]
    person = next((lower[p] for p in PERSON_NAMES if p in lower), "")
    if person:
        out["person"] = _texts(frame[person])
    return out, numbers


def _texts(column: pd.Series) -> pd.Series:
    """Return texts without their index; what is missing is empty."""
    return column.astype("string").fillna("").astype(object).reset_index(drop=True)


def _numbers(column: pd.Series) -> npt.NDArray[np.float64]:
    """Return numbers; what is none is not a number, and never shown."""
    given = column if pd.api.types.is_numeric_dtype(column.dtype) else column.astype("string")
    return pd.to_numeric(given, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _looks_coco(path: Path) -> bool:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and {"images", "annotations"} <= set(found)


def _of_coco(path: Path, part: str) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Return a COCO file as a table, the pictures of the part, and those of other parts; an entry of another form becomes a bad row."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise _unreadable(path.name, Words(en=type(error).__name__, ko=type(error).__name__)) from error
    lists = {k: found.get(k) if isinstance(found, dict) else None for k in ("images", "annotations", "categories")}
    wrong = [k for k, v in lists.items() if not isinstance(v, list)]
    if wrong:
        raise _unreadable(path.name, _NOT_COCO.filled(names=", ".join(wrong)))
    pictures = {i["id"]: i for i in _known(lists["images"]) if isinstance(i.get("file_name"), str)}
    kinds = {c["id"]: str(c.get("name", c["id"])) for c in _known(lists["categories"])}
    person = next((p for p in PERSON_NAMES if any(p in i for i in pictures.values())), "")
    more = [n for n in (person, "split") if n and any(n in i for i in pictures.values())]
    rows = []
    for given in lists["annotations"] or ():
        a = given if isinstance(given, dict) else {}
        if a.get("iscrowd"):
            continue  # a region with many of a kind is no part
        picture, kind = (
            known.get(a[key] if isinstance(a.get(key), int | str) else None)
            for known, key in ((pictures, "image_id"), (kinds, "category_id"))
        )
        box = a.get("bbox")
        sides = box if isinstance(box, list) and len(box) == len(_SIZES) else [None] * len(_SIZES)
        told: Mapping[str, Any] = picture if isinstance(picture, dict) else {}
        rows.append([told.get("file_name"), kind, *sides, *(told.get(n) for n in more)])
    mine = [not part or "split" not in more or i.get("split") == part for i in pictures.values()]
    named = [
        [i["file_name"] for i, m in zip(pictures.values(), mine, strict=True) if m == side] for side in (True, False)
    ]
    return pd.DataFrame(rows, columns=pd.Index(["image", "class", *_SIZES, *more]), dtype=object), named[0], named[1]


def _known(given: Sequence[Any] | None) -> list[dict[str, Any]]:
    return [x for x in given or () if isinstance(x, dict) and isinstance(x.get("id"), int | str)]


def _unreadable(where: str, reason: Words) -> ReadError:
    return ReadError("image/boxes-unreadable", where=where, reason=reason)


__all__ = ["COCO", "NAMES", "Boxes", "boxes_file", "read_boxes"]
