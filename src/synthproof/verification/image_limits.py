"""Limits of the likeness of images, simulated from the institution's own originals as the PIPC guide does.

One random half of the persons plays the original, the other the synthetic data. Read as they are, such halves mislead
twice, so two things are mended, and every limit says so:

- *Mean.* Both halves come from one pool: where one half is more like everything, the other is less so, and the mean
  hardly moves between halvings, while that of new pictures does. So persons of the playing half are drawn with
  replacement, per class as many as give the spread of new pictures against all originals.
- *Maximum.* A quarter of the pairs that the real comparison has, out of one finite pool, whose nearest pair would be the
  limit at whatever quantile. So the tail of each picture's nearness is continued (`metrics.image.tails`) to the numbers
  of the real comparison, and each halving draws one maximum from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Limit
from synthproof.core.random import permutation, stream
from synthproof.core.run import Run, quiet
from synthproof.core.stats import quantile_interval
from synthproof.core.words import Words
from synthproof.engines.threads import one_blas_thread
from synthproof.metrics.image.similarity import KINDS, Originals, originals, per_image
from synthproof.metrics.image.tails import LEAST, Tail
from synthproof.verification.limits import LimitSpec

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

METRIC = "image.similarity"
FEWEST = 40
"""Persons under which no mean is simulated."""
_EQUAL = 1e-5
"""Less than this apart is the same picture: single precision gives no more."""

TWINS = Words(
    en="{twins} of your own {units} originals repeat another person's ({kind}), so the highest similarity cannot tell a copy "
    "from a duplicate of the source: no limit was drawn for it. Collapse the duplicates before learning and verify again.",
    ko="원본 {units}건 중 {twins}건이 다른 사람의 원본을 반복합니다({kind}). 최고 유사도로는 복제와 원천의 중복을 구별할 수 없어 한계를 "
    "정하지 않았습니다. 학습 전에 중복을 정리한 뒤 다시 검증하십시오.",
)
FEW = Words(
    en="There are {units} persons in the originals; a limit of the highest similarity takes {least}, so none was drawn.",
    ko="원본의 대상 인원이 {units}명으로, 최고 유사도의 한계를 모의하는 데 필요한 {least}명에 미치지 못하여 한계를 정하지 않았습니다.",
)
_MEAN = Words(
    en="{percent}th percentile of {repeats} random halves of your own {units} originals (one image a person), one half playing "
    "the synthetic images; its persons are drawn again with replacement, because between two halves of one pool the mean "
    "hardly moves.",
    ko="자체 원본 {units}건(1인 1건)을 무작위로 절반씩 {repeats}회 나누어 한쪽을 합성 이미지로 삼아 모의한 값의 {percent}백분위수. "
    "한 모집단의 두 절반 사이에서는 평균이 거의 변하지 않으므로 합성 역할의 사람을 복원추출하였습니다.",
)
_MOST = Words(
    en="{percent}th percentile of {repeats} random halves of your own {units} originals (one image a person), one half playing "
    "the synthetic images; the tail of half against half is continued to {asked} synthetic images against {looked} originals, "
    "and to the {kinds} kinds of similarity that are read together.",
    ko="자체 원본 {units}건(1인 1건)을 무작위로 절반씩 {repeats}회 나누어 한쪽을 합성 이미지로 삼아 모의한 최댓값의 {percent}백분위수. "
    "절반 간 값의 꼬리를 합성 {asked}건 대 원본 {looked}건의 규모와 함께 읽는 유사도 {kinds}종에 맞게 연장하였습니다.",
)


def simulate_image_limits(
    case: Case[Any], specs: Sequence[LimitSpec], *, seed: int, repeats: int = 100, run: Run | None = None
) -> tuple[list[Limit], tuple[Words, ...]]:
    """Return limits of mean and maximum of each kind of similarity, and what must be said where one is missing.

    Parameters
    ----------
    case
        Originals and synthetic pictures; of the latter only number and classes count.
    specs
        Of ``image.similarity``, with its quantile; others yield nothing.

    Returns
    -------
    limits, notices
        Subjects as `metrics.image.similarity.Similarity` names them: ``all`` (SSIM), ``MS-SSIM``, ``1 - deep distance``
        and ``… maximum`` of each. No maximum where the originals repeat each other (no number could show a copy) or are
        fewer than 400 persons.

    Notes
    -----
    A new picture's mean deviates by its own class's spread over √n_S and is held against originals that deviate by that
    over √n: to first order both add, 1/m = 1/n_S + 1/n, so m persons are drawn of a class. The chance that one of n_S
    pictures is nearer than d to one of n originals is 1 - exp(-n_S · (n / n_A) · P_half(d)). Cost: the similarities of
    2,000 originals with each other, 20 s on one core, then milliseconds a repeat.
    """
    wanted = [s for s in specs if s.metric == METRIC]
    if not wanted:
        return [], ()
    run = quiet(run)
    known = originals(case, seed, run)
    if len(known.classes) < FEWEST or not len(known.asked):
        return [], (FEW.filled(units=len(known.classes), least=2 * LEAST),)
    twins = {kind: _twins(known, kind) for kind in KINDS} if len(known.classes) >= 2 * LEAST else {}
    with one_blas_thread():
        found = run.map(partial(_repeat, known, seed, repeats), range(repeats), f"limits/{METRIC}")
    table = np.array(found, dtype=np.float64).reshape(repeats, len(KINDS), 2)
    facts = _Facts(known, case.train.fingerprint(), seed, repeats, wanted[0].quantile)
    means = [_limit(table[:, i, 0], kind, facts, highest=False) for i, kind in enumerate(KINDS)]
    maxima = {
        kind: _limit(table[:, i, 1], kind, facts, highest=True) for i, kind in enumerate(KINDS) if not twins.get(kind)
    }
    notices = [TWINS.filled(twins=n, units=len(known.classes), kind=kind) for kind, n in twins.items() if n]
    if None in maxima.values():
        notices.append(FEW.filled(units=len(known.classes), least=2 * LEAST))
    return [x for x in (*means, *maxima.values()) if x is not None], tuple(notices[:1])


@dataclass(frozen=True, slots=True)
class _Facts:
    known: Originals
    digest: str
    seed: int
    repeats: int
    quantile: float


def _limit(values: FloatArray, kind: str, facts: _Facts, *, highest: bool) -> Limit | None:
    good = values[np.isfinite(values)]
    if len(good) * 2 <= facts.repeats:
        return None
    units, asked = len(facts.known.classes), len(facts.known.asked)
    subject = f"{kind} maximum" if highest else "all" if kind == KINDS[0] else kind
    told = (_MOST if highest else _MEAN).filled(
        percent=f"{100 * facts.quantile:g}",
        repeats=facts.repeats,
        units=f"{units:,}",
        asked=f"{asked:,}",
        looked=f"{facts.known.n_looked:,}",
        kinds=len(KINDS),
    )
    low, high = quantile_interval(good, facts.quantile)
    return Limit(
        metric=METRIC,
        subject=subject,
        value=float(np.quantile(good, facts.quantile)),
        side="max",
        origin="simulated",
        because=told,
        record={
            "values": good.tolist(),
            "repeats": facts.repeats,
            "quantile": facts.quantile,
            "quantile_interval": [low, high],
            "median": float(np.median(good)),
            "seed": facts.seed,
            "units": units,
            "units_used": units,
            "units_per_half": units // 2,
            "synthetic_images": asked,
            "originals_looked_at": facts.known.n_looked,
            "correction": "tail to full size" if highest else "persons drawn with replacement",
            "data": facts.digest,
        },
    )


def _repeat(known: Originals, seed: int, repeats: int, repeat: int) -> list[tuple[float, float]]:
    """Return (mean, maximum) of each kind for one halving."""
    n = len(known.classes)
    order = permutation(seed, f"limits/half/{repeat}", n)
    a, b = np.sort(order[: n // 2]), np.sort(order[n // 2 : 2 * (n // 2)])
    at, back = np.ix_(b, a), np.ix_(a, b)
    same = known.tables.same[at]
    classes = known.classes[b][same.any(axis=1)]
    draws = stream(seed, f"limits/{METRIC}", repeat)
    # One maximum a halving, at levels that lie evenly in [0, 1]: their quantile is then no matter of luck.
    level = (permutation(seed, f"limits/{METRIC}/levels", repeats)[repeat] + 0.5) / repeats
    again = _drawn_again(known, classes, draws)
    out = []
    for kind in KINDS:
        found = per_image(known.tables.of[kind][at], same)
        mean = sum(share * float(found.mean[rows].mean()) for share, rows in again) if again else float("nan")
        # The halves change places for the maximum: a tail read from twice as many pictures is known that much better.
        other = per_image(known.tables.of[kind][back], same.T)
        out.append((mean, _maximum(known, 1.0 - np.concatenate([found.most, other.most]), len(a), level)))
    return out


def _drawn_again(known: Originals, classes: IntArray, draws: np.random.Generator) -> list[tuple[float, IntArray]]:
    """Return, class by class, its share among the synthetic pictures and persons of the playing half drawn for it."""
    out = []
    for c in np.unique(known.asked):
        members = np.flatnonzero(classes == c)
        asked, n = int((known.asked == c).sum()), int((known.classes == c).sum())
        if len(members):
            m = max(1, round(1.0 / (1.0 / asked + 1.0 / n)))
            out.append((float(asked), members[draws.integers(0, len(members), m)]))
    whole = sum(share for share, _ in out)
    return [(share / whole, rows) for share, rows in out]


def _maximum(known: Originals, apart: FloatArray, n_half: int, level: float) -> float:
    """Return the highest similarity that is not passed with probability `level` at the size of the real comparison."""
    if len(apart) < 2 * LEAST:
        return float("nan")
    tail = Tail.of(np.maximum(apart, 0.0))
    expected = -np.log(level)
    return 1.0 - tail.limit(expected, _pairs_over_half(known, n_half))


def _pairs_over_half(known: Originals, n_half: int) -> int:
    """Return how many pictures of the playing half would meet as many originals as the real comparison has pairs.

    Three kinds are read together, so each is given a third of the error; a class that is drawn more often than it stands
    in the originals counts as if all were drawn so.
    """
    asked, counts = np.unique(known.asked, return_counts=True)
    share = np.array([(known.classes == c).mean() for c in asked])
    met = share > 0
    more = float((counts[met] / len(known.asked) / share[met]).max()) if met.any() else 1.0
    return max(1, round(len(KINDS) * more * len(known.asked) * known.n_looked / n_half))


def _twins(known: Originals, kind: str) -> int:
    """Return how many originals repeat another person's beyond chance."""
    same = known.tables.same & ~np.eye(len(known.classes), dtype=bool)
    apart = 1.0 - per_image(known.tables.of[kind], same).most
    rest = apart[apart > _EQUAL]
    return len(apart) - len(rest) + (Tail.of(rest).twins if len(rest) >= LEAST else 0)


__all__ = ["FEW", "FEWEST", "METRIC", "TWINS", "simulate_image_limits"]
