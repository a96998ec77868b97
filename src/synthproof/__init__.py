"""Synthetic data with proof: generate, judge, and carry it through an institution's review."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "Purpose": "synthproof.core.schema",
    "Schema": "synthproof.core.schema",
    "SynthproofError": "synthproof.core.errors",
    "judge": "synthproof.pipeline.face",
    "load": "synthproof.pipeline.face",
    "policy": "synthproof.pipeline.face",
    "protect": "synthproof.pipeline.face",
    "read": "synthproof.pipeline.face",
    "report": "synthproof.pipeline.face",
    "split": "synthproof.pipeline.face",
    "synthesizer": "synthproof.pipeline.face",
    "verify": "synthproof.pipeline.face",
}

__all__ = [
    "Purpose",
    "Schema",
    "SynthproofError",
    "judge",
    "load",
    "policy",
    "protect",
    "read",
    "report",
    "split",
    "synthesizer",
    "verify",
]

if TYPE_CHECKING:
    from synthproof.core.errors import SynthproofError
    from synthproof.core.schema import Purpose, Schema
    from synthproof.pipeline.face import (
        judge,
        load,
        policy,
        protect,
        read,
        report,
        split,
        synthesizer,
        verify,
    )


class _Face(ModuleType):
    """The package, whose verbs keep their names: `sp.verify` stays the function when ``synthproof.verify`` is imported.

    Python hangs every imported subpackage on its parent; three of them are named like the verb that opens them.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PUBLIC and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face


def __getattr__(name: str) -> Any:
    """Import a public name where it is first used: `import synthproof` stays light."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'synthproof' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
