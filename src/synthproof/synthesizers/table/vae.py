"""Variational autoencoder: rows are pressed through a few normal numbers and drawn anew from them.

Kingma & Welling (2014, arXiv:1312.6114) for mixed columns, in the manner of TVAE (Xu et al. 2019, arXiv:1907.00503).
Three things differ from it. A column is a code and a position in it (see `columns.codebook`), so that the decoder speaks
in chances and shared values stay atoms. The prior that rows are drawn from is a mixture of normals fitted to where the
training rows lie (Ghosh et al. 2020, arXiv:1903.12436), because rows of an ordinary normal prior often lie where the
decoder learned nothing. And the codes' logits are levelled so that every column keeps its own distribution.

Given the latent, columns are independent. That makes `where` computable (see `columns.steering`), and is why pairs of
columns that determine each other come out blurred: a rank behind `table.autoregressive` is what to expect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from synthproof.core.random import derive, stream
from synthproof.core.run import Run, quiet
from synthproof.data.table.chunks import Data
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import (
    Arrays,
    Float32Array,
    Weights,
    moved,
    one_hot,
    residual_stack,
    run_residual,
    to_device,
)
from synthproof.engines.torch_nets.training import Loss, Plan, Trained, train
from synthproof.synthesizers.table.columns.codebook import Codebook
from synthproof.synthesizers.table.columns.steering import (
    Outlook,
    Steer,
    chances_of,
    draw_block,
    levelling,
    pool_for,
)
from synthproof.synthesizers.table.neural import Block, Neural

FloatArray = npt.NDArray[np.float64]

_LEVELLING_ROWS = 8192
_MIXTURE_ROWS = 20_000
_ROWS_PER_COMPONENT = 50
_SPREADS = (-3.0, 1.0)


class Vae(Neural):
    """Draw rows from normal latents through a learned decoder (needs the torch extra).

    Parameters
    ----------
    latent
        Width of the latent.
    width, depth
        Width and number of hidden layers of encoder and decoder.
    stretches
        About how many stretches a numeric column of many values is cut into.
    kl_weight
        Weight of the latent's divergence from a normal: higher keeps less of a single row.
    components
        Normals in the mixture that latents are drawn from; 1 is a plain normal of the latents' own shape.
    epochs
        Passes over the rows at most.
    batch_size
        Rows per step.
    learning_rate
        Step size of Adam.
    patience
        Stop after this many epochs without gain on the validation fold (a tenth of the units); 0 never stops early.
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
        Loss of each epoch on the rows learned from and on the validation fold, shape (epochs, 2), nats per row.
    seed_
        Seed that was used.

    Notes
    -----
    Fit O(epochs · n · width · (codes + width)), on one thread or on ``run.device``; sampling O(n · width · codes).
    """

    def __init__(
        self,
        *,
        latent: int = 32,
        width: int = 128,
        depth: int = 2,
        stretches: int = 24,
        kl_weight: float = 0.3,
        components: int = 20,
        epochs: int = 100,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        patience: int = 10,
        budget_s: float | None = None,
        min_shared: int = 10,
        row_wise: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.latent = latent
        self.width = width
        self.depth = depth
        self.stretches = stretches
        self.kl_weight = kl_weight
        self.components = components
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.budget_s = budget_s
        self.min_shared = min_shared
        self.row_wise = row_wise
        self.random_state = random_state

    def fit(self, data: Data, /, *, run: Run | None = None) -> Self:
        """Learn encoder and decoder, then the latents' mixture and the levelling of codes.

        Raises
        ------
        MissingExtraError
            ``extra/missing``: torch is not installed.
        """
        need_torch()
        run = quiet(run)
        begun = self._begin(data, run, "vae", latent=(1, 4096), kl_weight=(0, 1e6), components=(1, 1000))
        net = _Net(begun.codebook, self.latent)
        plan = Plan(
            epochs=self.epochs,
            batch=self.batch_size,
            rate=self.learning_rate,
            patience=self.patience,
            budget_s=self.budget_s,
        )
        inputs = net.inputs(begun.codes, begun.places, device_for(run.device))
        start, loss = net.start(self.width, self.depth, begun.seed), net.loss(inputs, self.kl_weight)
        done = train(start, loss, begun.rows, begun.valid, plan, seed=begun.seed, purpose="vae", run=run)
        run.tick("vae: latents", 0, 1)
        decoder = self._decoder(net, inputs, done, begun.seed, run.device)
        run.tick("vae: latents", 1, 1)
        self._decoder_: _Decoder = decoder
        self._keep(begun, done.losses)
        return self

    def _blocks(self, steer: Steer | None, run: Run) -> Block:
        decoder = self._decoder_.on(run.device)
        return partial(draw_block, decoder, self._codebook, steer, pool_for(decoder, self._codebook, steer, run), "vae")

    def _net_state(self) -> dict[str, Any]:
        return self._decoder_.get_state()

    def _take_net(self, state: Mapping[str, Any]) -> None:
        self._decoder_ = _Decoder.from_state(state)

    def _decoder(self, net: _Net, inputs: tuple[Any, Any, Any], done: Trained, seed: int, device: str) -> _Decoder:
        """Return the trained decoder with its mixture of latents and its levelling."""
        n = len(inputs[0])
        some = np.sort(stream(seed, "vae/mixture/rows").permutation(n)[:_MIXTURE_ROWS])
        with one_torch_thread(), need_torch().no_grad():
            mean, spread = net.encode(to_device(done.arrays, device_for(device)), inputs, some)
            mean, spread = mean.cpu().numpy(), spread.cpu().numpy()
        noise = stream(seed, "vae/mixture/noise").standard_normal(mean.shape)
        mixture = _Mixture.fit((mean + spread * noise).astype(np.float64), self.components, seed)
        arrays = {name: a for name, a in done.arrays.items() if name.startswith("decoder")}
        flat = np.zeros(net.size, dtype=np.float32)
        decoder = _Decoder(arrays, mixture, flat, net.starts, device)
        logits = decoder.logits(decoder.latents(stream(seed, "vae/levelling"), _LEVELLING_ROWS))
        return _Decoder(arrays, mixture, levelling(logits, net.codebook), net.starts, device)


class _Net:
    """Encoder, decoder and loss over a codebook."""

    def __init__(self, codebook: Codebook, latent: int) -> None:
        self.codebook, self.latent = codebook, latent
        self.starts, self.wide = codebook.starts, codebook.wide
        self.size = int(self.starts[-1])

    def start(self, width: int, depth: int, seed: int) -> Arrays:
        """Return first weights."""
        arrays: Arrays = {}
        residual_stack(arrays, "encoder", self.size + len(self.codebook.columns), width, depth, 2 * self.latent, seed)
        residual_stack(arrays, "decoder", self.latent, width, depth, 3 * self.size, seed)
        arrays["decoder.out.b"][: self.size] = np.log(np.maximum(self.codebook.shares, 1e-6))
        return arrays

    def inputs(self, codes: npt.NDArray[np.int32], places: Float32Array, device: Any) -> tuple[Any, Any, Any]:
        """Return all rows' codes among all codes, positions as normal scores, and whether they mean anything."""
        at = codes.astype(np.int64) + self.starts[:-1]
        score = ndtri(places.astype(np.float64)).astype(np.float32)
        return moved(at, device), moved(score, device), moved(self.wide[at], device)

    def encode(self, weights: Weights, inputs: tuple[Any, Any, Any], rows: npt.NDArray[np.intp]) -> tuple[Any, Any]:
        """Return mean and standard deviation of the rows' latents."""
        torch = need_torch()
        at, score, wide = (t[rows] for t in inputs)
        both = run_residual(weights, "encoder", torch.cat([one_hot(at, self.size), score * wide], dim=1))
        mean, log_spread = both.split(self.latent, dim=1)
        return mean, log_spread.clamp(-6.0, 2.0).exp()

    def loss(self, inputs: tuple[Any, Any, Any], kl_weight: float) -> Loss:
        """Return the negative evidence lower bound of rows, nats a row."""
        torch = need_torch()
        sizes = [int(s) for s in self.codebook.sizes]

        def of(weights: Weights, rows: npt.NDArray[np.intp], dice: np.random.Generator) -> Any:
            at, score, wide = (t[rows] for t in inputs)
            mean, spread = self.encode(weights, inputs, rows)
            noise = moved(dice.standard_normal((len(rows), self.latent), dtype=np.float32), at.device)
            out = run_residual(weights, "decoder", mean + spread * noise)
            logits, places, log_spreads = out.split(self.size, dim=1)
            norm = torch.stack([part.logsumexp(dim=1) for part in logits.split(sizes, dim=1)], dim=1)
            cost = (norm - logits.gather(1, at)).sum(dim=1)
            log_spread = log_spreads.gather(1, at).clamp(*_SPREADS)
            off = (score - places.gather(1, at)) / log_spread.exp()
            cost = cost + ((off.square() / 2 + log_spread) * wide).sum(dim=1)
            kl = (mean.square() + spread.square() - 1).sum(dim=1) / 2 - spread.log().sum(dim=1)
            return (cost + kl_weight * kl).mean()

        return of


