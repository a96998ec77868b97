"""Schema, evidence, errors, constraints, state, files, registry and run."""

from __future__ import annotations

import json
import pickle
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthproof.core import state
from synthproof.core.constraints import Constraint
from synthproof.core.errors import (
    Cancelled,
    ConfigError,
    NotFoundError,
    ReadError,
    SchemaError,
    StateError,
    WorkspaceError,
)
from synthproof.core.evidence import Evidence, Limit, Verdict, worst
from synthproof.core.files import whole_file, whole_folder
from synthproof.core.fingerprint import canonical_json, digest_frame
from synthproof.core.params import Params
from synthproof.core.registry import metrics
from synthproof.core.run import Event, Run
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.words import Words


def test_error_has_four_parts_in_both_languages() -> None:
    error = WorkspaceError("workspace/unwritable", where="out", reason="full")
    assert error.exit_code == 1
    assert isinstance(error, OSError)
    for lang in ("en", "ko"):
        text = error.text(lang)
        assert "workspace/unwritable" in text
        assert "out" in text
        assert "full" in text
    assert error.text("ko") != error.text("en")
    assert str(error) == error.text("en")


def test_error_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(ConfigError("params/unknown", owner="A", name="b", hint="", known="c")))
    assert error.code == "params/unknown"
    assert error.exit_code == 2


def test_error_without_a_message_is_a_defect() -> None:
    with pytest.raises(RuntimeError, match="no message"):
        ReadError("no/such-code")


def test_schema_names_the_nearest_field() -> None:
    schema = Schema(
        fields=(Field(name="age", kind="integer"), Field(name="sex", kind="categorical", levels=("F", "M")))
    )
    with pytest.raises(SchemaError, match="Did you mean age"):
        schema.field("agee")
    with pytest.raises(SchemaError, match="doubled-field"):
        Schema(fields=(Field(name="a", kind="text"), Field(name="a", kind="text")))
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema
    assert schema.fingerprint() == Schema.from_dict(schema.to_dict()).fingerprint()


def test_schema_refuses_unknown_keys_and_roles() -> None:
    with pytest.raises(ConfigError, match="Did you mean kind"):
        Field.from_dict({"name": "a", "kin": "text"})
    with pytest.raises(ConfigError):
        Field(name="a", kind="integer", roles=frozenset({"wizard"}))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="environment"):
        Purpose(environment="moon")  # type: ignore[arg-type]
    assert Purpose(form="internal").form_number == 5


def test_evidence_never_carries_half_a_number() -> None:
    with pytest.raises(ValueError, match="finite estimate"):
        Evidence(metric="m", estimate=float("nan"), interval=(0, 1))
    with pytest.raises(ValueError, match="interval"):
        Evidence(metric="m", estimate=0.5)
    with pytest.raises(ValueError, match="only measured"):
        Evidence(metric="m", outcome="failed", estimate=0.1, interval=(0, 1), caveat=Words(en="x", ko="x"))
    with pytest.raises(ValueError, match="must say why"):
        Evidence(metric="m", outcome="insufficient")


def test_private_evidence_stays_out_of_the_plain_form() -> None:
    e = Evidence(metric="m", estimate=0.5, interval=(0.4, 0.6), private={"rows": [3]}, detail={"x": np.arange(2)})
    assert "private" not in e.to_dict()
    assert e.to_dict(private=True)["private"] == {"rows": [3]}
    assert Evidence.from_dict(e.to_dict()).detail == {"x": [0, 1]}


def test_verdict_round_trip_and_the_worst_decides() -> None:
    limit = Limit(metric="m", value=0.1, because=Words(en="a", ko="가"))
    assert Limit.from_dict(limit.to_dict()) == limit
    verdict = Verdict(policy="p", policy_version=1, policy_digest="d", result="meets", findings=(), families={})
    assert Verdict.from_dict(verdict.to_dict()) == verdict
    assert worst([]) == "not_assessed"
    assert worst(["meets", "not_assessed"]) == "not_assessed"
    assert worst(["does_not_meet", "not_assessed", "meets"]) == "does_not_meet"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a <= b", [True, False, True]),
        ("a + 1 = b", [True, False, True]),
        ("b = a * 2 - (a - 1)", [True, False, True]),
        ("`a` != b", [True, True, True]),
        ("unique(a)", [False, False, True]),
        ("combination(a, b)", [True, True, True]),
        ("a > -1", [True, True, True]),
    ],
)
def test_constraints(text: str, kept: list[bool]) -> None:
    frame = pd.DataFrame({"a": pd.array([1, 1, None], dtype="Int64"), "b": [2.0, 0.0, 5.0]})
    assert Constraint.parse(text).holds(frame).tolist() == kept


