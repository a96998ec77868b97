"""The quick look (``--fast``): trees with their default settings instead of what `auto` would try and weigh."""

from __future__ import annotations

from synthproof.core.errors import ConfigError
from synthproof.core.words import Words
from synthproof.pipeline.stage_config import FitConfig

QUICK = "table.cart_chain"
"""The generator of a quick look."""

QUICK_NOTICE = Words(
    en="This is a quick look (--fast): {name} was taken, and no other generator was tried. Trees learn within seconds, but "
    "tend to remember persons more than the default generator does. Run without --fast before anything is released.",
    ko="빠른 미리 보기(--fast)입니다. 다른 생성기와 비교하지 않고 {name}을(를) 사용했습니다. 의사결정나무는 몇 초 안에 학습하지만 "
    "기본 생성기보다 개인을 더 많이 기억하는 경향이 있습니다. 반출 전에는 --fast 없이 다시 실행하십시오.",
).filled(name=QUICK)
"""What a reader of a quick look's report must know."""


def generator_of(fit: FitConfig) -> str:
    """Return the registry name of the generator that these settings ask for.

    Raises
    ------
    ConfigError
        ``fit/fast-conflict``: a quick look and another generator at once; neither is taken silently.
    """
    return quick_or(fit.synthesizer) if fit.fast else fit.synthesizer


def quick_or(name: str) -> str:
    """Return the generator of a quick look, unless another one than it or ``auto`` was named.

    Raises
    ------
    ConfigError
        ``fit/fast-conflict``.
    """
    if name not in ("auto", QUICK):
        raise ConfigError("fit/fast-conflict", name=name, quick=QUICK)
    return QUICK


__all__ = ["QUICK", "QUICK_NOTICE", "generator_of", "quick_or"]
