"""A synthesizer in the user's hands: fit, sample, rules, cost, save; it gives back what it was given."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.constraints import Constraint
from synthproof.core.contracts import Conditions
from synthproof.core.errors import UsageError
from synthproof.core.models import load_model, registered_name, save_model
from synthproof.core.random import derive
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.data.table.chunks import ChunkedTable
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import conform
from synthproof.engines.threads import one_blas_thread
from synthproof.pipeline.budget import Budget, Estimate, planned, refuse_larger, thinned
from synthproof.pipeline.budget import estimate as _estimate
from synthproof.pipeline.completing import as_learned, partial_rows, with_known_cells
from synthproof.pipeline.judging import generator_facts
from synthproof.pipeline.picture_costs import PictureSize, picture_estimate
from synthproof.pipeline.quick import QUICK_NOTICE, quick_or
from synthproof.pipeline.reading import data_of, read
from synthproof.verification.proof import GeneratorFacts


def estimate(
    data: Any, synthesizer: str = "auto", *, n: int | None = None, repeats: int | None = None, **params: Any
) -> Estimate:
    """Return what learning from some data, drawing n units and verifying them will cost on this machine.

    Parameters
    ----------
    data
        Anything `read` takes, or what `read_chunks` returned.
    synthesizer, params
        Registry name and parameters of the generator.
    n
        Units drawn; ``None``: none.
    repeats
        Repeats of simulated limits; ``None``: no verifying.
    """
    known = data_of(data, None)
    if isinstance(known, ImageSet):
        name = PICTURES if synthesizer == "auto" else synthesizer
        given = synthesizers.make(name, **params).get_params()
        return _of_pictures(name, known, given, n, verify=None if repeats is None else n or known.n_rows)
    return _estimate(synthesizer, known.schema, known.n_rows, parameters=params, draw=n, repeats=repeats)


def _of_pictures(name: str, known: ImageSet, given: Mapping[str, Any], n: int | None, verify: int | None) -> Estimate:
    return picture_estimate(name, PictureSize.of(known.n_rows, known.chain), given, draw=n, verify=verify)


def _given(core: Any) -> dict[str, Any]:
    return {k: v for k, v in core.get_params().items() if v is not None}


PICTURES = "image.flow"
"""What ``auto`` is for pictures."""
_IN_MEMORY = frozenset({"pandas", "polars", "arrow"})


class Model:
    """A synthesizer that gives back what it was given.

    Made by `synthesizer` or `load`; `core` is the synthesizer itself, `told` what its user must know beside what it says.
    """

    def __init__(self, core: Any, name: str, *, told: Sequence[Words] = ()) -> None:
        self.core = core
        self.name = name
        self.told = tuple(told)
        self._gave_way: tuple[Words, ...] = ()
        self._native = False

    @one_blas_thread()
    def fit(
        self,
        data: Any,
        *,
        target: str | None = None,
        budget: str | float | None = None,
        memory: str | float | None = None,
        run: Run | None = None,
    ) -> Self:
        """Learn from a table, anything `read` takes, or what `read_chunks` returned, and return self.

        Parameters
        ----------
        budget, memory
            Time that learning may take (``"5m"``, seconds) and memory that the process may hold (``"4G"``, bytes): the
            rows learned from, and with ``auto`` the generator, are picked for it.

        Raises
        ------
        ConfigError
            ``budget/time`` or ``budget/memory``, before anything is learned.
        """
        self._native = not isinstance(data, Table | ChunkedTable) or data.origin.container in _IN_MEMORY
        limits = Budget.of(budget, memory)
        known = data_of(data, target)
        if isinstance(known, ImageSet):
            return self._fit_pictures(known, data, limits, run)
        self._gave_way = ()
        if not limits.bound:
            self.core.fit(known, run=run)
            return self
        plan = planned(registered_name(type(self.core)), known, limits, parameters=_given(self.core))
        plan.estimate.tell(run)
        before = self.core.get_params()
        bounds = {k: v for k, v in plan.parameters.items() if k in ("budget_s", "memory")}
        seed = before.get("random_state") or 0
        self.core.set_params(**bounds).fit(thinned(known, plan, derive(seed, "fit/rows")), run=run)
        self.core.set_params(**before)
        self._gave_way = plan.notices
        return self

    def _fit_pictures(self, known: ImageSet, data: Any, limits: Budget, run: Run | None) -> Self:
        """Learn from pictures; ``auto`` becomes the default generator of pictures, a budget its minutes."""
        self._native = isinstance(data, Mapping)
        if self.name == "auto":
            seed = self.core.get_params().get("random_state")
            self.name, self.core = PICTURES, synthesizers.make(PICTURES, random_state=seed)
        if limits.seconds is not None and "minutes" in self.core.get_params():
            self.core.set_params(minutes=max(0.01, limits.left.seconds / 60))
        expected = _of_pictures(self.name, known, self.core.get_params(), None, None)
        expected.tell(run)
        refuse_larger(self.name, expected, limits)
        self.core.fit(known, run=run)
        return self

    def cost(self, data: Any, n: int | None = None) -> Estimate:
        """Return what learning from some data, and drawing n units, will cost on this machine.

        >>> sp.synthesizer("auto").cost("people.csv", 10_000).words.en          # doctest: +SKIP
        'About 12 s and 210 MiB: learning 11 s, drawing 0.4 s.'
        """
        known = data_of(data, None)
        name = registered_name(type(self.core))
        if isinstance(known, ImageSet):
            other = name if name.startswith("image.") else PICTURES
            given = self.core.get_params() if other == name else synthesizers.make(other).get_params()
            return _of_pictures(other, known, given, n, verify=None)
        return _estimate(name, known.schema, known.n_rows, parameters=_given(self.core), draw=n)

    @one_blas_thread()
    def sample(
        self,
        n: int,
        *,
        where: Conditions | None = None,
        balance: Mapping[str, Mapping[object, float]] | None = None,
        seed: int | None = None,
        run: Run | None = None,
    ) -> Any:
        """Return n new units in the form the user first gave: a pandas, polars or Arrow table, else a `Table`.

        Parameters
        ----------
        n
            Number of units.
        where
            Values the units must have: ``{"sex": "F", "age": (65, 90), "ward": ["A", "B"]}``.
        balance
            Shares that levels are to have: ``{"outcome": {"died": 0.5}}``; the other columns follow.
        seed
            With one seed, fewer units are the head of more. ``None`` draws one.

        Raises
        ------
        ConditionError
            When a condition is impossible or too unlikely; the message says which and how likely.
        UsageError
            ``synthesizer/cannot``: the generator knows no `balance`.
        """
        drawn: Table = self.core.sample(n, where=where, seed=seed, run=run, **shares_for(self._maker, balance))
        return drawn.to_native() if self._native else drawn

    @one_blas_thread()
    def complete(
        self, data: Any, *, columns: Sequence[str] | None = None, seed: int | None = None, run: Run | None = None
    ) -> Any:
        """Return partial rows with each missing cell drawn given all cells of its row, in the form they were given.

        Parameters
        ----------
        data
            A table or frame; whole columns may be absent. Cells that are there stay as they are.
        columns
            Complete these only.

        Raises
        ------
        SynthproofError
            ``synthesizer/cannot``, ``schema/unknown-field``, ``complete/unreadable`` or ``complete/contradiction``.
        """
        if not hasattr(self._maker, "complete"):
            raise _cannot(self._maker, "complete")
        rows = partial_rows(data, self.core.schema_)
        learned = as_learned(rows, self.core.schema_)
        made = with_known_cells(self._maker.complete(learned, columns=columns, seed=seed, run=run), rows, columns)
        return made if isinstance(data, Table) else made.to_native()

    @one_blas_thread()
    def log_prob(self, data: Any, *, run: Run | None = None) -> npt.NDArray[np.float64]:
        """Return each row's log-likelihood in nats, shape (n_rows,): fit to unseen rows, or how unusual a row is.

        Raises
        ------
        UsageError
            ``synthesizer/cannot``.
        """
        if not hasattr(self._maker, "log_prob"):
            raise _cannot(self._maker, "log_prob")
        rows = data if isinstance(data, Table) else conform(data, self.core.schema_)
        found: npt.NDArray[np.float64] = self._maker.log_prob(rows, run=run)
        return found

    @property
    def _maker(self) -> Any:
        """The generator that draws: the choice, where ``auto`` chose one."""
        return getattr(self.core, "model_", self.core)

    @property
    def rules(self) -> tuple[Constraint, ...]:
        """Rules that every drawn row keeps."""
        return tuple(getattr(self.core, "rules_", ()))

    def with_rules(
        self, add: Sequence[Constraint | str] = (), remove: Sequence[Constraint | str] = (), *, data: Any = None
    ) -> Self:
        """Return the same fitted model with other rules; nothing is learned again.

        Parameters
        ----------
        add, remove
            Rules or their texts.
        data
            The training data, for rules that say what train has (``in``, ``combination``, ``range``).

        Raises
        ------
        SynthproofError
            ``constraint/…`` and ``rules/…``.
        """
        if not hasattr(self.core, "with_rules"):
            raise UsageError("rules/not-supported", where=self.name, name=self.name)
        given = None if data is None else read(data, schema=self.core.schema_)
        out = copy.copy(self)
        out.core = self.core.with_rules(add=add, remove=remove, data=given)
        return out

    @property
    def notices(self) -> tuple[Words, ...]:
        """What the user should know of the fit (a quick look, fewer rows for a budget, columns left out …)."""
        return (*self.told, *self._gave_way, *getattr(self.core, "notices_", ()))

    @property
    def facts(self) -> GeneratorFacts:
        """What a report says of the generator."""
        said = [n.to_dict() for n in (*self.told, *self._gave_way)]
        return generator_facts(self.core, self.name, seconds={}, notices=said)

    @property
    def because(self) -> Words | None:
        """Why ``auto`` chose what it chose."""
        return getattr(self.core, "because_", None)

    def save(self, folder: str | Path) -> Path:
        """Write the model as a folder (JSON and arrays, no code), whole or not at all."""
        return save_model(self.core, Path(folder))

    def __repr__(self) -> str:
        return f"Model({self.name}: {self.core!r})"


def shares_for(maker: Any, balance: Mapping[str, Mapping[object, float]] | None) -> dict[str, Any]:
    """Return shares of levels as an argument of a generator's ``sample``; nothing where none are asked for.

    Raises
    ------
    UsageError
        ``synthesizer/cannot``: the generator takes no shares.
    """
    if balance is None:
        return {}
    if "balance" not in inspect.signature(maker.sample).parameters:
        raise _cannot(maker, "sample(balance=…)")
    return {"balance": balance}


def _cannot(maker: Any, what: str) -> UsageError:
    name = registered_name(type(maker))
    return UsageError("synthesizer/cannot", where=name, name=name, wanted=what, able="table.autoregressive")


def synthesizer(name: str = "auto", /, *, fast: bool = False, **params: Any) -> Model:
    """Return a synthesizer by its registry name, e.g. ``synthesizer("table.cart_chain", random_state=7)``.

    Parameters
    ----------
    fast
        Take the generator of a quick look, as ``--fast`` does.
    params
        Of the generator.

    Raises
    ------
    ConfigError
        ``params/unknown``, or ``fit/fast-conflict`` when a quick look and another generator are asked for at once.
    """
    name = quick_or(name) if fast else name
    return Model(synthesizers.make(name, **params), name, told=(QUICK_NOTICE,) if fast else ())


def load(folder: str | Path) -> Model:
    """Return a model that `Model.save` or ``synthproof fit`` wrote."""
    core = load_model(Path(folder))
    return Model(core, registered_name(type(core)))
