"""The journal finds every change: each line edited, removed, moved, cut off or written anew is named."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthproof.core.errors import StateError
from synthproof.core.fingerprint import canonical_json, digest_json
from synthproof.dossier.journal import Anchor, Flaw, Line, check, next_line, start, verify
from synthproof.dossier.journal_file import SUFFIX, append, read, read_texts, write


def lines_of(n: int, chain: str = "case:1") -> list[Line]:
    out, end = [], start(chain)
    for i in range(n):
        line = next_line(
            end, person=f"p{i % 3}", act="answer.given", subject="sha256:ab", fields={"value": i, "왜": "까닭"}
        )
        out.append(line)
        end = line.anchor
    return out


def texts_of(n: int) -> list[str]:
    return [x.text() for x in lines_of(n)]


def test_a_whole_journal_has_no_flaw_and_reads_back() -> None:
    lines = lines_of(20)
    texts = [x.text() for x in lines]
    assert verify(texts, anchor=lines[-1].anchor, chain="case:1") == ()
    assert check(texts) == tuple(lines)
    assert verify([]) == ()
    assert verify([], anchor=start("case:1")) == ()


@pytest.mark.parametrize("at", range(6))
def test_a_removed_line_is_named(at: int) -> None:
    lines = lines_of(6)
    texts = [x.text() for x in lines]
    del texts[at]
    kind = "truncated" if at == 5 else "removed"
    assert verify(texts, anchor=lines[-1].anchor) == (Flaw(line=at + 1, kind=kind),)


def test_a_line_nested_beyond_reading_is_an_edited_one() -> None:
    lines = lines_of(5)
    texts = [x.text() for x in lines]
    texts[2] = "[" * 200_000
    assert verify(texts, anchor=lines[-1].anchor)[0] == Flaw(line=3, kind="edited")
    with pytest.raises(StateError, match="journal/broken"):
        check(texts)


def test_a_cut_tail_is_found_by_the_anchor_alone() -> None:
    lines = lines_of(6)
    texts = [x.text() for x in lines[:3]]
    assert verify(texts) == ()
    assert verify(texts, anchor=lines[-1].anchor) == (Flaw(line=4, kind="truncated"),)
    assert verify([], anchor=lines[-1].anchor) == (Flaw(line=1, kind="truncated"),)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_edit_of_any_byte_is_missed(data: st.DataObject) -> None:
    texts = texts_of(5)
    at = data.draw(st.integers(0, 4))
    place = data.draw(st.integers(0, len(texts[at]) - 1))
    new = data.draw(st.characters(codec="utf-8", exclude_characters="\n"))
    if texts[at][place] == new:
        return
    texts[at] = texts[at][:place] + new + texts[at][place + 1 :]
    assert [f.line for f in verify(texts)][0] == at + 1


@given(order=st.permutations(range(6)))
@settings(max_examples=60, deadline=None)
def test_no_other_order_is_taken(order: list[int]) -> None:
    lines = lines_of(6)
    flaws = verify([lines[i].text() for i in order], anchor=lines[-1].anchor)
    assert bool(flaws) == (order != list(range(6)))
    if flaws and order[-1] == 5:
        assert {f.kind for f in flaws} == {"reordered"}


def test_a_line_made_anew_with_a_right_hash_is_named() -> None:
    lines = lines_of(5)
    forged = next_line(lines[1].anchor, person="p9", act="answer.given", fields={"value": 7})
    texts = [x.text() for x in (*lines[:2], forged, *lines[3:])]
    assert verify(texts) == (Flaw(line=3, kind="edited"),)


def test_a_tail_made_anew_is_found_by_the_anchor() -> None:
    lines = lines_of(5)
    end, anew = lines[1].anchor, []
    for _ in range(3):
        anew.append(next_line(end, person="p9", act="answer.given"))
        end = anew[-1].anchor
    texts = [x.text() for x in (*lines[:2], *anew)]
    assert verify(texts) == ()
    assert verify(texts, anchor=lines[-1].anchor) == (Flaw(line=5, kind="rewritten"),)


def test_an_old_anchor_is_no_flaw_when_lines_were_added() -> None:
    lines = lines_of(5)
    assert verify([x.text() for x in lines], anchor=lines[2].anchor) == ()


def test_a_line_cannot_move_to_another_journal() -> None:
    ours, theirs = lines_of(3), lines_of(3, chain="case:2")
    assert verify([ours[0].text(), theirs[1].text(), ours[2].text()])[0] == Flaw(line=2, kind="foreign")
    assert verify([x.text() for x in theirs], chain="case:1")[0].kind == "foreign"


def test_fields_may_be_left_out_but_not_exchanged() -> None:
    lines = lines_of(4)
    bare = [x.without_fields().text() for x in lines]
    assert verify(bare, anchor=lines[-1].anchor) == ()
    assert all("까닭" not in t and "salt" not in t for t in bare)
    other = json.loads(lines[1].text())
    other["fields"]["value"] = 99
    assert verify([lines[0].text(), canonical_json(other), *bare[2:]]) == (Flaw(line=2, kind="edited"),)


def test_the_salt_keeps_short_fields_from_being_guessed() -> None:
    one = next_line(start("c"), person="p", act="a", fields={"value": "fit"})
    two = next_line(start("c"), person="p", act="a", fields={"value": "fit"})
    assert one.payload != two.payload != digest_json({"value": "fit"})


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"n":1}', "\x00", '{"format":1} '])
def test_what_is_no_line_is_an_edited_line(text: str) -> None:
    assert verify([text]) == (Flaw(line=1, kind="edited"),)
    with pytest.raises(StateError, match="journal/broken"):
        check([text])


def test_a_file_is_appended_to_and_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for i in range(4):
        append(
            path, chain="release", person="kim", act="sealed", subject="sha256:0", fields={"i": i, "text": "a\u2028b"}
        )
    assert [x.fields and x.fields["i"] for x in read(path)] == [0, 1, 2, 3]
    assert path.stat().st_mode & 0o077 == 0
    copy = tmp_path / "copy.jsonl"
    assert write(copy, read(path)) == read(path)[-1].anchor
    assert copy.read_bytes() == path.read_bytes()


def test_a_line_that_a_crash_left_unfinished_is_cut_away(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    append(path, chain="c", person="p", act="a")
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:50])
    append(path, chain="c", person="p", act="b")
    assert [x.act for x in read(path)] == ["a", "b"]


def test_nothing_is_added_to_a_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for act in "abc":
        append(path, chain="c", person="p", act=act)
    texts = read_texts(path)
    path.write_text("\n".join(texts[:2]) + "\n")
    before = path.read_bytes()
    with pytest.raises(StateError, match="line 3 and what followed"):
        append(path, chain="c", person="p", act="d")
    assert path.read_bytes() == before
    with pytest.raises(StateError, match="journal/broken"):
        read(path)
    (tmp_path / f"journal.jsonl{SUFFIX}").write_text("nonsense")
    with pytest.raises(StateError, match="journal/unreadable"):
        read(path)
    with pytest.raises(StateError, match="journal/unreadable"):
        read(tmp_path / "absent.jsonl")


def test_a_crash_between_line_and_anchor_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    append(path, chain="c", person="p", act="a")
    kept = (tmp_path / f"journal.jsonl{SUFFIX}").read_bytes()
    append(path, chain="c", person="p", act="b")
    (tmp_path / f"journal.jsonl{SUFFIX}").write_bytes(kept)
    append(path, chain="c", person="p", act="c")
    assert [x.act for x in read(path)] == ["a", "b", "c"]


def _many(path: str) -> None:
    for _ in range(10):
        append(Path(path), chain="c", person="p", act="a")


def test_two_writers_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(_many, [str(path)] * 2)
    assert len(read(path)) == 20


def test_an_anchor_reads_back() -> None:
    anchor = lines_of(2)[-1].anchor
    assert Anchor.from_dict(json.loads(json.dumps(anchor.to_dict()))) == anchor
    with pytest.raises(ValueError, match="at least one line"):
        write(Path("nowhere"), [])


@pytest.mark.parametrize("what", ["write", "fsync", "anchor"])
def test_a_full_disk_does_no_act_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """No line, no half of one, no line that its anchor does not know: and four parts, not a stray error."""
    from synthproof.core.errors import WorkspaceError
    from synthproof.dossier import journal_file

    path = tmp_path / "journal.jsonl"
    append(path, chain="c", person="p", act="first")
    before = path.read_bytes()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    def unwritable(*_: object) -> Path:
        raise WorkspaceError("workspace/unwritable", where="x", reason="No space left on device")

    if what == "anchor":
        monkeypatch.setattr(journal_file, "write_text", unwritable)
    else:
        monkeypatch.setattr(journal_file.os, what, full)
    with pytest.raises(StateError, match="journal/unwritable"):
        append(path, chain="c", person="p", act="second")
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert append(path, chain="c", person="p", act="third").n == 2
    with pytest.raises(StateError, match="journal/unwritable"):
        append(path / "no-folder" / "journal.jsonl", chain="c", person="p", act="x")
