"""The CAP family: how rightly the synthetic data answer who knows a person's K and asks for T, beside the control's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.random import permutation
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.metrics.table.answers import insufficient, not_applicable, too_few
from synthproof.metrics.table.disclosure import tables_of, unanimous
from synthproof.metrics.table.exchangeable import evidence, of_targets, unusable, worth
from synthproof.metrics.table.footing import footing
from synthproof.metrics.table.key_classes import Keys, cap, columns_of, keys, named

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

LEAST = 30
"""Records of train and of the holdout that a mean needs."""
MOST_NEAREST = 4_000
"""Records a side of which the nearest class of K is looked for; of more, as many drawn at random."""
_KINDS = ("DCAP", "0CAP", "GCAP", "TCAP")

_NO_KEYS = Words(
    en="The question takes a quasi-identifier (K) and a sensitive item (T).",
    ko="준식별자(K)와 민감 항목(T)이 모두 지정되어야 합니다.",
)
_READ = Words(
    en="0: who knows K is answered no more rightly for persons learned from than for unseen ones. The published value is in the "
    "detail; most of it is knowledge about the population.",
    ko="0은 K를 아는 사람이 얻는 답이 학습된 사람에게서 더 정확하지 않다는 뜻입니다. 문헌의 값은 세부 항목에 있으며, 대부분은 모집단에 "
    "관한 지식입니다.",
)
_WITH_BOTH = Words(en="records whose K the synthetic data answer", ko="합성데이터에서 K를 찾을 수 있는 레코드")


class CapFamily:
    """DCAP, 0CAP, GCAP and TCAP for each sensitive item: train's value over the holdout's.

    Notes
    -----
    The *correct attribution probability* of a record is the share of synthetic records with its K that have its T. DCAP is
    its mean over records whose K occur in the synthetic data (Taub et al. 2018); 0CAP counts the others as 0; GCAP gives
    them the CAP of the nearest K: those that differ in the fewest columns, taken together. TCAP looks only at records whose K are answered
    with one voice (within-equivalence-class probability 1) and counts how often it is right.

    Numeric fields are cut at the deciles of the synthetic data, as in `table.pipc_linkage`; for GCAP at most 4,000 records
    a side are looked at. A difference of two means with Newcombe's interval by unit (`exchangeable.of_targets`): the
    holdout's own value is what persons reach who were never learned from. Cost O(n log n · K), and for GCAP O(targets ·
    classes · K).
    """

    card = Card(
        id="table.cap",
        version=1,
        family="safety",
        name=Words(en="Correct attribution (CAP family)", ko="속성 귀속 정확도(CAP 계열)"),
        question=Words(
            en="Whoever knows a person's quasi-identifiers: is the sensitive item answered more rightly because the person was "
            "learned from?",
            ko="준식별자를 아는 사람이 볼 때, 학습에 쓰였다는 이유로 그 사람의 민감 항목이 더 정확하게 드러나는가?",
        ),
        unit="excess probability of a right answer",
        low=-1.0,
        high=1.0,
        better="lower",
        source="Taub, Elliot, Pampaka & Smith 2018, doi:10.1007/978-3-319-99771-1_9 (DCAP, GCAP); Taub & Elliot 2019 (TCAP); "
        "control arm and intervals by unit: ours",
        ideal=Words(en="0: no more than for unseen persons.", ko="0: 학습에 쓰이지 않은 사람과 같은 수준."),
        needs=frozenset({"holdout", "quasi_identifiers", "sensitive"}),
        attacker=Attacker(
            knows=Words(
                en="One person's quasi-identifiers (K) and the synthetic data.", ko="특정인의 준식별자(K)와 합성데이터."
            ),
            tries=Words(
                en="Draws the sensitive item from the synthetic records with these K, or with the nearest ones.",
                ko="같은 K, 또는 가장 가까운 K를 가진 합성 레코드에서 민감 항목을 추측합니다.",
            ),
            success=Words(
                en="The guess is right more often for persons who were learned from.",
                ko="학습된 사람에 대한 추측이 더 자주 맞으면 성공입니다.",
            ),
        ),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that K or T is not named."""
        k, t = named(purpose, schema)
        return None if k and t else _NO_KEYS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence for the subjects ``DCAP: item``, ``0CAP: item``, ``GCAP: item`` and ``TCAP: item``."""
        run = quiet(run)
        run.tick(self.card.id, 0, 1)
        k, t = named(case.purpose, case.train.schema)
        asked = [(tuple(name for name in k if name != item), item) for item in t]
        asked = [(known, item) for known, item in asked if known]
        if not asked:
            return (not_applicable(self.card, _NO_KEYS, seed=seed),)
        if why := unusable(case):
            return tuple(
                insufficient(self.card, why, subject=f"{kind}: {item}", seed=seed)
                for _, item in asked
                for kind in _KINDS
            )
        out: list[Evidence] = []
        for known, item in run.each(asked, self.card.id):
            found = keys(tables_of(case), known, item)
            nearest = _nearest(case, known, found, seed)
            for kind in _KINDS:
                arms = {name: _arm(kind, found, nearest, name) for name in ("train", "holdout")}
                out.append(self._one(case, f"{kind}: {item}", arms, found, seed))
        return out

    def _one(
        self, case: Case[Any], subject: str, arms: Mapping[str, tuple[IntArray, FloatArray]], found: Keys, seed: int
    ) -> Evidence:
        fewest = min(len(rows) for rows, _ in arms.values())
        if fewest < LEAST:
            return too_few(self.card, fewest, LEAST, _WITH_BOTH, subject=subject, seed=seed)
        units = {name: footing(case).units[name][rows] for name, (rows, _) in arms.items()}
        values = {name: v for name, (_, v) in arms.items()}
        excess = of_targets(values["train"], units["train"], values["holdout"], units["holdout"])
        return evidence(
            self.card,
            excess,
            subject=subject,
            n=len(np.unique(units["train"])),
            seed=seed,
            detail={
                "published": {name: float(v.mean()) for name, v in values.items()},
                "rows": {name: len(v) for name, v in values.items()},
                "worth": {name: worth(v, units[name]) for name, v in values.items()},
                "binned": dict(found.binned),
            },
            private={},
            caveat=_READ,
        )


def _arm(
    kind: str, found: Keys, nearest: Mapping[str, tuple[IntArray, FloatArray]], name: str
) -> tuple[IntArray, FloatArray]:
    """Return the rows that one member of the family looks at, and each one's chance of a right answer."""
    if kind == "GCAP":
        return nearest[name]
    if kind == "TCAP":
        n = 1 + max(int(v.max(initial=0)) for v in found.k.values())
        told = unanimous(found.k["synthetic"], found.t["synthetic"], n)[0][found.k[name]]
        rows = np.flatnonzero(told >= 0).astype(np.intp)
        return rows, (told[rows] == found.t[name][rows]).astype(np.float64)
    of = cap(found, name, "synthetic")
    if kind == "0CAP":
        return np.arange(len(of), dtype=np.intp), np.nan_to_num(of, nan=0.0)
    rows = np.flatnonzero(~np.isnan(of)).astype(np.intp)
    return rows, of[rows]


