"""The library face: read, split, protect, fit, sample, verify, save.

>>> import synthproof as sp                                              # doctest: +SKIP
>>> parts = sp.split(sp.read("people.csv", target="income"), seed=7)     # doctest: +SKIP
>>> model = sp.synthesizer("auto", random_state=7).fit(parts.train)      # doctest: +SKIP
>>> fake = model.sample(10_000, seed=7, where={"sex": "F"})              # doctest: +SKIP
>>> proof = sp.verify(parts, fake, policy="pipc_2024", seed=7)           # doctest: +SKIP
>>> proof.verdict.result; proof.save("people-dossier")                   # doctest: +SKIP

What the user gave (a pandas, polars or Arrow table) is what the user gets back, dtypes included.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

from synthproof.core.constraints import Constraint
from synthproof.core.contracts import Conditions, Recipe
from synthproof.core.errors import UsageError
from synthproof.core.evidence import Evidence, Statement, Verdict
from synthproof.core.models import load_model, registered_name, save_model
from synthproof.core.random import derive, fresh_seed
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Lang, Words
from synthproof.data.split import Split
from synthproof.data.split import split as _split
from synthproof.data.table.chunks import ChunkedTable, Data, open_chunks
from synthproof.data.table.dataset import Table
from synthproof.data.table.declared import RuleCount, declare
from synthproof.data.table.declared import check_rules as _check_rules
from synthproof.data.table.io import conform, read_table, with_target
from synthproof.data.table.rule_learning import Proposal
from synthproof.data.table.rule_learning import learn_rules as _learn_rules
from synthproof.data.table.schema_file import load_schema
from synthproof.engines.threads import one_blas_thread
from synthproof.pipeline.budget import Budget, Estimate, planned, thinned
from synthproof.pipeline.budget import estimate as _estimate
from synthproof.pipeline.judging import (
    check_purpose,
    check_repeats,
    check_unseen,
    complete_purpose,
    generator_facts,
    prove,
)
from synthproof.policy.load import load_policy
from synthproof.policy.rules import RulePolicy
from synthproof.protection.apply import apply
from synthproof.protection.scan import propose, require_basis, scan
from synthproof.verification.proof import GeneratorFacts, Proof


def read(
    source: Any,
    *,
    schema: Schema | str | Path | None = None,
    target: str | None = None,
    query: str | None = None,
    table: str | None = None,
    rules: Sequence[Constraint | str] = (),
) -> Table:
    """Return a table of units from a file, a database URL or a data frame.

    Parameters
    ----------
    source
        CSV, TSV (also .gz), Parquet, Excel, JSON lines; a SQLAlchemy URL; a pandas, polars or Arrow table.
    schema
        A schema or a schema file; inferred, with reasons, when absent.
    target
        Column that a later task predicts.
    query, table
        What to read from a database.
    rules
        Rules that every row keeps, as expressions (``"discharge >= admission"``) or `Constraint` objects.

    Raises
    ------
    ReadError
        When the source cannot be read; the message says what was found and what to do.
    """
    known = load_schema(Path(schema)) if isinstance(schema, str | Path) else schema
    data = source if isinstance(source, Table) else read_table(source, schema=known, query=query, table=table)
    data = declare(data, rules) if rules else data
    return data.with_schema(with_target(data.schema, target)) if target else data


def learn_rules(data: Any, *, exceptions: float = 0.0, run: Run | None = None) -> tuple[Proposal, ...]:
    """Return rules that the data seem to keep; each says on how many rows it held and how often it could have failed.

    Nothing is declared by this: give the ones you believe to ``read(…, rules=[p.rule for p in proposals])``.

    Parameters
    ----------
    data
        A table, or anything `read` takes; train, never the holdout.
    exceptions
        Share of rows that may break an ordering or ``district in city``, 0 to 0.05.
    """
    return _learn_rules(read(data), exceptions=exceptions, run=run)


def check_rules(data: Any, rules: Sequence[Constraint | str] | None = None) -> tuple[RuleCount, ...]:
    """Return how many rows of the data break each rule (those declared in its schema, when none are given)."""
    return _check_rules(read(data), rules)


def split(data: Any, *, holdout: float | None = None, seed: int | None = None) -> Split[Table]:
    """Return train and holdout, disjoint by unit; the holdout is opened once, by `verify`.

    Parameters
    ----------
    data
        A table, or anything `read` takes.
    holdout
        Share of units held out; 0.2, or 0.5 under 2,000 units, when absent.
    seed
        Seed of the split.
    """
    table = read(data)
    target = next(iter(table.schema.with_role("target")), None)
    return _split(table, holdout=holdout, seed=fresh_seed() if seed is None else seed, stratify=target)


def protect(
    parts: Split[Table],
    steps: Sequence[str] = ("identifiers", "rare", "extremes"),
    *,
    purpose: Purpose | None = None,
    seed: int | None = None,
    run: Run | None = None,
) -> Split[Table]:
    """Return the parts after protection, fitted on train and applied to both alike.

    Raises
    ------
    StatementError
        ``protection/resident-number`` when a resident-number column is met and `purpose` states no legal basis.
    """
    purpose = purpose or Purpose()
    require_basis(scan(parts.train, purpose=purpose, run=run), purpose)
    return apply(parts, list(steps), purpose=purpose, seed=fresh_seed() if seed is None else seed, run=run).parts


def read_chunks(
    source: str | Path, *, schema: Schema | str | Path | None = None, target: str | None = None
) -> ChunkedTable:
    """Return a table that is read part by part and never held whole.

    Parameters
    ----------
    source
        A Parquet file, a folder of Parquet parts, CSV or TSV (also .gz).
    schema, target
        As `read` takes them.

    Raises
    ------
    ReadError
        As `read` raises, and ``read/not-in-chunks`` for other formats.
    """
    known = load_schema(Path(schema)) if isinstance(schema, str | Path) else schema
    return _with_target(open_chunks(source, schema=known), target)  # type: ignore[return-value]


def estimate(
    data: Any, synthesizer: str = "auto", *, n: int | None = None, repeats: int | None = None, **params: Any
) -> Estimate:
    """Return what learning from some data, drawing n units and verifying them will cost on this machine.

    Parameters
    ----------
    data
        Anything `read` takes, or what `read_chunks` returned.
    synthesizer, params
        Registry name and parameters of the generator.
    n
        Units drawn; ``None``: none.
    repeats
        Repeats of simulated limits; ``None``: no verifying.
    """
    known = _with_target(data, None)
    return _estimate(synthesizer, known.schema, known.n_rows, parameters=params, draw=n, repeats=repeats)


def _with_target(data: Any, target: str | None) -> Data:
    if not isinstance(data, ChunkedTable):
        return read(data, target=target)
    return data.with_schema(with_target(data.schema, target)) if target else data


def _given(core: Any) -> dict[str, Any]:
    return {k: v for k, v in core.get_params().items() if v is not None}


_IN_MEMORY = frozenset({"pandas", "polars", "arrow"})


class Model:
    """A synthesizer that gives back what it was given.

    Made by `synthesizer` or `load`; `core` is the synthesizer itself.
    """

    def __init__(self, core: Any, name: str) -> None:
        self.core = core
        self.name = name
        self._native = False

    @one_blas_thread()
    def fit(
        self,
        data: Any,
        *,
        target: str | None = None,
        budget: str | float | None = None,
        memory: str | float | None = None,
        run: Run | None = None,
    ) -> Self:
        """Learn from a table, anything `read` takes, or what `read_chunks` returned, and return self.

        Parameters
        ----------
        budget, memory
            Time that learning may take (``"5m"``, seconds) and memory that the process may hold (``"4G"``, bytes): the
            rows learned from, and with ``auto`` the generator, are picked for it.

        Raises
        ------
        ConfigError
            ``budget/time`` or ``budget/memory``, before anything is learned.
        """
        self._native = not isinstance(data, Table | ChunkedTable) or data.origin.container in _IN_MEMORY
        limits = Budget.of(budget, memory)
        known = _with_target(data, target)
        if not limits.bound:
            self.core.fit(known, run=run)
            return self
        plan = planned(registered_name(type(self.core)), known, limits, parameters=_given(self.core))
        plan.estimate.tell(run)
        before = self.core.get_params()
        bounds = {k: v for k, v in plan.parameters.items() if k in ("budget_s", "memory")}
        seed = before.get("random_state") or 0
        self.core.set_params(**bounds).fit(thinned(known, plan, derive(seed, "fit/rows")), run=run)
        self.core.set_params(**before)
        return self

    def cost(self, data: Any, n: int | None = None) -> Estimate:
        """Return what learning from some data, and drawing n units, will cost on this machine.

        >>> sp.synthesizer("auto").cost("people.csv", 10_000).words.en          # doctest: +SKIP
        'About 12 s and 210 MiB: learning 11 s, drawing 0.4 s.'
        """
        known = _with_target(data, None)
        name = registered_name(type(self.core))
        return _estimate(name, known.schema, known.n_rows, parameters=_given(self.core), draw=n)

    @one_blas_thread()
    def sample(
        self, n: int, *, where: Conditions | None = None, seed: int | None = None, run: Run | None = None
    ) -> Any:
        """Return n new units in the form the user first gave: a pandas, polars or Arrow table, else a `Table`.

        Parameters
        ----------
        n
            Number of units.
        where
            Values the units must have: ``{"sex": "F", "age": (65, 90), "ward": ["A", "B"]}``.
        seed
            With one seed, fewer units are the head of more. ``None`` draws one.

        Raises
        ------
        ConditionError
            When a condition is impossible or too unlikely; the message says which and how likely.
        """
        drawn: Table = self.core.sample(n, where=where, seed=seed, run=run)
        return drawn.to_native() if self._native else drawn

    @property
    def rules(self) -> tuple[Constraint, ...]:
        """Rules that every drawn row keeps."""
        return tuple(getattr(self.core, "rules_", ()))

    def with_rules(
        self, add: Sequence[Constraint | str] = (), remove: Sequence[Constraint | str] = (), *, data: Any = None
    ) -> Self:
        """Return the same fitted model with other rules; nothing is learned again.

        Parameters
        ----------
        add, remove
            Rules or their texts.
        data
            The training data, for rules that say what train has (``in``, ``combination``, ``range``).

        Raises
        ------
        SynthproofError
            ``constraint/…`` and ``rules/…``.
        """
        if not hasattr(self.core, "with_rules"):
            raise UsageError("rules/not-supported", where=self.name, name=self.name)
        given = None if data is None else read(data, schema=self.core.schema_)
        out = copy.copy(self)
        out.core = self.core.with_rules(add=add, remove=remove, data=given)
        return out

    @property
    def notices(self) -> tuple[Words, ...]:
        """What the user should know of the fit (columns left out …)."""
        return tuple(getattr(self.core, "notices_", ()))

    @property
    def because(self) -> Words | None:
        """Why ``auto`` chose what it chose."""
        return getattr(self.core, "because_", None)

    def save(self, folder: str | Path) -> Path:
        """Write the model as a folder (JSON and arrays, no code), whole or not at all."""
        return save_model(self.core, Path(folder))

    def __repr__(self) -> str:
        return f"Model({self.name}: {self.core!r})"


def synthesizer(name: str = "auto", /, **params: Any) -> Model:
    """Return a synthesizer by its registry name, e.g. ``synthesizer("table.cart_chain", random_state=7)``."""
    return Model(synthesizers.make(name, **params), name)


def load(folder: str | Path) -> Model:
    """Return a model that `Model.save` or ``synthproof fit`` wrote."""
    core = load_model(Path(folder))
    return Model(core, type(core).__name__)


class Judged:
    """What `verify` found: the proof, its verdict, and a way to save both."""

    def __init__(self, proof: Proof, synthetic: Table, policy: RulePolicy) -> None:
        self.proof = proof
        self._synthetic = synthetic
        self._policy = policy

    @property
    def verdict(self) -> Verdict:
        """The verdict, with all findings."""
        return self.proof.verdict

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every number, with interval and reference."""
        return self.proof.evidence

    def frame(self) -> Any:
        """Return the evidence as a pandas frame, one row a number."""
        import pandas as pd

        keys = ("metric", "subject", "outcome", "estimate", "interval", "reference", "n")
        return pd.DataFrame([{k: getattr(e, k) for k in keys} for e in self.evidence])

    def save(self, folder: str | Path, *, lang: Lang = "ko") -> Path:
        """Write the dossier: report (HTML and PDF), forms, cards, sealed."""
        from synthproof.dossier.assemble import write_dossier

        return write_dossier(
            Path(folder), self.proof, synthetic=self._synthetic, policy_text=self._policy.text, lang=lang
        )

    def __repr__(self) -> str:
        families = ", ".join(f"{k}: {v}" for k, v in self.verdict.families.items())
        return f"Judged({self.verdict.result} under {self.verdict.policy}; {families})"


