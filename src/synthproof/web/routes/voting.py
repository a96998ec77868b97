"""Deciding: answers, the vote, counting, conditions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy import select

from synthproof.review.settle import Outcome
from synthproof.web.acts import cases, votes
from synthproof.web.bounds import Small
from synthproof.web.forms import form_of
from synthproof.web.guard import Acting, needs
from synthproof.web.models import Ballot, Closed, Dossier, Person
from synthproof.web.pages import go, page

router = APIRouter()


@router.post("/cases/{case}/questions/{question}/answer")
def answer(
    case: str,
    question: str,
    value: Annotated[str, Form(max_length=20)],
    reason: Annotated[str, Form(max_length=5000)] = "",
    dossier: Annotated[str, Form(max_length=80)] = "",
    then: Annotated[str, Form(max_length=60)] = "",
    me: Acting = needs("answer.give"),
) -> Response:
    """Answer a question."""
    votes.answer(me.store, me.person, case, question, value, reason, dossier=dossier)
    known = {q.id for q in form_of(me.store, me.the_case).questions}
    return go(f"/cases/{case}/questions/{then}" if then in known else f"/cases/{case}/questions")


@router.post("/cases/{case}/vote")
def vote(
    case: str,
    overall: Annotated[str, Form(max_length=20)],
    opinion: Annotated[str, Form(max_length=5000)] = "",
    conditions: Annotated[str, Form(max_length=5000)] = "",
    dossier: Annotated[str, Form(max_length=80)] = "",
    me: Acting = needs("answer.give"),
) -> Response:
    """Vote; one condition a line."""
    lines = conditions.replace("\r\n", "\n").split("\n")
    votes.cast(me.store, me.person, case, overall, opinion, lines, dossier=dossier)
    return go(f"/cases/{case}/questions")


@router.post("/cases/{case}/conflict")
def conflict(case: str, reason: Annotated[str, Form(max_length=2000)], me: Acting = needs("answer.give")) -> Response:
    """Declare a conflict of interest: from then on one neither votes nor counts."""
    cases.declare_conflict(me.store, me.person, case, reason)
    return go(f"/cases/{case}")


@router.get("/cases/{case}/outcome")
def outcome(request: Request, case: str, n: Small = 0, me: Acting = needs("outcome.see")) -> Response:
    """Show the outcome; before it is closed, only who has voted, and to the chair how it stands."""
    with me.store.read() as work:
        dossier = cases.latest(work, case)
        if n:
            found = work.execute(select(Dossier).where(Dossier.case == case, Dossier.n == n)).scalar_one_or_none()
            dossier = found or dossier
        closed = work.get(Closed, dossier.id)
        names = {p.id: p.name for p in work.execute(select(Person.id, Person.name))}
        standing = votes.counted(me.store, work, me.the_case, dossier)
        shown = votes.sees_others(work, me.person, me.member, dossier, may=me.can("answer.see_all"))
        query = select(Ballot, Person).join(Person, Person.id == Ballot.person).where(Ballot.dossier == dossier.id)
        ballots = work.execute(query.order_by(Person.name)).all() if shown else []
    told = Outcome.from_dict(closed.outcome) if closed else standing
    return page(
        request,
        "outcome.html",
        me,
        case=me.the_case,
        form=form_of(me.store, me.the_case),
        dossier=dossier,
        closed=closed,
        outcome=told,
        ballots=ballots,
        names=names,
        shown=shown,
    )


@router.post("/cases/{case}/outcome")
def close(
    case: str, dossier: Annotated[str, Form(max_length=80)] = "", me: Acting = needs("outcome.close")
) -> Response:
    """Count and close."""
    votes.close(me.store, me.person, case, dossier=dossier)
    return go(f"/cases/{case}/outcome")


@router.post("/cases/{case}/conditions/{n}")
def tick(
    case: str, n: Small, how: Annotated[str, Form(max_length=2000)], me: Acting = needs("condition.tick")
) -> Response:
    """Tick off a condition."""
    votes.tick(me.store, me.person, case, n, how)
    return go(f"/cases/{case}/outcome")
