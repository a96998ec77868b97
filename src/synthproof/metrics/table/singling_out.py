"""Singling out: do queries that isolate a synthetic record isolate a person who was learned from?"""

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
from synthproof.engines.predicates import Index, Ranks, ranks_of
from synthproof.metrics.table.answers import insufficient, joined
from synthproof.metrics.table.exchangeable import bound_words, evidence, of_attacks, rate, unusable
from synthproof.metrics.table.footing import NO_FIELDS, Footing, footing
from synthproof.metrics.table.queries import Queries, multivariate, univariate

ASKED = 10_000
"""Queries asked for, of each sort."""
FEWEST = 100
"""Fewer queries made than this measure nothing."""
MOST_COLUMNS = 4
_WORST = 50
_BLOCK = 512

_READ = Words(
    en="0: queries that isolate a synthetic record isolate persons learned from no more often than unseen ones. The rates "
    "are of {made} queries made ({asked} asked for), both on all real records on hand.",
    ko="0은 합성 레코드 하나를 가려내는 질의가 학습된 사람을 학습에 쓰이지 않은 사람보다 더 자주 가려내지 않는다는 뜻입니다. "
    "비율은 실제로 만들어진 질의 {made}건(요청 {asked}건)을 보유한 실제 레코드 전체에 던진 결과입니다.",
)
_FEW = Words(
    en="Not measurable: only {made} of {asked} queries that isolate a synthetic record could be made; {least} are needed. "
    "This is not a low risk.",
    ko="측정 불가: 합성 레코드 하나를 가려내는 질의를 요청한 {asked}건 중 {made}건만 만들 수 있었습니다(최소 {least}건 필요). "
    "위험이 낮다는 뜻이 아닙니다.",
)


