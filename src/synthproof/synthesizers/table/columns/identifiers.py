r"""New identifiers: of the column's pattern, unique by construction, and never one of the people learned from.

The texts that fit a pattern are numbered; a keyed permutation scatters those numbers; the permuted line is cut into
slots, and only slots in which *no* real identifier lies are used. Row i takes the i-th place of the free slots, so two
rows never agree and no real identifier can come out. The model keeps the free slots' numbers, nothing else: no
identifier and no digest of one. That tells of a guessed identifier only whether its slot, shared with very many others,
was empty.

Where a pattern is too tight (running numbers without gaps), later rows get longer identifiers: the last class of
characters is repeated. That is said in a notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import DataError
from synthproof.core.random import derive, uniforms

IntArray = npt.NDArray[np.intp]
Position = tuple[str, ...]
"""The texts that may stand at one place, usually single characters."""

_CLASSES = {
    "d": "0123456789",
    "w": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
    "s": " ",
}
_MANY = 6  # how often an unbounded repeat is repeated
_CORE = 1 << 52  # the permuted part of the space stays below this
_SLOTS_PER_ID = 2
_LONGEST = 256
_WIDEN = 9
DEFAULT_PATTERN = r"ID\d{10}"


@dataclass(frozen=True, slots=True)
class IdMaker:
    """Makes the identifiers of one column.

    Parameters
    ----------
    positions
        The texts that may stand at each place.
    key
        Key of the permutation.
    slots
        Number of slots that the space was cut into.
    free
        Numbers of the slots without a real identifier, ascending.
    missing
        Share of rows without an identifier.
    """

    positions: tuple[Position, ...]
    key: int
    slots: int
    free: npt.NDArray[np.int64]
    missing: float = 0.0

    @property
    def size(self) -> int:
        """Number of different texts in the permuted part of the pattern."""
        return _product(self._core())

    @property
    def capacity(self) -> int:
        """How many identifiers fit the pattern itself, before longer ones are needed."""
        return len(self.free) * (self.size // self.slots)

    def make(self, n: int, seed: int, purpose: str, *, first: int = 0) -> npt.NDArray[np.object_]:
        """Return the identifiers of rows ``first … first + n``, whatever is asked for before or after; ``None``: missing.

        Raises
        ------
        DataError
            ``fit/ids-exhausted`` past the longest identifiers that can be made.
        """
        cap = self.capacity
        turn = derive(seed, f"{purpose}/first")
        rows = np.arange(first, first + n, dtype=np.int64)
        inside = min(n, max(0, cap - first))
        out = np.empty(n, dtype=object)
        if inside:
            out[:inside] = self._texts((rows[:inside] + turn % cap) % cap, first, seed, purpose)
        if n > inside:
            if first + n - cap > 10**_WIDEN:
                raise DataError("fit/ids-exhausted", where=purpose, name=purpose, n=first + n)
            out[inside:] = self._longer(rows[inside:] - cap, first + inside - cap, seed, purpose)
        if self.missing > 0:
            out[uniforms(seed, f"{purpose}/missing", n, first=first) < self.missing] = None
        return out

    def _core(self) -> list[int]:
        """Return the sizes of the last places, as many as the permutation can hold."""
        sizes: list[int] = []
        for position in reversed(self.positions):
            if _product(sizes) * len(position) > _CORE:
                break
            sizes.insert(0, len(position))
        return sizes

    def _texts(self, counter: npt.NDArray[np.int64], first: int, seed: int, purpose: str) -> npt.NDArray[np.object_]:
        per_slot = self.size // self.slots
        line = self.free[counter // per_slot] * per_slot + counter % per_slot
        numbers = permute(line, self.size, self.key)
        core = self._core()
        lead = len(self.positions) - len(core)
        text = _lead(self.positions[:lead], len(counter), first, seed, purpose)
        digits = np.empty((len(counter), len(core)), dtype=np.int64)
        for j in range(len(core) - 1, -1, -1):
            numbers, digits[:, j] = np.divmod(numbers, core[j])
        for j in range(len(core)):
            text += np.array(self.positions[lead + j], dtype=object)[digits[:, j]]
        return text

    def _longer(self, counter: npt.NDArray[np.int64], first: int, seed: int, purpose: str) -> npt.NDArray[np.object_]:
        """Return identifiers with `_WIDEN` more places: they cannot equal one of the pattern's length."""
        extra = next((p for p in reversed(self.positions) if len(p) > 1), tuple(_CLASSES["d"]))
        size = len(extra) ** _WIDEN if len(extra) ** _WIDEN <= _CORE else len(extra) ** 8
        places = _WIDEN if len(extra) ** _WIDEN <= _CORE else 8
        numbers = permute(counter, size, self.key)
        text = _lead(self.positions, len(counter), first, seed, purpose)
        digits = np.empty((len(counter), places), dtype=np.int64)
        for j in range(places - 1, -1, -1):
            numbers, digits[:, j] = np.divmod(numbers, len(extra))
        for j in range(places):
            text += np.array(extra, dtype=object)[digits[:, j]]
        return text

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "positions": [list(p) for p in self.positions],
            "key": self.key,
            "slots": self.slots,
            "free": self.free,
            "missing": self.missing,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        positions = tuple(tuple(p) for p in state["positions"])
        return cls(positions, int(state["key"]), int(state["slots"]), state["free"], float(state["missing"]))


