"""The same dossier under a stricter form of use: the kept repeats give the other quantile."""

from __future__ import annotations

from synthproof.core.evidence import Limit
from synthproof.core.schema import Purpose
from synthproof.core.words import Words
from synthproof.policy.load import load_policy
from synthproof.policy.quantile import at_quantiles
from synthproof.testing.policies import measured

WHY = Words(en="simulated", ko="모의")
VALUES = [i / 100 for i in range(101)]


def limit(**record: object) -> Limit:
    return Limit(metric="table.pipc_singling_out", value=0.99, origin="simulated", because=WHY, record=record)


def test_kept_repeats_give_another_quantile() -> None:
    (found,) = at_quantiles([limit(quantile=0.99, values=VALUES)], {"table.pipc_singling_out": 0.9})
    assert abs(found.value - 0.9) < 1e-12
    assert found.record["quantile"] == 0.9
    assert "90백분위수" in found.because.ko
    assert "99th" in found.because.en


def test_without_the_repeats_there_is_no_line() -> None:
    assert at_quantiles([limit(quantile=0.99)], {"table.pipc_singling_out": 0.9}) == ()


def test_what_fits_or_is_not_asked_for_stays() -> None:
    same, other, foreign = limit(quantile=0.9, values=VALUES), limit(quantile=0.99, values=VALUES), limit()
    assert at_quantiles([same, foreign], {"table.pipc_singling_out": 0.9}) == (same, foreign)
    assert at_quantiles([other], {}) == (other,)


def test_one_dossier_two_forms_of_use() -> None:
    pipc = load_policy("pipc_2024")
    evidence, made = [measured("table.pipc_singling_out", 0.95)], [limit(quantile=0.99, values=VALUES)]

    def result(purpose: Purpose) -> str:
        found = pipc.for_purpose(purpose).judge(evidence, (), made).findings
        return next(f.result for f in found if f.rule == "singling_out")

    assert result(Purpose(environment="closed", form="internal")) == "meets"
    assert result(Purpose(environment="open", form="publication")) == "does_not_meet"
