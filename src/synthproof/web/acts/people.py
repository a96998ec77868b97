"""People come in by one-time links, pledge, and may be blocked or given a new password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session as Work

from synthproof.core.errors import UsageError
from synthproof.review.rights import ROLES
from synthproof.web.models import Person, Pledge
from synthproof.web.security import close_sessions, hash_password, make_link, open_link
from synthproof.web.store import HOUSE, Store, fresh_id, now
from synthproof.web.texts import EXPERTISE_WORDS, PLEDGES


def clean(text: str, limit: int, *, name: str, needed: bool = True) -> str:
    """Return a text field without control characters and outer spaces.

    Raises
    ------
    UsageError
        ``web/bad-input`` when it is empty (and needed) or too long.
    """
    kept = "".join(c for c in text.replace("\r\n", "\n") if c in "\n\t" or (c.isprintable() and c != "\x00")).strip()
    if (needed and not kept) or len(kept) > limit:
        raise UsageError("web/bad-input", name=name)
    return kept


def first_setup(store: Store) -> str:
    """Return the token of the setup link when nobody is here yet; else an empty string."""
    with store.write() as work:
        if work.execute(select(Person.id).limit(1)).first():
            return ""
        return make_link(work, None, "setup")


def invite(store: Store, by: Person, told: Mapping[str, Any]) -> tuple[Person, str]:
    """Return a new person and the token of their link.

    Parameters
    ----------
    told
        ``login, name, role, affiliation, position, expertise, outside``.
    """
    role = str(told.get("role", ""))
    expertise = str(told.get("expertise", "any"))
    if role not in ROLES:
        raise UsageError("web/bad-input", name="role")
    if expertise not in EXPERTISE_WORDS:
        raise UsageError("web/bad-input", name="expertise")
    person = Person(
        id=fresh_id(),
        login=clean(str(told.get("login", "")).casefold(), 200, name="login"),
        name=clean(str(told.get("name", "")), 200, name="name"),
        role=role,
        affiliation=clean(str(told.get("affiliation", "")), 200, name="affiliation", needed=False),
        position=clean(str(told.get("position", "")), 200, name="position", needed=False),
        expertise=expertise,
        outside=bool(told.get("outside")),
        created=now(),
    )
    with store.write() as work:
        if work.execute(select(Person.id).where(Person.login == person.login)).first():
            raise UsageError("web/bad-input", name="login")
        work.add(person)
        work.flush()
        token = make_link(work, person.id, "invite")
        store.note(work, HOUSE, by.id, "person.invited", fields={"person": person.id, **_facts(person)})
    return person, token


def join(store: Store, token: str, password: str, *, login: str = "", name: str = "") -> Person:
    """Use a link: set the password; the first link of all makes the chair.

    Raises
    ------
    UsageError
        ``web/link-void``, ``web/weak-password`` or ``web/bad-input``.
    """
    with store.read() as work:
        link = open_link(work, token)
        known = work.get(Person, link.person) if link.person else None
    login = known.login if known else clean(login.casefold(), 200, name="login")
    hashed = hash_password(password, login=login)  # slow on purpose, so outside of the transaction
    with store.write() as work:
        link = open_link(work, token, lock=True)
        link.used = now()
        if link.person is None:
            person = _first_chair(work, login, clean(name, 200, name="name"))
            store.note(work, HOUSE, person.id, "person.joined", fields={"person": person.id, **_facts(person)})
        else:
            person = work.get_one(Person, link.person)
            act = "person.joined" if link.kind == "invite" else "person.password"
            store.note(work, HOUSE, person.id, act, fields={"person": person.id})
        person.password = hashed
        person.failures, person.locked_until = 0, None
        close_sessions(work, person.id)
    return person


def _first_chair(work: Work, login: str, name: str) -> Person:
    if work.execute(select(Person.id).limit(1)).first():
        raise UsageError("web/link-void", days=0)
    person = Person(id=fresh_id(), login=login, name=name, role="chair", outside=False, created=now())
    work.add(person)
    work.flush()
    return person


def block(store: Store, by: Person, person_id: str, *, blocked: bool) -> None:
    """Shut somebody out at once, or let them in again."""
    with store.write() as work:
        person = _other(work, by, person_id)
        person.blocked = blocked
        close_sessions(work, person.id)
        store.note(work, HOUSE, by.id, "person.blocked", fields={"person": person.id, "blocked": blocked})


def reset(store: Store, by: Person, person_id: str) -> tuple[Person, str]:
    """Return the token of a link with which a person sets a new password; the old one ends at once."""
    with store.write() as work:
        person = _other(work, by, person_id)
        return person, _offer(store, work, by.id, person)


def reset_here(store: Store, login: str) -> str:
    """Return a link's token like `reset`, asked for on the server itself: for a chair whom no other chair can help.

    Raises
    ------
    UsageError
        ``web/bad-input`` when nobody has this login.
    """
    with store.write() as work:
        person = work.execute(select(Person).where(Person.login == login.strip().casefold())).scalar_one_or_none()
        if person is None:
            raise UsageError("web/bad-input", where="review reset", name=login)
        return _offer(store, work, "server", person)


def _offer(store: Store, work: Work, by: str, person: Person) -> str:
    kind = "reset" if person.password else "invite"
    person.password = ""
    close_sessions(work, person.id)
    token = make_link(work, person.id, kind)
    store.note(work, HOUSE, by, "person.reset", fields={"person": person.id})
    return token


def change_password(store: Store, person: Person, password: str) -> None:
    """Set a person's own new password; all sessions end."""
    hashed = hash_password(password, login=person.login)
    with store.write() as work:
        kept = work.get_one(Person, person.id)
        kept.password = hashed
        close_sessions(work, person.id)
        store.note(work, HOUSE, person.id, "person.password", fields={"person": person.id})


def pledge(store: Store, person: Person, answers: Mapping[str, str], remarks: str) -> None:
    """Sign both pledges.

    Parameters
    ----------
    answers
        ``yes`` or ``no`` by the number of the item, from 0.
    remarks
        Needed when one of them is yes.
    """
    items = PLEDGES["interest"].questions
    given = [answers.get(str(i), "") for i in range(len(items))]
    if any(g not in ("yes", "no") for g in given):
        raise UsageError("web/bad-input", name="interest")
    text = clean(remarks, 2000, name="remarks", needed="yes" in given)
    with store.write() as work:
        for kind, wording in PLEDGES.items():
            told: dict[str, Any] = {"answers": given, "remarks": text} if kind == "interest" else {}
            kept = work.get(Pledge, (person.id, kind))
            if kept is None:
                work.add(Pledge(person=person.id, kind=kind, text_digest=wording.digest, answers=told, at=now()))
            else:
                kept.text_digest, kept.answers, kept.at = wording.digest, told, now()
            fields = {"kind": kind, "text": wording.digest, **told}
            store.note(work, HOUSE, person.id, "pledge.signed", fields=fields)


def _other(work: Work, by: Person, person_id: str) -> Person:
    person = work.get(Person, person_id)
    if person is None or person.id == by.id:
        raise UsageError("web/bad-input", name="person")
    return person


def _facts(person: Person) -> dict[str, Any]:
    names = ("login", "name", "role", "affiliation", "position", "expertise")
    return {**{n: getattr(person, n) or "" for n in names}, "outside": bool(person.outside)}
