"""Can a plain logistic regression tell synthetic records from real ones?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.engines.codes import Coded
from synthproof.engines.learners.linear import Design, fit_logistic
from synthproof.metrics.table.answers import NO_FIELDS
from synthproof.metrics.table.propensity import measure_auc

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


class DistinguishabilityLinear:
    """AUC of a main-effects logistic regression that tells synthetic from unseen real units."""

    card: ClassVar[Card] = Card(
        id="table.distinguishability_linear",
        version=1,
        family="fidelity",
        name=Words(en="Distinguishability (linear)", ko="구별 불가능성(선형 분류기, AUC)"),
        question=Words(
            en="Can a simple linear rule tell a synthetic record from a real one that nothing has learned from?",
            ko="단순한 선형 규칙으로 합성 레코드와 미학습 원본 레코드를 구별할 수 있습니까?",
        ),
        unit="AUC",
        low=0.0,
        high=1.0,
        better="lower",
        ideal=Words(
            en="0.5: no better than a coin. It sees averages and shares of single columns, not how columns combine.",
            ko="0.5(동전 던지기 수준). 개별 열의 평균과 비율만 보며 열의 조합은 보지 않습니다.",
        ),
        source="Lopez-Paz & Oquab 2017 arXiv:1610.06545; DeLong 1988 doi:10.2307/2531595",
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no column can be compared."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return one AUC with its ROC curve. About 1 s for 10,000 a side."""

        def score(coded: Coded, second: BoolArray, learn: BoolArray) -> FloatArray:
            # Centres and scales come from all rows: they carry no side.
            columns = Design.learn([coded]).apply(coded)
            fitted = fit_logistic(columns.rows(learn), second[learn], penalty=1.0)
            return columns.rows(~learn).dot(fitted.beta)

        return measure_auc(self.card, case, score, seed=seed, run=quiet(run))
