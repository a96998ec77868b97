"""A third party's package: one generator and one metric, written against the public contracts alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from synthproof.core.contracts import Case, Conditions, Tags
from synthproof.core.errors import ConditionError, NotFittedError
from synthproof.core.evidence import Card, Evidence
from synthproof.core.models import Saved
from synthproof.core.params import Params
from synthproof.core.random import derive, fresh_seed, uniforms
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.words import Words
from synthproof.data.table.dataset import Origin, Table
from synthproof.engines.codes import from_codes, from_numbers, levels_of, to_numbers


class UniformColumns(Params, Saved):
    """Draws every column uniformly over its range or levels: somebody else's simplest generator."""

    tags: ClassVar[Tags] = Tags(family="knowledge")

    def __init__(self, *, random_state: int | None = None) -> None:
        self.random_state = random_state

    def fit(self, data: Table, /, *, run: Run | None = None) -> Self:
        """Learn ranges and the missing share of each column."""
        job = quiet(run)
        found: dict[str, dict[str, float]] = {}
        for f in job.each(data.schema.modelled, "fit"):
            column = data.frame[f.name]
            missing = float(column.isna().mean())
            values = to_numbers(column, f) if f.numeric else np.zeros(1)
            known = values[~np.isnan(values)]
            low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
            found[f.name] = {"missing": missing, "low": low, "high": high}
        self.seed_ = fresh_seed() if self.random_state is None else self.random_state
        kept = [f.name for f in data.schema.fields if not f.modelled]
        self.schema_ = data.schema.without(*kept)
        self.origin_ = data.origin
        self.notices_: tuple[Words, ...] = ()
        self.ranges_ = found
        return self

    def sample(
        self, n: int, /, *, where: Conditions | None = None, seed: int | None = None, run: Run | None = None
    ) -> Table:
        """Return n rows."""
        if not hasattr(self, "ranges_"):
            raise NotFittedError("fit/not-fitted", owner="UniformColumns", call="sample")
        import pandas as pd

        key = derive(fresh_seed() if seed is None else seed, "sample")
        job, given = quiet(run), dict(where or {})
        columns = {}
        for f in job.each(self.schema_.fields, "sample"):
            u = uniforms(key, f.name, n, 2)
            columns[f.name] = self._draw(f, u, given.pop(f.name, None))
        if given:
            raise ConditionError("synthesize/unknown-condition", where=", ".join(given), name=", ".join(given))
        return Table(pd.DataFrame(columns), self.schema_, origin=self.origin_)

    def _draw(self, f: Field, u: Any, wanted: Any) -> Any:
        facts = self.ranges_[f.name]
        missing = (u[:, 1] < facts["missing"]) & (wanted is None)
        if f.numeric:
            low, high = facts["low"], facts["high"]
            if isinstance(wanted, tuple | list):
                low, high = (low if wanted[0] is None else wanted[0]), (high if wanted[-1] is None else wanted[-1])
            elif wanted is not None:
                low = high = float(wanted)
            return from_numbers(np.where(missing, np.nan, low + u[:, 0] * (high - low)), f)
        levels = levels_of(f)
        allowed = [i for i, t in enumerate(levels) if wanted is None or t in _texts(wanted)]
        if not allowed:
            raise ConditionError("synthesize/unknown-level", where=f.name, name=f.name)
        codes = np.asarray(allowed)[(u[:, 0] * len(allowed)).astype(int)]
        return from_codes(np.where(missing, -1, codes), f)

    def get_state(self) -> Mapping[str, Any]:
        """Return what was learned."""
        return {"schema": self.schema_.to_dict(), "ranges": self.ranges_, "seed": self.seed_}

    def set_state(self, state: Mapping[str, Any], /) -> Self:
        """Take it back."""
        self.schema_ = Schema.from_dict(state["schema"])
        self.ranges_ = dict(state["ranges"])
        self.seed_ = state["seed"]
        self.origin_ = Origin()
        self.notices_ = ()
        return self


def _texts(wanted: Any) -> set[str]:
    values = wanted if isinstance(wanted, list | tuple) else [wanted]
    return {str(v).lower() if isinstance(v, bool) else str(v) for v in values}


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
