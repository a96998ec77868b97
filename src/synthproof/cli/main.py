"""The command line: `synthproof run SOURCE` does everything, the other commands are its parts.

Exit codes: 0 meets · 1 error · 2 usage · 3 does not meet · 4 not assessed.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Annotated, NoReturn

import typer
from rich.text import Text

from synthproof.cli.korean import in_korean
from synthproof.cli.language import language
from synthproof.cli.screens import screen
from synthproof.cli.usage import usage_error
from synthproof.core.errors import SynthproofError
from synthproof.core.words import Words

app = typer.Typer(
    name="synthproof",
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=Words(
        en="Synthetic data with proof: generate, judge, and carry it through an institution's review.",
        ko="합성데이터를 생성하고, 유용성과 안전성을 입증하여, 기관의 심의까지 지원합니다.",
    ).say(language()),
)


@app.callback()
def _top(
    version: Annotated[bool, typer.Option("--version", help="Print the version. / 버전 출력.")] = False,
) -> None:
    if version:
        from synthproof import __version__

        screen().print(__version__, highlight=False)
        raise typer.Exit


def main() -> NoReturn:
    """Run the command line; every error is told in four parts, in the user's language."""
    from synthproof.cli import (  # noqa: F401  (they register themselves)
        altering,
        balance,
        commands,
        demo,
        lists,
        releasing,
        reporting,
        review,
        vtt,
    )

    console = screen(stderr=True)
    lang = language()
    if lang == "ko":
        in_korean(app)
    if os.environ.get("SYNTHPROOF_DEBUG") != "1":
        # A library's warning may quote a cell of the data; what a user must know is said by notices and errors.
        warnings.showwarning = _unsaid
    try:
        code = app(standalone_mode=False)
    except SynthproofError as error:
        console.print(Text(error.text(lang), style="red"), highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):  # the second: Ctrl-C where something was asked
        sys.exit(1)
    except Exception as error:
        if hasattr(error, "format_message"):  # the option parser's own errors
            known = usage_error(error)
            if known is None:
                console.print(Text(str(error)), highlight=False)
                sys.exit(2)
            console.print(Text(known.text(lang), style="red"), highlight=False, soft_wrap=True)
            sys.exit(known.exit_code)
        # The message of a stray error may quote a cell of the data, so only its type and place are told.
        if os.environ.get("SYNTHPROOF_DEBUG") == "1":
            raise
        console.print(Text(_stray(error).say(lang), style="red"), highlight=False, soft_wrap=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _unsaid(*said: object, **more: object) -> None:
    """Show nothing."""


def _stray(error: Exception) -> Words:
    place, trace = "?", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "synthproof" in file:
            place = f"{file.rsplit('synthproof', 1)[-1].lstrip('/')}:{trace.tb_lineno}"
        trace = trace.tb_next
    kind = type(error).__name__
    return Words(
        en=(
            f"internal/unexpected: synthproof met a case it does not know ({kind} at {place}).\n"
            "  remedy: please report this line; SYNTHPROOF_DEBUG=1 shows the whole trace, which may quote your data."
        ),
        ko=(
            f"internal/unexpected: 예상하지 못한 오류가 발생했습니다({kind}, {place}).\n"
            "  조치: 이 줄을 제보해 주십시오. SYNTHPROOF_DEBUG=1로 전체 추적을 볼 수 있으나 데이터 값이 포함될 수 있습니다."
        ),
    )


if __name__ == "__main__":
    main()