def verify(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    policy: str = "pipc_2024",
    purpose: Purpose | None = None,
    target: str | None = None,
    model: Model | None = None,
    statements: Sequence[Statement] = (),
    repeats: int = 100,
    seed: int | None = None,
    run: Run | None = None,
) -> Judged:
    """Measure synthetic data of any tool against real data and judge it under a policy.

    Parameters
    ----------
    real
        A `Split` (train and holdout), or the data that were learned from.
    synthetic
        Any tool's output: a table, file or data frame.
    holdout
        Real data that nothing learned from, when `real` is not a `Split`. Without it most safety figures are *not
        assessed*.
    policy
        Name or TOML file.
    purpose
        What the data are for; K and T columns are proposed from the names when it names none.
    target
        Column that a later task predicts.
    model
        The synthesizer that made the data, when it is ours.
    statements
        What named persons assert, for rules that ask for it (e.g. how another tool's data were made).
    repeats, seed
        Of simulated limits and metrics.

    Raises
    ------
    SynthproofError
        ``read/…``, ``schema/…``, ``policy/…``, ``verification/holdout-too-small``, ``verification/holdout-overlaps``.

    Returns
    -------
    Judged
        With ``.verdict``, ``.evidence``, ``.frame()`` and ``.save(folder)``.
    """
    check_repeats(repeats)
    load_policy(policy)
    if isinstance(real, Split):
        train, unseen = real.train, real.holdout
    else:
        train = read(real)
        unseen = None if holdout is None else conform(holdout, train.schema)
    if target:
        schema = with_target(train.schema, target)
        train = train.with_schema(schema)
        unseen = unseen.with_schema(schema) if unseen is not None else None
    if unseen is not None and not isinstance(real, Split):
        check_unseen(train, unseen)
    drawn = synthetic if isinstance(synthetic, Table) else conform(synthetic, comparable(train, synthetic))
    wanted, scanned = _scanned(train, drawn, purpose or Purpose(), run, raw=not isinstance(real, Split))
    facts = generator_facts(model.core, model.name, seconds={}) if model else GeneratorFacts()
    proof = prove(
        train,
        drawn,
        unseen,
        purpose=wanted,
        policy=policy,
        seed=fresh_seed() if seed is None else seed,
        repeats=repeats,
        generator=facts,
        recipe=Recipe(name=facts.name, params=model.core.get_params()) if model else None,
        record={"scan": scanned},
        statements=statements,
        notices=_unjudged_columns(drawn),
        run=run,
    )
    return Judged(proof, drawn, load_policy(policy))


