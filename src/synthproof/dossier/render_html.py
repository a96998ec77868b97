"""The pages: one self-contained file each, both languages in it, no script, nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from synthproof.core.words import Lang
from synthproof.dossier.labels import LABELS


@cache
def environment() -> Environment:
    """Return the template environment. Every value is escaped; only our own pictures pass as markup."""
    made = Environment(
        loader=PackageLoader("synthproof.dossier", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["svg"] = _picture
    return made


def render_report(page: Mapping[str, Any], *, lang: Lang, font_css: str) -> str:
    """Return ``report.html`` of a page structure.

    Parameters
    ----------
    page
        What `synthproof.dossier.page.build_page` returned.
    lang
        The language shown first; the other is a click (or a print) away.
    font_css
        ``@font-face`` rules with the embedded font.
    """
    return render("report.html", lang=lang, font_css=font_css, page=page)


def render(name: str, *, lang: Lang, font_css: str, **values: Any) -> str:
    """Return one page from a template of this room."""
    made = environment()
    style = made.loader.get_source(made, "style.css")[0] if made.loader else ""
    text = made.get_template(name).render(lang=lang, font_css=Markup(font_css), style=Markup(style), L=LABELS, **values)
    return text if text.endswith("\n") else text + "\n"


def _picture(text: str) -> Markup:
    # Pictures come from `figures.canvas`, which escapes every text it writes; anything else is escaped here.
    return Markup(text) if text.startswith("<svg ") else Markup.escape(text)
