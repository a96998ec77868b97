"""Shares of levels that drawn rows are to have, whatever the learned ones are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import ConditionError, did_you_mean
from synthproof.core.random import BLOCK, stream
from synthproof.engines.codes import levels_of
from synthproof.synthesizers.table.chain.drawing import Given
from synthproof.synthesizers.table.chain.model import Chain
from synthproof.synthesizers.table.columns.conditions import Condition
from synthproof.synthesizers.table.columns.layout import Layout

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Shares: TypeAlias = Mapping[str, Mapping[object, float]]
"""Field name → level → share of the drawn rows."""

_SLACK = 1e-9


def read_shares(
    balance: Shares | None, chain: Chain, layout: Layout, asked: Mapping[str, Condition]
) -> dict[str, FloatArray]:
    """Return the share of each level's code by column, adding up to 1.

    Raises
    ------
    ConditionError
        ``condition/unknown-field``, ``condition/unknown-level``, ``balance/not-levels`` or ``balance/shares``.
    """
    found: dict[str, FloatArray] = {}
    for name, wanted in (balance or {}).items():
        if name not in layout.schema:
            hint = did_you_mean(str(name), layout.schema.names)
            raise ConditionError("condition/unknown-field", where=str(name), name=name, hint=hint)
        f = layout.schema.field(name)
        if not f.levelled or name not in chain.order or name in layout.wide or name in asked:
            raise ConditionError("balance/not-levels", where=name, name=name, kind=f.kind)
        levels = {text: code for code, text in enumerate(levels_of(f))}
        share = np.full(len(levels), np.nan)
        for i, (level, value) in enumerate(wanted.items()):
            text = str(level).lower() if f.kind == "boolean" else str(level)
            if text not in levels:
                raise ConditionError("condition/unknown-level", where=name, name=name, at=i + 1, n=len(levels))
            share[levels[text]] = value
        found[name] = _whole(name, share, _learned(chain, name, len(levels)))
    return found


def _learned(chain: Chain, name: str, levels: int) -> FloatArray:
    column = next(c for c in chain.columns if c.name == name)
    code = column.bins.pieces.low
    there = ~np.isnan(code)
    return np.asarray(np.bincount(code[there].astype(np.intp), column.mass[there], minlength=levels), dtype=np.float64)


def _whole(name: str, share: FloatArray, learned: FloatArray) -> FloatArray:
    """Return shares of all levels: what is left is divided as it was learned."""
    named = ~np.isnan(share)
    total = float(share[named].sum())
    rest = np.where(named, 0.0, learned)
    bad = not np.isfinite(share[named]).all() or (share[named] < 0).any() or total > 1 + _SLACK
    if bad or (total < 1 - _SLACK and rest.sum() <= 0) or total + rest.sum() <= 0:
        raise ConditionError("balance/shares", where=name, name=name, total=f"{total:g}")
    left = max(0.0, 1.0 - total)
    out = np.where(named, share, rest / rest.sum() * left if rest.sum() > 0 else 0.0)
    return np.asarray(out / out.sum())


def drawn_level(name: str, share: FloatArray, seed: int, block: int, at: IntArray) -> Given:
    """Return the level of each of some rows of a block."""
    u = stream(seed, f"balance/{name}", block).random(BLOCK)[at]
    above = np.cumsum(share)
    code = np.minimum(np.searchsorted(above / above[-1], u, side="right"), len(share) - 1)
    return Given(code.astype(np.float64), np.ones(len(at), dtype=np.bool_))
