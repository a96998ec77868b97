"""A detector trained on synthetic scenes against one trained on real ones: fresh scenes and copies lose nothing, noise all."""

from __future__ import annotations

import contextlib
import io
import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from synthproof.core.contracts import Case
from synthproof.core.errors import Cancelled
from synthproof.core.evidence import Evidence
from synthproof.core.random import stream
from synthproof.core.registry import metrics
from synthproof.core.run import Run
from synthproof.core.schema import Purpose
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.scenes import Scenes
from synthproof.metrics.image import average_precision, detection
from synthproof.metrics.image.average_precision import Boxes, tally
from synthproof.policy.load import load_policy
from synthproof.testing.pictures import digit_case
from synthproof.testing.scenes import scenes

STEPS = 120


def made(what: str) -> Scenes:
    """Return what plays the synthetic scenes."""
    if what == "copies":
        return scenes(120, 1, side=24)
    fresh = scenes(120, 3, side=24)
    if what == "noise":
        store = stream(0, "noise").integers(0, 256, fresh.store.shape).astype(np.uint8)
        return Scenes(fresh.labels, store, fresh.chain, boxes=fresh.boxes)
    if what == "shuffled":  # boxes of another scene: layouts are right, pictures are right, they do not belong together
        moved = fresh.boxes.assign(image=(fresh.boxes["image"] + 7) % fresh.n_rows)
        return Scenes(fresh.labels, fresh.store, fresh.chain, boxes=moved)
    return fresh


def case_of(what: str, *, train: int = 120, holdout: int = 120) -> Case[ImageSet]:
    real = scenes(train, 1, side=24), scenes(holdout, 2, side=24, persons=60) if holdout else None
    return Case(train=real[0], holdout=real[1], synthetic=made(what), purpose=Purpose())


@cache
def measured(what: str) -> dict[str, Evidence]:
    found = metrics.make("image.detection", steps=STEPS).measure(case_of(what), seed=4, run=Run(workers=1))
    return {e.subject: e for e in found}


@pytest.mark.parametrize("what", ["fresh", "copies", "noise", "shuffled"])
def test_evidence_is_whole(what: str) -> None:
    found = measured(what)
    assert set(found) == {"all", "AP50", "class disc", "class ring"}
    for e in found.values():
        json.dumps(e.to_dict(private=True), allow_nan=False)
        assert e.outcome == "measured"
        assert e.interval is not None
        assert e.estimate is not None
        assert e.interval[0] <= e.estimate <= e.interval[1]
        assert e.estimate == pytest.approx(e.detail["trtr"] - e.detail["tstr"])
        assert e.reference == 0.0
    assert found["all"].n == len(np.unique(scenes(120, 2, side=24, persons=60).unit_of_row))


def test_the_detector_finds_parts() -> None:
    assert measured("fresh")["AP50"].detail["trtr"] > 0.6


@pytest.mark.parametrize("what", ["fresh", "copies"])
def test_fresh_scenes_and_copies_lose_nothing(what: str) -> None:
    found = measured(what)["all"]
    assert found.interval is not None
    assert found.estimate is not None
    assert abs(found.estimate) < 0.1
    assert found.interval[0] <= 0.05


@pytest.mark.parametrize("what", ["noise", "shuffled"])
def test_noise_and_shuffled_boxes_lose_nearly_all(what: str) -> None:
    found = measured(what)["all"]
    assert found.interval is not None
    assert found.interval[0] > 0.2
    assert found.detail["tstr"] < 0.1


def test_the_policy_judges_it_and_passes_over_sets_without_boxes() -> None:
    policy = load_policy("image").for_purpose(Purpose(use="ai_training"))

    def told(found: list[Evidence]) -> list[tuple[str, bool]]:
        return [(f.result, f.advisory) for f in policy.judge(found).findings if f.rule == "detection"]

    assert told(list(measured("noise").values())) == [("does_not_meet", False)]
    assert told(list(measured("fresh").values())) == [("meets", False)]
    bare = metrics.make("image.detection").measure(digit_case(60), seed=1)
    assert told(list(bare)) == [("not_assessed", True)]  # shown, and decides nothing


def reasons(case: Case[ImageSet]) -> tuple[str, str]:
    (e,) = metrics.make("image.detection", steps=1).measure(case, seed=1)
    assert e.caveat is not None
    return e.outcome, e.caveat.en


