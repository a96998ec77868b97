"""The battery: every planned metric speaks, and what breaks is evidence, never good news."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest

import synthproof.metrics
from synthproof.core.contracts import Case, Recipe
from synthproof.core.errors import Cancelled
from synthproof.core.evidence import Card, Evidence
from synthproof.core.registry import metrics
from synthproof.core.run import Run
from synthproof.core.schema import Purpose, Role, Schema
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.policy.load import read_policy
from synthproof.policy.rules import RulePolicy
from synthproof.testing.references import copycat
from synthproof.testing.worlds import patients
from synthproof.verification.battery import run_battery, verify_case

WORLD = patients()
WORD = Words(en="w", ko="가")


class Good:
    card: ClassVar[Card] = Card(
        id="fake.good",
        version=4,
        family="safety",
        name=WORD,
        question=WORD,
        unit="share",
        low=0,
        high=1,
        better="lower",
        source="none",
        ideal=WORD,
    )

    def __init__(self, value: float = 0.1) -> None:
        self.value = value

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        return None

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        return [
            Evidence(metric=self.card.id, version=4, subject=s, estimate=self.value, interval=(0, 1), seed=seed)
            for s in ("all", "age")
        ]


class Broken(Good):
    card = replace(Good.card, id="fake.broken")

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        raise ZeroDivisionError(f"the value {case.train.frame['age'].iloc[0]} is secret")


class Silent(Good):
    card = replace(Good.card, id="fake.silent")

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        return []


class Impostor(Good):
    card = replace(Good.card, id="fake.impostor")

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        return [Evidence(metric="fake.good", estimate=0.0, interval=(0, 0))]


class Unfit(Good):
    card = replace(Good.card, id="fake.unfit")

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        return "no dates here"


class Wordy(Unfit):
    card = replace(Good.card, id="fake.wordy")

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        why = Words(en="No dates here.", ko="날짜가 없습니다.")
        return [Evidence(metric=self.card.id, outcome="not_applicable", caveat=why)]


class Stopper(Good):
    card = replace(Good.card, id="fake.stopper")

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        assert run is not None
        run.cancel()
        run.tick("fake.stopper", 0, 1)
        raise AssertionError("a cancelled run goes on")


def _needing(need: str) -> type[Good]:
    return type(
        f"Needs_{need}", (Good,), {"card": replace(Good.card, id=f"fake.needs_{need}", needs=frozenset({need}))}
    )


NEEDS = ("holdout", "target", "quasi_identifiers", "sensitive", "recipe", "losses")
FAKES = [Good, Broken, Silent, Impostor, Unfit, Wordy, Stopper, *map(_needing, NEEDS)]


@pytest.fixture(autouse=True)
def _fake_metrics(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = ModuleType("synthproof_fake_metrics")
    for fake in FAKES:
        setattr(module, fake.__name__, fake)
        monkeypatch.setitem(synthproof.metrics.CATALOGUE, fake.card.id, f"{module.__name__}:{fake.__name__}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    metrics.refresh()
    yield
    monkeypatch.undo()
    metrics.refresh()


def policy(*names: str, when: str = "", params: str = "") -> RulePolicy:
    text = """
format = 1
id = "test"
version = 1
title = { en = "T", ko = "시험" }
summary = { en = "S", ko = "요약" }
"""
    for name in names:
        text += f'[[plan]]\nmetric = "{name}"\n'
        text += f'when = ["{when}"]\n' if when else ""
        text += f"params = {params}\n" if params else ""
    for name in names:
        text += f"""
