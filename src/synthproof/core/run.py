"""The running job: progress, cancelling, workers and device, passed explicitly to whatever takes time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from synthproof.core.errors import Cancelled

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
        Number of threads or processes `map` may use; ``None`` takes the cores this process may run on.
    executor
        ``"threads"`` (default), ``"processes"`` or ``"serial"``. The result never depends on it.
    device
        ``"cpu"`` or ``"cuda"``; ``"auto"`` is resolved here, once, and recorded in `device`.
    """

    def __init__(
        self,
        on_event: Callable[[Event], None] | None = None,
        *,
        workers: int | None = None,
        executor: Literal["threads", "processes", "serial"] = "threads",
        device: Literal["auto", "cpu", "cuda"] = "cpu",
    ) -> None:
        self._on_event = on_event
        self._cancel = threading.Event()
        self.workers = workers or available_cores()
        self.executor = executor
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
        if self.executor == "serial" or self.workers == 1 or len(work) < 2:
            return [fn(x) for x in self.each(work, task)]
        pool_type = ThreadPoolExecutor if self.executor == "threads" else ProcessPoolExecutor
        with pool_type(self.workers) as pool:
            futures = [pool.submit(fn, x) for x in work]
            try:
                self._watch(futures, task)
            except Exception:
                for f in futures:
                    f.cancel()
                raise
            return [f.result() for f in futures]

    def _watch(self, futures: list[Future[B]], task: str) -> None:
        pending: set[Future[B]] = set(futures)
        while pending:
            self.tick(task, len(futures) - len(pending), len(futures))
            done, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            for f in done:
                f.result()
        self.tick(task, len(futures), len(futures))


def available_cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def _resolve(device: str) -> str:
    if device != "auto":
        return device
    import importlib.util
    import sys

    # Torch is asked only when somebody already uses it: looking for a GPU must not cost seconds of import.
    if "torch" in sys.modules and importlib.util.find_spec("torch"):
        torch = sys.modules["torch"]
        return "cuda" if torch.cuda.is_available() else "cpu"
    return "cpu"


def quiet(run: Run | None) -> Run:
    """Return `run`, or a silent one: the first line of every function with an optional run."""
    return run if run is not None else Run()
