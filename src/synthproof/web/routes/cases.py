"""Cases: the list with who owes what, one case, its members and stages, what came in and what goes out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, UploadFile
from fastapi.responses import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Work

from synthproof.core.errors import UsageError
from synthproof.review.form import SHIPPED, load_form
from synthproof.review.rights import reach
from synthproof.review.stages import COMMITTEE, Move
from synthproof.web.acts import cases
from synthproof.web.acts.votes import counted, sees_others
from synthproof.web.forms import form_of
from synthproof.web.guard import Acting, needs
from synthproof.web.models import (
    Answer,
    Ballot,
    Case,
    Closed,
    Comment,
    Dossier,
    Member,
    Panel,
    PanelReader,
    Person,
)
from synthproof.web.pages import go, page
from synthproof.web.store import HOUSE

router = APIRouter()


@router.get("/")
def home(request: Request, me: Acting = needs("case.list")) -> Response:
    """List the cases and panels that are one's own, with what is owed."""
    everywhere = reach(me.role, "case.list") == "everywhere"
    with me.store.read() as work:
        query = select(Case).order_by(Case.created.desc())
        if not everywhere:
            mine = select(Member.case).where(Member.person == me.person.id)
            query = query.where(Case.id.in_(mine))
        rows = [_row(work, me, case) for case in work.execute(query.limit(500)).scalars()]
        panels = _panels(work, me)
    return page(request, "home.html", me, rows=rows, panels=panels)


def _row(work: Work, me: Acting, case: Case) -> dict[str, Any]:
    dossier = cases.latest(work, case.id)
    closed = work.get(Closed, dossier.id)
    member = work.get(Member, (case.id, me.person.id))
    owed: list[tuple[str, int]] = []
    if case.stage == COMMITTEE and closed is None and member and member.votes and not member.conflict:
        asked = set(member.questions) or {q.id for q in form_of(me.store, case).questions}
        given = select(Answer.question).where(Answer.dossier == dossier.id, Answer.person == me.person.id)
        left = len(asked - set(work.execute(given).scalars()))
        voted = work.get(Ballot, (dossier.id, me.person.id)) is not None
        owed = [("answers", left)] if left > 0 else [] if voted else [("vote", 1)]
    if me.can_here(case, member, "comment.reply") and (waiting := cases.unanswered(work, case.id)):
        owed.append(("replies", waiting))
    return {
        "case": case,
        "dossier": dossier,
        "outcome": closed.outcome["result"] if closed else "open",
        "owed": owed,
        "due": member.due if member else "",
    }


def _panels(work: Work, me: Acting) -> list[dict[str, Any]]:
    if me.role == "reader":
        query = select(Panel).join(PanelReader).where(PanelReader.person == me.person.id)
    elif reach(me.role, "panel.result") == "everywhere":
        query = select(Panel)
    elif reach(me.role, "panel.open"):
        query = select(Panel).where(Panel.by == me.person.id)
    else:
        return []
    out = []
    for panel in work.execute(query.order_by(Panel.at.desc()).limit(200)).scalars():
        mine = work.get(PanelReader, (panel.id, me.person.id))
        out.append({"panel": panel, "finished": mine is not None and mine.finished is not None})
    return out


@router.get("/new")
def new_case(request: Request, me: Acting = needs("case.import")) -> Response:
    """Show the form with which a dossier comes in."""
    return page(request, "new.html", me, forms=[load_form(name) for name in SHIPPED])


@router.post("/cases/upload")
def import_case(
    file: UploadFile,
    title: Annotated[str, Form(max_length=300)],
    form: Annotated[str, Form(max_length=40)] = "pipc_guide",
    me: Acting = needs("case.import"),
) -> Response:
    """Bring in a dossier (zip) as a new case."""
    if form not in SHIPPED:  # an institution's own form is a path on the server: for its command line only
        raise UsageError("web/bad-input", name="form")
    case = cases.open_case(me.store, me.person, file.file, title=title, form=form)
    return go(f"/cases/{case.id}")


