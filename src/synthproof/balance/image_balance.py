"""Relieve the imbalance of a training set of pictures; every added picture is marked, and nothing here is released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.balance.amounts import CAP_CLASS, CAP_TOTAL, Ratio, down_amounts, up_amounts
from synthproof.balance.arms import LEAST
from synthproof.balance.classes import Classes
from synthproof.balance.image_task import AUGMENT
from synthproof.core.errors import ConfigError, DataError, did_you_mean
from synthproof.core.files import whole_folder
from synthproof.core.random import derive, stream
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run, quiet
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.store import new_store
from synthproof.data.image.write import safe_name, to_picture
from synthproof.data.table.dataset import Table

IntArray = npt.NDArray[np.intp]
STRATEGIES = ("duplicates", "augmentation", "synthetic", "down")
ORIGINS = "origin.csv"


@dataclass(frozen=True, slots=True)
class BalancedImages:
    """A training set of pictures after balancing.

    Parameters
    ----------
    data
        Real pictures, then added ones.
    origin
        ``real``, ``duplicate``, ``augmentation`` or ``synthetic``, one a picture.
    facts
        Counts before and after, strategy, seed: JSON values.
    notices
        What the user must know.
    """

    data: ImageSet
    origin: npt.NDArray[np.str_]
    facts: Mapping[str, Any]
    notices: tuple[Words, ...] = ()

    def write(self, folder: Path) -> Path:
        """Write one folder a class, and ``origin.csv`` with every file's origin. It holds real pictures: for the vault."""
        codes, names = self.data.classes()
        with whole_folder(folder) as part:
            files = []
            for rows in self.data.batches():
                for i, picture in zip(range(rows.start, rows.stop), self.data.pixels(rows), strict=True):
                    name = f"{safe_name(names[codes[i]])}/{self.origin[i]}-{i:08d}.png"
                    (part / name).parent.mkdir(exist_ok=True)
                    to_picture(picture).save(part / name, format="PNG")
                    files.append(name)
            told = pd.DataFrame({"file": files, "class": [names[c] for c in codes], "origin": self.origin})
            told.to_csv(part / ORIGINS, index=False, lineterminator="\n")
        return folder


def balance_images(
    data: ImageSet,
    strategy: str = "duplicates",
    *,
    ratio: Ratio = "auto",
    generator: str = "image.flow",
    params: Mapping[str, Any] | None = None,
    small: str = "refuse",
    cap_class: float | None = CAP_CLASS,
    cap_total: float | None = CAP_TOTAL,
    seed: int,
    run: Run | None = None,
) -> BalancedImages:
    """Return the pictures with rare classes topped up, or common ones thinned.

    Parameters
    ----------
    data
        Real training pictures with one label each; pictures to test on must be held apart before.
    strategy
        ``"duplicates"``, ``"augmentation"``, ``"synthetic"``, ``"down"``, or the name of a generator of pictures.
    ratio, cap_class, cap_total
        As `amounts.up_amounts` takes them.
    small
        ``"refuse"`` or ``"flag"`` classes under 30 pictures from which pictures would be drawn.

    Raises
    ------
    ConfigError
        ``balance/unknown-image-strategy``, ``balance/bad-ratio``, ``balance/too-much``.
    DataError
        ``balance/images-too-few`` for a class that is too small to be learned.
    """
    job = quiet(run)
    known = [*STRATEGIES, *(n for n in synthesizers.names() if n.startswith("image."))]
    if strategy not in known:
        raise ConfigError(
            "balance/unknown-image-strategy", name=strategy, hint=did_you_mean(strategy, known), known=", ".join(known)
        )
    codes, names = data.classes()
    classes = Classes(names, codes)
    if strategy == "down":
        return _thinned(data, classes, ratio, seed)
    made = strategy != "duplicates"
    amounts = up_amounts(classes, ratio, made=made, cap_class=cap_class, cap_total=cap_total)
    added = amounts.added
    notices: list[Words] = []
    if made and strategy not in ("augmentation", AUGMENT):
        notices += _small(classes, added, small)
    rows, labels, pictures, origin = _made(data, classes, added, strategy, generator, dict(params or {}), seed, job)
    out = _together(data, pictures, labels) if pictures is not None else data.take_rows(rows)
    marks = np.array(["real"] * data.n_rows + [origin] * int(added.sum()))
    facts = {
        "strategy": strategy,
        "before": classes.counts.tolist(),
        "added": added.tolist(),
        "classes": len(names),
        "seed": seed,
        "releasable": False,
        "generator": generator if strategy == "synthetic" else strategy,
    }
    return BalancedImages(out, marks, facts, tuple(notices))


