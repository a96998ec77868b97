"""Review forms as data: the questions, who answers them, the evidence each rests on, and how answers are counted."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeAlias

from synthproof.core.errors import ConfigError, NotFoundError, did_you_mean, nearest
from synthproof.core.fingerprint import digest_json
from synthproof.core.words import Words

Value: TypeAlias = Literal["fit", "unfit", "not_applicable"]
Overall: TypeAlias = Literal["approve", "conditional", "reject"]
VALUES: tuple[Value, ...] = ("fit", "unfit", "not_applicable")
OVERALLS: tuple[Overall, ...] = ("approve", "conditional", "reject")

VALUE_WORDS: Mapping[Value, Words] = {
    "fit": Words(en="fit", ko="적합"),
    "unfit": Words(en="unfit", ko="미흡"),
    "not_applicable": Words(en="not applicable", ko="해당없음"),
}
OVERALL_WORDS: Mapping[Overall, Words] = {
    "approve": Words(en="proper (approved)", ko="적정(승인)"),
    "conditional": Words(en="approved with conditions", ko="조건부 승인"),
    "reject": Words(en="improper (returned)", ko="부적정(반려)"),
}
SHIPPED = ("pipc_guide", "pipc_reference", "hospital_drb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One line of a form.

    Parameters
    ----------
    id
        Stable name, unique in the form.
    mark
        What is printed before it, e.g. ``②``.
    text
        The question.
    help
        What to look at.
    expertise
        Who should answer: ``law``, ``privacy``, ``ai``, ``clinical``, ``security``, ``any``.
    rests_on
        Where the evidence stands: ``family:safety``, ``rule:singling_out``, ``paper:1-1``, ``report:#generator``.
    values
        Which answers it takes.
    unanimous
        Whether one ``unfit`` already keeps the outcome from being approved without conditions.
    """

    id: str
    mark: str
    text: Words
    help: Words
    expertise: str
    rests_on: tuple[str, ...]
    values: tuple[Value, ...] = ("fit", "unfit")
    unanimous: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How answers become an outcome. The published texts give no rule, so these are ours unless a form says otherwise.

    Parameters
    ----------
    origin
        ``own``: ours; ``guide``; ``institution``.
    because
        Where it comes from, for the page.
    least
        Fewest ballots that count as a meeting.
    present
        Share of the members who must have voted, in [0, 1].
    outside_majority
        Whether more than half of the ballots must come from outside the institution.
    outside_least
        Fewest ballots from outside.
    approve_over
        Approval needs more than this share of ballots for it.
    reject_over
        Rejection needs more than this share of ballots for it.
    """

    origin: Literal["own", "guide", "institution"] = "own"
    because: Words
    least: int = 3
    present: float = 2 / 3
    outside_majority: bool = True
    outside_least: int = 0
    approve_over: float = 0.5
    reject_over: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A review form.

    Parameters
    ----------
    id, version
        Name and version; both stand in every outcome.
    title, source
        Its official name, and the document it comes from.
    questions
        In order.
    counting
        How answers are counted.
    digest
        ``sha256:…`` of the file's content.
    """

    id: str
    version: int
    title: Words
    source: Words
    questions: tuple[Question, ...]
    counting: Counting
    digest: str = ""

    def question(self, name: str) -> Question:
        """Return a question by its id.

        Raises
        ------
        NotFoundError
            ``review/unknown-question``.
        """
        for question in self.questions:
            if question.id == name:
                return question
        known = [q.id for q in self.questions]
        raise NotFoundError("review/unknown-question", where=self.id, name=name, hint=did_you_mean(name, known))


def load_form(name: str | Path) -> Form:
    """Return a shipped form by name, or one from a TOML file of the institution.

    Raises
    ------
    NotFoundError
        ``review/unknown-form``.
    ConfigError
        ``review/bad-form`` for unknown keys, missing texts or repeated ids.
    """
    text, where = _text_of(name)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("review/bad-form", where=where, reason=str(error)) from error
    try:
        return read_form(data)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        reason = f"missing {error}" if isinstance(error, KeyError) else str(error)
        raise ConfigError("review/bad-form", where=where, reason=reason) from error


def read_form(data: Mapping[str, Any]) -> Form:
    """Return a form from its plain values.

    Raises
    ------
    ValueError, KeyError, TypeError
        When something is missing, unknown or not allowed.
    """
    _only(data, {"id", "version", "title", "source", "counting", "questions"})
    counting = dict(data.get("counting", {}))
    because = Words.from_dict(counting.pop("because"))
    _only(counting, {f for f in Counting.__dataclass_fields__ if f != "because"})
    questions = tuple(_question(q) for q in data["questions"])
    if not questions:
        raise ValueError("a form asks at least one question")
    if len({q.id for q in questions}) != len(questions):
        raise ValueError("a question's id stands twice")
    made = Counting(because=because, **counting)
    if made.least < 1 or not 0 <= made.present <= 1 or not 0 <= made.approve_over < 1 or not 0 <= made.reject_over < 1:
        raise ValueError("counting: least from 1, shares from 0 to 1")
    return Form(
        id=str(data["id"]),
        version=int(data["version"]),
        title=Words.from_dict(data["title"]),
        source=Words.from_dict(data["source"]),
        questions=questions,
        counting=made,
        digest=digest_json(data),
    )


def _question(data: Mapping[str, Any]) -> Question:
    _only(data, {"id", "mark", "text", "help", "expertise", "rests_on", "values", "unanimous"})
    values: Sequence[Value] = data.get("values", ("fit", "unfit"))
    if unknown := set(values) - set(VALUES):
        raise ValueError(f"unknown answer {sorted(unknown)[0]}")
    if data.get("unanimous") and "not_applicable" in values:
        raise ValueError("a question that needs every voice cannot be set aside as not applicable")
    return Question(
        id=str(data["id"]),
        mark=str(data["mark"]),
        text=Words.from_dict(data["text"]),
        help=Words.from_dict(data["help"]),
        expertise=str(data.get("expertise", "any")),
        rests_on=tuple(data.get("rests_on", ())),
        values=tuple(values),
        unanimous=bool(data.get("unanimous", False)),
    )


def _only(data: Mapping[str, Any], known: set[str]) -> None:
    for key in data:
        if key not in known:
            close = nearest(key, known)
            raise ValueError(f"unknown key {key}" + (f", did you mean {close}?" if close else ""))


def _text_of(name: str | Path) -> tuple[str, str]:
    if str(name) in SHIPPED:
        return (files("synthproof.review") / "forms" / f"{name}.toml").read_text(encoding="utf-8"), str(name)
    path = Path(name)
    if path.suffix == ".toml" and path.is_file():
        return path.read_text(encoding="utf-8"), str(path)
    raise NotFoundError("review/unknown-form", name=str(name), hint=did_you_mean(str(name), SHIPPED))
