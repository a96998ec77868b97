"""Small tables of known law, for tests and calibration: as many fresh draws as are wanted, all of one schema.

Every world is a law, so "fresh real records" are simply another draw, and the truth about a generator is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.random import stream
from synthproof.core.schema import Field, Purpose, Role, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.engines.codes import from_numbers

Columns = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A law of tables.

    Parameters
    ----------
    name
        Short name.
    schema
        Schema of every draw.
    purpose
        What the table is for: K, T and target columns of the world.
    law
        ``law(generator, n_units)`` returns the columns as plain arrays.
    fine_keys
        Whether K is so fine that a class often is one person: only then can copying give T away by CAP.
    """

    name: str
    schema: Schema
    purpose: Purpose
    law: Callable[[np.random.Generator, int], Columns]
    fine_keys: bool = False

    def draw(self, n: int, seed: int) -> Table:
        """Return n fresh units; two seeds give independent draws."""
        columns = self.law(stream(seed, f"world/{self.name}"), n)
        made = {f.name: canonical(columns[f.name], f) for f in self.schema.fields}
        return Table(pd.DataFrame(made), self.schema)


def canonical(values: Any, f: Field) -> pd.Series:
    """Return plain values as the canonical column of a field; NaN and ``None`` are missing."""
    if f.levelled and f.kind != "boolean":
        codes = np.asarray(values, dtype=np.int64)
        return pd.Series(pd.Categorical.from_codes(codes, dtype=canonical_dtype(f)))
    column = pd.Series(values)
    if f.kind == "datetime":
        return column.astype("datetime64[us]")
    if f.kind in {"integer", "boolean"}:
        return from_numbers(np.asarray(values, dtype=np.float64), f) if f.numeric else _booleans(values)
    return column.astype(canonical_dtype(f))


def _booleans(values: Any) -> pd.Series:
    given = np.asarray(values, dtype=np.float64)
    return pd.Series(pd.arrays.BooleanArray(given == 1, np.isnan(given)))


