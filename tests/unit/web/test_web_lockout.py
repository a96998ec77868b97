"""Who is kept out, and who cannot be: locks that strangers bring about, proxies, a chair whom nobody can help."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from synthproof.cli.main import main
from synthproof.core.errors import UsageError
from synthproof.web import serve as serving
from synthproof.web.acts import people
from synthproof.web.app import create_app
from synthproof.web.models import Person
from synthproof.web.routes.account import KNOWN
from synthproof.web.security import FAILURES, RateLimit, who_knocks
from synthproof.web.store import Store, later


def log_in(client: TestClient, world: Any, password: str = "", login: str = "law") -> int:
    return client.post("/login", data={"login": login, "password": password or world.password}).status_code


def test_a_stranger_keeps_nobody_out_of_a_browser_they_have_come_in_with(small: Any) -> None:
    own, stranger = small.stranger(), small.stranger()
    assert log_in(own, small) == 303
    assert KNOWN in own.cookies
    assert [log_in(stranger, small, "x") for _ in range(FAILURES + 1)] == [422] * (FAILURES + 1)
    assert log_in(small.stranger(), small) == 422  # locked, even for the right password
    assert log_in(own, small) == 303
    # coming in has lifted the lock, as it always does
    assert log_in(small.stranger(), small) == 303
    small.app.state.knocks = RateLimit(FAILURES, 60)  # a proxy in front: everybody knocks from one address
    assert [log_in(stranger, small, "x", "nobody") for _ in range(FAILURES + 1)] == [422] * FAILURES + [429]
    assert log_in(small.stranger(), small) == 429
    assert log_in(own, small) == 303
    assert log_in(own, small, login="privacy") == 429  # for another person's account it is a browser like any


def test_a_known_browser_has_few_tries_and_ends_with_the_password(small: Any) -> None:
    own = small.stranger()
    assert log_in(own, small) == 303
    mark = own.cookies[KNOWN]
    with small.store.write() as work:
        work.get_one(Person, small.people["law"].id).locked_until = later(minutes=10)
    assert [log_in(own, small, "x") for _ in range(FAILURES)] == [422] * FAILURES
    assert log_in(own, small) == 422  # its tries are used up: the lock holds for it, too
    small.app.state.known = RateLimit(1000, 60)
    assert log_in(own, small) == 303
    for made_up in ("", "0" * 64, "x" * 5000, mark[:-1]):
        other = small.stranger()
        other.cookies.set(KNOWN, made_up)
        with small.store.write() as work:
            work.get_one(Person, small.people["law"].id).locked_until = later(minutes=10)
        assert log_in(other, small) == 422
    people.change_password(small.store, small.people["law"], "another long sentence")
    other = small.stranger()
    other.cookies.set(KNOWN, mark)
    with small.store.write() as work:
        work.get_one(Person, small.people["law"].id).locked_until = later(minutes=10)
    assert log_in(other, small, "another long sentence") == 422


def test_an_open_session_does_not_give_the_password_away(small: Any) -> None:
    sent = {"old": "wrong", "password": "another long one", "again": "another long one"}
    codes = [small.post("law", "/account/password", **sent).status_code for _ in range(FAILURES + 2)]
    assert codes == [422] * FAILURES + [429] * 2
    # strangers who lock the account do not keep its owner from a new password
    with small.store.write() as work:
        work.get_one(Person, small.people["privacy"].id).locked_until = later(minutes=10)
    sent["old"] = small.password
    assert small.post("privacy", "/account/password", **sent).status_code == 303


def test_links_lead_over_tls_where_a_proxy_does_it(small: Any) -> None:
    def link() -> str:
        page = small.post("chair", f"/people/{small.people['law'].id}/reset").text
        found = re.search(r'value="([a-z]+)://testserver/link/', page)
        assert found
        return found[1]

    assert link() == "http"
    small.app.state.secure = True
    assert link() == "https"


def test_behind_a_proxy_each_person_knocks_for_themselves(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import uvicorn
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    started: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **told: started.append((app, told)))
    serving.serve(small.store, insecure=True)
    serving.serve(small.store)
    serving.serve(small.store, proxy="127.0.0.1")
    # no TLS of its own on this machine, but a proxy does it: cookies are for TLS alone
    assert [app.state.secure for app, _ in started] == [True, False, True]
    assert [told["proxy_headers"] for _, told in started] == [False, False, True]
    app, told = started[2]
    app.state.knocks = RateLimit(1, 60)
    outer: Any = ProxyHeadersMiddleware(app, trusted_hosts=told["forwarded_allow_ips"])

    def knock(at: str, forwarded: str) -> int:
        client = TestClient(outer, base_url="http://testserver", client=(at, 5))
        sent = {"login": "law", "password": "x"}
        return client.post("/login", data=sent, headers={"x-forwarded-for": forwarded}).status_code

    assert [knock("127.0.0.1", a) for a in ("10.0.0.1", "10.0.0.1", "10.0.0.2")] == [422, 429, 422]
    # what a person writes into the header themselves stands before what the proxy adds; others are not believed at all
    assert knock("127.0.0.1", "6.6.6.6, 10.0.0.1") == 429
    assert [knock("9.9.9.9", a) for a in ("10.0.0.3", "10.0.0.4")] == [422, 429]
    assert serving.check_proxy("10.0.0.0/24") == "10.0.0.0/24"
    for bad in ("*", "proxy.example.org", "10.0.0.1/24"):
        with pytest.raises(UsageError, match="bad-value"):
            serving.check_proxy(bad)


def test_addresses_of_one_household_knock_together() -> None:
    assert who_knocks("2001:db8:1:2:3:4:5:6") == who_knocks("2001:db8:1:2::1%eth0") == "2001:db8:1:2::/64"
    assert who_knocks("2001:db8:1:3::1") != who_knocks("2001:db8:1:2::1")
    assert who_knocks("::ffff:10.0.0.1") == who_knocks("10.0.0.1") == "10.0.0.1"
    assert who_knocks("testclient") == "testclient"


def test_the_setup_link_behind_a_proxy(tmp_path: Path) -> None:
    store = Store(tmp_path / "fresh")
    said = serving.greeting(store, "0.0.0.0", 8500, tls=False, proxied=True)
    assert any("https://…/link/" in w.en and "https://…/link/" in w.ko for w in said)
    store.close()


def test_a_chair_whom_nobody_can_help(
    small: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYNTHPROOF_LANG", "ko")

    def call(*args: str) -> int:
        monkeypatch.setattr(sys, "argv", ["synthproof", "review", "reset", *args, "--data", str(small.store.data)])
        with pytest.raises(SystemExit) as stop:
            main()
        return int(stop.value.code or 0)

    assert call("nobody") == 2
    capsys.readouterr()
    assert call("Chair") == 0
    found = re.search(r"(/link/[\w-]+)", capsys.readouterr().out.replace("\n", ""))
    assert found
    assert small.get("chair", "/").status_code == 401  # sessions and the old password have ended
    client = small.stranger()
    assert log_in(client, small, login="chair") == 422
    # the server is not taken for an empty one meanwhile: no second chair is set up
    assert people.first_setup(small.store) == ""
    sent = {"password": "a whole new sentence", "again": "a whole new sentence"}
    assert client.post(found[1], data=sent).status_code == 303
    assert client.get("/people").status_code == 200
    assert create_app(small.store).state.secure is False
