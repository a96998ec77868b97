"""An outcome out of a case as the review server exports it: the journal alone counts."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from synthproof.core.errors import StateError
from synthproof.dossier.journal import next_line, start
from synthproof.dossier.journal_file import read, write
from synthproof.release.reading import read_outcome

pytest.importorskip("synthproof.review.record", reason="the review room is not in this tree")
OTHER = "sha256:" + "0" * 64
AREAS = ("purpose", "identification", "generation", "safety", "environment")


def case(folder: Path, digest: str, *, overall: str = "approve", tick: bool = True, close: bool = True) -> Path:
    """Write the journal that the server would export of a case with three members."""
    from synthproof.review.form import load_form
    from synthproof.review.settle import Answer, Ballot, Member, settle

    form = load_form("pipc_guide")
    people = {"u1": ("김하나", True, "chair"), "u2": ("이두리", True, "reviewer"), "u3": ("박세", False, "reviewer")}
    ballots = []
    for who in people:
        conditions = ("계약 체결",) if overall == "conditional" else ()
        answers = tuple(Answer(question=a, value="fit") for a in AREAS)
        ballots.append(
            Ballot(person=who, dossier=digest, overall=overall, answers=answers, opinion="의견", conditions=conditions)  # type: ignore[arg-type]
        )
    members = [Member(person=k, outside=v[1]) for k, v in people.items()]
    acts: list[tuple[str, str, str, dict[str, Any]]] = [
        ("u1", "case.opened", "", {"title": "당뇨 합성데이터", "form": "pipc_guide"}),
        ("u9", "dossier.imported", digest, {}),
    ]
    for k, (name, outside, role) in people.items():
        acts.append(("u1", "member.called", "", {"person": k, "name": name, "outside": outside, "role": role}))
    for b in ballots:
        answers_told = [{"question": a.question, "value": a.value, "reason": a.reason} for a in b.answers]
        told = {"overall": b.overall, "answers": answers_told, "opinion": b.opinion, "conditions": list(b.conditions)}
        acts.append((b.person, "ballot.cast", digest, told))
    if close:
        acts.append(
            ("u1", "outcome.closed", digest, {"outcome": settle(form, members, ballots, dossier=digest).to_dict()})
        )
        if overall == "conditional" and tick:
            acts.append(("u1", "condition.ticked", digest, {"n": 0, "text": "계약 체결", "how": "계약서 확인"}))
    end, lines = start("case-abc"), []
    for person, act, subject, fields in acts:
        line = next_line(end, person=person, act=act, subject=subject, fields=fields)
        lines.append(line)
        end = line.anchor
    write(folder / "journal.jsonl", lines)
    return folder


def test_an_exported_case_opens_the_gate(own_run: Any, tmp_path: Path, passphrase: str, day: date) -> None:
    from synthproof.pipeline.releasing import check_release, seal_release

    folder = case(tmp_path / "case", own_run.digest)
    decided = read_outcome(folder, dossier=own_run.digest, start="2026-11-25", end="2027-11-24")
    assert decided.outcome.result == "approved"
    assert [m.name for m in decided.outcome.members] == ["김하나", "이두리", "박세"]
    assert decided.outcome.as_the_guide_asks
    assert decided.outcome.questions[4].words.ko == "⑤ 활용 환경의 보호 수준"
    with pytest.raises(StateError, match="release/no-period"):
        seal_release(own_run.root, tmp_path / "b", outcome=folder, passphrase=passphrase, day=day)
    seal_release(
        own_run.root,
        tmp_path / "b",
        outcome=folder,
        passphrase=passphrase,
        day=day,
        start="2026-11-25",
        end="2027-11-24",
    )
    assert check_release(tmp_path / "b", day=day).ok
    lines = (tmp_path / "b/journal/review.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(x)["act"] for x in lines][-1] == "outcome.closed"
    assert not any("김하나" in x for x in lines)
    record = json.loads((tmp_path / "b/record.json").read_text("utf-8"))
    assert record["review"]["questions"][1]["marks"]["fit"] == 3


def test_conditions_must_be_ticked_off(own_run: Any, tmp_path: Path, passphrase: str, day: date) -> None:
    from synthproof.pipeline.releasing import seal_release

    period = {"start": "2026-11-25", "end": "2027-11-24"}
    folder = case(tmp_path / "open", own_run.digest, overall="conditional", tick=False)
    with pytest.raises(StateError, match="release/conditions-open"):
        seal_release(own_run.root, tmp_path / "b", outcome=folder, passphrase=passphrase, day=day, **period)
    folder = case(tmp_path / "met", own_run.digest, overall="conditional")
    decided = read_outcome(folder, dossier=own_run.digest, **period)
    assert [c.met_by for c in decided.outcome.conditions] == ["김하나"]
    seal_release(own_run.root, tmp_path / "b", outcome=folder, passphrase=passphrase, day=day, **period)


def test_another_dossier_or_no_decision_is_refused(run: Any, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="release/other-dossier"):
        read_outcome(case(tmp_path / "a", OTHER), dossier=run.digest)
    with pytest.raises(StateError, match="release/undecided"):
        read_outcome(case(tmp_path / "b", run.digest, close=False), dossier=run.digest)


def test_a_journal_that_was_touched_is_refused(run: Any, tmp_path: Path) -> None:
    folder = case(tmp_path / "case", run.digest)
    file = folder / "journal.jsonl"
    file.write_text("".join(file.read_text("utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    with pytest.raises(StateError, match="journal/broken"):
        read_outcome(folder, dossier=run.digest)


def carried_on(folder: Path, *acts: tuple[str, str, dict[str, Any]]) -> Path:
    """Write more lines at the end of a case's journal."""
    lines = list(read(folder / "journal.jsonl"))
    for act, subject, fields in acts:
        lines.append(next_line(lines[-1].anchor, person="u1", act=act, subject=subject, fields=fields))
    write(folder / "journal.jsonl", lines)
    return folder


