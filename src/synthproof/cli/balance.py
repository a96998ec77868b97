"""`synthproof balance`: rare classes relieved in a training file, or the study that says whether that helps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from synthproof.cli.language import language
from synthproof.cli.main import app
from synthproof.cli.progress import drawn_run
from synthproof.cli.screens import screen, show_notices
from synthproof.core.errors import UsageError
from synthproof.core.files import refuse_replacing, refuse_taken
from synthproof.core.words import Lang

if TYPE_CHECKING:
    from synthproof.balance.study import Study


_SOURCE = typer.Argument(
    help="CSV, TSV, Parquet, Excel, JSON lines, s3://…, a database URL; a folder or zip of images, or .npz. / "
    "표 파일, s3://…, 데이터베이스 주소, 이미지 폴더·zip·.npz."
)
_TARGET = typer.Option(
    "--target", help="Column of the classes; of pictures also several, A,B. / 범주 열(이미지는 여러 개 가능)."
)
_STRATEGY = typer.Option(
    "--strategy",
    help="duplicates, smote, borderline, adasyn, augmentation (images), synthetic or a generator's name, down, weights. / 방법.",
)
_OUT = typer.Option(
    "--out", "-o", help="File to write; for pictures and with --study a folder. / 결과 파일, 이미지와 --study는 폴더."
)
_RATIO = typer.Option("--ratio", help="auto, equal, a share in (0, 1], or A=500,B=0.5. / 비율.")
_GENERATOR = typer.Option(
    "--generator", help="Generator of synthetic rows; auto: table.autoregressive or image.flow. / 합성 행의 생성기."
)
_PARAMS = typer.Option("--params", help="Parameters of the generator, e.g. minutes=2,width=32. / 생성기 매개변수.")
_HOLDOUT = typer.Option(
    "--holdout", help="Share of real units kept apart to test on (study: 0.4). / 시험용 홀드아웃 비율."
)
_STUDY = typer.Option("--study", help="Measure what helps, class by class. / 효과 연구.")
_LEARNER = typer.Option(
    "--learner",
    help="Learner of the study: perceptron or trees (tables), small or efficientnet (pictures). / 연구의 학습기.",
)
_SEEDS = typer.Option("--seeds", help="Repeats of the study, 5 at least. / 반복 횟수(5 이상).")
_STEPS = typer.Option("--steps", help="Optimiser steps of every arm. / 최적화 단계 수.")
_SMALL = typer.Option("--small", help="Classes under 30 rows: refuse, flag or skip. / 30행 미만 범주의 처리.")
_CAP_CLASS = typer.Option("--cap-class", help="Most made rows per real row of a class. / 범주별 생성 행 상한(배).")
_CAP_TOTAL = typer.Option("--cap-total", help="Most made rows per real row in all. / 전체 생성 행 상한(배).")


@app.command()
def balance(
    source: Annotated[str, _SOURCE],
    target: Annotated[str, _TARGET],
    strategy: Annotated[str, _STRATEGY] = "duplicates",
    out: Annotated[Path | None, _OUT] = None,
    ratio: Annotated[str, _RATIO] = "auto",
    generator: Annotated[str, _GENERATOR] = "auto",
    params: Annotated[str, _PARAMS] = "",
    holdout: Annotated[float | None, _HOLDOUT] = None,
    study: Annotated[bool, _STUDY] = False,
    learner: Annotated[str, _LEARNER] = "auto",
    seeds: Annotated[int, _SEEDS] = 5,
    steps: Annotated[int | None, _STEPS] = None,
    small: Annotated[str, _SMALL] = "refuse",
    cap_class: Annotated[float, _CAP_CLASS] = 2.0,
    cap_total: Annotated[float, _CAP_TOTAL] = 1.0,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed. / 시드.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there. / 덮어쓰기.")] = False,
    lang: Annotated[str, typer.Option("--lang", help="ko | en")] = "",
) -> None:
    """Relieve class imbalance in a training file or folder, every added row marked; with --study, measure whether it helps."""
    speak = language()
    if out is None:
        raise UsageError("usage/missing", where="synthproof balance", name="--out")
    from synthproof.core.random import fresh_seed

    asked = _Asked(
        source=source, target=target, strategy=strategy, out=out, ratio=ratio, generator=generator,
        params=_params(params), holdout=holdout,
        learner=learner, seeds=seeds, steps=steps, small=small, cap_class=cap_class, cap_total=cap_total,
        seed=fresh_seed() if seed is None else seed, force=force, lang=speak,
    )  # fmt: skip
    if study:
        _study(asked)
    else:
        _balance(asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was asked for, as the options say it."""

    source: str
    target: str
    strategy: str
    out: Path
    ratio: str
    generator: str
    params: dict[str, Any]
    holdout: float | None
    learner: str
    seeds: int
    steps: int | None
    small: str
    cap_class: float
    cap_total: float
    seed: int
    force: bool
    lang: Lang

    @property
    def pictures(self) -> bool:
        """Whether the source holds pictures."""
        from synthproof.data.image.io import is_image_source

        return is_image_source(self.source)


