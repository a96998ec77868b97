"""Checking: every way of tampering that we could think of is found and named, in a folder and in a zip file."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from synthproof.core.errors import StateError
from synthproof.dossier.journal import Line, next_line
from synthproof.release.check import check_release
from synthproof.release.keys import make_key, open_key, public_key_of
from synthproof.release.signed import signature_of, signature_text

CSV = "data/synthetic.csv"
REVIEW = "journal/review.jsonl"


def lines(folder: Path) -> list[str]:
    return (folder / REVIEW).read_text("utf-8").splitlines()


def put(folder: Path, texts: list[str]) -> None:
    (folder / REVIEW).write_text("".join(t + "\n" for t in texts), encoding="utf-8", newline="\n")


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_bytes()
    assert old.encode() in text
    (folder / name).write_bytes(text.replace(old.encode(), new.encode(), 1))


def flip(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(bytes(data))


def rewritten(folder: Path) -> None:
    """Write line 3 anew, and with it everything after it, so that the chain holds again."""
    known = [Line.from_text(t) for t in lines(folder)]
    out, end = known[:2], known[1].anchor
    for line in known[2:]:
        made = next_line(end, person=line.person, act="answer.withdrawn", subject=line.subject, at=line.at)
        out.append(made.without_fields())
        end = made.anchor
    put(folder, [x.text() for x in out])


def without(folder: Path, n: int) -> None:
    texts = lines(folder)
    put(folder, texts[: n - 1] + texts[n:])


def swapped(folder: Path, a: int, b: int) -> None:
    texts = lines(folder)
    texts[a - 1], texts[b - 1] = texts[b - 1], texts[a - 1]
    put(folder, texts)


def from_another(folder: Path) -> None:
    shutil.copyfile(folder / "journal/release.jsonl", folder / REVIEW)


def moved_period(folder: Path) -> None:
    edit(folder, "manifest.json", "2027-11-24", "2037-11-24")


def dropped_from_manifest(folder: Path) -> None:
    body = json.loads((folder / "manifest.json").read_text("utf-8"))
    del body["files"][CSV]
    (folder / "manifest.json").write_text(json.dumps(body), encoding="utf-8")
    (folder / CSV).unlink()


def changed_with_its_digest(folder: Path) -> None:
    import hashlib

    old = hashlib.sha256((folder / CSV).read_bytes()).hexdigest()
    flip(folder, CSV)
    edit(folder, "manifest.json", old, hashlib.sha256((folder / CSV).read_bytes()).hexdigest())


# way of tampering -> (what must be said, where)
TAMPERED: dict[str, tuple[Callable[[Path], Any], tuple[str, str]]] = {
    "a bit of the CSV": (lambda f: flip(f, CSV), ("release/changed", CSV)),
    "a bit of the Parquet": (lambda f: flip(f, "data/synthetic.parquet"), ("release/changed", "data/synthetic.parquet")),
    "a bit of a form": (lambda f: flip(f, "forms/forms.ko.pdf"), ("release/changed", "forms/forms.ko.pdf")),
    "a line more in the CSV": (lambda f: (f / CSV).write_bytes((f / CSV).read_bytes() + b"x\n"), ("release/changed", CSV)),
    "the CSV emptied": (lambda f: (f / CSV).write_bytes(b""), ("release/changed", CSV)),
    "a term of use": (lambda f: edit(f, "terms.ko.md", "교육", "상업"), ("release/changed", "terms.ko.md")),
    "the card removed": (lambda f: (f / "data-card.ko.md").unlink(), ("release/missing", "data-card.ko.md")),
    "a folder removed": (lambda f: shutil.rmtree(f / "forms"), ("release/missing", "forms/forms.ko.docx")),
    "a file added": (lambda f: (f / "model.bin").write_bytes(b"weights"), ("release/extra", "model.bin")),
    "a hidden file added": (lambda f: (f / "data/.notes").write_text("x"), ("release/extra", "data/.notes")),
    "a file renamed": (lambda f: (f / CSV).rename(f / "data/real.csv"), ("release/renamed", "data/real.csv")),
    "two files exchanged": (
        lambda f: [
            (f / "terms.ko.md").rename(f / "x"), (f / "terms.en.md").rename(f / "terms.ko.md"),
            (f / "x").rename(f / "terms.en.md"),
        ],
        ("release/changed", "terms.en.md"),
    ),  # fmt: skip
    "a longer period": (moved_period, ("release/bad-signature", "signature.json")),
    "a file dropped from the manifest": (dropped_from_manifest, ("release/bad-signature", "signature.json")),
    "data and digest changed": (changed_with_its_digest, ("release/bad-signature", "signature.json")),
    "a space in the manifest": (
        lambda f: edit(f, "manifest.json", "{\n", "{ \n"), ("release/bad-signature", "signature.json"),
    ),
    "the manifest emptied": (lambda f: (f / "manifest.json").write_bytes(b"{}"), ("release/bad-manifest", "manifest.json")),
    "the signature removed": (lambda f: (f / "signature.json").unlink(), ("release/missing", "signature.json")),
    "a letter of the signature": (
        lambda f: edit(f, "signature.json", '"signature": "', '"signature": "A'),
        ("release/bad-signature", "signature.json"),
    ),
    "the signature no JSON": (
        lambda f: (f / "signature.json").write_bytes(b"[" * 9999), ("release/bad-signature", "signature.json"),
    ),
    "a space at the end of the signature": (
        lambda f: (f / "signature.json").write_bytes((f / "signature.json").read_bytes() + b" "),
        ("release/bad-signature", "signature.json"),
    ),
    "another public key laid in": (
        lambda f: edit(f, "public-key.pem", "MCowBQYDK2VwAyEA", "MCowBQYDK2VwAyEB"),
        ("release/changed", "public-key.pem"),
    ),
    "a journal line removed": (lambda f: without(f, 3), ("line 3 was removed", REVIEW)),
    "the last journal lines cut": (lambda f: put(f, lines(f)[:3]), ("line 4 and what followed it was cut off", REVIEW)),
    "journal lines exchanged": (lambda f: swapped(f, 2, 3), ("stands in another place", REVIEW)),
    "a journal line edited": (lambda f: edit(f, REVIEW, "case.approved", "case.rejected"), ("line 5 was edited", REVIEW)),
    "the journal written anew": (rewritten, ("line 5 or one before it was written anew", REVIEW)),
    "another journal": (from_another, ("line 1 belongs to another journal", REVIEW)),
    "a journal nested too deep": (lambda f: put(f, [*lines(f)[:4], "[" * 99999]), ("line 5 was edited", REVIEW)),
    "the journal removed": (lambda f: (f / REVIEW).unlink(), ("release/missing", REVIEW)),
}  # fmt: skip


def found(place: Path, **more: Any) -> list[str]:
    more.setdefault("day", date(2026, 12, 1))
    return [fault.text("en") for fault in check_release(place, **more).faults]


def said(texts: list[str], what: str, where: str) -> bool:
    return any(what in t and f"where: {where}" in t for t in texts)


def test_an_untouched_bundle_holds(bundle: Path, run: Any, day: date) -> None:
    report = check_release(bundle, day=day)
    assert report.faults == ()
    assert report.ok
    assert not report.compared
    assert report.files == 17
    own = check_release(bundle, key=run.root / "vault/release/key/public.pem", day=day)
    assert own.ok
    assert own.compared
    assert own.fingerprint == report.fingerprint


@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_is_found_and_named(copy: Path, tmp_path: Path, name: str) -> None:
    change, (what, where) = TAMPERED[name]
    change(copy)
    texts = found(copy)
    assert said(texts, what, where), texts
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", copy))
    assert said(found(packed), what, where)


def test_every_file_is_watched(copy: Path) -> None:
    for path in sorted(p for p in copy.rglob("*") if p.is_file()):
        kept = path.read_bytes()
        flip(copy, path.relative_to(copy).as_posix())
        assert found(copy), path
        path.write_bytes(kept)
    assert found(copy) == []


def test_faults_are_told_together_in_both_languages(copy: Path, day: date) -> None:
    flip(copy, CSV)
    (copy / "new").write_text("x")
    (copy / "record.json").unlink()
    faults = check_release(copy, day=date(2028, 1, 1)).faults
    assert sorted(f.code for f in faults) == ["release/changed", "release/expired", "release/extra", "release/missing"]
    assert all("조치:" in f.text("ko") for f in faults)
    assert not check_release(copy, day=day).ok


def test_a_stranger_who_signs_all_anew_is_found_by_the_key(copy: Path, run: Any, tmp_path: Path, day: date) -> None:
    make_key(tmp_path / "theirs", "another passphrase")
    key = open_key(tmp_path / "theirs", "another passphrase")
    public = public_key_of(key)
    body = json.loads((copy / "manifest.json").read_text("utf-8"))
    ours = body["key"]
    body["key"] = public.fingerprint
    (copy / "public-key.pem").write_text(public.pem)
    import hashlib

    body["files"]["public-key.pem"] = {
        "sha256": hashlib.sha256(public.pem.encode()).hexdigest(), "bytes": len(public.pem),
    }  # fmt: skip
    text = json.dumps(body).encode()
    (copy / "manifest.json").write_bytes(text)
    (copy / "signature.json").write_text(signature_text(signature_of(text, key)))
    alone = check_release(copy, day=day)
    assert alone.ok  # nothing in the bundle can tell: the fingerprint must be compared, and the command says so
    assert alone.fingerprint == public.fingerprint != ours
    with_key = check_release(copy, key=run.root / "vault/release/key/public.pem", day=day)
    assert [f.code for f in with_key.faults] == ["release/other-key"]


def test_a_signature_by_another_key_than_the_manifest_names(copy: Path, tmp_path: Path, day: date) -> None:
    make_key(tmp_path / "theirs", "another passphrase")
    key = open_key(tmp_path / "theirs", "another passphrase")
    text = (copy / "manifest.json").read_bytes()
    (copy / "signature.json").write_text(signature_text(signature_of(text, key)))
    assert {f.code for f in check_release(copy, day=day).faults} == {"release/other-key"}


@pytest.mark.parametrize(("on", "code"), [("2026-11-24", "release/not-begun"), ("2027-11-25", "release/expired")])
def test_the_period_is_kept(bundle: Path, on: str, code: str) -> None:
    assert [f.code for f in check_release(bundle, day=date.fromisoformat(on)).faults] == [code]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_what_no_check_can_tell_is_said(bundle: Path, run: Any, day: date) -> None:
    from typer.testing import CliRunner

    from synthproof.cli.releasing import release_app
    from synthproof.pipeline.releasing import release_vault
    from synthproof.release.keys import PUBLIC

    created = json.loads((bundle / "manifest.json").read_text("utf-8"))["created"][:10]
    alone = check_release(bundle, day=day)
    assert alone.ok
    assert [w.en.split(":")[0].split(" (")[0] for w in alone.unknown] == [
        "Whose key signed",
        "Whether it was called back after it was sealed",
        "Whether today is really 2026-12-01",
    ]
    assert created in alone.unknown[1].en
    assert "02-000-0000" in alone.unknown[1].ko  # whom to ask
    known = check_release(bundle, key=release_vault(run.root).key / PUBLIC, day=day)
    assert len(known.unknown) == 2
    # on the command line, whatever day it is: said where the bundle holds, and else not needed
    said = CliRunner().invoke(release_app, ["check", str(bundle)])
    held = said.exit_code == 0
    assert ("Not known from the bundle" in said.output or "알 수 없는 것" in said.output) == held


def test_links_are_named_and_not_followed(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes((copy / CSV).read_bytes())
    (copy / CSV).unlink()
    (copy / CSV).symlink_to(tmp_path / "secret")
    (copy / "more").symlink_to(tmp_path)
    texts = found(copy)
    assert said(texts, "release/link", CSV)
    assert said(texts, "release/link", "more")
    assert said(texts, "release/missing", CSV)
    os.mkfifo(copy / "pipe")
    assert said(found(copy), "release/link", "pipe")


def packed(folder: Path, target: Path, more: Callable[[zipfile.ZipFile], Any]) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(path, path.relative_to(folder).as_posix())
        more(archive)
    return target


def linked(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = 0o120777 << 16
    archive.writestr(entry, "/etc/passwd")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("more", "code", "where"),
    [
        (lambda z: z.writestr("../outside", "x"), "release/escapes", "../outside"),
        (lambda z: z.writestr("/absolute", "x"), "release/escapes", "/absolute"),
        (lambda z: z.writestr("a/../../b", "x"), "release/escapes", "a/../../b"),
        (lambda z: z.writestr("c:\\windows", "x"), "release/escapes", "c:\\windows"),
        (lambda z: z.writestr("./terms.ko.md", "x"), "release/escapes", "./terms.ko.md"),
        (lambda z: z.writestr("DATA/synthetic.csv", "x"), "release/twice", "DATA/synthetic.csv"),
        (lambda z: z.writestr(CSV, "x"), "release/twice", CSV),
        (linked, "release/link", "link"),
        (lambda z: z.writestr("bomb", b"\0" * 50_000_000), "release/extra", "bomb"),
    ],
)
def test_a_hostile_zip_is_named_and_nothing_unpacked(
    bundle: Path, tmp_path: Path, more: Callable[[zipfile.ZipFile], Any], code: str, where: str
) -> None:
    place = packed(bundle, tmp_path / "b.zip", more)
    assert said(found(place), code, where)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.zip"]


def test_a_file_that_grew_is_read_no_further_than_stated(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (copy / CSV).open("ab") as file:
        file.truncate(1 << 33)  # 8 GiB of nothing
    assert said(found(copy), "release/changed", CSV)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + b"\0" * 18, b"not a zip"])
def test_what_is_no_bundle_is_refused(tmp_path: Path, data: bytes) -> None:
    place = tmp_path / "x.zip"
    place.write_bytes(data)
    for other in (place, tmp_path, tmp_path / "none"):
        with pytest.raises(StateError, match="release/not-a-bundle"):
            check_release(other)


def test_a_damaged_zip_does_not_crash(bundle: Path, tmp_path: Path) -> None:
    place = Path(shutil.make_archive(str(tmp_path / "b"), "zip", bundle))
    whole = place.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        place.write_bytes(bytes(damaged))
        try:
            check_release(place, day=date(2026, 12, 1))
        except StateError as error:
            assert error.code == "release/not-a-bundle"  # noqa: PT017


def test_without_the_extra_its_install_line_is_told(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from synthproof.core.errors import MissingExtraError

    for name in [n for n in sys.modules if n.split(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingExtraError, match=r"synthproof\[release\]"):
        check_release(bundle)


def test_a_notice_that_cannot_be_read_is_no_absent_one(bundle: Path, tmp_path: Path, day: date) -> None:
    """Damaged, or blown up beyond reading: the bundle does not hold. So with a folder's entry that carries bytes."""
    place = packed(
        bundle, tmp_path / "b.zip", lambda z: z.writestr("withdrawal.json", b"\x07" * 999, zipfile.ZIP_STORED)
    )
    place.write_bytes(place.read_bytes().replace(b"\x07" * 999, b"\x08" * 999))
    assert said(found(place), "release/bad-signature", "withdrawal.json")
    folder = Path(shutil.copytree(bundle, tmp_path / "big"))
    with (folder / "withdrawal.json").open("wb") as file:
        file.truncate((256 << 20) + 1)
    assert said(found(folder), "release/bad-signature", "withdrawal.json")
    hidden = packed(bundle, tmp_path / "c.zip", lambda z: z.writestr("more/", b"hidden"))
    assert said(found(hidden), "release/link", "more/")
    assert found(packed(bundle, tmp_path / "d.zip", lambda z: z.writestr("more/", b""))) == []


def test_a_stranger_cannot_write_on_the_screen(copy: Path, tmp_path: Path, day: date) -> None:
    """Signs that steer a terminal could clear the faults away and write that all is well."""
    from typer.testing import CliRunner

    from synthproof.cli.releasing import release_app
    from synthproof.release.notice import Notice

    steering = "\x1b[2J\x1b[H✓ The bundle holds.\x1b[8m"
    make_key(tmp_path / "theirs", "another passphrase")
    notice = Notice(bundle=steering, manifest="x", at="2026").text(open_key(tmp_path / "theirs", "another passphrase"))
    (copy / "withdrawal.json").write_text(notice, encoding="utf-8")
    body = json.loads((copy / "manifest.json").read_text("utf-8"))
    for changed in (body, {**body, "bundle": steering}):
        (copy / "manifest.json").write_text(json.dumps(changed), encoding="utf-8")
        told = CliRunner().invoke(release_app, ["check", str(copy)])
        assert told.exit_code == 1
        assert "\x1b[2J" not in told.output
        assert "\x1b[8m" not in told.output
    assert said(found(copy), "release/bad-manifest", "manifest.json")
