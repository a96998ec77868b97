"""An executor that shows, in one process, whether work can travel: for contract checks of whatever calls `Run.map`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any

from synthproof.core.executors import Ended
from synthproof.core.executors.carried import answer, opened, packed


class Carried:
    """Packs function, items and results as for another process, and makes the calls in this one, the last item first.

    Work that keeps a lock, a run or an open file in its closure fails here; so does work that leans on the order of its
    calls, or on what an earlier call left behind in the arguments.
    """

    def finished(self, fn: Callable[[Any], Any], items: Sequence[Any], /) -> Ended:
        """Run ``fn(item)`` for every item."""
        key, function = secrets.token_hex(8), packed(fn)
        parcels = [packed(item) for item in items]
        for i in reversed(range(len(parcels))):
            yield i, opened(answer(key, lambda: function, parcels[i]))

    def close(self) -> None:
        """Nothing to let go of."""


__all__ = ["Carried"]
