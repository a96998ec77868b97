"""Hangul for browsers on machines that have no font for it: cut once from the report's font, kept beside the database."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path

from synthproof.core.files import write_bytes
from synthproof.dossier.fonts import font_files, subset_woff

FONTS: Mapping[str, int] = {"hangul-400.woff": 0, "hangul-700.woff": 1}
"""Names under ``/static/``, and which of the report's fonts each is cut from."""

_HANGUL = (range(0x3000, 0x3040), range(0x3130, 0x3190), range(0xAC00, 0xD7A4))
# Browsers ask for both at once, and several people come at the same time: each is cut by one of them alone.
_CUTTING = threading.Lock()


def hangul_font(name: str, folder: Path) -> bytes:
    """Return a font cut to Hangul: 400 kB instead of 4.7 MB.

    Parameters
    ----------
    name
        One of `FONTS`.
    folder
        Where it is kept; made when it is first needed. Cutting takes some two seconds of a core, reading it none.
    """
    source = font_files()[FONTS[name]]
    with _CUTTING:
        kept = folder / f"{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}-{name}"
        if not kept.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            write_bytes(kept, subset_woff(source, ["".join(map(chr, letters)) for letters in _HANGUL]))
        return kept.read_bytes()
