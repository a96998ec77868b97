"""Figures that need a learner: telling synthetic from real rows, and predicting the target after training on either."""

from __future__ import annotations

import os
import warnings

import numpy as np
import numpy.typing as npt
import pandas as pd
from coding import Book, Coded, FloatArray
from intervals import auc

THREADS = int(os.environ.get("BENCH_THREADS", "1"))
_FOLDS = 5
_WIDE = 250  # levels beyond which the predictor takes a code as a number


def told_apart(book: Book, real: Coded, other: Coded) -> tuple[FloatArray, FloatArray]:
    """Return out-of-fold scores of LightGBM asked which rows are synthetic: (of the other table's rows, of the real ones).

    100 trees of 31 leaves at rate 0.1, levels as categories, five stratified folds, as many rows of each side.
    """
    import lightgbm
    from sklearn.model_selection import StratifiedKFold

    n = min(real.n, other.n)
    x = np.vstack([t.rows(_drawn(t.n, n, 0)).matrix(book.columns) for t in (real, other)])
    y = np.repeat([0.0, 1.0], n)
    levelled = [j for j, c in enumerate(book.columns) if c in book.levels]
    for j in levelled:
        # Categories are numbered among the levels that occur here, as a data frame's would be.
        x[:, j] = np.unique(x[:, j], return_inverse=True)[1]
    scores = np.zeros(2 * n)
    for learn, judge in StratifiedKFold(_FOLDS, shuffle=True, random_state=0).split(x, y):
        model = lightgbm.LGBMClassifier(
            n_estimators=100, num_leaves=31, learning_rate=0.1, random_state=0, n_jobs=THREADS, verbose=-1
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of feature names it gave itself
            model.fit(x[learn], y[learn], categorical_feature=levelled)
            scores[judge] = np.asarray(model.predict_proba(x[judge]))[:, 1]
    return scores[n:], scores[:n]


def mixed_real(train: Coded, holdout: Coded, n: int) -> Coded:
    """Return n real rows, half from each part."""
    a = train.rows(_drawn(train.n, min(train.n, n // 2), 1))
    b = holdout.rows(_drawn(holdout.n, min(holdout.n, n - n // 2), 1))
    return Coded(
        {c: np.concatenate([a.numbers[c], b.numbers[c]]) for c in a.numbers},
        {c: np.concatenate([a.codes[c], b.codes[c]]) for c in a.codes},
        a.n + b.n,
    )


def prediction(book: Book, learn: Coded, judge: Coded, target: str) -> float:
    """Return the score on `judge` of gradient-boosted trees that learned on `learn`.

    Macro one-against-rest AUC for levels (0.5 when only one was learned), R² for numbers.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.metrics import r2_score

    features = [c for c in book.columns if c != target]
    categories = [j for j, c in enumerate(features) if c in book.levels and book.known[c] <= _WIDE]
    x, x_judge = (_features(book, t, features) for t in (learn, judge))
    y, y_judge = learn.values(target), judge.values(target)
    if target in book.numeric:
        known, asked = ~np.isnan(y), ~np.isnan(y_judge)
        regressor = HistGradientBoostingRegressor(categorical_features=categories, random_state=0)
        regressor.fit(x[known], y[known])
        return float(r2_score(y_judge[asked], regressor.predict(x_judge[asked])))
    if len(np.unique(y)) < 2:  # noqa: PLR2004
        return 0.5
    model = HistGradientBoostingClassifier(categorical_features=categories, random_state=0).fit(x, y)
    p = model.predict_proba(x_judge)
    if p.shape[1] == 2:  # noqa: PLR2004
        hit = y_judge == model.classes_[1]
        return auc(p[hit, 1], p[~hit, 1])
    each = []
    for j, level in enumerate(model.classes_):
        hit = y_judge == level
        if 0 < hit.sum() < judge.n:
            each.append(auc(p[hit, j], p[~hit, j]))
    return float(np.mean(each))


def _features(book: Book, table: Coded, features: list[str]) -> FloatArray:
    """Numbers and codes side by side; a level the real rows lack is missing."""
    out = table.matrix(features)
    for j, c in enumerate(features):
        if c in book.levels:
            out[out[:, j] >= book.known[c], j] = np.nan
    return out


def _drawn(n: int, k: int, state: int) -> npt.NDArray[np.intp]:
    """Rows that ``DataFrame.sample(k, random_state=state)`` draws: the judge we agree with draws so."""
    return pd.RangeIndex(n).to_frame(index=False).sample(k, random_state=state).index.to_numpy()


drawn = _drawn