def id_maker(values: Iterable[object], pattern: str, *, key: int, missing: float = 0.0) -> IdMaker:
    """Return the maker of a column's identifiers.

    Parameters
    ----------
    values
        The real identifiers; used to find free slots and, without a pattern, the shape of the texts.
    pattern
        Regular expression: literals, classes, groups, alternatives and repeats. Another one is replaced by the shape
        of the texts.
    key
        Key of the permutation.
    """
    texts = [str(v) for v in values if v is not None and v == v]
    positions = places_of(pattern) if pattern else None
    if positions is None or len(positions) > _LONGEST:
        positions = _observed(texts) or places_of(DEFAULT_PATTERN) or ()
    blank = IdMaker(positions, key, 1, np.zeros(1, dtype=np.int64), missing)
    size = blank.size
    slots = max(1, min(size, _SLOTS_PER_ID * max(1, len(set(texts)))))
    per_slot = size // slots
    taken = _numbers(texts, positions, len(blank._core()))
    line = permute(taken, size, key, back=True)
    used = np.unique(line // per_slot)
    free = np.setdiff1d(np.arange(slots, dtype=np.int64), used, assume_unique=True)
    return IdMaker(positions, key, slots, free, missing)


def permute(numbers: npt.NDArray[np.int64], size: int, key: int, *, back: bool = False) -> npt.NDArray[np.int64]:
    """Return a keyed permutation of 0 … size - 1 applied to `numbers` (or its inverse).

    An alternating Feistel network over ``a * b >= size`` with cycle walking (Black & Rogaway 2002,
    doi:10.1007/3-540-45760-7_9). Scattering, not secrecy, is what it is for.
    """
    if size <= 1:
        return np.zeros_like(numbers)
    a = max(2, int(np.ceil(np.sqrt(size))))
    b = -(-size // a)
    out = np.array(numbers, dtype=np.int64)
    todo = np.arange(len(out))
    while len(todo):
        left, right = np.divmod(out[todo], b)
        for turn in range(5, -1, -1) if back else range(6):
            sign = -1 if back else 1
            if turn % 2 == 0:
                left = (left + sign * _mix(right, key, turn, a)) % a
            else:
                right = (right + sign * _mix(left, key, turn, b)) % b
        out[todo] = left * b + right
        todo = todo[out[todo] >= size]
    return out


def _mix(x: npt.NDArray[np.int64], key: int, turn: int, modulus: int) -> npt.NDArray[np.int64]:
    z = x.astype(np.uint64) + np.uint64(derive(key, f"feistel/{turn}"))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) % np.uint64(modulus)).astype(np.int64)


