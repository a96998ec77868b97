"""The report says what it must, in both languages, and nothing that it must not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from synthproof.core.evidence import RESULT_WORDS, Statement
from synthproof.core.registry import metrics
from synthproof.core.schema import Field, Purpose
from synthproof.dossier.disclose import printable, public_range
from synthproof.dossier.first_page import answer, families
from synthproof.dossier.labels import UNITS
from synthproof.dossier.numbers import groups, number
from synthproof.dossier.page import build_page
from synthproof.dossier.questions import questions
from synthproof.dossier.record import not_assessed
from synthproof.dossier.render_html import render_report
from synthproof.dossier.rules import rule_facts
from synthproof.verification.proof import DataFacts, Proof

FORBIDDEN = re.compile(r"\b(excellent|perfectly|safe)\b|안전합니다|탁월|우수한 데이터", re.IGNORECASE)


class _Seen(HTMLParser):
    """Collects what a browser would run, fetch or show."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.targets: list[str] = []
        self.handlers: list[str] = []
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._silent += tag == "style"
        for name, value in attrs:
            if name in {"src", "href", "action", "data", "xlink:href"}:
                self.targets.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


def seen(text: str) -> _Seen:
    parser = _Seen()
    parser.feed(text)
    return parser


def pages(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.html"))
    assert len(found) == 8
    return found


def test_pages_run_and_fetch_nothing(written: Path) -> None:
    for path in pages(written):
        text = path.read_text(encoding="utf-8")
        found = seen(text)
        assert not {"script", "iframe", "object", "embed", "link", "base", "form", "img"} & set(found.tags)
        assert found.handlers == []
        assert all(t.startswith("#") or ((path.parent / t.split("#")[0]).is_file()) for t in found.targets), path.name
        assert "default-src 'none'" in text
        assert not re.search(r"url\((?!data:)", text)
        assert "@import" not in text


def test_a_hostile_column_name_is_only_text(written: Path, hostile: str) -> None:
    for path in pages(written):
        assert hostile not in path.read_text(encoding="utf-8")
    assert any(hostile in "".join(seen(p.read_text(encoding="utf-8")).words) for p in pages(written))
    for card in written.glob("cards/*.md"):
        assert hostile not in card.read_text(encoding="utf-8")


def test_both_languages_and_the_font_are_in_one_file(written: Path) -> None:
    text = (written / "report.html").read_text(encoding="utf-8")
    words = "".join(seen(text).words)
    for result in RESULT_WORDS.values():
        assert result.ko in words
        assert result.en in words
    assert text.count("font/woff;base64,") == 2
    assert text.startswith("<!DOCTYPE html>")
    assert text.count('<span lang="ko">') == text.count('<span lang="en">')


def test_no_page_praises(written: Path) -> None:
    for path in pages(written):
        assert not FORBIDDEN.search("".join(seen(path.read_text(encoding="utf-8")).words)), path.name


def test_rare_levels_seeds_and_exact_ranges_stay_out(written: Path, rare: str) -> None:
    texts = {
        p.name: p.read_text(encoding="utf-8") for p in written.rglob("*") if p.suffix not in {".pdf"} and p.is_file()
    }
    for name, text in texts.items():
        assert rare not in text, name
        assert "98765.4" not in text, name
        if name.endswith(".html") or name.startswith(("dataset-card", "model-card", "croissant")):
            assert "987654321" not in text, name
            assert "12345" not in text, name


def test_the_worst_finding_heads_the_first_page(proof: Proof) -> None:
    told = answer(proof, {})
    assert told["result"] == "does_not_meet"
    assert told["headline"].en.startswith("No.")
    assert any("추론위험도" in c.ko for c in told["conditions"])
    assert any("연결위험도" in c.ko for c in told["conditions"])
    assert [f["result"] for f in families(proof)] == ["meets", "meets", "none", "none", "does_not_meet"]


def test_a_rule_speaks_by_its_title_and_remedy(proof: Proof) -> None:
    text = """
    [[rules]]
    id = "추론위험도"
    title = { en = "Inference", ko = "추론" }
    remedy = { en = "Generate anew.", ko = "다시 생성하십시오." }
    """
    conditions = answer(proof, rule_facts(text))["conditions"]
    assert conditions[0].en == "Not met: Inference — Generate anew."
    assert rule_facts("not toml [") == {}


def test_public_release_needs_a_committee_and_internal_use_does_not(proof: Proof) -> None:
    inside = replace(proof, purpose=Purpose(form="internal", environment="closed"))
    assert any("committee" in c.en for c in answer(proof, {})["conditions"])
    assert not any("committee" in c.en for c in answer(inside, {})["conditions"])


def test_six_questions_tell_measured_from_open(proof: Proof) -> None:
    asked = questions(proof)
    assert [q["number"] for q in asked] == [1, 2, 3, 4, 5, 6]
    assert [q["status"] for q in asked] == ["open", "open", "recorded", "person", "measured", "measured"]
    assert asked[5]["result"] == "does_not_meet"
    unknown = replace(proof, generator=replace(proof.generator, tags={}))
    assert questions(unknown)[2]["status"] == "person"
    said = replace(proof, statements=(Statement(question="source", author="김담당", text="동의를 받아 수집함"),))
    assert questions(said)[1]["status"] == "stated"
    assert "김담당" in questions(said)[1]["told"].ko
    assert questions(replace(said, statements=()))[1]["status"] == "open"
    unjudged = replace(proof, verdict=replace(proof.verdict, families={}))
    assert [q["status"] for q in questions(unjudged)[4:]] == ["open", "open"]


def test_every_number_has_its_four_parts(proof: Proof) -> None:
    rows = {m["id"]: m["rows"][0] for g in groups(proof, {}) for m in g["metrics"]}
    row = rows["table.pipc_inference"]
    assert (row["value"], row["interval"], row["reference"]) == ("0.610", "[0.550, 0.660]", "0.499")
    assert row["limit"].startswith("≤ 0.4")
    assert row["origin"].ko.startswith("기관의 원본")
    assert row["graphic"].startswith("<svg ")
    assert rows["table.pipc_linkage"]["value"] == ""


def test_what_is_missing_is_listed(proof: Proof) -> None:
    kinds = [(r["what"].en, r["kind"].en) for r in not_assessed(proof)]
    assert ("utility", "no deciding rule") in kinds
    assert any(kind == "too few records to say" for _, kind in kinds)


def test_a_megabyte_in_a_name_is_cut(proof: Proof) -> None:
    long = replace(proof, purpose=Purpose(title="가" * 1_000_000))
    assert len(render_report(build_page(long), lang="ko")) < 400_000
    assert printable("a\u202eb\x00c\nd") == "ab c d"
    assert len(printable("x" * 10_000)) == 60


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.0, "0"),
        (0.5, "0.500"),
        (12.3456, "12.346"),
        (123.45, "123.5"),
        (48842, "48,842"),
        (0.00038, "0.00038"),
    ],
)
def test_numbers_are_printed_alike(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_ranges_are_widened_to_a_coarse_grid() -> None:
    assert public_range(Field(name="age", kind="integer", low=17, high=83)) == (15.0, 85.0)
    assert public_range(Field(name="pay", kind="continuous", low=0, high=98765.4)) == (0.0, 100000.0)
    assert public_range(Field(name="x", kind="continuous", low=-3.21, high=-3.20))[0] <= -3.21
    low, high = public_range(Field(name="when", kind="datetime", low=1.5e15, high=1.7e15))
    assert (low, high) == (1483228800e6, 1704067200e6)  # 2017-01-01 and 2024-01-01


def test_the_print_carries_the_font_and_hangul(written: Path) -> None:
    data = (written / "report.pdf").read_bytes()
    reader = PdfReader(BytesIO(data))
    text = "".join(page.extract_text() for page in reader.pages)
    assert "합성데이터 검증 보고서" in text
    assert "Synthetic data verification report" in text
    assert "미충족" in text
    assert "<script>" in text  # as text, not as anything that runs
    assert "/JavaScript" not in data.decode("latin-1")
    fonts = [f.get_object() for p in reader.pages for f in p["/Resources"]["/Font"].values()]
    names = {str(f["/BaseFont"]) for f in fonts}
    assert names
    assert all(re.match(r"/[A-Z]{6}\+NanumGothic", n) for n in names)
    assert len(data) < 2_000_000


def test_the_record_is_json_without_private_parts(written: Path) -> None:
    record = json.loads((written / "dossier.json").read_text(encoding="utf-8"))
    assert record["format"] == 1
    assert all("private" not in e for e in record["evidence"])
    assert all("levels" not in f for f in record["schema"]["fields"])


def test_every_unit_of_our_metrics_has_its_korean_word() -> None:
    units = {metrics.get(e.name).card.unit for e in metrics.entries() if e.owner == "synthproof"}
    assert units <= set(UNITS)


def test_rows_drawn_one_by_one_are_said_to_be_unassessed_within_a_person(proof: Proof) -> None:
    several = DataFacts(name="a.csv", units=50, rows=200, columns=5, fingerprint="sha256:0")
    parameters = {**proof.generator.parameters, "row_wise": True}
    made = replace(
        proof, data={**proof.data, "train": several}, generator=replace(proof.generator, parameters=parameters)
    )
    assert not_assessed(made)[0]["what"].ko == "개인 내 구조"
    assert not_assessed(proof)[0]["what"].ko != "개인 내 구조"
    one_row_each = replace(made, data={**proof.data, "train": replace(several, units=200)})
    assert not_assessed(one_row_each)[0]["what"].ko != "개인 내 구조"
