"""dpmm, marginal-based with differential privacy: ``--param kind=MST`` (AIM, PrivBayes), ``epsilon=3``, ``delta=1e-5``.

A tenth of ε goes to its binning of numbers. It is handed the ranges and the lists of levels of the training rows, which
a strict account would have to pay for.
"""

from _common import gaps_as_level, level_as_gaps, numeric, run
from dpmm import pipelines


def fit(train, options):
    table, domain = gaps_as_level(train), {}
    for c in train.columns:
        if numeric(table[c]):
            table[c] = table[c].fillna(table[c].median())  # it has no place for missing numbers
            kind = int if table[c].dtype.kind in "iu" else float
            domain[c] = {"lower": kind(table[c].min()), "upper": kind(table[c].max())}
        else:
            domain[c] = {"categories": sorted(table[c].unique())}
            table[c] = table[c].astype("category")
    epsilon = float(options.get("epsilon", 3))
    make = getattr(pipelines, options.get("kind", "MST") + "Pipeline")
    model = make(epsilon=0.9 * epsilon, proc_epsilon=0.1 * epsilon, delta=float(options.get("delta", 1e-5)), n_jobs=1)
    model.fit(table, domain, random_state=options["seed"])
    return model


def sample(model, n, options):
    drawn = model.generate(n_records=n)
    return level_as_gaps(drawn.astype({c: "object" for c in drawn if str(drawn[c].dtype) == "category"}))


run(fit, sample, "dpmm")
