"""`synthproof balance`: rare classes relieved in a training file, or the study that says whether that helps."""

from __future__ import annotations

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
    from collections.abc import Mapping

    from synthproof.balance.learner import Learner
    from synthproof.balance.study import Study


@app.command()
def balance(
    source: Annotated[
        str, typer.Argument(help="CSV, Parquet, Excel, JSON lines, a database URL, a folder of images or .npz.")
    ],
    target: Annotated[str, typer.Option("--target", help="Column of the classes. / 범주 열.")],
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy",
            help="duplicates, smote, borderline, adasyn, augmentation (images), synthetic or a generator's name, down, weights. / 방법.",
        ),
    ] = "duplicates",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write; with --study a folder. / 결과 파일, --study이면 폴더."),
    ] = None,
    ratio: Annotated[
        str, typer.Option("--ratio", help="auto, equal, a share in (0, 1], or A=500,B=0.5. / 비율.")
    ] = "auto",
    generator: Annotated[
        str, typer.Option("--generator", help="Generator of synthetic rows. / 합성 행의 생성기.")
    ] = "table.autoregressive",
    holdout: Annotated[
        float | None,
        typer.Option(
            "--holdout", help="Share of real units kept apart to test on (study: 0.4). / 시험용 홀드아웃 비율."
        ),
    ] = None,
    study: Annotated[bool, typer.Option("--study", help="Measure what helps, class by class. / 효과 연구.")] = False,
    learner: Annotated[
        str,
        typer.Option(
            "--learner",
            help="Learner of the study: perceptron or trees; for images small or efficientnet. / 연구의 학습기.",
        ),
    ] = "",
    seeds: Annotated[int, typer.Option("--seeds", help="Repeats of the study, 5 at least. / 반복 횟수(5 이상).")] = 5,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Optimiser steps of every arm. / 최적화 단계 수.")
    ] = None,
    small: Annotated[
        str, typer.Option("--small", help="Classes under 30 rows: refuse, flag or skip. / 30행 미만 범주의 처리.")
    ] = "refuse",
    cap_class: Annotated[
        float, typer.Option("--cap-class", help="Most made rows per real row of a class. / 범주별 생성 행 상한(배).")
    ] = 2.0,
    cap_total: Annotated[
        float, typer.Option("--cap-total", help="Most made rows per real row in all. / 전체 생성 행 상한(배).")
    ] = 1.0,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed. / 시드.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there. / 덮어쓰기.")] = False,
    lang: Annotated[str, typer.Option("--lang", help="ko | en")] = "",
) -> None:
    """Relieve class imbalance in a training file, every added row marked; with --study, measure whether it helps."""
    speak = language()
    if out is None:
        raise UsageError("usage/missing", where="synthproof balance", name="--out")
    from synthproof.data.image.io import is_image_source

    if is_image_source(source):
        _pictures(
            source, target, strategy, out, ratio, generator, holdout, small, (cap_class, cap_total), study,
            learner or "small", seeds, steps, seed, force, speak,
        )  # fmt: skip
    elif study:
        _study(source, target, out, generator, holdout, learner or "perceptron", seeds, steps, seed, force, speak)
    else:
        _balance(
            source, target, strategy, out, ratio, generator, holdout, small, (cap_class, cap_total), seed, force, speak
        )


def _balance(
    source: str,
    target: str,
    strategy: str,
    out: Path,
    ratio: str,
    generator: str,
    holdout: float | None,
    small: str,
    caps: tuple[float, float],
    seed: int | None,
    force: bool,
    lang: Lang,
) -> None:
    from synthproof.balance.balancer import Balancer
    from synthproof.balance.receipt import HOLDS_REAL, SPLIT_FIRST
    from synthproof.core.random import fresh_seed
    from synthproof.data.split import split
    from synthproof.data.table.io import write_table
    from synthproof.pipeline.face import read

    seed = fresh_seed() if seed is None else seed
    apart = out.with_name(f"{out.stem}.test{out.suffix}")
    if not force:
        refuse_replacing(out)
        if holdout is not None:
            refuse_replacing(apart)
    table = read(source, target=target)
    told, written = [HOLDS_REAL], []
    if holdout is None:
        told.append(SPLIT_FIRST)
    with drawn_run(screen(stderr=True), lang) as job:
        if holdout is not None:
            parts = split(table, holdout=holdout, seed=seed)
            table = parts.train
            written += list(write_table(parts.holdout, apart))
        balancer = Balancer(
            strategy,
            target=target,
            ratio=_ratio(ratio),
            generator=generator,
            small=small,
            cap_class=caps[0],
            cap_total=caps[1],
            random_state=seed,
        )
        done = balancer.balance(table, run=job)
        written += list(done.write(out))
    show_notices(screen(), [w.say(lang) for w in (*done.notices, *told)], lang)
    for path in written:
        screen().print(str(path), highlight=False, markup=False)


