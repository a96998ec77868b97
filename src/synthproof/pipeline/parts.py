"""The parts of a run as their own verbs: fit a model, draw from it, judge a dossier again, render it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from synthproof.core.errors import UsageError
from synthproof.core.evidence import Statement
from synthproof.core.models import load_model, save_model
from synthproof.core.random import derive, fresh_seed
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.core.schema import Schema
from synthproof.core.words import Lang, Words
from synthproof.data.split import Split
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import write_table
from synthproof.dossier.assemble import read_dossier, rewrite_dossier
from synthproof.engines.threads import one_blas_thread
from synthproof.pipeline.config import RunConfig, check_parameters
from synthproof.pipeline.face import Model, read
from synthproof.policy.load import load_policy
from synthproof.protection.apply import apply
from synthproof.protection.scan import require_basis, scan
from synthproof.verification.proof import Proof


@one_blas_thread()
def fit_model(config: RunConfig, out: Path, *, run: Run | None = None) -> Model:
    """Learn from all of the source after protection, and save the model."""
    check_parameters(config)
    table = read(
        config.source,
        schema=config.read.schema or None,
        target=config.target or None,
        query=config.read.query or None,
        table=config.read.table or None,
    )
    require_basis(scan(table, purpose=config.purpose, run=run), config.purpose)
    seed = config.seed if config.seed is not None else fresh_seed()
    everyone = np.arange(len(table), dtype=np.intp)
    none = np.empty(0, dtype=np.intp)
    parts = Split(
        train=table, holdout=table.take(none), train_units=everyone, holdout_units=none, seed=seed, fraction=0.0
    )
    steps = [s for s in config.protect.steps if s != "none"]
    protected = apply(
        parts,
        steps,
        purpose=config.purpose,
        seed=derive(seed, "protect"),
        parameters=config.protect.parameters,
        run=run,
    ).parts.train
    parameters = {**config.fit.parameters, **({"row_wise": True} if config.fit.row_wise else {})}
    name = config.fit.synthesizer
    core = synthesizers.make(name, random_state=derive(seed, "fit"), **parameters).fit(protected, run=run)
    save_model(core, out)
    return Model(core, name)


@one_blas_thread()
def sample_model(
    model: Path, n: int, out: Path | str, *, where: Sequence[str] = (), seed: int | None = None, run: Run | None = None
) -> tuple[Path | str, ...]:
    """Draw n units from a saved model and write them to a file or URL; the suffix of `out` names the format."""
    if n < 1:
        raise UsageError("sample/bad-n", n=n)
    core = load_model(model)
    conditions = parse_where(where, core.schema_)
    drawn: Table = core.sample(n, where=conditions or None, seed=seed, run=run)
    return write_table(drawn, out)


def parse_where(texts: Sequence[str], schema: Schema) -> dict[str, Any]:
    """Return conditions from ``COL=VALUE``, ``COL=LOW..HIGH`` (numeric) and ``COL=A|B`` texts."""
    out: dict[str, Any] = {}
    for text in texts:
        name, found, value = text.partition("=")
        if not found:
            raise UsageError("config/bad-where", where=text)
        f = schema.field(name)
        if f.numeric and ".." in value:
            low, _, high = value.partition("..")
            out[name] = (_bound(low, f.kind), _bound(high, f.kind))
        elif "|" in value:
            out[name] = [_bound(v, f.kind) for v in value.split("|")]
        else:
            out[name] = _bound(value, f.kind)
    return out


def _bound(text: str, kind: str) -> Any:
    if text == "":
        return None
    if kind in ("integer", "continuous"):
        try:
            return float(text) if kind == "continuous" or "." in text else int(text)
        except ValueError as error:
            raise UsageError(
                "config/wrong-type", where="--where", wanted=Words(en="a number", ko="수"), type="text"
            ) from error
    if kind == "boolean":
        return text.lower() in {"true", "1", "yes", "y", "예"}
    return text


def rejudge(dossier: Path, policy: str, out: Path | None, *, lang: Lang, statements: Sequence[Statement] = ()) -> Proof:
    """Judge a dossier's evidence under another policy; with `out`, write the new dossier there."""
    proof = read_dossier(dossier)
    proof = replace(proof, statements=(*proof.statements, *statements))
    rules = load_policy(policy)
    judged = proof.with_verdict(rules.for_purpose(proof.purpose).judge(proof.evidence, proof.statements, proof.limits))
    if out is not None:
        rewrite_dossier(dossier, judged, target=out, policy_text=rules.text, lang=lang)
    return judged


def rerender(dossier: Path, *, lang: Lang) -> Path:
    """Render a dossier's pages anew from its evidence; the evidence itself is not touched."""
    rewrite_dossier(dossier, read_dossier(dossier), lang=lang)
    return dossier / "report.html"
