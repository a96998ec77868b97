"""What holds for a protection of any modality."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from synthproof.core.contracts import Protection
from synthproof.core.errors import NotFittedError


def check_protocol(make: Callable[[], Any], train: Any) -> None:
    """It has fit, transform and receipt; fit returns the object."""
    protection = make()
    assert isinstance(protection, Protection)
    assert protection.fit(train) is protection, "fit must return the object itself"


def check_unfitted(make: Callable[[], Any], train: Any) -> None:
    """Asked before fit, transform and receipt raise `NotFittedError`."""
    for call in ("transform", "receipt"):
        protection = make()
        try:
            protection.transform(train) if call == "transform" else protection.receipt()
        except NotFittedError:
            continue
        raise AssertionError(f"{call} of an unfitted protection must raise NotFittedError")


__all__ = ["check_protocol", "check_unfitted"]
