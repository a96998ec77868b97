"""The committee's road in a real browser: Chromium by its path, through Playwright. Skips visibly where there is none."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

CHROMIUM = next(
    (p for n in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable") if (p := shutil.which(n))),
    os.environ.get("SYNTHPROOF_CHROMIUM", ""),
)
PASSWORD = "correct horse battery staple"


@pytest.fixture
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    if not CHROMIUM:
        pytest.skip("no Chromium: install the system's (apt-get install chromium) or set SYNTHPROOF_CHROMIUM")
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address, and the setup link that the first start prints."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "synthproof", "review", "serve", "--port", str(port), "--data", str(tmp_path / "s")]
    log = (tmp_path / "out").open("w+")
    process = subprocess.Popen(words, stdout=log, env={**os.environ, "SYNTHPROOF_LANG": "en", "PYTHONUNBUFFERED": "1"})
    base = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{base}/healthy", timeout=2).close()
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    link = re.search(r"(/link/[\w-]+)", (tmp_path / "out").read_text())
    assert link
    yield base, link[1]
    process.terminate()
    process.wait(20)
    log.close()


def come_in(page: Any, url: str, *, name: str = "", login: str = "") -> None:
    page.goto(url)
    if name:
        page.fill("[name=name]", name)
        page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.click("main button")
    page.check("[name=confidentiality]")
    for i in range(6):
        page.check(f"[name=item{i}][value=no]")
    page.click("main button")


def test_invited_pledged_and_at_home_by_keyboard(browser: Any, server: tuple[str, str]) -> None:
    base, link = server
    chair = browser.new_page(locale="en-US")
    outside: list[str] = []
    chair.on("request", lambda r: outside.append(r.url) if not r.url.startswith(base) else None)
    come_in(chair, base + link, name="Chair", login="chair")
    chair.goto(f"{base}/people")
    chair.fill("[name=name]", "김판독")
    chair.fill("[name=login]", "kim@example.org")
    chair.select_option("[name=role]", "reader")
    chair.click("text=Make the link")
    invitation = chair.input_value("input.copy")
    reader = browser.new_context(locale="ko-KR").new_page()
    come_in(reader, invitation)
    assert reader.inner_text("h1") == "안건"
    assert "판독" in reader.inner_text("main")
    reader.keyboard.press("Tab")
    assert reader.evaluate("document.activeElement.className") == "skip"
    assert outside == []
