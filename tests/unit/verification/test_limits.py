from __future__ import annotations

import numpy as np
import pytest

from synthproof.core.contracts import Case
from synthproof.core.evidence import Limit
from synthproof.core.run import Run
from synthproof.core.schema import Purpose
from synthproof.data.table.dataset import Table
from synthproof.engines.codes import encode
from synthproof.metrics.table.association import corr_sd_of
from synthproof.metrics.table.pipc_inference import PipcInference
from synthproof.metrics.table.pipc_singling_out import PipcSinglingOut
from synthproof.metrics.table.pmse import pmse_of
from synthproof.testing.worlds import adult_like, patients, survey, visits
from synthproof.verification import limits as module
from synthproof.verification.limits import LimitSpec, simulate_limits

THREE = [LimitSpec(m, 0.95) for m in ("table.pipc_singling_out", "table.pipc_inference", "table.corr_sd")]


def simulated(table: Table, seed: int = 7, repeats: int = 12, run: Run | None = None) -> dict[str, Limit]:
    return {x.metric: x for x in simulate_limits(table, Purpose(), THREE, seed=seed, repeats=repeats, run=run)}


def halves(table: Table, repeat: int, seed: int = 7) -> tuple[Table, Table]:
    made = module._Halves(table, Purpose(), most=None, seed=seed)
    a, b = made.units(repeat)
    assert len(a) == len(b) == len(table) // 2
    assert not set(a) & set(b)
    return table.take(a), table.take(b)


def test_single_out_limit_is_the_corrected_rate_between_halves() -> None:
    table = survey().draw(301, 1)
    values = simulated(table)["table.pipc_singling_out"].record["values"]
    for repeat in (0, 5):
        a, b = halves(table, repeat)
        p = PipcSinglingOut().measure(Case(train=a, holdout=None, synthetic=b, purpose=Purpose()), seed=0)[0].estimate
        assert p is not None
        assert values[repeat] == pytest.approx(1 - (1 - p) ** 2)


def test_inference_limit_is_the_metric_between_halves() -> None:
    # Ranges come from the whole table in the simulation; two anchor rows in each half make them the same here.
    table = patients().draw(400, 2)
    values = simulated(table)["table.pipc_inference"].record["values"]
    for repeat in (0, 3, 9):
        a, b = halves(table, repeat)
        found = PipcInference().measure(Case(train=a, holdout=None, synthetic=b, purpose=Purpose()), seed=0)[0]
        assert found.estimate is not None
        # A range that is one half's instead of the table's moves few of 200 comparisons.
        assert values[repeat] == pytest.approx(found.estimate, abs=0.06)


@pytest.mark.parametrize("world", [patients(), survey(), visits()], ids=lambda w: w.name)
def test_the_look_up_equals_a_full_search(world: object, monkeypatch: pytest.MonkeyPatch) -> None:
    table = world.draw(250, 3)  # type: ignore[attr-defined]
    full = simulated(table)["table.pipc_inference"].record["values"]
    monkeypatch.setattr(module, "NEIGHBOURS", 1)  # nearly every look-up fails and is searched
    assert simulated(table)["table.pipc_inference"].record["values"] == full


def test_corr_sd_limit_is_measured_between_halves() -> None:
    table = adult_like().draw(300, 4)
    values = simulated(table)["table.corr_sd"].record["values"]
    a, b = halves(table, 2)
    expected = corr_sd_of(encode(a.frame, table.schema), encode(b.frame, table.schema))
    assert values[2] == pytest.approx(expected, abs=1e-9)


def test_pmse_limit_is_measured_between_halves() -> None:
    table = adult_like().draw(400, 4)
    limit = simulate_limits(table, Purpose(), [LimitSpec("table.pmse", 0.9)], seed=7, repeats=3)[0]
    for repeat in range(3):
        a, b = halves(table, repeat)
        expected = pmse_of(encode(a.frame, table.schema), encode(b.frame, table.schema))
        assert limit.record["values"][repeat] == pytest.approx(expected, rel=1e-3)


def test_halves_keep_persons_whole() -> None:
    table = visits().draw(60, 5)
    a, b = halves(table, 0)
    assert not set(a.frame["person"]) & set(b.frame["person"])
    assert a.n_rows + b.n_rows == table.n_rows


def test_the_record_can_be_repeated_and_workers_change_nothing() -> None:
    table = patients().draw(300, 6)
    one, two = simulated(table, run=Run(workers=1)), simulated(table, run=Run(workers=3))
    assert {k: v.to_dict() for k, v in one.items()} == {k: v.to_dict() for k, v in two.items()}
    limit = one["table.pipc_inference"]
    assert limit.record["data"] == table.fingerprint()
    assert limit.record["units_per_half"] == 150
    assert limit.value == pytest.approx(float(np.quantile(limit.record["values"], 0.95)))
    assert limit.side == "max"
    assert limit.origin == "simulated"
    assert "95" in limit.because.en
    assert "95백분위수" in limit.because.ko
    assert simulated(table, seed=8)["table.corr_sd"].value != one["table.corr_sd"].value


def test_a_sampled_limit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_UNITS", {"table.pipc_inference": 100})
    limit = simulated(patients().draw(300, 6))["table.pipc_inference"]
    assert limit.record["units_used"] == 100
    assert "100 of 300" in limit.because.en
    assert "표본" in limit.because.ko


def test_too_few_units_give_no_limit() -> None:
    assert simulated(patients().draw(19, 1)) == {}


def test_a_metric_without_a_number_gives_no_limit() -> None:
    table = survey().draw(40, 1)
    one_record = table.take(np.zeros(40, dtype=np.intp))
    assert "table.pipc_inference" not in simulated(one_record)


def test_any_registered_metric_can_be_simulated() -> None:
    found = simulate_limits(
        survey().draw(80, 1), Purpose(), [LimitSpec("table.shape", 0.9)], seed=1, repeats=4, run=Run(workers=1)
    )
    assert len(found) <= 1
