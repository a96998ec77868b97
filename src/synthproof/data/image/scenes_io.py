"""Scenes from a folder or zip with a table of boxes, and to a folder with boxes.csv and COCO annotations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import ReadError, UsageError
from synthproof.core.files import whole_folder
from synthproof.core.run import Run
from synthproof.data.image.boxes import COCO, NAMES, Boxes, boxes_file, read_boxes
from synthproof.data.image.chain import Chain
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.decode import decode, pillow
from synthproof.data.image.folder import MASKS, MOST_BAD, How, Placed, pictures_of, read_folder
from synthproof.data.image.io import read_images
from synthproof.data.image.matching import files_named
from synthproof.data.image.persons import Owned, grouped
from synthproof.data.image.scenes import COLUMNS, CORNERS, Scenes, scaled
from synthproof.data.image.write import LIST, write_folder, write_images
from synthproof.data.image.zipped import as_folder, names_in
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import read_table

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BOXES = "boxes.csv"
_OVER = 1.0
"""Pixels of the file that a box may reach over its edge without a word: tools differ by one."""


def has_boxes(source: Any) -> bool:
    """Return whether a source is scenes, or a folder or zip with a table of boxes in it or (of a zip) beside it."""
    if isinstance(source, Scenes) or not isinstance(source, str | Path):
        return isinstance(source, Scenes)
    path = Path(source)
    if boxes_file(path if path.is_dir() else path.parent) is not None:
        return path.is_dir() or path.suffix.lower() == ".zip"
    return bool(set(names_in(path)) & set(NAMES))


def read_pictures(
    source: Any, how: How | None = None, *, store: Path | None = None, run: Run | None = None
) -> ImageSet:
    """Return pictures, with their boxes where there are some and `How.scenes` does not say no.

    Parameters
    ----------
    source
        Whatever `read_images` and `read_scenes` take.
    store
        Folder for the squares, as of `read_images`.

    Raises
    ------
    ReadError
        As theirs; ``image/boxes-unreadable`` when boxes are asked for and there are none.
    """
    how = how or How()
    if not isinstance(source, str | Path):
        return read_images(source, how, store=store, run=run)
    path = Path(source)
    if how.scenes == "yes" or (how.scenes == "auto" and (how.boxes or (path.exists() and has_boxes(path)))):
        return read_scenes(path, how, store=store, run=run)
    with as_folder(path) as (root, _):
        return read_images(root, how, store=store, run=run)


def read_scenes(
    source: str | Path,
    how: How | None = None,
    *,
    boxes: str = "",
    store: Path | None = None,
    run: Run | None = None,
) -> Scenes:
    """Return the pictures of a folder or zip with their boxes.

    Parameters
    ----------
    source
        A folder of pictures, a folder with one zip of pictures, or a zip; the table of boxes lies with the pictures,
        beside the zip, or is named by `boxes` or `How.boxes`. A folder ``masks/`` as we write it is read too.
    how
        Side, fit and colour of the squares, as for other pictures; `How.part` keeps rows whose ``split`` is that;
        `How.labels` names a table with labels of whole pictures.
    boxes
        Table of boxes, see `read_boxes`. A person column (``patient`` …) makes persons the unit.
    store
        Folder for the squares, as of `read_images`.

    Raises
    ------
    ReadError
        ``image/boxes-unreadable``, ``image/no-pictures``, ``image/too-many-bad``, ``image/not-an-archive``. Single bad
        files, rows that are no box, boxes outside their picture and rows of unknown pictures are left out and told.

    Notes
    -----
    Pictures that the table does not list are left out: whether they show no part, or nobody looked, is not known. Of a file
    with several pictures the boxes belong to the first.
    """
    how, path = how or How(), Path(source)
    if not path.exists():
        raise ReadError("read/no-such-file", where=path.name, hint="")
    with as_folder(path) as (root, beside):
        named = boxes or how.boxes
        table = Path(named) if named else boxes_file(root) or boxes_file(beside)
        found = read_boxes(table, part=how.part, where=path.name)
        if not how.labels and not (root / LIST).is_file() and (beside / LIST).is_file():
            how = replace(how, labels=str(beside / LIST))
        files = [p.relative_to(root).as_posix() for p in pictures_of(root)]
        # each table by itself: one may name a picture by its path, the other by its last part
        listed = _listed(root if (root / LIST).is_file() else beside)
        known = dict(zip(listed, _files_of(listed, files), strict=True))
        known |= dict(zip(found.images, _files_of(found.images, files), strict=True))
        wanted = {f for f in known.values() if f}
        if not wanted:
            raise ReadError("image/no-pictures", where=path.name, names="-")
        placed = read_folder(root, how, only=wanted, store=store, run=run)
        told = _told(found, known, files, table.name if table else path.name)
        return _assembled(placed, found, known, told, root if (root / MASKS).is_dir() else beside)


def _listed(folder: Path) -> list[str]:
    """Return the pictures that our own list beside them names: scenes without any part stand there alone."""
    if not (folder / LIST).is_file():
        return []
    frame = read_table(str(folder / LIST)).frame
    return [str(v) for v in frame["file"]] if "file" in frame.columns else []


def _files_of(names: Sequence[str], files: Sequence[str]) -> list[str]:
    """Return the file that each name means, "" where none or more than one would."""
    return [files[i] if i >= 0 else "" for i in files_named(names, files).tolist()]


def _told(found: Boxes, known: Mapping[str, str], files: Sequence[str], where: str) -> list[dict[str, Any]]:
    lost = sum(not known[n] for n in found.images)
    left = len(set(files) - set(known.values()) - set(_files_of(found.others, files)))
    told = [{"code": "image/boxes-unknown-image", "where": where, "n": lost, "of": len(found.images)}] if lost else []
    if left:
        told.append({"code": "image/pictures-without-boxes", "where": where, "n": left, "of": len(files)})
    return [*(dict(n) for n in found.notices), *told]


def _assembled(
    placed: Placed, found: Boxes, known: Mapping[str, str], told: list[dict[str, Any]], beside: Path
) -> Scenes:
    images = placed.images
    row_of: dict[str, int] = {}
    for r, file in enumerate(placed.files):
        row_of.setdefault(file, r)
    rows = np.array([row_of.get(known[n], -1) for n in found.frame["image"]], dtype=np.intp)
    given = found.frame[list(CORNERS)].to_numpy(dtype=np.float64)
    corners, good = np.zeros((len(rows), 4)), np.zeros(len(rows), dtype=bool)
    outside = np.zeros(len(rows), dtype=bool)
    order = np.argsort(rows, kind="stable")
    order = order[rows[order] >= 0]
    for mine in np.split(order, np.flatnonzero(np.diff(rows[order])) + 1) if len(order) else ():
        high, wide = placed.sizes[rows[mine[0]]].tolist()
        corners[mine], good[mine] = scaled(given[mine], high, wide, images.chain)
        outside[mine] = _outside(given[mine], high, wide)
    seen = int((rows >= 0).sum())
    if outside.sum() > MOST_BAD * max(seen, 1):
        raise ReadError("image/boxes-elsewhere", where=images.origin.name, n=int(outside.sum()), of=seen)
    if outside.any():
        lost = int((outside & ~good).sum())
        told.append({"code": "image/boxes-outside", "where": images.origin.name, "n": int(outside.sum()), "lost": lost})
    if not good.any():
        raise ReadError("image/no-boxes", where=images.origin.name, n=images.n_rows)
    kinds = sorted(set(found.frame["class"]))
    boxes = pd.DataFrame(
        {
            "image": rows[good],
            "class": pd.Categorical(found.frame.loc[good, "class"], categories=kinds),
            **{c: corners[good, j] for j, c in enumerate(CORNERS)},
        }
    )
    # a box that fell out would shift the numbers in masks: then they no longer say which part is meant
    whole = found.whole and bool(good[rows >= 0].all())
    masks = _masks(beside, placed.files, images.chain) if whole else None
    owned = _with_persons(_labels(images, told), found, rows, images)
    masks = _placed(masks, images)
    out = Scenes(owned.table, images.store, images.chain, boxes=boxes, masks=masks, at=images.at)
    return out.known_by(owned.people)


def _outside(corners: FloatArray, high: int, wide: int) -> npt.NDArray[np.bool_]:
    over = (corners[:, :2] < -_OVER).any(axis=1) | (corners[:, 2] > wide + _OVER) | (corners[:, 3] > high + _OVER)
    return np.asarray(over, dtype=np.bool_)


def _labels(images: ImageSet, told: Sequence[Mapping[str, Any]]) -> Table:
    """Return the pictures' labels with what came up among the boxes."""
    options = {**images.origin.options, "layout": "scenes"}
    options["notices"] = [*options.get("notices", ()), *told]
    return Table(images.frame, images.labels.schema, origin=replace(images.origin, options=options))


