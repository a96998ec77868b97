"""Several releases of one source: the attacker holds them all, and nobody's leak is thinned by the others' rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import synthproof as sp
from synthproof.core.contracts import Case
from synthproof.core.errors import SchemaError
from synthproof.core.evidence import Evidence
from synthproof.core.words import Words
from synthproof.policy.load import read_policy
from synthproof.testing.references import copycat, partial_copycat
from synthproof.testing.worlds import patients
from synthproof.verification.battery import run_battery, verify_case
from synthproof.verification.releases import held, worse

WORLD = patients()
CASE = Case(
    train=WORLD.draw(600, 1),
    holdout=WORLD.draw(600, 2),
    synthetic=WORLD.draw(600, 3),
    purpose=WORLD.purpose,
)
PLAN = ("table.exact_copies", "table.near_copies", "table.membership_inference", "table.shape")


def policy() -> Any:
    text = """
format = 1
id = "releases"
version = 1
title = { en = "T", ko = "시험" }
summary = { en = "S", ko = "요약" }
"""
    for name in PLAN:
        text += f'[[plan]]\nmetric = "{name}"\n'
    return read_policy(
        text
        + """
[[rules]]
id = "copies"
family = "safety"
title = { en = "R", ko = "위험" }
explain = { en = "E", ko = "설명" }
metric = "table.exact_copies"
limit = { origin = "own", value = 0.05, because = { en = "o", ko = "자체" } }
"""
    )


def measured(case: Case[Any]) -> dict[tuple[str, str], Evidence]:
    return {(e.metric, e.subject): e for e in run_battery(case, policy(), seed=1)}


def test_a_copy_in_an_earlier_release_is_this_release_s_leak() -> None:
    clean = measured(CASE)
    earlier = replace(CASE, released=(copycat(CASE.train, 600, 5),), cache={})
    both = measured(earlier)
    key = ("table.exact_copies", "all")
    assert clean[key].interval is not None
    assert both[key].interval is not None
    assert clean[key].interval[0] <= 0.02
    assert both[key].interval[0] > 0.4
    assert both[key].detail["measured_on"] == "all releases together"
    assert both[key].detail["releases"] == 2
    assert both[key].detail["released_rows"] == 1_200
    assert both[key].inputs["released_1"] == earlier.released[0].fingerprint()
    assert "2" in str(both[key].caveat)
    assert (
        both["table.membership_inference", "all"].estimate > clean["table.membership_inference", "all"].estimate + 0.1
    )


def test_clean_earlier_releases_do_not_thin_a_leak() -> None:
    leaky = replace(CASE, synthetic=partial_copycat(CASE.train, CASE.synthetic, 0.2, 4), cache={})
    alone = measured(leaky)
    both = measured(replace(leaky, released=tuple(WORLD.draw(600, s) for s in (11, 12, 13)), cache={}))
    key = ("table.exact_copies", "all")
    assert both[key].estimate == alone[key].estimate
    assert both[key].detail["measured_on"] == "this release alone"


def test_utility_judges_this_release_alone() -> None:
    alone = measured(CASE)
    both = measured(replace(CASE, released=(copycat(CASE.train, 600, 5),), cache={}))
    shapes = [k for k in alone if k[0] == "table.shape"]
    assert shapes
    for key in shapes:
        assert both[key] == alone[key]


def test_the_union_has_a_cache_of_its_own() -> None:
    case = replace(CASE, released=(WORLD.draw(50, 9),), cache={"table.footing": "this release's"})
    together = held(case)
    assert together is not None
    assert len(together.synthetic) == 650
    assert together.cache == {}
    assert together.released == ()
    assert held(CASE) is None


def test_the_notice_says_over_what_was_judged() -> None:
    told = verify_case(replace(CASE, released=(WORLD.draw(50, 9),), cache={}), policy(), seed=1, repeats=2)
    assert "2 releases" in told.notices[0].en
    assert "650" in told.notices[0].en
    assert "650" in told.notices[0].ko
    assert not verify_case(replace(CASE, cache={}), policy(), seed=1, repeats=2).notices


def evidence(low: float, high: float, **facts: Any) -> Evidence:
    return Evidence(metric="m", estimate=(low + high) / 2, interval=(low, high), reference=0.5, **facts)


def silent(outcome: Any) -> Evidence:
    return Evidence(metric="m", outcome=outcome, caveat=Words(en="why", ko="왜"))


@pytest.mark.parametrize(
    ("alone", "union", "better", "stands"),
    [
        (evidence(0.6, 0.9), evidence(0.55, 0.95), "lower", "alone"),  # the leak that is shown by more
        (evidence(0.4, 0.8), evidence(0.55, 0.6), "lower", "union"),  # shown beats not shown
        (evidence(0.4, 0.8), evidence(0.45, 0.6), "lower", "alone"),  # nothing shown: what could be worse
        (evidence(0.4, 0.6), evidence(0.4, 0.6), "lower", "union"),
        (evidence(0.1, 0.2), evidence(0.3, 0.4), "higher", "alone"),
        (silent("insufficient"), evidence(0.55, 0.6), "lower", "union"),  # shown beats silence
        (silent("insufficient"), evidence(0.4, 0.6), "lower", "alone"),  # silence acquits nobody
        (evidence(0.4, 0.6), silent("failed"), "lower", "union"),
        (silent("not_applicable"), evidence(0.4, 0.6), "lower", "union"),
        (evidence(0.4, 0.6), silent("not_applicable"), "lower", "alone"),
        (silent("failed"), silent("insufficient"), "lower", "alone"),
    ],
)
def test_the_worse_stands(alone: Evidence, union: Evidence, better: str, stands: str) -> None:
    case = replace(CASE, released=(WORLD.draw(50, 9),), cache={})
    (kept,) = worse([alone], [union], better, case)
    expected = alone if stands == "alone" else union
    assert (kept.outcome, kept.interval) == (expected.outcome, expected.interval)
    assert kept.detail["measured_on"].startswith("this" if stands == "alone" else "all")


def test_subjects_of_one_view_only_stay() -> None:
    case = replace(CASE, released=(WORLD.draw(50, 9),), cache={})
    kept = worse([evidence(0, 1, subject="a")], [evidence(0, 1, subject="b")], "lower", case)
    assert [e.subject for e in kept] == ["a", "b"]


def test_the_face_takes_earlier_releases_and_the_dossier_names_them(tmp_path: Path) -> None:
    train, holdout = (WORLD.draw(300, s).to_native() for s in (1, 2))
    now = WORLD.draw(300, 3).to_native()
    earlier = tmp_path / "earlier.csv"
    copycat(WORLD.draw(300, 1), 300, 4).to_native().to_csv(earlier, index=False)
    settings: dict[str, Any] = {"holdout": holdout, "policy": "partner", "repeats": 2, "seed": 1}
    told = sp.verify(train, now, also=[str(earlier), now], **settings)
    assert told.proof.settings["releases"] == 2
    assert set(told.proof.data) == {"train", "holdout", "synthetic", "released_1"}
    assert told.verdict.families["safety"] == "does_not_meet"
    folder = told.save(tmp_path / "dossier", lang="en")
    kept = json.loads((folder / "dossier.json").read_text(encoding="utf-8"))
    assert kept["data"]["released_1"]["fingerprint"] == told.proof.data["released_1"].fingerprint
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "earlier release 1" in page
    assert "이전 반출물 1" in page
    assert "over 2 releases of the same source" in page
    with pytest.raises(SchemaError, match="schema/fields-differ"):
        sp.verify(train, now, also=now.drop(columns=["cost"]), **settings)
