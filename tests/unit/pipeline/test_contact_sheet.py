"""The 50 worst pairs: drawn into the vault of a run or a verification, told of in the report, and nowhere else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import synthproof as sp
from synthproof.core.contracts import Case
from synthproof.core.errors import DataError, UsageError
from synthproof.core.registry import metrics
from synthproof.core.schema import Purpose
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.write import write_images
from synthproof.dossier.seal import check_seal
from synthproof.pipeline.config import RunConfig, override
from synthproof.pipeline.contact_sheet import NAME, Pair, check_apart, draw_sheet, pairs_of
from synthproof.pipeline.image_road import road_for
from synthproof.pipeline.image_sides import check_unseen_pictures
from synthproof.pipeline.images import load_images
from synthproof.pipeline.releasing import release_key, seal_release
from synthproof.release.outcome import AREAS, Member, Outcome, Responsible, Vote
from synthproof.testing.pictures import digit_case, image_set
from synthproof.testing.shapes import shapes

Image = pytest.importorskip("PIL.Image", reason="synthproof[images] is not installed")
pytestmark = pytest.mark.timeout(900)

POLICY = """
format = 1
id = "copies"
version = 1
title = { en = "Copies", ko = "복제" }
summary = { en = "Near copies alone.", ko = "근접 복제만." }
source = "a test"
[[plan]]
metric = "image.near_copies"
[[rules]]
id = "near"
family = "safety"
title = { en = "Near copies", ko = "근접 복제" }
explain = { en = "None.", ko = "없음." }
metric = "image.near_copies"
subject = "nearer"
limit = { origin = "own", value = 0.5, because = { en = "a test", ko = "시험" } }
"""
WORDS = "넷 다섯 여섯 말 마차 건전지"


def real_tiles(sheet: Path, data: ImageSet, rows: list[int]) -> int:
    """Return how many of these real pictures are found on the sheet, pixel by pixel, at whole enlargement."""
    with Image.open(sheet) as opened:
        seen = np.asarray(opened.convert("L"))
    found = 0
    for row in rows:
        picture = data.pixels(np.array([row], dtype=np.intp))[0, :, :, 0]
        times = 132 // picture.shape[0]
        large = np.repeat(np.repeat(picture, times, axis=0), times, axis=1)
        windows = np.lib.stride_tricks.sliding_window_view(seen, large.shape[1], axis=1)[:, :, :]
        starts = np.argwhere((windows == large[0]).all(axis=2))
        found += any((seen[y : y + len(large), x : x + large.shape[1]] == large).all() for y, x in starts)
    return found


def test_the_sheet_shows_synthetic_left_and_real_right_with_ranks() -> None:
    case = digit_case(kind="exact", copies=3)
    pairs = pairs_of(metrics.make("image.near_copies").measure(case, seed=3))
    assert len(pairs) == 50
    assert {p.synthetic for p in pairs[:3]} == {0, 1, 2}
    assert all(p.flagged and p.nearness < 1e-3 for p in pairs[:3])
    assert all(p.distance >= 0 and p.limit > 0 for p in pairs)
    sheet = draw_sheet(pairs, case.synthetic, case.train)
    seen = np.asarray(sheet.convert("L"))
    x, y, wide = 22, 106, 132
    margin = (wide - 5 * 24) // 2
    left = seen[y + margin : y + wide - margin, x + margin : x + wide - margin]
    right = seen[y + margin : y + wide - margin, x + wide + 4 + margin : x + 2 * wide + 4 - margin]
    first = case.synthetic.pixels(np.array([pairs[0].synthetic]))[0, :, :, 0]
    assert (left[::5, ::5] == first).all()
    assert (right[::5, ::5] == first).all(), "an exact copy"
    framed = np.asarray(sheet)[y - 3, x]
    assert tuple(framed) == (0xB3, 0x41, 0x1C)


@pytest.mark.parametrize(("side", "channels"), [(8, 3), (300, 1)])
def test_any_size_and_colour_is_drawn(side: int, channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, side, side, channels)).astype(np.uint8)
    data = image_set(pixels, np.array(["아주 긴 부류의 이름입니다 정말로", "b"]))
    pair = Pair(0, 1, 0.1, 0.2, 0.3, True)
    sheet = draw_sheet([pair] * 7, data, data)
    assert sheet.size[0] == 22 + 5 * (268 + 22)
    assert np.asarray(sheet).std() > 10


def test_without_pairs_nothing_is_drawn(tmp_path: Path) -> None:
    case = digit_case(n=30, train=60, holdout=30)
    assert pairs_of(metrics.make("image.near_copies").measure(case, seed=0)) == []


def test_the_vault_may_not_lie_in_the_dossier(tmp_path: Path) -> None:
    check_apart(tmp_path / "vault", tmp_path / "dossier")
    check_apart(tmp_path / "vault", None)
    for vault in (tmp_path / "d", tmp_path / "d" / "vault", tmp_path):
        with pytest.raises(UsageError) as caught:
            check_apart(vault, tmp_path / "d")
        assert caught.value.code == "verify/vault-in-dossier"


def test_a_holdout_of_the_same_persons_is_refused() -> None:
    case = digit_case(persons=True)
    assert case.holdout is not None
    with pytest.raises(DataError) as caught:
        check_unseen_pictures(case.train, case.holdout)  # both number their persons from 0
    assert caught.value.code == "image/holdout-shares-persons"
    assert "200 of 200" in str(caught.value)
    data = shapes(200, 1, persons=60)
    check_unseen_pictures(data.take(np.arange(30)), data.take(np.arange(30, len(data))))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over 640 shapes whose model has learned next to nothing."""
    pytest.importorskip("torch", reason="synthproof[images] is not installed")
    place = tmp_path_factory.mktemp("sheet")
    write_images(shapes(640, 1), place / "pictures")
    (place / "copies.toml").write_text(POLICY, encoding="utf-8")
    config = override(
        RunConfig(), source=str(place / "pictures"), out=str(place / "run"), seed=5, lang="ko", sample__n=60,
        target="class", protect__steps="none", verify__policy=str(place / "copies.toml"), verify__repeats=2,
        fit__parameters={"images": 640, "width": 16, "levels": 2},
    )  # fmt: skip
    arrival = road_for(config).travel()
    assert arrival.proof.verdict.result == "meets"
    return place / "run"


