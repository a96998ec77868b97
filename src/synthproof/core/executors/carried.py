"""How a call travels to another process of ours and its result back.

This is the one place where objects are pickled, and only in memory, between processes that we started for one job:
nothing pickled is ever read from or written to a file. Cloudpickle carries closures as well.

A function often drags a whole table along, so that it is packed once for a job and unpacked once a process; what
arrives is the process's own copy, writable like the original.
"""

from __future__ import annotations

import pickle
import threading
import traceback
from collections.abc import Callable
from functools import cache
from typing import Any

import cloudpickle

_lock = threading.Lock()
_held: tuple[str, Callable[[Any], Any]] | None = None


def packed(thing: object) -> bytes:
    """Return an object as bytes, arrays within."""
    data: bytes = cloudpickle.dumps(thing, protocol=5)
    return data


def unpacked(data: bytes) -> Any:
    """Return the object that `packed` packed."""
    return pickle.loads(data)  # noqa: S301  (bytes of a process that we started)


def answer(key: str, function: Callable[[], bytes], item: bytes) -> bytes:
    """Call a packed function in this process; return the packed outcome, to be read by `opened`.

    Parameters
    ----------
    key
        Tells one function from another; the last one is kept unpacked.
    function
        Brings the packed function; asked only when it is not the one kept.
    item
        The packed item.
    """
    try:
        return packed((True, _function(key, function)(unpacked(item))))
    except Exception as error:  # noqa: BLE001 - it is raised again where the work was asked for
        return _packed_error(error)


def hold(key: str, function: bytes) -> None:
    """Unpack a function in this process and keep it."""
    _function(key, lambda: function)


def holds(key: str) -> bool:
    """Return whether this process keeps a function unpacked."""
    return _held is not None and _held[0] == key


def opened(outcome: bytes) -> Any:
    """Return the result of a call, or raise what the call raised."""
    good, found = unpacked(outcome)
    if not good:
        raise found
    return found


def _function(key: str, function: Callable[[], bytes]) -> Callable[[Any], Any]:
    global _held
    with _lock:
        if _held is None or _held[0] != key:
            _held = None  # never two tables at once
            _held = key, unpacked(function())
        return _held[1]


def _packed_error(error: Exception) -> bytes:
    # Lines of code only: the error's own text, which may quote a cell, travels in the error itself.
    trace = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
    error.add_note(f"in a worker:\n{trace}")
    try:
        data = packed((False, error))
        unpacked(data)
    except Exception:  # noqa: BLE001 - an error that cannot travel is told by its kind
        return packed((False, RuntimeError(f"{type(error).__name__} in a worker")))
    return data


@cache
def settle_process() -> None:
    """Make this process a worker: one thread for linear algebra, as where the work was asked for (`engines.threads`)."""
    import numpy as np  # noqa: F401  (a library must be loaded before it can be held)
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1, user_api="blas")


__all__ = ["answer", "hold", "holds", "opened", "packed", "settle_process", "unpacked"]
