"""Pictures with several labels: each label is judged by itself, fresh ones pass and shuffled labels fail."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.registry import metrics
from synthproof.core.schema import Purpose
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import How, read_images
from synthproof.data.image.write import write_images
from synthproof.metrics.image.reading import auc, labels_of
from synthproof.testing.pictures import digits

LABELS = ("even", "large", "loop")


def labelled(start: int, stop: int, *, shuffled: bool = False, unknown: bool = False) -> ImageSet:
    """Digits that may be even, large, and drawn with a loop, all at once."""
    pixels, codes = digits()
    x, y = pixels[start:stop], np.asarray(codes[start:stop]).astype(int)
    if shuffled:
        y = y[np.random.default_rng(0).permutation(len(y))]
    frame = pd.DataFrame({"even": y % 2 == 0, "large": y > 4, "loop": np.isin(y, (0, 6, 8, 9))}).astype("boolean")
    if unknown:
        frame.loc[::3, "loop"] = pd.NA
    frame["person"] = [f"p{i // 2}" for i in range(len(frame))]
    return read_images({"images": x, "labels": frame}, How(targets=LABELS, person="person"))


@cache
def case_of(what: str) -> Case[ImageSet]:
    drawn = labelled(1_200, 1_600, shuffled=what == "shuffled")
    train = labelled(0, 600, unknown=what == "unknown")
    return Case(train=train, holdout=labelled(600, 1_200), synthetic=drawn, purpose=Purpose())


@cache
def measured(name: str, what: str) -> dict[str, Evidence]:
    given: dict[str, Any] = {"steps": 150, "repeats": 1} if name == "image.prediction" else {}
    return {e.subject: e for e in metrics.make(name, **given).measure(replace(case_of(what), cache={}), seed=1)}


@pytest.mark.parametrize("name", ["image.class_agreement", "image.prediction"])
@pytest.mark.parametrize("what", ["fresh", "unknown"])
def test_each_label_has_its_number_and_fresh_pictures_pass(name: str, what: str) -> None:
    found = measured(name, what)
    assert {f"label {n}" for n in LABELS} < set(found)
    assert not any(s.startswith("class ") for s in found)
    for e in found.values():
        assert e.estimate is not None
        assert e.interval is not None
        assert e.interval[0] <= e.estimate <= e.interval[1]
    whole = found["all"]
    assert whole.estimate is not None
    assert whole.reference is not None
    assert abs(whole.estimate - whole.reference) < 0.06


def test_labels_that_do_not_fit_their_pictures_are_seen() -> None:
    agreement, gap = (measured(n, "shuffled")["all"] for n in ("image.class_agreement", "image.prediction"))
    assert agreement.estimate is not None
    assert agreement.reference is not None
    assert agreement.interval is not None
    assert agreement.interval[1] < 0.65 < 0.9 < agreement.reference
    assert gap.estimate is not None
    assert gap.interval is not None
    assert gap.interval[0] > 0.2


def test_accuracy_is_that_of_each_yes_and_no() -> None:
    accuracy = measured("image.prediction", "fresh")["accuracy"]
    assert accuracy.detail["guessing"] == pytest.approx(0.53, abs=0.06)
    assert accuracy.detail["tstr"] > 0.8


def test_an_unknown_label_is_neither_yes_nor_no() -> None:
    labels = labels_of(case_of("unknown"))
    assert labels is not None
    assert np.isnan(labels["train"][::3, 2]).all()
    assert np.isfinite(labels["train"][:, :2]).all()
    assert auc(np.array([0.1, 0.9, 0.5]), np.array([0.0, 1.0, np.nan])) == 1.0
    assert np.isnan(auc(np.array([0.1, 0.9]), np.array([1.0, np.nan])))


def test_two_labels_of_several_levels_are_combined_by_name(tmp_path: Path) -> None:
    pixels, codes = digits()
    y = np.asarray(codes[:60]).astype(int)
    frame = pd.DataFrame({"view": np.where(y > 4, "side", "front"), "grade": [f"g{c % 2}" for c in y]})
    found = read_images({"images": pixels[:60], "labels": frame}, How(targets=("view", "grade")))
    assert found.several == ()
    at, names = found.classes()
    assert set(names) == {
        "view=side + grade=g0",
        "view=side + grade=g1",
        "view=front + grade=g0",
        "view=front + grade=g1",
    }
    assert [names[i] for i in at[:20]] == [f"view={v} + grade={g}" for v, g in frame.itertuples(index=False)][:20]
    (path,) = write_images(found, tmp_path / "out.npz")
    with np.load(path, allow_pickle=False) as archive:
        assert archive["grade"].tolist() == frame["grade"].tolist()
