"""TabularARGN of mostlyai-engine on CPU with its defaults; ``--param max_training_time=MINUTES``, ``max_epochs``, ``model``."""

import tempfile
from pathlib import Path

import pandas as pd
from _common import numeric, run
from mostlyai import engine


def fit(train, options):
    folder = tempfile.mkdtemp()
    engine.set_random_state(options["seed"])
    kinds = {c: "TABULAR_NUMERIC_AUTO" if numeric(train[c]) else "TABULAR_CATEGORICAL" for c in train.columns}
    engine.split(workspace_dir=folder, tgt_data=train, tgt_encoding_types=kinds, model_type="TABULAR")
    engine.analyze(workspace_dir=folder)
    engine.encode(workspace_dir=folder)
    settings = {k: options[k] for k in ("max_training_time", "max_epochs", "model") if k in options}
    engine.train(workspace_dir=folder, device="cpu", **settings)
    return folder


def sample(folder, n, options):
    engine.generate(workspace_dir=folder, sample_size=n, device="cpu")
    return pd.read_parquet(Path(folder) / "SyntheticData")


run(fit, sample, "mostlyai-engine")
