"""Contract checks for synthesizers of tables: run them on your own before you register it.

>>> from synthproof.testing.synthesizers import check_synthesizer
>>> from synthproof.synthesizers.table.marginals import Marginals
>>> check_synthesizer(Marginals)
"""

from __future__ import annotations

import inspect
import random
import tempfile
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyarrow import parquet

from synthproof.core import state as _state
from synthproof.core.contracts import Synthesizer, Tags
from synthproof.core.errors import ConditionError, NotFittedError
from synthproof.core.run import Run
from synthproof.core.schema import Field, Schema
from synthproof.data.table.chunks import open_chunks
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.data.table.native_arrow import to_arrow
from synthproof.engines.codes import to_numbers
from synthproof.testing.executors import Carried
from synthproof.testing.levels import SHARED, check_wide_column
from synthproof.testing.rules import check_rules
from synthproof.testing.stopping import leaves_nothing

Factory = Callable[[], Any]


def example(n: int = 400, seed: int = 0) -> Table:
    """Return a small table with every kind of field, missing values that go together, and numbers nobody shares."""
    rng = np.random.Generator(np.random.Philox(seed))
    age = np.clip(np.rint(rng.normal(50, 15, n)), 18, 90)
    sex = np.where(rng.random(n) < 0.5, "F", "M")
    amount = np.where(rng.random(n) < 0.25, 0.0, np.exp(rng.normal(8, 1, n) + 0.02 * age))
    gone = rng.random(n) < 0.3
    grade = np.array(["low", "mid", "high"])[np.clip((age // 30).astype(int), 0, 2)]
    frame = {
        "chart": [f"P-{k:06d}" for k in rng.permutation(200_000)[:n]],
        "age": age.astype("int64"),
        "sex": sex,
        "grade": grade,
        "amount": np.where(gone, np.nan, amount),
        "pressure": np.where(gone, np.nan, np.round(rng.normal(120, 12, n) + (sex == "M") * 5, 1)),
        "smoker": pd.arrays.BooleanArray(rng.random(n) < 0.3, rng.random(n) < 0.1),
        "visit": np.datetime64("2024-01-01", "us") + rng.integers(0, 366, n) * np.timedelta64(1, "D"),
    }
    fields = (
        Field(name="chart", kind="identifier", pattern=r"P-\d{6}"),
        Field(name="age", kind="integer", low=18, high=90),
        Field(name="sex", kind="categorical", levels=("F", "M")),
        Field(name="grade", kind="ordinal", levels=("low", "mid", "high")),
        Field(name="amount", kind="continuous", nullable=True, low=0.0),
        Field(name="pressure", kind="continuous", nullable=True, decimals=1),
        Field(name="smoker", kind="boolean", nullable=True),
        Field(name="visit", kind="datetime"),
    )
    columns = {f.name: pd.Series(frame[f.name]).astype(canonical_dtype(f)) for f in fields}
    return Table(pd.DataFrame(columns), Schema(fields=fields))


class Bench:
    """One synthesizer under check: fitted once, then only drawn from.

    Parameters
    ----------
    factory
        The class, or a function without arguments that returns a new unfitted synthesizer.
    data
        What it learns from; `example` if absent.
    """

    def __init__(self, factory: Factory, data: Table | None = None) -> None:
        self.factory = factory
        self.data = example() if data is None else data

    def new(self) -> Any:
        """Return a new, unfitted synthesizer with a fixed seed where it takes one."""
        made = self.factory()
        return made.set_params(random_state=7) if "random_state" in made.get_params() else made

    @cached_property
    def model(self) -> Any:
        """The fitted synthesizer."""
        return self.new().fit(self.data)

    def another(self, data: Any = None, run: Run | None = None) -> Any:
        """Return a second fitted object that must draw what the first does.

        Under differential privacy no two fits are alike (their noise has no seed), so that one is fitted all the same, and
        then takes the first one's state.
        """
        made = self.new().fit(self.data if data is None else data, run=run)
        return made.set_state(self.model.get_state()) if self.private else made

    @property
    def private(self) -> bool:
        """Whether it gives differential privacy."""
        return bool(self.model.tags.private)

    @cached_property
    def drawn(self) -> Table:
        """Three hundred rows."""
        drawn: Table = self.model.sample(300, seed=11)
        return drawn


def same(a: Table, b: Table) -> bool:
    """Whether two tables hold the same cells under the same schema."""
    return a.schema == b.schema and a.frame.equals(b.frame)


def check_contract(bench: Bench) -> None:
    """It has the methods and tags of the contract."""
    made = bench.new()
    assert isinstance(made, Synthesizer), "methods of core.contracts.Synthesizer are missing"
    assert isinstance(made.tags, Tags), "tags must be core.contracts.Tags"


def check_parameters(bench: Bench) -> None:
    """Parameters are kept verbatim, can be set, and survive `fit`."""
    made = bench.new()
    before = made.get_params()
    again = bench.factory().set_params(**before)
    assert again.get_params().keys() == before.keys()
    assert all(again.get_params()[k] is before[k] or again.get_params()[k] == before[k] for k in before)
    assert bench.model.get_params() == bench.new().get_params(), "fit changed a parameter"


def check_data_untouched(bench: Bench) -> None:
    """Neither `fit` nor `sample` changes the data."""
    before, frame = bench.data.fingerprint(), bench.data.frame.copy(deep=True)
    bench.new().fit(bench.data).sample(20, seed=1)
    assert bench.data.fingerprint() == before
    assert bench.data.frame.equals(frame)


def check_unfitted(bench: Bench) -> None:
    """Asked too early it says so."""
    for call in ("sample", "get_state"):
        try:
            getattr(bench.new(), call)(*((5,) if call == "sample" else ()))
        except NotFittedError:
            continue
        raise AssertionError(f"{call} before fit must raise NotFittedError")


def check_size_and_schema(bench: Bench) -> None:
    """n rows come, none when none are asked for, with the fields, types and ranges of the data."""
    for n in (0, 1, 37):
        assert len(bench.model.sample(n, seed=3)) == n
    drawn = bench.drawn
    assert drawn.schema.names == bench.data.schema.names
    assert drawn.origin == bench.data.origin
    for f in drawn.schema.fields:
        assert drawn.frame[f.name].dtype == bench.data.frame[f.name].dtype, f"type of {f.name}"
        if f.numeric and bench.private:  # the data's own ends are nobody's to know
            column = drawn.frame[f.name].dropna()
            low, high = to_numbers(column.agg(["min", "max"]).reset_index(drop=True).astype(column.dtype), f)
            assert f.low is not None, f"{f.name} has no declared or bought range"
            assert f.high is not None, f"{f.name} has no declared or bought range"
            assert f.low <= low <= high <= f.high, f"{f.name} leaves the range it states"
        elif f.numeric:
            real, made = bench.data.frame[f.name].dropna(), drawn.frame[f.name].dropna()
            assert real.min() <= made.min(), f"{f.name} goes below the data"
            assert made.max() <= real.max(), f"{f.name} goes above the data"


def check_rounding(bench: Bench) -> None:
    """Digits and the grain of dates are kept."""
    for f in bench.drawn.schema.fields:
        column = bench.drawn.frame[f.name].dropna()
        if f.kind == "continuous" and f.decimals is not None:
            assert np.allclose(column, np.round(column, f.decimals), rtol=0, atol=1e-12), f.name
        if (
            f.kind == "datetime"
            and (bench.data.frame[f.name].dropna().dt.normalize() == bench.data.frame[f.name]).all()
        ):
            assert (column.dt.normalize() == column).all(), f.name


def check_prefix(bench: Bench) -> None:
    """Fewer rows are the head of more, across the borders of blocks."""
    more = bench.model.sample(4500, seed=5)
    for n in (10, 4096, 4100):
        assert bench.model.sample(n, seed=5).frame.equals(more.frame.head(n)), f"first {n} rows differ"


def check_window(bench: Bench) -> None:
    """Rows drawn from the middle are those of the whole draw, identifiers too (where ``sample`` takes ``first``)."""
    if "first" not in inspect.signature(bench.model.sample).parameters:
        return
    whole = bench.model.sample(4500, seed=5).frame
    for first, n in ((4096, 404), (100, 4200), (4500, 0)):
        part = bench.model.sample(n, seed=5, first=first).frame
        assert part.equals(whole.iloc[first : first + n].reset_index(drop=True)), f"{n} rows from row {first} on"


def check_chunks(bench: Bench) -> None:
    """It learns from a table that is read in chunks as from the table at once, where that takes no more rows than fit."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.parquet"
        parquet.write_table(to_arrow(bench.data), path, row_group_size=150)
        chunked = open_chunks(path, schema=bench.data.schema)
        again = bench.another(chunked).sample(100, seed=11)
    assert again.frame.equals(bench.model.sample(100, seed=11).frame)


def check_seed(bench: Bench) -> None:
    """The same seeds give the same bytes from a second object; another seed gives others."""
    other = bench.another()
    assert same(other.sample(300, seed=11), bench.drawn)
    assert not bench.drawn.frame.equals(other.sample(300, seed=12).frame)


def check_no_memory(bench: Bench) -> None:
    """What was drawn before does not matter."""
    bench.model.sample(50, seed=99)
    assert same(bench.model.sample(300, seed=11), bench.drawn)


def check_global_state(bench: Bench) -> None:
    """The global generators of Python and NumPy are left alone."""
    bench.model.sample(20, seed=1)  # libraries that draw when they are first imported (rich does) are none of its doing
    before = random.getstate(), np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    bench.new().fit(bench.data).sample(20, seed=1)
    assert random.getstate() == before[0]
    assert np.array_equal(np.random.get_state()[1], before[1])  # type: ignore[index]  # noqa: NPY002


def check_state(bench: Bench) -> None:
    """What was learned is plain, and comes back from disk to draw the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        _state.save(Path(folder) / "m", header={}, state=bench.model.get_state())
        _, learned = _state.load(Path(folder) / "m")
    again = bench.new().set_state(learned)
    assert same(again.sample(300, seed=11), bench.drawn)
    assert again.schema_ == bench.model.schema_


def check_cancel(bench: Bench) -> None:
    """A cancelled fit leaves the object unfitted, whenever it is cancelled."""
    leaves_nothing(bench.new, bench.data, lambda n: (0, n // 2, n - 2))


def check_workers(bench: Bench) -> None:
    """One worker or three: the same bytes."""
    one, three = bench.another(run=Run(workers=1)), bench.another(run=Run(workers=3))
    a, b = (m.sample(4500, seed=2, run=Run(workers=w)) for m, w in ((one, 3), (three, 1)))
    assert same(a, b)


def check_processes(bench: Bench) -> None:
    """Work that travels to other processes and is done in another order: the same bytes."""
    carried = Run(executor=Carried())
    made = bench.another(run=carried)
    assert same(made.sample(4500, seed=2, run=carried), bench.model.sample(4500, seed=2))


def check_where(bench: Bench) -> None:
    """Every row meets the conditions, fewer rows are the head of more, and other columns still vary."""
    if not bench.model.tags.conditional:
        return
    for where in ({"sex": "F"}, {"grade": ["low", "high"]}, {"sex": "M", "age": {"min": 30, "max": 45}}):
        drawn = bench.model.sample(200, where=where, seed=4)
        frame = drawn.frame
        assert len(drawn) == 200
        if "sex" in where:
            assert (frame["sex"].astype(str) == where["sex"]).all()
        if "grade" in where:
            assert frame["grade"].isin(["low", "high"]).all()
        if "age" in where:
            assert frame["age"].between(30, 45).all()
        assert bench.model.sample(50, where=where, seed=4).frame.equals(frame.head(50))
        assert frame["visit"].nunique() > 50


def check_where_missing(bench: Bench) -> None:
    """A missing value can be asked for, and so can an exact number."""
    if not bench.model.tags.conditional:
        return
    assert bench.model.sample(40, where={"pressure": None}, seed=4).frame["pressure"].isna().all()
    assert (bench.model.sample(40, where={"age": 40}, seed=4).frame["age"] == 40).all()


def check_impossible(bench: Bench) -> None:
    """What cannot be is refused, not approximated."""
    if not bench.model.tags.conditional:
        return
    for where in ({"sex": "X"}, {"age": {"min": 500}}, {"age": None}, {"nobody": 1}, {"chart": "P-000001"}):
        try:
            bench.model.sample(10, where=where, seed=4)
        except ConditionError:
            continue
        raise AssertionError(f"a condition on {', '.join(where)} that cannot be met must raise ConditionError")


def check_missing(bench: Bench) -> None:
    """Missing values come as often as in the data, within five standard errors."""
    drawn = bench.model.sample(4000, seed=21).frame
    for f in bench.data.schema.fields:
        real, made = bench.data.frame[f.name].isna().mean(), drawn[f.name].isna().mean()
        spread = np.sqrt(max(real * (1 - real), 0.25 / len(bench.data)) * (1 / 4000 + 1 / len(bench.data)))
        assert abs(real - made) <= 5 * spread, f"missing share of {f.name}"
        assert real > 0 or made == 0, f"{f.name} has no missing values in the data"


def check_no_real_number(bench: Bench) -> None:
    """No continuous value of a real record is handed out unless ten persons share it."""
    if not bench.model.tags.releasable:
        return
    drawn = bench.model.sample(4000, seed=22).frame
    for f in bench.data.schema.fields:
        if f.kind != "continuous" or f.decimals is not None:
            continue
        counts = bench.data.frame[f.name].value_counts()
        own = counts.index[counts < SHARED]
        assert not drawn[f.name].isin(own).any(), f"{f.name} hands out values of single persons"


def check_identifiers(bench: Bench) -> None:
    """Identifiers are of the pattern, unique, and never a real one (under differential privacy: made without them)."""
    drawn = bench.model.sample(5000, seed=23).frame["chart"]
    assert drawn.is_unique
    assert drawn.str.fullmatch(r"P-\d{6}").all()
    assert bench.private or not drawn.isin(bench.data.frame["chart"]).any()


CHECKS: Mapping[str, Callable[[Bench], None]] = {
    name.removeprefix("check_"): check
    for name, check in sorted({**globals(), "check_rules": check_rules, "check_wide_column": check_wide_column}.items())
    if name.startswith("check_") and name != "check_synthesizer"
}
"""Every check by name."""


def check_synthesizer(factory: Factory, *, data: Table | None = None) -> None:
    """Run every check; the first that fails raises ``AssertionError`` with the check's name.

    Parameters
    ----------
    factory
        The class of a table synthesizer, or a function without arguments that returns a new one.
    data
        A table with the fields of `example`, if that does not suit.
    """
    bench = Bench(factory, data)
    for name, check in CHECKS.items():
        try:
            check(bench)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
