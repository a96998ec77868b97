"""A folder of pictures: every file looked at, then decoded; one bad file never costs the rest."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import ReadError
from synthproof.core.run import Run, quiet
from synthproof.data.balanced import KEY as BALANCED
from synthproof.data.balanced import counts_beside, notice_of
from synthproof.data.image.chain import Chain, Pixels, fitting_side
from synthproof.data.image.custody import KEY, Step
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.decode import SUFFIXES, Head, decode, is_dicom, look
from synthproof.data.image.dicom import DicomPicture, read_dicom
from synthproof.data.image.intake import Intake
from synthproof.data.image.labels import Labelled, labels_file, of_classes, of_table, unlabelled
from synthproof.data.image.persons import People, grouped
from synthproof.data.image.store import new_store
from synthproof.data.table.dataset import Origin, Table

IntArray = npt.NDArray[np.intp]
MOST_BAD = 0.1
"""Share of unreadable files above which reading is refused: then it is the folder that is wrong, not some files."""
_NO_PICTURE = "dicom/no-pixels"
_PARTS = {"train", "test", "val", "valid", "validation"}
_BLOCK, _LOOKED = 64, 1_000
_LARGE = 1 << 24
"""Pixels of a file beyond which no second such file is decoded beside it."""


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
        Ending of an archive's arrays (``"train"``); of boxes, those whose ``split`` is that.
    scenes
        Whether boxes are read with the pictures: ``"yes"``, ``"no"``, ``"auto"`` where there are some (`read_pictures`).
    boxes
        Table of boxes (CSV, Parquet, COCO). Absent: ``boxes.csv``, ``boxes.parquet`` or ``annotations.json`` beside them.
    """

    labels: str = ""
    targets: tuple[str, ...] = ()
    person: str = ""
    side: int = 0
    fit: str = "pad"
    colour: str = "auto"
    part: str = ""
    scenes: Literal["auto", "yes", "no"] = "auto"
    boxes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The pictures of a folder with the file of each row, relative to it, and the files' heights and widths, (n_rows, 2)."""

    images: ImageSet
    files: tuple[str, ...]
    sizes: IntArray


MASKS = "masks"
"""Folder beside a table of boxes whose pictures are numbers of parts."""


def pictures_of(folder: Path) -> list[Path]:
    """Return the picture files of a folder, sorted; none that is hidden, linked, or a mask beside a table of boxes."""
    return sorted(_walk(folder))


def has_picture(folder: Path) -> bool:
    """Return whether a folder holds a picture file, looking no further than the first."""
    return next(_walk(folder), None) is not None


def _walk(folder: Path) -> Iterator[Path]:
    boxed = (folder / "boxes.csv").is_file()
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts) or (boxed and parts[0] == MASKS)
        if hidden or path.is_symlink() or not path.is_file():
            continue
        if path.suffix.lower() in SUFFIXES or is_dicom(path):
            yield path


_OTHERS = {
    ".bmp", ".dib", ".gif", ".webp", ".jfif", ".jp2", ".j2k", ".heic", ".nii", ".nrrd", ".mha", ".mhd", ".svs", ".ima",
}  # fmt: skip


def _other_formats(folder: Path) -> int:
    """Return how many files are pictures of formats that are not read: a class of them alone would vanish without a word."""
    found = (p for p in folder.rglob("*") if p.suffix.lower() in _OTHERS or p.name.lower().endswith(".nii.gz"))
    return sum(not p.name.startswith(".") and p.is_file() for p in found)


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
    one_large: threading.Lock = field(default_factory=threading.Lock)
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


def read_folder(
    root: Path, how: How, *, only: Collection[str] | None = None, store: Path | None = None, run: Run | None = None
) -> Placed:
    """Return the pictures of a folder and where each came from; see `read_images`. `only`: names of files, relative to it."""
    job = quiet(run)
    paths = [p for p in pictures_of(root) if only is None or p.relative_to(root).as_posix() in only]
    files = _Files(root, paths)
    if not paths:
        raise ReadError("image/no-pictures", where=root.name, names="-")
    _look_at(files, job)
    good = [h for h in files.heads if h is not None]
    _refuse_bad(files)
    chain = chain_for(good, how, _coloured(files) if how.colour == "auto" else how.colour == "rgb")
    frames = [0 if h is None else h.frames for h in files.heads]
    pixels = new_store(sum(frames), chain, store)
    starts = np.concatenate([[0], np.cumsum(frames)]).astype(np.intp)
    kept = _fill(files, pixels, starts, chain, job)
    _refuse_bad(files)
    told = files.facts  # a limit, a transfer syntax: of the first such file, beside how many they are
    listed = [
        {**told[c], "code": c, "where": files.where(files.first[c]), "n": n} for c, n in sorted(files.bad.items())
    ]
    if others := _other_formats(root):
        listed.append({"code": "image/other-formats", "where": root.name, "n": others})
    listed += [*files.intake.notices(root.name), *_narrow(pixels, chain, root.name)]
    chain = replace(chain, window=", ".join(w for w, _ in files.window.most_common(3)))
    names = [p.relative_to(root).as_posix() for p in files.paths]
    suffix = Counter(p.suffix.lower() for p in files.paths).most_common(1)[0][0]
    origin = Origin(container="images", name=root.name, options={"format": SUFFIXES.get(suffix, "DICOM").lower()})
    origin = replace(origin, options={**origin.options, "intake": files.intake.facts()})
    if balanced := counts_beside(root):
        origin = replace(origin, options={**origin.options, BALANCED: balanced})
        listed.append(notice_of(balanced, root.name))
    if files.intake.altered:  # what was altered once stays so, whoever hands it on
        origin = replace(origin, options={**origin.options, KEY: [Step(did="translate", input="real").to_dict()]})
    found = _folder_labels(root, names, how, origin)
    table, of_file, noted, people = found.table, found.files, [*found.notices], found.people
    row, at = _places(of_file, starts)
    row, at = row[kept[at]], at[kept[at]]
    if not len(row):
        raise ReadError("image/no-pictures", where=root.name, names="-")
    labels = table.with_frame(table.frame.take(row).reset_index(drop=True))
    if table.schema.unit_field is None and (files.person or any(f > 1 for f in frames)):
        # whose picture it is follows from the patient number of a DICOM file, else from the file itself
        mine = of_file[row].tolist()
        whose = [files.person.get(i) for i in mine]
        owned = grouped(labels, whose, "patient" if files.person else "file", mine)
        labels, people = owned.table, owned.people
        if files.person and None in whose:
            facts = {"n": len({i for i in mine if i not in files.person}), "of": len(set(mine))}
            noted.append({"code": "image/persons-unknown", "where": root.name, **facts})
    layout = "table" if _table_of(root, how) else ("classes" if len(Path(names[0]).parts) > 1 else "flat")
    images = finished(labels, pixels, chain, at, [*listed, *noted], layout, people)
    sizes = np.array([(0, 0) if h is None else (h.height, h.width) for h in files.heads], dtype=np.intp)
    return Placed(images=images, files=tuple(names[i] for i in of_file[row].tolist()), sizes=sizes[of_file[row]])


