"""Near copies: synthetic pictures that repeat a training picture shifted, mirrored, cropped, brightened or with noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import pdtrc

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.stats import clopper_pearson
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.metrics.image import controls
from synthproof.metrics.image.alike import Found, search
from synthproof.metrics.image.copies_by_class import Flagged, by_class, interval_of
from synthproof.metrics.image.reading import NO_IMAGES, Side, classes_of, side_of, unready
from synthproof.metrics.image.tails import LEAST, Tail, nearness
from synthproof.metrics.table.exchangeable import evidence, of_attacks

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

EXPECTED = 0.05
"""Innocent pictures that may fall under the limits, in all: in one of twenty clean releases one picture is flagged."""
UNUSUAL = 0.05
"""Chance under which flagged pictures are reported although the search missed most of its own copies."""
WORST = 50
PERCENTILE = 0.001
EMBEDDINGS = ("fine", "evened")

_READ = Words(
    en="A synthetic picture counts as a copy when it lies so near to a training picture, for how near the next ones are, "
    "that fewer than 0.05 of as many unseen real pictures would. Both embeddings are searched over shift, flip, zoom, "
    "brightness and contrast. No copy found is no proof: what lies beyond these changes (rotation, other styles) is not seen.",
    ko="합성 이미지가 학습 원본에 (다음으로 가까운 원본들에 비하여) 너무 가까워서, 같은 수의 미학습 원본 중에서는 0.05건도 기대되지 않을 "
    "때 복제로 셉니다. 두 임베딩에서 이동·좌우 반전·확대·밝기·대비를 맞추어 찾습니다. 찾지 못하였다고 안전이 증명된 것은 "
    "아니며, 회전이나 화풍 변경처럼 이 범위를 벗어난 변형은 보지 못합니다.",
)
_TWINS = Words(
    en="{twins} of {n} unseen pictures repeat a training picture as well: the source holds duplicates. They should be "
    "collapsed before learning; what they explain is taken off here.",
    ko="미학습 원본 {n}건 중 {twins}건도 학습 원본을 반복합니다. 원천에 중복이 있으므로 학습 전에 정리하여야 하며, 그만큼은 "
    "여기에서 제외하였습니다.",
)
_NEARER = Words(
    en="0: synthetic pictures are nearest to a training picture as often as chance has it among training and unseen "
    "pictures together; 1: always. Blurred pictures are far from everything: silence is no proof.",
    ko="0은 합성 이미지가 학습·미학습 원본 전체에서 우연만큼만 학습 원본에 가장 가깝다는 뜻이고 1은 항상 그렇다는 뜻입니다. 흐린 "
    "이미지는 모든 것에서 멀므로, 드러나지 않았다고 안전이 증명된 것은 아닙니다.",
)


@dataclass(frozen=True, slots=True)
class View:
    """One embedding: nearness of synthetic and unseen pictures, the tail of the latter, and the limit."""

    drawn: FloatArray
    unseen: FloatArray
    tail: Tail
    limit: float


class NearCopies:
    """Share of synthetic pictures that repeat a training picture, over what duplicates in the source explain.

    Notes
    -----
    Two embeddings of aligned pictures (`engines.vision.alignment`): correlation of whole windows, and of their 64 leading
    axes brought to one spread. In each, *nearness* is the distance to the nearest training picture over the mean distance
    to the next ones of other persons (after Carlini et al. 2023, arXiv 2301.13188). Its law without copying is that of
    unseen pictures of other persons asked about the same training set; its lower tail is continued by Hill's estimate
    (`tails`), because a rate of copies of 0.2 % lies below what a thousand unseen pictures show directly. The limits are
    set so that 0.05 of as many unseen pictures fall below them, so a single copy is evidence.

    Subject ``all``: flagged share less that of unseen pictures (which is duplicates in the source); the interval is exact, its
    lower end Newcombe's where unseen pictures are flagged too (`interval_of`). Subject ``nearer``: how much more often the
    nearest real picture is a training one than chance has it, in the embedding that shows it better (no thinning, interval by
    person and for both). ``class NAME`` and ``worst class`` count copies class by class (`copies_by_class`).
    ``chance_without_leak`` in the detail is the probability of such a number where nothing was copied. Where fewer than half
    of some copies that the search planted itself (`controls`) are seen, ``all`` is *insufficient* unless it is unusual: none
    found would say nothing. The 50 worst pairs are kept for a contact sheet as positions, with how near they are.

    Sees, at 0.2 % of 1,000 pictures of MNIST or chest X-rays, copies that are exact, shifted by 2 of 28 pixels, mirrored,
    with noise of σ 0.05 or cropped to nine tenths (rates in ``benchmarks/results/images/copies.json``). It does not see
    rotated ones reliably. Cost about n_S · n_train · 10⁴ operations.
    """

    card: ClassVar[Card] = Card(
        id="image.near_copies",
        version=3,
        family="safety",
        name=Words(en="Near copies of images", ko="이미지 근접 복제"),
        question=Words(
            en="Are there synthetic images that all but repeat a training image?",
            ko="학습 이미지를 거의 그대로 반복하는 합성 이미지가 있는가?",
        ),
        unit="excess share of synthetic images",
        low=-1.0,
        high=1.0,
        better="lower",
        source="Carlini et al. 2023, arXiv 2301.13188 (ratio to neighbours); Hill 1975, doi:10.1214/aos/1176343247; "
        "alignment, evened axes, limits from unseen persons, planted controls: ours",
        ideal=Words(en="0: none beyond duplicates of the source.", ko="0: 원천의 중복을 넘는 복제 없음."),
        needs=frozenset({"holdout"}),
        attacker=Attacker(
            knows=Words(en="The synthetic images and one person's image.", ko="합성 이미지와 특정인의 이미지."),
            tries=Words(
                en="Looks for a synthetic image that is the person's but for place, size, brightness or noise.",
                ko="위치·크기·밝기·잡음만 다른 합성 이미지를 찾습니다.",
            ),
            success=Words(
                en="Finds one nearer than images of different persons come to each other.",
                ko="서로 다른 사람의 이미지끼리 가까운 정도보다 더 가까운 이미지를 찾으면 성공입니다.",
            ),
        ),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that the data are not images."""
        return None if schema.modality == "image" else NO_IMAGES.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence for ``all`` and ``nearer``, then ``worst class`` and each class."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if (why := unready(self.card, case, seed)) is not None:
            return (why,)
        least: tuple[tuple[Side, int], ...] = (("train", 20), ("holdout", LEAST))
        for side, n in least:
            if (why := unready(self.card, case, seed, least=n, needs=(side,))) is not None:
                return (why,)
        found = search(case, seed, job)
        views = _views(case, found)
        whole = self._copies(case, found, views, seed)
        of_classes = self._classes(case, found, views, seed)
        if controls.blind(planted_seen(found, side_of(case, "train").unit_of_row, views)) is not None:
            # a class can show copies, but not that there are none
            of_classes = [replace(e, interval=(e.interval[0], 1.0)) for e in of_classes if e.interval is not None]
        return (whole, self._nearer(case, found, seed), *of_classes)

    def _classes(self, case: Case[Any], found: Found, views: Sequence[View], seed: int) -> list[Evidence]:
        classes, (flagged, twins) = classes_of(case), flags(views)
        near: BoolArray = np.any([v.unseen < v.tail.at for v in views], axis=0)
        drawn = Flagged(classes.of["synthetic"][found.synthetic_rows], flagged)
        unseen = Flagged(classes.of["holdout"][found.holdout_rows], twins, near)
        return by_class(self.card, drawn, unseen, classes.names, EXPECTED, seed=seed)

    def _copies(self, case: Case[Any], found: Found, views: Sequence[View], seed: int) -> Evidence:
        flagged, twins = flags(views)
        hits, n, met, m = int(flagged.sum()), len(flagged), int(twins.sum()), len(twins)
        share, innocent = hits / n, met / m
        low, high = interval_of(hits, n, met, m)
        classes = classes_of(case)
        of_class = classes.of["synthetic"][found.synthetic_rows]
        worst, pairs, measured = _worst(found, views)
        train = side_of(case, "train")
        repeated = np.unique(train.unit_of_row[pairs[flagged[worst]]]) if hits else np.empty(0)
        planted = planted_seen(found, train.unit_of_row, views)
        chance, unsaid = chance_without_leak(views, hits, n, met, m), controls.blind(planted)
        detail: dict[str, Any] = {
            "copies": hits,
            "planted_and_seen": {kind: list(pair) for kind, pair in planted.items()},
            "images_looked_at": n,
            "images_in_all": side_of(case, "synthetic").n_rows,
            "per_10_000": 1e4 * share,
            "per_10_000_interval": [1e4 * x for x in clopper_pearson(hits, n)],
            "unseen_that_repeat": met,
            "unseen_looked_at": m,
            "chance_without_leak": chance,
            "training_persons_repeated_at_least": len(repeated),
            "embeddings": {name: _told(v) for name, v in zip(EMBEDDINGS, views, strict=True)},
            "by_class": {
                name: {"copies": int((flagged & (of_class == i)).sum()), "images": int((of_class == i).sum())}
                for i, name in enumerate(classes.names)
            },
        }
        caveat = _READ
        if met:
            told = _TWINS.filled(twins=met, n=m)
            caveat = Words(en=f"{_READ.en} {told.en}", ko=f"{_READ.ko} {told.ko}")
        if unsaid is not None:
            caveat = Words(en=f"{unsaid.en} {caveat.en}", ko=f"{unsaid.ko} {caveat.ko}")
            high = 1.0
        private = {
            "worst_pairs": {
                "synthetic_rows": found.synthetic_rows[worst].tolist(),
                "train_rows": pairs.tolist(),
                "flagged": flagged[worst].tolist(),
                **measured,
            }
        }
        common: dict[str, Any] = {
            "metric": self.card.id, "version": self.card.version, "subject": "all", "n": n, "seed": seed,
            "detail": detail, "private": private, "caveat": caveat,
        }  # fmt: skip
        if unsaid is not None and chance > UNUSUAL:  # it can show copies, but not that there are none
            return Evidence(**common, outcome="insufficient")
        value = share - innocent
        return Evidence(**common, estimate=value, interval=(min(low, value), max(high, value)), reference=0.0)

    def _nearer(self, case: Case[Any], found: Found, seed: int) -> Evidence:
        train, holdout = side_of(case, "train"), side_of(case, "holdout")
        n, tries = len(found.synthetic_rows), []
        for mine, theirs in zip(found.to_train, (found.to_holdout, found.evened_to_holdout), strict=True):
            won = (1.0 + np.sign(theirs.distance[:, 0] - mine.distance[:, 0])) / 2
            carried = _per_unit(train, mine.row[:, 0], won / n)
            missed = _per_unit(holdout, theirs.row[:, 0], (1 - won) / n)
            tries.append((of_attacks(carried, missed, train.n_rows, holdout.n_rows, n, 0.975), float(won.mean())))
        # Two embeddings are tried, so each has half the error: the lower end is the better one's, the upper covers both.
        excess, nearest = max(tries, key=lambda t: t[0].low)
        excess = replace(excess, high=max(t[0].high for t in tries))
        expected = train.n_rows / (train.n_rows + holdout.n_rows)
        shares = {name: t[1] for name, t in zip(EMBEDDINGS, tries, strict=True)}
        detail = {
            "nearest_is_training": nearest, "by_embedding": shares, "expected": expected, "persons": len(train),
        }  # fmt: skip
        return evidence(self.card, excess, subject="nearer", n=n, seed=seed, detail=detail, private={}, caveat=_NEARER)


