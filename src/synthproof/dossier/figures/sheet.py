"""Synthetic pictures, a strip for each class: what a reader of a dossier about images wants to see first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from synthproof.core.words import Words
from synthproof.dossier.disclose import printable

_PNG = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=]+\Z")
_WIDE, _HEAD = 520.0, 22.0


def picture_sheet(preview: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the gallery entry of synthetic pictures, or ``None`` when none may be shown.

    Parameters
    ----------
    preview
        ``strips``: class, number of pictures, pixels of the strip and its PNG, as `preview.preview_of` made them.
    """
    tiles = [tile for strip in preview.get("strips") or () if (tile := _tile(strip))]
    if not tiles:
        return None
    return {
        "anchor": "picture-sheet",
        "title": Words(en="Synthetic images, by class", ko="부류별 합성 이미지"),
        "caption": Words(
            en="The first images of each class as they were drawn, none picked out. They look real: that says nothing about "
            "safety, which the attacks above measure.",
            ko="부류별로 생성된 순서대로 앞의 이미지를 고르지 않고 실었습니다. 실제처럼 보인다는 것은 안전성과 무관하며, "
            "안전성은 위의 공격으로 측정합니다.",
        ),
        "tiles": tiles,
    }


def _tile(strip: Mapping[str, Any]) -> str:
    png, wide, high = str(strip.get("png", "")), float(strip.get("wide", 0)), float(strip.get("high", 0))
    if not _PNG.match(png) or wide <= 0 or high <= 0:
        return ""
    tall = _HEAD + _WIDE * high / wide
    name = escape(printable(strip.get("class", ""), 40))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE:.0f} {tall:.0f}" role="img">'
        f'<text x="0" y="15" font-size="14" fill="currentColor">{name}</text>'
        f'<image x="0" y="{_HEAD:.0f}" width="{_WIDE:.0f}" height="{_WIDE * high / wide:.1f}" href="{png}"/></svg>'
    )


__all__ = ["picture_sheet"]
