"""The guide's papers: filled where a machine can know, marked where only a person can."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synthproof.core.evidence import Evidence
from synthproof.core.schema import Purpose
from synthproof.data.table.dataset import Table
from synthproof.dossier.forms import Form
from synthproof.dossier.forms_checklist import ITEMS, NO, YES, checklist
from synthproof.dossier.forms_data import form_1_3_source, form_1_3_synthetic, form_1_4
from synthproof.dossier.forms_plan import form_1_1, form_1_2
from synthproof.dossier.forms_review import self_review
from synthproof.dossier.preview import ROWS, preview_of
from synthproof.verification.proof import Proof


def lines(form: Form) -> dict[str, str]:
    return {line["label"]["en"]: line["filled_by"] for s in form.to_dict()["sections"] for line in s.get("fields", ())}


def answers(form: Form) -> dict[str, Any]:
    return {str(row[0]): row for s in form.sections for row in s.rows}


def test_the_checklist_has_the_guides_nineteen_items(proof: Proof) -> None:
    ids = [name for name, _, _ in ITEMS]
    assert ids == [f"T1-{i}" for i in range(1, 8)] + [f"T2-{i}" for i in range(1, 4)] + [
        f"T3-{i}" for i in range(1, 6)
    ] + [f"T4-{i}" for i in range(1, 5)]
    assert list(answers(checklist(proof, {}))) == ids


def test_the_checklist_reads_the_record(proof: Proof, table: Table) -> None:
    preview = preview_of(table, proof, {})
    rows = answers(checklist(proof, preview))
    assert rows["T1-2"][2] == YES
    assert rows["T3-2"][2] is None  # the made proof does not say what the generator is for
    assert rows["T3-5"][2] == YES
    assert rows["T4-1"][2] == YES
    assert rows["T4-2"][2] == YES
    assert rows["T3-3"][2] is None  # only a person can say
    assert all(row[4] is None for row in rows.values())  # nobody has confirmed anything yet
    short = {**preview, "columns": preview["columns"][1:]}
    assert answers(checklist(proof, short))["T4-1"][2] == NO


def test_without_a_record_the_checklist_answers_nothing(proof: Proof) -> None:
    bare = replace(
        proof, receipts=(), scan={}, evidence=(), generator=replace(proof.generator, tags={}, because=None),
        purpose=Purpose(), verdict=replace(proof.verdict, findings=()),
    )  # fmt: skip
    rows = answers(checklist(bare, {}))
    assert {name for name, row in rows.items() if row[2] is not None} == {"T1-7"}


def test_what_a_machine_cannot_know_is_left_to_a_person(proof: Proof) -> None:
    plan = lines(form_1_1(proof))
    for label in ("Name", "Position", "Purpose", "Holder of the source", "Legal basis of obtaining and using it"):
        assert plan[label] == "person", label
    assert plan["Form of use"] == "machine, to be confirmed"
    assert plan["Needed safety"] == "machine"
    stated = replace(
        proof, purpose=Purpose(description="감염병 예측 모형 개발", holder="한국병원", legal_basis="§28-2")
    )
    plan = lines(form_1_1(stated))
    assert plan["Purpose"] == "machine"
    assert plan["Legal basis of obtaining and using it"] == "machine, to be confirmed"
    assert lines(form_1_2(proof))["Sector"] == "person"


@pytest.mark.parametrize(
    ("modality", "box", "kind"),
    [
        ("table", "■ 정형 ", "정형(표)"),
        ("image", "■ 비정형(이미지)", "비정형(이미지)"),
        ("text", "■ 기타 비정형", "기타 비정형"),
    ],
)
def test_forms_say_what_kind_of_data_it_is(proof: Proof, modality: str, box: str, kind: str) -> None:
    told = replace(proof, schema=replace(proof.schema, modality=modality))
    said = {
        x.label.ko: x.value for form in (form_1_2(told), form_1_3_source(told)) for s in form.sections for x in s.lines
    }
    assert said["형식"] is not None
    assert box in said["형식"].ko + " "
    assert said["형식"].ko.count("■") == 1
    assert said["유형"] is not None
    assert said["유형"].ko == kind
    assert said["속성"] is not None
    assert "연속형 1" in said["속성"].ko
    assert "categorical 1" in said["속성"].en


def test_the_box_that_applies_is_ticked(proof: Proof) -> None:
    form = form_1_1(replace(proof, purpose=Purpose(form="third_party", environment="semi_open")))
    texts = [line.value.ko for s in form.sections for line in s.lines if line.value]
    assert any("■ ③ 특정 제3자" in t and t.count("■") == 1 and t.count("□") == 4 for t in texts)
    assert any("■ ⓑ 부분 개방" in t for t in texts)


def test_the_source_is_specified_without_one_sample(proof: Proof) -> None:
    form = form_1_3_source(proof)
    last = form.sections[-1]
    assert last.title.ko == "예시"
    assert last.rows == ()
    assert "싣지 않음" in str(last.paragraphs[0].ko if last.paragraphs[0] else "")
    items = {str(row[3]): row for row in form.sections[2].rows}
    assert items["age"][4] is not None
    assert items["age"][4].en == "15 – 90"
    assert items["age"][2] is not None
    assert items["age"][2].ko == "식별가능정보"


def test_synthetic_rows_are_shown_only_when_safety_is_met(proof: Proof, table: Table, rare: str, hostile: str) -> None:
    assert preview_of(table, proof, {})["samples"] is None
    assert "met" in str(form_1_3_synthetic(proof, preview_of(table, proof, {})).sections[-1].paragraphs[0])
    safe = replace(proof, verdict=replace(proof.verdict, families={"safety": "meets"}))
    preview = preview_of(table, safe, {hostile: ("남",)})
    assert len(preview["samples"]["rows"]) == ROWS
    forgotten = replace(safe, evidence=tuple(replace(e, private={}) for e in safe.evidence))
    assert preview_of(table, forgotten, {})["samples"] is None  # nobody knows any more which rows are copies
    shown = {cell for row in preview["samples"]["rows"] for cell in row}
    assert "여" not in shown  # a level that no count proves common
    printed = form_1_3_synthetic(safe, preview).sections[-1]
    assert (len(printed.head), len(printed.rows)) == (1 + ROWS, len(table.schema.fields))


def test_rows_that_equal_a_real_one_are_never_samples(proof: Proof, table: Table) -> None:
    copies = Evidence(
        metric="table.exact_copies", estimate=0.0, interval=(0.0, 0.1), private={"synthetic_rows": list(range(195))}
    )
    safe = replace(
        proof, evidence=(*proof.evidence, copies), verdict=replace(proof.verdict, families={"safety": "meets"})
    )
    rows = preview_of(table, safe, {})["samples"]["rows"]
    expected = [str(v) for v in table.frame["age"].iloc[195:200]]
    assert [row[0] for row in rows] == expected


def test_treatments_are_read_back_from_the_receipts(proof: Proof, hostile: str) -> None:
    rows = {str(row[1]): row for row in form_1_4(proof).sections[0].rows}
    assert rows[hostile][3].ko == "일반화"
    assert rows["age"][3].ko == "유지"
    assert list(rows) == list(proof.schema.names)


def test_the_self_review_has_the_guides_sections(proof: Proof) -> None:
    form = self_review(proof, {})
    assert [s.title.ko[:3].strip() for s in form.sections] == ["1)", "2)", "3)", "4)", "5-1", "5-2"]
    assert form.sections[-1].paragraphs[-1] is None  # the overall judgement is a person's
    results = {str(row[0].ko): row for row in form.sections[4].rows}
    assert results["추론위험도"][6].ko == "미충족"


@pytest.mark.parametrize("name", ["1-1", "1-2", "1-3-source", "1-3-synthetic", "1-4", "checklist", "self-review"])
def test_every_form_is_a_page_in_both_languages(written: Path, name: str) -> None:
    text = (written / "forms" / f"{name}.html").read_text(encoding="utf-8")
    assert '<span lang="ko">사람이 기재</span><span lang="en">to be filled in by a person</span>' in text
    told = {form["id"]: form for form in json.loads((written / "forms" / "forms.json").read_text(encoding="utf-8"))}
    assert told[name]["title"]["ko"] in text