def _balance(asked: _Asked) -> None:
    from synthproof.balance.balancer import Balancer
    from synthproof.balance.receipt import HOLDS_REAL, SPLIT_FIRST, places_of
    from synthproof.balance.wording import for_modality
    from synthproof.data.balanced import ORIGINS, refuse_balanced
    from synthproof.data.split import split
    from synthproof.pipeline.face import read

    out, pictures = asked.out, asked.pictures
    apart = out.with_name(f"{out.stem}.test{out.suffix}")
    both = [out] if asked.holdout is None else [out, apart]
    for place in both:
        if pictures:
            refuse_taken(place, ORIGINS)
        if not asked.force:
            refuse_replacing(place / ORIGINS if pictures else place)
    balancer = Balancer(
        asked.strategy,
        target=asked.target,
        ratio=_ratio(asked.ratio),
        generator=asked.generator,
        params=asked.params,
        small=asked.small,
        cap_class=asked.cap_class,
        cap_total=asked.cap_total,
        random_state=asked.seed,
    )
    data = read(asked.source, target=asked.target)
    # before the split too: a part to test on holds real rows alone
    refuse_balanced(data)
    if not pictures and not asked.force:
        for path in [p for place in both for p in places_of(data, place)]:
            refuse_replacing(path)
    told = [HOLDS_REAL]
    if asked.holdout is None:
        told.append(SPLIT_FIRST)
    with drawn_run(screen(stderr=True), asked.lang) as job:
        if asked.holdout is not None:
            parts = split(data, holdout=asked.holdout, seed=asked.seed)
            data = parts.train
        done = balancer.balance(data, run=job)
        # the part to test on comes last: where the other cannot be written, nothing is left behind
        written = list(done.write(out))
        if asked.holdout is not None:
            written += _apart(parts.holdout, apart)
    own = [for_modality(w, "image" if pictures else "table") for w in told]
    show_notices(screen(), [w.say(asked.lang) for w in (*done.notices, *own)], asked.lang)
    for path in written:
        screen().print(str(path), highlight=False, markup=False)


def _apart(data: Any, target: Path) -> list[Path]:
    """Write the real test part as it is."""
    import numpy as np

    from synthproof.balance.image_files import write_pictures
    from synthproof.data.image.dataset import ImageSet
    from synthproof.data.table.io import write_table

    if isinstance(data, ImageSet):
        return [write_pictures(data, target, origin=np.array(["real"] * data.n_rows))]
    return list(write_table(data, target))


