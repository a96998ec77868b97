"""Small lossless JPEG streams, for tests of what reads them: written slowly, by the book."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def _segment(mark: int, body: bytes) -> bytes:
    return bytes([0xFF, mark]) + (len(body) + 2).to_bytes(2, "big") + body


def _guess(x: IntArray, r: int, c: int, predictor: int, start: int, top: int) -> int:
    if r == top:
        return int(x[r, c - 1]) if c else start
    if c == 0:
        return int(x[r - 1, 0])
    a, b, d = int(x[r, c - 1]), int(x[r - 1, c]), int(x[r - 1, c - 1])
    return (a, b, d, a + b - d, a + ((b - d) >> 1), b + ((a - d) >> 1), (a + b) >> 1)[predictor - 1]


def encoded(pixels: npt.NDArray[Any], bits: int, *, predictor: int = 1, shift: int = 0, rows: int = 0) -> bytes:
    """Return a stream of lossless JPEG (ITU-T T.81, process 14): one interleaved scan, codes of five bits each.

    Parameters
    ----------
    pixels
        Shape (h, w) or (h, w, components).
    bits
        Of a sample, 2 to 16.
    predictor, shift
        Selection value 1 to 7, and how many low bits are cut off.
    rows
        A restart marker stands after each so many rows; 0: none.
    """
    x = (pixels if pixels.ndim == 3 else pixels[..., None]).astype(np.int64) >> shift
    high, wide, n = x.shape
    start = 1 << (bits - shift - 1)
    body, word, mark = bytearray(), "", 0

    def flush(rest: str) -> None:
        rest += "1" * (-len(rest) % 8)
        for i in range(0, len(rest), 8):
            byte = int(rest[i : i + 8], 2)
            body.extend([byte, 0] if byte == 0xFF else [byte])

    for r in range(high):
        top = r // rows * rows if rows else 0
        if rows and r and r == top:
            flush(word)
            body.extend([0xFF, 0xD0 + mark % 8])
            word, mark = "", mark + 1
        for c in range(wide):
            for k in range(n):
                step = (int(x[r, c, k]) - _guess(x[..., k], r, c, predictor, start, top)) & 0xFFFF
                step = step if step <= 32_768 else step - 65_536
                size = abs(step).bit_length() if step != 32_768 else 16
                word += f"{size:05b}"
                if 0 < size < 16:
                    word += f"{step if step > 0 else step + (1 << size) - 1:0{size}b}"
    flush(word)
    table = bytes([0]) + bytes([0, 0, 0, 0, 17] + [0] * 11) + bytes(range(17))
    frame = bytes([bits, *high.to_bytes(2, "big"), *wide.to_bytes(2, "big"), n]) + bytes(
        v for k in range(n) for v in (k + 1, 0x11, 0)
    )
    scan = bytes([n]) + bytes(v for k in range(n) for v in (k + 1, 0)) + bytes([predictor, 0, shift])
    restart = _segment(0xDD, (rows * wide).to_bytes(2, "big")) if rows else b""
    return (
        b"\xff\xd8"
        + _segment(0xC4, table)
        + _segment(0xC3, frame)
        + restart
        + _segment(0xDA, scan)
        + bytes(body)
        + b"\xff\xd9"
    )


__all__ = ["encoded"]
