"""Run protections over a split: learned from train, the same change for train and holdout, one receipt each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from synthproof.core.contracts import Protection
from synthproof.core.errors import ConfigError
from synthproof.core.params import Params, check_names
from synthproof.core.random import derive
from synthproof.core.registry import protections as registry
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.protection.identifiers import Identifiers
from synthproof.protection.scan import Proposal, Scan, propose, require_basis, scan
from synthproof.protection.treatments import CLASSES, FieldClass, merged

if TYPE_CHECKING:
    from synthproof.data.split import Split

DEFAULT_STEPS: tuple[str, ...] = ("identifiers", "rare", "extremes")
HEAVY = 0.05
"""Share of a field's values above which a change by `rare` or `extremes` is pointed out; ours."""
_HEAVY_WORDS = Words(
    en="{field}: the protection `{step}` changed {percent} % of the values. Check that the column still serves its "
    "purpose; coarser levels (`coarsen`) may keep more.",
    ko="{field}: 보호조치 `{step}`이(가) 값의 {percent} %를 변경하였습니다. 활용 목적에 여전히 맞는지 확인하십시오. "
    "범주를 더 넓게 묶으면(`coarsen`) 더 많은 정보를 유지할 수 있습니다.",
)
Step: TypeAlias = "str | Mapping[str, Any] | Protection[Table]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """A split after protection.

    Parameters
    ----------
    parts
        The same units, changed.
    receipts
        One for each protection, in order: counts and names, no value. JSON values.
    protections
        The fitted protections, to treat further data alike. They belong in the vault.
    treatments
        Form 1-4: one row for each field of the source, all protections together.
    scan, proposal
        What was found in train before anything was changed, and the K and T columns it suggests.
    notices
        What a person should look at: fields of which a protection changed more than `HEAVY` of the values.
    """

    parts: Split[Table]
    receipts: tuple[Mapping[str, Any], ...]
    protections: tuple[Protection[Table], ...]
    treatments: tuple[Mapping[str, Any], ...]
    scan: Scan
    proposal: Proposal
    notices: tuple[Words, ...] = ()


def apply(
    parts: Split[Table],
    steps: Sequence[Step] = DEFAULT_STEPS,
    *,
    purpose: Purpose,
    seed: int,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    run: Run | None = None,
) -> Protected:
    """Return the split after the given protections, in order.

    Parameters
    ----------
    parts
        Train and holdout; neither is changed in place.
    steps
        Registry names, mappings with ``id`` and parameters, or protection objects (which are copied, not fitted).
    purpose
        Holds the statutory basis for resident numbers, and stated K and T.
    seed
        Seeds of the protections that take ``random_state`` and were given none are derived from it.
    parameters
        Parameters for steps given by name.

    Raises
    ------
    StatementError
        ``protection/resident-number``, before anything is changed, whatever the steps.
    ConfigError
        ``protection/unknown-step``, ``protection/lost-units``, or what the protections refuse.
    """
    job = quiet(run)
    train, holdout = parts.train, parts.holdout
    names = train.schema.names
    found = scan(train, purpose=purpose, run=job)
    require_basis(found, purpose)
    proposal = propose(found, train.schema, purpose)
    classes = _classes(found, proposal)
    built = [_built(step, at, seed, parameters or {}) for at, step in enumerate(steps)]
    receipts: list[Mapping[str, Any]] = []
    notices: list[Words] = []
    for at, protection in enumerate(built):
        if isinstance(protection, Identifiers) and at == 0:
            protection.fit(train, found=found, run=job)
        else:
            protection.fit(train, run=job)
        changed = protection.transform(train)
        _same_units(protection, train, changed)
        receipt = {**protection.receipt(), **_rules_broken(train, changed)}
        told = _heavy(receipt, train)
        notices += told
        receipts.append(_classed({**receipt, "notices": [words.to_dict() for words in told]}, classes))
        holdout_changed = protection.transform(holdout)
        _same_units(protection, holdout, holdout_changed)
        name = str(receipt["protection"])
        train, holdout = _marked(train, changed, name), _marked(holdout, holdout_changed, name)
    return Protected(
        parts=replace(parts, train=train, holdout=holdout),
        receipts=tuple(receipts),
        protections=tuple(built),
        treatments=tuple(merged(names, receipts, classes)),
        scan=found,
        proposal=proposal,
        notices=tuple(notices),
    )


def _built(step: Step, at: int, seed: int, parameters: Mapping[str, Mapping[str, Any]]) -> Protection[Table]:
    """A new, unfitted protection: the caller's own object stays as it is."""
    if isinstance(step, Protection):
        made: Any = type(step)(**step.get_params()) if isinstance(step, Params) else step
        name = type(step).__name__
    elif isinstance(step, str | Mapping):
        params = dict(parameters.get(step, {})) if isinstance(step, str) else dict(step)
        name = step if isinstance(step, str) else str(params.pop("id", ""))
        if name.startswith("image."):
            raise ConfigError("protect/not-for-tables", where=f"step {at + 1}", name=name)
        cls = registry.get(name)
        if isinstance(cls, type) and issubclass(cls, Params):
            check_names(cls, params)
        made = cls(**params)
    else:
        raise ConfigError("protect/unknown-step", where=f"step {at + 1}", position=at + 1, type=type(step).__name__)
    if isinstance(made, Params) and made.get_params().get("random_state", 0) is None:
        made.set_params(random_state=derive(seed, f"protect/{at}/{name}"))
    protection: Protection[Table] = made
    return protection