def _study(asked: _Asked) -> None:
    from synthproof.balance.study import study
    from synthproof.pipeline.face import read

    learners = _learners(pictures=asked.pictures)
    name = next(iter(learners)) if asked.learner == "auto" else asked.learner
    if name not in learners:
        known = ", ".join(learners)
        facts: dict[str, Any] = {"owner": "study", "name": "learner", "value": asked.learner, "allowed": known}
        raise UsageError("params/out-of-range", where="--learner", **facts)
    if asked.steps is not None and asked.steps < 1:
        facts = {"owner": "study", "name": "steps", "value": asked.steps, "allowed": "1 or more"}
        raise UsageError("params/out-of-range", where="--steps", **facts)
    if not asked.force:
        refuse_replacing(asked.out / "study.json")
    learner = learners[name]() if asked.steps is None else learners[name](steps=asked.steps)
    with drawn_run(screen(stderr=True), asked.lang) as job:
        task = _task(read(asked.source, target=asked.target), asked)
        found = study(task, learner=learner, seeds=asked.seeds, seed=asked.seed, kept=asked.out, run=job)
    _tell(found, asked.out, asked.lang)


def _learners(*, pictures: bool) -> dict[str, Any]:
    """Return what a study may train, by name; the first is the default."""
    if pictures:
        from synthproof.balance.image_learner import PICTURE_LEARNERS

        return dict(PICTURE_LEARNERS)
    from synthproof.balance.learner import LEARNERS

    return dict(LEARNERS)


def _task(data: Any, asked: _Asked) -> Any:
    """Return what is studied: a table, pictures of one class each, or pictures of several labels."""
    from synthproof.balance.arms import DEFAULT_GENERATOR
    from synthproof.balance.image_maker import DEFAULT_PICTURES
    from synthproof.balance.image_task import ImageTask
    from synthproof.balance.labels_task import LabelsTask
    from synthproof.balance.task import TableTask

    default = DEFAULT_PICTURES if asked.pictures else DEFAULT_GENERATOR
    generator = default if asked.generator == "auto" else asked.generator
    holdout = 0.4 if asked.holdout is None else asked.holdout
    if not asked.pictures:
        return TableTask(data, asked.target, holdout=holdout, seed=asked.seed, generator=generator, params=asked.params)
    kind = LabelsTask if len(data.targets) > 1 else ImageTask
    return kind(data, holdout=holdout, seed=asked.seed, generator=generator, params=asked.params)


def _tell(found: Study, out: Path, lang: Lang) -> None:
    """Print a study's sentences and write its record, page and pictures."""
    from synthproof.balance.page import write_page
    from synthproof.balance.picture import write_pictures
    from synthproof.balance.record import record_of, write_record
    from synthproof.pipeline.environment import environment

    record = record_of(found, environment())
    console = screen()
    for words in record["sentences"]:
        console.print(Text(f"· {words[lang]}"), highlight=False, soft_wrap=True)
    for path in (
        write_record(record, out / "study.json"),
        write_page(record, out / "study.html", lang=lang),
        *write_pictures(record, out),
    ):
        console.print(str(path), highlight=False, markup=False)


def _ratio(text: str) -> Any:
    """Return a ratio as `Balancer` takes it: a word, a number, or ``A=500,B=0.5``."""
    if "=" in text:
        out: dict[str, int | float | str] = {}
        for part in text.split(","):
            label, _, amount = part.rpartition("=")
            out[label.strip()] = _number(amount.strip())
        return out
    found = _number(text)
    return float(found) if isinstance(found, int) else found


def _params(text: str) -> dict[str, Any]:
    """Return a generator's parameters from ``name=value,name=value``.

    Raises
    ------
    UsageError
        ``params/out-of-range`` for a part without ``=``.
    """
    out: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, equal, value = part.partition("=")
        if not equal or not name.strip():
            facts: dict[str, Any] = {"owner": "balance", "name": "params", "value": part, "allowed": "name=value,…"}
            raise UsageError("params/out-of-range", where="--params", **facts)
        words = {"true": True, "false": False, "none": None}
        stated = value.strip()
        out[name.strip()] = words[stated.lower()] if stated.lower() in words else _number(stated)
    return out


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
