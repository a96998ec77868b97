"""Errors of the command line itself (a misspelt option, a missing argument), told like every other error."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import Enum
from typing import Any

from synthproof.core.errors import UsageError, did_you_mean


def usage_error(error: Any) -> UsageError | None:
    """Return our four-part error for one that the option parser raised, or ``None`` when it only shows help.

    Parameters
    ----------
    error
        An exception of Typer (or of Click, on which older versions of Typer stand): both have ``ctx`` and, by kind,
        ``param`` or ``option_name``. The parser's own sentence is not repeated: it is English and may quote input.
    """
    context = getattr(error, "ctx", None)
    where = str(getattr(context, "command_path", "") or "synthproof")
    match type(error).__name__:
        case "NoArgsIsHelpError":
            return None
        case "NoSuchOption":
            given = str(error.option_name)
            return _unknown("usage/unknown-option", where, given, _options(context))
        case "MissingParameter":
            return UsageError("usage/missing", where=where, name=_name(error))
        case "BadParameter" | "BadOptionUsage":
            wanted = ", ".join(_choices(getattr(error, "param", None)))
            return UsageError(
                "usage/bad-value", where=where, name=_name(error), wanted=f" ({wanted})" if wanted else ""
            )
        case _:
            commands = getattr(getattr(context, "command", None), "commands", None)
            if commands:
                given = next((a for a in sys.argv[1:] if a not in commands and not a.startswith("-")), "?")
                return _unknown("usage/unknown-command", where, given, commands)
            return UsageError("usage/unexpected", where=where)


def _unknown(code: str, where: str, given: str, known: Iterable[str]) -> UsageError:
    return UsageError(
        code,
        where=where,
        name=given,
        hint=did_you_mean(given, known),
        known=", ".join(sorted(known)),
    )


def _name(error: Any) -> str:
    param = getattr(error, "param", None)
    flags = [str(o) for o in getattr(param, "opts", ()) if str(o).startswith("-")]
    return flags[0] if flags else str(getattr(param, "name", "") or getattr(error, "option_name", "")).upper()


def _choices(param: Any) -> list[str]:
    # Older versions of Typer keep the choices on Click's type, newer ones the enumeration itself.
    kind = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    newer = kind if isinstance(kind, type) and issubclass(kind, Enum) else ()
    found = getattr(getattr(param, "type", None), "choices", newer)
    return [str(getattr(c, "value", c)) for c in found]


def _options(context: Any) -> list[str]:
    params = getattr(getattr(context, "command", None), "params", ())
    return [str(o) for p in params for o in getattr(p, "opts", ()) if str(o).startswith("--")]
