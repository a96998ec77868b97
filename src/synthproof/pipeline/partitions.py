"""Drawing many rows straight to a folder of Parquet parts, in bounded memory, whole parts only, going on where it stopped.

Row i is the same whatever the parts' size, the batches' size and the number of workers, because every generator draws
rows by their number (``sample(n, first=k)``). A part is written beside its place and moved there when it is whole;
``_draw.json`` says which draw the folder holds, so that the same command goes on and another one is refused.
"""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from synthproof.core.amounts import show_bytes
from synthproof.core.contracts import Conditions
from synthproof.core.cost import Size, cost, known
from synthproof.core.errors import ConfigError, UsageError
from synthproof.core.files import refuse_foreign, whole_file, write_text
from synthproof.core.models import registered_name
from synthproof.core.random import BLOCK
from synthproof.core.run import Run, quiet
from synthproof.data.table.dataset import Table
from synthproof.data.table.native_arrow import arrow_type, to_arrow
from synthproof.engines.threads import one_blas_thread
from synthproof.pipeline.model import shares_for

RECORD = "_draw.json"
ROWS_PER_FILE = 1_000_000
_BATCH = 64 * BLOCK  # several chunks of blocks, so that workers have something to share
_GROUP = 16 * BLOCK


@one_blas_thread()
def sample_to(
    model: Any,
    n: int,
    folder: str | Path,
    *,
    rows_per_file: int = ROWS_PER_FILE,
    where: Conditions | None = None,
    balance: Mapping[str, Mapping[object, float]] | None = None,
    seed: int | None = None,
    memory: int | None = None,
    run: Run | None = None,
) -> tuple[Path, ...]:
    """Draw n rows into ``folder/part-00000.parquet`` and so on.

    Parameters
    ----------
    model
        A fitted synthesizer, or a `Model`.
    rows_per_file
        Rows of each part; the last may have fewer.
    where, balance
        As `Model.sample` takes them.
    memory
        Bytes that drawing may hold; batches are made as small as that needs.

    Returns
    -------
    tuple of Path
        The parts in order, those of an earlier, interrupted call included.

    Raises
    ------
    UsageError
        ``sample/bad-n``, ``sample/not-in-parts``, ``sample/another-draw``, ``synthesizer/cannot``.
    ConfigError
        ``budget/memory`` when even one block of rows needs more.
    WorkspaceError
        ``workspace/occupied`` when something else stands in the folder, ``workspace/unwritable``.

    Notes
    -----
    Memory: one batch, 262,144 rows at most. Progress comes as ``sample/parts`` events with ``rows_per_s`` and
    ``left_s``.
    """
    run, target = quiet(run), Path(folder)
    if isinstance(n, bool) or n < 1 or rows_per_file < 1:
        raise UsageError("sample/bad-n", n=min(n, rows_per_file))
    core = getattr(model, "core", model)
    core = getattr(core, "model_", core)  # `auto` hands on
    if "first" not in inspect.signature(core.sample).parameters:
        raise UsageError("sample/not-in-parts", where=str(target), name=type(core).__name__)
    asked = {"where": where, "seed": seed, **shares_for(core, balance)}
    batch = batch_rows(core, n, memory)
    parts = [target / f"part-{k:05d}.parquet" for k in range(-(-n // rows_per_file))]
    _claim(target, _record(core, n, rows_per_file, asked), [p.name for p in parts])
    clock = _Clock(run, n)
    for k, path in enumerate(parts):
        first = k * rows_per_file
        rows = min(rows_per_file, n - first)
        if path.is_file():
            clock.skip(rows)
            continue
        with whole_file(path) as part:
            _write(part, core, _spans(first, rows, batch), asked, clock)
    clock.done()
    return tuple(parts)


def batch_rows(core: Any, n: int, memory: int | None) -> int:
    """Return how many rows are drawn at a time within some memory: a multiple of a block's.

    Raises
    ------
    ConfigError
        ``budget/memory``.
    """
    name = registered_name(type(core))
    if memory is None or not known(f"{name}/draw"):
        return _BATCH
    for rows in (_BATCH >> k for k in range(7)):
        needed = cost(f"{name}/draw", Size.of(core.schema_, min(rows, n)), pace=1.0).bytes
        if needed <= memory:
            return rows
    raise ConfigError("budget/memory", allowed=show_bytes(memory), needed=show_bytes(needed), work=f"{name}: sample")


def _spans(first: int, rows: int, batch: int) -> Iterator[tuple[int, int]]:
    """Yield (first row, rows), every span but the outer ones along whole batches, so that no block is drawn twice."""
    at, end = first, first + rows
    while at < end:
        stop = min(end, (at // batch + 1) * batch)
        yield at, stop - at
        at = stop


def _write(part: Path, core: Any, spans: Iterator[tuple[int, int]], asked: Mapping[str, Any], clock: _Clock) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    fields = core.schema_.fields
    schema = pa.schema([(f.name, arrow_type(f)) for f in fields])
    with parquet.ParquetWriter(part, schema, compression="zstd") as writer:
        for first, rows in spans:
            drawn: Table = core.sample(rows, first=first, run=clock.run, **asked)
            writer.write_table(to_arrow(drawn).cast(schema), row_group_size=_GROUP)
            clock.tell(rows)


def _record(core: Any, n: int, rows_per_file: int, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells one draw from another: the first rows tell model, seed, conditions and shares, as a digest."""
    head: Table = core.sample(min(n, 64), **asked)
    first = head.fingerprint()
    return {"first_rows": first, "n": int(n), "rows_per_file": int(rows_per_file), "seed": asked["seed"]}


def _claim(target: Path, record: dict[str, Any], own: list[str]) -> None:
    """Make the folder this draw's own, or refuse it."""
    path = target / RECORD
    if path.is_file():
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = {}
        changed = [k for k in record if found.get(k) != record[k]]
        if changed:
            n = sum(p.suffix == ".parquet" for p in target.iterdir())
            raise UsageError("sample/another-draw", where=str(target), n=n, changed=", ".join(changed))
    refuse_foreign(target, [RECORD, *own, *_left_behind(target, own)])
    for stale in _left_behind(target, own):
        (target / stale).unlink(missing_ok=True)
    write_text(path, json.dumps(record, indent=1))


def _left_behind(target: Path, own: list[str]) -> list[str]:
    """Return the unfinished parts of a call that was killed."""
    if not target.is_dir():
        return []
    return [
        p.name
        for p in target.iterdir()
        if p.name.startswith(".part-") and p.name[1:].split(".parquet.")[0] + ".parquet" in own
    ]


class _Clock:
    """Counts rows and says how fast they come."""

    def __init__(self, run: Run, n: int) -> None:
        self.run = run
        self.n = n
        self.rows = 0
        self.own = 0
        self.started = time.perf_counter()

    def skip(self, rows: int) -> None:
        self.rows += rows

    def tell(self, rows: int) -> None:
        self.rows += rows
        self.own += rows
        pace = self.own / max(1e-9, time.perf_counter() - self.started)
        left = (self.n - self.rows) / pace
        self.run.tick("sample/parts", self.rows, self.n, rows_per_s=round(pace), left_s=round(left, 1))

    def done(self) -> None:
        self.run.tick("sample/parts", self.n, self.n)


__all__ = ["RECORD", "ROWS_PER_FILE", "batch_rows", "sample_to"]
