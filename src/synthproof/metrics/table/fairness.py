"""Does a predictor learned from synthetic data treat groups of people more unequally than one learned from real data?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from scipy import stats as _st

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import permutation, stream
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.metrics.table.answers import insufficient, not_applicable
from synthproof.metrics.table.coded_case import CodedCase, coded_case
from synthproof.metrics.table.gaps import Gap, gap_of, worst_of
from synthproof.metrics.table.groupings import Grouping, groupings, protected_columns
from synthproof.metrics.table.learned import NO_TARGET, SOURCES, Learned, Source, learned, unready
from synthproof.metrics.table.predictors import PIECES, Task

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Measure = Literal["parity", "odds"]
MEASURES: tuple[Measure, ...] = ("parity", "odds")

BLOCKS = 100
REPEATS = 300
LEAST_IN_A_CELL = 20
"""True class × group cells with fewer holdout rows take no part in equalised odds."""

_NO_GROUPS = Words(
    en="No protected attribute with two groups of 30 real units in train and in the holdout: name quasi-identifiers or "
    "sensitive items other than the target.",
    ko="학습 원본과 홀드아웃 모두에서 30건 이상인 집단이 둘 이상인 보호 속성이 없습니다. 목표 변수가 아닌 준식별자나 민감 "
    "항목을 지정하십시오.",
)
_READ = Words(
    en="Demographic parity difference: the largest difference between groups in how often a class is predicted. "
    "Equalised odds difference: the same among records of one true class. The number is that of boosted trees learned "
    "from synthetic data minus that of trees learned from real data, both on unseen real records: above 0 the synthetic "
    "data make decisions more unequal. The largest over all attributes stands first, with an interval for all at once. "
    "`association` compares Cramér's V (bias-corrected) of attribute and target, synthetic minus source: near 0 the "
    "bias of the source is inherited as it is. Protected attributes are the quasi-identifiers and sensitive items.",
    ko="인구통계적 동등성 차이(parity)는 집단 간 예측 비율의 최대 차이, 균등 기회 차이(odds)는 실제 범주가 같은 레코드 "
    "안에서의 그 차이입니다. "
    "값은 합성데이터로 학습한 부스팅 모형의 차이에서 원본으로 학습한 모형의 차이를 뺀 것으로(모두 미학습 원본에서 "
    "측정), 0보다 크면 합성데이터가 "
    "판단을 더 불평등하게 만든다는 뜻입니다. 모든 속성 중 최댓값을 먼저 제시하며 그 구간은 전체에 대해 동시에 성립합니다. association은 "
    "보호 속성과 목표 변수의 크라메르 V(편의 보정) 차이(합성-원본)로, 0에 가까우면 원본의 편향이 그대로 이어진 것입니다. "
    "보호 속성은 준식별자와 민감 항목입니다.",
)


class Fairness:
    """Change of demographic parity and equalised odds when learning from synthetic data, per protected attribute.

    Notes
    -----
    For several classes the largest difference over classes counts; a numeric target becomes "above train's median".
    Intervals: a paired bootstrap over blocks of holdout units, and models of five disjoint pieces of each table. About
    0.4 s beside the models of `table.subgroups`.
    """

    card: ClassVar[Card] = Card(
        id="table.fairness",
        version=1,
        family="fairness",
        name=Words(en="Fairness gaps, synthetic less real", ko="공정성 격차 변화(합성-원본)"),
        question=Words(
            en="Do decisions learned from the synthetic data treat groups of people more unequally than those learned "
            "from real data?",
            ko="합성데이터로 학습한 판단이 원본으로 학습한 판단보다 집단을 더 불평등하게 대합니까?",
        ),
        unit="difference of rates",
        low=-1.0,
        high=1.0,
        better="lower",
        ideal=Words(
            en="0: as unequal as with real data (whose own gaps stand beside it); below 0: less.",
            ko="0(원본과 같은 수준, 원본의 격차를 함께 표시). 0보다 작으면 덜 불평등합니다.",
        ),
        source="Hardt et al. 2016 (equalised odds) arXiv:1610.02413; Dwork et al. 2012 (parity) doi:10.1145/2090236.2090255; "
        "Bergsma 2013 (bias-corrected V) doi:10.1016/j.jkss.2012.10.002",
        needs=frozenset({"holdout", "target"}),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that no target is stated."""
        return None if purpose.targets or schema.with_role("target") else NO_TARGET.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return the largest change first, then parity, odds and association per target and attribute."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if (why_not := unready(self.card, case, seed)) is not None:
            return [why_not]
        groups = [g for g in groupings(case, protected_columns(case)) if len(g.labels) > 1]
        if not groups:
            return [not_applicable(self.card, _NO_GROUPS, seed=seed)]
        found, refused = learned(self.card, case, job, seed)
        out: list[Evidence] = []
        kept: list[Evidence] = []
        for each in found:
            for g in groups:
                out += self._gaps(each, g, seed)
                kept += self._kept(coded_case(case), each.task, g, seed)
        if not out:
            return [insufficient(self.card, _NO_GROUPS, seed=seed), *refused]
        return [self._worst(out, refused, seed), *out, *kept, *refused]

    def _gaps(self, each: Learned, g: Grouping, seed: int) -> list[Evidence]:
        task = each.task
        group, truth = g.codes(task.holdout[0]), _classes(task, task.holdout[1])
        said = {s: [_decisions(task, a) for a in each.answers[s]] for s in SOURCES}
        k = max(2, len(task.labels))
        shape = (len(g.labels), k, k)
        used = np.bincount(group[group >= 0] * k + truth[group >= 0], minlength=shape[0] * k).reshape(shape[:2])
        if int((used.sum(axis=1) >= LEAST_IN_A_CELL).sum()) < 2:
            return []
        draws = _paired_draws(task, group, truth, said, shape, seed)
        out = []
        for measure in MEASURES:
            values = {
                s: [float(_gap(_table(group, truth, d, shape), used, measure)[0]) for d in said[s]] for s in SOURCES
            }
            drawn = {s: _gap(draws[s], used, measure) for s in SOURCES}
            change = values["synthetic"][0] - values["train"][0]
            gap = gap_of(
                change,
                float((drawn["synthetic"] - drawn["train"]).std(ddof=1)),
                *(values[s][1:] for s in SOURCES),
            )
            out.append(
                Evidence(
                    metric=self.card.id,
                    version=self.card.version,
                    subject=f"{task.name}/{g.name}/{measure}",
                    estimate=gap.value,
                    interval=(max(-1.0, gap.value - gap.half()), min(1.0, gap.value + gap.half())),
                    reference=0.0,
                    n=len(truth) if task.units is None else int(task.units.max()) + 1,
                    seed=seed,
                    detail={
                        "target": task.name,
                        "attribute": g.name,
                        "groups": list(g.labels),
                        "measure": measure,
                        "real": values["train"][0],
                        "synthetic": values["synthetic"][0],
                        "real_interval": _percentiles(drawn["train"], values["train"][0]),
                        "synthetic_interval": _percentiles(drawn["synthetic"], values["synthetic"][0]),
                        "se_holdout": gap.se_holdout,
                        "se_training": gap.se_training,
                    },
                )
            )
        return out

    def _kept(self, cc: CodedCase, task: Task, g: Grouping, seed: int) -> list[Evidence]:
        """Return how much of the association between attribute and target the synthetic data carry on."""
        k = max(2, len(task.labels))
        value, drawn = {}, {}
        for name, (coded, y), part in (("train", task.train, cc.train), ("synthetic", task.synthetic, cc.synthetic)):
            group, truth = g.codes(coded), _classes(task, y)
            kept = group >= 0
            counts = np.bincount(group[kept] * k + truth[kept], minlength=len(g.labels) * k).astype(np.float64)
            n = counts.sum() * part.effective / max(1, len(part))
            if n < LEAST_IN_A_CELL:
                return []
            shape = (-1, len(g.labels), k)
            value[name] = float(corrected_v(counts.reshape(shape) / counts.sum(), n)[0])
            draws = stream(seed, f"fairness/{task.name}/{g.name}/{name}").multinomial(
                round(n), counts / counts.sum(), REPEATS
            )
            drawn[name] = corrected_v(draws.reshape(shape) / round(n), n)
        change = value["synthetic"] - value["train"]
        half = float(_st.norm.ppf(0.975) * np.hypot(drawn["train"].std(ddof=1), drawn["synthetic"].std(ddof=1)))
        return [
            Evidence(
                metric=self.card.id,
                version=self.card.version,
                subject=f"{task.name}/{g.name}/association",
                estimate=change,
                interval=(max(-1.0, change - half), min(1.0, change + half)),
                reference=0.0,
                n=min(cc.train.n, cc.synthetic.n),
                seed=seed,
                detail={"target": task.name, "attribute": g.name, "measure": "association", **_named(value)},
            )
        ]

    def _worst(self, out: Sequence[Evidence], refused: Sequence[Evidence], seed: int) -> Evidence:
        gaps = [Gap(float(e.estimate or 0.0), e.detail["se_holdout"], e.detail["se_training"], PIECES) for e in out]
        which, interval = worst_of(gaps, low=-1.0, high=1.0)
        shown = ("target", "attribute", "measure", "real", "synthetic", "real_interval", "synthetic_interval")
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            estimate=out[which].estimate,
            interval=interval,
            reference=0.0,
            n=out[which].n,
            seed=seed,
            detail={
                "worst": out[which].subject,
                "gaps": [{k: e.detail[k] for k in shown} for e in out],
                "not_assessed": [e.subject for e in refused],
            },
            caveat=_READ,
        )


