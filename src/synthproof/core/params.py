"""Parameters in scikit-learn's manner, for authors of synthesizers and protections."""

from __future__ import annotations

import inspect
import numbers
from typing import Any, Self

from synthproof.core.errors import ConfigError, did_you_mean


class Params:
    """Give a class ``get_params``, ``set_params`` and a repr from its constructor's signature.

    The constructor must store every keyword under its own name and do nothing else.
    """

    @classmethod
    def param_names(cls) -> tuple[str, ...]:
        """Return the constructor's parameter names, sorted."""
        signature = inspect.signature(cls.__init__)
        return tuple(sorted(p for p in signature.parameters if p != "self"))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name, verbatim."""
        return {name: getattr(self, name) for name in self.param_names()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters; an unknown one is refused with the nearest known name."""
        check_names(type(self), params)
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self).__init__).parameters
        changed = [f"{k}={v!r}" for k, v in self.get_params().items() if repr(v) != repr(defaults[k].default)]
        return f"{type(self).__name__}({', '.join(changed)})"


def check_names(cls: type[Params], params: dict[str, Any]) -> None:
    """Refuse parameters that `cls` does not have, naming the nearest known one."""
    known = cls.param_names()
    for name in params:
        if name not in known:
            raise ConfigError(
                "params/unknown",
                owner=cls.__name__,
                name=name,
                hint=did_you_mean(name, known),
                known=", ".join(known),
            )


def check_range(owner: object, name: str, value: Any, low: float, high: float) -> None:
    """Refuse a number outside [low, high], and what is no number (a project file may hold anything)."""
    numeric = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not numeric or not low <= value <= high:
        raise ConfigError(
            "params/out-of-range",
            owner=type(owner).__name__,
            name=name,
            value=value,
            allowed=f"between {low:g} and {high:g}",
        )


def check_whole(owner: object, name: str, value: Any, low: int, high: int) -> None:
    """Refuse what is no whole number in [low, high]."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not low <= value <= high:
        allowed = f"a whole number between {low:g} and {high:g}"
        raise ConfigError("params/out-of-range", owner=type(owner).__name__, name=name, value=value, allowed=allowed)


def check_choice(owner: object, name: str, value: Any, allowed: tuple[str, ...]) -> None:
    """Refuse what is not one of some words."""
    if value not in allowed:
        raise ConfigError(
            "params/out-of-range", owner=type(owner).__name__, name=name, value=value, allowed=", ".join(allowed)
        )
