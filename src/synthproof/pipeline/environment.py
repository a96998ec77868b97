"""Facts of the machine and the libraries, for the record. No host name, user or path."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from synthproof.core.run import available_cores

_LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "numba", "typst")


def environment() -> dict[str, Any]:
    """Return versions and machine facts as JSON values."""
    from synthproof import __version__

    found: dict[str, Any] = {
        "synthproof": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": available_cores(),
    }
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def peak_memory() -> int:
    """Return the most memory this process has held so far, in bytes (0 where the system does not tell)."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) * (1 if sys.platform == "darwin" else 1024)


def now() -> str:
    """Return the current time, ISO 8601 in UTC; ``SOURCE_DATE_EPOCH`` fixes it for repeatable files."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(fixed), UTC) if fixed else datetime.now(UTC)
    return moment.isoformat(timespec="seconds")
