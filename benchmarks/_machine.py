"""What every kept result says of itself: machine, versions, seeds, and how busy the machine was."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def environment() -> dict[str, Any]:
    from synthproof.pipeline.environment import environment as libraries

    found = libraries()
    found["processor"] = _processor()
    found["memory_gib"] = _memory()
    found["load_at_start"] = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    found["date"] = datetime.now(UTC).date().isoformat()
    return found


def keep(name: str, result: dict[str, Any]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def data_dir() -> Path:
    for place in (os.environ.get("SYNTHPROOF_DATA"), Path(__file__).resolve().parents[2] / "shared" / "data"):
        if place and (Path(place) / "README.md").is_file():
            return Path(place)
    raise SystemExit("set SYNTHPROOF_DATA to the folder of the real data sets")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return None
