"""The size that a compressed picture states in its own stream: a header may say 64 × 64 where the stream says 60,000."""

from __future__ import annotations

_NO_SIZE = {0xC4, 0xC8, 0xCC}  # Huffman tables, extensions, arithmetic conditioning: in the range, but no frame header


def stated_size(data: bytes) -> tuple[int, int] | None:
    """Return (height, width) of a JPEG, JPEG-LS or JPEG 2000 stream; ``None`` for one that states none (RLE).

    Source: ITU-T T.81 B.2.2 (frame header), T.87 (JPEG-LS, marker SOF55), T.800 A.5.1 (SIZ).
    """
    if data[:4] == b"\xff\x4f\xff\x51":
        return _siz(data, 4)
    if data[4:8] == b"jP  ":  # boxed: the code stream begins somewhere behind the boxes
        at = data.find(b"\xff\x4f\xff\x51")
        return _siz(data, at + 4) if at >= 0 else None
    if data[:2] == b"\xff\xd8":
        return _sof(data)
    return None


def _siz(data: bytes, at: int) -> tuple[int, int] | None:
    if len(data) < at + 20:
        return None
    x1, y1, x0, y0 = (int.from_bytes(data[at + 4 + 4 * i : at + 8 + 4 * i], "big") for i in range(4))
    return y1 - y0, x1 - x0


def _sof(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            return None
        mark = data[at + 1]
        if mark == 0xFF:
            at += 1
            continue
        if (0xC0 <= mark <= 0xCF and mark not in _NO_SIZE) or mark == 0xF7:
            return int.from_bytes(data[at + 5 : at + 7], "big"), int.from_bytes(data[at + 7 : at + 9], "big")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


__all__ = ["stated_size"]
