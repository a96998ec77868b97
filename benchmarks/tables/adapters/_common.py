"""What adapters share. Runs in the peers' environments: Python 3.11, any pandas from 1.5 on, nothing of ours.

An adapter gives ``fit(train, options) -> model`` and ``sample(model, n, options) -> DataFrame`` and calls `run`, which
reads the table, takes the times, writes the synthetic table with the training table's types, and prints one JSON line.
``options`` are the ``--param`` pairs, and ``seed``.
"""

import argparse
import contextlib
import json
import os
import resource
import sys
import time
from importlib.metadata import version

import pandas as pd

GAP = "(missing)"  # the level that stands for a missing one where a package refuses those


def run(fit, sample, package, prepare=None):
    """Run one cell; `prepare(options)` is what belongs to importing and is not timed."""
    ap = argparse.ArgumentParser()
    ap.add_argument("--train", required=True)
    ap.add_argument("--n", type=int, required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--seed", type=int, required=True)
    ap.add_argument("--param", action="append", default=[])
    a = ap.parse_args()
    options = {**dict(read_param(p) for p in a.param), "seed": a.seed}
    train = pd.read_parquet(a.train)
    if prepare is not None:
        prepare(options)
    with contextlib.redirect_stdout(sys.stderr):  # packages talk; stdout holds the one line
        marks = [clocks()]
        model = fit(train, options)
        marks.append(clocks())
        drawn = sample(model, a.n, options)
        marks.append(clocks())
    typed(drawn, train).to_parquet(a.out)
    cost = {}
    for name, before, after in zip(("fit", "sample"), marks, marks[1:], strict=False):
        cost[name + "_wall_s"] = round(after[0] - before[0], 3)
        cost[name + "_cpu_s"] = round(after[1] - before[1], 3)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cost["peak_mib"] = round(peak / 1024)
    print(json.dumps({"cost": cost, "version": package + " " + version(package), "rows": len(drawn)}), flush=True)
    os._exit(0)  # some packages leave threads or temporary folders behind that hang an ordinary exit


def read_param(text):
    name, _, value = text.partition("=")
    with contextlib.suppress(ValueError):
        value = json.loads(value)
    return name, value


def clocks():
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(u.ru_utime + u.ru_stime for u in usage)


def numeric(column):
    return pd.api.types.is_numeric_dtype(column) and column.dtype != bool


def typed(drawn, train):
    """Return the drawn table with train's columns; whole numbers stay whole where none is missing."""
    out = {}
    for name in train.columns:
        values = drawn[name].reset_index(drop=True)
        if numeric(train[name]):
            values = pd.to_numeric(values, errors="coerce").astype("float64")
            if train[name].dtype.kind in "iu" and values.notna().all():
                values = values.round().astype("int64")
        else:
            values = values.astype("object").where(values.notna(), None)
            values = values.map(lambda v: v if v is None else str(v))
        out[name] = values
    return pd.DataFrame(out)


def gaps_as_level(frame):
    out = frame.copy()
    for name in out.columns:
        if not numeric(out[name]):
            out[name] = out[name].astype("object").where(out[name].notna(), GAP).astype(str)
    return out


def level_as_gaps(frame):
    out = frame.copy()
    for name in out.columns:
        if not numeric(out[name]):
            text = out[name].astype("object")
            out[name] = text.where(text != GAP, None)
    return out
