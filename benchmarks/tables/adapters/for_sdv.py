"""SDV: ``--param kind=GaussianCopula`` (CTGAN, TVAE, CopulaGAN), ``--param epochs=N``; otherwise its defaults, on CPU.

Kinds of columns are told to it, since it would take whole-number columns with few values for categories.
"""

import inspect
from importlib.metadata import version

import numpy as np
import torch
from _common import numeric, run
from sdv import single_table
from sdv.metadata import Metadata


def fit(train, options):
    np.random.seed(options["seed"])  # noqa: NPY002 (what it draws from)
    torch.manual_seed(options["seed"])
    metadata = Metadata.detect_from_dataframes({"table": train})
    for name in train.columns:
        kind = "numerical" if numeric(train[name]) else "categorical"
        metadata.update_column(table_name="table", column_name=name, sdtype=kind)
    if getattr(metadata.tables["table"], "primary_key", None):
        metadata.remove_primary_key("table")
    synthesizer = getattr(single_table, options["kind"] + "Synthesizer")
    known = inspect.signature(synthesizer.__init__).parameters
    settings = {"epochs": options["epochs"]} if "epochs" in options else {}
    settings.update({name: False for name in ("cuda", "enable_gpu") if name in known})
    model = synthesizer(metadata, **settings)
    model.fit({"table": train} if tables_by_name() else train)
    return model


def tables_by_name():
    return int(version("sdv").split(".")[0]) >= 2


def sample(model, n, options):
    drawn = model.sample(n)
    return drawn["table"] if isinstance(drawn, dict) else drawn


run(fit, sample, "sdv")
