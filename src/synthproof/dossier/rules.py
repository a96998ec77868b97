"""The applied policy as the pages need it: titles and remedies of its rules, read from the kept text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthproof.core.words import Words
from synthproof.dossier.disclose import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """What the page says of one rule.

    Parameters
    ----------
    title
        Its name.
    remedy
        What to do when it is not met, when the policy says so.
    over_reference
        Whether the limit is held against what exceeds the reference, not against the number itself.
    reads
        Metrics of an axis; a rule has none.
    """

    title: Words
    remedy: Words | None = None
    over_reference: bool = False
    reads: tuple[str, ...] = ()


def policy_title(policy_text: str, name: str) -> Words:
    """Return the title of a policy, or its name when the text does not say one."""
    shown = printable(name) or "?"
    return _words(_read(policy_text).get("title")) or Words(en=shown, ko=shown)


def rule_facts(policy_text: str) -> Mapping[str, RuleFacts]:
    """Return the rules and axes of a policy by id; a text that is not a policy gives none, and the pages print the ids."""
    told = _read(policy_text)
    rules = [entry for key in ("rules", "axes") if isinstance(told.get(key), list) for entry in told[key]]
    found: dict[str, RuleFacts] = {}
    for rule in rules:
        if not isinstance(rule, dict) or "id" not in rule:
            continue
        name = str(rule["id"])
        found[name] = RuleFacts(
            title=_words(rule.get("title")) or Words(en=printable(name) or "?", ko=printable(name) or "?"),
            remedy=_words(rule.get("remedy")),
            over_reference=rule.get("measure") == "over_reference",
            reads=tuple(str(m.get("metric")) for m in rule.get("measures", ()) if isinstance(m, dict)),
        )
    return found


def title_of(rule: str, rules: Mapping[str, RuleFacts]) -> Words:
    """Return a rule's title, or its id."""
    shown = printable(rule, 40) or "?"
    return rules[rule].title if rule in rules else Words(en=shown, ko=shown)


def _read(policy_text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(policy_text)
    except tomllib.TOMLDecodeError:
        return {}


def _words(value: object) -> Words | None:
    if isinstance(value, Mapping) and value.get("en") and value.get("ko"):
        return Words(en=printable(value["en"], 400), ko=printable(value["ko"], 400))
    return None
