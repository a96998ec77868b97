"""Reading an outcome: what it does not know it does not let pass; and the gate, which lets pass one thing alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from synthproof.core.errors import StateError
from synthproof.release.gate import refuse_unapproved
from synthproof.release.keys import load_public, make_key
from synthproof.release.reading import outcome_of, read_outcome

OTHER = "sha256:" + "0" * 64


def test_what_is_written_is_read(run: Any) -> None:
    assert outcome_of(json.loads(json.dumps(run.outcome.to_dict())), where="x") == run.outcome
    assert run.outcome.as_the_guide_asks
    found = read_outcome(run.case)
    assert found.outcome == run.outcome
    assert len(found.journal) == 5
    assert found.signer is None


WRONG: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "no object": ("-", lambda d: d.clear() or [1]),
    "unknown key": ("extra", lambda d: d.update(extra=1)),
    "missing key": ("result", lambda d: d.pop("result")),
    "format": ("format", lambda d: d.update(format=2)),
    "result": ("result", lambda d: d.update(result="approve")),
    "result as a list": ("result", lambda d: d.update(result=["approved"])),
    "digest": ("dossier", lambda d: d.update(dossier="sha256:12")),
    "digest in capitals": ("dossier", lambda d: d.update(dossier=d["dossier"].upper())),
    "decided": ("decided", lambda d: d.update(decided="yesterday")),
    "case": ("case", lambda d: d.update(case=" ")),
    "kind": ("kind", lambda d: d.update(kind="third")),
    "members": ("members", lambda d: d.update(members={})),
    "member twice": ("members", lambda d: d["members"].append(d["members"][0])),
    "member's flag": ("members[0].outside", lambda d: d["members"][0].update(outside="yes")),
    "member's field": ("members[1].expertise", lambda d: d["members"][1].update(expertise="magic")),
    "vote of a stranger": ("votes[0].member", lambda d: d["votes"][0].update(member="p9")),
    "vote twice": ("votes", lambda d: d["votes"].append(d["votes"][0])),
    "vote's result": ("votes[2].result", lambda d: d["votes"][2].update(result=None)),
    "vote without an answer": ("votes[0].areas", lambda d: d["votes"][0].update(areas={})),
    "question twice": ("questions", lambda d: d["questions"].append(d["questions"][0])),
    "question in one language": ("questions[2].ko", lambda d: d["questions"][2].pop("ko")),
    "vote's area": ("votes[0].areas.safety", lambda d: d["votes"][0]["areas"].update(safety="ok")),
    "vote's new area": ("votes[0].areas.luck", lambda d: d["votes"][0]["areas"].update(luck="fit")),
    "vote's time": ("votes[1].at", lambda d: d["votes"][1].update(at="")),
    "condition": ("conditions[0].text", lambda d: d["conditions"][0].pop("text")),
    "condition's time": ("conditions[0].met_at", lambda d: d["conditions"][0].update(met_at="soon")),
    "period": ("period.from", lambda d: d["period"].update({"from": "2027-02-30"})),
    "period reversed": ("period", lambda d: d["period"].update({"from": "2028-01-01"})),
    "period's key": ("period.until", lambda d: d["period"].update(until="2027-01-01")),
    "restriction": ("restrictions[0].ko", lambda d: d["restrictions"][0].pop("ko")),
    "responsible": ("responsible.age", lambda d: d["responsible"].update(age=3)),
    "journal": ("journal.n", lambda d: d["journal"].update(n=True)),
}


@pytest.mark.parametrize("name", WRONG)
def test_anything_else_is_refused_with_its_place(run: Any, name: str) -> None:
    place, change = WRONG[name]
    body = json.loads(json.dumps(run.outcome.to_dict()))
    changed = change(body)
    with pytest.raises(StateError, match="release/bad-outcome") as caught:
        outcome_of([1] if changed == [1] else body, where="outcome.json")
    assert f"at {place}: " in caught.value.text("en")
    assert caught.value.where == "outcome.json"
    assert "위치: outcome.json" in caught.value.text("ko")


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 5000, b"null"])
def test_no_json_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "outcome.json").write_bytes(text)
    with pytest.raises(StateError, match="release/bad-outcome"):
        read_outcome(tmp_path)
    with pytest.raises(StateError, match="release/bad-outcome"):
        read_outcome(tmp_path / "none.json")


def test_the_journal_of_the_case_must_be_there_and_whole(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "outcome.json"
    file.write_text(json.dumps(run.outcome.to_dict()), encoding="utf-8")
    with pytest.raises(StateError, match="release/journal-missing"):
        read_outcome(file)
    lines = (run.case / "journal.jsonl").read_text("utf-8").splitlines(keepends=True)
    beside = tmp_path / "journal.jsonl"
    for kept in (lines[:4], [*lines[:1], *lines[2:]], [lines[1], lines[0], *lines[2:]]):
        beside.write_text("".join(kept), encoding="utf-8")
        with pytest.raises(StateError, match="journal/broken"):
            read_outcome(file)
    beside.write_text("".join(lines), encoding="utf-8")
    assert len(read_outcome(file).journal) == 5


def test_a_signed_outcome_holds_for_its_key_alone(
    run: Any, tmp_path: Path, signed: Callable[[dict[str, Any]], str]
) -> None:
    body = replace(run.outcome, journal=None).to_dict()
    file = tmp_path / "outcome.json"
    file.write_text(signed(body), encoding="utf-8")
    ours = load_public(run.root / "vault/release/key/public.pem")
    assert read_outcome(file, key=ours).signer == ours
    theirs = make_key(tmp_path / "theirs", "another passphrase")
    with pytest.raises(StateError, match="release/other-key"):
        read_outcome(file, key=theirs)
    outer = json.loads(file.read_text("utf-8"))
    outer["body"]["rule"] = "one voice is enough"
    file.write_text(json.dumps(outer), encoding="utf-8")
    with pytest.raises(StateError, match="release/bad-signature"):
        read_outcome(file)
    with pytest.raises(StateError, match="release/other-key"):
        read_outcome(run.case, key=ours)  # unsigned, though a signature was asked for


def test_the_gate_opens_for_what_was_approved(run: Any, day: date) -> None:
    # it says nothing where it lets pass, and raises otherwise
    assert refuse_unapproved(run.outcome, run.digest, day) is None
    ticked = replace(run.outcome, result="conditional")
    assert refuse_unapproved(ticked, run.digest, day) is None
    for edge in (run.outcome.start, run.outcome.end):
        assert refuse_unapproved(run.outcome, run.digest, date.fromisoformat(edge)) is None


def _votes(outcome: Any, **change: Any) -> Any:
    return replace(outcome, votes=tuple(replace(v, **change) for v in outcome.votes))


CLOSED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "another dossier": ("release/other-dossier", lambda o: replace(_votes(o, dossier=OTHER), dossier=OTHER)),
    "votes on another": ("release/votes-void", lambda o: _votes(o, dossier=OTHER)),
    "conditional, on nothing": ("release/not-approved", lambda o: replace(o, result="conditional", conditions=())),
    "conditional, open": (
        "release/conditions-open",
        lambda o: replace(o, result="conditional", conditions=(replace(o.conditions[0], met_by=""),)),
    ),
    "refused": ("release/not-approved", lambda o: replace(o, result="refused")),
    "nobody voted": ("release/outcome-contradicts", lambda o: replace(o, votes=())),
    "most refused": ("release/outcome-contradicts", lambda o: _votes(o, result="refused")),
    "condition open": (
        "release/conditions-open",
        lambda o: replace(o, conditions=(replace(o.conditions[0], met_by=""),)),
    ),
    "condition undated": (
        "release/conditions-open",
        lambda o: replace(o, conditions=(replace(o.conditions[0], met_at=""),)),
    ),
    "no end": ("release/no-period", lambda o: replace(o, end="")),
    "no start": ("release/no-period", lambda o: replace(o, start="")),
    "too early": ("release/not-begun", lambda o: replace(o, start="2026-12-02")),
    "too late": ("release/expired", lambda o: replace(o, end="2026-11-30")),
}


@pytest.mark.parametrize("name", CLOSED)
def test_the_gate_stays_shut(run: Any, day: date, name: str) -> None:
    code, change = CLOSED[name]
    with pytest.raises(StateError, match=code) as caught:
        refuse_unapproved(change(copy.deepcopy(run.outcome)), run.digest, day)
    for lang in ("en", "ko"):
        assert "?" not in caught.value.text(lang).replace("?)", "")  # type: ignore[arg-type]


def test_a_period_is_stated_only_where_none_was_decided(run: Any, tmp_path: Path) -> None:
    file = run.write(tmp_path, period={"from": "", "to": ""})
    found = read_outcome(file, start="2027-01-01", end="2027-06-30").outcome
    assert (found.start, found.end) == ("2027-01-01", "2027-06-30")
    for start, end in (("2027-06-30", "2027-01-01"), ("soon", "2027-01-01")):
        with pytest.raises(StateError, match="release/bad-outcome"):
            read_outcome(file, start=start, end=end)
    with pytest.raises(StateError, match="release/period-set"):
        read_outcome(run.case, start="2027-01-01", end="2027-06-30")
    assert read_outcome(run.case, start=run.outcome.start, end=run.outcome.end).outcome == run.outcome
