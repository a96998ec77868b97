"""Executors of one machine: this thread, a pool of threads, a pool of processes."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from functools import partial
from itertools import islice
from multiprocessing.synchronize import Barrier
from typing import Any

from synthproof.core.errors import ExecutorError
from synthproof.core.executors import Ended
from synthproof.core.executors.carried import answer, hold, holds, opened, packed, settle_process

HEARTBEAT = 0.2
"""Seconds after which a waiting caller may tick."""
AHEAD = 4
"""Calls given out per worker: enough that none waits, few enough that results and items do not pile up."""
SMALL = 1 << 18
"""Bytes of a packed function up to which it travels with every item; a larger one goes to each process once."""
LOSSES = 3
"""Dead worker processes that are replaced in one map; the calls are pure, so the lost ones are made again."""
_PATIENCE = 60.0  # seconds that a process waits for the others


class Serial:
    """One call after the other, in this thread."""

    def finished(self, fn: Callable[[Any], Any], items: Sequence[Any], /) -> Ended:
        """Run ``fn(item)`` for every item."""
        for i, item in enumerate(items):
            yield i, fn(item)

    def close(self) -> None:
        """Nothing to let go of."""


class Threads:
    """Threads of this process; what is compiled or numpy runs side by side."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def finished(self, fn: Callable[[Any], Any], items: Sequence[Any], /) -> Ended:
        """Run ``fn(item)`` for every item."""
        with ThreadPoolExecutor(self.workers) as pool:
            yield from _gathered(lambda item: pool.submit(fn, item), enumerate(items), AHEAD * self.workers)

    def close(self) -> None:
        """Nothing to let go of: the threads end with each map."""


class Processes:
    """Processes of this machine, started at the first map and kept until `close`.

    Notes
    -----
    They are started fresh, not forked: a fork of a process that has used OpenMP hangs. As always with Python's own
    process pools, a script must keep its work under ``if __name__ == "__main__":``.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._gate: Barrier | None = None
        self._spreading = threading.Lock()

    def finished(self, fn: Callable[[Any], Any], items: Sequence[Any], /) -> Ended:
        """Run ``fn(item)`` for every item; what a dead process was working on is made again.

        Raises
        ------
        ExecutorError
            ``run/workers-lost``.
        """
        key, function = secrets.token_hex(8), packed(fn)
        left = dict(enumerate(items))
        losses = 0
        spread = len(function) > SMALL
        while left:
            try:
                pool = self._started()
                if spread:
                    yield from self._spread(pool, key, function)
                submit = partial(_submit, pool, key, None if spread else function)
                with closing(_gathered(submit, list(left.items()), AHEAD * self.workers)) as ended:
                    for found in ended:
                        if found is None:
                            yield None
                        elif found[1] is not None:
                            yield found[0], opened(found[1])
                            del left[found[0]]
                spread = False  # what is left met a process to which another map had given its own function meanwhile
            except BrokenProcessPool:
                self.close()
                losses += 1
                if losses > LOSSES:
                    raise ExecutorError("run/workers-lost", where="processes", n=losses) from None
                spread = len(function) > SMALL

    def _spread(self, pool: ProcessPoolExecutor, key: str, function: bytes) -> Ended:
        """Give a function to every process: each waits with it until all have theirs, so that none takes two."""
        assert self._gate is not None
        with self._spreading:
            self._gate.reset()
            pending = {pool.submit(_take, key, function) for _ in range(self.workers)}
            while pending:
                done, pending = wait(pending, timeout=HEARTBEAT)
                for f in done:
                    f.result()
                yield None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
            context = multiprocessing.get_context(method)
            self._gate = context.Barrier(self.workers)
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=context, initializer=_begin, initargs=(self._gate,)
            )
        return self._pool

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


_gate: Barrier | None = None


def _begin(gate: Barrier) -> None:
    global _gate
    _gate = gate
    # Ctrl-C reaches the whole group of processes; the one that the user sees decides what stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    settle_process()


def _end_with_parent() -> None:
    """End this worker when the process that asked is killed: nobody would come for its results."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _take(key: str, function: bytes) -> None:
    hold(key, function)
    assert _gate is not None
    with suppress(threading.BrokenBarrierError):  # a process that comes too late gets the function with an item
        _gate.wait(_PATIENCE)


def _submit(pool: ProcessPoolExecutor, key: str, function: bytes | None, item: Any) -> Future[bytes | None]:
    return pool.submit(_answer, key, function, packed(item))


def _answer(key: str, function: bytes | None, item: bytes) -> bytes | None:
    """Make one call in a worker process; ``None`` when it lacks the function."""
    if function is None and not holds(key):
        return None
    return answer(key, lambda: function or b"", item)


def _gathered(submit: Callable[[Any], Future[Any]], items: Iterable[tuple[int, Any]], most: int) -> Ended:
    """Yield the results of futures as they end, never more than `most` of them open."""
    waiting: Iterator[tuple[int, Any]] = iter(items)
    places: dict[Future[Any], int] = {}
    try:
        while True:
            for i, item in islice(waiting, most - len(places)):
                places[submit(item)] = i
            if not places:
                return
            done, _ = wait(places, timeout=HEARTBEAT, return_when=FIRST_COMPLETED)
            if not done:
                yield None
            for f in done:
                yield places.pop(f), f.result()
    finally:
        for f in places:
            f.cancel()
        wait(places)


__all__ = ["HEARTBEAT", "Processes", "Serial", "Threads"]
