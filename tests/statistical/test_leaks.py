"""Planted leaks of known size: which attack on persons finds which, at which number of records, and which cannot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.random import derive, stream
from synthproof.core.registry import metrics
from synthproof.core.run import Run
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.data.table.dataset import Table
from synthproof.testing.calibration import against_reference, case_of, fewest_covered
from synthproof.testing.references import noise, partial_copycat, renamed
from synthproof.testing.worlds import World, patients, visits

NAMES = ("table.singling_out", "table.linkability", "table.reidentification", "table.disclosure", "table.near_copies")
RUN = Run(workers=1)
D = 10
FLAT = Schema(fields=tuple(Field(name=f"x{j}", kind="continuous", decimals=3) for j in range(D)))


def measured(case: Case[Table], names: Sequence[str] = NAMES, seed: int = 5, run: Run = RUN) -> dict[str, Evidence]:
    return {
        f"{name.removeprefix('table.')}: {e.subject}": e
        for name in names
        for e in metrics.make(name).measure(case, seed=seed, run=run)
    }


def alarms(found: dict[str, Evidence]) -> set[str]:
    return {key for key, e in found.items() if against_reference(e, "lower")[0]}


def leaking(world: World, n: int, share: float, seed: int) -> Case[Table]:
    train, holdout, new = (world.draw(n, derive(seed, part)) for part in ("train", "holdout", "new"))
    synthetic = partial_copycat(train, new, share, seed)
    return Case(train=train, holdout=holdout, synthetic=synthetic, purpose=world.purpose)


def gaussian(n: int, share: float, seed: int, jitter: float = 0.05) -> Case[Table]:
    """Return correlated normal fields of which a share of rows is training rows moved a little."""
    g = stream(seed, "leaks/gaussian")
    mix = np.linalg.cholesky(0.5 * np.eye(D) + 0.5)
    train, holdout, drawn = (g.standard_normal((n, D)) @ mix.T for _ in range(3))
    copied = round(share * n)
    drawn[:copied] = train[:copied] + jitter * g.standard_normal((copied, D))
    tables = [Table(pd.DataFrame(np.round(x, 3), columns=list(FLAT.names)), FLAT) for x in (train, holdout, drawn)]
    return Case(train=tables[0], holdout=tables[1], synthetic=tables[2], purpose=Purpose())


def test_persons_with_several_rows_are_no_alarm() -> None:
    world, seeds = visits(), 20
    raised: dict[str, int] = {}
    for seed in range(seeds):
        found = measured(case_of(world, "equal", "fresh", seed, 400))
        for key, e in found.items():
            if e.outcome == "measured":
                raised[key] = raised.get(key, 0) + (key in alarms({key: e}))
    assert len(raised) >= 4
    assert all(seeds - n >= fewest_covered(seeds, level=0.975) for n in raised.values()), raised


def test_a_twentieth_of_verbatim_copies_is_found_among_1_500() -> None:
    for seed in range(3):
        found = alarms(measured(leaking(patients(), 1500, 0.05, seed)))
        assert found >= {"singling_out: multivariate", "linkability: random splits", "disclosure: DiSCO: disease"}


def test_a_hundredth_of_verbatim_copies_is_found_among_4_000() -> None:
    for seed in range(2):
        found = alarms(measured(leaking(patients(), 4000, 0.01, seed), ("table.singling_out", "table.linkability")))
        assert found >= {"singling_out: multivariate", "linkability: random splits"}


def families(n: int, seed: int) -> Table:
    """Return n persons with three rows each."""
    rows = patients().draw(3 * n, seed)
    person = Field(name="person", kind="identifier", roles=frozenset({"unit"}))
    schema = Schema(fields=(person, *rows.schema.fields), unit="person")
    label = pd.Series([f"P{i // 3:06d}" for i in range(3 * n)], dtype="string")
    return Table(pd.concat([label.rename("person"), rows.frame], axis=1), schema)


def test_copies_of_persons_with_several_rows_are_found_and_persons_are_counted() -> None:
    train, holdout, new = (families(500, seed) for seed in (1, 2, 3))
    synthetic = renamed(partial_copycat(train, new, 0.05, 4))
    leak = Case(train=train, holdout=holdout, synthetic=synthetic, purpose=patients().purpose)
    found = measured(leak)
    assert alarms(found) >= {"singling_out: multivariate", "linkability: random splits"}
    assert all(e.n <= 500 for e in found.values())
    clean = Case(train=train, holdout=holdout, synthetic=new, purpose=patients().purpose)
    assert len(alarms(measured(clean))) <= 1


def test_a_hundredth_of_near_copies_is_found_among_4_000() -> None:
    for seed in range(2):
        found = measured(gaussian(4000, 0.01, seed), ("table.near_copies", "table.singling_out"))
        near = found["near_copies: all"]
        assert near.interval is not None
        assert 0 < near.interval[0] < 0.01 < near.interval[1]
        # What queries cannot see: a moved copy has none of its values left.
        assert "singling_out: multivariate" not in alarms(found)
    assert "linkability: random splits" in alarms(measured(gaussian(2000, 0.03, 1), ("table.linkability",)))


def test_ties_and_few_records_are_said_not_guessed() -> None:
    one = gaussian(300, 0.1, 1)
    assert one.holdout is not None
    few = Case(train=one.train, holdout=one.holdout.take(np.arange(60)), synthetic=one.synthetic, purpose=Purpose())
    near = measured(few, ("table.near_copies",))["near_copies: all"]
    assert near.outcome == "insufficient"
    assert "100" in str(near.caveat)


def test_a_leak_of_attributes_alone_is_found_by_keys() -> None:
    world = patients()
    known = [*world.purpose.quasi_identifiers, *world.purpose.sensitive]
    copied = 200
    for seed in range(3):
        clean = leaking(world, 2000, 0.0, seed)
        frame = clean.synthetic.frame.copy()
        for name in known:
            parts = [clean.train.frame[name].iloc[:copied], frame[name].iloc[copied:]]
            frame[name] = pd.concat(parts, ignore_index=True).astype(frame[name].dtype)
        leak = Case(
            train=clean.train, holdout=clean.holdout, synthetic=clean.train.with_frame(frame), purpose=world.purpose
        )
        found = alarms(measured(leak))
        assert found >= {"disclosure: DiSCO: disease", "reidentification: all"}
        # The other fields were drawn anew: no record as a whole comes near.
        assert "near_copies: all" not in found


def test_one_leaked_outlier_is_not_seen_and_never_bounded_below_its_size() -> None:
    one = gaussian(1000, 0.0, 3)
    train, drawn = one.train.frame.copy(), one.synthetic.frame.copy()
    train.iloc[0] = drawn.iloc[0] = 6.0
    leak = Case(train=Table(train, FLAT), holdout=one.holdout, synthetic=Table(drawn, FLAT), purpose=Purpose())
    found = measured(leak)
    assert not alarms(found)
    for e in found.values():
        assert e.interval is None or e.interval[1] >= 1 / 1000


def test_noise_is_silent() -> None:
    world = patients()
    for seed in range(4):
        clean = leaking(world, 800, 0.0, seed)
        dull = Case(
            train=clean.train, holdout=clean.holdout, synthetic=noise(clean.train, 800, seed), purpose=world.purpose
        )
        assert len(alarms(measured(dull))) <= 1


def test_a_holdout_handed_out_voids_the_comparison() -> None:
    world = patients()
    train, holdout = world.draw(500, 1), world.draw(500, 2)
    found = measured(Case(train=train, holdout=holdout, synthetic=holdout, purpose=world.purpose))
    assert {e.outcome for e in found.values()} == {"insufficient"}
    moved = gaussian(1000, 0.3, 4)
    assert moved.holdout is not None
    swapped = Case(train=moved.holdout, holdout=moved.train, synthetic=moved.synthetic, purpose=Purpose())
    for key, e in measured(swapped, ("table.near_copies", "table.linkability")).items():
        assert e.outcome == "insufficient", key


@pytest.mark.parametrize("name", NAMES)
def test_neither_the_order_of_rows_nor_the_workers_matter(name: str) -> None:
    one = leaking(patients(), 700, 0.1, 2)
    assert one.holdout is not None
    tables = [
        t.take(stream(9, f"order/{i}").permutation(len(t)).astype(np.intp))
        for i, t in enumerate((one.train, one.holdout, one.synthetic))
    ]
    other = Case(train=tables[0], holdout=tables[1], synthetic=tables[2], purpose=one.purpose)
    a, b = measured(one, (name,)), measured(other, (name,), run=Run(workers=3))
    assert a.keys() == b.keys()
    for key, e in a.items():
        assert e.estimate == pytest.approx(b[key].estimate, abs=1e-12), key
        assert e.interval == pytest.approx(b[key].interval, abs=1e-12), key
