"""How the safety benchmarks run a tool: its own environment, one process, one thread, one line of JSON back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tables")]
from environments import python_of  # noqa: E402
from sets import cache_dir  # noqa: E402

from _machine import RESULTS, environment  # noqa: E402

KEPT = RESULTS / "safety"
CAP_S = 600


@dataclass(frozen=True, slots=True)
class Tool:
    """A peer: where it runs, and its adapter."""

    name: str
    environment: str
    adapter: str


ANONYMETER = Tool("anonymeter", "anonymeter", "for_anonymeter.py")
SDMETRICS = Tool("sdmetrics", "sdv", "for_sdmetrics.py")


def ask(tool: Tool, folder: Path, options: dict[str, Any], cap_s: float = CAP_S) -> dict[str, Any]:
    """Return what a tool's adapter says of the tables in a folder, or ``{"status": "cap" | "failed"}``."""
    command = [str(python_of(tool.environment)), str(HERE / "adapters" / tool.adapter), "--folder", str(folder)]
    command += ["--options", json.dumps(options)]
    names = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {f"{n}_NUM_THREADS": "1" for n in names}
    env |= {"POLARS_MAX_THREADS": "1", "PYTHONWARNINGS": "ignore", "TQDM_DISABLE": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=cap_s, check=False)
    except subprocess.TimeoutExpired:
        return {"status": "cap", "cap_s": cap_s}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        last = [line for line in done.stderr.strip().splitlines() if line][-1:]
        return {"status": "failed", "error": (last or ["?"])[0][:200]}
    return {"status": "done", **json.loads(lines[-1])}


def folder_of(name: str) -> Path:
    """Return a folder outside the repository for tables that are handed to a tool."""
    place = cache_dir().parent / "safety" / name
    place.mkdir(parents=True, exist_ok=True)
    return place


def ours(metric: str, folder: Path, params: dict[str, Any]) -> dict[str, Any]:
    """Return CPU and wall seconds of one of our metrics on the tables of a folder: cold, then warm, on one thread."""
    code = f"from ours_timed import main; main({metric!r}, {str(folder)!r}, {params!r})"
    env = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=HERE, check=False)
    if done.returncode:
        return {"status": "failed", "error": done.stderr.strip().splitlines()[-1][:200]}
    return {"status": "done", **json.loads(done.stdout.strip().splitlines()[-1])}


def keep(name: str, result: dict[str, Any]) -> Path:
    """Keep one result with the machine it came from."""
    path = KEPT / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "environment": environment(),
        "load": round(os.getloadavg()[0], 1),
        "time": time.strftime("%H:%M"),
        **result,
    }
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def kept(name: str) -> dict[str, Any] | None:
    """Return a kept result."""
    path = KEPT / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


__all__ = ["ANONYMETER", "CAP_S", "SDMETRICS", "Tool", "ask", "folder_of", "keep", "kept", "ours"]
