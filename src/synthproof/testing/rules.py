"""The contract check of declared rules; `synthproof.testing.synthesizers` runs it with the others."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from synthproof.core import state as _state
from synthproof.core.constraints import Constraint

RULES = (
    "pressure >= age",
    "combination(sex, grade)",
    'grade != "low" if age >= 30',
    'visit >= "2024-02-01" if sex = "M"',
    "unique(age, pressure, visit)",
)
"""What `check_rules` declares for the `example` table; some of its rows break some of them."""


def check_rules(bench: Any) -> None:
    """Declared rules hold in every drawn row, under conditions too; they can be exchanged, and survive on disk."""
    if not hasattr(bench.model, "with_rules"):
        return
    # A rule that says what train has cannot be kept without showing it.
    texts = tuple(t for t in RULES if not (bench.private and t.startswith("combination")))
    rules = tuple(Constraint.parse(text) for text in texts)
    data = bench.data.with_schema(replace(bench.data.schema, constraints=rules))
    model = bench.new().fit(data)
    wanted: list[dict[str, Any] | None] = [None]
    if model.tags.conditional:
        wanted.append({"sex": "M", "age": {"min": 20, "max": 60}})
    for where in wanted:
        drawn = model.sample(700, where=where, seed=31)
        for rule in rules:
            assert rule.holds(drawn.frame, data.frame).all(), f"{rule.text} is broken under {where}"
        assert model.sample(60, where=where, seed=31).frame.equals(drawn.frame.head(60)), (
            "fewer rows are no head of more"
        )
    fewer = model.with_rules(add=["age != 40"], remove=texts[:-1])
    assert [r.text for r in fewer.rules_] == [RULES[-1], "age != 40"]
    assert (fewer.sample(500, seed=31).frame["age"] != 40).all()
    assert len(model.rules_) == len(texts), "with_rules changed the model it was asked of"
    with tempfile.TemporaryDirectory() as folder:
        _state.save(Path(folder) / "m", header={}, state=model.get_state())
        _, learned = _state.load(Path(folder) / "m")
    again = bench.new().set_state(learned)
    assert again.rules_ == model.rules_
    assert again.sample(200, seed=31).frame.equals(model.sample(200, seed=31).frame)


__all__ = ["RULES", "check_rules"]
