"""The tables. What was decided stands in the journal; these hold the present state, so that pages are quick."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ID = 32


class Base(DeclarativeBase):
    """Base of every table."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        dict[str, Any]: JSON,
        list[Any]: JSON,
        datetime: DateTime(timezone=True),
    }


class Person(Base):
    """Someone with a role."""

    __tablename__ = "person"
    id: Mapped[str] = mapped_column(String(ID), primary_key=True)
    login: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    affiliation: Mapped[str] = mapped_column(String(200), default="")
    position: Mapped[str] = mapped_column(String(200), default="")
    expertise: Mapped[str] = mapped_column(String(40), default="any")
    outside: Mapped[bool] = mapped_column(default=False)
    password: Mapped[str] = mapped_column(Text, default="")
    blocked: Mapped[bool] = mapped_column(default=False)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    locked_until: Mapped[datetime | None]
    created: Mapped[datetime]


class Link(Base):
    """A one-time link, known by the digest of its token: invitation, password reset or first setup."""

    __tablename__ = "link"
    token: Mapped[str] = mapped_column(String(80), primary_key=True)
    person: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(10))
    expires: Mapped[datetime]
    used: Mapped[datetime | None]


class Session(Base):
    """Someone logged in, known by the digest of the cookie's token."""

    __tablename__ = "session"
    token: Mapped[str] = mapped_column(String(80), primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    csrf: Mapped[str] = mapped_column(String(80))
    created: Mapped[datetime]
    seen: Mapped[datetime]


class Pledge(Base):
    """A pledge that was signed: confidentiality, conflict of interest."""

    __tablename__ = "pledge"
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    text_digest: Mapped[str] = mapped_column(String(80))
    answers: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class Case(Base):
    """What a committee decides on."""

    __tablename__ = "case_file"
    id: Mapped[str] = mapped_column(String(ID), primary_key=True)
    title: Mapped[str] = mapped_column(String(300))
    form: Mapped[str] = mapped_column(String(200))
    stage: Mapped[int] = mapped_column(Integer, default=1)
    created_by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    created: Mapped[datetime]


class Dossier(Base):
    """A sealed dossier as brought in; `facts` is what pages show of it, read once."""

    __tablename__ = "dossier"
    id: Mapped[str] = mapped_column(String(ID), primary_key=True)
    case: Mapped[str] = mapped_column(ForeignKey("case_file.id"), index=True)
    n: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(80))
    parent: Mapped[str] = mapped_column(String(80), default="")
    facts: Mapped[dict[str, Any]]
    by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    __table_args__ = (Index("dossier_of_case", "case", "n", unique=True),)


class Member(Base):
    """Someone called to a case; an empty list of questions means all."""

    __tablename__ = "member"
    case: Mapped[str] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    questions: Mapped[list[Any]]
    votes: Mapped[bool] = mapped_column(default=False)
    due: Mapped[str] = mapped_column(String(10), default="")
    conflict: Mapped[bool] = mapped_column(default=False)


class Answer(Base):
    """The present answer of one person to one question about one dossier; the key keeps it single."""

    __tablename__ = "answer"
    dossier: Mapped[str] = mapped_column(ForeignKey("dossier.id"), primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    question: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]


class Ballot(Base):
    """The present vote of one person on one dossier."""

    __tablename__ = "ballot"
    dossier: Mapped[str] = mapped_column(ForeignKey("dossier.id"), primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    overall: Mapped[str] = mapped_column(String(20))
    answers: Mapped[list[Any]]
    opinion: Mapped[str] = mapped_column(Text, default="")
    conditions: Mapped[list[Any]]
    at: Mapped[datetime]


class Closed(Base):
    """The outcome for one dossier; there is at most one."""

    __tablename__ = "outcome"
    dossier: Mapped[str] = mapped_column(ForeignKey("dossier.id"), primary_key=True)
    outcome: Mapped[dict[str, Any]]
    ticked: Mapped[dict[str, Any]]
    by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


class Comment(Base):
    """A comment, a question to the steward, or the reply to one."""

    __tablename__ = "comment"
    id: Mapped[str] = mapped_column(String(ID), primary_key=True)
    case: Mapped[str] = mapped_column(ForeignKey("case_file.id"), index=True)
    dossier: Mapped[str] = mapped_column(ForeignKey("dossier.id"), index=True)
    question: Mapped[str] = mapped_column(String(60), default="")
    kind: Mapped[str] = mapped_column(String(10))
    parent: Mapped[str] = mapped_column(String(ID), default="")
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class Panel(Base):
    """A visual Turing test: blind items and the plan. The answer key is not here; it stays in the vault."""

    __tablename__ = "panel"
    id: Mapped[str] = mapped_column(String(ID), primary_key=True)
    title: Mapped[str] = mapped_column(String(300))
    plan: Mapped[dict[str, Any]]
    commitment: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(10), default="open")
    by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


class PanelReader(Base):
    """Someone called to read a panel, with an order of their own."""

    __tablename__ = "panel_reader"
    panel: Mapped[str] = mapped_column(ForeignKey("panel.id"), primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    order: Mapped[list[Any]]
    started: Mapped[datetime | None]
    finished: Mapped[datetime | None]
    round: Mapped[int] = mapped_column(Integer, default=1)


class PanelItem(Base):
    """One thing to look at, under its blind name; `answer` is told for training items only."""

    __tablename__ = "panel_item"
    panel: Mapped[str] = mapped_column(ForeignKey("panel.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    card: Mapped[list[Any]]
    answer: Mapped[str] = mapped_column(String(10), default="")


class PanelReading(Base):
    """What one reader said of one item in one round; the key keeps it single."""

    __tablename__ = "panel_reading"
    panel: Mapped[str] = mapped_column(ForeignKey("panel.id"), primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    item: Mapped[str] = mapped_column(String(20), primary_key=True)
    round: Mapped[int] = mapped_column(Integer, primary_key=True)
    says: Mapped[str] = mapped_column(String(10))
    milliseconds: Mapped[int] = mapped_column(BigInteger, default=0)
    confidence: Mapped[int] = mapped_column(Integer, default=0)
    at: Mapped[datetime]


class JournalHead(Base):
    """The end of each journal; its row is locked while a line is added, so that a chain cannot fork."""

    __tablename__ = "journal_head"
    chain: Mapped[str] = mapped_column(String(80), primary_key=True)
    n: Mapped[int] = mapped_column(Integer)
    hash: Mapped[str] = mapped_column(String(80))


class JournalLine(Base):
    """One line, byte for byte as an export has it. The database refuses to change or remove it."""

    __tablename__ = "journal_line"
    chain: Mapped[str] = mapped_column(String(80), primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