def _scanned(
    train: Table, drawn: Table, purpose: Purpose, run: Run | None, *, raw: bool
) -> tuple[Purpose, dict[str, Any]]:
    """Return the purpose with targets, K and T from the real data where it names none, and what was found in them.

    Resident numbers in raw data stop the work as they stop a run; a split may hold surrogates of the same shape.
    """
    check_purpose(purpose, train.schema)
    found = scan(train, purpose=purpose, run=run)
    if raw:
        require_basis(found, purpose)
    proposal = propose(found, train.schema, purpose)
    wanted = complete_purpose(purpose, drawn.schema, quasi=proposal.quasi_identifiers, sensitive=proposal.sensitive)
    if not wanted.targets:
        wanted = replace(wanted, targets=tuple(n for n in train.schema.with_role("target") if n in drawn.schema))
    return wanted, {**found.to_dict(), "proposal": proposal.to_dict()}


def _unjudged_columns(drawn: Table) -> tuple[Words, ...]:
    """Return the warning that the synthetic data hold columns that nobody judged."""
    extra = [str(n) for n in drawn.origin.options.get("extra_columns", ())]
    if not extra:
        return ()
    names = ", ".join(extra[:20]) + (" …" if len(extra) > 20 else "")
    return (
        Words(
            en=f"The synthetic data have {len(extra)} columns that the real data lack: {names}. They were not measured; "
            "the verdict does not cover them. Remove them before any release.",
            ko=f"합성데이터에 원본에는 없는 열이 {len(extra)}개 있습니다: {names}. 이 열은 측정하지 않았으며 판정에 포함되지 않습니다. "
            "반출 전에 삭제하십시오.",
        ),
    )


def comparable(train: Table, synthetic: Any) -> Schema:
    """Return the schema that another tool's data must keep: identifiers and free text may be absent."""
    present = _column_names(synthetic)
    if present is None:
        return train.schema
    absent = [f.name for f in train.schema.fields if not f.modelled and f.name not in present]
    return train.schema.without(*absent)


def _column_names(source: Any) -> set[str] | None:
    if isinstance(source, str | Path):
        return set(read_table(source).schema.names)
    names = getattr(source, "column_names", None)
    if names is None:
        names = getattr(source, "columns", None)
    return None if names is None else {str(n) for n in names}


def judge(proof: Judged | Proof, policy: str) -> Verdict:
    """Return the verdict of the same evidence under another policy; nothing is measured again."""
    inner = proof.proof if isinstance(proof, Judged) else proof
    rules = load_policy(policy).for_purpose(inner.purpose)
    return rules.judge(inner.evidence, inner.statements, inner.limits)


def report(judged: Judged, folder: str | Path, *, lang: Literal["ko", "en"] = "ko") -> Path:
    """Write the dossier of a judged proof; the same as ``judged.save(folder)``."""
    return judged.save(folder, lang=lang)
