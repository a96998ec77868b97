"""Direct identifiers: columns removed or replaced, identifiers inside text replaced in place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self, TypeAlias

import pandas as pd

from synthproof.core.errors import ConfigError, NotFittedError
from synthproof.core.params import Params
from synthproof.core.random import fresh_seed
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field, Purpose
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.engines.finders.kinds import KINDS
from synthproof.protection.replace import CODE_SERIAL, DIGIT_SERIAL, Forge
from synthproof.protection.scan import FieldScan, Scan, cells_as_text, scan
from synthproof.protection.treatments import FieldClass, Method, Treatment, class_by_role

Action: TypeAlias = Literal["remove", "replace", "text", "keep"]
_TICK = 2_000
# A resident number mistyped into a day that does not exist still points at a person.
_RESIDENT_SHAPE = re.compile(r"(?<![0-9])[0-9]{6}\s?[-\u2010-\u2015]\s?[0-9](?:[0-9]{6}|[*xX●]{6})(?![0-9*])")
ACTIONS: tuple[Action, ...] = ("remove", "replace", "text", "keep")
# Numbers by which the holder finds a record again: useful as keys, so they get serials; everything else goes.
_KEYS = frozenset({"mrn", "student_no", "employee_no", "generic_id"})
# Inside text these point at a person too, although as a column of their own they are quasi-identifiers.
_IN_TEXT = frozenset({k.id for k in KINDS.values() if k.in_text and k.klass in {"direct", "firm"}}) | {
    "birth_date",
    "postcode",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is done to one field, and why; counts of train only."""

    name: str
    action: Action
    kind: str
    klass: FieldClass
    why: Words
    cells: int = 0
    in_text: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "why": self.why.to_dict(), "in_text": dict(self.in_text)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> _Plan:
        return cls(**{**data, "why": Words.from_dict(data["why"])})


