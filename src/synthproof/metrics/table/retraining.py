"""Building the generator again: what canaries and shadow models share, the cost said beforehand included."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.amounts import show_seconds
from synthproof.core.contracts import Case, Recipe
from synthproof.core.cost import fit_cost
from synthproof.core.errors import Cancelled, ExecutorError, NotFoundError
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import derive, stream
from synthproof.core.run import Run
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.metrics.table.answers import REAL_UNITS, SYNTHETIC_UNITS, insufficient, too_few
from synthproof.metrics.table.coded_case import ENOUGH
from synthproof.metrics.table.footing import lacks

NO_RECIPE = Words(
    en="The generator is not known here, so it cannot be built again.",
    ko="생성기를 알 수 없어 다시 만들 수 없습니다.",
)
NO_FIT = Words(
    en="The generator could not learn from the changed training data ({kind}), so nothing can be said.",
    ko="변형한 학습 데이터로 생성기를 다시 학습할 수 없어({kind}) 판단할 수 없습니다.",
)
_BUDGET = Words(
    en="{metric} trains the generator {fits} more times: about {each} each, {all} in all.",
    ko="{metric}: 생성기를 {fits}회 더 학습합니다. 회당 약 {each}, 모두 약 {all}입니다.",
)
_UNKNOWN = Words(
    en="{metric} trains the generator {fits} more times; how long one takes is not known before the first.",
    ko="{metric}: 생성기를 {fits}회 더 학습합니다. 한 번에 걸리는 시간은 첫 학습 후에 알 수 있습니다.",
)


def lacking(card: Card, case: Case[Any], least: int, seed: int) -> Evidence | None:
    """Return why a generator's audit has nothing to work on: no records, no recipe, or fewer persons than `least`."""
    if why := lacks(case, holdout=False):
        return insufficient(card, why, seed=seed)
    if case.recipe is None:
        return insufficient(card, NO_RECIPE, seed=seed)
    if len(case.train) < least:
        return too_few(card, len(case.train), least, REAL_UNITS, seed=seed)
    if len(case.synthetic) < ENOUGH:
        return too_few(card, len(case.synthetic), ENOUGH, SYNTHETIC_UNITS, seed=seed)
    return None


class Retraining:
    """Fits of a case's recipe on changed training data, counted and timed.

    Parameters
    ----------
    case
        With a recipe; each fit draws as many persons as its synthetic data have.
    fits
        How many there will be. The cost is said at once, as an ``estimate`` event; after each fit a tick tells the
        seconds one takes and what is left.
    """

    def __init__(self, case: Case[Any], metric: str, fits: int, *, seed: int, run: Run) -> None:
        assert case.recipe is not None
        self._recipe: Recipe = case.recipe
        self._metric, self._fits, self._seed, self._run = metric, fits, seed, run
        self._n = len(case.synthetic)
        self._done = 0
        self._spent = 0.0
        self._announce(case)

    def draw(self, train: Table) -> Table | Words:
        """Return what the recipe draws after learning from `train`, or why it could not learn.

        Fit number i takes the seeds that i gives; noise of differential privacy has none.
        """
        i, started = self._done, time.perf_counter()
        try:
            made = self._recipe.build()
            if "random_state" in made.get_params():
                made.set_params(random_state=derive(self._seed, f"retraining/{i}/fit"))
            made.fit(train, run=self._run)
            drawn: Table = made.sample(self._n, seed=derive(self._seed, f"retraining/{i}/sample"), run=self._run)
        except NotFoundError:
            return NO_RECIPE
        except (Cancelled, ExecutorError):
            raise
        except Exception as error:  # noqa: BLE001 - a generator that cannot learn outliers is no evidence of anything
            return NO_FIT.filled(kind=type(error).__name__)
        self._done += 1
        self._spent += time.perf_counter() - started
        each = self._spent / self._done
        left = each * (self._fits - self._done)
        self._run.tick(f"{self._metric}/fits", self._done, self._fits, seconds_each=each, seconds_left=left)
        return drawn

    def _announce(self, case: Case[Any]) -> None:
        try:
            each = fit_cost(self._recipe.build(), self._recipe.name, case.train.n_rows, case.train.schema)
        except NotFoundError:
            return
        if each.seconds > 0:
            one, whole = show_seconds(each.seconds), show_seconds(each.seconds * self._fits)
            words = Words(
                en=_BUDGET.en.format(metric=self._metric, fits=self._fits, each=one.en, all=whole.en),
                ko=_BUDGET.ko.format(metric=self._metric, fits=self._fits, each=one.ko, all=whole.ko),
            )
        else:
            words = _UNKNOWN.filled(metric=self._metric, fits=self._fits)
        self._run.tick(
            "estimate",
            0,
            self._fits,
            seconds=each.seconds * self._fits,
            bytes=each.bytes,
            fits=self._fits,
            en=words.en,
            ko=words.ko,
        )


def coins(seed: int, purpose: str, n: int) -> npt.NDArray[np.bool_]:
    """Return n independent fair coins."""
    out: npt.NDArray[np.bool_] = stream(seed, purpose).random(n) < 0.5
    return out


__all__ = ["NO_FIT", "NO_RECIPE", "Retraining", "coins"]