def test_an_approval_that_the_case_left_behind_opens_nothing(run: Any, tmp_path: Path) -> None:
    """Sent back after the decision, or a later dossier before the committee: the old approval stands for nothing."""
    back = ("stage.moved", run.digest, {"before": 4, "after": 3, "because": "새 공격"})
    returned = carried_on(case(tmp_path / "a", run.digest), back)
    with pytest.raises(StateError, match="release/sent-back"):
        read_outcome(returned, dossier=run.digest)
    again = carried_on(returned, ("stage.moved", run.digest, {"before": 3, "after": 4, "because": ""}))
    assert read_outcome(again, dossier=run.digest).outcome.approved
    used = carried_on(again, ("stage.moved", run.digest, {"before": 4, "after": 5, "because": ""}))
    assert read_outcome(used, dossier=run.digest).outcome.approved
    later = carried_on(case(tmp_path / "b", run.digest), ("dossier.imported", OTHER, {"n": 2}))
    with pytest.raises(StateError, match="release/superseded"):
        read_outcome(later, dossier=run.digest)


def test_an_export_made_again_is_no_new_decision(own_run: Any, tmp_path: Path, passphrase: str, day: date) -> None:
    """After a withdrawal: the same decision in a later export, or with other days, stays shut."""
    from synthproof.pipeline.releasing import release_vault, seal_release
    from synthproof.release.withdraw import withdraw

    folder = case(tmp_path / "case", own_run.digest)
    more = {"passphrase": passphrase, "day": day, "start": "2026-11-25"}
    made = seal_release(own_run.root, tmp_path / "b", outcome=folder, end="2027-11-24", **more)
    withdraw(release_vault(own_run.root), made.bundle, "x", passphrase=None)
    with pytest.raises(StateError, match="release/was-withdrawn"):
        seal_release(own_run.root, tmp_path / "c", outcome=folder, end="2027-11-23", **more)
    carried_on(folder, ("case.exported", "", {}))
    with pytest.raises(StateError, match="release/was-withdrawn"):
        seal_release(own_run.root, tmp_path / "c", outcome=folder, end="2027-11-24", **more)