@router.get("/cases/{case}")
def show_case(request: Request, case: str, me: Acting = needs("case.read")) -> Response:
    """Show one case."""
    with me.store.read() as work:
        dossiers = work.execute(select(Dossier).where(Dossier.case == case).order_by(Dossier.n.desc())).scalars().all()
        current = dossiers[0]
        closed = {d.id: work.get(Closed, d.id) for d in dossiers}
        rows = work.execute(
            select(Member, Person)
            .join(Person, Person.id == Member.person)
            .where(Member.case == case)
            .order_by(Person.name)
        ).all()
        voted = set(work.execute(select(Ballot.person).where(Ballot.dossier == current.id)).scalars())
        people = work.execute(
            select(Person)
            .where(Person.role.in_(("chair", "reviewer", "steward")), Person.blocked.is_(False))
            .order_by(Person.name)
        ).scalars().all()  # fmt: skip
        outcome = counted(me.store, work, me.the_case, current)
        waiting = cases.unanswered(work, case)
        said = work.execute(select(func.count()).where(Comment.case == case)).scalar_one()
        chain = cases.chain_of(case)
        moves = [(x, Move.from_dict(x.fields or {})) for x in me.store.told(work, chain, "stage.moved")]
        # Why somebody may not vote is for those who see the whole journal.
        told = me.store.told(work, chain, "member.conflict") if me.can("journal.read") else []
        names = {p.id: p.name for p in work.execute(select(Person.id, Person.name))}
    return page(
        request,
        "case.html",
        me,
        case=me.the_case,
        form=form_of(me.store, me.the_case),
        dossiers=dossiers,
        current=current,
        closed=closed,
        members=rows,
        voted=voted,
        people=people,
        missing=outcome.missing,
        waiting=waiting,
        moves=moves[::-1],
        conflicts={x.person: str((x.fields or {}).get("reason", "")) for x in told},
        names=names,
        said=said,
    )


@router.post("/cases/{case}/upload")
def renew(case: str, file: UploadFile, me: Acting = needs("case.renew")) -> Response:
    """Bring in a later dossier."""
    cases.renew_case(me.store, me.person, case, file.file)
    return go(f"/cases/{case}")


@router.post("/cases/{case}/members")
def call(
    case: str,
    person: Annotated[str, Form(max_length=40)],
    questions: Annotated[list[str] | None, Form()] = None,
    due: Annotated[str, Form(max_length=10)] = "",
    me: Acting = needs("case.members"),
) -> Response:
    """Call a member, give questions and a date."""
    cases.call_member(me.store, me.person, case, person, questions=questions or (), due=due)
    return go(f"/cases/{case}#members")


@router.post("/cases/{case}/submit")
def submit(case: str, me: Acting = needs("case.submit")) -> Response:
    """Ask for review: from verification to the committee."""
    cases.move_case(me.store, me.person, case, me.the_case.stage + 1, "", only_forward_to=COMMITTEE)
    return go(f"/cases/{case}")


@router.post("/cases/{case}/stage")
def move(
    case: str,
    to: Annotated[int, Form(ge=1, le=5)],
    because: Annotated[str, Form(max_length=2000)] = "",
    me: Acting = needs("case.move"),
) -> Response:
    """Move the case, or return it with a reason."""
    cases.move_case(me.store, me.person, case, to, because)
    return go(f"/cases/{case}")


@router.get("/cases/{case}/journal")
def journal(request: Request, case: str, me: Acting = needs("journal.read")) -> Response:
    """Show the journal, verified."""
    with me.store.read() as work:
        lines = me.store.journal(work, cases.chain_of(case))
        names = {p.id: p.name for p in work.execute(select(Person.id, Person.name))}
    shown = lines[::-1][:1000]
    return page(request, "journal.html", me, case=me.the_case, lines=shown, n=len(lines), names=names, whom={})


@router.get("/journal")
def house_journal(request: Request, me: Acting = needs("journal.read")) -> Response:
    """Show the journal of the server itself: who was invited, let in, blocked, given a new password, and who pledged."""
    with me.store.read() as work:
        lines = me.store.journal(work, HOUSE)
        names = {p.id: p.name for p in work.execute(select(Person.id, Person.name))}
    whom = {x.n: names.get(str((x.fields or {}).get("person", "")), "") for x in lines}
    shown = lines[::-1][:1000]
    return page(request, "journal.html", me, case=None, lines=shown, n=len(lines), names=names, whom=whom)


@router.post("/cases/{case}/export")
def export(case: str, me: Acting = needs("case.export")) -> Response:
    """Give out the case: its journal with the anchor."""
    with me.store.read() as work:
        dossier = cases.latest(work, case)
        voting = work.execute(select(Answer.person).where(Answer.dossier == dossier.id).limit(1)).first() is not None
        if voting and not sees_others(work, me.person, me.member, dossier, may=me.can("answer.see_all")):
            raise UsageError("web/still-voting")  # the journal holds what everybody answered
    data = cases.export_case(me.store, case, me.person.id)
    head = {"content-disposition": f'attachment; filename="case-{case[:8]}.zip"'}
    return Response(data, media_type="application/zip", headers=head)
