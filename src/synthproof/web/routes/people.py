"""The chair's page of people: invite, block, offer a new password."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy import select

from synthproof.review.rights import ROLES
from synthproof.web.acts import people
from synthproof.web.guard import Acting, needs
from synthproof.web.models import Person, Pledge
from synthproof.web.pages import go, page
from synthproof.web.texts import EXPERTISE_WORDS, PLEDGES

router = APIRouter()


def _list(request: Request, me: Acting, *, link: str = "", whose: str = "") -> Response:
    with me.store.read() as work:
        found = work.execute(select(Person).order_by(Person.created)).scalars().all()
        pledges = work.execute(select(Pledge).where(Pledge.kind == "interest")).scalars()
        # What was declared, for the chair has to know before calling somebody; nothing where every answer was no.
        declared = {p.person: p.answers if "yes" in p.answers.get("answers", ()) else None for p in pledges}
    # Behind a proxy that does TLS the connection here is a plain one; the person's must not be.
    base = request.base_url.replace(scheme="https") if request.app.state.secure else request.base_url
    url = f"{base}link/{link}" if link else ""
    values: dict[str, Any] = {"people": found, "declared": declared, "link": url, "whose": whose}
    values["questions"] = PLEDGES["interest"].questions
    return page(request, "people.html", me, roles=ROLES, expertise=list(EXPERTISE_WORDS), **values)


@router.get("/people")
def show_people(request: Request, me: Acting = needs("people.see")) -> Response:
    """List everybody."""
    return _list(request, me)


@router.post("/people")
def invite(
    request: Request,
    login: Annotated[str, Form(max_length=200)],
    name: Annotated[str, Form(max_length=200)],
    role: Annotated[str, Form(max_length=20)],
    affiliation: Annotated[str, Form(max_length=200)] = "",
    position: Annotated[str, Form(max_length=200)] = "",
    expertise: Annotated[str, Form(max_length=40)] = "any",
    outside: Annotated[str, Form(max_length=5)] = "",
    me: Acting = needs("people.invite"),
) -> Response:
    """Invite somebody; the link is shown once."""
    told = {"login": login, "name": name, "role": role, "affiliation": affiliation, "position": position}
    person, token = people.invite(me.store, me.person, {**told, "expertise": expertise, "outside": outside == "yes"})
    return _list(request, me, link=token, whose=person.name)


@router.post("/people/{person}/block")
def block(
    person: str, blocked: Annotated[str, Form(max_length=5)] = "yes", me: Acting = needs("people.block")
) -> Response:
    """Shut somebody out, or let them in again."""
    people.block(me.store, me.person, person, blocked=blocked == "yes")
    return go("/people")


@router.post("/people/{person}/reset")
def reset(request: Request, person: str, me: Acting = needs("people.reset")) -> Response:
    """Offer a new password; the link is shown once."""
    whose, token = people.reset(me.store, me.person, person)
    return _list(request, me, link=token, whose=whose.name)
