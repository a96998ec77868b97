"""What the vault keeps of releases: the signing key, the journal of everything that went out, and the full papers."""

from __future__ import annotations

import csv
import getpass
import io
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from synthproof.core.errors import NotFoundError, did_you_mean
from synthproof.core.files import write_bytes
from synthproof.core.words import Lang, Words
from synthproof.dossier.journal import Line
from synthproof.dossier.journal_file import append, read

FOLDER = "release"
STEWARD = "steward"
State: TypeAlias = Literal["sealed", "withdrawn", "expired"]
STATE_WORDS: Mapping[State, Words] = {
    "sealed": Words(en="in use", ko="활용 중"),
    "withdrawn": Words(en="withdrawn", ko="철회됨"),
    "expired": Words(en="period over", ko="기간 종료"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who got a copy, when, and how to reach them."""

    name: str
    contact: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """One release as the journal tells it.

    Parameters
    ----------
    bundle
        Its name.
    manifest
        Digest of its manifest.
    dossier, outcome
        Digests of what was approved and of the decision.
    start, end
        Period of use, ISO 8601 days.
    at
        When it was sealed.
    decided
        When the committee decided, as the outcome said; with the dossier it names the decision, however often the case was
        exported since.
    state
        What became of it.
    recipients
        Who got it; the recall list.
    """

    bundle: str
    manifest: str
    dossier: str
    outcome: str
    start: str
    end: str
    at: str
    title: str
    state: State
    recipients: tuple[Recipient, ...]
    decided: str = ""


class ReleaseVault:
    """The room of releases in a run's vault.

    Parameters
    ----------
    vault
        The vault of a run; its folder ``release`` is made when something is first written.
    keys
        Folder of a signing key that serves several runs; the vault's own by default.
    """

    def __init__(self, vault: Path, keys: Path | None = None) -> None:
        self.root = vault / FOLDER
        self.key = keys or self.root / "key"

    @property
    def journal(self) -> Path:
        """The journal of releases."""
        return self.root / "journal.jsonl"

    def papers(self, bundle: str) -> Path:
        """Return the folder of the full papers of a release."""
        return self.root / bundle

    def lines(self) -> tuple[Line, ...]:
        """Return the journal after verifying it.

        Raises
        ------
        StateError
            ``journal/broken`` with the line, ``journal/unreadable``.
        """
        return read(self.journal) if self.journal.exists() else ()

    def add(self, act: str, *, subject: str, fields: Mapping[str, Any]) -> Line:
        """Add one act to the journal; it is on the disk when this returns."""
        known = self.lines()
        chain = known[0].chain if known else f"release-{secrets.token_hex(8)}"
        self.root.mkdir(parents=True, exist_ok=True)
        # the login stands in the fields, which no extract tells
        told = {**fields, "by": _login()}
        return append(self.journal, chain=chain, person=STEWARD, act=act, subject=subject, fields=told)

    def releases(self) -> tuple[Released, ...]:
        """Return all releases, oldest first."""
        told = self.lines()
        approved = [dict(x.fields or {}) for x in told if x.act == "release.approved"]
        decided = {str(f.get("outcome")): str(f.get("decided", "")) for f in approved}
        out = []
        for line in told:
            if line.act != "release.sealed":
                continue
            f = dict(line.fields or {})
            own = [x for x in told if x.subject == line.subject]
            acts = {x.act for x in own}
            out.append(
                Released(
                    bundle=str(f["bundle"]),
                    manifest=line.subject,
                    dossier=str(f["dossier"]),
                    outcome=str(f["outcome"]),
                    start=str(f["start"]),
                    end=str(f["end"]),
                    at=line.at,
                    title=str(f.get("title", "")),
                    state=_state(acts),
                    decided=decided.get(str(f["outcome"]), ""),
                    recipients=tuple(
                        Recipient(name=str(g["recipient"]), contact=str(g["contact"]), at=x.at)
                        for x in own
                        if x.act == "release.handed_over" and (g := dict(x.fields or {}))
                    ),
                )
            )
        return tuple(out)

    def release(self, bundle: str) -> Released:
        """Return one release by its name.

        Raises
        ------
        NotFoundError
            ``release/unknown-bundle``.
        """
        found = {r.bundle: r for r in self.releases()}
        if bundle not in found:
            hint = did_you_mean(bundle, found)
            raise NotFoundError("release/unknown-bundle", where=bundle, n=len(found), hint=hint)
        return found[bundle]

    def write_recall_list(self, release: Released, lang: Lang) -> Path:
        """Write who must be told, as a CSV file that a spreadsheet opens; return its place."""
        head = {
            "ko": ("받은 곳", "연락처", "제공 일시", "통지 일자", "삭제 확인 일자"),
            "en": ("recipient", "contact", "handed over", "told on", "deletion confirmed on"),
        }[lang]
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\r\n")
        table.writerow(head)
        for r in release.recipients:
            table.writerow([_cell(r.name), _cell(r.contact), r.at, "", ""])
        # the byte order mark tells spreadsheets that this is UTF-8
        return write_bytes(self.papers(release.bundle) / "recall.csv", text.getvalue().encode("utf-8-sig"))


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        return "?"


def _state(acts: set[str]) -> State:
    if "release.withdrawn" in acts:
        return "withdrawn"
    return "expired" if "release.expired" in acts else "sealed"


def _cell(text: str) -> str:
    # a spreadsheet would run a cell that begins like a formula
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