def _everywhere(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file()]


def test_a_run_keeps_the_sheet_in_its_vault_and_the_report_says_so(run: Path) -> None:
    sheet = run / "vault" / NAME
    assert sheet.is_file()
    private = json.loads((run / "vault" / "private.json").read_text(encoding="utf-8"))
    kept = next(e["private"]["worst_pairs"] for e in private["evidence"] if e["subject"] == "all")
    train = load_images(run / "vault" / "train")
    assert real_tiles(sheet, train, kept["train_rows"][:3]) == 3
    page = (run / "dossier" / "report.html").read_text(encoding="utf-8")
    assert "가장 가까운 50쌍" in page
    assert "보관소(vault)" in page
    record = json.loads((run / "vault" / "stages" / "verify.json").read_text(encoding="utf-8"))
    assert f"vault/{NAME}" in record["files"]


def test_neither_dossier_nor_bundle_has_the_sheet_or_a_real_picture(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="synthproof[release] is not installed")
    raw = (run / "vault" / NAME).read_bytes()
    release_key(run, WORDS)
    digest = str(check_seal(run / "dossier")["digest"])
    (tmp_path / "outcome.json").write_text(json.dumps(_outcome(digest).to_dict()), encoding="utf-8")
    seal_release(run, tmp_path / "bundle", outcome=tmp_path / "outcome.json", passphrase=WORDS, day=date(2026, 12, 1))
    handed_on = [*_everywhere(run / "dossier"), *_everywhere(tmp_path / "bundle")]
    assert len([p for p in handed_on if p.suffix == ".png"]) >= 60
    body = raw[200:4_200]  # a stretch of its compressed pixels
    for path in handed_on:
        held = path.read_bytes()
        assert path.name != NAME
        assert held != raw
        assert body not in held, path
        assert b"worst_pairs" not in held, path
    real = set(load_images(run / "vault" / "source").digests())
    for path in handed_on:
        if path.suffix == ".png":
            with Image.open(path) as opened:
                pixels = np.asarray(opened.convert("L"))
            if pixels.shape == (16, 16):
                assert image_set(pixels[None]).digests()[0] not in real


