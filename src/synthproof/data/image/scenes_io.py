"""Scenes from a folder or zip with a table of boxes, and to a folder with boxes.csv and COCO annotations."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import ReadError
from synthproof.core.files import whole_folder
from synthproof.core.run import Run, quiet
from synthproof.data.image.chain import Chain, fitting_side
from synthproof.data.image.decode import MOST_PIXELS, SUFFIXES, Head, decode, look, pillow
from synthproof.data.image.io import MOST_BAD, How
from synthproof.data.image.labels import PERSON_NAMES, of_table, unlabelled
from synthproof.data.image.scenes import COLUMNS, CORNERS, Scenes, scaled
from synthproof.data.image.store import new_store
from synthproof.data.image.write import LIST, write_folder
from synthproof.data.table.dataset import Origin, Table
from synthproof.data.table.io import read_table

BOXES, COCO, MASKS = "boxes.csv", "annotations.json", "masks"
_IMAGE = ("image", "file", "filename", "file_name", "image_id")
_CLASS = ("class", "label", "category", "name")
_TABLES = (".csv", ".tsv", ".parquet")


def read_scenes(source: str | Path, how: How | None = None, *, boxes: str = "", run: Run | None = None) -> Scenes:
    """Return the pictures of a folder or zip with their boxes.

    Parameters
    ----------
    source
        A folder of pictures, a folder with one zip of pictures, or a zip; the table of boxes lies beside the pictures or
        is named by `boxes`. A folder ``masks/`` as we write it is read too.
    how
        Side, fit and colour of the squares, as for other pictures; `How.part` keeps rows whose ``split`` is that;
        `How.labels` names a table with labels of whole pictures.
    boxes
        Table of boxes: ``image`` (file name, with or without its suffix), ``class`` and ``xmin, ymin, xmax, ymax`` in
        pixels of the file, or ``x, y, width, height``. A person column (``patient`` …) makes persons the unit.

    Raises
    ------
    ReadError
        ``image/boxes-unreadable``, ``image/no-pictures``, ``image/too-many-bad``, ``image/not-an-archive``.
    """
    how, path = how or How(), Path(source)
    if not path.exists():
        raise ReadError("read/no-such-file", where=path.name, hint="")
    folder = path if path.is_dir() else path.parent
    table = _boxes_table(folder, boxes, how.part)
    archive = path if path.is_file() else _lone_zip(path)
    if archive is None:
        return _read(path, path, table, how, quiet(run))
    with tempfile.TemporaryDirectory(prefix="synthproof-scenes-") as place:
        _unpack(archive, Path(place))
        return _read(Path(place), folder, table, how, quiet(run))


def _boxes_table(folder: Path, named: str, part: str) -> pd.DataFrame:
    """Return the boxes with canonical column names; other columns that hold one value a picture stay."""
    path = (
        Path(named)
        if named
        else next((folder / f"boxes{s}" for s in _TABLES if (folder / f"boxes{s}").is_file()), None)
    )
    if path is None or not path.is_file():
        raise ReadError("image/boxes-unreadable", where=folder.name, reason="no boxes.csv or boxes.parquet")
    frame = read_table(str(path)).frame
    lower = {str(c).lower(): str(c) for c in frame.columns}
    found = {
        "image": next((lower[c] for c in _IMAGE if c in lower), ""),
        "class": next((lower[c] for c in _CLASS if c in lower), ""),
    }
    if not all(found.values()):
        raise ReadError("image/boxes-unreadable", where=path.name, reason="no column image or class")
    out = pd.DataFrame({k: frame[v].astype(str) for k, v in found.items()})
    if all(c in lower for c in CORNERS):
        numbers = frame[[lower[c] for c in CORNERS]].astype(float).to_numpy()
    elif all(c in lower for c in ("x", "y", "width", "height")):
        x, y, w, h = (frame[lower[c]].astype(float).to_numpy() for c in ("x", "y", "width", "height"))
        numbers = np.stack([x, y, x + w, y + h], axis=1)
    else:
        raise ReadError("image/boxes-unreadable", where=path.name, reason="no columns xmin, ymin, xmax, ymax")
    bad = ~np.isfinite(numbers).all(axis=1) | (numbers[:, 2:] <= numbers[:, :2]).any(axis=1)
    if bad.mean() > MOST_BAD:
        raise ReadError(
            "image/boxes-unreadable", where=path.name, reason=f"{int(bad.sum())} of {len(bad)} rows are no box"
        )
    out[list(CORNERS)] = numbers
    person = next((lower[p] for p in PERSON_NAMES if p in lower), "")
    if person:
        out["person"] = frame[person].astype(str)
    good = ~bad
    if part and "split" in lower:
        good &= (frame[lower["split"]].astype(str) == part).to_numpy()
    kept: pd.DataFrame = out[good].reset_index(drop=True)
    return kept


def _lone_zip(folder: Path) -> Path | None:
    zips = sorted(folder.glob("*.zip"))
    return zips[0] if len(zips) == 1 else None


def _unpack(archive: Path, place: Path) -> None:
    """Unpack the pictures of a zip under numbers-free, flat names; what lies elsewhere or is too large stays inside."""
    try:
        with zipfile.ZipFile(archive) as inside:
            for item in inside.infolist():
                name = PurePosixPath(item.filename).name
                if item.is_dir() or PurePosixPath(name).suffix.lower() not in SUFFIXES or name.startswith("."):
                    continue
                # what a file states of its size may be a lie: copying stops one byte after the line
                with inside.open(item) as source, (place / name).open("wb") as target:
                    left = MOST_PIXELS * 8
                    while left > 0 and (chunk := source.read(min(1 << 20, left))):
                        target.write(chunk)
                        left -= len(chunk)
    except (zipfile.BadZipFile, OSError, RuntimeError) as error:
        raise ReadError("image/not-an-archive", where=archive.name, reason=type(error).__name__) from error


def _read(root: Path, beside: Path, table: pd.DataFrame, how: How, run: Run) -> Scenes:
    wanted = {name: i for i, name in enumerate(dict.fromkeys(table["image"]))}
    paths = {i: p for p in _pictures(root) if (i := _number(p, root, wanted)) >= 0}
    if not paths:
        raise ReadError("image/no-pictures", where=beside.name, names="-")
    heads: dict[int, Head] = {}
    bad: list[tuple[str, int]] = []
    for k, (i, p) in enumerate(sorted(paths.items())):
        run.tick("read/heads", k, len(paths))
        try:
            heads[i] = look(p, f"image {k + 1} of {len(paths)}")
        except ReadError as error:
            bad.append((error.code, k))
    chain = _chain(heads, how)
    store = new_store(len(heads), chain)
    kept: list[int] = []
    for k, i in enumerate(sorted(heads)):
        run.tick("read/images", k, len(heads))
        try:
            store[len(kept)] = chain.apply(decode(paths[i], f"image {k + 1} of {len(heads)}")[0])
            kept.append(i)
        except ReadError as error:
            bad.append((error.code, k))
    if len(bad) > MOST_BAD * len(paths) or not kept:
        code = bad[0][0] if bad else "image/no-pictures"
        raise ReadError("image/too-many-bad", where=beside.name, n=len(bad), files=len(paths), code=code)
    notices = [{"code": c, "where": f"image {k + 1} of {len(paths)}", "n": 1} for c, k in bad]
    if len(paths) < len(wanted):
        notices.append({"code": "image/rows-without-file", "where": beside.name, "n": len(wanted) - len(paths)})
    return _assembled(beside, table, wanted, {i: paths[i] for i in kept}, heads, chain, store, how, notices)


def _assembled(
    beside: Path,
    table: pd.DataFrame,
    wanted: Mapping[str, int],
    paths: Mapping[int, Path],
    heads: Mapping[int, Head],
    chain: Chain,
    store: Any,
    how: How,
    notices: list[Any],
) -> Scenes:
    kept = list(paths)
    number = table["image"].map(wanted).to_numpy()
    corners, good = np.zeros((len(table), 4)), np.zeros(len(table), dtype=bool)
    for i in kept:
        mine = number == i
        given = table.loc[mine, list(CORNERS)].to_numpy(dtype=np.float64)
        corners[mine], good[mine] = scaled(given, heads[i].height, heads[i].width, chain)
    row_of = {i: r for r, i in enumerate(kept)}
    classes = sorted(set(table["class"]))
    boxes = pd.DataFrame(
        {
            "image": [row_of[i] for i in number[good].tolist()],
            "class": pd.Categorical(table.loc[good, "class"], categories=classes),
            **{c: corners[good, j] for j, c in enumerate(CORNERS)},
        }
    )
    # a box that fell out would shift the numbers in masks: then they no longer say which part is meant
    masks = _masks(beside, paths, chain) if good[np.isin(number, kept)].all() else None
    origin = Origin(
        container="images", name=beside.name, options={"format": "png", "layout": "scenes", "notices": notices}
    )
    labels = _labels(beside, table, number, paths, how, origin)
    return Scenes(labels, store[: len(kept)], chain, boxes=boxes, masks=masks)


def _labels(
    beside: Path, table: pd.DataFrame, number: Any, paths: Mapping[int, Path], how: How, origin: Origin
) -> Table:
    names = [p.name for p in paths.values()]
    listed = Path(how.labels) if how.labels else beside / LIST
    if listed.is_file():
        found = of_table(str(listed), names, targets=how.targets, person=how.person, origin=origin)
        if sorted(found.files.tolist()) == list(range(len(names))):
            order = np.argsort(found.files)
            return Table(found.table.frame.take(order).reset_index(drop=True), found.table.schema, origin=origin)
    if "person" not in table:
        return unlabelled(len(names), origin)
    first = table["person"].groupby(number).first()
    frame = pd.DataFrame({"class": ["all"] * len(names), "patient": [first[i] for i in paths]})
    grouped = of_table(frame, (), targets=("class",), person="patient", origin=origin)
    return Table(grouped.table.frame, grouped.table.schema, origin=origin)


def _pictures(root: Path) -> list[Path]:
    return [
        p for p in sorted(root.rglob("*"))
        if p.suffix.lower() in SUFFIXES and MASKS not in p.relative_to(root).parts[:-1] and p.is_file() and not p.is_symlink()
    ]  # fmt: skip


def _number(path: Path, root: Path, wanted: Mapping[str, int]) -> int:
    for name in (path.relative_to(root).as_posix(), path.name, path.stem):
        if name in wanted:
            return wanted[name]
    return -1


def _chain(heads: Mapping[int, Head], how: How) -> Chain:
    some = list(heads.values())
    if not some:
        return Chain(side=how.side or 64)
    colour = any(h.colour for h in some) if how.colour == "auto" else how.colour == "rgb"
    sizes = np.array([(h.height, h.width) for h in some], dtype=np.intp)
    side = how.side or fitting_side(sizes[:, 0], sizes[:, 1])
    fit: Any = "crop" if how.fit == "crop" else "pad"
    return Chain(side=side, channels=3 if colour else 1, bits=some[0].bits, fit=fit)


def _masks(beside: Path, paths: Mapping[int, Path], chain: Chain) -> npt.NDArray[np.uint16] | None:
    folder = beside / MASKS
    if not folder.is_dir():
        return None
    out = np.zeros((len(paths), chain.side, chain.side), dtype=np.uint16)
    for r, p in enumerate(paths.values()):
        path = folder / f"{p.stem}.png"
        if not path.is_file():
            return None
        given = decode(path, f"mask {r + 1} of {len(paths)}")[0]
        if given.shape != (chain.side, chain.side):
            return None  # numbers of parts cannot be averaged
        out[r] = given
    return out


def write_scenes(data: Scenes, target: Path) -> tuple[Path, ...]:
    """Write scenes as a folder, whole or not at all: pictures, ``images.csv``, ``boxes.csv``, ``annotations.json`` (COCO),
    and ``masks/`` (16-bit PNG: 0, or 1 + the number of the box in its picture) where masks are known.

    Returns
    -------
    tuple of pathlib.Path
        The folder.
    """
    with whole_folder(target) as part:
        files = write_folder(data, part, "png")
        frame = data.boxes.assign(image=[files[i] for i in data.boxes["image"].tolist()])
        extra = [c for c in data.boxes.columns if c not in COLUMNS]
        frame[[*COLUMNS, *extra]].to_csv(part / BOXES, index=False, lineterminator="\n", float_format="%.2f")
        text = json.dumps(coco(data, files), ensure_ascii=False, separators=(",", ":"))
        (part / COCO).write_text(text, encoding="utf-8")
        if data.masks is not None:
            (part / MASKS).mkdir()
            for i, name in enumerate(files):
                picture = pillow().fromarray(np.ascontiguousarray(data.masks[data.at[i]]))
                picture.save(part / MASKS / f"{Path(name).stem}.png", format="PNG")
    return (target,)


def coco(data: Scenes, files: list[str]) -> dict[str, Any]:
    """Return the boxes in COCO's form: ``bbox`` is x, y, width, height; masks as uncompressed run lengths, column by column."""
    side = data.chain.side
    images = [{"id": i + 1, "file_name": f, "width": side, "height": side} for i, f in enumerate(files)]
    codes = data.boxes["class"].cat.codes.to_numpy()
    within = data.boxes.groupby("image").cumcount().to_numpy()
    annotations = []
    for j, (i, x0, y0, x1, y1) in enumerate(data.boxes[["image", *CORNERS]].itertuples(index=False)):
        one: dict[str, Any] = {
            "id": j + 1, "image_id": int(i) + 1, "category_id": int(codes[j]) + 1, "iscrowd": 0,
            "bbox": [round(float(v), 2) for v in (x0, y0, x1 - x0, y1 - y0)],
            "area": round(float((x1 - x0) * (y1 - y0)), 2),
        }  # fmt: skip
        if data.masks is not None:
            mine = data.masks[data.at[int(i)]] == within[j] + 1
            one |= {"segmentation": {"size": [side, side], "counts": _runs(mine)}, "area": int(mine.sum())}
        annotations.append(one)
    categories = [{"id": k + 1, "name": name} for k, name in enumerate(data.part_classes)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _runs(mask: npt.NDArray[np.bool_]) -> list[int]:
    flat = np.concatenate([[False], mask.ravel(order="F")])
    ends = np.flatnonzero(np.diff(flat.astype(np.int8))) if len(flat) else np.empty(0, dtype=np.intp)
    runs: list[int] = np.diff(np.concatenate([[0], ends, [mask.size]])).tolist()
    return runs


__all__ = ["BOXES", "COCO", "MASKS", "coco", "read_scenes", "write_scenes"]
