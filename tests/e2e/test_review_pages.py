"""Every page of the review server as people see it: both languages, wide and small, light and dark, by keyboard.

Held for each: one heading, a name for every control, nothing that hangs over the edge, letters that stand out from
their ground (WCAG 2.1 AA: 4.5, large letters 3), no word of the browser's about blocked or failed parts. With
SYNTHPROOF_PICTURES=FOLDER the pages are kept as pictures; those of the documentation come from there.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

spec = importlib.util.spec_from_file_location("browsing", Path(__file__).with_name("browsing.py"))
assert spec is not None
assert spec.loader is not None
browsing = importlib.util.module_from_spec(spec)
spec.loader.exec_module(browsing)
browser, server = browsing.browser, browsing.server

LOOK = """(() => {
  const out = [];
  const luminance = (c) => {
    const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length && (c.length < 4 || c[3] === 1)) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const e = n.parentElement, box = e.getBoundingClientRect(), s = getComputedStyle(e);
    if (!n.data.trim() || box.width < 2 || s.visibility === "hidden" || e.closest(".skip, option, :disabled")) continue;
    const a = luminance(parse(s.color).slice(0, 3)), b = luminance(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(s.fontSize), large = size >= 24 || (size >= 18.66 && Number(s.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) out.push(`contrast ${ratio.toFixed(2)}: ${n.data.trim().slice(0, 30)}`);
  }
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea, button, iframe, a[href], img")) {
    const named = e.labels && e.labels.length ? e.labels[0].textContent : e.textContent;
    const name = e.getAttribute("aria-label") || e.title || e.alt || named;
    if (!name.trim()) out.push(`no name: ${e.outerHTML.slice(0, 80)}`);
  }
  if (document.querySelectorAll("h1").length !== 1) out.push(`${document.querySelectorAll("h1").length} h1`);
  let level = 0;
  for (const h of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(h.tagName[1]);
    if (next > level + 1 && level) out.push(`from h${level} to h${next}: ${h.textContent.trim().slice(0, 30)}`);
    level = next;
  }
  const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (over > 0) {
    const wide = [...document.querySelectorAll("main *, header *")].filter(
      (e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !e.closest(".scroll"));
    out.push(`hangs over by ${over}: ${wide.slice(0, 2).map((e) => e.outerHTML.slice(0, 60))}`);
  }
  for (const e of document.querySelectorAll("ul, ol, dl, table"))
    if (!e.children.length) out.push(`empty ${e.tagName}`);
  return out;
})()"""


def looked_at(page: Any, url: str, name: str, lang: str, width: int, *, dark: bool = False) -> list[str]:
    """Open a page and return what is wrong with it."""
    said: list[str] = []

    def hear(message: Any) -> None:
        if message.type in ("error", "warning"):
            said.append(message.text[:200])

    page.context.add_cookies([{"name": "lang", "value": lang, "url": url[: url.index("/", 8)]}])
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.on("console", hear)
    page.goto(url)
    page.wait_for_load_state("load")
    page.remove_listener("console", hear)
    found = [x for x in said if "status of 4" not in x] + list(page.evaluate(LOOK))
    if page.get_attribute("html", "lang") != lang:
        found.append("another language")
    where = f"review_{name}.{lang}" + ("" if width > 1000 else f".{width}") + (".dark" if dark else "")
    browsing.picture(page, where)
    return [f"{where}: {x}" for x in found]


def tabbed(page: Any, url: str) -> list[str]:
    """Go through a page with Tab alone; return the stops without a mark that shows where one is."""
    page.goto(url)
    bad, seen = [], 0
    for _ in range(80):
        page.keyboard.press("Tab")
        told = page.evaluate(
            "(() => { const e = document.activeElement, s = getComputedStyle(e); return e === document.body ? null : "
            "[e.outerHTML.slice(0, 80), s.outlineStyle, parseFloat(s.outlineWidth), e.tagName] })()"
        )
        if told is None or (told[3] == "IFRAME" and seen):
            break
        seen += 1
        if told[1] == "none" or told[2] < 2:
            bad.append(f"{url}: no focus mark: {told[0]}")
    assert seen > 5
    return bad


def committee(browser: Any, server: tuple[str, str], run: Path, tmp_path: Path) -> tuple[Any, str, str]:
    """People, a case that was decided once and came again, and a panel that is being read."""
    us = browsing.People(browser, *server)
    for name, role in (("이담당", "steward"), ("박판독", "reader"), ("오감사", "auditor")):
        us.invite(name, role)
    us.pages["steward"] = us.pages["이담당"]
    for name, outside in (("김법률", True), ("정보호", True), ("한지능", False)):
        us.invite(name, "reviewer", outside=outside)
    chair, steward = us.pages["chair"], us.pages["steward"]
    first = browsing.packed(run / "dossier", tmp_path / "first")
    case = us.upload("/new", first, title="혈압 합성데이터 외부 공개")
    for name in ("김법률", "정보호", "한지능"):
        chair.goto(us.base + case)
        chair.click("#members summary >> nth=0")
        option = chair.locator(f"#members option:has-text('{name}')").first.get_attribute("value")
        chair.select_option("#members [name=person]", option)
        chair.fill("#members [name=due]", "2027-01-29")
        chair.click("#members button:has-text('Call')")
    steward.goto(us.base + case)
    steward.click("button:has-text('Go on to stage')")
    law = us.pages["김법률"]
    law.goto(f"{us.base}{case}/questions/safety")
    law.fill("#talk [name=text]", "추론위험도가 임계값을 넘는 이유는 무엇입니까?")
    law.click("text=Ask the steward")
    steward.goto(f"{us.base}{case}/questions/safety")
    steward.fill(".talk [name=text]", "대상 항목의 불균형 때문입니다. 보완 자료에서 다시 측정하겠습니다.")
    steward.click("button:has-text('Reply')")
    for name in ("김법률", "정보호"):
        us.vote(name, case, "approve")
    us.vote("한지능", case, "conditional", unfit="safety", conditions="활용 기간을 1년으로 줄일 것")
    chair.goto(f"{us.base}{case}/outcome")
    chair.click("text=Count and close")
    words = ("--n", "3", "--band", "safety", "--minutes", "30", "--training", "1", "--title", "혈압 자료 판독 시험")
    browsing.cli("vtt", "new", str(run), "-o", str(tmp_path / "panel.zip"), *words)
    panel = us.upload("/new-panel", tmp_path / "panel.zip")
    steward.select_option("[name=person]", label="박판독")
    steward.click("form:has([name=person]) button")
    return us, case, panel


def test_every_page_in_both_languages_and_at_both_widths(
    browser: Any, server: tuple[str, str], run: Path, tmp_path: Path
) -> None:
    us, case, panel = committee(browser, server, run, tmp_path)
    stranger = browsing.patient(browser.new_context())
    chair, steward, law, reader = (us.pages[n] for n in ("chair", "steward", "김법률", "박판독"))
    visits: list[tuple[Any, str, str]] = [
        (stranger, "/login", "login"),
        (chair, "/people", "people"),
        (chair, "/account", "account"),
        (chair, "/pledge", "pledge"),
        (chair, case, "case"),
        (chair, f"{case}/outcome", "outcome"),
        (chair, f"{case}/journal", "journal"),
        (law, "/", "home"),
        (law, f"{case}/questions", "questions"),
        (law, f"{case}/questions/safety", "question"),
        (law, f"{case}/talk", "talk"),
        (law, f"{case}/compare", "compare"),
        (law, f"{case}/dossiers/1/report", "report"),
        (law, "/cases/" + "0" * 32, "error"),
        (steward, "/new", "new"),
        (steward, "/new-panel", "new_panel"),
        (steward, panel, "panel"),
        (reader, "/", "home_reader"),
        (reader, f"{panel}/read", "start"),
    ]
    bad: list[str] = []

    def visit(page: Any, path: str, name: str) -> None:
        for lang in ("ko", "en"):
            for width in (1280, 390):
                bad.extend(looked_at(page, us.base + path, name, lang, width))
            bad.extend(looked_at(page, us.base + path, name, lang, 1280, dark=True))

    for page, path, name in visits:
        visit(page, path, name)
    # the case comes again, and is open: the forms for answers and votes are there
    table = json.loads((run / "dossier" / "seal.json").read_text(encoding="utf-8"))
    assert table["digest"]
    us.upload(case, again(run, tmp_path))
    for page, path, name in (
        (law, f"{case}/questions", "vote"),
        (law, f"{case}/questions/safety", "answer"),
        (law, f"{case}/compare", "compared"),
        (law, f"{case}/outcome", "outcome_open"),
    ):
        visit(page, path, name)
    reader.goto(f"{us.base}{panel}/read")
    reader.click("main form button")
    visit(reader, f"{panel}/read", "read")
    browsing.listens(reader)
    for _ in range(6):
        seen = reader.get_attribute(".judge", "data-item")
        reader.keyboard.press("2")
        browsing.moved_on(reader, seen)
    visit(reader, f"{panel}/read", "read_done")
    # the frame beside a question opens at the part of the report that the question rests on
    law.set_viewport_size({"width": 1280, "height": 900})
    law.goto(f"{us.base}{case}/questions/safety")
    law.locator("iframe").scroll_into_view_if_needed()
    part = law.frame_locator("iframe[name=report]").locator("#family-safety")
    part.wait_for()
    law.wait_for_timeout(500)
    top = part.evaluate("e => [e.getBoundingClientRect().top, innerHeight]")
    assert -5 <= top[0] < top[1] / 2, top
    for page, path in ((law, f"{case}/questions/safety"), (chair, case), (chair, "/people")):
        bad.extend(tabbed(page, us.base + path))
    assert not bad, "\n".join(bad)


def again(run: Path, tmp_path: Path) -> Path:
    """A later dossier of the same run, with another title."""
    tools = browsing.dossier_tools()
    from synthproof.dossier.assemble import write_dossier

    table = tools.made_table()
    made = write_dossier(tmp_path / "later" / "dossier", tools.made_proof(table, title="later"), synthetic=table)
    return Path(browsing.packed(made, tmp_path / "second"))


run = browsing.run
