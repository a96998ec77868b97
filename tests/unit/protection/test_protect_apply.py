"""Protections over a split: order, seeds, receipts, form 1-4, and that nothing planted survives."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core.constraints import Constraint
from synthproof.core.errors import ConfigError, NotFoundError, StatementError, SynthproofError
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.data.split import Split
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.protection.apply import Protected, apply
from synthproof.protection.extremes import Extremes
from synthproof.testing.protections import example, secrets_of

WITH_BASIS = Purpose(resident_number_basis="의료법 시행령 제42조의2")
ALL = ["identifiers", "dates", "rare", "extremes"]


def joined(train: Table, holdout: Table) -> Split[Table]:
    n, m = len(train), len(holdout)
    units = np.arange(n + m, dtype=np.intp)
    return Split(train=train, holdout=holdout, train_units=units[:n], holdout_units=units[n:], seed=0, fraction=0.25)


def parts() -> Split[Table]:
    return joined(*example())


def cells_of(table: Table) -> str:
    schema = json.dumps(table.schema.to_dict(), ensure_ascii=False)
    return table.frame.to_csv(index=False) + schema


@pytest.mark.parametrize("steps", [["identifiers", "rare", "extremes"], ALL])
def test_nothing_planted_is_left_anywhere(steps: list[str]) -> None:
    split = parts()
    done = apply(split, steps, purpose=WITH_BASIS, seed=3)
    places = {
        "train": cells_of(done.parts.train),
        "holdout": cells_of(done.parts.holdout),
        "receipts": json.dumps(done.receipts, ensure_ascii=False),
        "treatments": json.dumps(done.treatments, ensure_ascii=False),
        "scan": json.dumps(done.scan.to_dict(), ensure_ascii=False)
        + json.dumps(done.proposal.to_dict(), ensure_ascii=False),
        "states": json.dumps([p.get_state() for p in done.protections], ensure_ascii=False),  # type: ignore[attr-defined]
        "reprs": repr(done.protections),
    }
    for secret in {*secrets_of(split.train), *secrets_of(split.holdout)}:
        for place, text in places.items():
            assert secret not in text, f"a planted value is left in the {place}"


def test_errors_tell_no_value() -> None:
    split = parts()
    for attempt in (
        {"steps": ALL, "purpose": Purpose()},
        {"steps": [{"id": "coarsen", "fields": {"note": "month"}}], "purpose": WITH_BASIS},
    ):
        with pytest.raises(SynthproofError) as caught:
            apply(split, seed=1, **attempt)  # type: ignore[arg-type]
        told = caught.value.text("ko") + caught.value.text("en") + repr(caught.value)
        assert not any(secret in told for secret in secrets_of(split.train))


def test_resident_numbers_stop_the_run_whatever_the_steps() -> None:
    for steps in ([], ["rare"], ["identifiers"]):
        with pytest.raises(StatementError, match="protect/resident-number"):
            apply(parts(), steps, purpose=Purpose(), seed=1)


def test_same_seed_same_bytes_other_seed_other_surrogates() -> None:
    def prints(done: Protected) -> tuple[str, str]:
        return done.parts.train.fingerprint(), done.parts.holdout.fingerprint()

    first = prints(apply(parts(), ALL, purpose=WITH_BASIS, seed=3))
    assert first == prints(apply(parts(), ALL, purpose=WITH_BASIS, seed=3))
    assert first != prints(apply(parts(), ALL, purpose=WITH_BASIS, seed=4))


def test_the_split_given_is_untouched_and_units_keep_their_places() -> None:
    split = parts()
    before = split.train.fingerprint(), split.holdout.fingerprint()
    done = apply(split, purpose=WITH_BASIS, seed=3)
    assert (split.train.fingerprint(), split.holdout.fingerprint()) == before
    assert np.array_equal(done.parts.train.unit_of_row, split.train.unit_of_row)
    assert done.parts.train_units is split.train_units
    assert done.parts.train.schema == done.parts.holdout.schema


def test_form_1_4_has_one_row_for_each_source_field() -> None:
    split = parts()
    done = apply(split, purpose=WITH_BASIS, seed=3)
    assert [row["field"] for row in done.treatments] == list(split.train.schema.names)
    methods = {row["field"]: row["method"]["ko"] for row in done.treatments}
    assert methods["resident_no"] == "삭제"
    assert methods["patient_id"] == "대체"
    assert methods["ward"] == "일반화"
    assert methods["stage"] == "유지"
    classes = {row["field"]: row["class"]["ko"] for row in done.treatments}
    assert classes["phone"] == "식별정보"
    assert classes["note"] == "식별정보"
    assert classes["age"] == "식별가능정보"
    assert [r["protection"] for r in done.receipts] == ["identifiers", "rare", "extremes"]


def test_steps_by_name_by_mapping_by_object() -> None:
    mine = Extremes(k=10)
    steps = ["identifiers", {"id": "coarsen", "fields": {"age": "band:20"}}, mine]
    done = apply(
        parts(), steps, purpose=WITH_BASIS, seed=3, parameters={"identifiers": {"actions": {"phone": "replace"}}}
    )
    assert done.receipts[2]["k"] == 10
    assert not hasattr(mine, "cuts_"), "the caller's object was fitted"
    assert done.parts.train.schema.field("age").kind == "ordinal"
    assert "phone" in done.parts.train.schema


def test_refusals() -> None:
    with pytest.raises(NotFoundError, match="Did you mean rare"):
        apply(parts(), ["rar"], purpose=WITH_BASIS, seed=1)
    with pytest.raises(ConfigError, match="params/unknown"):
        apply(parts(), [{"id": "rare", "kk": 3}], purpose=WITH_BASIS, seed=1)
    with pytest.raises(ConfigError, match="protect/unknown-step"):
        apply(parts(), [7], purpose=WITH_BASIS, seed=1)  # type: ignore[list-item]


class _Loses:
    """Drops a row, as no protection may."""

    def fit(self, train: Table, /, *, run: Any = None) -> _Loses:
        return self

    def transform(self, data: Table, /) -> Table:
        return data.take(np.arange(len(data) - 1))

    def receipt(self) -> dict[str, Any]:
        return {"protection": "loses", "treatments": []}


def test_a_protection_that_loses_people_is_refused() -> None:
    with pytest.raises(ConfigError, match="protect/lost-units"):
        apply(parts(), [_Loses()], purpose=WITH_BASIS, seed=1)


def test_rules_broken_by_a_change_are_counted() -> None:
    names = ("a", "b", "total")
    schema = Schema(
        fields=tuple(Field(name=n, kind="integer") for n in names), constraints=(Constraint.parse("total = a + b"),)
    )
    values = {"a": range(50), "b": range(490, -10, -10)}
    columns = {
        **{k: list(v) for k, v in values.items()},
        "total": [x + y for x, y in zip(*values.values(), strict=True)],
    }
    columns["a"][49] = 1_000
    columns["total"][49] = 1_000
    frame = pd.DataFrame({f.name: pd.Series(columns[f.name]).astype(canonical_dtype(f)) for f in schema.fields})
    split = parts()
    split = replace(split, train=Table(frame, schema), holdout=Table(frame, schema))
    done = apply(split, ["extremes"], purpose=Purpose(), seed=1)
    assert list(done.receipts[0]["rules_broken"]) == ["total = a + b"]
    assert done.receipts[0]["rules_broken"]["total = a + b"] > 0


def test_defaults_touch_only_a_fraction_of_adult(data_dir: Path) -> None:
    raw = pd.read_parquet(data_dir / "adult" / "test.parquet")
    fields = []
    for name in raw.columns:
        if raw[name].dtype == "int64":
            fields.append(Field(name=name, kind="integer", low=float(raw[name].min()), high=float(raw[name].max())))
        else:
            levels = tuple(sorted(raw[name].dropna().unique()))
            fields.append(Field(name=name, kind="categorical", levels=levels, nullable=bool(raw[name].isna().any())))
    frame = pd.DataFrame({f.name: raw[f.name].astype(canonical_dtype(f)) for f in fields})
    table = Table(frame, Schema(fields=tuple(fields)))
    units = np.arange(len(table))
    split = joined(table.take(units[:13_000]), table.take(units[13_000:]))
    done = apply(split, purpose=Purpose(), seed=1)
    assert done.parts.train.schema.names == table.schema.names, "a column was lost"
    before, after = split.train.frame, done.parts.train.frame
    changed = {
        n: int((before[n].astype(object).fillna("?") != after[n].astype(object).fillna("?")).sum()) for n in before
    }
    assert sum(changed.values()) <= 2 * 4 * len(fields) + 20
    assert (after["capital_gain"] == 99_999).sum() == (before["capital_gain"] == 99_999).sum() > 5
    for f in done.parts.train.schema.fields:
        counts = after[f.name].value_counts()
        if f.levelled:
            assert counts[counts > 0].min() >= 5


def test_a_heavy_change_is_pointed_out() -> None:
    levels = tuple(f"v{i}" for i in range(100))
    f = Field(name="코드", kind="categorical", levels=levels)
    table = Table(pd.DataFrame({"코드": pd.Series(list(levels)).astype(canonical_dtype(f))}), Schema(fields=(f,)))
    done = apply(joined(table, table), ["rare"], purpose=Purpose(), seed=1)
    assert "100 %" in done.notices[0].en
    assert done.receipts[0]["notices"][0]["ko"].startswith("코드")
    assert apply(parts(), ["rare"], purpose=WITH_BASIS, seed=1).notices == ()


@pytest.mark.parametrize("n", [0, 1, 2, 7])
@pytest.mark.parametrize("missing", [False, True])
def test_tiny_and_empty_tables_pass_through(n: int, missing: bool) -> None:
    whole, _ = example()
    table = whole.take(np.arange(n))
    if missing:
        fields = tuple(replace(f, nullable=True) for f in table.schema.fields)
        names = [f.name for f in fields if not f.has("unit")]
        frame = table.frame.copy()
        for name in names:
            frame[name] = pd.Series([None] * len(frame), dtype=object).astype(frame[name].dtype)
        table = Table(frame, replace(table.schema, fields=fields))
    steps = [
        "identifiers",
        "dates",
        {"id": "coarsen", "fields": {"age": "band:10", "visit": "year"}},
        "rare",
        "extremes",
    ]
    done = apply(joined(table, table), steps, purpose=WITH_BASIS, seed=1)
    assert done.parts.train.n_rows == 2 * n
    for f in done.parts.train.schema.fields:
        assert done.parts.train.frame[f.name].dtype == canonical_dtype(f)
