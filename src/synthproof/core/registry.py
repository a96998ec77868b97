"""Names to objects: our own catalogues and other people's entry points.

Each room keeps a ``CATALOGUE`` of names to ``"module:attribute"``. Third parties publish entry points in the group of
the same kind. Listing imports nothing of a plug-in; a plug-in that cannot be imported is shown with its reason and
stops only the user who asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import signature
from typing import Any

from synthproof.core.errors import ConfigError, NotFoundError, did_you_mean
from synthproof.core.words import Words

_KINDS = {
    "synthesizer": Words(en="synthesizer", ko="생성기"),
    "metric": Words(en="metric", ko="지표"),
    "protection": Words(en="protection", ko="보호조치"),
    "policy": Words(en="policy", ko="정책"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One registered name: what it points to and whose it is."""

    name: str
    target: str
    owner: str = "synthproof"


class Registry:
    """The things of one kind, by name.

    Parameters
    ----------
    kind
        Word used in messages, e.g. ``"synthesizer"``.
    package
        Our package that holds the ``CATALOGUE``.
    group
        Entry-point group of third parties.
    """

    def __init__(self, kind: str, package: str, group: str) -> None:
        self.kind = kind
        self.package = package
        self.group = group

    @cached_property
    def _entries(self) -> Mapping[str, Entry]:
        catalogue: Mapping[str, str] = import_module(self.package).CATALOGUE
        found = {name: Entry(name=name, target=target) for name, target in catalogue.items()}
        for point in entry_points(group=self.group):
            owner = _owner(point)
            if point.name in found:
                raise NotFoundError(
                    "registry/name-claimed-twice",
                    name=point.name,
                    owners=f"{found[point.name].owner}, {owner}",
                )
            found[point.name] = Entry(name=point.name, target=point.value, owner=owner)
        return dict(sorted(found.items()))

    def refresh(self) -> None:
        """Forget what was listed, so that packages installed since are seen."""
        self.__dict__.pop("_entries", None)

    def names(self) -> tuple[str, ...]:
        """Return every registered name, sorted. Imports no plug-in."""
        return tuple(self._entries)

    def entries(self) -> tuple[Entry, ...]:
        """Return every registered entry, sorted by name. Imports no plug-in."""
        return tuple(self._entries.values())

    def entry(self, name: str) -> Entry:
        """Return one entry, or refuse the name with the nearest known one."""
        if name not in self._entries:
            raise NotFoundError(
                "registry/unknown-name",
                kind=_KINDS.get(self.kind, self.kind),
                name=name,
                hint=did_you_mean(name, self._entries),
                known=", ".join(self._entries),
            )
        return self._entries[name]

    def get(self, name: str) -> Any:
        """Return the object that a name points to, importing it.

        Raises
        ------
        NotFoundError
            ``registry/unknown-name``, or ``registry/broken-plugin`` with the plug-in's own reason.
        """
        entry = self.entry(name)
        module, _, attribute = entry.target.partition(":")
        try:
            target: Any = import_module(module)
            for part in attribute.split(".") if attribute else ():
                target = getattr(target, part)
        except Exception as error:
            if entry.owner == "synthproof":
                raise
            raise NotFoundError(
                "registry/broken-plugin",
                name=name,
                owner=entry.owner,
                reason=f"{type(error).__name__}: {error}",
            ) from error
        return target

    def broken(self, name: str) -> str:
        """Return why a plug-in cannot be loaded, or an empty string."""
        try:
            self.get(name)
        except NotFoundError as error:
            return str(error.facts.get("reason", error))
        return ""

    def make(self, name: str, **params: Any) -> Any:
        """Return ``get(name)(**params)``.

        Raises
        ------
        ConfigError
            ``params/unknown`` with the nearest known name.
        """
        target = self.get(name)
        known = signature(target).parameters
        if not any(p.kind is p.VAR_KEYWORD for p in known.values()):
            for given in params:
                if given not in known:
                    hint = did_you_mean(given, known)
                    raise ConfigError(
                        "params/unknown", owner=name, name=given, hint=hint, known=", ".join(known) or "-"
                    )
        return target(**params)


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown package"


synthesizers = Registry("synthesizer", "synthproof.synthesizers", "synthproof.synthesizers")
metrics = Registry("metric", "synthproof.metrics", "synthproof.metrics")
protections = Registry("protection", "synthproof.protection", "synthproof.protections")
policies = Registry("policy", "synthproof.policy", "synthproof.policies")
modalities = Registry("modality", "synthproof.data", "synthproof.modalities")

REGISTRIES: Mapping[str, Registry] = {
    "synthesizers": synthesizers,
    "metrics": metrics,
    "protections": protections,
    "policies": policies,
    "modalities": modalities,
}
