"""py-synthpop: sequential CART as in R's synthpop, its defaults. Missing levels are a level of their own."""

from _common import gaps_as_level, level_as_gaps, numeric, run
from synthpop import Synthpop


def fit(train, options):
    table = gaps_as_level(train)
    kinds = {c: ("int" if table[c].dtype.kind in "iu" else "float") if numeric(table[c]) else "category" for c in table}
    table = table.astype({c: "category" for c, kind in kinds.items() if kind == "category"})
    model = Synthpop(seed=options["seed"])
    model.fit(table, kinds)
    return model


def sample(model, n, options):
    drawn = model.generate(n)
    return level_as_gaps(drawn.astype({c: "object" for c in drawn if str(drawn[c].dtype) == "category"}))


run(fit, sample, "py-synthpop")
