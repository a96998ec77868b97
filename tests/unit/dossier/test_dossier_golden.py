"""The shape of a dossier: a changed key, section, form or field shows in the diff of one file.

``SYNTHPROOF_GOLDEN=write`` writes the file anew after a wanted change.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "dossier_structure.json"


def keys(value: Any, depth: int) -> Any:
    if isinstance(value, dict) and depth:
        return {k: keys(v, depth - 1) for k, v in sorted(value.items())}
    return type(value).__name__


def structure(folder: Path) -> dict[str, Any]:
    record = json.loads((folder / "dossier.json").read_text(encoding="utf-8"))
    papers = json.loads((folder / "forms" / "forms.json").read_text(encoding="utf-8"))
    page = (folder / "report.html").read_text(encoding="utf-8")
    return {
        "files": sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()),
        "dossier.json": keys({k: v for k, v in record.items() if k not in {"settings", "environment", "seconds"}}, 2),
        "seal.json": sorted(json.loads((folder / "seal.json").read_text(encoding="utf-8"))),
        "sections": re.findall(r'<h2 id="([a-z-]+)"', page),
        "headings": re.findall(r'<h2 id="[a-z-]+"><span lang="ko">([^<]+)</span>', page),
        "forms": {
            form["id"]: {
                "title": form["title"]["ko"],
                "sections": {
                    s["title"]["ko"]: [line["label"]["ko"] for line in s.get("fields", ())]
                    + [head["ko"] for head in s.get("head", ())]
                    for s in form["sections"]
                },
            }
            for form in papers
        },
        "croissant.json": sorted(json.loads((folder / "cards" / "croissant.json").read_text(encoding="utf-8"))),
    }


def test_the_dossier_keeps_its_shape(written: Path) -> None:
    found = structure(written)
    if os.environ.get("SYNTHPROOF_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))