def test_without_boxes_it_does_not_apply() -> None:
    bare = digit_case(60)
    assert reasons(bare)[0] == "not_applicable"
    whole = case_of("fresh")
    flat = ImageSet(whole.train.labels, whole.train.store, whole.train.chain)
    for changed in (
        Case(train=whole.train, holdout=whole.holdout, synthetic=flat, purpose=Purpose()),
        Case(train=whole.train, holdout=flat, synthetic=whole.synthetic, purpose=Purpose()),
    ):
        outcome, why = reasons(changed)
        assert outcome == "not_applicable"
        assert "boxes" in why


def test_too_little_is_said() -> None:
    assert reasons(case_of("fresh", train=10))[0] == "insufficient"
    assert reasons(case_of("fresh", holdout=0))[0] == "insufficient"


def test_a_missing_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "installed", lambda: False)
    outcome, why = reasons(case_of("fresh"))
    assert outcome == "insufficient"
    assert "synthproof[images]" in why


def test_it_repeats_itself_and_can_be_stopped() -> None:
    few = metrics.make("image.detection", steps=3)
    first, again = (few.measure(case_of("fresh"), seed=4) for _ in range(2))
    assert [e.estimate for e in first] == [e.estimate for e in again]
    run = Run()
    run.cancel()
    with pytest.raises(Cancelled):
        few.measure(case_of("fresh"), seed=1, run=run)


def boxes(n: int, seed: int, *, found: bool) -> list[Boxes]:
    """Return boxes of n pictures: true ones on a lattice, found ones moved from them, some missed, some invented."""
    dice, out = stream(seed, "boxes"), []
    for i in range(n):
        k = 1 + i % 4
        low = np.stack([np.arange(k) * 20.0, np.full(k, 5.0)], axis=1)
        corners = np.concatenate([low, low + 12.0], axis=1)
        classes = (np.arange(k) + i) % 2
        if not found:
            out.append(Boxes(corners, classes))
            continue
        corners = corners + dice.normal(0, 1.5, corners.shape)
        kept = dice.random(k) < 0.8
        extra = np.array([[60.0, 60.0, 75.0, 75.0]] * int(dice.integers(0, 3))).reshape(-1, 4)
        whole = np.concatenate([corners[kept], extra])
        named = np.concatenate([classes[kept], np.zeros(len(extra), dtype=np.intp)])
        out.append(Boxes(whole, named, np.round(dice.random(len(whole)), 3)))
    return out


def by_library(truth: list[Boxes], found: list[Boxes], rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with contextlib.redirect_stdout(io.StringIO()):
        judged = average_precision._judged([truth[i] for i in rows], [found[i] for i in rows], 2)
        judged.evaluate()
        judged.accumulate()
    return judged.eval["precision"][:, :, :, 0, 0].mean(axis=1).T


def test_accumulation_is_that_of_pycocotools() -> None:
    truth, found = boxes(60, 1, found=False), boxes(60, 1, found=True)
    done = tally(truth, found, 2)
    assert 0.1 < done.precision.mean() < 0.9
    assert done.weighed(np.ones(60, dtype=np.intp)) == pytest.approx(done.precision, abs=1e-9)
    weights = stream(2, "weights").multinomial(60, np.full(60, 1 / 60)).astype(np.intp)
    again = by_library(truth, found, np.repeat(np.arange(60), weights))
    assert done.weighed(weights) == pytest.approx(again, abs=1e-9)


def test_perfect_absent_and_empty() -> None:
    truth = boxes(8, 1, found=False)
    sure = [Boxes(b.corners, b.classes, np.ones(len(b.classes))) for b in truth]
    none = [Boxes(np.zeros((0, 4)), np.zeros(0, dtype=np.intp), np.zeros(0)) for _ in truth]
    assert tally(truth, sure, 2).precision == pytest.approx(1.0)
    assert tally(truth, none, 2).precision == pytest.approx(0.0)
    assert tally(truth, none, 2).weighed(np.ones(8, dtype=np.intp)) == pytest.approx(0.0)
    three = tally(truth, sure, 3)
    assert np.isnan(three.precision[2]).all()
    assert np.isnan(three.weighed(np.ones(8, dtype=np.intp))[2]).all()
