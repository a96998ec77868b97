"""Pictures in an ``.npz`` file: arrays of pictures, labels and persons, streamed from the archive block by block."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthproof.core.errors import ReadError
from synthproof.data.image.decode import MOST_PIXELS
from synthproof.data.image.intake import ALTERED_TYPE
from synthproof.data.image.labels import LABEL_NAMES
from synthproof.data.image.persons import NAMES as PERSON_NAMES
from synthproof.engines.scratch import scratch

PICTURES = ("x", "images", "image", "imgs", "data", "pixels")
TYPE_KEY = "source_type"
"""Array of an archive that says as an IPTC digital source type how its pictures were made (`write` marks them so)."""
_MOST_PICTURES, _MOST_LABELS = 50_000_000, 10_000
_BLOCK = 1 << 24
_UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What opening, inflating and checking a damaged or hostile archive raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrays:
    """What an archive holds.

    Parameters
    ----------
    key
        Name of the array of pictures.
    shape
        (n, h, w) or (n, h, w, c).
    bits
        8 or 16.
    labels
        Columns with one value a picture; labels named by the archive's ``classes``.
    targets
        Which of them are labels.
    altered
        Whether the archive says of itself that its pictures began from real ones.
    """

    key: str
    shape: tuple[int, ...]
    bits: int
    labels: pd.DataFrame
    targets: tuple[str, ...]
    altered: bool = False


def look_npz(path: Path, part: str = "") -> Arrays:
    """Return what an archive holds, without reading its pictures.

    Parameters
    ----------
    part
        Ending of the arrays to take when there are several, e.g. ``"train"`` for ``x_train`` and ``y_train``.

    Raises
    ------
    ReadError
        ``image/not-an-archive``, ``image/no-pictures``, ``image/several-parts``, ``image/depth``, ``image/too-large``,
        ``image/labels-differ``.
    """
    heads = _heads(path)
    key = _pictures_key(heads, part, path.name)
    shape, dtype = heads[key]
    if dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise ReadError("image/depth", where=f"{path.name}: {key}", mode=str(dtype))
    if len(shape) == 4 and shape[3] not in (1, 3):
        raise ReadError("image/no-pictures", where=f"{path.name}: {key}", names=", ".join(heads) or "-")
    if 0 in shape:
        raise ReadError(
            "image/no-pictures", where=f"{path.name}: {key}", names=f"{key} ({' × '.join(map(str, shape))})"
        )
    if shape[1] * shape[2] > MOST_PIXELS or shape[0] > _MOST_PICTURES:
        raise ReadError("image/too-large", where=path.name, n=" × ".join(map(str, shape)), most=f"{MOST_PIXELS:,}")
    ending = key.partition("_")[2]
    try:
        labels, targets = _labels(path, heads, ending, shape[0])
        altered = _says_altered(path, heads)
    except ReadError:
        raise
    except _UNREADABLE as error:
        raise ReadError("image/damaged", where=path.name, reason=type(error).__name__, n=1) from error
    return Arrays(key=key, shape=shape, bits=8 * dtype.itemsize, labels=labels, targets=targets, altered=altered)


def _says_altered(path: Path, heads: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]) -> bool:
    if heads.get(TYPE_KEY, ((0,), None))[0] != ():
        return False
    with np.load(path, allow_pickle=False) as archive:
        return str(archive[TYPE_KEY]) == ALTERED_TYPE


def blocks_of(path: Path, arrays: Arrays) -> Iterator[np.ndarray[Any, Any]]:
    """Yield the pictures in order, a block at a time, shape (k, h, w[, c]). 16 MiB are held at most.

    Raises
    ------
    ReadError
        ``image/damaged``: the archive ends early, or its content is not what its checksum says.
    """
    blocks = _blocks(path, arrays)
    while True:
        try:
            block = next(blocks)
        except StopIteration:
            return
        except ReadError:
            raise
        except _UNREADABLE as error:
            raise ReadError("image/damaged", where=path.name, reason=type(error).__name__, n=1) from error
        yield block


def _blocks(path: Path, arrays: Arrays) -> Iterator[np.ndarray[Any, Any]]:
    each = int(np.prod(arrays.shape[1:])) * arrays.bits // 8
    count = max(1, _BLOCK // each)
    with zipfile.ZipFile(path) as archive, archive.open(f"{arrays.key}.npy") as stream:
        shape, fortran, dtype = _head(stream)
        if fortran:
            # column-major order cannot be cut by pictures: it is laid out first, on disk when it is large
            raw = _laid_out(stream, int(np.prod(shape)), dtype, path.name).reshape(shape, order="F")
            for i in range(0, shape[0], count):
                yield np.ascontiguousarray(raw[i : i + count])
            return
        for start in range(0, shape[0], count):
            k = min(count, shape[0] - start)
            data = stream.read(k * each)
            if len(data) < k * each:
                raise ReadError("image/damaged", where=path.name, reason="ends early", n=1)
            yield np.frombuffer(data, dtype=dtype).reshape(k, *shape[1:])


def _laid_out(stream: Any, n: int, dtype: np.dtype[Any], where: str) -> np.ndarray[Any, Any]:
    """Return the values of a stream as one array, in the order they come."""
    out = scratch((n,), dtype)
    each = _BLOCK // dtype.itemsize
    for start in range(0, n, each):
        k = min(each, n - start)
        data = stream.read(k * dtype.itemsize)
        if len(data) < k * dtype.itemsize:
            raise ReadError("image/damaged", where=where, reason="ends early", n=1)
        out[start : start + k] = np.frombuffer(data, dtype=dtype)
    return out


def _heads(path: Path) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    found: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.filename.endswith(".npy"):
                    with archive.open(info) as stream:
                        shape, _, dtype = _head(stream)
                    found[info.filename.removesuffix(".npy")] = shape, dtype
    except _UNREADABLE as error:
        raise ReadError("image/not-an-archive", where=path.name, reason=type(error).__name__) from error
    return found


def _head(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("an array of Python objects")
    return tuple(int(s) for s in shape), bool(fortran), dtype


def _pictures_key(heads: dict[str, tuple[tuple[int, ...], np.dtype[Any]]], part: str, where: str) -> str:
    known = [k for k, (shape, _) in heads.items() if len(shape) in (3, 4) and k.partition("_")[0].lower() in PICTURES]
    if part:
        known = [k for k in known if k.partition("_")[2] == part]
    if not known:
        raise ReadError("image/no-pictures", where=where, names=", ".join(heads) or "-")
    if len(known) > 1:
        exact = [k for k in known if k.lower() in PICTURES] or [k for k in known if k.endswith("_train")]
        if len(exact) != 1:
            raise ReadError("image/several-parts", where=where, names=", ".join(known))
        return exact[0]
    return known[0]


def _labels(
    path: Path, heads: dict[str, tuple[tuple[int, ...], np.dtype[Any]]], ending: str, n: int
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    columns: dict[str, Any] = {}
    targets: list[str] = []
    with np.load(path, allow_pickle=False) as archive:
        names = [str(c) for c in archive["classes"]] if "classes" in heads else []
        for key, (shape, _dtype) in heads.items():
            base = key.removesuffix(f"_{ending}") if ending else key
            if ending and not key.endswith(f"_{ending}") and key.lower() not in PERSON_NAMES:
                continue
            label, person = base.lower() in LABEL_NAMES, base.lower() in PERSON_NAMES
            if not (label or person):
                continue
            several = label and len(shape) == 2 and shape[1] <= _MOST_LABELS
            if not shape or shape[0] != n or not (several or int(np.prod(shape[1:])) == 1):
                raise ReadError(
                    "image/labels-differ", where=f"{path.name}: {key}", n=" × ".join(map(str, shape)), images=n
                )
            values = archive[key]
            if label and len(shape) == 2 and shape[1] > 1:
                for j in range(shape[1]):
                    name = names[j] if j < len(names) else f"label_{j}"
                    columns[name] = values[:, j].astype(bool)
                    targets.append(name)
            elif label:
                flat = values.reshape(n)
                known = names and np.issubdtype(flat.dtype, np.integer) and 0 <= flat.min() <= flat.max() < len(names)
                name = "class" if base.lower() == "y" else base
                columns[name] = np.array(names, dtype=object)[flat] if known else flat
                targets.append(name)
            else:
                columns[base] = values.reshape(n).astype(str)
    return pd.DataFrame(columns, index=pd.RangeIndex(n)), tuple(targets)


__all__ = ["Arrays", "blocks_of", "look_npz"]
