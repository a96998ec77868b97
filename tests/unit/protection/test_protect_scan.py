"""What a scan finds, when it stops the run, and which K and T columns it proposes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pandas as pd
import pytest

from synthproof.core.errors import StatementError
from synthproof.core.schema import Field, Kind, Purpose, Role, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.protection.scan import Scan, cells_as_text, propose, require_basis, scan

NOBODY = [f"99{13 + i:02d}32-1{i:06d}" for i in range(40)]  # months 13 to 52


def table_of(columns: Mapping[str, tuple[Kind, Sequence[object]]], roles: Mapping[str, Role] | None = None) -> Table:
    fields = []
    for name, (kind, values) in columns.items():
        levels = tuple(sorted({str(v) for v in values})) if kind in {"categorical", "ordinal"} else ()
        role = frozenset({roles[name]}) if roles and name in roles else frozenset()
        fields.append(Field(name=name, kind=kind, levels=levels, roles=role, nullable=True))
    frame = pd.DataFrame(
        {f.name: pd.Series(list(columns[f.name][1]), dtype=object).astype(canonical_dtype(f)) for f in fields}
    )
    return Table(frame, Schema(fields=tuple(fields)))


def looked_at(table: Table) -> Scan:
    return scan(table, purpose=Purpose())


@pytest.mark.parametrize("name", ["주민등록번호", "resident_no", "외국인등록번호"])
@pytest.mark.parametrize("kind", ["identifier", "text", "categorical"])
def test_a_resident_number_column_stops_the_run(name: str, kind: Kind) -> None:
    table = table_of({name: (kind, NOBODY), "나이": ("integer", range(40))})
    found = looked_at(table)
    assert found.resident_numbers == (name,)
    assert found.of(name).klass == "direct"
    with pytest.raises(StatementError, match="protect/resident-number") as caught:
        require_basis(found, Purpose())
    assert name in caught.value.text("ko")
    assert "24조의2" in caught.value.text("ko")
    assert not any(number in caught.value.text("ko") for number in NOBODY)
    require_basis(found, Purpose(resident_number_basis="의료법 시행령 제42조의2"))


def test_a_basis_of_spaces_is_no_basis() -> None:
    with pytest.raises(StatementError):
        require_basis(looked_at(table_of({"주민번호": ("identifier", NOBODY)})), Purpose(resident_number_basis="  "))


def test_a_scan_tells_no_value() -> None:
    table = table_of(
        {"연락처": ("text", [f"010-1{i:03d}-77{i:02d}" for i in range(40)]), "지역": ("categorical", ["서울"] * 40)}
    )
    told = json.dumps(looked_at(table).to_dict(), ensure_ascii=False)
    assert looked_at(table).of("연락처").klass == "direct"
    assert "010-1" not in told
    assert "서울" not in told


def test_classes() -> None:
    columns: dict[str, tuple[Kind, Sequence[object]]] = {
        "성별": ("categorical", ["남", "여"] * 20),
        "진단명": ("categorical", ["가", "나"] * 20),
        "혈압": ("integer", range(100, 140)),
        "환자번호": ("identifier", [f"P{i:05d}" for i in range(40)]),
    }
    found = looked_at(table_of(columns))
    assert [found.of(n).klass for n in columns] == ["quasi", "sensitive", "other", "direct"]
    assert found.of("not there").klass == "other"


def test_a_measured_number_is_no_identifier() -> None:
    table = table_of({"비용": ("continuous", [1_012_345_678.5 + i for i in range(40)])})
    assert looked_at(table).of("비용").klass == "other"


def adult_like() -> Table:
    names = {
        "age": "integer", "workclass": "categorical", "education": "categorical", "marital_status": "categorical",
        "race": "categorical", "sex": "categorical", "native_country": "categorical", "income": "categorical",
    }  # fmt: skip
    return table_of({n: (k, range(40) if k == "integer" else ["x", "y"] * 20) for n, k in names.items()})  # type: ignore[misc]


def test_k_and_t_of_adult() -> None:
    table = adult_like()
    proposal = propose(looked_at(table), table.schema, Purpose())
    assert proposal.quasi_identifiers == ("age", "sex", "native_country", "race", "marital_status")
    assert proposal.sensitive == ("income",)
    assert set(proposal.considered) == {"workclass", "education"}
    assert set(proposal.reasons) == {*proposal.quasi_identifiers, *proposal.sensitive}
    assert json.loads(json.dumps(proposal.to_dict()))["reasons"]["age"]["ko"]


def test_korean_hospital_columns() -> None:
    columns: dict[str, tuple[Kind, Sequence[object]]] = {
        "나이": ("integer", range(40)),
        "성별": ("categorical", ["남", "여"] * 20),
        "거주지역": ("categorical", ["가", "나"] * 20),
        "입원일": ("datetime", list(pd.date_range("2024-01-01", periods=40))),
        "진료과": ("categorical", ["가", "나"] * 20),
        "주상병": ("categorical", ["가", "나"] * 20),
        "혈당": ("integer", range(40)),
        "성명": ("text", ["홍길동"] * 40),
    }
    table = table_of(columns)
    proposal = propose(looked_at(table), table.schema, Purpose())
    assert proposal.quasi_identifiers == ("나이", "성별", "거주지역", "입원일", "진료과")
    assert proposal.sensitive == ("주상병",)


def test_what_a_person_states_goes_first() -> None:
    table = adult_like()
    proposal = propose(looked_at(table), table.schema, Purpose(quasi_identifiers=("education",), sensitive=("race",)))
    assert (proposal.quasi_identifiers, proposal.sensitive) == (("education",), ("race",))
    roles = table.with_schema(table.schema.add_roles("quasi_identifier", ["sex"]))
    assert propose(looked_at(roles), roles.schema, Purpose()).quasi_identifiers == ("sex",)


def test_the_target_serves_where_nothing_is_sensitive() -> None:
    table = table_of({"age": ("integer", range(40)), "y": ("categorical", ["a", "b"] * 20)}, {"y": "target"})
    proposal = propose(looked_at(table), table.schema, Purpose())
    assert (proposal.quasi_identifiers, proposal.sensitive) == (("age",), ("y",))


def test_direct_identifiers_are_never_proposed() -> None:
    table = table_of(
        {
            "address": ("text", [f"서울특별시 강남구 없는로 {i}" for i in range(40)]),
            "sex": ("categorical", ["m", "f"] * 20),
        }
    )
    assert propose(looked_at(table), table.schema, Purpose()).quasi_identifiers == ("sex",)


def test_cells_as_text() -> None:
    table = table_of(
        {
            "i": ("integer", [1, None]),
            "w": ("continuous", [1012345678.0, None]),
            "c": ("continuous", [0.5, None]),
            "b": ("boolean", [True, None]),
            "d": ("datetime", [pd.Timestamp("2024-01-02"), None]),
            "t": ("datetime", [pd.Timestamp("2024-01-02 03:04:05"), None]),
            "s": ("text", ["ab", None]),
        }
    )
    cells = {f.name: cells_as_text(table.frame[f.name], f) for f in table.schema.fields}
    assert [c[0] for c in cells.values()] == [
        "1",
        "1012345678",
        "0.5",
        "True",
        "2024-01-02",
        "2024-01-02 03:04:05",
        "ab",
    ]
    assert all(c[1] is None for c in cells.values())
