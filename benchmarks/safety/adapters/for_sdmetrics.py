"""SDMetrics' privacy scores: ``--options {"kind": "dcr", "rows": 1000}`` (``dcr``, ``baseline``, ``disclosure``, ``new_row``)."""

import pandas as pd
from _timing import tables, timed, told
from sdmetrics.single_table import (
    DCRBaselineProtection,
    DCROverfittingProtection,
    DisclosureProtection,
    NewRowSynthesis,
)

train, holdout, synthetic, options = tables()
rows = options.get("rows")
if rows:
    train, holdout, synthetic = (f.head(rows) for f in (train, holdout, synthetic))
numeric = [c for c in train.columns if train[c].dtype.kind in "iuf"]
for frame in (train, holdout, synthetic):
    for c in frame.columns:
        if c not in numeric:
            frame[c] = frame[c].astype(object).where(frame[c].notna(), "missing").astype(str)
kinds = {c: {"sdtype": "numerical" if c in numeric else "categorical"} for c in train.columns}
whole = {"tables": {"t": {"columns": kinds}}}
kind = options["kind"]
if kind == "dcr":
    found, cost = timed(
        lambda: DCROverfittingProtection.compute_breakdown(
            real_training_data={"t": train} if options.get("nested") else train,
            synthetic_data=synthetic,
            real_validation_data=holdout,
            metadata=whole,
            table_name="t",
        )
    )
elif kind == "baseline":
    found, cost = timed(
        lambda: DCRBaselineProtection.compute_breakdown(
            real_data=train, synthetic_data=synthetic, metadata=whole, table_name="t"
        )
    )
elif kind == "disclosure":
    found, cost = timed(
        lambda: DisclosureProtection.compute_breakdown(
            real_data=train,
            synthetic_data=synthetic,
            known_column_names=options["known"],
            sensitive_column_names=options["secret"],
            continuous_column_names=[c for c in numeric if c in (*options["known"], *options["secret"])],
        )
    )
else:
    found, cost = timed(
        lambda: NewRowSynthesis.compute_breakdown(
            real_data=train, synthetic_data=synthetic, metadata={"columns": kinds}, numerical_match_tolerance=0.01
        )
    )
score = found["score"] if isinstance(found, dict) else float(found)
told(
    "sdmetrics",
    cost=cost,
    rows=len(train),
    score=None if pd.isna(score) else float(score),
    breakdown={k: v for k, v in found.items() if isinstance(v, (int, float, dict))} if isinstance(found, dict) else {},
)
