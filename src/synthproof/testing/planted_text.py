"""Text burned into pictures by us, with its boxes: what a finder of burned-in text is trained on and measured with.

Two sets that share neither a string list nor a font file: ``"tuning"`` (numbers of the finder are learned on it) and
``"held_out"`` (it is measured on it). Everybody named here is made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Fold = Literal["tuning", "held_out"]
Picture = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]

FONTS: dict[Fold, tuple[str, ...]] = {
    "tuning": (
        "mpl:DejaVuSans.ttf",
        "mpl:DejaVuSans-Bold.ttf",
        "mpl:DejaVuSansMono.ttf",
        "mpl:DejaVuSerif.ttf",
        "mpl:cmss10.ttf",
        "mpl:cmtt10.ttf",
        "nanum:NanumGothicBold.ttf",
        "nanum:NanumGothicLight.ttf",
        "nanum:NanumGothicExtraBold.ttf",
    ),
    "held_out": ("pillow", "mpl:STIXGeneral.ttf", "mpl:DejaVuSansMono-Bold.ttf", "nanum:NanumGothic.ttf"),
}
_SURNAMES: dict[Fold, tuple[str, ...]] = {
    "tuning": ("KIM", "MILLER", "Santos", "IVANOV", "Dubois", "SATO", "Okafor", "WEBER", "Rossi", "nguyen"),
    "held_out": ("PARK", "Johnson", "LEE", "GARCIA", "Haddad", "TANAKA", "Novak", "SINGH", "Larsen", "choi"),
}
_WORDS: dict[Fold, tuple[str, ...]] = {
    "tuning": ("PORTABLE", "SUPINE", "ID", "DOB", "Chest AP", "St. Mary", "ROOM 4", "kVp 80", "SEX F", "exam"),
    "held_out": ("ERECT", "MRN", "Born", "Thorax PA", "City Hosp", "BED 12", "mAs 2.5", "MALE", "Acc.No", "study"),
}
_HANGUL: dict[Fold, str] = {
    "tuning": "김박정조윤임한신권황송류홍전고민서지현수영준은하민재",
    "held_out": "이최강장오안배백허남심노곽성차주우구나진유원태호경선",
}


@dataclass(frozen=True, slots=True)
class Planted:
    """A picture with text burned in.

    Parameters
    ----------
    picture
        Shape of the picture given, uint8.
    boxes
        One (top, left, bottom, right) a line, pixels, ends exclusive.
    ink
        Pixels that letters cover, shape (h, w).
    contrast
        Smallest over the lines of the mean absolute step between letters and what they cover, grey levels.
    height
        Height of a capital letter or of a Hangul syllable, pixels.
    colour
        ``"white"``, ``"black"`` or ``"grey"``.
    """

    picture: Picture
    boxes: tuple[tuple[int, int, int, int], ...]
    ink: BoolArray
    contrast: float
    height: int
    colour: str


def plant(
    picture: Picture,
    rng: np.random.Generator,
    *,
    fold: Fold,
    heights: tuple[int, int] = (10, 24),
    colours: Sequence[str] = ("white", "black", "grey"),
    least_contrast: float = 40.0,
) -> Planted | None:
    """Return the picture with one to three lines of text, or ``None`` where no place gives the contrast asked for.

    Parameters
    ----------
    picture
        Shape (h, w) or (h, w, 3), uint8; not changed.
    heights
        Least and largest height of a capital letter (or Hangul syllable), pixels.
    least_contrast
        Fewest grey levels between letters and what lies below them: black letters on black film are not text.
    """
    for _ in range(12):
        height = int(rng.integers(heights[0], heights[1] + 1))
        font, hangul = _font(FONTS[fold][int(rng.integers(len(FONTS[fold])))], height)
        colour = colours[int(rng.integers(len(colours)))]
        value = {"white": 255, "black": 0}.get(colour, int(rng.integers(90, 221)))
        made = _burn(picture, rng, fold, font, hangul and rng.random() < 0.7, height, value)
        if made is None:
            continue
        out, boxes, ink, contrast = made
        if contrast >= least_contrast:
            return Planted(out, boxes, ink, contrast, height, colour)
    return None


def _burn(
    picture: Picture, rng: np.random.Generator, fold: Fold, font: Any, hangul: bool, height: int, value: int
) -> tuple[Picture, tuple[tuple[int, int, int, int], ...], BoolArray, float] | None:
    from PIL import Image, ImageDraw

    high, wide = picture.shape[:2]
    texts = [_string(rng, fold, hangul) for _ in range(int(rng.choice([1, 1, 2, 3])))]
    texts = [t for t in (_cut(t, font, wide - 4) for t in texts) if t]
    step = int(height * 1.5) + 2
    texts = texts[: max(1, (high - 4) // step)]
    if not texts or high < step:
        return None
    width = max(int(font.getlength(t)) for t in texts)
    block = step * len(texts)
    edge_y, edge_x = rng.random() < 0.75, rng.random() < 0.6
    top = int(rng.choice([2, max(2, high - block - 2)])) if edge_y else int(rng.integers(0, max(1, high - block)))
    left = int(rng.choice([2, max(2, wide - width - 2)])) if edge_x else int(rng.integers(0, max(1, wide - width)))
    sheet = Image.new("L", (wide, high), 0)
    draw = ImageDraw.Draw(sheet)
    if rng.random() < 0.3:
        draw.fontmode = "1"  # letters without smooth edges, as consoles draw them
    boxes = []
    for i, text in enumerate(texts):
        before = np.asarray(sheet).copy()
        draw.text((left, top + i * step), text, fill=255, font=font)
        rows, columns = np.nonzero(np.asarray(sheet) != before)
        if rows.size:
            boxes.append((int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1))
    cover = np.asarray(sheet, dtype=np.float64) / 255.0
    ink = cover > 0.5
    if ink.sum() < 20 or not boxes:
        return None
    grey = picture.astype(np.float64).mean(axis=-1) if picture.ndim == 3 else picture.astype(np.float64)
    steps = []
    for t, l, b, r in boxes:
        part = ink[t:b, l:r]
        steps.append(float(np.abs(grey[t:b, l:r][part] - value).mean()) if part.any() else 0.0)
    weight = cover[..., None] if picture.ndim == 3 else cover
    out = np.rint(picture * (1 - weight) + value * weight).astype(np.uint8)
    return out, tuple(boxes), ink, min(steps)


def _cut(text: str, font: Any, wide: int) -> str:
    while len(text) > 3 and font.getlength(text) > wide:
        text = text[:-1].rstrip()
    return text if len(text) >= 3 and font.getlength(text) <= wide else ""


def _string(rng: np.random.Generator, fold: Fold, hangul: bool) -> str:
    digits = "".join(str(d) for d in rng.integers(0, 10, int(rng.integers(5, 10))))
    year, month, day = int(rng.integers(1930, 2026)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    date = f"{year}-{month:02d}-{day:02d}" if fold == "tuning" else f"{day:02d}.{month:02d}.{year}"
    if hangul:
        name = "".join(_HANGUL[fold][int(i)] for i in rng.integers(0, len(_HANGUL[fold]), 3))
        return name if rng.random() < 0.6 else f"{name} {digits}"
    name, word = str(rng.choice(_SURNAMES[fold])), str(rng.choice(_WORDS[fold]))
    kinds = [digits, date, f"{name} {digits[:4]}", f"{word} {digits[:5]}", f"{name}^{word}", word, name]
    return str(kinds[int(rng.integers(len(kinds)))])


@cache
def _font(name: str, height: int) -> tuple[Any, bool]:
    """Return the font whose capitals (or syllables) are so high, and whether it has Hangul."""
    from PIL import ImageFont

    place, _, file = name.partition(":")
    hangul = place == "nanum"

    def at(size: int) -> Any:
        return ImageFont.load_default(size) if place == "pillow" else ImageFont.truetype(str(_path(place, file)), size)

    size = height
    while True:
        font = at(size)
        box = font.getbbox("한" if hangul else "H")
        if box[3] - box[1] >= height:
            return font, hangul
        size += 1


def _path(place: str, file: str) -> Path:
    from importlib.util import find_spec

    package, folder = {
        "mpl": ("matplotlib", "mpl-data/fonts/ttf"),
        "nanum": ("koreanize_matplotlib", "fonts"),
    }[place]
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise LookupError(f"{package} is not installed")
    return Path(spec.origin).parent / folder / file


__all__ = ["FONTS", "Fold", "Planted", "plant"]
