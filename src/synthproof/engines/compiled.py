"""Compiling of inner loops, in one place: on first use, kept on disk where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(*, fastmath: bool | set[str] = False) -> Callable[[Any], Any]:
    """Return a decorator that compiles a function with numba; it releases the interpreter lock.

    Parameters
    ----------
    fastmath
        What the compiler may assume of numbers. ``True`` and ``"nnan"`` remove tests for NaN: only for loops that never
        see one.
    """

    def compile_(function: Any) -> Any:
        try:
            return numba.njit(nogil=True, cache=True, fastmath=fastmath)(function)
        except RuntimeError:  # no writable place for the compiler's cache (read-only installation)
            return numba.njit(nogil=True, fastmath=fastmath)(function)

    return compile_
