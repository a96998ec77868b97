"""The whole road through the pages, on both databases: invited, pledged, imported, asked, voted, closed, renewed, exported."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sqlalchemy import select

from synthproof.dossier.seal import check_seal
from synthproof.review.record import read_export, record_of
from synthproof.web.acts import cases
from synthproof.web.guard import COOKIE
from synthproof.web.models import Ballot

World = Any


def test_from_the_setup_link_to_a_release(world: World, tmp_path: Path) -> None:
    with open(world.dossiers[0] / "seal.json") as handle:
        assert '"digest"' in handle.read()
    # invited by the chair through the page, joined by the link, pledged before the first page
    shown = world.post("chair", "/people", login="new@example.org", name="New Person", role="reviewer", outside="yes")
    link = re.search(r'value="http://testserver(/link/[\w-]+)"', shown.text)
    assert link
    browser = world.stranger()
    assert browser.get(link[1]).status_code == 200
    came = browser.post(link[1], data={"password": world.password, "again": world.password})
    assert came.status_code == 303
    assert browser.get("/").headers["location"] == "/pledge"
    page = browser.get("/pledge").text
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token
    items = {f"item{i}": "no" for i in range(6)}
    assert browser.post("/pledge", data={"csrf": token[1], **items}).status_code == 422
    assert browser.post("/pledge", data={"csrf": token[1], "confidentiality": "yes", **items}).status_code == 303
    assert browser.get("/").status_code == 200
    assert browser.get(link[1]).status_code == 422  # once
    signed = browser.get("/pledge").text  # what was signed is shown, not an empty form
    assert "두 서약에 서명한 일시" in signed or "You signed both on" in signed
    assert signed.count('value="no" required checked') == 6

    # the steward brings the dossier in; the chair calls members and moves it to the committee
    made = world.post("steward", "/cases/upload", files=world.zip(0), title="Blood pressure", form="pipc_guide")
    assert made.status_code == 303, made.text
    case = made.headers["location"].rsplit("/", 1)[1]
    for name in ("law", "privacy", "ai"):
        called = world.post("chair", f"/cases/{case}/members", person=world.people[name].id, due="2027-01-31")
        assert called.status_code == 303
    assert world.post("steward", f"/cases/{case}/submit").status_code == 303
    assert "4 · Committee" in world.get("law", "/").text

    # the frame opens in the page's language; the sealed bytes come untouched when nothing is asked
    sealed = (world.dossiers[0] / "report.html").read_bytes()
    plain = world.get("law", f"/cases/{case}/dossiers/1/files/report.html").content
    assert plain == sealed
    spoken = [world.get("law", f"/cases/{case}/dossiers/1/files/report.html?lang={x}").content for x in ("ko", "en")]
    assert sealed in spoken
    for lang, other, page in (("ko", "en", spoken[0]), ("en", "ko", spoken[1])):
        assert f'id="lang-{lang}" checked'.encode() in page
        assert f'id="lang-{other}" aria'.encode() in page
        assert f'<html lang="{lang}">'.encode() in page
    shown = world.get("law", f"/cases/{case}/questions/safety").text
    assert "report.html?lang=en#family-safety" in shown
    assert "forms/1-3-synthetic.html?lang=en" in shown

    # reading: report in a frame that runs nothing, questions beside evidence, a question with its reply
    file_page = world.get("law", f"/cases/{case}/dossiers/1/files/report.html")
    assert file_page.status_code == 200
    assert "sandbox allow-same-origin" in file_page.headers["content-security-policy"]
    assert "script" not in file_page.headers["content-security-policy"]
    for name in ("law", "chair", "auditor", "steward"):
        for to in ("", "/questions", "/questions/safety", "/talk", "/outcome", "/compare", "/dossiers/1/report"):
            assert world.get(name, f"/cases/{case}{to}").status_code == 200, (name, to)
    assert world.post("law", f"/cases/{case}/ask", text="How near?", about="safety").status_code == 303
    asked = world.get("steward", f"/cases/{case}/questions/safety").text
    to = re.search(r'name="to" value="([0-9a-f]+)"', asked)
    assert to
    assert "replies 1" in world.get("steward", "/").text.replace("\n", " ")
    assert world.post("steward", f"/cases/{case}/reply", to=to[1], text="Not near.").status_code == 303
    assert "Not near." in world.get("law", f"/cases/{case}/questions/safety").text

    # deciding: incomplete refused, conditional with dissent
    assert world.vote("law", case).status_code == 422
    for name in ("law", "privacy"):
        world.answer_all(name, case)
        assert world.vote(name, case).status_code == 303
    assert world.post("chair", f"/cases/{case}/outcome").status_code == 422
    assert "too near" not in world.get("law", f"/cases/{case}/outcome").text
    world.answer_all("ai", case, unfit=("safety",))
    assert world.vote("ai", case).status_code == 422
    done = world.vote("ai", case, "conditional", opinion="one attack", conditions="Shorten the term\n\nTell the users")
    assert done.status_code == 303
    assert world.post("chair", f"/cases/{case}/outcome").status_code == 303
    shown = world.get("law", f"/cases/{case}/outcome").text
    assert "approved with conditions" in shown
    assert "Shorten the term" in shown
    assert world.vote("law", case).status_code == 422
    assert world.post("chair", f"/cases/{case}/stage", to=5).status_code == 422

    # a second dossier: votes on the first are void, the comparison shows the conditions set then
    assert world.post("steward", f"/cases/{case}/upload", files=world.zip(1)).status_code == 303
    assert world.post("steward", f"/cases/{case}/upload", files=world.zip(1)).status_code == 422
    assert "Conditions set then" in world.get("law", f"/cases/{case}/compare").text
    assert world.post("chair", f"/cases/{case}/outcome").status_code == 422
    for name in ("law", "privacy", "ai"):
        world.answer_all(name, case)
        assert world.vote(name, case).status_code == 303
        assert world.vote(name, case).status_code == 303  # twice, counted once
    assert world.post("chair", f"/cases/{case}/outcome").status_code == 303
    assert world.post("chair", f"/cases/{case}/stage", to=5).status_code == 303
    assert world.post("chair", f"/cases/{case}/stage", to=3).status_code == 422
    assert world.post("chair", f"/cases/{case}/stage", to=3, because="new attack").status_code == 303

    # what goes out is the journal, byte for byte, and tells the same
    for name in ("chair", "auditor"):
        assert world.get(name, f"/cases/{case}/journal").status_code == 200
    out = world.post("steward", f"/cases/{case}/export")
    assert out.status_code == 200
    path = tmp_path / "case.zip"
    path.write_bytes(out.content)
    record, lines = read_export(path)
    digests = [str(check_seal(d)["digest"]) for d in world.dossiers]
    assert list(record.dossiers) == digests
    first, second = (record.decision(d) for d in digests)
    assert first is not None
    assert not first.releasable
    assert set(first.open_conditions) == {"Shorten the term", "Tell the users", "too near"}
    assert second is not None
    assert second.releasable
    assert record.decision("sha256:0") is None
    assert len(record.ballots[digests[1]]) == 3
    assert sum(line.act == "ballot.cast" and line.subject == digests[1] for line in lines) == 3
    assert record.people[world.people["law"].id].name == "law"
    with world.store.read() as work:
        kept, _ = world.store.lines(work, f"case:{case}")
    assert kept == [line.text() for line in lines]


def test_conditions_are_ticked_off_and_then_it_may_go_on(world: World) -> None:
    case = world.open_case()
    for name in ("law", "privacy"):
        world.answer_all(name, case)
        world.vote(name, case)
    world.answer_all("ai", case, unfit=("safety",))
    world.vote("ai", case, "conditional", conditions="Shorten")
    world.post("chair", f"/cases/{case}/outcome")
    assert world.post("chair", f"/cases/{case}/stage", to=5).status_code == 422
    for n in (0, 1):
        assert world.post("chair", f"/cases/{case}/conditions/{n}", how="seen the contract").status_code == 303
    assert world.post("chair", f"/cases/{case}/conditions/2", how="x").status_code == 422
    assert world.post("chair", f"/cases/{case}/stage", to=5).status_code == 303
    assert "seen the contract" in world.get("law", f"/cases/{case}/outcome").text


def test_a_changed_answer_voids_the_vote_until_it_is_cast_again(world: World) -> None:
    case = world.open_case()
    for name in ("law", "privacy", "ai"):
        world.answer_all(name, case)
        world.vote(name, case)
    changed = world.post("law", f"/cases/{case}/questions/safety/answer", value="unfit", reason="too near")
    assert changed.status_code == 303
    assert world.post("chair", f"/cases/{case}/outcome").status_code == 422
    assert world.vote("law", case, "reject", opinion="no").status_code == 303
    assert world.post("chair", f"/cases/{case}/outcome").status_code == 303


def test_a_conflict_of_interest_takes_the_vote_away(world: World) -> None:
    case = world.open_case()
    assert world.post("law", f"/cases/{case}/conflict", reason="my firm").status_code == 303
    refused = world.post("law", f"/cases/{case}/questions/safety/answer", value="fit")
    assert refused.status_code == 403
    assert "conflict declared" in world.get("chair", f"/cases/{case}").text


def test_a_member_answers_only_what_was_given(world: World) -> None:
    case = world.open_case()
    world.post("chair", f"/cases/{case}/members", person=world.people["law"].id, questions=["purpose"])
    assert world.post("law", f"/cases/{case}/questions/purpose/answer", value="fit").status_code == 303
    assert world.post("law", f"/cases/{case}/questions/safety/answer", value="fit").status_code == 403
    assert world.vote("law", case).status_code == 303


def test_other_questions_ask_for_another_vote(world: World) -> None:
    case, law = world.open_case(), world.people["law"].id

    def give(*questions: str, to: str = law) -> int:
        return int(world.post("chair", f"/cases/{case}/members", person=to, questions=list(questions)).status_code)

    def ballots() -> int:
        with world.store.read() as work:
            record = record_of(world.store.journal(work, cases.chain_of(case)))
            assert len(list(work.execute(select(Ballot)).scalars())) == len(record.ballots.get(record.dossiers[-1], {}))
        return len(record.ballots.get(record.dossiers[-1], {}))

    # answered all, then given fewer: what was answered before does not keep the member from voting
    world.answer_all("law", case)
    assert give("purpose") == 303
    assert ">vote 1</span>" in world.get("law", "/").text
    assert world.vote("law", case).status_code == 303
    assert ballots() == 1
    assert give("purpose") == 303  # a new date only: the vote stays
    assert ballots() == 1
    # voted on one question, then given all: that vote does not count for the others
    for name in ("privacy", "ai"):
        world.answer_all(name, case)
        assert world.vote(name, case).status_code == 303
    assert give() == 303
    assert ballots() == 2
    assert world.post("chair", f"/cases/{case}/outcome").status_code == 422
    assert world.vote("law", case).status_code == 303
    # a question of one's own that is not answered yet is owed, however many others were
    assert world.post("chair", f"/cases/{case}/outcome").status_code == 303
    assert give("safety") == 303  # decided: nothing is taken away any more
    assert ballots() == 3


def test_a_chair_who_saw_the_votes_gets_no_second_one_by_other_questions(world: World) -> None:
    case = world.open_case(members=("law", "privacy", "ai", "chair"))
    world.answer_all("chair", case)
    assert world.vote("chair", case).status_code == 303
    told = {"person": world.people["chair"].id, "questions": ["purpose"]}
    refused = world.post("chair", f"/cases/{case}/members", **told)
    assert refused.status_code == 422
    assert "web/has-seen" in refused.text
    again = {"person": world.people["chair"].id, "due": "2027-01-31"}
    assert world.post("chair", f"/cases/{case}/members", **again).status_code == 303


def test_reasons_are_read_by_those_they_are_for(world: World) -> None:
    """Why a case came back: by everybody in it. Why somebody may not vote: by chair and auditor. Who came in: likewise."""
    case = world.open_case()
    assert world.post("law", f"/cases/{case}/conflict", reason="paid by the buyer").status_code == 303
    assert (
        world.post("chair", f"/cases/{case}/stage", to=3, because='limits "act":"member.conflict"').status_code == 303
    )
    for name in ("steward", "privacy", "chair", "auditor"):
        page = world.get(name, f"/cases/{case}").text
        assert "Returned to stage 3" in page, name
        assert "limits &#34;act&#34;:" in page
        assert ("paid by the buyer" in page) == (name in ("chair", "auditor"))
    assert world.post("chair", f"/cases/{case}/stage", to=4).status_code == 303
    assert "Returned to stage" not in world.get("steward", f"/cases/{case}").text
    assert "limits" in world.get("steward", f"/cases/{case}").text  # the history keeps it
    items = {f"item{i}": "yes" if i == 3 else "no" for i in range(6)}
    sent = {"confidentiality": "yes", "remarks": "my brother works there", **items}
    assert world.post("ai", "/pledge", **sent).status_code == 303
    for name in ("chair", "auditor"):
        page = world.get(name, "/people").text
        assert "my brother works there" in page
        assert page.count("Someone of my family") == 1
        shown = world.get(name, "/journal")
        assert shown.status_code == 200
        assert "pledge signed" in shown.text
        assert "invited · reader2" in shown.text
        assert "brother" not in shown.text
    assert world.get("steward", "/journal").status_code == world.get("law", "/journal").status_code == 403


def test_a_dossier_that_is_refused_leaves_no_copy(world: World) -> None:
    case = world.open_case()
    before = sorted(world.store.dossiers.iterdir())
    refused = world.post("steward", f"/cases/{case}/upload", files=world.zip(0))
    assert refused.status_code == 422
    assert "web/same-dossier" in refused.text
    assert sorted(world.store.dossiers.iterdir()) == before


def test_a_vote_on_a_page_that_is_out_of_date_is_refused(world: World) -> None:
    case = world.open_case()
    old = str(check_seal(world.dossiers[0])["digest"])
    world.post("steward", f"/cases/{case}/upload", files=world.zip(1))
    late = world.post("law", f"/cases/{case}/questions/safety/answer", value="fit", dossier=old)
    assert late.status_code == 422
    assert "come in meanwhile" in late.text


def test_pages_speak_korean_and_every_page_links_only_to_this_server(small: World) -> None:
    case = small.open_case()
    client = small.clients["chair"]
    client.cookies.set("lang", "ko")
    pages = ["/", "/people", "/account", "/pledge"]
    pages += [f"/cases/{case}{x}" for x in ("", "/questions", "/questions/safety", "/talk", "/outcome", "/compare")]
    for url in pages:
        page = client.get(url)
        assert page.status_code == 200
        assert '<html lang="ko">' in page.text
        for address in re.findall(r'(?:src|href|action)="([^"]*)"', page.text):
            assert address.startswith(("/", "#")), (url, address)
        for field in re.findall(r"<(?:input|select|textarea)[^>]*>", page.text):
            assert "hidden" in field or "name=" in field or "aria-label" in field
    assert client.cookies[COOKIE]
    assert client.get("/lang/en?to=//evil.example").headers["location"] == "/"
