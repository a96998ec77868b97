"""연결위험도 (CAP): who knows a person's quasi-identifiers, how surely does the sensitive value follow?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.stats import newcombe
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.metrics.table.footing import NO_RECORDS, Share, share
from synthproof.metrics.table.key_classes import CAP_LIMIT, cap, keys, named

FloatArray = npt.NDArray[np.float64]

_NO_K = Words(en="No quasi-identifier (K) is named.", ko="준식별자(K)가 지정되지 않았습니다.")
_NO_T = Words(en="No sensitive item (T) is named.", ko="민감 항목(T)이 지정되지 않았습니다.")
_NONE_MET = Words(
    en="No original's quasi-identifiers occur in the synthetic data, so CAP is undefined for every record.",
    ko="원본의 준식별자 조합이 합성데이터에 하나도 나타나지 않아 모든 레코드의 CAP이 정의되지 않습니다.",
)
_READ = Words(
    en="CAP over 0.7 is common wherever K predicts T in the population, and holds for persons who were never learned "
    "from as well. What counts against the synthetic data is the part over the holdout's own share.",
    ko="모집단에서 K가 T를 잘 예측하면 학습에 쓰이지 않은 사람에게도 0.7을 넘는 CAP이 흔히 나타납니다. 합성데이터의 위험으로 "
    "보아야 할 부분은 홀드아웃 자체의 비율을 넘는 부분입니다.",
)
_ALONE = Words(
    en="CAP over 0.7 is common wherever K predicts T in the population; without a holdout nobody can say how much of "
    "it comes from these data.",
    ko="모집단에서 K가 T를 잘 예측하면 0.7을 넘는 CAP이 흔히 나타나며, 홀드아웃이 없어 그중 얼마가 이 데이터에서 비롯된 것인지 "
    "알 수 없습니다.",
)


class PipcLinkage:
    """Share of originals whose sensitive value follows from the synthetic data with CAP over 0.7, per sensitive item.

    Parameters
    ----------
    limit
        CAP above this counts as over; the guide advises 0.7.

    Notes
    -----
    For each original i, CAP_i = #{s : K_s = K_i and T_s = T_i} / #{s : K_s = K_i}; numbers are cut into bins
    (`key_classes.keys`). No synthetic row with its K: CAP_i is *undefined*, counted apart, never 0. The estimate is the
    share over the limit among originals with a defined CAP, its interval Wilson's by unit.

    What fails. Let X be that share for train and H the same share for the *holdout's* records against the same
    synthetic data. Holdout persons were not learned from: a CAP over 0.7 that they reach too is knowledge about the
    population. ``detail["excess"]`` is X - H with Newcombe's interval by unit; ``reference`` is H. The number fails
    when anything is over the limit (X > 0) *and* X is over H (the excess's lower bound is above 0).

    ``detail["fresh"]`` is the share over 0.7 when the holdout itself is handed out as the synthetic data: the context
    that a reader of the guide's 0.7 needs. Cost O((n + m) log n).
    """

    card = Card(
        id="table.pipc_linkage",
        version=1,
        family="safety",
        name=Words(en="Linkability risk (PIPC, CAP)", ko="연결위험도(CAP)"),
        question=Words(
            en="Whoever knows a person's quasi-identifiers, how often does the synthetic data give the sensitive item "
            "away?",
            ko="준식별자를 아는 사람이 합성데이터로 민감 항목을 알아낼 수 있는 원본 레코드는 얼마나 되는가?",
        ),
        unit="share of original records over the CAP limit",
        low=0.0,
        high=1.0,
        better="lower",
        source="PIPC, Guide to generating and using synthetic data (Dec 2024), appendix 4: 연결위험도; "
        "Taub et al. 2018, doi:10.1007/978-3-319-99771-1_9",
        ideal=Words(
            en="No more than for persons who were never learned from (the holdout's share).",
            ko="학습에 쓰이지 않은 사람(홀드아웃)의 비율 이하.",
        ),
        needs=frozenset({"quasi_identifiers", "sensitive"}),
        attacker=Attacker(
            knows=Words(
                en="One person's quasi-identifiers (K) and the synthetic data.",
                ko="특정인의 준식별자(K)와 합성데이터.",
            ),
            tries=Words(
                en="Reads the sensitive item (T) off the synthetic records with the same K.",
                ko="K가 같은 합성 레코드에서 민감 항목(T)을 읽어 냅니다.",
            ),
            success=Words(
                en="More than 70 % of them carry the person's true value.",
                ko="그중 70%를 넘는 레코드가 그 사람의 실제 값을 가지면 성공입니다.",
            ),
        ),
    )

    def __init__(self, limit: float = CAP_LIMIT) -> None:
        self.limit = limit

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that K or T is not named."""
        k, t = named(purpose, schema)
        return _NO_T.en if not t else _NO_K.en if not k else None

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return one piece of evidence per sensitive item, the item's name as subject."""
        k, t = named(case.purpose, case.train.schema)
        if not k or not t:
            return (self._without("not_applicable", _NO_T if not t else _NO_K),)
        if len(case.train) == 0 or len(case.synthetic) == 0:
            return (self._without("insufficient", NO_RECORDS),)
        return tuple(self._one(case, k, item, seed) for item in quiet(run).each(t, self.card.id))

    def _one(self, case: Case[Any], k: tuple[str, ...], t: str, seed: int) -> Evidence:
        tables: dict[str, Table] = {"train": case.train, "synthetic": case.synthetic}
        if case.holdout is not None and len(case.holdout) > 0:
            tables["holdout"] = case.holdout
        found = keys(tables, k, t)
        values = cap(found, "train", "synthetic")
        over = self._over(values, case.train)
        if over.n == 0:
            return self._without("insufficient", _NONE_MET, t)
        detail: dict[str, Any] = {
            "cap_limit": self.limit,
            "quasi_identifiers": [name for name in k if name != t],
            "binned": dict(found.binned),
            **_summary(values, self.limit),
        }
        held: Share | None = None
        if "holdout" in tables:
            holdout = tables["holdout"]
            own = cap(found, "holdout", "synthetic")
            held = self._over(own, holdout)
            detail["holdout"] = {**_summary(own, self.limit), "share_over": held.estimate}
            fresh = cap(found, "train", "holdout")
            detail["fresh"] = {**_summary(fresh, self.limit), "share_over": self._over(fresh, case.train).estimate}
            detail["excess"] = _excess(over, held)
            detail["n_over_excess"] = max(0, round((over.estimate - held.estimate) * detail["n_defined"]))
        known = held is not None and held.n > 0
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            subject=t,
            estimate=over.estimate,
            interval=(over.low, over.high),
            reference=held.estimate if held is not None and known else None,
            reference_interval=(held.low, held.high) if held is not None and known else None,
            n=len(np.unique(case.train.unit_of_row[~np.isnan(values)])),
            seed=seed,
            detail=detail,
            private={"train_rows_over": np.flatnonzero(np.nan_to_num(values) > self.limit).tolist()},
            caveat=_READ if known else _ALONE,
        )

    def _over(self, values: FloatArray, table: Table) -> Share:
        defined = ~np.isnan(values)
        return share(values[defined] > self.limit, table.unit_of_row[defined])

    def _without(self, outcome: Any, why: Words, subject: str = "all") -> Evidence:
        return Evidence(metric=self.card.id, version=self.card.version, subject=subject, outcome=outcome, caveat=why)


def _summary(values: FloatArray, limit: float) -> dict[str, Any]:
    defined = values[~np.isnan(values)]
    edges = np.linspace(0.0, 1.0, 21)
    # Bins are (a, b] with 0 in the first, so that "over 0.7" is exactly the bins beyond the edge 0.7.
    place = np.clip(np.ceil(np.round(defined * 20, 9)).astype(np.int64) - 1, 0, 19)
    return {
        "n_defined": len(defined),
        "n_undefined": int(len(values) - len(defined)),
        "n_over": int((defined > limit).sum()),
        "tcap": float(defined.mean()) if len(defined) else None,
        "max": float(defined.max()) if len(defined) else None,
        "histogram": {"edges": np.round(edges, 2).tolist(), "counts": np.bincount(place, minlength=20).tolist()},
    }


def _excess(over: Share, held: Share) -> dict[str, Any]:
    low, high = newcombe(over.estimate * over.n, over.n, held.estimate * held.n, held.n)
    return {"estimate": over.estimate - held.estimate if held.n else None, "interval": [low, high]}