def _choice(g: np.random.Generator, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return one code a row from unnormalised row weights, shape (n, levels)."""
    edges = np.cumsum(weights, axis=1)
    codes = (edges < g.random(len(weights))[:, None] * edges[:, -1:]).sum(axis=1)
    return np.asarray(codes, dtype=np.int64)


def _gaps(g: np.random.Generator, values: npt.NDArray[np.float64], rate: float) -> npt.NDArray[np.float64]:
    return np.where(g.random(len(values)) < rate, np.nan, values)


def _patients(g: np.random.Generator, n: int) -> Columns:
    latent = g.standard_normal((n, 3)) @ np.array([[1.0, 0.6, 0.3], [0.0, 0.8, 0.4], [0.0, 0.0, 0.87]])
    age = np.clip(np.rint(55 + 15 * latent[:, 0]), 18, 95)
    region = g.choice(5, size=n, p=[0.4, 0.25, 0.2, 0.1, 0.05])
    disease = _choice(g, np.exp(np.stack([0 * age, 0.04 * (age - 55), 0.8 * latent[:, 1] - 0.5], axis=1)))
    return {
        "age": age,
        "sex": g.integers(0, 2, n).astype(float),
        "region": region,
        "stage": np.clip(np.rint(1.5 + latent[:, 1]), 0, 3),
        "glucose": np.round(100 + 25 * latent[:, 1] + 20 * (disease == 1) + 8 * g.standard_normal(n), 1),
        "stay": _gaps(g, np.rint(g.gamma(2.0, 1.0 + 0.5 * (disease == 2), n)), 0.08),
        "cost": np.round(np.exp(7 + 0.5 * latent[:, 2] + 0.3 * g.standard_normal(n)), 2),
        "disease": disease,
    }


def patients() -> World:
    """Return a hospital-like law: mixed kinds, gaps, and costs to the cent that make most rows unique."""
    fields = (
        Field(name="age", kind="integer", low=18, high=95, roles=frozenset({"quasi_identifier"})),
        Field(name="sex", kind="boolean", roles=frozenset({"quasi_identifier"})),
        Field(
            name="region", kind="categorical", levels=("A", "B", "C", "D", "E"), roles=frozenset({"quasi_identifier"})
        ),
        Field(name="stage", kind="ordinal", levels=("0", "I", "II", "III")),
        Field(name="glucose", kind="continuous", decimals=1, low=0, high=400),
        Field(name="stay", kind="integer", nullable=True, low=0, high=40, roles=frozenset({"quasi_identifier"})),
        Field(name="cost", kind="continuous", decimals=2, low=1, high=100_000),
        Field(name="disease", kind="categorical", levels=("none", "diabetes", "other"), roles=frozenset({"sensitive"})),
    )
    k = ("age", "sex", "region", "stay")
    purpose = Purpose(quasi_identifiers=k, sensitive=("disease",), targets=("disease",))
    return World(name="patients", schema=Schema(fields=fields), purpose=purpose, law=_patients, fine_keys=True)


def _survey(g: np.random.Generator, n: int) -> Columns:
    trait = g.standard_normal(n)
    answers = {
        f"q{j}": np.clip(np.rint(1.5 + 0.8 * trait + 0.7 * g.standard_normal(n)), 0, 3).astype(np.int64)
        for j in (1, 2, 3)
    }
    return {
        "sex": g.integers(0, 2, n).astype(float),
        "age_band": g.choice(5, size=n, p=[0.15, 0.2, 0.25, 0.25, 0.15]),
        **answers,
        "income_band": np.clip(np.rint(2 + trait + 0.7 * g.standard_normal(n)), 0, 4).astype(np.int64),
    }


def survey() -> World:
    """Return a law of few levels, where equal records are ordinary."""
    bands, marks = ("20s", "30s", "40s", "50s", "60s"), ("0", "1", "2", "3")
    fields = (
        Field(name="sex", kind="boolean", roles=frozenset({"quasi_identifier"})),
        Field(name="age_band", kind="ordinal", levels=bands, roles=frozenset({"quasi_identifier"})),
        *(Field(name=f"q{j}", kind="ordinal", levels=marks) for j in (1, 2, 3)),
        Field(name="income_band", kind="ordinal", levels=("1", "2", "3", "4", "5"), roles=frozenset({"sensitive"})),
    )
    purpose = Purpose(quasi_identifiers=("sex", "age_band", "q1"), sensitive=("income_band",), targets=("income_band",))
    return World(name="survey", schema=Schema(fields=fields), purpose=purpose, law=_survey)


def _adult_like(g: np.random.Generator, n: int) -> Columns:
    age = np.clip(np.rint(17 + g.gamma(3.0, 7.5, n)), 17, 90)
    schooling = np.clip(np.rint(10 + 2.6 * g.standard_normal(n)), 1, 16)
    married = (g.random(n) < 1 / (1 + np.exp(-0.09 * (age - 34)))).astype(np.int64)
    hours = np.clip(np.rint(np.where(g.random(n) < 0.47, 40, 40 + 12 * g.standard_normal(n))), 1, 99)
    score = -4.6 + 0.03 * (age - 38) + 0.36 * (schooling - 10) + 2.2 * married + 0.03 * (hours - 40)
    rich = (g.random(n) < 1 / (1 + np.exp(-score))).astype(np.int64)
    gain = np.where(g.random(n) < 0.04 + 0.17 * rich, np.rint(np.exp(8.3 + 0.9 * g.standard_normal(n))), 0.0)
    return {
        "age": age,
        "weight": np.rint(np.exp(12.0 + 0.55 * g.standard_normal(n))),
        "schooling": schooling,
        "marital": married + 2 * (g.random(n) < 0.17),
        "work": g.choice(7, size=n, p=[0.7, 0.08, 0.06, 0.05, 0.05, 0.04, 0.02]),
        "race": g.choice(5, size=n, p=[0.85, 0.1, 0.03, 0.01, 0.01]),
        "sex": (g.random(n) < 0.67).astype(float),
        "gain": np.minimum(gain, 99_999),
        "hours": hours,
        "country": g.choice(8, size=n, p=[0.9, 0.04, 0.02, 0.01, 0.01, 0.01, 0.005, 0.005]),
        "income": rich,
    }


def adult_like() -> World:
    """Return a census-like law: skewed numbers, spikes, a sampling weight that makes rows nearly unique, common K."""

    def levels(letter: str, n: int) -> tuple[str, ...]:
        return tuple(f"{letter}{i}" for i in range(n))

    k: frozenset[Role] = frozenset({"quasi_identifier"})
    fields = (
        Field(name="age", kind="integer", low=17, high=90, roles=k),
        Field(name="weight", kind="integer", low=1, high=3_000_000),
        Field(name="schooling", kind="integer", low=1, high=16),
        Field(name="marital", kind="categorical", levels=levels("m", 4), roles=k),
        Field(name="work", kind="categorical", levels=levels("w", 7)),
        Field(name="race", kind="categorical", levels=levels("r", 5), roles=k),
        Field(name="sex", kind="boolean", roles=k),
        Field(name="gain", kind="integer", low=0, high=99_999),
        Field(name="hours", kind="integer", low=1, high=99),
        Field(name="country", kind="categorical", levels=levels("c", 8), roles=k),
        Field(name="income", kind="categorical", levels=("low", "high"), roles=frozenset({"sensitive", "target"})),
    )
    purpose = Purpose(
        quasi_identifiers=("age", "marital", "race", "sex", "country"), sensitive=("income",), targets=("income",)
    )
    return World(name="adult_like", schema=Schema(fields=fields), purpose=purpose, law=_adult_like)


def _visits(g: np.random.Generator, n: int) -> Columns:
    times = 1 + g.poisson(1.5, n)
    who = np.repeat(np.arange(n), times)
    person = g.standard_normal(n)[who]
    return {
        "person": [f"P{i:07d}" for i in who],
        "ward": np.clip(np.rint(2 + person), 0, 4).astype(np.int64),
        "pulse": np.rint(75 + 8 * person + 5 * g.standard_normal(len(who))),
        "fever": (g.random(len(who)) < 1 / (1 + np.exp(-person))).astype(float),
    }


def visits() -> World:
    """Return a law of persons with several alike rows each."""
    fields = (
        Field(name="person", kind="identifier", roles=frozenset({"unit"}), pattern=r"P\d{7}"),
        Field(name="ward", kind="categorical", levels=("A", "B", "C", "D", "E"), roles=frozenset({"quasi_identifier"})),
        Field(name="pulse", kind="integer", low=30, high=160),
        Field(name="fever", kind="boolean", roles=frozenset({"sensitive"})),
    )
    purpose = Purpose(quasi_identifiers=("ward",), sensitive=("fever",))
    return World(name="visits", schema=Schema(fields=fields, unit="person"), purpose=purpose, law=_visits)


def _follow_up(g: np.random.Generator, n: int) -> Columns:
    age = np.clip(np.rint(60 + 12 * g.standard_normal(n)), 30, 95)
    treated = (g.random(n) < 0.5).astype(float)
    stage = g.choice(3, size=n, p=[0.5, 0.3, 0.2])
    hazard = np.exp(0.05 * (age - 60) + 0.6 * stage - 0.5 * treated) / 1500
    death = g.weibull(1.3, n) / hazard
    leaves = np.where(g.random(n) < 0.4, g.uniform(100, 2500, n), 2500.0)
    return {
        "age": age,
        "treated": treated,
        "stage": stage,
        "marker": np.round(np.exp(0.5 * g.standard_normal(n) + 0.2 * stage), 2),
        "days": np.rint(np.minimum(death, leaves)),
        "died": (death <= leaves).astype(float),
    }


def follow_up() -> World:
    """Return a law of persons followed until they die, leave or the study ends: hazards rise with age and stage, treatment helps."""
    fields = (
        Field(name="age", kind="integer", low=30, high=95, roles=frozenset({"quasi_identifier"})),
        Field(name="treated", kind="boolean"),
        Field(name="stage", kind="ordinal", levels=("I", "II", "III"), roles=frozenset({"sensitive"})),
        Field(name="marker", kind="continuous", decimals=2, low=0, high=100),
        Field(name="days", kind="integer", low=0, high=2500, roles=frozenset({"time"})),
        Field(name="died", kind="boolean", roles=frozenset({"event"})),
    )
    purpose = Purpose(quasi_identifiers=("age",), sensitive=("stage",), survival=("days ~ died",))
    return World(name="follow_up", schema=Schema(fields=fields), purpose=purpose, law=_follow_up)


def worlds() -> tuple[World, ...]:
    """Return every world whose rows are its units."""
    return patients(), survey(), adult_like()
