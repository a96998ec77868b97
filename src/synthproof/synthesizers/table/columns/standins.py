"""Invented codes that stand in for real ones that few persons hold: a shared beginning, then other characters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.synthesizers.table.columns.identifiers import id_maker
from synthproof.synthesizers.table.columns.rounding import heads

IntArray = npt.NDArray[np.intp]

_LONGEST = 64
_CLASSES = ("0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def stand_ins(
    texts: Sequence[str],
    rare: IntArray,
    code: IntArray,
    *,
    persons: IntArray | None,
    min_shared: int,
    pattern: str,
    seed: int,
    purpose: str,
) -> list[str]:
    """Return one invented text for each rare one: different from one another and from every real text.

    Parameters
    ----------
    texts
        All real texts.
    rare
        Positions of those that are to be replaced.
    code, persons
        Position of each row's text, and its person where persons have several rows.
    min_shared
        A beginning is kept only as far as this many persons share it.
    pattern
        Regular expression of the texts, used where nothing new can be made by changing characters.
    seed, purpose
        Address of the choices.

    Notes
    -----
    A character is changed for one of its class (digit, capital, small letter, or any other letter that the column has).
    Cost O(texts · length).
    """
    whole = np.array(texts, dtype=str)
    width = whole.dtype.itemsize // 4
    out: list[str] = [""] * len(rare)
    real = set(texts)
    todo = np.arange(len(rare))
    if 0 < width <= _LONGEST:
        letters = whole.view(np.uint32).reshape(len(whole), width)
        keep = _shared_length(whole, letters, code, persons, min_shared)[rare]
        dice = stream(seed, purpose)
        pools = _pools(letters)
        for turn in range(2 * width):  # where all texts of one beginning are taken, a shorter one is kept
            made = _changed(letters[rare[todo]], np.maximum(keep[todo] - turn // 2, 0), pools, dice)
            left = []
            for k, text in zip(todo.tolist(), made, strict=True):
                if text in real:
                    left.append(k)
                else:
                    real.add(text)
                    out[k] = text
            todo = np.array(left, dtype=np.intp)
            if not len(todo):
                return out
    more = id_maker(real, pattern, key=seed).make(len(todo), seed, purpose)
    for k, text in zip(todo.tolist(), more, strict=True):
        out[k] = str(text)
    return out


def _shared_length(
    whole: npt.NDArray[np.str_], letters: npt.NDArray[np.uint32], code: IntArray, persons: IntArray | None, k: int
) -> IntArray:
    """Return for each text how many characters of its beginning k persons share, always less than all of it."""
    order = np.argsort(whole, kind="stable")
    differ = letters[order[1:]] != letters[order[:-1]]
    first = np.where(differ.any(axis=1), differ.argmax(axis=1), letters.shape[1])
    length = np.zeros(len(whole), dtype=np.intp)
    group = np.empty(len(whole), dtype=np.intp)
    for n in range(1, letters.shape[1]):
        group[order] = np.concatenate([[0], np.cumsum(first < n)])
        enough = heads(group[code], persons, int(group.max()) + 1) >= k
        if not enough.any():
            break
        length[enough[group]] = n
    return np.asarray(np.minimum(length, np.maximum((letters != 0).sum(axis=1) - 1, 0)), dtype=np.intp)


def _pools(letters: npt.NDArray[np.uint32]) -> list[npt.NDArray[np.uint32]]:
    """Return the classes of characters: digits, capitals, small letters, and whatever other letters there are."""
    pools = [np.array([ord(c) for c in pool], dtype=np.uint32) for pool in _CLASSES]
    others = [c for c in np.unique(letters).tolist() if c > 127 and chr(c).isalpha()]
    return [*pools, np.array(others, dtype=np.uint32)]


def _changed(
    letters: npt.NDArray[np.uint32], keep: IntArray, pools: list[npt.NDArray[np.uint32]], dice: np.random.Generator
) -> list[str]:
    out = letters.copy()
    free = np.arange(letters.shape[1]) >= keep[:, None]
    for pool in pools:
        hit = free & np.isin(letters, pool)
        if len(pool):
            out[hit] = pool[dice.integers(0, len(pool), int(hit.sum()))]
    width = out.shape[1]
    return np.ascontiguousarray(out).view(f"U{width}").ravel().tolist()
