"""Two processes that learn one network through accelerate agree to the bit, and with one process up to rounding."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from synthproof.core.errors import UsageError
from synthproof.core.models import load_model
from synthproof.engines.torch_nets.load import device_for, need_torch
from synthproof.pipeline.config import RunConfig
from synthproof.pipeline.parts import fit_model
from synthproof.testing.shapes import shapes

pytest.importorskip("torch", reason="synthproof[images] is not installed")
pytest.importorskip("accelerate", reason="synthproof[images] is not installed")

LEARN = """
from synthproof.synthesizers.image.flow import Flow
from synthproof.testing.shapes import shapes
model = Flow(images=640, width=16, levels=2, random_state=3, watch="warn").fit(shapes(200, 2))
size = sum(float(abs(a.astype("float64")).sum()) for a in model._arrays.values())
print(model.digest_, model.learned_["steps"], repr(size))
"""


def together(command: list[str]) -> list[tuple[int, str, str]]:
    """Run a command in two processes that know of each other; return code, output and errors of each."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    started = []
    for rank in ("0", "1"):
        told = {"WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": rank, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        env = {**os.environ, **told}
        started.append(subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    ended = [p.communicate(timeout=240) for p in started]
    return [(p.returncode, out, said) for p, (out, said) in zip(started, ended, strict=True)]


def test_two_processes_learn_what_one_learns() -> None:
    alone = subprocess.run([sys.executable, "-c", LEARN], capture_output=True, text=True, check=True).stdout.split()
    both = together([sys.executable, "-c", LEARN])
    assert [code for code, _, _ in both] == [0, 0], [said[-800:] for _, _, said in both]
    one, two = (out.split()[-3:] for _, out, _ in both)
    assert one == two
    assert one[1] == alone[-2]
    assert float(one[2]) == pytest.approx(float(alone[-1]), rel=1e-6)


FIT = """
import sys
from synthproof.pipeline.config import RunConfig
from synthproof.pipeline.parts import fit_model
from synthproof.pipeline.stage_config import FitConfig, ProtectConfig
given = {"images": 640, "width": 16, "levels": 2, "watch": "warn", "min_class": 5}
asked = RunConfig(
    source=sys.argv[1], seed=int(sys.argv[3]) if sys.argv[3] else None, protect=ProtectConfig(steps=("none",)),
    fit=FitConfig(parameters=given),
)
print(fit_model(asked, __import__("pathlib").Path(sys.argv[2])).core.digest_)
"""


def test_two_processes_fit_one_model_into_one_folder(tmp_path: Path) -> None:
    data = shapes(120, 2)
    codes, names = data.classes()
    np.savez(tmp_path / "shapes.npz", x=data.pixels()[..., 0], y=codes, classes=np.array(names))
    script = [sys.executable, "-c", FIT, str(tmp_path / "shapes.npz"), str(tmp_path / "model")]
    both = together([*script, "3"])
    assert [code for code, _, _ in both] == [0, 0], [said[-800:] for _, _, said in both]
    told = [out.split()[-1] for _, out, _ in both]
    assert told[0] == told[1] == load_model(tmp_path / "model").digest_
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model", "shapes.npz"]


def test_several_processes_need_one_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 8, 8), np.uint8), y=np.array([0, 1, 0, 1]))
    with pytest.raises(UsageError) as caught:
        fit_model(RunConfig(source=str(tmp_path / "a.npz")), tmp_path / "model")
    assert caught.value.code == "fit/peers-need-seed"


def test_each_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = need_torch()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert str(device_for("cuda")) == "cuda"
    monkeypatch.setenv("WORLD_SIZE", "3")
    for rank, device in (("0", "cuda:0"), ("1", "cuda:1"), ("2", "cuda:0")):
        monkeypatch.setenv("LOCAL_RANK", rank)
        assert str(device_for("cuda")) == device
    assert str(device_for("cpu")) == "cpu"
