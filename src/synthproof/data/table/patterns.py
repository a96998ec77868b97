"""The regular expression that identifiers of one column share, learned from their shape."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_CLASSES = (("[0-9]", "0-9"), ("[A-Z]", "A-Z"), ("[a-z]", "a-z"), ("[가-힣]", "가-힣"))
_RUNS = re.compile(r"[0-9]+|[A-Z]+|[a-z]+|[가-힣]+|[^0-9A-Za-z가-힣]")
_WORDS = re.compile(r"[0-9A-Za-z가-힣]+|[^0-9A-Za-z가-힣]")
_LONGEST = 64


def learn(texts: Sequence[str]) -> str:
    """Return a pattern that every text matches, such as ``P-[0-9]{6}``, or an empty string when they share no shape.

    Parameters
    ----------
    texts
        Distinct values; at least two. A part that is the same in all of them stands in the pattern as it is.

    Notes
    -----
    First by runs of one class (digits, capitals, small letters, Hangul); where the runs differ (hexadecimal codes) by
    words between separators. Cost O(characters).
    """
    if len(texts) < 2 or max(map(len, texts)) > _LONGEST or any(c.isspace() for t in texts[:100] for c in t):
        return ""
    for cut in (_RUNS, _WORDS):
        pieces = [cut.findall(t) for t in texts]
        if len({len(p) for p in pieces}) == 1 and pieces[0]:
            found = [_part(column) for column in zip(*pieces, strict=True)]
            if all(found):
                return "".join(found)
    return ""


def of_whole(values: npt.NDArray[np.int64]) -> str:
    """Return a pattern for whole numbers of as many digits as these have, without leading zeros."""
    low, high = int(values.min()), int(values.max())
    if low < 0:
        return ""
    least, most = len(str(low)), len(str(high))
    if low == 0:
        return "[0-9]" if most == 1 else f"[0-9]{{1,{most}}}"
    if most == 1:
        return "[1-9]"
    tail = f"{{{least - 1}}}" if least == most else f"{{{least - 1},{most - 1}}}"
    return f"[1-9][0-9]{tail}"


def _part(column: tuple[str, ...]) -> str:
    first = column[0]
    if all(v == first for v in column):
        return re.escape(first).replace(r"\-", "-")
    joined = "".join(set(column))
    used = [inner for outer, inner in _CLASSES if re.search(outer, joined)]
    if not used or re.search(r"[^0-9A-Za-z가-힣]", joined):
        return ""
    if "A-Z" not in used and used != ["0-9"] and not re.search("[g-z가-힣]", joined):
        used = ["0-9", "a-f"] if "0-9" in used else ["a-z"]
    lengths = {len(v) for v in column}
    low, high = min(lengths), max(lengths)
    return f"[{''.join(used)}]" + (f"{{{low}}}" if low == high else f"{{{low},{high}}}")


__all__ = ["learn", "of_whole"]
