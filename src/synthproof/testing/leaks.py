"""Planted leaks: synthetic data that give away known persons, in known numbers, for the trial of a whole verdict.

Each leak says what part of the synthetic records is leaked (`size`; 0: one or a few persons only) and what the verdict must
and must not be. Those of 4,000 rows in ten dimensions are the experiment from which the battery was designed; the others
are what tools of the field are known to do wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.contracts import Case
from synthproof.core.random import derive, stream
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import from_codes, from_numbers, levels_of, numbers_or_codes, to_numbers
from synthproof.engines.neighbours import MixedSpace, nearest
from synthproof.engines.records import encode_alike
from synthproof.testing.references import partial_copycat
from synthproof.testing.worlds import World

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
SPLITS: Mapping[str, float] = {"1:1": 1.0, "9:1": 1 / 9}
"""Units of the holdout for each unit of train."""
_NEAR = 0.02  # standard deviations by which a near copy's numbers differ from the original's
_NEIGHBOURS = 5


class Source(Protocol):
    """Where real records come from: a law, or a large real table."""

    @property
    def name(self) -> str:
        """Short name."""
        ...

    @property
    def purpose(self) -> Purpose:
        """What the table is for."""
        ...

    def parts(self, n_train: int, n_holdout: int, seed: int) -> tuple[Table, Table, Table]:
        """Return train, holdout and as many further units as train has, all of different persons."""
        ...


@dataclass(frozen=True, slots=True)
class LawSource:
    """A law as a source: every draw is of new persons."""

    world: World

    @property
    def name(self) -> str:
        """The world's name."""
        return self.world.name

    @property
    def purpose(self) -> Purpose:
        """The world's purpose."""
        return self.world.purpose

    def parts(self, n_train: int, n_holdout: int, seed: int) -> tuple[Table, Table, Table]:
        """Return three independent draws."""
        sizes = {"train": n_train, "holdout": n_holdout, "new": n_train}
        train, holdout, new = (self.world.draw(n, derive(seed, f"leaks/{k}")) for k, n in sizes.items())
        return train, holdout, new


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One planted leak.

    Parameters
    ----------
    name
        Short name.
    size
        Share of synthetic records that hand out a person; 0: a few persons whatever the number of records; ``None``: all
        records a little (no share has a meaning).
    make
        ``make(train, holdout, new, purpose, seed)`` returns the synthetic data.
    expected
        States that the whole verdict may have.
    axes
        Axes on which the leak lies; on the others nothing is asked.
    """

    name: str
    size: float | None
    make: Callable[[Table, Table, Table, Purpose, int], Table]
    expected: frozenset[str]
    axes: tuple[str, ...] = ()


def leak_case(leak: Leak, source: Source, n_train: int, split: str, seed: int) -> Case[Table]:
    """Return a case with the leak planted in it.

    Parameters
    ----------
    n_train
        Training units, and synthetic ones.
    split
        One of `SPLITS`.
    seed
        Another seed is another world.
    """
    train, holdout, new = source.parts(n_train, max(2, round(SPLITS[split] * n_train)), seed)
    made = leak.make(train, holdout, new, source.purpose, derive(seed, f"leak/{leak.name}"))
    return Case(train=train, holdout=holdout, synthetic=made, purpose=source.purpose)


def told(case: Case[Table], clean: Case[Table]) -> float:
    """Return the share of training persons whose secret is told because of the leak: the true size of a leak of K and T.

    Handing out K and T harms a person as far as somebody who knows K guesses T better than before. Persons who share
    their K hide each other, so that it may be far less than the share of rows.

    Parameters
    ----------
    clean
        The case of the same seed without the leak.

    Returns
    -------
    float
        Right guesses from the leaked data less those from the clean ones, over persons; the largest over all secrets and
        two attackers who look K up: one takes the commonest T, the other takes T only where all agree.
    """
    mine, theirs = _guessed(case), _guessed(clean)
    return max((a - b for a, b in zip(mine, theirs, strict=True)), default=0.0)


def _guessed(case: Case[Table]) -> list[float]:
    from synthproof.metrics.table.disclosure import key_ids, unanimous
    from synthproof.metrics.table.key_classes import keys, named

    k, secrets = named(case.purpose, case.train.schema)
    tables = {"synthetic": case.synthetic, "train": case.train, "holdout": case.holdout}
    out = []
    for t in secrets:
        ids = key_ids(case, tuple(name for name in k if name != t))
        values = keys({name: x for name, x in tables.items() if x is not None}, (), t).t
        n = 1 + max(int(x.max(initial=0)) for x in ids.values())
        counts = np.zeros((n, 1 + max(int(v.max(initial=0)) for v in values.values())), dtype=np.intp)
        np.add.at(counts, (ids["synthetic"], values["synthetic"]), 1)
        commonest = np.where(counts.any(axis=1), counts.argmax(axis=1), -1)
        agreed, _ = unanimous(ids["synthetic"], values["synthetic"], n)
        out += [float((guess[ids["train"]] == values["train"]).mean()) for guess in (commonest, agreed)]
    return out


def _clean(train: Table, holdout: Table, new: Table, purpose: Purpose, seed: int) -> Table:
    return new


def _copies(share: float) -> Callable[..., Table]:
    def make(train: Table, holdout: Table, new: Table, purpose: Purpose, seed: int) -> Table:
        return partial_copycat(train, new, share, seed)

    return make


def _near(share: float) -> Callable[..., Table]:
    def make(train: Table, holdout: Table, new: Table, purpose: Purpose, seed: int) -> Table:
        k = round(share * len(new))
        rows = stream(seed, "near/rows").permutation(len(train))[:k]
        moved = near_copies(train.take(rows.astype(np.intp)), train, seed)
        return _replaced(new, moved, seed)

    return make


def near_copies(rows: Table, train: Table, seed: int) -> Table:
    """Return rows with every number moved a little, so that none equals its original.

    A number moves by a normal with 2 % of its column's standard deviation, rounded as the column is; where nothing moved,
    one number of the row takes a step of its lattice. Without numbers one level of the row is another.
    """
    fields = [f for f in train.schema.modelled if f.numeric]
    rng = stream(seed, "near/noise")
    if not fields:
        return _one_level_off(rows, train.schema.modelled, rng)
    made: dict[str, FloatArray] = {}
    same = np.ones(rows.n_rows, dtype=np.bool_)
    for f in fields:
        x, sd = to_numbers(rows.frame[f.name], f), float(np.nanstd(to_numbers(train.frame[f.name], f)))
        moved = to_numbers(from_numbers(x + _NEAR * sd * rng.standard_normal(len(x)), f), f)
        made[f.name] = moved
        same &= (moved == x) | np.isnan(x)
    which = rng.integers(0, len(fields), rows.n_rows)
    for j, f in enumerate(fields):
        step = 1.0 if f.kind == "integer" else 10.0 ** -(f.decimals or 6)
        made[f.name] = np.where(same & (which == j), made[f.name] + step * rng.choice([-1.0, 1.0]), made[f.name])
    return rows.with_frame(rows.frame.assign(**{f.name: from_numbers(made[f.name], f) for f in fields}))


def _one_level_off(rows: Table, fields: Sequence[Field], rng: np.random.Generator) -> Table:
    """Return rows of which each has another level in one column."""
    which = rng.integers(0, len(fields), rows.n_rows)
    columns = {}
    for j, f in enumerate(fields):
        x = numbers_or_codes(rows.frame[f.name], f)
        n = len(levels_of(f))
        other = (np.nan_to_num(x) + rng.integers(1, max(2, n), len(x))) % n
        columns[f.name] = _levels(np.where(which == j, other, x), f)
    return rows.with_frame(rows.frame.assign(**columns))


def _smoothed(width: float) -> Callable[..., Table]:
    """Return training rows blurred by a kernel: numbers by `width` standard deviations, levels redrawn now and then."""

    def make(train: Table, holdout: Table, new: Table, purpose: Purpose, seed: int) -> Table:
        rng = stream(seed, "kde")
        rows = train.take(rng.integers(0, len(train), len(new)).astype(np.intp))
        columns = {}
        for f in train.schema.modelled:
            x = numbers_or_codes(rows.frame[f.name], f)
            if f.numeric:
                sd = float(np.nanstd(to_numbers(train.frame[f.name], f)))
                columns[f.name] = from_numbers(x + width * sd * rng.standard_normal(len(x)), f)
            else:
                other = rng.permutation(x)
                columns[f.name] = _levels(np.where(rng.random(len(x)) < width / 4, other, x), f)
        return rows.with_frame(rows.frame.assign(**columns))

    return make


def _outlier(times: int) -> Callable[..., Table]:
    """Return clean rows among which the most isolated training row stands, once or several times."""

    def make(train: Table, holdout: Table, new: Table, purpose: Purpose, seed: int) -> Table:
        distance = _nearest(train, _NEIGHBOURS + 1)[0][:, -1]
        worst = np.full(times, int(np.argmax(distance)), dtype=np.intp)
        return _replaced(new, train.take(worst), seed)

    return make


def _twice(train: Table, holdout: Table, new: Table, purpose: Purpose, seed: int) -> Table:
    """Return clean rows in which one training person, chosen at random, stands twice."""
    who = int(stream(seed, "twice").integers(0, len(train)))
    return _replaced(new, train.take(np.array([who, who], dtype=np.intp)), seed)


def _attribute(share: float) -> Callable[..., Table]:
    """Return rows of which a share has K and T of a training person, everything else of somebody new."""

    def make(train: Table, holdout: Table, new: Table, purpose: Purpose, seed: int) -> Table:
        names = [*purpose.quasi_identifiers, *purpose.sensitive]
        k = round(share * len(new))
        mine = stream(seed, "attribute/rows").permutation(len(train))[:k]
        place = stream(seed, "attribute/place").permutation(len(new))[:k]
        frame = new.frame.copy()
        for name in names:
            column = frame[name].copy()
            column.iloc[place] = train.frame[name].iloc[mine].to_numpy()
            frame[name] = column.astype(new.frame[name].dtype)
        return new.with_frame(frame)

    return make


def _between(train: Table, holdout: Table, new: Table, purpose: Purpose, seed: int) -> Table:
    """Return rows between a training row and one of its five nearest: what SMOTE makes."""
    rng = stream(seed, "between")
    mine = rng.integers(0, len(train), len(new))
    near = _nearest(train, _NEIGHBOURS + 1)[1]
    other = near[mine, rng.integers(1, near.shape[1], len(new))]
    u = rng.random(len(new))
    columns = {}
    for f in train.schema.modelled:
        x = numbers_or_codes(train.frame[f.name], f)
        a, b = x[mine], x[other]
        if f.numeric:
            columns[f.name] = from_numbers(np.where(np.isnan(b), a, a + u * (b - a)), f)
        else:
            columns[f.name] = _levels(np.where(u < 0.5, a, b), f)
    rows = train.take(mine.astype(np.intp))
    return rows.with_frame(rows.frame.assign(**columns))


def _handed_out(train: Table, holdout: Table, new: Table, purpose: Purpose, seed: int) -> Table:
    """Return the holdout as if it had been drawn."""
    return holdout.take(stream(seed, "handed").permutation(len(holdout)).astype(np.intp))


def _shuffled(train: Table, holdout: Table, new: Table, purpose: Purpose, seed: int) -> Table:
    """Return training columns, each in an order of its own: no row is anybody's."""
    columns = {
        f.name: train.frame[f.name]
        .iloc[stream(seed, f"shuffle/{f.name}").permutation(train.n_rows)]
        .reset_index(drop=True)
        for f in train.schema.modelled
    }
    return train.with_frame(train.frame.assign(**columns))


