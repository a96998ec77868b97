from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthproof.core.contracts import Case
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.stats import newcombe, wilson
from synthproof.data.table.dataset import Table
from synthproof.metrics.table.key_classes import cap, keys
from synthproof.metrics.table.pipc_linkage import PipcLinkage
from synthproof.testing.references import copycat, fresh
from synthproof.testing.worlds import adult_like, patients, survey, visits

PURPOSE = Purpose(quasi_identifiers=("k",), sensitive=("t",))
SCHEMA = Schema(
    fields=(
        Field(name="k", kind="categorical", levels=("a", "b", "c")),
        Field(name="t", kind="categorical", levels=("x", "y")),
    )
)


def table(pairs: str) -> Table:
    k, t = zip(*(p for p in pairs.split()), strict=True)
    frame = pd.DataFrame(
        {
            "k": pd.Series(k).astype(pd.CategoricalDtype(["a", "b", "c"])),
            "t": pd.Series(t).astype(pd.CategoricalDtype(["x", "y"])),
        }
    )
    return Table(frame, SCHEMA)


def test_cap_by_hand() -> None:
    train = table("ax ay bx by cx")
    synthetic = table("ax " * 7 + "ay " * 3 + "bx " * 4 + "by")
    values = cap(keys({"train": train, "synthetic": synthetic}, ("k",), "t"), "train", "synthetic")
    # Nobody synthetic has k = c: undefined, not 0.
    assert values == pytest.approx([0.7, 0.3, 0.8, 0.2, np.nan], nan_ok=True)
    found = PipcLinkage().measure(Case(train=train, holdout=None, synthetic=synthetic, purpose=PURPOSE), seed=0)[0]
    assert found.subject == "t"
    assert found.detail["n_defined"] == 4
    assert found.detail["n_undefined"] == 1
    assert found.detail["n_over"] == 1  # 0.7 itself is not over 0.7
    assert found.estimate == pytest.approx(1 / 4)
    assert found.interval == pytest.approx(wilson(1, 4))
    assert found.detail["max"] == pytest.approx(0.8)
    assert found.detail["tcap"] == pytest.approx(0.5)
    counts = found.detail["histogram"]["counts"]
    assert sum(counts) == 4
    assert sum(counts[14:]) == 1
    assert found.private["train_rows_over"] == [2]
    assert found.reference is None


def test_the_holdouts_own_share_stands_beside_it() -> None:
    train, holdout = table("ax bx"), table("ax ax bx by")
    synthetic = table("ax ax bx by")
    found = PipcLinkage().measure(Case(train=train, holdout=holdout, synthetic=synthetic, purpose=PURPOSE), seed=0)[0]
    assert found.estimate == pytest.approx(1 / 2)
    assert found.reference == pytest.approx(2 / 4)
    assert found.detail["excess"]["estimate"] == pytest.approx(0.0)
    assert found.detail["excess"]["interval"] == pytest.approx(newcombe(1, 2, 2, 4))
    assert found.detail["fresh"]["share_over"] == pytest.approx(1 / 2)


def test_no_key_met_is_no_number() -> None:
    found = PipcLinkage().measure(
        Case(train=table("ax ay"), holdout=None, synthetic=table("bx"), purpose=PURPOSE), seed=0
    )
    assert [e.outcome for e in found] == ["insufficient"]


def test_without_k_or_t_it_does_not_apply() -> None:
    assert PipcLinkage().applies(SCHEMA, Purpose(quasi_identifiers=("k",)))
    assert PipcLinkage().applies(SCHEMA, Purpose(sensitive=("t",)))
    assert PipcLinkage().applies(SCHEMA, PURPOSE) is None


def test_numbers_are_cut_at_deciles_of_train_and_few_values_are_kept() -> None:
    world = patients()
    train, other = world.draw(800, 1), world.draw(100, 2)
    found = keys({"train": train, "synthetic": other}, ("age", "stage", "sex"), "disease")
    assert found.binned == {"age": 10}
    assert len(np.unique(found.k["train"])) <= 10 * 4 * 2


def test_fresh_records_show_no_excess_and_fine_copies_do() -> None:
    # K fine enough that a class often is one person: copying then gives T away, fresh records do not.
    world = adult_like()
    purpose = Purpose(quasi_identifiers=("age", "schooling", "hours", "work", "sex"), sensitive=("marital",))
    quiet = 0
    for seed in range(1, 21):
        train, holdout = world.draw(900, 10 * seed), world.draw(300, 10 * seed + 1)
        new = Case(train=train, holdout=holdout, synthetic=fresh(world, 900, 10 * seed + 2), purpose=purpose)
        quiet += PipcLinkage().measure(new, seed=0)[0].detail["excess"]["interval"][0] <= 0
        if seed == 1:
            same = Case(train=train, holdout=holdout, synthetic=copycat(train, 900, 3), purpose=purpose)
            assert PipcLinkage().measure(same, seed=0)[0].detail["excess"]["interval"][0] > 0.1
    # One-sided 2.5 %: more than 4 alarms in 20 has probability below 2e-4.
    assert quiet >= 16


def test_persons_are_the_unit_and_row_order_does_not_matter() -> None:
    world = visits()
    train, synthetic, holdout = world.draw(200, 1), world.draw(200, 2), world.draw(50, 3)
    case = Case(train=train, holdout=holdout, synthetic=synthetic, purpose=world.purpose)
    found = PipcLinkage().measure(case, seed=0)[0]
    assert found.n == 200
    order = np.random.default_rng(0).permutation(200).astype(np.intp)
    moved = Case(train=train.take(order), holdout=holdout, synthetic=synthetic, purpose=world.purpose)
    assert PipcLinkage().measure(moved, seed=0)[0].estimate == found.estimate


def test_every_item_is_judged_by_itself() -> None:
    world = survey()
    purpose = Purpose(quasi_identifiers=("sex", "age_band", "q1"), sensitive=("income_band", "q1"))
    found = PipcLinkage().measure(
        Case(train=world.draw(200, 1), holdout=None, synthetic=world.draw(200, 2), purpose=purpose), seed=0
    )
    assert [e.subject for e in found] == ["income_band", "q1"]
    assert found[1].detail["quasi_identifiers"] == ["sex", "age_band"]
