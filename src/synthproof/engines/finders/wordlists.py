"""Word lists are written as running text, one space between words, so that they stay readable side by side."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """The words of `text`, in order."""
    return tuple(text.split())
