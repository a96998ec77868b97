"""Finders of identifiers, Korean and general: in a text, and in a column of a table."""

from __future__ import annotations

from .columns import find_in_column
from .kinds import KINDS, ColumnFinding, IdentifierKind, Match
from .text import find_in_text

__all__ = ["KINDS", "ColumnFinding", "IdentifierKind", "Match", "find_in_column", "find_in_text"]
