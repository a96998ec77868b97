"""A sheet to draw on: SVG elements with escaped text, fixed decimals and one palette.

Pictures are written as SVG by hand rather than by a plotting library because they must be the same bytes everywhere,
carry the page's own embedded font, stay legible in grey, and never run a line of markup that came out of the data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from synthproof.dossier.disclose import printable

INK: Final = "#1f2933"
SOFT: Final = "#52606d"
RULE: Final = "#cbd2d9"
FAINT: Final = "#eef1f4"
REAL_FILL: Final = "#c3cbd3"
REAL_LINE: Final = "#52606d"
SYNTHETIC: Final = "#0b6fa4"
LIMIT: Final = "#b3411c"
FONT: Final = "NanumGothic, sans-serif"


def place(value: float) -> str:
    """Return a coordinate with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


class Canvas:
    """An SVG sheet of `width` × `height` user units (1 unit is 1 CSS pixel)."""

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self._parts: list[str] = []

    def rect(
        self, x: float, y: float, w: float, h: float, *, fill: str = "none", stroke: str = "none", opacity: float = 1
    ) -> None:
        """Draw a rectangle."""
        if w <= 0 or h <= 0:
            return
        see = f' fill-opacity="{place(opacity)}"' if opacity < 1 else ""
        edge = f' stroke="{stroke}" stroke-width="0.8"' if stroke != "none" else ""
        self._parts.append(
            f'<rect x="{place(x)}" y="{place(y)}" width="{place(w)}" height="{place(h)}" fill="{fill}"{see}{edge}/>'
        )

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, stroke: str = RULE, width: float = 1, dash: str = ""
    ) -> None:
        """Draw a straight line."""
        gaps = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<line x1="{place(x1)}" y1="{place(y1)}" x2="{place(x2)}" y2="{place(y2)}" stroke="{stroke}"'
            f' stroke-width="{place(width)}"{gaps}/>'
        )

    def path(
        self,
        points: Iterable[tuple[float, float]],
        *,
        stroke: str = INK,
        width: float = 1.4,
        fill: str = "none",
        dash: str = "",
        closed: bool = False,
        opacity: float = 1,
    ) -> None:
        """Draw a line through points."""
        joined = " ".join(f"{place(x)},{place(y)}" for x, y in points if math.isfinite(x) and math.isfinite(y))
        if not joined:
            return
        gaps = f' stroke-dasharray="{dash}"' if dash else ""
        see = f' fill-opacity="{place(opacity)}"' if opacity < 1 else ""
        tag = "polygon" if closed else "polyline"
        self._parts.append(
            f'<{tag} points="{joined}" fill="{fill}"{see} stroke="{stroke}" stroke-width="{place(width)}"'
            f' stroke-linejoin="round"{gaps}/>'
        )

    def segments(
        self, ends: Iterable[tuple[float, float, float, float]], *, stroke: str = INK, width: float = 1.2
    ) -> None:
        """Draw many short lines (x1, y1, x2, y2) as one element."""
        drawn = "".join(f"M{place(a)} {place(b)}L{place(c)} {place(d)}" for a, b, c, d in ends)
        if drawn:
            self._parts.append(
                f'<path d="{drawn}" fill="none" stroke="{stroke}" stroke-width="{place(width)}" stroke-linecap="square"/>'
            )

    def dot(self, x: float, y: float, r: float, *, fill: str = INK, stroke: str = "none", opacity: float = 1) -> None:
        """Draw a circle."""
        see = f' fill-opacity="{place(opacity)}"' if opacity < 1 else ""
        edge = f' stroke="{stroke}" stroke-width="1.2"' if stroke != "none" else ""
        self._parts.append(f'<circle cx="{place(x)}" cy="{place(y)}" r="{place(r)}" fill="{fill}"{see}{edge}/>')

    def text(
        self,
        x: float,
        y: float,
        text: object,
        *,
        size: float = 10,
        fill: str = SOFT,
        anchor: str = "start",
        bold: bool = False,
        turn: float = 0,
        limit: int = 40,
    ) -> None:
        """Write one line of text; it is shortened and escaped."""
        weight = ' font-weight="700"' if bold else ""
        spin = f' transform="rotate({place(turn)} {place(x)} {place(y)})"' if turn else ""
        self._parts.append(
            f'<text x="{place(x)}" y="{place(y)}" font-family="{FONT}" font-size="{place(size)}" fill="{fill}"'
            f' text-anchor="{anchor}"{weight}{spin}>{escape(fitted(text, limit))}</text>'
        )

    def svg(self, label: str) -> str:
        """Return the picture; `label` is read aloud in its place."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {place(self.width)} {place(self.height)}"'
            f' width="{place(self.width)}" height="{place(self.height)}" role="img"'
            f' aria-label="{escape(printable(label, 300))}">' + "".join(self._parts) + "</svg>"
        )


def fitted(text: object, limit: int) -> str:
    """Return a text cut to the room of `limit` Latin letters; a Hangul letter takes nearly two."""
    shown, room = printable(text, limit), float(limit)
    for at, sign in enumerate(shown):
        room -= 1.75 if sign >= "\u2e80" or "\u1100" <= sign < "\u1200" else 1.0
        if room < 0:
            return shown[: max(1, at - 1)] + "…"
    return shown


def scale(low: float, high: float, start: float, end: float) -> tuple[float, float]:
    """Return (a, b) so that ``a + b * value`` maps [low, high] onto [start, end]."""
    span = high - low or 1.0
    b = (end - start) / span
    return start - b * low, b


def ticks(low: float, high: float, n: int = 4) -> list[float]:
    """Return about n round numbers within [low, high]."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    raw = (high - low) / max(1, n)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw), 10 * power)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_text(value: float) -> str:
    """Return a short text of an axis value."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:g}M"
    if abs(value) >= 1e4:
        return f"{value / 1e3:g}k"
    return f"{value:.6g}"


def shade(share: float, colours: Sequence[tuple[int, int, int]]) -> str:
    """Return the colour at `share` in [0, 1] along `colours`, darker always meaning more."""
    position = min(1.0, max(0.0, share)) * (len(colours) - 1)
    left = min(int(position), len(colours) - 2)
    part = position - left
    mixed = (round(a + (b - a) * part) for a, b in zip(colours[left], colours[left + 1], strict=True))
    return "#" + "".join(f"{v:02x}" for v in mixed)
