"""What a stranger, or a colleague with bad intent, may try."""

from __future__ import annotations

import io
import json
import re
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from synthproof.core.errors import DataError, StateError, UsageError
from synthproof.web.acts import cases, people
from synthproof.web.app import create_app
from synthproof.web.guard import COOKIE
from synthproof.web.intake import taken_in, unpack
from synthproof.web.models import Person
from synthproof.web.security import FAILURES, RateLimit, hash_password
from synthproof.web.store import aware, later

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def test_a_changing_request_needs_the_token_of_this_session(small: Any) -> None:
    case = small.open_case()
    client = small.clients["law"]
    url = f"/cases/{case}/comments"
    for data in ({"text": "x"}, {"text": "x", "csrf": ""}, {"text": "x", "csrf": small.csrf("privacy")}):
        assert client.post(url, data=data).status_code == 403
    assert client.post(url, json={"text": "x", "csrf": small.csrf("law")}).status_code == 403
    good = {"text": "x", "csrf": small.csrf("law")}
    assert client.post(url, data=good, headers={"origin": "http://evil.example"}).status_code == 403
    assert client.post(url, data=good, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.post(url, data=good, headers={"origin": "http://testserver"}).status_code == 303
    assert client.post(url, data={"text": "y"}, headers={"x-csrf-token": small.csrf("law")}).status_code == 303
    assert (
        small.stranger().post("/login", data={"login": "law", "password": "x"}, headers={"origin": "null"}).status_code
        == 403
    )


def test_a_planted_session_is_never_taken_over(small: Any) -> None:
    client = small.stranger()
    client.cookies.set(COOKIE, "planted-by-somebody")
    done = client.post("/login", data={"login": "law", "password": small.password})
    assert done.status_code == 303
    given = done.headers["set-cookie"]
    assert "planted" not in given
    assert "HttpOnly" in given
    assert "SameSite=lax" in given
    first = re.search(rf"{COOKIE}=([^;]+)", given)
    assert first
    again = small.stranger()
    again.cookies.set(COOKIE, first[1])
    second = again.post("/login", data={"login": "law", "password": small.password})
    assert first[1] not in second.headers["set-cookie"]
    old = small.stranger()
    old.cookies.set(COOKIE, first[1])
    assert old.get("/").status_code == 401  # the session the browser came with has ended


def test_over_tls_the_cookie_travels_over_nothing_else(small: Any) -> None:
    from fastapi.testclient import TestClient

    app = create_app(small.store, secure=True)
    client = TestClient(app, base_url="https://testserver", follow_redirects=False)
    done = client.post("/login", data={"login": "law", "password": small.password})
    assert "Secure" in done.headers["set-cookie"]
    assert "max-age" in done.headers["strict-transport-security"]


def test_logging_out_and_a_new_password_end_sessions(small: Any) -> None:
    assert small.post("law", "/logout").status_code == 303
    assert small.get("law", "/").status_code == 401
    other = small.enter("privacy")
    one = small.clients["privacy"] = small.enter("privacy")
    changed = small.post(
        "privacy", "/account/password", old=small.password, password="another long one", again="another long one"
    )
    assert changed.status_code == 303
    assert other.get("/").status_code == one.get("/").status_code == 401


def test_sessions_and_links_run_out(small: Any) -> None:
    from synthproof.web.models import Link, Session
    from synthproof.web.security import IDLE_MINUTES, LINK_DAYS, LONGEST_HOURS, digest_of

    for field, minutes, lives in (
        ("seen", IDLE_MINUTES - 1, True),
        ("seen", IDLE_MINUTES + 1, False),
        ("created", 60 * LONGEST_HOURS - 1, True),
        ("created", 60 * LONGEST_HOURS + 1, False),
    ):
        client = small.enter("law")
        with small.store.write() as work:
            kept = work.get_one(Session, digest_of(client.cookies[COOKIE]))
            setattr(kept, field, later(minutes=-minutes))
        assert (client.get("/").status_code == 200) == lives, (field, minutes)
    # being there keeps a session alive, but never beyond its longest time
    client = small.enter("law")
    with small.store.write() as work:
        work.get_one(Session, digest_of(client.cookies[COOKIE])).seen = later(minutes=-IDLE_MINUTES + 2)
    assert client.get("/").status_code == 200
    with small.store.read() as work:
        assert aware(work.get_one(Session, digest_of(client.cookies[COOKIE])).seen) > later(minutes=-1)
    _, token = people.reset(small.store, small.people["chair"], small.people["privacy"].id)
    with small.store.write() as work:
        work.get_one(Link, digest_of(token)).expires = later(minutes=-1)
    stranger = small.stranger()
    assert stranger.get(f"/link/{token}").status_code == 422
    sent = {"password": "a whole new sentence", "again": "a whole new sentence"}
    assert stranger.post(f"/link/{token}", data=sent).status_code == 422
    assert LINK_DAYS <= 7


def test_lock_out_after_wrong_passwords_and_nothing_is_told(small: Any) -> None:
    client = small.stranger()
    unknown = client.post("/login", data={"login": "nobody", "password": "x"})
    for _ in range(FAILURES):
        wrong = client.post("/login", data={"login": "law", "password": "x"})
        assert wrong.text == unknown.text
        assert wrong.status_code == 422
    right = client.post("/login", data={"login": "law", "password": small.password})
    assert right.text == unknown.text
    with small.store.write() as work:
        work.get_one(Person, small.people["law"].id).locked_until = later(minutes=-1)
    assert client.post("/login", data={"login": "law", "password": small.password}).status_code == 303


def test_too_many_knocks(small: Any) -> None:
    small.app.state.knocks = RateLimit(3, 60)
    client = small.stranger()
    codes = [client.post("/login", data={"login": "x", "password": "y"}).status_code for _ in range(5)]
    assert codes == [422, 422, 422, 429, 429]
    clock = [0.0]
    limit = RateLimit(2, 10, clock=lambda: clock[0])
    assert [limit.allow("a"), limit.allow("a"), limit.allow("a"), limit.allow("b")] == [True, True, False, True]
    clock[0] = 11.0
    assert limit.allow("a")


def test_passwords_and_links(small: Any) -> None:
    for bad in ("short", "a" * 20, "somebody@example.org"):
        with pytest.raises(UsageError, match="weak-password"):
            hash_password(bad, login="somebody@example.org")
    chair = small.people["chair"]
    person, token = people.reset(small.store, chair, small.people["law"].id)
    assert small.get("law", "/").status_code == 401
    people.join(small.store, token, "a whole new sentence")
    with pytest.raises(UsageError, match="link-void"):
        people.join(small.store, token, "a whole new sentence")
    client = small.stranger()
    assert client.post("/login", data={"login": "law", "password": small.password}).status_code == 422
    assert client.post("/login", data={"login": "law", "password": "a whole new sentence"}).status_code == 303
    people.block(small.store, chair, person.id, blocked=True)
    assert client.get("/").status_code == 401
    assert people.first_setup(small.store) == ""
    with pytest.raises(UsageError, match="bad-input"):
        people.block(small.store, chair, chair.id, blocked=True)


def test_script_that_somebody_writes_is_only_text(small: Any) -> None:
    case = cases.open_case(small.store, small.people["steward"], small.dossiers[0], title=SCRIPT).id
    for name in ("law", "privacy", "ai"):
        cases.call_member(small.store, small.people["chair"], case, small.people[name].id)
    cases.move_case(small.store, small.people["chair"], case, 4, "")
    small.post("chair", "/people", login="evil@example.org", name=SCRIPT, role="reviewer", affiliation=SCRIPT)
    small.post("law", f"/cases/{case}/ask", text=SCRIPT, about="safety")
    small.post("law", f"/cases/{case}/questions/safety/answer", value="unfit", reason=SCRIPT)
    for q in ("purpose", "identification", "generation", "environment"):
        small.post("law", f"/cases/{case}/questions/{q}/answer", value="fit")
    small.vote("law", case, "reject", opinion=SCRIPT)
    pages = ["/", "/people"]
    pages += [f"/cases/{case}{x}" for x in ("", "/questions", "/questions/safety", "/talk", "/outcome", "/journal")]
    for url in pages:
        page = small.get("chair", url)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        policy = page.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe-inline" not in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "url", [f"/{SCRIPT}", f"/cases/{SCRIPT}", f"/link/{SCRIPT}", f"/lang/ko?to={SCRIPT}", f"/static/{SCRIPT}"]
)
def test_script_in_an_address_does_not_come_back(small: Any, url: str) -> None:
    answer = small.get("law", url)
    assert "<script>alert" not in answer.text
    assert answer.status_code in (303, 404, 422)