@pytest.mark.parametrize("text", ["", "a", "a <", "a <= b c", "1 = 2", "a ; b", "unique(", "exec(x)"])
def test_unreadable_constraints_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="constraint/unreadable"):
        Constraint.parse(text)


def test_known_combinations_come_from_the_reference() -> None:
    real = pd.DataFrame({"gu": ["jongno", "haeundae"], "si": ["seoul", "busan"]})
    made = pd.DataFrame({"gu": ["jongno", "jongno"], "si": ["seoul", "busan"]})
    assert Constraint.parse("gu in si").holds(made, real).tolist() == [True, False]


def test_state_round_trip_and_damage(tmp_path: Path) -> None:
    folder = state.save(tmp_path / "m", header={"name": "x"}, state={"a": np.arange(3.0), "b": [1, None, float("inf")]})
    header, back = state.load(folder)
    assert header["name"] == "x"
    assert back["a"].tolist() == [0, 1, 2]
    assert back["b"] == [1, None, float("inf")]
    whole = json.loads((folder / "model.json").read_text("utf-8"))
    other: list[dict[str, object]] = [{"arrays": None}, {"arrays": {}}, {"state": {"a": {"__array__": "b7"}}}]
    for changed in (*other, {"state": {"b": {"__float__": []}}}):
        (folder / "model.json").write_text(json.dumps({**whole, **changed}), encoding="utf-8")
        with pytest.raises(StateError, match="state/not-a-model"):
            state.load(folder)
    (folder / "model.json").write_text(json.dumps({k: v for k, v in whole.items() if k != "state"}), encoding="utf-8")
    with pytest.raises(StateError, match="state/not-a-model"):
        state.load(folder)
    (folder / "model.json").write_text(json.dumps(whole), encoding="utf-8")
    (folder / "arrays.npz").write_bytes(b"broken")
    with pytest.raises(StateError, match="state/damaged"):
        state.load(folder)
    with pytest.raises(StateError, match="state/not-a-model"):
        state.load(tmp_path)
    with pytest.raises(StateError, match="state/not-plain"):
        state.save(tmp_path / "n", header={}, state={"f": print})
    with pytest.raises(StateError, match="state/not-plain"):
        state.save(tmp_path / "n", header={}, state={"f": np.array([{}], dtype=object)})
    assert not (tmp_path / "n").exists()


def test_a_file_is_whole_or_absent(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.txt"
    with pytest.raises(RuntimeError), whole_file(target) as part:
        part.write_text("half")
        raise RuntimeError
    assert list((tmp_path / "deep").iterdir()) == []
    with whole_folder(tmp_path / "f") as part:
        (part / "x").write_text("1")
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "f") as part:
        (part / "y").write_text("2")
        raise RuntimeError
    assert [p.name for p in (tmp_path / "f").iterdir()] == ["x"]
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="workspace/unwritable"), whole_file(tmp_path / "file" / "a"):
        pass


def test_fingerprint_sees_values_and_not_storage() -> None:
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None]})
    same = frame.assign(b=frame["b"].astype("string"))
    assert digest_frame(frame) == digest_frame(same)
    assert digest_frame(frame) != digest_frame(frame.iloc[::-1])
    assert canonical_json({"b": 1, "a": "가"}) == '{"a":"가","b":1}'


def test_params_are_verbatim_and_checked() -> None:
    class Thing(Params):
        def __init__(self, *, depth: int = 3, name: str = "a") -> None:
            self.depth = depth
            self.name = name

    assert Thing(depth=5).get_params() == {"depth": 5, "name": "a"}
    assert repr(Thing(depth=5)) == "Thing(depth=5)"
    with pytest.raises(ConfigError, match="Did you mean depth"):
        Thing().set_params(deph=1)


def test_registry_names_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="registry/unknown-name") as stop:
        metrics.get("table.nothing_like_it")
    assert "지표" in stop.value.text("ko")


@pytest.mark.parametrize("executor", ["serial", "threads", "processes"])
def test_map_is_the_same_on_every_executor(executor: str) -> None:
    run = Run(workers=2, executor=executor)  # type: ignore[arg-type]
    assert run.map(abs, range(-5, 5)) == [5, 4, 3, 2, 1, 0, 1, 2, 3, 4]


def test_cancel_stops_at_the_next_tick() -> None:
    events: list[Event] = []
    run = Run(events.append, workers=1)
    run.tick("work", 0, 2)
    run.cancel()
    with pytest.raises(Cancelled, match="run/cancelled"):
        run.tick("work", 1, 2)
    assert len(events) == 1


def test_cancel_stops_a_map() -> None:
    run = Run(workers=2)
    gate = threading.Event()

    def work(i: int) -> int:
        run.cancel()
        gate.wait(0.05)
        return i

    with pytest.raises(Cancelled):
        run.map(work, range(50))
