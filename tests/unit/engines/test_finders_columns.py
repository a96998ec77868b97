"""The finders in columns: names, values, rare cells, lost zeros, and quiet on plain numbers."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from synthproof.engines.finders import KINDS, ColumnFinding, find_in_column
from synthproof.engines.finders.headers import header_kinds
from synthproof.engines.finders.made import MAKERS


def cells(kind: str, n: int = 60) -> list[str | None]:
    rng = np.random.default_rng(5)
    return [MAKERS[kind](rng) for _ in range(n)]


def kinds_of(findings: list[ColumnFinding]) -> set[str]:
    return {item.kind for item in findings}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("주민등록번호", "rrn"), ("환자 주민번호", "rrn"), ("RRN", "rrn"), ("외국인등록번호", "frn"), ("휴대폰", "mobile"),
        ("phone", "mobile"), ("cellPhone", "mobile"), ("email", "email"), ("이메일 주소", "email"), ("환자명", "person_name"),
        ("PatientName", "person_name"), ("patient_id", "mrn"), ("PATIENT_ID", "mrn"), ("생년월일", "birth_date"),
        ("birthDate", "birth_date"), ("birth_date", "birth_date"), ("주소", "address"), ("여권번호", "passport"), ("학번", "student_no"),
        ("사번", "employee_no"), ("계좌번호", "bank_account"), ("우편번호", "postcode"), ("상병코드", "kcd_code"), ("성별", "sex"),
        ("age", "age"), ("native-country", "nationality"), ("종교", "belief"), ("uuid", "generic_id"), ("고객ID", "generic_id"),
    ],
)  # fmt: skip
def test_column_names(name: str, kind: str) -> None:
    assert kind in header_kinds(name)


@pytest.mark.parametrize(
    "name", ["상품명", "주문번호", "amount", "product_name", "hospital_name", "score", "값", "통화시간", ""]
)
def test_column_names_that_say_nothing(name: str) -> None:
    assert not any(KINDS[kind].klass == "direct" and belief >= 0.5 for kind, belief in header_kinds(name).items())


@pytest.mark.parametrize(
    "kind", ["rrn", "frn", "mobile", "email", "driver_licence", "payment_card", "business_no", "address", "iban"]
)
def test_values_alone_are_enough(kind: str) -> None:
    findings = find_in_column("col7", cells(kind))
    assert findings[0].kind == kind
    assert findings[0].by == "value"
    assert findings[0].share > 0.9
    assert findings[0].n == 60


@pytest.mark.parametrize("kind", ["mrn", "student_no", "nhis_card", "postcode", "birth_date", "password"])
def test_shapeless_kinds_need_the_name(kind: str) -> None:
    name = {
        "mrn": "환자번호",
        "student_no": "학번",
        "nhis_card": "보험증번호",
        "postcode": "zip",
        "birth_date": "생일",
        "password": "비밀번호",
    }
    assert kind in kinds_of(find_in_column(name[kind], cells(kind)))
    assert kind not in kinds_of(find_in_column("x", cells(kind)))


def test_one_cell_in_long_text_is_found_among_many() -> None:
    values: list[str | None] = [f"{at}번째 방문, 특이사항 없음" for at in range(30_000)]
    values[23_456] = "추가 연락처 010-0123-4567 받음"
    found = [item for item in find_in_column("메모", values) if item.kind == "mobile"]
    assert len(found) == 1
    assert found[0].by == "text"
    assert 0 < found[0].share <= 1 / 30_000 + 1e-6  # rounded to six places


def test_check_digits_of_a_whole_column_tell_bare_numbers_apart() -> None:
    rng = np.random.default_rng(2)
    bare: list[str | None] = []
    while len(bare) < 50:
        digits = MAKERS["business_no"](rng).replace("-", "")
        bare.append(digits)
    assert "business_no" in kinds_of(find_in_column("x", bare))
    chance: list[str | None] = [str(int(rng.integers(10**9, 10**10))) for _ in range(200)]
    assert find_in_column("x", chance) == []


def test_zeros_lost_in_a_spreadsheet() -> None:
    lost: list[str | None] = [f"1001{at:06d}.0" for at in range(30)]
    found = find_in_column("휴대폰번호", lost)
    assert found[0].kind == "mobile"
    assert found[0].share == 1.0
    assert "mobile" not in kinds_of(find_in_column("amount", lost))


def test_names_without_a_telling_header() -> None:
    assert "person_name" in kinds_of(find_in_column("x", cells("person_name")))
    words: list[str | None] = ["정상", "이상", "보류", "재검", "고혈압", "당뇨병"] * 20
    assert "person_name" not in kinds_of(find_in_column("x", words))


def test_telling_name_with_other_values_is_not_believed() -> None:
    assert "mobile" not in kinds_of(find_in_column("phone", ["Galaxy", "iPhone", "Pixel"] * 10))
    assert "rrn" not in kinds_of(find_in_column("주민등록번호_확인여부", ["Y", "N"] * 10))


def test_resident_numbers_in_an_unread_form_do_not_pass_unseen() -> None:
    found = find_in_column("주민등록번호", [f"KR{at:013d}" for at in range(20)])
    assert "rrn" in kinds_of(found)


def test_empty_and_missing_cells() -> None:
    assert find_in_column("x", []) == []
    assert find_in_column("x", [None, "", "nan"]) == []
    assert kinds_of(find_in_column("주민등록번호", [None, None])) == {"rrn"}


def test_same_answer_twice_and_reasons_without_values() -> None:
    values: list[str | None] = [f"010-0{at // 10_000:03d}-{at % 10_000:04d}" for at in range(20_000)]
    first, second = find_in_column("연락처", values), find_in_column("연락처", values)
    assert first == second
    for item in first:
        assert "010" not in item.reason_en + item.reason_ko
        assert any("가" <= char <= "힣" for char in item.reason_ko)


def test_a_million_cells_take_seconds() -> None:
    values: list[str | None] = [f"메모 {at} 번째 방문" for at in range(300_000)]
    start = time.process_time()
    find_in_column("메모", values)
    assert time.process_time() - start < 4.0  # about 0.6 s for 300,000 distinct cells


@pytest.mark.parametrize("name", ["adult/train", "default_credit/data", "korean_health_exam/data", "support2_emr/data"])
def test_real_numeric_tables_raise_no_false_identifier(data_dir, name: str) -> None:  # type: ignore[no-untyped-def]
    table = pd.read_parquet(data_dir / f"{name}.parquet").head(3000)
    for column in table.columns:
        text = [None if pd.isna(cell) else str(cell) for cell in table[column].tolist()]
        direct = {item.kind for item in find_in_column(column, text) if KINDS[item.kind].klass in ("direct", "firm")}
        assert direct <= ({"generic_id"} if column == "ID" else set())
