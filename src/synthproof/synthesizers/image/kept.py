"""Controls that hand out real pictures: their rows, the conditions on them, and the state that holds them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.contracts import Conditions, Tags
from synthproof.core.errors import ConditionError, DataError, NotFittedError, did_you_mean
from synthproof.core.models import Saved
from synthproof.core.params import Params
from synthproof.core.random import permutation
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Schema
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.image.chain import Chain, Pixels
from synthproof.data.image.custody import Did, Step, is_drawn, with_steps
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.store import new_store
from synthproof.data.table.dataset import Origin, Table
from synthproof.engines.codes import from_codes, from_numbers, to_codes, to_numbers
from synthproof.synthesizers.image.conditions import asked_levels
from synthproof.synthesizers.image.drawing import BLOCK, LEAST_UNITS, drawn_schema, model_digest, own_seed, seed_of
from synthproof.synthesizers.table.columns.layout import check_count

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Held:
    """Real pictures and their labels, no persons."""

    data: ImageSet
    notices: tuple[Words, ...]
    seed: int


class Kept(Params, Saved, ABC):
    """Base of a control. A subclass names itself in `NAME` and `DID`, warns in `NOTICE`, and changes pictures in `_changed`."""

    tags: ClassVar[Tags] = Tags(
        modality="image",
        family="statistical",
        extra="images",
        releasable=False,
        irreversible=False,
        full_synthesis=False,
    )
    NAME: ClassVar[str]
    DID: ClassVar[Did]
    NOTICE: ClassVar[Words]

    digest_: str
    seed_: int

    def fit(self, data: ImageSet, /, *, run: Run | None = None) -> Self:
        """Keep the pictures: nothing is learned.

        Raises
        ------
        DataError
            ``image/too-few``.
        """
        self._check()
        quiet(run).tick(self.NAME, 0, 1)
        if len(data) < LEAST_UNITS:
            raise DataError("image/too-few", n=len(data), least=LEAST_UNITS, unit=data.schema.unit)
        shown = drawn_schema(data.schema)
        bare = data.without(*(n for n in data.schema.names if n not in shown))
        # what is handed out says so of itself wherever it goes: files that call it synthetic would be a lie
        stated = with_steps(bare, Step(did=self.DID, input="drawn" if is_drawn(data) else "real"))
        held = _Held(stated, (self.NOTICE,), seed_of(getattr(self, "random_state", None)))
        digests = np.frombuffer(b"".join(bare.digests()), dtype=np.uint8)
        quiet(run).tick(self.NAME, 1, 1)
        self._take(held, model_digest(self.NAME, {"pictures": digests}))
        return self

    def sample(
        self, n: int, /, *, where: Conditions | None = None, seed: int | None = None, run: Run | None = None
    ) -> ImageSet:
        """Return n pictures made of real ones, each real one as often as any other; fewer are the head of more.

        Raises
        ------
        UsageError
            ``sample/bad-count``.
        ConditionError
            ``image/no-such-label``, ``image/label-not-learned``.
        """
        held = self._fitted("sample")
        n, job, own, data = check_count(n), quiet(run), own_seed(seed, held.seed), held.data
        rows = self.source_rows(n, where=where, seed=own)
        pixels = new_store(n, data.chain)
        for start in range(0, n, BLOCK):
            job.tick(self.NAME, start, n)
            some = rows[start : start + BLOCK]
            pixels[start : start + BLOCK] = self._changed(data.pixels(some), data.chain, own, start)
        labels = data.labels.with_frame(data.frame.take(rows).reset_index(drop=True))
        marks = pd.DataFrame({"seed": np.full(n, own), "index": np.arange(n), "model": [self.digest_] * n})
        return ImageSet(labels, pixels, data.chain, marks=marks)

    def source_rows(self, n: int, /, *, where: Conditions | None = None, seed: int | None = None) -> IntArray:
        """Return which real picture each of n drawn ones is made of: positions in what was fitted, shape (n,).

        Raises
        ------
        ConditionError
            As `sample` raises.
        """
        held = self._fitted("source_rows")
        own, among = own_seed(seed, held.seed), _meeting(held.data, where)
        rounds = [permutation(own, f"{self.NAME}/order/{k}", len(among)) for k in range(-(-n // len(among)))]
        rows: IntArray = among[np.concatenate([np.empty(0, dtype=np.intp), *rounds])[:n]].astype(np.intp)
        return rows

    @abstractmethod
    def _changed(self, pictures: Pixels, chain: Chain, seed: int, first: int) -> Pixels:
        """Return changed pictures; the first of them is the number `first` that is drawn."""

    def _check(self) -> None:
        """Refuse parameters out of range."""

    @property
    def schema_(self) -> Schema:
        """Schema of drawn pictures."""
        return self._fitted("schema_").data.schema

    @property
    def notices_(self) -> tuple[Words, ...]:
        """What the reader of a report must know: first that nothing of this may be released."""
        return self._fitted("notices_").notices

    def get_state(self) -> State:
        """Return the real pictures and their labels: the saved model belongs in the vault."""
        held = self._fitted("get_state")
        data, origin = held.data, held.data.origin
        return {
            "schema": data.schema.to_dict(),
            "chain": data.chain.to_dict(),
            "origin": {"container": origin.container, "options": dict(origin.options), "name": origin.name},
            "pixels": data.gathered(),
            "labels": {f.name: _plain(data.frame[f.name], f) for f in data.schema.fields},
            "notices": [w.to_dict() for w in held.notices],
            "digest": self.digest_,
            "seed": held.seed,
        }

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        schema = Schema.from_dict(state["schema"])
        labels: Mapping[str, Any] = state["labels"]
        columns = {
            f.name: from_codes(labels[f.name], f) if f.levelled else from_numbers(labels[f.name], f)
            for f in schema.fields
        }
        table = Table(
            pd.DataFrame(columns, index=pd.RangeIndex(len(state["pixels"]))), schema, origin=Origin(**state["origin"])
        )
        data = ImageSet(table, state["pixels"], Chain.from_dict(state["chain"]))
        notices = tuple(Words.from_dict(w) for w in state["notices"])
        self._take(_Held(data, notices, int(state["seed"])), str(state["digest"]))
        return self

    def _take(self, held: _Held, digest: str) -> None:
        self._held, self.digest_, self.seed_ = held, digest, held.seed

    def _fitted(self, call: str) -> _Held:
        if "_held" not in self.__dict__:
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call=call)
        return self._held


def _plain(column: pd.Series, f: Any) -> npt.NDArray[Any]:
    return to_codes(column, f) if f.levelled else to_numbers(column, f)


def _within(numbers: npt.NDArray[np.float64], wanted: Any) -> npt.NDArray[np.bool_]:
    if isinstance(wanted, list | set):
        return np.isin(numbers, [float(w) for w in wanted])
    ends = (wanted.get("min"), wanted.get("max")) if isinstance(wanted, Mapping) else wanted
    low, high = ends if isinstance(ends, tuple) else (ends, ends)
    above = numbers >= (-np.inf if low is None else float(low))
    return np.asarray(above & (numbers <= (np.inf if high is None else float(high))))


def _meeting(data: ImageSet, where: Conditions | None) -> IntArray:
    """Return the pictures whose labels are what is asked for.

    A levelled field takes a level or several; a numeric one a number, several, or a range ``{"min": a, "max": b}`` or
    ``(a, b)``.
    """
    good = np.ones(data.n_rows, dtype=bool)
    for name, wanted in (where or {}).items():
        if name not in data.schema:
            hint = did_you_mean(name, data.schema.names)
            raise ConditionError("image/no-such-label", where=name, hint=hint, known=", ".join(data.schema.names))
        f = data.schema.field(name)
        if f.numeric:
            good &= _within(to_numbers(data.frame[name], f), wanted)
            continue
        asked = asked_levels(wanted, f.levels if f.kind != "boolean" else ("False", "True"))
        if f.kind != "boolean" and asked - set(f.levels):
            raise ConditionError("image/no-such-label", where=name, hint="", known=f"{len(f.levels)} levels")
        good &= data.frame[name].astype("string").fillna("").isin(list(asked)).to_numpy(dtype=bool)
    rows = np.flatnonzero(good).astype(np.intp)
    if not len(rows):
        raise ConditionError("image/label-not-learned", where=", ".join(where or {}))
    return rows


__all__ = ["Kept"]
