"""Heat maps of pairs: real, synthetic, and their difference, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from synthproof.core.words import Lang, Words
from synthproof.dossier.figures.canvas import INK, RULE, SOFT, Canvas, shade

# Light to dark in every branch, so that strength survives a black-and-white printer; the sign is told by hue and,
# for the difference, by a mark in the cell.
_STRENGTH = ((255, 255, 255), (198, 214, 228), (110, 156, 190), (24, 78, 119))
_MORE = ((255, 255, 255), (246, 200, 170), (214, 117, 62), (133, 49, 15))
_LESS = ((255, 255, 255), (190, 214, 232), (88, 146, 186), (14, 66, 106))
_GAP, _LABELS, _TITLE = 14.0, 92.0, 20.0


def heat_triplet(
    names: Sequence[str], real: Sequence[Sequence[float]], synthetic: Sequence[Sequence[float]], *, lang: Lang
) -> str:
    """Return three square maps: absolute strength for real and synthetic, signed difference (real - synthetic).

    Parameters
    ----------
    names
        Columns, in order.
    real, synthetic
        Square tables of associations in [-1, 1].
    """
    n = len(names)
    cell = min(30.0, max(4.0, 190.0 / n))
    side = cell * n
    # The colour key under a map needs some 130 units even when the map itself is small.
    sheet = Canvas(_LABELS + 3 * side + 2 * _GAP + max(4.0, 132.0 - side), _TITLE + side + 86)
    titles = (Words(en="real", ko="실제"), Words(en="synthetic", ko="합성"), Words(en="difference", ko="차이"))
    widest = max((abs(real[i][j] - synthetic[i][j]) for i in range(n) for j in range(n)), default=0.0)
    reach = max(widest, 0.05)
    for k, title in enumerate(titles):
        left = _LABELS + k * (side + _GAP)
        sheet.text(left, 13, title.say(lang), size=11, fill=INK, bold=True)
        for i in range(n):
            for j in range(n):
                a, b = real[i][j], synthetic[i][j]
                x, y = left + j * cell, _TITLE + i * cell
                if k < 2:
                    sheet.rect(x, y, cell, cell, fill=shade(abs(a if k == 0 else b), _STRENGTH))
                else:
                    _difference(sheet, x, y, cell, (a - b) / reach)
        sheet.rect(left, _TITLE, side, side, stroke=RULE)
        if n <= 40:
            for j, name in enumerate(names):
                x = left + (j + 0.7) * cell
                sheet.text(x, _TITLE + side + 6, name, size=min(8.5, cell), fill=SOFT, anchor="end", turn=-60, limit=13)
    for i, name in enumerate(names):
        sheet.text(_LABELS - 4, _TITLE + (i + 0.72) * cell, name, size=min(9.0, cell), fill=INK, anchor="end", limit=16)
    _keys(sheet, side, reach)
    return sheet.svg(" / ".join(t.say(lang) for t in titles))


def _difference(sheet: Canvas, x: float, y: float, cell: float, share: float) -> None:
    sheet.rect(x, y, cell, cell, fill=shade(abs(share), _MORE if share > 0 else _LESS))
    if cell >= 9 and abs(share) > 0.35:
        middle, arm = (x + cell / 2, y + cell / 2), cell * 0.18
        colour = "#ffffff" if abs(share) > 0.7 else INK
        sheet.line(middle[0] - arm, middle[1], middle[0] + arm, middle[1], stroke=colour)
        if share > 0:
            sheet.line(middle[0], middle[1] - arm, middle[0], middle[1] + arm, stroke=colour)


def _keys(sheet: Canvas, side: float, reach: float) -> None:
    top = _TITLE + side + 74
    for i in range(40):
        sheet.rect(_LABELS + i * 2.4, top, 2.5, 7, fill=shade(i / 39, _STRENGTH))
        share = i / 19.5 - 1
        x = _LABELS + 2 * (side + _GAP) + i * 2.4
        sheet.rect(x, top, 2.5, 7, fill=shade(abs(share), _MORE if share > 0 else _LESS))
    sheet.text(_LABELS - 4, top + 7, "|r| 0", size=8.5, anchor="end")
    sheet.text(_LABELS + 100, top + 7, "1", size=8.5)
    sheet.text(_LABELS + 2 * (side + _GAP) - 4, top + 7, f"-{reach:.2f}", size=8.5, anchor="end")
    sheet.text(_LABELS + 2 * (side + _GAP) + 100, top + 7, f"+{reach:.2f}", size=8.5)
