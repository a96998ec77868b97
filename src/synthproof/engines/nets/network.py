"""A network that gives the distribution of every position's code from the codes of others.

A *chain* (masked autoregressive network; Germain et al. 2015, MADE, arXiv:1502.03509) sees, for each position, only the
positions before it: one pass gives all conditionals of a row. An *informed* chain is told, besides, codes that are given
beforehand, wherever they stand, through a second table that no mask cuts: one pass still gives, and trains, the
conditionals of all positions that are not given.

Beside the hidden layers there is a shallow part: a bias per code, a table from each coarse code to its fine codes, and
(in narrow networks) weights from code to code. It holds exact dependencies at once and leaves the rest to the hidden
units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.engines.nets import kernels

Float32Array = npt.NDArray[np.float32]
CodeArray = npt.NDArray[np.int32]
IntArray = npt.NDArray[np.int64]

_LEAN = 4.0  # rows of the whole table added to each given code's own
_MOST_DIRECT = 1200  # codes up to which code-to-code weights are kept: they are their square


@dataclass(frozen=True)
class Positions:
    """What a network reads and writes: positions, each with its codes.

    Parameters
    ----------
    sizes
        Number of codes of each position, shape (positions,).
    parent
        For a fine position the position of its coarse code, else -1.
    """

    sizes: IntArray
    parent: IntArray

    @property
    def count(self) -> int:
        """Number of positions."""
        return len(self.sizes)

    @property
    def at(self) -> IntArray:
        """First code of each position among all codes, shape (positions + 1,)."""
        return np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int64)

    @property
    def pair_at(self) -> IntArray:
        """Where each fine position's table begins, shape (positions + 1,)."""
        cells = np.where(self.parent >= 0, self.sizes * self.sizes[np.maximum(self.parent, 0)], 0)
        return np.concatenate([[0], np.cumsum(cells)]).astype(np.int64)


