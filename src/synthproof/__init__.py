"""Synthetic data with proof: generate, judge, and carry it through an institution's review."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "Balancer": "synthproof.balance.balancer",
    "Constraint": "synthproof.core.constraints",
    "How": "synthproof.data.image.io",
    "Purpose": "synthproof.core.schema",
    "Run": "synthproof.core.run",
    "Schema": "synthproof.core.schema",
    "SynthproofError": "synthproof.core.errors",
    "estimate": "synthproof.pipeline.face",
    "check_release": "synthproof.release.check",
    "check_rules": "synthproof.pipeline.face",
    "judge": "synthproof.pipeline.face",
    "learn_rules": "synthproof.pipeline.face",
    "load": "synthproof.pipeline.face",
    "protect": "synthproof.pipeline.face",
    "read": "synthproof.pipeline.face",
    "read_chunks": "synthproof.pipeline.face",
    "report": "synthproof.pipeline.face",
    "sample_to": "synthproof.pipeline.partitions",
    "seal_release": "synthproof.pipeline.releasing",
    "split": "synthproof.pipeline.face",
    "synthesizer": "synthproof.pipeline.face",
    "verify": "synthproof.pipeline.face",
}

__all__ = [
    "Balancer",
    "Constraint",
    "How",
    "Purpose",
    "Run",
    "Schema",
    "SynthproofError",
    "check_release",
    "check_rules",
    "estimate",
    "judge",
    "learn_rules",
    "load",
    "protect",
    "read",
    "read_chunks",
    "report",
    "sample_to",
    "seal_release",
    "split",
    "synthesizer",
    "verify",
]

if TYPE_CHECKING:
    from synthproof.balance.balancer import Balancer
    from synthproof.core.constraints import Constraint
    from synthproof.core.errors import SynthproofError
    from synthproof.core.run import Run
    from synthproof.core.schema import Purpose, Schema
    from synthproof.data.image.io import How
    from synthproof.pipeline.face import (
        check_rules,
        estimate,
        judge,
        learn_rules,
        load,
        protect,
        read,
        read_chunks,
        report,
        split,
        synthesizer,
        verify,
    )
    from synthproof.pipeline.partitions import sample_to
    from synthproof.pipeline.releasing import seal_release
    from synthproof.release.check import check_release


def __getattr__(name: str) -> Any:
    """Import a public name where it is first used: `import synthproof` stays light."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'synthproof' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
