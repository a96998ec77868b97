"""The committee's road in a real browser. Skips visibly where there is none."""

from __future__ import annotations

import importlib.util
from datetime import date
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

spec = importlib.util.spec_from_file_location("browsing", Path(__file__).with_name("browsing.py"))
assert spec is not None
assert spec.loader is not None
browsing = importlib.util.module_from_spec(spec)
spec.loader.exec_module(browsing)
browser, server, run = browsing.browser, browsing.server, browsing.run
People, cli, come_in, moved_on, packed = (
    browsing.People,
    browsing.cli,
    browsing.come_in,
    browsing.moved_on,
    browsing.packed,
)


def test_invited_pledged_and_at_home_by_keyboard(browser: Any, server: tuple[str, str]) -> None:
    base, link = server
    chair = browsing.patient(browser.new_context(locale="en-US"))
    outside: list[str] = []
    chair.on("request", lambda r: outside.append(r.url) if not r.url.startswith(base) else None)
    come_in(chair, base + link, name="Chair", login="chair")
    chair.goto(f"{base}/people")
    chair.fill("[name=name]", "김판독")
    chair.fill("[name=login]", "kim@example.org")
    chair.select_option("[name=role]", "reader")
    chair.click("text=Make the link")
    invitation = chair.input_value("input.copy")
    reader = browsing.patient(browser.new_context(locale="ko-KR"))
    come_in(reader, invitation)
    assert reader.inner_text("h1") == "판독 시험"
    assert "판독" in reader.inner_text("main")
    reader.keyboard.press("Tab")
    assert reader.evaluate("document.activeElement.className") == "skip"
    assert outside == []


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
        browsing.listens(reader)
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