def _outcome(digest: str) -> Outcome:
    members = tuple(
        Member(id=f"p{i}", name=f"M{i}", affiliation=f"A{i}", expertise=e, outside=i < 2, chair=i == 0)
        for i, e in enumerate(("law", "privacy", "clinical"))
    )
    vote: dict[str, Any] = {"dossier": digest, "result": "approved", "areas": dict.fromkeys(AREAS, "fit")}
    return Outcome(
        case="2026-03", dossier=digest, result="approved", decided="2026-11-21T10:00:00+09:00", members=members,
        votes=tuple(Vote(member=m.id, at="2026-11-20T10:00:00+09:00", opinion="", **vote) for m in members),
        rule="unanimous", start="2026-11-25", end="2027-11-24",
        responsible=Responsible(organisation="O", position="P", name="N", contact="02-000-0000"),
    )  # fmt: skip


def test_the_python_road_keeps_it_where_it_is_told(tmp_path: Path) -> None:
    case = digit_case(n=100, train=300, holdout=250, kind="exact", copies=2)
    assert case.holdout is not None
    (tmp_path / "copies.toml").write_text(POLICY, encoding="utf-8")
    judged = sp.verify(
        case.train, case.synthetic, holdout=case.holdout, policy=str(tmp_path / "copies.toml"), seed=7, repeats=2
    )
    judged.save(tmp_path / "before", lang="en")
    assert "worst pairs" not in (tmp_path / "before" / "report.html").read_text(encoding="utf-8")
    written = judged.keep(tmp_path / "vault")
    assert {p.name for p in written} == {"private.json", NAME}
    assert (tmp_path / "vault").stat().st_mode & 0o077 == 0
    judged.keep(tmp_path / "vault")
    assert sum("worst pairs" in n["en"] for n in judged.proof.notices) == 1
    judged.save(tmp_path / "dossier", lang="en")
    page = (tmp_path / "dossier" / "report.html").read_text(encoding="utf-8")
    assert "50 worst pairs" in page
    assert not list((tmp_path / "dossier").rglob(NAME))


def test_the_command_line_keeps_it_where_it_is_told(tmp_path: Path) -> None:
    import synthproof.cli.commands  # noqa: F401  (registers the commands)
    from synthproof.cli.main import app

    case = digit_case(n=100, train=300, holdout=250)
    parts: Case[ImageSet] = replace(case, purpose=Purpose())
    for name in ("train", "holdout", "synthetic"):
        write_images(getattr(parts, name), tmp_path / name)
    (tmp_path / "copies.toml").write_text(POLICY, encoding="utf-8")
    asked = [
        "verify", str(tmp_path / "train"), str(tmp_path / "synthetic"), "--holdout", str(tmp_path / "holdout"),
        "--policy", str(tmp_path / "copies.toml"), "--seed", "1", "--repeats", "2", "--lang", "en",
        "-o", str(tmp_path / "dossier"), "--vault",
    ]  # fmt: skip
    done = CliRunner().invoke(app, [*asked, str(tmp_path / "vault")])
    assert (tmp_path / "vault" / NAME).is_file(), done.output
    assert NAME in done.output.replace("\n", "")
    assert "50 worst pairs" in (tmp_path / "dossier" / "report.html").read_text(encoding="utf-8")
    refused = CliRunner().invoke(app, [*asked[:-3], "-o", str(tmp_path / "other"), "--vault", str(tmp_path / "other")])
    assert refused.exit_code != 0
    assert not (tmp_path / "other").exists()
