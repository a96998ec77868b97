"""One thread for linear algebra: the same bits on any machine, and no cores burnt in waiting.

Our workers are threads over rows, columns or repeats. A linear-algebra library that starts threads of its own beneath
them gains nothing on our tall, narrow products, spins on busy cores (measured: 15 times the CPU seconds for the
simulated pMSE limits on a loaded machine with two cores), and splits its sums by the number of cores, so that the last
digits depend on the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread within the block, for the whole process; the former number is put back after it."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