def _classes(found: Scan, proposal: Proposal) -> dict[str, FieldClass]:
    classes: dict[str, FieldClass] = dict.fromkeys(proposal.quasi_identifiers, "quasi")
    classes.update(dict.fromkeys(proposal.sensitive, "sensitive"))
    classes.update(found.classes)
    return classes


def _classed(receipt: Mapping[str, Any], classes: Mapping[str, FieldClass]) -> Mapping[str, Any]:
    """Rows of form 1-4 get the class that the scan of the untouched data found."""
    rows = []
    for row in receipt.get("treatments", ()):
        klass = classes.get(row["field"], row["class"]["id"])
        rows.append({**row, "class": {"id": klass, **CLASSES[klass].to_dict()}})
    return {**receipt, "treatments": rows}


def _same_units(protection: Protection[Table], before: Table, after: Table) -> None:
    if len(before) != len(after) or before.n_rows != after.n_rows:
        step = type(protection).__name__
        raise ConfigError("protect/lost-units", where=step, step=step, before=len(before), after=len(after))


def _marked(before: Table, after: Table, name: str) -> Table:
    """Return the table with a reason at every field whose domain changed: it is no longer what a person declared."""
    schema = after.schema
    for f in schema.fields:
        old = before.schema.field(f.name) if f.name in before.schema else f
        if not f.reason and (f.levels, f.low, f.high, f.pattern) != (old.levels, old.low, old.high, old.pattern):
            schema = schema.replace_field(replace(f, reason=f"domain changed by the protection {name}"))
    return after if schema is after.schema else after.with_schema(schema)


def _heavy(receipt: Mapping[str, Any], before: Table) -> list[Words]:
    """Merging and cutting are meant for few values; where they change many, a person must know."""
    if receipt["protection"] not in {"rare", "extremes"}:
        return []
    out = []
    for name, told in receipt["fields"].items():
        share = told["cells"] / max(int(before.frame[name].notna().sum()), 1)
        if share > HEAVY:
            out.append(_HEAVY_WORDS.filled(field=name, percent=f"{100 * share:.0f}", step=receipt["protection"]))
    return out


def _rules_broken(before: Table, after: Table) -> dict[str, Any]:
    """Declared rules that more rows break after the change than before, by their text; for example a capped total."""
    broken = {}
    for rule in after.schema.constraints:
        if rule.checkable and rule in before.schema.constraints and all(n in after.schema for n in rule.fields):
            more = int((~rule.holds(after.frame)).sum()) - int((~rule.holds(before.frame)).sum())
            if more > 0:
                broken[rule.text] = more
    return {"rules_broken": broken}


__all__ = ["DEFAULT_STEPS", "Protected", "Step", "apply"]
