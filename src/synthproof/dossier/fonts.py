"""The Hangul font: found in a dependency, cut down to the glyphs that a page uses, embedded in it."""

from __future__ import annotations

import base64
import importlib.util
import io
import logging
from collections.abc import Iterable
from pathlib import Path

from synthproof.core.errors import StateError

FAMILY = "NanumGothic"
_PACKAGE = "koreanize_matplotlib"  # carries NanumGothic under the SIL Open Font License
_FILES = {"regular": "NanumGothic.ttf", "bold": "NanumGothicBold.ttf"}
# The font has no mathematical or fancy signs beyond these; what it lacks falls back to the reader's sans-serif.
_ALWAYS = "".join(map(chr, range(0x20, 0x7F))) + "·–—‘’“”…①②③④⑤⑥ⓐⓑⓒ≤≥±×√→←↑↓□■○●△▲▽▼◆◇※"


def font_folder() -> Path:
    """Return the folder that holds the font files.

    The package is located, not imported: importing it would change matplotlib's global settings.

    Raises
    ------
    StateError
        ``dossier/font-missing``.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise StateError("dossier/font-missing", reason=f"package {_PACKAGE} is not installed")
    folder = Path(spec.origin).parent / "fonts"
    absent = [name for name in _FILES.values() if not (folder / name).is_file()]
    if absent:
        raise StateError("dossier/font-missing", reason=f"{', '.join(absent)} is not in {_PACKAGE}")
    return folder


def font_files() -> tuple[Path, ...]:
    """Return the regular and the bold font file."""
    folder = font_folder()
    return tuple(folder / name for name in _FILES.values())


def subset_woff(path: Path, texts: Iterable[str]) -> bytes:
    """Return a WOFF file with only the glyphs that `texts` need (and the printable ASCII).

    WOFF compresses with zlib, so no further library is needed. The result depends on the set of characters alone.
    """
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    wanted = set(_ALWAYS).union(*texts)
    options = Options(layout_features=[], hinting=False, notdef_outline=True, flavor="woff", name_IDs=[0, 1, 2, 13, 14])
    options.recalc_timestamp = False
    logging.getLogger("fontTools.subset").setLevel(logging.ERROR)
    out = io.BytesIO()
    with TTFont(path, recalcTimestamp=False, lazy=True) as font:
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=sorted(map(ord, wanted)))
        subsetter.subset(font)
        font.flavor = "woff"
        font.save(out, reorderTables=False)
    return out.getvalue()


def font_css(texts: Iterable[str]) -> str:
    """Return ``@font-face`` rules that carry the subset as data URLs."""
    seen = list(texts)
    rules = []
    for weight, path in zip((400, 700), font_files(), strict=True):
        data = base64.b64encode(subset_woff(path, seen)).decode("ascii")
        rules.append(
            f"@font-face{{font-family:'{FAMILY}';font-weight:{weight};font-style:normal;"
            f"src:url(data:font/woff;base64,{data}) format('woff')}}"
        )
    return "\n".join(rules)
