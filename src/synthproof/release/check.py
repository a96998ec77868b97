"""Checking a bundle offline, with the bundle alone: signature, every byte, both journals, period, and a notice if there is one.

All faults are found and named, not the first alone. A bundle cannot tell two things by itself, and the report says so:
whether the key is the institution's (compare the fingerprint), and whether it was called back after it was handed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from synthproof.core.errors import StateError, SynthproofError
from synthproof.core.fingerprint import digest
from synthproof.core.words import Words
from synthproof.dossier.journal import Anchor, verify
from synthproof.release.container import Container, open_container, safe_name
from synthproof.release.gate import out_of_period, today
from synthproof.release.keys import PublicKey, load_public
from synthproof.release.layout import FORMAT, MANIFEST, NOTICE, PUBLIC_KEY, SIGNATURE
from synthproof.release.notice import Notice, read_notice
from synthproof.release.signed import signature_text, signer_of

_KEYS = {
    "format", "bundle", "created", "synthetic", "title", "contact", "dossier", "outcome", "data", "period", "journals",
    "key", "made_with", "files",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a check found.

    Parameters
    ----------
    place
        The bundle.
    faults
        Everything that is wrong, each in four parts; empty when the bundle holds.
    fingerprint
        Of the key that signed; empty when no signature holds.
    compared
        Whether that key was compared with one that the user gave.
    manifest
        The signed statement, as far as it could be read.
    files, size
        Number and bytes of the files that were checked.
    day
        The day that the period was judged by.
    """

    place: str
    faults: tuple[SynthproofError, ...]
    fingerprint: str = ""
    compared: bool = False
    manifest: Mapping[str, Any] = field(default_factory=dict)
    files: int = 0
    size: int = 0
    day: date = field(default_factory=today)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    @property
    def unknown(self) -> tuple[Words, ...]:
        """What no check of a bundle alone can tell, in sentences; people must ask for it."""
        contact = str(self.manifest.get("contact", "")).strip()
        sealed = str(self.manifest.get("created", ""))[:10]
        whom_en, whom_ko = contact or "the institution", contact or "기관"
        later = Words(
            en=f"Whether it was called back after it was sealed ({sealed}): no bundle can tell that. Ask {whom_en}; a notice of "
            "withdrawal that they sent is checked with --notice FILE.",
            ko=f"봉인({sealed}) 뒤에 철회되었는지: 묶음만으로는 알 수 없습니다. {whom_ko}에 문의하고, 받은 철회 통지가 있으면 "
            "--notice 파일로 확인하십시오.",
        )
        clock = Words(
            en=f"Whether today is really {self.day}: the period of use was judged by this computer's clock.",
            ko=f"오늘이 실제로 {self.day}인지: 활용 기간은 이 컴퓨터의 시계로 판단했습니다.",
        )
        whose = Words(
            en="Whose key signed: compare the fingerprint with the institution by another way, or give --key FILE.",
            ko="누구의 키로 서명했는지: 지문을 다른 경로로 기관에 확인하거나 --key 파일을 지정하십시오.",
        )
        return (later, clock) if self.compared else (whose, later, clock)


def check_release(
    bundle: str | Path,
    *,
    key: str | Path | PublicKey | None = None,
    notice: str | Path | None = None,
    day: date | None = None,
) -> Report:
    """Check a release bundle and return everything that is wrong with it.

    Parameters
    ----------
    bundle
        Folder or zip file.
    key
        The institution's public key, got by another way than the bundle; without it anybody could have signed.
    notice
        A notice of withdrawal that the institution sent; one inside the bundle is found by itself.
    day
        The day to judge the period by; today by default.

    Returns
    -------
    Report
        `ok` when nothing is wrong. Cost: one pass over all bytes, constant memory.

    Raises
    ------
    StateError
        ``release/not-a-bundle`` for something that is no bundle at all; ``release/not-a-key`` for an unreadable `key`.
    MissingExtraError
        ``extra/missing``.
    """
    wanted = key if isinstance(key, PublicKey) or key is None else load_public(Path(key))
    place = Path(bundle)
    with open_container(place) as found:
        if MANIFEST not in found.entries:
            raise StateError("release/not-a-bundle", where=str(place), reason=MANIFEST)
        return _checked(found, str(place), wanted, Path(notice) if notice is not None else None, day or today())


def _checked(found: Container, place: str, wanted: PublicKey | None, notice: Path | None, day: date) -> Report:
    faults: list[SynthproofError] = list(found.odd)
    raw = found.text(MANIFEST) or b""
    signer = _signer(found, raw, faults)
    if signer and wanted and signer.fingerprint != wanted.fingerprint:
        faults.append(
            StateError("release/other-key", where=SIGNATURE, found=signer.fingerprint, wanted=wanted.fingerprint)
        )
    manifest = _manifest(raw, faults)
    size = 0
    if manifest:
        if signer and manifest["key"] != signer.fingerprint:
            faults.append(
                StateError("release/other-key", where=MANIFEST, found=signer.fingerprint, wanted=manifest["key"])
            )
        size = sum(int(f["bytes"]) for f in manifest["files"].values())
        faults += _files(found, manifest["files"])
        faults += _journals(found, manifest["journals"])
        if signer:
            faults += _public_key(found, signer)
        period = manifest["period"]
        if late := out_of_period(period["from"], period["to"], day, where=str(manifest["bundle"])):
            faults.append(late)
        faults += _notices(found, notice, signer, manifest, digest(raw))
    return Report(
        place=place,
        faults=tuple(faults),
        fingerprint=signer.fingerprint if signer else "",
        compared=wanted is not None,
        manifest=manifest or {},
        files=len(manifest["files"]) if manifest else 0,
        size=size,
        day=day,
    )


