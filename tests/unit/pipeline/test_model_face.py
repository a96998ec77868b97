"""What a generator can do besides drawing can be asked of the model that users hold, and is refused where it cannot."""

from __future__ import annotations

import numpy as np
import pytest

import synthproof as sp
from synthproof.core.errors import SynthproofError
from synthproof.testing.worlds import patients

PEOPLE = patients().draw(600, 1).frame


@pytest.fixture(scope="module", params=["table.autoregressive", "auto"])
def model(request: pytest.FixtureRequest) -> sp.Model:
    own = {"epochs": 3} if request.param != "auto" else {"candidates": ("table.autoregressive",)}
    return sp.synthesizer(request.param, random_state=7, **own).fit(PEOPLE)


def test_shares_of_levels_are_met(model: sp.Model) -> None:
    drawn = model.sample(2_000, seed=7, balance={"disease": {"diabetes": 0.5}})
    assert abs((drawn["disease"] == "diabetes").mean() - 0.5) < 0.04
    assert abs((model.sample(2_000, seed=7)["disease"] == "diabetes").mean() - 0.5) > 0.1


def test_partial_rows_are_completed_and_known_cells_stay(model: sp.Model) -> None:
    partial = PEOPLE.head(40).drop(columns=["cost"])
    partial.loc[partial.index[::2], "glucose"] = np.nan
    whole = model.complete(partial, seed=3)
    assert type(whole) is type(PEOPLE)
    assert whole[["cost", "glucose"]].notna().all().all()
    there = partial["glucose"].notna().to_numpy()
    assert whole["glucose"].to_numpy()[there].tolist() == partial["glucose"].to_numpy()[there].tolist()


def test_likelihood_tells_unusual_rows(model: sp.Model) -> None:
    other = patients().draw(300, 5).frame
    odd = other.copy()
    odd["cost"] = odd["cost"].sample(frac=1, random_state=0).to_numpy()
    odd["glucose"] = odd["glucose"].sample(frac=1, random_state=1).to_numpy()
    usual = model.log_prob(other)
    assert usual.shape == (300,)
    assert usual.mean() > model.log_prob(odd).mean()


def test_a_generator_that_cannot_says_so() -> None:
    copula = sp.synthesizer("table.copula", random_state=7).fit(PEOPLE)
    for ask in (
        lambda: copula.sample(10, balance={"disease": {"none": 1.0}}),
        lambda: copula.complete(PEOPLE.head(5)),
        lambda: copula.log_prob(PEOPLE),
    ):
        with pytest.raises(SynthproofError) as refused:
            ask()
        assert refused.value.code == "synthesizer/cannot"
        assert "table.copula" in refused.value.text("ko")
