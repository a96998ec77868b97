"""`fit` of pictures goes on from its checkpoint, draws its seed once, and leaves nothing beside the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synthproof.core.errors import Cancelled, DataError, UsageError
from synthproof.core.run import Event, Run
from synthproof.pipeline.config import RunConfig
from synthproof.pipeline.parts import fit_model
from synthproof.pipeline.stage_config import FitConfig
from synthproof.testing.shapes import shapes

torch = pytest.importorskip("torch", reason="synthproof[images] is not installed")
SMALL = {"images": 3_200, "width": 16, "steps": 2, "min_class": 5}


def config(tmp_path: Path, *, name: str = "auto", n: int = 90) -> RunConfig:
    path = tmp_path / "shapes.npz"
    data = shapes(n, 1)
    codes, names = data.classes()
    np.savez(path, x=data.pixels()[..., 0], y=codes, classes=np.array(names))
    given = SMALL if name == "auto" else {}
    return RunConfig(source=str(path), fit=FitConfig(synthesizer=name, parameters=given))


def test_a_fit_that_was_cut_off_goes_on_under_its_own_seed(tmp_path: Path) -> None:
    asked, out = config(tmp_path), tmp_path / "model"
    stop = Run(lambda e: stop.cancel() if e.task == "flow" and e.done >= 40 else None)
    with pytest.raises(Cancelled):
        fit_model(asked, out, run=stop)
    kept = tmp_path / "model.unfinished"
    assert (kept / "checkpoint").is_dir()
    seen: list[Event] = []
    model = fit_model(
        asked, out, resume=True, run=Run(lambda e: seen.append(e) if e.task == "flow" and e.done > 1 else None)
    )
    assert seen[0].done > 16
    assert model.core.learned_["images"] == 3_200
    assert model.core.checkpoint == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model", "shapes.npz"]


def test_a_fit_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        fit_model(config(tmp_path, n=12), tmp_path / "model")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["shapes.npz"]


def test_what_keeps_no_checkpoints_cannot_go_on(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        fit_model(config(tmp_path, name="image.duplicate"), tmp_path / "model", resume=True)
    assert caught.value.code == "fit/no-checkpoints"
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError):
        fit_model(RunConfig(source=str(tmp_path / "t.csv")), tmp_path / "model", resume=True)
