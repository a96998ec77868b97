"""The server as a process: where it listens, over what, and what it says when it starts."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from synthproof.core.errors import UsageError
from synthproof.core.words import Words
from synthproof.web.acts.people import first_setup
from synthproof.web.app import create_app
from synthproof.web.store import Store

MOST_AT_ONCE = 400


def loopback(host: str) -> bool:
    """Return whether an address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(host: str, certificate: Path | None, key: Path | None, *, insecure: bool) -> bool:
    """Return whether the server speaks TLS itself; refuse an open address without it.

    Raises
    ------
    UsageError
        ``web/open-address``; ``usage/missing`` for a certificate without its key.
    """
    if (certificate is None) != (key is None):
        raise UsageError("usage/missing", where="synthproof review serve", name="--certificate, --key")
    for path in (certificate, key):
        if path is not None and not path.is_file():
            raise UsageError("usage/bad-value", name=str(path), wanted="")
    if certificate is None and not loopback(host) and not insecure:
        raise UsageError("web/open-address", host=host)
    return certificate is not None


def check_proxy(proxy: str) -> str:
    """Return the address of a proxy, or of the network it is in; anybody at all is no proxy.

    Raises
    ------
    UsageError
        ``usage/bad-value``.
    """
    try:
        return str(ipaddress.ip_network(proxy)) if "/" in proxy else str(ipaddress.ip_address(proxy)) if proxy else ""
    except ValueError as error:
        raise UsageError("usage/bad-value", name=proxy, wanted=" (127.0.0.1, 10.0.0.0/24)") from error


def greeting(store: Store, host: str, port: int, *, tls: bool, proxied: bool = False) -> list[Words]:
    """Return what is said at the start: where it is, the setup link when nobody has joined, and any broken journal.

    Parameters
    ----------
    tls
        Whether the server itself speaks TLS.
    proxied
        Whether a proxy does it: people then reach the server under the proxy's name, which is not known here.
    """
    shown = f"[{host}]" if ":" in host else host
    base = f"{'https' if tls else 'http'}://{shown}:{port}"
    said = [Words(en=f"The review server is at {base}", ko=f"심의 서버 주소: {base}")]
    if proxied:
        said.append(
            Words(
                en="People reach it under the proxy's name, over https; put that name in place of … in links.",
                ko="사용자는 프록시의 이름으로 https로 접속합니다. 링크의 … 자리에 그 이름을 넣으십시오.",
            )
        )
    if token := first_setup(store):
        link = f"https://…/link/{token}" if proxied else f"{base}/link/{token}"
        said.append(
            Words(
                en=f"First setup, once: {link}\n(it makes the account of the chair, who invites everybody else)",
                ko=f"첫 설정(한 번만): {link}\n(위원장 계정을 만들며, 다른 사용자는 위원장이 초대합니다)",
            )
        )
    for chain, flaws in store.flaws().items():
        told = flaws[0].words
        said.append(Words(en=f"WARNING: journal {chain}: {told.en}", ko=f"경고: 기록부 {chain}: {told.ko}"))
    return said


def serve(
    store: Store,
    *,
    host: str = "127.0.0.1",
    port: int = 8500,
    certificate: Path | None = None,
    key: Path | None = None,
    insecure: bool = False,
    proxy: str = "",
) -> None:
    """Serve until the process is told to stop.

    Parameters
    ----------
    host, port
        Where to listen; this machine alone unless told otherwise.
    certificate, key
        PEM files, for TLS.
    insecure
        Without TLS of its own, on this machine or beyond it: for a proxy in front that does it. Cookies are then still
        marked to travel over TLS alone.
    proxy
        Address of that proxy; the address of the person is then taken from its ``X-Forwarded-For``, and from nobody
        else's, so that tries to log in are counted for each of them.
    """
    import uvicorn

    from synthproof.web.patience import ImpatientProtocol

    tls = check_address(host, certificate, key, insecure=insecure)
    secure = tls or insecure or bool(proxy) or not loopback(host)
    uvicorn.run(
        create_app(store, secure=secure),
        host=host,
        port=port,
        http=ImpatientProtocol,
        ssl_certfile=str(certificate) if certificate else None,
        ssl_keyfile=str(key) if key else None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxy),
        forwarded_allow_ips=proxy or None,
        limit_concurrency=MOST_AT_ONCE,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
    )