def _nearest(case: Case[Any], known: Sequence[str], found: Keys, seed: int) -> dict[str, tuple[IntArray, FloatArray]]:
    """Return rows of train and holdout with the CAP of their K, or of the K that differ from it in the fewest columns."""
    tables = tables_of(case)
    columns, _ = columns_of(tables, known)
    places = dict(zip(tables, np.cumsum([0, *(t.n_rows for t in tables.values())]), strict=False))
    codes = np.stack([columns[name] for name in known], axis=1)
    drawn = codes[places["synthetic"] : places["synthetic"] + case.synthetic.n_rows]
    classes, of_row = np.unique(drawn, axis=0, return_inverse=True)
    n_t = 1 + max(int(v.max(initial=0)) for v in found.t.values())
    pair = of_row.astype(np.int64).ravel() * n_t + found.t["synthetic"]
    pairs, counts = np.unique(pair, return_counts=True)
    size = np.bincount(of_row.ravel(), minlength=len(classes)).astype(np.float64)
    out = {}
    for name in ("train", "holdout"):
        value = cap(found, name, "synthetic")
        # A sample depends on what the rows hold, not on their order.
        order = np.argsort(footing(case).ids[name], kind="stable")
        rows = np.sort(order[permutation(seed, f"cap/nearest/{name}", len(value))[:MOST_NEAREST]]).astype(np.intp)
        for row in rows[np.isnan(value[rows])]:
            apart = (classes != codes[places[name] + row]).sum(axis=1)
            near = np.flatnonzero(apart == apart.min())
            wanted = near * n_t + found.t[name][row]
            at = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
            value[row] = counts[at][pairs[at] == wanted].sum() / size[near].sum()
        out[name] = rows, value[rows]
    return out
