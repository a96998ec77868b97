"""The commands that work on data: run, inspect, fit, sample, complete, verify."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from synthproof.cli.language import language
from synthproof.cli.main import app
from synthproof.cli.options import configured
from synthproof.cli.progress import drawn_run
from synthproof.cli.screens import (
    EXIT,
    screen,
    show_filled,
    show_model,
    show_notices,
    show_pictures,
    show_places,
    show_proposals,
    show_schema,
    show_verdict,
)
from synthproof.core.errors import UsageError
from synthproof.core.files import refuse_replacing, refuse_taken
from synthproof.core.schema import Purpose
from synthproof.core.words import Lang
from synthproof.pipeline.config import RunConfig, load_config, load_purpose, load_statements, override

_PROJECT = typer.Option("--config", help="Project file (default: synthproof.toml here). / 프로젝트 파일.")
_FORCE = typer.Option("--force", help="Replace what stands at the output's place. / 이미 있는 결과를 덮어쓰기.")
_SOURCE = typer.Argument(
    help="CSV, TSV, Parquet, Excel, JSON lines, s3://…, a database URL; a folder or zip of images, or .npz. / "
    "표 파일, s3://…, 데이터베이스 주소, 이미지 폴더·zip·.npz."
)
_MODEL = typer.Argument(help="Folder that `fit` wrote. / `fit`이 만든 모델 폴더.")
_TO = "File or s3://… to write; its suffix names the format."
_TO_KO = "결과 파일이나 s3://…(확장자가 형식을 정함)"
_SEED = typer.Option("--seed", help="Seed of the draw. / 생성의 시드.")
_PURPOSE = typer.Option("--purpose", help="Purpose file (TOML): use, environment, form, K, T … / 활용 목적 파일.")


def _config(project: Path | None, purpose: Path | None, settings: Mapping[str, Any]) -> RunConfig:
    config = override(load_config(project), **settings)
    if purpose is not None:
        config = override(config, purpose=load_purpose(purpose))
    if config.lang not in ("", "ko", "en"):
        raise UsageError("config/wrong-type", where="--lang", wanted="ko | en", type="text")
    return config if config.lang else override(config, lang=language())


def working(config: RunConfig) -> dict[str, Any]:
    """Return how the work of a run is done, as `Run` takes it."""
    return {"executor": config.executor, "workers": config.workers, "device": config.device}


def _lang(config: RunConfig) -> Lang:
    return config.lang or language()


def settled(settings: Mapping[str, Any]) -> tuple[RunConfig, Lang]:
    """Return the project file of the current folder with flags laid over it, and the language."""
    config = _config(None, None, settings)
    return config, _lang(config)


@app.command()
@configured(
    "target", "out", "seed", "lang", "statements", "executor", "workers", "device",
    "verify.policy", "verify.repeats", "verify.holdout_used", "verify.filtered", "verify.full",
    "fit.synthesizer", "fit.fast", "fit.row_wise", "sample.n", "sample.drop_copies", "sample.cap_remedy",
    "protect.steps", "split.holdout", "read.schema", "read.query", "read.table", "budget", "memory",
    "read.rules", "read.learn_rules", "read.broken_rules",
    "image.labels", "image.person", "image.side", "image.fit", "image.colour", "image.part", "image.scenes", "image.boxes",
)  # fmt: skip
def run(
    source: Annotated[str, _SOURCE] = "",
    project: Annotated[Path | None, _PROJECT] = None,
    purpose: Annotated[Path | None, _PURPOSE] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last whole stage. / 이어서 실행.")] = False,
    settings: Any = None,
) -> None:
    """Everything: read, protect, learn, draw, verify, judge, write the dossier."""
    from synthproof.pipeline.image_road import road_for

    config = _config(project, purpose, settings)
    if source:
        config = override(config, source=source)
    if not config.source:
        raise UsageError("usage/missing", where="synthproof run", name="SOURCE")
    lang = _lang(config)
    errors, out = screen(stderr=True), screen()
    with drawn_run(errors, lang, **working(config)) as job:
        arrival = road_for(config, run=job).travel(resume=resume)
    told = arrival.proof.generator
    # the reason of `auto` is one of the notices as well
    said = [*([told.because] if told.because else []), *told.notices, *arrival.proof.notices]
    show_notices(out, [words[lang] for words in said], lang)
    show_verdict(out, arrival.proof.verdict, lang)
    show_places(out, arrival.root, lang)
    raise typer.Exit(EXIT[arrival.proof.verdict.result])


@app.command()
@configured(
    "target", "lang", "read.query", "read.table",
    "image.labels", "image.person", "image.side", "image.fit", "image.colour", "image.part",
)  # fmt: skip
def inspect(
    source: Annotated[str, _SOURCE],
    save: Annotated[
        Path | None,
        typer.Option(
            "--save", "-o", help="Write the schema as an editable TOML file. / 고칠 수 있는 스키마 파일로 저장."
        ),
    ] = None,
    force: Annotated[bool, _FORCE] = False,
    rules: Annotated[
        bool, typer.Option("--rules", help="Propose rules that the data seem to keep. / 규칙 후보 제안.")
    ] = False,
    settings: Any = None,
) -> None:
    """Show the schema with reasons, identifiers found, and proposed K and T; prints no value."""
    from synthproof.data.table.io import notices
    from synthproof.data.table.rule_learning import learn_rules
    from synthproof.data.table.schema_file import save_schema
    from synthproof.pipeline.face import read
    from synthproof.pipeline.reading import how_of
    from synthproof.protection.scan import propose, scan

    images = {k: v for k, v in settings.items() if k.startswith("image__")}
    config = _config(None, None, {"lang": settings["lang"], "target": settings["target"], **images})
    lang = _lang(config)
    if save is not None and not force:
        refuse_replacing(save)
    how = how_of(config.image, config.target)
    table = read(
        source, target=settings["target"], query=settings["read__query"], table=settings["read__table"], how=how
    )
    if table.schema.modality == "image":
        if save is not None or rules:
            raise UsageError("image/table-setting", where="--save" if save is not None else "--rules")
        show_schema(screen(), table, {}, {}, lang)
        show_pictures(screen(), table, lang)
        for notice in notices(table.labels):
            screen().print(Text(notice.text(lang), style="yellow"))
        return
    with drawn_run(screen(stderr=True), lang) as job:
        found = scan(table, purpose=Purpose(), run=job)
    proposal = propose(found, table.schema, Purpose())
    show_schema(screen(), table, found.to_dict(), proposal.to_dict(), lang)
    for notice in notices(table):
        screen().print(Text(notice.text(lang), style="yellow"))
    if rules:
        with drawn_run(screen(stderr=True), lang) as job:
            proposals = learn_rules(table, run=job)
        show_proposals(screen(), [p.words for p in proposals], lang)
    if save is not None:
        save_schema(table.schema, save)


@app.command()
@configured(
    "target",
    "seed",
    "lang",
    "executor",
    "workers",
    "device",
    "fit.synthesizer",
    "fit.fast",
    "fit.row_wise",
    "protect.steps",
    "read.schema",
    "read.query",
    "read.table",
    "budget",
    "memory",
    "read.rules",
    "read.learn_rules",
    "read.broken_rules",
    "image.labels",
    "image.person",
    "image.side",
    "image.fit",
    "image.colour",
    "image.part",
    "image.scenes",
    "image.boxes",
)
def fit(
    source: Annotated[
        str,
        typer.Argument(
            help="Data to learn from: a table, a database URL, a folder of Parquet parts, images. / "
            "학습할 데이터: 표, 데이터베이스 주소, Parquet 폴더, 이미지."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the model. / 모델 폴더.")],
    force: Annotated[bool, _FORCE] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with a fit of images that was cut off. / 중단된 이미지 학습을 이어서 실행."
        ),
    ] = False,
    project: Annotated[Path | None, _PROJECT] = None,
    purpose: Annotated[Path | None, _PURPOSE] = None,
    settings: Any = None,
) -> None:
    """Learn a model from all of the source, after protection, and save it."""
    from synthproof.pipeline.parts import fit_model

    config = override(_config(project, purpose, settings), source=source)
    refuse_taken(out, "model.json")
    if not force:
        refuse_replacing(out)
    with drawn_run(screen(stderr=True), _lang(config), **working(config)) as job:
        job.tick("run", 0, 1, stage="fit")
        model = fit_model(config, out, resume=resume, run=job)
        job.tick("run", 1, 1, stage="done")
    told = [*([model.because] if model.because else []), *(n for n in model.notices if n != model.because)]
    show_notices(screen(), [words.say(_lang(config)) for words in told], _lang(config))
    show_model(screen(), out, _lang(config), pictures=model.core.tags.modality == "image")


@app.command()
@configured("lang", "executor", "workers", "device", "memory")
def sample(
    model: Annotated[Path, _MODEL],
    n: Annotated[int, typer.Option("--n", "-n", help="Number of rows, persons or images. / 생성할 단위 수.")],
    out: Annotated[
        str,
        typer.Option("--out", "-o", help=f"{_TO} FOLDER/: Parquet parts, images. / {_TO_KO}. 폴더/: Parquet, 이미지."),
    ],
    rows_per_file: Annotated[
        int | None,
        typer.Option("--rows-per-file", help="Rows of each Parquet part (default 1,000,000). / 파일당 행 수."),
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", help="COL=VALUE, COL=LOW..HIGH or COL=A|B. / 조건: 열=값.")
    ] = None,
    balance: Annotated[
        list[str] | None,
        typer.Option("--balance", help="COL:LEVEL=SHARE: the share that a level is to have. / 범주의 비율 지정."),
    ] = None,
    seed: Annotated[int | None, _SEED] = None,
    force: Annotated[bool, _FORCE] = False,
    project: Annotated[Path | None, _PROJECT] = None,
    settings: Any = None,
) -> None:
    """Draw new units from a saved model."""
    from synthproof.pipeline.parts import sample_model

    config = _config(project, None, settings)
    with drawn_run(screen(stderr=True), _lang(config), **working(config)) as job:
        written = sample_model(
            model,
            n,
            out,
            where=where or [],
            balance=balance or [],
            seed=seed,
            rows_per_file=rows_per_file,
            memory=config.memory,
            force=force,
            run=job,
        )
    for path in written:
        screen().print(str(path), highlight=False, markup=False)


@app.command()
@configured("lang", "executor", "workers")
def complete(
    model: Annotated[Path, _MODEL],
    file: Annotated[
        str,
        typer.Argument(
            help="Partial rows: columns of the model, cells or whole columns missing. / 칸이나 열이 비어 있는 표."
        ),
    ],
    out: Annotated[str, typer.Option("--out", "-o", help=f"{_TO} / {_TO_KO}.")],
    columns: Annotated[
        str | None, typer.Option("--columns", help="Fill these only: A,B. / 채울 열만 지정(쉼표로 구분).")
    ] = None,
    seed: Annotated[int | None, _SEED] = None,
    force: Annotated[bool, _FORCE] = False,
    project: Annotated[Path | None, _PROJECT] = None,
    settings: Any = None,
) -> None:
    """Fill the missing cells of partial rows, each drawn given all cells of its row that are there."""
    from synthproof.pipeline.parts import complete_model

    config = _config(project, None, settings)
    chosen = None if columns is None else [c.strip() for c in columns.split(",")]
    errors, lang = screen(stderr=True), _lang(config)
    with drawn_run(errors, lang, **working(config)) as job:
        written, filled = complete_model(model, file, out, columns=chosen, seed=seed, force=force, run=job)
    show_filled(errors, filled, lang)
    for path in written:
        screen().print(str(path), highlight=False, markup=False)


@app.command()
@configured(
    "target",
    "seed",
    "lang",
    "statements",
    "executor",
    "workers",
    "device",
    "verify.policy",
    "verify.repeats",
    "verify.holdout_used",
    "verify.filtered",
    "verify.full",
    "image.labels",
    "image.person",
    "image.side",
    "image.fit",
    "image.colour",
    "image.part",
    "image.scenes",
    "image.boxes",
)
def verify(
    real: Annotated[str, typer.Argument(help="The data that were learned from. / 학습에 쓰인 실제 데이터.")],
    synthetic: Annotated[str, typer.Argument(help="Synthetic data of any tool. / 합성데이터(어떤 도구든).")],
    holdout: Annotated[
        str | None,
        typer.Option("--holdout", help="Real data that nothing learned from. / 학습에 쓰이지 않은 실제 데이터."),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also", help="An earlier release of the same source; may be repeated. / 같은 원본의 이전 반출물."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the dossier. / 심의자료 폴더.")] = None,
    vault: Annotated[
        Path | None,
        typer.Option("--vault", help="Folder for what stays with you, e.g. the worst pairs. / 내부 보관 폴더."),
    ] = None,
    project: Annotated[Path | None, _PROJECT] = None,
    purpose: Annotated[Path | None, _PURPOSE] = None,
    settings: Any = None,
) -> None:
    """Judge any tool's synthetic file against the real data."""
    from synthproof.pipeline import face
    from synthproof.pipeline.contact_sheet import check_apart
    from synthproof.pipeline.reading import how_of

    config = _config(project, purpose, settings)
    lang = _lang(config)
    if vault is not None:
        check_apart(vault, out)
    if out is not None:
        refuse_taken(out, "seal.json")
    with drawn_run(screen(stderr=True), lang, **working(config)) as job:
        job.tick("run", 0, 2, stage="verify")
        judged = face.verify(
            real,
            synthetic,
            holdout=holdout,
            also=also or (),
            policy=config.verify.policy,
            purpose=config.purpose,
            target=config.target or None,
            statements=load_statements(Path(config.statements)) if config.statements else (),
            repeats=config.verify.repeats,
            seed=config.seed,
            gates=config.verify.gates,
            full=config.verify.full,
            how=how_of(config.image, config.target),
            run=job,
        )
        kept = judged.keep(vault) if vault is not None else ()
        if out is not None:
            job.tick("run", 1, 2, stage="report")
            judged.save(out, lang=lang)
        job.tick("run", 2, 2, stage="done")
    console = screen()
    show_notices(console, [words[lang] for words in judged.proof.notices], lang)
    show_verdict(console, judged.verdict, lang)
    for path in [*([out / "report.html"] if out is not None else []), *kept]:
        console.print(str(path), highlight=False, markup=False)
    raise typer.Exit(EXIT[judged.verdict.result])
