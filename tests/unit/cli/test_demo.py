"""`make demo`'s job: whole, quick, and without torch."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

_CODE = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] == 'torch':
            raise ImportError('torch is blocked')

sys.meta_path.insert(0, NoTorch())
sys.argv = ['synthproof', 'demo', '-o', 'demo']
from synthproof.cli.main import main
main()
"""


def test_demo_needs_no_torch_and_is_quick(tmp_path: Path) -> None:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _CODE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LANG": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 120
    for family in ("integrity", "fidelity", "utility", "safety"):
        assert family in done.stdout
    assert "report.html" in done.stdout
    assert (tmp_path / "demo/dossier/report.html").is_file()
    assert (tmp_path / "demo/dossier/report.pdf").read_bytes()[:5] == b"%PDF-"