def _places(of_file: IntArray, starts: IntArray) -> tuple[IntArray, IntArray]:
    """Return, for every picture of every labelled file, the row of its labels and its place in the store."""
    counts = starts[of_file + 1] - starts[of_file]
    row = np.repeat(np.arange(len(of_file), dtype=np.intp), counts)
    within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    return row, (starts[of_file][row] + within).astype(np.intp)


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
    # archives lay reports and presentation states among pictures: they are told, and nothing is wrong with the folder
    n = sum(files.bad.values()) - (files.bad[_NO_PICTURE] if any(h is not None for h in files.heads) else 0)
    if n and (n > MOST_BAD * len(files.paths) or n == len(files.paths)):
        code = next(c for c, _ in files.bad.most_common() if c != _NO_PICTURE or len(files.bad) == 1)
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


def chain_for(heads: Sequence[Head], how: How, colour: bool) -> Chain:
    """Return the chain that fits pictures of these heads."""
    sizes = np.array([(h.height, h.width) for h in heads], dtype=np.intp)
    side = how.side or fitting_side(sizes[:, 0], sizes[:, 1])
    bits = heads[0].bits
    return Chain(side=side, channels=3 if colour else 1, bits=bits, fit="crop" if how.fit == "crop" else "pad")


def _fill(files: _Files, pixels: Pixels, starts: IntArray, chain: Chain, run: Run) -> npt.NDArray[np.bool_]:
    kept = np.zeros(len(pixels), dtype=bool)
    work = Run(workers=run.workers)  # files lie on this machine, whatever else the run may reach

    def one(i: int) -> ReadError | None:
        head = files.heads[i]
        large = head is not None and head.height * head.width * head.frames > _LARGE
        try:
            with files.one_large if large else nullcontext():
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
    if chain.bits != 16:
        return []
    used = max(int(pixels[i : i + 1_024].max()) for i in range(0, len(pixels), 1_024)).bit_length()
    return [{"code": "image/narrow-range", "where": where, "n": used}] if used <= 13 else []


def _table_of(root: Path, how: How) -> Path | None:
    return Path(how.labels) if how.labels else labels_file(root)


def _folder_labels(root: Path, names: list[str], how: How, origin: Origin) -> Labelled:
    """Return labels and the file of each row."""
    listed = _table_of(root, how)
    if listed is not None:
        return of_table(str(listed), names, targets=how.targets, person=how.person, origin=origin)
    every = np.arange(len(names), dtype=np.intp)
    tops = [Path(n).parts[:-1] for n in names]
    deep = all(len(t) >= 2 for t in tops) and {t[0].lower() for t in tops} <= _PARTS
    kinds = [t[1] if deep else (t[0] if t else "") for t in tops]
    if len(set(kinds)) == 1 or any(not k for k in kinds):
        told = {"code": "image/no-classes", "where": root.name, "n": len(names)}
        return Labelled(table=unlabelled(len(names), origin), files=every, notices=(told,))
    return Labelled(table=of_classes(kinds, origin), files=every)


def finished(
    labels: Table,
    pixels: Pixels,
    chain: Chain,
    at: IntArray,
    told: Sequence[Mapping[str, Any]],
    layout: str,
    people: People | None = None,
) -> ImageSet:
    """Return pictures whose origin says what came up while reading, and how they lay."""
    options = {**labels.origin.options, "notices": list(told), "layout": layout}
    table = Table(labels.frame, labels.schema, origin=replace(labels.origin, options=options))
    return ImageSet(table, pixels, chain, at=at).known_by(people or {})


__all__ = ["MASKS", "MOST_BAD", "How", "Placed", "chain_for", "finished", "has_picture", "pictures_of", "read_folder"]
