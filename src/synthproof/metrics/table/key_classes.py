"""Classes of records that share what an attacker knows (K), and how sure their sensitive value (T) is: CAP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthproof.core.schema import Purpose, Schema
from synthproof.data.table.dataset import Table
from synthproof.engines.records import IdArray, encode_alike

FloatArray = npt.NDArray[np.float64]

CAP_LIMIT = 0.7
"""The guide's advice: CAP of at most 0.7 per record."""
FEW_VALUES = 20
"""A numeric field with at most this many distinct values in train is taken value by value."""
BINS = 10
"""Other numeric fields are cut at the deciles of train."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Each row's K class and T value, by data set; equal numbers mean equal values in every data set.

    Parameters
    ----------
    k, t
        Numbers of K class and T value.
    binned
        Numeric fields that were cut into bins, with the number of bins; names and counts only.
    """

    k: Mapping[str, IdArray]
    t: Mapping[str, IdArray]
    binned: Mapping[str, int]


def named(purpose: Purpose, schema: Schema) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (K, T): what the purpose names, else what the schema's roles name; fields that can be compared only."""
    known = {f.name for f in schema.modelled}
    k = purpose.quasi_identifiers or schema.with_role("quasi_identifier")
    t = purpose.sensitive or schema.with_role("sensitive")
    return tuple(n for n in k if n in known), tuple(n for n in t if n in known)


def keys(tables: Mapping[str, Table], k: Sequence[str], t: str) -> Keys:
    """Return the K classes and T values of several tables on equal footing.

    The guide's CAP is for categories, so numeric fields are cut into bins, by the *first* table alone: value by value
    when it holds at most 20 distinct values, else at its deciles (equal edges fall together). Values outside its range
    go to the end bins. Missing is a value of its own. Cost O(rows × fields).
    """
    names = tuple(n for n in k if n != t)
    columns, binned = columns_of(tables, (*names, t))
    sizes = np.cumsum([0, *(table.n_rows for table in tables.values())])
    key = np.zeros(int(sizes[-1]), dtype=np.int64)
    for name in names:
        key = np.unique(key * (int(columns[name].max(initial=0)) + 1) + columns[name], return_inverse=True)[1]
    parts = list(zip(tables, sizes[:-1], sizes[1:], strict=True))
    return Keys(
        k={name: key[a:b] for name, a, b in parts},
        t={name: columns[t][a:b] for name, a, b in parts},
        binned=binned,
    )


def columns_of(tables: Mapping[str, Table], names: Sequence[str]) -> tuple[dict[str, IdArray], dict[str, int]]:
    """Return fields of several tables as codes (0: missing), the tables' rows end to end, and the bins of cut fields.

    Numeric fields are cut by the first table alone, as `keys` says.
    """
    coded = encode_alike([(table.frame, table.schema) for table in tables.values()], names)
    binned: dict[str, int] = {}
    columns: dict[str, IdArray] = {}
    for j, name in enumerate(coded[0].numeric_names):
        edges = _edges(coded[0].numbers[:, j])
        columns[name] = np.concatenate([_cut(c.numbers[:, j], edges) for c in coded])
        binned[name] = len(edges) + 1
    for j, name in enumerate(coded[0].level_names):
        columns[name] = np.concatenate([c.codes[:, j] for c in coded]).astype(np.int64) + 1
    return columns, binned


def cap(keys: Keys, of: str, against: str) -> FloatArray:
    """Return each row's CAP: of the rows of `against` with its K, the share with its T. No such row: NaN, never 0."""
    n_k = 1 + max(int(v.max(initial=0)) for v in keys.k.values())
    n_t = 1 + max(int(v.max(initial=0)) for v in keys.t.values())
    same_k = np.bincount(keys.k[against], minlength=n_k)[keys.k[of]]
    pairs, counts = np.unique(keys.k[against] * n_t + keys.t[against], return_counts=True)
    wanted = keys.k[of] * n_t + keys.t[of]
    place = np.minimum(np.searchsorted(pairs, wanted), max(0, len(pairs) - 1))
    same_kt = np.where(pairs[place] == wanted, counts[place], 0) if len(pairs) else np.zeros(len(wanted))
    out = np.full(len(wanted), np.nan)
    np.divide(same_kt, same_k, out=out, where=same_k > 0)
    return out


def _edges(values: FloatArray) -> FloatArray:
    known = np.unique(values[~np.isnan(values)])
    if len(known) <= FEW_VALUES:
        return (known[1:] + known[:-1]) / 2
    inner = np.quantile(values[~np.isnan(values)], np.arange(1, BINS) / BINS)
    return np.unique(inner)


def _cut(values: FloatArray, edges: FloatArray) -> IdArray:
    return np.where(np.isnan(values), 0, 1 + np.searchsorted(edges, values, side="right")).astype(np.int64)