class SinglingOut:
    """Share of queries that isolate a person who was learned from, over the share that isolate a control person.

    Parameters
    ----------
    queries
        Queries asked for, of each sort.
    most_columns
        Columns of a conjunction, at most.

    Notes
    -----
    Queries are formed on the synthetic data so that each matches exactly one synthetic unit; see `queries`. Asked of
    *all* real records, train and holdout together, a query succeeds when exactly one real unit matches and that unit was
    learned from; it succeeds on the control when that unit is a holdout unit. The same queries meet both arms. A success
    on train is thereby judged in a table of the same size as one on the control, and nothing is thinned. Train and
    holdout being exchangeable, an innocent query's hits fall to train by train's share of the rows: the estimate is
    train's rate less the control's rate at train's size, its interval by unit (`exchangeable.of_attacks`), with as
    many independent attacks as synthetic units were asked about. The denominator is the queries made.

    It sees copies of 1 % of 4,000 rows; a single leaked outlier is one query in thousands and is not seen here.
    Cost O(rows · columns) for the index, then microseconds a query.
    """

    card = Card(
        id="table.singling_out",
        version=1,
        family="safety",
        name=Words(en="Singling out", ko="개인 특정(선별) 위험"),
        question=Words(
            en="Do queries that isolate one synthetic record isolate a real person who was learned from?",
            ko="합성 레코드 하나를 가려내는 질의가 학습에 쓰인 실제 개인을 가려내는가?",
        ),
        unit="excess share of queries",
        low=-1.0,
        high=1.0,
        better="lower",
        source="Article 29 WP opinion 05/2014 (singling out); attack after Giomi et al. 2023, "
        "doi:10.56553/popets-2023-0055; one pool of train and control, intervals by unit: ours",
        ideal=Words(en="0: no more than for unseen persons.", ko="0: 학습에 쓰이지 않은 사람과 같은 수준."),
        needs=frozenset({"holdout"}),
        attacker=Attacker(
            knows=Words(en="The synthetic data.", ko="합성데이터."),
            tries=Words(
                en="Forms a query that matches one synthetic record only (a rare value, or two to four values together) "
                "and asks it of the real records.",
                ko="합성 레코드 하나에만 맞는 질의(희귀한 값 하나 또는 값 2~4개의 조합)를 만들어 실제 레코드에 던집니다.",
            ),
            success=Words(
                en="Exactly one real person matches, and persons learned from are isolated more often than unseen ones.",
                ko="실제 개인 한 명만 일치하고, 학습된 사람이 학습에 쓰이지 않은 사람보다 더 자주 가려지면 성공입니다.",
            ),
        ),
    )

    def __init__(self, queries: int = ASKED, most_columns: int = MOST_COLUMNS) -> None:
        self.queries = queries
        self.most_columns = most_columns

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or why there is nothing to ask."""
        return None if schema.modelled else NO_FIELDS.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence for the subjects ``univariate`` and ``multivariate``."""
        run = quiet(run)
        run.tick(self.card.id, 0, 3)
        if why := unusable(case):
            return tuple(insufficient(self.card, why, subject=s, seed=seed) for s in ("univariate", "multivariate"))
        base = footing(case)
        assert base.holdout is not None
        ranks = ranks_of((base.synthetic, base.train, base.holdout), case.train.schema)
        synthetic = Index.of(ranks.tables[0], base.units["synthetic"], ranks.counts)
        real = real_index(base, ranks)
        # Rows in order of content, so that the order of the file does not matter.
        rows = np.argsort(base.ids["synthetic"], kind="stable").astype(np.int64)
        run.tick(self.card.id, 1, 3)
        single = univariate(synthetic, ranks, self.queries, seed)
        joint = multivariate(synthetic, ranks, rows, self.queries, self.most_columns, seed)
        run.tick(self.card.id, 2, 3)
        return (
            self._one(base, single, real, "univariate", seed, run),
            self._one(base, joint, real, "multivariate", seed, run),
        )

    def _one(self, base: Footing, asked: Queries, real: Index, subject: str, seed: int, run: Run) -> Evidence:
        made = len(asked)
        facts = {"made": f"{made:,}", "asked": f"{self.queries:,}", "least": f"{FEWEST:,}"}
        if made < FEWEST:
            return insufficient(self.card, _FEW.filled(**facts), subject=subject, n=0, seed=seed)
        found = self._answers(asked, real, run)
        n_train, n_holdout = len(base.ids["train"]), len(base.ids["holdout"])
        of_train, of_holdout = (1 + int(base.units[name].max()) for name in ("train", "holdout"))
        on_train = np.bincount(found[(found >= 0) & (found < of_train)], minlength=of_train)
        on_control = np.bincount(found[found >= of_train] - of_train, minlength=of_holdout)
        asked_about = len(np.unique(asked.unit))
        excess = of_attacks(on_train / made, on_control / made, n_train, n_holdout, min(made, asked_about))
        hits = int(on_train.sum())
        worst = np.argsort(-on_train, kind="stable")[:_WORST]
        return evidence(
            self.card,
            excess,
            subject=subject,
            n=asked_about,
            seed=seed,
            detail={
                "queries_asked": self.queries,
                "queries_made": made,
                "queries_tried": asked.tried,
                "singles_out_train": rate(hits, made),
                "singles_out_control": rate(int(on_control.sum()), made),
                "control_at_size_of_train": float(on_control.sum()) / made * n_train / n_holdout,
                "train_rows": n_train,
                "control_rows": n_holdout,
                "train_units_singled_out": int(np.count_nonzero(on_train)),
                "columns_at_most": asked.columns.shape[1],
            },
            private={"train_units_most_often_first": worst[on_train[worst] > 0].tolist()},
            caveat=joined(_READ.filled(**facts), bound_words(hits, min(made, asked_about))),
        )

    def _answers(self, asked: Queries, real: Index, run: Run) -> npt.NDArray[np.int32]:
        parts = [slice(a, a + _BLOCK) for a in range(0, len(asked), _BLOCK)]
        found = [
            real.single(*(np.ascontiguousarray(x[part]) for x in (asked.columns, asked.low, asked.high)))
            for part in run.each(parts, f"{self.card.id}/ask")
        ]
        return np.concatenate(found)


def real_index(base: Footing, ranks: Ranks) -> Index:
    """Return the index of train and holdout together; holdout units are numbered after train's."""
    first = 1 + int(base.units["train"].max())
    units = np.concatenate([base.units["train"], base.units["holdout"] + first])
    return Index.of(np.ascontiguousarray(np.concatenate(ranks.tables[1:], axis=1)), units, ranks.counts)