def _product(sizes: Iterable[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


def _lead(positions: tuple[Position, ...], n: int, first: int, seed: int, purpose: str) -> npt.NDArray[np.object_]:
    text = np.full(n, "", dtype=object)
    for j, position in enumerate(positions):
        if len(position) == 1:
            text += position[0]
            continue
        pick = (uniforms(seed, f"{purpose}/{j}", n, first=first) * len(position)).astype(np.intp)
        text += np.array(position, dtype=object)[pick]
    return text


def _numbers(texts: list[str], positions: tuple[Position, ...], core: int) -> npt.NDArray[np.int64]:
    """Return the numbers of those texts that fit the positions."""
    groups = ["(" + "|".join(re.escape(t) for t in sorted(p, key=len, reverse=True)) + ")" for p in positions]
    fits = re.compile("".join(groups))
    lead = len(positions) - core
    ranks = [{t: i for i, t in enumerate(p)} for p in positions[lead:]]
    found: list[int] = []
    for text in set(texts):
        match = fits.fullmatch(text)
        if match is None:
            continue
        number = 0
        for rank, part in zip(ranks, match.groups()[lead:], strict=True):
            number = number * len(rank) + rank[part]
        found.append(number)
    return np.array(sorted(found), dtype=np.int64)


def _observed(texts: list[str]) -> tuple[Position, ...] | None:
    """Return positions from the texts' own shape: constant characters stay, others become their class."""
    if not texts:
        return None
    lengths = [len(t) for t in texts]
    common = max(set(lengths), key=lambda k: (lengths.count(k), k)) if len(set(lengths)) < 50 else max(lengths)
    if not 0 < common <= _LONGEST:
        return None
    shown = [t for t in texts if len(t) == common]
    out: list[Position] = []
    for j in range(common):
        seen = {t[j] for t in shown}
        if len(seen) == 1 and (len(shown) > 1 or not next(iter(seen)).isalnum()):
            out.append((next(iter(seen)),))
            continue
        chars = "".join(
            part
            for part, test in (
                ("0123456789", str.isdigit),
                ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", str.isupper),
                ("abcdefghijklmnopqrstuvwxyz", str.islower),
            )
            if any(test(c) for c in seen)
        )
        others = sorted(c for c in seen if not c.isascii() or not c.isalnum())
        out.append(tuple(chars) + tuple(o for o in others if o not in chars) if chars or others else ("0",))
    return tuple(out) if any(len(p) > 1 for p in out) else None


def places_of(pattern: str) -> tuple[Position, ...] | None:
    r"""Return the places of a regular expression, or ``None`` where it says more than places can.

    Repeats take their longest form (``\d{1,5}`` gives five digits), unbounded ones six, ``?`` none.
    """
    try:
        places, end = _sequence(pattern.removeprefix("^").removesuffix("$"), 0)
    except (IndexError, ValueError):
        return None
    if end < len(pattern.removeprefix("^").removesuffix("$")) or not any(len(p) > 1 for p in places):
        return None
    return tuple(places)


def _sequence(p: str, i: int) -> tuple[list[Position], int]:
    """Read until ``)``, ``|`` or the end."""
    out: list[Position] = []
    while i < len(p) and p[i] not in ")|":
        item, i = _item(p, i)
        times, i = _repeat(p, i)
        out.extend(item * times)
        if len(out) > _LONGEST:
            raise ValueError("too long")
    return out, i


def _item(p: str, i: int) -> tuple[list[Position], int]:
    c = p[i]
    if c == "\\":
        name = p[i + 1]
        if name.isalnum() and name not in _CLASSES:
            raise ValueError("unknown escape")
        return [tuple(_CLASSES.get(name, name))], i + 2
    if c == "[":
        return _char_class(p, i + 1)
    if c == "(":
        return _group(p, i + 3 if p.startswith("(?:", i) else i + 1)
    if c == ".":
        return [tuple(_CLASSES["w"])], i + 1
    if c in "*+?{^$":
        raise ValueError("nothing to repeat")
    return [(c,)], i + 1


def _group(p: str, i: int) -> tuple[list[Position], int]:
    if p[i] == "?":
        raise ValueError("look-around")
    choices: list[list[Position]] = []
    while True:
        places, i = _sequence(p, i)
        choices.append(places)
        if p[i] == ")":
            break
        i += 1
    if len(choices) == 1:
        return choices[0], i + 1
    if any(len(place) != 1 for places in choices for place in places):
        raise ValueError("alternatives of classes")
    return [tuple("".join(place[0] for place in places) for places in choices)], i + 1


def _char_class(p: str, i: int) -> tuple[list[Position], int]:
    if p[i] == "^":
        raise ValueError("negated class")
    chars: list[str] = []
    while p[i] != "]":
        if p[i] == "\\":
            chars.extend(_CLASSES.get(p[i + 1], p[i + 1]))
            i += 2
        elif p[i + 1] == "-" and p[i + 2] != "]":
            if ord(p[i + 2]) - ord(p[i]) > 70_000:
                raise ValueError("class too wide")
            chars.extend(chr(k) for k in range(ord(p[i]), ord(p[i + 2]) + 1))
            i += 3
        else:
            chars.append(p[i])
            i += 1
    return [tuple(dict.fromkeys(chars))], i + 1


def _repeat(p: str, i: int) -> tuple[int, int]:
    if i >= len(p):
        return 1, i
    if p[i] in "*+":
        return _MANY, i + 1
    if p[i] == "?":
        return 0, i + 1
    if p[i] != "{":
        return 1, i
    end = p.index("}", i)
    least, comma, most = p[i + 1 : end].partition(",")
    times = int(most) if most else int(least) if not comma else max(int(least), _MANY)
    if times > _LONGEST:
        raise ValueError("too long")
    return times, end + 1
