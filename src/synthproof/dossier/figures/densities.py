"""Joint densities of pairs of numbers: bands of real density, outlines of synthetic density."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from synthproof.core.words import Lang, Words
from synthproof.dossier.figures.canvas import INK, RULE, SYNTHETIC, Canvas, scale, shade, tick_text, ticks

_GREYS = ((244, 246, 248), (214, 220, 226), (150, 160, 170))
_PANEL, _GAP, _LEFT, _TOP = 176.0, 34.0, 34.0, 24.0

Bands = Sequence[Sequence[int]]


def densities_picture(detail: Mapping[str, Any], *, lang: Lang) -> str:
    """Return one panel per pair, or an empty string when there is none.

    Parameters
    ----------
    detail
        ``pairs``: ``names``, ``edges_x``, ``edges_y`` and ``real_bands``, ``synthetic_bands`` (how many highest-density
        regions hold a cell), as `table.joint_density` gives them. No real row is in it.
    """
    pairs = [p for p in detail.get("pairs", ()) if isinstance(p, Mapping) and _whole(p)]
    if not pairs:
        return ""
    sheet = Canvas(_LEFT + len(pairs) * (_PANEL + _GAP), _TOP + _PANEL + 46)
    shares = [float(v) for v in pairs[0].get("bands", (0.95, 0.75, 0.4))]
    most = len(shares)
    told = " · ".join(f"{v:.0%}" for v in shares)
    key = Words(en=f"regions of {told} of the records:", ko=f"레코드의 {told} 영역:")
    sheet.text(_LEFT, 12, key.say(lang), size=9.5, fill=INK, limit=60)
    x = _LEFT + 210
    for i in range(most):
        sheet.rect(x + 12 * i, 4, 12, 9, fill=_grey(i + 1, most))
    sheet.text(x + 12 * most + 6, 12, Words(en="real", ko="실제").say(lang), size=9.5, fill=INK)
    sheet.rect(x + 84, 4, 20, 9, stroke=SYNTHETIC)
    sheet.text(x + 110, 12, Words(en="synthetic", ko="합성").say(lang), size=9.5, fill=INK)
    for k, pair in enumerate(pairs):
        _panel(sheet, _LEFT + k * (_PANEL + _GAP), pair, most)
    label = Words(en="joint densities of pairs of numbers", ko="수치 쌍의 결합 밀도")
    return sheet.svg(label.say(lang))


def _whole(pair: Mapping[str, Any]) -> bool:
    ex, ey, real, other = (pair.get(k) for k in ("edges_x", "edges_y", "real_bands", "synthetic_bands"))
    if not all(isinstance(v, list | tuple) for v in (ex, ey, real, other)):
        return False
    assert isinstance(ex, list | tuple)
    assert isinstance(ey, list | tuple)
    assert isinstance(real, list | tuple)
    assert isinstance(other, list | tuple)
    return (
        len(ex) > 1
        and len(ey) > 1
        and all(len(m) == len(ex) - 1 and all(len(r) == len(ey) - 1 for r in m) for m in (real, other))
    )


def _grey(band: int, most: int) -> str:
    return shade(band / most, _GREYS)


def _panel(sheet: Canvas, left: float, pair: Mapping[str, Any], most: int) -> None:
    ex, ey = ([float(v) for v in pair[k]] for k in ("edges_x", "edges_y"))
    ax, bx = scale(ex[0], ex[-1], left, left + _PANEL)
    ay, by = scale(ey[0], ey[-1], _TOP + _PANEL, _TOP)
    for i, row in enumerate(pair["real_bands"]):
        for start, end, band in _runs(row):
            # a run of cells of one band is one rectangle: the page stays small
            y = ay + by * ey[end]
            sheet.rect(
                ax + bx * ex[i],
                y,
                bx * (ex[i + 1] - ex[i]) + 0.3,
                -by * (ey[end] - ey[start]) + 0.3,
                fill=_grey(band, most),
            )
    for band in range(1, most + 1):
        ends = [
            (ax + bx * ex[a], ay + by * ey[b], ax + bx * ex[c], ay + by * ey[d])
            for a, b, c, d in outline(pair["synthetic_bands"], band)
        ]
        sheet.segments(ends, stroke=SYNTHETIC, width=0.7 + 0.35 * band)
    sheet.rect(left, _TOP, _PANEL, _PANEL, stroke=RULE)
    kinds = pair.get("kinds", ("", ""))
    for v in ticks(ex[0], ex[-1], 3) if kinds[0] != "datetime" else ():
        sheet.text(ax + bx * v, _TOP + _PANEL + 12, tick_text(v), size=8.5, anchor="middle")
    for v in ticks(ey[0], ey[-1], 3) if kinds[1] != "datetime" else ():
        sheet.text(left - 4, ay + by * v + 3, tick_text(v), size=8.5, anchor="end")
    names = pair.get("names", ("", ""))
    sheet.text(left + _PANEL / 2, _TOP + _PANEL + 27, f"→ {names[0]}", size=9.5, fill=INK, anchor="middle", limit=30)
    sheet.text(left + _PANEL / 2, _TOP + _PANEL + 41, f"↑ {names[1]}", size=9.5, fill=INK, anchor="middle", limit=30)


def _runs(row: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, band) of each run of equal bands above 0."""
    start = 0
    for j in range(1, len(row) + 1):
        if j == len(row) or row[j] != row[start]:
            if row[start] > 0:
                yield start, j, int(row[start])
            start = j


def outline(cells: Bands, band: int) -> list[tuple[int, int, int, int]]:
    """Return the border of the cells in at least `band` regions, as segments between edge numbers (x1, y1, x2, y2)."""
    inside = [[v >= band for v in row] for row in cells]
    k, m = len(inside), len(inside[0])

    def there(i: int, j: int) -> bool:
        return 0 <= i < k and 0 <= j < m and inside[i][j]

    upright = {(i, j) for i in range(k + 1) for j in range(m) if there(i - 1, j) != there(i, j)}
    level = {(j, i) for j in range(m + 1) for i in range(k) if there(i, j - 1) != there(i, j)}
    out = [(i, a, i, b) for i, a, b in _joined(upright)]
    return out + [(a, j, b, j) for j, a, b in _joined(level)]


def _joined(pieces: set[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Yield (line, start, end) of unit pieces (line, start) that lie end to end."""
    for line, start in sorted(pieces):
        if (line, start - 1) in pieces:
            continue
        end = start
        while (line, end) in pieces:
            end += 1
        yield line, start, end


__all__ = ["densities_picture", "outline"]
