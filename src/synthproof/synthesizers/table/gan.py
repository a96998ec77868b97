"""Conditional generative adversarial network: a generator learns to pass a critic's eye, level by level.

In the manner of CTGAN (Xu et al. 2019, arXiv:1907.00503): a Wasserstein critic with gradient penalty (Gulrajani et al.
2017, arXiv:1704.00028) that sees several rows at once (PacGAN, Lin et al. 2018, arXiv:1712.04086), training by sampling
(one code of one column is asked of the generator, rare ones as often as the logarithm of their number says, and the real
rows shown beside have it), Gumbel softmax for codes, and mode-specific normalisation of numbers, here over stretches of
equal weight (see `columns.codebook`). Three things differ: every column's codes can be asked for, not levels alone;
layers are normalised row by row, so that a drawn row does not depend on its neighbours; and the epoch that is kept is
the one whose averaged generator comes nearest to the validation fold in pairs of columns, since a critic's loss says
nothing of that.

A generator's codes are drawn from its softmax, so that it says the chance of a code given its noise: `where` is met by
asking for the level, and for what one request cannot say, by `columns.steering`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from synthproof.core.random import stream
from synthproof.core.run import Run, quiet
from synthproof.data.table.chunks import Data
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import (
    Arrays,
    Float32Array,
    Weights,
    dense,
    linear,
    moved,
    one_hot,
    to_arrays,
    to_device,
)
from synthproof.engines.torch_nets.training import Average, Stopper, Trained
from synthproof.synthesizers.table.columns.codebook import Codebook
from synthproof.synthesizers.table.columns.steering import (
    Outlook,
    Steer,
    chances_of,
    draw_block,
    levelling,
    pick,
    pool_for,
)
from synthproof.synthesizers.table.neural import Begun, Block, Neural

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
CodeArray = npt.NDArray[np.int32]

_TEMPERATURE = 0.2
_PENALTY = 10.0
_DROPPED = 0.5
_LEAK = 0.2
_DECAY = 1e-6
_BETAS = (0.5, 0.9)
_SCORE_ROWS = 4096
_PAIRS = 60
_LEVELLING_ROWS = 8192


class Gan(Neural):
    """Draw rows that a critic took for real (needs the torch extra).

    Parameters
    ----------
    noise
        Width of the generator's noise.
    width, depth
        Width and number of hidden layers of generator and critic.
    pac
        Rows that the critic sees at once.
    stretches
        About how many stretches (modes) a numeric column of many values is cut into.
    epochs
        Passes over the rows at most.
    batch_size
        Rows per step, rounded down to a multiple of `pac`.
    learning_rate
        Step size of both networks' Adam.
    critic_steps
        Steps of the critic for each of the generator.
    patience
        Stop after this many looks (one every ten epochs) without gain on the validation fold; 0 never stops early.
    budget_s
        Stop training after this many seconds; the result then depends on the machine's speed.
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
    losses_
        At each look: the critic's distance and the mean error of pairs of columns on the validation fold (NaN without
        one), shape (looks, 2).
    seed_
        Seed that was used.

    Notes
    -----
    Fit O(epochs · n · width · (codes + width)), on one thread or on ``run.device``; sampling O(n · width · codes).
    """

    def __init__(
        self,
        *,
        noise: int = 128,
        width: int = 256,
        depth: int = 2,
        pac: int = 10,
        stretches: int = 10,
        epochs: int = 300,
        batch_size: int = 500,
        learning_rate: float = 2e-4,
        critic_steps: int = 1,
        patience: int = 10,
        budget_s: float | None = None,
        min_shared: int = 10,
        row_wise: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.noise = noise
        self.width = width
        self.depth = depth
        self.pac = pac
        self.stretches = stretches
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.critic_steps = critic_steps
        self.patience = patience
        self.budget_s = budget_s
        self.min_shared = min_shared
        self.row_wise = row_wise
        self.random_state = random_state

    def fit(self, data: Data, /, *, run: Run | None = None) -> Self:
        """Train generator and critic against each other.

        Raises
        ------
        MissingExtraError
            ``extra/missing``: torch is not installed.
        """
        need_torch()
        run = quiet(run)
        begun = self._begin(data, run, "gan", noise=(1, 65536), pac=(1, 1000), critic_steps=(1, 100))
        done = _Match(self, begun, run).play()
        maker = _Maker(done.arrays, begun.codebook.starts, begun.codebook.shares, self.noise, run.device)
        run.tick("gan: levelling", 0, 1)
        maker = maker.levelled(begun.codebook, begun.seed)
        run.tick("gan: levelling", 1, 1)
        self._maker: _Maker = maker
        self._keep(begun, done.losses)
        return self

    def _blocks(self, steer: Steer | None, run: Run) -> Block:
        maker = replace(self._maker, device=run.device).asking(steer)
        return partial(draw_block, maker, self._codebook, steer, pool_for(maker, self._codebook, steer, run), "gan")

    def _net_state(self) -> dict[str, Any]:
        return {"generator": self._maker.arrays, "bias": self._maker.bias, "noise": self._maker.noise}

    def _take_net(self, state: Mapping[str, Any]) -> None:
        starts, shares = self._codebook.starts, self._codebook.shares
        made = _Maker(dict(state["generator"]), starts, shares, int(state["noise"]), "cpu")
        self._maker = replace(made, bias=state["bias"])


@dataclass(frozen=True, slots=True)
class _Maker:
    """A generator that rows are drawn from: a latent is its noise, and last the code that is asked of it."""

    arrays: Arrays
    starts: IntArray
    shares: FloatArray
    noise: int
    device: str
    bias: Float32Array | None = None
    asked: FloatArray | None = None

    def asking(self, steer: Steer | None) -> _Maker:
        """Return a maker that asks for codes of the conditioned column that is hardest to meet."""
        if steer is None:
            return self
        met = {j: self.shares[self.starts[j] : self.starts[j + 1]] * r for j, r in steer.ratio.items()}
        j = min(met, key=lambda k: float(met[k].sum()))
        asked = np.zeros(len(self.shares))
        asked[self.starts[j] : self.starts[j + 1]] = met[j]
        return replace(self, asked=asked)

    def latents(self, dice: np.random.Generator, size: int) -> Float32Array:
        """Return noise and asked codes: a column by chance and its codes as often as they were learned."""
        z = dice.standard_normal((size, self.noise), dtype=np.float32)
        u = dice.random(size)
        odds = self.shares if self.asked is None else self.asked
        above = np.cumsum(odds)
        at = np.minimum(np.searchsorted(above / above[-1], u, side="right"), np.flatnonzero(odds)[-1])
        return np.concatenate([z, at[:, None].astype(np.float32)], axis=1)

    def outlook(self, latents: Float32Array) -> Outlook:
        """Return chances of codes and normal scores of positions, which the noise alone decides."""
        logits, places = self.run(latents)
        bias = 0.0 if self.bias is None else self.bias
        score = ndtri(np.clip((places + 1) / 2, 1e-6, 1 - 1e-6)).astype(np.float32)
        owner = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        score = score[:, owner]
        return Outlook(chances_of((logits + bias).astype(np.float32), self.starts), score, np.zeros_like(score))

    def run(self, latents: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return codes' logits and positions in (-1, 1), shape (n, p)."""
        torch = need_torch()
        with one_torch_thread(), torch.no_grad():
            device = device_for(self.device)
            z, at = moved(latents[:, :-1], device), moved(latents[:, -1:].astype(np.int64), device)
            logits, places = _generate(to_device(self.arrays, device), z, one_hot(at, len(self.shares)))
            return logits.cpu().numpy(), places.cpu().numpy()

    def levelled(self, codebook: Codebook, seed: int) -> _Maker:
        """Return the maker with the bias that gives every column its learned distribution."""
        logits, _ = self.run(self.latents(stream(seed, "gan/levelling"), _LEVELLING_ROWS))
        return replace(self, bias=levelling(logits, codebook))


