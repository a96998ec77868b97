"""What says of a data set that it was balanced: that it holds real, repeated or interpolated rows, and is for training alone.

`synthproof balance` writes a receipt beside its file or into its folder. Whoever reads such a file as *synthetic* data
meets the receipt again, and the evidence on how the data were made says that they are not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthproof.core.errors import DataError

KEY = "balanced"
"""Where the counts stand among the options of a data set's origin (and among the attributes of a pandas frame)."""
RECEIPT = ".balance.json"
FOLDER_RECEIPT = "balance.json"
ORIGINS = "origin.csv"
ADDED_COLUMNS = ("origin", "source_row")
NOT_DRAWN = ("real", "duplicate", "augmentation")
"""Origins of a row that is no synthetic one."""


def receipt_of(path: Path) -> Path:
    """Return where the receipt of a balanced file or folder lies."""
    return path / FOLDER_RECEIPT if path.is_dir() else path.with_name(path.name + RECEIPT)


def counts_beside(path: Path) -> dict[str, int]:
    """Return how many rows of each origin the receipt of a file or folder names; empty where there is none."""
    found = receipt_of(path)
    try:
        said = json.loads(found.read_text("utf-8")).get("rows", {}) if found.is_file() else {}
        return {str(k): int(v) for k, v in said.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        # a receipt that cannot be read still says that the file was balanced
        return {"unknown": 1}


def counts_given(source: Any) -> dict[str, int]:
    """Return what a source says of its rows' origins: a file's or folder's receipt, or the mark of a pandas frame.

    A receipt stands for the whole file. The mark of a frame is set only on rows that no selection makes releasable.
    """
    if isinstance(source, str | Path) and "://" not in str(source):
        return counts_beside(Path(source))
    said = getattr(source, "attrs", None)
    found = said.get(KEY) if isinstance(said, dict) else None
    return dict(found) if isinstance(found, Mapping) else {}


def counts_of(data: Any) -> dict[str, int]:
    """Return the rows of each origin that a data set says it has; empty where it says nothing."""
    options = getattr(getattr(data, "origin", None), "options", {})
    found: Mapping[str, int] = options.get(KEY, {})
    return dict(found)


def notice_of(counts: Mapping[str, int], where: str) -> dict[str, Any]:
    """Return the notice that a file was balanced, for whoever reads it as real data to learn from."""
    return {"code": "read/balanced", "where": where, "n": sum(counts.values()), "real": counts.get("real", 0)}


def refuse_balanced(data: Any) -> None:
    """Refuse a data set that holds repeated or made rows where rows are counted as real ones: for caps, or to test on.

    Raises
    ------
    DataError
        ``balance/balanced-already``. What was only thinned or weighted holds real rows alone, and passes.
    """
    counts = counts_of(data)
    added = sum(n for k, n in counts.items() if k != "real")
    if added:
        raise DataError("balance/balanced-already", where=data.origin.name, n=added, rows=sum(counts.values()))


def not_drawn(data: Any) -> int:
    """Return how many rows of a data set are known to be real, repeated, interpolated or moved."""
    counts = counts_of(data)
    return sum(n for k, n in counts.items() if k in NOT_DRAWN or k == "unknown")


__all__ = ["ADDED_COLUMNS", "FOLDER_RECEIPT", "KEY", "ORIGINS", "RECEIPT", "counts_beside", "counts_given", "counts_of"]
__all__ += ["not_drawn", "notice_of", "receipt_of", "refuse_balanced"]
