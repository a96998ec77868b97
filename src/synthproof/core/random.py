"""Addressed randomness: a draw is named by (seed, purpose, block), never by what was drawn before it.

Because a block always holds the same number of rows and is always drawn whole, batch size, number of workers and
machine change nothing, and the first 1,200 of 2,500 rows equal 1,200 rows asked for alone. Nothing here touches a
global generator.
"""

from __future__ import annotations

import hashlib
import secrets

import numpy as np
import numpy.typing as npt

BLOCK = 4096
_SEED_BITS = 63


def fresh_seed() -> int:
    """Return 63 bits from the system's entropy, for a caller who gave no seed (and must record it)."""
    return secrets.randbits(_SEED_BITS)


def derive(seed: int, purpose: str, /) -> int:
    """Return a child seed in [0, 2**63) that depends on `seed` and `purpose` alone."""
    digest = hashlib.sha256(f"{seed}\x1f{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def stream(seed: int, purpose: str, /, block: int = 0) -> np.random.Generator:
    """Return the generator that is addressed by (seed, purpose, block).

    Parameters
    ----------
    seed
        Any integer.
    purpose
        What the numbers are for, e.g. ``"cart/age/leaf"``; two purposes give unrelated streams.
    block
        Number of the block of rows.

    Returns
    -------
    numpy.random.Generator
        A Philox generator keyed with 128 bits of SHA-256 over the address.
    """
    digest = hashlib.sha256(f"{seed}\x1f{purpose}\x1f{block}".encode()).digest()
    key = np.frombuffer(digest[:16], dtype="<u8")
    return np.random.Generator(np.random.Philox(key=key))


def uniforms(seed: int, purpose: str, n: int, /, k: int | None = None, *, first: int = 0) -> npt.NDArray[np.float64]:
    """Return uniforms in [0, 1) of which row i depends on (seed, purpose, i) alone.

    Parameters
    ----------
    n
        Number of rows.
    k
        Number of columns; ``None`` gives a vector.
    first
        Number of the first row.

    Returns
    -------
    ndarray, shape (n,) or (n, k)
        ``uniforms(s, p, 1200)`` is the head of ``uniforms(s, p, 2500)``, and ``uniforms(s, p, 1300, first=1200)`` the
        rest of it.
    """
    return _blocks("random", seed, purpose, n, k, first)


def normals(seed: int, purpose: str, n: int, /, k: int | None = None) -> npt.NDArray[np.float64]:
    """Return standard normal draws, addressed as `uniforms` are."""
    return _blocks("standard_normal", seed, purpose, n, k, 0)


def blocks_of(first: int, n: int) -> tuple[range, slice]:
    """Return the blocks that rows ``first … first + n`` lie in, and where those rows stand in them laid end to end."""
    blocks = range(first // BLOCK, -(-(first + n) // BLOCK) if n else first // BLOCK)
    skipped = first - BLOCK * (first // BLOCK)
    return blocks, slice(skipped, skipped + n)


def _blocks(method: str, seed: int, purpose: str, n: int, k: int | None, first: int) -> npt.NDArray[np.float64]:
    width = 1 if k is None else k
    out = np.empty((n, width), dtype=np.float64)
    for block in blocks_of(first, n)[0]:
        draw = getattr(stream(seed, purpose, block), method)((BLOCK, width))
        start = block * BLOCK - first
        out[max(start, 0) : start + BLOCK] = draw[max(-start, 0) : n - start]
    return out[:, 0] if k is None else out


def permutation(seed: int, purpose: str, n: int, /) -> npt.NDArray[np.intp]:
    """Return a random order of ``range(n)``; a shuffle is one draw, so it has no head property."""
    return stream(seed, purpose).permutation(n).astype(np.intp, copy=False)