def _signer(found: Container, raw: bytes, faults: list[SynthproofError]) -> PublicKey | None:
    text = found.text(SIGNATURE)
    if text is None:
        faults.append(StateError("release/missing", where=SIGNATURE))
        return None
    try:
        signed = json.loads(text)
        # no byte may differ, not even a space: whoever compares two copies must find them equal
        if not isinstance(signed, dict) or signature_text(signed).encode("utf-8") != text:
            raise TypeError
        return signer_of(signed, raw, where=SIGNATURE)
    except StateError as error:
        faults.append(error)
    except (ValueError, TypeError, RecursionError):
        faults.append(StateError("release/bad-signature", where=SIGNATURE, fingerprint="?"))
    return None


def _manifest(raw: bytes, faults: list[SynthproofError]) -> dict[str, Any] | None:
    try:
        body = json.loads(raw)
        good = isinstance(body, dict) and set(body) == _KEYS and body["format"] == FORMAT
        # printable: a name is shown, and signs that steer a terminal could wipe the faults above it away
        names = [body[k] for k in ("bundle", "key", "dossier", "outcome")]
        good = good and all(isinstance(n, str) and n.isprintable() for n in names)
        for name, told in body["files"].items():
            good = good and safe_name(name) and isinstance(told["bytes"], int) and isinstance(told["sha256"], str)
        for end in ("from", "to"):
            date.fromisoformat(body["period"][end])
        for anchor in body["journals"].values():
            Anchor.from_dict(anchor)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        good, body = False, None
    if good and isinstance(body, dict):
        return body
    faults.append(StateError("release/bad-manifest", where=MANIFEST, known=FORMAT))
    return None


def _files(found: Container, stated: Mapping[str, Mapping[str, Any]]) -> Iterator[SynthproofError]:
    present = set(found.entries) - {MANIFEST, SIGNATURE, NOTICE}
    missing = {n: stated[n] for n in sorted(set(stated) - present)}
    for name in sorted(present - set(stated)):
        size = found.entries[name].size
        same = [n for n, told in missing.items() if told["bytes"] == size]
        hexadecimal = found.digest(name, size)[0] if same else ""
        was = next((n for n in same if missing[n]["sha256"] == hexadecimal), None)
        if was is None:
            yield StateError("release/extra", where=name)
        else:
            del missing[was]
            yield StateError("release/renamed", where=name, was=was)
    for name in missing:
        yield StateError("release/missing", where=name)
    for name in sorted(set(stated) & present):
        told = stated[name]
        hexadecimal, size = found.digest(name, int(told["bytes"]))
        if size != told["bytes"] or hexadecimal != told["sha256"]:
            more = "> " if size > told["bytes"] else ""
            yield StateError("release/changed", where=name, stated=f"{told['bytes']:,}", found=f"{more}{size:,}")


def _journals(found: Container, anchors: Mapping[str, Mapping[str, Any]]) -> Iterator[SynthproofError]:
    for name, anchor in anchors.items():
        raw = found.text(name)
        if raw is None:
            continue  # told of as missing
        texts = raw.decode("utf-8", errors="replace").split("\n")
        for flaw in verify(texts[:-1] if texts[-1] == "" else texts, anchor=Anchor.from_dict(anchor)):
            yield StateError("release/journal-flaw", where=name, flaw=flaw.words)


def _public_key(found: Container, signer: PublicKey) -> Iterator[SynthproofError]:
    raw = found.text(PUBLIC_KEY)
    if raw is not None and raw != signer.pem.encode("ascii"):
        yield StateError("release/other-key", where=PUBLIC_KEY, found="?", wanted=signer.fingerprint)


def _notices(
    found: Container, given: Path | None, signer: PublicKey | None, manifest: Mapping[str, Any], name: str
) -> Iterator[SynthproofError]:
    texts: list[tuple[str, bytes]] = []
    if NOTICE in found.entries:
        # one that cannot be read is as good as a bad one: a call back must not be lost to a damaged byte
        texts.append((NOTICE, found.text(NOTICE) or b""))
    if given is not None:
        try:
            texts.append((str(given), given.read_bytes()))
        except OSError:
            yield StateError("release/bad-signature", where=str(given), fingerprint="?")
    for where, text in texts:
        try:
            notice, by = read_notice(text, where=where)
        except StateError as error:
            yield error
            continue
        yield from _said(notice, by, signer, manifest, name, where)


def _said(
    notice: Notice, by: PublicKey, signer: PublicKey | None, manifest: Mapping[str, Any], name: str, where: str
) -> Iterator[SynthproofError]:
    if notice.manifest != name or notice.bundle != manifest["bundle"]:
        yield StateError("release/other-notice", where=where, found=notice.bundle, wanted=manifest["bundle"])
    elif signer is None or by.fingerprint != signer.fingerprint:
        wanted = signer.fingerprint if signer else "?"
        yield StateError("release/other-key", where=where, found=by.fingerprint, wanted=wanted)
    else:
        yield StateError("release/withdrawn", where=notice.bundle, at=notice.at[:10], reason=notice.reason or "-")
