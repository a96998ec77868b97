"""Contract checks for metrics, ours and third parties'.

>>> from synthproof.core.registry import metrics
>>> from synthproof.testing.metrics import CHECKS
>>> for check in CHECKS.values():
...     check("table.exact_copies")
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from synthproof.core.contracts import Case, Recipe
from synthproof.core.errors import Cancelled
from synthproof.core.evidence import FAMILIES, Evidence
from synthproof.core.registry import metrics
from synthproof.core.run import Run
from synthproof.data.table.dataset import Table
from synthproof.testing.executors import Carried
from synthproof.testing.references import fresh
from synthproof.testing.worlds import patients, visits

NEEDS = frozenset({"holdout", "target", "quasi_identifiers", "sensitive", "recipe", "losses"})
_SAME = 1e-9


@cache
def _measured(name: str) -> tuple[Evidence, ...]:
    return tuple(metrics.make(name).measure(_case(), seed=5, run=Run(workers=1)))


def _case(n: int = 240) -> Case[Table]:
    """Return a fresh case with an empty cache."""
    world = patients()
    return Case(
        train=world.draw(n, 1),
        holdout=world.draw(n // 2, 2),
        synthetic=fresh(world, n, 3),
        purpose=world.purpose,
        recipe=Recipe(name="table.marginals"),
    )


def card_is_whole(name: str) -> None:
    """The card carries the registry's name, a known family, a range and a source."""
    card = metrics.make(name).card
    assert card.id == name
    assert card.version >= 1
    assert card.family in FAMILIES
    assert card.low < card.high
    assert card.needs <= NEEDS
    assert card.source
    assert card.unit


def answers_whether_it_applies(name: str) -> None:
    """`applies` answers with a reason or ``None`` and looks at no data."""
    case = _case(40)
    why_not = metrics.make(name).applies(case.train.schema, case.purpose)
    assert why_not is None or why_not


def speaks_for_itself(name: str) -> None:
    """Evidence is there, bears the metric's name and version, and no subject occurs twice."""
    found = _measured(name)
    version = metrics.get(name).card.version
    assert found
    assert all(e.metric == name and e.version == version for e in found)
    assert len({e.subject for e in found}) == len(found)


def stays_within_its_range(name: str) -> None:
    """Estimates lie within their interval and within the card's range."""
    card = metrics.get(name).card
    for e in _measured(name):
        if e.estimate is None or e.interval is None:
            continue
        low, high = e.interval
        assert low - _SAME <= e.estimate <= high + _SAME, e.subject
        assert card.low - _SAME <= e.estimate <= card.high + _SAME, e.subject


def is_plain_json(name: str) -> None:
    """Evidence is JSON without NaN, with and without its private part."""
    for e in _measured(name):
        for private in (False, True):
            json.dumps(e.to_dict(private=private), allow_nan=False)


def repeats_itself(name: str) -> None:
    """The same seed gives the same evidence, on one worker and on three."""
    _alike(_measured(name), metrics.make(name).measure(_case(), seed=5, run=Run(workers=3)), tolerance=0.0)


def travels(name: str) -> None:
    """The same evidence when the work travels to other processes and is done in another order."""
    carried = Run(executor=Carried())
    _alike(_measured(name), metrics.make(name).measure(_case(), seed=5, run=carried), tolerance=0.0)


def leaves_the_data_alone(name: str) -> None:
    """Nothing in the case is changed."""
    case = _case()
    before = [t.fingerprint() for t in (case.train, case.holdout, case.synthetic) if t is not None]
    metrics.make(name).measure(case, seed=5)
    assert before == [t.fingerprint() for t in (case.train, case.holdout, case.synthetic) if t is not None]


def leaves_global_randomness_alone(name: str) -> None:
    """The global generator is neither read nor set."""
    before = np.random.get_state()[1].tobytes()  # type: ignore[index]  # noqa: NPY002
    metrics.make(name).measure(_case(80), seed=5)
    assert before == np.random.get_state()[1].tobytes()  # type: ignore[index]  # noqa: NPY002


def can_be_stopped(name: str) -> None:
    """A cancelled run stops the measurement (where there is anything to measure)."""
    run = Run(workers=1)
    run.cancel()
    try:
        found = metrics.make(name).measure(_case(), seed=5, run=run)
    except Cancelled:
        return
    assert all(e.outcome == "not_applicable" for e in found), f"{name} did not stop"


def bears_too_few_records(name: str) -> None:
    """Few records, one record, none and no holdout give a number or a reason, never an exception."""
    world = patients()
    for train, holdout, synthetic in ((3, 2, 3), (1, 1, 1), (30, 0, 1), (1, 0, 30), (2, 2, 0)):
        case = Case(
            train=world.draw(train, 1),
            holdout=world.draw(holdout, 2) if holdout else None,
            synthetic=world.draw(synthetic, 3),
            purpose=world.purpose,
        )
        for e in metrics.make(name).measure(case, seed=5):
            assert e.outcome != "measured" or (e.estimate is not None and math.isfinite(e.estimate))


def counts_persons(name: str) -> None:
    """Where a person has several rows, `n` counts persons at most."""
    world = visits()
    train, synthetic = world.draw(60, 1), world.draw(60, 3)
    case = Case(train=train, holdout=world.draw(60, 2), synthetic=synthetic, purpose=world.purpose)
    for e in metrics.make(name).measure(case, seed=5):
        assert e.n <= 180, (e.subject, e.n)


def keeps_its_secrets(name: str) -> None:
    """No level, label or number of a real record stands in the public part: planted tokens do not come out."""
    world = visits()
    train = world.draw(60, 1)
    tokens = {label: f"canary{i}" for i, label in enumerate(dict.fromkeys(train.frame["person"]))}
    marked = train.with_frame(train.frame.assign(person=train.frame["person"].map(tokens).astype("str")))
    case = Case(train=marked, holdout=world.draw(60, 2), synthetic=world.draw(60, 3), purpose=replace(world.purpose))
    for e in metrics.make(name).measure(case, seed=5):
        assert "canary" not in json.dumps(e.to_dict(), ensure_ascii=False)


def _alike(a: Sequence[Evidence], b: Sequence[Evidence], *, tolerance: float) -> None:
    assert [e.subject for e in a] == [e.subject for e in b]
    for one, two in zip(a, b, strict=True):
        assert one.outcome == two.outcome
        for x, y in ((one.estimate, two.estimate), (one.reference, two.reference)):
            assert x == y or (x is not None and y is not None and abs(x - y) <= tolerance), one.subject
        assert one.interval == two.interval, one.subject


CHECKS: Mapping[str, Callable[[str], Any]] = {
    check.__name__: check
    for check in (
        card_is_whole,
        answers_whether_it_applies,
        speaks_for_itself,
        stays_within_its_range,
        is_plain_json,
        repeats_itself,
        travels,
        leaves_the_data_alone,
        leaves_global_randomness_alone,
        can_be_stopped,
        bears_too_few_records,
        counts_persons,
        keeps_its_secrets,
    )
}
"""Every check by name; each takes the registered name of a metric."""
