"""Handing over, calling back, running out: each is a line in the journal. Nothing is ever deleted.

A copy that was handed over cannot be reached from here. What can be done is done: the journal says so for ever, a signed
notice lets every recipient's own check fail, and a recall list names who must be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from synthproof.core.errors import StateError, UsageError, WorkspaceError
from synthproof.core.files import write_bytes, write_text
from synthproof.core.words import Lang
from synthproof.dossier.journal import Line
from synthproof.release.gate import today
from synthproof.release.keys import open_key
from synthproof.release.layout import NOTICE
from synthproof.release.notice import Notice
from synthproof.release.vault import STATE_WORDS, Released, ReleaseVault

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What came of calling back: the release, who must be told, where list and notice lie (``None``: unsigned)."""

    release: Released
    recall_list: Path
    notice: Path | None


def hand_over(vault: ReleaseVault, bundle: str, recipient: str, contact: str = "") -> Line:
    """Record that somebody gets a copy.

    Raises
    ------
    NotFoundError
        ``release/unknown-bundle``.
    StateError
        ``release/closed`` when it was withdrawn or its period is over.
    UsageError
        ``release/no-recipient``.
    """
    if not recipient.strip():
        raise UsageError("release/no-recipient", where=bundle)
    found = vault.release(bundle)
    _refuse_closed(found)
    if today() > date.fromisoformat(found.end):
        raise StateError("release/closed", where=bundle, state=STATE_WORDS["expired"])
    told = {"bundle": bundle, "recipient": recipient.strip(), "contact": contact.strip()}
    return vault.add("release.handed_over", subject=found.manifest, fields=told)


def withdraw(
    vault: ReleaseVault,
    bundle: str,
    reason: str,
    *,
    passphrase: str | None,
    contact: str = "",
    notice: Path | None = None,
    lang: Lang = "ko",
) -> Recalled:
    """Call a release back: a journal line, a signed notice, a recall list.

    Parameters
    ----------
    passphrase
        Opens the signing key. ``None`` withdraws without a signed notice: a lost passphrase must not keep a dangerous
        release in use.
    notice
        Where a copy of the notice goes, to be sent to the recipients.

    Raises
    ------
    NotFoundError
        ``release/unknown-bundle``.
    StateError
        ``release/closed`` when it was withdrawn before and nothing is left to do; ``release/no-key``,
        ``release/wrong-passphrase``.
    UsageError
        ``release/no-reason``.
    WorkspaceError
        ``workspace/unwritable``.

    Notes
    -----
    What a full disk or a passphrase that was lost for a while left undone is done by asking again: the notice of a release
    that is withdrawn already is signed, or copied, with the day and the reason of the journal.
    """
    if not reason.strip():
        raise UsageError("release/no-reason", where=bundle)
    found = vault.release(bundle)
    kept = vault.papers(bundle) / NOTICE
    unsigned = passphrase is not None and not kept.is_file()
    unsent = notice is not None and not notice.exists() and kept.is_file()
    if found.state == "withdrawn" and not (unsigned or unsent):
        raise StateError("release/closed", where=bundle, state=STATE_WORDS[found.state])
    key: Ed25519PrivateKey | None = None if passphrase is None else open_key(vault.key, passphrase)
    if notice is not None:
        _make_room(notice)
    line = _withdrawal(vault, found) or vault.add(
        "release.withdrawn",
        subject=found.manifest,
        fields={"bundle": bundle, "reason": reason.strip(), "recipients": len(found.recipients)},
    )
    if key is not None and not kept.is_file():
        told = str((line.fields or {})["reason"])
        said = Notice(bundle=bundle, manifest=found.manifest, at=line.at, reason=told, contact=contact.strip())
        write_text(kept, said.text(key))
    made = kept if kept.is_file() else None
    if made is not None and notice is not None:
        made = write_bytes(notice, kept.read_bytes())
    closed = vault.release(bundle)
    return Recalled(release=closed, recall_list=vault.write_recall_list(closed, lang), notice=made)


def expire(vault: ReleaseVault, *, day: date | None = None, lang: Lang = "ko") -> tuple[Recalled, ...]:
    """Record every release whose period is over, once, with its recall list; return those that were recorded now."""
    out = []
    for found in vault.releases():
        if found.state != "sealed" or (day or today()) <= date.fromisoformat(found.end):
            continue
        fields = {"bundle": found.bundle, "end": found.end, "recipients": len(found.recipients)}
        vault.add("release.expired", subject=found.manifest, fields=fields)
        closed = vault.release(found.bundle)
        out.append(Recalled(release=closed, recall_list=vault.write_recall_list(closed, lang), notice=None))
    return tuple(out)


def _withdrawal(vault: ReleaseVault, found: Released) -> Line | None:
    acts = (x for x in vault.lines() if x.act == "release.withdrawn" and x.subject == found.manifest)
    return next(acts, None)


def _make_room(place: Path) -> None:
    """Find out before the journal's line is written that the notice has nowhere to go."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise WorkspaceError("workspace/unwritable", where=str(place), reason=reason) from error


def _refuse_closed(found: Released) -> None:
    if found.state != "sealed":
        raise StateError("release/closed", where=found.bundle, state=STATE_WORDS[found.state])
