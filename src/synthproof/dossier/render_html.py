"""The pages: one self-contained file each, both languages in it, no script, nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from synthproof.core.words import Lang, Words
from synthproof.dossier.forms import Form
from synthproof.dossier.labels import LABELS

_FONT_PLACE = "/*font*/"


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


def render_report(page: Mapping[str, Any], *, lang: Lang) -> str:
    """Return ``report.html`` of a page structure, still without its font.

    Parameters
    ----------
    page
        What `synthproof.dossier.page.build_page` returned.
    lang
        The language shown first; the other is a click (or a print) away.
    """
    return render("report.html", lang=lang, page=page)


def render_form(form: Form, heading: Words, created: str, *, lang: Lang) -> str:
    """Return one paper of the guide as a page, still without its font."""
    return render("form.html", lang=lang, form=form, heading=heading, created=created)


def render(name: str, *, lang: Lang, **values: Any) -> str:
    """Return one page from a template of this room, still without its font."""
    made = environment()
    style = made.loader.get_source(made, "style.css")[0] if made.loader else ""
    text = made.get_template(name).render(lang=lang, style=_ours(style), L=LABELS, **values)
    return text if text.endswith("\n") else text + "\n"


def with_font(html: str, font_css: str) -> str:
    """Return the page with the font's rules in it; they are cut to the letters that the pages turned out to use."""
    return html.replace(_FONT_PLACE, font_css, 1)


def _ours(text: str) -> Markup:
    return Markup(text)  # noqa: S704 - our own style sheet, or a picture whose texts figures.canvas has escaped


def _picture(text: str) -> Markup:
    # Pictures come from `figures.canvas`, which escapes every text it writes; anything else is escaped here.
    return _ours(text) if text.startswith("<svg ") else Markup.escape(text)
