"""Pictures go the whole road: from a folder to a sealed dossier, a panel of readers, and a released bundle."""

from __future__ import annotations

import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import synthproof as sp
from synthproof.core.errors import DataError
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import read_images
from synthproof.dossier.seal import check_seal
from synthproof.pipeline.config import RunConfig, override
from synthproof.pipeline.image_road import ImageRoad, image_policy, road_for
from synthproof.pipeline.images import load_images, save_images
from synthproof.pipeline.panel import new_panel
from synthproof.pipeline.releasing import check_release, release_key, seal_release
from synthproof.pipeline.renewing import renew
from synthproof.release.outcome import AREAS, Member, Outcome, Responsible, Vote
from synthproof.review.panel import Plan
from synthproof.testing.shapes import shapes
from synthproof.testing.small_policy import small_policy

torch = pytest.importorskip("torch", reason="synthproof[images] is not installed")
Image = pytest.importorskip("PIL.Image", reason="synthproof[images] is not installed")
pytestmark = pytest.mark.timeout(900)

# Rules that need no minutes of measuring; the policy `image` itself is tried in `test_image_policy`.
POLICY = small_policy("image.exact_copies", "table.shape")


def folder_of(data: ImageSet, place: Path) -> Path:
    codes, names = data.classes()
    for i, picture in enumerate(data.pixels()):
        (place / names[codes[i]]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[..., 0]).save(place / names[codes[i]] / f"Kim-{i:04d}.png")
    pd.DataFrame(
        {
            "file": [f"{names[c]}/Kim-{i:04d}.png" for i, c in enumerate(codes)],
            "label": [names[c] for c in codes],
            "patient": [f"MRN{w:05d}" for w in data.unit_of_row],
        }
    ).to_csv(place / "labels.csv", index=False)
    return place


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over 240 shapes of 80 persons."""
    place = tmp_path_factory.mktemp("images")
    source = folder_of(shapes(240, 1, persons=80), place / "pictures")
    (place / "small.toml").write_text(POLICY, encoding="utf-8")
    config = override(
        RunConfig(), source=str(source), out=str(place / "run"), seed=5, lang="en", sample__n=60, protect__steps="none",
        verify__policy=str(place / "small.toml"), verify__repeats=5,
        fit__parameters={"images": 1_280, "width": 16, "levels": 2},
    )  # fmt: skip
    road = road_for(config)
    assert isinstance(road, ImageRoad)
    arrival = road.travel()
    assert arrival.proof.verdict.result == "meets"
    return place / "run"


def test_the_dossier_is_sealed_and_holds_no_real_picture_or_name(run: Path) -> None:
    sealed = check_seal(run / "dossier")
    assert len(sealed["synthetic"]["images"]) == 60
    real = set(read_images(run.parent / "pictures").digests())
    for path in (run / "dossier").rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            assert b"Kim-" not in raw
            assert b"MRN" not in raw
    drawn = load_images(run / "vault" / "synthetic")
    assert not set(drawn.digests()) & real
    page = (run / "dossier" / "report.html").read_text(encoding="utf-8")
    assert 'id="picture-sheet"' in page
    assert "data:image/png;base64," in page
    forms = json.loads((run / "dossier" / "forms" / "forms.json").read_text(encoding="utf-8"))
    assert any("image" in f["id"] or "이미지" in f["title"]["ko"] for f in forms)
    assert "체크리스트(정형" not in page
    said = (run / "dossier" / "forms" / "1-3-source.html").read_text(encoding="utf-8")
    assert "비정형(이미지)" in said
    assert "정형(표)" not in said


def test_sides_share_no_person(run: Path) -> None:
    train, holdout = (load_images(run / "vault" / n) for n in ("train", "holdout"))
    assert not set(train.frame["patient"]) & set(holdout.frame["patient"])
    assert train.n_rows + holdout.n_rows == 240
    drawn = load_images(run / "vault" / "synthetic")
    assert "patient" not in drawn.schema
    assert drawn.marks is not None


def test_a_stopped_run_goes_on_with_the_same_bytes(run: Path) -> None:
    before = load_images(run / "vault" / "synthetic").fingerprint()
    config = override(
        RunConfig(), source=str(run.parent / "pictures"), out=str(run), seed=5, lang="en", sample__n=60,
        protect__steps="none", verify__policy=str(run.parent / "small.toml"), verify__repeats=5,
        fit__parameters={"images": 1_280, "width": 16, "levels": 2},
    )  # fmt: skip
    (run / "vault" / "stages" / "sample.json").unlink()
    ImageRoad(config).travel(resume=True)
    assert load_images(run / "vault" / "synthetic").fingerprint() == before


def test_a_panel_shows_blind_pictures_of_one_kind(run: Path, tmp_path: Path) -> None:
    new_panel(run, tmp_path / "panel.zip", Plan(n=10, seed=3))
    with zipfile.ZipFile(tmp_path / "panel.zip") as packed:
        told = json.loads(packed.read("panel.json"))
        assert {i["kind"] for i in told["items"]} == {"image"}
        assert all("answer" not in i for i in told["items"])
        pictures = [packed.read(f"items/{i['name']}") for i in told["items"]]
    for raw in pictures:
        assert raw.startswith(b"\x89PNG")
        assert b"tEXt" not in raw
        assert b"iTXt" not in raw
        assert b"IHDR\x00\x00\x00\x10\x00\x00\x00\x10\x08\x00" in raw, "16 px, 8 bits, grey"


def test_the_gate_releases_just_these_pictures(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="synthproof[release] is not installed")
    words = "넷 다섯 여섯 말 마차 건전지"
    release_key(run, words)
    digest = str(check_seal(run / "dossier")["digest"])
    outcome = _outcome(digest)
    (tmp_path / "outcome.json").write_text(json.dumps(outcome.to_dict()), encoding="utf-8")
    sealed = seal_release(
        run, tmp_path / "bundle", outcome=tmp_path / "outcome.json", passphrase=words, day=date(2026, 12, 1)
    )
    assert check_release(tmp_path / "bundle", day=date(2026, 12, 1)).ok
    _says_that_pictures_are_pictures(tmp_path / "bundle")
    found = sorted((tmp_path / "bundle").rglob("*.png"))
    assert len(found) == 60
    with Image.open(found[0]) as picture:
        assert "synthetic" in str(picture.info).lower()
    assert sealed.bundle
    again = renew(run, tmp_path / "renewed", repeats=5)
    assert not again.compared_with_another
    assert {d.kind for d in again.differences} == {"same"}
    assert check_seal(tmp_path / "renewed")["synthetic"] == check_seal(run / "dossier")["synthetic"]
    (tmp_path / "anew.json").write_text(json.dumps(_outcome(again.digest).to_dict()), encoding="utf-8")
    more = {"outcome": tmp_path / "anew.json", "dossier": tmp_path / "renewed", "passphrase": words}
    second = seal_release(run, tmp_path / "second", day=date(2026, 12, 1), **more)
    assert renew(run, tmp_path / "third", bundle=second.bundle, repeats=5).compared_with_another
    assert not renew(run, tmp_path / "third", bundle=second.bundle, dossier=tmp_path / "renewed").compared_with_another
    (run / "vault" / "pictures" / "00000003.png").write_bytes(found[4].read_bytes())
    with pytest.raises(Exception, match="release/image-not-covered"):
        seal_release(
            run, tmp_path / "other", outcome=tmp_path / "outcome.json", passphrase=words, day=date(2026, 12, 1)
        )


def _says_that_pictures_are_pictures(bundle: Path) -> None:
    from pypdf import PdfReader

    forms = "".join(page.extract_text() for page in PdfReader(bundle / "forms/forms.ko.pdf").pages)
    assert "■ 비정형(이미지)" in forms
    assert "정형(표)" not in forms
    assert "60개 단위, 60장" in forms
    card = (bundle / "data-card.ko.md").read_text(encoding="utf-8")
    assert "tags: [synthetic, image]" in card
    assert "하나의 표" not in card
    assert "희소 집단" not in card, "nothing rare was merged"
    told = json.loads((bundle / "croissant.json").read_text(encoding="utf-8"))
    assert told["keywords"] == ["synthetic data", "image"]
    assert "60 fully machine-made (synthetic) pictures" in told["description"]


def _outcome(digest: str) -> Outcome:
    expertise = ("law", "privacy", "clinical")
    members = tuple(
        Member(id=f"p{i}", name=f"M{i}", affiliation=f"A{i}", expertise=e, outside=i < 2, chair=i == 0)
        for i, e in enumerate(expertise)
    )
    vote: dict[str, Any] = {"dossier": digest, "result": "approved", "areas": dict.fromkeys(AREAS, "fit")}
    return Outcome(
        case="2026-02",
        dossier=digest,
        result="approved",
        decided="2026-11-21T10:00:00+09:00",
        members=members,
        votes=tuple(Vote(member=m.id, at="2026-11-20T10:00:00+09:00", opinion="", **vote) for m in members),
        rule="unanimous",
        start="2026-11-25",
        end="2027-11-24",
        responsible=Responsible(organisation="O", position="P", name="N", contact="02-000-0000"),
    )


def test_the_library_face_takes_pictures_as_it_takes_tables(tmp_path: Path) -> None:
    data = shapes(160, 2)
    parts = sp.split(sp.read({"images": data.pixels(), "labels": data.frame["class"].astype(str).to_numpy()}), seed=7)
    model = sp.synthesizer("image.flow", random_state=1, images=640, width=16, levels=2).fit(parts.train)
    fake = model.sample(40, seed=1)
    (tmp_path / "small.toml").write_text(POLICY, encoding="utf-8")
    judged = sp.verify(parts, fake, policy=str(tmp_path / "small.toml"), model=model, seed=7, repeats=3)
    assert judged.verdict.result == "meets"
    assert (judged.save(tmp_path / "dossier") / "report.pdf").is_file()
    with pytest.raises(DataError) as caught:
        sp.verify(parts.train, fake, holdout=parts.train, policy=str(tmp_path / "small.toml"), seed=7)
    assert caught.value.code == "image/holdout-overlaps"
    small = sp.read({"images": data.pixels()[:, :8, :8], "labels": data.frame["class"].astype(str).to_numpy()})
    with pytest.raises(DataError) as other:
        sp.verify(small, small, policy=str(tmp_path / "small.toml"), holdout=fake, seed=7)
    assert other.value.code == "image/chains-differ"
    assert image_policy("pipc_2024") == image_policy("public") == "image"


def test_the_command_line_inspects_fits_and_samples_pictures(tmp_path: Path) -> None:
    import synthproof.cli.commands  # noqa: F401  (registers the commands)
    from synthproof.cli.main import app

    data = shapes(240, 3, persons=160)
    source = folder_of(data, tmp_path / "pictures")
    runner = CliRunner()
    shown = runner.invoke(app, ["inspect", str(source), "--lang", "en"])
    assert shown.exit_code == 0, shown.output
    assert f"{len(data)} patients, 240" in shown.output
    assert "MRN" not in shown.output
    (tmp_path / "synthproof.toml").write_text(
        "[fit.parameters]\nimages = 640\nwidth = 16\nlevels = 2\n", encoding="utf-8"
    )
    fit = ["fit", str(source), "-o", str(tmp_path / "model"), "--seed", "1", "--protect", "none", "--config"]
    done = runner.invoke(app, [*fit, str(tmp_path / "synthproof.toml")], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    drawn = [
        "sample",
        str(tmp_path / "model"),
        "--n",
        "9",
        "-o",
        str(tmp_path / "drawn"),
        "--seed",
        "2",
        "--where",
        "label=disc",
    ]
    done = runner.invoke(app, drawn, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found = read_images(tmp_path / "drawn")
    assert found.n_rows == 9
    assert {p.parent.name for p in (tmp_path / "drawn").rglob("*.png")} == {"disc"}


def test_a_view_shares_its_store_and_comes_back(tmp_path: Path) -> None:
    data = shapes(50, 4, persons=20)
    save_images(tmp_path / "source", data)
    source = load_images(tmp_path / "source")
    part = source.take(np.array([3, 5, 7]))
    save_images(tmp_path / "part", part, store=tmp_path / "source")
    assert not (tmp_path / "part" / "pixels.npy").exists()
    again = load_images(tmp_path / "part")
    assert again.fingerprint() == part.fingerprint()
