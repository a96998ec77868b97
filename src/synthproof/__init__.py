"""Synthetic data with proof: generate, judge, and carry it through an institution's review."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "Purpose": "synthproof.core.schema",
    "Run": "synthproof.core.run",
    "Schema": "synthproof.core.schema",
    "SynthproofError": "synthproof.core.errors",
    "judge": "synthproof.pipeline.face",
    "load": "synthproof.pipeline.face",
    "protect": "synthproof.pipeline.face",
    "read": "synthproof.pipeline.face",
    "report": "synthproof.pipeline.face",
    "split": "synthproof.pipeline.face",
    "synthesizer": "synthproof.pipeline.face",
    "verify": "synthproof.pipeline.face",
}

__all__ = [
    "Purpose",
    "Run",
    "Schema",
    "SynthproofError",
    "judge",
    "load",
    "protect",
    "read",
    "report",
    "split",
    "synthesizer",
    "verify",
]

if TYPE_CHECKING:
    from synthproof.core.errors import SynthproofError
    from synthproof.core.run import Run
    from synthproof.core.schema import Purpose, Schema
    from synthproof.pipeline.face import (
        judge,
        load,
        protect,
        read,
        report,
        split,
        synthesizer,
        verify,
    )


def __getattr__(name: str) -> Any:
    """Import a public name where it is first used: `import synthproof` stays light."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'synthproof' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
