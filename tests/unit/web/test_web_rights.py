"""Every role × every address: only what the table of rights allows. No address goes without the guard."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from typing import Any

import pytest
from fastapi.routing import APIRoute

from synthproof.review.rights import ACTIONS, ROLES, reach
from synthproof.web.acts import panel as panels
from synthproof.web.models import Member, PanelReader
from synthproof.web.routes import account, cases, people, reading, voting
from synthproof.web.routes import panels as panel_routes
from synthproof.web.routes.account import PUBLIC

ROUTES = [
    route
    for room in (account, people, cases, reading, voting, panel_routes)
    for route in room.router.routes
    if isinstance(route, APIRoute)
]


def action_of(route: APIRoute) -> str:
    found = [a for d in route.dependant.dependencies if (a := getattr(d.call, "action", ""))]
    assert len(found) <= 1
    return found[0] if found else ""


def blind_panel(n: int = 3, **plan: Any) -> BytesIO:
    """A package as `vtt new` writes it, without any vault."""
    out = BytesIO()
    items = [{"name": f"{i:016x}", "kind": "card", "card": [["age", str(i)]]} for i in range(2 * n)]
    told = {"format": 1, "title": "panel", "commitment": "sha256:0", "items": items}
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("panel.json", json.dumps({**told, "plan": {"n": n, "band": [0.3, 0.7], **plan}}))
    out.seek(0)
    return out


def test_no_address_goes_without_the_guard() -> None:
    assert len(ROUTES) > 35
    for route in ROUTES:
        assert bool(action_of(route)) != (route.path in PUBLIC), route.path
    assert {action_of(r) for r in ROUTES} - {""} <= set(ACTIONS)
    # answer.see_all is asked by pages that show more or less, not by an address of its own
    assert set(ACTIONS) - {action_of(r) for r in ROUTES} == {"answer.see_all"}


def filled(route: APIRoute, world: Any, case: str, panel: str) -> str:
    values = {"case": case, "panel": panel, "question": "safety", "n": "1", "name": "report.html"}
    values["person"] = world.people["privacy"].id
    if "/items/" in route.path:
        values["name"] = "0" * 16
    url = route.path.replace("{name:path}", "{name}")
    for key, value in values.items():
        url = url.replace("{" + key + "}", value)
    assert "{" not in url
    return url


def expected(role: str, action: str, *, member: bool, speaks_of_one: bool) -> bool:
    cell = reach(role, action)  # type: ignore[arg-type]
    if cell in ("everywhere", "own"):
        return True
    return cell in ("member", "area") and (member or not speaks_of_one)


@pytest.mark.parametrize("member", [True, False], ids=["member", "stranger"])
def test_every_role_and_every_address(small: Any, member: bool) -> None:
    """For each role: a case and panel it was called to, or one it was not called to."""
    world = small
    who = {"chair": "chair", "steward": "steward", "reviewer": "law", "reader": "reader", "auditor": "auditor"}
    assert set(who) == set(ROLES)
    world.add("steward2", "steward")
    owner = "steward" if member else "steward2"
    world.people["steward"], kept = world.people[owner], world.people["steward"]
    case = world.open_case(members=("law", "privacy", "ai") if member else ("privacy", "ai"))
    panel = panels.open_panel(world.store, world.people[owner], blind_panel()).id
    world.people["steward"] = kept
    panels.call_reader(world.store, world.people[owner], panel, world.people["reader2"].id)
    with world.store.write() as work:
        if member:
            work.add(Member(case=case, person=world.people["chair"].id, questions=[], votes=True))
            work.add(PanelReader(panel=panel, person=world.people["reader"].id, order=[f"{i:016x}" for i in range(6)]))
    told = 0
    for route in ROUTES:
        action = action_of(route)
        if not action or route.path in ("/logout", "/account/password"):
            continue
        url = filled(route, world, case, panel)
        one = "{case}" in route.path or "{panel}" in route.path
        for role in ROLES:
            for method in route.methods:
                name = who[role]
                if method == "GET":
                    answer = world.get(name, url)
                else:
                    # Nothing but the token: whoever is let through is then told what is missing, and nothing happens.
                    answer = world.post(name, url)
                allowed = expected(role, action, member=member, speaks_of_one=one)
                if allowed and "/items/" in url:
                    continue  # a card has no picture: 404 either way
                refused = answer.status_code in (401, 403, 404)
                assert refused != allowed, (role, method, url, action, answer.status_code)
                told += 1
    assert told > 180


def test_what_is_not_there_and_what_is_not_ones_own_look_the_same(small: Any) -> None:
    case = small.open_case(members=("privacy", "ai"))
    for path in ("", "/questions", "/outcome", "/dossiers/1/files/report.html", "/dossiers/1/report", "/talk"):
        own = small.get("law", f"/cases/{case}{path}")
        none = small.get("law", f"/cases/{'0' * 32}{path}")
        assert own.status_code == none.status_code == 404
        assert own.text.replace(case, "") == none.text.replace("0" * 32, "")
    for path in ("", "/questions", "/outcome"):
        answers = [small.get("reader", f"/cases/{c}{path}") for c in (case, "0" * 32)]
        assert [a.status_code for a in answers] == [403, 403]


def test_ids_of_another_case_open_nothing(small: Any) -> None:
    """A dossier number, question or comment of a foreign case cannot be reached through one's own."""
    mine = small.open_case(members=("law",))
    other = small.open_case(members=("privacy",))
    asked = small.post("privacy", f"/cases/{other}/ask", text="secret question")
    assert asked.status_code == 303
    with small.store.read() as work:
        from sqlalchemy import select

        from synthproof.web.models import Comment

        theirs = work.execute(select(Comment.id).where(Comment.case == other)).scalar_one()
    reply = small.post("steward", f"/cases/{mine}/reply", to=theirs, text="x")
    assert reply.status_code == 422
    assert small.get("law", f"/cases/{mine}/dossiers/2/report").status_code == 404
    assert "secret question" not in small.get("law", f"/cases/{mine}/talk").text
    assert other not in small.get("law", "/").text


