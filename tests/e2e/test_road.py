"""The command line in clean folders, as a steward would use it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

spec = importlib.util.spec_from_file_location("people", Path(__file__).with_name("people.py"))
assert spec is not None
assert spec.loader is not None
people = importlib.util.module_from_spec(spec)
spec.loader.exec_module(people)

pytestmark = pytest.mark.e2e
CODES = {"meets": 0, "does_not_meet": 3, "not_assessed": 4}
FAST = ["--repeats", "20", "--synthesizer", "table.cart_chain"]


def cli(*args: object, cwd: Path, check: bool = False, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "synthproof", *map(str, args)]
    env = {**os.environ, "LANG": "en_US.UTF-8", "PYTHONIOENCODING": "utf-8", **more.pop("env", {})}  # type: ignore[dict-item]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=env, check=False, **more)  # type: ignore[call-overload]
    if check:
        assert done.returncode == 0, done.stderr
    return done


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def leftovers(root: Path) -> list[Path]:
    return [p for p in root.rglob("*") if p.name.endswith((".part", ".old"))]


@pytest.fixture(scope="module")
def arrived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("road")
    people.write_people(folder / "people.csv")
    done = cli("run", "people.csv", "--target", "당뇨", "--seed", 7, "-o", "out", *FAST, cwd=folder)
    return folder, done


def test_run_leaves_vault_and_dossier_and_says_the_verdict(
    arrived: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, done = arrived
    verdict = json.loads((folder / "out/dossier/dossier.json").read_text("utf-8"))["verdict"]
    assert done.returncode == CODES[verdict["result"]], done.stderr
    assert sorted(p.name for p in (folder / "out").iterdir()) == ["dossier", "vault"]
    for name in ("report.html", "report.pdf", "seal.json", "dossier.json"):
        assert (folder / "out/dossier" / name).stat().st_size > 500, name
    assert "report.html" in done.stdout
    assert "pipc_2024" in done.stdout
    assert set(verdict["families"]) >= {"integrity", "safety"}
    assert leftovers(folder) == []
    assert oct((folder / "out/vault").stat().st_mode & 0o777) == "0o700"


def test_synthetic_file_is_like_the_source(arrived: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = arrived
    real = pd.read_csv(folder / "people.csv", dtype=str)
    made = pd.read_csv(folder / "out/vault/synthetic.csv", dtype=str)
    assert list(made.columns) == [c for c in real.columns if c in made.columns]
    assert len(made) == len(real)
    assert set(made["성별"]) == {"여", "남"}
    assert made["입원일"].str.fullmatch(r"2024-\d\d-\d\d").all()
    assert made["혈당"].dropna().str.fullmatch(r"\d+\.\d").all()
    assert made["재원일수"].str.fullmatch(r"\d+").all()
    assert 0.02 < made["혈당"].isna().mean() < 0.16
    if "환자번호" in made:
        assert not set(made["환자번호"]) & set(real["환자번호"])
        assert made["환자번호"].is_unique


@pytest.mark.parametrize("form", ["csv.gz", "xlsx", "jsonl", "tsv", "parquet", "db"])
def test_run_writes_back_the_format_it_read(form: str, tmp_path: Path) -> None:
    frame = people.make_people(120).drop(columns="환자번호")
    source = tmp_path / f"people.{form}"
    match form:
        case "xlsx":
            frame.to_excel(source, index=False)
        case "jsonl":
            frame.to_json(source, orient="records", lines=True, force_ascii=False)
        case "parquet":
            frame.to_parquet(source)
        case "db":
            with contextlib.closing(sqlite3.connect(source)) as store:
                frame.to_sql("people", store, index=False)
        case _:
            frame.to_csv(source, index=False, sep="\t" if form == "tsv" else ",")
    given = f"sqlite:///{source}" if form == "db" else source.name
    args = ["--table", "people"] if form == "db" else []
    args += ["--policy", "internal", "--repeats", 3, "--synthesizer", "table.marginals", "-o", "out"]
    done = cli("run", given, *args, "--seed", 1, cwd=tmp_path)
    assert done.returncode in CODES.values(), done.stderr
    made = tmp_path / "out/vault" / f"synthetic.{form}"
    assert made.is_file(), list((tmp_path / "out/vault").iterdir())
    assert str(made.relative_to(tmp_path)) in done.stdout
    if form == "db":
        with contextlib.closing(sqlite3.connect(made)) as store:
            assert len(pd.read_sql("select * from people", store)) == 120
    if form == "csv.gz":
        assert len(pd.read_csv(made)) == 120


def test_same_seed_same_bytes_on_one_core_too(arrived: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = arrived
    again = ["run", "people.csv", "--target", "당뇨", "--seed", 7, "-o", "again", *FAST]
    cpus = os.sched_getaffinity(0)
    one = {min(cpus)}
    cli(*again, cwd=folder, preexec_fn=lambda: os.sched_setaffinity(0, one))
    assert digest(folder / "out/vault/synthetic.csv") == digest(folder / "again/vault/synthetic.csv")
    first, second = (json.loads((folder / d / "dossier/dossier.json").read_text("utf-8")) for d in ("out", "again"))
    for key in ("evidence", "limits", "verdict", "data"):
        assert first[key] == second[key], key
    # Used once more by the resume test below.
    other = cli("run", "people.csv", "--target", "당뇨", "--seed", 8, "-o", "other", *FAST, cwd=folder)
    assert other.returncode in CODES.values()
    assert digest(folder / "out/vault/synthetic.csv") != digest(folder / "other/vault/synthetic.csv")


@pytest.mark.parametrize(
    ("how", "stage"), [(signal.SIGKILL, "fit"), (signal.SIGINT, "sample"), (signal.SIGKILL, "protect")]
)
def test_stopped_run_goes_on_and_arrives_at_the_same_place(
    arrived: tuple[Path, subprocess.CompletedProcess[str]], how: signal.Signals, stage: str, tmp_path: Path
) -> None:
    folder, _ = arrived
    settings = ["people.csv", "--target", "당뇨", "--seed", "7", "-o", str(tmp_path / "out"), *FAST]
    process = subprocess.Popen(
        [sys.executable, "-m", "synthproof", "run", *settings],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "LANG": "en_US.UTF-8"},
    )
    record = tmp_path / "out/vault/stages" / f"{stage}.json"
    deadline = time.monotonic() + 120
    while not record.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert record.exists()
    process.send_signal(how)
    _, told = process.communicate(timeout=120)
    assert not (tmp_path / "out/dossier").exists()
    if how == signal.SIGINT:
        assert process.returncode == 1
        assert b"run/cancelled" in told
        assert leftovers(tmp_path) == []
    done = cli("run", *settings, "--resume", cwd=folder)
    assert done.returncode in CODES.values(), done.stderr
    assert digest(tmp_path / "out/vault/synthetic.csv") == digest(folder / "out/vault/synthetic.csv")
    assert leftovers(tmp_path) == []
    changed = cli("run", *settings[:-1], "table.marginals", "--seed", 9, "--resume", cwd=folder)
    assert changed.returncode == 1
    assert "workspace/another-run" in changed.stderr


def test_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    people.write_people(tmp_path / "people.csv")

    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))

    done = cli("run", "people.csv", "--seed", 1, "-o", "out", *FAST, cwd=tmp_path, preexec_fn=small)
    assert done.returncode == 1
    assert "workspace/unwritable" in done.stderr
    assert not (tmp_path / "out/dossier").exists()
    assert leftovers(tmp_path) == []


def test_unwritable_output(tmp_path: Path) -> None:
    people.write_people(tmp_path / "people.csv")
    (tmp_path / "taken").write_text("a file")
    done = cli("run", "people.csv", "-o", "taken/out", cwd=tmp_path)
    assert done.returncode == 1
    assert "workspace/unwritable" in done.stderr
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("keep me")
    done = cli("run", "people.csv", "-o", "full", cwd=tmp_path)
    assert done.returncode == 1
    assert "workspace/occupied" in done.stderr
    assert (tmp_path / "full/mine.txt").read_text() == "keep me"


def test_planted_tokens_stay_in_the_vault(tmp_path: Path) -> None:
    frame = people.plant(people.make_people())
    people.write_people(tmp_path / "people.csv", frame)
    done = cli("run", "people.csv", "--target", "당뇨", "--seed", 3, "-o", "out", *FAST, cwd=tmp_path)
    assert done.returncode in CODES.values(), done.stderr
    tokens = [*people.TOKENS, "918273645", "918,273,645"]
    assert any(people.TOKENS[0].encode() in p.read_bytes() for p in (tmp_path / "out/vault").rglob("*.toml"))
    for text in (done.stdout, done.stderr):
        assert not [t for t in tokens if t in text]
    import pypdf

    for path in sorted((tmp_path / "out/dossier").rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            assert not [t for t in tokens if t.encode() in content], path.name
            if path.suffix == ".pdf":
                text = "".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
                assert not [t for t in tokens if t in text]
    made = pd.read_csv(tmp_path / "out/vault/synthetic.csv", dtype=str)
    assert not [t for t in tokens if made.astype(str).apply(lambda c, t=t: c.str.contains(t, regex=False)).any().any()]
    for path in (tmp_path / "out/vault/model").rglob("*"):
        assert not [t for t in people.TOKENS if t.encode() in path.read_bytes()]


def test_hostile_cells_harm_nothing(tmp_path: Path) -> None:
    frame = people.make_people(400)
    hostile = "<script>alert(1)</script>"
    frame["병동"] = frame["병동"].replace({"내과": hostile, "외과": "=cmd|' /C calc'!A0", "안과": "../../x"})
    frame = frame.rename(columns={"흡연": "<img src=x onerror=alert(2)>"})
    frame["메모"] = ["짧은 메모 " + str(i) + " 입니다 오늘도" for i in range(len(frame))]
    frame.loc[3, "메모"] = "가" * 1_000_000
    people.write_people(tmp_path / "people.csv", frame)
    before = {p.name for p in tmp_path.parent.iterdir()}
    done = cli("run", "people.csv", "--target", "당뇨", "--seed", 3, "-o", "out", *FAST, cwd=tmp_path)
    assert done.returncode in CODES.values(), done.stderr
    assert {p.name for p in tmp_path.parent.iterdir()} == before
    for page in (tmp_path / "out/dossier").rglob("*.html"):
        text = page.read_text("utf-8")
        assert hostile not in text, page.name
        assert "<img src=x" not in text, page.name
    made = pd.read_csv(tmp_path / "out/vault/synthetic.csv", dtype=str)
    assert set(made["병동"].dropna()) <= set(frame["병동"])


def test_parts_of_the_road(tmp_path: Path) -> None:
    frame = people.make_people(800)
    people.write_people(tmp_path / "train.csv", frame.iloc[:400], "cp949")
    people.write_people(tmp_path / "unseen.csv", frame.iloc[400:], "cp949")
    shown = cli("inspect", "train.csv", "-o", "schema.toml", cwd=tmp_path, check=True)
    assert "혈당" in shown.stdout
    assert (tmp_path / "schema.toml").is_file()
    cli("fit", "train.csv", "-o", "model", "--synthesizer", "table.copula", "--seed", 1, cwd=tmp_path, check=True)
    where = ["--where", "성별=여", "--where", "나이=60..70"]
    cli("sample", "model", "--n", 300, *where, "--seed", 2, "-o", "old_women.csv", cwd=tmp_path, check=True)
    made = pd.read_csv(tmp_path / "old_women.csv", encoding="cp949")
    assert len(made) == 300
    assert set(made["성별"]) == {"여"}
    assert made["나이"].between(60, 70).all()
    impossible = cli("sample", "model", "--n", 5, "--where", "성별=없음", "-o", "x.csv", cwd=tmp_path)
    assert impossible.returncode in (1, 2)
    assert not (tmp_path / "x.csv").exists()
    cli("sample", "model", "--n", 400, "--seed", 2, "-o", "made.parquet", cwd=tmp_path, check=True)
    args = ["verify", "train.csv", "made.parquet", "--holdout", "unseen.csv", "--target", "당뇨", "--seed", 1]
    judged = cli(*args, "--repeats", 20, "-o", "dossier", cwd=tmp_path)
    assert judged.returncode in CODES.values(), judged.stderr
    again = cli("judge", "dossier", "--policy", "internal", "-o", "second", cwd=tmp_path)
    assert again.returncode in CODES.values(), again.stderr
    assert json.loads((tmp_path / "second/dossier.json").read_text("utf-8"))["verdict"]["policy"] == "internal"
    cli("report", "dossier", "--lang", "ko", cwd=tmp_path, check=True)
    record = json.loads((tmp_path / "dossier/dossier.json").read_text("utf-8"))
    (tmp_path / "dossier/dossier.json").write_text(json.dumps(record).replace("does_not_meet", "meets"), "utf-8")
    broken = cli("judge", "dossier", "--policy", "internal", cwd=tmp_path)
    assert broken.returncode == 1
    assert "damaged" in broken.stderr


def test_copycat_never_meets(tmp_path: Path) -> None:
    frame = people.make_people(1200)
    people.write_people(tmp_path / "train.csv", frame.iloc[:600])
    people.write_people(tmp_path / "unseen.csv", frame.iloc[600:])
    for policy in ("internal", "partner", "public", "pipc_2024"):
        args = ["verify", "train.csv", "train.csv", "--holdout", "unseen.csv", "--policy", policy]
        done = cli(*args, "--repeats", 20, "--seed", 1, cwd=tmp_path)
        assert done.returncode == 3, (policy, done.stdout, done.stderr)


def test_third_party_plug_in(tmp_path: Path) -> None:
    here = Path(__file__).resolve().parents[1] / "plugin_package"
    env = {"PYTHONPATH": str(here)}
    people.write_people(tmp_path / "people.csv")
    listed = cli("list", "synthesizers", cwd=tmp_path, env=env, check=True).stdout
    assert "sample.shy" in listed
    assert "sp-sample-plugin" in listed
    assert "needs a library that is not here" in listed
    assert "sample.column_count" in cli("list", "metrics", cwd=tmp_path, env=env, check=True).stdout
    policy = cli("config", "--policy", "internal", cwd=tmp_path, env=env, check=True).stdout
    (tmp_path / "mine.toml").write_text(policy + '\n[[plan]]\nmetric = "sample.column_count"\n', "utf-8")
    args = ["--policy", "mine.toml", "--synthesizer", "sample.shy", "--seed", 1, "-o", "out", "--repeats", 20]
    done = cli("run", "people.csv", *args, cwd=tmp_path, env=env)
    assert done.returncode in CODES.values(), done.stderr
    assert "Column count (sample plug-in)" in (tmp_path / "out/dossier/report.html").read_text("utf-8")
    stopped = cli("run", "people.csv", "--synthesizer", "sample.broken", "-o", "x", cwd=tmp_path, env=env)
    assert stopped.returncode == 2
    assert "registry/broken-plugin" in stopped.stderr


def test_install_without_network(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    house = tmp_path / "wheelhouse"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "-c", "constraints.txt", "-w", str(house), "."], cwd=root, check=True)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv/bin/python"
    offline = {**os.environ, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    subprocess.run(
        [
            str(python),
            "-m",
            "pip",
            "--disable-pip-version-check",
            "-q",
            "install",
            "--find-links",
            str(house),
            "synthproof",
        ],
        check=True,
        env=offline,
        cwd=tmp_path,
    )
    done = subprocess.run(
        [str(tmp_path / "venv/bin/synthproof"), "demo", "-o", "demo"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "demo/dossier/report.pdf").is_file()
