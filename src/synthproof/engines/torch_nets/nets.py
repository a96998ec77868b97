"""Dense networks as plain functions of a dictionary of weights: arrays in, arrays out, no modules and no pickle.

Weights start from addressed streams, never from torch's own generator, so that a network depends on its seed alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.engines.torch_nets.load import need_torch

Float32Array = npt.NDArray[np.float32]
Arrays: TypeAlias = dict[str, Float32Array]
"""Weights on disk and between functions: name → float32 array."""
Weights: TypeAlias = dict[str, Any]
"""The same as torch tensors on a device."""


def dense(arrays: Arrays, name: str, n_in: int, n_out: int, seed: int, *, gain: float = 1.0) -> None:
    """Add a linear layer ``name.w`` (n_in, n_out) and ``name.b`` (n_out,), drawn as He et al. (2015) do for ReLUs."""
    draws = stream(seed, f"weights/{name}").standard_normal((n_in, n_out))
    arrays[f"{name}.w"] = (draws * gain * np.sqrt(2.0 / max(1, n_in))).astype(np.float32)
    arrays[f"{name}.b"] = np.zeros(n_out, dtype=np.float32)


def stack(arrays: Arrays, name: str, widths: tuple[int, ...], n_out: int, seed: int, *, gain: float = 0.5) -> None:
    """Add a feed-forward network: ``widths[0]`` inputs, ReLU layers of the other widths, `n_out` linear outputs."""
    for i, (a, b) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
        dense(arrays, f"{name}.{i}", a, b, seed)
    dense(arrays, f"{name}.out", widths[-1], n_out, seed, gain=gain)


def residual_stack(arrays: Arrays, name: str, n_in: int, width: int, depth: int, n_out: int, seed: int) -> None:
    """Add a residual network of `depth` blocks ``x + W₂ silu(W₁ norm(x))`` between a linear entry and exit."""
    dense(arrays, f"{name}.in", n_in, width, seed)
    for i in range(depth):
        dense(arrays, f"{name}.{i}.up", width, width, seed)
        dense(arrays, f"{name}.{i}.down", width, width, seed, gain=0.1)
    dense(arrays, f"{name}.out", width, n_out, seed, gain=0.1)


def linear(weights: Weights, name: str, x: Any) -> Any:
    """Return ``x @ w + b``."""
    return need_torch().addmm(weights[f"{name}.b"], x, weights[f"{name}.w"])


def run_stack(weights: Weights, name: str, x: Any) -> Any:
    """Return the outputs of a network that `stack` added, shape (n, n_out)."""
    i = 0
    while f"{name}.{i}.w" in weights:
        x = linear(weights, f"{name}.{i}", x).relu()
        i += 1
    return linear(weights, f"{name}.out", x)


def run_residual(weights: Weights, name: str, x: Any) -> Any:
    """Return the outputs of a network that `residual_stack` added, shape (n, n_out)."""
    f = need_torch().nn.functional
    x = linear(weights, f"{name}.in", x)
    i = 0
    while f"{name}.{i}.up.w" in weights:
        inner = f.silu(linear(weights, f"{name}.{i}.up", f.layer_norm(x, x.shape[1:])))
        x = x + linear(weights, f"{name}.{i}.down", inner)
        i += 1
    return linear(weights, f"{name}.out", f.silu(f.layer_norm(x, x.shape[1:])))


def to_device(arrays: Mapping[str, Float32Array], device: Any, *, learn: bool = False) -> Weights:
    """Return arrays as tensors on a device; with `learn` they take gradients."""
    torch = need_torch()
    made = {name: torch.tensor(a, device=device) for name, a in arrays.items()}
    return {name: t.requires_grad_(learn) for name, t in made.items()}


def to_arrays(weights: Weights) -> Arrays:
    """Return tensors as arrays."""
    return {name: t.detach().cpu().numpy().astype(np.float32) for name, t in weights.items()}


def one_hot(codes: Any, size: int) -> Any:
    """Return rows with a one at each of several places: codes of shape (n, p) → (n, size); -1 sets none."""
    torch = need_torch()
    out = torch.zeros((len(codes), size + 1), device=codes.device)
    out.scatter_(1, torch.where(codes < 0, size, codes), 1.0)
    return out[:, :size]


def moved(array: npt.NDArray[Any], device: Any) -> Any:
    """Return an array as a tensor on a device."""
    return need_torch().as_tensor(array, device=device)
