"""Document 003 on open pictures: are rare classes of chest X-rays relieved by synthetic ones? With every control beside it.

    python studies/pneumonia.py                  # what studies/results lacks of the small plans, two at a time
    python studies/pneumonia.py --full           # more steps, every arm for the large network, flow learned per seed
    python studies/pneumonia.py --only xrays-relief-pggan --again

Two sets: PneumoniaMNIST (28 px, CC BY 4.0) with its normal pictures thinned to 1 : 9 and its own test part; and the
paediatric chest X-rays of Kermany et al. 2018 (doi:10.1016/j.cell.2018.02.010; 96 px, three classes, a fifth of the patients
held out), whose two classes half as large as the third are topped up. Two learners: the small network of the studies and
EfficientNet-B1 for small pictures. The paper topped up six of fourteen findings by PGGAN and reported mean AUROC
0.785 → 0.841 from one run; its table gains more in the findings that were *not* topped up (+0.071) than in those that
were (+0.038), so it cannot tell what helped. Here every arm has the same optimiser steps.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kept import Answers, DrawnOnce, Pool
from relief import means_of
from scoring import HERE, RESULTS, SEED, drawn_from, machine, pneumonia, xrays
from synthproof.balance.image_learner import EfficientNet
from synthproof.balance.image_task import ImageTask, PictureNet
from synthproof.balance.learner import Learner
from synthproof.balance.page import write_page
from synthproof.balance.picture import write_pictures
from synthproof.balance.plan import DOSES
from synthproof.balance.record import record_of, write_record
from synthproof.balance.study import study
from synthproof.core.run import Run
from synthproof.core.words import Words
from xrays import drawn

RATIO = 9
RUNS = HERE / "runs"
COSTS = Words(en="left out for its cost on a CPU", ko="CPU 비용 때문에 제외")
FEW: Mapping[str, Words] = {"pretrain": COSTS, "longer": COSTS}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One study: a set, a generator, a learner.

    Parameters
    ----------
    params
        Of the generator. With the X-rays one model serves all seeds (its 3,000 pictures are also those of
        ``xrays-*.json``); on PneumoniaMNIST it is learned anew for every seed.
    steps, doses, leave
        Of the study.
    side
        Pixels of the X-rays that the generator learns and draws; the learners look at 48 (means of 2 x 2 of 96).
    width
        Of the large network: 1 is B1; half of it learns in half the time, and a study's steps are few.
    rare
        Classes to be topped up; absent: those below the median class.
    """

    data: str
    generator: str
    params: Mapping[str, Any]
    learner: str = "small"
    steps: int = 400
    doses: tuple[float, ...] = DOSES
    rare: tuple[str, ...] | None = None
    leave: Mapping[str, Words] = field(default_factory=dict)
    width: float = 1.0
    side: int = 96

    @property
    def taught(self) -> Learner:
        """What is trained."""
        if self.learner == "small":
            return PictureNet(steps=self.steps)
        narrow = "" if self.width == 1 else f", {self.width:g} times as wide"
        return EfficientNet(steps=self.steps, rate=RATE, width=self.width, name=f"{EfficientNet.name}{narrow}")

    @property
    def name(self) -> str:
        """Folder of the result."""
        first = f"pneumonia-1-{RATIO}" if self.data == "pneumonia" else "xrays-relief"
        last = "" if self.learner == "small" else f"-{self.learner}"
        return f"{first}-{self.generator.partition('.')[2]}{last}"


RATE = 4e-3
HALF = ("normal", "virus")
SMALL = (
    Plan(data="pneumonia", generator="image.pggan", params={"images": 24_000}),
    Plan(data="xrays", generator="image.pggan", params={"images": 24_000}, side=48, rare=HALF, doses=(0.25, 0.5), steps=300),
    Plan(data="xrays", generator="image.flow", params={"minutes": 15.0}, rare=HALF, doses=(0.25, 0.5), steps=300),
    Plan(
        data="pneumonia", generator="image.pggan", params={"images": 24_000}, learner="efficientnet", steps=120,
        doses=(1.0,), leave=FEW, width=0.5,
    ),
    Plan(
        data="xrays", generator="image.pggan", params={"images": 24_000}, side=48, learner="efficientnet", steps=120,
        rare=HALF, doses=(0.5,), leave=FEW, width=0.5,
    ),
    Plan(
        data="xrays", generator="image.flow", params={"minutes": 15.0}, learner="efficientnet", steps=120,
        rare=HALF, doses=(0.5,), leave=FEW, width=0.5,
    ),
)  # fmt: skip
FULL = (
    Plan(data="pneumonia", generator="image.flow", params={"images": 24_000}),
    Plan(data="pneumonia", generator="image.flow", params={"images": 24_000}, learner="efficientnet"),
)


