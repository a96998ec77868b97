"""A run under differential privacy: what is refused before it, what its dossier says, what a filter afterwards costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synthproof.core.errors import ConfigError, DataError
from synthproof.data.split import split
from synthproof.dossier.guarantee import guarantee_rows
from synthproof.pipeline.config import (
    FitConfig,
    ProtectConfig,
    ReadConfig,
    RunConfig,
    SampleConfig,
    VerifyConfig,
)
from synthproof.pipeline.private import check_private
from synthproof.pipeline.road import Road
from synthproof.protection.apply import apply
from synthproof.synthesizers.table.dp_marginals import DpMarginals
from synthproof.testing.worlds import patients

NAME = "table.dp_marginals"


def config(tmp_path: Path, *, protect: tuple[str, ...] = ("none",), drop_copies: bool = False) -> RunConfig:
    patients().draw(3000, 1).frame.to_csv(tmp_path / "people.csv", index=False)
    return RunConfig(
        source=str(tmp_path / "people.csv"),
        out=str(tmp_path / "out"),
        seed=1,
        protect=ProtectConfig(steps=protect),
        fit=FitConfig(synthesizer=NAME, parameters={"epsilon": 3.0, "domain_share": 0.2}),
        sample=SampleConfig(drop_copies=drop_copies),
        verify=VerifyConfig(policy="internal", repeats=2),
    )


def test_steps_that_look_at_the_data_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="dp/looked-before") as refused:
        Road(config(tmp_path, protect=("identifiers", "rare", "extremes"))).travel()
    assert "rare, extremes" in str(refused.value)
    assert not (tmp_path / "out" / "vault" / "source").exists()
    learned = RunConfig(
        fit=FitConfig(synthesizer=NAME), protect=ProtectConfig(steps=()), read=ReadConfig(learn_rules=True)
    )
    with pytest.raises(ConfigError, match="learn_rules"):
        check_private(learned)
    check_private(RunConfig(fit=FitConfig(synthesizer="table.copula")))


def test_the_ledger_ends_in_the_dossier_and_a_filter_takes_safety_away(tmp_path: Path) -> None:
    proof = Road(config(tmp_path, drop_copies=True)).travel().proof
    record = json.loads((tmp_path / "out" / "dossier" / "dossier.json").read_text(encoding="utf-8"))
    told = record["generator"]["privacy"]
    assert told["epsilon_spent"] <= 3.0
    assert sum(e["rho"] for e in told["entries"]) == pytest.approx(told["rho"])
    assert {"total", "column", "choice", "pair", "range"} <= {e["purpose"] for e in told["entries"]}
    page = (tmp_path / "out" / "dossier" / "report.html").read_text(encoding="utf-8")
    card = (tmp_path / "out" / "dossier" / "cards" / "model-card.md").read_text(encoding="utf-8")
    for text in (page, card):
        assert "ε = 3" in text
        assert "프라이버시 예산" in text
    assert proof.verdict.families["safety"] == "not_assessed"
    said = {e.metric: e for e in proof.evidence if e.metric == "table.exact_copies"}
    assert said
    assert all(e.outcome == "failed" and "differential privacy" in e.caveat.en for e in said.values())  # type: ignore[union-attr]
    assert any(e.outcome == "measured" for e in proof.evidence), "fidelity is measured all the same"


def test_a_domain_that_a_protection_changed_is_no_longer_declared() -> None:
    world = patients()
    data = world.draw(600, 1)
    plain = data.with_schema(type(data.schema)(fields=tuple(_without_reason(f) for f in data.schema.fields)))
    done = apply(split(plain, holdout=0.2, seed=1), ("extremes",), purpose=world.purpose, seed=1)
    changed = [f.name for f in done.parts.train.schema.fields if f.reason]
    assert changed
    assert done.parts.train.schema == done.parts.holdout.schema
    with pytest.raises(DataError, match="dp/domain-unknown") as refused:
        DpMarginals().fit(done.parts.train)
    assert all(name in str(refused.value) for name in changed)


def _without_reason(f):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(f, reason="")


def test_other_generators_have_no_guarantee_to_show() -> None:
    assert guarantee_rows({}) == []
