from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.registry import metrics
from synthproof.core.run import Run
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.metrics.table import distances
from synthproof.testing.worlds import patients
from synthproof.verification.limits import LimitSpec, simulate_limits
from synthproof.verification.refine import cap_remedy, drop_exact_copies

IDS = (
    "table.attribute_inference",
    "table.exact_copies",
    "table.membership_inference",
    "table.nearer_than_unseen",
    "table.pipc_inference",
    "table.pipc_linkage",
    "table.pipc_singling_out",
)
MIXED = Schema(
    fields=(
        Field(name="when", kind="datetime"),
        Field(name="x", kind="continuous"),
        Field(name="n", kind="integer"),
        Field(name="flag", kind="boolean"),
        Field(name="c", kind="categorical", levels=("a", "b"), roles=frozenset({"quasi_identifier"})),
        Field(name="o", kind="ordinal", levels=("1", "2"), roles=frozenset({"sensitive"})),
    )
)
Make = Callable[[int], Table]


def mixed(n: int, seed: int = 0) -> Table:
    g = np.random.default_rng(seed)
    columns = {
        "when": pd.Series(pd.to_datetime("2020-01-01") + pd.to_timedelta(g.integers(0, 10**9, n), unit="s")),
        "x": pd.Series(g.normal(0, 1e150, n)),
        "n": pd.Series(g.integers(-(2**62), 2**62, n)),
        "flag": pd.Series(g.integers(0, 2, n).astype(bool)),
        "c": pd.Series(g.choice(["a", "b"], n)),
        "o": pd.Series(g.choice(["1", "2"], n)),
    }
    return Table(pd.DataFrame({f.name: columns[f.name].astype(canonical_dtype(f)) for f in MIXED.fields}), MIXED)


def missing(n: int) -> Table:
    columns = {f.name: pd.Series([None] * n, dtype=object).astype(canonical_dtype(f)) for f in MIXED.fields}
    return Table(pd.DataFrame(columns, index=pd.RangeIndex(n)), MIXED)


def constant(n: int) -> Table:
    return mixed(1).take(np.zeros(n, dtype=np.intp))


def check(found: list[Evidence]) -> None:
    for e in found:
        e.to_dict(private=True)
        if e.outcome == "measured":
            assert e.estimate is not None
            assert e.interval is not None
            assert all(math.isfinite(x) for x in (e.estimate, *e.interval))
            assert e.interval[0] <= e.estimate + 1e-12
            assert e.estimate <= e.interval[1] + 1e-12
            card = metrics.get(e.metric).card
            assert card.low <= e.interval[0] <= e.interval[1] <= card.high
        else:
            assert e.caveat is not None


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize(
    "makes",
    list(itertools.product([mixed, missing, constant], repeat=2)),
    ids=lambda m: "-".join(f.__name__ for f in m),
)
def test_odd_tables_give_a_number_or_a_reason(name: str, makes: tuple[Make, Make]) -> None:
    first, second = makes
    purpose = Purpose()
    for n_train, n_holdout, n_synthetic in ((40, 30, 50), (1, 1, 1), (2, 0, 1), (1, 5, 0), (0, 1, 1)):
        case = Case(
            train=first(n_train),
            holdout=first(n_holdout),
            synthetic=second(n_synthetic),
            purpose=purpose,
        )
        check(list(metrics.make(name).measure(case, seed=0)))


def test_odd_tables_give_limits_or_none_and_refinements_hold() -> None:
    specs = [LimitSpec("table.pipc_singling_out", 0.95), LimitSpec("table.pipc_inference", 0.95)]
    for make in (mixed, missing, constant):
        for limit in simulate_limits(make(60), Purpose(), specs, seed=0, repeats=6, run=Run(workers=1)):
            assert math.isfinite(limit.value)
        drop_exact_copies(make(10), make(12), lambda k, m=make: m(k))  # type: ignore[misc]
        cap_remedy(make(10), make(12), Purpose())


@pytest.mark.parametrize("name", IDS)
def test_no_cell_value_and_no_record_leaves_in_the_evidence(name: str) -> None:
    world = patients()
    case = Case(
        train=world.draw(150, 1), holdout=world.draw(80, 2), synthetic=world.draw(120, 3), purpose=world.purpose
    )
    for e in metrics.make(name).measure(case, seed=0):
        plain = repr(e.to_dict())
        for field in world.schema.fields:
            for level in field.levels:
                assert f"'{level}'" not in plain
        assert "rows_copied" not in plain
        assert "synthetic_rows'" not in plain.replace("'synthetic_rows': 120", "")


@pytest.mark.parametrize("name", IDS)
def test_cards_are_whole(name: str) -> None:
    card = metrics.get(name).card
    assert card.id == name
    assert card.family == "safety"
    assert card.attacker is not None
    assert card.better == "lower"


def test_a_large_table_is_sampled_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "MOST_WORK", 1)
    monkeypatch.setattr(distances, "FEWEST_ROWS", 100)
    world = patients()
    case = Case(
        train=world.draw(300, 1), holdout=world.draw(150, 2), synthetic=world.draw(400, 3), purpose=world.purpose
    )
    for name in ("table.nearer_than_unseen", "table.pipc_inference"):
        first = metrics.make(name).measure(case, seed=0)[0]
        assert first.n == 100
        assert first.detail["rows_sampled"] is True
