"""Answers, ballots, the outcome, and the conditions that follow from it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session as Work

from synthproof.core.errors import UsageError
from synthproof.core.words import Words
from synthproof.dossier.seal import check_seal
from synthproof.review import settle as rules
from synthproof.review.form import Form
from synthproof.review.rights import reach
from synthproof.review.stages import COMMITTEE
from synthproof.web.acts.cases import chain_of, check_open, latest
from synthproof.web.acts.people import clean
from synthproof.web.forms import form_of
from synthproof.web.models import Answer, Ballot, Case, Closed, Dossier, Member, Person
from synthproof.web.store import Store, now


def _locked(work: Work, case_id: str) -> tuple[Case, Dossier]:
    """Return case and dossier with the case's row locked: nobody closes it between this look and the vote."""
    case = work.execute(select(Case).where(Case.id == case_id).with_for_update()).scalar_one()
    return case, check_open(work, case)


def answer(
    store: Store, by: Person, case_id: str, question: str, value: str, reason: str, *, dossier: str = ""
) -> None:
    """Give, or change, an answer. Sending the same one twice changes nothing and adds no line.

    Parameters
    ----------
    dossier
        Digest that the page showed; when another has come in meanwhile the answer is refused.
    """
    with store.write() as work:
        case, current = _locked(work, case_id)
        _same(current, dossier)
        asked = form_of(store, case).question(question)
        given = rules.Answer(question=question, value=value, reason=clean(reason, 5000, name="reason", needed=False))  # type: ignore[arg-type]
        rules.check_answer(asked, given)
        kept = work.get(Answer, (current.id, by.id, question), with_for_update=True)
        if kept is not None and (kept.value, kept.reason) == (given.value, given.reason):
            return
        if work.get(Ballot, (current.id, by.id)) is not None:
            _final_when_seen(by)
        if kept is None:
            work.add(
                Answer(
                    dossier=current.id,
                    person=by.id,
                    question=question,
                    value=given.value,
                    reason=given.reason,
                    at=now(),
                )
            )
        else:
            kept.value, kept.reason, kept.at = given.value, given.reason, now()
            _void(work, current.id, by.id)
        fields = {"question": question, "value": given.value, "reason": given.reason}
        store.note(work, chain_of(case_id), by.id, "answer.given", subject=current.digest, fields=fields)


def _void(work: Work, dossier: str, person: str) -> None:
    """A vote rests on its answers: when one changes, the vote must be cast again."""
    kept = work.get(Ballot, (dossier, person))
    if kept is not None:
        work.delete(kept)


def cast(
    store: Store,
    by: Person,
    case_id: str,
    overall: str,
    opinion: str,
    conditions: Sequence[str],
    *,
    dossier: str = "",
) -> None:
    """Vote, on the answers given so far. The same vote sent twice counts once and adds no line."""
    with store.write() as work:
        case, current = _locked(work, case_id)
        _same(current, dossier)
        form = form_of(store, case)
        member = as_member(work.get_one(Member, (case_id, by.id)), by)
        owed = {q.id for q in member.owes(form)}  # what was answered before questions were given to others stays there
        ballot = rules.Ballot(
            person=by.id,
            dossier=current.digest,
            overall=overall,  # type: ignore[arg-type]
            answers=tuple(a for a in answers_of(work, current.id, by.id, form) if a.question in owed),
            opinion=clean(opinion, 5000, name="opinion", needed=False),
            conditions=tuple(clean(c, 1000, name="conditions") for c in conditions if c.strip()),
        )
        rules.check_ballot(form, member, ballot)
        told = [{"question": a.question, "value": a.value, "reason": a.reason} for a in ballot.answers]
        fields = {
            "overall": ballot.overall,
            "answers": told,
            "opinion": ballot.opinion,
            "conditions": list(ballot.conditions),
        }
        kept = work.get(Ballot, (current.id, by.id), with_for_update=True)
        if kept is not None:
            if all(getattr(kept, k) == v for k, v in fields.items()):
                return
            _final_when_seen(by)
            for name, value in fields.items():
                setattr(kept, name, value)
            kept.at = now()
        else:
            work.add(Ballot(dossier=current.id, person=by.id, at=now(), **fields))
        store.note(work, chain_of(case_id), by.id, "ballot.cast", subject=current.digest, fields=fields)


