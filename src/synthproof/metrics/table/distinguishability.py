"""Can a strong classifier tell synthetic records from real ones?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import derive, stream
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.engines.codes import Coded
from synthproof.engines.learners.boosting import BoostedTrees, tree_features
from synthproof.metrics.table.answers import NO_FIELDS
from synthproof.metrics.table.intervals import auc_influence
from synthproof.metrics.table.propensity import Sides, measure_auc

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


_AT_ONCE = 20_000  # rows scored in one call


class Distinguishability:
    """AUC of boosted trees that tell synthetic from unseen real units, cross-fitted by unit."""

    card: ClassVar[Card] = Card(
        id="table.distinguishability",
        version=1,
        family="fidelity",
        name=Words(en="Distinguishability (strong)", ko="구별 불가능성(강한 분류기, AUC)"),
        question=Words(
            en="Can a strong classifier tell a synthetic record from a real one that nothing has learned from?",
            ko="강력한 분류기가 합성 레코드와 미학습 원본 레코드를 구별할 수 있습니까?",
        ),
        unit="AUC",
        low=0.0,
        high=1.0,
        better="lower",
        ideal=Words(
            en="0.5: no better than a coin. Values below it are chance.",
            ko="0.5(동전 던지기 수준). 그보다 낮은 값은 우연입니다.",
        ),
        source="Lopez-Paz & Oquab 2017 (classifier two-sample test) arXiv:1610.06545; DeLong 1988 doi:10.2307/2531595",
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no column can be compared."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return one AUC with its ROC curve and the columns that give the data away. About 3 s for 10,000 a side."""

        def score(coded: Coded, second: BoolArray, learn: BoolArray) -> FloatArray:
            features = tree_features([coded])
            trees = BoostedTrees(classify=True, categorical=features.categorical, seed=derive(seed, self.card.id))
            trees.fit(features.matrices[0][learn], second[learn].astype(np.intp))
            return trees.probabilities(features.matrices[0][~learn], 2)[:, 1]

        def together(sides: Sides, scores: FloatArray) -> dict[str, Any]:
            return {"columns_together": _lost_without(sides, seed)}

        return measure_auc(self.card, case, score, seed=seed, run=quiet(run), extra=together)


def _lost_without(sides: Sides, seed: int) -> dict[str, float]:
    """Return how much AUC one fold loses when a column is shuffled: what the column tells with all others."""
    features = tree_features([sides.coded])
    x = features.matrices[0]
    learn = sides.fold != 0
    trees = BoostedTrees(classify=True, categorical=features.categorical, seed=derive(seed, "together"))
    trees.fit(x[learn], sides.second[learn].astype(np.intp))
    test, second = x[~learn], sides.second[~learn]
    full = auc_influence(trees.probabilities(test, 2)[:, 1], second)[0]
    out: dict[str, float] = {}
    # several shuffles in one call: rows are scored one by one, and what a call costs beside them weighs in wide tables
    several = max(1, _AT_ONCE // max(1, len(test)))
    for start in range(0, len(features.names), several):
        names = features.names[start : start + several]
        stacked = np.tile(test, (len(names), 1)).reshape(len(names), *test.shape)
        for k, name in enumerate(names):
            order = stream(seed, f"together/{name}").permutation(len(test))
            stacked[k, :, start + k] = test[order, start + k]
        scores = trees.probabilities(stacked.reshape(-1, test.shape[1]), 2)[:, 1].reshape(len(names), len(test))
        for name, score in zip(names, scores, strict=True):
            out[name] = full - auc_influence(score, second)[0]
    return {name: out[name] for name in sorted(out, key=lambda n: -out[n])}
