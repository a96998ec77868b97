"""What a run must not do before a generator that gives differential privacy learns."""

from __future__ import annotations

from synthproof.core.errors import ConfigError
from synthproof.core.registry import synthesizers
from synthproof.pipeline.config import RunConfig
from synthproof.pipeline.quick import generator_of

ALLOWED = frozenset({"identifiers", "none"})
"""Protections that leave what a column may hold to those who declared it."""


def check_private(config: RunConfig) -> None:
    """Refuse, before anything is read, steps that look at the data and whose outcome a private generator would learn.

    Which levels are rare, where extremes are cut and which rules hold is read off the records: a person's record can change
    it, and no noise hides that.

    Raises
    ------
    ConfigError
        ``dp/looked-before`` with the steps.
    NotFoundError
        ``registry/unknown-name``.
    """
    cls = synthesizers.get(generator_of(config.fit))
    if not cls.tags.private:
        return
    steps = [s for s in config.protect.steps if s not in ALLOWED]
    if config.read.learn_rules:
        steps.append("learn_rules")
    if steps:
        raise ConfigError("dp/looked-before", steps=", ".join(steps))


__all__ = ["ALLOWED", "check_private"]
