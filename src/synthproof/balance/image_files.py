"""A balanced set of pictures as a folder: for training inside the house, every file's origin told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.files import whole_folder
from synthproof.data.balanced import FOLDER_RECEIPT, ORIGINS
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.write import safe_name, to_picture
from synthproof.data.table.formats import write_texts

IntArray = npt.NDArray[np.intp]
NO_LABEL = "unlabelled"
SEVERAL = "images"


def write_pictures(
    data: ImageSet,
    folder: Path,
    *,
    origin: npt.NDArray[Any],
    source_rows: IntArray | None = None,
    receipt: Mapping[str, Any] | None = None,
) -> Path:
    """Write pictures: one folder a class, ``images/`` where a picture may have several labels.

    Parameters
    ----------
    origin
        ``real``, ``duplicate``, ``augmentation`` or ``synthetic``, one a picture; it begins the file's name.
    source_rows
        Position of the picture in what was given; -1: made.
    receipt
        What was done: ``balance.json``.

    Returns
    -------
    Path
        The folder. ``origin.csv`` in it holds file, labels, person, attributes, origin and source of every picture:
        `read` takes the folder back, persons included, so that a later split by person keeps copies on one side.
    """
    single = len(data.targets) <= 1
    codes, names = data.classes()
    with whole_folder(folder) as part:
        files = []
        for rows in data.batches():
            for i, picture in zip(range(rows.start, rows.stop), data.pixels(rows), strict=True):
                place = SEVERAL if not single else safe_name(names[codes[i]]) if codes[i] >= 0 else NO_LABEL
                name = f"{place}/{origin[i]}-{i:08d}.png"
                (part / name).parent.mkdir(exist_ok=True)
                to_picture(picture).save(part / name, format="PNG")
                files.append(name)
        columns: dict[str, Any] = {"file": files}
        for f in data.schema.fields:
            texts = write_texts(data.frame[f.name], f)
            columns[f.name] = np.array([*texts.values.to_pylist(), ""], dtype=object)[texts.codes]
        columns["origin"] = origin
        if source_rows is not None:
            columns["source_row"] = pd.array([int(s) if s >= 0 else None for s in source_rows], dtype="Int64")
        pd.DataFrame(columns).to_csv(part / ORIGINS, index=False, lineterminator="\n")
        if receipt is not None:
            text = json.dumps(receipt, indent=1, ensure_ascii=False) + "\n"
            (part / FOLDER_RECEIPT).write_text(text, encoding="utf-8")
    return folder


__all__ = ["NO_LABEL", "SEVERAL", "write_pictures"]
