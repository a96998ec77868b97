"""What wraps every request: bounds on size and time, headers, and the origin a changing request must come from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import cookie_parser

from synthproof.core.errors import UsageError
from synthproof.web.guard import COOKIE

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Small: TypeAlias = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""A number in an address: one that any database can hold."""

SMALL_BYTES = 256 * 1024
LARGE_BYTES = 512 * 1024 * 1024
SMALL_SECONDS = 30.0
LARGE_SECONDS = 900.0

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", PAGE_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cache-control", b"no-store"),
)


class TooMuch(Exception):
    """A request's body is larger, or slower, than its kind may be."""


class Bounds:
    """Wrap an application.

    Parameters
    ----------
    app
        What is wrapped.
    secure
        Whether browsers reach it over TLS; then they are told to stay there.
    small_seconds
        Longest time for the body of an ordinary request.
    large
        Tells of a session's token whether its person sends packages; nobody else may send a large body.
    """

    def __init__(
        self,
        app: App,
        *,
        secure: bool = False,
        small_seconds: float = SMALL_SECONDS,
        large: Callable[[str], bool] = lambda token: False,
    ) -> None:
        self.app = app
        self.secure = secure
        self.small_seconds = small_seconds
        self.large = large

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within the bounds."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {k.lower(): v for k, v in scope["headers"]}
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and not _own_origin(scope, headers):
            await _plain(send, 403, b"origin")
            return
        # Large bodies are for people who bring packages in; which case they may do it in is asked by the guard, later.
        large = scope["path"].endswith("/upload") and await run_in_threadpool(self.large, _token(headers))
        most, seconds = (LARGE_BYTES, LARGE_SECONDS) if large else (SMALL_BYTES, self.small_seconds)
        if _stated(headers) > most:
            await _plain(send, 413, _too_large(most, seconds))
            return
        started = False

        async def bounded_send(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _dress(message, secure=self.secure)
            await send(message)

        try:
            await self.app(scope, _bounded(receive, most, seconds), bounded_send)
        except TooMuch:
            if not started:
                await _plain(send, 413, _too_large(most, seconds))


def _bounded(receive: Receive, most: int, seconds: float) -> Receive:
    got, done = 0, False
    end = asyncio.get_running_loop().time() + seconds

    async def inner() -> MutableMapping[str, Any]:
        nonlocal got, done
        if done:  # what comes after the body is only the news that the browser has gone
            return await receive()
        try:
            left = end - asyncio.get_running_loop().time()
            message = await asyncio.wait_for(receive(), max(0.001, left))
        except TimeoutError as error:
            raise TooMuch from error
        got += len(message.get("body", b""))
        if got > most:
            raise TooMuch
        done = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return inner


def _dress(message: MutableMapping[str, Any], *, secure: bool) -> None:
    given = {k.lower() for k, _ in message["headers"]}
    more = [(k, v) for k, v in HEADERS if k not in given]
    if secure:
        more.append((b"strict-transport-security", b"max-age=31536000"))
    message["headers"] = [*message["headers"], *more]


def _own_origin(scope: Scope, headers: MutableMapping[bytes, bytes]) -> bool:
    """Return whether a changing request comes from a page of this server, as far as the browser says."""
    if headers.get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none"):
        return False
    origin = headers.get(b"origin")
    if origin is None:
        return True
    return urlsplit(origin.decode("latin-1")).netloc.encode() == headers.get(b"host", b"")


def _token(headers: MutableMapping[bytes, bytes]) -> str:
    """Return the session's token among the cookies, read as the guard reads it."""
    return cookie_parser(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE, "")


def _stated(headers: MutableMapping[bytes, bytes]) -> int:
    try:
        return int(headers.get(b"content-length", b"0"))
    except ValueError:
        return LARGE_BYTES + 1


def _too_large(most: int, seconds: float) -> bytes:
    error = UsageError("web/too-large", n=most, seconds=round(seconds))
    return f"{error.text('ko')}\n\n{error.text('en')}\n".encode()


async def _plain(send: Send, status: int, text: bytes) -> None:
    head = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": text})