def _replaced(new: Table, planted: Table, seed: int) -> Table:
    """Return clean rows of which as many as are planted were exchanged for these, in random order."""
    n, k = len(new), len(planted)
    kept = new.take(stream(seed, "kept").permutation(n)[k:].astype(np.intp))
    mixed = pd.concat([planted.frame, kept.frame], ignore_index=True).astype(new.frame.dtypes.to_dict())
    return new.with_frame(mixed.iloc[stream(seed, "mixed").permutation(n)].reset_index(drop=True))


def _nearest(train: Table, k: int) -> tuple[FloatArray, Any]:
    coded = encode_alike([(train.frame, train.schema)])[0]
    space = MixedSpace.fit(coded, train.schema)
    placed = space.place(coded)
    return nearest(space, placed, placed, k)


def _levels(codes: FloatArray, f: Field) -> pd.Series:
    return from_codes(np.where(np.isnan(codes), -1, codes).astype(np.intp), f)


_SHOWN, _QUIET = frozenset({"leak_shown"}), frozenset({"bounded", "not_assessed"})
_ANY = _SHOWN | _QUIET
LEAKS: Mapping[str, Leak] = {
    leak.name: leak
    for leak in (
        Leak(name="clean", size=0.0, make=_clean, expected=_QUIET),
        # Nobody's row, but everybody's values: those that one person alone has may be found by singling out.
        Leak(name="shuffled columns", size=0.0, make=_shuffled, expected=_ANY),
        Leak(name="near copies 1 %", size=0.01, make=_near(0.01), expected=_SHOWN, axes=("copies",)),
        Leak(name="near copies 5 %", size=0.05, make=_near(0.05), expected=_SHOWN, axes=("copies",)),
        Leak(name="kernel 0.4 sd", size=None, make=_smoothed(0.4), expected=_SHOWN, axes=("membership",)),
        Leak(name="kernel 0.1 sd", size=None, make=_smoothed(0.1), expected=_SHOWN, axes=("copies", "membership")),
        Leak(name="copies 0.5 %", size=0.005, make=_copies(0.005), expected=_ANY, axes=("copies",)),
        Leak(name="copies 1 %", size=0.01, make=_copies(0.01), expected=_SHOWN, axes=("copies",)),
        Leak(name="copies 5 %", size=0.05, make=_copies(0.05), expected=_SHOWN, axes=("copies",)),
        Leak(name="copies 10 %", size=0.1, make=_copies(0.1), expected=_SHOWN, axes=("copies",)),
        Leak(name="one outlier once", size=0.0, make=_outlier(1), expected=_ANY),
        Leak(name="one outlier five times", size=0.0, make=_outlier(5), expected=_ANY),
        Leak(name="one person twice", size=0.0, make=_twice, expected=_ANY),
        Leak(name="attribute only 1 %", size=0.01, make=_attribute(0.01), expected=_SHOWN, axes=("attribute",)),
        Leak(name="attribute only 5 %", size=0.05, make=_attribute(0.05), expected=_SHOWN, axes=("attribute",)),
        Leak(name="attribute only 10 %", size=0.1, make=_attribute(0.1), expected=_SHOWN, axes=("attribute",)),
        Leak(name="between neighbours", size=None, make=_between, expected=_SHOWN, axes=("copies", "membership")),
        Leak(name="holdout handed out", size=None, make=_handed_out, expected=frozenset({"not_assessed"})),
    )
}
"""Every planted leak by name."""


