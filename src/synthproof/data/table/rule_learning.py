"""Rules that a table seems to keep, proposed with how often each could have failed.

A rule that holds in all rows may hold by chance, or because its columns never come near its bound. Each candidate is
therefore tried once more with one of its columns shuffled among the rows: as many rows as then break it could have failed
if the columns had nothing to do with each other. A rule that shuffling hardly breaks is not proposed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.constraints import Constraint
from synthproof.core.constraints.bodies import Unique
from synthproof.core.errors import ConfigError
from synthproof.core.random import permutation
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Field
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.data.table.rule_search import durations, equals, groups, keys, orderings, pairs_missing, ranges, sums
from synthproof.engines.codes import levels_of, numbers_or_codes

FloatArray = npt.NDArray[np.float64]

LEAST_FAILURES = 20
LEAST_SHARE = 0.02
MOST_EXCEPTIONS = 0.05
_RANGE_SHARE = 0.10
_SEARCHED = 20_000  # rows that candidates are looked for on
_SEED = 0  # what is proposed must not be a matter of luck


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule that the data seem to keep. It is for the user to decide.

    Parameters
    ----------
    rule
        The rule.
    rows
        Rows in which all its columns are present: so often it was seen to hold.
    broken
        Rows of those that break it (none, unless exceptions were allowed).
    failures
        Rows that break it once one of its columns is shuffled: so often it could have failed.
    """

    rule: Constraint
    rows: int
    broken: int
    failures: int

    @property
    def words(self) -> Words:
        """The proposal in a sentence."""
        return _SAID.filled(rule=self.rule.text, rows=self.rows, broken=self.broken, failures=self.failures)

    def __str__(self) -> str:
        return self.words.en


def learn_rules(
    table: Table, *, exceptions: float = 0.0, run: Run | None = None, sorts: Collection[str] | None = None
) -> tuple[Proposal, ...]:
    """Return rules that the table seems to keep, the surest first in each sort.

    Looked for are orderings of numbers and of dates, equal columns and multiples, sums and differences of two to four
    numbers, days between dates, values that own others (``district in city``), combinations of levels of which at most
    half occur, ranges by group, columns that are unique together only, and patterns of identifiers.

    Parameters
    ----------
    table
        Train; never the holdout.
    exceptions
        Share of rows that may break an ordering or ``district in city``, 0 to 0.05; other rules are looked for
        without exceptions.
    run
        Progress.
    sorts
        Look for these only, of ``"equal"``, ``"sum"``, ``"duration"``, ``"order"``, ``"group"``, ``"pair"``,
        ``"range"``, ``"key"`` and ``"pattern"``; for all if absent.

    Returns
    -------
    tuple of Proposal
        Candidates; nothing is declared by this.

    Raises
    ------
    ConfigError
        ``params/out-of-range``.

    Notes
    -----
    A rule is proposed when shuffling one of its columns breaks it in at least 20 rows and 2 % of them (ranges: 10 %).
    Cost O(columns² · n + columns⁴ · few); candidates are looked for on 20,000 rows and then asked of all.
    """
    if not 0 <= exceptions <= MOST_EXCEPTIONS:
        allowed = f"between 0 and {MOST_EXCEPTIONS:g}"
        raise ConfigError(
            "params/out-of-range", owner="learn_rules", name="exceptions", value=exceptions, allowed=allowed
        )
    run = quiet(run)
    fields = {f.name: f for f in table.schema.modelled}
    some = _rows_searched(table)
    columns = {n: numbers_or_codes(some[n], f) for n, f in fields.items()}
    texts = {
        n: np.array([*levels_of(f), ""], dtype=object)[_codes(columns[n])] for n, f in fields.items() if f.levelled
    }
    searches: dict[str, Iterator[str]] = {
        "equal": equals(columns, fields, texts),
        "sum": sums(columns, fields),
        "duration": durations(columns, fields),
        "order": orderings(columns, fields, exceptions),
        "group": groups(columns, fields, exceptions),
        "pair": pairs_missing(columns, fields),
        "range": ranges(columns, fields),
        "key": keys(columns, fields),
    }
    found: list[Proposal] = []
    for search in run.each([s for sort, s in searches.items() if sorts is None or sort in sorts], "rules"):
        for text in search:
            proposal = _tried(Constraint.parse(text), table, exceptions)
            if proposal is not None and not _follows(proposal.rule, found, fields, columns):
                found.append(proposal)
    return (*found, *(_patterns(table) if sorts is None or "pattern" in sorts else ()))


def _rows_searched(table: Table) -> pd.DataFrame:
    if table.n_rows <= _SEARCHED:
        return table.frame
    at = np.sort(permutation(_SEED, "rules/rows", table.n_rows)[:_SEARCHED])
    return table.frame.iloc[at]


def _codes(values: FloatArray) -> npt.NDArray[np.intp]:
    return np.where(np.isnan(values), -1, values).astype(np.intp)


def _tried(rule: Constraint, table: Table, exceptions: float) -> Proposal | None:
    """Return the proposal of a rule that (nearly) all rows keep and many break once a column is shuffled."""
    frame = table.frame
    there = frame[list(rule.fields)].notna().all(axis=1).to_numpy()
    rows = int(there.sum())
    if rows < LEAST_FAILURES:
        return None
    some = frame.loc[there, list(rule.fields)].reset_index(drop=True)
    broken = int((~rule.holds(some)).sum())
    if broken > exceptions * rows:
        return None
    shuffled = some.copy()
    order = permutation(_SEED, f"rules/{rule.text}", rows)
    shuffled[rule.fields[0]] = some[rule.fields[0]].take(order).reset_index(drop=True)
    reference = None if isinstance(rule.body, Unique) else some
    failures = int((~rule.holds(shuffled, reference)).sum())
    share = _RANGE_SHARE if rule.sort == "range" else LEAST_SHARE
    if failures < max(LEAST_FAILURES, share * rows):
        return None
    return Proposal(rule, rows, broken, failures)


def _follows(rule: Constraint, found: list[Proposal], fields: dict[str, Field], columns: dict[str, FloatArray]) -> bool:
    """Whether a rule says no more than rules found before: an ordering within a sum, a range within a group."""
    names = set(rule.fields)
    for other in found:
        said = set(other.rule.fields)
        if rule.sort == "compare" and other.rule.sort == "compare" and names < said and "=" in other.rule.text:
            parts = [n for n in said if n in columns and fields[n].kind != "datetime"]
            if all(np.nanmin(columns[n]) >= 0 for n in parts):
                return True
        if rule.sort in {"range", "combination", "unique"} and said <= names and other.rule.sort != "compare":
            return True
        if rule.sort in {"in", "combination", "unique", "range"} and said <= names and " = " in other.rule.text:
            return True
    return False


def _patterns(table: Table) -> list[Proposal]:
    """Return patterns of identifiers that the schema knows, as rules."""
    out: list[Proposal] = []
    for f in table.schema.fields:
        if f.kind != "identifier" or not f.pattern or '"' in f.pattern:
            continue
        rule = Constraint.matches(f.name, f.pattern)
        there = table.frame[f.name].notna().to_numpy()
        kept = rule.holds(table.frame)
        if kept.all() and there.any():
            out.append(Proposal(rule, int(there.sum()), 0, int(there.sum())))
    return out


_SAID = Words(
    en="{rule} · held in {rows} rows (broken in {broken}); with one column shuffled {failures} rows break it",
    ko="{rule} · {rows}행에서 성립(위반 {broken}행). 한 열을 섞으면 {failures}행이 위반",
)

__all__ = ["Proposal", "learn_rules"]
