"""Anonymeter's three risks: ``--options {"kind": "linkability", "attacks": 500, "known": [...], "secret": ..., "halves": [[…], […]]}``."""

from _timing import tables, timed, told
from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator

train, holdout, synthetic, options = tables()
kind, n = options["kind"], options["attacks"]
for frame in (train, holdout, synthetic):  # it cannot compare categories whose levels differ
    for c in frame.columns:
        if frame[c].dtype.kind in "iuf":
            frame[c] = frame[c].astype("float64")
        else:
            frame[c] = frame[c].astype(object).where(frame[c].notna(), "missing").astype(str)
if kind.startswith("singling_out"):
    mode = kind.rsplit(" ", 1)[-1]
    evaluator = SinglingOutEvaluator(ori=train, syn=synthetic, control=holdout, n_attacks=n, n_cols=3)
    _, cost = timed(lambda: evaluator.evaluate(mode=mode))
elif kind == "linkability":
    evaluator = LinkabilityEvaluator(
        ori=train,
        syn=synthetic,
        control=holdout,
        n_attacks=n,
        aux_cols=tuple(map(list, options["halves"])),
        n_neighbors=1,
    )
    _, cost = timed(lambda: evaluator.evaluate(n_jobs=1))
else:
    secret = options["secret"]
    evaluator = InferenceEvaluator(
        ori=train,
        syn=synthetic,
        control=holdout,
        n_attacks=n,
        aux_cols=options["known"],
        secret=secret,
        regression=train[secret].dtype.kind in "iuf",
    )
    _, cost = timed(lambda: evaluator.evaluate(n_jobs=1))
found = {"risk": None, "ci": None}
try:
    risk = evaluator.risk(confidence_level=0.95)
    found = {"risk": float(risk.value), "ci": [float(x) for x in risk.ci]}
except Exception as error:  # noqa: BLE001 - a tool that cannot say is told as such
    found["error"] = type(error).__name__
told("anonymeter", cost=cost, attacks=n, **found)
