"""The table of rights is whole and strict; the five stages move as the procedure says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthproof.core.errors import UsageError
from synthproof.review.rights import ACTION_WORDS, ACTIONS, ROLE_WORDS, ROLES, Role, allowed, may, reach, table
from synthproof.review.stages import STAGES, Move, move, replay


def test_every_action_and_role_has_words() -> None:
    assert set(ACTION_WORDS) == set(ACTIONS)
    assert set(ROLE_WORDS) == set(ROLES)
    assert [row[0] for row in table()] == list(ACTIONS)


@pytest.mark.parametrize("role", ROLES)
def test_nobody_reaches_beyond_the_cell(role: Role) -> None:
    for action in ACTIONS:
        cell = reach(role, action)
        assert may(role, action) is (cell == "everywhere")
        assert may(role, action, member=True) is (cell in {"everywhere", "member"})
        assert may(role, action, area=True) is (cell == "everywhere")
        assert may(role, action, member=True, area=True) is (cell in {"everywhere", "member", "area"})
        assert may(role, action, own=True) is (cell in {"everywhere", "own"})
        assert (action in allowed(role)) is bool(cell)


def test_what_must_never_be_allowed() -> None:
    writing = {
        a
        for a in ACTIONS
        if a.split(".")[1] not in {"see", "list", "read", "see_all", "export", "result", "own", "sign"}
    }
    assert not writing & set(allowed("auditor"))
    assert set(allowed("reader")) == {"account.own", "pledge.sign", "case.list", "panel.read"}
    assert "answer.give" not in allowed("steward")
    assert "case.import" not in allowed("reviewer")
    with pytest.raises(KeyError):
        may("chair", "case.raed")


def test_forward_by_one_and_back_with_a_reason() -> None:
    assert move(1, 2) == Move(before=1, after=2)
    assert move(4, 2, because=" too close ").because == "too close"
    assert move(4, 5, result="approved").after == 5
    assert move(4, 5, result="conditional", open_conditions=0).after == 5


@pytest.mark.parametrize(
    ("stage", "to", "facts", "code"),
    [
        (1, 3, {}, "no-such-step"),
        (1, 1, {}, "no-such-step"),
        (1, 0, {}, "no-such-step"),
        (5, 6, {}, "no-such-step"),
        (4, 2, {}, "reason-needed"),
        (4, 2, {"because": "  "}, "reason-needed"),
        (4, 5, {}, "not-approved"),
        (4, 5, {"result": "rejected"}, "not-approved"),
        (4, 5, {"result": "conditional", "open_conditions": 1}, "not-approved"),
    ],
)
def test_what_the_procedure_does_not_have(stage: int, to: int, facts: dict, code: str) -> None:
    with pytest.raises(UsageError, match=code):
        move(stage, to, **facts)


@given(steps=st.lists(st.integers(1, 5), max_size=12))
def test_a_history_replays_to_where_it_ended(steps: list[int]) -> None:
    stage, made = 1, []
    for to in steps:
        try:
            step = move(stage, to, because="because", result="approved")
        except UsageError:
            continue
        made.append(Move.from_dict(step.to_dict()))
        stage = to
    assert replay(made) == stage
    assert 1 <= stage <= len(STAGES)
    if made:
        with pytest.raises(ValueError, match="begins at stage"):
            replay(made, start=made[0].before % 5 + 1)