[[rules]]
id = "{name}"
family = "safety"
title = {{ en = "R", ko = "위험" }}
explain = {{ en = "E", ko = "설명" }}
metric = "{name}"
limit = {{ origin = "own", value = 0.2, because = {{ en = "o", ko = "자체" }} }}
"""
    return read_policy(text)


@pytest.fixture
def case() -> Case[Any]:
    train = WORLD.draw(60, 1)
    return Case(train=train, holdout=WORLD.draw(30, 2), synthetic=copycat(train, 60, 3), purpose=WORLD.purpose)


def stripped(table: Table, *kept: Role) -> Table:
    """Return the table with no roles but those named."""
    fields = tuple(replace(f, roles=f.roles & frozenset(kept)) for f in table.schema.fields)
    return table.with_schema(replace(table.schema, fields=fields))


def test_everything_planned_speaks_in_order_with_seed_and_fingerprints(case: Case[Any]) -> None:
    battery = run_battery(case, policy("fake.good", "fake.unfit"), seed=7)
    assert [(e.metric, e.subject) for e in battery] == [
        ("fake.good", "all"),
        ("fake.good", "age"),
        ("fake.unfit", "all"),
    ]
    first = battery.evidence[0]
    assert first.inputs["train"] == case.train.fingerprint()
    assert first.inputs["synthetic"] == case.synthetic.fingerprint()
    assert first.inputs["parts"] == "2"
    assert set(battery.seconds) == {"fake.good", "fake.unfit"}
    assert battery.evidence[2].outcome == "not_applicable"


def test_a_metric_keeps_its_seed_whoever_else_runs(case: Case[Any]) -> None:
    alone = run_battery(case, policy("fake.good"), seed=7).evidence[0]
    beside = run_battery(case, policy("fake.unfit", "fake.good"), seed=7).evidence[1]
    assert alone.seed == beside.seed
    assert alone.seed != run_battery(case, policy("fake.good"), seed=8).evidence[0].seed


@pytest.mark.parametrize("name", ["fake.broken", "fake.silent", "fake.impostor", "fake.nowhere"])
def test_what_breaks_is_failed_and_not_assessed_and_tells_no_value(case: Case[Any], name: str) -> None:
    judged = verify_case(case, policy("fake.good", name), seed=1)
    failed = judged.evidence[-1]
    assert failed.outcome == "failed"
    assert failed.caveat is not None
    assert "secret" not in failed.caveat.en + failed.caveat.ko
    assert str(case.train.frame["age"].iloc[0]) not in failed.caveat.en
    assert judged.verdict.result == "not_assessed"
    if name == "fake.broken":
        assert "ZeroDivisionError" in failed.caveat.en
        with pytest.raises(ZeroDivisionError):
            run_battery(case, policy(name), seed=1, strict=True)


def test_stopping_is_not_a_failure_of_the_metric(case: Case[Any]) -> None:
    with pytest.raises(Cancelled):
        run_battery(case, policy("fake.stopper"), seed=1)


@pytest.mark.parametrize(
    ("need", "outcome"),
    [
        ("holdout", "insufficient"),
        ("target", "not_applicable"),
        ("sensitive", "not_applicable"),
        ("quasi_identifiers", "not_applicable"),
        ("recipe", "insufficient"),
        ("losses", "insufficient"),
    ],
)
def test_what_is_lacking_is_said_in_two_languages(case: Case[Any], need: str, outcome: str) -> None:
    plain = stripped(case.train)
    bare = Case(train=plain, holdout=None, synthetic=plain, purpose=Purpose())
    (found,) = run_battery(bare, policy(f"fake.needs_{need}"), seed=1)
    assert found.outcome == outcome
    assert found.version == 4
    assert found.caveat is not None
    assert any("가" <= c <= "힣" for c in found.caveat.ko)


def test_k_without_t_is_no_question_but_t_without_k_is_an_open_one(case: Case[Any]) -> None:
    without_k = stripped(case.train, "sensitive")
    bare = Case(train=without_k, holdout=None, synthetic=without_k, purpose=Purpose())
    (found,) = run_battery(bare, policy("fake.needs_quasi_identifiers"), seed=1)
    assert found.outcome == "insufficient"


def test_what_the_plan_leaves_out_says_why(case: Case[Any]) -> None:
    rules = policy("fake.good", when="target")
    bare = replace(case, purpose=Purpose())
    (found,) = run_battery(bare, rules, seed=1)
    assert found.outcome == "not_applicable"
    assert found.caveat is not None
    assert "target" in found.caveat.en
    assert len(run_battery(case, rules, seed=1)) == 2


def test_a_metric_that_does_not_apply_says_so_in_its_own_words(case: Case[Any]) -> None:
    (wordy,) = run_battery(case, policy("fake.wordy"), seed=1)
    assert wordy.caveat == Words(en="No dates here.", ko="날짜가 없습니다.")
    (plain,) = run_battery(case, policy("fake.unfit"), seed=1)
    assert plain.caveat is not None
    assert "no dates here" in plain.caveat.ko


def test_the_plan_gives_parameters(case: Case[Any]) -> None:
    judged = verify_case(case, policy("fake.good", params="{ value = 0.9 }"), seed=1)
    assert judged.evidence[0].estimate == 0.9
    assert judged.verdict.result == "does_not_meet"
    wrong = run_battery(case, policy("fake.good", params="{ valeu = 0.9 }"), seed=1)
    assert wrong.evidence[0].outcome == "failed"


def test_progress_is_told(case: Case[Any]) -> None:
    told: list[tuple[str, int, int]] = []
    run = Run(lambda e: told.append((e.task, e.done, e.total)))
    run_battery(case, policy("fake.good", "fake.unfit"), seed=1, run=run)
    assert [t for t in told if t[0] == "verify/metrics"] == [("verify/metrics", i, 2) for i in range(3)]


def test_a_policy_of_a_third_party_needs_only_the_contract(case: Case[Any]) -> None:
    inner = policy("fake.good")

    class Foreign:
        id, version = "foreign", 1
        plan, judge = inner.plan, inner.judge

    judged = verify_case(case, Foreign(), seed=1)
    assert judged.verdict.result == "meets"
    assert judged.limits == ()


def test_the_generator_is_known_by_its_recipe(case: Case[Any]) -> None:
    rules = policy("any.generation")
    unknown, _ = run_battery(case, rules, seed=1)
    assert unknown.outcome == "insufficient"
    foreign, _ = run_battery(replace(case, recipe=Recipe(name="some.other.tool")), rules, seed=1)
    assert foreign.outcome == "insufficient"


def test_what_does_not_apply_says_why_in_both_languages() -> None:
    """A table of one column: corr-sd has no pair, and its reason is Korean too."""
    real = WORLD.draw(60, seed=1)
    narrow = real.without(*real.schema.names[1:])
    case = Case(train=narrow, holdout=narrow, synthetic=narrow, purpose=Purpose())
    (said,) = run_battery(case, policy("table.corr_sd"), seed=1)
    assert said.outcome == "not_applicable"
    assert said.caveat
    assert any("가" <= c <= "힣" for c in said.caveat.ko)
    assert said.caveat.en not in said.caveat.ko


def test_association_of_one_column_has_no_spread() -> None:
    from synthproof.metrics.table.association import spread

    assert np.isnan(spread(np.zeros((3, 1, 1)))).all()
