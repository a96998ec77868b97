"""Cases: a dossier comes in, members are called, stages move, words are exchanged, the case goes out."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import func, select
from sqlalchemy.orm import Session as Work

from synthproof.core.errors import DataError, UsageError
from synthproof.core.fingerprint import canonical_json
from synthproof.core.words import Words
from synthproof.dossier.journal_file import SUFFIX
from synthproof.review.record import JOURNAL
from synthproof.review.rights import reach
from synthproof.review.stages import COMMITTEE, Result, move
from synthproof.web.acts.people import clean
from synthproof.web.facts import facts_of
from synthproof.web.forms import form_of, keep_form
from synthproof.web.intake import keep, taken_in
from synthproof.web.models import Answer, Ballot, Case, Closed, Comment, Dossier, Member, Person
from synthproof.web.store import Store, fresh_id, now

VOTING = {"chair", "reviewer"}


def chain_of(case: str) -> str:
    """Return the name of a case's journal."""
    return f"case:{case}"


def latest(work: Work, case: str) -> Dossier:
    """Return the dossier that lies before the committee now: the last one that came in."""
    return work.execute(select(Dossier).where(Dossier.case == case).order_by(Dossier.n.desc()).limit(1)).scalar_one()


def open_case(store: Store, by: Person, source: Path | BinaryIO, *, title: str, form: str = "pipc_guide") -> Case:
    """Return a new case with its first dossier.

    Raises
    ------
    StateError, DataError
        When the dossier is not one, is not as it was sealed, or reaches out of its folder.
    """
    rules, form = keep_form(store, form)
    case = Case(
        id=fresh_id(), title=clean(title, 300, name="title"), form=form, stage=3, created_by=by.id, created=now()
    )
    dossier = Dossier(id=fresh_id(), case=case.id, n=1, by=by.id, at=now())
    with taken_in(source, store.dossiers) as (folder, sealed):
        _fill(dossier, folder, sealed)
        keep(folder, store.dossiers / dossier.id)
    with store.write() as work:
        work.add(case)
        work.flush()
        work.add_all([dossier, Member(case=case.id, person=by.id, questions=[], votes=False)])
        chain = chain_of(case.id)
        store.begin_chain(work, chain)
        fields = {"case": case.id, "title": case.title, "form": rules.id, "form_version": rules.version}
        store.note(work, chain, by.id, "case.opened", fields={**fields, "form_digest": rules.digest})
        store.note(work, chain, by.id, "dossier.imported", subject=dossier.digest, fields=_imported(dossier))
    return case


def renew_case(store: Store, by: Person, case_id: str, source: Path | BinaryIO) -> Dossier:
    """Return a later dossier of a case; votes on the earlier one do not count for it.

    Raises
    ------
    DataError
        ``web/same-dossier`` when it is one that the case has already.
    """
    dossier = Dossier(id=fresh_id(), case=case_id, by=by.id, at=now())
    with taken_in(source, store.dossiers) as (folder, sealed):
        _fill(dossier, folder, sealed)
        with store.read() as work:  # before it takes a place: one that is refused leaves no copy behind
            _new_here(work, case_id, dossier)
        keep(folder, store.dossiers / dossier.id)
    with store.write() as work:
        case = work.execute(select(Case).where(Case.id == case_id).with_for_update()).scalar_one()
        known = _new_here(work, case_id, dossier)
        dossier.n = known + 1
        work.add(dossier)
        work.flush()
        store.note(
            work, chain_of(case.id), by.id, "dossier.imported", subject=dossier.digest, fields=_imported(dossier)
        )
    return dossier


def _new_here(work: Work, case_id: str, dossier: Dossier) -> int:
    """Return how many dossiers the case has; refuse one of them."""
    known = work.execute(select(Dossier.digest).where(Dossier.case == case_id)).scalars().all()
    if dossier.digest in known:
        raise DataError("web/same-dossier")
    return len(known)


def _fill(dossier: Dossier, folder: Path, sealed: dict[str, Any]) -> None:
    dossier.digest, dossier.parent = str(sealed["digest"]), str(sealed.get("parent", ""))
    dossier.facts = facts_of(folder, sealed)


def _imported(dossier: Dossier) -> dict[str, Any]:
    return {"n": dossier.n, "parent": dossier.parent, "result": dossier.facts["result"]}


def call_member(
    store: Store, by: Person, case_id: str, person_id: str, *, questions: Sequence[str] = (), due: str = ""
) -> None:
    """Call somebody to a case, or change what they were given; readers and auditors are not called.

    A vote covers the questions that its member was given. With others given it is void and must be cast again, unless the
    member has seen the others' votes since: then the questions stay as they are.
    """
    if due:
        try:
            date.fromisoformat(due)
        except ValueError as error:
            raise UsageError("web/bad-input", name="due") from error
    with store.write() as work:
        # Locked, for whether somebody answered meanwhile decides what may be given.
        case = work.execute(select(Case).where(Case.id == case_id).with_for_update()).scalar_one()
        person = work.get(Person, person_id)
        if person is None or person.blocked or person.role not in {*VOTING, "steward"}:
            raise UsageError("web/bad-input", name="person")
        form = form_of(store, case)
        asked = [form.question(q).id for q in dict.fromkeys(questions)]
        kept = work.get(Member, (case_id, person_id))
        if reach(person.role, "answer.see_all") and not (kept and kept.votes) and _answered(work, case_id):  # type: ignore[arg-type]
            raise UsageError("web/has-seen", name=person.name)
        if kept is None:
            kept = Member(case=case_id, person=person_id)
            work.add(kept)
        elif set(kept.questions) != set(asked):
            _vote_again(work, case_id, person)
        kept.questions, kept.due, kept.votes = asked, due, person.role in VOTING
        told = {"person": person.id, "name": person.name, "role": person.role, "affiliation": person.affiliation}
        told |= {"position": person.position, "expertise": person.expertise}
        fields = {**told, "outside": person.outside, "questions": asked, "due": due, "votes": kept.votes}
        store.note(work, chain_of(case_id), by.id, "member.called", fields=fields)


