"""Does relieving class imbalance help? The study on three real tables, with two learners; about ten minutes of one core.

python benchmarks/balance.py [--again] [--seeds N] [--learner perceptron|trees] [NAME …]

Writes benchmarks/results/balance/NAME-LEARNER.json, one table and learner after the other; what is there already is left as
it is unless --again is given, and a study that was stopped goes on after its last whole seed. The settings of the learners were
chosen on another split of the same tables.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np
import pandas as pd

import synthproof as sp
from _machine import RESULTS, data_dir, environment
from synthproof.balance.learner import LEARNERS
from synthproof.balance.record import record_of, write_record
from synthproof.balance.study import study
from synthproof.balance.task import TableTask
from synthproof.core.random import stream

TABLES = {
    "fraud_ulb_subset": ("fraud", []),
    "shoppers": ("Revenue", []),
    "default_credit": ("default.payment.next.month", ["ID"]),
}
SEED = 20261127
MOST = 12_000  # rows of default_credit, drawn at random: the study is to stay within ten minutes of a core


def main(names: list[str], learners: list[str], *, seeds: int, again: bool) -> None:
    folder = RESULTS / "balance"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        wanted = [n for n in learners if again or not (folder / f"{name}-{n}.json").is_file()]
        if not wanted:
            continue
        target, left_out = TABLES[name]
        frame = pd.read_parquet(data_dir() / name / "data.parquet").drop(columns=left_out)
        if name == "default_credit":
            frame = frame.iloc[np.sort(stream(SEED, "benchmark/rows").permutation(len(frame))[:MOST])]
        table = sp.read(frame, target=target)
        task = TableTask(table, target, holdout=0.4, seed=SEED, params={"learner": "network"})
        task.facts = {**task.facts, "source": name}
        for learner in wanted:
            begun = time.process_time()
            found = study(task, learner=LEARNERS[learner](), seeds=seeds, seed=SEED, kept=folder / "kept")
            record = record_of(found, environment())
            record["cpu_seconds"] = round(time.process_time() - begun, 1)  # of this process: less where it went on
            write_record(record, folder / f"{name}-{learner}.json")
            print(name, learner, record["cpu_seconds"], "CPU s", flush=True)
            for words in record["sentences"]:
                print("  ", words["en"], flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[], metavar="NAME", help=", ".join(TABLES))
    parser.add_argument("--learner", choices=list(LEARNERS), action="append")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--again", action="store_true")
    given = parser.parse_args()
    main(given.names or list(TABLES), given.learner or list(LEARNERS), seeds=given.seeds, again=given.again)
