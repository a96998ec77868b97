"""The server as a process and a store: started, killed, backed up, restored, upgraded; bounds on where it listens."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from synthproof.core.errors import DataError, StateError, UsageError, WorkspaceError
from synthproof.review.record import record_of
from synthproof.web.acts import cases
from synthproof.web.backup import back_up, columns_of, restore
from synthproof.web.guard import COOKIE
from synthproof.web.models import Answer, Base
from synthproof.web.serve import check_address, greeting, loopback
from synthproof.web.store import Store

QUESTIONS = ("purpose", "identification", "generation", "safety", "environment")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(data: Path, url: str, port: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "synthproof", "review", "serve", "--port", str(port), "--data", str(data)]
    process = subprocess.Popen([*words, *(["--database", url] if url else [])], stdout=subprocess.PIPE)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthy", timeout=2).status_code == 200:
                return process
        except httpx.TransportError:
            assert process.poll() is None, "the server did not start"
            time.sleep(0.1)
    process.kill()
    pytest.fail("the server did not answer")


class Voters:
    """Three members who answer without a pause, and remember what the server said it had kept."""

    def __init__(self, world: Any, case: str, port: int) -> None:
        self.tokens = {n: (world.clients[n].cookies[COOKIE], world.csrf(n)) for n in ("law", "privacy", "ai")}
        self.names = {world.people[n].id: n for n in self.tokens}
        self.case, self.port = case, port
        self.acknowledged: list[tuple[str, str, str]] = []
        self.sent: set[tuple[str, str, str]] = set()
        self.wrong: list[str] = []
        self.turn = 0

    def begin(self) -> None:
        self.turn += 1
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._vote, args=(name,)) for name in self.tokens]
        for t in self.threads:
            t.start()

    def end(self) -> None:
        self.stop.set()
        for t in self.threads:
            t.join()

    def wait_for(self, more: int) -> None:
        before, end = len(self.acknowledged), time.monotonic() + 60
        while len(self.acknowledged) < before + more and time.monotonic() < end and not self.wrong:
            time.sleep(0.01)

    def _vote(self, name: str) -> None:
        cookie, csrf = self.tokens[name]
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", cookies={COOKIE: cookie}, timeout=30) as client:
            n = 0
            while not self.stop.is_set():
                question, reason = QUESTIONS[n % 5], f"{self.turn}-{n}"
                self.sent.add((name, question, reason))
                body = {"csrf": csrf, "value": "unfit", "reason": reason}
                try:
                    done = client.post(f"/cases/{self.case}/questions/{question}/answer", data=body)
                except httpx.TransportError:
                    return  # the server is gone
                n += 1
                if done.status_code == 503:  # the database is gone: nothing was done
                    time.sleep(0.05)
                elif done.status_code == 303:
                    self.acknowledged.append((name, question, reason))
                else:
                    self.wrong.append(done.text)
                    return

    def check(self, data: Path, url: str, least: int) -> None:
        assert self.wrong == []
        assert len(self.acknowledged) >= least
        store = Store(data, url)
        assert store.flaws() == {}
        with store.read() as work:
            lines = store.journal(work, cases.chain_of(self.case))
            rows = {(self.names[a.person], a.question): a.reason for a in work.execute(select(Answer)).scalars()}
        told = [x for x in lines if x.act == "answer.given" and x.fields is not None]
        given = [(self.names[x.person], x.fields["question"], x.fields["reason"]) for x in told if x.fields]
        assert len(given) == len(set(given)), "an answer stands twice"
        assert {(n, q): r for n, q, r in given} == rows, "tables and journal tell different things"
        assert set(self.acknowledged) <= set(given), "an answer that was acknowledged is lost"
        assert set(given) <= self.sent
        store.close()


def test_killed_in_the_middle_of_votes_nothing_is_lost_or_doubled(world: Any, url: str) -> None:
    voters = Voters(world, world.open_case(), free_port())
    data = world.store.data
    world.store.close()
    dice = random.Random(7)
    for _ in range(3):
        process = start(data, url, voters.port)
        voters.begin()
        voters.wait_for(8 + dice.randrange(12))
        process.send_signal(signal.SIGKILL)
        process.wait()
        voters.end()
        assert process.stdout is not None
        process.stdout.close()
    voters.check(data, url, 24)


def test_the_database_killed_in_the_middle_of_votes(on_own_postgres: Any, own_postgres: Any) -> None:
    world = on_own_postgres
    voters = Voters(world, world.open_case(), free_port())
    data, url = world.store.data, own_postgres.url
    world.store.close()
    process = start(data, url, voters.port)
    voters.begin()
    for _ in range(2):
        voters.wait_for(10)
        own_postgres.kill()
        time.sleep(1.5)
        own_postgres.start()
    voters.wait_for(10)
    voters.end()
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    voters.check(data, url, 30)


def test_two_votes_at_the_same_moment(world: Any) -> None:
    case = world.open_case()
    for name in ("law", "privacy", "ai"):
        world.answer_all(name, case)
    codes: list[int] = []
    gate = threading.Barrier(6)

    def vote(name: str) -> None:
        body = {"csrf": tokens[name], "overall": "approve"}
        gate.wait()
        codes.append(world.clients[name].post(f"/cases/{case}/vote", data=body).status_code)

    tokens = {n: world.csrf(n) for n in ("law", "privacy", "ai")}
    threads = [threading.Thread(target=vote, args=(n,)) for n in (*tokens, *tokens)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert codes == [303] * 6
    with world.store.read() as work:
        record = record_of(world.store.journal(work, cases.chain_of(case)))
        lines = world.store.journal(work, cases.chain_of(case))
    assert sum(x.act == "ballot.cast" for x in lines) == 3
    assert len(record.ballots[record.dossiers[-1]]) == 3


def test_backup_and_restore_on_the_same_and_on_the_other_database(
    world: Any, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = world.open_case()
    world.answer_all("law", case)
    kept = back_up(world.store, tmp_path / "backup.zip")
    assert kept.stat().st_mode & 0o077 == 0
    with pytest.raises(WorkspaceError, match="occupied"):
        restore(kept, world.store.data, url)
    other = restore(kept, tmp_path / "restored")
    with world.store.read() as one, other.read() as two:
        for chain in ("house", cases.chain_of(case)):
            assert world.store.lines(one, chain) == other.lines(two, chain)
        dossier = cases.latest(two, case)
    assert (other.dossiers / dossier.id / "seal.json").is_file()
    from fastapi.testclient import TestClient

    from synthproof.web.app import create_app

    client = TestClient(create_app(other), follow_redirects=False)
    assert client.post("/login", data={"login": "law", "password": world.password}).status_code == 303
    assert client.get(f"/cases/{case}").status_code == 200
    other.close()
    whole = kept.read_bytes()
    torn = bytearray(whole)
    at = torn.index(b"tables/person.jsonl") + 40
    torn[at : at + 20] = b"\xff" * 20  # a stream that does not unpack
    for n, rubbish in enumerate((b"", b"PK\x05\x06" + b"\0" * 18, bytes(torn))):
        (tmp_path / "bad.zip").write_bytes(rubbish)
        with pytest.raises(DataError, match="bad-package"):
            restore(tmp_path / "bad.zip", tmp_path / f"bad{n}")
        assert list((tmp_path / f"bad{n}").iterdir()) == []  # nothing of it stays: the right file can follow at once
    from synthproof.web import backup

    monkeypatch.setattr(backup, "versions", lambda: frozenset({"0000"}))
    with pytest.raises(WorkspaceError, match="database-newer"):
        restore(kept, tmp_path / "bad0")
    monkeypatch.undo()
    restore(kept, tmp_path / "bad0").close()


def test_the_database_refuses_to_change_the_journal_and_the_chain_finds_it_anyway(world: Any) -> None:
    case = world.open_case()
    chain = cases.chain_of(case)
    for change in ("UPDATE journal_line SET text = 'x' WHERE n = 2", "DELETE FROM journal_line WHERE n = 2"):
        with pytest.raises(DBAPIError, match="append-only"), world.store.write() as work:
            work.execute(text(change))
    with world.store.write() as work:
        if world.store.sqlite:
            work.execute(text("DROP TRIGGER journal_line_no_DELETE"))
        else:
            work.execute(text("DROP TRIGGER journal_line_fixed ON journal_line"))
        work.execute(text("DELETE FROM journal_line WHERE n = 2 AND chain = :c"), {"c": chain})
    assert [str(f.words) for f in world.store.flaws()[chain]] == ["line 2 was removed"]
    with world.store.read() as work, pytest.raises(StateError, match="line 2 was removed"):
        world.store.journal(work, chain)
    assert world.post("steward", f"/cases/{case}/export").status_code == 409
    assert world.get("chair", f"/cases/{case}/journal").status_code == 409
    with world.store.write() as work:  # so that the fixture's last look finds a whole journal again
        for table in ("journal_line", "journal_head"):
            work.execute(text(f"DELETE FROM {table} WHERE chain = :c"), {"c": chain})


def test_the_migrations_make_what_the_models_say(tmp_path: Path, url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    store = Store(tmp_path / "data", url)
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    assert set(columns_of(store)) == {*Base.metadata.tables, "alembic_version"}
    store.close()
    Store(tmp_path / "data", url).close()  # opened again: nothing to do


def test_where_it_listens(tmp_path: Path) -> None:
    assert all(loopback(h) for h in ("127.0.0.1", "::1", "localhost", "127.9.9.9"))
    assert not any(loopback(h) for h in ("0.0.0.0", "::", "10.0.0.1", "review.example.org"))
    for host in ("0.0.0.0", "::", "10.0.0.1"):
        with pytest.raises(UsageError, match="open-address"):
            check_address(host, None, None, insecure=False)
        assert check_address(host, None, None, insecure=True) is False
    assert check_address("127.0.0.1", None, None, insecure=False) is False
    pem = tmp_path / "c.pem"
    pem.write_text("x")
    assert check_address("0.0.0.0", pem, pem, insecure=False) is True
    with pytest.raises(UsageError, match="missing"):
        check_address("0.0.0.0", pem, None, insecure=False)
    with pytest.raises(UsageError, match="bad-value"):
        check_address("0.0.0.0", pem, tmp_path / "none", insecure=False)


def test_the_first_start_prints_one_setup_link(tmp_path: Path, small: Any) -> None:
    store = Store(tmp_path / "fresh")
    said = greeting(store, "127.0.0.1", 8500, tls=False)
    assert len(said) == 2
    assert "http://127.0.0.1:8500/link/" in said[1].en
    assert len(greeting(small.store, "::1", 1, tls=True)) == 1
    assert os.stat(store.data).st_mode & 0o077 == 0
    store.close()


@pytest.mark.parametrize("bad", ["mysql://x/y", "nonsense", "oracle+x://y"])
def test_databases_that_are_refused(tmp_path: Path, bad: str) -> None:
    with pytest.raises(UsageError, match="web/bad-database"):
        Store(tmp_path / "d", bad)


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(WorkspaceError, match="database-down"):
        Store(tmp_path / "d", f"postgresql://x:secret@/y?host={tmp_path}")


def test_the_last_versions_database_is_brought_up_with_all_that_is_in_it(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import inspect

    from synthproof.web import store as rooms
    from synthproof.web.models import JournalLine

    now = rooms.upgrade
    monkeypatch.setattr(rooms, "upgrade", lambda connection: now(connection, "0001"))
    old = Store(tmp_path / "server", url)
    with old.write() as work:
        old.begin_chain(work, "case:old")
        for n in range(3):
            old.note(work, "case:old", "p1", "comment.given", fields={"n": n})
    assert "ix_comment_dossier" not in {i["name"] for i in inspect(old.engine).get_indexes("comment")}
    lines = select(JournalLine.text).order_by(JournalLine.chain, JournalLine.n)
    with old.read() as work:
        before = list(work.scalars(lines))
    assert len(before) >= 3
    old.close()
    monkeypatch.undo()
    new = Store(tmp_path / "server", url)
    assert "ix_comment_dossier" in {i["name"] for i in inspect(new.engine).get_indexes("comment")}
    with new.read() as work:
        assert list(work.scalars(lines)) == before
    assert new.flaws() == {}
    with new.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    new.close()
    with pytest.raises(WorkspaceError) as caught:
        Store(tmp_path / "server", url)
    assert caught.value.code == "web/database-newer"