def _named(value: dict[str, float]) -> dict[str, float]:
    return {"real": value["train"], "synthetic": value["synthetic"]}


def _classes(task: Task, y: FloatArray) -> IntArray:
    if task.classify:
        return y.astype(np.intp)
    return (y > float(np.median(task.train[1]))).astype(np.intp)


def _decisions(task: Task, answer: FloatArray) -> IntArray:
    return answer.argmax(axis=1).astype(np.intp) if task.classify else _classes(task, answer)


def _table(group: IntArray, truth: IntArray, said: IntArray, shape: tuple[int, int, int]) -> FloatArray:
    """Return rows by (group, true class, predicted class), shape (1, *shape)."""
    kept = group >= 0
    cell = (group[kept] * shape[1] + truth[kept]) * shape[2] + said[kept]
    return np.bincount(cell, minlength=int(np.prod(shape))).reshape(1, *shape).astype(np.float64)


def _paired_draws(
    task: Task,
    group: IntArray,
    truth: IntArray,
    said: dict[Source, list[IntArray]],
    shape: tuple[int, int, int],
    seed: int,
) -> dict[Source, FloatArray]:
    """Return such tables over resampled blocks of holdout units, the same draws for both models."""
    units = np.arange(len(truth)) if task.units is None else task.units
    n = int(units.max()) + 1
    k = min(BLOCKS, n)
    of_unit = np.empty(n, dtype=np.intp)
    of_unit[permutation(seed, f"fairness/{task.name}/blocks", n)] = np.arange(n) % k
    weights = stream(seed, f"fairness/{task.name}/draws").multinomial(k, np.full(k, 1 / k), REPEATS).astype(np.float64)
    block, cells = of_unit[units], int(np.prod(shape))
    kept = group >= 0
    out: dict[Source, FloatArray] = {}
    for source in SOURCES:
        cell = (group * shape[1] + truth) * shape[2] + said[source][0]
        counts = np.bincount(block[kept] * cells + cell[kept], minlength=k * cells).reshape(k, cells)
        out[source] = (weights @ counts).reshape(REPEATS, *shape)
    return out


