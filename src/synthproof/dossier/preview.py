"""A few synthetic rows and column counts for the specification forms. It is never given real data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from synthproof.core.schema import Field
from synthproof.data.table.dataset import Table
from synthproof.dossier.disclose import HIDDEN, printable, range_text
from synthproof.engines.codes import to_numbers
from synthproof.verification.proof import Proof

ROWS = 5
MOST_COLUMNS = 40
STRIP, MOST_STRIPS = 8, 12
"""Synthetic pictures a class, and classes, that a dossier shows."""


def preview_of(synthetic: Any, proof: Proof, shown: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what the specification of the synthetic data prints, as JSON values.

    Parameters
    ----------
    synthetic
        The synthetic data, a table or pictures.
    proof
        As verify returned it: rows that equal a real row are left out by the positions that only it knows.
    shown
        Levels that may be named, by field; others are hidden here too, for a synthetic rare level is a real one.

    Notes
    -----
    Rows are printed only when the safety family *meets* and it is known which rows equal a real one (a proof read back
    from a file no longer knows): rows of a generator that copies would be real rows.
    """
    frame = synthetic.frame
    columns = []
    for f in synthetic.schema.fields:
        column = frame[f.name]
        columns.append(
            {
                "name": f.name,
                "kind": f.kind,
                "missing": int(column.isna().sum()),
                "levels": int(column.nunique(dropna=True)) if f.levelled else None,
                "range": range_text(_own_range(column, f)) if f.numeric else "",
            }
        )
    copies = _copies(proof)
    pictures = synthetic.schema.modality == "image"
    safe = proof.verdict.families.get("safety") == "meets" and copies is not None
    return {
        "container": synthetic.origin.container,
        "units": len(synthetic),
        "rows": synthetic.n_rows,
        "columns": columns,
        "samples": _samples(synthetic, copies or set(), shown) if safe else None,
        **({"strips": _strips(synthetic, copies or set(), shown) if safe else None} if pictures else {}),
    }


def _strips(synthetic: Any, copies: set[int], shown: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return the first pictures of each class, side by side; classes of few real pictures are not named."""
    from synthproof.data.image.modality import png_address

    codes, names = synthetic.classes()
    common = {name for levels in shown.values() for name in levels}
    out = []
    for c in range(min(len(names), MOST_STRIPS)):
        rows = [int(i) for i in np.flatnonzero(codes == c) if int(i) not in copies][:STRIP]
        if rows:
            strip = np.concatenate(list(synthetic.pixels(np.array(rows, dtype=np.intp))), axis=1)
            name = names[c] if names[c] in common or len(synthetic.targets) != 1 else HIDDEN.ko
            high, wide = strip.shape[:2]
            out.append({"class": name, "n": len(rows), "wide": wide, "high": high, "png": png_address(strip)})
    return out


def _copies(proof: Proof) -> set[int] | None:
    """Return the positions of synthetic rows that equal a real one, or ``None`` when nobody told."""
    told = [e.private["synthetic_rows"] for e in proof.evidence if "synthetic_rows" in e.private]
    return {int(i) for rows in told for i in rows} if told else None


def _own_range(column: pd.Series, f: Field) -> Field:
    numbers = to_numbers(column, f)
    present = numbers[numbers == numbers]
    if len(present) == 0:
        return replace(f, low=None, high=None)
    return replace(f, low=float(present.min()), high=float(present.max()))


def _samples(synthetic: Table, copies: set[int], shown: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    fields = [f for f in synthetic.schema.fields if f.kind != "text"][:MOST_COLUMNS]
    rows = [i for i in range(synthetic.n_rows) if i not in copies][:ROWS]
    cells = [[_cell(synthetic.frame[f.name].iloc[i], f, shown) for f in fields] for i in rows]
    return {"names": [f.name for f in fields], "rows": cells}


def _cell(value: Any, f: Field, shown: Mapping[str, Sequence[str]]) -> str:
    if pd.isna(value):
        return ""
    if f.kind in {"categorical", "ordinal"} and str(value) not in shown.get(f.name, ()):
        return HIDDEN.ko
    if f.kind == "continuous":
        return f"{value:.{f.decimals}f}" if f.decimals is not None else f"{value:.6g}"
    return printable(value, 40)