def _per_unit(images: ImageSet, rows: IntArray, weights: FloatArray) -> FloatArray:
    """Return the weights that fall to each unit, by the rows that carry them."""
    units = images.unit_of_row[rows]
    return np.asarray(np.bincount(units, weights=weights, minlength=len(images)), dtype=np.float64)


def _views(case: Case[Any], found: Found) -> list[View]:
    units = side_of(case, "train").unit_of_row
    return views_of([nearness(n, units) for n in found.to_train], [nearness(n, units) for n in found.unseen_to_train])


def views_of(drawn: Sequence[FloatArray], unseen: Sequence[FloatArray]) -> list[View]:
    """Return one view an embedding, from the nearness of synthetic and of unseen pictures to train by each."""
    out = []
    for values, control in zip(drawn, unseen, strict=True):
        tail = Tail.of(control)
        out.append(View(values, control, tail, tail.limit(EXPECTED / len(drawn), len(values))))
    return out


def flags(views: Sequence[View]) -> tuple[BoolArray, BoolArray]:
    """Return which synthetic and which unseen pictures lie below the limit of any view."""
    drawn: BoolArray = np.any([v.drawn < v.limit for v in views], axis=0)
    unseen: BoolArray = np.any([v.unseen < v.limit for v in views], axis=0)
    return drawn, unseen


