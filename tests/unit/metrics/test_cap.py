"""The CAP family against numbers worked out by hand, and against copies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.metrics.table import cap
from synthproof.testing.references import fresh, partial_copycat
from synthproof.testing.worlds import patients

FIELDS = tuple(
    Field(name=name, kind="categorical", levels=levels)
    for name, levels in (("a", ("p", "q", "r")), ("b", ("x", "y", "z")), ("t", ("no", "yes")))
)
PURPOSE = Purpose(quasi_identifiers=("a", "b"), sensitive=("t",))


def table(*rows: tuple[str, int]) -> Table:
    """Return as many copies of each row ("p x yes") as asked."""
    cells = [row.split() for row, times in rows for _ in range(times)]
    frame = pd.DataFrame(cells, columns=[f.name for f in FIELDS])
    return Table(frame.astype({f.name: canonical_dtype(f) for f in FIELDS}), Schema(fields=FIELDS))


def found(case: Case) -> dict[str, Evidence]:  # type: ignore[type-arg]
    return {e.subject.split(":")[0]: e for e in cap.CapFamily().measure(case, seed=1)}


def by_hand() -> Case:  # type: ignore[type-arg]
    return Case(
        # (p, x): three of four are yes. (q, y): all no. (r, z) occurs in train alone; nearest to both by one column of none.
        synthetic=table(("p x yes", 30), ("p x no", 10), ("q y no", 60)),
        train=table(("p x yes", 60), ("q y no", 40), ("p z yes", 20)),
        holdout=table(("p x no", 60), ("q y no", 30), ("q y yes", 10)),
        purpose=PURPOSE,
    )


def test_the_four_are_what_the_papers_define() -> None:
    told = found(by_hand())
    published = {kind: (e.detail["published"]["train"], e.detail["published"]["holdout"]) for kind, e in told.items()}
    # DCAP: (60 · 3/4 + 40 · 1) / 100; the twenty with K (p, z) have no synthetic record.
    assert published["DCAP"] == (pytest.approx(0.85), pytest.approx((60 * 0.25 + 30) / 100))
    assert published["0CAP"][0] == pytest.approx(85 / 120)
    # (p, z) differs from (p, x) in one column and from (q, y) in two: it is answered by (p, x), 3/4 yes.
    assert published["GCAP"][0] == pytest.approx((85 + 20 * 0.75) / 120)
    # TCAP: only (q, y) is answered with one voice.
    assert published["TCAP"] == (pytest.approx(1.0), pytest.approx(0.75))
    assert told["TCAP"].detail["rows"] == {"train": 40, "holdout": 40}
    assert told["DCAP"].estimate == pytest.approx(0.85 - 0.45)


def test_several_nearest_classes_answer_together() -> None:
    case = by_hand()
    far = table(("r z yes", 100))
    told = found(Case(train=far, holdout=far, synthetic=case.synthetic, purpose=PURPOSE))
    # (r, z) differs from both classes in both columns: 30 of all 100 synthetic records are yes.
    assert told["GCAP"].detail["published"]["train"] == pytest.approx(0.3)
    assert told["DCAP"].outcome == "insufficient"
    assert told["0CAP"].estimate == 0.0


def test_copies_answer_more_rightly_for_those_learned_from() -> None:
    world = patients()
    train, holdout, new = (world.draw(1500, seed) for seed in (1, 2, 3))
    half = partial_copycat(train, new, 0.5, 4)
    told = found(Case(train=train, holdout=holdout, synthetic=half, purpose=world.purpose))
    assert all(e.interval is not None and e.interval[0] > 0 for e in told.values())
    clean = found(Case(train=train, holdout=holdout, synthetic=fresh(world, 1500, 5), purpose=world.purpose))
    assert all(e.interval is not None and e.interval[0] <= 0 <= e.interval[1] for e in clean.values())


def test_a_sample_does_not_depend_on_the_order_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cap, "MOST_NEAREST", 300)
    world = patients()
    train, holdout, new = (world.draw(900, seed) for seed in (1, 2, 3))
    order = np.random.Generator(np.random.Philox(1)).permutation(900).astype(np.intp)
    a = found(Case(train=train, holdout=holdout, synthetic=new, purpose=world.purpose))["GCAP"]
    b = found(Case(train=train.take(order), holdout=holdout, synthetic=new.take(order), purpose=world.purpose))["GCAP"]
    assert a.detail["rows"] == {"train": 300, "holdout": 300}
    assert (a.estimate, a.interval) == (pytest.approx(b.estimate), pytest.approx(b.interval))