class Network:
    """The network's parameters and passes.

    Parameters
    ----------
    positions
        What is read and written.
    hidden, layers
        Units per hidden layer, and number of hidden layers; from the second on they are residual.
    informed
        Whether codes may be given beforehand. Such a network has a quarter more units, which see nothing else.
    seed
        Of the initial weights.

    Attributes
    ----------
    theta
        All parameters end to end, float32; `parts` gives views of them by name.
    """

    def __init__(self, positions: Positions, *, hidden: int, layers: int, seed: int, informed: bool = False) -> None:
        self.positions, self.layers, self.informed = positions, layers, informed
        self.extra = hidden // 4 if informed else 0
        self.hidden = hidden = hidden + self.extra
        self.taken = False
        self.at, self.pair_at = positions.at, positions.pair_at
        self.parent = positions.parent.astype(np.int64)
        codes = self.codes
        direct = codes if codes <= _MOST_DIRECT else 0
        self.shapes: dict[str, tuple[int, ...]] = {"emb": (codes, hidden), "b0": (hidden,)}
        for k in range(1, layers):
            self.shapes |= {f"w{k}": (hidden, hidden), f"b{k}": (hidden,)}
        self.shapes |= {
            "out": (hidden, codes),
            "bias": (codes,),
            "pair": (int(self.pair_at[-1]),),
            "direct": (direct, direct),
        }
        if informed:
            self.shapes |= {"given": (codes, hidden), "given_direct": (direct, direct)}
        self.theta = np.zeros(self.size, dtype=np.float32)
        self._draw_weights(seed)

    @property
    def codes(self) -> int:
        """Number of codes of all positions."""
        return int(self.at[-1])

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(int(np.prod(s)) for s in self.shapes.values())

    @property
    def degree(self) -> IntArray:
        """For each hidden unit the last position it sees, ascending, shape (hidden,); -1: given codes alone."""
        usual = self.hidden - self.extra
        spread = np.arange(usual) * max(1, self.positions.count - 1) // usual
        return np.concatenate([np.full(self.extra, -1), spread]).astype(np.int64)

    def parts(self, flat: Float32Array) -> dict[str, Float32Array]:
        """Return views of a flat array of `size` values by parameter name."""
        views: dict[str, Float32Array] = {}
        first = 0
        for name, shape in self.shapes.items():
            count = int(np.prod(shape))
            views[name] = flat[first : first + count].reshape(shape)
            first += count
        return views

    def open_weights(self) -> Float32Array:
        """Return 1 for every parameter that may differ from 0, shape (size,): a chain's mask."""
        mask = np.ones(self.size, dtype=np.float32)
        part = self.parts(mask)
        position = np.repeat(np.arange(self.positions.count), self.positions.sizes)
        degree = self.degree
        part["emb"][:] = position[:, None] <= degree
        part["out"][:] = degree[:, None] < position
        for k in range(1, self.layers):
            part[f"w{k}"][:] = degree[:, None] <= degree
        if part["direct"].size:
            own = self.parent[position]
            part["direct"][:] = (position[:, None] < position[None, :]) & (position[:, None] != own[None, :])
            if self.informed:
                column = np.cumsum(self.parent < 0)[position]
                part["given_direct"][:] = column[:, None] > column[None, :]
        return mask

    def learned_weights(self) -> Float32Array:
        """Return 1 for every parameter that training may move, shape (size,).

        All open weights; of an informed network that was made from a chain (`take_from`) only what heeds given codes:
        the chain in it is learned already, and would only be overlearned.
        """
        opened = self.open_weights()
        if not self.taken:
            return opened
        mask = np.zeros(self.size, dtype=np.float32)
        part, free = self.parts(mask), self.parts(opened)
        for name, view in part.items():
            if name in ("given", "given_direct"):
                view[:] = free[name]
            elif name == "out" or name.startswith("w"):
                view[: self.extra] = free[name][: self.extra]
            elif name.startswith("b") and name != "bias":
                view[: self.extra] = 1
        return mask

    def _draw_weights(self, seed: int) -> None:
        rng, part, mask = stream(seed, "net/weights"), self.parts(self.theta), self.parts(self.open_weights())
        sigma = {"emb": self.positions.count**-0.5, "out": 0.5 * self.hidden**-0.5}
        if self.informed:
            sigma["given"] = 0.5 * self.positions.count**-0.5
        sigma |= {f"w{k}": (2 / self.hidden) ** 0.5 for k in range(1, self.layers)}
        for name, scale in sigma.items():
            part[name][:] = rng.standard_normal(part[name].shape, dtype=np.float32) * np.float32(scale) * mask[name]

    def start_from(self, codes: CodeArray) -> None:
        """Set the shallow part to the codes' own frequencies, smoothed: where learning begins. Cost O(codes.size)."""
        part = self.parts(self.theta)
        sizes = self.positions.sizes
        for p, size in enumerate(sizes):
            mine = codes[:, p]
            there = mine >= 0
            counts = np.bincount(mine[there], minlength=size) + 0.1
            log_p = np.log(counts / counts.sum())
            part["bias"][self.at[p] : self.at[p + 1]] = log_p
            q = int(self.parent[p])
            if q >= 0:
                both = codes[there, q].astype(np.int64) * size + mine[there]
                table = np.bincount(both, minlength=int(sizes[q] * size)).reshape(int(sizes[q]), size)
                share = (table + 2 * np.exp(log_p)) / (table.sum(axis=1, keepdims=True) + 2)
                part["pair"][self.pair_at[p] : self.pair_at[p + 1]] = (np.log(share) - log_p).ravel()

    def placed(self, codes: CodeArray) -> CodeArray:
        """Return codes numbered through all positions (unknown: -1), shape (n, positions)."""
        return np.where(codes < 0, -1, codes + self.at[:-1]).astype(np.int32)

    def take_from(self, other: Network) -> None:
        """Take the parameters of a plain chain over the same positions; what it lacks keeps its small first weights."""
        mine, theirs = self.parts(self.theta), other.parts(other.theta)
        self.taken = True
        same = slice(self.extra, None)
        for name, view in theirs.items():
            if name in ("bias", "pair", "direct"):
                mine[name][:] = view
            elif name == "out":
                mine[name][same] = view
            elif name.startswith("w"):
                mine[name][same, same] = view
            else:
                mine[name][..., same] = view

    def tempered(self, given: CodeArray) -> Float32Array:
        """Return by how much pairs with given codes count in each row: given columns repeat one another in part."""
        columns = (given[:, self.parent < 0] >= 0).sum(axis=1)
        return np.asarray(1.0 / np.sqrt(np.maximum(columns, 1)), dtype=np.float32)

    def heed_pairs(self, codes: CodeArray) -> None:
        """Set the weights from each given code to earlier columns to what pairs of codes say alone.

        The log of p(earlier | given) / p(earlier), smoothed: exact for one given column, a start for several.

        Parameters
        ----------
        codes
            Whole rows, shape (n, positions), -1 unknown.
        """
        table = self.parts(self.theta)["given_direct"]
        if not table.size:
            return
        sizes = self.positions.sizes
        column = np.cumsum(self.parent < 0)
        for q in range(self.positions.count):
            for p in range(q):
                if column[p] == column[q]:
                    continue
                there = (codes[:, p] >= 0) & (codes[:, q] >= 0)
                both = codes[there, q].astype(np.int64) * int(sizes[p]) + codes[there, p]
                count = np.bincount(both, minlength=int(sizes[p] * sizes[q])).reshape(int(sizes[q]), int(sizes[p]))
                share = (count.sum(axis=0) + 0.1) / (count.sum() + 0.1 * sizes[p])
                given = (count + _LEAN * share) / (count.sum(axis=1, keepdims=True) + _LEAN)
                rows = slice(int(self.at[q]), int(self.at[q + 1]))
                table[rows, int(self.at[p]) : int(self.at[p + 1])] = np.log(given / share)

    def forward(
        self,
        part: Mapping[str, Float32Array],
        placed: CodeArray,
        given: CodeArray | None = None,
        drop: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> tuple[Float32Array, list[tuple[Float32Array, Float32Array | None, Float32Array | None]], Float32Array]:
        """Return logits (n, codes), what each layer keeps for the way back, and the last hidden values.

        Parameters
        ----------
        placed
            Whole rows' codes, as `placed` returns them.
        given
            The codes that are known beforehand, likewise, -1 elsewhere; informed networks only.
        """
        a = np.tile(part["b0"], (len(placed), 1))
        ones = np.ones(len(placed), dtype=np.float32)
        kernels.add_rows(placed, ones, part["emb"], a)
        if given is not None:
            kernels.add_rows(given, ones, part["given"], a)
        kept: list[tuple[Float32Array, Float32Array | None, Float32Array | None]] = []
        y: Float32Array | None = None
        for k in range(self.layers):
            if y is not None:
                a = y @ part[f"w{k}"]
                a += part[f"b{k}"]
            z = np.maximum(a, 0)
            if y is not None:
                z += y
            mask: Float32Array | None = None
            if drop > 0 and rng is not None:
                mask = (rng.random(z.shape, dtype=np.float32) > drop).astype(np.float32)
                mask *= np.float32(1 / (1 - drop))
                z *= mask
            kept.append((a, y, mask))
            y = z
        assert y is not None
        logits = y @ part["out"]
        kernels.base(placed, self.at, self.parent, self.pair_at, part["bias"], part["pair"], part["direct"], logits)
        if given is not None and part["given_direct"].size:
            kernels.add_rows(given, self.tempered(given), part["given_direct"], logits)
        return logits, kept, y

    def gradient(
        self,
        part: Mapping[str, Float32Array],
        placed: CodeArray,
        weight: Float32Array,
        scale: float,
        grad: Float32Array,
        given: CodeArray | None = None,
        drop: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Float32Array:
        """Write the gradient of the weighted loss into ``grad`` (size,); return the losses (n, positions).

        Parameters
        ----------
        placed
            Whole rows' codes.
        weight
            Weight of each row's positions; 0: not asked.
        given
            Codes known beforehand.
        """
        grad[:] = 0
        g = self.parts(grad)
        logits, kept, y = self.forward(part, placed, given, drop, rng)
        loss = np.empty(placed.shape, dtype=np.float32)
        kernels.cross_entropy(logits, placed, weight, self.at, np.float32(scale), loss)
        np.dot(y.T, logits, out=g["out"])
        if given is not None and g["given_direct"].size:
            kernels.add_rows_back(given, self.tempered(given), logits, g["given_direct"])
        kernels.base_back(placed, self.at, self.parent, self.pair_at, logits, g["bias"], g["pair"], g["direct"])
        dy = logits @ part["out"].T
        for k in range(self.layers - 1, -1, -1):
            a, into, mask = kept[k]
            if mask is not None:
                dy *= mask
            da = dy * (a > 0)
            if into is None:
                ones = np.ones(len(placed), dtype=np.float32)
                kernels.add_rows_back(placed, ones, da, g["emb"])
                if given is not None:
                    kernels.add_rows_back(given, ones, da, g["given"])
                da.sum(axis=0, out=g["b0"])
            else:
                np.dot(into.T, da, out=g[f"w{k}"])
                da.sum(axis=0, out=g[f"b{k}"])
                dy += da @ part[f"w{k}"].T
        return loss

    def losses(
        self, placed: CodeArray, given: CodeArray | None = None, theta: Float32Array | None = None, chunk: int = 2048
    ) -> Float32Array:
        """Return each position's negative log probability, nats, shape (n, positions); unknown codes count 0."""
        part = self.parts(self.theta if theta is None else theta)
        out = np.empty(placed.shape, dtype=np.float32)
        weight = np.ones((chunk, placed.shape[1]), dtype=np.float32)
        for first in range(0, len(placed), chunk):
            mine = slice(first, first + chunk)
            targets = placed[mine]
            logits, _, _ = self.forward(part, targets, None if given is None else given[mine])
            kernels.cross_entropy(logits, targets, weight[: len(targets)], self.at, np.float32(1), out[mine])
        return out

    def get_state(self) -> dict[str, Any]:
        """Return plain values and arrays."""
        return {
            "sizes": self.positions.sizes.astype(np.int64),
            "parent": self.parent,
            "hidden": self.hidden - self.extra,
            "layers": self.layers,
            "informed": self.informed,
            "theta": self.theta,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        positions = Positions(state["sizes"].astype(np.int64), state["parent"].astype(np.int64))
        layers, hidden = int(state["layers"]), int(state["hidden"])
        net = cls(positions, hidden=hidden, layers=layers, informed=bool(state["informed"]), seed=0)
        net.theta = state["theta"].astype(np.float32)
        return net
