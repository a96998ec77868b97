"""The small language of rules, read by descent; every text has one meaning and no part of it is ever run as code."""

from __future__ import annotations

import re
from dataclasses import replace

from synthproof.core.constraints.bodies import (
    Among,
    Body,
    Combination,
    Compare,
    Inside,
    Matches,
    Own,
    Part,
    Ranges,
    Relation,
    Unique,
)
from synthproof.core.constraints.expressions import UNITS, Expression, Name, Number, Operation, Text
from synthproof.core.errors import ConfigError

WORDS = frozenset({"in", "between", "and", "matches", "within", "if", "by"})
COMPARISONS = ("<=", ">=", "==", "!=", "<", ">", "=")
_NAME = r"`[^`]+`|[^\W\d][\w.]*"
_TOKEN = re.compile(
    rf"\s*(?:(?P<name>{_NAME})|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<op><=|>=|==|!=|[<>=+\-*/(),{}]))"
)
_PLAIN = re.compile(r"[^\W\d][\w.]*")


def quoted(name: str) -> str:
    """Return a column's name as a rule writes it: in backticks where it has spaces or is a word of the language."""
    if _PLAIN.fullmatch(name) and name not in WORDS and name not in {"unique", "combination", "range", "own"}:
        return name
    return f"`{name}`"


def text_literal(value: str) -> str:
    """Return a level or pattern as a rule writes it."""
    mark = "'" if '"' in value else '"'
    return f"{mark}{value}{mark}"


def parse(text: str) -> Body:
    """Return what a rule says.

    Raises
    ------
    ConfigError
        ``constraint/unreadable`` with the part where reading stopped.
    """
    return _Parser(text).rule()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._scan(text)
        self.at = 0

    def _scan(self, text: str) -> list[tuple[str, str]]:
        out: list[tuple[str, str]] = []
        place, stripped = 0, text.rstrip()
        while place < len(stripped):
            match = _TOKEN.match(stripped, place)
            if not match:
                raise ConfigError("constraint/unreadable", where=text, position=place + 1)
            kind = match.lastgroup or ""
            out.append((kind, match.group(kind)))
            place = match.end()
        return out

    # tokens -----------------------------------------------------------------------------------------------

    def _fail(self) -> ConfigError:
        return ConfigError("constraint/unreadable", where=self.text, position=self.at + 1)

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self.at += 1
        return token

    def _take(self, word: str) -> bool:
        """Step over a word or sign if it comes next."""
        kind, text = self._peek()
        if kind in {"name", "op"} and text == word:
            self.at += 1
            return True
        return False

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise self._fail()

    def _name(self) -> str:
        kind, text = self._peek()
        if kind != "name" or text in WORDS:
            raise self._fail()
        self.at += 1
        return text.strip("`")

    def _names(self, close: str) -> tuple[str, ...]:
        names = [self._name()]
        while self._take(","):
            names.append(self._name())
        if close:
            self._need(close)
        return tuple(names)

    # rules ------------------------------------------------------------------------------------------------

    def rule(self) -> Body:
        body = self._head()
        if self._peek()[0] != "end":
            raise self._fail()
        return body

    def _head(self) -> Body:
        word, follows = self._peek()[1], self._peek(1)[1]
        if follows == "(" and word in {"unique", "combination", "range", "own"}:
            self.at += 2
            return self._called(word)
        if self._peek(1) == ("name", "in") and self._peek(2)[0] == "name":
            inner = self._name()
            self._need("in")
            return Inside((inner, self._name()))
        parts = self._part()
        when: tuple[Part, ...] = ()
        if self._take("if"):
            when = self._part()
            while self._take("and"):
                when = (*when, *self._part())
        relation = Relation(parts, when)
        if not all(p.names for p in (*parts, *when)):
            raise self._fail()
        return relation

    def _called(self, word: str) -> Body:
        if word == "range":
            name = self._name()
            self._need(")")
            self._need("by")
            return Ranges(name, self._names(""))
        if word == "own":
            kind, title = self._next()
            if kind != "text":
                raise self._fail()
            self._need(",")
            return Own(title[1:-1], self._names(")"))
        names = self._names(")")
        return Unique(names) if word == "unique" else Combination(names)

    def _part(self) -> tuple[Part, ...]:
        if self._peek(1) == ("name", "in"):
            return (self._among(),)
        if self._peek(1) == ("name", "matches"):
            name = self._name()
            self._need("matches")
            return (self._matches(name),)
        first = self._sum()
        if self._take("between"):
            low = self._sum()
            self._need("and")
            return Compare(first, ">=", low), Compare(first, "<=", self._sum())
        parts: list[Part] = []
        while self._peek()[0] == "op" and self._peek()[1] in COMPARISONS:  # a <= b <= c is two comparisons
            op = self._next()[1]
            second = self._sum()
            parts.append(Compare(first, "=" if op == "==" else op, second))
            first = second
        if not parts:
            raise self._fail()
        return self._within(parts)

    def _within(self, parts: list[Part]) -> tuple[Part, ...]:
        if not self._take("within"):
            return tuple(parts)
        last = parts[-1]
        room = self._atom()
        if len(parts) != 1 or not isinstance(last, Compare) or last.op != "=" or not isinstance(room, Number):
            raise self._fail()
        return (replace(last, within=room.value),)

    def _among(self) -> Among:
        name = self._name()
        self._need("in")
        close = "}" if self._take("{") else ")"
        if close == ")":
            self._need("(")
        values: list[str] = []
        while True:
            minus = "-" if self._take("-") else ""
            kind, text = self._next()
            if kind not in {"text", "number", "name"} or (minus and kind != "number"):
                raise self._fail()
            values.append(text[1:-1] if kind == "text" else minus + text.strip("`"))
            if not self._take(","):
                break
        self._need(close)
        return Among(name, tuple(values))

    def _matches(self, name: str) -> Matches:
        kind, text = self._next()
        if kind != "text":
            raise self._fail()
        try:
            re.compile(text[1:-1])
        except re.error:
            self.at -= 1
            raise self._fail() from None
        return Matches(name, text[1:-1])

    # expressions ------------------------------------------------------------------------------------------

    def _sum(self) -> Expression:
        side = self._product()
        while self._peek()[0] == "op" and self._peek()[1] in {"+", "-"}:
            side = Operation(self._next()[1], side, self._product())
        return side

    def _product(self) -> Expression:
        side = self._atom()
        while self._peek()[0] == "op" and self._peek()[1] in {"*", "/"}:
            side = Operation(self._next()[1], side, self._atom())
        return side

    def _atom(self) -> Expression:
        kind, text = self._peek()
        if kind == "name":
            return Name(self._name())
        self.at += 1
        if kind == "number":
            unit = self._peek()
            if unit[0] == "name" and unit[1] in UNITS:
                self.at += 1
                return Number(float(text) * UNITS[unit[1]])
            return Number(float(text))
        if kind == "text":
            return Text(text[1:-1])
        if text == "(":
            inner = self._sum()
            self._need(")")
            return inner
        if text == "-":
            return Operation("-", Number(0.0), self._atom())
        self.at -= 1
        raise self._fail()


__all__ = ["COMPARISONS", "WORDS", "parse", "quoted", "text_literal"]
