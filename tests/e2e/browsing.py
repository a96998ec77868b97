"""Browsers, a server and people in front of it, for the end-to-end tests; Chromium by its path, through Playwright."""

from __future__ import annotations

import importlib.util
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
from pathlib import Path
from typing import Any

import pytest

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


def patient(context: Any) -> Any:
    """Return a page that waits for two minutes: the machine may be busy with other tests."""
    context.set_default_timeout(120_000)
    context.set_default_navigation_timeout(120_000)
    return context.new_page()


class People:
    """Browsers of several people, each invited by the chair through the page."""

    def __init__(self, browser: Any, base: str, link: str) -> None:
        self.browser, self.base = browser, base
        self.pages: dict[str, Any] = {}
        self.outside: list[str] = []
        come_in(self._page("chair"), base + link, name="chair", login="chair")

    def _page(self, name: str, **context: Any) -> Any:
        page = patient(self.browser.new_context(**{"locale": "en-US", **context}))
        page.on("request", lambda r: None if r.url.startswith(self.base) else self.outside.append(r.url))
        self.pages[name] = page
        return page

    def invite(self, name: str, role: str, *, outside: bool = False, **context: Any) -> None:
        chair = self.pages["chair"]
        chair.goto(f"{self.base}/people")
        chair.fill("[name=name]", name)
        chair.fill("[name=login]", name)
        chair.select_option("[name=role]", role)
        chair.set_checked("[name=outside]", outside)
        chair.click("text=Make the link")
        come_in(self._page(name, **context), chair.input_value("input.copy"))

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


def listens(page: Any) -> None:
    """Wait until an item is shown, its script is at work and a frame is drawn.

    A page that is only parsed hears no key, and one that is not drawn yet does not know where a finger may not scroll: the
    browser takes a swipe there for itself.
    """
    page.wait_for_selector(".judge")
    drawn(page)


def drawn(page: Any) -> None:
    page.wait_for_load_state("load")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def moved_on(page: Any, seen: str | None) -> None:
    """Wait until another item listens, or none is left; asked from here, for the page's policy forbids evaluated scripts."""
    for _ in range(400):
        judge = page.locator(".judge")
        try:
            if judge.count() == 0 or judge.first.get_attribute("data-item", timeout=500) != seen:
                drawn(page)
                return
        except Exception as error:  # noqa: BLE001 - the page is being exchanged under the question
            if "Timeout" not in type(error).__name__ and not re.search("navigat|destroyed", str(error)):
                raise
        time.sleep(0.05)
    raise AssertionError("the answer did not lead on")


def picture(page: Any, name: str) -> None:
    """Keep a screenshot for people to look at, where SYNTHPROOF_PICTURES names a folder."""
    if folder := os.environ.get("SYNTHPROOF_PICTURES", ""):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def cli(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "synthproof", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def packed(folder: Path, target: Path) -> Path:
    return Path(shutil.make_archive(str(target), "zip", folder.parent, folder.name))


def dossier_tools() -> Any:
    """Makers of a small table and of a proof about it, which the dossier's unit tests use."""
    place = Path(__file__).parents[1] / "unit" / "dossier" / "conftest.py"
    spec = importlib.util.spec_from_file_location("dossier_tools", place)
    assert spec is not None
    assert spec.loader is not None
    tools = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tools)
    return tools


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder with vault and dossier, made from a small table."""
    from synthproof.dossier.assemble import write_dossier
    from synthproof.pipeline.tables import save_table

    tools = dossier_tools()
    root, table = tmp_path / "run", tools.made_table()
    (root / "vault").mkdir(parents=True)
    save_table(root / "vault" / "train", table)
    save_table(root / "vault" / "synthetic", table)
    proof = tools.made_proof(table)
    write_dossier(root / "dossier", proof, synthetic=table)
    told = json.dumps(proof.to_dict(private=True), default=str, ensure_ascii=False)
    (root / "vault" / "private.json").write_text(told, encoding="utf-8")
    return root
