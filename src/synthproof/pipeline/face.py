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

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from synthproof.core.constraints import Constraint
from synthproof.core.evidence import Evidence, Statement, Verdict
from synthproof.core.models import recipe_of
from synthproof.core.random import fresh_seed
from synthproof.core.run import Run
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Lang, Words
from synthproof.data.image.io import How
from synthproof.data.split import Split
from synthproof.data.split import split as _split
from synthproof.data.table.dataset import Table
from synthproof.data.table.declared import RuleCount
from synthproof.data.table.declared import check_rules as _check_rules
from synthproof.data.table.io import conform, read_table, with_target
from synthproof.data.table.rule_learning import Proposal
from synthproof.data.table.rule_learning import learn_rules as _learn_rules
from synthproof.pipeline.contact_sheet import keep_private
from synthproof.pipeline.image_face import of_pictures, prove_pictures
from synthproof.pipeline.image_road import image_policy
from synthproof.pipeline.judging import (
    check_purpose,
    check_repeats,
    check_unseen,
    complete_purpose,
    prove,
)
from synthproof.pipeline.model import Model, estimate, load, synthesizer
from synthproof.pipeline.reading import read, read_chunks
from synthproof.policy.load import load_policy
from synthproof.policy.rules import RulePolicy
from synthproof.protection.apply import apply
from synthproof.protection.pictures import IMAGE_STEPS, protect_pictures
from synthproof.protection.scan import propose, require_basis, scan
from synthproof.verification.proof import GeneratorFacts, Proof

_TABLE_STEPS = ("identifiers", "rare", "extremes")


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
    steps: Sequence[str] = _TABLE_STEPS,
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
    if of_pictures(parts):
        own = IMAGE_STEPS if tuple(steps) == _TABLE_STEPS else steps
        return protect_pictures(parts, own, seed=fresh_seed() if seed is None else seed, run=run).parts  # type: ignore[arg-type,return-value]
    require_basis(scan(parts.train, purpose=purpose, run=run), purpose)
    return apply(parts, list(steps), purpose=purpose, seed=fresh_seed() if seed is None else seed, run=run).parts


class Judged:
    """What `verify` found: the proof, its verdict, and a way to save both."""

    def __init__(self, proof: Proof, synthetic: Any, policy: RulePolicy, train: Any = None) -> None:
        self.proof = proof
        self._synthetic = synthetic
        self._policy = policy
        self._train = train

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

    def keep(self, vault: str | Path) -> tuple[Path, ...]:
        """Write what only the owner may see: positions of the worst records and, for images, the 50 worst pairs drawn.

        Call it before `save`, so that the report says where they lie. The folder holds real data: keep it as you keep those.
        """
        self.proof, written = keep_private(Path(vault), self.proof, self._synthetic, self._train)
        return tuple(written)

    def __repr__(self) -> str:
        families = ", ".join(f"{k}: {v}" for k, v in self.verdict.families.items())
        return f"Judged({self.verdict.result} under {self.verdict.policy}; {families})"


def verify(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    also: Sequence[Any] = (),
    policy: str = "pipc_2024",
    purpose: Purpose | None = None,
    target: str | None = None,
    model: Model | None = None,
    statements: Sequence[Statement] = (),
    repeats: int = 100,
    seed: int | None = None,
    gates: Sequence[str] = (),
    full: bool = False,
    how: How | None = None,
    run: Run | None = None,
) -> Judged:
    """Measure synthetic data of any tool against real data and judge it under a policy.

    Parameters
    ----------
    real
        A `Split` (train and holdout), or the data that were learned from.
    synthetic
        Any tool's output: a table, file, data frame or pictures.
    holdout
        Real data that nothing learned from, when `real` is no `Split`; without it most safety figures are *not assessed*.
    also
        Earlier releases from the same source: safety is judged over all together and over this one alone, the worse stands.
    policy, purpose, target
        Name or TOML file; what the data are for (K and T are proposed when it names none); column that is predicted later.
    model
        The synthesizer that made the data, when it is ours.
    statements
        What named persons assert, for rules that ask for it (e.g. how another tool's data were made).
    repeats, seed
        Of simulated limits and metrics.
    gates, full
        What forbids to exclude a leak: ``"holdout_used"`` while choosing or tuning, ``"filtered"`` by distance to train;
        and whether every person is attacked and all pairs compared, instead of a random sample where that is dear.
    how
        How pictures are read, when they are given as folders or archives.

    Raises
    ------
    SynthproofError
        ``read/…``, ``schema/…``, ``policy/…``, ``verification/holdout-too-small``, ``verification/holdout-overlaps``.
    """
    if of_pictures(real):
        found, pictures, learned = prove_pictures(
            real, synthetic, holdout=holdout, also=also if isinstance(also, list | tuple) else [also], policy=policy,
            purpose=purpose, target=target, model=model, statements=statements, repeats=repeats, seed=seed, gates=gates,
            full=full, how=how, run=run,
        )  # fmt: skip
        return Judged(found, pictures, load_policy(image_policy(policy)), learned)
    check_repeats(repeats)
    load_policy(policy)
    train, unseen = _real_side(real, holdout, target)
    drawn = synthetic if isinstance(synthetic, Table) else conform(synthetic, comparable(train, synthetic))
    wanted, scanned = _scanned(train, drawn, purpose or Purpose(), run, raw=not isinstance(real, Split))
    proof = prove(
        train,
        drawn,
        unseen,
        purpose=wanted,
        policy=policy,
        seed=fresh_seed() if seed is None else seed,
        repeats=repeats,
        generator=model.facts if model else GeneratorFacts(),
        recipe=recipe_of(model.core) if model else None,
        released=_earlier(also, drawn.schema),
        record={"scan": scanned},
        statements=statements,
        notices=_unjudged_columns(drawn),
        gates=gates,
        full=full,
        run=run,
    )
    return Judged(proof, drawn, load_policy(policy), train)


def _real_side(real: Any, holdout: Any, target: str | None) -> tuple[Table, Table | None]:
    """Return what was learned from and what was not, of one schema, with the target marked."""
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
    return train, unseen


def _earlier(also: Any, schema: Schema) -> list[Table]:
    """Return earlier releases under the schema of this one; a single one may be given as it is."""
    return [conform(source, schema) for source in (also if isinstance(also, list | tuple) else [also])]


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


__all__ = [
    "Judged", "Model", "check_rules", "comparable", "estimate", "judge", "learn_rules", "load", "protect", "read", "read_chunks",
    "report", "split", "synthesizer", "verify",
]  # fmt: skip
