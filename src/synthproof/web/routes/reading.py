"""Reading: the report inside the case, questions beside their evidence, words between committee and steward."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session as Work

from synthproof.core.errors import StateError
from synthproof.core.fingerprint import digest_file
from synthproof.core.words import LANGS, Lang
from synthproof.dossier.seal import SEAL
from synthproof.web.acts import cases
from synthproof.web.acts.votes import sees_others
from synthproof.web.bounds import Small
from synthproof.web.facts import PAPERS, asked, changes, exhibits, sealed_files
from synthproof.web.forms import form_of
from synthproof.web.guard import Acting, Refused, needs
from synthproof.web.models import Answer, Ballot, Case, Closed, Comment, Dossier, Member, Person
from synthproof.web.pages import go, page

router = APIRouter()
# The report has no script and may have none: it is shown in a frame that runs nothing and reaches nothing.
_FILE_POLICY = (
    "sandbox allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_SHOWN = {".html": "text/html; charset=utf-8", ".pdf": "application/pdf"}


def _dossier(work: Work, case: Case, n: int) -> Dossier:
    found = work.execute(select(Dossier).where(Dossier.case == case.id, Dossier.n == n)).scalar_one_or_none()
    if found is None:
        raise Refused(404)
    return found


@router.get("/cases/{case}/dossiers/{n}/report")
def report(request: Request, case: str, n: Small, me: Acting = needs("case.read")) -> Response:
    """Show the report with the questions beside it."""
    with me.store.read() as work:
        dossier = _dossier(work, me.the_case, n)
    form = form_of(me.store, me.the_case)
    return page(
        request,
        "report.html",
        me,
        case=me.the_case,
        dossier=dossier,
        form=form,
        asked=asked(form, dossier.facts),
        papers=PAPERS,
    )


@router.get("/cases/{case}/dossiers/{n}/files/{name:path}")
def file(case: str, n: Small, name: str, lang: str = "", me: Acting = needs("case.read")) -> Response:
    """Give a file of the dossier, if the seal lists it and its bytes are the sealed ones.

    With `lang` a page of ours comes with that language chosen, as a click on its own switch would; without it, the sealed
    bytes come as they are.
    """
    with me.store.read() as work:
        dossier = _dossier(work, me.the_case, n)
    folder = me.store.dossiers / dossier.id
    listed = sealed_files(folder / SEAL)
    if name not in listed:  # the seal's list is the only way to a path: nothing is put together from what was asked
        raise Refused(404)
    place = folder / name
    stat = place.stat() if place.is_file() else None
    if stat is None or _digest(place, stat.st_mtime_ns, stat.st_size) != listed[name]:
        raise StateError("web/changed", name=name)
    kind = _SHOWN.get(place.suffix)
    head = {"content-security-policy": _FILE_POLICY, "x-frame-options": "SAMEORIGIN"}
    if kind is None or place.suffix == ".pdf":
        safe = hashlib.sha256(name.encode()).hexdigest()[:8] + place.suffix
        head["content-disposition"] = f'attachment; filename="{safe}"'
    if lang in LANGS and place.suffix == ".html":
        return Response(_speaking(place.read_bytes(), lang), media_type=kind, headers=head)
    return FileResponse(place, media_type=kind or "application/octet-stream", headers=head)


def _speaking(page: bytes, lang: Lang) -> bytes:
    """Return a report or paper with its language switch set; a page without our switch stays as it is."""
    other = b"en" if lang == "ko" else b"ko"
    was, is_ = b'id="lang-' + other + b'" checked aria', b'id="lang-' + lang.encode() + b'" aria'
    if page.count(was) != 1 or page.count(is_) != 1:
        return page
    page = page.replace(was, was.replace(b" checked", b"")).replace(is_, is_.replace(b" aria", b" checked aria"))
    return page.replace(b'<html lang="' + other + b'">', b'<html lang="' + lang.encode() + b'">', 1)


@lru_cache(maxsize=4096)
def _digest(place: Path, changed: int, size: int) -> str:
    return digest_file(place)


@router.get("/cases/{case}/questions")
def questions(request: Request, case: str, me: Acting = needs("case.read")) -> Response:
    """List the form's questions, with what one answered oneself."""
    form = form_of(me.store, me.the_case)
    with me.store.read() as work:
        dossier = cases.latest(work, case)
        mine = _mine(work, dossier, me)
        ballot = work.get(Ballot, (dossier.id, me.person.id))
        closed = work.get(Closed, dossier.id)
    values: dict[str, Any] = {"form": form, "dossier": dossier, "asked": asked(form, dossier.facts), "mine": mine}
    return page(request, "questions.html", me, case=me.the_case, ballot=ballot, closed=closed, **values)