def answers_of(work: Work, dossier: str, person: str, form: Form) -> tuple[rules.Answer, ...]:
    """Return one person's present answers, in the form's order."""
    rows = work.execute(select(Answer).where(Answer.dossier == dossier, Answer.person == person)).scalars()
    found = {a.question: a for a in rows}
    return tuple(
        rules.Answer(question=q.id, value=found[q.id].value, reason=found[q.id].reason)  # type: ignore[arg-type]
        for q in form.questions
        if q.id in found
    )


def sees_others(work: Work, person: Person, member: Member | None, dossier: Dossier, *, may: bool) -> bool:
    """Return whether somebody sees what others answered and voted on a dossier.

    Everybody does once the outcome is closed. Before that: whoever has the right, a chair or an auditor, and has no vote of
    their own to give; a chair with a vote sees the others' only after having voted.

    Parameters
    ----------
    may
        Whether the table of rights lets the person see all answers before the end.
    """
    if work.get(Closed, dossier.id) is not None:
        return True
    if not may or member is None or not member.votes or member.conflict:
        return may
    return work.get(Ballot, (dossier.id, person.id)) is not None


def _final_when_seen(person: Person) -> None:
    """Refuse a second vote of somebody who has seen the others' since the first: it would not be their own any more."""
    if reach(person.role, "answer.see_all"):  # type: ignore[arg-type]
        raise UsageError("web/vote-stands")


def as_member(member: Member, person: Person) -> rules.Member:
    """Return a member as `review.settle` counts them."""
    return rules.Member(
        person=person.id, outside=bool(person.outside), questions=tuple(member.questions), conflict=member.conflict
    )


def counted(store: Store, work: Work, case: Case, dossier: Dossier) -> rules.Outcome:
    """Return the outcome as it would be now; nothing is closed."""
    form = form_of(store, case)
    rows = work.execute(
        select(Member, Person).join(Person, Person.id == Member.person).where(Member.case == case.id, Member.votes)
    )
    members = [as_member(m, p) for m, p in rows]
    ballots = [
        rules.Ballot(
            person=b.person,
            dossier=dossier.digest,
            overall=b.overall,  # type: ignore[arg-type]
            answers=tuple(rules.Answer(**a) for a in b.answers),
            opinion=b.opinion,
            conditions=tuple(b.conditions),
        )
        for b in work.execute(select(Ballot).where(Ballot.dossier == dossier.id)).scalars()
    ]
    return rules.settle(form, members, ballots, dossier=dossier.digest)


def close(store: Store, by: Person, case_id: str, *, dossier: str = "") -> rules.Outcome:
    """Count, and fix the outcome for this digest; the dossier is compared with its seal once more.

    Raises
    ------
    UsageError
        ``web/decided`` while something is missing.
    StateError
        ``state/damaged`` when a file is no longer as it was sealed.
    """
    with store.read() as work:
        sealed = check_seal(store.dossiers / latest(work, case_id).id)
    with store.write() as work:
        case, current = _locked(work, case_id)
        _same(current, dossier or str(sealed["digest"]))
        outcome = counted(store, work, case, current)
        if outcome.missing:
            raise UsageError("web/decided", reason=outcome.missing[0])
        work.add(Closed(dossier=current.id, outcome=outcome.to_dict(), ticked={}, by=by.id, at=now()))
        fields = {"outcome": outcome.to_dict()}
        store.note(work, chain_of(case_id), by.id, "outcome.closed", subject=current.digest, fields=fields)
    return outcome


def tick(store: Store, by: Person, case_id: str, n: int, text: str) -> None:
    """Note that a condition was fulfilled, and how that is known."""
    with store.write() as work:
        case = work.execute(select(Case).where(Case.id == case_id).with_for_update()).scalar_one()
        current = latest(work, case.id)
        closed = work.get(Closed, current.id)
        if case.stage != COMMITTEE or closed is None or not 0 <= n < len(closed.outcome["conditions"]):
            raise UsageError("web/bad-input", name="condition")
        if str(n) in closed.ticked:
            return
        told = clean(text, 2000, name="how")
        closed.ticked = {**closed.ticked, str(n): told}
        fields = {"n": n, "text": closed.outcome["conditions"][n]["text"], "how": told}
        store.note(work, chain_of(case_id), by.id, "condition.ticked", subject=current.digest, fields=fields)


def _same(current: Dossier, shown: str) -> None:
    if shown and shown != current.digest:
        n = current.n
        words = Words(en=f"dossier {n} has come in meanwhile", ko=f"그사이 심의자료 제{n}호가 등록됨")
        raise UsageError("web/decided", reason=words)