class KeptTask(ImageTask):
    """PneumoniaMNIST; what a seed's generator drew lies on disk, so that another learner sees the same pictures."""

    def maker(self, kind: str, /, *, seed: int, run: Run | None = None) -> Any:
        """Return what draws pictures of a kind, learned from the real training pictures alone."""
        learned = super().maker
        if kind != "synthetic":
            return learned(kind, seed=seed, run=run)
        of = [self._generator, self._params, seed]
        return DrawnOnce(lambda: learned(kind, seed=seed, run=run), RUNS / "drawn", of, self.train.y, max(DOSES))


class PoolTask(ImageTask):
    """The X-rays; synthetic pictures come from the 3,000 that one model drew for all seeds."""

    pool: Pool

    def maker(self, kind: str, /, *, seed: int, run: Run | None = None) -> Any:
        """Return what draws pictures of a kind."""
        return self.pool if kind == "synthetic" else super().maker(kind, seed=seed, run=run)


def task_of(plan: Plan, flow: list[Path]) -> ImageTask:
    """Return the data of a plan; a generator of X-rays learns here what has not been drawn yet."""
    if plan.data == "pneumonia":
        return KeptTask(pneumonia(RATIO), generator=plan.generator, params=plan.params, seed=SEED)
    parts = xrays()
    given = flow if plan.generator == "image.flow" else []
    taught = parts.train if plan.side == 96 else xrays(plan.side).train
    files = given or [drawn(plan.generator, taught, dict(plan.params))]
    params: dict[str, Any] = {"drawn elsewhere": True} if given else dict(plan.params)
    task = PoolTask(parts, generator=plan.generator, params=params, seed=SEED)
    task.pool = Pool.of(drawn_from(files, parts.train if given else taught), task.names)
    more = {"generators": "one for all seeds", "pool": task.pool.counts, "drawn_at": 96 if given else plan.side}
    task.facts = {**task.facts, **more}
    return task


def learn(plan: Plan, flow: list[Path]) -> None:
    """Run a plan and keep its record, page and pictures."""
    task, wide = task_of(plan, flow), "" if plan.width == 1 else f"-{plan.width:g}"
    place = RUNS / "answers" / f"{plan.data}-{plan.learner}{wide}-{plan.steps}"
    answers = Answers(place, [plan.generator, task.facts["generator_params"]])
    found = study(
        task, learner=plan.taught, doses=plan.doses, seed=SEED, rare=plan.rare, leave=plan.leave,
        answers=answers, run=Run(print_seldom()),
    )  # fmt: skip
    record = {**record_of(found, machine()), "means": means_of(found)}
    kept, shown = RESULTS / plan.name, RUNS / plan.name
    kept.mkdir(parents=True, exist_ok=True)
    shown.mkdir(parents=True, exist_ok=True)
    write_record(record, kept / "study.json")
    write_page(record, shown / "study.html", lang="en")
    for path in write_pictures(record, shown):
        if path.suffix == ".png":
            shutil.copy(path, kept / path.name)
    for words in record["sentences"]:
        print(plan.name, "·", words["en"], flush=True)


def main() -> None:
    """Run what is missing, two plans at a time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", help="name of one plan")
    parser.add_argument("--again", action="store_true", help="also what is kept")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--flow", nargs="*", type=Path, default=[], help="X-rays that image.flow drew elsewhere")
    given = parser.parse_args()
    plans = {p.name: p for p in (*SMALL, *FULL)}
    if given.only:
        learn(plans[given.only], given.flow)
        return
    asked = [p.name for p in (*SMALL, *(FULL if given.full else ()))]
    waiting = [n for n in asked if given.again or not (RESULTS / n / "study.json").is_file()]
    at_work: list[subprocess.Popen[bytes]] = []
    extra = ["--flow", *map(str, given.flow)] if given.flow else []
    while waiting or at_work:
        at_work = [p for p in at_work if p.poll() is None]
        if waiting and len(at_work) < given.jobs:
            at_work.append(subprocess.Popen([sys.executable, __file__, "--only", waiting.pop(0), *extra]))  # noqa: S603
        time.sleep(0.5)


def print_seldom() -> Any:
    """Return a listener that prints a line every half minute."""
    shown = [0.0]

    def on_event(event: object) -> None:
        if time.time() - shown[0] > 30:
            shown[0] = time.time()
            print(event, flush=True)

    return on_event


if __name__ == "__main__":
    main()
