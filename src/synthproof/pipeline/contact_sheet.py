"""The contact sheet: the worst pairs of synthetic and real images side by side, for the owner's eyes.

It holds real images, so it is written to a vault and nowhere else: no report, dossier or release has it. The guide asks
a person to compare what lies nearest with its original; this is the sheet to do it on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import UsageError
from synthproof.core.evidence import Evidence
from synthproof.core.files import whole_file, write_text
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.decode import pillow
from synthproof.dossier.fonts import font_files
from synthproof.verification.proof import Proof

IntArray = npt.NDArray[np.intp]

NAME = "worst-pairs.png"
RECORD = "private.json"
MOST = 50
METRIC = "image.near_copies"
_TILE, _GAP, _PAD, _ACROSS = 132, 4, 22, 5
_UNDER, _TOP = 70, 106
_INK, _SOFT, _FLAG, _PAPER = "#1f2933", "#52606d", "#b3411c", "#ffffff"

NOTICE = Words(
    en="The {n} worst pairs (synthetic image, nearest training image) lie in the vault as one picture, {name}. They hold real "
    "images and never leave it; whoever may see the originals should look through them before a release.",
    ko="가장 가까운 {n}쌍(합성 이미지와 가장 가까운 학습 원본)을 한 장의 그림({name})으로 보관소(vault)에 두었습니다. 실제 이미지가 "
    "들어 있으므로 보관소 밖으로 내보내지 않으며, 반출 전에 원본 열람 권한이 있는 담당자가 눈으로 확인하십시오.",
)
_TITLE = Words(
    en="{n} worst pairs · synthetic left, nearest training image right",
    ko="가장 가까운 {n}쌍 · 왼쪽 합성, 오른쪽 학습 원본",
)
_KEEP = Words(
    en="Holds real images: never leaves the vault.",
    ko="실제 이미지가 들어 있음: 보관소 밖으로 반출 금지",
)
_HOW = Words(
    en="Rank 1 is the unlikeliest. Nearness: distance to this original over that to the next ones (0 copy, 1 no nearer); "
    "framed: under the limit, counted as a copy.",
    ko="1위가 우연으로 설명하기 가장 어려움. 근접도: 이 원본까지의 거리 ÷ 다음 원본들까지의 거리(0 복제, 1 다르지 않음), "
    "테두리: 한계 미만으로 복제로 셈",
)


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair: positions in both data sets, and how near they are.

    Parameters
    ----------
    nearness, limit
        Distance over that to the next originals, and the limit it is held against.
    distance
        After alignment: 0 copy, 1.41 strangers.
    """

    synthetic: int
    train: int
    nearness: float
    limit: float
    distance: float
    flagged: bool


def pairs_of(evidence: Sequence[Evidence]) -> list[Pair]:
    """Return the worst pairs that the near-copy metric kept, the worst first, at most `MOST`; none where it kept none."""
    kept = next((e.private["worst_pairs"] for e in evidence if e.metric == METRIC and "worst_pairs" in e.private), None)
    if kept is None:
        return []
    columns = [kept[k] for k in ("synthetic_rows", "train_rows", "nearness", "limit", "distance", "flagged")]
    return [Pair(*values) for values in zip(*columns, strict=True)][:MOST]


