"""The command that sends given images through a stage: real ones are refused, for part of them would remain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from synthproof.cli.commands import settled
from synthproof.cli.main import app
from synthproof.cli.options import configured
from synthproof.cli.progress import drawn_run
from synthproof.cli.screens import screen
from synthproof.core.words import Words

_MARKED = Words(
    en="These are altered images of real persons, and say so of themselves: they are no synthetic data, and every policy "
    "that asks for full synthesis refuses them.",
    ko="실제 이미지를 변형한 결과이며 파일에 그렇게 표시됩니다. 합성데이터가 아니므로 완전합성을 요구하는 모든 정책에서 거부됩니다.",
)


@app.command()
@configured(
    "lang", "executor", "workers", "image.labels", "image.side", "image.fit", "image.colour", "image.part", "image.scenes",
    "image.boxes",
)  # fmt: skip
def alter(
    model: Annotated[
        Path,
        typer.Argument(
            help="Folder that `fit` wrote: image.superres, .translate, .semantic, .stages. / `fit`이 만든 모델 폴더."
        ),
    ],
    source: Annotated[
        str,
        typer.Argument(help="Images to translate, enlarge or paint: a folder, a zip or .npz. / 변형할 이미지."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the altered images. / 결과 폴더.")],
    knowingly: Annotated[
        bool, typer.Option("--knowingly", help="Alter real images; the result is marked as such. / 실제 이미지를 변형.")
    ] = False,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the draw. / 생성의 시드.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what stands there. / 기존 결과를 덮어쓰기.")] = False,
    settings: Any = None,
) -> None:
    """Send images through a stage; images from files count as real and are refused unless asked for knowingly."""
    from synthproof.pipeline.image_face import alter_pictures

    config, lang = settled(settings)
    with drawn_run(screen(stderr=True), lang, executor=config.executor, workers=config.workers) as job:
        written = alter_pictures(
            model, source, out, image=config.image, knowingly=knowingly, seed=seed, force=force, run=job
        )
    screen(stderr=True).print(Text(_MARKED.say(lang), style="yellow"))
    for path in written:
        screen().print(str(path), highlight=False, markup=False)


__all__ = ["alter"]
