"""Forms are whole; ballots are refused when they contradict themselves; outcomes are right, monotone and never assume."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthproof.core.errors import ConfigError, NotFoundError, UsageError
from synthproof.policy.load import load_policy
from synthproof.review.form import OVERALLS, SHIPPED, Form, load_form, read_form
from synthproof.review.settle import Answer, Ballot, Member, Outcome, check_ballot, settle

GUIDE = load_form("pipc_guide")
DIGEST = "sha256:" + "1" * 64
ORDER = ("approved", "conditional", "rejected")


def members(n: int = 3, outside: int = 2) -> list[Member]:
    return [Member(person=f"p{i}", outside=i < outside) for i in range(n)]


def ballot(person: str, overall: str = "approve", *, unfit: tuple[str, ...] = (), form: Form = GUIDE) -> Ballot:
    if overall == "reject" and not unfit:
        unfit = ("purpose",)
    return Ballot(
        person=person,
        dossier=DIGEST,
        overall=overall,  # type: ignore[arg-type]
        answers=tuple(
            Answer(question=q.id, value="unfit" if q.id in unfit else "fit", reason="too near" if q.id in unfit else "")
            for q in form.questions
        ),
        opinion="" if overall == "approve" else "because of this",
        conditions=("shorten the term",) if overall == "conditional" else (),
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_forms_are_whole(name: str) -> None:
    form = load_form(name)
    assert len(form.questions) == {"pipc_guide": 5, "pipc_reference": 6, "hospital_drb": 7}[name]
    assert any(q.unanimous for q in form.questions)
    rules = {rule.id for rule in load_policy("pipc_2024").rules}
    papers = {"1-1", "1-2", "1-3-source", "1-3-synthetic", "1-4", "checklist", "self-review"}
    for question in form.questions:
        assert question.rests_on, question.id
        for link in question.rests_on:
            kind, _, what = link.partition(":")
            assert kind in {"family", "rule", "paper", "report", "metric"}, link
            assert kind != "rule" or what in rules, link
            assert kind != "paper" or what in papers, link
            assert kind != "family" or what in {"integrity", "fidelity", "utility", "fairness", "safety"}
    assert form.counting.origin == "own"
    assert form.question(form.questions[0].id) is form.questions[0]
    with pytest.raises(NotFoundError, match="unknown-question"):
        form.question("purpos")


def test_a_form_of_the_house(tmp_path: Path) -> None:
    text = (Path(load_form.__code__.co_filename).parent / "forms" / "pipc_guide.toml").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(text.replace("least = 3", "least = 2").replace('id = "pipc_guide"', 'id = "own"'))
    assert load_form(own).counting.least == 2
    assert load_form(own).digest != GUIDE.digest
    with pytest.raises(NotFoundError, match="pipc_guide"):
        load_form("pipc_gide")
    for bad in ("least = 0", "leest = 3", "present = 2.0", "= 3"):
        own.write_text(text.replace("least = 3", bad))
        with pytest.raises(ConfigError, match="bad-form"):
            load_form(own)
    data = tomllib.loads(text)
    for change in (
        {"questions": []},
        {"questions": [data["questions"][0]] * 2},
        {"questions": [{**data["questions"][0], "values": ["perhaps"]}]},
        {"questions": [{**data["questions"][1], "values": ["fit", "not_applicable"]}]},
        {"more": 1},
    ):
        with pytest.raises(ValueError):
            read_form({**data, **change})


def test_all_for_it_is_approved() -> None:
    outcome = settle(GUIDE, members(), [ballot(f"p{i}") for i in range(3)], dossier=DIGEST)
    assert outcome.result == "approved"
    assert outcome.votes == {"approve": 3, "conditional": 0, "reject": 0}
    assert not outcome.conditions
    assert not outcome.dissent
    assert outcome.counting_origin == "own"
    assert Outcome.from_dict(outcome.to_dict()) == outcome


@pytest.mark.parametrize("question", ["identification", "safety"])
def test_one_unfit_on_risk_or_safety_is_at_most_conditional(question: str) -> None:
    votes = [ballot("p0"), ballot("p1"), ballot("p2", "conditional", unfit=(question,))]
    outcome = settle(GUIDE, members(), votes, dossier=DIGEST)
    assert outcome.result == "conditional"
    assert {c.text for c in outcome.conditions} == {"shorten the term", "too near"}


def test_one_unfit_elsewhere_is_outvoted_and_kept_as_dissent() -> None:
    votes = [ballot("p0"), ballot("p1"), ballot("p2", "reject", unfit=("environment",))]
    outcome = settle(GUIDE, members(), votes, dossier=DIGEST)
    assert outcome.result == "approved"
    assert [(d.person, d.overall, d.opinion) for d in outcome.dissent] == [("p2", "reject", "because of this")]


def test_most_against_it_is_rejected_and_the_other_voice_kept() -> None:
    votes = [ballot("p0"), ballot("p1", "reject"), ballot("p2", "reject")]
    outcome = settle(GUIDE, members(), votes, dossier=DIGEST)
    assert outcome.result == "rejected"
    assert [d.person for d in outcome.dissent] == ["p0"]


def test_what_is_missing_keeps_it_open() -> None:
    two = [ballot("p0"), ballot("p1")]
    assert settle(GUIDE, members(), [], dossier=DIGEST).result == "open"
    assert settle(GUIDE, members(), two, dossier=DIGEST).result == "open"
    assert settle(GUIDE, members(6, 4), [ballot(f"p{i}") for i in range(3)], dossier=DIGEST).result == "open"
    inside = settle(GUIDE, members(4, 2), [ballot(f"p{i}") for i in range(4)], dossier=DIGEST)
    assert inside.result == "open"
    assert "outside" in inside.missing[0].en
    other = settle(GUIDE, members(), [replace(b, dossier="sha256:0") for b in [*two, ballot("p2")]], dossier=DIGEST)
    assert other.result == "open"
    assert sum(other.votes.values()) == 0


def test_a_conflict_of_interest_does_not_count() -> None:
    called = [*members(3, 2), Member(person="p3", outside=True, conflict=True)]
    votes = [ballot(f"p{i}") for i in range(3)] + [ballot("p3", "reject", unfit=("safety",))]
    assert settle(GUIDE, called, votes, dossier=DIGEST).result == "approved"
    with pytest.raises(UsageError, match="review/conflict"):
        check_ballot(GUIDE, called[3], votes[3])


def test_a_question_that_nobody_was_given_keeps_it_open() -> None:
    called = [Member(person=f"p{i}", outside=True, questions=("purpose", "safety")) for i in range(3)]
    part = [
        replace(ballot(m.person), answers=tuple(Answer(question=q, value="fit") for q in m.questions)) for m in called
    ]
    for b, m in zip(part, called, strict=True):
        check_ballot(GUIDE, m, b)
    outcome = settle(GUIDE, called, part, dossier=DIGEST)
    assert outcome.result == "open"
    assert len(outcome.missing) == 3


def test_five_of_a_hospital_with_two_from_outside() -> None:
    form = load_form("hospital_drb")
    votes = [ballot(f"p{i}", form=form) for i in range(5)]
    assert settle(form, members(5, 2), votes, dossier=DIGEST).result == "approved"
    assert settle(form, members(5, 1), votes, dossier=DIGEST).result == "open"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"answers": ()}, "ballot-incomplete"),
        ({"answers": ballot("p0").answers * 2}, "ballot-incomplete"),
        ({"overall": "conditional", "conditions": (" ",)}, "reason-needed"),
        ({"overall": "reject", "opinion": "no"}, "ballot-contradicts"),
        ({"overall": "perhaps"}, "no-such-answer"),
        ({"answers": ballot("p0", unfit=("safety",)).answers}, "ballot-contradicts"),
        ({"answers": ballot("p0", "reject").answers, "overall": "reject", "opinion": ""}, "reason-needed"),
    ],
)
def test_ballots_that_are_refused(changes: dict, code: str) -> None:
    with pytest.raises(UsageError, match=code):
        check_ballot(GUIDE, members()[0], replace(ballot("p0"), **changes))


def test_unfit_needs_a_reason_and_not_applicable_a_question_that_takes_it() -> None:
    good = ballot("p0", "conditional", unfit=("safety",))
    check_ballot(GUIDE, members()[0], good)
    bare = tuple(replace(a, reason="") for a in good.answers)
    with pytest.raises(UsageError, match="reason-needed"):
        check_ballot(GUIDE, members()[0], replace(good, answers=bare))
    wrong = tuple(replace(a, value="not_applicable", reason="x") if a.question == "safety" else a for a in good.answers)
    with pytest.raises(UsageError, match="no-such-answer"):
        check_ballot(GUIDE, members()[0], replace(good, answers=wrong))


_VOTE = st.tuples(st.sampled_from(OVERALLS), st.sets(st.sampled_from([q.id for q in GUIDE.questions])))


@given(votes=st.lists(_VOTE, min_size=3, max_size=7), at=st.integers(0, 6), worse=_VOTE)
@settings(max_examples=200, deadline=None)
def test_a_worse_ballot_never_gives_a_better_outcome(votes: list, at: int, worse: tuple) -> None:
    at %= len(votes)
    called = members(len(votes), len(votes))
    overall = OVERALLS[max(OVERALLS.index(votes[at][0]), OVERALLS.index(worse[0]))]
    sadder = [*votes]
    sadder[at] = (overall, votes[at][1] | worse[1])

    def result(given: list) -> str:
        made = [ballot(f"p{i}", o, unfit=tuple(sorted(u))) for i, (o, u) in enumerate(given)]
        return settle(GUIDE, called, made, dossier=DIGEST).result

    before, after = result(votes), result(sadder)
    assert ORDER.index(after) >= ORDER.index(before)


@given(votes=st.lists(_VOTE, min_size=1, max_size=7))
@settings(max_examples=100, deadline=None)
def test_no_condition_no_conditional_outcome(votes: list) -> None:
    made = [ballot(f"p{i}", o, unfit=tuple(sorted(u))) for i, (o, u) in enumerate(votes)]
    outcome = settle(GUIDE, members(len(made), len(made)), made, dossier=DIGEST)
    assert outcome.result != "conditional" or outcome.conditions
    assert (outcome.result == "open") == bool(outcome.missing)
