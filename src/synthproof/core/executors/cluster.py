"""The executor of many machines: calls as tasks of a Ray cluster.

Calls are pure, so that Ray may make them again: a node that dies takes nothing with it but time. The function, with
whatever table it drags along, is put into the cluster's object store once and unpacked once a worker process.

Every worker compares its libraries with those of the machine that asks; the same versions give the same bytes. Ray
itself is told not to report usage, and a cluster that we start has no dashboard and listens on this machine alone.
"""

from __future__ import annotations

import logging
import os
import platform
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import islice
from typing import Any

from synthproof.core.errors import ExecutorError, MissingExtraError
from synthproof.core.executors import Ended
from synthproof.core.executors.carried import answer, opened, packed, settle_process
from synthproof.core.executors.local import HEARTBEAT

RETRIES = 8
"""How often Ray makes one call again whose worker or node died."""
_AHEAD = 2
_PATIENCE = 5.0  # seconds that cancelled calls have to end by themselves
_COMPARED = ("synthproof", "numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "numba")


class RayCluster:
    """Tasks of a Ray cluster, connected at the first map and until `close`.

    Parameters
    ----------
    address
        ``ray://HOST:PORT`` for a cluster's client port. ``ray`` takes the cluster named by the environment variable
        ``RAY_ADDRESS``, else starts one of this machine's own. A connection that the caller has already made with
        ``ray.init`` is used, and left open.
    workers
        Calls side by side; ``None`` takes all cores of the cluster.

    Raises
    ------
    MissingExtraError
        ``extra/missing`` without Ray.
    """

    def __init__(self, address: str, workers: int | None) -> None:
        if find_spec("ray") is None:  # said before any work is done, not amid it
            raise MissingExtraError("extra/missing", where=address, library="ray", extra="ray")
        self.address = address
        self.workers = workers
        self._lock = threading.Lock()
        self._ray: Any = None
        self._task: Any = None
        self._own = False

    def finished(self, fn: Callable[[Any], Any], items: Sequence[Any], /) -> Ended:
        """Run ``fn(item)`` for every item; what a dead node was working on is made again.

        Raises
        ------
        ExecutorError
            ``run/no-cluster``, ``run/other-versions``, ``run/workers-lost``.
        """
        ray, task = self._connected()
        key, data, here = secrets.token_hex(8), packed(fn), versions()
        with self._reached(ray):
            function, most = ray.put(data), self._most(ray)
        waiting = iter(enumerate(items))
        places: dict[Any, int] = {}
        try:
            while True:
                for i, item in islice(waiting, max(0, most - len(places))):
                    parcel = packed(item)
                    with self._reached(ray):
                        # within a list the reference arrives as it is: the bytes are fetched only where they are needed
                        places[task.remote(key, [function], parcel, here)] = i
                if not places:
                    return
                with self._reached(ray):
                    done, _ = ray.wait(list(places), num_returns=1, timeout=HEARTBEAT)
                    if not done:
                        most = self._most(ray)
                if not done:
                    yield None
                for ref in done:
                    yield places.pop(ref), opened(self._brought(ray, ref))
        finally:
            self._stop(ray, list(places))

    def close(self) -> None:
        """Leave the cluster, or end the one that we started."""
        with self._lock:
            if self._own and self._ray is not None:
                self._ray.shutdown()
            self._ray = self._task = None
            self._own = False

    # Ray --------------------------------------------------------------------------------------------------------

    def _connected(self) -> tuple[Any, Any]:
        with self._lock:
            if self._ray is None:
                address = self.address if self.address != "ray" else os.environ.get("RAY_ADDRESS", "")
                _settle_ray(local=address in ("", "local"))
                import ray

                if not ray.is_initialized():
                    try:
                        ray.init(**self._options(address))
                    except Exception as error:  # Ray has no common class for what can go wrong here
                        reason = type(error).__name__
                        raise ExecutorError("run/no-cluster", where=self.address, reason=reason) from error
                    self._own = True
                self._ray = ray
                self._task = ray.remote(num_cpus=1, max_retries=RETRIES)(_answer)
            return self._ray, self._task

    def _options(self, address: str) -> dict[str, Any]:
        quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
        if address not in ("", "local"):
            return {"address": address, **quiet}
        from synthproof.core.run import available_cores

        cores = self.workers or available_cores()
        return {"address": "local", "num_cpus": cores, "include_dashboard": False, **quiet}

    def _most(self, ray: Any) -> int:
        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        return self.workers or _AHEAD * cores

    @contextmanager
    def _reached(self, ray: Any) -> Iterator[None]:
        try:
            yield
        except (ray.exceptions.RayError, ConnectionError) as error:
            raise ExecutorError("run/no-cluster", where=self.address, reason=type(error).__name__) from error

    def _brought(self, ray: Any, ref: Any) -> bytes:
        try:
            outcome: bytes = ray.get(ref)
        except ray.exceptions.RayTaskError as error:
            # `_answer` itself raises nothing: the node could not even load it
            raise _other_versions("synthproof", type(error.cause).__name__, versions()["synthproof"]) from None
        except (ray.exceptions.RayError, ConnectionError) as error:
            raise ExecutorError("run/workers-lost", where=self.address, n=RETRIES + 1) from error
        return outcome

    def _stop(self, ray: Any, open_: list[Any]) -> None:
        """Cancel calls and wait until none is left: first by an interrupt, then by ending their workers."""
        for force in (False, True):
            if not open_ or not ray.is_initialized():
                return
            with suppress(ray.exceptions.RayError, ConnectionError):  # a cluster that is gone has nothing to cancel
                for ref in open_:
                    ray.cancel(ref, force=force)
                _, open_ = ray.wait(open_, num_returns=len(open_), timeout=_PATIENCE)


def _settle_ray(*, local: bool) -> None:
    """Tell Ray, before it is imported, to keep to itself."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else Ray warns of its next version
    if local:
        # Despite its name Ray reads it on Linux too: this machine is then 127.0.0.1, and nothing listens elsewhere.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"


def _answer(key: str, function: list[Any], item: bytes, there: Mapping[str, str]) -> bytes:
    """Make one call in a worker of the cluster."""
    import ray

    for library, wanted in there.items():
        if versions()[library] != wanted:
            return packed((False, _other_versions(library, versions()[library], wanted)))
    settle_process()
    return answer(key, lambda: ray.get(function[0]), item)


@cache
def versions() -> dict[str, str]:
    """Return the versions on which the last digits of a result may depend."""
    found = {"Python": ".".join(platform.python_version_tuple()[:2])}
    for name in _COMPARED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "-"
    return found


def _other_versions(library: str, there: str, here: str) -> ExecutorError:
    return ExecutorError("run/other-versions", where=platform.node(), library=library, there=there, here=here)


__all__ = ["RETRIES", "RayCluster", "versions"]
