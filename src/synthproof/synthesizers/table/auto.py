"""The generator that suits this table: chosen by size, time and a check on records set aside, and saying why.

A fold of the *training* units is set aside (the holdout is never opened). Every candidate that fits the time budget
learns from the rest and draws as many rows as the fold has; boosted trees, cross-fitted, try to tell the two apart. The
candidate that is hardest to tell wins; where two cannot be separated, the simpler one, since it remembers less. The
winner then learns from all of train.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Conditions, Tags
from synthproof.core.errors import ConfigError
from synthproof.core.models import Saved
from synthproof.core.params import Params, check_range
from synthproof.core.random import derive, fresh_seed, permutation
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Schema
from synthproof.core.state import State
from synthproof.core.stats import auc_interval
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import encode
from synthproof.engines.learners.boosting import BoostedTrees, tree_features
from synthproof.engines.learners.crossfit import fold_of_rows
from synthproof.synthesizers.table.columns.layout import lay_out
from synthproof.synthesizers.table.columns.model import fitted

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

SIMPLEST_FIRST = ("table.copula", "table.cart_chain")
"""What is tried by default. A small fold cannot tell marginals from the others, yet they keep no relation at all."""
LAST_RESORT = "table.marginals"
"""What is taken when the time budget allows nothing of that."""

_FOLDS = 2
_ROUNDS = 40
_CHECKED = 4_000  # rows set aside at most
_STUDIED = 20_000  # rows the candidates learn from in the check at most
_LEAST = 60  # rows set aside at least, else no check
_COST = {"table.marginals": (3e-7, 0.0), "table.copula": (2e-6, 4e-9), "table.cart_chain": (1e-6, 6e-7)}
"""Seconds of one core per cell, and per row and pair of columns; measured on Adult, rounded up."""


class Auto(Params, Saved):
    """Choose a generator for the table at hand.

    Parameters
    ----------
    candidates
        Registry names, simplest first; the default is `SIMPLEST_FIRST`.
    budget_s
        Seconds that learning may take; dearer candidates are left out, and `LAST_RESORT` is taken when none is left.
        ``None``: no bound.
    min_shared
        Handed on: a numeric value is handed out as it is only when at least this many persons have it.
    row_wise
        Handed on: learn single rows of a table whose units have several.
    random_state
        Seed of everything; ``None`` draws one and keeps it in ``seed_``.

    Attributes
    ----------
    chosen_
        Registry name of the choice.
    because_
        Why, in words.
    told_apart_
        For each candidate that was checked: how well it was told apart (AUC; 0.5: not at all).
    model_
        The fitted choice.
    """

    tags: ClassVar[Tags] = Tags(family="statistical")

    def __init__(
        self,
        *,
        candidates: Sequence[str] | None = None,
        budget_s: float | None = None,
        min_shared: int = 10,
        row_wise: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.candidates = candidates
        self.budget_s = budget_s
        self.min_shared = min_shared
        self.row_wise = row_wise
        self.random_state = random_state

    def fit(self, data: Table, /, *, run: Run | None = None) -> Self:
        """Choose, then learn from all rows."""
        run = quiet(run)
        names = SIMPLEST_FIRST if self.candidates is None else tuple(self.candidates)
        if not names:
            raise ConfigError(
                "params/out-of-range", owner="Auto", name="candidates", value="()", allowed="at least one name"
            )
        if self.budget_s is not None:
            check_range(self, "budget_s", self.budget_s, 0, 1e9)
        seed = fresh_seed() if self.random_state is None else int(self.random_state)
        layout = lay_out(data, seed=seed, row_wise=self.row_wise)
        width = len(layout.modelled)
        cheap = [n for n in names if self.budget_s is None or _seconds(n, data.n_rows, width) <= self.budget_s]
        dear = [n for n in names if n not in cheap]
        if not cheap:
            cheap = [
                LAST_RESORT if self.candidates is None else min(names, key=lambda n: _seconds(n, data.n_rows, width))
            ]
        aside = min(_CHECKED, len(data) // 5)
        told: dict[str, tuple[float, float, float]] = {}
        if len(cheap) > 1 and aside >= _LEAST and width:
            told = self._check(data, cheap, aside, seed, run)
            chosen = _hardest(told)
        else:
            chosen = "table.copula" if "table.copula" in cheap and aside < _LEAST else cheap[-1]
        model = self._make(chosen, seed).fit(data, run=run)
        self.model_: Any = model
        self.chosen_ = chosen
        self.told_apart_ = {name: float(value[0]) for name, value in told.items()}
        self.because_ = _because(chosen, told, dear, self.budget_s, aside)
        self.seed_ = seed
        return self

    def _check(
        self, data: Table, names: Sequence[str], aside: int, seed: int, run: Run
    ) -> dict[str, tuple[float, float, float]]:
        order = permutation(seed, "auto/fold", len(data))
        fold, rest = data.take(order[:aside]), data.take(order[aside : aside + _STUDIED])
        told: dict[str, tuple[float, float, float]] = {}
        for i, name in enumerate(names):
            run.tick("auto: candidates", i, len(names), candidate=name)
            model = self._make(name, seed).fit(rest, run=run)
            drawn = model.sample(fold.n_rows, seed=derive(seed, "auto/draw"), run=run)
            told[name] = _told_apart(fold, drawn, derive(seed, "auto/judge"))
        run.tick("auto: candidates", len(names), len(names))
        return told

    def _make(self, name: str, seed: int) -> Any:
        cls = synthesizers.get(name)
        known = set(cls.param_names()) if hasattr(cls, "param_names") else set(cls().get_params())
        given = {"min_shared": self.min_shared, "row_wise": self.row_wise, "random_state": seed}
        return cls(**{k: v for k, v in given.items() if k in known})

    @property
    def schema_(self) -> Schema:
        """Schema of drawn tables."""
        return fitted(self, "model_", "schema_").schema_  # type: ignore[no-any-return]

    @property
    def notices_(self) -> tuple[Words, ...]:
        """What the reader of a report must know: the choice first."""
        return (self.because_, *fitted(self, "model_", "notices_").notices_)

    def sample(
        self,
        n: int,
        /,
        *,
        where: Conditions | None = None,
        seed: int | None = None,
        run: Run | None = None,
        first: int = 0,
    ) -> Table:
        """Return n rows of the chosen generator."""
        model = fitted(self, "model_", "sample")
        more = {"first": first} if first else {}  # a plug-in may lack it
        drawn: Table = model.sample(n, where=where, seed=seed, run=run, **more)
        return drawn

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        return {
            "chosen": fitted(self, "chosen_", "get_state"),
            "because": self.because_.to_dict(),
            "told_apart": dict(self.told_apart_),
            "params": self.model_.get_params(),
            "model": self.model_.get_state(),
            "seed": self.seed_,
        }

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self.model_ = synthesizers.get(state["chosen"])(**state["params"]).set_state(state["model"])
        self.chosen_ = str(state["chosen"])
        self.because_ = Words.from_dict(state["because"])
        self.told_apart_ = {name: float(v) for name, v in state["told_apart"].items()}
        self.seed_ = int(state["seed"])
        return self


def _seconds(name: str, rows: int, width: int) -> float:
    per_cell, per_pair = _COST.get(name, (0.0, 0.0))
    return rows * width * (per_cell + per_pair * width)


def _told_apart(real: Table, drawn: Table, seed: int) -> tuple[float, float, float]:
    """Return (AUC, low, high) of boosted trees that tell drawn rows from real ones, two-fold cross-fitted."""
    schema = drawn.schema
    kept = real.frame[list(schema.names)]
    features = tree_features([encode(kept, schema), encode(drawn.frame, schema)])
    x = np.concatenate(features.matrices)
    y = np.repeat([0, 1], [len(kept), drawn.n_rows])
    units = np.concatenate([real.unit_of_row, int(real.unit_of_row.max()) + 1 + np.arange(drawn.n_rows)])
    fold = fold_of_rows(units, _FOLDS, seed=seed, purpose="auto")
    score = np.zeros(len(y))
    for k in range(_FOLDS):
        trees = BoostedTrees(classify=True, categorical=features.categorical, seed=seed, rounds=_ROUNDS)
        trees.fit(x[fold != k], y[fold != k])
        score[fold == k] = trees.probabilities(x[fold == k], 2)[:, 1]
    return auc_interval(score[y == 1], score[y == 0])


def _hardest(told: dict[str, tuple[float, float, float]]) -> str:
    """Return the simplest candidate whose interval reaches down to the best estimate."""
    best = min(value[0] for value in told.values())
    return next(name for name, value in told.items() if value[1] <= best)


def _because(
    chosen: str, told: dict[str, tuple[float, float, float]], dear: Sequence[str], budget: float | None, aside: int
) -> Words:
    if told:
        shown = ", ".join(f"{name} {value[0]:.3f}" for name, value in told.items())
        words = Words(
            en="{chosen} was chosen: on {aside} records set aside from the training data, boosted trees told its rows "
            "from real ones hardest (AUC, 0.5 is best: {shown}).",
            ko="{chosen} 선택: 학습 데이터에서 따로 떼어 둔 {aside}건과 비교했을 때 부스팅 트리가 실제 데이터와 구별하기 "
            "가장 어려웠습니다(AUC, 0.5가 최선: {shown}).",
        ).filled(chosen=chosen, aside=aside, shown=shown)
    elif aside < _LEAST:
        words = Words(
            en="{chosen} was chosen: the table is too small for a check on records set aside, and few parameters "
            "remember least.",
            ko="{chosen} 선택: 표가 작아 따로 떼어 둔 레코드로 비교할 수 없으며, 모수가 적을수록 개인을 덜 기억합니다.",
        ).filled(chosen=chosen)
    else:
        words = Words(
            en="{chosen} was chosen: no other candidate was left.", ko="{chosen} 선택: 다른 후보가 없었습니다."
        ).filled(chosen=chosen)
    if not dear:
        return words
    more = Words(
        en=" Left out for the time budget of {budget:g} s: {dear}.",
        ko=" 시간 예산 {budget:g}초를 넘어 제외한 후보: {dear}.",
    ).filled(budget=budget or 0.0, dear=", ".join(dear))
    return Words(en=words.en + more.en, ko=words.ko + more.ko)
