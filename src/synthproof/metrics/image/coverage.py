"""Precision, recall, density and coverage in named features of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import stats as _st

from synthproof.core.contracts import Case
from synthproof.core.evidence import Card, Evidence
from synthproof.core.random import permutation
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.metrics.any.coverage import NEIGHBOURS, four_numbers
from synthproof.metrics.image.extractors import CLASSIFIER, MOST, OWN, RANDOM, Features, drawn, features, supplied
from synthproof.metrics.image.reading import FEW_PERSONS, NO_IMAGES, Side, pieces_of, side_of, unready

FloatArray = npt.NDArray[np.float64]

LEAST = 100
NAMES = ("coverage", "precision", "recall", "density")
_FEWEST_IN_A_PIECE = 50
_PIECES = 10

_READ = Words(
    en="Features of: {name}. Coverage: unseen images with a synthetic one among their 5 nearest. Low recall or coverage beside a "
    "good Fréchet distance means that few kinds of images are repeated. The reference is that of training images.",
    ko="특징: {name}. coverage는 가장 가까운 5개 안에 합성 이미지가 있는 미학습 원본의 비율입니다. 프레셰 거리가 좋은데 "
    "recall이나 coverage가 낮으면 몇 종류만 반복한다는 뜻입니다. 비교값은 학습 원본의 값입니다.",
)


class ImageCoverage:
    """Coverage first, then precision, recall and density, by random convolutions and by the domain classifier.

    Parameters
    ----------
    weights, sha256, side, scale, called
        A network of the user's, as in ``image.frechet``.

    Notes
    -----
    The four numbers and their intervals over disjoint pieces (of whole persons) are those of ``any.coverage`` (Kynkäänniemi et al. 2019;
    Naeem et al. 2020), in features of pictures instead of the general embedder's, with as many pictures of every side.
    Subjects: ``all``, ``precision``, ``recall``, ``density`` by random convolutions, and the same with ``(classifier)``.
    """

    card: ClassVar[Card] = Card(
        id="image.coverage",
        version=2,
        family="fidelity",
        name=Words(
            en="Coverage, density, precision, recall of images",
            ko="이미지 분포 포괄성(coverage·density·precision·recall)",
        ),
        question=Words(
            en="Do the synthetic images lie where real ones lie, and is no kind of image left out?",
            ko="합성 이미지가 원본이 있는 곳에 놓이며, 어떤 종류의 이미지도 빠뜨리지 않는가?",
        ),
        unit="share (density: ratio)",
        low=0.0,
        high=MOST / NEIGHBOURS,
        better="higher",
        source="Kynkäänniemi et al. 2019 arXiv:1904.06991 eq. 1-2; Naeem et al. 2020 arXiv:2002.09797 eq. 2-3",
        ideal=Words(en="What training images give (shown beside it).", ko="학습 원본의 값(함께 표시)."),
        needs=frozenset({"holdout"}),
    )

    def __init__(
        self, weights: str = "", sha256: str = "", side: int = 299, scale: str = "symmetric", called: str = OWN
    ) -> None:
        self.weights = weights
        self.sha256 = sha256
        self.side = side
        self.scale = scale
        self.called = called

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that the data are not images."""
        return None if schema.modality == "image" else NO_IMAGES.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return four pieces of evidence an extractor."""
        job = quiet(run)
        job.tick(self.card.id, 0, 1)
        if (why := unready(self.card, case, seed, least=LEAST, persons=FEW_PERSONS)) is not None:
            return (why,)
        out: list[Evidence] = []
        own = supplied(self.weights, self.sha256, self.side, self.scale, self.called)
        asked = [(RANDOM, ""), (CLASSIFIER, " (classifier)")] + ([(self.called, f" ({self.called})")] if own else [])
        for name, mark in asked:
            if (seen := features(case, name, job, own)) is not None:
                out += self._of(case, seen, mark, seed)
        return out

    def _of(self, case: Case[Any], seen: Features, mark: str, seed: int) -> list[Evidence]:
        n = min(len(x) for x in seen.of.values())
        sides: tuple[Side, ...] = ("holdout", "synthetic", "train")
        order = {s: permutation(seed, f"image.coverage/{s}", len(seen.of[s]))[:n] for s in sides}
        units = {s: side_of(case, s).unit_of_row[drawn(case)[s]] for s in sides}
        persons = min(len(np.unique(u)) for u in units.values())
        k = max(2, min(_PIECES, n // _FEWEST_IN_A_PIECE, persons // 10))
        pieces = {s: pieces_of(units[s], k, order[s]) for s in sides}

        def numbers(other: Side) -> list[dict[str, float]]:
            both = seen.of["holdout"], seen.of[other]
            out = [four_numbers(both[0][order["holdout"]], both[1][order[other]])]
            for a, b in zip(pieces["holdout"], pieces[other], strict=True):
                m = min(len(a), len(b))  # pieces of whole persons differ in size, samples must not
                out.append(four_numbers(both[0][a[:m]], both[1][b[:m]]))
            return out

        found, unseen = numbers("synthetic"), numbers("train")
        out = []
        for name in NAMES:
            first = "all" if name == "coverage" else name
            value, interval = _with_interval([f[name] for f in found], n, name)
            reference, spread = _with_interval([f[name] for f in unseen], n, name)
            out.append(
                Evidence(
                    metric=self.card.id,
                    version=self.card.version,
                    subject=f"{'coverage' if mark and first == 'all' else first}{mark}",
                    estimate=value,
                    interval=interval,
                    reference=reference,
                    reference_interval=spread,
                    n=n,
                    seed=seed,
                    detail={"number": name, "extractor": seen.name, "digest": seen.digest, "neighbours": NEIGHBOURS},
                    caveat=_READ.filled(name=seen.name) if name == "coverage" else None,
                )
            )
        return out


def _with_interval(values: Sequence[float], n: int, name: str) -> tuple[float, tuple[float, float]]:
    """Return the whole sample's number and a t interval whose spread is that of disjoint pieces."""
    whole, pieces = values[0], np.array(values[1:])
    half = float(_st.t.ppf(0.975, len(pieces) - 1) * pieces.std(ddof=1) / np.sqrt(len(pieces))) or 3.0 / n
    top = MOST / NEIGHBOURS if name == "density" else 1.0
    return whole, (max(0.0, whole - half), min(top, whole + half))