@router.get("/cases/{case}/questions/{question}")
def one_question(request: Request, case: str, question: str, me: Acting = needs("case.read")) -> Response:
    """Show one question beside the evidence that it rests on."""
    form = form_of(me.store, me.the_case)
    wanted = form.question(question)
    with me.store.read() as work:
        dossier = cases.latest(work, case)
        closed = work.get(Closed, dossier.id)
        mine = _mine(work, dossier, me).get(question)
        talk = _talk(work, case, question)
        seen = sees_others(work, me.person, me.member, dossier, may=me.can("answer.see_all"))
        others = _others(work, me, dossier, question) if seen else []
        # Whoever sees the others' answers before the end has voted already, and that vote stands.
        stands = seen and me.can("answer.give")
    at = form.questions.index(wanted)
    return page(
        request,
        "question.html",
        me,
        case=me.the_case,
        form=form,
        dossier=dossier,
        question=wanted,
        before=form.questions[at - 1] if at else None,
        after=form.questions[at + 1] if at + 1 < len(form.questions) else None,
        exhibits=exhibits(wanted, dossier.facts),
        mine=mine,
        talk=talk,
        others=others,
        closed=closed,
        may_answer=me.can("answer.give", question=question)
        and me.the_case.stage == 4
        and closed is None
        and not stands,
    )


def _mine(work: Work, dossier: Dossier, me: Acting) -> dict[str, Answer]:
    rows = work.execute(select(Answer).where(Answer.dossier == dossier.id, Answer.person == me.person.id)).scalars()
    return {a.question: a for a in rows}


def _others(work: Work, me: Acting, dossier: Dossier, question: str) -> list[tuple[Answer, str]]:
    rows = work.execute(
        select(Answer, Person.name)
        .join(Person, Person.id == Answer.person)
        .where(Answer.dossier == dossier.id, Answer.question == question, Answer.person != me.person.id)
        .order_by(Person.name)
    )
    return [(a, name) for a, name in rows]


def _talk(work: Work, case: str, question: str) -> list[tuple[Comment, str, list[tuple[Comment, str]]]]:
    rows = work.execute(
        select(Comment, Person.name)
        .join(Person, Person.id == Comment.person)
        .where(Comment.case == case, Comment.question == question)
        .order_by(Comment.at)
    ).all()
    return [(c, name, [(r, n) for r, n in rows if r.parent == c.id]) for c, name in rows if not c.parent]


@router.get("/cases/{case}/talk")
def talk(request: Request, case: str, me: Acting = needs("case.read")) -> Response:
    """Show what was said about the case as a whole, and every open question to the steward."""
    with me.store.read() as work:
        said = _talk(work, case, "")
        form = form_of(me.store, me.the_case)
        by_question = [(q, _talk(work, case, q.id)) for q in form.questions]
    return page(request, "talk.html", me, case=me.the_case, talk=said, by_question=by_question)


@router.post("/cases/{case}/comments")
def comment(
    case: str,
    text: Annotated[str, Form(max_length=5000)],
    about: Annotated[str, Form(max_length=60)] = "",
    me: Acting = needs("comment.write"),
) -> Response:
    """Write a comment."""
    return _said(me, case, "comment", text, about)


@router.post("/cases/{case}/ask")
def ask(
    case: str,
    text: Annotated[str, Form(max_length=5000)],
    about: Annotated[str, Form(max_length=60)] = "",
    me: Acting = needs("comment.ask"),
) -> Response:
    """Ask the steward."""
    return _said(me, case, "ask", text, about)


@router.post("/cases/{case}/reply")
def reply(
    case: str,
    text: Annotated[str, Form(max_length=5000)],
    to: Annotated[str, Form(max_length=40)],
    me: Acting = needs("comment.reply"),
) -> Response:
    """Reply to a question."""
    said = cases.say(me.store, me.person, case, "reply", text, parent=to)
    return go(_back(case, said.question))


def _said(me: Acting, case: str, kind: str, text: str, about: str) -> Response:
    said = cases.say(me.store, me.person, case, kind, text, question=about)
    return go(_back(case, said.question))


def _back(case: str, question: str) -> str:
    return f"/cases/{case}/questions/{question}#talk" if question else f"/cases/{case}/talk"


@router.get("/cases/{case}/compare")
def compare(
    request: Request, case: str, before: Small = 0, after: Small = 0, me: Acting = needs("case.read")
) -> Response:
    """Show what changed between two dossiers of the case; the last two if none are named."""
    with me.store.read() as work:
        last = cases.latest(work, case).n
        after = after or last
        before = before or max(1, after - 1)
        one, two = _dossier(work, me.the_case, before), _dossier(work, me.the_case, after)
        closed = work.get(Closed, one.id)
        members = work.execute(select(Member).where(Member.case == case)).scalars().all()
    rows = changes(one.facts, two.facts)
    values: dict[str, Any] = {"one": one, "two": two, "rows": rows, "last": last, "closed": closed, "members": members}
    return page(request, "compare.html", me, case=me.the_case, **values)
