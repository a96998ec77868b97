"""Torch when it is there, its remedy when it is not, one thread for its arithmetic, and the device a run asks for."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from synthproof.core.errors import MissingExtraError, UsageError
from synthproof.core.run import processes

_lock = threading.Lock()
_inside = 0
_before = 0


def need_torch() -> Any:
    """Return the torch module.

    Raises
    ------
    MissingExtraError
        ``extra/missing``: the extra ``torch`` is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("extra/missing", library="PyTorch", extra="torch") from error
    return torch


def device_for(name: str) -> Any:
    """Return the torch device that ``run.device`` names.

    Raises
    ------
    UsageError
        ``extra/no-gpu``: ``cuda`` was asked for, and this torch sees none.
    """
    torch = need_torch()
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("extra/no-gpu", where=name, library=f"torch {torch.__version__}")
    if name == "cuda" and processes() > 1:  # each of several processes has a GPU of its own
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    return torch.device(name)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Hold torch to one thread in the calling thread: the last digits must not depend on the number of cores.

    Our workers are threads over blocks of rows already. The first to enter notes the number that stood before, the
    last to leave puts it back.
    """
    global _inside, _before
    torch = need_torch()
    with _lock:
        if _inside == 0:
            _before = torch.get_num_threads()
        _inside += 1
    torch.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                torch.set_num_threads(_before)
