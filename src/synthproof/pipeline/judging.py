"""From real and synthetic data of any modality to a proof: what `run` and `verify` share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.contracts import Case, Recipe
from synthproof.core.errors import DataError, UsageError
from synthproof.core.evidence import Statement
from synthproof.core.run import Run
from synthproof.core.schema import Purpose, Schema
from synthproof.core.stats import newcombe
from synthproof.core.words import Words
from synthproof.data.split import FEWEST_UNITS
from synthproof.data.table.dataset import Table
from synthproof.data.table.survival import survival_targets
from synthproof.engines.threads import one_blas_thread
from synthproof.pipeline.environment import environment, now
from synthproof.policy.load import load_policy
from synthproof.policy.rules import RulePolicy
from synthproof.verification.battery import verify_case
from synthproof.verification.proof import DataFacts, GeneratorFacts, Proof
from synthproof.verification.refine import voided_by


def facts_of(table: Any) -> DataFacts:
    """Return sizes and fingerprint of a table."""
    return DataFacts(
        name=table.origin.name,
        units=len(table),
        rows=table.n_rows,
        columns=len(table.schema.fields),
        fingerprint=table.fingerprint(),
    )


def alike(real: Any, synthetic: Any) -> Any:
    """Return `real` with only the fields that the synthetic data have; pictures keep whose they are."""
    if real.schema.modality != "table":
        return real
    return real.without(*(n for n in real.schema.names if n not in synthetic.schema))


def complete_purpose(
    purpose: Purpose, schema: Schema, *, quasi: Sequence[str] = (), sensitive: Sequence[str] = ()
) -> Purpose:
    """Return the purpose with targets, K and T from the schema's roles and the proposals, where it names none.

    Fields that the protected data no longer have are dropped.
    """
    targets = purpose.targets or schema.with_role("target")
    k = purpose.quasi_identifiers or schema.with_role("quasi_identifier") or tuple(quasi)
    t = purpose.sensitive or schema.with_role("sensitive") or tuple(sensitive)
    kept = set(schema.names)
    return replace(
        purpose,
        targets=tuple(n for n in targets if n in kept),
        survival=tuple(s for s in purpose.survival if {part.strip() for part in s.split("~")} <= kept),
        quasi_identifiers=tuple(n for n in k if n in kept and n not in t),
        sensitive=tuple(n for n in t if n in kept),
    )


@one_blas_thread()
def prove(
    train: Any,
    synthetic: Any,
    holdout: Any,
    *,
    purpose: Purpose,
    policy: str,
    seed: int,
    repeats: int = 100,
    generator: GeneratorFacts | None = None,
    recipe: Recipe | None = None,
    losses: Mapping[str, npt.NDArray[np.float64]] | None = None,
    released: Sequence[Any] = (),
    source: DataFacts | None = None,
    record: Mapping[str, Any] | None = None,
    statements: Sequence[Statement] = (),
    notices: Sequence[Words] = (),
    gates: Sequence[str] = (),
    full: bool = False,
    run: Run | None = None,
) -> Proof:
    """Measure, simulate limits, judge; return the proof.

    Parameters
    ----------
    train, holdout
        Real units after protection: learned from, and never learned from.
    synthetic
        The drawn units.
    purpose, policy, seed, repeats
        Complete (see `complete_purpose`); name or TOML file; of metrics and simulated limits.
    generator, recipe, source, record
        What is known of how the data were made; `record` holds further fields of `Proof`.
    losses
        Loss of each picture under the generator, ``train`` and ``holdout``, where it tells.
    released
        Earlier releases of the source, with the fields of `synthetic`: safety is judged over all of them.
    statements
        What named persons assert, for rules that ask for it.
    notices
        What the reader must know beside the findings.
    gates, full
        What forbids to exclude a leak (`verification.battery`); whether all persons are attacked, not a sample.

    Raises
    ------
    UsageError
        ``config/wrong-type`` for fewer than one repeat.
    """
    check_repeats(repeats)
    rules = load_policy(policy)
    real = alike(train, synthetic)
    unseen = alike(holdout, synthetic) if holdout is not None else None
    earlier = _distinct(released, synthetic)
    case = Case(
        train=real, holdout=unseen, synthetic=synthetic, purpose=purpose, recipe=recipe, losses=losses, released=earlier,
        full=full,
    )  # fmt: skip
    extra = dict(record or {})
    voided = voided_by(generator.tags, extra.get("refinements", ())) if generator is not None else None
    judged = verify_case(
        case, rules, seed=seed, repeats=repeats, statements=statements, voided=voided, gates=gates, run=run
    )
    seconds = {**extra.pop("seconds", {}), **{f"verify/{k}": v for k, v in judged.seconds.items()}}
    return Proof(
        schema=real.schema,
        purpose=purpose,
        data=_facts(train, synthetic, holdout, source, earlier),
        evidence=tuple(judged.evidence),
        limits=tuple(judged.limits),
        verdict=judged.verdict,
        statements=tuple(statements),
        notices=tuple(n.to_dict() for n in (*notices, *judged.notices)),
        generator=generator or GeneratorFacts(),
        settings={**_settings(rules, seed, repeats, gates, len(earlier)), **extra.pop("settings", {})},
        environment=environment(),
        seconds=seconds,
        created=now(),
        **extra,
    )


def _settings(rules: RulePolicy, seed: int, repeats: int, gates: Sequence[str], earlier: int) -> dict[str, Any]:
    told: dict[str, Any] = {"gates": list(gates)} if gates else {}
    if earlier:
        told["releases"] = 1 + earlier
    return {"seed": seed, "repeats": repeats, "policy": rules.id, "policy_digest": rules.digest, **told}


def _distinct(released: Sequence[Any], synthetic: Any) -> tuple[Any, ...]:
    """Return the earlier releases, each once: rows of a file that was named twice must not count twice."""
    found = {t.fingerprint(): t for t in (synthetic, *released)}
    return tuple(found.values())[1:]


def _facts(
    train: Any, synthetic: Any, holdout: Any, source: DataFacts | None, earlier: Sequence[Any]
) -> dict[str, DataFacts]:
    data = {"train": facts_of(train), "synthetic": facts_of(synthetic)}
    if holdout is not None:
        data["holdout"] = facts_of(holdout)
    if source is not None:
        data["source"] = source
    return data | {f"released_{i}": facts_of(t) for i, t in enumerate(earlier, start=1)}


def check_repeats(repeats: int) -> None:
    """Refuse fewer than one repeat: a simulated limit would have nothing to stand on."""
    if repeats < 1:
        raise UsageError("verify/bad-repeats", n=repeats)


def check_purpose(purpose: Purpose, schema: Schema) -> None:
    """Refuse K, T or target columns that the source does not have: a misspelt one would silently not be attacked.

    Raises
    ------
    SchemaError
        ``schema/unknown-field`` with the nearest name, or ``schema/not-survival``.
    """
    for name in (*purpose.quasi_identifiers, *purpose.sensitive, *purpose.targets):
        schema.field(name)
    survival_targets(schema, purpose)


def check_unseen(train: Table, holdout: Table) -> None:
    """Refuse a holdout that is too small to say anything, or that was not held out.

    Rows of people that nothing learned from occur in train no more often than train's rows occur twice in train. A
    share that lies more than 5 points above that (at 99.9 %) shows that train and holdout were mixed: every comparison
    with such a holdout would acquit a copy.

    Raises
    ------
    DataError
        ``verification/holdout-too-small`` or ``verification/holdout-overlaps``.
    """
    if len(holdout) < FEWEST_UNITS // 2:
        raise DataError("verify/holdout-too-small", where=holdout.origin.name, n=len(holdout), least=FEWEST_UNITS // 2)
    names = [n for n in train.schema.names if n in holdout.schema]
    known, others = (row_digests(t.frame[names]) for t in (train, holdout))
    met = int(np.isin(others, known).sum())
    twins = int(train.frame[names].duplicated(keep=False).sum())
    over, _ = newcombe(met, len(others), twins, len(known), 0.999)
    if over > 0.05 or (len(known) == len(others) and np.array_equal(np.sort(known), np.sort(others))):
        raise DataError(
            "verify/holdout-overlaps", where=holdout.origin.name, n=met, of=len(others), twins=twins, rows=len(known)
        )


def row_digests(frame: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """Return one number a row, the same for equal rows."""
    texts = frame.astype({c: "str" for c in frame.columns if isinstance(frame[c].dtype, pd.CategoricalDtype)})
    return np.asarray(pd.util.hash_pandas_object(texts, index=False), dtype=np.uint64)


def generator_facts(
    model: Any, name: str, *, seconds: Mapping[str, float], notices: Sequence[Mapping[str, str]] = ()
) -> GeneratorFacts:
    """Return what is known of one of our synthesizers, and what the user was told on the way."""
    because = getattr(model, "because_", None)
    own = [n.to_dict() for n in getattr(model, "notices_", ()) if n != because]
    return GeneratorFacts(
        name=getattr(model, "chosen_", name),
        parameters={k: v for k, v in model.get_params().items() if k != "random_state"},
        tags=asdict(model.tags),
        because=because.to_dict() if because else None,
        notices=(*notices, *own),
        seconds={k: round(v, 2) for k, v in seconds.items()},
        privacy=getattr(model, "ledger_", {}),
    )


def removed_columns(receipts: Sequence[Mapping[str, Any]]) -> tuple[Words, ...]:
    """Return the notice of columns that the protection removed: nobody should wonder where they are."""
    names = ", ".join(str(n) for r in receipts for n in r.get("removed", ()))
    if not names:
        return ()
    return (
        Words(
            en=f"Removed before learning, because they identify people: {names}.",
            ko=f"개인을 식별하는 열이므로 학습 전에 삭제한 열: {names}.",
        ),
    )


MANY_REPEATED = 0.2
"""Share of rows equal to an earlier row above which it is said; ours (the Korean health examination data have 0.14)."""


def repeated(table: Table) -> tuple[DataError, ...]:
    """Return a notice when many rows repeat an earlier one: then a person may stand on both sides of the split."""
    names = [f.name for f in table.schema.modelled]
    n = int(table.frame[names].duplicated().sum()) if names else 0
    if n <= MANY_REPEATED * table.n_rows:
        return ()
    return (DataError("read/repeated-rows", where=table.origin.name, n=n, rows=table.n_rows),)
