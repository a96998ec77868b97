"""One scorer for every generator: `score(train, holdout, synthetic, target)`.

    python benchmarks/tables/scorer.py --train T.parquet --holdout H.parquet --synth S.parquet --target COLUMN

Independent of synthproof's own metrics, and equal to the bench judge that the project was given
(`tests/unit/benchmarks/test_table_scorer.py` compares them figure by figure). Train and holdout are equal random halves
of one table; the synthetic table has as many rows as train. What is measured:

shape_err, trend_err, tri_err
    %, against train: single columns, pairs, 60 triples (`fidelity.py`).
c2st_auc_holdout, c2st_auc
    AUC of LightGBM telling synthetic rows from real ones, out of fold; real = unseen rows only, or half train and half
    unseen. 0.5: not to be told apart. A generator that copies its training rows fools the second, not the first.
tstr, trtr
    Boosted trees trained on synthetic (real) rows, tested on the holdout: AUC, or R² for a number. Rows whose number to
    predict is missing are left out (the judge cannot score such sets).
dcr_share
    % of synthetic rows nearer to train than to the holdout (Gower's distance, every row, ties half); 50: no memory.
mia_auc, mia_auc_nearest
    AUC of an attacker telling train rows from unseen ones: by the ratio of the distances to a reference half of the
    holdout and to the synthetic rows (DOMIAS, van Breugel et al. 2023, arXiv:2302.12580); by nearness alone. 0.5: none.
dcr_median_ratio
    Median distance to train, of synthetic rows over holdout rows; under 1: closer than fresh real rows.
copies, copies_holdout
    % of rows that equal a train row; of the synthetic table, and of the holdout (chance).
missing_err, category_coverage, rare_coverage, range_coverage
    Missing rates in points; % of levels, of levels under 1 %, of numbers' ranges that are reached.
rules, rules_broken
    "This column determines that one" kept exactly by train: how many, and % of rows that break any.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from coding import Book, Coded, code
from fidelity import broken_rules, coverage, missing_error, shape_error, trend_error, triple_error
from intervals import auc, auc_and_error, bootstrap_error
from learned import drawn, mixed_real, prediction, told_apart
from nearness import nearest

_EPS = 1e-3  # added to both distances of the density ratio
Scores = dict[str, Any]


def score(
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    synthetic: pd.DataFrame,
    target: str,
    *,
    real_side: Scores | None = None,
    bootstrap: bool = False,
) -> Scores:
    """Return every figure, ``errors`` (standard errors within this cell, where they are known) and ``score_cpu_s``.

    Parameters
    ----------
    real_side
        What `real_side` gave for the same halves; worked out here when absent.
    bootstrap
        Errors of shape, trend and triples too, by drawing rows again: for small tables.
    """
    started = time.process_time()
    book, a, h, s = code(train, holdout, synthetic)
    errors: dict[str, float] = {}
    rules, broken = broken_rules(book, a, s)
    figures: Scores = {
        "shape_err": shape_error(book, a, s),
        "trend_err": trend_error(book, a, s),
        "tri_err": triple_error(book, a, s),
        "missing_err": missing_error(book, a, s),
        **coverage(book, a, s),
        "rules": rules,
        "rules_broken": broken,
    }
    for name, real in (("c2st_auc", mixed_real(a, h, s.n)), ("c2st_auc_holdout", h)):
        figures[name], errors[name] = auc_and_error(*told_apart(book, real, s))
    figures["tstr"] = prediction(book, s, h, target)
    if real_side is None:
        real_side = measure_real(book, a, h, target)
    figures["trtr"] = real_side["trtr"]
    near, near_errors = _nearness(book, a, h, s, real_side)
    figures |= near | _copies(train, holdout, synthetic)
    errors |= near_errors
    if bootstrap:
        for name, figure in (("shape_err", shape_error), ("trend_err", trend_error), ("tri_err", triple_error)):
            errors[name] = bootstrap_error(lambda i, j, f=figure: f(book, a.rows(i), s.rows(j)), (a.n, s.n))
    figures["errors"] = errors
    figures["score_cpu_s"] = time.process_time() - started
    return figures


def floor(train: pd.DataFrame, holdout: pd.DataFrame, target: str) -> Scores:
    """Return what a fresh real sample of the same size scores: the holdout in the synthetic table's place.

    The two AUCs of telling apart are measured as holdout against train. Nearness and membership of a fresh sample are
    50 % and 0.5 by symmetry; they are stated, not measured.
    """
    book, a, h, s = code(train, holdout, holdout)
    apart, error = auc_and_error(*told_apart(book, a, h))
    rules, broken = broken_rules(book, a, s)
    trtr = prediction(book, a, h, target)
    copies = _copies(train, holdout, holdout)["copies"]
    return {
        "shape_err": shape_error(book, a, s),
        "trend_err": trend_error(book, a, s),
        "tri_err": triple_error(book, a, s),
        "missing_err": missing_error(book, a, s),
        **coverage(book, a, s),
        "rules": rules,
        "rules_broken": broken,
        "c2st_auc": apart,
        "c2st_auc_holdout": apart,
        "tstr": trtr,
        "trtr": trtr,
        "dcr_share": 50.0,
        "dcr_median_ratio": 1.0,
        "mia_auc": 0.5,
        "mia_auc_nearest": 0.5,
        "copies": copies,
        "copies_holdout": copies,
        "errors": {"c2st_auc": error, "c2st_auc_holdout": error},
    }


def real_side(train: pd.DataFrame, holdout: pd.DataFrame, target: str) -> Scores:
    """Return what is the same for every generator on the same halves: distances among real rows, and `trtr`."""
    book, a, h, _ = code(train, holdout, holdout)
    return measure_real(book, a, h, target)


def measure_real(book: Book, train: Coded, holdout: Coded, target: str) -> Scores:
    """Return `real_side` of coded tables."""
    a, h = _paired(train, holdout)
    x, y = book.gower(a), book.gower(h)
    half, k = h.n // 2, len(book.numeric)
    return {
        "trtr": prediction(book, train, holdout, target),
        "holdout_to_train": nearest(y, x, k)[0],
        "train_to_reference": nearest(x, y[:half], k)[0],
        "others_to_reference": nearest(y[half:], y[:half], k)[0],
    }


def _nearness(book: Book, train: Coded, holdout: Coded, synthetic: Coded, real: Scores) -> tuple[Scores, Scores]:
    a, h = _paired(train, holdout)
    s = synthetic.rows(drawn(synthetic.n, min(a.n, synthetic.n), 2))
    x, y, z, k = book.gower(a), book.gower(h), book.gower(s), len(book.numeric)
    to_train, _, train_to = nearest(z, x, k)
    to_holdout, _, holdout_to = nearest(z, y, k)
    nearer = (to_train < to_holdout) + 0.5 * (to_train == to_holdout)
    half = h.n // 2
    member, other = (
        np.log((reference.astype(np.float64) + _EPS) / (found.astype(np.float64) + _EPS))
        for reference, found in (
            (real["train_to_reference"], train_to),
            (real["others_to_reference"], holdout_to[half:]),
        )
    )
    figures: Scores = {
        "dcr_share": 100 * float(nearer.mean()),
        "dcr_median_ratio": float(np.median(to_train) / max(float(np.median(real["holdout_to_train"])), 1e-9)),
        "mia_auc_nearest": auc(-train_to, -holdout_to),
    }
    figures["mia_auc"], error = auc_and_error(member, other)
    return figures, {"dcr_share": 100 * float(nearer.std(ddof=1) / np.sqrt(len(nearer))), "mia_auc": error}


def _paired(train: Coded, holdout: Coded) -> tuple[Coded, Coded]:
    """As many rows of each, in a drawn order: the reference half of the holdout is its first half in that order."""
    k = min(train.n, holdout.n)
    return train.rows(drawn(train.n, k, 2)), holdout.rows(drawn(holdout.n, k, 2))


def _copies(train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame) -> Scores:
    names = list(train.columns)
    frames = [train, holdout, synthetic[names]]
    numeric = [c for c in names if all(pd.api.types.is_numeric_dtype(f[c]) and f[c].dtype != bool for f in frames)]
    plain = [
        pd.DataFrame(
            {
                c: f[c].astype("float64") if c in numeric else np.where(f[c].isna(), "\x00missing", f[c].astype(str))
                for c in names
            }
        )
        for f in frames
    ]
    hashes: list[npt.NDArray[np.uint64]] = [pd.util.hash_pandas_object(f, index=False).to_numpy() for f in plain]
    known = np.unique(hashes[0])
    return {
        "copies": 100 * float(np.isin(hashes[2], known).mean()),
        "copies_holdout": 100 * float(np.isin(hashes[1], known).mean()),
    }


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--train", "--holdout", "--synth", "--target"):
        ap.add_argument(name, required=True)
    a = ap.parse_args()
    print(json.dumps(score(*(pd.read_parquet(p) for p in (a.train, a.holdout, a.synth)), a.target)))


if __name__ == "__main__":
    main()
