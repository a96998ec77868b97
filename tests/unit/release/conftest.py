"""One small run on disk: a sealed dossier full of planted tokens, a vault with a key, a decision; and a bundle of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core.evidence import Evidence, Finding, Limit, Statement, Verdict
from synthproof.core.schema import Field, Purpose, Schema
from synthproof.core.words import Words
from synthproof.data.table.dataset import Origin, Table
from synthproof.dossier.assemble import write_dossier
from synthproof.dossier.journal import Line, next_line, start
from synthproof.dossier.journal_file import write
from synthproof.dossier.seal import check_seal
from synthproof.pipeline.tables import save_table
from synthproof.release.outcome import AREAS, Condition, Member, Outcome, Responsible, Vote
from synthproof.release.signed import signed_text
from synthproof.verification.proof import DataFacts, GeneratorFacts, Proof

PASSPHRASE = "넷 다섯 여섯 말 마차 건전지"
DAY = date(2026, 12, 1)
# Each stands for something that must not leave: a rare level, a description, a file name, what reviewers wrote, …
CANARIES = tuple(
    f"CANARY{name}{i:02d}"
    for i, name in enumerate(
        (
            "LEVEL", "REASON", "FILE", "LEGAL", "NOTICE", "STATEMENT", "OPINION", "CONDITION", "TICKER", "MEMBER",
            "PLACE", "RULE", "CAVEAT", "DETAIL", "SCAN", "SETTING", "PARAMETER", "BECAUSE", "REMOVED", "JOURNAL",
            "PRIVATE", "PATTERN", "FINDING", "LIMIT", "STEWARD", "QUESTION", "HOST", "REFINED", "SUBJECT",
        )
    )
)  # fmt: skip


def canary(name: str) -> str:
    return next(c for c in CANARIES if c.startswith(f"CANARY{name}"))


def both(text: str) -> Words:
    return Words(en=text, ko=f"{text} 한국어")


def made_table(n: int = 60) -> Table:
    schema = Schema(
        fields=(
            Field(name="번호", kind="identifier", pattern=canary("PATTERN"), reason=canary("REASON")),
            Field(name="나이", kind="integer", low=17, high=97, roles=frozenset({"quasi_identifier"})),
            Field(name="병동", kind="categorical", levels=("내과", "외과", canary("LEVEL")), reason=canary("REASON")),
            Field(name="혈당", kind="continuous", low=61.3, high=377.7, decimals=1),
            Field(name="당뇨", kind="boolean", roles=frozenset({"target"})),
        )
    )
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "번호": [f"S{i:05d}" for i in range(n)],
            "나이": pd.array(rng.integers(20, 90, n), dtype="Int64"),
            "병동": pd.Categorical.from_codes(rng.integers(0, 2, n), ["내과", "외과", canary("LEVEL")]),
            "혈당": rng.normal(110, 20, n).round(1),
            "당뇨": pd.array(rng.random(n) < 0.3, dtype="boolean"),
        }
    )
    frame.loc[3, "혈당"] = np.nan
    return Table(frame, schema, origin=Origin(container="csv", name=f"{canary('FILE')}.csv"))


def made_proof(table: Table) -> Proof:
    limit = Limit(
        metric="table.pipc_singling_out",
        value=0.123456,
        origin="simulated",
        because=both(canary("LIMIT")),
        record={"values": [0.1, 0.2], "quantile": 0.9},
    )
    evidence = (
        Evidence(
            metric="table.pipc_singling_out",
            estimate=0.0212345,
            interval=(0.009, 0.05),
            reference=0.02454545,
            n=987,
            private={"synthetic_rows": [], "who": canary("PRIVATE")},
            caveat=both(canary("CAVEAT")),
            detail={"note": canary("DETAIL")},
        ),
        Evidence(
            metric="table.shape",
            subject="병동",
            estimate=0.1,
            interval=(0.0, 0.2),
            detail={"overlay": {"labels": ["내과", "외과", canary("LEVEL")], "real": [500, 400, 12]}},
        ),
        Evidence(metric="table.corr_sd", outcome="insufficient", caveat=both(canary("CAVEAT"))),
    )
    findings = tuple(
        Finding(
            rule=canary("FINDING"),
            family="safety",
            metric="table.pipc_singling_out",
            subject=subject,
            result="meets",
            because=both(canary("FINDING")),
            limit=limit,
        )
        for subject in ("all", canary("SUBJECT"))
    )
    treatment = {
        "field": "병동",
        "class": {"id": "quasi", "en": "x", "ko": "x"},
        "method": {"id": "generalise", "en": canary("DETAIL"), "ko": canary("DETAIL")},
        "detail": {"en": canary("DETAIL"), "ko": canary("DETAIL")},
    }
    removed = {**treatment, "field": canary("REMOVED")}
    facts = DataFacts(name=f"{canary('FILE')}.csv", units=60, rows=60, columns=5, fingerprint=table.fingerprint())
    return Proof(
        schema=table.schema,
        purpose=Purpose(
            use="education",
            title="교육용 합성데이터",
            description="통계 실습",
            holder="우리병원",
            user="학생",
            contact="02-000-0000",
            legal_basis=canary("LEGAL"),
            quasi_identifiers=("나이", canary("REMOVED")),
            targets=("당뇨",),
        ),
        data={"source": replace(facts, units=9876543, rows=9876543), "train": facts, "synthetic": facts},
        evidence=evidence,
        limits=(limit,),
        verdict=Verdict(
            policy="pipc_2024",
            policy_version=3,
            policy_digest="sha256:" + "ab" * 32,
            result="meets",
            findings=findings,
            families={"safety": "meets"},
        ),
        statements=(Statement(question=canary("QUESTION"), author="x", text=canary("STATEMENT")),),
        generator=GeneratorFacts(
            name="table.cart_chain",
            parameters={"domain": canary("PARAMETER")},
            tags={"full_synthesis": True, "irreversible": True, "family": "sequential"},
            because=both(canary("BECAUSE")).to_dict(),
            notices=(both(canary("NOTICE")).to_dict(),),
        ),
        receipts=({"protection": "rare", "persons": 9876543, "treatments": [treatment, removed]},),
        refinements=({"refinement": canary("REFINED")}, {"refinement": "drop_exact_copies", "copies_dropped": 9876543}),
        scan={"fields": [{"field": canary("SCAN"), "class": "direct", "findings": []}]},
        notices=(both(canary("NOTICE")).to_dict(),),
        settings={"seed": 987654321, "stages": {"note": canary("SETTING")}},
        environment={"synthproof": "0.1.0", "machine": canary("HOST")},
        created="2026-11-20T16:40:00+00:00",
    )


@dataclass(frozen=True)
class Run:
    """A run's folder with all that the gate needs."""

    root: Path
    digest: str
    outcome: Outcome
    case: Path

    def write(self, folder: Path, **changed: Any) -> Path:
        """Write the outcome with some parts changed, without a case journal, and return its file."""
        told = {**replace(self.outcome, journal=None).to_dict(), **changed}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "outcome.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        return folder / "outcome.json"


