"""Reading pictures from a folder, an archive or arrays; one bad file never costs the rest."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import ReadError
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field
from synthproof.data.image.arrays import blocks_of, look_npz
from synthproof.data.image.chain import Chain, Pixels, fitting_side
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.decode import SUFFIXES, Head, decode, is_dicom, look
from synthproof.data.image.dicom import DicomPicture, read_dicom
from synthproof.data.image.intake import Intake
from synthproof.data.image.labels import labels_file, of_classes, of_table, unlabelled
from synthproof.data.image.store import new_store
from synthproof.data.table.dataset import Origin, Table

IntArray = npt.NDArray[np.intp]
MOST_BAD = 0.1
"""Share of unreadable files above which reading is refused: then it is the folder that is wrong, not some files."""
_PARTS = {"train", "test", "val", "valid", "validation"}
_BLOCK, _LOOKED = 64, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How pictures are read.

    Parameters
    ----------
    labels
        Label table (CSV, Parquet …) with one row a file. Absent: a lone table in the folder, else one folder a class.
    targets, person
        Columns of the label table: labels, and whose picture it is.
    side
        Side of the squares, pixels; 0: the largest of `chain.SIDES` that the median picture fills.
    fit
        ``"pad"`` or ``"crop"``.
    colour
        ``"auto"``, ``"grey"`` or ``"rgb"``.
    part
        Ending of an archive's arrays (``"train"``).
    """

    labels: str = ""
    targets: tuple[str, ...] = ()
    person: str = ""
    side: int = 0
    fit: str = "pad"
    colour: str = "auto"
    part: str = ""


