"""Gaussian copula over mixed columns: every column a normal in disguise, and one correlation matrix between them.

The statistical tradition (Nelsen 2006; for mixed data Hoff 2007, doi:10.1214/07-AOAS107): simple, fast, open to
inspection, and blind to everything that a correlation cannot say. Levels of unordered columns are first put in the
order in which they go along with the other columns. Whether a value is missing is a latent normal of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from synthproof.core.contracts import Conditions, Tags
from synthproof.core.models import Saved
from synthproof.core.params import Params, check_range
from synthproof.core.random import BLOCK, blocks_of, derive, fresh_seed, stream
from synthproof.core.run import Run, quiet
from synthproof.core.state import State
from synthproof.data.table.chunks import Data, bounded
from synthproof.data.table.dataset import Table
from synthproof.synthesizers.table.columns.conditions import Condition, impossible, read_conditions
from synthproof.synthesizers.table.columns.latents import Cuts, correlation, cut, rotated
from synthproof.synthesizers.table.columns.layout import Layout, check_count, lay_out, persons_of
from synthproof.synthesizers.table.columns.margins import Margin, margin_of, seen_of
from synthproof.synthesizers.table.columns.model import fitted
from synthproof.synthesizers.table.columns.orders import orders_of
from synthproof.synthesizers.table.columns.pools import LEAST_EFFECTIVE, WIDEST, effective_share, pool_blocks, resample
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.bounds import Bounds
from synthproof.synthesizers.table.rules.conflicts import check_conditions
from synthproof.synthesizers.table.rules.ruled import Ruled, draw_under_rules, learn_book

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_LEAST_PROBABILITY = 1e-10


class Copula(Params, Saved, Ruled):
    """Draw correlated normals and turn each into its column.

    Parameters
    ----------
    min_shared
        A numeric value is handed out as it is only when at least this many persons have it.
    row_wise
        Learn single rows of a table whose units have several.
    random_state
        Seed of `fit` and of `sample` calls without their own; ``None`` draws one and keeps it in ``seed_``.

    Attributes
    ----------
    schema_
        Schema of drawn tables.
    notices_
        What the reader of a report must know.
    correlation_
        Correlation of the latent normals, shape (p, p); columns as `latents_`.
    latents_
        Names of the latents: ``"age"``, and ``"age is missing"``.
    seed_
        Seed that was used.

    Notes
    -----
    Fit O(n p²), sampling O(n p²).
    """

    tags: ClassVar[Tags] = Tags(family="statistical")

    def __init__(self, *, min_shared: int = 10, row_wise: bool = False, random_state: int | None = None) -> None:
        self.min_shared = min_shared
        self.row_wise = row_wise
        self.random_state = random_state

    def fit(self, data: Data, /, *, run: Run | None = None) -> Self:
        """Learn margins, the order of levels and the latents' correlation."""
        run = quiet(run)
        check_range(self, "min_shared", self.min_shared, 1, 1e9)
        seed = fresh_seed() if self.random_state is None else int(self.random_state)
        data = bounded(data, seed=seed)
        layout = lay_out(data, seed=seed, row_wise=self.row_wise, min_shared=self.min_shared)
        whole, data = data, layout.seen(data)
        persons = persons_of(data)
        seen = {f.name: seen_of(data, f) for f in run.each(layout.modelled, "copula: columns")}
        run.tick("copula: order of levels", 0, 1)
        orders = orders_of(seen, layout.modelled)
        margins: list[Margin] = []
        cuts: list[Cuts] = []
        gaps: list[int] = []
        for f in run.each(layout.modelled, "copula: margins"):
            margin, latent = margin_of(seen[f.name], f, orders.get(f.name), self.min_shared, persons)
            margins.append(margin)
            cuts.append(latent)
        for j, margin in enumerate(margins):
            if 0 < margin.missing < 1:
                gaps.append(j)
                cuts.append(cut(np.isnan(seen[margin.name]).astype(np.intp)))
        run.tick("copula: correlation", 0, 1)
        matrix = correlation(cuts) if cuts else np.zeros((0, 0))
        run.tick("copula: correlation", 1, 1)
        grids = {m.name: m.grid for m in margins if m.grid is not None}
        self._book, self._layout = learn_book(whole, layout, grids)
        self._margins: tuple[Margin, ...] = tuple(margins)
        self._gaps: tuple[int, ...] = tuple(gaps)
        self.correlation_: FloatArray = matrix
        self.seed_ = seed
        return self

    @property
    def latents_(self) -> tuple[str, ...]:
        """Names of the latents, as the columns of `correlation_`."""
        margins = fitted(self, "_margins", "latents_")
        return tuple(m.name for m in margins) + tuple(f"{margins[j].name} is missing" for j in self._gaps)

    def sample(
        self,
        n: int,
        /,
        *,
        where: Conditions | None = None,
        seed: int | None = None,
        run: Run | None = None,
        first: int = 0,
    ) -> Table:
        """Return rows ``first … first + n`` of the endless table that the seed stands for.

        Under conditions the latents are drawn from the conditional normal distribution: one condition exactly, several
        by sequentially truncated normals weighted by what each truncation cost (Geweke 1991; Hajivassiliou & McFadden
        1998, doi:10.2307/2999576) and resampled.

        Raises
        ------
        ConditionError
            The conditions cannot be met, with the estimated probability.
        """
        layout: Layout = fitted(self, "_layout", "sample")
        run, n = quiet(run), check_count(n)
        seed = derive(self.seed_, "sample") if seed is None else int(seed)
        grids = {m.name: m.grid for m in self._margins if m.grid is not None}
        asked = read_conditions(where, layout.schema, grids, layout.wide)
        check_conditions(self._book, asked)
        blocks, mine = blocks_of(first, n)
        latents = _Latents(self._margins, self._gaps, self.correlation_, asked)
        pool = latents.pool() if asked else 1
        if not self._book.empty:
            draw = partial(latents.mended, pool)
            ruled = draw_under_rules(self._book, draw, blocks=blocks, mine=mine, seed=seed, run=run, asked=asked)
            return layout.table(ruled, n, seed, first=first, asked=asked)
        parts = run.map(partial(latents.block, seed, pool), blocks, "sample")
        drawn = {m.name: np.concatenate([p[m.name] for p in parts] or [np.empty(0)])[mine] for m in self._margins}
        return layout.table(drawn, n, seed, first=first, asked=asked)

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        layout: Layout = fitted(self, "_layout", "get_state")
        return {
            "layout": layout.get_state(),
            "margins": [m.get_state() for m in self._margins],
            "gaps": list(self._gaps),
            "correlation": self.correlation_,
            "book": self._book.get_state(),
            "seed": self.seed_,
        }

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self._layout = Layout.from_state(state["layout"])
        self._book = Book.from_state(state["book"], self._layout.schema)
        self._margins = tuple(Margin.from_state(s) for s in state["margins"])
        self._gaps = tuple(int(j) for j in state["gaps"])
        self.correlation_ = state["correlation"]
        self.seed_ = int(state["seed"])
        return self