def _with_persons(labels: Table, found: Boxes, rows: IntArray, images: ImageSet) -> Owned:
    """Return labels whose unit is the person that the boxes name, where nothing else says whose a picture is."""
    if labels.schema.unit_field is not None or "person" not in found.frame:
        return Owned(table=labels, people=images.people or {})
    # a picture without a box is nobody else's: it stands alone
    whose: list[str | None] = [None] * labels.n_rows
    for r, name in zip(rows[::-1].tolist(), found.frame["person"].tolist()[::-1], strict=True):
        if r >= 0 and name:
            whose[r] = str(name)
    return grouped(labels, whose, "patient")


def _masks(beside: Path, files: Sequence[str], chain: Chain) -> npt.NDArray[np.uint16] | None:
    """Return the masks of all rows, shape (n_rows, side, side); ``None`` when one is missing or has another size."""
    folder = beside / MASKS
    if not folder.is_dir():
        return None
    out = np.zeros((len(files), chain.side, chain.side), dtype=np.uint16)
    for r, file in enumerate(files):
        path = folder / f"{PurePosixPath(file).stem}.png"
        if not path.is_file():
            return None
        given = decode(path, f"mask {r + 1} of {len(files)}")[0]
        if given.shape != (chain.side, chain.side):
            return None  # numbers of parts cannot be averaged
        out[r] = given
    return out


