"""The running job: progress, cancelling, workers and device, passed explicitly to whatever takes time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Literal, Self, TypeVar, cast

from synthproof.core.errors import Cancelled
from synthproof.core.executors import Executor, make_executor

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Event:
    """One report of progress: task name, units done, units in all, and plain facts."""

    task: str
    done: int
    total: int
    facts: Mapping[str, object] = field(default_factory=dict)


class Run:
    """What a long job needs from its surroundings.

    Parameters
    ----------
    on_event
        Called with every `Event`; faces draw their bars from it. May be called from worker threads.
    workers
        Calls that `map` makes side by side; ``None`` takes the cores this process may run on, or those of the cluster.
    executor
        ``"threads"`` (default), ``"processes"``, ``"serial"``, ``"ray"`` (the cluster of ``RAY_ADDRESS``, else one of
        this machine's own) or ``"ray://HOST:PORT"``; or an `Executor`. The result never depends on it.
    device
        ``"cpu"`` or ``"cuda"``; ``"auto"`` is resolved here, once, and recorded in `device`.

    Raises
    ------
    UsageError
        ``run/unknown-executor``, ``run/bad-workers``.

    Notes
    -----
    Worker processes and clusters are started at the first `map` and kept; `close`, or a ``with`` block, ends them.
    """

    def __init__(
        self,
        on_event: Callable[[Event], None] | None = None,
        *,
        workers: int | None = None,
        executor: str | Executor = "threads",
        device: Literal["auto", "cpu", "cuda"] = "cpu",
    ) -> None:
        self._on_event = on_event
        self._cancel = threading.Event()
        self.workers = available_cores() if workers is None else workers
        self._executor = make_executor(executor, workers, self.workers) if isinstance(executor, str) else executor
        self.device = _resolve(device)

    def tick(self, task: str, done: int, total: int, /, **facts: object) -> None:
        """Report progress. This is always a cancel point: it raises `Cancelled` after `cancel`."""
        if self._cancel.is_set():
            raise Cancelled("run/cancelled", task=task)
        if self._on_event is not None:
            self._on_event(Event(task, done, total, facts))

    def cancel(self) -> None:
        """Ask the job to stop at its next tick."""
        self._cancel.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancel.is_set()

    def each(self, items: Sequence[A], task: str) -> Iterator[A]:
        """Yield the items, ticking once for each."""
        for i, item in enumerate(items):
            self.tick(task, i, len(items))
            yield item
        self.tick(task, len(items), len(items))

    def map(self, fn: Callable[[A], B], items: Iterable[A], task: str = "map") -> list[B]:
        """Return ``[fn(x) for x in items]`` in order, on as many workers as the run has.

        `fn` must depend on its item alone; then the result is the same for every executor.
        """
        work = list(items)
        out: list[B | None] = [None] * len(work)
        done = 0
        self.tick(task, done, len(work))
        executor = self._executor if len(work) > 1 else make_executor("serial", None, 1)
        # closing it, also on `Cancelled`, stops the calls that are still open
        with closing(executor.finished(fn, work)) as ended:
            for found in ended:
                if found is not None:
                    out[found[0]] = found[1]
                    done += 1
                self.tick(task, done, len(work))
        return cast(list[B], out)

    def close(self) -> None:
        """End worker processes, and leave or end the cluster; the run may be used again."""
        self._executor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def available_cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def processes() -> int:
    """Return how many processes do one job together, as ``accelerate launch`` and ``torchrun`` tell them; 1 when alone."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Return whether this process is the one that writes: alone, or the first of several."""
    return processes() == 1 or int(os.environ.get("RANK", "0")) == 0


def _resolve(device: str) -> str:
    if device != "auto":
        return device
    import importlib
    import importlib.util

    # whoever asks for a GPU if there is one waits for torch; nobody else does
    if importlib.util.find_spec("torch") is None:
        return "cpu"
    return "cuda" if importlib.import_module("torch").cuda.is_available() else "cpu"


def quiet(run: Run | None) -> Run:
    """Return `run`, or a silent one: the first line of every function with an optional run."""
    return run if run is not None else Run()
