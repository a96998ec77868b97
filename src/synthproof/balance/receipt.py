"""A balanced table or set of pictures with the origin of every row, what was done to it, and how both are written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.balance.image_files import write_pictures
from synthproof.core.files import whole_file
from synthproof.core.words import Words
from synthproof.data.balanced import KEY, RECEIPT
from synthproof.data.image.dataset import ImageSet
from synthproof.data.table.dataset import Origin, Table
from synthproof.data.table.io import placed_table, read_table, write_table
from synthproof.dossier.disclose import printable

IntArray = npt.NDArray[np.intp]

HOLDS_REAL = Words(
    en="Balanced data hold real rows, and interpolated or moved ones give real rows away: they are for training inside the house "
    "and are never released. Synthetic rows alone may go through `synthproof verify`.",
    ko="균형을 맞춘 데이터에는 실제 행이 들어 있고, 보간하거나 변형한 행에서는 실제 행을 역산할 수 있습니다. 내부 학습용이며 반출할 수 "
    "없습니다. 합성 행만 따로 `synthproof verify`로 검증할 수 있습니다.",
)
SPLIT_FIRST = Words(
    en="Test on real rows that were held out before balancing (--holdout): a copy of a training row in the test set makes any "
    "score look good.",
    ko="시험 데이터는 균형을 맞추기 전에 떼어 둔 실제 행이어야 합니다(--holdout). 학습 행의 사본이 시험 데이터에 "
    "섞이면 점수가 부풀려집니다.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balanced:
    """A table or a set of pictures after balancing.

    Parameters
    ----------
    data
        The rows, in the container they came in.
    origin
        ``"real"``, ``"duplicate"``, ``"augmentation"`` or ``"synthetic"`` for each row, shape (n,).
    source_rows
        Position of each row in what was given; -1: made.
    facts
        Counts, seed and strategy as JSON values; no value of the data.
    notices
        What the user should know.
    """

    data: Any
    origin: npt.NDArray[Any]
    source_rows: IntArray
    facts: Mapping[str, Any]
    notices: tuple[Words, ...] = ()

    def write(self, target: Path) -> tuple[Path, ...]:
        """Write the table, ``….origin.csv`` (row, origin, source row) beside it and ``….balance.json``, each whole or not at all.

        Returns
        -------
        tuple of Path
            The table, the marks, the receipt. For pictures the folder, which holds all three.
        """
        said = {**self.facts, "notices": [n.to_dict() for n in self.notices]}
        if isinstance(self.data, ImageSet):
            folder = write_pictures(self.data, target, origin=self.origin, source_rows=self.source_rows, receipt=said)
            return (folder,)
        table = self.data if isinstance(self.data, Table) else read_table(self.data)
        placed, marks, receipt = places_of(table, Path(target))
        sources = [int(s) if s >= 0 else None for s in self.source_rows]
        frame = pd.DataFrame(
            {"row": np.arange(len(self.origin)), "origin": self.origin, "source_row": pd.array(sources, dtype="Int64")}
        )
        new = [path for path in (marks, receipt) if not path.exists()]
        try:
            # the receipt first: without it a balanced file would pass for a synthetic or a real one
            with whole_file(receipt) as part:
                part.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            with whole_file(marks) as part:
                frame.to_csv(part, index=False)
            write_table(table, placed)
            new = []
        finally:
            for path in new:
                path.unlink(missing_ok=True)
        return placed, marks, receipt


def places_of(table: Table, target: Path) -> tuple[Path, Path, Path]:
    """Return where a balanced table, its marks and its receipt are written."""
    placed = placed_table(target, table.origin)
    return placed, placed.with_name(f"{placed.name}.origin.csv"), placed.with_name(f"{placed.name}{RECEIPT}")


def marked(data: Any, origin: npt.NDArray[Any]) -> Any:
    """Return balanced data that say of themselves what they hold: what `verify` refuses to call synthetic.

    A `Table` and an `ImageSet` carry the counts in their origin. A pandas frame carries them among its ``attrs`` only where
    it holds interpolated or moved rows, which no selection of rows makes releasable. Other containers have no such place.
    """
    names, counts = np.unique(origin.astype(str), return_counts=True)
    told = dict(zip(names.tolist(), counts.tolist(), strict=True))
    if isinstance(data, Table):
        return Table(data.frame, data.schema, origin=_told(data.origin, told))
    if isinstance(data, ImageSet):
        labels = Table(data.frame, replace(data.schema, modality="table"), origin=_told(data.origin, told))
        return data.with_labels(labels)
    if isinstance(data, pd.DataFrame) and told.get("augmentation"):
        data.attrs[KEY] = {"augmentation": told["augmentation"]}
    return data


def _told(origin: Origin, counts: dict[str, int]) -> Origin:
    return replace(origin, options={**origin.options, KEY: counts})


def told_small(how: str, **facts: object) -> Words:
    """Return the notice about classes with too few rows."""
    if how == "skip":
        words = Words(
            en="{n_small} of {n_classes} classes have fewer than {least} real rows and were left as they are.",
            ko="범주 {n_classes}개 중 {n_small}개는 실제 행이 {least}개 미만이어서 그대로 두었습니다.",
        )
    else:
        words = Words(
            en="{n_small} of {n_classes} classes have fewer than {least} real rows (the smallest {n}): what was made of them is "
            "hardly more than those rows again.",
            ko="범주 {n_classes}개 중 {n_small}개는 실제 행이 {least}개 미만(최소 {n}개)이어서, 생성된 행은 그 행들의 되풀이에 가깝습니다.",
        )
    return words.filled(**facts)


def told_reach(n: int, of: int, *, up: bool) -> tuple[Words, ...]:
    """Return the notice about classes (of so many) that a strategy cannot bring to the ratio by hand."""
    if not n:
        return ()
    words = Words(
        en="The ratio asks for more rows than there are in {n} of {of} classes: thinning adds none, and they stay as they are.",
        ko="범주 {of}개 중 {n}개는 비율이 요청한 행이 있는 행보다 많습니다. 축소는 행을 늘리지 않으므로 그대로 둡니다.",
    )
    if up:
        words = Words(
            en="The ratio asks for fewer rows than there are in {n} of {of} classes: this strategy takes none away, and they stay as "
            "they are (“down” thins).",
            ko="범주 {of}개 중 {n}개는 비율이 요청한 행이 있는 행보다 적습니다. 이 방법은 행을 줄이지 않으므로 그대로 둡니다"
            "(줄이려면 “down”).",
        )
    return (words.filled(n=n, of=of),)


def told_amounts(
    strategy: str, before: IntArray, after: IntArray, unlabelled: int, empty: tuple[str, ...] = ()
) -> tuple[Words, ...]:
    """Return what changed in counts, and what that means; `empty` are columns that made rows lack."""
    out = []
    if strategy == "weights":
        out.append(
            Words(
                en="Rows stay as they are; the weights are in sample_weight_ and class_weight_.",
                ko="행은 그대로이며 가중치는 sample_weight_와 class_weight_에 있습니다.",
            )
        )
    elif not (before != after).any():
        out.append(Words(en="No class was changed.", ko="변경된 범주가 없습니다."))
        if strategy not in ("none", "down") and before.min() < before.max():
            words = Words(
                en="The rarest has still 1 row to {old:.1f} of the commonest; the default tops up classes below the median class "
                "alone, a ratio by hand or “equal” does more.",
                ko="최소:최대 비율은 여전히 1:{old:.1f}입니다. 기본값은 중앙값보다 적은 범주만 늘리며, 비율을 직접 주거나 “equal”을 "
                "쓰면 더 바꿀 수 있습니다.",
            )
            out.append(words.filled(old=float(before.max() / max(1, before.min()))))
    else:
        words = Words(
            en="{changed} of {n} classes changed; rarest to commonest went from 1:{old:.1f} to 1:{new:.1f}.",
            ko="범주 {n}개 중 {changed}개를 변경했습니다. 최소:최대 비율 1:{old:.1f} → 1:{new:.1f}.",
        )
        out.append(
            words.filled(
                changed=int((before != after).sum()),
                n=len(before),
                old=float(before.max() / max(1, before.min())),
                new=float(after.max() / max(1, after.min())),
            )
        )
    if unlabelled:
        words = Words(
            en="{n} rows have no label: they stay as they are, and nothing is made from them.",
            ko="라벨이 없는 {n}행은 그대로 두며, 이로부터 아무것도 만들지 않습니다.",
        )
        out.append(words.filled(n=unlabelled))
    if empty:
        out.append(_told_empty(empty))
    return tuple(out)


def _told_empty(empty: tuple[str, ...]) -> Words:
    words = Words(
        en="Free text (and a column without any value) is not drawn and stays empty in every made row; columns: {n} ({names}).",
        ko="자유 텍스트(또는 값이 하나도 없는 열)는 생성하지 않으며 생성된 모든 행에서 비어 있습니다. 열 {n}개({names}).",
    )
    names = ", ".join(printable(name, 40) for name in empty[:10]) + (" …" if len(empty) > 10 else "")
    return words.filled(n=len(empty), names=names)