def _placed(masks: npt.NDArray[np.uint16] | None, images: ImageSet) -> npt.NDArray[np.uint16] | None:
    """Return masks by place in the store instead of by row."""
    if masks is None:
        return None
    out = np.zeros(images.store.shape[:3], dtype=np.uint16)
    out[images.at] = masks
    return out


def write_pictures(data: ImageSet, target: Path) -> tuple[Path, ...]:
    """Write pictures in the kind they came in; scenes with their boxes, as `write_scenes` does.

    Raises
    ------
    UsageError
        ``image/scenes-need-folder``: an archive of arrays has no place for boxes.
    """
    if not isinstance(data, Scenes):
        return write_images(data, target)
    if target.suffix.lower() == ".npz":
        raise UsageError("image/scenes-need-folder", where=target.name)
    return write_scenes(data, target)


def write_scenes(data: Scenes, target: Path) -> tuple[Path, ...]:
    """Write scenes as a folder, whole or not at all: pictures, ``images.csv``, ``boxes.csv``, ``annotations.json`` (COCO),
    and ``masks/`` (16-bit PNG: 0, or 1 + the number of the box in its picture) where masks are known.

    Returns
    -------
    tuple of pathlib.Path
        The folder.
    """
    with whole_folder(target) as part:
        write_boxes(data, write_folder(data, part, str(data.origin.options.get("format", "png"))), part)
    return (target,)


def write_boxes(data: Scenes, files: Sequence[str], folder: Path, *, seeds: bool = True) -> None:
    """Write the boxes of scenes beside their pictures: ``boxes.csv``, ``annotations.json`` and, where known, ``masks/``.

    Parameters
    ----------
    files
        Name of each scene's picture, relative to the folder.
    seeds
        Whether the seeds that parts were drawn from are written: not where a release goes.
    """
    frame = data.boxes.assign(image=[files[i] for i in data.boxes["image"].tolist()])
    extra = [c for c in data.boxes.columns if c not in COLUMNS and seeds]
    frame[[*COLUMNS, *extra]].to_csv(folder / BOXES, index=False, lineterminator="\n", float_format="%.2f")
    text = json.dumps(coco(data, files), ensure_ascii=False, separators=(",", ":"))
    (folder / COCO).write_text(text, encoding="utf-8")
    if data.masks is not None:
        (folder / MASKS).mkdir()
        for i, name in enumerate(files):
            picture = pillow().fromarray(np.ascontiguousarray(data.masks[data.at[i]]))
            picture.save(folder / MASKS / f"{Path(name).stem}.png", format="PNG")


def coco(data: Scenes, files: Sequence[str]) -> dict[str, Any]:
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


__all__ = [
    "BOXES",
    "COCO",
    "MASKS",
    "coco",
    "has_boxes",
    "read_pictures",
    "read_scenes",
    "write_boxes",
    "write_pictures",
    "write_scenes",
]