def is_image_source(source: Any) -> bool:
    """Return whether a source holds pictures: an `ImageSet`, ``{"images": …}``, an ``.npz``, a picture, or a folder of
    pictures."""
    if isinstance(source, ImageSet) or (isinstance(source, Mapping) and "images" in source):
        return True
    if not isinstance(source, str | Path) or "://" in str(source):
        return False
    path = Path(source)
    if path.is_dir():
        return next(_pictures(path), None) is not None
    return path.suffix.lower() == ".npz"


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
    Two passes over a folder: heads (sizes, depth), then pixels; 64 files are held at a time.
    """
    how = how or How()
    if isinstance(source, ImageSet):
        return source
    if isinstance(source, Mapping):
        return _of_arrays(source, how, store)
    path = Path(source)
    if not path.exists():
        raise ReadError("read/no-such-file", where=path.name, hint="")
    return _of_folder(path, how, store, quiet(run)) if path.is_dir() else _of_archive(path, how, store, quiet(run))


# folders -------------------------------------------------------------------------------------------------


def _pictures(folder: Path) -> Any:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden or path.is_symlink() or not path.is_file():
            continue
        if path.suffix.lower() in SUFFIXES or is_dicom(path):
            yield path


@dataclass(slots=True)
class _Files:
    """Files of a folder and what became of them."""

    root: Path
    paths: list[Path]
    heads: list[Head | None] = field(default_factory=list)
    bad: Counter[str] = field(default_factory=Counter)
    person: dict[int, str] = field(default_factory=dict)
    intake: Intake = field(default_factory=Intake)
    guard: threading.Lock = field(default_factory=threading.Lock)
    window: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def where(self, i: int) -> str:
        # a file's name may be a person's name: files are told by their place in the sorted folder
        return f"image {i + 1} of {len(self.paths)}"

    def pictures(self, i: int) -> Sequence[Pixels]:
        """Return the pictures of a file, and note what a DICOM file says beside them."""
        path = self.paths[i]
        if not is_dicom(path):
            decoded = decode(path, self.where(i))
            self._see(i, decoded, None)
            return decoded
        found = read_dicom(path, self.where(i))
        self._see(i, found.frames, found)
        return found.frames

    def _see(self, i: int, decoded: Sequence[Pixels], dicom: DicomPicture | None) -> None:
        """Take in what a file carries; text is looked for in a thousand files, evenly spread, at their own size."""
        every = max(1, len(self.paths) // _LOOKED)
        # what is found in one file is counted apart, so that files may be decoded side by side
        own = Intake(look=i % every == 0)
        own.see(self.paths[i], decoded, dicom)
        with self.guard:
            self.intake.add(own)
            if dicom is not None:
                self.window[dicom.window] += 1
                if dicom.patient:
                    self.person[i] = dicom.patient

    def spoil(self, i: int, code: str, facts: Mapping[str, Any] | None = None) -> None:
        self.heads[i] = None
        self.bad[code] += 1
        self.facts.setdefault(code, facts or {})
        self.first.setdefault(code, i)


def _of_folder(root: Path, how: How, store: Path | None, run: Run) -> ImageSet:
    files = _Files(root, list(_pictures(root)))
    if not files.paths:
        raise ReadError("image/no-pictures", where=root.name, names="-")
    _look_at(files, run)
    good = [h for h in files.heads if h is not None]
    _refuse_bad(files)
    chain = _chain_for(good, how, _coloured(files) if how.colour == "auto" else how.colour == "rgb")
    frames = [0 if h is None else h.frames for h in files.heads]
    pixels = new_store(sum(frames), chain, store)
    starts = np.concatenate([[0], np.cumsum(frames)]).astype(np.intp)
    kept = _fill(files, pixels, starts, chain, run)
    _refuse_bad(files)
    told = files.facts  # a limit, a transfer syntax: of the first such file, beside how many they are
    listed = [
        {**told[c], "code": c, "where": files.where(files.first[c]), "n": n} for c, n in sorted(files.bad.items())
    ]
    listed += [*files.intake.notices(root.name), *_narrow(pixels, chain, root.name)]
    chain = replace(chain, window=", ".join(w for w, _ in files.window.most_common(3)))
    names = [p.relative_to(root).as_posix() for p in files.paths]
    suffix = Counter(p.suffix.lower() for p in files.paths).most_common(1)[0][0]
    origin = Origin(container="images", name=root.name, options={"format": SUFFIXES.get(suffix, "DICOM").lower()})
    origin = replace(origin, options={**origin.options, "intake": files.intake.facts()})
    table, of_file, noted = _folder_labels(root, names, how, origin)
    rows = [(r, j) for r, i in enumerate(of_file.tolist()) for j in range(starts[i], starts[i + 1]) if kept[j]]
    if not rows:
        raise ReadError("image/no-pictures", where=root.name, names="-")
    labels = table.with_frame(table.frame.take([r for r, _ in rows]).reset_index(drop=True))
    if table.schema.unit_field is None and (files.person or any(f > 1 for f in frames)):
        # whose picture it is follows from the patient number of a DICOM file, else from the file itself
        whose = [files.person.get(int(of_file[r]), f"file {of_file[r]}") for r, _ in rows]
        labels = _grouped(labels, whose, "patient" if files.person else "file")
    layout = "table" if _table_of(root, how) else ("classes" if len(Path(names[0]).parts) > 1 else "flat")
    return _finished(labels, pixels, chain, np.array([j for _, j in rows], dtype=np.intp), [*listed, *noted], layout)


def _look_at(files: _Files, run: Run) -> None:
    for i, path in enumerate(files.paths):
        if i % _BLOCK == 0:
            run.tick("read/heads", i, len(files.paths))
        files.heads.append(None)
        try:
            files.heads[i] = look(path, files.where(i))
        except ReadError as error:
            files.spoil(i, error.code, error.facts)
    # pictures of 8 and of 16 bits do not mix: the rarer ones are left out, and said
    depth = Counter(h.bits for h in files.heads if h is not None)
    if len(depth) > 1:
        usual = depth.most_common(1)[0][0]
        for i, h in enumerate(files.heads):
            if h is not None and h.bits != usual:
                files.spoil(i, "image/mixed-depth")


def _refuse_bad(files: _Files) -> None:
    n = sum(files.bad.values())
    if n and (n > MOST_BAD * len(files.paths) or n == len(files.paths)):
        code = files.bad.most_common(1)[0][0]
        where = f"{files.root.name}, {files.where(files.first[code])}"
        raise ReadError("image/too-many-bad", where=where, n=n, files=len(files.paths), code=code)


def _coloured(files: _Files) -> bool:
    """Return whether any of some files with colour channels has colours: scanners often write grey pictures as RGB."""
    some = [i for i, h in enumerate(files.heads) if h is not None and h.colour]
    for i in some[:: max(1, len(some) // _BLOCK)]:
        try:
            for picture in _decoded(files.paths[i], files.where(i)):
                most = 12 if picture.dtype == np.uint8 else 12 * 257
                if picture.ndim == 3 and int(np.ptp(picture.astype(np.int32), axis=2).max()) > most:
                    return True
        except ReadError:
            continue  # it is told when all are decoded
    return False


def _decoded(path: Path, where: str) -> Sequence[Pixels]:
    return read_dicom(path, where).frames if is_dicom(path) else decode(path, where)


def _chain_for(heads: Sequence[Head], how: How, colour: bool) -> Chain:
    sizes = np.array([(h.height, h.width) for h in heads], dtype=np.intp)
    side = how.side or fitting_side(sizes[:, 0], sizes[:, 1])
    bits = heads[0].bits
    return Chain(side=side, channels=3 if colour else 1, bits=bits, fit="crop" if how.fit == "crop" else "pad")


def _fill(files: _Files, pixels: Pixels, starts: IntArray, chain: Chain, run: Run) -> npt.NDArray[np.bool_]:
    kept = np.zeros(len(pixels), dtype=bool)
    work = Run(workers=run.workers)  # files lie on this machine, whatever else the run may reach

    def one(i: int) -> ReadError | None:
        try:
            for k, picture in enumerate(files.pictures(i)):
                pixels[starts[i] + k] = chain.apply(picture)
                kept[starts[i] + k] = True
        except ReadError as error:
            kept[starts[i] : starts[i + 1]] = False
            return error
        return None

    todo = [i for i, h in enumerate(files.heads) if h is not None]
    for at in range(0, len(todo), _BLOCK):
        run.tick("read/images", at, len(todo))
        block = todo[at : at + _BLOCK]
        for i, error in zip(block, work.map(one, block, "read/images"), strict=True):
            if error is not None:
                files.spoil(i, error.code, error.facts)
    run.tick("read/images", len(todo), len(todo))
    return kept


def _narrow(pixels: Pixels, chain: Chain, where: str) -> list[dict[str, Any]]:
    """Tell of pictures of 16 bits whose values are those of a scanner with fewer: all but black to a network."""
    used = max(int(pixels[i : i + 1_024].max()) for i in range(0, len(pixels), 1_024)).bit_length()
    return [{"code": "image/narrow-range", "where": where, "n": used}] if chain.bits == 16 and used <= 13 else []


def _table_of(root: Path, how: How) -> Path | None:
    return Path(how.labels) if how.labels else labels_file(root)


def _folder_labels(root: Path, names: list[str], how: How, origin: Origin) -> tuple[Table, IntArray, list[Any]]:
    """Return labels, the file of each row, and notices."""
    listed = _table_of(root, how)
    if listed is not None:
        found = of_table(str(listed), names, targets=how.targets, person=how.person, origin=origin)
        return found.table, found.files, list(found.notices)
    every = np.arange(len(names), dtype=np.intp)
    tops = [Path(n).parts[:-1] for n in names]
    deep = all(len(t) >= 2 for t in tops) and {t[0].lower() for t in tops} <= _PARTS
    kinds = [t[1] if deep else (t[0] if t else "") for t in tops]
    if len(set(kinds)) == 1 or any(not k for k in kinds):
        return (
            unlabelled(len(names), origin),
            every,
            [{"code": "image/no-classes", "where": root.name, "n": len(names)}],
        )
    return of_classes(kinds, origin), every, []


def _grouped(labels: Table, whose: Sequence[str], unit: str) -> Table:
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


# archives and arrays -------------------------------------------------------------------------------------


def _of_archive(path: Path, how: How, store: Path | None, run: Run) -> ImageSet:
    found = look_npz(path, how.part)
    n, high, wide = found.shape[:3]
    colour = (len(found.shape) == 4 and found.shape[3] == 3) if how.colour == "auto" else how.colour == "rgb"
    head = Head(height=high, width=wide, frames=1, bits=8 if found.bits == 8 else 16, colour=colour)
    chain = _chain_for([head], how, colour)
    pixels, at = new_store(n, chain, store), 0
    for block in blocks_of(path, found):
        run.tick("read/images", at, n)
        _put(pixels, at, block, chain)
        at += len(block)
    run.tick("read/images", n, n)
    origin = Origin(container="npz", name=path.name, options={"format": "npz", "key": found.key})
    return _with_columns(found.labels, found.targets, pixels, chain, how, origin)


def _of_arrays(source: Mapping[str, Any], how: How, store: Path | None) -> ImageSet:
    given = np.asarray(source["images"])
    if given.ndim not in (3, 4) or given.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise ReadError("image/depth", where="images", mode=f"{given.dtype}, {given.ndim} dimensions")
    colour = given.ndim == 4 and given.shape[3] == 3
    bits = 8 if given.dtype == np.uint8 else 16
    head = Head(height=given.shape[1], width=given.shape[2], frames=1, bits=bits, colour=colour)  # type: ignore[arg-type]
    chain = _chain_for([head], how, colour)
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
        return _finished(unlabelled(n, origin), pixels, chain, np.arange(n, dtype=np.intp), told, "flat")
    found = of_table(frame, (), targets=how.targets or targets, person=how.person, origin=origin)
    return _finished(found.table, pixels, chain, np.arange(n, dtype=np.intp), list(found.notices), "table")


def _finished(
    labels: Table, pixels: Pixels, chain: Chain, at: IntArray, told: Sequence[Mapping[str, Any]], layout: str
) -> ImageSet:
    options = {**labels.origin.options, "notices": list(told), "layout": layout}
    table = Table(labels.frame, labels.schema, origin=replace(labels.origin, options=options))
    return ImageSet(table, pixels, chain, at=at)


__all__ = ["How", "is_image_source", "read_images"]
