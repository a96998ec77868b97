"""The whole surface, tried with what nobody would send; and a case whose size does not show."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, settings

from synthproof.dossier.seal import check_seal, write_seal
from synthproof.web.acts import cases
from synthproof.web.acts import panel as panels
from synthproof.web.guard import COOKIE


def test_nothing_that_is_sent_breaks_the_server(small: Any) -> None:
    """schemathesis over the OpenAPI surface, as each role: no answer may be a server's error."""
    schemathesis = pytest.importorskip("schemathesis")
    app: FastAPI = small.app
    schema = schemathesis.openapi.from_dict(app.openapi())
    case = small.open_case()
    for name in ("chair", "law", "steward"):
        headers = {"cookie": f"{COOKIE}={small.clients[name].cookies[COOKIE]}", "x-csrf-token": small.csrf(name)}
        client = small.stranger()
        client.raise_server_exceptions = False
        tried = 0
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.path in ("/logout", "/account/password", "/people/{person}/block", "/people/{person}/reset"):
                continue

            def send(case_: Any, client: Any = client, headers: Any = headers, path: str = operation.path) -> None:
                nonlocal tried
                told = case_.as_transport_kwargs(base_url="http://testserver")
                url = told["url"].replace("/cases/0", f"/cases/{case}")
                if "{case}" in path and case_.path_parameters and len(case_.path_parameters.get("case", "")) % 2:
                    rest = path.replace("{case}", case)
                    for key, value in case_.path_parameters.items():
                        rest = rest.replace("{" + key + "}", str(value).replace("/", "%2F"))
                    url = "http://testserver" + rest if "{" not in rest else url
                kept = {k: v for k, v in told.items() if k in ("params", "data", "files", "json", "content")}
                try:
                    answer = client.request(told["method"], url, headers=headers, **kept)
                except (UnicodeError, ValueError):  # what the client itself cannot put on the wire
                    return
                tried += 1
                assert answer.status_code < 500, (told["method"], url, answer.text[:500])

            test = operation.as_strategy()
            from hypothesis import given

            checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
            bounded = settings(max_examples=6, deadline=None, suppress_health_check=checks, database=None)
            bounded(given(case_=test)(send))()
        assert tried > 100


def test_a_large_case_opens_at_once(small: Any, tmp_path: Path) -> None:
    """10,000 pictures and 100 MB in a dossier: once it is in, the first byte comes in under a second."""
    folder = tmp_path / "large"
    shutil.copytree(small.dossiers[0], folder)
    old = check_seal(folder)
    (folder / "pictures").mkdir()
    picture = b"\x89PNG\r\n\x1a\n" + b"\0" * 10_000
    for i in range(10_000):
        (folder / "pictures" / f"{i:05d}.png").write_bytes(picture + i.to_bytes(4, "big"))
    write_seal(folder, synthetic=old["synthetic"], created=old["created"])
    case = cases.open_case(small.store, small.people["steward"], folder, title="large").id
    cases.call_member(small.store, small.people["chair"], case, small.people["law"].id)
    for path in ("", "/questions", "/questions/safety", "/dossiers/1/report", "/dossiers/1/files/report.html"):
        begun = time.perf_counter()
        answer = small.get("law", f"/cases/{case}{path}")
        took = time.perf_counter() - begun
        assert answer.status_code == 200
        assert took < 1.0, (path, took)


def test_a_panel_of_ten_thousand_items_is_read_without_waiting(small: Any) -> None:
    import io
    import json
    import zipfile

    out = io.BytesIO()
    n = 5000
    items = [{"name": f"{i:016x}", "kind": "card", "card": [["age", str(i)]]} for i in range(2 * n)]
    told = {"format": 1, "title": "x", "commitment": "sha256:0", "items": items}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("panel.json", json.dumps({**told, "plan": {"n": n, "minutes": 0}}))
    out.seek(0)
    panel = panels.open_panel(small.store, small.people["steward"], out).id
    panels.call_reader(small.store, small.people["steward"], panel, small.people["reader"].id)
    small.post("reader", f"/panels/{panel}/start")
    begun = time.perf_counter()
    page = small.get("reader", f"/panels/{panel}/read")
    assert page.status_code == 200
    assert time.perf_counter() - begun < 1.0
