"""The committee's road in a real browser: Chromium by its path, through Playwright. Skips visibly where there is none."""

from __future__ import annotations

import json
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
from datetime import date
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


class People:
    """Browsers of several people, each invited by the chair through the page."""

    def __init__(self, browser: Any, base: str, link: str) -> None:
        self.browser, self.base = browser, base
        self.pages: dict[str, Any] = {}
        self.outside: list[str] = []
        come_in(self._page("chair"), base + link, name="chair", login="chair")

    def _page(self, name: str) -> Any:
        page = self.browser.new_context(locale="en-US").new_page()
        page.on("request", lambda r: None if r.url.startswith(self.base) else self.outside.append(r.url))
        self.pages[name] = page
        return page

    def invite(self, name: str, role: str, *, outside: bool = False) -> None:
        chair = self.pages["chair"]
        chair.goto(f"{self.base}/people")
        chair.fill("[name=name]", name)
        chair.fill("[name=login]", name)
        chair.select_option("[name=role]", role)
        chair.set_checked("[name=outside]", outside)
        chair.click("text=Make the link")
        come_in(self._page(name), chair.input_value("input.copy"))

    def upload(self, url: str, file: Path, **fields: str) -> str:
        page = self.pages["steward"]
        page.goto(self.base + url)
        for name, value in fields.items():
            page.fill(f"main [name={name}]", value)
        if page.locator("details:has([name=file])").count():
            page.click("details:has([name=file]) summary")
        page.set_input_files("main [name=file]", file)
        page.click("main form:has([name=file]) button")
        page.wait_for_url(re.compile(r"/(cases|panels)/[0-9a-f]{32}$"))
        return str(page.url.removeprefix(self.base))

    def vote(self, name: str, case: str, overall: str, *, unfit: str = "", conditions: str = "") -> None:
        self.fill_in(name, case, overall, unfit=unfit, conditions=conditions)
        self.pages[name].click("form:has([name=overall]) button")
        self.pages[name].wait_for_selector("text=You voted")

    def vote_at_once(self, names: tuple[str, ...], case: str, overall: str) -> None:
        """Fill in everybody's vote, then send all of them before any answer is waited for."""
        for name in names:
            self.fill_in(name, case, overall)
        for name in names:
            self.pages[name].evaluate(
                "setTimeout(() => document.querySelector('form:has([name=overall]) button').click(), 300)"
            )
        for name in names:
            self.pages[name].wait_for_selector("text=You voted")

    def fill_in(self, name: str, case: str, overall: str, *, unfit: str = "", conditions: str = "") -> None:
        page = self.pages[name]
        for question in ("purpose", "identification", "generation", "safety", "environment"):
            page.goto(f"{self.base}{case}/questions/{question}")
            page.check(f"[name=value][value={'unfit' if question == unfit else 'fit'}]")
            if question == unfit:
                page.fill("[name=reason]", "too near")
            page.click("form:has([name=value]) button")
        page.goto(f"{self.base}{case}/questions")
        page.check(f"[name=overall][value={overall}]")
        page.fill("[name=opinion]", "seen")
        page.fill("[name=conditions]", conditions)


def moved_on(page: Any, seen: str | None) -> None:
    """Wait until another item is shown, or none; asked from here, for the page's policy forbids evaluated scripts."""
    for _ in range(400):
        judge = page.locator(".judge")
        try:
            if judge.count() == 0 or judge.first.get_attribute("data-item", timeout=500) != seen:
                return
        except Exception as error:  # noqa: BLE001 - the page is being exchanged under the question
            if "Timeout" not in type(error).__name__ and not re.search("navigat|destroyed", str(error)):
                raise
        time.sleep(0.05)
    raise AssertionError("the answer did not lead on")


