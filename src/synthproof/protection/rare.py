"""Levels that few persons hold are merged, so that a single value does not point at a person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import NotFittedError
from synthproof.core.params import Params, check_range
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field, Schema
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import from_codes, levels_of, to_codes
from synthproof.protection.persons import persons_of, persons_per_level
from synthproof.protection.treatments import Treatment, class_by_role

_OTHER_LIKE = re.compile(r"\s*(기타|그\s*외|그\s*밖|other|others|etc\.?|misc\.?)\s*", re.IGNORECASE)
_HANGUL = re.compile("[가-힣]")


class Rare(Params):
    """Merge levels that fewer than k persons hold.

    Categorical levels go into one level for "other" (an existing one is used), or are set missing when even all of
    them together have fewer than k persons; ordinal levels go to the nearest level that is kept; a rare boolean value
    is set missing. Levels that train does not have, such as those of the holdout alone, are treated the same.

    Parameters
    ----------
    k
        Fewest persons of a level that stays, at least 2. The default 5 is ours; the receipt says so.
    other
        Name of the merged level; empty takes ``기타`` where the field's levels are Korean, else ``Other``.
    fields
        Fields to look at; all modelled fields with levels if ``None``.

    Notes
    -----
    It looks at one field at a time: rare *combinations* are the business of the safety metrics. Cost O(n) a field.

    References
    ----------
    PIPC, guidance on synthetic data, checklist items 1-4 and 2-3 for tables (rare values).
    """

    def __init__(self, k: int = 5, other: str = "", fields: Sequence[str] | None = None) -> None:
        self.k = k
        self.other = other
        self.fields = fields

    def fit(self, train: Table, /, *, run: Run | None = None) -> Self:
        """Learn from train alone which levels stay."""
        check_range(self, "k", self.k, 2, 1_000_000)
        rules: dict[str, dict[str, Any]] = {}
        for f in quiet(run).each(_chosen(train.schema, self.fields), "protect: rare"):
            rule = self._rule(train, f)
            if rule is not None:
                rules[f.name] = rule
        self.rules_ = rules
        self.classes_ = {f.name: class_by_role(f) for f in train.schema.fields if f.name in rules}
        self.n_persons_ = len(train)
        return self

    def _rule(self, train: Table, f: Field) -> dict[str, Any] | None:
        levels = levels_of(f)
        codes = to_codes(train.frame[f.name], f)
        held = persons_per_level(train, codes, len(levels))
        stays = held >= self.k
        if stays.all():
            return None
        few = np.append(~stays, False)[codes]
        told = {
            "levels_merged": int(((held > 0) & ~stays).sum()),
            "levels_kept": int(stays.sum()),
            "cells": int(few.sum()),
            "persons": persons_of(train, few),
        }
        kept = [level for level, keep in zip(levels, stays, strict=True) if keep]
        if f.kind == "ordinal" and kept:
            return {"how": "neighbour", "kept": kept, "other": "", **told}
        if f.kind == "categorical":
            name = self._other_name(levels)
            known = [i for i, level in enumerate(levels) if level == name]
            if persons_of(train, few | np.isin(codes, known)) >= self.k:
                return {"how": "other", "kept": [level for level in kept if level != name], "other": name, **told}
        return {"how": "missing", "kept": kept, "other": "", **told}

    def _other_name(self, levels: Sequence[str]) -> str:
        if self.other:
            return self.other
        like = [level for level in levels if _OTHER_LIKE.fullmatch(level)]
        if like:
            return like[0]
        return "기타" if any(_HANGUL.search(level) for level in levels) else "Other"

    def transform(self, data: Table, /) -> Table:
        """Return the table with rare and unknown levels merged; the schema's levels follow."""
        if not hasattr(self, "rules_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="transform")
        frame = data.frame.copy(deep=False)
        schema = data.schema
        for name, rule in self.rules_.items():
            f = schema.field(name)
            changed = _changed_field(f, rule)
            codes = to_codes(frame[name], f)
            frame[name] = from_codes(np.append(_mapping(f, changed, rule), -1)[codes], changed)
            schema = schema.replace_field(changed)
        return data.with_frame(frame, schema)

    def receipt(self) -> Mapping[str, Any]:
        """Return counts for each field and the origin of the threshold; no level's name."""
        if not hasattr(self, "rules_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="receipt")
        keys = ("how", "levels_merged", "levels_kept", "cells", "persons")
        changed = {n: r for n, r in self.rules_.items() if r["cells"]}
        return {
            "protection": "rare",
            "version": 1,
            "k": self.k,
            "threshold": _origin(self.k).to_dict(),
            "persons": self.n_persons_,
            "fields": {name: {key: rule[key] for key in keys} for name, rule in self.rules_.items()},
            "treatments": [
                Treatment(
                    field=name, klass=self.classes_[name], method="generalise", detail=_detail(rule, self.k)
                ).to_dict()
                for name, rule in changed.items()
            ],
        }

    def get_state(self) -> State:
        """Return the levels that stay, as JSON values."""
        if not hasattr(self, "rules_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="get_state")
        return {"rules": self.rules_, "classes": self.classes_, "persons": self.n_persons_}

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self.rules_ = {name: dict(rule) for name, rule in state["rules"].items()}
        self.classes_ = dict(state["classes"])
        self.n_persons_ = int(state["persons"])
        return self


def _chosen(schema: Schema, names: Sequence[str] | None) -> list[Field]:
    if names is not None:
        return [f for f in map(schema.field, names) if f.levelled and not f.has("unit")]
    return [f for f in schema.modelled if f.levelled]


def _changed_field(f: Field, rule: Mapping[str, Any]) -> Field:
    nullable = f.nullable or rule["how"] == "missing"
    if f.kind == "boolean":
        return replace(f, nullable=nullable)
    kept = set(rule["kept"])
    levels = [level for level in f.levels if level in kept]
    if rule["how"] == "other":
        levels.append(rule["other"])
    return replace(f, levels=tuple(levels), nullable=nullable)


def _mapping(f: Field, changed: Field, rule: Mapping[str, Any]) -> npt.NDArray[np.int64]:
    """Old code → new code, shape (number of old levels,)."""
    old, new = levels_of(f), {level: i for i, level in enumerate(levels_of(changed))}
    kept = set(rule["kept"])
    fallback = new[rule["other"]] if rule["how"] == "other" else -1
    mapped = np.array([new[level] if level in kept else fallback for level in old], dtype=np.int64)
    if rule["how"] == "neighbour":
        places = np.array([i for i, level in enumerate(old) if level in kept])
        at = np.arange(len(old))
        above = places[np.minimum(np.searchsorted(places, at), places.size - 1)]
        below = places[np.maximum(np.searchsorted(places, at, side="right") - 1, 0)]
        mapped = mapped[np.where(np.abs(at - below) <= np.abs(above - at), below, above)]
    return mapped


def _origin(k: int) -> Words:
    return Words(
        en=f"A level stays when at least {k} persons of the training part hold it; "
        "k is a setting of this tool, not a number of the guide.",
        ko=f"학습 데이터에서 {k}명 이상이 가진 범주만 유지. k는 지침의 수치가 아니라 이 도구의 설정값임",
    )


def _detail(rule: Mapping[str, Any], k: int) -> Words:
    n, cells = rule["levels_merged"], rule["cells"]
    en, ko = {
        "other": ("merged into one level", "하나의 범주로 통합"),
        "neighbour": ("merged into the nearest kept level", "가장 가까운 범주로 통합"),
        "missing": ("set missing", "결측으로 처리"),
    }[rule["how"]]
    return Words(
        en=f"Levels held by fewer than {k} persons {en} (levels: {n}, values: {cells}).",
        ko=f"{k}명 미만이 가진 범주 {n}개를 {ko}({cells}건)",
    )