class _Latents:
    """The latents in the order in which a set of conditions needs them."""

    def __init__(
        self,
        margins: tuple[Margin, ...],
        gaps: tuple[int, ...],
        matrix: FloatArray,
        asked: Mapping[str, Condition],
    ) -> None:
        self.margins = margins
        self.gap_of = {j: len(margins) + k for k, j in enumerate(gaps)}
        self.asked = asked
        bound = [j for j, m in enumerate(margins) if m.name in asked]
        first = [i for j in bound for i in ((self.gap_of[j], j) if j in self.gap_of else (j,))]
        self.order = np.array(first + [i for i in range(len(matrix)) if i not in set(first)], dtype=np.intp)
        self.bound, self.n_first = bound, len(first)
        self.root = np.linalg.cholesky(matrix[np.ix_(self.order, self.order)]) if len(matrix) else matrix
        self.ends = {j: margins[j].allowed(asked[margins[j].name]) for j in bound}

    def block(self, seed: int, pool: int, block: int) -> dict[str, FloatArray]:
        """Return one block of rows: always drawn whole, so that its size never changes a bit of it."""
        p = len(self.order)
        noise = stream(seed, "copula", block).standard_normal((BLOCK, p))
        if self.bound:
            drawn, _, _ = self._truncated(pool * BLOCK, seed, "pool", block)
            noise[:, : self.n_first] = drawn[:BLOCK]
        z = np.empty((BLOCK, p))
        z[:, self.order] = rotated(noise, np.asarray(self.root))
        out: dict[str, FloatArray] = {}
        for j, margin in enumerate(self.margins):
            values = margin.value(ndtr(z[:, j]), even=margin.name in self.asked)
            if margin.name in self.asked and any(e is not None for e in self.asked[margin.name].exact):
                values = _nearest(values, self.asked[margin.name])
            if j in self.gap_of:
                values = np.where(z[:, self.gap_of[j]] > ndtri(1 - margin.missing), np.nan, values)
            out[margin.name] = values
        return out

    def mended(self, pool: int, book: Book, seed: int, block: int, at: IntArray) -> dict[str, FloatArray]:
        """Return some rows of a block, mended column by column: a value that breaks a rule is drawn anew from the part
        of its margin that the rules allow beside the columns before it.
        """
        rows = {name: values[at] for name, values in self.block(seed, pool, block).items()}
        margins = {m.name: m for m in self.margins}

        def redraw(name: str, bounds: Bounds, values: FloatArray, u: FloatArray) -> FloatArray:
            return margins[name].within(bounds, values, u)

        return book.repair(rows, seed, block, held=tuple(self.asked), redraw=redraw, at=at)

    def pool(self) -> int:
        """Return the pool that the conditions need, or refuse them."""
        _, probability, effective = self._truncated(BLOCK, 0, "pilot", 0)
        if probability < _LEAST_PROBABILITY or effective * BLOCK * WIDEST < LEAST_EFFECTIVE:
            raise impossible(next(reversed(list(self.asked))), probability, tuple(self.asked))
        return pool_blocks(effective)

    def _truncated(self, size: int, seed: int, purpose: str, block: int) -> tuple[FloatArray, float, float]:
        """Return the noise behind the conditioned latents, the conditions' probability and the effective share."""
        u = stream(seed, f"copula/{purpose}", block).random((size, 2 * self.n_first))
        noise = np.zeros((size, self.n_first))
        weight = np.ones(size)
        k = 0
        for j in self.bound:
            condition = self.asked[self.margins[j].name]
            free = np.zeros(size, dtype=np.bool_)
            if j in self.gap_of:
                edge = ndtri(1 - self.margins[j].missing)
                parts = ([[-np.inf, edge]] if condition.ranges else []) + (
                    [[edge, np.inf]] if condition.missing else []
                )
                cost = self._step(noise, k, np.array(parts), u[:, 2 * k : 2 * k + 2])
                weight *= cost
                free = noise[:, : k + 1] @ self.root[k, : k + 1] > edge
                k += 1
            elif (
                self.margins[j].missing == 0
                and not condition.ranges
                or self.margins[j].missing == 1
                and not condition.missing
            ):
                raise impossible(self.margins[j].name, 0.0, tuple(self.asked))
            if self.margins[j].missing == 1:
                free[:] = True
            cost = self._step(noise, k, self.ends[j], u[:, 2 * k : 2 * k + 2], free)
            weight *= cost
            if not weight.any():
                raise impossible(self.margins[j].name, 0.0, tuple(self.asked))
            k += 1
        dice = stream(seed, f"copula/{purpose}/resample", block)
        kept = resample(weight, size, dice)
        return noise[kept], float(weight.mean()), effective_share(weight)

    def _step(
        self, noise: FloatArray, k: int, ends: FloatArray, u: FloatArray, free: npt.NDArray[np.bool_] | None = None
    ) -> FloatArray:
        """Draw the k-th noise so that its latent lies in the stretches; return each row's probability of that."""
        mean = noise[:, :k] @ self.root[k, :k]
        scale = self.root[k, k]
        low, high = (ends[None, :, 0] - mean[:, None]) / scale, (ends[None, :, 1] - mean[:, None]) / scale
        flip = low > 0  # the upper tail is measured from above: there alone small shares are exact
        a, b = np.where(flip, -high, low), np.where(flip, -low, high)
        base = ndtr(a)
        share = np.maximum(ndtr(b) - base, 0.0)
        total = share.sum(axis=1)
        above = np.cumsum(share, axis=1)
        goal = u[:, 0] * total
        pick = np.minimum((above <= goal[:, None]).sum(axis=1), max(0, ends.shape[0] - 1))
        rows = np.arange(len(noise))
        if ends.shape[0]:
            at = np.clip(base[rows, pick] + u[:, 1] * share[rows, pick], 1e-300, 1 - 1e-16)
            x = ndtri(at)
            drawn = np.clip(np.where(flip[rows, pick], -x, x), low[rows, pick], high[rows, pick])
        else:
            drawn = np.zeros(len(noise))
        if free is not None:
            drawn = np.where(free, ndtri(np.clip(u[:, 0], 1e-300, 1 - 1e-16)), drawn)
            total = np.where(free, 1.0, total)
        noise[:, k] = drawn
        return np.asarray(total)


def _nearest(values: FloatArray, condition: Condition) -> FloatArray:
    exact = np.array([e for e in condition.exact if e is not None])
    near = exact[np.abs(values[:, None] - exact[None, :]).argmin(axis=1)]
    return np.where(np.isnan(values), np.nan, near)
