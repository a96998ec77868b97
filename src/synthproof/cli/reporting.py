"""The commands that work on a dossier: judge its evidence under another policy, render it anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from synthproof.cli.commands import settled
from synthproof.cli.main import app
from synthproof.cli.options import configured
from synthproof.cli.screens import EXIT, screen, show_verdict
from synthproof.pipeline.config import load_statements


@app.command()
@configured("lang", "statements")
def judge(
    dossier: Annotated[Path, typer.Argument(help="Folder of a dossier. / 심의자료 폴더.")],
    policy: Annotated[str, typer.Option("--policy", help="Policy name or TOML file. / 정책 이름 또는 TOML 파일.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write a new dossier under this policy. / 이 정책에 따른 새 심의자료 폴더."),
    ] = None,
    settings: Any = None,
) -> None:
    """Judge the same evidence under another policy; nothing is measured again."""
    from synthproof.pipeline.parts import rejudge

    config, lang = settled(settings)
    said = load_statements(Path(config.statements)) if config.statements else ()
    proof = rejudge(dossier, policy, out, lang=lang, statements=said)
    show_verdict(screen(), proof.verdict, lang)
    raise typer.Exit(EXIT[proof.verdict.result])


@app.command()
@configured("lang")
def report(
    dossier: Annotated[Path, typer.Argument(help="Folder of a dossier. / 심의자료 폴더.")],
    settings: Any = None,
) -> None:
    """Render a dossier's report, forms and cards anew from its evidence."""
    from synthproof.pipeline.parts import rerender

    _, lang = settled(settings)
    screen().print(str(rerender(dossier, lang=lang)), highlight=False, markup=False)