def cli(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "synthproof", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def packed(folder: Path, target: Path) -> Path:
    return Path(shutil.make_archive(str(target), "zip", folder.parent, folder.name))


def test_the_committees_road_with_a_panel(browser: Any, server: tuple[str, str], run: Path, tmp_path: Path) -> None:
    """Invited, pledged, a panel read by keys, sealed anew, imported, asked, voted at once, conditional, renewed, approved,
    sealed for release and checked."""
    us = People(browser, *server)
    for name, role in (("steward", "steward"), ("one", "reader"), ("two", "reader")):
        us.invite(name, role)
    for name, outside in (("law", True), ("privacy", True), ("ai", False)):
        us.invite(name, "reviewer", outside=outside)
    chair, steward = us.pages["chair"], us.pages["steward"]

    cli("vtt", "new", str(run), "-o", str(tmp_path / "panel.zip"), "--n", "3", "--band", "safety", "--minutes", "0")
    panel = us.upload("/new-panel", tmp_path / "panel.zip")
    for name in ("one", "two"):
        steward.select_option("[name=person]", label=name)
        steward.click("form:has([name=person]) button")
        reader = us.pages[name]
        reader.goto(f"{us.base}{panel}/read")
        reader.click("text=Begin")
        for i in range(6):
            seen = reader.get_attribute(".judge", "data-item")
            reader.keyboard.press("1" if i % 2 else "2")
            moved_on(reader, seen)
        reader.click("text=Finish")
        reader.wait_for_selector("text=finished")
    steward.goto(us.base + panel)
    steward.click("text=Close the panel")
    with steward.expect_download() as download:
        steward.click("text=Take the readings out")
    download.value.save_as(tmp_path / "readings.zip")
    first = packed(run / "dossier", tmp_path / "first")
    cli("vtt", "close", str(run), str(tmp_path / "readings.zip"))

    case = us.upload("/new", first, title="Blood pressure")
    for name in ("law", "privacy", "ai"):
        chair.goto(us.base + case)
        chair.click("#members summary >> nth=0")
        value = chair.locator(f"#members option:has-text('{name}')").first.get_attribute("value")
        chair.select_option("#members [name=person]", value)
        chair.click("#members button:has-text('Call')")
    steward.goto(us.base + case)
    steward.click("button:has-text('Go on to stage')")
    law = us.pages["law"]
    law.goto(f"{us.base}{case}/questions/safety")
    assert law.frame_locator("iframe[name=report]").locator("h1").count() == 1
    law.fill("#talk [name=text]", "How near?")
    law.click("text=Ask the steward")
    steward.goto(f"{us.base}{case}/questions/safety")
    steward.fill(".talk [name=text]", "Not near.")
    steward.click("button:has-text('Reply')")
    law.reload()
    assert "Not near." in law.inner_text("#talk")
    us.vote_at_once(("law", "privacy"), case, "approve")
    us.vote("ai", case, "conditional", unfit="safety", conditions="Shorten the term")
    chair.goto(f"{us.base}{case}/outcome")
    chair.click("text=Count and close")
    assert "approved with conditions" in chair.inner_text(".verdict")

    us.upload(case, packed(run / "dossier", tmp_path / "second"))
    law.goto(f"{us.base}{case}/compare")
    assert "made from it" in law.inner_text("main")
    for name in ("law", "privacy", "ai"):
        us.vote(name, case, "approve")
    chair.goto(f"{us.base}{case}/outcome")
    chair.click("text=Count and close")
    assert "proper (approved)" in chair.inner_text(".verdict")
    steward.goto(us.base + case)
    with steward.expect_download() as download:
        steward.click("text=Export")
    download.value.save_as(tmp_path / "case.zip")
    from synthproof.dossier.seal import check_seal
    from synthproof.review.record import read_export

    decision = read_export(tmp_path / "case.zip")[0].decision(check_seal(run / "dossier")["digest"])
    assert decision is not None
    assert decision.releasable
    assert us.outside == []

    (tmp_path / "words").write_text("correct horse battery staple\n", encoding="utf-8")
    words = ("--passphrase-file", str(tmp_path / "words"))
    cli("release", "keygen", str(run), *words)
    bundle, today = tmp_path / "bundle.zip", date.today()
    period = ("--from", today.isoformat(), "--until", today.replace(year=today.year + 1, day=1).isoformat())
    cli("release", "seal", str(run), "-o", str(bundle), "--outcome", str(tmp_path / "case.zip"), *period, *words)
    cli("release", "check", str(bundle), "--key", str(next((run / "vault").rglob("*public*"))))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder with vault and dossier, made from a small table."""
    import importlib.util

    from synthproof.dossier.assemble import write_dossier
    from synthproof.pipeline.tables import save_table

    place = Path(__file__).parents[1] / "unit" / "dossier" / "conftest.py"
    spec = importlib.util.spec_from_file_location("dossier_tools", place)
    assert spec is not None
    assert spec.loader is not None
    tools = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tools)
    root, table = tmp_path / "run", tools.made_table()
    (root / "vault").mkdir(parents=True)
    save_table(root / "vault" / "train", table)
    save_table(root / "vault" / "synthetic", table)
    proof = tools.made_proof(table)
    write_dossier(root / "dossier", proof, synthetic=table)
    told = json.dumps(proof.to_dict(private=True), default=str, ensure_ascii=False)
    (root / "vault" / "private.json").write_text(told, encoding="utf-8")
    return root
