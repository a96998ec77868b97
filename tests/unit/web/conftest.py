"""A server with one person of each role, a sealed dossier, and a case; on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the web extra is not installed")

from fastapi.testclient import TestClient  # noqa: E402
from sqlalchemy import select  # noqa: E402

from synthproof.dossier.assemble import write_dossier  # noqa: E402
from synthproof.web import security  # noqa: E402
from synthproof.web.acts import cases, people  # noqa: E402
from synthproof.web.app import create_app  # noqa: E402
from synthproof.web.guard import COOKIE  # noqa: E402
from synthproof.web.models import Person, Session  # noqa: E402
from synthproof.web.security import RateLimit, digest_of, open_session  # noqa: E402
from synthproof.web.store import Store  # noqa: E402

PASSWORD = "correct horse battery"
POSTGRES = Path("/usr/lib/postgresql")


def _dossier_tools() -> Any:
    place = Path(__file__).parents[1] / "dossier" / "conftest.py"
    spec = importlib.util.spec_from_file_location("dossier_conftest", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tools() -> Any:
    """Makers of a small table and of a proof about it, which the dossier's tests use."""
    return _dossier_tools()


@pytest.fixture(scope="session")
def sealed_dossiers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two sealed dossiers that differ."""
    tools = _dossier_tools()
    table = tools.made_table()
    out = []
    for name in ("first", "second"):
        proof = tools.made_proof(table, title=name)
        out.append(write_dossier(tmp_path_factory.mktemp("dossier") / "dossier", proof, synthetic=table))
    return out[0], out[1]


def zipped(folder: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, f"dossier/{path.relative_to(folder).as_posix()}")
    return out.getvalue()


@dataclass
class World:
    """The server, its people and their browsers."""

    store: Store
    app: Any
    dossiers: tuple[Path, Path]
    people: dict[str, Person] = field(default_factory=dict)
    clients: dict[str, TestClient] = field(default_factory=dict)
    password: str = PASSWORD

    def zip(self, which: int) -> dict[str, Any]:
        """One of the two dossiers, as a browser sends it."""
        return {"file": ("d.zip", io.BytesIO(zipped(self.dossiers[which])), "application/zip")}

    def add(self, name: str, role: str, **told: Any) -> TestClient:
        """Invite, join, pledge, log in."""
        chair = self.people.get("chair")
        if chair is None:
            token = people.first_setup(self.store)
            person = people.join(self.store, token, PASSWORD, login=name, name=name)
        else:
            person, token = people.invite(self.store, chair, {"login": name, "name": name, "role": role, **told})
            person = people.join(self.store, token, PASSWORD)
        people.pledge(self.store, person, {str(i): "no" for i in range(6)}, "")
        self.people[name] = person
        return self.enter(name)

    def enter(self, name: str) -> TestClient:
        client = self.stranger()
        with self.store.write() as work:
            token = open_session(work, work.get_one(Person, self.people[name].id))
        client.cookies.set(COOKIE, token)
        self.clients[name] = client
        return client

    def stranger(self) -> TestClient:
        client = TestClient(
            self.app, base_url="http://testserver", follow_redirects=False, raise_server_exceptions=True
        )
        client.cookies.set("lang", "en")
        return client

    def csrf(self, name: str) -> str:
        with self.store.read() as work:
            token = digest_of(self.clients[name].cookies[COOKIE])
            return work.execute(select(Session.csrf).where(Session.token == token)).scalar_one()

    def post(self, name: str, url: str, /, *, files: Any = None, **fields: Any) -> Any:
        return self.clients[name].post(url, data={"csrf": self.csrf(name), **fields}, files=files)

    def get(self, name: str, url: str) -> Any:
        return self.clients[name].get(url)

    def open_case(self, *, stage: int = 4, members: tuple[str, ...] = ("law", "privacy", "ai")) -> str:
        steward, chair = self.people["steward"], self.people["chair"]
        case = cases.open_case(self.store, steward, self.dossiers[0], title="Blood pressure")
        for name in members:
            cases.call_member(self.store, chair, case.id, self.people[name].id)
        if stage >= 4:
            cases.move_case(self.store, chair, case.id, 4, "")
        return case.id

    def answer_all(self, name: str, case: str, *, unfit: tuple[str, ...] = ()) -> None:
        for q in ("purpose", "identification", "generation", "safety", "environment"):
            value = "unfit" if q in unfit else "fit"
            done = self.post(
                name, f"/cases/{case}/questions/{q}/answer", value=value, reason="too near" if q in unfit else ""
            )
            assert done.status_code == 303, done.text

    def vote(self, name: str, case: str, overall: str = "approve", **more: str) -> Any:
        return self.post(name, f"/cases/{case}/vote", overall=overall, **more)


class Postgres:
    """A real PostgreSQL, run as an unprivileged user on a socket of its own; skips visibly where there is none."""

    def __init__(self) -> None:
        found = sorted(POSTGRES.glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
        if not found:
            pytest.skip(f"no PostgreSQL under {POSTGRES}")
        self.bin = found[-1].parent
        self.root = Path(tempfile.mkdtemp(prefix="sp-pg-"))
        self.user: list[str] = []
        if os.geteuid() == 0:
            if shutil.which("setpriv") is None:
                pytest.skip("running as root, and no setpriv to start PostgreSQL as somebody else")
            self.user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            os.chown(self.root, 65534, 65534)
        self.data = self.root / "data"
        self.url = f"postgresql://review@/postgres?host={self.root}"
        self._call("initdb", "-U", "review", "-A", "trust", "-E", "UTF8", "--locale=C")
        self.start()

    def _call(self, program: str, *words: str) -> None:
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.root)}
        command = [*self.user, str(self.bin / program), "-D", str(self.data), *words]
        # No pipes: the server would inherit them and be waited for.
        with (self.root / "call.log").open("ab") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log, env=env, timeout=120, cwd=self.root)

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories={self.root} -c max_connections=120"
        for left in range(20, -1, -1):
            try:
                self._call("pg_ctl", "-l", str(self.root / "log"), "-w", "-o", options, "start")
                return
            except subprocess.CalledProcessError:  # children of one that was killed still hold its memory
                if not left:
                    raise
                time.sleep(1)

    def kill(self) -> None:
        """Kill the postmaster as a power cut would; its children notice and end."""
        os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def stop(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):  # it may lie dead already
            self._call("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(self.root, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """One server for all tests."""
    server = Postgres()
    try:
        yield server.url
    finally:
        server.stop()


@pytest.fixture
def own_postgres() -> Iterator[Any]:
    """A server of the test's own, which it may kill."""
    server = Postgres()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh database of each kind."""
    if request.param == "sqlite":
        yield ""
        return
    server: str = request.getfixturevalue("postgres")
    import psycopg

    name = f"t{os.urandom(6).hex()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords() -> None:
    """Real argon2id, with the least cost it has: the tests log in a thousand times."""
    from argon2 import PasswordHasher

    security._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    security._NOBODY = security._HASHER.hash("nobody at all")


def build(tmp_path: Path, url: str, dossiers: tuple[Path, Path]) -> World:
    store = Store(tmp_path / "server", url)
    app = create_app(store)
    app.state.knocks = RateLimit(10_000, 60)
    made = World(store=store, app=app, dossiers=dossiers)
    made.add("chair", "chair")
    made.add("steward", "steward")
    for name in ("law", "privacy", "ai"):
        made.add(name, "reviewer", outside=name != "ai", expertise=name)
    made.add("reader", "reader")
    made.add("reader2", "reader")
    made.add("auditor", "auditor")
    return made


@pytest.fixture
def world(tmp_path: Path, url: str, sealed_dossiers: tuple[Path, Path]) -> Iterator[World]:
    """A server with people, on each database."""
    made = build(tmp_path, url, sealed_dossiers)
    yield made
    assert made.store.flaws() == {}
    made.store.close()


@pytest.fixture
def on_own_postgres(tmp_path: Path, own_postgres: Any, sealed_dossiers: tuple[Path, Path]) -> Iterator[World]:
    """A server with people on a PostgreSQL of its own."""
    made = build(tmp_path, own_postgres.url, sealed_dossiers)
    yield made
    made.store.close()


@pytest.fixture
def small(tmp_path: Path, sealed_dossiers: tuple[Path, Path]) -> Iterator[World]:
    """The same on SQLite alone, for what does not depend on the database."""
    made = build(tmp_path, "", sealed_dossiers)
    yield made
    assert made.store.flaws() == {}
    made.store.close()


def texts(html: str) -> str:
    """Return a page's words, for looking at."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
