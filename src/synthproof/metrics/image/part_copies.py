"""Copies of parts and of layouts: drawn scenes that hold a training scene's part, or its arrangement of parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import pdtrc
from scipy.stats import hypergeom

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.stats import newcombe
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.layouts import layouts, repeated
from synthproof.data.image.parts import cut, faded, part_side
from synthproof.data.image.scenes import Scenes
from synthproof.engines.vision.alignment import SIDE
from synthproof.metrics.image import controls
from synthproof.metrics.image.alike import Found, search
from synthproof.metrics.image.copies_by_class import interval_of
from synthproof.metrics.image.near_copies import EXPECTED, UNUSUAL, WORST, View, flags, planted_seen
from synthproof.metrics.image.reading import NO_IMAGES, SIDES, Side, side_of, unready
from synthproof.metrics.image.tails import LEAST, Tail, nearness
from synthproof.metrics.table.answers import insufficient, not_applicable, too_few
from synthproof.metrics.table.exchangeable import evidence, of_attacks

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

FEWEST_TRAIN = 20
"""Training parts that a nearness can be told among."""
FEWEST_LAYOUTS = 20
"""Scenes a side whose layouts say anything."""
MOST_LAYOUTS = 2_000
"""Scenes a side whose layouts are looked at."""
_NO_BOXES = Words(
    en="The images have no boxes around their parts, so that there are no parts to compare.",
    ko="이미지에 부분을 나타내는 상자가 없어 비교할 부분이 없습니다.",
)
_READ = Words(
    en="Every part is cut out by its box, real and drawn alike, and compared with the training parts of its class as whole "
    "images are (image.near_copies): by persons, over shift, flip, zoom, brightness and contrast, with limits that "
    "0.05 innocent parts in all fall under. A part outside every box, turned, mostly hidden, or small and resized is not seen.",
    ko="실제와 합성을 같은 방식으로 상자대로 잘라 낸 부분을 같은 클래스의 학습 원본 부분과, 이미지 근접 복제와 같은 방법(사람 단위, "
    "이동·반전·확대·밝기·대비 정렬, 무고한 부분이 모두 합쳐 0.05건만 기준에 드는 한계)으로 비교합니다. 상자 밖에 있거나 "
    "회전되었거나 대부분 가려졌거나 작으면서 크기가 바뀐 부분은 보지 못합니다.",
)
_MEAN = Words(
    en="Mean correlation of a drawn part with the nearest training part after alignment; the reference is that of unseen parts. "
    "A mean cannot show a copy: read the maximum beside it.",
    ko="정렬 후 합성 부분과 가장 가까운 학습 부분의 상관계수 평균입니다. 비교값은 미학습 부분의 값이며, 평균으로는 복제가 드러나지 "
    "않으므로 최댓값을 함께 읽으십시오.",
)
_MOST = Words(
    en="The highest such correlation of all drawn parts; the reference is the highest of the unseen parts.",
    ko="모든 합성 부분에서 그 상관계수의 최댓값입니다. 비교값은 미학습 부분에서의 최댓값입니다.",
)
_NEARER = Words(
    en="0: drawn parts are nearest to a training part as often as chance has it among training and unseen parts; 1: always.",
    ko="0은 합성 부분이 학습·미학습 부분 전체에서 우연만큼만 학습 부분에 가장 가깝다는 뜻이고 1은 항상 그렇다는 뜻입니다.",
)
_LAYOUTS = Words(
    en="Share of drawn layouts that repeat one of a training scene (60 % of the boxes at an intersection over union of 0.7 or "
    "more, classes the same), less that of unseen real layouts. An arrangement can identify a person as a face does.",
    ko="학습 장면의 배치를 반복하는(상자의 60 %가 같은 클래스이며 IoU 0.7 이상) 합성 배치의 비율에서 미학습 원본 배치의 비율을 뺀 "
    "값입니다. 배치만으로도 얼굴처럼 사람을 식별할 수 있습니다.",
)
PARTS: dict[Side, tuple[str, str]] = {
    "train": ("training", "학습"),
    "holdout": ("unseen", "미학습"),
    "synthetic": ("drawn", "합성"),
}


@dataclass(frozen=True, slots=True)
class _Group:
    """The parts of one class, or of several too rare to stand alone: what a search found of them."""

    name: str
    sides: dict[Side, ImageSet]
    rows: dict[Side, IntArray]
    found: Found
    views: list[View]

    @property
    def hits(self) -> tuple[BoolArray, BoolArray]:
        """Which drawn and which unseen parts lie under a limit."""
        return flags(self.views)

    def likeness(self) -> tuple[FloatArray, FloatArray]:
        """Return the correlation of each drawn and each unseen part with its nearest training part."""
        near = (self.found.to_train[0], self.found.unseen_to_train[0])
        drawn, unseen = (np.asarray(1 - 0.5 * np.square(n.distance[:, 0]), dtype=np.float64) for n in near)
        return drawn, unseen


class PartCopies:
    """Share of drawn parts that repeat a training part, and of drawn layouts that repeat a training layout.

    Notes
    -----
    Dividing a scene lowers the copying of whole images, not of its parts: a part pasted from training would pass every
    test of whole images. Parts are cut by their boxes (those at the edge too) and faded out beyond the ellipse within, so that
    a soft paste hides less; each class with 200 unseen parts is searched by itself, rarer ones together. Subjects:
    ``all``, flagged share less that of unseen parts (its interval and when it is *insufficient*: as in ``image.near_copies``);
    ``part …``, the same by class; ``nearer``, how much more often the nearest real part is a training one than chance has
    it; ``mean`` and ``maximum`` of the correlation with the nearest training part; ``layouts``. ``chance_without_leak`` is the
    probability of such a number where nothing was copied. *Other persons* are other scenes where persons are not known.

    Cost about n_drawn · n_train · 10⁴ operations for parts of 28 pixels, 10⁴ · 10⁴ boxes for layouts of 1,000 scenes.
    """

    card: ClassVar[Card] = Card(
        id="image.part_copies",
        version=2,
        family="safety",
        name=Words(en="Copies of parts and layouts", ko="부분·배치 복제"),
        question=Words(
            en="Do drawn scenes hold parts of training scenes, or their arrangement?",
            ko="합성 장면에 학습 장면의 부분이나 배치가 들어 있는가?",
        ),
        unit="excess share; correlation (mean, maximum)",
        low=-1.0,
        high=1.0,
        better="lower",
        source="Carlini et al. 2023, arXiv 2301.13188 (ratio to neighbours); Hill 1975, doi:10.1214/aos/1176343247; by parts, "
        "layouts, limits from unseen persons: ours",
        ideal=Words(en="0: none beyond what unseen scenes show.", ko="0: 미학습 장면이 보이는 수준을 넘는 복제 없음."),
        needs=frozenset({"holdout"}),
        attacker=Attacker(
            knows=Words(en="The synthetic scenes and one person's image.", ko="합성 장면과 특정인의 이미지."),
            tries=Words(
                en="Looks for a part of the person's image, or its arrangement of parts, in the synthetic scenes.",
                ko="특정인 이미지의 부분이나 그 배치를 합성 장면에서 찾습니다.",
            ),
            success=Words(
                en="Finds one nearer than those of different persons come to each other.",
                ko="서로 다른 사람끼리 가까운 정도보다 더 가까운 것을 찾으면 성공입니다.",
            ),
        ),
    )

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that the data are not images."""
        return None if schema.modality == "image" else NO_IMAGES.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence for parts in all, by class, nearer, mean, maximum, and for layouts."""
        job = quiet(run)
        job.tick(self.card.id, 0, 2)
        if not isinstance(case.train, Scenes) or not isinstance(case.synthetic, Scenes):
            why = _NO_BOXES if isinstance(case.train, ImageSet) else NO_IMAGES
            return (not_applicable(self.card, why, seed=seed),)
        if (lacking := unready(self.card, case, seed)) is not None:
            return (lacking,)
        if not isinstance(case.holdout, Scenes):
            return (insufficient(self.card, _NO_BOXES, seed=seed),)
        out = list(self._parts(case, seed, job))
        job.tick(self.card.id, 1, 2)
        out.append(self._layouts(case, seed))
        job.tick(self.card.id, 2, 2)
        return out

    # parts -------------------------------------------------------------------------------------------------

    def _parts(self, case: Case[Any], seed: int, run: Run) -> Sequence[Evidence]:
        side = min(part_side(case.train), SIDE)
        parts: dict[Side, ImageSet] = {s: faded(cut(_scenes(case, s), side, edges=True)) for s in SIDES}
        for s, least in (("train", FEWEST_TRAIN), ("holdout", LEAST), ("synthetic", 1)):
            if (n := parts[s].n_rows) < least:  # type: ignore[index]
                return (too_few(self.card, n, least, _what(s, "parts", "부분"), seed=seed),)  # type: ignore[arg-type]
        codes, names = _codes(parts)
        together = grouped({s: np.bincount(c, minlength=len(names)) for s, c in codes.items()})
        groups = [_searched(case, parts, codes, names, g, len(together), seed, run) for g in together]
        out = [self._copies(groups, "all", seed)]
        if len(groups) > 1:
            out += [self._copies([g], f"part {g.name}", seed) for g in groups]
        return (*out, self._nearer(case, groups, seed), *self._likeness(groups, seed))

    def _copies(self, groups: Sequence[_Group], subject: str, seed: int) -> Evidence:
        flagged, twins = (np.concatenate([g.hits[i] for g in groups]) for i in (0, 1))
        hits, n, met, m = int(flagged.sum()), len(flagged), int(twins.sum()), len(twins)
        low, high = interval_of(hits, n, met, m)
        value = hits / n - met / m
        planted = controls.together([planted_seen(g.found, g.sides["train"].unit_of_row, g.views) for g in groups])
        chance, unsaid = _chance(groups, hits, n, met, m), controls.blind(planted)
        detail = {
            "copies": hits,
            "planted_and_seen": {kind: list(pair) for kind, pair in planted.items()},
            "parts_looked_at": n,
            "parts_in_all": sum(g.sides["synthetic"].n_rows for g in groups),
            "unseen_that_repeat": met,
            "unseen_looked_at": m,
            "training_parts": sum(g.sides["train"].n_rows for g in groups),
            "side": groups[0].sides["train"].chain.side,
            "chance_without_leak": chance,
            "by_class": {g.name: {"copies": int(g.hits[0].sum()), "parts": len(g.hits[0])} for g in groups},
            "scenes_with_copies": sum(_units(g, g.hits[0]) for g in groups),
        }
        private = {"worst_parts": [p for g in groups for p in _worst(g)]} if subject == "all" else {}
        caveat = _READ if unsaid is None else Words(en=f"{unsaid.en} {_READ.en}", ko=f"{unsaid.ko} {_READ.ko}")
        common: dict[str, Any] = {
            "metric": self.card.id, "version": self.card.version, "subject": subject, "n": n, "seed": seed,
            "detail": detail, "private": private, "caveat": caveat,
        }  # fmt: skip
        if unsaid is not None and chance > UNUSUAL:
            return Evidence(**common, outcome="insufficient")
        ends = (min(low, value), max(high, value) if unsaid is None else 1.0)
        return Evidence(**common, estimate=value, interval=ends, reference=0.0)

    def _nearer(self, case: Case[Any], groups: Sequence[_Group], seed: int) -> Evidence:
        n = sum(len(g.found.synthetic_rows) for g in groups)
        carried, missed = np.zeros(len(case.train)), np.zeros(len(case.holdout or ()))
        expected, found, n_train, n_holdout = 0.0, 0.0, 0, 0
        for g in groups:
            mine, theirs = g.found.to_train[0].distance[:, 0], g.found.to_holdout.distance[:, 0]
            to_train = np.where(mine < theirs, 1.0, np.where(mine > theirs, 0.0, 0.5))
            train, holdout = g.sides["train"], g.sides["holdout"]
            np.add.at(carried, _owners(train)[g.found.to_train[0].row[:, 0]], to_train / n)
            np.add.at(missed, _owners(holdout)[g.found.to_holdout.row[:, 0]], (1 - to_train) / n)
            expected += len(mine) * train.n_rows / (train.n_rows + holdout.n_rows) / n
            found += float(to_train.sum()) / n
            n_train, n_holdout = n_train + train.n_rows, n_holdout + holdout.n_rows
        excess = of_attacks(carried, missed, n_train, n_holdout, n)
        detail = {"nearest_is_training": found, "expected": expected}
        return evidence(self.card, excess, subject="nearer", n=n, seed=seed, detail=detail, private={}, caveat=_NEARER)

    def _likeness(self, groups: Sequence[_Group], seed: int) -> Sequence[Evidence]:
        drawn, unseen = (np.concatenate([g.likeness()[i] for g in groups]) for i in (0, 1))
        mean = [_around(x) for x in (drawn, unseen)]
        top, reference = float(drawn.max()), float(unseen.max())
        common: dict[str, Any] = {"metric": self.card.id, "version": self.card.version, "seed": seed, "n": len(drawn)}
        return (
            Evidence(
                **common, subject="mean", estimate=float(drawn.mean()), interval=mean[0], reference=float(unseen.mean()),
                reference_interval=mean[1], detail={"unseen_looked_at": len(unseen)}, caveat=_MEAN,
            ),
            Evidence(
                **common, subject="maximum", estimate=top, interval=(top, top), reference=reference,
                detail={"unseen_looked_at": len(unseen)}, caveat=_MOST,
            ),
        )  # fmt: skip

    # layouts -----------------------------------------------------------------------------------------------

    def _layouts(self, case: Case[Any], seed: int) -> Evidence:
        sides = {s: _scenes(case, s) for s in SIDES}
        for s, scenes in sides.items():
            if (n := scenes.n_rows) < FEWEST_LAYOUTS:
                what = _what(s, "scenes", "장면")
                return too_few(self.card, n, FEWEST_LAYOUTS, what, subject="layouts", seed=seed)
        known = layouts(sides["train"])
        found = {s: np.array(_repeats(sides[s], known)) for s in SIDES if s != "train"}
        (hits, n), (met, m) = ((int((found[s] >= 0).sum()), len(found[s])) for s in ("synthetic", "holdout"))
        value = hits / n - met / m
        low, high = newcombe(hits, n, met, m)
        rows = np.flatnonzero(found["synthetic"] >= 0)
        return Evidence(
            metric=self.card.id, version=self.card.version, subject="layouts", estimate=value,
            interval=(min(low, value), max(high, value)), reference=0.0, n=n, seed=seed,
            detail={
                "repeat": hits, "layouts_looked_at": n, "unseen_that_repeat": met, "unseen_looked_at": m,
                "chance_without_leak": _by_halves(hits, n, met, m),
            },
            private={"repeats": {"synthetic_rows": rows.tolist(), "train_rows": found["synthetic"][rows].tolist()}},
            caveat=_LAYOUTS,
        )  # fmt: skip


def grouped(counts: dict[Side, IntArray]) -> list[tuple[int, ...]]:
    """Return the classes that are searched together: one by one where there are parts enough, the others as one group.

    Parameters
    ----------
    counts
        Parts of each class by side. A class of which nothing was drawn is left out.
    """
    drawn = np.flatnonzero(counts["synthetic"] > 0).tolist()
    alone = [c for c in drawn if counts["holdout"][c] >= LEAST and counts["train"][c] >= FEWEST_TRAIN]
    rest = tuple(c for c in drawn if c not in alone)
    if not rest:
        return [(c,) for c in alone]
    enough = counts["holdout"][list(rest)].sum() >= LEAST and counts["train"][list(rest)].sum() >= FEWEST_TRAIN
    if enough or not alone:
        return [*((c,) for c in alone), rest]
    smallest = min(alone, key=lambda c: int(counts["holdout"][c]))
    return [*((c,) for c in alone if c != smallest), (smallest, *rest)]


def _what(side: Side, en: str, ko: str) -> Words:
    return Words(en=f"{PARTS[side][0]} {en}", ko=f"{PARTS[side][1]} {ko}")


def _scenes(case: Case[Any], side: Side) -> Scenes:
    found = side_of(case, side)
    assert isinstance(found, Scenes)
    train = case.train.part_classes
    more = [n for n in found.part_classes if n not in train]
    return found.with_part_classes([*train, *more])


def _codes(parts: dict[Side, ImageSet]) -> tuple[dict[Side, IntArray], tuple[str, ...]]:
    """Return the class of every part by one list of names, those of train first."""
    given = {s: p.classes() for s, p in parts.items()}
    names = tuple(dict.fromkeys(n for _, known in given.values() for n in known))
    return {s: np.array([names.index(n) for n in known], dtype=np.intp)[c] for s, (c, known) in given.items()}, names


def _searched(
    case: Case[Any],
    parts: dict[Side, ImageSet],
    codes: dict[Side, IntArray],
    names: Sequence[str],
    group: tuple[int, ...],
    groups: int,
    seed: int,
    run: Run,
) -> _Group:
    rows = {s: np.flatnonzero(np.isin(codes[s], group)).astype(np.intp) for s in SIDES}
    if len(rows["holdout"]) < LEAST or len(rows["train"]) < FEWEST_TRAIN:
        # classes that real scenes hardly have are compared with all parts
        rows = {s: r if s == "synthetic" else np.arange(parts[s].n_rows, dtype=np.intp) for s, r in rows.items()}
    sides = {s: parts[s].take_rows(rows[s]) for s in SIDES}
    inner: Case[Any] = Case(
        train=sides["train"],
        holdout=sides["holdout"],
        synthetic=sides["synthetic"],
        purpose=case.purpose,
        full=case.full,
    )
    found = search(inner, seed, run)
    units = sides["train"].unit_of_row
    views = []
    for drawn, unseen in zip(found.to_train, found.unseen_to_train, strict=True):
        values, control = nearness(drawn, units), nearness(unseen, units)
        tail = Tail.of(control)
        # 0.05 innocent parts under the limits in all: of all classes and both embeddings together
        views.append(View(values, control, tail, tail.limit(EXPECTED / (2 * groups), len(values))))
    return _Group(", ".join(names[c] for c in group), sides, rows, found, views)


def _chance(groups: Sequence[_Group], hits: int, n: int, met: int, m: int) -> float:
    """Return the probability of so many copies, or of one so near, where nothing was copied."""
    if hits == 0:
        return 1.0
    if met:
        return _by_halves(hits, n, met, m)
    views = [v for g in groups for v in g.views]
    nearest = min(float(v.tail.chance(v.drawn).min()) * len(v.drawn) for v in views) * len(views)
    return float(min(1.0, 2 * min(nearest, float(pdtrc(hits - 1, EXPECTED)))))


def _by_halves(hits: int, n: int, met: int, m: int) -> float:
    """Return the chance that so many of all repeats fall among drawn ones, were drawn and unseen alike (Fisher's test)."""
    return 1.0 if hits == 0 else float(hypergeom.sf(hits - 1, n + m, hits + met, n))


def _owners(parts: ImageSet) -> IntArray:
    """Return the position of the unit that each part's scene belongs to, among all units of its side."""
    return np.asarray(parts.frame["scene"].astype(str).str[1:].astype(int).to_numpy(), dtype=np.intp)


def _units(group: _Group, flagged: BoolArray) -> int:
    return len(np.unique(_owners(group.sides["synthetic"])[group.found.synthetic_rows[flagged]]))


def _worst(group: _Group) -> list[dict[str, int]]:
    """Return the unlikeliest drawn parts with their training part, as positions among all boxes, for the vault."""
    chances = np.stack([v.tail.chance(v.drawn) for v in group.views])
    order = np.argsort(chances.min(axis=0), kind="stable")[:WORST]
    near = np.stack([n.row[:, 0] for n in group.found.to_train])[chances.argmin(axis=0)[order], order]
    drawn = group.rows["synthetic"][group.found.synthetic_rows[order]]
    return [
        {"synthetic_box": int(a), "train_box": int(b)} for a, b in zip(drawn, group.rows["train"][near], strict=True)
    ]


def _repeats(scenes: Scenes, known: FloatArray) -> list[int]:
    """Return the training scene that each layout repeats, -1: none; of the first `MOST_LAYOUTS` scenes."""
    side = scenes.chain.side
    looked = range(min(scenes.n_rows, MOST_LAYOUTS))
    return [repeated(corners / side, kinds, known) for corners, kinds in map(scenes.boxes_of, looked)]


def _around(values: FloatArray) -> tuple[float, float]:
    mean = float(values.mean())
    half = 1.96 * float(values.std(ddof=1)) / float(np.sqrt(len(values))) if len(values) > 1 else 1.0
    return max(-1.0, mean - half), min(1.0, mean + half)


__all__ = ["FEWEST_LAYOUTS", "PartCopies", "grouped"]
