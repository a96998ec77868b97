"""Adversarial random forest of arfpy, its defaults; ``--param num_trees=N``, ``min_node_size``, ``max_iters``."""

import numpy as np
from _common import gaps_as_level, level_as_gaps, numeric, run
from arfpy import arf


def fit(train, options):
    np.random.seed(options["seed"])  # noqa: NPY002 (what it draws from)
    table = gaps_as_level(train)
    levelled = [c for c in table if not numeric(table[c])]
    for c in table.columns.difference(levelled):
        # It has no place for missing numbers: they are learned as the median, and no drawn number is missing.
        table[c] = table[c].fillna(table[c].median())
    settings = {k: options[k] for k in ("num_trees", "min_node_size", "max_iters") if k in options}
    model = arf.arf(
        x=table.astype(dict.fromkeys(levelled, "category")), random_state=options["seed"], verbose=False, **settings
    )
    model.forde()
    return model


def sample(model, n, options):
    drawn = model.forge(n=n)
    return level_as_gaps(drawn.astype({c: "object" for c in drawn if str(drawn[c].dtype) == "category"}))


run(fit, sample, "arfpy")