def made_case(folder: Path, digest: str) -> tuple[Line, ...]:
    end, lines = start("case-2026-01"), []
    for act in ("case.opened", "answer.given", "answer.given", "answer.given", "case.approved"):
        line = next_line(end, person="p1", act=act, subject=digest, fields={"text": canary("JOURNAL")})
        lines.append(line)
        end = line.anchor
    write(folder / "journal.jsonl", lines)
    return tuple(lines)


def made_outcome(digest: str, **more: Any) -> Outcome:
    members = (
        Member(id="p1", name=canary("MEMBER"), affiliation=canary("PLACE"), expertise="law", outside=True, chair=True),
        Member(id="p2", name="이두리", affiliation="서울정보보호", expertise="privacy", outside=True),
        Member(id="p3", name="박세", affiliation="우리병원", expertise="clinical"),
    )
    vote = {"dossier": digest, "result": "approved", "areas": dict.fromkeys(AREAS, "fit")}
    return Outcome(
        case="2026-01",
        dossier=digest,
        result="approved",
        decided="2026-11-21T10:00:00+09:00",
        members=members,
        votes=tuple(
            Vote(member=m.id, at="2026-11-20T10:00:00+09:00", opinion=canary("OPINION"), **vote) for m in members
        ),
        rule=canary("RULE"),
        conditions=(
            Condition(id="c1", text=canary("CONDITION"), met_by=canary("TICKER"), met_at="2026-11-22T09:00:00+09:00"),
        ),
        start="2026-11-25",
        end="2027-11-24",
        restrictions=(Words(en="Teaching only", ko="교육 목적 한정"),),
        responsible=Responsible(
            organisation="우리병원", position="팀장", name=canary("STEWARD"), contact="02-000-0000"
        ),
        **more,
    )


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    from synthproof.pipeline.releasing import release_key

    root = tmp_path_factory.mktemp("run") / "out"
    table = made_table()
    save_table(root / "vault" / "synthetic", table)
    proof = made_proof(table)
    write_dossier(root / "dossier", proof, synthetic=table, policy_text='id = "pipc_2024"\n')
    (root / "vault/private.json").write_text(json.dumps(proof.to_dict(private=True), default=str, ensure_ascii=False))
    digest = str(check_seal(root / "dossier")["digest"])
    release_key(root, PASSPHRASE)
    case = root.parent / "case"
    lines = made_case(case, digest)
    outcome = made_outcome(digest, journal=lines[-1].anchor)
    (case / "outcome.json").write_text(json.dumps(outcome.to_dict(), ensure_ascii=False), encoding="utf-8")
    return Run(root, digest, outcome, case)


@pytest.fixture(scope="session")
def bundle(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed bundle that no test may change."""
    from synthproof.pipeline.releasing import seal_release

    out = tmp_path_factory.mktemp("bundle") / "bundle"
    seal_release(run.root, out, outcome=run.case, passphrase=PASSPHRASE, day=DAY)
    return out


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    """A copy of the bundle to change."""
    return Path(shutil.copytree(bundle, tmp_path / "bundle"))


@pytest.fixture
def own_run(run: Run, tmp_path: Path) -> Run:
    """A copy of the run, for tests that write into its vault."""
    shutil.copytree(run.root, tmp_path / "out")
    return replace(run, root=tmp_path / "out")


@pytest.fixture
def signed(run: Run) -> Callable[[dict[str, Any]], str]:
    from synthproof.pipeline.releasing import release_vault
    from synthproof.release.keys import open_key

    key = open_key(release_vault(run.root).key, PASSPHRASE)
    return lambda body: signed_text(body, key)


@pytest.fixture(scope="session")
def canaries() -> tuple[str, ...]:
    return CANARIES


@pytest.fixture(scope="session")
def passphrase() -> str:
    return PASSPHRASE


@pytest.fixture(scope="session")
def day() -> date:
    return DAY