class Identifiers(Params):
    """Remove direct identifiers, or replace them by look-alikes that cannot belong to a real person.

    By default columns of direct identifiers and of firm numbers are removed, record numbers (patient, student,
    employee, customer) and the unit column get surrogate serials, and identifiers inside text are replaced where they
    stand. Quasi-identifiers and sensitive columns stay: they are the business of `rare`, `extremes` and `coarsen`.

    Parameters
    ----------
    actions
        Field → ``remove``, ``replace``, ``text`` (replace inside text) or ``keep``; goes before the default.
    random_state
        Seed of the surrogates: the same value gives the same surrogate everywhere in the run. ``None`` draws one.

    Notes
    -----
    No list of real values and their surrogates is kept, neither in the state nor in the receipt. The state holds the
    seed and belongs in the vault. Cost is linear in the cells; texts are read at about 20 µs a sentence.
    """

    def __init__(self, actions: Mapping[str, str] | None = None, random_state: int | None = None) -> None:
        self.actions = actions
        self.random_state = random_state

    def fit(self, train: Table, /, *, found: Scan | None = None, run: Run | None = None) -> Self:
        """Learn from train what each field holds; `found` saves a second scan of the same table.

        Raises
        ------
        ConfigError
            ``protection/unknown-action`` or ``protection/unit-removed``.
        """
        job = quiet(run)
        for name, action in (self.actions or {}).items():
            train.schema.field(name)
            if action not in ACTIONS:
                known = ", ".join(ACTIONS)
                raise ConfigError("protect/unknown-action", where=name, field=name, action=action, known=known)
            if action == "remove" and train.schema.field(name).has("unit"):
                raise ConfigError("protect/unit-removed", where=name, field=name)
        holds = found if found is not None else scan(train, purpose=Purpose(), run=job)
        self.seed_ = fresh_seed() if self.random_state is None else self.random_state
        forge = Forge(self.seed_)
        plans = []
        for f in job.each(train.schema.fields, "protect: identifiers"):
            plan = _planned(f, holds.of(f.name), (self.actions or {}).get(f.name))
            plans.append(_counted(plan, train, f, forge, job))
        self.plans_ = tuple(plans)
        return self

    def transform(self, data: Table, /) -> Table:
        """Return the table without direct identifiers; the same value gets the same surrogate in every table."""
        if not hasattr(self, "plans_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="transform")
        forge = Forge(self.seed_)
        frame = data.frame.copy(deep=False)
        schema = data.schema
        for plan in self.plans_:
            f = schema.field(plan.name)
            if plan.action == "replace":
                column, changed = _surrogates(frame[f.name], f, plan.kind, forge)
            elif plan.action == "text":
                column, changed = _cleaned(frame[f.name], f, forge)
            else:
                continue
            frame[f.name] = column
            schema = schema.replace_field(changed)
        gone = [p.name for p in self.plans_ if p.action == "remove"]
        return data.with_frame(frame, schema).without(*gone)

    def receipt(self) -> Mapping[str, Any]:
        """Return field names, kinds and counts of train; no value."""
        if not hasattr(self, "plans_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="receipt")
        acted = {
            p.name: {"action": p.action, "kind": p.kind, "cells": p.cells, "in_text": dict(p.in_text)}
            for p in self.plans_
            if p.action != "keep"
        }
        return {
            "protection": "identifiers",
            "version": 1,
            "removed": [p.name for p in self.plans_ if p.action == "remove"],
            "replaced": [p.name for p in self.plans_ if p.action == "replace"],
            "fields": acted,
            "treatments": [_row(p).to_dict() for p in self.plans_],
        }

    def get_state(self) -> State:
        """Return plans and seed as JSON values; no value of the data. It belongs in the vault."""
        if not hasattr(self, "plans_"):
            raise NotFittedError("fit/not-fitted", owner=type(self).__name__, call="get_state")
        return {"seed": self.seed_, "plans": [p.to_dict() for p in self.plans_]}

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self.seed_ = int(state["seed"])
        self.plans_ = tuple(_Plan.from_dict(p) for p in state["plans"])
        return self


def _planned(f: Field, holds: FieldScan, stated: str | None) -> _Plan:
    lead = holds.whole()
    klass = holds.klass if holds.klass != "other" else class_by_role(f)
    kind = lead.kind if lead else "generic_id"
    why = Words(en=lead.reason_en, ko=lead.reason_ko) if lead else _reason(f)
    if stated is not None:
        told = Words(en="Stated by the user.", ko="사용자가 지정함")
        action: Action = next(a for a in ACTIONS if a == stated)
        return _Plan(name=f.name, action=action, kind=kind, klass=klass, why=told)
    if f.has("unit"):
        key = kind if kind in _KEYS else "generic_id"
        return _Plan(name=f.name, action="replace", kind=key, klass="direct", why=_reason(f))
    if klass in {"direct", "firm"} and lead is not None:
        if f.roles and lead.by == "name":
            # A person gave the column a part to play; a telling name alone does not take it away.
            return _Plan(name=f.name, action="keep", kind=kind, klass="other", why=why)
        action = "replace" if kind in _KEYS else "remove"
        return _Plan(name=f.name, action=action, kind=kind, klass=klass, why=why)
    if f.kind == "identifier":
        told_class: FieldClass = klass if lead is not None else "direct"
        return _Plan(name=f.name, action="replace", kind=kind, klass=told_class, why=why)
    inside = [x for x in holds.sure() if x.by == "text" and x.kind in _IN_TEXT]
    if f.kind == "text" or (inside and not f.numeric and f.kind != "boolean"):
        why = Words(en=inside[0].reason_en, ko=inside[0].reason_ko) if inside else _reason(f)
        return _Plan(name=f.name, action="text", kind=inside[0].kind if inside else "", klass=klass, why=why)
    return _Plan(name=f.name, action="keep", kind=kind, klass=klass, why=why)


def _reason(f: Field) -> Words:
    if f.has("unit"):
        return Words(en="It says which person a row belongs to.", ko="어느 사람의 행인지를 나타내는 열임")
    if f.kind == "identifier":
        return Words(en="Its values tell records apart.", ko="값이 레코드를 서로 구별함")
    if f.kind == "text":
        return Words(en="Free text was read for identifiers.", ko="자유 서술문에서 식별정보를 검색함")
    return Words(en="Nothing identifying was found.", ko="식별정보가 발견되지 않음")


def _counted(plan: _Plan, train: Table, f: Field, forge: Forge, run: Run) -> _Plan:
    column = train.frame[f.name]
    if plan.action in {"remove", "replace"}:
        return replace(plan, cells=int(column.notna().sum()))
    if plan.action == "text":
        tally: Counter[str] = Counter()
        cells = _over_texts(cells_as_text(column, f), _cleaner(forge, tally), run)[1]
        # Text with identifiers in it is identifying itself, whatever the column is called.
        klass: FieldClass = "direct" if cells and plan.klass == "other" else plan.klass
        return replace(plan, cells=cells, in_text=dict(sorted(tally.items())), klass=klass)
    return plan


def _surrogates(column: pd.Series, f: Field, kind: str, forge: Forge) -> tuple[pd.Series, Field]:
    texts, _ = _over_texts(cells_as_text(column, f), lambda text, _n: forge.like(kind, text))
    known = [t for t in texts if t is not None]
    serial = kind in _KEYS or kind == "account_id"
    numeric = serial and f.storage.lstrip("u").startswith("int") and all(t.isdigit() for t in known)
    pattern = (DIGIT_SERIAL if all(t.isdigit() for t in known) else CODE_SERIAL) if serial else ""
    changed = Field(
        name=f.name,
        kind="identifier",
        roles=f.roles,
        nullable=f.nullable,
        storage="int64" if numeric else f.storage if f.storage.startswith(("str", "object")) else "",
        format=f.format if f.kind in {"identifier", "text"} else {},
        pattern=pattern,
        reason="surrogates made by the protection `identifiers`",
    )
    return pd.Series(texts, dtype=object).astype(canonical_dtype(changed)), changed


def _cleaned(column: pd.Series, f: Field, forge: Forge) -> tuple[pd.Series, Field]:
    clean = _cleaner(forge, Counter())
    texts, _ = _over_texts(cells_as_text(column, f), clean)
    changed = f
    if f.kind in {"categorical", "ordinal"}:
        changed = replace(f, levels=tuple(dict.fromkeys(clean(level, 0) for level in f.levels)))
    return pd.Series(texts, dtype=object).astype(canonical_dtype(changed)), changed


def _cleaner(forge: Forge, tally: Counter[str]) -> Callable[[str, int], str]:
    from synthproof.engines.finders import find_in_text

    def clean(text: str, n: int) -> str:
        spans = [(m.start, m.end, m.kind) for m in find_in_text(text) if m.kind in _IN_TEXT]
        for m in _RESIDENT_SHAPE.finditer(text):
            if all(m.end() <= start or m.start() >= end for start, end, _ in spans):
                spans.append((m.start(), m.end(), "rrn"))
        out, place = [], 0
        for start, end, kind in sorted(spans):
            out += [text[place:start], forge.like(kind, text[start:end])]
            place = end
            tally[kind] += n
        return "".join([*out, text[place:]]) if out else text

    return clean


def _over_texts(
    cells: Sequence[str | None], make: Callable[[str, int], str], run: Run | None = None
) -> tuple[list[str | None], int]:
    """Apply `make(text, times it stands)` once to each distinct text; also return how many cells it changed."""
    counts = Counter(text for text in cells if text is not None)
    made: dict[str, str] = {}
    for at, (text, n) in enumerate(counts.items()):
        if run is not None and at % _TICK == 0:
            run.tick("protect: reading text", at, len(counts))
        made[text] = make(text, n)
    changed = sum(n for text, n in counts.items() if made[text] != text)
    return [None if text is None else made[text] for text in cells], changed


def _row(plan: _Plan) -> Treatment:
    methods: Mapping[Action, Method] = {"remove": "delete", "replace": "replace", "text": "replace", "keep": "keep"}
    words = KINDS.get(plan.kind)
    en_kind, ko_kind = (words.en, words.ko) if words else ("identifiers", "식별정보")
    method = methods[plan.action]
    match plan.action:
        case "remove":
            en, ko = f"Column deleted ({en_kind}; {plan.cells} values).", f"열 삭제({ko_kind}, {plan.cells}건)"
        case "replace":
            en = f"Replaced by made-up values that belong to nobody ({en_kind}; {plan.cells} values)."
            ko = f"실존하지 않는 값으로 대체({ko_kind}, {plan.cells}건)"
        case "text":
            en, ko, method = *_text_detail(plan), "replace" if plan.cells else "keep"
        case _:
            en, ko = "Kept.", "유지함"
    return Treatment(
        field=plan.name,
        klass=plan.klass,
        method=method,
        detail=Words(en=f"{en} {plan.why.en}", ko=f"{ko}. {plan.why.ko}"),
    )


def _text_detail(plan: _Plan) -> tuple[str, str]:
    if not plan.cells:
        return "Text read; no identifier found.", "서술문을 검색하였으나 식별정보가 발견되지 않음"
    en = ", ".join(f"{KINDS[k].en} {n}" for k, n in plan.in_text.items())
    ko = ", ".join(f"{KINDS[k].ko} {n}건" for k, n in plan.in_text.items())
    return (
        f"Identifiers inside the text replaced in {plan.cells} cells ({en}).",
        f"서술문 {plan.cells}건에서 식별정보를 대체({ko})",
    )
