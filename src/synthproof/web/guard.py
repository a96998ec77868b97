"""The one place where it is decided whether a request may do what it asks: every route names its action here.

In order: who is it (session), is it really them (CSRF token), have they pledged, does the table of rights allow the
action for this case, panel and question. A case that is not one's own looks exactly like one that does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from fastapi import Depends, Request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as Work

from synthproof.core.errors import SynthproofError
from synthproof.core.words import Lang
from synthproof.review.rights import Role, may, reach
from synthproof.web.models import Case, Member, Panel, PanelReader, Person, Pledge, Session
from synthproof.web.security import same, session_of
from synthproof.web.store import Store, aware, later, now
from synthproof.web.texts import PLEDGES

COOKIE = "synthproof_review"
_BEFORE_PLEDGE = {"pledge.sign", "account.own"}


class Refused(Exception):
    """The request may not do this. `status`: 401 log in, 403 no such right (or a forged request), 404 not there."""

    def __init__(self, status: int, code: str = "web/not-there") -> None:
        self.status = status
        self.code = code
        super().__init__(code)


class NotPledged(Exception):
    """The pledges come before the first page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Who acts, and on what.

    Parameters
    ----------
    person, session
        Who.
    store
        The database.
    case, member
        The case of the request, and the person's place in it.
    panel, reader
        The panel of the request, and the person's place in it.
    lang
        Language of the answer.
    """

    person: Person
    session: Session
    store: Store
    lang: Lang
    case: Case | None = None
    member: Member | None = None
    panel: Panel | None = None
    reader: PanelReader | None = None

    @property
    def role(self) -> Role:
        """The person's role."""
        return cast(Role, self.person.role)

    @property
    def the_case(self) -> Case:
        """The case; a route without one must not ask."""
        if self.case is None:
            raise Refused(404)
        return self.case

    @property
    def the_panel(self) -> Panel:
        """The panel; a route without one must not ask."""
        if self.panel is None:
            raise Refused(404)
        return self.panel

    def can(self, action: str, *, question: str = "") -> bool:
        """Return whether the person may do something else here: what pages ask before they show a button."""
        here = self.member is not None or self.reader is not None or _owns(self)
        return may(self.role, action, member=here, area=_own_question(self.member, question), own=True)

    def can_here(self, case: Case, member: Member | None, action: str) -> bool:
        """Return whether the person may do something in a case of a list."""
        here = member is not None or case.created_by == self.person.id
        return may(self.role, action, member=here)


def language_of(request: Request) -> Lang:
    """Return the language of a request: chosen, else what the browser prefers, else Korean."""
    chosen = request.cookies.get("lang", "")
    if chosen in ("ko", "en"):
        return cast(Lang, chosen)
    wanted = request.headers.get("accept-language", "").lower()
    return "en" if wanted.startswith("en") else "ko"


def needs(action: str) -> Any:
    """Return the dependency that lets a request through only when it may do `action`.

    Raises
    ------
    KeyError
        When the table of rights does not know the action: at start, not at the first request.
    """
    reach("chair", action)

    def guard(request: Request, token: str = Depends(_csrf)) -> Acting:
        store: Store = request.app.state.store
        with store.read() as work:
            acting = _who(request, store, work)
            if request.method not in ("GET", "HEAD") and not same(token, acting.session.csrf):
                raise Refused(403, "web/forged")
            if action not in _BEFORE_PLEDGE and not _pledged(store, work, acting.person):
                raise NotPledged
            # Before the case is looked up: whoever has no such right anywhere does not learn which cases exist.
            if not reach(acting.role, action):
                raise Refused(403, "web/no-right")
            acting = _where(request, work, acting)
        _touch(store, acting.session)
        question = str(request.path_params.get("question", ""))
        here = acting.member is not None or acting.reader is not None or _owns(acting)
        anywhere = "case" not in request.path_params and "panel" not in request.path_params
        # Lists and forms that speak of no single case are filtered, or checked again, by what they show.
        area = _own_question(acting.member, question)
        if not may(acting.role, action, member=here or anywhere, area=area, own=True):
            raise Refused(404 if not here else 403, "web/not-there" if not here else "web/no-right")
        return acting

    guard.action = action  # type: ignore[attr-defined]  # read by the test that no route lacks one
    return Depends(guard)


async def _csrf(request: Request) -> str:
    """Return the token that came with a changing request: in its form, or in a header."""
    if request.method in ("GET", "HEAD"):
        return ""
    if told := request.headers.get("x-csrf-token", ""):
        return told
    kind = request.headers.get("content-type", "")
    if kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        form = await request.form()
        return str(form.get("csrf", ""))
    return ""


def sends_packages(store: Store, token: str) -> bool:
    """Return whether the session of a cookie may send something large: asked before a byte of the body is read."""
    try:
        with store.read() as work:
            session = session_of(work, token)
            person = work.get(Person, session.person) if session else None
    except DBAPIError:
        return False
    return person is not None and not person.blocked and bool(reach(cast(Role, person.role), "case.import"))


def _who(request: Request, store: Store, work: Work) -> Acting:
    session = session_of(work, request.cookies.get(COOKIE, ""))
    person = work.get(Person, session.person) if session else None
    if session is None or person is None or person.blocked:
        raise Refused(401, "web/log-in")
    return Acting(person=person, session=session, store=store, lang=language_of(request))


def _where(request: Request, work: Work, acting: Acting) -> Acting:
    base = {"person": acting.person, "session": acting.session, "store": acting.store, "lang": acting.lang}
    if case_id := request.path_params.get("case"):
        case = work.get(Case, str(case_id))
        if case is None:
            raise Refused(404)
        return Acting(**base, case=case, member=work.get(Member, (case.id, acting.person.id)))  # type: ignore[arg-type]
    if panel_id := request.path_params.get("panel"):
        panel = work.get(Panel, str(panel_id))
        if panel is None:
            raise Refused(404)
        return Acting(**base, panel=panel, reader=work.get(PanelReader, (panel.id, acting.person.id)))  # type: ignore[arg-type]
    return acting


def _owns(acting: Acting) -> bool:
    """A steward is at home in the cases and panels they brought in."""
    if acting.case is not None:
        return acting.case.created_by == acting.person.id
    return acting.panel is not None and acting.panel.by == acting.person.id


def _own_question(member: Member | None, question: str) -> bool:
    if member is None or not member.votes or member.conflict:
        return False
    return not question or not member.questions or question in member.questions


def _pledged(store: Store, work: Work, person: Person) -> bool:
    """Return whether both pledges stand; a pledge is never taken back, so a yes is remembered."""
    for kind, text in PLEDGES.items():
        if (person.id, text.digest) in store.pledged:
            continue
        pledge = work.get(Pledge, (person.id, kind))
        if pledge is None or pledge.text_digest != text.digest:
            return False
        store.pledged.add((person.id, text.digest))
    return True


def _touch(store: Store, session: Session) -> None:
    """Keep a session alive; once a minute is enough, and spares a write at every page."""
    if aware(session.seen) < later(minutes=-1):
        with store.write() as work:
            kept = work.get(Session, session.token)
            if kept is not None:
                kept.seen = now()


def told(error: SynthproofError, lang: Lang) -> dict[str, str]:
    """Return an error's four parts for a page."""
    return {
        "code": error.code,
        "what": error.part("what", lang),
        "found": error.part("found", lang),
        "remedy": error.part("remedy", lang),
    }
