"""Drawing rows from latents through a decoder, and steering the latents so that rows meet conditions.

A decoder turns a latent into the chance of every code of every column; given the latent, columns are independent. So
the chance that a latent's row meets the conditions is a product that can be computed, not waited for: latents of a pool
are weighted by it and resampled, and the conditioned columns are drawn from their allowed part. This is importance
sampling of the decoder's own conditional distribution (self-normalised; Rubin 1988), not rejection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from synthproof.core.random import BLOCK, stream
from synthproof.core.run import Run
from synthproof.synthesizers.table.columns.codebook import Codebook
from synthproof.synthesizers.table.columns.conditions import Condition, impossible
from synthproof.synthesizers.table.columns.pieces import Pieces
from synthproof.synthesizers.table.columns.pools import LEAST_EFFECTIVE, WIDEST, effective_share, pool_blocks, resample

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]

_ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a decoder says of some latents.

    Parameters
    ----------
    chances
        Chance of each code within its column, shape (n, codes).
    score, spread
        Mean and standard deviation of the position's normal score at each code, shape (n, codes).
    """

    chances: Float32Array
    score: Float32Array
    spread: Float32Array


class Decoder(Protocol):
    """What `draw_block` needs of a model."""

    def latents(self, dice: np.random.Generator, size: int) -> Float32Array:
        """Return latents drawn from the prior, shape (size, any)."""
        ...

    def outlook(self, latents: Float32Array) -> Outlook:
        """Return what the model says of latents."""
        ...


@dataclass(frozen=True, slots=True)
class Steer:
    """Conditions as a codebook sees them.

    Parameters
    ----------
    ratio
        Share of each code that the conditions allow, by position of the conditioned column.
    left
        Pieces that the conditions leave, by column name.
    names
        Conditioned columns.
    """

    ratio: Mapping[int, FloatArray]
    left: Mapping[str, Pieces]
    names: tuple[str, ...]

    def weight(self, chances: Float32Array, starts: IntArray) -> FloatArray:
        """Return the chance that each row meets the conditions, shape (n,)."""
        out = np.ones(len(chances))
        for j, ratio in self.ratio.items():
            out *= chances[:, starts[j] : starts[j + 1]] @ ratio
        return out


def steer_of(codebook: Codebook, asked: Mapping[str, Condition]) -> Steer | None:
    """Return the conditions as shares of codes, ``None`` without any.

    Raises
    ------
    ConditionError
        ``condition/impossible``: a column alone cannot meet its condition.
    """
    if not asked:
        return None
    ratio: dict[int, FloatArray] = {}
    left: dict[str, Pieces] = {}
    for j, column in enumerate(codebook.columns):
        if column.name in asked:
            ratio[j], left[column.name] = column.allowed(asked[column.name])
            if not ratio[j].any():
                raise impossible(column.name, 0.0, tuple(asked))
    return Steer(ratio, left, tuple(asked))


def pool_for(decoder: Decoder, codebook: Codebook, steer: Steer | None, run: Run) -> int:
    """Return how many blocks of latents stand behind one block of rows, from a pilot that is the same for every seed.

    Raises
    ------
    ConditionError
        ``condition/impossible`` with the estimated probability: even the widest pool holds too few fitting latents.
    """
    if steer is None:
        return 1
    run.tick("conditions", 0, 2)
    weight, _ = _pool(decoder, codebook, steer, 1, stream(0, "pilot"))
    if effective_share(weight) * BLOCK < LEAST_EFFECTIVE:
        run.tick("conditions", 1, 2)
        weight, _ = _pool(decoder, codebook, steer, WIDEST, stream(0, "pilot"))
        if effective_share(weight) * BLOCK * WIDEST < LEAST_EFFECTIVE:
            raise impossible(steer.names[-1], float(weight.mean()), steer.names)
    return pool_blocks(effective_share(weight))