def planted_seen(found: Found, unit_of_row: IntArray, views: Sequence[View]) -> controls.Seen:
    """Return how many of the copies that the search planted itself lie under the limits, by kind."""
    near = {kind: [nearness(n, unit_of_row) for n in pair] for kind, pair in found.controls.items()}
    return controls.seen(near, [v.limit for v in views])


def _worst(found: Found, views: Sequence[View]) -> tuple[IntArray, IntArray, dict[str, Any]]:
    """Return the positions (among those asked about) of the 50 unlikeliest pictures, their training rows, and how near."""
    chances = np.stack([v.tail.chance(v.drawn) for v in views])
    order = np.argsort(chances.min(axis=0), kind="stable")[: max(WORST, int((chances.min(axis=0) == 0).sum()))]
    view = chances.argmin(axis=0)[order]
    rows = np.stack([near.row[:, 0] for near in found.to_train])[view, order]
    measured = {
        "nearness": np.stack([v.drawn for v in views])[view, order].tolist(),
        "limit": np.array([v.limit for v in views])[view].tolist(),
        "distance": np.stack([near.distance[:, 0] for near in found.to_train])[view, order].tolist(),
    }
    return order.astype(np.intp), rows.astype(np.intp), measured


def chance_without_leak(views: Sequence[View], hits: int, n: int, met: int, m: int) -> float:
    """Return the probability of so many, or of one so near, where nothing was copied."""
    if hits == 0:
        return 1.0
    if met:
        from scipy.stats import hypergeom

        return float(hypergeom.sf(hits - 1, n + m, hits + met, n))
    nearest = min(float(v.tail.chance(v.drawn).min()) for v in views) * len(views) * n
    return float(min(1.0, 2 * min(nearest, float(pdtrc(hits - 1, EXPECTED)))))


def _told(view: View) -> dict[str, Any]:
    edge = float(np.quantile(view.unseen, PERCENTILE))
    return {
        "limit": view.limit,
        "tail_rate": view.tail.rate,
        "twins_left_out": view.tail.twins,
        "flagged": int((view.drawn < view.limit).sum()),
        "below_the_999th_permille_of_unseen": int((view.drawn < edge).sum()),
        "expected_there": PERCENTILE * len(view.drawn),
        "nearness": {
            f"{q:g}": [float(np.quantile(view.drawn, q)), float(np.quantile(view.unseen, q))]
            for q in (0.001, 0.01, 0.05, 0.5)
        },
    }
