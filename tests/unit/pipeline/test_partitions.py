"""Drawing into a folder of parts: the same rows whatever the parts, whole parts only, going on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from synthproof.core.errors import Cancelled, ConfigError, UsageError, WorkspaceError
from synthproof.core.run import Event, Run
from synthproof.data.table.native_arrow import to_arrow
from synthproof.pipeline import partitions
from synthproof.pipeline.partitions import RECORD, batch_rows, sample_to
from synthproof.synthesizers.table.auto import Auto
from synthproof.synthesizers.table.cart_chain import CartChain
from synthproof.synthesizers.table.copula import Copula
from synthproof.testing.synthesizers import example


@pytest.fixture(scope="module")
def model() -> Copula:
    return Copula(random_state=1).fit(example(300))


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "_BATCH", 4096)


def rows_of(paths: tuple[Path, ...]) -> pd.DataFrame:
    return pd.concat([pq.read_table(p).to_pandas() for p in paths], ignore_index=True)


@pytest.mark.parametrize("rows_per_file", [1_000, 4_096, 7_000, 50_000])
def test_the_same_rows_whatever_the_parts(model: Copula, tmp_path: Path, rows_per_file: int) -> None:
    paths = sample_to(model, 9_500, tmp_path / "out", rows_per_file=rows_per_file, seed=3)
    whole = to_arrow(model.sample(9_500, seed=3)).to_pandas()
    found = rows_of(paths)
    assert [p.name for p in paths] == [f"part-{k:05d}.parquet" for k in range(-(-9_500 // rows_per_file))]
    assert all(pq.read_metadata(p).num_rows == rows_per_file for p in paths[:-1])
    pd.testing.assert_frame_equal(found, whole)
    assert found["chart"].is_unique


def test_conditions_hold_in_every_part(model: Copula, tmp_path: Path) -> None:
    paths = sample_to(model, 5_000, tmp_path / "out", rows_per_file=2_000, where={"sex": "F"}, seed=3)
    assert (rows_of(paths)["sex"] == "F").all()


def test_an_interrupted_draw_goes_on(model: Copula, tmp_path: Path) -> None:
    folder, seen = tmp_path / "out", 0

    def stop(event: Event) -> None:
        nonlocal seen
        seen += event.task == "sample/parts"
        if seen == 3:
            run.cancel()

    run = Run(stop)
    with pytest.raises(Cancelled):
        sample_to(model, 10_000, folder, rows_per_file=2_000, seed=3, run=run)
    done = sorted(p.name for p in folder.glob("part-*"))
    assert 0 < len(done) < 5
    assert not list(folder.glob("*.part"))
    stamps = {p: (folder / p).stat().st_mtime_ns for p in done}
    (folder / ".part-00004.parquet.0a1b2c3d.part").write_bytes(b"left by a kill")
    paths = sample_to(model, 10_000, folder, rows_per_file=2_000, seed=3)
    assert {p: (folder / p).stat().st_mtime_ns for p in done} == stamps
    pd.testing.assert_frame_equal(rows_of(paths), to_arrow(model.sample(10_000, seed=3)).to_pandas())
    assert sorted(p.name for p in folder.iterdir()) == [RECORD, *(p.name for p in paths)]


def test_another_draw_does_not_mix(model: Copula, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    sample_to(model, 3_000, folder, rows_per_file=2_000, seed=3)
    for changed in ({"n": 4_000}, {"rows_per_file": 1_000}, {"seed": 4}, {"where": {"sex": "M"}}):
        given = {"n": 3_000, "rows_per_file": 2_000, "seed": 3, **changed}
        with pytest.raises(UsageError, match="sample/another-draw"):
            sample_to(model, given.pop("n"), folder, **given)
    other = Copula(random_state=1).fit(example(300, seed=5))
    with pytest.raises(UsageError, match="first_rows"):
        sample_to(other, 3_000, folder, rows_per_file=2_000, seed=3)
    assert "M" not in json.dumps(json.loads((folder / RECORD).read_text(encoding="utf-8")))


def test_a_folder_with_other_things_is_left_alone(model: Copula, tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(WorkspaceError, match="workspace/occupied"):
        sample_to(model, 100, tmp_path)
    for wrong in ({"n": 0}, {"n": 5, "rows_per_file": 0}):
        with pytest.raises(UsageError, match="sample/bad-n"):
            sample_to(model, wrong.pop("n"), tmp_path / "out", **wrong)


def test_generators_that_cannot_draw_from_the_middle_are_refused(model: Copula, tmp_path: Path) -> None:
    class Old:
        def sample(self, n: int, *, where: object = None, seed: int | None = None, run: Run | None = None) -> object:
            return model.sample(n, seed=seed)

    with pytest.raises(UsageError, match="sample/not-in-parts"):
        sample_to(Old(), 10, tmp_path / "out")


def test_auto_hands_on(tmp_path: Path) -> None:
    chosen = Auto(candidates=("table.copula",), random_state=1).fit(example(300))
    paths = sample_to(chosen, 500, tmp_path / "out", rows_per_file=300, seed=3)
    pd.testing.assert_frame_equal(rows_of(paths), to_arrow(chosen.sample(500, seed=3)).to_pandas())


def test_progress_tells_pace_and_time_left(model: Copula, tmp_path: Path) -> None:
    told: list[Event] = []
    sample_to(model, 9_000, tmp_path / "out", rows_per_file=5_000, seed=3, run=Run(told.append))
    paced = [e for e in told if e.task == "sample/parts" and "rows_per_s" in e.facts]
    assert [e.done for e in paced] == [4_096, 5_000, 8_192, 9_000]
    assert all(int(str(e.facts["rows_per_s"])) > 0 for e in paced)
    assert paced[-1].facts["left_s"] == 0.0


def test_memory_makes_batches_small_or_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "_BATCH", 64 * 4096)
    chain = CartChain(random_state=1).fit(example(300))
    assert batch_rows(chain, 10**7, None) == 64 * 4096
    small = batch_rows(chain, 10**7, 6 * 2**20)
    assert 4096 <= small < 64 * 4096
    assert small % 4096 == 0
    with pytest.raises(ConfigError, match="budget/memory"):
        batch_rows(chain, 10**7, 1_000)
