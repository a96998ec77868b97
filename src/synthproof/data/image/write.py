"""Pictures to files, in the kind they came in: one folder a class or a label table, an archive, or DICOM."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.files import whole_file, whole_folder
from synthproof.data.image.arrays import TYPE_KEY
from synthproof.data.image.chain import Pixels
from synthproof.data.image.custody import altered_real
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.decode import pillow
from synthproof.data.image.deep import deep_png, deep_tiff
from synthproof.data.image.intake import ALTERED_TYPE
from synthproof.data.image.labels import MARKS
from synthproof.data.table.formats import write_texts

LIST = "images.csv"
_SUFFIX = {"png": ".png", "jpeg": ".jpg", "tiff": ".tif", "dicom": ".dcm"}
SYNTHETIC = "Synthetic image: made by an algorithm, of no real person. / 알고리즘이 생성한 합성 이미지이며 실제 사람의 것이 아님."
ALTERED = "Real picture, or made from one: not synthetic data. / 실제 이미지이거나 실제 이미지로 만든 것이며 합성데이터가 아님."
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def write_images(data: ImageSet, target: Path) -> tuple[Path, ...]:
    """Write drawn pictures, whole or not at all.

    Parameters
    ----------
    data
        Synthetic pictures; `ImageSet.marks` holds seed, index and model of each.
    target
        A folder, or a file that ends in ``.npz``. Without such an ending the source's own kind decides.

    Returns
    -------
    tuple of pathlib.Path
        The folder or file.

    Notes
    -----
    A folder holds ``<class>/<index>.png`` (or ``images/`` when a picture may have several labels) and ``images.csv``
    with file, labels, seed, index and model. Every PNG, TIFF and JPEG says in its metadata that it is synthetic; DICOM
    files are secondary captures marked so. Pictures that began from real ones say that instead, in PNG where DICOM was asked.
    """
    kind = str(data.origin.options.get("format", "png"))
    if target.suffix.lower() == ".npz" or (kind == "npz" and not target.suffix):
        path = target if target.suffix else target.with_suffix(".npz")
        return (_write_npz(data, path),)
    with whole_folder(target) as part:
        write_folder(data, part, kind)
    return (target,)


def _write_npz(data: ImageSet, path: Path) -> Path:
    codes, names = data.classes()
    columns: dict[str, Any] = {}
    if len(data.targets) <= 1:
        columns |= {"y": codes.astype(np.int64), "classes": np.array(names)}
    elif data.several:
        flags = data.frame[list(data.targets)].fillna(False).astype(bool).to_numpy()
        columns |= {"y": flags.astype(np.uint8), "classes": np.array(data.targets)}
    else:
        columns |= {n: data.frame[n].astype("string").fillna("").to_numpy(dtype=str) for n in data.targets}
    if data.marks is not None:
        columns |= {n: data.marks[n].to_numpy(dtype=np.int64) for n in ("seed", "index")}
        columns["model"] = np.array(sorted(set(data.marks["model"].astype(str))))
    columns["synthetic"], columns[TYPE_KEY] = map(np.array, _says(data))
    with whole_file(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        _stream_pictures(data, archive)
        for name, column in columns.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, np.asanyarray(column), allow_pickle=False)
    return path


def _stream_pictures(data: ImageSet, archive: zipfile.ZipFile) -> None:
    """Write the array ``x`` a batch at a time, grey pictures without a channel axis: none but the batch is held."""
    shape = data.chain.shape if data.chain.channels == 3 else data.chain.shape[:2]
    head = {"descr": np.lib.format.dtype_to_descr(data.chain.dtype), "fortran_order": False}
    with archive.open("x.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, {**head, "shape": (data.n_rows, *shape)})
        for rows in data.batches():
            member.write(np.ascontiguousarray(data.pixels(rows)).data)


def write_folder(data: ImageSet, folder: Path, kind: str) -> list[str]:
    """Write pictures and their list into an empty folder; return the files' names in the order of the rows."""
    codes, names = data.classes()
    single = len(data.targets) <= 1
    said = _says(data)
    if kind not in _SUFFIX or (kind == "dicom" and said[0] != SYNTHETIC):
        kind = "png"  # our DICOM files say that they show no patient
    index = data.marks["index"].to_numpy() if data.marks is not None else np.arange(data.n_rows)
    files = []
    for rows in data.batches():
        for i, picture in zip(range(rows.start, rows.stop), data.pixels(rows), strict=True):
            place = safe_name(names[codes[i]]) if single and codes[i] >= 0 else "images"
            name = f"{place}/{int(index[i]):08d}{_SUFFIX[kind]}"
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_one(path, picture, kind, _told(data, i, names[codes[i]] if codes[i] >= 0 else ""), said)
            files.append(name)
    columns: dict[str, Any] = {"file": files}
    for f in data.schema.fields:
        if not f.has("unit"):
            texts = write_texts(data.frame[f.name], f)
            words = np.array([*texts.values.to_pylist(), ""], dtype=object)
            columns[f.name] = words[texts.codes]
    if data.marks is not None:
        columns |= {n: data.marks[n].to_numpy() for n in MARKS if n in data.marks}
    pd.DataFrame(columns).to_csv(folder / LIST, index=False, lineterminator="\n")
    return files


