"""Declared rules that every row keeps, as plain expressions.

==================================================  ==========================================================
``discharge >= admission``, ``10 <= bmi <= 60``     comparison; also ``bmi between 10 and 60``
``total = a + b``, ``a + b + c = 100 within 0.1``   sums with constants; how much room an equality leaves
``discharge <= admission + 30 days``                dates; ``visit >= "2024-01-01"``
``pregnant = "no" if sex = "M"``                    where another part holds; several with ``and``
``status in ("open", "closed")``                    allowed levels or numbers
``code matches "[A-Z]\\d{2}"``                       pattern of levels and identifiers
``district in city``                                each district has one city
``combination(sex, ward)``                          only combinations seen in train
``range(bmi) by sex``                               numbers within what train has for the group
``unique(patient, visit)``                          no two rows agree
==================================================  ==========================================================

Backticks quote names: ```입원 일` <= 퇴원일``. Rows with a missing value in play keep a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.constraints.bodies import Body, Own, sort_of
from synthproof.core.constraints.check import check
from synthproof.core.constraints.parse import parse, quoted, text_literal

Predicate = Callable[[pd.DataFrame], Any]
"""A function of a frame that returns for each row whether it keeps the rule."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One rule: its text, what sort it is, the fields it speaks of, and what it says.

    Two rules are equal when their texts are.
    """

    text: str
    sort: str = field(compare=False)
    fields: tuple[str, ...] = field(compare=False)
    body: Body = field(compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """Read an expression.

        Raises
        ------
        ConfigError
            ``constraint/unreadable`` with the position where reading stopped.
        """
        body = parse(text)
        return cls(text, sort_of(body), tuple(dict.fromkeys(body.names)), body)

    @classmethod
    def unique(cls, *names: str) -> Constraint:
        """Return the rule that no two rows agree in all of these columns."""
        return cls.parse(f"unique({_listed(names)})")

    @classmethod
    def combination(cls, *names: str) -> Constraint:
        """Return the rule that only combinations of train occur."""
        return cls.parse(f"combination({_listed(names)})")

    @classmethod
    def inside(cls, lower: str, upper: str) -> Constraint:
        """Return the rule that each value of `lower` belongs to one value of `upper`: a district to a city."""
        return cls.parse(f"{quoted(lower)} in {quoted(upper)}")

    @classmethod
    def between(cls, name: str, low: float | str, high: float | str, *, when: str = "") -> Constraint:
        """Return the rule that a column stays between two numbers (or dates as text), where `when` holds."""
        ends = [text_literal(e) if isinstance(e, str) else f"{e!r}" for e in (low, high)]
        return cls.parse(f"{quoted(name)} between {ends[0]} and {ends[1]}" + (f" if {when}" if when else ""))

    @classmethod
    def range_by(cls, name: str, *by: str) -> Constraint:
        """Return the rule that a number stays in the range that train has for its group."""
        return cls.parse(f"range({quoted(name)}) by {_listed(by)}")

    @classmethod
    def matches(cls, name: str, pattern: str) -> Constraint:
        """Return the rule that the whole text of a value fits a regular expression."""
        return cls.parse(f"{quoted(name)} matches {text_literal(pattern)}")

    @classmethod
    def among(cls, name: str, values: Sequence[str | float]) -> Constraint:
        """Return the rule that a column takes one of these levels or numbers."""
        listed = ", ".join(text_literal(v) if isinstance(v, str) else f"{v!r}" for v in values)
        return cls.parse(f"{quoted(name)} in ({listed})")

    @classmethod
    def own(cls, title: str, function: Predicate, fields: Sequence[str]) -> Constraint:
        """Return a rule of your own.

        Parameters
        ----------
        title
            What it says, in a few words; it stands in reports and errors.
        function
            Gets a frame of the named columns and returns a boolean for each row; it must be vectorised, and its answer
            for a row must not depend on other rows.
        fields
            Columns it reads.

        Notes
        -----
        No file holds code: a saved model or schema keeps the title alone. Add the rule again after loading
        (``model.with_rules(add=[rule])``); until then the loaded model refuses to draw.
        """
        made = cls.parse(f"own({text_literal(title)}, {_listed(fields)})")
        assert isinstance(made.body, Own)
        return replace(made, body=replace(made.body, function=function))

    @property
    def checkable(self) -> bool:
        """Whether rows can be checked: an own rule that came out of a file has no function."""
        return not isinstance(self.body, Own) or self.body.function is not None

    def holds(self, frame: pd.DataFrame, reference: pd.DataFrame | None = None) -> npt.NDArray[np.bool_]:
        """Return for each row whether it keeps the rule; rows with a missing value in play keep it.

        Parameters
        ----------
        frame
            Canonical columns.
        reference
            Rows that define what is allowed, for ``in``, ``combination`` and ``range`` (train); `frame` itself if
            absent.

        Raises
        ------
        ConfigError
            ``constraint/function-absent`` for an own rule that came out of a file, ``constraint/bad-answer``,
            ``constraint/no-order`` or ``constraint/not-a-date``.
        """
        return check(self.body, frame, reference)


def as_constraint(rule: Constraint | str) -> Constraint:
    """Return a rule, given as itself or as its text."""
    return rule if isinstance(rule, Constraint) else Constraint.parse(rule)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(quoted(n) for n in names)


__all__ = ["Constraint", "Predicate", "as_constraint"]
