"""Two processes that learn one network through accelerate agree to the bit, and with one process up to rounding."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="synthproof[images] is not installed")
pytest.importorskip("accelerate", reason="synthproof[images] is not installed")

LEARN = """
from synthproof.synthesizers.image.flow import Flow
from synthproof.testing.shapes import shapes
model = Flow(images=640, width=16, levels=2, random_state=3, watch="warn").fit(shapes(200, 2))
size = sum(float(abs(a.astype("float64")).sum()) for a in model._arrays.values())
print(model.digest_, model.learned_["steps"], repr(size))
"""


def test_two_processes_learn_what_one_learns() -> None:
    alone = subprocess.run([sys.executable, "-c", LEARN], capture_output=True, text=True, check=True).stdout.split()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    started = []
    for rank in ("0", "1"):
        told = {"WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": rank, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", LEARN],
                env={**os.environ, **told},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )  # fmt: skip
        )
    both = [p.communicate(timeout=240) for p in started]
    assert [p.returncode for p in started] == [0, 0], [b[1][-800:] for b in both]
    one, two = (b[0].split()[-3:] for b in both)
    assert one == two
    assert one[1] == alone[-2]
    assert float(one[2]) == pytest.approx(float(alone[-1]), rel=1e-6)
