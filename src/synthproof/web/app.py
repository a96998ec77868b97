"""The application: routes, what happens to errors, and what every answer carries."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, Response
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from starlette.exceptions import HTTPException

from synthproof.core.errors import NotFoundError, StateError, SynthproofError, UsageError
from synthproof.web.bounds import SMALL_SECONDS, Bounds
from synthproof.web.fonts import FONTS, hangul_font
from synthproof.web.guard import NotPledged, Refused, language_of, sends_packages, told
from synthproof.web.pages import go, page
from synthproof.web.routes import account, cases, panels, people, reading, voting
from synthproof.web.security import FAILURES, LOCKED_MINUTES, RateLimit
from synthproof.web.store import Store

_STATIC = Path(__file__).parent / "static"
_LOG = logging.getLogger("synthproof.web")


def create_app(store: Store, *, secure: bool = False, small_seconds: float = SMALL_SECONDS) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    store
        The database, open.
    secure
        Whether browsers reach it over TLS: then cookies are sent over nothing else.
    small_seconds
        Longest time for the body of an ordinary request.
    """
    # Its own documentation pages would fetch scripts from outside.
    app = FastAPI(title="synthproof review", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.store = store
    app.state.secure = secure
    app.state.knocks = RateLimit(30, 60.0)
    app.state.known = RateLimit(FAILURES, LOCKED_MINUTES * 60.0)
    for room in (account, people, cases, reading, voting, panels):
        app.include_router(room.router)
    app.get("/static/{name}", include_in_schema=False)(_static)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(NotPledged, _not_pledged)
    app.add_exception_handler(SynthproofError, _error)
    app.add_exception_handler(RequestValidationError, _bad_input)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(Exception, _unexpected)
    large = partial(sends_packages, store)
    app.add_middleware(Bounds, secure=secure, small_seconds=small_seconds, large=large)
    return app


def _static(request: Request, name: str) -> Response:
    if name in FONTS:  # for machines without a Hangul font; a browser that has one never asks
        store: Store = request.app.state.store
        data = hangul_font(name, store.data / "fonts")
        return Response(data, media_type="font/woff", headers={"cache-control": "max-age=604800"})
    if name not in {p.name for p in _STATIC.iterdir()}:
        raise Refused(404)
    return FileResponse(_STATIC / name, headers={"cache-control": "max-age=3600"})


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    if error.status == 401 and request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", ""):
        return go("/login")
    shown = told(UsageError(error.code), language_of(request))
    return page(request, "error.html", status=error.status, error=shown)


def _not_pledged(request: Request, error: Exception) -> Response:
    return go("/pledge")


def _error(request: Request, error: Exception) -> Response:
    assert isinstance(error, SynthproofError)
    status = 404 if isinstance(error, NotFoundError) else 409 if isinstance(error, StateError) else 422
    if error.code == "web/too-often":
        status = 429
    return page(request, "error.html", status=status, error=told(error, language_of(request)))


def _bad_input(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    names = ", ".join(dict.fromkeys(str(e["loc"][-1])[:40] for e in error.errors()))
    shown = told(UsageError("web/bad-input", name=names), language_of(request))
    return page(request, "error.html", status=422, error=shown)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    shown = told(UsageError("web/not-there" if error.status_code == 404 else "web/bad-input", name=""), "ko")
    if error.status_code == 404:
        shown = told(UsageError("web/not-there"), language_of(request))
    return page(request, "error.html", status=error.status_code, error=shown)


def _database(request: Request, error: Exception) -> Response:
    """Say that the database is away, or what it would not take; nothing was done, since an act is one transaction."""
    assert isinstance(error, DBAPIError)
    if isinstance(error, DataError):  # a letter or a length that PostgreSQL does not hold: nothing of ours has one
        shown = told(UsageError("web/bad-input", name=""), language_of(request))
        return page(request, "error.html", status=422, error=shown)
    if isinstance(error, IntegrityError):  # two requests made the same thing at the same moment
        shown = told(UsageError("web/same-moment"), language_of(request))
        return page(request, "error.html", status=409, error=shown)
    if not (error.connection_invalidated or isinstance(error, OperationalError)):
        return _unexpected(request, error)
    _LOG.error("database: %s", type(error.orig).__name__)
    shown = told(UsageError("web/try-again"), language_of(request))
    return page(request, "error.html", status=503, error=shown)


def _unexpected(request: Request, error: Exception) -> Response:
    # The message of a stray error may quote what somebody wrote: only its type goes to the log.
    _LOG.error("unexpected %s at %s", type(error).__name__, request.scope.get("route", request.method))
    shown = {"code": "internal/unexpected", "what": type(error).__name__, "found": "", "remedy": ""}
    return page(request, "error.html", status=500, error=shown)
