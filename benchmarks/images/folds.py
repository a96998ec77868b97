"""Which pictures the finder of burned-in text learns from, has its line set on, and is measured on."""

from __future__ import annotations

import io
import zipfile

import numpy as np
from PIL import Image

from _machine import data_dir


def folds_of_persons(patient: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of 50 % of the persons to learn from, 15 % to set the line, 35 % to measure on."""
    names = np.unique(patient)
    order = np.random.default_rng(20_260).permutation(len(names))
    a, b = int(0.5 * len(names)), int(0.65 * len(names))
    parts = (slice(0, a), slice(a, b), slice(b, None))
    one, two, three = (np.flatnonzero(np.isin(patient, names[order[s]])) for s in parts)
    return one, two, three


def cells() -> list[np.ndarray]:
    """Grey pictures of blood cells, 640 × 480; the first 200 are learned from."""
    with zipfile.ZipFile(data_dir() / "bccd_blood_cells" / "images.zip") as z:
        names = sorted(n for n in z.namelist() if n.lower().endswith((".jpg", ".jpeg")))
        return [np.asarray(Image.open(io.BytesIO(z.read(n))).convert("L")) for n in names]