def mixture() -> World:
    """Return the ten-dimensional law of the first experiment: a mixture of five normals, to two decimals."""
    names = tuple(f"x{j}" for j in range(10))
    fields = tuple(
        Field(
            name=name,
            kind="continuous",
            decimals=2,
            low=-60.0,
            high=60.0,
            roles=frozenset({"quasi_identifier"}) if name in {"x0", "x1"} else frozenset(),
        )
        for name in names
    ) + (Field(name="group", kind="categorical", levels=("a", "b", "c"), roles=frozenset({"sensitive"})),)

    def law(g: np.random.Generator, n: int) -> Mapping[str, Any]:
        centre = np.random.Generator(np.random.Philox(11)).normal(0, 2, (5, 10))
        which = g.integers(0, 5, n)
        x = centre[which] + g.standard_normal((n, 10))
        return {name: np.round(x[:, j], 2) for j, name in enumerate(names)} | {
            "group": (which + (g.random(n) < 0.2)) % 3
        }

    purpose = Purpose(quasi_identifiers=("x0", "x1"), sensitive=("group",))
    return World(name="mixture", schema=Schema(fields=fields), purpose=purpose, law=law, fine_keys=True)


__all__ = ["LEAKS", "SPLITS", "LawSource", "Leak", "Source", "leak_case", "mixture", "near_copies", "told"]
