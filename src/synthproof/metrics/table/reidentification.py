"""An individual's risk of being re-identified by synthetic data, in two directions, against population class sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.stats import wilson
from synthproof.core.words import Words
from synthproof.data.table.dataset import Table
from synthproof.engines.records import encode_alike, record_ids
from synthproof.metrics.table.answers import insufficient, joined, not_applicable
from synthproof.metrics.table.disclosure import persons
from synthproof.metrics.table.exchangeable import HOLDOUT_SEEN, bound_words, of_targets, unusable, worth
from synthproof.metrics.table.footing import NO_RECORDS
from synthproof.metrics.table.key_classes import columns_of, named

FloatArray = npt.NDArray[np.float64]
IdArray = npt.NDArray[np.int64]

CONVENTION = 0.09
"""One in eleven: usual in publishing clinical trial reports (EMA Policy 0070, Health Canada); no law contains it."""
LEARNED = 0.05
"""Share of the other fields that must be given away for something new to be learned."""
LOOKED_AT = 16
"""Synthetic records with a person's keys that are compared; of more, as many at even distances in order of content."""
_WORST = 10

_NO_K = Words(en="No quasi-identifier (K) is named.", ko="준식별자(K)가 지정되지 않았습니다.")
_READ = Words(
    en="Mean risk of a person learned from, with the control's beside it as what chance gives. The usual line of 0.09 is a "
    "convention of clinical trial publication, not a rule of law.",
    ko="학습된 사람의 평균 재식별 위험이며, 우연히 나타나는 수준인 대조군의 값을 함께 표시합니다. 흔히 쓰는 0.09는 임상시험 자료 "
    "공개의 관행이며 법령상 기준이 아닙니다.",
)
_ALONE = Words(
    en="Mean risk of a person learned from. Without a holdout nobody can say how much of it chance gives. The usual line "
    "of 0.09 is a convention of clinical trial publication, not a rule of law.",
    ko="학습된 사람의 평균 재식별 위험입니다. 홀드아웃이 없어 우연히 나타나는 부분을 알 수 없습니다. 흔히 쓰는 0.09는 임상시험 자료 "
    "공개의 관행이며 법령상 기준이 아닙니다.",
)
_CLOSED = Words(
    en="No population size is stated, so the real records on hand count as the whole population: the strictest reading.",
    ko="모집단 인원수가 명시되지 않아 보유한 실제 레코드를 모집단 전체로 간주했습니다(가장 엄격한 해석).",
)


@dataclass(frozen=True, slots=True)
class _Person:
    """What is known of each row of one arm.

    Parameters
    ----------
    population, sample
        One over the expected size of its class in the population; one over its size among the learned from, itself
        included.
    learned
        Chance that a synthetic record with its keys teaches something new; 0 where there is none.
    matched
        Whether there is one.
    own
        Whether the person's own record would teach something new.
    """

    population: FloatArray
    sample: FloatArray
    learned: FloatArray
    matched: npt.NDArray[np.bool_]
    own: FloatArray
    units: npt.NDArray[np.intp]


