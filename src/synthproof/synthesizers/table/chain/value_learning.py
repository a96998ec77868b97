"""Learning a column of the chain: its relations, its cells, and the trees for every question (see `value_stage`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from synthproof.core.random import derive, stream
from synthproof.core.schema import Field
from synthproof.core.stats import ranks
from synthproof.synthesizers.table.chain.relations import find_relations, heavy_values, holds, tolerance
from synthproof.synthesizers.table.chain.smooth import learn_smooth
from synthproof.synthesizers.table.chain.value_boosting import Boosted, Settings, binned, cut_features, edges_of
from synthproof.synthesizers.table.chain.value_cells import Cells
from synthproof.synthesizers.table.chain.value_stage import Event, Feature, ValueStage, eligible, event_features
from synthproof.synthesizers.table.columns.grid import Shape

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

_MANY_VALUES = 30  # a number with fewer different values is no reference
_MANY_FOR_RELATIONS = 100
_HELD = 0.12
_KIN_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class StageSettings:
    """How a column is learned.

    Parameters
    ----------
    trees
        Boosting at the nodes of the walk.
    events
        Boosting of whether a value is missing or a relation holds.
    cells
        About how many cells hold the values that are not shared.
    min_shared
        Rows that a part of a cell holds at least.
    references
        Most earlier numbers whose distance from a split is a feature.
    most_rows, most_pairs
        Rows learned from, and rows times turns of the walk.
    """

    trees: Settings = field(default_factory=Settings)
    events: Settings = field(
        default_factory=lambda: Settings(rounds=80, leaves=8, rate=0.15, min_leaf=40, features=0.7)
    )
    cells: int = 256
    min_shared: int = 10
    references: int = 16
    most_rows: int = 100_000
    most_pairs: int = 600_000


def learn_stage(
    name: str,
    values: FloatArray,
    shape: Shape | None,
    rows: Mapping[str, FloatArray],
    fields: Mapping[str, Field],
    *,
    seed: int,
    settings: StageSettings | None = None,
) -> ValueStage:
    """Return a fitted column; the result depends on nothing but the arguments.

    Parameters
    ----------
    values
        The column, shape (n,): numbers or codes of levels, NaN missing.
    shape
        What is known of a number's values; ``None`` for levels.
    rows
        Earlier columns, each of shape (n,), numbers or codes of levels.
    fields
        Fields of the earlier columns.

    Notes
    -----
    Cost O(min(n, most_rows) · log2(cells) · (columns + references) · rounds): about 0.5 seconds a column for 15,000 rows of
    24 columns on one core.
    """
    s = settings or StageSettings()
    n = len(values)
    if n > s.most_rows:
        some = np.sort(stream(seed, f"chain/{name}/rows").choice(n, s.most_rows, replace=False))
        values, rows, n = values[some], {k: v[some] for k, v in rows.items()}, s.most_rows
    there = ~np.isnan(values)
    if not there.any() or (shape is not None and shape.empty):
        return _nothing(name)
    rng = stream(seed, f"chain/{name}/trees")
    held = rng.random(n) < _HELD
    rank = np.full(n, np.nan)
    rank[there] = ranks(values[there]) / there.sum()
    features = tuple(Feature.learn(other, rows[other], fields[other], rank) for other in rows)
    x = np.stack([f.of(rows[f.name]) for f in features], axis=1) if features else np.empty((n, 0))
    raw, edges, start = cut_features(list(x.T), len(x), s.trees.bins)
    gone = None
    if not there.all():
        gone = Boosted.learn_bins(raw, edges, start, ~there, held, s.events, rng)
        rows, raw, held, values = {k: v[there] for k, v in rows.items()}, raw[there], held[there], values[there]
    numbers = tuple(m for m in rows if fields[m].numeric and shape is not None)
    references = _kin(values, rows, numbers, s.references)
    blank = ValueStage(
        name, features, edges, start, references, gone, (), np.empty(0),
        Cells.nothing(), Boosted.constant(0.0), None if shape is None else shape.grid,
    )  # fmt: skip
    free = np.ones(len(values), dtype=np.bool_)
    if shape is None:
        cells, code = Cells.of_levels(values.astype(np.intp), int(values.max()) + 1)
    else:
        blank, free = _with_events(blank, values, shape, rows, raw, held, s, rng, seed)
        if not free.any():
            free = np.ones(len(values), dtype=np.bool_)
        cells, code = Cells.learn(values[free], shape, most=s.cells, min_rows=s.min_shared)
        if len(shape.sites) >= _MANY_FOR_RELATIONS:
            inner, own = {m: rows[m][free] for m in references}, derive(seed, f"chain/{name}/smooth")
            blank = replace(
                blank, smooth=learn_smooth(values[free], inner, references, held[free], cells.rank, seed=own)
            )
    kept = {k: v[free] for k, v in rows.items()}
    trees = _walk_trees(replace(blank, cells=cells), code, kept, raw[free], held[free], s, rng)
    return replace(blank, cells=cells, trees=trees)


def _nothing(name: str) -> ValueStage:
    """Return a column of which nothing but missing can be drawn."""
    none, never = np.empty(0), Boosted.constant(0.0)
    start = np.zeros(1, np.int32)
    return ValueStage(name, (), none, start, (), None, (), none, Cells.nothing(), never, None, all_gone=True)


def _with_events(
    blank: ValueStage,
    values: FloatArray,
    shape: Shape,
    rows: Mapping[str, FloatArray],
    raw: npt.NDArray[np.uint8],
    held: BoolArray,
    s: StageSettings,
    rng: np.random.Generator,
    seed: int,
) -> tuple[ValueStage, BoolArray]:
    """Return the stage with its relations learned, and which rows none of them explains."""
    free = np.ones(len(values), dtype=np.bool_)
    if len(shape.sites) < _MANY_FOR_RELATIONS:
        return blank, free
    heavy = heavy_values(values, shape.sites, shape.shared)
    near = tolerance(shape.grid.step, values)
    found = find_relations(
        values,
        rows,
        blank.references,
        heavy,
        near,
        step=shape.grid.step,
        seed=derive(seed, f"chain/{blank.name}/planes"),
    )
    events: list[Event] = []
    for relation in found:
        goal = relation.reference(rows)
        hit = holds(values, goal, heavy, max(near, relation.near))
        at = np.flatnonzero(free & eligible(goal, heavy, shape.grid))
        part = {k: v[at] for k, v in rows.items()}
        x = event_features(goal[at], blank.references, part, shape.grid)
        bins, edges, start = cut_features(list(x.T), len(x), s.events.bins)
        trees = Boosted.learn_bins(
            np.concatenate([raw[at], bins], axis=1),
            np.concatenate([blank.edges, edges]),
            np.concatenate([blank.start, blank.start[-1] + start[1:]]).astype(np.int32),
            hit[at],
            held[at],
            s.events,
            rng,
        )
        events.append(Event(relation, trees))
        free &= ~hit
    return replace(blank, events=tuple(events), heavy=heavy), free


def _walk_trees(
    stage: ValueStage,
    code: IntArray,
    rows: Mapping[str, FloatArray],
    raw: npt.NDArray[np.uint8],
    held: BoolArray,
    s: StageSettings,
    rng: np.random.Generator,
) -> Boosted:
    """Return the forest for all turns of the walk, learned from pairs of a row and a node on its way."""
    cells = stage.cells
    if cells.count < 2:
        return Boosted.constant(0.0)
    parts: list[tuple[IntArray, IntArray, BoolArray]] = []
    at, node = np.arange(len(code)), np.zeros(len(code), dtype=np.intp)
    while len(at):
        right = code[at] >= cells.split[node]
        parts.append((at, node, right))
        node = np.where(right, cells.right[node], cells.left[node]).astype(np.intp)
        at, node = at[node >= 0], node[node >= 0]
    row, node, right = (np.concatenate(p) for p in zip(*parts, strict=True))
    if len(row) > s.most_pairs:
        some = np.sort(rng.choice(len(row), s.most_pairs, replace=False))
        row, node, right = row[some], node[some], right[some]
    places = stage.places(rows, len(code))
    middle, lower, upper = cells.total[cells.split], cells.total[cells.begin], cells.total[cells.end]
    extra = [middle[node], (upper - lower)[node]]
    bins = np.empty((len(row), raw.shape[1] + 2 + places.shape[1]), dtype=np.uint8)
    bins[:, : raw.shape[1]] = raw[row]
    edges, start = [stage.edges], list(stage.start)
    for k in range(2 + places.shape[1]):
        x = extra[k] if k < 2 else places[row, k - 2] - middle[node]
        cut = edges_of(x, s.trees.bins)
        binned(x[:, None], cut, np.array([0, len(cut)], np.int32), bins[:, raw.shape[1] + k : raw.shape[1] + k + 1])
        edges.append(cut)
        start.append(start[-1] + len(cut))
    offset = np.log((upper - middle) / (middle - lower))[node]
    return Boosted.learn_bins(
        bins, np.concatenate(edges), np.array(start, np.int32), right, held[row], s.trees, rng, offset
    )


def _kin(values: FloatArray, rows: Mapping[str, FloatArray], names: Sequence[str], most: int) -> tuple[str, ...]:
    """Return the earlier numbers of many values that go with the column most closely, closest first."""
    few = slice(None, None, max(1, len(values) // _KIN_ROWS))
    own = ranks(values[few])
    strength: dict[str, float] = {}
    for name in names:
        x = rows[name][few]
        there = ~np.isnan(x)
        if there.sum() < _MANY_VALUES or len(np.unique(x[there])) < _MANY_VALUES:
            continue
        a, b = own[there] - own[there].mean(), ranks(x[there])
        b = b - b.mean()
        scale = np.sqrt((a**2).sum() * (b**2).sum())
        strength[name] = abs(float((a * b).sum() / scale)) if scale > 0 else 0.0
    return tuple(sorted(strength, key=lambda m: -round(strength[m], 9))[:most])
