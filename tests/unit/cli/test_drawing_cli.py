"""Drawing on the command line: shares, partial rows completed, nothing replaced without being asked."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

import synthproof as sp
from synthproof.cli import commands  # noqa: F401  (they register themselves)
from synthproof.cli.main import main
from synthproof.testing.worlds import patients


def call(monkeypatch: pytest.MonkeyPatch, *args: object, lang: str = "en") -> int:
    monkeypatch.setattr(sys, "argv", ["synthproof", *map(str, args), "--lang", lang])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    frame = patients().draw(500, 1).frame
    return frame.assign(smoker=["Y" if age > 50 else "N" for age in frame["age"]])


@pytest.fixture(scope="module")
def model(people: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawing")
    people.to_csv(folder / "people.csv", index=False)
    made = sp.synthesizer("table.autoregressive", random_state=7, learner="network", hidden=32, epochs=2)
    return made.fit(str(folder / "people.csv")).save(folder / "model")


@pytest.fixture(scope="module")
def copula(people: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sp.synthesizer("table.copula", random_state=7).fit(people).save(tmp_path_factory.mktemp("copula") / "model")


def test_shares_of_levels(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("--balance", "disease:diabetes=0.5", "--balance", "disease:none=0.5", "--balance", "smoker:예=0.9")
    common = ("sample", model, "--n", 500, "--seed", 1, *asked)
    assert call(monkeypatch, *common, "-o", tmp_path / "one.csv") == 0
    drawn = pd.read_csv(tmp_path / "one.csv", keep_default_na=False)
    assert set(drawn["disease"]) == {"diabetes", "none"}
    assert abs((drawn["disease"] == "diabetes").mean() - 0.5) < 0.12  # five standard errors
    assert abs((drawn["smoker"] == "Y").mean() - 0.9) < 0.07
    assert call(monkeypatch, *common, "-o", f"{tmp_path}/parts/", "--rows-per-file", 300) == 0
    parts = pd.concat([pd.read_parquet(p) for p in sorted((tmp_path / "parts").glob("*.parquet"))])
    assert parts["disease"].tolist() == drawn["disease"].tolist()


@pytest.mark.parametrize(
    ("text", "exit_code", "code", "named"),
    [
        ("disease=0.5", 2, "config/bad-balance", "COLUMN:LEVEL=SHARE"),
        ("disease:none", 2, "config/bad-balance", "COLUMN:LEVEL=SHARE"),
        ("disease:none=half", 2, "config/bad-balance", "disease"),
        ("disease:none=1.5", 2, "config/bad-balance", "disease"),
        ("disease:none=nan", 2, "config/bad-balance", "disease"),
        ("diseas:none=0.5", 1, "condition/unknown-field", "disease"),
        ("disease:nothing=0.5", 1, "condition/unknown-level", "disease"),
        ("age:40=0.5", 1, "balance/not-levels", "age"),
    ],
)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_bad_shares_are_refused_in_four_parts(
    text: str,
    exit_code: int,
    code: str,
    named: str,
    lang: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ("sample", model, "--n", 5, "-o", tmp_path / "x.csv", "--balance", text)
    assert call(monkeypatch, *asked, lang=lang) == exit_code
    told = capsys.readouterr().err
    assert told.startswith(code)
    assert named in told or lang == "ko"
    for label in ("where", "found", "remedy") if lang == "en" else ("위치", "확인된 것", "조치"):
        assert f"  {label}: " in told
    assert not (tmp_path / "x.csv").exists()


def test_one_level_has_one_share(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = ("--balance", "smoker:yes=0.5", "--balance", "smoker:Y=0.2")
    assert call(monkeypatch, "sample", model, "--n", 5, "-o", tmp_path / "x.csv", *twice) == 2
    assert "two shares" in capsys.readouterr().err


def test_a_text_that_is_neither_yes_nor_no_is_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "sample", model, "--n", 5, "-o", tmp_path / "x.csv", "--where", "smoker=maybe") == 1
    assert "condition/unknown-level" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["x.csv", "parts/"])
def test_a_generator_without_shares_says_so(
    out: str, copula: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("sample", copula, "--n", 5, "-o", f"{tmp_path}/{out}", "--balance", "disease:none=0.5")
    assert call(monkeypatch, *asked) == 2
    told = capsys.readouterr().err
    assert told.startswith("synthesizer/cannot")
    assert "table.copula" in told
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def partial(people: pd.DataFrame, tmp_path: Path) -> Path:
    frame = people.head(40).drop(columns=["cost"]).astype({"region": object, "glucose": float})
    frame.loc[frame.index[::2], "glucose"] = None
    frame.loc[3, "region"] = "a ward nobody learned"
    frame.loc[5, "region"] = None
    frame.to_csv(tmp_path / "partial.csv", sep=";", index=False, encoding="utf-16")
    return tmp_path / "partial.csv"


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep=";", encoding="utf-16", keep_default_na=False, na_values=[""])


def test_complete_fills_gaps_and_keeps_every_cell(
    model: Path, partial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before, out = read(partial), tmp_path / "whole.csv"
    assert call(monkeypatch, "complete", model, partial, "-o", out, "--seed", 1) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == str(out)
    assert f"Cells filled: {int(before.isna().sum().sum()) + 40}." in shown.err
    assert "not synthetic data" in shown.err
    whole = read(out)
    assert set(whole.columns) == {*before.columns, "cost"}
    assert whole.notna().all().all()
    for name in before.columns:
        there = before[name].notna()
        assert whole.loc[there, name].tolist() == before.loc[there, name].tolist()
    assert call(monkeypatch, "complete", model, partial, "-o", tmp_path / "again.csv", "--seed", 1) == 0
    assert (tmp_path / "again.csv").read_bytes() == out.read_bytes()


def test_complete_fills_the_named_columns_only(
    model: Path, partial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "some.csv"
    assert call(monkeypatch, "complete", model, partial, "-o", out, "--columns", "glucose, cost", lang="ko") == 0
    assert "합성데이터가 아니" in capsys.readouterr().err
    some = read(out)
    assert some[["glucose", "cost"]].notna().all().all()
    assert some["region"].isna().sum() == 1


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_complete_refuses_what_it_would_lose_or_does_not_know(
    lang: str,
    people: pd.DataFrame,
    model: Path,
    copula: Path,
    partial: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    odd = people.head(20).astype({"age": object})
    odd.loc[2, "age"] = "unknown-to-us"
    odd.to_csv(tmp_path / "texts.csv", index=False)
    odd.loc[2, "age"] = 40.5
    odd.to_csv(tmp_path / "fractions.csv", index=False)
    people.head(20).assign(nobody=1).to_csv(tmp_path / "more.csv", index=False)
    for folder, file, more, exit_code, code in (
        (model, tmp_path / "texts.csv", (), 1, "complete/unreadable"),
        (model, tmp_path / "fractions.csv", (), 1, "complete/unreadable"),
        (model, tmp_path / "more.csv", (), 1, "schema/unknown-field"),
        (model, partial, ("--columns", "glucos"), 1, "schema/unknown-field"),
        (copula, partial, (), 2, "synthesizer/cannot"),
    ):
        assert call(monkeypatch, "complete", folder, file, "-o", tmp_path / "x.csv", *more, lang=lang) == exit_code
        told = capsys.readouterr().err
        assert told.startswith(code)
        assert "unknown-to-us" not in told
        for label in ("where", "found", "remedy") if lang == "en" else ("위치", "확인된 것", "조치"):
            assert f"  {label}: " in told
    assert not (tmp_path / "x.csv").exists()


def test_nothing_is_replaced_unless_forced(
    model: Path, copula: Path, partial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    kept = tmp_path / "kept.csv"
    fit = ("fit", model.parent / "people.csv", "--synthesizer", "table.marginals", "--seed", 1, "-o", tmp_path / "m")
    assert call(monkeypatch, *fit) == 0
    fitted = (tmp_path / "m" / "model.json").read_bytes()
    capsys.readouterr()
    for command in (
        ("sample", copula, "--n", 5, "-o", kept),
        ("complete", model, partial, "-o", kept),
        ("complete", model, partial, "-o", kept.with_suffix("")),  # the suffix of the source is added
        ("inspect", partial, "-o", kept),
        fit,
    ):
        kept.write_text("irreplaceable", encoding="utf-8")
        assert call(monkeypatch, *command) == 1
        told = capsys.readouterr().err
        assert told.startswith("workspace/exists")
        assert "--force" in told
        assert kept.read_text(encoding="utf-8") == "irreplaceable"
        assert (tmp_path / "m" / "model.json").read_bytes() == fitted
        assert call(monkeypatch, *command, "--force") == 0
        assert kept.read_bytes() != b"irreplaceable" or command is fit
        capsys.readouterr()
