"""Policies from TOML: shipped ones by name, a user's own by path, each with its digest."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthproof.core.errors import ConfigError, NotFoundError, did_you_mean
from synthproof.core.fingerprint import digest_json
from synthproof.core.registry import policies
from synthproof.core.words import Words
from synthproof.policy.read import Content, read
from synthproof.policy.rules import RulePolicy


def load_policy(source: str | Path) -> RulePolicy:
    """Return a policy by registered name or from a TOML file.

    Parameters
    ----------
    source
        ``"pipc_2024"`` …, or a path (anything that ends in ``.toml`` or has a folder in it).

    Raises
    ------
    NotFoundError
        ``policy/unknown``: neither a registered name nor a file.
    ConfigError
        ``policy/…`` naming the file and the rule.
    """
    name = str(source)
    if isinstance(source, Path) or name.endswith(".toml") or "/" in name or "\\" in name:
        path = Path(source)
        if not path.is_file():
            raise NotFoundError("policy/no-file", where=name, known=", ".join(policies.names()))
        return _from_file(path, shipped=False)
    if name not in policies.names():
        raise NotFoundError(
            "policy/unknown", name=name, hint=_hint(name, policies.names()), known=", ".join(policies.names())
        )
    return _registered(name)


def read_policy(text: str, *, where: str = "policy") -> RulePolicy:
    """Return a policy from TOML text, e.g. the one kept in a dossier."""
    content = read(text, where)
    return _build(content, changed=_differs(content))


def _registered(name: str) -> RulePolicy:
    entry = policies.entry(name)
    found: Any = policies.get(name)
    if isinstance(found, str | Path):
        return _from_file(Path(found), shipped=entry.owner == "synthproof")
    policy = found() if callable(found) else found
    if not isinstance(policy, RulePolicy):
        raise ConfigError("policy/not-a-policy", where=entry.target, owner=entry.owner, type=type(policy).__name__)
    return policy


def _from_file(path: Path, *, shipped: bool) -> RulePolicy:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError("policy/not-utf8", where=str(path)) from error
    content = read(text, path.name)
    return _build(content, changed=False if shipped else _differs(content))


def _build(content: Content, *, changed: bool) -> RulePolicy:
    return RulePolicy(
        id=content.id,
        version=content.version,
        title=content.title,
        summary=content.summary,
        planned=content.planned,
        rules=content.rules,
        axes=content.axes,
        quantiles=content.quantiles,
        digest=_digest(content.data),
        changed=changed,
        text=content.text,
    )


def _digest(data: Mapping[str, Any]) -> str:
    return digest_json(dict(data))


def _differs(content: Content) -> bool:
    """Return whether these rules are not exactly one of ours under its own name."""
    if content.id not in policies.names() or policies.entry(content.id).owner != "synthproof":
        return True
    ours = tomllib.loads(Path(policies.get(content.id)).read_text(encoding="utf-8"))
    return _digest(ours) != _digest(content.data)


def _hint(name: str, known: Sequence[str]) -> Words | str:
    return did_you_mean(name, known)
