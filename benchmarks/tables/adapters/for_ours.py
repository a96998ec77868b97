"""synthproof's own generators: ``--param synthesizer=table.cart_chain``; every other parameter is the generator's."""

import os

from _common import run

import synthproof
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run, available_cores


def prepare(options):
    synthesizers.get(options["synthesizer"])  # imported where it is first used; other packages are imported by now too


def fit(train, options):
    settings = {k: v for k, v in options.items() if k not in ("seed", "synthesizer")}
    model = synthproof.synthesizer(options["synthesizer"], random_state=options["seed"], **settings)
    return model.fit(train, run=Run(workers=workers()))


def sample(model, n, options):
    return model.sample(n, seed=options["seed"], run=Run(workers=workers()))


def workers():
    return int(os.environ.get("BENCH_THREADS", available_cores()))


run(fit, sample, "synthproof", prepare)
