"""What the stages of a run hand on, and where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthproof.core.schema import Purpose
from synthproof.data.split import Split
from synthproof.pipeline.budget import Plan
from synthproof.verification.proof import Proof


@dataclass
class Load:
    """What the stages hand on, in memory."""

    source: Any = None
    table: Any = None
    purpose: Purpose = field(default_factory=Purpose)
    scan: Mapping[str, Any] = field(default_factory=dict)
    parts: Split[Any] | None = None
    receipts: tuple[Mapping[str, Any], ...] = ()
    notices: tuple[Mapping[str, str], ...] = ()
    model: Any = None
    synthetic: Any = None
    refinements: tuple[Mapping[str, Any], ...] = ()
    plan: Plan | None = None
    proof: Proof | None = None


@dataclass(frozen=True)
class Arrival:
    """Where a run ended: its proof, its folder and what each stage took."""

    proof: Proof
    root: Path
    seconds: Mapping[str, float]
    peak_bytes: int