def _answered(work: Work, case_id: str) -> bool:
    """Return whether anybody answered about the dossier that lies before the committee and is not decided yet."""
    dossier = latest(work, case_id)
    given = select(Answer.person).where(Answer.dossier == dossier.id).limit(1)
    return work.get(Closed, dossier.id) is None and work.execute(given).first() is not None


def _vote_again(work: Work, case_id: str, person: Person) -> None:
    """Take a vote off the table that is still open, for its member is given other questions."""
    dossier = latest(work, case_id)
    ballot = work.get(Ballot, (dossier.id, person.id))
    if ballot is None or work.get(Closed, dossier.id) is not None:
        return
    if reach(person.role, "answer.see_all"):  # type: ignore[arg-type]
        raise UsageError("web/has-seen", name=person.name)
    work.delete(ballot)


def declare_conflict(store: Store, person: Person, case_id: str, reason: str) -> None:
    """Withdraw from voting on a case, for good."""
    with store.write() as work:
        member = work.get(Member, (case_id, person.id))
        if member is None or not member.votes:
            raise UsageError("web/bad-input", name="person")
        member.conflict = True
        fields = {"reason": clean(reason, 2000, name="reason")}
        store.note(work, chain_of(case_id), person.id, "member.conflict", fields=fields)


def move_case(store: Store, by: Person, case_id: str, to: int, because: str, *, only_forward_to: int = 0) -> None:
    """Move a case by the rules of `review.stages`; a steward only forward, up to the committee."""
    with store.write() as work:
        case = work.execute(select(Case).where(Case.id == case_id).with_for_update()).scalar_one()
        if only_forward_to and not case.stage < to <= only_forward_to:
            raise UsageError("review/no-such-step", stage=case.stage, to=to)
        dossier = latest(work, case.id)
        closed = work.get(Closed, dossier.id)
        result: Result = closed.outcome["result"] if closed else "open"
        left = len(closed.outcome["conditions"]) - len(closed.ticked) if closed else 0
        text = clean(because, 2000, name="because", needed=False)
        step = move(case.stage, to, because=text, result=result, open_conditions=left)
        case.stage = step.after
        store.note(work, chain_of(case.id), by.id, "stage.moved", subject=dossier.digest, fields=step.to_dict())


def say(
    store: Store, by: Person, case_id: str, kind: str, text: str, *, question: str = "", parent: str = ""
) -> Comment:
    """Write a comment, a question to the steward, or the reply to one."""
    acts = {"comment": "comment.written", "ask": "question.asked", "reply": "question.replied"}
    with store.write() as work:
        case = work.get_one(Case, case_id)
        if question:
            form_of(store, case).question(question)
        dossier = latest(work, case_id)
        if kind == "reply":
            first = work.get(Comment, parent)
            if first is None or first.case != case_id or first.kind != "ask":
                raise UsageError("web/bad-input", name="parent")
            question = first.question
        said = Comment(
            id=fresh_id(),
            case=case_id,
            dossier=dossier.id,
            question=question,
            kind=kind,
            parent=parent if kind == "reply" else "",
            person=by.id,
            text=clean(text, 5000, name="text"),
            at=now(),
        )
        work.add(said)
        fields = {"id": said.id, "question": question, "to": said.parent, "text": said.text}
        store.note(work, chain_of(case_id), by.id, acts[kind], subject=dossier.digest, fields=fields)
    return said


def unanswered(work: Work, case_id: str) -> int:
    """Return the number of questions to the steward that have no reply."""
    replied = select(Comment.parent).where(Comment.case == case_id, Comment.kind == "reply")
    query = select(func.count()).where(Comment.case == case_id, Comment.kind == "ask", Comment.id.not_in(replied))
    return work.execute(query).scalar_one()


def export_case(store: Store, case_id: str, by: str) -> bytes:
    """Return a case as a zip: its journal with the anchor, which is all that a release needs.

    Raises
    ------
    StateError
        ``journal/broken``: a journal that is not whole is not given out.
    """
    with store.write() as work:
        work.get_one(Case, case_id)
        store.note(work, chain_of(case_id), by, "case.exported")
        lines = store.journal(work, chain_of(case_id))
    return packed_journal([line.text() for line in lines], lines[-1].anchor.to_dict())


def packed_journal(texts: Sequence[str], anchor: dict[str, Any], more: dict[str, bytes] | None = None) -> bytes:
    """Return a zip of journal lines, byte for byte, with their anchor."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in {
            JOURNAL: "".join(t + "\n" for t in texts).encode(),
            JOURNAL + SUFFIX: (canonical_json(anchor) + "\n").encode(),
            **(more or {}),
        }.items():
            packed.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def check_open(work: Work, case: Case) -> Dossier:
    """Return the dossier that may be voted on now.

    Raises
    ------
    UsageError
        ``web/decided`` outside of the committee's stage, or after the outcome was closed.
    """
    dossier = latest(work, case.id)
    if case.stage != COMMITTEE:
        words = Words(en=f"stage {case.stage}, not {COMMITTEE}", ko=f"현재 {case.stage}단계({COMMITTEE}단계 아님)")
        raise UsageError("web/decided", reason=words)
    if work.get(Closed, dossier.id) is not None:
        n = dossier.n
        words = Words(en=f"dossier {n}: outcome closed", ko=f"심의자료 제{n}호: 심의 결과가 확정됨")
        raise UsageError("web/decided", reason=words)
    return dossier