def _generator(codes: int, p: int, noise: int, width: int, depth: int, seed: int) -> Arrays:
    arrays: Arrays = {}
    n_in = noise + codes
    for i in range(depth):
        dense(arrays, f"generator.{i}", n_in, width, seed)
        n_in += width
    dense(arrays, "generator.out", n_in, codes + p, seed, gain=0.3)
    return arrays


def _generate(weights: Weights, noise: Any, asked: Any) -> tuple[Any, Any]:
    """Return codes' logits and positions in (-1, 1)."""
    torch = need_torch()
    f = torch.nn.functional
    x = torch.cat([noise, asked], dim=1)
    i = 0
    while f"generator.{i}.w" in weights:
        inner = linear(weights, f"generator.{i}", x)
        x = torch.cat([f.layer_norm(inner, inner.shape[1:]).relu(), x], dim=1)
        i += 1
    out = linear(weights, "generator.out", x)
    codes = asked.shape[1]
    return out[:, :codes], out[:, codes:].tanh()


class _Match:
    """Generator against critic over one table."""

    def __init__(self, owner: Gan, begun: Begun, run: Run) -> None:
        self.o, self.run, self.seed = owner, run, begun.seed
        self.codebook = codebook = begun.codebook
        self.codes, self.rows, self.valid = begun.codes, begun.rows, begun.valid
        self.starts, self.size = codebook.starts, int(codebook.starts[-1])
        self.sizes = [int(s) for s in codebook.sizes]
        self.batch = max(1, owner.batch_size // owner.pac) * owner.pac
        self.device = device_for(run.device)
        at = begun.codes.astype(np.int64) + self.starts[:-1]
        self.at, self.place = moved(at, self.device), moved(2 * begun.places - 1, self.device)
        self.wide = moved(codebook.wide, self.device)
        self._having(at)

    def _having(self, at: npt.NDArray[np.int64]) -> None:
        """Sort the rows to learn from by each column's code, and set how often codes are asked for."""
        mine = at[self.rows]
        self.sorted = np.stack([self.rows[np.argsort(mine[:, j], kind="stable")] for j in range(mine.shape[1])])
        self.count = np.bincount(mine.ravel(), minlength=self.size)
        self.begin = np.concatenate([np.cumsum(self.count[a:b]) - self.count[a:b] for a, b in self._parts()])
        often = np.log1p(self.count)
        self.often = np.concatenate([often[a:b] / often[a:b].sum() for a, b in self._parts()])

    def _parts(self) -> list[tuple[int, int]]:
        return [(int(a), int(b)) for a, b in zip(self.starts[:-1], self.starts[1:], strict=True)]

    def play(self) -> Trained:
        """Return the averaged generator of the best look."""
        torch = need_torch()
        o, p = self.o, len(self.sizes)
        critic: Arrays = {}
        widths = (o.pac * (2 * self.size + p), *(o.width,) * o.depth)
        for i, (a, b) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            dense(critic, f"critic.{i}", a, b, self.seed)
        dense(critic, "critic.out", o.width, 1, self.seed, gain=0.5)
        with one_torch_thread():
            make = to_device(_generator(self.size, p, o.noise, o.width, o.depth, self.seed), self.device, learn=True)
            judge = to_device(critic, self.device, learn=True)
            adams = [
                torch.optim.Adam(list(w.values()), lr=o.learning_rate, betas=_BETAS, weight_decay=d)
                for w, d in ((make, _DECAY), (judge, 0.0))
            ]
            average, stopper = Average(make, 0.998), Stopper(o.patience * 10, o.budget_s)
            self.run.tick("gan", 0, o.epochs)
            steps = max(1, round(len(self.rows) / self.batch))
            for epoch in range(o.epochs):
                distance = 0.0
                for step in range(epoch * steps, (epoch + 1) * steps):
                    distance += self._step(make, judge, adams, step) / steps
                    average.take(make)
                look = epoch % 10 == 9 or epoch == o.epochs - 1
                score = self._score(average.weights) if look else float("inf")
                self.run.tick("gan", epoch + 1, o.epochs, loss=distance, **({"valid": score} if look else {}))
                if look and stopper.over(average.weights, distance, score, epoch):
                    break
            return stopper.trained()

    def _step(self, make: Weights, judge: Weights, adams: list[Any], step: int) -> float:
        """Train the critic, then the generator, on one batch; return the critic's distance of real and made rows."""
        torch = need_torch()
        dice = stream(self.seed, "gan/step", step)
        gap = 0.0
        for _ in range(self.o.critic_steps):
            asked, rows = self._ask(dice)
            wish = one_hot(moved(asked[:, None].astype(np.int64), self.device), self.size)
            with torch.no_grad():
                made, _ = self._make(make, wish, dice)
            real = self._real(moved(rows, self.device))
            real, made = torch.cat([real, wish], dim=1), torch.cat([made, wish], dim=1)
            adams[1].zero_grad(set_to_none=True)
            loss = self._judge(judge, made, dice).mean() - self._judge(judge, real, dice).mean()
            (loss + _PENALTY * self._penalty(judge, real, made, dice)).backward()
            adams[1].step()
            gap = -float(loss.detach())
        asked, _ = self._ask(dice)
        wish = one_hot(moved(asked[:, None].astype(np.int64), self.device), self.size)
        made, logits = self._make(make, wish, dice)
        adams[0].zero_grad(set_to_none=True)
        missed = (self._log_chances(logits) * wish).sum(dim=1).mean()
        (-self._judge(judge, torch.cat([made, wish], dim=1), dice).mean() - missed).backward()
        adams[0].step()
        return gap

    def _ask(self, dice: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Return the code that each row of a batch is asked for, and a real row that has it."""
        column = dice.integers(len(self.sizes), size=self.batch)
        u, v = dice.random(self.batch), dice.random(self.batch)
        asked = np.empty(self.batch, dtype=np.intp)
        for j, (a, b) in enumerate(self._parts()):
            mine = np.flatnonzero(column == j)
            asked[mine] = a + pick(np.broadcast_to(self.often[a:b], (len(mine), b - a)), u[mine])
        rows = self.sorted[column, self.begin[asked] + (v * self.count[asked]).astype(np.intp)]
        return asked, rows

    def _real(self, rows: Any) -> Any:
        at = self.at[rows]
        return need_torch().cat([one_hot(at, self.size), self.place[rows] * self.wide[at]], dim=1)

    def _make(self, weights: Weights, wish: Any, dice: np.random.Generator) -> tuple[Any, Any]:
        """Return made rows as the critic sees them, and the logits behind them."""
        torch = need_torch()
        noise = moved(dice.standard_normal((self.batch, self.o.noise), dtype=np.float32), self.device)
        logits, places = _generate(weights, noise, wish)
        gumbel = -np.log(-np.log(np.clip(dice.random((self.batch, self.size), dtype=np.float32), 1e-7, 1 - 1e-7)))
        parts = ((logits + moved(gumbel, self.device)) / _TEMPERATURE).split(self.sizes, dim=1)
        soft = torch.cat([part.softmax(dim=1) for part in parts], dim=1)
        open_ = torch.stack([part.sum(dim=1) for part in (soft * self.wide).split(self.sizes, dim=1)], dim=1)
        return torch.cat([soft, places * open_], dim=1), logits

    def _log_chances(self, logits: Any) -> Any:
        return need_torch().cat([part.log_softmax(dim=1) for part in logits.split(self.sizes, dim=1)], dim=1)

    def _judge(self, weights: Weights, x: Any, dice: np.random.Generator) -> Any:
        """Return the critic's opinion of packs of rows, shape (batch / pac, 1)."""
        f = need_torch().nn.functional
        x = x.reshape(self.batch // self.o.pac, -1)
        for i in range(self.o.depth):
            x = f.leaky_relu(linear(weights, f"critic.{i}", x), _LEAK)
            kept = dice.random(tuple(x.shape), dtype=np.float32) >= _DROPPED
            x = x * moved(kept.astype(np.float32) / (1 - _DROPPED), self.device)
        return linear(weights, "critic.out", x)

    def _penalty(self, weights: Weights, real: Any, made: Any, dice: np.random.Generator) -> Any:
        """Return how far the critic's slope between real and made packs is from 1."""
        torch = need_torch()
        packs = self.batch // self.o.pac
        mix = moved(np.repeat(dice.random((packs, 1), dtype=np.float32), self.o.pac, axis=0), self.device)
        between = (mix * real + (1 - mix) * made).requires_grad_(True)
        opinion = self._judge(weights, between, dice)
        slope = torch.autograd.grad(opinion.sum(), between, create_graph=True)[0]
        return (slope.reshape(packs, -1).norm(dim=1) - 1).square().mean()

    def _score(self, weights: Weights) -> float:
        """Return the mean total variation of pairs of columns between drawn rows and the validation fold."""
        if not len(self.valid):
            return float("nan")
        dice = stream(self.seed, "gan/score")
        maker = _Maker(to_arrays(weights), self.starts, self.codebook.shares, self.o.noise, self.run.device)
        chances = maker.outlook(maker.latents(dice, _SCORE_ROWS)).chances.astype(np.float64)
        drawn = np.stack([pick(chances[:, a:b], dice.random(len(chances))) for a, b in self._parts()], axis=1)
        real = self.codes[self.valid]
        p = len(self.sizes)
        pairs = [(i, j) for i in range(p) for j in range(i)] or [(0, 0)]
        some = dice.permutation(len(pairs))[:_PAIRS]
        return float(np.mean([_variation(real, drawn, pairs[k], self.sizes) for k in some]))


def _variation(real: npt.NDArray[Any], made: npt.NDArray[Any], pair: tuple[int, int], sizes: list[int]) -> float:
    """Return the total variation distance of two columns' joint distributions."""
    i, j = pair
    both = [
        np.bincount(c[:, i].astype(np.int64) * sizes[j] + c[:, j], minlength=sizes[i] * sizes[j]) / len(c)
        for c in (real, made)
    ]
    return float(np.abs(both[0] - both[1]).sum() / 2)
