"""The printed report: the same page structure, typeset without any system library, its Hangul font embedded."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from synthproof.core.errors import StateError
from synthproof.core.words import Lang
from synthproof.dossier.fonts import font_folder
from synthproof.dossier.page import plain

_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)


def render_pdf(page: Mapping[str, Any], *, lang: Lang, created: str) -> bytes:
    """Return ``report.pdf``: the whole report in one language, then the first page in the other.

    Parameters
    ----------
    page
        What `synthproof.dossier.page.build_page` returned.
    lang
        Language of the whole report.
    created
        Date and time of the proof (ISO 8601). The document carries this date and no other, so that the same dossier
        gives the same bytes.

    Raises
    ------
    StateError
        ``dossier/print-failed``, ``dossier/font-missing``.
    """
    return typeset("synthproof.dossier", "report.typ", "page.json", plain(page), lang=lang, created=created)


def typeset(package: str, template: str, data: str, content: Mapping[str, Any], *, lang: Lang, created: str) -> bytes:
    """Return a PDF of one of our templates, its Hangul font embedded, no system font used.

    Parameters
    ----------
    package, template
        Package whose ``templates`` folder holds the template, and its name.
    data
        Name under which the template reads `content`, to which the date is added.
    created
        Date and time (ISO 8601) that the document carries, and no other: the same content gives the same bytes.

    Raises
    ------
    StateError
        ``dossier/print-failed``, ``dossier/font-missing``.
    """
    import typst

    moment = moment_of(created)
    date = {name: getattr(moment, name) for name in ("year", "month", "day", "hour", "minute", "second")}
    source = resources.files(package) / "templates" / template
    with tempfile.TemporaryDirectory(prefix="synthproof-") as scratch:
        folder = Path(scratch)
        (folder / data).write_text(json.dumps({**content, "date": date}, ensure_ascii=False), encoding="utf-8")
        (folder / template).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
        try:
            made = typst.compile(
                str(folder / template),
                root=str(folder),
                font_paths=[str(font_folder())],
                ignore_system_fonts=True,
                format="pdf",
                sys_inputs={"lang": lang},
                timestamp=int(moment.timestamp()),
            )
        except (typst.TypstError, RuntimeError) as error:
            raise StateError("dossier/print-failed", reason=str(error).splitlines()[0][:200]) from error
    assert isinstance(made, bytes)
    return made


def moment_of(created: str) -> datetime:
    """Return the moment a text names in UTC; an unreadable one gives the first of January 2000."""
    try:
        read = datetime.fromisoformat(created)
    except ValueError:
        return _NO_DATE
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
