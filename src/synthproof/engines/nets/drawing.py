"""Drawing from code networks: a chain evaluated position by position, and picks from its logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.engines.nets import kernels
from synthproof.engines.nets.network import CodeArray, Float32Array, Network

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


class ChainPass:
    """One pass of a chain over a block of rows, position by position: hidden units are computed once, when due.

    Parameters
    ----------
    net
        A chain.
    n
        Number of rows.
    given
        Codes known beforehand, numbered through all positions, -1 elsewhere, shape (n, positions); for an informed net.

    Notes
    -----
    A whole pass costs about half a `Network.forward`; memory 4·n·(layers·hidden + codes) bytes.
    """

    def __init__(self, net: Network, n: int, given: CodeArray | None = None) -> None:
        self.net = net
        self._part = net.parts(net.theta)
        self._first = np.tile(self._part["b0"], (n, 1))
        self._hidden = [np.zeros((n, net.hidden), dtype=np.float32) for _ in range(net.layers)]
        self._shallow = np.tile(self._part["bias"], (n, 1))
        if given is not None:
            kernels.add_rows(given, np.ones(n, dtype=np.float32), self._part["given"], self._first)
            if self._part["given_direct"].size:
                kernels.add_rows(given, net.tempered(given), self._part["given_direct"], self._shallow)
        degree = net.degree
        # Units that are done once p positions were told; an informed network has some that wait for none.
        self._until = np.searchsorted(degree, np.arange(-1, net.positions.count), side="right")
        self._told = 0
        self._coarse: dict[int, CodeArray] = {}
        self._activate_units(0, int(self._until[0]), slice(None))

    def logits(self, p: int, rows: IntArray | None = None) -> Float32Array:
        """Return the logits of position p, shape (n or rows, size); all positions before it must have been told."""
        assert self._told >= p
        net, part = self.net, self._part
        a, b = int(net.at[p]), int(net.at[p + 1])
        mine = slice(None) if rows is None else rows
        known = int(self._until[p])
        out = self._shallow[mine, a:b].copy()
        if known:
            out += self._hidden[-1][mine, :known] @ part["out"][:known, a:b]
        q = int(net.parent[p])
        if q >= 0:
            table = part["pair"][int(net.pair_at[p]) : int(net.pair_at[p + 1])].reshape(-1, b - a)
            coarse = self._coarse[q][mine]
            out += np.where((coarse >= 0)[:, None], table[np.maximum(coarse, 0)], np.float32(0))
        return out

    def tell(self, p: int, codes: CodeArray) -> None:
        """Say the codes of position p, shape (n,), -1 unknown. Positions are told in order."""
        assert self._told == p
        self._told = p + 1
        if np.any(self.net.parent[p + 1 :] == p):
            self._coarse[p] = np.array(codes)
        self._add(p, slice(None), codes, 1)
        self._activate(p, slice(None))

    def change(self, p: int, rows: IntArray, before: CodeArray, after: CodeArray) -> None:
        """Exchange the codes of some rows at a position that was told; later positions must not have hung on them.

        The positions after p that were told already have their hidden units computed anew for these rows.
        """
        if p in self._coarse:
            self._coarse[p][rows] = after
        self._add(p, rows, before, -1)
        self._add(p, rows, after, 1)
        for later in range(p, self._told):
            self._activate(later, rows)

    def _add(self, p: int, rows: Any, codes: CodeArray, sign: int) -> None:
        net, part = self.net, self._part
        if p == net.positions.count - 1:
            return
        known = codes >= 0
        placed = np.where(known, codes, 0) + int(net.at[p])
        factor = (sign * known).astype(np.float32)[:, None]
        plain = sign == 1 and bool(known.all())
        later = slice(int(self._until[p]), None)
        extra = part["emb"][placed, later]
        self._first[rows, later] += extra if plain else extra * factor
        if part["direct"].size:
            after = slice(int(net.at[p + 1]), None)
            extra = part["direct"][placed, after]
            self._shallow[rows, after] += extra if plain else extra * factor

    def _activate(self, p: int, rows: Any) -> None:
        """Compute the hidden units that see position p last."""
        if p < self.net.positions.count - 1:
            self._activate_units(int(self._until[p]), int(self._until[p + 1]), rows)

    def _activate_units(self, begin: int, end: int, rows: Any) -> None:
        if begin == end:
            return
        part, new = self._part, slice(begin, end)
        self._hidden[0][rows, new] = np.maximum(self._first[rows, new], 0)
        for k in range(1, self.net.layers):
            before = self._hidden[k - 1]
            a = before[rows, :end] @ part[f"w{k}"][:end, new]
            a += part[f"b{k}"][new]
            np.maximum(a, 0, out=a)
            a += before[rows, new]
            self._hidden[k][rows, new] = a


def pick(logits: Float32Array, weight: Float32Array, u: FloatArray) -> tuple[CodeArray, FloatArray]:
    """Return drawn codes, -1 where the weights allow none, and the log of the probability that the weights leave.

    Parameters
    ----------
    logits
        Shape (n, codes).
    weight
        Allowed share of each code, 0 to 1, shape (n, codes) or (1, codes).
    u
        Uniforms, shape (n,).
    """
    code = np.empty(len(logits), dtype=np.int32)
    log_p = np.empty(len(logits), dtype=np.float64)
    kernels.pick(logits, np.ascontiguousarray(weight, dtype=np.float32), u, code, log_p)
    return code, log_p
