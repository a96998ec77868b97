"""Pictures of several findings each in a study: rows are numbered by their combination of labels, scores stand for labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.balance.arms import LEAST
from synthproof.balance.classes import Classes
from synthproof.balance.image_maker import AUGMENT, DEFAULT_PICTURES
from synthproof.balance.image_task import seen
from synthproof.balance.labels import Labels, labels_of
from synthproof.balance.task import FEWEST_TEST, Part, refuse_few_units
from synthproof.core.errors import DataError
from synthproof.core.random import derive
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.core.words import Words
from synthproof.data.balanced import refuse_balanced
from synthproof.data.image.dataset import ImageSet
from synthproof.data.split import Split, split

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]


class LabelsTask:
    """Pictures with several yes/no labels, split by person; nothing is learned from the test part.

    Parameters
    ----------
    data
        All real pictures, or a split of them; pictures of which a label is missing are left out.
    holdout
        Share of persons to test on, where `data` is not split.
    generator, params
        Generator of synthetic pictures, and its parameters.

    Attributes
    ----------
    labels
        Labels of the training pictures. A combination that occurs in the test part alone is numbered too, and never made.

    Raises
    ------
    DataError
        ``balance/study-too-small``, ``balance/study-few-units``, ``balance/not-labels``, ``split/…``.
    """

    def __init__(
        self,
        data: ImageSet | Split[ImageSet],
        *,
        holdout: float = 0.4,
        seed: int = 0,
        generator: str = DEFAULT_PICTURES,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        for part in (data.train, data.holdout) if isinstance(data, Split) else (data,):
            refuse_balanced(part)
        parts = data if isinstance(data, Split) else split(data, holdout=holdout, seed=seed)
        self._real, unseen = _labelled(parts.train), _labelled(parts.holdout)
        self._generator, self._params = generator, dict(params or {})
        self._fitted: dict[tuple[str, int], Any] = {}
        self._targets = self._real.targets
        whole = labels_of(np.vstack([_flags(self._real), _flags(unseen)]), self._targets, where=self._real.origin.name)
        n, codes = self._real.n_rows, whole.groups.codes
        known = _with_enough(whole, codes[:n], codes[n:])
        self.labels = Labels(known.names, known.kinds, Classes(known.groups.labels, codes[:n]), known.n_own)
        refuse_few_units(known.kinds[codes[n:]], unseen.unit_of_row)
        self.names = known.names
        self.train = Part(seen(self._real), codes[:n], self._real.unit_of_row)
        self.test = Part(seen(unseen), codes[n:], unseen.unit_of_row)
        self.facts: Mapping[str, Any] = {
            "modality": "image",
            "several": True,
            "source": self._real.origin.name,
            "target": ", ".join(self._targets),
            "combinations": len(known.kinds),
            "side": self._real.chain.side,
            "seen_at": int(self.train.x.shape[2]),
            "unit": self._real.schema.unit,
            "train_units": len(self._real),
            "test_units": len(unseen),
            "holdout": parts.fraction,
            "split_seed": parts.seed,
            "generator": generator,
            "generator_params": self._params,
        }

    def kinds(self) -> Mapping[str, Words | None]:
        """Return the kinds of made pictures: moved real ones, and drawn ones; none lies between two pictures."""
        none = Words(
            en="Pictures are not interpolated: a mean of two is no picture, and has no labels of its own.",
            ko="두 이미지의 평균은 이미지가 아니며 정해진 라벨도 없으므로 보간하지 않습니다.",
        )
        return {"smote": none, "augmentation": None, "synthetic": None}

    def maker(self, kind: str, /, *, seed: int, run: Run | None = None) -> LabelsMade:
        """Return what draws pictures of a kind, learned from the real training pictures alone."""
        name = AUGMENT if kind == "augmentation" else self._generator
        if (name, seed) not in self._fitted:
            given = {} if kind == "augmentation" else self._params
            made = synthesizers.make(name, random_state=derive(seed, name), **given).fit(self._real, run=run)
            self._fitted = {k: v for k, v in self._fitted.items() if k[1] == seed} | {(name, seed): made}
        conditions = [dict(zip(self._targets, map(bool, kind), strict=False)) for kind in self.labels.kinds]
        return LabelsMade(self._fitted[name, seed], tuple(conditions))


@dataclass(frozen=True)
class LabelsMade:
    """Drawn pictures of one fitted generator, asked for by combination of labels."""

    model: Any
    conditions: tuple[Mapping[str, bool], ...]

    def rows(self, amounts: IntArray, /, *, seed: int) -> tuple[Float32Array, IntArray]:
        """Return pictures as the network sees them, and their combinations."""
        x, y = [], []
        for g, n in enumerate(amounts.tolist()):
            if n:
                drawn = self.model.sample(n, where=self.conditions[g], seed=derive(seed, f"combination/{g}"))
                x.append(seen(drawn))
                y.append(np.full(n, g, dtype=np.intp))
        return np.concatenate(x), np.concatenate(y)


def _flags(images: ImageSet) -> npt.NDArray[Any]:
    flags: npt.NDArray[Any] = images.frame[list(images.targets)].astype(object).to_numpy()
    return flags


def _labelled(images: ImageSet) -> ImageSet:
    known = images.frame[list(images.targets)].notna().all(axis=1).to_numpy(dtype=bool)
    return images if known.all() else images.take_rows(np.flatnonzero(known).astype(np.intp))


def _with_enough(labels: Labels, train: IntArray, test: IntArray) -> Labels:
    """Return the labels, ``none`` only where both parts have enough pictures of it; too rare a label is refused."""
    counts = np.stack([labels.kinds[train].sum(axis=0), labels.kinds[test].sum(axis=0)], axis=1)
    if len(labels) > labels.n_own and (counts[-1] < (LEAST, FEWEST_TEST)).any():
        own = labels.n_own
        labels, counts = Labels(labels.names[:own], labels.kinds[:, :own], labels.groups, own), counts[:own]
    for c, (n, unseen) in enumerate(counts.tolist()):
        if n < LEAST or unseen < FEWEST_TEST:
            raise DataError(
                "balance/study-too-small", position=c + 1, n_classes=len(labels), train=n, test=unseen,
                least_train=LEAST, least_test=FEWEST_TEST,
            )  # fmt: skip
    return labels


__all__ = ["LabelsMade", "LabelsTask"]
