"""Runs that are stopped on purpose, and the check that a stopped fit leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from synthproof.core.errors import Cancelled, NotFittedError
from synthproof.core.run import Event, Run


def stopping(after: int) -> Run:
    """Return a run that is cancelled once it has ticked `after` times."""
    seen = 0

    def on_event(_: Event) -> None:
        nonlocal seen
        if seen >= after:
            run.cancel()
        seen += 1

    run = Run(on_event, workers=1)
    return run


def leaves_nothing(new: Callable[[], Any], data: Any, at: Callable[[int], Iterable[int]]) -> None:
    """A cancelled fit leaves the object unfitted, whenever it is cancelled.

    Parameters
    ----------
    new
        Makes an unfitted synthesizer.
    at
        From the number of ticks of a whole fit to those after which it is stopped.
    """
    ticks: list[Event] = []
    new().fit(data, run=Run(ticks.append, workers=1))
    assert ticks, "fit must report progress, or nobody can stop it"
    for stop in sorted(set(at(len(ticks)))):
        made = new()
        try:
            made.fit(data, run=stopping(stop))
        except Cancelled:
            pass
        else:
            raise AssertionError("fit went on after cancel")
        try:
            made.sample(3, seed=1)
        except NotFittedError:
            continue
        raise AssertionError("a cancelled fit left something behind")


__all__ = ["leaves_nothing", "stopping"]
