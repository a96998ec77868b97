"""Backup and restore: the whole server in one file, database and dossiers, whichever database it runs on."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Table, insert, inspect, select, text

from synthproof.core.errors import DataError, SynthproofError, WorkspaceError
from synthproof.core.files import whole_file
from synthproof.web.forms import FORMS
from synthproof.web.intake import BAD_ZIP, MOST_RATIO
from synthproof.web.models import Base
from synthproof.web.store import Store, aware, versions

FORMAT = 1
_FOLDERS = ("dossiers", "panels", FORMS)
_BATCH = 500
_NOT_KEPT = {"session"}  # who was logged in is nobody's business later


def back_up(store: Store, target: Path) -> Path:
    """Write everything into one zip, while the server may go on; passwords are in it as argon2 hashes alone.

    The database is read in one transaction, so what is written fits together. A dossier that comes in meanwhile is
    in neither.
    """
    with whole_file(target) as part:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as packed:
            with store.engine.connect() as connection:
                connection.exec_driver_sql(
                    "BEGIN" if store.sqlite else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
                )
                version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
                packed.writestr("backup.json", json.dumps({"format": FORMAT, "version": version}))
                for table in Base.metadata.sorted_tables:
                    if table.name in _NOT_KEPT:
                        continue
                    rows = connection.execute(select(table)).mappings()
                    with packed.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as out:
                        for row in rows:
                            out.write((json.dumps(_plain(dict(row)), ensure_ascii=False) + "\n").encode())
                connection.rollback()
            for name in _FOLDERS:
                for path in _files(store.data / name):
                    packed.write(path, path.relative_to(store.data).as_posix())
        os.chmod(part, 0o600)
    return target


def restore(source: Path, data: Path, url: str = "") -> Store:
    """Return a server made from a backup, in an empty place.

    Raises
    ------
    WorkspaceError
        ``workspace/occupied`` when the folder or database holds something already; ``web/database-newer`` for a backup
        that a later version made.
    DataError
        ``web/bad-package`` for anything but a backup of this or an earlier version.
    StateError
        ``journal/broken`` when a journal in it is not whole.
    """
    if data.exists() and any(data.iterdir()):
        raise WorkspaceError("workspace/occupied", where=str(data), n=sum(1 for _ in data.iterdir()))
    store, whole = Store(data, url), False
    try:
        with zipfile.ZipFile(source) as packed:
            told = json.loads(packed.read("backup.json"))
            if told["format"] != FORMAT:
                raise DataError("web/bad-package", where=str(source), reason=f"format {told['format']}")
            if str(told["version"]) not in versions():
                raise WorkspaceError("web/database-newer", where=str(source))
            with store.write() as work:
                if work.execute(text("SELECT count(*) FROM person")).scalar_one():
                    raise WorkspaceError("workspace/occupied", where=store.engine.dialect.name, n=1)
                work.execute(Base.metadata.tables["journal_head"].delete())
                for table in Base.metadata.sorted_tables:
                    if table.name not in _NOT_KEPT:
                        for batch in _batches(packed, table):
                            work.execute(insert(table), batch)
            _unpack(packed, data)
        whole = True
    except (*BAD_ZIP, KeyError, TypeError) as error:
        if isinstance(error, SynthproofError):
            raise
        raise DataError("web/bad-package", where=str(source), reason=type(error).__name__) from error
    finally:
        if not whole:
            store.close()
            for left in data.iterdir():  # the folder was empty: what stands there now is half of a server
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    with store.read() as work:
        for chain in work.execute(select(Base.metadata.tables["journal_head"].c.chain)).scalars():
            store.journal(work, chain)
    return store


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")) if folder.exists() else ():
        if path.is_file() and not any(p.name.endswith(".part") for p in path.parents):
            yield path


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: aware(v).isoformat() if isinstance(v, datetime) else _text(v) for k, v in row.items()}


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _batches(packed: zipfile.ZipFile, table: Table) -> Iterator[list[dict[str, Any]]]:
    times = {c.name for c in table.columns if isinstance(c.type, DateTime)}
    batch: list[dict[str, Any]] = []
    with packed.open(f"tables/{table.name}.jsonl") as lines:
        for line in lines:
            row = json.loads(line)
            batch.append({k: datetime.fromisoformat(v) if k in times and v else v for k, v in row.items()})
            if len(batch) == _BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _unpack(packed: zipfile.ZipFile, data: Path) -> None:
    for info in packed.infolist():
        parts = Path(info.filename).parts
        if parts[0] not in _FOLDERS or info.is_dir():
            continue
        if ".." in parts or len(parts) < 2 or info.file_size > MOST_RATIO * max(1 << 20, info.compress_size):
            raise DataError("web/bad-package", reason="name or size")
        place = data.joinpath(*parts)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with packed.open(info) as inside, place.open("wb") as out:
            while chunk := inside.read(1 << 20):
                out.write(chunk)
        place.chmod(0o400)


def columns_of(store: Store) -> dict[str, list[str]]:
    """Return tables and columns as the database has them, to compare with the models."""
    look = inspect(store.engine)
    return {t: sorted(c["name"] for c in look.get_columns(t)) for t in sorted(look.get_table_names())}
