"""The parts of a run as their own verbs: fit a model, draw from it, judge a dossier again, render it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from synthproof.core.errors import UsageError
from synthproof.core.evidence import Statement
from synthproof.core.files import refuse_url
from synthproof.core.models import save_model
from synthproof.core.random import derive, fresh_seed
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.core.words import Lang
from synthproof.data.image.io import is_image_source
from synthproof.data.split import Split
from synthproof.data.table.chunks import ChunkedTable, Data, open_chunks
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import refuse_replacing_table, with_target, write_table
from synthproof.data.table.schema_file import load_schema
from synthproof.dossier.assemble import read_dossier, rewrite_dossier
from synthproof.engines.threads import one_blas_thread
from synthproof.pipeline.asked import parse_balance, parse_where
from synthproof.pipeline.budget import Budget, planned, thinned, too_large_to_hold
from synthproof.pipeline.completing import partial_rows
from synthproof.pipeline.config import RunConfig, check_parameters, override
from synthproof.pipeline.face import Model, load, read
from synthproof.pipeline.image_face import fit_pictures, sample_pictures
from synthproof.pipeline.partitions import ROWS_PER_FILE, sample_to
from synthproof.pipeline.quick import QUICK_NOTICE, generator_of
from synthproof.pipeline.rules import learned_rules, with_rules
from synthproof.pipeline.sources import at_hand
from synthproof.policy.load import load_policy
from synthproof.protection.apply import Protected, apply
from synthproof.protection.scan import require_basis, scan
from synthproof.verification.proof import Proof

_STUDIED = 200_000  # rows on which protections are fitted when a source is read in chunks


@one_blas_thread()
def fit_model(config: RunConfig, out: Path, *, resume: bool = False, run: Run | None = None) -> Model:
    """Learn from all of the source after protection, and save the model.

    Parameters
    ----------
    resume
        Go on with a fit of pictures that was cut off.

    Raises
    ------
    UsageError
        ``fit/no-checkpoints``: tables, and generators of pictures that keep none.
    """
    check_parameters(config)
    refuse_url(out)
    if is_image_source(config.source):
        return fit_pictures(config, out, run, resume=resume)
    generator_of(config.fit)  # a conflict is refused before anything is read
    if resume:
        raise UsageError("fit/no-checkpoints", where=str(config.fit.synthesizer))
    with at_hand(config.source) as source:
        return _fit_model(override(config, source=source), out, run)


def _fit_model(config: RunConfig, out: Path, run: Run | None) -> Model:
    budget = Budget.of(config.budget, config.memory)
    seed = config.seed if config.seed is not None else fresh_seed()
    if Path(config.source).is_dir() or too_large_to_hold(config.source, budget):
        schema = load_schema(Path(config.read.schema)) if config.read.schema else None
        chunked = open_chunks(config.source, schema=schema, run=run)
        chunked = chunked.with_schema(with_target(chunked.schema, config.target)) if config.target else chunked
        seen, _ = with_rules(chunked.sample(_STUDIED, derive(seed, "rules/studied")), config.read)
        chunked = _protected_chunks(config, chunked.with_schema(seen.schema), seed, run)
        if config.read.learn_rules:
            found = learned_rules(chunked.sample(_STUDIED, derive(seed, "rules/studied")), run=run)
            chunked = chunked.with_schema(found.schema)
        return _fitted(config, chunked, seed, budget, out, run)
    table = read(
        config.source,
        schema=config.read.schema or None,
        target=config.target or None,
        query=config.read.query or None,
        table=config.read.table or None,
    )
    table, _ = with_rules(table, config.read)  # the model's own notices say which rules its data break
    require_basis(scan(table, purpose=config.purpose, run=run), config.purpose)
    train = _protected(config, table, seed, run).parts.train
    if config.read.learn_rules:
        train = learned_rules(train, run=run)
    return _fitted(config, train, seed, budget, out, run)


def _protected(config: RunConfig, table: Table, seed: int, run: Run | None) -> Protected:
    """Return a table after the protections, fitted on all of it."""
    everyone = np.arange(len(table), dtype=np.intp)
    none = np.empty(0, dtype=np.intp)
    parts = Split(
        train=table, holdout=table.take(none), train_units=everyone, holdout_units=none, seed=seed, fraction=0.0
    )
    steps = [s for s in config.protect.steps if s != "none"]
    return apply(
        parts,
        steps,
        purpose=config.purpose,
        seed=derive(seed, "protect"),
        parameters=config.protect.parameters,
        run=run,
    )


def _protected_chunks(config: RunConfig, data: ChunkedTable, seed: int, run: Run | None) -> ChunkedTable:
    """Return chunks after protections that were fitted on a sample of rows.

    A level or an end of the range that enough persons of the sample share, enough of all persons share: what is fitted
    on the sample changes no less than what would be fitted on all rows.
    """
    studied = data.sample(_STUDIED, derive(seed, "protect/studied"))
    require_basis(scan(studied, purpose=config.purpose, run=run), config.purpose)
    for protection in _protected(config, studied, seed, run).protections:
        data = data.mapped(protection.transform)
    return data


def _fitted(config: RunConfig, data: Data, seed: int, budget: Budget, out: Path, run: Run | None) -> Model:
    parameters = {**config.fit.parameters, **({"row_wise": True} if config.fit.row_wise else {})}
    name = generator_of(config.fit)
    plan = planned(name, data, budget, parameters=parameters)
    plan.estimate.tell(run)
    made = synthesizers.make(name, random_state=derive(seed, "fit"), **plan.parameters)
    core = made.fit(thinned(data, plan, derive(seed, "fit/rows")), run=run)
    save_model(core, out)
    return Model(core, name, told=(*((QUICK_NOTICE,) if config.fit.fast else ()), *plan.notices))


@one_blas_thread()
def sample_model(
    model: Path,
    n: int,
    out: Path | str,
    *,
    where: Sequence[str] = (),
    balance: Sequence[str] = (),
    seed: int | None = None,
    rows_per_file: int | None = None,
    memory: str = "",
    force: bool = False,
    run: Run | None = None,
) -> tuple[Path | str, ...]:
    """Draw n units from a saved model and write them.

    Parameters
    ----------
    out
        A file or URL, whose suffix names the format; or a folder (an existing one, a name that ends in ``/``, or any name
        when `rows_per_file` is given), which is filled with Parquet parts in bounded memory.
    where, balance
        Conditions and shares, as the texts that `asked` reads.
    force
        Replace a file that is there.

    Raises
    ------
    WorkspaceError
        ``workspace/exists``, before anything is drawn.
    """
    if n < 1:
        raise UsageError("sample/bad-n", n=n)
    made = load(model)
    conditions = parse_where(where, made.core.schema_) or None
    if made.core.schema_.modality == "image":
        return sample_pictures(made, n, Path(out), where=conditions, seed=seed, force=force, run=run)
    shares = parse_balance(balance, made.core.schema_) or None
    if rows_per_file is not None or str(out).endswith("/") or Path(out).is_dir():
        rows = ROWS_PER_FILE if rows_per_file is None else rows_per_file
        held = Budget.of("", memory).left.bytes if memory else None
        return sample_to(
            made,
            n,
            Path(out),
            rows_per_file=rows,
            where=conditions,
            balance=shares,
            seed=seed,
            memory=held,
            run=run,
        )
    if not force:
        refuse_replacing_table(out, made.sample(0).origin)
    drawn: Table = made.sample(n, where=conditions, balance=shares, seed=seed, run=run)
    return write_table(drawn, out)


@one_blas_thread()
def complete_model(
    model: Path,
    source: str,
    out: Path | str,
    *,
    columns: Sequence[str] | None = None,
    seed: int | None = None,
    force: bool = False,
    run: Run | None = None,
) -> tuple[tuple[Path | str, ...], int]:
    """Fill the missing cells of a file of partial rows from a saved model, and write the whole rows.

    Parameters
    ----------
    columns
        Fill these only.
    force
        Replace a file that is there.

    Returns
    -------
    written, filled
        What was written, and how many cells were filled.

    Raises
    ------
    WorkspaceError
        ``workspace/exists``, before anything is drawn.
    """
    made = load(model)
    rows = partial_rows(source, made.core.schema_)
    if not force:
        refuse_replacing_table(out, rows.origin)
    whole: Table = made.complete(rows, columns=columns, seed=seed, run=run)
    filled = int(rows.frame.isna().to_numpy().sum() - whole.frame.isna().to_numpy().sum())
    return write_table(whole, out), filled


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
