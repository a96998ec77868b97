"""Pages: rendered on the server, one language at a time, every value escaped."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from synthproof.core.words import Lang, Words
from synthproof.review.form import OVERALL_WORDS, VALUE_WORDS
from synthproof.review.panel import SIDE_WORDS
from synthproof.review.rights import ACTION_WORDS, ROLE_WORDS
from synthproof.review.stages import RESULT_WORDS, STAGES
from synthproof.web.facts import result_word
from synthproof.web.guard import Acting, language_of
from synthproof.web.texts import ACT_WORDS, EXPERTISE_WORDS, STATE_WORDS

_SEOUL = ZoneInfo("Asia/Seoul")
_WORDS = {
    "role": ROLE_WORDS,
    "value": VALUE_WORDS,
    "overall": OVERALL_WORDS,
    "outcome": RESULT_WORDS,
    "act": ACT_WORDS,
    "action": ACTION_WORDS,
    "expertise": EXPERTISE_WORDS,
    "state": STATE_WORDS,
    "side": SIDE_WORDS,
}


@cache
def environment() -> Environment:
    """Return the template environment: everything is escaped, an unknown name is an error."""
    made = Environment(
        loader=PackageLoader("synthproof.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["time"] = _time
    made.filters["short"] = _short
    made.filters["in_lang"] = _in_lang
    return made


def page(
    request: Request, name: str, acting: Acting | None = None, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """Return a page.

    Parameters
    ----------
    name
        Template.
    acting
        Who looks; absent before the login.
    """
    lang = acting.lang if acting else language_of(request)

    def t(en: str, ko: str) -> str:
        return ko if lang == "ko" else en

    def say(words: Any) -> str:
        if isinstance(words, Words):
            return words.say(lang)
        return str(words.get(lang, "")) if isinstance(words, dict) else str(words)

    def word(kind: str, name: str) -> str:
        if kind == "result":
            return result_word(name, lang)
        found = _WORDS[kind].get(name)  # type: ignore[attr-defined]
        return found.say(lang) if found else name

    text = (
        environment()
        .get_template(name)
        .render(
            lang=lang,
            me=acting,
            csrf=acting.session.csrf if acting else "",
            here=request.url.path,
            t=t,
            say=say,
            word=word,
            stages=STAGES,
            **values,
        )
    )
    return HTMLResponse(text, status_code=status)


def go(to: str) -> Response:
    """Return a redirect after a changing request, so that reloading does not send it again."""
    return RedirectResponse(to, status_code=303)


def _time(value: datetime | str | None, lang: Lang = "ko") -> str:
    """Return a time as people in Korea read it, to the minute."""
    if not value:
        return "–"
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at.astimezone(_SEOUL).strftime("%Y-%m-%d %H:%M")


def _in_lang(to: str, lang: Lang) -> str:
    """Return the address of a sealed page with the language it is to open in; before the fragment, if there is one."""
    name, mark, fragment = to.partition("#")
    return f"{name}?lang={lang}{mark}{fragment}"


def _short(digest: str) -> str:
    """Return the head of a digest; the whole stands in the title."""
    return digest.removeprefix("sha256:")[:12]
