"""How the data were made: what the registry says of the generator."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, ClassVar

import pytest

import synthproof.synthesizers
from synthproof.core.contracts import Case, Recipe, Tags
from synthproof.core.registry import synthesizers
from synthproof.metrics.any.generation import Generation
from synthproof.testing.worlds import patients


class Full:
    tags: ClassVar[Tags] = Tags()


class Partial:
    tags: ClassVar[Tags] = Tags(full_synthesis=False)


class Noisy:
    tags: ClassVar[Tags] = Tags(irreversible=False)


class Augmenting:
    tags: ClassVar[Tags] = Tags(releasable=False)


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = ModuleType("synthproof_fake_synthesizers")
    for fake in (Full, Partial, Noisy, Augmenting):
        setattr(module, fake.__name__, fake)
        name = f"fake.{fake.__name__.lower()}"
        monkeypatch.setitem(synthproof.synthesizers.CATALOGUE, name, f"{module.__name__}:{fake.__name__}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    synthesizers.refresh()
    yield
    monkeypatch.undo()
    synthesizers.refresh()


def case(name: str | None) -> Case[Any]:
    world = patients()
    recipe = None if name is None else Recipe(name=name)
    return Case(
        train=world.draw(30, 1), holdout=None, synthetic=world.draw(30, 2), purpose=world.purpose, recipe=recipe
    )


@pytest.mark.parametrize(("name", "value"), [("full", 1.0), ("partial", 0.0), ("noisy", 0.0), ("augmenting", 0.0)])
def test_tags_decide(name: str, value: float) -> None:
    found, releasable = Generation().measure(case(f"fake.{name}"), seed=1)
    assert (releasable.subject, releasable.estimate) == ("releasable", 0.0 if name == "augmenting" else 1.0)
    assert (found.estimate, found.interval, found.n) == (value, (value, value), 30)
    assert found.detail["generator"] == f"fake.{name}"


@pytest.mark.parametrize("name", [None, "another.tool"])
def test_another_tool_is_unknown(name: str | None) -> None:
    found, releasable = Generation().measure(case(name), seed=1)
    assert (found.subject, found.outcome) == ("all", "insufficient")
    assert (releasable.subject, releasable.outcome) == ("releasable", "not_applicable")


def test_the_question_always_applies() -> None:
    world = patients()
    assert Generation().applies(world.schema, world.purpose) is None
