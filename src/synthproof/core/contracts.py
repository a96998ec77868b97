"""The seven contracts: what callers may rely on. Authors implement them; nobody needs to inherit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from synthproof.core.evidence import Card, Evidence, Limit, Statement, Verdict
from synthproof.core.run import Run
from synthproof.core.schema import Purpose, Schema
from synthproof.core.state import State

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.intp]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
Conditions: TypeAlias = Mapping[str, Any]
"""Values that drawn records must have: field name → value (or a list of allowed values)."""


class Dataset(Protocol):
    """Records of one modality, counted in protected units."""

    @property
    def schema(self) -> Schema:
        """Fields, kinds, roles."""
        ...

    def __len__(self) -> int:
        """Return the number of protected units, not of rows."""
        ...

    def take(self, units: IntArray, /) -> Self:
        """Return the units at the given positions, in that order, repeats allowed."""
        ...

    def fingerprint(self) -> str:
        """Return ``sha256:…`` of schema and content."""
        ...


D = TypeVar("D", bound=Dataset)
D_contra = TypeVar("D_contra", bound=Dataset, contravariant=True)


class Embedder(Protocol[D_contra]):
    """Fitted on train only; places units in a space where near means alike."""

    def transform(self, data: D_contra, /) -> FloatArray:
        """Return an array of shape (n_units, d)."""
        ...


class Modality(Protocol[D]):
    """Reading, writing and comparing one sort of data."""

    name: ClassVar[str]

    def infer(self, source: object, /) -> Schema:
        """Return the schema that the source seems to have, with reasons."""
        ...

    def read(self, source: object, /, *, schema: Schema | None = None) -> D:
        """Return the data set."""
        ...

    def write(self, data: D, target: Path, /) -> tuple[Path, ...]:
        """Write the data set in the format it came in, or the one the target's name asks for."""
        ...

    def embedder(self, train: D, /, *, run: Run | None = None) -> Embedder[D]:
        """Return an embedder fitted on train only."""
        ...

    def preview(self, synthetic: D, /, *, n: int) -> Mapping[str, Any]:
        """Return a few synthetic units to show. Never given real data."""
        ...


@runtime_checkable
class Protection(Protocol[D]):
    """A change made before learning, with a receipt."""

    def fit(self, train: D, /, *, run: Run | None = None) -> Self:
        """Learn what must be changed from train alone."""
        ...

    def transform(self, data: D, /) -> D:
        """Return changed data; the same change for train and holdout."""
        ...

    def receipt(self) -> Mapping[str, Any]:
        """Return counts and field names; never values."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What a synthesizer is.

    Parameters
    ----------
    modality
        ``"table"`` …
    needs_data
        ``False`` for generators that work from knowledge.
    conditional
        Whether ``where`` is drawn without rejection.
    private
        Whether it gives differential privacy.
    releasable
        ``False`` for augmentation only (e.g. interpolated rows).
    irreversible
        Whether output is drawn anew rather than an altered real record (the guide's 비가역성).
    full_synthesis
        Whether every value of every record is drawn (완전합성).
    family
        ``"statistical"``, ``"sequential"``, ``"neural"``, ``"knowledge"``.
    extra
        Extra that must be installed before it can learn, e.g. ``"torch"``; empty: none.
    """

    modality: str = "table"
    needs_data: bool = True
    conditional: bool = True
    private: bool = False
    releasable: bool = True
    irreversible: bool = True
    full_synthesis: bool = True
    family: str = "statistical"
    extra: str = ""


@runtime_checkable
class Synthesizer(Protocol[D]):
    """Learns from a data set and draws new units."""

    tags: ClassVar[Tags]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's parameters verbatim."""
        ...

    def set_params(self, **params: Any) -> Self:
        """Set parameters."""
        ...

    def fit(self, data: D, /, *, run: Run | None = None) -> Self:
        """Learn. The data are not changed; a cancelled fit leaves the object unfitted."""
        ...

    def sample(
        self, n: int, /, *, where: Conditions | None = None, seed: int | None = None, run: Run | None = None
    ) -> D:
        """Return n new units; with one seed, fewer units are the head of more."""
        ...

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        ...

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to build a synthesizer again, for attacks that train their own."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def build(self) -> Any:
        """Return a new, unfitted synthesizer."""
        from synthproof.core.registry import synthesizers

        return synthesizers.make(self.name, **self.params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Generic[D]):
    """All that a metric may look at.

    Parameters
    ----------
    train
        Real units the synthesizer learned from (after protection).
    holdout
        Real units that nothing learned from, or ``None``.
    synthetic
        The drawn units.
    purpose
        What the data are for.
    recipe
        How to build the synthesizer again, when it is ours.
    embedder
        Fitted on train.
    losses
        Per-unit losses of train and holdout under the model, numbers only.
    released
        Earlier releases from the same source. The battery lets safety metrics see their union with `synthetic`.
    full
        Whether attacks look at every person and every pair of records, however long it takes, instead of a random sample.
    cache
        Scratch space shared by the metrics of one battery (e.g. neighbours). Holds nothing that changes a result.
    """

    train: D
    holdout: D | None
    synthetic: D
    purpose: Purpose
    recipe: Recipe | None = None
    embedder: Embedder[D] | None = None
    losses: Mapping[str, FloatArray] | None = None
    released: tuple[D, ...] = ()
    full: bool = False
    cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


class Metric(Protocol):
    """Looks at a case and returns evidence. An attack is a safety metric."""

    card: ClassVar[Card]

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or why it does not make sense here."""
        ...

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence; never raises for data that are merely too few."""
        ...


class Policy(Protocol):
    """Rules as data: which numbers are wanted, and what they must be."""

    @property
    def id(self) -> str:
        """Registry name."""
        ...

    @property
    def version(self) -> int:
        """Version of the rules."""
        ...

    def plan(self, schema: Schema, purpose: Purpose, /) -> Sequence[str]:
        """Return the names of the metrics to run, in order."""
        ...

    def judge(
        self,
        evidence: Sequence[Evidence],
        statements: Sequence[Statement] = (),
        limits: Sequence[Limit] = (),
        /,
    ) -> Verdict:
        """Return the verdict. Pure: no data, no clock, no randomness."""
        ...