def _thinned(data: ImageSet, classes: Classes, ratio: Ratio, seed: int) -> BalancedImages:
    amounts = down_amounts(classes, ratio)
    kept = []
    for c, n in enumerate(amounts.after.tolist()):
        mine = classes.rows(c)
        kept.append(stream(seed, f"balance/down/{c}").permutation(mine)[:n])
    rows = np.sort(np.concatenate(kept)).astype(np.intp)
    facts = {"strategy": "down", "before": classes.counts.tolist(), "dropped": amounts.dropped.tolist(), "seed": seed}
    return BalancedImages(data.take_rows(rows), np.array(["real"] * len(rows)), {**facts, "releasable": False})


def _small(classes: Classes, added: IntArray, small: str) -> list[Words]:
    counts = classes.counts
    few = np.flatnonzero((added > 0) & (counts < LEAST))
    if len(few) == 0:
        return []
    if small == "refuse":
        raise DataError("balance/images-too-few", n=int(counts[few].min()), least=LEAST, classes=len(few))
    return [
        Words(
            en=f"{len(few)} class(es) have fewer than {LEAST} images: what is drawn of them may be learned by heart.",
            ko=f"이미지가 {LEAST}개 미만인 부류가 {len(few)}개 있습니다. 이들로부터 생성한 것은 그대로 외운 것일 수 있습니다.",
        )
    ]


def _made(
    data: ImageSet,
    classes: Classes,
    added: IntArray,
    strategy: str,
    generator: str,
    params: dict[str, Any],
    seed: int,
    run: Run,
) -> tuple[IntArray, list[str], list[ImageSet] | None, str]:
    """Return rows of the result (for duplicates), and classes, pictures and origin of what was made."""
    if strategy == "duplicates":
        again = [
            stream(seed, f"balance/again/{c}").choice(classes.rows(c), n, replace=n > len(classes.rows(c)))
            for c, n in enumerate(added.tolist())
            if n
        ]
        rows = np.concatenate([np.arange(data.n_rows), *again]).astype(np.intp)
        return rows, [], None, "duplicate"
    augmented = strategy in ("augmentation", AUGMENT)
    name = AUGMENT if augmented else generator if strategy == "synthetic" else strategy
    model = synthesizers.make(name, random_state=derive(seed, name), **({} if augmented else params)).fit(data, run=run)
    labels, made = [], []
    target = data.targets[0]
    for c, n in enumerate(added.tolist()):
        if n:
            drawn = model.sample(n, where={target: classes.labels[c]}, seed=derive(seed, f"class/{c}"), run=run)
            made.append(drawn)
            labels += [str(classes.labels[c])] * n
    releasable = model.tags.releasable and not augmented
    return np.empty(0, dtype=np.intp), labels, made, "synthetic" if releasable else "augmentation"


def _together(data: ImageSet, made: list[ImageSet], labels: list[str]) -> ImageSet:
    """Return real and made pictures as one set; a made picture is a unit of its own."""
    n, m = data.n_rows, len(labels)
    store = new_store(n + m, data.chain)
    at = 0
    for part in (data, *made):
        for rows in part.batches():
            store[at + rows.start : at + rows.stop] = part.pixels(rows)
        at += part.n_rows
    columns: dict[str, Any] = {}
    for f in data.schema.fields:
        real = data.frame[f.name]
        if f.name == data.targets[0]:
            columns[f.name] = pd.Categorical([*real.astype("str"), *labels], categories=list(f.levels))
        elif f.has("unit"):
            own = [f"S{i + 1:06d}" for i in range(m)]
            columns[f.name] = pd.Series([*real, *own], dtype=pd.StringDtype(na_value=np.nan))
        else:
            columns[f.name] = pd.concat([real, pd.Series([pd.NA] * m, dtype=real.dtype)], ignore_index=True)
    table = Table(pd.DataFrame(columns), replace(data.schema, modality="table"), origin=data.origin)
    return ImageSet(table, store, data.chain)


__all__ = ["ORIGINS", "STRATEGIES", "BalancedImages", "balance_images"]
