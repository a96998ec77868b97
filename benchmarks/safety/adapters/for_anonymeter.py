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


def evaluator_of(kind):
    """Return an evaluator, and what runs it."""
    if kind.startswith("singling_out"):
        made = SinglingOutEvaluator(ori=train, syn=synthetic, control=holdout, n_attacks=n, n_cols=3)
        return made, lambda: made.evaluate(mode=kind.rsplit(" ", 1)[-1])
    if kind == "linkability":
        halves = tuple(map(list, options["halves"]))
        made = LinkabilityEvaluator(
            ori=train, syn=synthetic, control=holdout, n_attacks=n, aux_cols=halves, n_neighbors=1
        )
    else:
        secret = options["secret"]
        made = InferenceEvaluator(
            ori=train,
            syn=synthetic,
            control=holdout,
            n_attacks=n,
            aux_cols=options["known"],
            secret=secret,
            regression=train[secret].dtype.kind in "iuf",
        )
    return made, lambda: made.evaluate(n_jobs=1)


def one(kind):
    """Return the risk with its interval; a tool that cannot say is told as such."""
    made, work = evaluator_of(kind)
    try:
        _, cost = timed(work)
        risk = made.risk(confidence_level=0.95)
        return {"cost": cost, "risk": float(risk.value), "ci": [float(x) for x in risk.ci]}
    except Exception as error:  # noqa: BLE001
        return {"cost": {}, "risk": None, "ci": None, "error": type(error).__name__}


if kind == "battery":
    kinds = ("singling_out univariate", "singling_out multivariate", "linkability", "inference")
    told("anonymeter", attacks=n, risks={k: one(k) for k in kinds})
told("anonymeter", attacks=n, **one(kind))
