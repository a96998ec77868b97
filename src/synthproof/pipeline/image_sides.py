"""Real, held-out and synthetic pictures, read so that they can be compared: one chain, the classes of train, no shared persons."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from synthproof.core.errors import DataError
from synthproof.core.run import Run
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import How
from synthproof.data.image.labels import labels_file
from synthproof.data.image.scenes import Scenes
from synthproof.data.image.scenes_io import read_pictures
from synthproof.data.split import FEWEST_UNITS, Split
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.pipeline.reading import own_pictures


def read_sides(
    real: Any, synthetic: Any, holdout: Any, known: How, run: Run | None
) -> tuple[ImageSet, ImageSet | None, ImageSet]:
    """Return train, holdout if there is one, and synthetic pictures, all through one chain."""
    free = known.side == 0 and not isinstance(real, Split | ImageSet)
    train = real.train if isinstance(real, Split) else own_pictures(real, known, run=run)
    found = read_pictures(synthetic, own_table(known if free else replace(known, side=train.chain.side)), run=run)
    if found.chain.side < train.chain.side and free:
        train = read_pictures(real, replace(known, side=found.chain.side), run=run)
    elif found.chain.side != train.chain.side:
        found = read_pictures(synthetic, own_table(replace(known, side=train.chain.side)), run=run)
    if isinstance(real, Split):
        return train, real.holdout, found
    unseen = None
    if holdout is not None:
        same = replace(known, side=train.chain.side)
        alone = isinstance(holdout, str | Path) and Path(holdout).is_dir() and labels_file(Path(holdout)) is not None
        unseen = read_pictures(holdout, replace(same, labels="") if alone else same, run=run)
        check_unseen_pictures(train, unseen)
    return train, unseen, found


def own_table(how: How) -> How:
    """Return how pictures of another folder are read: by the tables that lie there, and they are of nobody."""
    return replace(how, labels="", person="", part="", boxes="", scenes="no" if how.scenes == "no" else "auto")


def check_unseen_pictures(train: ImageSet, holdout: ImageSet) -> None:
    """Refuse a holdout that is too small to say anything, or that shares persons or a twentieth of its pictures with train.

    Raises
    ------
    DataError
        ``verify/holdout-too-small``, ``image/holdout-overlaps``, ``image/holdout-shares-persons``, ``image/chains-differ``.
    """
    if len(holdout) < FEWEST_UNITS // 2:
        raise DataError("verify/holdout-too-small", where=holdout.origin.name, n=len(holdout), least=FEWEST_UNITS // 2)
    _same_chain(holdout, train)
    known = set(train.digests())
    met = sum(d in known for d in holdout.digests())
    if met > 0.05 * holdout.n_rows:
        raise DataError("image/holdout-overlaps", where=holdout.origin.name, n=met, of=holdout.n_rows)
    shared = _shared_persons(train, holdout)
    if shared:
        raise DataError("image/holdout-shares-persons", where=holdout.origin.name, n=shared, of=len(holdout))


def _shared_persons(a: ImageSet, b: ImageSet) -> int:
    """Return how many persons of `b` stand in `a` too, as far as both sides know whose their pictures are."""
    mine, theirs = _persons(a), _persons(b)
    if a.people is None or b.people is None:
        return len(mine & theirs)  # built by hand, under numbers of their own
    # read from files: pseudonyms are counted anew in each source, and only what stands behind them can be compared
    known = {a.people[p] for p in mine if p in a.people}
    return len({b.people[p] for p in theirs if p in b.people} & known)


def _persons(images: ImageSet) -> set[str]:
    """Return the pseudonyms of those whose the pictures are, where that is known."""
    name = images.schema.unit_field
    return set() if name is None else set(images.frame[name].dropna().astype(str))


def _same_chain(data: ImageSet, train: ImageSet) -> None:
    a, b = data.chain, train.chain
    if (a.side, a.channels, a.bits) != (b.side, b.channels, b.bits):
        raise DataError(
            "image/chains-differ", where=data.origin.name, found=f"{a.side} px × {a.channels}, {a.bits} bit",
            wanted=f"{b.side} px × {b.channels}, {b.bits} bit",
        )  # fmt: skip


def as_train(drawn: ImageSet, train: ImageSet) -> ImageSet:
    """Return drawn pictures whose classes are those of train, in its order."""
    _same_chain(drawn, train)
    frame, fields = {}, []
    for f in train.schema.fields:
        if f.has("unit") or f.name not in drawn.schema:
            continue
        column = drawn.frame[f.name]
        if f.levelled and f.kind != "boolean":
            named = column.astype("str")
            column = named.where(named.isin(f.levels)).astype(
                canonical_dtype(f)
            )  # a class of nobody's in train is unknown
        frame[f.name] = column
        fields.append(f)
    schema = replace(train.schema, fields=tuple(fields), unit="image")
    if isinstance(drawn, Scenes) and isinstance(train, Scenes):
        more = [n for n in drawn.part_classes if n not in train.part_classes]
        drawn = drawn.with_part_classes([*train.part_classes, *more])
    return drawn.with_labels(Table(pd.DataFrame(frame), schema, origin=drawn.origin))


__all__ = ["as_train", "check_unseen_pictures", "own_table", "read_sides"]