def _gap(tables: FloatArray, used: IntArray, measure: Measure) -> FloatArray:
    """Return the largest difference between groups, shape (repeats,).

    Parameters
    ----------
    tables
        Rows by group, true class and predicted class, shape (repeats, groups, classes, classes).
    used
        Holdout rows by group and true class: cells with few take no part.
    """
    if measure == "parity":
        rows = tables.sum(axis=2)
        rates = rows / np.maximum(rows.sum(axis=2, keepdims=True), 1e-9)
        rates = rates[:, used.sum(axis=1) >= LEAST_IN_A_CELL]
        return np.asarray((rates.max(axis=1) - rates.min(axis=1)).max(axis=1), dtype=np.float64)
    rates = tables / np.maximum(tables.sum(axis=3, keepdims=True), 1e-9)
    enough = used >= LEAST_IN_A_CELL
    apart = [np.zeros(len(tables))]
    for y in range(tables.shape[2]):
        if int(enough[:, y].sum()) > 1:
            here = rates[:, enough[:, y], y]
            apart.append((here.max(axis=1) - here.min(axis=1)).max(axis=1))
    return np.asarray(np.max(apart, axis=0), dtype=np.float64)


def corrected_v(shares: FloatArray, n: float) -> FloatArray:
    """Return Bergsma's bias-corrected Cramér's V (2013, eq. 5 and 6), shape (repeats,).

    Parameters
    ----------
    shares
        Joint shares, shape (repeats, r, c); empty rows and columns do not count.
    n
        Independent rows.
    """
    rows, columns = shares.sum(axis=2), shares.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        phi2 = np.nan_to_num(shares**2 / (rows[:, :, None] * columns[:, None, :])).sum(axis=(1, 2)) - 1.0
    r, c = (rows > 0).sum(axis=1), (columns > 0).sum(axis=1)
    if n <= 1:
        return np.zeros(len(shares))
    phi2 = np.maximum(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    smaller = np.minimum(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return np.asarray(np.sqrt(np.clip(phi2 / np.maximum(smaller, 1e-9), 0.0, 1.0)), dtype=np.float64)


def _percentiles(draws: FloatArray, value: float) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return min(float(low), value), max(float(high), value)


__all__ = ["Fairness", "corrected_v"]
