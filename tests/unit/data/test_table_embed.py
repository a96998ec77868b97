"""Units as points, and the table as a modality."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthproof.core.errors import NotFittedError
from synthproof.core.run import Run
from synthproof.data.split import split
from synthproof.data.table.dataset import Table
from synthproof.data.table.embed import TableEmbedder
from synthproof.data.table.io import read_table
from synthproof.data.table.modality import TableModality


def mixed(n: int = 400) -> Table:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "x": np.exp(rng.normal(size=n)).round(3),
            "gap": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n).round(2)),
            "c": rng.choice(["a", "b", "c"], n),
            "b": rng.random(n) < 0.5,
            "note": [f"긴 글 {i} " + "낱말 " * 12 for i in range(n)],
        }
    )
    return read_table(frame)


def test_shape_scale_and_missing() -> None:
    table = mixed()
    points = TableEmbedder().fit(table).transform(table)
    assert points.shape == (400, 1 + 2 + (3 + 2) + (2 + 2))
    assert np.isfinite(points).all()
    # normal scores of train itself: mean 0, deviation 1 up to the ranks' discreteness
    assert abs(points[:, 0].mean()) < 0.01
    assert abs(points[:, 0].std() - 1.0) < 0.02
    missing = table.frame["gap"].isna().to_numpy()
    assert (points[missing, 1] == 0.0).all()
    assert np.array_equal(points[:, 2] == 1.0, missing)


def test_two_levels_lie_at_distance_one() -> None:
    table = mixed()
    points = TableEmbedder().fit(table).transform(table)
    codes = table.frame["c"].cat.codes.to_numpy()
    block = points[:, 3:8]
    a, b = block[codes == 0][0], block[codes == 1][0]
    assert np.isclose(np.linalg.norm(a - b), 1.0)
    assert np.array_equal(block[codes == 0], np.repeat(a[None], (codes == 0).sum(), axis=0))


def test_order_and_other_data_do_not_move_points() -> None:
    table = mixed()
    parts = split(table, seed=1)
    embedder = TableEmbedder().fit(parts.train)
    whole = embedder.transform(table)
    assert np.array_equal(embedder.transform(parts.holdout), whole[parts.holdout_units])
    again = TableEmbedder().fit(parts.train).transform(table)
    assert np.array_equal(again, whole)


def test_monotone_and_clipped_outside() -> None:
    table = mixed()
    embedder = TableEmbedder().fit(table)
    far = table.frame.copy()
    far.loc[0, "x"], far.loc[1, "x"] = 1e9, -1e9
    points = embedder.transform(table.with_frame(far))
    assert points[0, 0] == points[:, 0].max()
    assert points[1, 0] == points[:, 0].min()
    assert np.abs(points[:, 0]).max() <= 4.0


def test_units_with_several_rows_are_one_point() -> None:
    frame = pd.DataFrame({"patient_id": [f"A{i // 3:03d}" for i in range(90)], "x": np.arange(90) / 7})
    table = read_table(frame)
    points = TableEmbedder().fit(table).transform(table)
    assert len(points) == len(table) == 30
    assert np.allclose(points[:, -1], np.log(3))


def test_unfitted_is_refused() -> None:
    with pytest.raises(NotFittedError):
        TableEmbedder().transform(mixed(50))


def test_modality_reads_writes_and_shows(tmp_path: Path) -> None:
    modality = TableModality()
    mixed().to_native().to_csv(tmp_path / "a.csv", index=False)
    assert modality.infer(tmp_path / "a.csv").field("c").kind == "categorical"
    table = modality.read(tmp_path / "a.csv")
    assert modality.write(table, tmp_path / "b.csv") == (tmp_path / "b.csv",)
    again = modality.conform(tmp_path / "b.csv", table.schema)
    assert again.fingerprint() == table.fingerprint()
    shown = modality.preview(table, n=3)
    assert shown["columns"] == list(table.schema.names)
    assert len(shown["rows"]) == 3
    assert all(len(cell) <= 201 for row in shown["rows"] for cell in row)
    assert modality.embedder(table, run=Run()).transform(table).shape[0] == len(table)
