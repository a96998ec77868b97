"""Rules while rows are drawn: bounds, mending, redraws, conflicts; random rules on random tables are never broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthproof.core.constraints import Constraint
from synthproof.core.errors import ConditionError, ConfigError, SchemaError, UsageError
from synthproof.core.models import load_model, save_model
from synthproof.core.run import Run
from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.synthesizers.table.cart_chain import CartChain
from synthproof.synthesizers.table.columns.grid import Grid
from synthproof.synthesizers.table.copula import Copula
from synthproof.synthesizers.table.marginals import Marginals
from synthproof.synthesizers.table.rules.book import Book
from synthproof.synthesizers.table.rules.bounds import Choice

MODELS = (Marginals, Copula, CartChain)
DAY = 86_400_000_000.0


def ward(n: int = 1500, seed: int = 0, rules: Sequence[str] = ()) -> Table:
    """Return a table of a hospital ward: sums, dates, places within places, a share of missing values."""
    rng = np.random.Generator(np.random.Philox(seed))
    nurses, doctors = rng.integers(0, 40, n), rng.integers(0, 25, n)
    start = np.datetime64("2024-01-01", "us") + rng.integers(0, 300, n) * np.timedelta64(1, "D")
    stay = rng.integers(0, 20, n)
    city = rng.choice(["Busan", "Seoul", "Ulsan"], n)
    sex = rng.choice(["F", "M"], n)
    price = np.round(rng.gamma(2.0, 20.0, n), 2)
    fee = np.round(price * rng.uniform(0.0, 0.5, n), 2)
    gone = rng.random(n) < 0.1
    frame: dict[str, Any] = {
        "nurses": nurses,
        "doctors": doctors,
        "staff": nurses + doctors,
        "start": start,
        "end": start + stay * np.timedelta64(1, "D"),
        "stay": stay,
        "city": city,
        "district": [f"{c}-{k}" for c, k in zip(city, rng.integers(0, 6, n), strict=True)],
        "sex": sex,
        "pregnant": np.where((sex == "F") & (rng.random(n) < 0.3), "yes", "no"),
        "price": price,
        "fee": np.where(gone, np.nan, fee),
        "bill": np.where(gone, np.nan, np.round(price + fee, 2)),
    }
    kinds: dict[str, Any] = {"price": {"decimals": 2}, "fee": {"decimals": 2, "nullable": True}}
    kinds["bill"] = kinds["fee"]
    fields = []
    for name, values in frame.items():
        if name in kinds:
            fields.append(Field(name=name, kind="continuous", **kinds[name]))
        elif name in {"start", "end"}:
            fields.append(Field(name=name, kind="datetime"))
        elif name in {"city", "district", "sex", "pregnant"}:
            fields.append(Field(name=name, kind="categorical", levels=tuple(sorted(set(values)))))
        else:
            fields.append(Field(name=name, kind="integer"))
    columns = {f.name: pd.Series(frame[f.name]).astype(canonical_dtype(f)) for f in fields}
    constraints = tuple(Constraint.parse(r) for r in rules)
    return Table(pd.DataFrame(columns), Schema(fields=tuple(fields), constraints=constraints))


WARD_RULES = (
    "staff = nurses + doctors",
    "end >= start",
    "end = start + stay * 1 day",
    "district in city",
    'pregnant = "no" if sex = "M"',
    "bill = price + fee",
    "range(price) by city",
    "combination(sex, city, pregnant)",
    "unique(start, end, price, staff)",
)


def broken(table: Table, rules: Sequence[Constraint | str], train: Table) -> dict[str, int]:
    """Return how many rows break each rule, by the plain check on frames."""
    wanted = [Constraint.parse(r) if isinstance(r, str) else r for r in rules]
    return {r.text: int((~r.holds(table.frame, train.frame)).sum()) for r in wanted}


@pytest.mark.parametrize("model", MODELS)
def test_every_sort_of_rule_is_kept(model: Any) -> None:
    train = ward(rules=WARD_RULES)
    fitted = model(random_state=3).fit(train)
    drawn = fitted.sample(5000, seed=1)
    assert not any(broken(drawn, WARD_RULES, train).values()), broken(drawn, WARD_RULES, train)
    free = model(random_state=3).fit(ward()).sample(5000, seed=1)
    assert broken(free, WARD_RULES, train)["staff = nurses + doctors"] > 1000, "the test must be able to fail"


@pytest.mark.parametrize("model", MODELS)
def test_rules_hold_under_conditions(model: Any) -> None:
    train = ward(rules=WARD_RULES)
    fitted = model(random_state=3).fit(train)
    for where in (
        {"staff": (20, 30), "sex": "M"},
        {"end": ("2024-03-01", "2024-04-01"), "stay": (3, 6)},
        {"district": ["Seoul-1", "Ulsan-2"]},
        {"fee": None},
    ):
        drawn = fitted.sample(400, where=where, seed=5)
        assert len(drawn) == 400
        assert not any(broken(drawn, WARD_RULES, train).values()), (where, broken(drawn, WARD_RULES, train))
        if "staff" in where:
            assert drawn.frame["staff"].between(20, 30).all()
            assert (drawn.frame["sex"] == "M").all()
        if "district" in where:
            assert drawn.frame["district"].isin(["Seoul-1", "Ulsan-2"]).all()
        if "fee" in where:
            assert drawn.frame["fee"].isna().all()


@pytest.mark.parametrize("model", MODELS)
def test_head_workers_and_middle(model: Any) -> None:
    fitted = model(random_state=3).fit(ward(rules=WARD_RULES))
    more = fitted.sample(9000, seed=2, run=Run(workers=3)).frame
    assert fitted.sample(1200, seed=2, run=Run(workers=1)).frame.equals(more.head(1200))
    middle = fitted.sample(700, seed=2, first=5000).frame
    drawn = [c for c in middle.columns if middle[c].dtype != object]
    assert middle[drawn].equals(more.iloc[5000:5700].reset_index(drop=True)[drawn])


@pytest.mark.parametrize("model", MODELS)
def test_rules_are_exchanged_without_refit_and_saved(model: Any, tmp_path: Path) -> None:
    train = ward()
    fitted = model(random_state=3).fit(train)
    more = fitted.with_rules(add=["staff = nurses + doctors", "district in city"], data=train)
    assert not any(broken(more.sample(800, seed=1), more.rules_, train).values())
    assert fitted.rules_ == ()
    assert more.sample(5, seed=1).schema.constraints == more.rules_
    save_model(more, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.rules_ == more.rules_
    assert again.sample(300, seed=4).frame.equals(more.sample(300, seed=4).frame)
    fewer = again.with_rules(remove=["district in city"])
    assert [r.text for r in fewer.rules_] == ["staff = nurses + doctors"]
    with pytest.raises(UsageError, match="rules/unknown"):
        again.with_rules(remove=["district in town"])
    with pytest.raises(ConfigError, match="rules/needs-data"):
        fitted.with_rules(add=["district in city"])
    with pytest.raises(SchemaError, match="schema/unknown-field"):
        fitted.with_rules(add=["staff >= nurse"])


def test_own_rules_are_kept_and_not_saved(tmp_path: Path) -> None:
    own = Constraint.own("staff is even", lambda f: f["staff"] % 2 == 0, ["staff"])
    train = ward(rules=("staff = nurses + doctors",))
    model = CartChain(random_state=3).fit(train).with_rules(add=[own])
    drawn = model.sample(3000, seed=1).frame
    assert (drawn["staff"] % 2 == 0).all()
    assert drawn["staff"].nunique() > 10
    save_model(model, tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    with pytest.raises(ConfigError, match="constraint/function-absent"):
        loaded.sample(10, seed=1)
    assert loaded.with_rules(add=[own]).sample(50, seed=1).frame.equals(model.sample(50, seed=1).frame)
    never = Constraint.own("never", lambda f: f["staff"] < -1, ["staff"])
    with pytest.raises(ConditionError, match="rules/too-rare"):
        model.with_rules(add=[never]).sample(10, seed=1)
    wrong = Constraint.own("wrong", lambda f: [1.0], ["staff"])
    with pytest.raises(ConfigError, match="constraint/bad-answer"):
        model.with_rules(add=[wrong]).sample(10, seed=1)


def test_conflicts_are_explained_before_anything_is_drawn() -> None:
    fitted = Marginals(random_state=3).fit(ward())
    with pytest.raises(ConfigError, match="rules/conflict") as seen:
        fitted.with_rules(add=["nurses < doctors", "doctors < stay", "price >= 0", "stay < nurses"])
    assert "price" not in seen.value.part("found"), "only rules of the conflict are named"
    assert "stay < nurses" in seen.value.part("found")
    with pytest.raises(ConfigError, match="rules/conflict"):
        fitted.with_rules(add=["nurses > 1000"])
    with pytest.raises(ConfigError, match="rules/conflict"):
        fitted.with_rules(add=['sex in ("F")', 'sex in ("M")'])
    ruled = fitted.with_rules(add=["staff = nurses + doctors", 'pregnant = "no" if sex = "M"', "end >= start"])
    for where, guilty in (
        ({"staff": 3, "nurses": 20}, "staff = nurses + doctors"),
        ({"sex": "M", "pregnant": "yes"}, "pregnant"),
        ({"start": ("2024-09-01", None), "end": (None, "2024-02-01")}, "end >= start"),
    ):
        with pytest.raises(ConditionError, match="rules/conflict-where") as told:
            ruled.sample(5, where=where)
        assert guilty in told.value.part("found")
        assert "price" not in told.value.part("found")


def test_broken_data_are_said_and_the_output_is_whole() -> None:
    train = ward(rules=("nurses <= doctors",))
    fitted = Copula(random_state=1).fit(train)
    assert any("nurses <= doctors" in n.en and "broken" in n.en for n in fitted.notices_)
    assert not any(broken(fitted.sample(3000, seed=1), ["nurses <= doctors"], train).values())


def test_too_few_different_rows_are_refused() -> None:
    train = ward(rules=("unique(sex, city)",))
    fitted = Marginals(random_state=1).fit(train)
    assert not fitted.sample(5, seed=1).frame.duplicated(["sex", "city"]).any()
    with pytest.raises(ConditionError, match="rules/too-few-different"):
        fitted.sample(7, seed=1)


@pytest.mark.parametrize("model", MODELS)
def test_rules_on_columns_of_very_many_levels(model: Any) -> None:
    rng = np.random.Generator(np.random.Philox(8))
    n, wards = 9000, 300
    ward_of = rng.integers(0, wards, n)
    city = rng.permutation(wards)[ward_of] % 9
    frame = pd.DataFrame({"ward": [f"w{k:03d}" for k in ward_of], "city": [f"c{k}" for k in city]})
    frame["age"] = pd.array(rng.integers(0, 60, n) + city, dtype="Int64")
    fields = (
        *(Field(name=c, kind="categorical", levels=tuple(sorted(set(frame[c])))) for c in ("ward", "city")),
        Field(name="age", kind="integer"),
    )
    frame = pd.DataFrame({f.name: frame[f.name].astype(canonical_dtype(f)) for f in fields})
    rules = tuple(map(Constraint.parse, ("ward in city", "unique(ward, city, age)", 'ward != "w007"')))
    train = Table(frame, Schema(fields=fields, constraints=rules))
    fitted = model(random_state=2).fit(train)
    assert fitted._layout.wide, "the column must be one that is drawn as groups"
    for where in (None, {"city": "c3"}):
        drawn = fitted.sample(500, where=where, seed=1)
        assert not any(broken(drawn, rules, train).values()), broken(drawn, rules, train)
        assert drawn.frame["ward"].nunique() > 25
        assert where is None or (drawn.frame["city"] == "c3").all()


def test_uniqueness_with_an_identifier_holds_by_itself() -> None:
    base = ward(rules=())
    field = Field(name="chart", kind="identifier", pattern=r"P-\d{6}")
    frame = base.frame.assign(chart=pd.Series([f"P-{k:06d}" for k in range(len(base))]).astype(canonical_dtype(field)))
    rules = tuple(map(Constraint.parse, ("unique(chart)", r'chart matches "P-\d{6}"')))
    schema = Schema(fields=(*base.schema.fields, field), constraints=rules)
    drawn = Marginals(random_state=1).fit(Table(frame, schema)).sample(2000, seed=1)
    assert drawn.frame["chart"].is_unique
    assert drawn.frame["chart"].str.fullmatch(r"P-\d{6}").all()


# The book itself ------------------------------------------------------------------------------------------------


def book(rules: Sequence[str], **ranges: tuple[float, float]) -> Book:
    fields = tuple(Field(name=n, kind="integer") for n in ranges)
    grids = {n: Grid(1.0, 0.0, low, high) for n, (low, high) in ranges.items()}
    return Book.learn([Constraint.parse(r) for r in rules], Schema(fields=fields), grids)


def test_bounds_look_ahead_through_chains() -> None:
    b = book(["a < b", "b < c", "c < d"], a=(0, 9), b=(0, 9), c=(0, 9), d=(0, 5))
    first = b.bounds("a", {}, 1)
    assert first is not None
    assert (first.low[0], first.high[0]) == (0, 2)
    middle = b.bounds("c", {"a": np.array([1.0, 2.0])}, 2)
    assert middle is not None
    assert middle.low.tolist() == [3, 4]
    assert middle.high.tolist() == [4, 4]
    assert np.isnan(middle.fixed[0])
    assert middle.fixed[1] == 4
    late = b.bounds("b", {"a": np.array([np.nan, 4.0]), "c": np.array([5.0, 4.0]), "d": np.array([5.0, 5.0])}, 2)
    assert late is not None
    assert late.high[0] == 4, "a missing neighbour asks nothing, the other one does"
    assert late.dead.tolist() == [False, True], "nothing lies between 4 and 4"


def test_bounds_of_sums_in_any_order() -> None:
    b = book(["t = x + y + z"], x=(0, 10), y=(0, 10), z=(0, 10), t=(0, 12))
    told = b.bounds("x", {"t": np.array([0.0, 12.0, 30.0]), "z": np.array([0.0, 1.0, 0.0])}, 3)
    assert told is not None
    assert told.fixed[0] == 0
    assert (told.low[1], told.high[1]) == (1, 10)
    assert told.dead[2]
    last = b.bounds("t", {n: np.array([3.0]) for n in "xyz"}, 1)
    assert last is not None
    assert last.fixed[0] == 9
    assert b.bounds("t", {"x": np.array([np.nan]), "y": np.array([1.0]), "z": np.array([1.0])}, 1) is None


def test_bounds_of_products_and_quotients() -> None:
    b = book(["area = width * height", "width / height <= 3"], area=(0, 400), width=(1, 20), height=(1, 20))
    told = b.bounds("height", {"area": np.array([60.0, 61.0]), "width": np.array([12.0, 12.0])}, 2)
    assert told is not None
    assert told.fixed[0] == 5
    assert told.dead[1], "61 is no multiple of 12"
    ratio = b.bounds("height", {"width": np.array([18.0])}, 1)
    assert ratio is not None
    assert ratio.low[0] == 6


def test_nothing_is_asked_where_no_rule_speaks() -> None:
    b = book(["a <= b"], a=(0, 9), b=(0, 9), c=(0, 9))
    assert b.bounds("c", {"a": np.array([1.0])}, 1) is None
    assert b.bounds("b", {"a": np.array([0.0])}, 1) is None
    assert not b.broken({n: np.array([1.0]) for n in "abc"}).any()


@given(st.lists(st.lists(st.integers(0, 8), max_size=5, unique=True), min_size=1, max_size=4), st.integers(0, 99))
def test_choices_agree_with_sets(sets: list[list[int]], seed: int) -> None:
    rng = np.random.Generator(np.random.Philox(seed))
    one = Choice.listed(rng.integers(-1, len(sets), 20), [np.sort(np.array(s, dtype=float)) for s in sets])
    two = Choice.listed(rng.integers(-1, len(sets), 20), [np.sort(np.array(s[::-1], dtype=float)) for s in sets])
    whole = set(range(9))
    both = one.both(two).mask(9)
    for i in range(20):
        a = whole if one.row[i] < 0 else set(sets[one.row[i]])
        b = whole if two.row[i] < 0 else set(sets[two.row[i]])
        assert set(np.flatnonzero(both[i])) == a & b
        near = one.nearest(np.full(20, 4.2))[i]
        assert (
            near == 4.2
            if one.row[i] < 0
            else (np.isnan(near) if not a else abs(near - 4.2) == min(abs(x - 4.2) for x in a))
        )


# Random rules on random tables ----------------------------------------------------------------------------------


def world(seed: int, n: int = 160) -> Table:
    """Return whole numbers, cents, dates and levels with some values missing."""
    rng = np.random.Generator(np.random.Philox(seed))
    a, b, c = rng.integers(0, 30, n), rng.integers(0, 30, n), rng.integers(-10, 20, n)
    x = np.round(rng.normal(50, 20, n), 2)
    when = np.datetime64("2020-02-01", "us") + rng.integers(0, 400, n) * np.timedelta64(1, "D")
    later = when + rng.integers(-3, 40, n) * np.timedelta64(1, "D")
    g, h = rng.choice(["p", "q", "r"], n), rng.choice(["p", "q", "r", "s"], n)
    gone = rng.random(n) < 0.15
    frame: dict[str, Any] = {
        "a": pd.array(a, dtype="Int64"),
        "b": pd.array(np.where(gone, 0, b), dtype="Int64"),
        "c": pd.array(c, dtype="Int64"),
        "x": x,
        "when": when,
        "later": later,
        "g": g,
        "h": h,
    }
    frame["b"][gone] = pd.NA
    fields = (
        *(Field(name=k, kind="integer", nullable=k == "b") for k in "abc"),
        Field(name="x", kind="continuous", decimals=2),
        *(Field(name=k, kind="datetime") for k in ("when", "later")),
        Field(name="g", kind="ordinal", levels=("p", "q", "r")),
        Field(name="h", kind="categorical", levels=("p", "q", "r", "s")),
    )
    columns = {f.name: pd.Series(frame[f.name]).astype(canonical_dtype(f)) for f in fields}
    return Table(pd.DataFrame(columns), Schema(fields=fields))


NUMBERS = st.sampled_from(["a", "b", "c", "x"])
SIMPLE = st.one_of(
    st.builds(lambda p, o, q: f"{p} {o} {q}", NUMBERS, st.sampled_from(["<=", "<", ">=", "!="]), NUMBERS),
    st.builds(lambda p, k: f"{p} >= {k}", NUMBERS, st.integers(0, 10)),
    st.builds(lambda p, q, k: f"{p} + {q} <= {k}", NUMBERS, NUMBERS, st.integers(30, 90)),
    st.builds(lambda p, q, r: f"{p} <= {q} + 2 * {r} - 3", NUMBERS, NUMBERS, NUMBERS),
    st.builds(lambda k: f"later <= when + {k} days", st.integers(5, 30)),
    st.builds(lambda p: f"{p} between 3 and 25", NUMBERS),
    st.sampled_from(
        [
            "a = b + c",
            "c = a - b",
            "later >= when",
            'when >= "2020-06-01"',
            "g = h",
            "g != h",
            'g <= "q"',
            'h matches "[p-r]"',
            'h in ("p", "s")',
            "g in h",
            "combination(g, h)",
            "combination(g, h, c)",
            "range(x) by g",
            "range(a) by g, h",
            "unique(a, x)",
            "a * c <= 100",
            "a = 2 * c",
        ]
    ),
)
RULE = st.one_of(
    SIMPLE,
    st.builds(
        lambda s, w: s if "(" in s or " in " in s else f"{s} if {w}",
        SIMPLE,
        st.sampled_from(['g = "p"', 'h != "q"', "a > 10", 'g = "q" and b <= 20']),
    ),
)
WHERE = st.sampled_from([None, {"g": "q"}, {"h": ["p", "q"]}, {"a": (5, 20)}, {"c": 4}, {"g": "p", "x": (30, None)}])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(RULE, min_size=1, max_size=4, unique=True), WHERE, st.integers(0, 5))
def test_no_drawn_row_breaks_a_rule(rules: list[str], where: dict[str, Any] | None, seed: int) -> None:
    train = world(seed)
    constraints = tuple(Constraint.parse(r) for r in rules)
    table = train.with_schema(replace(train.schema, constraints=constraints))
    for model in (Marginals(random_state=seed), CartChain(random_state=seed, trees=2)):
        try:
            drawn = model.fit(table).sample(120, where=where, seed=seed)
        except (ConditionError, ConfigError):  # refused with a reason, never drawn wrong
            continue
        assert not any(broken(drawn, constraints, train).values()), broken(drawn, constraints, train)
        assert len(drawn) == 120
