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


def test_killed_in_the_middle_of_votes_nothing_is_lost_or_doubled(world: Any, url: str) -> None:
    case = world.open_case()
    tokens = {n: (world.clients[n].cookies[COOKIE], world.csrf(n)) for n in ("law", "privacy", "ai")}
    data = world.store.data
    world.store.close()
    acknowledged: list[tuple[str, str, str]] = []  # what the server said it had kept
    sent: dict[tuple[str, str], set[str]] = {}
    dice, port = random.Random(7), free_port()
    wrong: list[str] = []
    for turn in range(3):
        process = start(data, url, port)
        stop = threading.Event()

        def vote(name: str, turn: int = turn, stop: threading.Event = stop) -> None:
            cookie, csrf = tokens[name]
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", cookies={COOKIE: cookie}, timeout=20) as client:
                n = 0
                while not stop.is_set():
                    question, reason = QUESTIONS[n % 5], f"{turn}-{n}"
                    sent.setdefault((name, question), set()).add(reason)
                    body = {"csrf": csrf, "value": "unfit", "reason": reason}
                    try:
                        done = client.post(f"/cases/{case}/questions/{question}/answer", data=body)
                    except httpx.TransportError:
                        return
                    if done.status_code != 303:
                        wrong.append(done.text)
                        return
                    acknowledged.append((name, question, reason))
                    n += 1

        threads = [threading.Thread(target=vote, args=(name,)) for name in tokens]
        for t in threads:
            t.start()
        before, end = len(acknowledged), time.monotonic() + 40
        while len(acknowledged) < before + 8 + dice.randrange(12) and time.monotonic() < end and not wrong:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        stop.set()
        for t in threads:
            t.join()
        assert process.stdout is not None
        process.stdout.close()
    assert wrong == []
    assert len(acknowledged) >= 24
    again = Store(data, url)
    assert again.flaws() == {}
    with again.read() as work:
        lines = again.journal(work, cases.chain_of(case))
        ids = {world.people[n].id: n for n in tokens}
        rows = {(ids[a.person], a.question): a.reason for a in work.execute(select(Answer)).scalars()}
    given = [(ids[x.person], x.fields["question"], x.fields["reason"]) for x in lines if x.act == "answer.given"]
    assert len(given) == len(set(given)), "an answer stands twice"
    last = {(n, q): r for n, q, r in given}
    assert last == rows, "tables and journal tell different things"
    assert {k: r for k, r in rows.items() if r not in sent[k]} == {}
    assert set(acknowledged) <= set(given), "an answer that was acknowledged is lost"
    again.close()


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


def test_backup_and_restore_on_the_same_and_on_the_other_database(world: Any, tmp_path: Path, url: str) -> None:
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
    for rubbish in (b"", b"PK\x05\x06" + b"\0" * 18):
        (tmp_path / "bad.zip").write_bytes(rubbish)
        with pytest.raises(DataError, match="bad-package"):
            restore(tmp_path / "bad.zip", tmp_path / f"bad{len(rubbish)}")


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
