"""One secret shift of days for each person: no date stays true, every interval within a person does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import NotFittedError
from synthproof.core.params import Params, check_range
from synthproof.core.random import fresh_seed
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field, Schema
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import to_numbers
from synthproof.protection.persons import persons_of
from synthproof.protection.treatments import Treatment, class_by_role

_DAY = 86_400_000_000


class Dates(Params):
    """Shift every date and time of one person by the same secret number of whole days.

    Parameters
    ----------
    days
        Largest shift; it is uniform over -days … days without 0.
    whole_weeks
        Shift by whole weeks, so that the day of the week stays.
    fields
        Date fields to shift; all of them if ``None``. Fields left out are no longer in step with the shifted ones.
    random_state
        Seed of the shifts; ``None`` draws one.

    Notes
    -----
    Without a unit column each row is its own person, and the shift hangs on the row's content. Ages and other fields
    computed from dates are not changed. Seasons blur as `days` grows. The shift is a keyed hash of the unit, so that
    no list of persons and shifts exists; the state holds the seed and belongs in the vault. Cost O(rows).
    """

    def __init__(
        self,
        days: int = 30,
        whole_weeks: bool = False,
        fields: Sequence[str] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.days = days
        self.whole_weeks = whole_weeks
        self.fields = fields
        self.random_state = random_state

    def fit(self, train: Table, /, *, run: Run | None = None) -> Self:
        """Learn which fields are shifted and, from the shifted train alone, their ranges."""
        check_range(self, "days", self.days, 7 if self.whole_weeks else 1, 36_500)
        self.seed_ = fresh_seed() if self.random_state is None else self.random_state
        chosen = _chosen(train.schema, self.fields)
        shifts = self._shifts(train)
        told: dict[str, dict[str, Any]] = {}
        for f in quiet(run).each(chosen, "protect: dates"):
            moved = to_numbers(train.frame[f.name], f) + shifts * _DAY
            held = ~np.isnan(moved)
            told[f.name] = {
                "cells": int(held.sum()),
                "persons": persons_of(train, held),
                "low": float(moved[held].min()) if held.any() else None,
                "high": float(moved[held].max()) if held.any() else None,
            }
        self.told_ = told
        self.classes_ = {f.name: class_by_role(f) for f in chosen}
        return self

    def _shifts(self, table: Table) -> npt.NDArray[np.float64]:
        """Days for each row, shape (n_rows,)."""
        name = table.schema.unit_field
        step = 7 if self.whole_weeks else 1
        most = self.days // step
        if name is not None:
            codes, units = pd.factorize(table.frame[name].astype("string").fillna("\x00"), use_na_sentinel=False)
            keys = [str(u) for u in units]
        else:
            hashed = pd.util.hash_pandas_object(table.frame, index=False, categorize=False)
            codes, found = pd.factorize(hashed.to_numpy())
            keys = [str(int(h)) for h in found]
        drawn = np.array([_number(self.seed_, key) % (2 * most) for key in keys], dtype=np.int64)
        days = np.where(drawn < most, drawn - most, drawn - most + 1) * step
        return days.astype(np.float64)[codes] if len(keys) else np.empty(0)

    def transform(self, data: Table, /) -> Table:
        """Return the table with shifted dates; a person of train and the same one elsewhere get one shift."""
        if not hasattr(self, "told_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="transform")
        frame = data.frame.copy(deep=False)
        schema = data.schema
        if not self.told_:
            return data
        shifts = pd.to_timedelta(pd.Series(self._shifts(data)), unit="D").astype("timedelta64[us]")
        for name, told in self.told_.items():
            f = schema.field(name)
            frame[name] = (frame[name] + shifts).astype(data.frame[name].dtype)
            schema = schema.replace_field(replace(f, low=told["low"], high=told["high"]))
        return data.with_frame(frame, schema)

    def receipt(self) -> Mapping[str, Any]:
        """Return counts and the width of the shift; neither dates nor shifts."""
        if not hasattr(self, "told_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="receipt")
        weeks_en = " whole weeks" if self.whole_weeks else ""
        weeks_ko = "주 단위로 " if self.whole_weeks else ""
        detail = Words(
            en=f"Shifted by one secret number of days for each person, at most {self.days} either way{weeks_en}; "
            "intervals within a person are kept.",
            ko=f"사람마다 하나의 비밀 일수(±{self.days}일 이내)만큼 {weeks_ko}이동, 동일인 내 간격은 유지",
        )
        return {
            "protection": "dates",
            "version": 1,
            "days": self.days,
            "whole_weeks": self.whole_weeks,
            "fields": {n: {"cells": t["cells"], "persons": t["persons"]} for n, t in self.told_.items()},
            "treatments": [
                Treatment(field=n, klass=self.classes_[n], method="replace", detail=detail).to_dict()
                for n in self.told_
            ],
        }

    def get_state(self) -> State:
        """Return seed and ranges as JSON values. It belongs in the vault."""
        if not hasattr(self, "told_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="get_state")
        return {"seed": self.seed_, "told": self.told_, "classes": self.classes_}

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self.seed_ = int(state["seed"])
        self.told_ = {name: dict(told) for name, told in state["told"].items()}
        self.classes_ = dict(state["classes"])
        return self


def _chosen(schema: Schema, names: Sequence[str] | None) -> list[Field]:
    fields = schema.modelled if names is None else tuple(map(schema.field, names))
    return [f for f in fields if f.kind == "datetime"]


def _number(seed: int, key: str) -> int:
    return int.from_bytes(hashlib.sha256(f"synthproof/dates/{seed}\x1f{key}".encode()).digest()[:8], "big")