@dataclass(frozen=True, slots=True)
class _Mixture:
    """Normals with full covariances: weights (k,), means (k, d), roots of covariances (k, d, d)."""

    weights: FloatArray
    means: FloatArray
    roots: FloatArray

    @classmethod
    def fit(cls, latents: FloatArray, components: int, seed: int) -> Self:
        """Return a mixture fitted by expectation maximisation. Cost O(n k d²) a step."""
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        from synthproof.engines.threads import one_blas_thread

        k = int(np.clip(len(latents) // (_ROWS_PER_COMPONENT * latents.shape[1] // 8 + 1), 1, components))
        state = derive(seed, "vae/mixture") % 2**32
        found = GaussianMixture(k, reg_covar=1e-4, max_iter=100, init_params="k-means++", random_state=state)
        with warnings.catch_warnings(), one_blas_thread():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a hundred steps are near enough
            found.fit(latents)
        return cls(found.weights_, found.means_, np.linalg.cholesky(found.covariances_))

    def draw(self, dice: np.random.Generator, size: int) -> Float32Array:
        """Return latents, shape (size, d)."""
        u, noise = dice.random(size), dice.standard_normal((size, self.means.shape[1]))
        above = np.cumsum(self.weights)
        part = np.minimum(np.searchsorted(above / above[-1], u, side="right"), len(above) - 1)
        out = np.empty_like(noise)
        for k in range(len(above)):
            mine = np.flatnonzero(part == k)
            out[mine] = self.means[k] + noise[mine] @ self.roots[k].T
        return out.astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Decoder:
    """A fitted decoder: weights, the mixture of latents, what is added to logits, and where it runs."""

    arrays: Arrays
    mixture: _Mixture
    bias: Float32Array
    starts: npt.NDArray[np.intp]
    device: str

    def on(self, device: str) -> _Decoder:
        """Return the same decoder on another device."""
        return _Decoder(self.arrays, self.mixture, self.bias, self.starts, device)

    def latents(self, dice: np.random.Generator, size: int) -> Float32Array:
        """Return latents of the mixture."""
        return self.mixture.draw(dice, size)

    def logits(self, latents: Float32Array) -> Float32Array:
        """Return codes' logits before levelling."""
        return self._run(latents)[:, : len(self.bias)]

    def outlook(self, latents: Float32Array) -> Outlook:
        """Return chances of codes and normal scores of positions."""
        n = len(self.bias)
        out = self._run(latents)
        chances = chances_of(out[:, :n] + self.bias, self.starts)
        return Outlook(chances, out[:, n : 2 * n], np.exp(np.clip(out[:, 2 * n :], *_SPREADS)))

    def _run(self, latents: Float32Array) -> Float32Array:
        with one_torch_thread(), need_torch().no_grad():
            device = device_for(self.device)
            out = run_residual(to_device(self.arrays, device), "decoder", moved(latents, device))
            return np.asarray(out.cpu().numpy(), dtype=np.float32)

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        m = self.mixture
        return {
            "arrays": self.arrays,
            "mixture": {"weights": m.weights, "means": m.means, "roots": m.roots},
            "bias": self.bias,
            "starts": self.starts.astype(np.int64),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        starts = state["starts"].astype(np.intp)
        return cls(dict(state["arrays"]), _Mixture(**state["mixture"]), state["bias"], starts, "cpu")
