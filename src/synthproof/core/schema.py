"""What the data are: fields, kinds, roles and the protected unit; and what they are for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, Self, TypeAlias, get_args

from synthproof.core.constraints import Constraint
from synthproof.core.errors import ConfigError, SchemaError, did_you_mean
from synthproof.core.fingerprint import digest_json

Kind: TypeAlias = Literal[
    "identifier", "boolean", "integer", "continuous", "categorical", "ordinal", "datetime", "text"
]
Role: TypeAlias = Literal["unit", "quasi_identifier", "sensitive", "target", "weight", "time", "event"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ROLES: tuple[Role, ...] = get_args(Role)
NUMERIC: frozenset[Kind] = frozenset({"integer", "continuous", "datetime"})
LEVELS: frozenset[Kind] = frozenset({"boolean", "categorical", "ordinal"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column: what it holds, what it is for, and how its values are written.

    Parameters
    ----------
    name
        Column name, unique in the schema.
    kind
        One of `KINDS`. Integer, continuous and datetime are *numeric*; boolean, categorical and ordinal have *levels*.
    roles
        Any of `ROLES`. ``unit`` marks the column that says which person a row belongs to; ``time`` and ``event`` mark a
        survival target, how long a person was observed and whether the event came then.
    nullable
        Whether missing values occur.
    levels
        Texts of the levels, in order (ordinal: lowest first). Empty for kinds without levels.
    low, high
        Range of a numeric field in its own unit (datetime: microseconds since 1970 UTC).
    decimals
        Digits after the point of a continuous field; ``None`` when not fixed.
    format
        How values are written in the source, as `synthproof.data.table.formats` describes it.
    storage
        Type at the source (``"int64"``, ``"datetime64[ns, Asia/Seoul]"``); empty for text files.
    pattern
        Regular expression of an identifier's values.
    reason
        Why this kind was inferred, in plain English; names and counts only, no value.
    """

    name: str
    kind: Kind
    roles: frozenset[Role] = frozenset()
    nullable: bool = False
    levels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    decimals: int | None = None
    format: Mapping[str, Any] = field(default_factory=dict)
    storage: str = ""
    pattern: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise _bad("kind", self.kind, KINDS, self.name)
        for role in self.roles:
            if role not in ROLES:
                raise _bad("role", role, ROLES, self.name)

    @property
    def numeric(self) -> bool:
        """Whether values lie on a line (integer, continuous, datetime)."""
        return self.kind in NUMERIC

    @property
    def levelled(self) -> bool:
        """Whether values are one of a list of levels (boolean, categorical, ordinal)."""
        return self.kind in LEVELS

    @property
    def modelled(self) -> bool:
        """Whether a table model learns this field (identifiers are made anew, free text is another modality)."""
        return self.numeric or self.levelled

    def has(self, role: Role) -> bool:
        """Whether the field plays `role`."""
        return role in self.roles

    def with_roles(self, *roles: Role) -> Field:
        """Return the field with `roles` added."""
        return replace(self, roles=self.roles | frozenset(roles))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; defaults are left out."""
        out: dict[str, Any] = {"name": self.name, "kind": self.kind}
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in out or value is None or value is False or value in ("", (), frozenset(), {}):
                continue
            out[f.name] = sorted(value) if isinstance(value, frozenset) else value
        if "levels" in out:
            out["levels"] = list(out["levels"])
        if "format" in out:
            out["format"] = dict(out["format"])
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote; unknown keys are refused with the nearest known one."""
        known = {f.name for f in fields(cls)}
        _refuse_unknown(data, known, f"field {data.get('name', '?')}")
        values = dict(data)
        values["roles"] = frozenset(values.get("roles", ()))
        values["levels"] = tuple(str(v) for v in values.get("levels", ()))
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """All fields of a data set, what one protected unit is, and the rules that rows must keep.

    Parameters
    ----------
    fields
        In column order.
    unit
        What one protected unit is called: ``"record"`` unless a field has the role ``unit``.
    constraints
        Declared rules that every row keeps.
    modality
        ``"table"`` here.
    """

    fields: tuple[Field, ...]
    unit: str = "record"
    constraints: tuple[Constraint, ...] = ()
    modality: str = "table"

    def __post_init__(self) -> None:
        names = [f.name for f in self.fields]
        doubled = sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else []
        if doubled:
            raise SchemaError("schema/doubled-field", names=", ".join(doubled))

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(f.name for f in self.fields)

    def __contains__(self, name: object) -> bool:
        return any(f.name == name for f in self.fields)

    def field(self, name: str) -> Field:
        """Return one field, or refuse the name with the nearest known one."""
        for f in self.fields:
            if f.name == name:
                return f
        hint = did_you_mean(name, self.names)
        raise SchemaError("schema/unknown-field", name=name, hint=hint, n=len(self.fields))

    def with_role(self, role: Role) -> tuple[str, ...]:
        """Return the names of the fields that play `role`, in column order."""
        return tuple(f.name for f in self.fields if role in f.roles)

    @property
    def unit_field(self) -> str | None:
        """The column that says which unit a row belongs to, or ``None`` when each row is its own unit."""
        found = self.with_role("unit")
        return found[0] if found else None

    @property
    def modelled(self) -> tuple[Field, ...]:
        """Fields that table models learn and table metrics compare (numeric or with levels, no unit column)."""
        return tuple(f for f in self.fields if f.modelled and not f.has("unit"))

    def without(self, *names: str) -> Schema:
        """Return the schema without some fields, and without the rules that speak of them."""
        for name in names:
            self.field(name)
        kept = tuple(f for f in self.fields if f.name not in names)
        rules = tuple(c for c in self.constraints if not set(c.fields) & set(names))
        return replace(self, fields=kept, constraints=rules)

    def replace_field(self, changed: Field) -> Schema:
        """Return the schema with the field of the same name exchanged."""
        self.field(changed.name)
        return replace(self, fields=tuple(changed if f.name == changed.name else f for f in self.fields))

    def add_roles(self, role: Role, names: Iterable[str]) -> Schema:
        """Return the schema with `role` added to the named fields."""
        out = self
        for name in names:
            out = out.replace_field(out.field(name).with_roles(role))
        return out

    def fingerprint(self) -> str:
        """Return ``sha256:…`` of the schema's content."""
        return digest_json(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "modality": self.modality,
            "unit": self.unit,
            "constraints": [c.text for c in self.constraints],
            "fields": [f.to_dict() for f in self.fields],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote; unknown keys are refused with the nearest known one."""
        _refuse_unknown(data, {"modality", "unit", "constraints", "fields"}, "schema")
        return cls(
            fields=tuple(Field.from_dict(f) for f in data.get("fields", ())),
            unit=data.get("unit", "record"),
            constraints=tuple(Constraint.parse(t) for t in data.get("constraints", ())),
            modality=data.get("modality", "table"),
        )


Environment: TypeAlias = Literal["open", "semi_open", "closed"]
UseForm: TypeAlias = Literal["publication", "unspecified_third_party", "third_party", "other_department", "internal"]
USE_FORMS: tuple[UseForm, ...] = get_args(UseForm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What the synthetic data are for; it decides which numbers are wanted and how strict the limits are.

    Parameters
    ----------
    use
        ``ai_training``, ``analysis``, ``software_test`` or ``education``.
    environment
        활용 환경: ``open`` ⓐ 완전 개방, ``semi_open`` ⓑ 부분 개방, ``closed`` ⓒ 폐쇄.
    form
        활용 형태 ①–⑤, from ``publication`` to ``internal``.
    quasi_identifiers, sensitive, targets
        Names of the K, T and target columns.
    survival
        Survival targets, each as ``"time ~ event"``: column of the observed time, column of whether the event came.
    population
        Persons in the population that the source was drawn from; 0: not known, the source counts as all of it.
    title, description, holder, maker, user, contact, legal_basis, period
        Free texts for the forms; a machine never invents them.
    resident_number_basis
        Statutory basis for processing resident numbers (PIPA art. 24-2); empty stops a run that meets one.
    """

    use: Literal["ai_training", "analysis", "software_test", "education"] = "ai_training"
    environment: Environment = "open"
    form: UseForm = "publication"
    quasi_identifiers: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    survival: tuple[str, ...] = ()
    population: int = 0
    title: str = ""
    description: str = ""
    holder: str = ""
    maker: str = ""
    user: str = ""
    contact: str = ""
    legal_basis: str = ""
    period: str = ""
    resident_number_basis: str = ""

    def __post_init__(self) -> None:
        allowed = {
            "use": ("ai_training", "analysis", "software_test", "education"),
            "environment": get_args(Environment),
            "form": USE_FORMS,
        }
        for name, known in allowed.items():
            if getattr(self, name) not in known:
                raise _bad(name, getattr(self, name), known, "purpose")
        if self.population < 0:
            raise _bad("population", self.population, ("0", "a number of persons"), "purpose")

    @property
    def form_number(self) -> int:
        """활용 형태 as the guide numbers it, 1 (publication) to 5 (internal)."""
        return USE_FORMS.index(self.form) + 1

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a mapping, e.g. a purpose file; unknown keys are refused with the nearest known one."""
        _refuse_unknown(data, {f.name for f in fields(cls)}, "purpose")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**values)


def _refuse_unknown(data: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in data:
        if key not in known:
            raise ConfigError(
                "params/unknown",
                where=where,
                owner=where,
                name=key,
                hint=did_you_mean(str(key), known),
                known=", ".join(sorted(known)),
            )


def _bad(name: str, value: object, known: Iterable[str], where: str) -> ConfigError:
    return ConfigError(
        "params/out-of-range",
        where=where,
        owner=where,
        name=name,
        value=value,
        allowed="one of " + ", ".join(known),
    )