def draw_block(
    decoder: Decoder, codebook: Codebook, steer: Steer | None, pool: int, purpose: str, seed: int, block: int
) -> dict[str, FloatArray]:
    """Return one whole block of rows: values and level codes by column, NaN missing."""
    dice = stream(seed, f"{purpose}/latents", block)
    if steer is None:
        latents = decoder.latents(dice, BLOCK)
    else:
        weight, behind = _pool(decoder, codebook, steer, pool, dice)
        if not weight.any():
            raise impossible(steer.names[-1], 1.0 / len(weight), steer.names)
        latents = behind[resample(weight, BLOCK, dice)]
    outlook = decoder.outlook(latents)
    starts, p = codebook.starts, len(codebook.columns)
    u = stream(seed, f"{purpose}/codes", block).random((BLOCK, p))
    noise = stream(seed, f"{purpose}/places", block).standard_normal((BLOCK, p))
    codes = np.empty((BLOCK, p), dtype=np.intp)
    places = np.empty((BLOCK, p))
    rows, wide = np.arange(BLOCK), codebook.wide
    for j in range(p):
        chances = outlook.chances[:, starts[j] : starts[j + 1]].astype(np.float64)
        if steer is not None and j in steer.ratio:
            chances = chances * steer.ratio[j]
        codes[:, j] = pick(chances, u[:, j])
        at = starts[j] + codes[:, j]
        score = np.where(wide[at], outlook.score[rows, at] + outlook.spread[rows, at] * noise[:, j], noise[:, j])
        places[:, j] = ndtr(score)
    return codebook.write(codes, places, None if steer is None else steer.left)


def pick(chances: FloatArray, u: FloatArray) -> IntArray:
    """Return a position drawn by each row's chances, which need not sum to 1; one of chance 0 is never drawn."""
    above = np.cumsum(chances, axis=1)
    goal = np.minimum(u * above[:, -1], np.nextafter(above[:, -1], -1.0))
    return np.asarray((above <= goal[:, None]).sum(axis=1), dtype=np.intp)


def chances_of(logits: Float32Array, starts: IntArray) -> Float32Array:
    """Return logits as chances within each column: ``starts[j]:starts[j + 1]`` are the codes of column j."""
    out = np.empty_like(logits)
    for a, b in zip(starts[:-1], starts[1:], strict=True):
        odds = np.exp(logits[:, a:b] - logits[:, a:b].max(axis=1, keepdims=True))
        out[:, a:b] = odds / odds.sum(axis=1, keepdims=True)
    return out


def levelling(logits: Float32Array, codebook: Codebook) -> Float32Array:
    """Return what must be added to each code's logit so that codes come as often as they were learned, shape (codes,).

    Parameters
    ----------
    logits
        The decoder's logits at latents from the prior, shape (n, codes).

    Notes
    -----
    A decoder is trained at the latents of real rows and used at those of the prior; the gap shows first in the columns'
    own distributions. Iterative proportional fitting closes it there and leaves dependence to the latent.
    """
    starts, shares = codebook.starts, codebook.shares
    bias = np.zeros(logits.shape[1])
    for j in range(len(codebook.columns)):
        part = slice(starts[j], starts[j + 1])
        own = logits[:, part].astype(np.float64)
        goal = np.maximum(shares[part], 1e-12)
        for _ in range(_ROUNDS):
            odds = np.exp(own + bias[part] - (own + bias[part]).max(axis=1, keepdims=True))
            found = (odds / odds.sum(axis=1, keepdims=True)).mean(axis=0)
            bias[part] += np.log(goal / np.maximum(found, 1e-12))
    return bias.astype(np.float32)


def _pool(
    decoder: Decoder, codebook: Codebook, steer: Steer, blocks: int, dice: np.random.Generator
) -> tuple[FloatArray, Float32Array]:
    """Return the chance that each latent of a pool meets the conditions, and the latents."""
    found = [decoder.latents(dice, BLOCK) for _ in range(blocks)]
    weight = [steer.weight(decoder.outlook(z).chances, codebook.starts) for z in found]
    return np.concatenate(weight), np.concatenate(found)
