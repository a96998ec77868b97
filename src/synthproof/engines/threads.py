"""One thread for numerical libraries: the same bits on any machine, and no cores burnt in waiting.

Our workers are threads over rows, columns or repeats. A linear-algebra library that starts threads of its own beneath
them gains nothing on our tall, narrow products, spins on busy cores (measured: 15 times the CPU seconds for the
simulated pMSE limits on a loaded machine with two cores), and splits its sums by the number of cores, so that the last
digits depend on the machine.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from typing import Any

_lock = threading.Lock()
_held = ExitStack()
_inside = 0


@cache
def _libraries() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread within the block, for the whole process; the former number is put back after it.

    Also a decorator. The setting belongs to the process, so the first to enter makes it and the last to leave undoes
    it, whichever threads they run in; nested use costs a microsecond.
    """
    global _inside
    with _lock:
        if _inside == 0:
            _held.enter_context(_libraries().limit(limits=1, user_api="blas"))
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _held.close()


def one_openmp_thread() -> AbstractContextManager[Any]:
    """Hold OpenMP to one thread in the calling thread alone."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(1, user_api="openmp")
    return limits