def _says(data: ImageSet) -> tuple[str, str]:
    """Return what the files say of themselves, in words and as a digital source type."""
    return (ALTERED, ALTERED_TYPE) if altered_real(data) else (SYNTHETIC, SOURCE_TYPE)


def _told(data: ImageSet, i: int, name: str) -> dict[str, str]:
    if data.marks is None:
        return {"class": name}
    row = data.marks.iloc[i]
    return {"class": name, **{k: str(row[k]) for k in MARKS if k in row}}


def _write_one(path: Path, picture: Pixels, kind: str, told: dict[str, str], said: tuple[str, str]) -> None:
    if kind == "dicom":
        from synthproof.data.image.dicom_write import write_dicom

        write_dicom(
            picture[..., 0] if picture.shape[2] == 1 else picture,
            path,
            klass=told["class"],
            seed=int(told.get("seed", 0)),
            index=int(told.get("index", 0)),
            model=told.get("model", ""),
        )
        return
    if kind == "png":
        _write_png(path, picture, told, said)
        return
    exif = pillow().Exif()
    exif[0x010E] = f"{said[1]} {told}".encode("ascii", "replace").decode()
    if _deep_colours(picture):  # JPEG files hold no 16 bits: such pictures came from TIFF
        path.write_bytes(deep_tiff(picture, exif[0x010E]))
        return
    made = to_picture(picture)
    if kind == "jpeg":
        made.save(path, format="JPEG", quality=95, subsampling=0, exif=exif)
    else:
        made.save(path, format="TIFF", compression="tiff_deflate", exif=exif)


def _write_png(path: Path, picture: Pixels, told: dict[str, str], said: tuple[str, str]) -> None:
    pillow()
    from PIL.PngImagePlugin import PngInfo

    texts = {"Description": said[0], "DigitalSourceType": said[1]}
    texts |= {f"synthproof:{key}": value for key, value in told.items()}
    if _deep_colours(picture):
        path.write_bytes(deep_png(picture, texts))
        return
    info = PngInfo()
    for key, value in texts.items():
        info.add_itxt(key, value)
    to_picture(picture).save(path, format="PNG", pnginfo=info, optimize=False)


def write_numbered(data: ImageSet, folder: Path) -> None:
    """Write every picture as ``{row:08d}.png`` into a folder, with the same marks in its metadata."""
    codes, names = data.classes()
    said = _says(data)
    for rows in data.batches():
        for i, picture in zip(range(rows.start, rows.stop), data.pixels(rows), strict=True):
            told = _told(data, i, names[codes[i]] if codes[i] >= 0 else "")
            _write_png(folder / f"{i:08d}.png", picture, told, said)


def _deep_colours(picture: Pixels) -> bool:
    """Return whether these are colours of 16 bits, which Pillow cannot write."""
    return picture.shape[2] == 3 and picture.dtype == np.uint16


def to_picture(picture: Pixels) -> Any:
    """Return a PIL picture of one square, shape (side, side, 1 or 3)."""
    plane: npt.NDArray[Any] = picture[..., 0] if picture.shape[2] == 1 else picture
    return pillow().fromarray(np.ascontiguousarray(plane))


def safe_name(text: str) -> str:
    """Return a class's name as a folder's name: letters of any script, digits, space, ``-_+.``; never a path."""
    kept = "".join(c if c.isalnum() or c in " -_+." else "_" for c in text).strip(" .")
    return kept[:80] or "class"


__all__ = ["LIST", "SOURCE_TYPE", "SYNTHETIC", "safe_name", "to_picture", "write_folder", "write_images"]
