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
numeric = [c for c in train.columns if train[c].dtype.kind in "iuf"]
for frame in (train, holdout, synthetic):
    for c in frame.columns:
        if c not in numeric:
            frame[c] = frame[c].astype(object).where(frame[c].notna(), "missing").astype(str)
kinds = {c: {"sdtype": "numerical" if c in numeric else "categorical"} for c in train.columns}
whole = {"tables": {"t": {"columns": kinds}}}


def one(kind):
    """Return a score with its parts and its cost."""
    some = [f.head(rows) if rows and kind != "disclosure" else f for f in (train, holdout, synthetic)]
    works = {
        "dcr": lambda: DCROverfittingProtection.compute_breakdown(
            real_training_data=some[0],
            synthetic_data=some[2],
            real_validation_data=some[1],
            metadata=whole,
            table_name="t",
        ),
        "baseline": lambda: DCRBaselineProtection.compute_breakdown(
            real_data=some[0], synthetic_data=some[2], metadata=whole, table_name="t"
        ),
        "disclosure": lambda: DisclosureProtection.compute_breakdown(
            real_data=some[0],
            synthetic_data=some[2],
            known_column_names=options["known"],
            sensitive_column_names=[options["secret"]],
            continuous_column_names=[c for c in numeric if c in (*options["known"], options["secret"])] or None,
        ),
        # records that were copied may stand anywhere in train: it gets all of train, and some synthetic rows
        "new_row": lambda: NewRowSynthesis.compute_breakdown(
            real_data=train, synthetic_data=some[2], metadata={"columns": kinds}, numerical_match_tolerance=0.01
        ),
    }
    try:
        found, cost = timed(works[kind])
    except Exception as error:  # noqa: BLE001 - a tool that cannot say is told as such
        return {"cost": {}, "score": None, "error": type(error).__name__}
    score = found["score"] if isinstance(found, dict) else float(found)
    return {"cost": cost, "rows": len(some[0]), "score": None if pd.isna(score) else float(score)}


kind = options["kind"]
if kind == "battery":
    told("sdmetrics", scores={k: one(k) for k in ("dcr", "baseline", "disclosure", "new_row")})
told("sdmetrics", **one(kind))
