"""The folder of a run: ``vault/`` never leaves, ``dossier/`` goes to the committee, ``public/`` does not exist yet.

A stage is whole when its record stands in ``vault/stages``. The record is written last, holds the digest of every
file of the stage and the key of the stage before it, so that resuming can tell a whole stage from a broken one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthproof.core.errors import WorkspaceError
from synthproof.core.files import write_text
from synthproof.core.fingerprint import digest_file, digest_json
from synthproof.pipeline.lock import LOCK

_OWN = {"vault", "dossier", LOCK}


class Workspace:
    """One run's folder.

    Parameters
    ----------
    root
        The folder; made when absent.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def vault(self) -> Path:
        """What never leaves: splits, model, synthetic data until released, private record."""
        return self.root / "vault"

    @property
    def dossier(self) -> Path:
        """What the committee gets."""
        return self.root / "dossier"

    def open(self, *, resume: bool) -> None:
        """Make the folder ready: refuse a foreign one, sweep leftovers of a killed run, forget old stages.

        Raises
        ------
        WorkspaceError
            ``workspace/occupied``, ``workspace/nothing-to-resume``, ``release/kept`` or ``workspace/unwritable``.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            foreign = [p for p in self.root.iterdir() if p.name not in _OWN and not _leftover(p)]
            if foreign:
                raise WorkspaceError("workspace/occupied", where=str(self.root), n=len(foreign))
            self.restore()
            for path in [*self.root.rglob(".*.part"), *self.root.rglob(".*.old")]:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
            if resume and not any(self._records.glob("*.json")):
                raise WorkspaceError("workspace/nothing-to-resume", where=str(self.root))
            if not resume:
                self._refuse_released()
                self._set_aside()
            self._records.mkdir(parents=True, exist_ok=True)
            self.vault.chmod(0o700)
        except WorkspaceError:
            raise
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise WorkspaceError("workspace/unwritable", where=str(self.root), reason=reason) from error

    def _refuse_released(self) -> None:
        """Keep the vault of what went out: a new run would take its place, and journal and key with it."""
        if any((self.vault / "release").glob("*")):
            raise WorkspaceError("release/kept", where=str(self.root))

    def _set_aside(self) -> None:
        for path in (self.vault, self.dossier):
            if path.exists():
                path.rename(self._aside(path))

    def _aside(self, path: Path) -> Path:
        return self.root / f".{path.name}.before"

    def restore(self) -> None:
        """Bring back the earlier run's results: this run could not even read its source."""
        for path in (self.vault, self.dossier):
            before = self._aside(path)
            if before.exists():
                shutil.rmtree(path, ignore_errors=True)
                before.rename(path)

    def let_go(self) -> None:
        """Remove the earlier run's results for good: this run has read its source."""
        for path in (self.vault, self.dossier):
            shutil.rmtree(self._aside(path), ignore_errors=True)

    @property
    def _records(self) -> Path:
        return self.vault / "stages"

    def finish(self, stage: str, key: str, files: Sequence[Path], facts: Mapping[str, Any]) -> None:
        """Write a stage's record: from now on it is whole."""
        names = [p for top in files for p in (sorted(top.rglob("*")) if top.is_dir() else [top]) if p.is_file()]
        record = {
            "stage": stage,
            "key": key,
            "files": {p.relative_to(self.root).as_posix(): digest_file(p) for p in names},
            "facts": dict(facts),
        }
        write_text(self._records / f"{stage}.json", json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True))

    def whole(self, stage: str, key: str) -> dict[str, Any] | None:
        """Return the facts of a whole stage with this key, or ``None`` when it must be done (again)."""
        path = self._records / f"{stage}.json"
        if not path.is_file():
            return None
        record = self._json(path, stage)
        if record.get("key") != key:
            return None
        for name, digest in record["files"].items():
            file = self.root / name
            if not file.is_file() or digest_file(file) != digest:
                raise WorkspaceError("workspace/damaged", where=str(self.root), stage=stage, name=name)
        facts: dict[str, Any] = record["facts"]
        return facts

    def has(self, stage: str) -> bool:
        """Return whether an earlier run finished this stage, with whatever settings."""
        return (self._records / f"{stage}.json").is_file()

    @property
    def seed(self) -> int | None:
        """Seed of the run that the folder belongs to, or ``None``."""
        path = self.vault / "seed.json"
        return int(self._json(path, "read", int)["seed"]) if path.is_file() else None

    def _json(self, path: Path, stage: str, kind: type[int] | type[str] = str) -> dict[str, Any]:
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            kind(record["seed" if kind is int else "key"])
        except (ValueError, TypeError, KeyError) as error:
            name = path.relative_to(self.root).as_posix()
            raise WorkspaceError("workspace/damaged", where=str(self.root), stage=stage, name=name) from error
        return record

    def forget_after(self, stages: Sequence[str]) -> None:
        """Remove the records of stages that must be done again."""
        for stage in stages:
            (self._records / f"{stage}.json").unlink(missing_ok=True)


def stage_key(stage: str, settings: Any, before: str) -> str:
    """Return the key of a stage: it changes when the stage's settings or anything before it changes."""
    return digest_json({"stage": stage, "settings": settings, "before": before})


def _leftover(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith((".part", ".old", ".before"))
