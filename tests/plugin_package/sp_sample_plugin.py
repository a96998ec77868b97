"""A third party's package: one generator and one metric, written against the public contracts alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from synthproof.core.contracts import Case, Conditions, Tags
from synthproof.core.errors import NotFittedError
from synthproof.core.evidence import Card, Evidence
from synthproof.core.models import Saved
from synthproof.core.params import Params
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.core.schema import Purpose, Schema
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table


class ShyColumns(Params, Saved):
    """Independent columns that hand out a number only when many persons share it: built on one of ours, by name."""

    tags: ClassVar[Tags] = Tags(family="statistical")

    def __init__(self, *, crowd: int = 50, random_state: int | None = None) -> None:
        self.crowd = crowd
        self.random_state = random_state

    def fit(self, data: Table, /, *, run: Run | None = None) -> Self:
        """Learn each column."""
        self._inner = self._made().fit(data, run=run)
        return self

    def sample(
        self, n: int, /, *, where: Conditions | None = None, seed: int | None = None, run: Run | None = None
    ) -> Table:
        """Return n rows."""
        drawn: Table = self._fitted("sample").sample(n, where=where, seed=seed, run=run)
        return drawn

    @property
    def schema_(self) -> Schema:
        """Schema of drawn tables."""
        found: Schema = self._fitted("schema_").schema_
        return found

    @property
    def notices_(self) -> tuple[Words, ...]:
        """What the reader must know."""
        found: tuple[Words, ...] = self._fitted("notices_").notices_
        return found

    def get_state(self) -> State:
        """Return what was learned."""
        return {"inner": self._fitted("get_state").get_state()}

    def set_state(self, state: State, /) -> Self:
        """Take it back."""
        self._inner = self._made().set_state(state["inner"])
        return self

    def _made(self) -> Any:
        return synthesizers.make("table.marginals", min_shared=self.crowd, random_state=self.random_state)

    def _fitted(self, call: str) -> Any:
        if not hasattr(self, "_inner"):
            raise NotFittedError("fit/not-fitted", owner="ShyColumns", call=call)
        return self._inner


class ColumnCount:
    """Counts columns: somebody else's simplest metric."""

    card: ClassVar[Card] = Card(
        id="sample.column_count",
        version=1,
        family="integrity",
        name=Words(en="Column count (sample plug-in)", ko="열 개수(예시 플러그인)"),
        question=Words(en="Has it as many columns?", ko="열의 수가 같은가?"),
        unit="share",
        low=0.0,
        high=2.0,
        better="higher",
        source="sample plug-in",
        ideal=Words(en="1", ko="1"),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Apply always."""
        return None

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the ratio of column counts."""
        share = len(case.synthetic.schema.fields) / len(case.train.schema.fields)
        return [
            Evidence(metric=self.card.id, estimate=share, interval=(share, share), reference=1.0, n=len(case.train))
        ]
