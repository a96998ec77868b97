"""What adapters of safety tools share. Runs in the tools' own environments: nothing of ours, any pandas."""

import argparse
import contextlib
import json
import os
import resource
import sys
import time
import warnings
from importlib.metadata import version

import pandas as pd


def tables():
    """Return train, holdout and synthetic as data frames, and the options of the command."""
    ap = argparse.ArgumentParser()
    ap.add_argument("--folder", required=True)
    ap.add_argument("--options", default="{}")
    a = ap.parse_args()
    warnings.simplefilter("ignore")
    parts = [pd.read_parquet(os.path.join(a.folder, f"{n}.parquet")) for n in ("train", "holdout", "synthetic")]
    return (*parts, json.loads(a.options))


def timed(work):
    """Return what the work returned, with CPU and wall seconds of this process and its children; it may not print."""
    with contextlib.redirect_stdout(sys.stderr):
        wall, cpu = time.perf_counter(), clocks()
        found = work()
        return found, {"cpu_s": round(clocks() - cpu, 3), "wall_s": round(time.perf_counter() - wall, 3)}


def clocks():
    """CPU seconds of this process and of children that ended."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def told(package, **what):
    """Print the one line that is read."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"version": f"{package} {version(package)}", "peak_mib": round(peak), **what}), flush=True)
    os._exit(0)