class Reidentification:
    """Mean probability that a person learned from is re-identified by the synthetic data and something new is learned.

    Parameters
    ----------
    population
        Persons in the population; ``None`` takes the purpose's, and where that is unknown the records on hand.

    Notes
    -----
    After El Emam, Mosquera & Bass (2020): the greater of two directions,

    - from the sample to the population, (1/n) Σ I R / F: a synthetic record is taken to a person in the population;
    - from the population to the sample, (1/N) Σ I R / f: a person is looked for in the data,

    over the n persons learned from, N in the population, f and F the persons with the same quasi-identifiers K in the
    sample and the population. I: some synthetic record has these K. R: something new is learned from it, when at least
    5 % of the other fields have the person's value and that value is not expected anyway, (1 - p) > √(p(1 - p)) with p
    its share. Checked against a published implementation (Yan et al. 2022, doi:10.1038/s41467-022-35295-1), not against
    the paper's own text. Ours: R is the share of the matching synthetic records that teach something (theirs: whether
    any does); numbers are cut at deciles; their factor for data errors and failed verification, at most 1, is left out,
    and so are coarser versions of K. Without the factor the risk reads higher, never lower.

    Where the population is larger than the records on hand, F is modelled: given c persons on hand with sampling
    fraction p, F is negative binomial, E[1/F] = p/c · ₂F₁(1, 1; c + 1; 1 - p), for c = 1 p/(1 - p) · ln(1/p) (Benedetti &
    Franconi 1998; Polettini 2003). ``detail["over_convention"]`` is the share of persons whose own 1/F exceeds 0.09 and
    whose K are met: not covered by a k-map of 11.

    The control is the holdout in train's place; the original, train handed out as it is. Wilson's intervals by unit.
    Cost O((n + m) log n · d).
    """

    card = Card(
        id="table.reidentification",
        version=1,
        family="safety",
        name=Words(en="Re-identification of a person", ko="개인 재식별 위험"),
        question=Words(
            en="How likely is a person who was learned from to be recognised in the synthetic data, and something new "
            "learned?",
            ko="학습에 쓰인 사람이 합성데이터에서 식별되고 새로운 정보까지 알려질 가능성은 얼마나 되는가?",
        ),
        unit="mean probability",
        low=0.0,
        high=1.0,
        better="lower",
        source="El Emam, Mosquera & Bass 2020, doi:10.2196/23139; Polettini 2003 (population class sizes); 0.09: convention "
        "of EMA Policy 0070 and Health Canada",
        ideal=Words(
            en="No more than for persons who were never learned from (the reference).",
            ko="학습에 쓰이지 않은 사람의 값(참조값) 이하.",
        ),
        needs=frozenset({"quasi_identifiers"}),
        attacker=Attacker(
            knows=Words(
                en="The quasi-identifiers (K) of persons in the population, and the synthetic data.",
                ko="모집단에 속한 사람들의 준식별자(K)와 합성데이터.",
            ),
            tries=Words(
                en="Matches persons and synthetic records by K, in both directions.",
                ko="K를 기준으로 사람과 합성 레코드를 양방향으로 대조합니다.",
            ),
            success=Words(
                en="The record is the right person's and gives away something that could not be expected.",
                ko="그 사람의 레코드가 맞고, 예상할 수 없던 정보를 드러내면 성공입니다.",
            ),
        ),
    )

    def __init__(self, population: int | None = None) -> None:
        self.population = population

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that K is not named."""
        return None if named(purpose, schema)[0] else _NO_K.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return one piece of evidence, subject ``all``."""
        run = quiet(run)
        run.tick(self.card.id, 0, 1)
        k, _ = named(case.purpose, case.train.schema)
        if not k:
            return (not_applicable(self.card, _NO_K, seed=seed),)
        if len(case.train) == 0 or len(case.synthetic) == 0:
            return (insufficient(self.card, NO_RECORDS, seed=seed),)
        tables: dict[str, Table] = {"synthetic": case.synthetic, "train": case.train}
        on_hand = len(case.train)
        if case.holdout is not None and len(case.holdout) > 0:
            if why := unusable(case):
                return (insufficient(self.card, why, seed=seed),)
            tables["holdout"] = case.holdout
            on_hand += len(case.holdout)
        size = max(on_hand, self.population or case.purpose.population)
        arms = _persons(tables, k, on_hand / size)
        return (self._evidence(case, arms, k, size, on_hand, seed),)

    def _evidence(
        self, case: Case[Any], arms: dict[str, _Person], k: tuple[str, ...], size: int, on_hand: int, seed: int
    ) -> Evidence:
        share = len(case.train) / size
        train = arms["train"]
        by_population = train.population * train.learned
        by_sample = share * train.sample * train.learned
        sample_first = bool(by_population.mean() >= by_sample.mean())
        risk = by_population if sample_first else by_sample
        told, own_detail = _mean(risk, train.units), _mean(train.population * train.own, train.units)
        detail: dict[str, Any] = {
            "direction": "sample to population" if sample_first else "population to sample",
            "sample_to_population": float(by_population.mean()),
            "population_to_sample": float(by_sample.mean()),
            "original": own_detail,
            "population": size,
            "population_stated": size > on_hand,
            "convention": CONVENTION,
            "over_convention": float(((train.population > CONVENTION) & train.matched).mean()),
            "over_convention_original": float((train.population > CONVENTION).mean()),
            "greatest": float(risk.max()),
            "keys_met": float(train.matched.mean()),
            "quasi_identifiers": list(k),
        }
        reference = None
        if (control := arms.get("holdout")) is not None:
            other = (control.population if sample_first else share * control.sample) * control.learned
            reference = _mean(other, control.units)
            excess = of_targets(risk, train.units, other, control.units)
            detail["control"] = reference
            detail["excess"] = {"estimate": excess.estimate, "interval": [excess.low, excess.high]}
            if excess.surely_below < 0:
                return insufficient(self.card, HOLDOUT_SEEN, n=len(case.train), seed=seed)
        worst = np.argsort(-risk, kind="stable")[:_WORST]
        words = joined(
            _ALONE if reference is None else _READ,
            None if size > on_hand else _CLOSED,
            bound_words(float(risk.sum()), worth(risk, train.units)),
        )
        return Evidence(
            metric=self.card.id,
            version=self.card.version,
            estimate=told["estimate"],
            interval=told["interval"],
            reference=None if reference is None else reference["estimate"],
            reference_interval=None if reference is None else reference["interval"],
            n=len(case.train),
            seed=seed,
            detail=detail,
            private={"train_rows_most_at_risk_first": worst[risk[worst] > 0].tolist()},
            caveat=words,
        )