@pytest.mark.parametrize(
    "name",
    ["../review.sqlite", "..%2f..%2freview.sqlite", "%2e%2e/%2e%2e/review.sqlite", "/etc/passwd", "seal.json",
     "forms/../../../review.sqlite", "report.html%00.png", "....//review.sqlite", "..\\review.sqlite"],
)  # fmt: skip
def test_no_path_leads_out_of_the_dossier(small: Any, name: str) -> None:
    case = small.open_case()
    answer = small.get("law", f"/cases/{case}/dossiers/1/files/{name}")
    assert answer.status_code == 404
    assert b"SQLite" not in answer.content
    assert small.get("law", f"/static/{name}").status_code == 404


def test_a_file_changed_on_the_server_is_not_shown_and_not_decided_on(small: Any) -> None:
    case = small.open_case()
    with small.store.read() as work:
        place = small.store.dossiers / cases.latest(work, case).id / "report.html"
    place.chmod(0o600)
    place.write_bytes(place.read_bytes() + b" ")
    answer = small.get("law", f"/cases/{case}/dossiers/1/files/report.html")
    assert answer.status_code == 409
    assert "web/changed" in answer.text
    for name in ("law", "privacy", "ai"):
        small.answer_all(name, case)
        small.vote(name, case)
    assert small.post("chair", f"/cases/{case}/outcome").status_code == 409


