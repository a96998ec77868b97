"""From a run to a signed bundle and back: decide, seal, check, tamper, hand over, call back, measure anew."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("people", Path(__file__).with_name("people.py"))
assert spec is not None
assert spec.loader is not None
people = importlib.util.module_from_spec(spec)
spec.loader.exec_module(people)

pytestmark = pytest.mark.e2e
SECRET = "correct horse battery staple"
PLANTED = "Zyxomma-Quell-7731"


def cli(*args: object, cwd: Path, rc: int | None = 0, lang: str = "en_US.UTF-8") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "LANG": lang, "PYTHONIOENCODING": "utf-8", "SYNTHPROOF_PASSPHRASE": SECRET}
    command = [sys.executable, "-m", "synthproof", *map(str, args)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=env, check=False)
    assert rc is None or done.returncode == rc, done.stdout + done.stderr
    return done


def decide(folder: Path, dossier: Path, result: str = "approved") -> Path:
    """Write what a review server would export: an outcome and the case's journal."""
    from synthproof.dossier.journal import next_line, start
    from synthproof.dossier.journal_file import write
    from synthproof.release.outcome import AREAS, Condition, Member, Outcome, Vote

    digest = json.loads((dossier / "seal.json").read_text("utf-8"))["digest"]
    first = next_line(start("case-7"), person="p1", act="case.opened", subject=digest, fields={"text": PLANTED})
    last = next_line(first.anchor, person="p1", act=f"case.{result}", subject=digest)
    write(folder / "journal.jsonl", [first, last])
    members = tuple(Member(id=f"p{i}", name=f"위원 {i}", outside=i < 3, expertise="law") for i in (1, 2, 3))
    outcome = Outcome(
        case="7",
        dossier=digest,
        result=result,
        decided="2026-11-21T10:00:00+09:00",
        members=members,
        votes=tuple(
            Vote(
                member=m.id, dossier=digest, result=result, areas=dict.fromkeys(AREAS, "fit"),
                at="2026-11-20T10:00:00+09:00", opinion=PLANTED,
            )
            for m in members
        ),
        conditions=(Condition(id="c1", text=PLANTED, met_by="최담당", met_at="2026-11-20T11:00:00+09:00"),),
        start=(date.today() - timedelta(days=1)).isoformat(),
        end=(date.today() + timedelta(days=365)).isoformat(),
        journal=last.anchor,
    )  # fmt: skip
    (folder / "outcome.json").write_text(json.dumps(outcome.to_dict(), ensure_ascii=False), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over people with planted tokens, decided, sealed as a folder and as a zip file."""
    folder = tmp_path_factory.mktemp("release")
    frame = people.make_people(600)
    frame.loc[0, "병동"] = PLANTED  # a rare level, and a name of a file that must not travel
    people.write_people(folder / f"{PLANTED}.csv", frame)
    cli("run", f"{PLANTED}.csv", "--target", "당뇨", "--seed", 7, "-o", "out", "--repeats", 5,
        "--synthesizer", "table.cart_chain", cwd=folder, rc=None)  # fmt: skip
    cli("release", "keygen", "out", cwd=folder)
    decide(folder / "case", folder / "out/dossier")
    cli("release", "seal", "out", "-o", "bundle", "--outcome", "case", cwd=folder)
    cli("release", "seal", "out", "-o", "bundle.zip", "--outcome", "case/outcome.json", cwd=folder)
    return folder


def test_the_bundle_holds_with_the_bundle_alone(road: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copytree(road / "bundle", tmp_path / "elsewhere"))
    done = cli("release", "check", alone, cwd=tmp_path)
    assert "The bundle holds" in done.stdout
    assert "compare the fingerprint" in done.stdout
    key = road / "out/vault/release/key/public.pem"
    done = cli("release", "check", road / "bundle.zip", "--key", key, cwd=tmp_path, lang="ko_KR.UTF-8")
    assert "이상이 없습니다" in done.stdout
    assert "누구의 키인지" not in done.stdout


def test_no_planted_token_left_the_vault(road: Path) -> None:
    assert any(PLANTED.encode() in p.read_bytes() for p in (road / "out/vault").rglob("*") if p.is_file())
    for path in (road / "bundle").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert PLANTED.encode() not in data, path
            if path.suffix == ".docx":
                with zipfile.ZipFile(path) as packed:
                    assert all(PLANTED.encode() not in packed.read(n) for n in packed.namelist()), path


def test_every_byte_is_watched(road: Path, tmp_path: Path) -> None:
    """In every file: first, middle and last byte changed, cut, removed, renamed; each is found and the file is named."""
    from synthproof.release.check import check_release

    copy = Path(shutil.copytree(road / "bundle", tmp_path / "copy"))
    tried = 0
    for path in sorted(p for p in copy.rglob("*") if p.is_file()):
        kept, name = path.read_bytes(), path.relative_to(copy).as_posix()
        for at in (0, len(kept) // 2, len(kept) - 1):
            path.write_bytes(kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :])
            faults = check_release(copy).faults
            said = " ".join(f.where for f in faults)
            assert faults, (name, at)
            assert name in said or name == "manifest.json", (name, said)
            tried += 1
        path.write_bytes(kept[:-1])
        assert check_release(copy).faults, name
        path.unlink()
        if name != "manifest.json":
            assert name in " ".join(f.where for f in check_release(copy).faults)
        path.with_name("other").write_bytes(kept)
        if name != "manifest.json":
            assert check_release(copy).faults
        path.with_name("other").unlink()
        path.write_bytes(kept)
        tried += 3
    assert check_release(copy).ok
    assert tried >= 100


def test_what_is_not_approved_stays_inside(road: Path, tmp_path: Path) -> None:
    for result, code in (("conditional", "release/conditions-open"), ("refused", "release/not-approved")):
        case = decide(tmp_path / result, road / "out/dossier", result)
        told = json.loads((case / "outcome.json").read_text("utf-8"))
        told["conditions"][0]["met_by"] = ""
        (case / "outcome.json").write_text(json.dumps(told), encoding="utf-8")
        done = cli("release", "seal", road / "out", "-o", "never", "--outcome", case, cwd=tmp_path, rc=1)
        assert code in done.stderr
        assert not (tmp_path / "never").exists()


def test_handover_withdrawal_and_a_new_run(road: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(road / "out", tmp_path / "out"))
    bundle = json.loads((road / "bundle/manifest.json").read_text("utf-8"))["bundle"]
    cli("release", "handover", out, "--bundle", bundle, "--recipient", "의과대학", "--contact", "02-1", cwd=tmp_path)
    done = cli("release", "withdraw", out, "--bundle", bundle, "--reason", "새 공격", "-o", "n.json", cwd=tmp_path)
    assert "의과대학" in done.stdout
    done = cli("release", "check", road / "bundle", "--notice", "n.json", cwd=tmp_path, rc=1)
    assert "release/withdrawn" in done.stdout
    assert "새 공격" in done.stdout
    assert "withdrawn" in cli("release", "status", out, cwd=tmp_path).stdout
    assert "No release has run out" in cli("release", "expire", out, cwd=tmp_path).stdout
    done = cli("run", road / f"{PLANTED}.csv", "-o", out, cwd=tmp_path, rc=1)
    assert "release/kept" in done.stderr


def test_renewal_measures_anew_and_its_dossier_can_be_decided_on(road: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(road / "out", tmp_path / "out"))
    done = cli("release", "renew", out, "-o", "again", cwd=tmp_path)
    assert "numbers the same" in done.stdout
    old = json.loads((road / "out/dossier/seal.json").read_text("utf-8"))
    new = json.loads((tmp_path / "again/seal.json").read_text("utf-8"))
    assert new["parent"] == old["digest"]
    assert new["synthetic"] == old["synthetic"]
    # the old decision does not cover the new dossier; a new one does
    refused = cli(
        "release", "seal", out, "-o", "b2", "--dossier", "again", "--outcome", road / "case", cwd=tmp_path, rc=1
    )
    assert "release/other-dossier" in refused.stderr
    case = decide(tmp_path / "case", tmp_path / "again")
    cli("release", "seal", out, "-o", "b2", "--dossier", "again", "--outcome", case, cwd=tmp_path)
    cli("release", "check", "b2", cwd=tmp_path)
    records = list((out / "vault/release").glob("sp-*/renewal-*.json"))
    assert len(records) == 1
    told = json.loads(records[0].read_text("utf-8"))
    assert {d["kind"] for d in told["differences"]} == {"same"}  # same battery, same seed: nothing moved


def test_a_killed_seal_leaves_nothing_half(road: Path, tmp_path: Path) -> None:
    """Killed at any moment: no bundle or a whole one, a journal that verifies, and sealing works again."""
    import time

    from synthproof.pipeline.releasing import release_vault
    from synthproof.release.check import check_release

    out = Path(shutil.copytree(road / "out", tmp_path / "out"))
    env = {**os.environ, "SYNTHPROOF_PASSPHRASE": SECRET, "PYTHONIOENCODING": "utf-8"}
    for at, delay in enumerate((0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.4)):
        place = tmp_path / f"b{at}"
        command = [sys.executable, "-m", "synthproof", "release", "seal", str(out), "-o", str(place)]
        done = subprocess.Popen([*command, "--outcome", str(road / "case")], env=env, stdout=subprocess.DEVNULL)
        time.sleep(delay)
        done.kill()
        done.wait()
        told = {r.bundle for r in release_vault(out).releases()}  # verifies the journal
        if place.exists():
            report = check_release(place)
            assert report.ok
            assert report.manifest["bundle"] in told
    cli("release", "seal", out, "-o", "last", "--outcome", road / "case", cwd=tmp_path)
    assert check_release(tmp_path / "last").ok
