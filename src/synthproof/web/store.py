"""The database: opened, brought to this version, read, and written one act at a time.

An act and its line in the journal are one transaction: there is never one without the other.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session as Work
from sqlalchemy.orm import sessionmaker

from synthproof.core.errors import MissingExtraError, UsageError, WorkspaceError
from synthproof.dossier.journal import Anchor, Flaw, Line, check, next_line, start, verify
from synthproof.web.models import JournalHead, JournalLine

HOUSE = "house"
DATABASE = "review.sqlite"


def now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


def later(**span: float) -> datetime:
    """Return a time from now."""
    return now() + timedelta(**span)


def aware(time: datetime) -> datetime:
    """Return a stored time with its zone: SQLite forgets it."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def fresh_id() -> str:
    """Return an id that cannot be guessed: 128 bits."""
    return secrets.token_hex(16)


class Store:
    """The database and the folder of dossiers beside it.

    Parameters
    ----------
    data
        Folder; made when absent, readable by its owner alone.
    url
        SQLAlchemy URL; a file of SQLite in `data` if empty.
    make
        Make what is not there yet. Otherwise a place without a server is refused: looked at through a misspelt name,
        no journal at all would pass for whole ones.

    Raises
    ------
    UsageError
        ``web/bad-database`` for a URL that cannot be used.
    WorkspaceError
        ``web/database-down`` when it does not answer, ``web/database-newer`` when a later version of synthproof made it,
        ``web/no-server`` when there is nothing and nothing is to be made.
    """

    def __init__(self, data: Path, url: str = "", *, make: bool = True) -> None:
        self.data = data
        if not make and not (data.is_dir() and (url or (data / DATABASE).is_file())):
            raise WorkspaceError("web/no-server", where=str(data))
        try:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise WorkspaceError("workspace/unwritable", where=str(data), reason=type(error).__name__) from error
        self.url = url or f"sqlite:///{data / DATABASE}"
        self.engine = _engine(self.url)
        self.sqlite = self.engine.dialect.name == "sqlite"
        # SQLite has one writer; waiting here is fair and quick, waiting inside it is neither.
        self._writer = threading.Lock() if self.sqlite else nullcontext()
        self._make = sessionmaker(self.engine, expire_on_commit=False)
        # A page that only reads needs no transaction of its own: two trips to the database fewer.
        reading = self.engine if self.sqlite else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._look = sessionmaker(reading, expire_on_commit=False)
        self.pledged: set[tuple[str, str]] = set()
        self._upgrade(make=make)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    @property
    def dossiers(self) -> Path:
        """Where the dossiers lie."""
        return self.data / "dossiers"

    @property
    def panels(self) -> Path:
        """Where pictures of panels lie."""
        return self.data / "panels"

    @contextmanager
    def read(self) -> Iterator[Work]:
        """Yield a session that only reads."""
        with self._look() as work:
            yield work

    @contextmanager
    def write(self) -> Iterator[Work]:
        """Yield a session; everything in it happens, or nothing."""
        with self._writer, self._make() as work:
            if self.sqlite:
                work.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield work
            work.commit()

    def begin_chain(self, work: Work, chain: str) -> None:
        """Start a journal, in the transaction that makes what it is about."""
        end = start(chain)
        work.add(JournalHead(chain=chain, n=0, hash=end.hash))
        work.flush()

    def note(
        self,
        work: Work,
        chain: str,
        person: str,
        act: str,
        *,
        subject: str = "",
        fields: Mapping[str, Any] | None = None,
    ) -> Line:
        """Add the line of an act to a journal, in the act's transaction."""
        head = work.execute(select(JournalHead).where(JournalHead.chain == chain).with_for_update()).scalar_one()
        end = Anchor(chain=chain, n=head.n, hash=head.hash)
        line = next_line(end, person=person, act=act, subject=subject, fields=fields)
        work.add(JournalLine(chain=chain, n=line.n, text=line.text()))
        head.n, head.hash = line.n, line.hash
        work.flush()
        return line

    def lines(self, work: Work, chain: str) -> tuple[list[str], Anchor]:
        """Return a journal's lines as they stand, and the end that the head row tells."""
        # The head first: a line added between the two looks is then a welcome one more, not one that is missing.
        head = work.get(JournalHead, chain, populate_existing=True)
        texts = work.execute(select(JournalLine.text).where(JournalLine.chain == chain).order_by(JournalLine.n))
        end = Anchor(chain=chain, n=head.n, hash=head.hash) if head else start(chain)
        return list(texts.scalars()), end

    def journal(self, work: Work, chain: str) -> tuple[Line, ...]:
        """Return a journal after verifying it.

        Raises
        ------
        StateError
            ``journal/broken``.
        """
        texts, end = self.lines(work, chain)
        return check(texts, anchor=end, chain=chain, where=chain)

    def told(self, work: Work, chain: str, act: str) -> list[Line]:
        """Return the lines of one act in a journal, in order; unlike `journal` the chain is not verified."""
        # A quotation mark within a text is escaped in JSON, so that no text can pass for another act.
        named = JournalLine.text.contains(f'"act":"{act}"', autoescape=True)
        texts = work.execute(
            select(JournalLine.text).where(JournalLine.chain == chain, named).order_by(JournalLine.n)
        ).scalars()
        return [line for line in map(Line.from_text, texts) if line.act == act]

    def flaws(self) -> Mapping[str, tuple[Flaw, ...]]:
        """Return what is wrong with each journal; empty when all are whole."""
        found: dict[str, tuple[Flaw, ...]] = {}
        with self.read() as work:
            chains: Sequence[str] = list(work.execute(select(JournalHead.chain)).scalars())
            for chain in chains:
                texts, end = self.lines(work, chain)
                if flaws := verify(texts, anchor=end, chain=chain):
                    found[chain] = flaws
        return found

    def _upgrade(self, *, make: bool) -> None:
        try:
            with self.engine.begin() as connection:
                if not make and not inspect(connection).has_table(JournalHead.__tablename__):
                    raise WorkspaceError("web/no-server", where=_shown(self.url))
                upgrade(connection)
            with self.write() as work:
                if work.get(JournalHead, HOUSE) is None:
                    self.begin_chain(work, HOUSE)
        except DBAPIError as error:
            self.close()  # nobody gets this store, so nobody else would
            reason = type(error.orig).__name__ if error.orig else type(error).__name__
            raise WorkspaceError("web/database-down", where=_shown(self.url), reason=reason) from error
        except WorkspaceError:
            self.close()
            raise
        except CommandError as error:
            self.close()
            raise WorkspaceError("web/database-newer", where=_shown(self.url)) from error


def versions() -> frozenset[str]:
    """Return the versions of the tables that this synthproof knows."""
    return frozenset(s.revision for s in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade(connection: Connection, to: str = "head") -> None:
    """Bring the tables to a version of theirs; the newest if none is named."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
            raise UsageError("web/bad-database", where=_shown(url), reason=parsed.get_backend_name())
        if parsed.get_backend_name() == "sqlite":
            engine = create_engine(parsed, connect_args={"timeout": 30, "check_same_thread": False}, pool_size=50)
            event.listen(engine, "connect", _sqlite_settings)
            return engine
        return create_engine(parsed, pool_size=20, max_overflow=40, pool_recycle=1800)
    except (ArgumentError, NoSuchModuleError) as error:
        raise UsageError("web/bad-database", where=_shown(url), reason=type(error).__name__) from error
    except ModuleNotFoundError as error:
        raise MissingExtraError("extra/missing", library=str(error.name), extra="postgres") from error


def _sqlite_settings(connection: Any, record: object) -> None:
    # Transactions are begun by us (BEGIN IMMEDIATE), since the driver's own begin comes too late for reads.
    connection.isolation_level = None
    cursor = connection.cursor()
    for line in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {line}")
    cursor.close()


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "URL"
