"""The study: equal steps, paired intervals, sentences that claim nothing an interval does not carry, images plugged in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthproof.balance.differences import Measured, differences, interval
from synthproof.balance.learner import Perceptron, Trees
from synthproof.balance.page import render_study
from synthproof.balance.picture import dose_curve, write_pictures
from synthproof.balance.record import record_of, told_again, write_record
from synthproof.balance.scores import SCORES
from synthproof.balance.sentences import sentences
from synthproof.balance.study import Study, study
from synthproof.balance.task import Part, TableTask
from synthproof.core.errors import DataError, UsageError
from synthproof.core.words import Words
from synthproof.data.table.io import read_table
from synthproof.testing.worlds import patients


def test_every_arm_is_there_and_every_class_is_scored(small_study: Study) -> None:
    kinds = [a.id for a in small_study.arms]
    assert kinds[:3] == ["real", "weights", "threshold"]
    assert {"duplicates@0.5", "smote@1", "synthetic@0.5", "synthetic@1", "pretrain", "longer"} <= set(kinds)
    assert set(small_study.left_out) == {"augmentation"}
    for measured in small_study.measured.values():
        for score in SCORES:
            assert measured.by_seed[score].shape == (5, 3)
            assert measured.by_draw[score].shape == (40, 3)
    assert sum(small_study.train) + sum(small_study.test) == 500
    # moving the decision leaves the ranking of the commonest scores alone and changes who is called what
    assert {d.arm for d in small_study.against_real} == set(kinds) - {"real"}
    assert {d.against for d in small_study.against_copies} == {"duplicates@0.5", "duplicates@1"}


def test_the_record_is_json_and_names_everything_needed(small_study: Study, tmp_path: Path) -> None:
    record = record_of(small_study, {"python": "3"})
    back = json.loads(write_record(record, tmp_path / "study.json").read_text("utf-8"))
    assert told_again(back) == back["sentences"]
    assert back["facts"]["seeds"] == 5
    assert back["facts"]["learner"] == "perceptron"
    assert back["facts"]["steps"] == 60
    for entry in back["against_real"]:
        assert entry["sure_low"] <= entry["low"] <= entry["estimate"] <= entry["high"] <= entry["sure_high"]
    assert [len(v["seeds"]) for v in back["scores"]["real"]["auroc"]] == [5, 5, 5]


def test_the_page_is_self_contained_in_two_languages() -> None:
    found = replace(_made_up(1, 0.1), names=("<b>x</b>", "yes"))
    html = render_study(record_of(found, {}), lang="ko")
    assert "불균형 완화가 도움이 됩니까?" in html
    assert "Does relieving the imbalance help?" in html
    assert not re.search(r"(src|href)=\"(?!data:|#)", html)
    assert "<script" not in html
    assert "<b>x</b>" not in html


def test_pictures_are_the_same_bytes_again(tmp_path: Path) -> None:
    record = record_of(_made_up(1, 0.1), {})
    assert dose_curve(record, "ko", "svg") == dose_curve(record, "ko", "svg")
    names = {p.name for p in write_pictures(record, tmp_path)}
    assert names == {"dose.ko.png", "dose.ko.svg", "dose.en.png", "dose.en.svg"}


@given(st.integers(0, 10**6), st.floats(0, 0.2))
@settings(deadline=None, max_examples=20)
def test_no_sentence_claims_what_its_interval_does_not_carry(seed: int, shift: float) -> None:
    made = _made_up(seed, shift)
    said = sentences(made)
    for words in said:
        change = re.search(r"(rises|falls) under .* by ([+-][\d.]+) \(([+-][\d.]+) to ([+-][\d.]+)\)", words.en)
        if change:
            low, high = float(change.group(3)), float(change.group(4))
            assert (low >= 0) if change.group(1) == "rises" else (high <= 0)
        assert any("가" <= sign <= "힣" for sign in words.ko)
    ranked = [d for d in made.against_real if d.score != "recall" and d.arm != "longer"]
    none = any("No arm is shown to raise the AUROC" in w.en for w in said)
    assert none == (not any(d.claim > 0 and (made.rare[d.position] or d.score == "auprc") for d in ranked))


def _made_up(seed: int, shift: float) -> Study:
    """Return a study of two classes with scores drawn at random; one arm is better by `shift`."""
    from synthproof.balance.plan import arms_of

    rng = np.random.default_rng(seed)
    arms = [a for a in arms_of((1.0,)) if a.kind != "augmentation"]

    def scores(by: float) -> Measured:
        return Measured(
            {s: 0.7 + by + 0.01 * rng.normal(size=(5, 2)) for s in SCORES},
            {s: 0.7 + by + 0.01 * rng.normal(size=(30, 2)) for s in SCORES},
        )

    measured = {a.id: scores(shift if a.kind == "synthetic" else 0.0) for a in arms}
    return Study(
        names=("no", "yes"),
        train=(900, 100),
        test=(300, 30),
        rare=(False, True),
        arms=tuple(arms),
        left_out={},
        measured=measured,
        against_real=tuple(differences(measured, [(a.id, "real") for a in arms if a.id != "real"])),
        against_copies=tuple(differences(measured, [("synthetic@1", "duplicates@1"), ("smote@1", "duplicates@1")])),
        facts={"seeds": 5, "doses": [1.0], "source": "made up", "target": "y"},
        seconds={},
    )


def test_interval_covers_at_its_level() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(600):
        units = rng.normal(0, 0.03)  # the test units are common to all seeds
        seeds = units + rng.normal(0, 0.02, 5)
        draws = seeds.mean() + rng.normal(0, 0.03, 200)
        low, high = interval(seeds, draws, 0.95)
        hits += low <= 0 <= high
    assert 0.93 <= hits / 600 <= 0.98


def test_equal_arms_differ_by_nothing() -> None:
    rng = np.random.default_rng(0)
    same = Measured({s: rng.random((5, 2)) for s in SCORES}, {s: rng.random((30, 2)) for s in SCORES})
    for d in differences({"a": same, "b": same}, [("a", "b")]):
        assert (d.estimate, d.low, d.high, d.claim) == (0, 0, 0, 0)


def test_the_test_part_is_real_and_shares_no_unit_with_train() -> None:
    frame = patients().draw(400, 1).frame
    visits = pd.concat([frame, frame.assign(age=frame["age"] + 1)], ignore_index=True)
    visits.insert(0, "person", [f"P{i % 400:05d}" for i in range(800)])
    table = read_table(visits)
    table = table.with_schema(table.schema.add_roles("unit", ["person"]))
    task = TableTask(table, "disease", seed=3, generator="table.marginals")
    assert len(task.train.y) + len(task.test.y) == 800
    assert task.facts["train_units"] + task.facts["test_units"] == 400
    before = task.test.x.copy()
    task.maker("smote", seed=1).rows(np.array([0, 0, 20]), seed=1)
    x, y = task.maker("synthetic", seed=1).rows(np.array([3, 0, 20]), seed=1)
    assert x.shape == (23, task.train.x.shape[1])
    assert y.tolist() == [0] * 3 + [2] * 20
    assert (task.test.x == before).all()


def test_too_little_is_refused() -> None:
    table = read_table(patients().draw(400, 1).frame)
    with pytest.raises(UsageError, match="balance/too-few-seeds"):
        study(TableTask(table, "disease"), seeds=4)
    rare = table.frame.copy()
    rare.loc[rare.index[25:], "disease"] = "none"
    with pytest.raises(DataError, match="balance/study-too-small"):
        TableTask(read_table(rare.astype({"disease": str})), "disease")


@dataclass
class Flipped:
    """Classical augmentation of little pictures."""

    train: Part

    def rows(self, amounts: np.ndarray, /, *, seed: int) -> tuple[Any, np.ndarray]:
        at = np.concatenate([np.resize(np.flatnonzero(self.train.y == c), n) for c, n in enumerate(amounts)])
        return self.train.x[at][:, :, ::-1], self.train.y[at]


class Pictures:
    """A task of another modality: what an image folder has to give."""

    names = ("round", "flat")
    facts = {"modality": "image", "source": "pictures", "target": "shape"}  # noqa: RUF012

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        y = (rng.random(500) < 0.2).astype(np.intp)
        x = rng.random((500, 6, 6)) + y[:, None, None] * np.eye(6)
        self.train = Part(x[:300], y[:300], np.arange(300))
        self.test = Part(x[300:], y[300:], np.arange(200))

    def kinds(self) -> dict[str, Words | None]:
        no = Words(en="pixels are not interpolated", ko="화소는 보간하지 않습니다")
        return {"augmentation": None, "smote": no, "synthetic": no}

    def maker(self, kind: str, /, *, seed: int, run: Any = None) -> Flipped:
        assert kind == "augmentation"
        return Flipped(self.train)


@dataclass(frozen=True)
class PictureLearner:
    """A classifier of pictures behind the same protocol."""

    steps: int = 40
    name: str = "pictures"
    continues: bool = False

    def train(
        self, x: Any, y: Any, n_classes: int, *, steps: int, seed: int, weight: Any = None, start: Any = None
    ) -> Any:
        inner = Perceptron(hidden=8).train(_flat(x), y, n_classes, steps=steps, seed=seed, weight=weight)
        return _Answers(inner)


@dataclass(frozen=True)
class _Answers:
    inner: Any

    def probabilities(self, x: Any, /) -> Any:
        return self.inner.probabilities(_flat(x))


def _flat(x: Any) -> Any:
    return x.reshape(len(x), -1).astype(np.float32)


def test_images_plug_in() -> None:
    found = study(Pictures(), learner=PictureLearner(), repeats=30, doses=(1.0,), seed=1)
    assert [a.id for a in found.arms] == ["real", "weights", "threshold", "duplicates@1", "augmentation@1", "longer"]
    assert set(found.left_out) == {"smote", "synthetic", "pretrain"}
    assert sentences(found)


def test_trees_leave_pretraining_out() -> None:
    table = read_table(patients().draw(300, 1).frame)
    task = TableTask(table, "disease", generator="table.marginals", seed=1)
    found = study(task, learner=Trees(steps=5), repeats=20, doses=(1.0,), seed=1)
    assert "pretrain" in found.left_out
    assert "pretrain" not in found.measured


def test_a_study_that_was_stopped_goes_on_after_its_last_whole_seed(tmp_path: Path) -> None:
    table = read_table(patients().draw(300, 1).frame)
    asked = {"learner": Perceptron(steps=5, hidden=4), "repeats": 10, "doses": (1.0,), "seed": 1, "kept": tmp_path}
    whole = study(TableTask(table, "disease", generator="table.marginals", seed=1), **asked)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())  # the record holds it now

    class Stopping(TableTask):
        asked: int = 0

        def maker(self, kind: str, /, *, seed: int, run: Any = None) -> Any:
            self.asked += 1
            if self.asked > 4:
                raise KeyboardInterrupt
            return super().maker(kind, seed=seed, run=run)

    with pytest.raises(KeyboardInterrupt):
        study(Stopping(table, "disease", generator="table.marginals", seed=1), **asked)  # type: ignore[arg-type]
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == 2  # two makers a seed
    kept[1].write_bytes(b"damaged")
    resumed = study(TableTask(table, "disease", generator="table.marginals", seed=1), **asked)  # type: ignore[arg-type]
    assert resumed.against_real == whole.against_real
    assert not list(tmp_path.iterdir())
