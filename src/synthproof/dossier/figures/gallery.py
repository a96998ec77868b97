"""Which pictures a proof's evidence can show."""

from __future__ import annotations

from typing import Any

from synthproof.verify.proof import Proof


def gallery(proof: Proof) -> list[dict[str, Any]]:
    """Return one entry per picture that the evidence carries the aggregates for."""
    return []
