"""The visual Turing test with pictures in a real browser: drawn, read by keys and by touch, closed, sealed anew, shown."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from synthproof.dossier.seal import check_seal
from synthproof.testing.small_policy import small_policy

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

spec = importlib.util.spec_from_file_location("browsing", Path(__file__).with_name("browsing.py"))
assert spec is not None
assert spec.loader is not None
browsing = importlib.util.module_from_spec(spec)
spec.loader.exec_module(browsing)
browser, server = browsing.browser, browsing.server

POLICY = small_policy("image.exact_copies")
TITLE = "가슴 X선 판독 시험"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A run over 240 pictures of 160 persons, whole: learned, drawn, sealed."""
    pytest.importorskip("torch", reason="synthproof[images] is not installed")
    pytest.importorskip("PIL.Image", reason="synthproof[images] is not installed")
    import pandas as pd
    from PIL import Image

    from synthproof.pipeline.config import RunConfig, override
    from synthproof.pipeline.image_road import road_for
    from synthproof.testing.shapes import shapes

    data, place = shapes(240, 1, side=32, persons=160), tmp_path / "pictures"
    codes, names = data.classes()
    for i, picture in enumerate(data.pixels()):
        (place / names[codes[i]]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[..., 0]).save(place / names[codes[i]] / f"{i:04d}.png")
    pd.DataFrame(
        {
            "file": [f"{names[c]}/{i:04d}.png" for i, c in enumerate(codes)],
            "label": [names[c] for c in codes],
            "patient": [f"M{w:05d}" for w in data.unit_of_row],
        }
    ).to_csv(place / "labels.csv", index=False)
    (tmp_path / "small.toml").write_text(POLICY, encoding="utf-8")
    config = override(
        RunConfig(), source=str(place), out=str(tmp_path / "run"), seed=5, lang="ko", sample__n=40,
        protect__steps="none", verify__policy=str(tmp_path / "small.toml"), verify__repeats=5,
        fit__parameters={"images": 640, "width": 16, "levels": 2},
    )  # fmt: skip
    road_for(config).travel()
    return tmp_path / "run"


def style(page: Any) -> tuple[str, str]:
    """How the picture is shown: where and how large, how bright."""
    told = page.evaluate(
        "(() => { const i = document.querySelector('.viewer img'); return [i.style.transform, i.style.filter] })()"
    )
    return str(told[0]), str(told[1])


def finger(page: Any, path: list[tuple[float, float]]) -> None:
    """Draw one finger over the screen, as a tablet reports it."""
    touch = page.context.new_cdp_session(page)
    for at, (x, y) in enumerate(path):
        kind = "touchStart" if at == 0 else "touchMove"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    touch.detach()


def two_fingers(page: Any, near: float, far: float) -> None:
    """Spread two fingers over the middle of the picture."""
    box = page.locator(".viewer").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    for at, half in enumerate((near, (near + far) / 2, far)):
        points = [{"x": x - half, "y": y, "id": 0}, {"x": x + half, "y": y, "id": 1}]
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove" if at else "touchStart", "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    touch.detach()


def by_keys(page: Any, base: str, panel: str, n: int) -> None:
    """Read a whole panel with the keyboard alone, and look at how a picture can be looked at."""
    page.goto(f"{base}{panel}/read")
    assert TITLE in page.inner_text("h1")
    browsing.picture(page, "panel_start")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.focus("main form button")
    page.keyboard.press("Enter")
    browsing.listens(page)
    assert page.locator(".viewer img").evaluate("i => i.complete && i.naturalWidth") == 32
    assert page.locator(".viewer img").bounding_box()["width"] > 300, "a small picture fills the viewer"

    page.keyboard.press("+")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    assert style(page) == ("translate(0px, 0px) scale(1.25)", "brightness(1.1) contrast(1.1)")
    page.mouse.move(*middle(page))
    page.mouse.wheel(0, -100)
    assert "scale(1.5625)" in style(page)[0]
    x, y = middle(page)
    page.mouse.down()
    page.mouse.move(x + 40, y + 20, steps=4)
    page.mouse.up()
    assert style(page)[0].startswith("translate(40px, 20px)")
    browsing.picture(page, "panel_zoomed")
    # the same without letters: the tools are buttons that Tab reaches
    page.focus(".tools button >> nth=0")
    for _ in range(4):
        page.keyboard.press("Tab")
    focused = page.evaluate(
        "(() => { const e = document.activeElement, s = getComputedStyle(e); return [e.dataset.turn, s.outlineStyle, s.outlineWidth] })()"
    )
    assert focused == ["ArrowLeft", "solid", "3px"]
    browsing.picture(page, "panel_focus")
    page.keyboard.press("Enter")
    assert "contrast(1)" in style(page)[1]
    page.keyboard.press("0")
    assert style(page) == ("translate(0px, 0px) scale(1)", "brightness(1) contrast(1)")
    page.keyboard.press("ArrowUp")

    for i in range(2 * n):
        seen = page.get_attribute(".judge", "data-item")
        page.keyboard.press("1" if i % 2 else "2")
        browsing.moved_on(page, seen)
        if i == 0:
            assert style(page) == ("translate(0px, 0px) scale(1)", "brightness(1.1) contrast(1)"), "the window is kept"
    page.focus("main form button")
    browsing.picture(page, "panel_done")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/$"))


