"""Points are drawn where points are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core.schema import Field, Schema
from synthproof.data.table.dataset import Table
from synthproof.synthesizers.table.cart_chain import CartChain
from synthproof.synthesizers.table.columns.places import Places, pairs_of
from synthproof.synthesizers.table.copula import Copula
from synthproof.synthesizers.table.marginals import Marginals


def ring(n: int = 4_000) -> Table:
    """Return points on a ring around a lake, and a price that goes with the side of it."""
    dice = np.random.default_rng(0)
    angle = dice.uniform(0, 2 * np.pi, n)
    lat = np.round(37.5 + 0.2 * np.sin(angle) + dice.normal(0, 0.004, n), 4)
    lon = np.round(127.0 + 0.2 * np.cos(angle) + dice.normal(0, 0.004, n), 4)
    frame = pd.DataFrame({"home_lat": lat, "home_lon": lon, "price": np.round(300 + 100 * np.sin(angle), 1)})
    frame.loc[:20, "home_lat"] = np.nan
    fields = (
        Field(name="home_lat", kind="continuous", decimals=4, nullable=True),
        Field(name="home_lon", kind="continuous", decimals=4),
        Field(name="price", kind="continuous", decimals=1),
    )
    return Table(frame, Schema(fields=fields))


def wet(frame: pd.DataFrame) -> float:
    """Share of points in the lake or far outside."""
    radius = np.hypot(frame["home_lat"] - 37.5, frame["home_lon"] - 127.0)
    return float(((radius < 0.17) | (radius > 0.23)).mean())


@pytest.mark.parametrize("generator", [CartChain, Copula, Marginals])
def test_no_point_is_drawn_in_the_lake(generator: Any) -> None:
    data = ring()
    model = generator(random_state=1).fit(data)
    drawn = model.sample(4_500, seed=2)
    assert wet(data.frame) < 0.01
    assert wet(drawn.frame) < 0.05
    again = generator().set_state(model.get_state())
    assert again.sample(4_500, seed=2).frame.equals(drawn.frame)
    part = model.sample(400, seed=2, first=4_000).frame
    assert part.equals(drawn.frame.iloc[4_000:4_400].reset_index(drop=True))
    asked = model.sample(200, where={"home_lat": {"min": 37.6}}, seed=3).frame
    assert (asked["home_lat"] >= 37.6).all()


def test_every_cell_holds_enough_persons_and_only_points_outside_move() -> None:
    dice = np.random.default_rng(1)
    points = np.concatenate([dice.normal((10, 20), 0.1, (500, 2)), dice.normal((11, 21), 0.1, (500, 2))])
    persons = np.arange(1_000) // 2
    places = Places.learn(("lat", "lon"), points, persons=persons, min_shared=8)
    assert places is not None
    chosen = points[::2]
    assert np.bincount(places._cell(chosen)).min() >= 8
    inside = places.settle(chosen[:, 0].copy(), chosen[:, 1].copy(), dice.random((500, 2)))
    assert np.array_equal(np.stack(inside, axis=1), chosen)
    lat, lon = places.settle(np.array([10.5, np.nan]), np.array([20.5, 20.0]), dice.random((2, 2)))
    assert not np.isclose(lat[0], 10.5) or not np.isclose(lon[0], 20.5)
    assert np.isnan(lat[1])
    assert lon[1] == 20.0
    assert Places.learn(("lat", "lon"), points[:50], persons=None, min_shared=8) is None


def test_pairs_are_found_by_name() -> None:
    names = ("lat", "long", "pickup_latitude", "pickup_longitude", "drop_lat", "platform", "위도", "경도")
    fields = [Field(name=n, kind="continuous") for n in names]
    found = [("lat", "long"), ("pickup_latitude", "pickup_longitude"), ("위도", "경도")]
    assert pairs_of(fields) == found
