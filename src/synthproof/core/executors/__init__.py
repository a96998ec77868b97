"""Where the calls of a job run: this thread, threads, processes, or a Ray cluster. The results never depend on it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

from synthproof.core.errors import UsageError, did_you_mean

KNOWN = ("threads", "processes", "serial", "ray")
"""Names of executors; ``ray://HOST:PORT`` names a cluster."""

Ended: TypeAlias = Generator[tuple[int, Any] | None, None, None]


@runtime_checkable
class Executor(Protocol):
    """Runs calls of one function side by side.

    `finished` yields (position of the item, result) of each call as it ends, in any order, and ``None`` at least every
    half second while none does, so that the caller can tick. It raises what a call raised. Closing the generator
    cancels the calls that have not begun, and returns when none is left running.
    """

    def finished(self, fn: Callable[[Any], Any], items: Sequence[Any], /) -> Ended:
        """Run ``fn(item)`` for every item."""
        ...

    def close(self) -> None:
        """Let go of workers that wait for more work."""
        ...


def make_executor(name: str, workers: int | None, cores: int) -> Executor:
    """Return the executor of a name.

    Parameters
    ----------
    name
        One of `KNOWN`, or ``ray://HOST:PORT``.
    workers
        Calls side by side; ``None`` takes `cores`, or all cores of the cluster.

    Raises
    ------
    UsageError
        ``run/unknown-executor``, ``run/bad-workers``.
    """
    if workers is not None and workers < 1:
        raise UsageError("run/bad-workers", n=workers)
    if name == "ray" or name.startswith("ray://"):
        from synthproof.core.executors.cluster import RayCluster

        return RayCluster(name, workers)
    if name not in KNOWN:
        raise UsageError("run/unknown-executor", name=name, hint=did_you_mean(name, KNOWN), known=", ".join(KNOWN))
    from synthproof.core.executors.local import Processes, Serial, Threads

    n = workers or cores
    if name == "serial" or n == 1:
        return Serial()
    return Threads(n) if name == "threads" else Processes(n)


__all__ = ["KNOWN", "Ended", "Executor", "make_executor"]
