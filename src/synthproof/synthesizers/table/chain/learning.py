"""Learning a chain: columns into digits, their order, and the networks, stopped by held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from synthproof.core.random import derive
from synthproof.core.run import Run
from synthproof.core.schema import Field
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import numbers_or_codes
from synthproof.engines.nets.network import CodeArray, Network, Positions
from synthproof.engines.nets.training import Course, Schedule, given_at_random, train
from synthproof.synthesizers.table.chain.digits import Digits, digits_of
from synthproof.synthesizers.table.chain.model import Chain
from synthproof.synthesizers.table.chain.value_order import order_of
from synthproof.synthesizers.table.columns.grid import Shape, shape_of
from synthproof.synthesizers.table.columns.layout import Layout, persons_of
from synthproof.synthesizers.table.columns.model import column_model

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_ROWS_PER_BIN = 25
_VISITS_PER_ROW = 16
_FULL_VISITS = 50_000  # rows up to which each is looked at 16 times; beyond, visits grow with the root of the rows
_INFORMED_VISITS = 100_000  # rows looked at by the informed chain: pairs of codes have told it most already,
_INFORMED_PER_ROW = 4  # more in large tables,
_INFORMED_EACH = 100  # but no row more often than this
_PAIRED = 50_000  # rows from which pairs of codes are counted
_MOST_WORK = 1e13  # multiplications and additions that learning one network may take
_WIDTH = 8  # hidden units per position at least
_LEAST_HIDDEN, _MOST_HIDDEN = 256, 640


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may set of a chain's learning; see `Autoregressive` for the meaning."""

    networks: int
    hidden: int | None
    layers: int
    epochs: float | None
    bins: int
    drop: float
    decay: float
    min_shared: int
    seconds: float | None
    learner: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The learned table as a chain sees it.

    Parameters
    ----------
    columns
        Digits of each column, in drawing order.
    values
        Each column as numbers or codes of levels, NaN missing, shape (n,).
    shapes
        What is known of each numeric column's values.
    fields
        The fields.
    """

    columns: tuple[Digits, ...]
    values: Mapping[str, FloatArray]
    shapes: Mapping[str, Shape]
    fields: Mapping[str, Field]


def columns_of(data: Table, layout: Layout, settings: Settings) -> Seen:
    """Return the columns as digits, in drawing order (`value_order`)."""
    persons = persons_of(data)
    bins = max(8, min(settings.bins, data.n_rows // _ROWS_PER_BIN))
    made: dict[str, Digits] = {}
    values: dict[str, FloatArray] = {}
    shapes: dict[str, Shape] = {}
    for f in layout.modelled:
        raw = numbers_or_codes(data.frame[f.name], f)
        model = column_model(data.frame[f.name], f, min_shared=settings.min_shared, persons=persons)
        made[f.name] = digits_of(f, model, bins=bins)
        values[f.name] = _learnable(raw, made[f.name])
        if f.numeric:
            shapes[f.name] = shape_of(raw, f, min_shared=settings.min_shared, persons=persons)
    fields = {f.name: f for f in layout.modelled}
    sizes = {name: len(np.unique(v[~np.isnan(v)])) for name, v in values.items()}
    columns = tuple(made[name] for name in order_of(values, fields, sizes))
    return Seen(columns, values, shapes, fields)


def _learnable(values: FloatArray, digits: Digits) -> FloatArray:
    """A number that only one person has, where there is no other, is drawn as missing: it is learned so, too."""
    return np.where(digits.encode(values)[:, 0] < 0, np.nan, values)


def positions_of(columns: Sequence[Digits]) -> tuple[Positions, npt.NDArray[np.int64]]:
    """Return the positions of a chain, and the column of each."""
    sizes: list[int] = []
    parent: list[int] = []
    owner: list[int] = []
    for k, column in enumerate(columns):
        for step, size in enumerate(column.sizes):
            parent.append(len(sizes) - 1 if step else -1)
            sizes.append(size)
            owner.append(k)
    return Positions(np.array(sizes, dtype=np.int64), np.array(parent, dtype=np.int64)), np.array(owner, dtype=np.int64)


def schedule_of(rows: int, settings: Settings, positions: Positions, hidden: int) -> Schedule:
    """Return how long to learn: 16 looks at each of up to 50,000 rows, and more slowly more beyond.

    A wide table's network is large: its looks are limited to what a network may cost, two minutes on two cores or so.
    """
    if settings.epochs is not None:
        visits = int(settings.epochs * rows)
    else:
        visits = int(_VISITS_PER_ROW * (rows if rows <= _FULL_VISITS else np.sqrt(rows * _FULL_VISITS)))
        work = 6.0 * hidden * (hidden * (settings.layers - 1) + int(positions.sizes.sum()) + positions.count)
        visits = min(visits, max(_FULL_VISITS, int(_MOST_WORK / work)))
    # Small tables get small batches: learning needs some hundred steps, whatever the number of rows.
    batch = int(np.clip(2 ** np.floor(np.log2(max(1, visits / 600))), 32, 512))
    return Schedule(visits=visits, batch=batch, drop=settings.drop, decay=settings.decay, seconds=settings.seconds)


def hidden_of(positions: Positions, settings: Settings) -> int:
    """Return the number of hidden units: as set, or enough that each position of a chain has some of its own."""
    if settings.hidden is not None:
        return settings.hidden
    wanted = int(np.clip(_WIDTH * positions.count, _LEAST_HIDDEN, _MOST_HIDDEN))
    return -(-wanted // 64) * 64


def learn_chain(
    seen_table: Seen,
    codes: CodeArray,
    learned: IntArray,
    held: IntArray,
    settings: Settings,
    *,
    seed: int,
    run: Run,
) -> tuple[Chain, tuple[Course, ...]]:
    """Return the chain learned from codes (n, positions), and how the learning of each network went.

    Parameters
    ----------
    learned, held
        Rows to learn from, and rows that decide when to stop.
    """
    columns = seen_table.columns
    positions, owner = positions_of(columns)
    hidden = hidden_of(positions, settings)
    share = settings.networks + 1
    schedule = schedule_of(len(learned), settings, positions, hidden)
    if schedule.seconds is not None:
        schedule = replace(schedule, seconds=schedule.seconds / share)
    fit = _trainer(run)
    nets: list[Network] = []
    courses: list[Course] = []
    seen, stop_by = codes[learned], codes[held]
    for k in range(settings.networks):
        own = derive(seed, f"chain/{k}")
        net = Network(positions, hidden=hidden, layers=settings.layers, seed=own)
        net.start_from(seen)
        courses.append(fit(net, seen, stop_by, schedule, seed=own, run=run, task="autoregressive: chain"))
        nets.append(net)
    own = derive(seed, "chain/informed")
    informed = Network(positions, hidden=hidden, layers=settings.layers, seed=own, informed=True)
    informed.take_from(nets[0])  # it knows all but how to heed what is given
    informed.heed_pairs(seen[:_PAIRED])
    tell = given_at_random(owner)
    shorter = schedule
    if settings.epochs is None:
        some = max(_INFORMED_PER_ROW * schedule.visits // _VISITS_PER_ROW, _INFORMED_VISITS)
        shorter = replace(schedule, visits=min(some, _INFORMED_EACH * len(learned)))
    courses.append(
        fit(informed, seen, stop_by, shorter, seed=own, run=run, task="autoregressive: any order", tell=tell)
    )
    return Chain(columns, tuple(nets), informed), tuple(courses)


def _trainer(run: Run) -> Callable[..., Course]:
    """Return what trains networks on the run's device: the same learning, by numpy or, on a GPU, by torch."""
    if run.device != "cuda":
        return train
    from synthproof.engines.torch_nets.chain_backend import train as on_gpu

    return on_gpu


def encode_rows(chain_columns: Sequence[Digits], data: Table, fields: Mapping[str, Field]) -> CodeArray:
    """Return the codes of a table's rows, shape (n, positions)."""
    parts = []
    for column in chain_columns:
        values = numbers_or_codes(data.frame[column.name], fields[column.name])
        parts.append(column.encode(_learnable(values, column)))
    return np.concatenate(parts, axis=1)
