"""Which picture a name in a table means: whole paths before parts of paths, and never a picture that two names claim."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.intp]
_EXACT, _ENDING, _NAME = 3, 2, 1


def files_named(names: Sequence[str], files: Sequence[str]) -> IntArray:
    """Return for each name the position of the file that it means, -1 for none or for more than one.

    Parameters
    ----------
    names
        As a table states them: with or without folders, drive letters, backslashes and the file's ending.
    files
        Paths relative to their folder, POSIX.

    Notes
    -----
    A name means the file of that very path; else the file whose path ends as the name does, or the other way round; else
    the only file of that last part. Case and the two ways to write Hangul (NFC, NFD) make no difference. A file that
    several names claim goes to the one that names it most exactly, and to none of them when they are equal: the row of
    ``val/1.png`` must not label ``train/1.png``. Cost O((names + files) × depth).
    """
    known = [_cleaned(f) for f in files]
    exact = {name: i for i, name in enumerate(known)}
    indexes = [_Index([k.casefold() for k in known]), _Index([_without_ending(k).casefold() for k in known])]
    cleaned = [_cleaned(n) for n in names]
    claims: dict[str, tuple[int, int]] = {}
    for name in dict.fromkeys(cleaned):
        claims[name] = (exact[name], _EXACT) if name in exact else _meant(name.casefold(), indexes)
    best: dict[int, list[int]] = {}
    for at, how in claims.values():
        if at >= 0:
            best.setdefault(at, []).append(how)
    given = {
        name: at if at >= 0 and how == max(best[at]) and best[at].count(how) == 1 else -1
        for name, (at, how) in claims.items()
    }
    return np.array([given[n] for n in cleaned], dtype=np.intp)


class _Index:
    """Files by their whole path and by every end of it; -1 where several share one."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.whole: dict[str, int] = {}
        self.ends: dict[str, int] = {}
        for i, path in enumerate(paths):
            self.whole[path] = -1 if path in self.whole else i
            for end in _ends(path):
                self.ends[end] = -1 if end in self.ends else i


def _meant(name: str, indexes: Sequence[_Index]) -> tuple[int, int]:
    for index in indexes:
        if name in index.ends:
            return index.ends[name], _ENDING
        ends = _ends(name)
        for end in ends:  # the longest first
            if end in index.whole:
                return index.whole[end], _ENDING
        if ends and ends[-1] in index.ends:
            return index.ends[ends[-1]], _NAME
    return -1, 0


def _ends(path: str) -> list[str]:
    """Return a path, then the path without its first part, and so on."""
    parts = path.split("/") if path else []
    return ["/".join(parts[i:]) for i in range(len(parts))]


def _cleaned(name: str) -> str:
    text = unicodedata.normalize("NFC", name).replace("\\", "/")
    return "/".join(p for p in (part.strip() for part in text.split("/")) if p not in {"", ".", ".."})


def _without_ending(path: str) -> str:
    pure = PurePosixPath(path)
    return str(pure.with_name(pure.stem)) if pure.stem else path


__all__ = ["files_named"]
