"""RepU and DiSCO: the statistical offices' counts of identity and attribute disclosure, beside the control's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.engines.records import encode_alike, record_ids
from synthproof.metrics.table.answers import insufficient, joined, not_applicable
from synthproof.metrics.table.exchangeable import (
    Excess,
    bound_words,
    evidence,
    of_targets,
    persons_met,
    unusable,
    worth,
)
from synthproof.metrics.table.footing import footing, share
from synthproof.metrics.table.key_classes import keys, named

FloatArray = npt.NDArray[np.float64]
IdArray = npt.NDArray[np.int64]
UnitArray = npt.NDArray[np.intp]

SMALL = 5
"""Classes of the synthetic data up to this size: larger ones give away what is commonly known."""

_NO_K = Words(en="No quasi-identifier (K) is named.", ko="준식별자(K)가 지정되지 않았습니다.")
_REPU = Words(
    en="0: combinations of K that are one person's recur as one synthetic person's no more often for persons learned from "
    "than for unseen ones. The published RepU is in the detail.",
    ko="0은 한 사람에게만 있는 K 조합이 합성데이터에서도 한 명으로 나타나는 빈도가 학습된 사람과 학습에 쓰이지 않은 사람에게서 "
    "같다는 뜻입니다. 문헌의 RepU 값은 세부 항목에 있습니다.",
)
_DISCO = Words(
    en="0: the synthetic data give T away for persons learned from no more often than for unseen ones. What both share is "
    "knowledge about the population. The published DiSCO is in the detail.",
    ko="0은 합성데이터가 학습된 사람의 T를 학습에 쓰이지 않은 사람의 T보다 더 자주 드러내지 않는다는 뜻입니다. 양쪽에 공통된 부분은 "
    "모집단에 관한 지식입니다. 문헌의 DiSCO 값은 세부 항목에 있습니다.",
)


class Disclosure:
    """RepU and, for each sensitive item, DiSCO: the share of persons learned from over the share of control persons.

    Notes
    -----
    Raab, Nowok & Dibben recommend two counts, as shares of the original records. RepU (replicated uniques): records
    whose keys K occur once in the original and once in the synthetic data. DiSCO (disclosive in synthetic, correct in
    original): records whose keys occur in the synthetic data, all with one value of the target T, which is the record's
    own. Both are given in the detail, for train as published and for the holdout in train's place.

    The estimate is an excess over the control. DiSCO asks the same of a holdout record as of a training record. For
    RepU a record's keys must be one unit's in train *and* holdout together, so that both arms are judged in one table
    whatever their sizes. Newcombe's interval by unit (`exchangeable.of_targets`).

    Keys are compared value by value as they are written; a numeric T with more than 20 values is cut at the deciles of
    the synthetic data. The authors' exclusions of relations that everybody knows are not applied: such relations hold
    for the control too and fall out of the excess. Cost O((n + m) log n · K).
    """

    card = Card(
        id="table.disclosure",
        version=1,
        family="safety",
        name=Words(en="Replicated uniques and disclosure (RepU, DiSCO)", ko="고유 조합 재현·속성 노출(RepU, DiSCO)"),
        question=Words(
            en="Whoever knows a person's quasi-identifiers: does the synthetic data repeat that person, or give the "
            "sensitive item away, because the person was learned from?",
            ko="준식별자를 아는 사람이 볼 때, 학습에 쓰였다는 이유로 합성데이터가 그 사람을 재현하거나 민감 항목을 드러내는가?",
        ),
        unit="excess share of original records",
        low=-1.0,
        high=1.0,
        better="lower",
        source="Raab, Nowok & Dibben 2024, arXiv:2406.16826 (RepU, DiSCO); control arm and intervals by unit: ours",
        ideal=Words(en="0: no more than for unseen persons.", ko="0: 학습에 쓰이지 않은 사람과 같은 수준."),
        needs=frozenset({"holdout", "quasi_identifiers"}),
        attacker=Attacker(
            knows=Words(
                en="One person's quasi-identifiers (K) and the synthetic data.", ko="특정인의 준식별자(K)와 합성데이터."
            ),
            tries=Words(
                en="Takes the only synthetic record with these K for the person, and its T for the person's.",
                ko="그 K를 가진 유일한 합성 레코드를 그 사람으로 보고, 그 T를 그 사람의 값으로 봅니다.",
            ),
            success=Words(
                en="The K are one real person's alone (RepU), or all records with these K carry the true T (DiSCO).",
                ko="그 K가 실제로 한 사람뿐이거나(RepU), 그 K의 모든 레코드가 실제 T 값을 가지면(DiSCO) 성공입니다.",
            ),
        ),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that K is not named."""
        return None if named(purpose, schema)[0] else _NO_K.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence for the subject ``RepU`` and one subject ``DiSCO: item`` per sensitive item."""
        run = quiet(run)
        run.tick(self.card.id, 0, 1)
        k, t = named(case.purpose, case.train.schema)
        if not k:
            return (not_applicable(self.card, _NO_K, seed=seed),)
        if why := unusable(case):
            return (insufficient(self.card, why, subject="RepU", seed=seed),)
        out = [self._repu(case, k, seed)]
        for item in run.each(t, self.card.id):
            known = tuple(name for name in k if name != item)
            if known:
                out.append(self._disco(case, known, item, seed))
        return out

    def _repu(self, case: Case[Any], k: tuple[str, ...], seed: int) -> Evidence:
        ids = key_ids(case, k)
        units = footing(case).units
        n = 1 + max(int(x.max(initial=0)) for x in ids.values())
        held = {name: persons(ids[name], units[name], n) for name in ids}
        pool = held["train"] + held["holdout"]
        hit = {name: ((pool == 1) & (held["synthetic"] == 1))[ids[name]] for name in ("train", "holdout")}
        published = {
            name: share(((held[name] == 1) & (held["synthetic"] == 1))[ids[name]], units[name]).plain() for name in hit
        }
        unique = {name: float((held[name] == 1)[ids[name]].mean()) for name in ids}
        detail = {"repu": published, "unique_on_keys": unique, "quasi_identifiers": list(k)}
        return self._evidence(case, hit, "RepU", detail, _REPU, seed)

    def _disco(self, case: Case[Any], k: tuple[str, ...], t: str, seed: int) -> Evidence:
        ids = key_ids(case, k)
        units = footing(case).units
        values = keys(tables_of(case), (), t).t
        n = 1 + max(int(x.max(initial=0)) for x in ids.values())
        told, size = unanimous(ids["synthetic"], values["synthetic"], n)
        hit = {name: told[ids[name]] == values[name] for name in ("train", "holdout")}
        own, _ = unanimous(ids["train"], values["train"], n)
        detail = {
            "disco": {name: share(hit[name], units[name]).plain() for name in hit},
            "disco_small_classes": {name: float((hit[name] & (size[ids[name]] <= SMALL)).mean()) for name in hit},
            "keys_found_in_synthetic": {name: float((size[ids[name]] > 0).mean()) for name in hit},
            "original_disclosive": float((own[ids["train"]] >= 0).mean()),
            "quasi_identifiers": list(k),
        }
        return self._evidence(case, hit, f"DiSCO: {t}", detail, _DISCO, seed)

    def _evidence(
        self,
        case: Case[Any],
        hit: dict[str, npt.NDArray[np.bool_]],
        subject: str,
        detail: dict[str, Any],
        caveat: Words,
        seed: int,
    ) -> Evidence:
        units = footing(case).units
        x = {name: found.astype(np.float64) for name, found in hit.items()}
        excess: Excess = of_targets(x["train"], units["train"], x["holdout"], units["holdout"])
        mine, others = (np.flatnonzero(hit[name]).astype(np.intp) for name in ("train", "holdout"))
        met = persons_met(footing(case), mine, others, len(case.train))
        arms = {
            "persons_met": [met],
            "train_rate": float(x["train"].mean()),
            "control_rate": float(x["holdout"].mean()),
        }
        return evidence(
            self.card,
            excess,
            subject=subject,
            n=len(case.train),
            seed=seed,
            detail={**detail, **arms, "train_rows": len(x["train"]), "control_rows": len(x["holdout"])},
            private={"train_rows": np.flatnonzero(hit["train"]).tolist()},
            caveat=joined(caveat, bound_words(float(x["train"].sum()), worth(x["train"], units["train"]))),
        )


def tables_of(case: Case[Any]) -> dict[str, Table]:
    """Return synthetic, train and holdout; bins are cut by the first, what the attacker holds, alike for both others."""
    return {"synthetic": case.synthetic, "train": case.train, "holdout": case.holdout}


def key_ids(case: Case[Any], k: Sequence[str]) -> dict[str, IdArray]:
    """Return the number of each row's combination of K, by data set; equal numbers mean equal values as written."""
    tables = tables_of(case)
    coded = encode_alike([(table.frame, table.schema) for table in tables.values()], tuple(k))
    return dict(zip(tables, record_ids(coded, case.train.schema), strict=True))


def persons(ids: IdArray, units: UnitArray, n: int) -> IdArray:
    """Return how many units each of n combinations belongs to."""
    pairs = np.unique(ids * (1 + int(units.max(initial=0))) + units)
    return np.bincount(pairs // (1 + int(units.max(initial=0))), minlength=n)


def unanimous(ids: IdArray, values: IdArray, n: int) -> tuple[IdArray, IdArray]:
    """Return, per combination, the value that all its rows have (-1: several, or no row) and its number of rows."""
    low, high = np.full(n, np.iinfo(np.int64).max), np.full(n, -1)
    np.minimum.at(low, ids, values)
    np.maximum.at(high, ids, values)
    return np.where(low == high, high, -1), np.bincount(ids, minlength=n)