def draw_sheet(pairs: Sequence[Pair], synthetic: ImageSet, train: ImageSet) -> Any:
    """Return the sheet as a PIL picture, 5 pairs across.

    Small pictures are enlarged by whole pixels, so that nothing is smoothed over; large ones are reduced.
    """
    pillow()
    from PIL import Image, ImageDraw, ImageFont

    regular, bold = (str(path) for path in font_files())
    fonts = {
        "title": ImageFont.truetype(bold, 20),
        "text": ImageFont.truetype(regular, 13),
        "strong": ImageFont.truetype(bold, 14),
    }
    pair_wide = 2 * _TILE + _GAP
    down = -(-len(pairs) // _ACROSS)
    size = (_PAD + _ACROSS * (pair_wide + _PAD), _TOP + down * (_TILE + _UNDER + _PAD))
    sheet = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(sheet)
    title = _TITLE.filled(n=len(pairs))
    pen.text((_PAD, 14), f"{title.ko}   {title.en}", font=fonts["title"], fill=_INK)
    pen.text((_PAD, 42), f"{_KEEP.ko}   {_KEEP.en}", font=fonts["strong"], fill=_FLAG)
    for line, words in enumerate((_HOW.ko, _HOW.en)):
        pen.text((_PAD, 62 + 18 * line), words, font=fonts["text"], fill=_SOFT)
    classes = [_class_of(data) for data in (synthetic, train)]
    for i, pair in enumerate(pairs):
        x = _PAD + (i % _ACROSS) * (pair_wide + _PAD)
        y = _TOP + (i // _ACROSS) * (_TILE + _UNDER + _PAD)
        for k, (data, row) in enumerate(((synthetic, pair.synthetic), (train, pair.train))):
            sheet.paste(_tile(data, row), (x + k * (_TILE + _GAP), y))
        if pair.flagged:
            pen.rectangle((x - 3, y - 3, x + pair_wide + 2, y + _TILE + 2), outline=_FLAG, width=3)
        ink = _FLAG if pair.flagged else _INK
        counted = " · 복제로 셈 counted as a copy" if pair.flagged else ""
        pen.text((x, y + _TILE + 6), f"{i + 1}위 #{i + 1}{counted}", font=fonts["strong"], fill=ink)
        lines = (
            f"근접도 nearness {pair.nearness:.3f}, 한계 limit {pair.limit:.3f}",
            f"거리 distance {pair.distance:.3f}",
        )
        for line, words in enumerate(lines):
            pen.text((x, y + _TILE + 24 + 17 * line), words, font=fonts["text"], fill=_INK)
        for k, row in enumerate((pair.synthetic, pair.train)):
            name = f"{('합성', '원본')[k]} {row} {classes[k].get(row, '')}"
            pen.text(
                (x + k * (_TILE + _GAP), y + _TILE + 58), _cut(name, fonts["text"]), font=fonts["text"], fill=_SOFT
            )
    return sheet


def keep_private(folder: Path, proof: Proof, synthetic: Any, train: Any) -> tuple[Proof, list[Path]]:
    """Write what only the owner may see into a vault: the record with positions and, for images, the contact sheet.

    Parameters
    ----------
    folder
        The vault; made for the owner's eyes alone (mode 0700) when absent.

    Returns
    -------
    proof, files
        The proof, with a notice that the sheet lies in the vault where there is one, and what was written.
    """
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o700)
    written = []
    pairs = pairs_of(proof.evidence)
    if pairs and isinstance(synthetic, ImageSet) and isinstance(train, ImageSet):
        with whole_file(folder / NAME) as part:
            draw_sheet(pairs, synthetic, train).save(part, format="PNG", optimize=False)
        (folder / NAME).chmod(0o600)
        written.append(folder / NAME)
        told = NOTICE.filled(n=len(pairs), name=NAME).to_dict()
        if told not in proof.notices:
            proof = replace(proof, notices=(*proof.notices, told))
    text = json.dumps(proof.to_dict(private=True), ensure_ascii=False, indent=1)
    return proof, [write_text(folder / RECORD, text), *written]


def check_apart(vault: Path, dossier: Path | None) -> None:
    """Refuse a vault that lies in the dossier, or the other way round: the dossier is handed on whole.

    Raises
    ------
    UsageError
        ``verify/vault-in-dossier``.
    """
    if dossier is None:
        return
    a, b = vault.resolve(), dossier.resolve()
    if a == b or a in b.parents or b in a.parents:
        raise UsageError("verify/vault-in-dossier", where=str(vault), dossier=str(dossier))


def _class_of(data: ImageSet) -> Mapping[int, str]:
    codes, names = data.classes()
    return {i: names[c] for i, c in enumerate(codes.tolist()) if c >= 0}


def _tile(data: ImageSet, row: int) -> Any:
    """Return one picture of `_TILE` pixels, on grey where it does not fill them."""
    from PIL import Image

    picture = data.pixels(np.array([row], dtype=np.intp))[0].astype(np.float64)
    eight = np.clip(np.rint(picture * (255.0 / data.chain.top)), 0, 255).astype(np.uint8)
    made = Image.fromarray(eight[..., 0] if eight.shape[2] == 1 else eight).convert("RGB")
    times = _TILE // made.width
    wide = made.width * times if times else _TILE
    made = made.resize((wide, wide), Image.Resampling.NEAREST if times else Image.Resampling.LANCZOS)
    tile = Image.new("RGB", (_TILE, _TILE), "#dfe4e9")
    tile.paste(made, ((_TILE - wide) // 2, (_TILE - wide) // 2))
    return tile


def _cut(text: str, font: Any) -> str:
    while text and font.getlength(text) > _TILE:
        text = text.removesuffix("…")[:-1] + "…"
    return text


__all__ = ["MOST", "NAME", "NOTICE", "RECORD", "Pair", "check_apart", "draw_sheet", "keep_private", "pairs_of"]
