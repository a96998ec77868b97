"""The generator that suits this table: chosen by size, time and memory, and by checks on records set aside.

Half of the *training* units, 10,000 at most, are set aside (the holdout is never opened). Every candidate that fits the
budget learns from as many others and draws rows; a judge, the same for all, asks how well its rows are told from the
ones set aside, whether they lie nearer to the rows it learned from, and how likely they make the ones set aside. The
winner then learns from all of train, or from as many rows as the budget allows.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np

from synthproof.core.constraints import Constraint
from synthproof.core.contracts import Conditions, Tags
from synthproof.core.cost import Cost, Size, cost, fit_cost, most_rows
from synthproof.core.errors import ConfigError
from synthproof.core.models import Saved
from synthproof.core.params import Params, check_range
from synthproof.core.random import derive, fresh_seed, permutation
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Schema
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.table.chunks import ChunkedTable, Data, fewer
from synthproof.data.table.dataset import Table
from synthproof.synthesizers.table.checks import Checked, Judge, least_remembering
from synthproof.synthesizers.table.columns.layout import lay_out
from synthproof.synthesizers.table.columns.model import fitted

SIMPLEST_FIRST = ("table.copula", "table.bayes_net", "table.cart_chain", "table.autoregressive")
"""What is tried by default. A few rows cannot tell marginals from the others, yet they keep no relation at all."""
LAST_RESORT = "table.marginals"
"""What is taken when the budget allows nothing of that."""

_CHECKED = 10_000  # rows learned from in the check at most, and as many set aside
_LEAST = 60  # rows set aside at least, else no check
_FOR_CHECKS = 0.4  # of the time budget
_LEARNED, _PER_COLUMN = 2_000, 50  # with fewer rows than this a candidate is no longer worth its name
_HANDED_ON = frozenset({"complete", "log_prob", "rules_", "unit_loss"})


class Auto(Params, Saved):
    """Choose a generator for the table at hand.

    Parameters
    ----------
    candidates
        Registry names, simplest first; the default is what is installed of `SIMPLEST_FIRST`.
    budget_s
        Seconds that choosing and learning may take; dearer candidates learn from fewer rows or are left out, and
        `LAST_RESORT` is taken when none is left. ``None``: no bound.
    memory
        Bytes that learning may hold, the table included. ``None``: no bound.
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
    nearer_
        For each: share of its rows nearer to rows it learned from than to as many others (0.5: remembers nothing).
    nats_
        For each: nats that an unseen record costs under what its rows teach; comparable between candidates.
    model_
        The fitted choice.

    Notes
    -----
    The checks take about as long as one fit of the dearest candidate to `2 * 10,000` rows.
    """

    tags: ClassVar[Tags] = Tags(family="statistical")

    def __init__(
        self,
        *,
        candidates: Sequence[str] | None = None,
        budget_s: float | None = None,
        memory: int | None = None,
        min_shared: int = 10,
        row_wise: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.candidates = candidates
        self.budget_s = budget_s
        self.memory = memory
        self.min_shared = min_shared
        self.row_wise = row_wise
        self.random_state = random_state

    def fit(self, data: Data, /, *, run: Run | None = None) -> Self:
        """Choose, then learn from all rows or as many as the budget allows."""
        run = quiet(run)
        names = self.tried()
        seed = fresh_seed() if self.random_state is None else int(self.random_state)
        table = fewer(data, 2 * _CHECKED, derive(seed, "auto/studied"))
        table = table.sample(table.n_rows, seed) if isinstance(table, ChunkedTable) else table
        width = len(lay_out(table, seed=seed, row_wise=self.row_wise).modelled)
        size = Size.of(data.schema, data.n_rows)
        rows = self._affordable(names, data.schema, size)
        cheap = [n for n in names if rows[n]]
        dear = [n for n in names if not rows[n]]
        if not cheap:
            last = LAST_RESORT if self.candidates is None else _cheapest(names, self._make, data.schema, size.rows)
            cheap, dear, rows = [last], [n for n in dear if n != last], {**rows, last: size.rows}
        aside = self._set_aside(cheap, data.schema, len(table)) if width else 0
        found: dict[str, Checked] = {}
        if len(cheap) > 1 and aside >= _LEAST:
            found = self._check(table, cheap, aside, seed, run)
            chosen = least_remembering(found)
        else:
            chosen = cheap[0] if len(table) // 2 < _LEAST else cheap[-1]
        model = self._make(chosen, seed).fit(fewer(data, rows[chosen], derive(seed, "auto/rows")), run=run)
        self.model_: Any = model
        self.chosen_ = chosen
        self._found: Mapping[str, Mapping[str, Any]] = {name: _told(c) for name, c in found.items()}
        self.because_ = _because(chosen, self._found, aside, len(table), several=len(cheap) > 1, dear=dear)
        self.seed_ = seed
        return self

    def cost(self, rows: int, schema: Schema) -> Cost:
        """Return what `fit` costs: the checks, and the dearest candidate within the budget."""
        names = self.tried()
        affordable = self._affordable(names, schema, Size.of(schema, rows))
        cheap = [n for n in names if affordable[n]] or [LAST_RESORT]
        fits = [fit_cost(self._make(n, 0), n, min(rows, affordable.get(n) or rows), schema) for n in cheap]
        whole = Cost(max(c.seconds for c in fits), max(c.bytes for c in fits))
        aside = self._set_aside(cheap, schema, rows)
        if len(cheap) < 2 or aside < _LEAST:
            return whole
        return whole.then(Cost(self._checking(cheap, schema, aside), 0))

    def tried(self) -> tuple[str, ...]:
        """Return the registry names of the candidates, simplest first, before any budget.

        Raises
        ------
        ConfigError
            ``params/out-of-range``: no candidates, or a budget that is none.
        """
        known = synthesizers.names()
        names = tuple(n for n in SIMPLEST_FIRST if n in known) if self.candidates is None else tuple(self.candidates)
        if not names:
            raise ConfigError(
                "params/out-of-range", owner="Auto", name="candidates", value="()", allowed="at least one name"
            )
        for name, value in (("budget_s", self.budget_s), ("memory", self.memory)):
            if value is not None:
                check_range(self, name, value, 0, 1e15)
        return names

    def _affordable(self, names: Sequence[str], schema: Schema, size: Size) -> dict[str, int]:
        """Return how many rows each candidate may learn from; 0 when too few to be worth it."""
        seconds = np.inf if self.budget_s is None else self.budget_s * (1 - _FOR_CHECKS * (len(names) > 1))
        allowed = Cost(float(seconds), self.memory if self.memory is not None else 1 << 62)
        least = min(size.rows, max(_LEARNED, _PER_COLUMN * size.columns))
        out = {}
        for name in names:
            model = self._make(name, 0)
            found = most_rows(partial(_fitting, model, name, schema), size.rows, allowed)
            out[name] = found if found >= least else 0
        return out

    def _set_aside(self, names: Sequence[str], schema: Schema, units: int) -> int:
        """Return how many units the check sets aside: half, within its part of the time budget; 0 for no check."""
        aside = min(_CHECKED, units // 2)
        if self.budget_s is not None:
            while aside >= _LEAST and self._checking(names, schema, aside) > _FOR_CHECKS * self.budget_s:
                aside //= 2
        return aside if aside >= _LEAST else 0

    def _checking(self, names: Sequence[str], schema: Schema, aside: int) -> float:
        judging = cost("auto/judge", Size.of(schema, aside)).seconds
        return sum(fit_cost(self._make(n, 0), n, aside, schema).seconds + judging for n in names)

    def _check(self, table: Table, names: Sequence[str], aside: int, seed: int, run: Run) -> dict[str, Checked]:
        order = permutation(seed, "auto/fold", len(table))
        unseen, learned = table.take(order[:aside]), table.take(order[aside : 2 * aside])
        judge = Judge(learned, unseen, seed=derive(seed, "auto/judge"))
        found: dict[str, Checked] = {}
        for i, name in enumerate(names):
            run.tick("auto: candidates", i, len(names), candidate=name)
            model = self._make(name, seed).fit(learned, run=run)
            found[name] = judge.judge(model.sample(unseen.n_rows, seed=derive(seed, "auto/draw"), run=run), run=run)
        run.tick("auto: candidates", len(names), len(names))
        return found

    def _make(self, name: str, seed: int) -> Any:
        cls = synthesizers.get(name)
        known = set(cls.param_names()) if hasattr(cls, "param_names") else set(cls().get_params())
        given = {"min_shared": self.min_shared, "row_wise": self.row_wise, "random_state": seed}
        return cls(**{k: v for k, v in given.items() if k in known})

    def __getattr__(self, name: str) -> Any:
        """What the chosen generator can do besides (`log_prob`, `complete` …) can be asked of the choice."""
        if name in _HANDED_ON and "model_" in self.__dict__:
            return getattr(self.model_, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def told_apart_(self) -> dict[str, float]:
        """For each candidate that was checked: how well it was told apart."""
        return {name: float(c["told"]) for name, c in fitted(self, "_found", "told_apart_").items()}

    @property
    def nearer_(self) -> dict[str, float]:
        """For each: share of its rows nearer to rows it learned from than to as many others."""
        return {name: float(c["nearer"]) for name, c in fitted(self, "_found", "nearer_").items()}

    @property
    def nats_(self) -> dict[str, float]:
        """For each: nats that an unseen record costs under what its rows teach."""
        return {name: float(c["nats"]) for name, c in fitted(self, "_found", "nats_").items()}

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
        **more: Any,
    ) -> Table:
        """Return rows ``first … first + n`` of the chosen generator; `more` is handed on to it."""
        model = fitted(self, "model_", "sample")
        if first or "first" in inspect.signature(model.sample).parameters:  # a plug-in may lack it
            more = {**more, "first": first}
        drawn: Table = model.sample(n, where=where, seed=seed, run=run, **more)
        return drawn

    def with_rules(
        self,
        add: Iterable[Constraint | str] = (),
        remove: Iterable[Constraint | str] = (),
        *,
        data: Table | None = None,
    ) -> Self:
        """Return the same choice with other rules, without learning anew; `data` is train, for rules that need it."""
        other = type(self)(**self.get_params())
        other.__dict__.update(self.__dict__)
        other.model_ = fitted(self, "model_", "with_rules").with_rules(add=add, remove=remove, data=data)
        return other

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        return {
            "chosen": fitted(self, "chosen_", "get_state"),
            "because": self.because_.to_dict(),
            "found": {name: dict(c) for name, c in self._found.items()},
            "params": self.model_.get_params(),
            "model": self.model_.get_state(),
            "seed": self.seed_,
        }

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self.model_ = synthesizers.get(state["chosen"])(**state["params"]).set_state(state["model"])
        self.chosen_ = str(state["chosen"])
        self.because_ = Words.from_dict(state["because"])
        self._found = {name: dict(c) for name, c in state["found"].items()}
        self.seed_ = int(state["seed"])
        return self


def _fitting(model: Any, name: str, schema: Schema, rows: int) -> Cost:
    return fit_cost(model, name, rows, schema)


def _cheapest(names: Sequence[str], make: Any, schema: Schema, rows: int) -> str:
    return min(names, key=lambda n: fit_cost(make(n, 0), n, rows, schema).seconds)


def _told(c: Checked) -> dict[str, float]:
    return {"told": float(c.told[0]), "nearer": float(c.nearer[0]), "nats": float(c.loss.mean())}


def _because(
    chosen: str,
    found: Mapping[str, Mapping[str, Any]],
    aside: int,
    units: int,
    *,
    several: bool,
    dear: Sequence[str],
) -> Words:
    why = _why(chosen, found, aside, units, several)
    if not dear:
        return why
    more = Words(
        en=" Left out, since the budget of time or memory does not suffice for them: {dear}.",
        ko=" 시간 또는 메모리 예산이 부족하여 제외한 후보: {dear}.",
    ).filled(dear=", ".join(dear))
    return Words(en=why.en + more.en, ko=why.ko + more.ko)


def _why(chosen: str, found: Mapping[str, Mapping[str, Any]], aside: int, units: int, several: bool) -> Words:
    if found:
        shown = "; ".join(f"{n} {c['told']:.3f}, {100 * c['nearer']:.1f} %, {c['nats']:.2f}" for n, c in found.items())
        return Words(
            en="{chosen} was chosen. Each candidate learned from {aside} training records and was judged on {aside} "
            "others by: AUC of boosted trees that tell its rows from real ones (0.5 is best), share of its rows nearer "
            "to the records it learned from (50 % is best, counted twice), nats of an unseen record (decides where the "
            "first two cannot): {shown}.",
            ko="{chosen} 선택. 각 후보는 학습 데이터 {aside}건으로 학습하고 다른 {aside}건으로 평가했습니다. 기준은 부스팅 "
            "트리가 실제 데이터와 구별하는 AUC(0.5가 최선), 학습한 레코드에 더 가까운 행의 비율(50%가 최선, 두 배로 반영), "
            "미학습 레코드의 nat 수(앞의 두 값으로 가릴 수 없을 때 결정)입니다: {shown}.",
        ).filled(chosen=chosen, aside=aside, shown=shown)
    if units // 2 < _LEAST and several:
        return Words(
            en="{chosen} was chosen: the table is too small for a check on records set aside, and few parameters "
            "remember least.",
            ko="{chosen} 선택: 표가 작아 따로 떼어 둔 레코드로 비교할 수 없으며, 모수가 적을수록 개인을 덜 기억합니다.",
        ).filled(chosen=chosen)
    if several:
        return Words(
            en="{chosen} was chosen: the budget leaves no time for a check on records set aside.",
            ko="{chosen} 선택: 예산 안에서는 따로 떼어 둔 레코드로 비교할 시간이 없습니다.",
        ).filled(chosen=chosen)
    return Words(
        en="{chosen} was chosen: no other candidate was left.", ko="{chosen} 선택: 다른 후보가 없었습니다."
    ).filled(chosen=chosen)
