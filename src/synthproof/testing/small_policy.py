"""A policy of one rule, for tests of the road that need a verdict and no minutes of measuring."""

from __future__ import annotations


def small_policy(*metrics: str) -> str:
    """Return the TOML of a policy that measures `any.generation` and the named metrics, and judges the first alone."""
    plan = "".join(f'[[plan]]\nmetric = "{name}"\n' for name in ("any.generation", *metrics))
    return f"""
format = 1
id = "small"
version = 1
title = {{ en = "Small", ko = "작은 정책" }}
summary = {{ en = "Few numbers.", ko = "적은 수치." }}
source = "a test"
{plan}
[[rules]]
id = "generation"
family = "safety"
title = {{ en = "Full synthesis", ko = "완전합성" }}
explain = {{ en = "Every value drawn anew.", ko = "모든 값을 새로 생성." }}
metric = "any.generation"
side = "min"
limit = {{ origin = "own", value = 1.0, because = {{ en = "drawn anew", ko = "새로 생성" }} }}
"""


__all__ = ["small_policy"]