def _study(
    source: str,
    target: str,
    out: Path,
    generator: str,
    holdout: float | None,
    learner: str,
    seeds: int,
    steps: int | None,
    seed: int | None,
    force: bool,
    lang: Lang,
) -> None:
    from synthproof.balance.learner import LEARNERS
    from synthproof.balance.study import study
    from synthproof.balance.task import TableTask
    from synthproof.core.random import fresh_seed
    from synthproof.pipeline.face import read

    made = _taught(LEARNERS, learner, steps)
    if not force:
        refuse_replacing(out / "study.json")
    seed = fresh_seed() if seed is None else seed
    with drawn_run(screen(stderr=True), lang) as job:
        task = TableTask(
            read(source, target=target),
            target,
            holdout=0.4 if holdout is None else holdout,
            seed=seed,
            generator=generator,
        )
        found = study(task, learner=made, seeds=seeds, seed=seed, run=job)
    _tell(found, out, lang)


def _taught(known: Mapping[str, Any], learner: str, steps: int | None) -> Learner:
    """Return the learner that was asked for."""
    if learner not in known:
        raise UsageError(
            "params/out-of-range",
            where="--learner",
            owner="study",
            name="learner",
            value=learner,
            allowed=", ".join(known),
        )
    if steps is not None and steps < 1:
        raise UsageError(
            "params/out-of-range", where="--steps", owner="study", name="steps", value=steps, allowed="1 or more"
        )
    made: Learner = known[learner]() if steps is None else known[learner](steps=steps)
    return made


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


def _pictures(
    source: str,
    target: str,
    strategy: str,
    out: Path,
    ratio: str,
    generator: str,
    holdout: float | None,
    small: str,
    caps: tuple[float, float],
    study_too: bool,
    learner: str,
    seeds: int,
    steps: int | None,
    seed: int | None,
    force: bool,
    lang: Lang,
) -> None:
    """Do for pictures what the command does for tables."""
    from synthproof.balance.image_balance import ORIGINS, balance_images
    from synthproof.balance.image_learner import PICTURE_LEARNERS
    from synthproof.balance.image_task import ImageTask
    from synthproof.balance.receipt import HOLDS_REAL
    from synthproof.balance.study import study
    from synthproof.core.random import fresh_seed
    from synthproof.pipeline.face import read
    from synthproof.pipeline.model import PICTURES

    net = _taught(PICTURE_LEARNERS, learner, steps) if study_too else None
    seed = fresh_seed() if seed is None else seed
    maker = generator if generator.startswith("image.") else PICTURES
    refuse_taken(out, "study.json" if study_too else ORIGINS)
    if not force:
        refuse_replacing(out / ("study.json" if study_too else ORIGINS))
    data = read(source, target=target)
    with drawn_run(screen(stderr=True), lang) as job:
        if study_too:
            task = ImageTask(data, holdout=0.4 if holdout is None else holdout, seed=seed, generator=maker)
            found = study(task, learner=net, seeds=seeds, seed=seed, run=job)
        else:
            done = balance_images(
                data, strategy, ratio=_ratio(ratio), generator=maker, small=small, cap_class=caps[0], cap_total=caps[1],
                seed=seed, run=job,
            )  # fmt: skip
    if study_too:
        _tell(found, out, lang)
        return
    place = done.write(out)
    show_notices(screen(), [w.say(lang) for w in (*done.notices, HOLDS_REAL)], lang)
    screen().print(str(place), highlight=False, markup=False)


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


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
