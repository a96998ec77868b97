"""Which language a face speaks: ``--lang``, else ``SYNTHPROOF_LANG``, else the system's."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from synthproof.core.words import Lang


def language(argv: Sequence[str] | None = None) -> Lang:
    """Return ``"ko"`` or ``"en"``. Read before the options are parsed, since errors of parsing need it too."""
    words = list(sys.argv[1:] if argv is None else argv)
    for at, word in enumerate(words):
        if word == "--lang" and at + 1 < len(words):
            return "ko" if words[at + 1] == "ko" else "en"
        if word.startswith("--lang="):
            return "ko" if word == "--lang=ko" else "en"
    for name in ("SYNTHPROOF_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "ko" if value.lower().startswith("ko") else "en"
    return "en"