def packed(*entries: tuple[str, bytes], mode: int = 0) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, data)
    out.seek(0)
    return out


@pytest.mark.parametrize(
    "name", ["../out", "/abs", "a/../../out", "a\\..\\out", "C:out", "a\nb", "x" * 600, "y" * 250 + "/z", "a/./../../b"]
)
def test_names_that_reach_out_of_the_package(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="bad-package"):
        unpack(packed((name, b"x")), tmp_path / "in")
    assert not list(tmp_path.rglob("out"))


def test_links_bombs_doubles_and_rubbish_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for bad in (
        packed(("link", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777),
        packed(("device", b""), mode=stat.S_IFCHR | 0o600),
        packed(("a", b"x"), ("A", b"y")),
        packed(("bomb", b"\0" * (32 << 20))),
        io.BytesIO(b"PK\x03\x04 rubbish"),
        io.BytesIO(b""),
    ):
        with pytest.raises(DataError, match="bad-package"):
            unpack(bad, tmp_path / "in")
    broken = bytearray(packed(("a", b"hello world " * 500)).getvalue())
    broken[40:50] = b"\xff" * 10  # a stream that does not unpack: the archive itself looks whole
    with pytest.raises(DataError, match="bad-package"):
        unpack(io.BytesIO(bytes(broken)), tmp_path / "broken")
    monkeypatch.setattr("synthproof.web.intake.MOST_FILES", 3)
    with pytest.raises(DataError, match="bad-package"):
        unpack(packed(*((str(i), b"") for i in range(5))), tmp_path / "many")
    monkeypatch.setattr("synthproof.web.intake.MOST_BYTES", 10)
    with pytest.raises(DataError, match="bad-package"):
        unpack(packed(("long", b"x" * 11)), tmp_path / "long")


def test_an_archive_that_lies_about_its_sizes(tmp_path: Path) -> None:
    data = bytearray(packed(("a", b"\0" * (20 << 20))).getvalue())
    # the stated size of the entry, in the local header and in the central directory, becomes 10 bytes
    size = (20 << 20).to_bytes(4, "little")
    assert data.count(size) == 2
    with pytest.raises(DataError, match="bad-package"):
        unpack(io.BytesIO(bytes(data.replace(size, (10).to_bytes(4, "little")))), tmp_path / "in")


def test_a_changed_byte_anywhere_is_refused_and_leaves_nothing(small: Any, tmp_path: Path) -> None:
    import shutil

    names = sorted(
        p.relative_to(small.dossiers[0]) for p in small.dossiers[0].rglob("*") if p.is_file() and p.stat().st_size
    )
    before = set(small.store.dossiers.iterdir()) if small.store.dossiers.exists() else set()
    for at, name in enumerate(names):
        copy = tmp_path / str(at)
        shutil.copytree(small.dossiers[0], copy)
        data = bytearray((copy / name).read_bytes())
        data[len(data) // 2] ^= 1
        (copy / name).write_bytes(bytes(data))
        with pytest.raises(StateError):
            cases.open_case(small.store, small.people["steward"], copy, title="x")
    copy = tmp_path / "link"
    shutil.copytree(small.dossiers[0], copy)
    (copy / "report.html").unlink()
    (copy / "report.html").symlink_to("/etc/passwd")
    with pytest.raises(DataError, match="bad-package"):
        cases.open_case(small.store, small.people["steward"], copy, title="x")
    with pytest.raises(StateError, match="not-a-dossier"), taken_in(packed(("a", b"x")), tmp_path / "room"):
        pass
    assert set(small.store.dossiers.iterdir()) == before


def test_too_large_and_too_slow_requests(small: Any) -> None:
    case = small.open_case()
    client = small.clients["law"]
    big = {"csrf": small.csrf("law"), "text": "x" * (300 * 1024)}
    assert client.post(f"/cases/{case}/comments", data=big).status_code == 413
    # no login, no large body, whatever the address
    lone = small.stranger().post("/cases/upload", content=b"x" * (300 * 1024), headers={"content-type": "x/y"})
    assert lone.status_code == 413
    # nor with a cookie that only looks like one, or a session whose role brings nothing in
    body = {"content": b"x" * (300 * 1024), "headers": {"content-type": "x/y"}}
    posing = small.stranger()
    posing.cookies.set(COOKIE, "made-up")
    for who in (posing, client, small.clients["chair"]):
        assert who.post("/cases/upload", **body).status_code == 413
    assert small.clients["steward"].post("/cases/upload", **body).status_code == 403  # read, and without a token
    lied = client.post("/login", content=b"x", headers={"content-length": "many", "content-type": "text/plain"})
    assert lied.status_code == 413


def test_a_body_that_does_not_come_is_not_waited_for(small: Any) -> None:
    import asyncio

    app = create_app(small.store, small_seconds=0.2)
    sent: list[dict[str, Any]] = []

    async def never() -> dict[str, Any]:
        await asyncio.sleep(30)
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/login", "raw_path": b"/login", "query_string": b"", "headers":
        [(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"10")], "client": ("1", 1),
        "server": ("testserver", 80), "scheme": "http", "http_version": "1.1", "root_path": "",
    }  # fmt: skip
    asyncio.run(asyncio.wait_for(app(scope, never, send), 10))  # type: ignore[arg-type]
    assert sent[0]["status"] in (400, 413)


def test_errors_tell_nothing_of_the_inside(small: Any) -> None:
    answer = small.get("law", "/cases/x' OR 1=1 --")
    assert answer.status_code == 404
    assert "Traceback" not in answer.text
    assert small.get("law", "/openapi.json").status_code == 404
    assert small.get("law", "/docs").status_code == 404
    assert json.loads(small.stranger().get("/healthy").text) == {"state": "ok"}
