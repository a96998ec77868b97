"""Configuration, workspace, kept tables and the library face."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import synthproof as sp
from synthproof.core.errors import (
    ConfigError,
    DataError,
    ReadError,
    SchemaError,
    StatementError,
    UsageError,
    WorkspaceError,
)
from synthproof.core.schema import Field
from synthproof.data.table.io import notices
from synthproof.pipeline.asked import parse_where
from synthproof.pipeline.config import RunConfig, from_mapping, load_config, load_purpose, load_statements, override
from synthproof.pipeline.judging import check_unseen, repeated
from synthproof.pipeline.lock import only_one
from synthproof.pipeline.road import Road
from synthproof.pipeline.tables import load_table, save_table
from synthproof.pipeline.workspace import Workspace, stage_key


def people(n: int = 240, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.integers(20, 80, n)
    frame = pd.DataFrame(
        {
            "age": age,
            "sex": pd.Categorical(rng.choice(["F", "M"], n)),
            "dose": np.round(rng.gamma(2.0, 3.0, n) + age / 10, 2),
            "smoker": rng.random(n) < 0.3,
            "seen": pd.to_datetime("2023-01-01") + pd.to_timedelta(rng.integers(0, 400, n), unit="D"),
        }
    )
    frame.loc[::17, "dose"] = np.nan
    return frame


def test_flags_override_the_file(tmp_path: Path) -> None:
    path = tmp_path / "synthproof.toml"
    path.write_text(
        'target = "income"\n[verify]\npolicy = "public"\n[purpose]\nform = "internal"\n[protect]\nsteps = ["rare"]\n',
        encoding="utf-8",
    )
    config = override(load_config(path), verify__policy="partner", target=None, protect__steps="rare, extremes")
    assert config.verify.policy == "partner"
    assert config.target == "income"
    assert config.purpose.form == "internal"
    assert config.protect.steps == ("rare", "extremes")
    assert load_config(None, base=tmp_path) == load_config(path)
    assert load_config(None, base=tmp_path / "elsewhere") == RunConfig()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("seed = 'a'", "config/wrong-type"),
        ("seed = true", "config/wrong-type"),
        ("lang = 'fr'", "config/wrong-type"),
        ("verify = 3", "config/wrong-type"),
        ("[protect]\nsteps = 'rare'", "config/wrong-type"),
        ("[purpose]\nform = 'moon'", "config/wrong-type"),
        ("sead = 3", "params/unknown"),
        ("[fit]\nsynthesiser = 'auto'", "params/unknown"),
        ("not toml", "config/unreadable"),
    ],
)
def test_bad_project_files_are_refused(text: str, code: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=code):
        load_config(path)


def test_purpose_file(tmp_path: Path) -> None:
    path = tmp_path / "purpose.toml"
    path.write_text('[purpose]\nuse = "analysis"\nquasi_identifiers = ["age"]\n', encoding="utf-8")
    assert load_purpose(path).quasi_identifiers == ("age",)
    with pytest.raises(ConfigError, match="config/unreadable"):
        load_purpose(tmp_path / "absent.toml")


def test_statements_file(tmp_path: Path) -> None:
    path = tmp_path / "said.toml"
    path.write_text('[[statements]]\nquestion = "generation"\nauthor = "Kim"\ntext = "drawn anew"\n', encoding="utf-8")
    (said,) = load_statements(path)
    assert (said.question, said.author) == ("generation", "Kim")
    path.write_text('[[statements]]\nquestion = "generation"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="config/missing-key"):
        load_statements(path)


def test_numbers_may_be_written_whole() -> None:
    config = from_mapping(RunConfig, {"split": {"holdout": 0.25}}, where="x")
    assert config.split.holdout == 0.25
    assert from_mapping(RunConfig, config.to_dict() | {"seed": 1, "sample": {}, "split": {}}, where="x").seed == 1


def test_kept_tables_come_back_the_same(tmp_path: Path) -> None:
    table = sp.read(people())
    back = load_table(save_table(tmp_path / "t", table))
    pd.testing.assert_frame_equal(back.frame, table.frame)
    assert back.schema == table.schema
    assert back.fingerprint() == table.fingerprint()


def test_workspace_refuses_foreign_folders_and_sweeps_leftovers(tmp_path: Path) -> None:
    root = tmp_path / "w"
    space = Workspace(root)
    with pytest.raises(WorkspaceError, match="nothing-to-resume"):
        space.open(resume=True)
    space.open(resume=False)
    file = space.vault / "a.txt"
    file.write_text("a")
    (space.vault / ".b.txt.1234.part").write_text("half")
    key = stage_key("read", {}, "")
    space.finish("read", key, [file], {"n": 1})
    space.open(resume=True)
    assert not (space.vault / ".b.txt.1234.part").exists()
    assert space.whole("read", key) == {"n": 1}
    assert space.whole("read", stage_key("read", {"x": 1}, "")) is None
    assert space.whole("fit", key) is None
    file.write_text("changed")
    with pytest.raises(WorkspaceError, match="workspace/damaged"):
        space.whole("read", key)
    (root / "mine").write_text("keep")
    with pytest.raises(WorkspaceError, match="workspace/occupied"):
        space.open(resume=False)
    assert (root / "mine").exists()


def test_where_is_read_from_texts() -> None:
    schema = sp.read(people()).schema
    found = parse_where(["age=30..40", "sex=F|M", "dose=1.5", "smoker=true"], schema)
    assert found == {"age": (30, 40), "sex": ["F", "M"], "dose": 1.5, "smoker": True}
    for text, kind in (("age", UsageError), ("age=x", UsageError), ("agee=3", SchemaError)):
        with pytest.raises(kind):
            parse_where([text], schema)


def test_what_was_given_is_what_comes_back() -> None:
    given = people()
    model = sp.synthesizer("table.marginals", random_state=1).fit(given)
    made = model.sample(50, seed=2)
    assert isinstance(made, pd.DataFrame)
    pd.testing.assert_series_equal(made.dtypes, given.dtypes)
    polars = pytest.importorskip("polars")
    frame = polars.from_pandas(given)
    drawn = sp.synthesizer("table.marginals", random_state=1).fit(frame).sample(50, seed=2)
    assert isinstance(drawn, polars.DataFrame)
    assert drawn.schema == frame.schema
    import pyarrow as pa

    arrow = frame.to_arrow()
    back = sp.synthesizer("table.marginals", random_state=1).fit(arrow).sample(50, seed=2)
    assert isinstance(back, pa.Table)
    assert back.schema.remove_metadata() == arrow.schema.remove_metadata()


def test_face_walks_the_road(tmp_path: Path) -> None:
    before = people(400)
    given = before.copy(deep=True)
    parts = sp.protect(sp.split(sp.read(given, target="smoker"), seed=3), seed=3)
    model = sp.synthesizer("table.copula", random_state=3).fit(parts.train)  # pandas came in, pandas comes out
    made = model.sample(300, seed=3, where={"sex": "F", "age": (30, 60)})
    assert set(made["sex"]) == {"F"}
    assert made["age"].between(30, 60).all()
    again = sp.load(model.save(tmp_path / "model")).sample(300, seed=3, where={"sex": "F", "age": (30, 60)})
    pd.testing.assert_frame_equal(sp.read(again).frame, sp.read(made).frame)
    judged = sp.verify(parts, model.sample(400, seed=4), policy="internal", model=model, repeats=5, seed=3)
    assert judged.verdict.result in {"meets", "does_not_meet", "not_assessed"}
    assert {"metric", "estimate", "interval"} <= set(judged.frame().columns)
    assert sp.judge(judged, "public").policy == "public"
    assert (judged.save(tmp_path / "dossier") / "report.html").is_file()
    pd.testing.assert_frame_equal(given, before)


def test_verify_takes_any_tools_frame_and_never_meets_for_a_copycat() -> None:
    frame = people(600)
    judged = sp.verify(
        frame.iloc[:300], frame.iloc[:300], holdout=frame.iloc[300:], policy="internal", repeats=5, seed=1
    )
    assert judged.verdict.result == "does_not_meet"
    without = sp.verify(frame.iloc[:300], frame.iloc[300:], policy="partner", repeats=5, seed=1)
    assert without.verdict.result != "meets"


def test_a_holdout_must_be_held_out() -> None:
    real = people(240, 1)
    mixed = pd.concat([people(150, 2), real.head(50)], ignore_index=True)
    for holdout, code in (
        (real, "verify/holdout-overlaps"),
        (real.sample(frac=1.0, random_state=1), "verify/holdout-overlaps"),
        (mixed, "verify/holdout-overlaps"),
        (people(9, 3), "verify/holdout-too-small"),
    ):
        with pytest.raises(DataError) as error:
            sp.verify(real, people(240, 4), holdout=holdout, repeats=2, seed=1)
        assert error.value.code == code


def test_a_table_full_of_twins_is_no_overlap() -> None:
    """Few levels: fresh rows meet old ones by chance, which is no reason to refuse."""
    rng = np.random.default_rng(1)
    few = pd.DataFrame({c: rng.choice(["a", "b", "c"], 400) for c in "xyz"})
    table = sp.read(few)
    check_unseen(table.take(np.arange(200)), table.take(np.arange(200, 400)))


def test_verify_says_which_columns_it_did_not_judge_and_refuses_no_repeats() -> None:
    real, other = people(60, 1), people(60, 2).assign(left_over="x")
    judged = sp.verify(real, other, repeats=2, seed=1)
    assert any("left_over" in n["en"] and "left_over" in n["ko"] for n in judged.proof.notices)
    with pytest.raises(UsageError):
        sp.verify(real, other, repeats=0, seed=1)


def test_utility_is_measured_on_columns_that_came_back_empty() -> None:
    """A synthetic column without one readable value costs its score, not the whole metric."""
    judged = sp.verify(
        people(160, 1), people(160, 2).assign(dose=np.nan), holdout=people(160, 3), target="smoker", repeats=1, seed=1
    )
    assert not [e for e in judged.evidence if e.outcome == "failed"]


def test_no_package_is_named_like_a_verb_of_the_face() -> None:
    importlib.import_module("synthproof.verification.battery")
    importlib.import_module("synthproof.protection.apply")
    importlib.import_module("synthproof.policy.load")
    for verb in ("read", "split", "protect", "synthesizer", "verify", "judge", "report", "load"):
        assert callable(getattr(sp, verb)), verb


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    people(60).to_csv(tmp_path / "a.csv", index=False)
    config = RunConfig(source=str(tmp_path / "a.csv"), out=str(tmp_path / "out"), seed=1)
    with only_one(tmp_path / "out"):
        with pytest.raises(WorkspaceError) as error:
            Road(config).travel()
        assert error.value.code == "workspace/in-use"
    assert not list((tmp_path / "out").iterdir())


def test_a_run_that_cannot_read_leaves_earlier_results_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("vault/stages", "dossier"):
        (out / name).mkdir(parents=True)
    (out / "dossier" / "report.html").write_text("earlier", encoding="utf-8")
    (out / "vault" / "synthetic.csv").write_text("earlier", encoding="utf-8")
    with pytest.raises(ReadError):
        Road(RunConfig(source=str(tmp_path / "typo.csv"), out=str(out), seed=1)).travel()
    assert (out / "dossier" / "report.html").read_text(encoding="utf-8") == "earlier"
    assert (out / "vault" / "synthetic.csv").read_text(encoding="utf-8") == "earlier"
    assert sorted(p.name for p in out.iterdir()) == ["dossier", "vault"]


def test_resume_refuses_another_source_and_damaged_records(tmp_path: Path) -> None:
    people(60).to_csv(tmp_path / "a.csv", index=False)
    people(60, 9).to_csv(tmp_path / "b.csv", index=False)
    config = RunConfig(source=str(tmp_path / "a.csv"), out=str(tmp_path / "out"), seed=1)
    config = override(config, verify__repeats=1, fit__synthesizer="table.marginals")
    done = Road(config).travel()
    assert Road(config).travel(resume=True).proof.verdict == done.proof.verdict

    def refused(config: RunConfig) -> str:
        with pytest.raises(WorkspaceError) as error:
            Road(config).travel(resume=True)
        return error.value.code

    assert refused(override(config, source=str(tmp_path / "b.csv"))) == "workspace/another-run"
    assert refused(override(config, seed=2)) == "workspace/another-run"
    (tmp_path / "out" / "vault" / "stages" / "fit.json").write_text("{", encoding="utf-8")
    assert refused(config) == "workspace/damaged"
    (tmp_path / "out" / "vault" / "seed.json").write_text("zz", encoding="utf-8")
    assert refused(config) == "workspace/damaged"


def test_a_purpose_that_names_no_column_of_the_source_is_refused(tmp_path: Path) -> None:
    real = people(60)
    purpose = sp.Purpose(quasi_identifiers=("aeg",), sensitive=("smoker",))
    with pytest.raises(SchemaError, match="Did you mean age"):
        sp.verify(real, people(60, 2), purpose=purpose, repeats=1, seed=1)
    real.to_csv(tmp_path / "a.csv", index=False)
    config = RunConfig(source=str(tmp_path / "a.csv"), out=str(tmp_path / "out"), seed=1, purpose=purpose)
    with pytest.raises(SchemaError):
        Road(config).travel()


def test_a_misspelt_parameter_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean random_state"):
        sp.synthesizer("table.copula", random_stat=1)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[protect.parameters.raer]\nk = 3", "params/unknown"),
        ("[protect.parameters]\nrare = 3", "config/wrong-type"),
        ("[fit.parameters]\nrandom_state = 3", "params/unknown"),
        ("[fit.parameters]\nnope = 3", "params/unknown"),
        ("[fit]\nsynthesizer = 'table.copula'\n[fit.parameters]\nmin_shared = 'x'", "params/out-of-range"),
    ],
)
def test_bad_parameters_are_refused(text: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")
    people(60).to_csv(tmp_path / "a.csv", index=False)
    config = override(load_config(tmp_path / "p.toml"), source=str(tmp_path / "a.csv"), out=str(tmp_path / "out"))
    with pytest.raises(ConfigError) as error:
        Road(config).travel()
    assert error.value.code == code


def test_cells_lost_to_a_stated_kind_are_said() -> None:
    schema = sp.read(people(60)).schema
    wrong = schema.replace_field(Field(name="dose", kind="datetime", nullable=True))
    table = sp.read(people(60).astype({"dose": "str"}), schema=wrong)
    assert [n.code for n in notices(table)] == ["read/not-of-the-stated-kind"]


def test_dropping_every_record_is_an_error(tmp_path: Path) -> None:
    """Two columns of two levels: every possible record is real."""
    rng = np.random.default_rng(1)
    pd.DataFrame({c: rng.choice(["a", "b"], 200) for c in "xy"}).to_csv(tmp_path / "a.csv", index=False)
    config = override(
        RunConfig(source=str(tmp_path / "a.csv"), out=str(tmp_path / "out"), seed=1), sample__drop_copies=True
    )
    with pytest.raises(DataError) as error:
        Road(config).travel()
    assert error.value.code == "sample/nothing-left"


def test_verify_stops_at_resident_numbers_too() -> None:
    real = people(60).assign(
        주민등록번호=[f"{60 + i % 40:02d}1332-{1 + i % 4}{100000 + i * 311:06d}" for i in range(60)]
    )
    with pytest.raises(StatementError) as error:
        sp.verify(real, people(60, 2), repeats=1, seed=1)
    assert error.value.code == "protect/resident-number"
    stated = sp.Purpose(resident_number_basis="의료법 시행령 제42조의2")
    assert sp.verify(real, people(60, 2), purpose=stated, repeats=1, seed=1).evidence


def test_removed_columns_are_said(tmp_path: Path) -> None:
    real = people(60).assign(password=[f"pw-{i * 7919}" for i in range(60)])
    real.to_csv(tmp_path / "a.csv", index=False)
    config = RunConfig(source=str(tmp_path / "a.csv"), out=str(tmp_path / "out"), seed=1)
    done = Road(override(config, verify__repeats=1, fit__synthesizer="table.marginals")).travel()
    assert any("password" in n["en"] and "password" in n["ko"] for n in done.proof.generator.notices)


def test_many_repeated_rows_are_said() -> None:
    few, many = sp.read(people(100)), sp.read(pd.concat([people(50)] * 4, ignore_index=True))
    assert repeated(few) == ()
    (notice,) = repeated(many)
    assert notice.code == "read/repeated-rows"
    assert "150" in notice.text("ko")
