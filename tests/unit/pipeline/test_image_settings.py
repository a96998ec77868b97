"""What is asked for of pictures on the command line is done or refused, never passed over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import synthproof as sp
from synthproof.cli import commands  # noqa: F401  (registers the commands)
from synthproof.cli.main import app
from synthproof.core.errors import ConfigError, ReadError, SchemaError, UsageError
from synthproof.core.run import Run
from synthproof.pipeline.budget import Budget
from synthproof.pipeline.config import RunConfig, check_parameters
from synthproof.pipeline.image_road import budget_in_pictures, check_picture_settings, fast_minutes
from synthproof.pipeline.image_sides import read_sides
from synthproof.pipeline.stage_config import FitConfig, ProtectConfig, ReadConfig
from synthproof.testing.shapes import shapes

Image = pytest.importorskip("PIL.Image", reason="synthproof[images] is not installed")


def folder(root: Path, side: int, *, table: bool = False) -> Path:
    """Pictures of one side, with a table beside them or elsewhere."""
    data = shapes(24, 1, side=side)
    root.mkdir()
    for i, picture in enumerate(data.pixels()):
        Image.fromarray(picture[..., 0]).save(root / f"{i:02d}.png")
    listed = pd.DataFrame(
        {
            "file": [f"{i:02d}.png" for i in range(24)],
            "kind": data.frame["class"].astype(str),
            "who": [f"w{i // 2}" for i in range(24)],
        }
    )
    listed.to_csv(root / "labels.csv" if table else root.parent / f"{root.name}.csv", index=False)
    return root


def test_real_and_synthetic_pictures_meet_at_the_smaller_side(tmp_path: Path) -> None:
    real, fake = folder(tmp_path / "real", 48), folder(tmp_path / "fake", 32, table=True)
    how = sp.How(labels=str(tmp_path / "real.csv"), targets=("kind",), person="who")
    train, unseen, found = read_sides(real, fake, None, how, Run())
    assert (train.chain.side, found.chain.side, unseen) == (32, 32, None)
    assert len(train) == 12, "the person column was followed"
    assert len(found) == 24, "synthetic pictures are of nobody"
    train, _, found = read_sides(fake, real, None, replace(how, labels=""), Run())
    assert (train.chain.side, found.chain.side) == (32, 32)
    train, _, found = read_sides(real, fake, None, replace(how, side=28), Run())
    assert (train.chain.side, found.chain.side) == (28, 28)
    whole = sp.read(real, how=how)
    train, _, found = read_sides(whole, fake, None, how, Run())
    assert (train.chain.side, found.chain.side) == (48, 48), "pictures that were read already stay as they are"


def test_a_folder_is_read_as_python_asks(tmp_path: Path) -> None:
    real = folder(tmp_path / "real", 48)
    found = sp.read(real, how=sp.How(labels=str(tmp_path / "real.csv"), person="who", side=28), target="kind")
    assert (found.chain.side, len(found), found.targets) == (28, 12, ("kind",))


def test_inspect_tells_squares_and_classes(tmp_path: Path) -> None:
    real = folder(tmp_path / "real", 48)
    given = [
        "inspect",
        str(real),
        "--labels",
        str(tmp_path / "real.csv"),
        "--target",
        "kind",
        "--side",
        "32",
        "--lang",
        "en",
    ]
    shown = CliRunner().invoke(app, given)
    assert shown.exit_code == 0, shown.output
    assert "Squares: 32 px, grey, 8 bits" in shown.output
    assert "Images by class: " in shown.output
    refused = CliRunner().invoke(app, [*given, "-o", str(tmp_path / "s.toml")])
    assert isinstance(refused.exception, UsageError)
    assert refused.exception.code == "image/table-setting"


@pytest.mark.parametrize(
    "setting", [ReadConfig(schema="s.toml"), ReadConfig(query="select 1"), ReadConfig(learn_rules=True)]
)
def test_settings_of_tables_are_refused_with_pictures(setting: ReadConfig) -> None:
    with pytest.raises(UsageError) as caught:
        check_picture_settings(RunConfig(read=setting))
    assert caught.value.code == "image/table-setting"


def test_a_quick_look_is_quick_for_pictures_too() -> None:
    quick = RunConfig(fit=FitConfig(fast=True))
    assert fast_minutes(quick, "image.flow") == {"minutes": 3.0}
    assert fast_minutes(quick, "image.duplicate") == {}
    assert fast_minutes(RunConfig(), "image.flow") == {}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("200000 images", 200_000),
        ("200k images", 200_000),
        ("1.5 M images", 1_500_000),
        ("20,000장", 20_000),
        ("1.5만 장", 15_000),
    ],
)
def test_a_budget_may_be_given_in_images(text: str, count: int) -> None:
    found = budget_in_pictures(RunConfig(budget=text))
    assert (found.budget, found.fit.parameters) == ("", {"images": count})
    assert budget_in_pictures(RunConfig(budget="20m")).budget == "20m"
    with pytest.raises(UsageError) as caught:
        budget_in_pictures(RunConfig(budget=text, fit=FitConfig(synthesizer="image.duplicate")))
    assert caught.value.code == "image/no-image-budget"


@pytest.mark.parametrize("text", ["1.2.3 images", "200.000 images", "k images", "-5 images"])
def test_what_is_no_number_of_images_is_left_for_the_budget_to_refuse(text: str) -> None:
    left = budget_in_pictures(RunConfig(budget=text))
    assert left.budget == text
    with pytest.raises(ConfigError, match="budget/unreadable"):
        Budget.of(left.budget, None)


def test_protections_of_pictures_take_parameters_without_being_named_again() -> None:
    check_parameters(RunConfig(protect=ProtectConfig(parameters={"image.burned_in": {"action": "drop"}})))
    with pytest.raises(ConfigError):
        check_parameters(
            RunConfig(protect=ProtectConfig(steps=("rare",), parameters={"image.burned_in": {"action": "drop"}}))
        )


def test_archives_of_pictures_are_told_apart_from_tables(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 8, 8), np.uint8), y=np.array([0, 1, 0, 1]))
    assert sp.read(tmp_path / "a.npz").schema.modality == "image"


def test_a_person_or_label_that_is_not_there_is_refused(tmp_path: Path) -> None:
    classes = tmp_path / "classes"
    for i, picture in enumerate(shapes(24, 1, side=16).pixels()):
        (classes / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[..., 0]).save(classes / "ab"[i % 2] / f"{i:02d}.png")
    assert sp.read(classes, target="class").targets == ("class",)
    with pytest.raises(ReadError, match="image/no-person-column") as stop:
        sp.read(classes, how=sp.How(person="patient"))
    assert "patient" in stop.value.text("ko")
    with pytest.raises(ReadError, match="image/no-person-column"):
        read_sides(classes, classes, None, sp.How(person="patient"), Run())
    for target in ("klass", "class,other"):
        with pytest.raises(SchemaError, match="schema/unknown-field"):
            sp.read(classes, target=target)
    told = CliRunner().invoke(app, ["fit", str(classes), "-o", str(tmp_path / "m"), "--person", "patient"]).exception
    assert isinstance(told, ReadError)
    real = folder(tmp_path / "real", 48)
    table = sp.How(labels=str(tmp_path / "real.csv"))
    with pytest.raises(SchemaError, match="schema/unknown-field"):
        sp.read(real, how=table, target="kind,kinde")
    assert sp.read(real, how=table, target="kind, who").targets == ("kind", "who")


@pytest.mark.parametrize("asked", [{"side": -1}, {"side": 1_000_000}, {"fit": "cropped"}, {"colour": "gray"}])
def test_a_way_of_reading_that_there_is_not_is_refused(asked: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="params/out-of-range"):
        sp.read(folder(tmp_path / "real", 16), how=sp.How(**asked))


def test_findings_listed_in_one_column_may_be_named(tmp_path: Path) -> None:
    real = folder(tmp_path / "real", 16)
    listed = pd.read_csv(tmp_path / "real.csv")
    listed["Findings"] = ["Effusion|Mass", "Mass", "Effusion", "none"] * 6
    listed.to_csv(tmp_path / "real.csv", index=False)
    found = sp.read(real, how=sp.How(labels=str(tmp_path / "real.csv")), target="Findings")
    assert set(found.targets) == {"Effusion", "Mass"}
