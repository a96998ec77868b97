"""A study of pictures: both learners by name, equal steps, answers that are kept and shared, classes topped up by name."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthproof.balance.amounts import dose_amounts
from synthproof.balance.learner import Perceptron
from synthproof.balance.study import study
from synthproof.balance.task import TableTask
from synthproof.core.errors import UsageError
from synthproof.core.words import Words
from synthproof.data.table.io import read_table
from synthproof.testing.worlds import patients


def people() -> TableTask:
    return TableTask(read_table(patients().draw(500, 1).frame), "disease", generator="table.marginals", seed=1)


@dataclass(frozen=True)
class Counting:
    """A perceptron that notes what it was asked for."""

    asked: list[tuple[int, int]] = field(default_factory=list)
    steps: int = 10
    name: str = "counting"
    continues: bool = True

    def train(self, x: Any, y: Any, n_classes: int, *, steps: int, seed: int, **more: Any) -> Any:
        self.asked.append((len(y), steps))
        return Perceptron(hidden=4).train(x, y, n_classes, steps=steps, seed=seed, **more)


def test_kept_answers_are_not_learned_again_and_change_nothing() -> None:
    first, again, fresh = Counting(), Counting(), Counting()
    answers: dict[str, Any] = {}
    common: dict[str, Any] = {"doses": (1.0,), "repeats": 20, "seed": 1}
    one = study(people(), learner=first, answers=answers, **common)
    kept = len(answers)
    assert kept == 5 * len(one.arms)
    for key in [k for k in answers if k.startswith("3/") and "synthetic" in k]:
        del answers[key]
    two = study(people(), learner=again, answers=answers, **common)
    assert len(answers) == kept
    assert len(again.asked) == 1  # one synthetic arm of one seed
    assert two.against_real == one.against_real == study(people(), learner=fresh, **common).against_real


def test_every_arm_has_the_same_steps_and_a_moved_decision_learns_nothing() -> None:
    learner = Counting()
    found = study(people(), learner=learner, doses=(1.0,), repeats=20, seed=1)
    steps = [s for _, s in learner.asked]
    learned = [a.kind for a in found.arms if a.kind not in ("threshold", "pretrain", "longer")]
    # pre-training is two halves, the check has twice the steps, a moved decision none
    assert sorted(steps) == sorted(5 * ([10] * len(learned) + [5, 5] + [20]))
    moved, real = found.measured["threshold"], found.measured["real"]
    assert (moved.by_seed["recall"] != real.by_seed["recall"]).any()


def test_classes_are_topped_up_by_name() -> None:
    counts = np.array([100, 40, 50])
    assert dose_amounts(counts, 0.5).tolist() == [0, 20, 0]
    assert dose_amounts(counts, 0.5, np.array([False, True, True])).tolist() == [0, 20, 25]
    task, learner = people(), Counting()
    names = [
        n for n, c in zip(task.names, np.bincount(task.train.y), strict=True) if c < np.bincount(task.train.y).max()
    ]
    leave = {k: Words(en="not asked", ko="요청하지 않음") for k in ("smote", "synthetic", "pretrain")}
    found = study(task, learner=learner, doses=(1.0,), repeats=20, seed=1, rare=names, leave=leave)
    assert [n for n, r in zip(found.names, found.rare, strict=True) if r] == names
    assert {"smote", "synthetic", "pretrain"} <= set(found.left_out)
    more = sum(c for n, c in zip(found.names, found.train, strict=True) if n in names)
    assert (len(task.train.y) + more, 10) in learner.asked
    for bad in (["nobody"], [], list(task.names)):
        with pytest.raises(UsageError, match="params/out-of-range"):
            study(task, rare=bad)


def test_both_picture_learners_stand_behind_one_protocol() -> None:
    pytest.importorskip("torch")
    from synthproof.balance.image_learner import PICTURE_LEARNERS

    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 80).astype(np.intp)
    x = 0.2 * rng.standard_normal((80, 1, 16, 16), dtype=np.float32)
    x[y == 1, :, :, 8:] += 1
    assert list(PICTURE_LEARNERS) == ["small", "efficientnet"]
    for name, kind in PICTURE_LEARNERS.items():
        few: Any = kind(steps=30) if name == "small" else kind(steps=30, width=0.25, depth=0.5, batch=16)
        first = few.train(x, y, 2, steps=30, seed=1)
        p = first.probabilities(x)
        assert (p.argmax(axis=1) == y).mean() > 0.9, name
        assert (few.train(x, y, 2, steps=30, seed=1).probabilities(x) == p).all(), name
        on = few.train(x, y, 2, steps=2, seed=2, start=first, weight=np.ones(80)).probabilities(x)
        assert on.shape == (80, 2)
        assert few.continues
        assert few.name


def test_answers_on_disk_are_shared_by_generators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[3] / "studies"))
    pytest.importorskip("torch")
    from kept import Answers, DrawnOnce, Pool

    one, other = Answers(tmp_path, ["a", {}]), Answers(tmp_path, ["b", {}])
    one["0/real"], one["0/synthetic@0.5"] = np.eye(2), np.ones((2, 2))
    assert (other["0/real"] == np.eye(2)).all()
    assert "0/synthetic@0.5" not in other
    with pytest.raises(KeyError):
        other["0/pretrain"]
    assert sorted(one) == ["0/real", "0/synthetic@0.5"]
    assert (len(one), len(other)) == (2, 1)

    drawn: list[list[int]] = []

    class Maker:
        def rows(self, amounts: Any, /, *, seed: int) -> Any:
            drawn.append(amounts.tolist())
            y = np.repeat(np.arange(2), amounts)
            return np.arange(len(y), dtype=np.float32), y

    pictures = DrawnOnce(Maker, tmp_path / "drawn", ["a", 1], np.array([0] * 10 + [1] * 4), 2.0)
    x, y = pictures.rows(np.array([0, 4]), seed=1)
    assert drawn == [[0, 8]]  # the largest dose at once
    assert (x.tolist(), y.tolist()) == ([0, 1, 2, 3], [1] * 4)
    assert pictures.rows(np.array([0, 8]), seed=1)[1].tolist() == [1] * 8
    assert len(drawn) == 1

    pool = Pool(np.arange(5), np.array([1, 0, 1, 1, 0]), ("a", "b"))
    assert pool.counts == [2, 3]
    assert pool.rows(np.array([0, 2]), seed=1)[0].tolist() == [0, 2]
    assert pool.rows(np.array([9, 9]), seed=1)[0].tolist() == [1, 4, 0, 2, 3]
    with pytest.raises(SystemExit):
        pool.rows(np.array([0, 9]), seed=1)
    sys.modules.pop("kept", None)
