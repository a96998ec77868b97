from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthproof.core.errors import SchemaError
from synthproof.data.table.union import union
from synthproof.testing.worlds import patients, visits


def test_rows_stand_one_after_the_other_under_the_first_schema() -> None:
    a, b = patients().draw(30, 1), patients().draw(20, 2)
    both = union([a, b])
    assert both.schema == a.schema
    assert both.take(np.arange(30)).fingerprint() == a.fingerprint()
    assert both.take(np.arange(30, 50)).fingerprint() == b.fingerprint()
    assert union([a]) is a


def test_levels_that_only_a_later_part_knows_stand_behind() -> None:
    a, b = patients().draw(30, 1), patients().draw(20, 2)
    region = replace(b.schema.field("region"), levels=("A", "B", "C", "D", "E", "F"), nullable=True)
    fields = tuple(region if f.name == "region" else f for f in b.schema.fields)
    column = b.frame["region"].cat.set_categories(list(region.levels))
    column.iloc[:3] = "F"
    column.iloc[3] = None
    both = union([a, b.with_frame(b.frame.assign(region=column), replace(b.schema, fields=fields))])
    assert both.schema.field("region") == region
    assert (both.frame["region"] == "F").sum() == 3
    assert both.frame["region"].isna().sum() == 1
    assert list(both.frame["region"].cat.categories) == list(region.levels)


def test_one_label_in_two_releases_is_two_persons() -> None:
    a, b, c = (visits().draw(n, n) for n in (10, 15, 20))
    both = union([a, b, c])
    assert len(both) == 45
    assert both.n_rows == a.n_rows + b.n_rows + c.n_rows
    assert list(both.frame["person"].iloc[: a.n_rows]) == list(a.frame["person"])
    assert (np.diff(both.unit_of_row) >= 0).all()


def test_other_fields_are_refused() -> None:
    a = patients().draw(10, 1)
    with pytest.raises(SchemaError, match="schema/fields-differ"):
        union([a, a.without("cost")])
