"""The inner loops of code networks: sparse first layers, segment-wise softmax, and the optimiser's step.

A row's input is one code per position, so the first layer is a sum of table rows and needs no one-hot matrix; everything
dense is left to BLAS. Each kernel works on one thread and releases the interpreter lock, so that shards of a batch run
side by side.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthproof.engines.compiled import compiled

Float32Array = npt.NDArray[np.float32]
CodeArray = npt.NDArray[np.int32]
PlaceArray = npt.NDArray[np.int64]


@compiled(fastmath=True)
def add_rows(codes: CodeArray, scale: Float32Array, table: Float32Array, out: Float32Array) -> None:
    """Add the table's rows of each row's codes (negative: unknown, adds nothing), times the row's scale, to ``out``."""
    rows, positions = codes.shape
    width = out.shape[1]
    for i in range(rows):
        for p in range(positions):
            c = codes[i, p]
            if c >= 0:
                for k in range(width):
                    out[i, k] += scale[i] * table[c, k]


@compiled(fastmath=True)
def add_rows_back(codes: CodeArray, scale: Float32Array, d: Float32Array, grad: Float32Array) -> None:
    """Add each row's gradient, times its scale, to the table rows of its codes."""
    rows, positions = codes.shape
    width = d.shape[1]
    for i in range(rows):
        for p in range(positions):
            c = codes[i, p]
            if c >= 0:
                for k in range(width):
                    grad[c, k] += scale[i] * d[i, k]


@compiled(fastmath=True)
def base(
    codes: CodeArray,
    at: PlaceArray,
    parent: PlaceArray,
    pair_at: PlaceArray,
    bias: Float32Array,
    pair: Float32Array,
    direct: Float32Array,
    logits: Float32Array,
) -> None:
    """Add the shallow part of the logits: bias, coarse-to-fine tables and, where there are any, code-to-code weights."""
    rows, positions = codes.shape
    outs = bias.shape[0]
    shallow = direct.shape[0] == outs
    for i in range(rows):
        for v in range(outs):
            logits[i, v] += bias[v]
        if shallow:
            for p in range(positions):
                c = codes[i, p]
                if c >= 0:
                    for v in range(at[p + 1], outs):
                        logits[i, v] += direct[c, v]
        for p in range(positions):
            q = parent[p]
            if q >= 0 and codes[i, q] >= 0:
                size = at[p + 1] - at[p]
                first = pair_at[p] + (codes[i, q] - at[q]) * size
                for v in range(size):
                    logits[i, at[p] + v] += pair[first + v]


@compiled(fastmath=True)
def base_back(
    codes: CodeArray,
    at: PlaceArray,
    parent: PlaceArray,
    pair_at: PlaceArray,
    d: Float32Array,
    g_bias: Float32Array,
    g_pair: Float32Array,
    g_direct: Float32Array,
) -> None:
    """Add the gradients of what `base` added."""
    rows, positions = codes.shape
    outs = d.shape[1]
    shallow = g_direct.shape[0] == outs
    for i in range(rows):
        for v in range(outs):
            g_bias[v] += d[i, v]
        for p in range(positions):
            c = codes[i, p]
            if shallow and c >= 0:
                for v in range(at[p + 1], outs):
                    g_direct[c, v] += d[i, v]
            q = parent[p]
            if q >= 0 and codes[i, q] >= 0:
                size = at[p + 1] - at[p]
                first = pair_at[p] + (codes[i, q] - at[q]) * size
                for v in range(size):
                    g_pair[first + v] += d[i, at[p] + v]


@compiled(fastmath=True)
def cross_entropy(
    logits: Float32Array,
    targets: CodeArray,
    weight: Float32Array,
    at: PlaceArray,
    scale: np.float32,
    loss: Float32Array,
) -> None:
    """Write each position's negative log probability into ``loss`` and turn the logits into their gradients.

    Positions of weight 0 cost nothing and may have no target.
    """
    rows, positions = targets.shape
    for i in range(rows):
        for p in range(positions):
            a, b = at[p], at[p + 1]
            if weight[i, p] == 0 or targets[i, p] < 0:
                loss[i, p] = 0
                for v in range(a, b):
                    logits[i, v] = 0
                continue
            top = logits[i, a]
            for v in range(a + 1, b):
                top = max(top, logits[i, v])
            there = logits[i, targets[i, p]] - top
            total = np.float32(0)
            for v in range(a, b):
                e = np.exp(logits[i, v] - top)
                logits[i, v] = e
                total += e
            loss[i, p] = np.log(total) - there
            share = scale * weight[i, p] / total
            for v in range(a, b):
                logits[i, v] *= share
            logits[i, targets[i, p]] -= scale * weight[i, p]


@compiled(fastmath=True)
def adamw(
    theta: Float32Array,
    mean: Float32Array,
    square: Float32Array,
    grad: Float32Array,
    open_: Float32Array,
    decay: Float32Array,
    average: Float32Array,
    rate: np.float32,
    unbias_mean: np.float32,
    unbias_square: np.float32,
    follow: np.float32,
) -> None:
    """Take one step of AdamW (Loshchilov & Hutter 2019) on open weights, and move the running average after it."""
    for i in range(theta.size):
        g = grad[i] * open_[i]
        mean[i] += np.float32(0.1) * (g - mean[i])
        square[i] += np.float32(0.001) * (g * g - square[i])
        step = mean[i] * unbias_mean / (np.sqrt(square[i] * unbias_square) + np.float32(1e-8))
        theta[i] -= rate * (step + decay[i] * theta[i])
        average[i] += follow * (theta[i] - average[i])


@compiled(fastmath=True)
def pick(
    logits: Float32Array,
    weight: Float32Array,
    u: npt.NDArray[np.float64],
    code: CodeArray,
    log_p: npt.NDArray[np.float64],
) -> None:
    """Draw one code per row by its logits and weights, and write the log of what the weights left of the distribution.

    Parameters
    ----------
    logits
        Shape (rows, codes).
    weight
        Allowed share of each code, shape (rows, codes) or (1, codes).
    u
        Uniforms, shape (rows,).
    code
        Gets the drawn code, -1 where nothing is allowed.
    log_p
        Gets log Σ p·weight: 0 where all is allowed.
    """
    rows, codes = logits.shape
    common = weight.shape[0] == 1
    for i in range(rows):
        w = 0 if common else i
        top = logits[i, 0]
        for v in range(1, codes):
            top = max(top, logits[i, v])
        total = 0.0
        left = 0.0
        for v in range(codes):
            e = np.exp(logits[i, v] - top)
            total += e
            left += e * weight[w, v]
        if left <= 0:
            code[i] = -1
            log_p[i] = -np.inf
            continue
        log_p[i] = np.log(left / total)
        goal = u[i] * left
        run = 0.0
        last = -1
        for v in range(codes):
            if weight[w, v] > 0:
                run += np.exp(logits[i, v] - top) * weight[w, v]
                last = v
                if run > goal:
                    break
        code[i] = last