def inverse_class_size(on_hand: npt.NDArray[np.integer], fraction: float) -> FloatArray:
    """Return E[1/F] of population classes of which some persons are on hand, sampled with the given fraction.

    Parameters
    ----------
    on_hand
        Persons on hand in each class, at least 1.
    fraction
        Persons on hand over persons in the population, in (0, 1].
    """
    c = np.asarray(on_hand, dtype=np.float64)
    if fraction >= 1.0:
        return 1.0 / c
    return np.asarray(fraction / c * special.hyp2f1(1.0, 1.0, c + 1.0, 1.0 - fraction), dtype=np.float64)


def _mean(x: FloatArray, units: npt.NDArray[np.intp]) -> dict[str, Any]:
    n, p = worth(x, units), float(x.mean())
    low, high = wilson(p * n, n)
    return {"estimate": p, "interval": (min(low, p), max(high, p))}


def _persons(tables: dict[str, Table], k: tuple[str, ...], fraction: float) -> dict[str, _Person]:
    schema = tables["train"].schema
    coded = encode_alike([(t.frame, t.schema) for t in tables.values()], k)
    ids = dict(zip(tables, record_ids(coded, schema), strict=True))
    content = record_ids(encode_alike([(t.frame, t.schema) for t in tables.values()]), schema)[0]
    units = {name: t.unit_of_row for name, t in tables.items()}
    n = 1 + max(int(x.max(initial=0)) for x in ids.values())
    held = {name: persons(ids[name], units[name], n) for name in tables}
    real = [name for name in tables if name != "synthetic"]
    pool = np.asarray(sum(held[name] for name in real))
    inverse = inverse_class_size(np.maximum(pool, 1), fraction)
    codes, rare = _others(tables, k)
    order = np.lexsort((content, ids["synthetic"]))
    out = {}
    for name in real:
        learned, matched = _learned(ids[name], codes[name], rare[name], ids["synthetic"], codes["synthetic"], order, n)
        # Whoever was not learned from is put in train's place: one more in the class.
        sample = held["train"][ids[name]] + (name != "train")
        own = _new(rare[name], rare[name])
        out[name] = _Person(inverse[ids[name]], 1.0 / np.maximum(sample, 1), learned, matched, own, units[name])
    return out


def _others(
    tables: dict[str, Table], k: tuple[str, ...]
) -> tuple[dict[str, IdArray], dict[str, npt.NDArray[np.bool_]]]:
    """Return the codes of the fields that are not K, and which values of each real row are not expected anyway."""
    names = tuple(f.name for f in tables["train"].schema.modelled if f.name not in k)
    sizes = np.cumsum([0, *(t.n_rows for t in tables.values())])
    spans = {name: slice(a, b) for name, a, b in zip(tables, sizes[:-1], sizes[1:], strict=True)}
    columns, _ = columns_of(tables, names) if names else ({}, {})
    real = np.arange(sizes[-1]) >= sizes[1]
    whole = np.stack(list(columns.values()), axis=1) if columns else np.zeros((int(sizes[-1]), 0), dtype=np.int64)
    rare = np.zeros(whole.shape, dtype=bool)
    for j in range(whole.shape[1]):
        p = np.bincount(whole[real, j], minlength=int(whole[:, j].max(initial=0)) + 1) / max(1, int(real.sum()))
        rare[:, j] = ((1 - p) > np.sqrt(p * (1 - p)))[whole[:, j]]
    return {name: whole[s] for name, s in spans.items()}, {name: rare[s] for name, s in spans.items()}


def _learned(
    ids: IdArray,
    codes: IdArray,
    rare: npt.NDArray[np.bool_],
    synthetic_ids: IdArray,
    synthetic: IdArray,
    order: npt.NDArray[np.intp],
    n: int,
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return, per row, the share of its matching synthetic records that teach something new, and whether any matches."""
    start = np.searchsorted(synthetic_ids[order], np.arange(n + 1))
    count = np.diff(start)[ids]
    looked_at = np.minimum(count, LOOKED_AT)
    total = np.zeros(len(ids))
    for j in range(LOOKED_AT):
        rows = np.flatnonzero(looked_at > j)
        if not len(rows):
            break
        place = start[ids[rows]] + ((2 * j + 1) * count[rows]) // (2 * looked_at[rows])
        right = codes[rows] == synthetic[order[place]]
        total[rows] += _new(right, rare[rows])
    return total / np.maximum(looked_at, 1), count > 0


def _new(right: npt.NDArray[np.bool_], rare: npt.NDArray[np.bool_]) -> FloatArray:
    """Return 1 where enough unexpected values are right; with no other field, recognition alone counts."""
    d = right.shape[1]
    if d == 0:
        return np.ones(len(right))
    return np.asarray((right & rare).sum(axis=1) >= max(1.0, LEARNED * d), dtype=np.float64)