def by_touch(page: Any, base: str, panel: str, n: int) -> None:
    """Read it on a small screen without a keyboard: swiping, pinching, tapping."""
    page.goto(f"{base}{panel}/read")
    page.tap("main form button")
    browsing.listens(page)
    wide = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide[0] <= wide[1], "nothing hangs over the edge of a small screen"
    first = page.get_attribute(".judge", "data-item")
    two_fingers(page, 40, 80)
    assert "scale(2" in style(page)[0]
    assert page.get_attribute(".judge", "data-item") == first, "pinching judges nothing"
    page.tap(".tools [data-turn='0']")
    browsing.picture(page, "panel_small")
    x, y = middle(page)
    finger(page, [(x, y), (x, y - 60), (x, y - 120)])
    assert page.get_attribute(".judge", "data-item") == first, "nor does scrolling"
    for i in range(2 * n):
        seen = page.get_attribute(".judge", "data-item")
        x, y = middle(page)
        way = 120 if i % 2 else -120
        if i < 4:
            finger(page, [(x - way / 2, y), (x, y), (x + way / 2, y)])
        else:
            page.tap(f"[data-key='{1 if i % 2 else 2}']")
        browsing.moved_on(page, seen)
    assert page.inner_text("[role=status] strong") == str(n)
    page.tap("main form button")
    page.wait_for_url(re.compile(r"/$"))


def middle(page: Any) -> tuple[float, float]:
    box = page.locator(".viewer").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_pictures_are_read_and_the_result_is_sealed(
    browser: Any, server: tuple[str, str], pictures: Path, tmp_path: Path
) -> None:
    n, us = 4, browsing.People(browser, *server)
    us.invite("steward", "steward")
    us.invite("one", "reader", locale="ko-KR")
    us.invite("two", "reader", locale="en-US", viewport={"width": 390, "height": 844}, has_touch=True)
    steward, one, two = us.pages["steward"], us.pages["one"], us.pages["two"]
    before = check_seal(pictures / "dossier")["digest"]
    words = ("--n", str(n), "--band", "safety", "--minutes", "30", "--training", "1", "--title", TITLE)
    browsing.cli("vtt", "new", str(pictures), "-o", str(tmp_path / "panel.zip"), *words)
    panel = us.upload("/new-panel", tmp_path / "panel.zip")
    for name in ("one", "two"):
        steward.select_option("[name=person]", label=name)
        steward.click("form:has([name=person]) button")

    given: list[Any] = []
    one.on("response", lambda r: given.append(r) if "/items/" in r.url else None)
    by_keys(one, us.base, panel, n)
    assert len(given) >= 2 + 2 * n, "examples and items, each asked for anew"
    for answer in given:
        assert answer.status == 200
        assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0, private"
        assert not answer.from_service_worker
    shown = given[-1].url
    # nobody else sees a picture, and the reader does not once the reading is over
    for page in (one, steward, us.pages["chair"], two):
        answer = page.goto(shown)
        assert answer.status in (403, 404)
        assert answer.headers["content-type"].startswith("text/html")
    by_touch(two, us.base, panel, n)

    steward.goto(us.base + panel)
    browsing.picture(steward, "panel_steward")
    steward.click("text=Close the panel")
    with steward.expect_download() as download:
        steward.click("text=Take the readings out")
    download.value.save_as(tmp_path / "readings.zip")
    browsing.cli("vtt", "close", str(pictures), str(tmp_path / "readings.zip"))
    sealed = check_seal(pictures / "dossier")
    assert sealed["parent"] == before

    case = us.upload("/new", browsing.packed(pictures / "dossier", tmp_path / "d"), title=TITLE)
    steward.goto(f"{us.base}{case}/questions/generation")
    told = steward.inner_text("main")
    assert "realism, not safety" in told
    assert "Statistically distinguishable" in told
    assert f"/ {2 * n}" in told
    assert "■ image" in steward.frame_locator("iframe[name=report]").locator("main").inner_text()
    browsing.picture(steward, "panel_exhibit")
    steward.goto(f"{us.base}{case}/dossiers/1/report")
    assert steward.frame_locator("iframe[name=report]").locator("h1").count() == 1
    browsing.picture(steward, "panel_report")
    assert us.outside == []
