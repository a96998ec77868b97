"""The seal: one digest over every file of a dossier and over the synthetic data it speaks of. Checked offline."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthproof.core.errors import StateError
from synthproof.core.fingerprint import digest_files, digest_json

FORMAT = 1
SEAL = "seal.json"


def write_seal(folder: Path, *, synthetic: Mapping[str, Any], created: str, parent: str = "") -> str:
    """Write ``seal.json`` over every file below `folder` and return the dossier's digest.

    Parameters
    ----------
    folder
        The dossier. Every file except the seal itself is counted.
    synthetic
        What names the synthetic data: ``{"fingerprint", "rows", "units", "columns"}``.
    created
        Date and time of the proof; the seal has no clock of its own, so that the same dossier has the same seal.
    parent
        Digest of the dossier that this one was made from (judged anew), or an empty string.

    Returns
    -------
    str
        ``sha256:…`` over the seal's content; it names the dossier.
    """
    body = {
        "format": FORMAT,
        "created": created,
        "files": digest_files(folder, _names(folder)),
        "synthetic": dict(synthetic),
        "parent": parent,
    }
    name = digest_json(body)
    text = json.dumps({**body, "digest": name}, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / SEAL).write_text(text + "\n", encoding="utf-8", newline="\n")
    return name


def check_seal(folder: Path) -> dict[str, Any]:
    """Return the seal of a dossier after comparing every file with it.

    Raises
    ------
    StateError
        ``dossier/not-a-dossier`` when there is no readable seal, ``dossier/too-new`` for a later format,
        ``state/damaged`` when a file was changed, removed or added, or the seal itself was changed.
    """
    try:
        sealed: dict[str, Any] = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        version, stated, files = int(sealed["format"]), str(sealed["digest"]), dict(sealed["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StateError("dossier/not-a-dossier", where=str(folder), reason=type(error).__name__) from error
    if version > FORMAT:
        raise StateError("dossier/too-new", where=str(folder), found=version, known=FORMAT)
    body = {k: v for k, v in sealed.items() if k != "digest"}
    if not hmac.compare_digest(digest_json(body), stated):
        raise StateError("state/damaged", where=str(folder), name=SEAL)
    present = _names(folder)
    if changed := sorted(set(present) ^ set(files)):
        raise StateError("state/damaged", where=str(folder), name=", ".join(changed))
    found = digest_files(folder, present)
    if changed := [name for name in present if found[name] != files[name]]:
        raise StateError("state/damaged", where=str(folder), name=", ".join(changed))
    return sealed


def _names(folder: Path) -> list[str]:
    paths = (p for p in folder.rglob("*") if p.is_file())
    return sorted(name for p in paths if (name := p.relative_to(folder).as_posix()) != SEAL)
