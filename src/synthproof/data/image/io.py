"""Reading pictures from a folder, an archive or arrays; one bad file never costs the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import ReadError
from synthproof.core.run import Run, quiet
from synthproof.data.image.arrays import blocks_of, look_npz
from synthproof.data.image.chain import Chain, Pixels
from synthproof.data.image.custody import KEY, Step
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.decode import Head
from synthproof.data.image.folder import How, chain_for, finished, has_picture, read_folder
from synthproof.data.image.labels import of_table, unlabelled
from synthproof.data.image.store import new_store
from synthproof.data.image.zipped import holds_pictures
from synthproof.data.table.dataset import Origin

IntArray = npt.NDArray[np.intp]


def is_image_source(source: Any) -> bool:
    """Return whether a source holds pictures: an `ImageSet`, ``{"images": …}``, an ``.npz``, a folder of pictures, or a zip
    of them (alone, or in a folder beside their table)."""
    if isinstance(source, ImageSet) or (isinstance(source, Mapping) and "images" in source):
        return True
    if not isinstance(source, str | Path) or "://" in str(source):
        return False
    path = Path(source)
    if path.is_dir():
        return has_picture(path) or holds_pictures(path)
    return path.suffix.lower() == ".npz" or (path.suffix.lower() == ".zip" and holds_pictures(path))


def read_images(source: Any, how: How | None = None, *, store: Path | None = None, run: Run | None = None) -> ImageSet:
    """Return the pictures of a folder, an archive or plain arrays.

    Parameters
    ----------
    source
        Folder (one folder a class, or with a label table), ``.npz``, ``{"images": (n, h, w[, c]), "labels": …}``, or an
        `ImageSet`.
    store
        Folder for the squares; absent: memory, or a private temporary folder when they are many.

    Raises
    ------
    ReadError
        ``image/no-pictures`` …, ``image/too-many-bad`` when more than a tenth of the files cannot be read. Single bad
        files are left out; `io.notices` lists them by reason.

    Notes
    -----
    Two passes over a folder: heads (sizes, depth), then pixels. A file's pixels are held from its decoding to its square,
    as many files at once as the run has workers; files of more than 16 million pixels one by one. Beyond that some 700
    bytes of a file are held, and squares of more than 32 MiB in all lie on disk.
    """
    how = how or How()
    if isinstance(source, ImageSet):
        return source
    if isinstance(source, Mapping):
        return _of_arrays(source, how, store)
    path = Path(source)
    if not path.exists():
        raise ReadError("read/no-such-file", where=path.name, hint="")
    if path.is_dir():
        return read_folder(path, how, store=store, run=run).images
    return _of_archive(path, how, store, quiet(run))


# archives and arrays -------------------------------------------------------------------------------------


def _of_archive(path: Path, how: How, store: Path | None, run: Run) -> ImageSet:
    found = look_npz(path, how.part)
    n, high, wide = found.shape[:3]
    colour = (len(found.shape) == 4 and found.shape[3] == 3) if how.colour == "auto" else how.colour == "rgb"
    head = Head(height=high, width=wide, frames=1, bits=8 if found.bits == 8 else 16, colour=colour)
    chain = chain_for([head], how, colour)
    pixels, at = new_store(n, chain, store), 0
    for block in blocks_of(path, found):
        run.tick("read/images", at, n)
        _put(pixels, at, block, chain)
        at += len(block)
    run.tick("read/images", n, n)
    options: dict[str, Any] = {"format": "npz", "key": found.key}
    if found.altered:  # as of a folder: what began from real pictures once stays so
        options[KEY] = [Step(did="translate", input="real").to_dict()]
    origin = Origin(container="npz", name=path.name, options=options)
    return _with_columns(found.labels, found.targets, pixels, chain, how, origin)


def _of_arrays(source: Mapping[str, Any], how: How, store: Path | None) -> ImageSet:
    given = np.asarray(source["images"])
    if given.ndim not in (3, 4) or given.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise ReadError("image/depth", where="images", mode=f"{given.dtype}, {given.ndim} dimensions")
    if 0 in given.shape or (given.ndim == 4 and given.shape[3] not in (1, 3)):
        shape = " × ".join(map(str, given.shape))
        raise ReadError("image/no-pictures", where="images", names=f"images ({shape})")
    colour = given.ndim == 4 and given.shape[3] == 3
    bits = 8 if given.dtype == np.uint8 else 16
    head = Head(height=given.shape[1], width=given.shape[2], frames=1, bits=bits, colour=colour)  # type: ignore[arg-type]
    chain = chain_for([head], how, colour)
    pixels = new_store(len(given), chain, store)
    _put(pixels, 0, given, chain)
    labels = source.get("labels")
    frame = (
        labels
        if isinstance(labels, pd.DataFrame)
        else pd.DataFrame({} if labels is None else {"class": np.asarray(labels)})
    )
    if len(frame) != len(given) and frame.shape[1]:
        raise ReadError("image/labels-differ", where="labels", n=len(frame), images=len(given))
    targets = how.targets or tuple(n for n in frame.columns if str(n).lower() in LABELS_BY_NAME)
    return _with_columns(frame, targets, pixels, chain, how, Origin(container="arrays", name="arrays"))


LABELS_BY_NAME = ("class", "label", "y")


def _put(pixels: Pixels, at: int, block: npt.NDArray[Any], chain: Chain) -> None:
    """Write a block of pictures into the store."""
    whole = block[..., None] if block.ndim == 3 else block
    if whole.shape[1:] == chain.shape:
        pixels[at : at + len(whole)] = whole
        return
    for k, picture in enumerate(block):
        pixels[at + k] = chain.apply(picture)


def _with_columns(
    frame: pd.DataFrame, targets: tuple[str, ...], pixels: Pixels, chain: Chain, how: How, origin: Origin
) -> ImageSet:
    n = len(pixels)
    if not frame.shape[1]:
        told = [{"code": "image/no-classes", "where": origin.name, "n": n}]
        return finished(unlabelled(n, origin), pixels, chain, np.arange(n, dtype=np.intp), told, "flat")
    found = of_table(frame, (), targets=how.targets or targets, person=how.person, origin=origin)
    at = np.arange(n, dtype=np.intp)
    return finished(found.table, pixels, chain, at, list(found.notices), "table", found.people)


__all__ = ["How", "is_image_source", "read_images"]