SHOWING = ("", "/outcome", "/questions", "/questions/safety")


def test_nobody_sees_votes_before_the_end_but_chair_and_auditor(small: Any) -> None:
    case = small.open_case()
    small.answer_all("ai", case, unfit=("safety",))
    small.vote("ai", case, "reject", opinion="far too near")
    for name in ("law", "privacy", "steward"):
        for path in SHOWING:
            page = small.get(name, f"/cases/{case}{path}")
            assert page.status_code == 200
            assert "too near" not in page.text, (name, path)
    # what goes out holds everybody's answers: not before the end either
    early = small.post("steward", f"/cases/{case}/export")
    assert early.status_code == 422
    assert "web/still-voting" in early.text
    for name in ("chair", "auditor"):
        assert "far too near" in small.get(name, f"/cases/{case}/outcome").text
        assert small.post(name, f"/cases/{case}/export").status_code == 200
    for name in ("law", "privacy"):
        small.answer_all(name, case)
        small.vote(name, case)
    assert small.post("chair", f"/cases/{case}/outcome").status_code == 303
    assert small.post("steward", f"/cases/{case}/export").status_code == 200
    assert "far too near" in small.get("law", f"/cases/{case}/outcome").text


def test_a_chair_with_a_vote_sees_the_others_after_voting_and_then_that_vote_stands(small: Any) -> None:
    case = small.open_case(members=("law", "privacy", "ai", "chair"))
    small.answer_all("ai", case, unfit=("safety",))
    small.vote("ai", case, "reject", opinion="far too near")
    for path in SHOWING:
        assert "too near" not in small.get("chair", f"/cases/{case}{path}").text, path
    assert small.post("chair", f"/cases/{case}/export").status_code == 422
    small.answer_all("chair", case)
    assert "too near" not in small.get("chair", f"/cases/{case}/questions/safety").text
    assert small.vote("chair", case).status_code == 303
    assert "far too near" in small.get("chair", f"/cases/{case}/outcome").text
    shown = small.get("chair", f"/cases/{case}/questions/safety").text
    assert "too near" in shown
    assert 'name="value"' not in shown
    assert 'name="overall"' not in small.get("chair", f"/cases/{case}/questions").text
    second = small.post("chair", f"/cases/{case}/questions/safety/answer", value="unfit", reason="so do I")
    assert second.status_code == 422
    assert "web/vote-stands" in second.text
    assert small.vote("chair", case, "approve").status_code == 303  # the same once more is nothing new
    assert small.vote("chair", case, "conditional", conditions="x").status_code == 422
    # members may still change theirs: they have seen nothing
    assert small.post("ai", f"/cases/{case}/questions/safety/answer", value="fit").status_code == 303


def test_whoever_has_seen_answers_is_not_given_a_vote_on_them(small: Any) -> None:
    case = small.open_case()
    small.answer_all("law", case)
    late = small.post("chair", f"/cases/{case}/members", person=small.people["chair"].id)
    assert late.status_code == 422
    assert "web/has-seen" in late.text
    assert small.post("steward", f"/cases/{case}/upload", files=small.zip(1)).status_code == 303
    called = small.post("chair", f"/cases/{case}/members", person=small.people["chair"].id)
    assert called.status_code == 303
    assert small.post("chair", f"/cases/{case}/conflict", reason="my own firm").status_code == 303
    small.answer_all("law", case, unfit=("safety",))
    # without a vote of one's own there is nothing to keep apart
    assert "too near" in small.get("chair", f"/cases/{case}/questions/safety").text
