"""Command-line options made from the configuration dataclasses, so that a default stands in one place only."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer

from synthproof.cli.language import language
from synthproof.pipeline.config import STAGES, RunConfig


def configured(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of the named settings.

    Parameters
    ----------
    *names
        ``"target"`` for a setting of the run, ``"fit.synthesizer"`` for a stage's.

    Returns
    -------
    decorator
        The command receives what was given as ``settings``: a dict for `synthproof.pipeline.config.override`.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(command, include_extras=True)
        own = [
            p.replace(annotation=hints[p.name])
            for p in inspect.signature(command).parameters.values()
            if p.name != "settings"
        ]
        made = [_parameter(name) for name in names]

        @functools.wraps(command)
        def with_settings(**given: Any) -> None:
            settings = {p.name: given.pop(p.name) for p in made}
            command(**given, settings=settings)

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in [*own, *made]]
        with_settings.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_settings.__annotations__ = {p.name: p.annotation for p in parameters}
        del with_settings.__dict__["__wrapped__"]
        return with_settings

    return decorate


def _parameter(name: str) -> inspect.Parameter:
    stage, _, key = name.rpartition(".")
    owner = STAGES[stage] if stage else RunConfig
    found = next(f for f in fields(owner) if f.name == key)
    flags = found.metadata["flags"] or (f"--{key.replace('_', '-')}",)
    text = found.metadata["help"].say(language())
    hint = _option_type(get_type_hints(owner)[key])
    option = typer.Option(*flags, help=text, show_default=False)
    return inspect.Parameter(
        f"{stage}__{key}" if stage else key,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[hint, option],
    )


def _option_type(hint: Any) -> Any:
    if get_origin(hint) is Literal:
        return str | None
    if get_origin(hint) is tuple:
        return str | None  # names with commas between them
    kinds = [a for a in get_args(hint) if a is not type(None)]
    return (kinds[0] if kinds else hint) | None
