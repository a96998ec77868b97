"""Passwords, tokens, lock-out and rate limits: what keeps a stranger out."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session as Work

from synthproof.core.errors import UsageError
from synthproof.web.models import Link, Person, Session
from synthproof.web.store import aware, later, now

SHORTEST = 12
FAILURES = 5
LOCKED_MINUTES = 15
IDLE_MINUTES = 60
LONGEST_HOURS = 12
LINK_DAYS = 7

_HASHER = PasswordHasher()
# Each verification takes 64 MiB: no more than two at a time, however many strangers knock.
_ARGON = threading.Semaphore(2)


def digest_of(token: str) -> str:
    """Return what the database keeps of a token: its digest, so that a stolen database opens nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Return whether two secrets are equal, in time that tells nothing."""
    return hmac.compare_digest(one.encode(), other.encode())


def hash_password(password: str, *, login: str = "") -> str:
    """Return the argon2id hash of a password that is long enough and not the login.

    Raises
    ------
    UsageError
        ``web/weak-password``.
    """
    if len(password) < SHORTEST or len(password) > 1024 or password.casefold() == login.casefold():
        raise UsageError("web/weak-password", n=SHORTEST)
    if len(set(password)) < 5:
        raise UsageError("web/weak-password", n=SHORTEST)
    with _ARGON:
        return _HASHER.hash(password)


_NOBODY = _HASHER.hash(secrets.token_hex(16))


def right_password(kept: str, password: str) -> bool:
    """Return whether the password is the one; for an unknown person (no hash) it takes as long and is wrong."""
    with _ARGON:
        try:
            return _HASHER.verify(kept or _NOBODY, password[:1024]) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False


def known_mark(person: Person) -> str:
    """Return what a browser is given when a person has come in with it: nobody else can make it.

    It ends with the password it was made under, and opens nothing: it says that whoever holds it has known the password
    before, so that a stranger's wrong tries do not keep this browser out.
    """
    return hmac.new(person.password.encode(), b"known browser", hashlib.sha256).hexdigest()


def known_browser(work: Work, login: str, mark: str) -> str:
    """Return the id of the person who has come in with this browser before under this login; empty if nobody has."""
    if not mark or len(mark) > 200:
        return ""
    person = work.execute(select(Person).where(Person.login == login.strip().casefold())).scalar_one_or_none()
    return person.id if person is not None and person.password and same(mark, known_mark(person)) else ""


def log_in(work: Work, login: str, password: str, *, known: bool = False) -> Person:
    """Return who this is.

    Parameters
    ----------
    known
        Whether the browser is one that the person has come in with before: then the lock, which anybody can bring about
        by trying, does not hold. Whoever says so must bound the tries.

    Raises
    ------
    UsageError
        ``web/wrong-login``: unknown, wrong, blocked or locked; which of them is not told.
    """
    person = work.execute(select(Person).where(Person.login == login.strip().casefold())).scalar_one_or_none()
    locked = person is not None and person.locked_until is not None and aware(person.locked_until) > now() and not known
    right = right_password(person.password if person else "", password)
    if person is None or person.blocked or locked or not right:
        raise UsageError("web/wrong-login", minutes=LOCKED_MINUTES, n=FAILURES)
    return person


def count_failure(work: Work, login: str) -> Person | None:
    """Count a wrong password; return the person when this one locks the account."""
    person = work.execute(
        select(Person).where(Person.login == login.strip().casefold()).with_for_update()
    ).scalar_one_or_none()
    if person is None:
        return None
    person.failures += 1
    if person.failures < FAILURES:
        return None
    person.failures = 0
    person.locked_until = later(minutes=LOCKED_MINUTES)
    return person


def open_session(work: Work, person: Person, *, old: str = "") -> str:
    """Return the token of a new session; the one the browser came with, and sessions past their time, are ended.

    The token is always drawn here: one that a stranger planted in the browser is never taken over.
    """
    if old:
        work.execute(delete(Session).where(Session.token == digest_of(old)))
    work.execute(delete(Session).where(Session.created < later(hours=-LONGEST_HOURS)))
    token = secrets.token_urlsafe(32)
    time_now = now()
    work.add(
        Session(
            token=digest_of(token),
            person=person.id,
            csrf=secrets.token_urlsafe(32),
            created=time_now,
            seen=time_now,
        )
    )
    person.failures, person.locked_until = 0, None
    return token


def close_sessions(work: Work, person: str) -> None:
    """End all sessions of a person."""
    work.execute(delete(Session).where(Session.person == person))


def session_of(work: Work, token: str) -> Session | None:
    """Return the session of a cookie, unless it has none or is past its time."""
    if not token or len(token) > 200:
        return None
    found = work.get(Session, digest_of(token))
    if found is None:
        return None
    if aware(found.created) < later(hours=-LONGEST_HOURS) or aware(found.seen) < later(minutes=-IDLE_MINUTES):
        return None
    return found


def make_link(work: Work, person: str | None, kind: str) -> str:
    """Return the token of a new one-time link; earlier ones of the same person are void."""
    if person is not None:
        work.execute(delete(Link).where(Link.person == person, Link.used.is_(None)))
    else:
        work.execute(delete(Link).where(Link.kind == kind, Link.used.is_(None)))
    token = secrets.token_urlsafe(32)
    work.add(Link(token=digest_of(token), person=person, kind=kind, expires=later(days=LINK_DAYS), used=None))
    return token


def open_link(work: Work, token: str, *, lock: bool = False) -> Link:
    """Return an unused link.

    Raises
    ------
    UsageError
        ``web/link-void``: unknown, used or expired; which of them is not told.
    """
    query = select(Link).where(Link.token == digest_of(token))
    link = work.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if link is None or link.used is not None or aware(link.expires) < now():
        raise UsageError("web/link-void", days=LINK_DAYS)
    return link


def who_knocks(address: str) -> str:
    """Return what tries are counted by: an address, or the /64 that an IPv6 address lies in, since a household has all of it."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))


class RateLimit:
    """At most `most` knocks within `seconds`, per key; forgotten after that.

    Parameters
    ----------
    clock
        Seconds, monotone; exchanged in tests.
    """

    def __init__(self, most: int, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.seconds = seconds
        self._clock = clock
        self._knocks: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def allow(self, key: str) -> bool:
        """Return whether this knock is still within the limit, and count it."""
        at = self._clock()
        with self._lock:
            if len(self._knocks) > 10_000:
                self._knocks = {k: q for k, q in self._knocks.items() if q and q[-1] > at - self.seconds}
            times = self._knocks.setdefault(key, deque())
            while times and times[0] <= at - self.seconds:
                times.popleft()
            if len(times) >= self.most:
                return False
            times.append(at)
            return True
