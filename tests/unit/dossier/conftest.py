"""One made proof with every kind of evidence, and a small synthetic table to go with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthproof.core.evidence import Evidence, Finding, Limit, Verdict, worst
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.words import Words
from synthproof.data.table.dataset import Origin, Table
from synthproof.verification.proof import DataFacts, GeneratorFacts, Proof

HOSTILE = "<script>alert(1)</script>"
RARE = "희귀직업ZQX"


def both(text: str) -> Words:
    return Words(en=text, ko=f"{text}(한)")


def made_schema() -> Schema:
    return Schema(
        fields=(
            Field(name="age", kind="integer", low=17, high=90, roles=frozenset({"quasi_identifier"})),
            Field(name="소득", kind="continuous", low=0.0, high=98765.4, decimals=1),
            Field(name=HOSTILE, kind="categorical", levels=("남", "여", RARE)),
            Field(name="visit", kind="datetime", low=1.5e15, high=1.7e15),
            Field(name="outcome", kind="boolean", roles=frozenset({"target"})),
        )
    )


def made_table(n: int = 200) -> Table:
    schema = made_schema()
    rng = np.random.default_rng(3)
    levels = list(schema.field(HOSTILE).levels)
    frame = pd.DataFrame(
        {
            "age": pd.array(rng.integers(17, 90, n), dtype="Int64"),
            "소득": rng.gamma(2, 9000, n).round(1),
            HOSTILE: pd.Categorical.from_codes(rng.integers(0, 2, n), levels),
            "visit": pd.to_datetime(rng.integers(1_500_000_000, 1_700_000_000, n), unit="s").astype("datetime64[us]"),
            "outcome": pd.array(rng.random(n) < 0.3, dtype="boolean"),
        }
    )
    frame.loc[:5, "소득"] = np.nan
    return Table(frame, schema, origin=Origin(container="csv", name="people.csv"))


def made_limits() -> tuple[Limit, ...]:
    rng = np.random.default_rng(1)
    because = Words(
        en="90 % quantile of 100 random halves of the preprocessed original",
        ko="전처리된 원본을 100회 무작위로 나눈 결과의 90 % 분위수",
    )

    def simulated(metric: str, centre: float, spread: float) -> Limit:
        values = np.sort(rng.normal(centre, spread, 100))
        record = {"values": values.tolist(), "quantile": 0.9, "repeats": 100}
        return Limit(
            metric=metric, value=float(np.quantile(values, 0.9)), origin="simulated", because=because, record=record
        )

    return (
        simulated("table.pipc_singling_out", 0.19, 0.004),
        simulated("table.pipc_inference", 0.45, 0.006),
        simulated("table.corr_sd", 0.05, 0.006),
    )


def made_proof(table: Table, *, title: str = "", extra: tuple[Evidence, ...] = ()) -> Proof:
    limits = made_limits()
    by_metric = {x.metric: x for x in limits}
    evidence = (
        Evidence(metric="table.validity", estimate=1.0, interval=(0.99, 1.0), n=200),
        Evidence(
            metric="table.corr_sd",
            estimate=0.031,
            interval=(0.026, 0.039),
            reference=0.028,
            reference_interval=(0.02, 0.035),
            n=200,
        ),
        Evidence(
            metric="table.pipc_singling_out",
            private={"synthetic_rows": []},
            estimate=0.02,
            interval=(0.009, 0.05),
            reference=0.024,
            n=200,
        ),
        Evidence(metric="table.pipc_inference", estimate=0.61, interval=(0.55, 0.66), reference=0.499, n=200),
        Evidence(metric="table.pipc_linkage", outcome="insufficient", caveat=both("no K match")),
        Evidence(metric="plugin.gone", estimate=3.2e-5, interval=(0.0, 1e-3), subject=HOSTILE, caveat=both("odd")),
        *extra,
    )

    def finding(rule: str, family: str, metric: str, result: str, *, advisory: bool = False) -> Finding:
        return Finding(
            rule=rule, family=family, metric=metric, result=result, because=both(f"{rule} said so"),
            limit=by_metric.get(metric), advisory=advisory,
        )  # fmt: skip

    findings = (
        finding("validity", "integrity", "table.validity", "meets"),
        finding("corr-sd", "fidelity", "table.corr_sd", "meets"),
        finding("구별위험도", "safety", "table.pipc_singling_out", "meets"),
        finding("추론위험도", "safety", "table.pipc_inference", "does_not_meet"),
        finding("연결위험도", "safety", "table.pipc_linkage", "not_assessed"),
    )
    verdict = Verdict(
        policy="pipc_2024",
        policy_version=1,
        policy_digest="sha256:" + "ab" * 32,
        result=worst([f.result for f in findings]),
        findings=findings,
        families={"integrity": "meets", "fidelity": "meets", "safety": "does_not_meet"},
    )
    facts = DataFacts(
        name="people.csv", units=len(table), rows=table.n_rows, columns=5, fingerprint=table.fingerprint()
    )
    real = DataFacts(name="people.csv", units=1000, rows=1000, columns=5, fingerprint="sha256:" + "cd" * 32)
    treatment = {
        "field": HOSTILE,
        "class": {"id": "quasi", "en": "quasi-identifier", "ko": "식별가능정보"},
        "method": {"id": "generalise", "en": "generalised", "ko": "일반화"},
        "detail": {"en": "3 levels merged", "ko": "범주 3개 통합"},
    }
    return Proof(
        schema=table.schema,
        purpose=Purpose(title=title, quasi_identifiers=("age",), targets=("outcome",)),
        data={"source": real, "synthetic": facts},
        evidence=evidence,
        limits=limits,
        verdict=verdict,
        generator=GeneratorFacts(
            name="table.cart_chain",
            parameters={"depth": 8, "random_state": 12345},
            tags={"full_synthesis": True, "irreversible": True, "releasable": True, "private": False},
            because=both("asked for").to_dict(),
            notices=(both("free text left out").to_dict(),),
            seconds={"fit": 1.2},
        ),
        receipts=({"protection": "rare", "persons": 1000, "fields": {HOSTILE: {}}, "treatments": [treatment]},),
        refinements=({"name": "exact copies dropped", "rate_before": 0.021, "count": 4},),
        scan={"fields": {"age": {"class": {"en": "quasi", "ko": "준식별자"}, "share": 1.0}}},
        settings={"seed": 987654321, "policy": "pipc_2024", "split": {"holdout": 0.2}},
        environment={"python": "3.11", "synthproof": "0.1.0"},
        seconds={"fit": 1.2, "verify": 3.0},
        created="2026-11-20T16:40:00+00:00",
    )


@pytest.fixture
def table() -> Table:
    return made_table()


@pytest.fixture
def proof(table: Table) -> Proof:
    return made_proof(table)


@pytest.fixture
def hostile() -> str:
    return HOSTILE


@pytest.fixture
def rare() -> str:
    return RARE


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from synthproof.dossier.assemble import write_dossier

    made = made_table()
    folder = tmp_path_factory.mktemp("made") / "dossier"
    return write_dossier(folder, made_proof(made), synthetic=made, policy_text='id = "pipc_2024"\n')
