"""What a rule says, as plain data; one class a sort. The text of a rule is parsed into one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from synthproof.core.constraints.expressions import Expression, names_in


@dataclass(frozen=True, slots=True)
class Compare:
    """``left op right``; an equality may leave room: ``total = a + b within 0.5``."""

    left: Expression
    op: str
    right: Expression
    within: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """Columns it speaks of."""
        return (*names_in(self.left), *names_in(self.right))


@dataclass(frozen=True, slots=True)
class Among:
    """``status in ("open", "closed")``: a column takes one of these levels or numbers."""

    name: str
    values: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Columns it speaks of."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class Matches:
    r"""``code matches "\\d{5}"``: the whole text of a value fits a regular expression."""

    name: str
    pattern: str

    @property
    def names(self) -> tuple[str, ...]:
        """Columns it speaks of."""
        return (self.name,)


Part: TypeAlias = Compare | Among | Matches


@dataclass(frozen=True, slots=True)
class Relation:
    """Everything in `parts` holds wherever everything in `when` does."""

    parts: tuple[Part, ...]
    when: tuple[Part, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Columns it speaks of."""
        return tuple(n for p in (*self.parts, *self.when) for n in p.names)


@dataclass(frozen=True, slots=True)
class Unique:
    """No two rows agree in all of these columns."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Combination:
    """Only combinations that train has."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inside:
    """Each value of the first column belongs to one value of the second."""

    names: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Ranges:
    """A number stays in the range that train has for its group: ``range(bmi) by sex``."""

    name: str
    by: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Columns it speaks of."""
        return (self.name, *self.by)


@dataclass(frozen=True, slots=True)
class Own:
    """The caller's function of a frame; ``None`` after a model was loaded, since no file holds code."""

    title: str
    names: tuple[str, ...]
    function: Callable[[Any], Any] | None = None


Body: TypeAlias = Relation | Unique | Combination | Inside | Ranges | Own

SORTS = {
    Unique: "unique",
    Combination: "combination",
    Inside: "in",
    Ranges: "range",
    Own: "own",
}


def sort_of(body: Body) -> str:
    """Return the sort of a rule in one word."""
    if isinstance(body, Relation):
        if all(isinstance(p, Compare) for p in body.parts):
            return "compare"
        return "pattern" if isinstance(body.parts[0], Matches) else "among"
    return SORTS[type(body)]
