"""Rules learned from data: planted ones are found, chance ones are not, and real data show what is known of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthproof.core.constraints import Constraint
from synthproof.core.errors import ConfigError, DataError, SchemaError
from synthproof.data.table.dataset import Table
from synthproof.data.table.declared import check_rules, declare, refuse_broken
from synthproof.data.table.io import read_table
from synthproof.data.table.rule_learning import learn_rules
from synthproof.synthesizers.table.cart_chain import CartChain


def planted(n: int = 2000, seed: int = 0) -> Table:
    rng = np.random.Generator(np.random.Philox(seed))
    a, b, c = (rng.integers(0, 50, n) for _ in range(3))
    share = rng.dirichlet([2, 3, 4], n)
    first, second = np.round(share[:, 0] * 100), np.round(share[:, 1] * 100)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D")
    stay = rng.integers(0, 30, n)
    city = rng.choice(["Busan", "Seoul", "Ulsan"], n)
    return read_table(
        pd.DataFrame(
            {
                "a": a,
                "b": b,
                "total": a + b,
                "loose": c,
                "months": rng.integers(0, 40, n),
                "p": first,
                "q": second,
                "r": 100 - first - second,
                "start": start,
                "end": start + pd.to_timedelta(stay, unit="D"),
                "stay": stay,
                "city": city,
                "district": [f"{x}-{k}" for x, k in zip(city, rng.integers(0, 5, n), strict=True)],
                "flag": rng.choice(["yes", "no"], n),
            }
        ).assign(days=lambda f: f["months"] * 30)
    )


def test_planted_rules_are_found_and_nothing_else() -> None:
    found = {p.rule.text for p in learn_rules(planted())}
    assert found >= {
        "total = a + b",
        "p + q + r = 100",
        "end = start + stay * 1 day",
        "district in city",
        "days = 30 * months",
    }
    assert "start <= end" not in found, "it follows from the days between them"
    told = {name for text in found for name in Constraint.parse(text).fields}
    assert not told & {"loose", "flag"}, "columns without a rule are not spoken of"


def test_every_proposal_says_how_often_it_could_have_failed() -> None:
    table = planted()
    for p in learn_rules(table):
        assert p.rows == table.n_rows
        assert p.broken == 0
        assert p.failures >= 40
        assert str(p.rows) in p.words.en
        assert str(p.failures) in p.words.ko


def test_noise_gives_no_rule() -> None:
    rng = np.random.Generator(np.random.Philox(5))
    frame = pd.DataFrame({f"x{k}": np.round(rng.normal(0, 10, 400), 1) for k in range(8)})
    frame["high"] = np.round(rng.normal(500, 10, 400), 1)  # always above the others: an ordering that could not fail
    frame["g"] = rng.choice(list("pqrs"), 400)
    frame["h"] = rng.choice(list("tuvw"), 400)
    assert learn_rules(read_table(frame)) == ()


def test_exceptions_are_counted() -> None:
    table = planted()
    frame = table.frame.copy()
    frame.loc[:9, "end"] = frame.loc[:9, "start"] - pd.Timedelta("5D")
    table = table.with_frame(frame)
    assert "start <= end" not in {p.rule.text for p in learn_rules(table)}
    found = {p.rule.text: p for p in learn_rules(table, exceptions=0.01)}
    assert found["start <= end"].broken == 10
    with pytest.raises(ConfigError, match="params/out-of-range"):
        learn_rules(table, exceptions=0.5)


def test_declared_rules_are_counted_in_the_data() -> None:
    table = declare(planted(), ["total = a + b", "a <= b"])
    counts = {c.rule.text: c for c in check_rules(table)}
    assert counts["total = a + b"].broken == 0
    assert 0 < counts["a <= b"].broken < table.n_rows
    assert declare(table, ["a <= b"]).schema.constraints == table.schema.constraints
    with pytest.raises(DataError, match="rules/broken-in-data") as seen:
        refuse_broken(check_rules(table), "t")
    assert "total" not in seen.value.part("found")
    refuse_broken(check_rules(table, ["total = a + b"]), "t")
    with pytest.raises(SchemaError, match="schema/unknown-field"):
        declare(table, ["totl = a + b"])


@pytest.mark.parametrize(
    ("place", "rules"),
    [
        ("adult/train.parquet", ["combination(education, education_num)"]),
        ("king_county_houses/data.parquet", ["sqft_living = sqft_above + sqft_basement"]),
        ("support2_emr/data.parquet", ["adls = adlsc", "slos <= `d.time`", "dzgroup in dzclass"]),
    ],
)
def test_rules_of_real_data_are_learned_and_kept(data_dir: Path, place: str, rules: list[str]) -> None:
    whole = read_table(data_dir / place)
    names = [n for r in rules for n in Constraint.parse(r).fields] if "support2" in place else None
    table = whole.with_frame(whole.frame.head(4000))
    keep = [f.name for f in table.schema.fields if f.kind != "identifier"][:16] if names is None else names
    keep += [n for r in rules for n in Constraint.parse(r).fields if n not in keep]
    table = table.without(*(n for n in table.schema.names if n not in keep))
    found = [p.rule for p in learn_rules(table)]
    texts = {r.text.replace("`", "") for r in found}
    assert {r.replace("`", "") for r in rules} <= texts
    ruled = table.with_schema(replace(table.schema, constraints=tuple(found)))
    model = CartChain(random_state=1, trees=2).fit(ruled)
    drawn = model.sample(3000, seed=2)
    assert {r.text: int((~r.holds(drawn.frame, table.frame)).sum()) for r in found} == dict.fromkeys(
        (r.text for r in found), 0
    )


def test_orderings_in_money_columns_with_exceptions(data_dir: Path) -> None:
    whole = read_table(data_dir / "default_credit/data.parquet")
    names = [n for n in whole.schema.names if n.upper().startswith(("BILL", "PAY", "LIMIT"))][:8]
    table = whole.with_frame(whole.frame.head(4000)).without(*(n for n in whole.schema.names if n not in names))
    found = [p.rule for p in learn_rules(table, exceptions=0.05)]
    model = CartChain(random_state=1, trees=2).fit(table)
    drawn = model.with_rules(add=[*found, f"{names[0]} >= 0"]).sample(2000, seed=2)
    assert all(r.holds(drawn.frame, table.frame).all() for r in found)
