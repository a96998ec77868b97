"""Sockets that never finish a request are let go, those that ask are answered, however slowly the answer comes."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

uvicorn = pytest.importorskip("uvicorn", reason="the web extra is not installed")


async def slow_answer(scope: Any, receive: Any, send: Any) -> None:
    """Answer after longer than a head may take."""
    if scope["path"] == "/slow":
        await asyncio.sleep(1.2)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    from synthproof.web.patience import ImpatientProtocol

    monkeypatch.setattr(ImpatientProtocol, "HEAD_SECONDS", 0.4)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = int(probe.getsockname()[1])
    config = uvicorn.Config(
        slow_answer, host="127.0.0.1", port=free, http=ImpatientProtocol, lifespan="off", log_level="error",
        limit_concurrency=8,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield free
    server.should_exit = True
    thread.join(20)


def closed(sock: socket.socket) -> bool:
    sock.settimeout(10)
    try:
        return sock.recv(100) == b""
    except ConnectionError:
        return True


def test_sockets_that_never_ask_do_not_keep_others_out(port: int) -> None:
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(12)]
    for at, sock in enumerate(idle):
        if at % 2:  # half of them begin a request and go on by a letter
            sock.sendall(b"GET / HTT")
    assert all(closed(sock) for sock in idle)
    assert httpx.get(f"http://127.0.0.1:{port}/", timeout=20).text == "ok"
    for sock in idle:
        sock.close()


def test_dripping_after_a_first_request_is_let_go_too(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        got = b""
        sock.settimeout(10)
        while not got.endswith(b"ok"):
            got += sock.recv(1000)
        sock.sendall(b"G")
        assert closed(sock)


def test_whoever_has_asked_is_answered_and_may_ask_again(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        for path in ("/slow", "/", "/slow"):
            assert client.get(path).text == "ok"
