"""Coming in and going out: links, login, pledges, own password, language."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from synthproof.core.errors import UsageError
from synthproof.core.words import LANGS
from synthproof.review.rights import ROLES, table
from synthproof.web.acts.people import change_password, join, pledge
from synthproof.web.guard import COOKIE, Acting, needs
from synthproof.web.models import Person, Pledge
from synthproof.web.pages import go, page
from synthproof.web.security import (
    LONGEST_HOURS,
    RateLimit,
    count_failure,
    known_browser,
    known_mark,
    log_in,
    open_link,
    open_session,
    who_knocks,
)
from synthproof.web.store import HOUSE, Store
from synthproof.web.texts import PLEDGES

router = APIRouter()
KNOWN = "synthproof_known"
KNOWN_DAYS = 180
PUBLIC = frozenset({"/login", "/link/{token}", "/lang/{lang}", "/static/{name}", "/healthy"})


def _knock(request: Request) -> Store:
    """Count a stranger's try; the address is that of the connection, which nobody can make up."""
    knocks: RateLimit = request.app.state.knocks
    if not knocks.allow(who_knocks(request.client.host) if request.client else "?"):
        raise UsageError("web/too-often", n=knocks.most, seconds=int(knocks.seconds))
    store: Store = request.app.state.store
    return store


def _let_in(request: Request, store: Store, person: Person) -> Response:
    with store.write() as work:
        kept = work.get_one(Person, person.id)
        token, mark = open_session(work, kept, old=request.cookies.get(COOKIE, "")), known_mark(kept)
    answer = go("/")
    secure = bool(request.app.state.secure)
    for name, value, age in ((COOKIE, token, LONGEST_HOURS * 3600), (KNOWN, mark, KNOWN_DAYS * 86400)):
        answer.set_cookie(name, value, max_age=age, httponly=True, samesite="lax", secure=secure, path="/")
    return answer


@router.get("/healthy")
def healthy() -> dict[str, str]:
    """Say that the server answers; nothing else."""
    return {"state": "ok"}


@router.get("/lang/{lang}")
def choose_language(request: Request, lang: str, to: str = "/") -> Response:
    """Keep the language in a cookie and go back."""
    # Only a path of this server: another address after // would lead people away.
    answer = go(to if to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable() else "/")
    if lang in LANGS:
        answer.set_cookie(
            "lang", lang, max_age=365 * 86400, samesite="lax", secure=bool(request.app.state.secure), httponly=True
        )
    return answer


@router.get("/link/{token}")
def show_link(request: Request, token: str) -> Response:
    """Show the form behind a one-time link."""
    with _knock(request).read() as work:
        link = open_link(work, token)
        person = work.get(Person, link.person) if link.person else None
    return page(request, "link.html", person=person, kind=link.kind)


@router.post("/link/{token}")
def use_link(
    request: Request,
    token: str,
    password: Annotated[str, Form(max_length=2000)],
    again: Annotated[str, Form(max_length=2000)],
    login: Annotated[str, Form(max_length=200)] = "",
    name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Set the password and come in."""
    store = _knock(request)
    if password != again:
        raise UsageError("web/bad-input", name="again")
    return _let_in(request, store, join(store, token, password, login=login, name=name))


@router.get("/login")
def show_login(request: Request) -> Response:
    """Show the login form."""
    return page(request, "login.html")


@router.post("/login")
def do_login(
    request: Request,
    login: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=2000)],
) -> Response:
    """Let somebody in; the session is new, whatever cookie came along.

    A browser that its person has come in with before has tries of its own: a stranger who locks the account, or uses up
    the knocks of everybody behind one proxy, keeps nobody out who has been here.
    """
    store: Store = request.app.state.store
    tries: RateLimit = request.app.state.known
    with store.read() as work:
        whose = known_browser(work, login, request.cookies.get(KNOWN, ""))
    known = bool(whose) and tries.allow(whose)
    if not known:
        _knock(request)
    try:
        with store.read() as work:
            person = log_in(work, login, password, known=known)
    except UsageError:
        with store.write() as work:
            locked = count_failure(work, login)
            if locked is not None:
                store.note(work, HOUSE, locked.id, "person.locked")
        raise
    return _let_in(request, store, person)


@router.post("/logout")
def logout(me: Acting = needs("account.own")) -> Response:
    """End this session."""
    from synthproof.web.models import Session

    with me.store.write() as work:
        kept = work.get(Session, me.session.token)
        if kept is not None:
            work.delete(kept)
    answer = go("/login")
    answer.delete_cookie(COOKIE, path="/")
    return answer


@router.get("/pledge")
def show_pledge(request: Request, me: Acting = needs("pledge.sign")) -> Response:
    """Show the pledges."""
    with me.store.read() as work:
        signed = {kind: work.get(Pledge, (me.person.id, kind)) for kind in PLEDGES}
    return page(request, "pledge.html", me, pledges=PLEDGES, signed=signed)


@router.post("/pledge")
def sign_pledge(
    confidentiality: Annotated[str, Form(max_length=5)] = "",
    item0: Annotated[str, Form(max_length=5)] = "",
    item1: Annotated[str, Form(max_length=5)] = "",
    item2: Annotated[str, Form(max_length=5)] = "",
    item3: Annotated[str, Form(max_length=5)] = "",
    item4: Annotated[str, Form(max_length=5)] = "",
    item5: Annotated[str, Form(max_length=5)] = "",
    remarks: Annotated[str, Form(max_length=2000)] = "",
    me: Acting = needs("pledge.sign"),
) -> Response:
    """Sign the pledges."""
    if confidentiality != "yes":
        raise UsageError("web/bad-input", name="confidentiality")
    items = (item0, item1, item2, item3, item4, item5)
    pledge(me.store, me.person, {str(i): given for i, given in enumerate(items)}, remarks)
    return go("/")


@router.get("/account")
def show_account(request: Request, me: Acting = needs("account.own")) -> Response:
    """Show one's own account, and the table of rights."""
    return page(request, "account.html", me, rights=table(), roles=ROLES)


@router.post("/account/password")
def own_password(
    request: Request,
    old: Annotated[str, Form(max_length=2000)],
    password: Annotated[str, Form(max_length=2000)],
    again: Annotated[str, Form(max_length=2000)],
    me: Acting = needs("account.own"),
) -> Response:
    """Set one's own new password; every session ends."""
    if password != again:
        raise UsageError("web/bad-input", name="again")
    tries: RateLimit = request.app.state.known
    if not tries.allow(f"own {me.person.id}"):  # whoever finds an open session must not find the password, too
        raise UsageError("web/too-often", n=tries.most, seconds=int(tries.seconds))
    with me.store.read() as work:
        log_in(work, me.person.login, old, known=True)
    change_password(me.store, me.person, password)
    return go("/login")
