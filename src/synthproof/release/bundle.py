"""Sealing: from an approved dossier and its synthetic data to one signed bundle, whole or not at all."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthproof.core.errors import StateError, WorkspaceError
from synthproof.core.files import refuse_url, whole_file, whole_folder
from synthproof.core.fingerprint import digest, digest_file, digest_json
from synthproof.core.run import Run, quiet
from synthproof.core.words import Words
from synthproof.dossier.assemble import PREVIEW, read_dossier
from synthproof.dossier.journal import Line
from synthproof.dossier.seal import check_seal
from synthproof.release.content import Content, write_content, write_full_papers
from synthproof.release.credentials import Certificate
from synthproof.release.gate import refuse_training_rows, refuse_unapproved, today
from synthproof.release.keys import open_key, public_key_of
from synthproof.release.layout import FORMAT, MANIFEST, PUBLIC_KEY, SIGNATURE, made_with
from synthproof.release.reading import Decided
from synthproof.release.signed import signature_of, signature_text
from synthproof.release.vault import ReleaseVault

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_FILE = re.compile(r"[\w-][\w.-]{0,120}\.png")
_PLAIN = re.compile(r"[\w.:@-]{0,120}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What is sealed.

    Parameters
    ----------
    dossier
        The sealed dossier that the committee read.
    synthetic
        The synthetic data it speaks of: a table, or pictures, whose label table then goes out beside them.
    images
        Pictures by name; each must be named, with its digest, in the dossier's seal.
    """

    dossier: Path
    synthetic: Any
    images: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What came of it: name and place of the bundle, digest of its manifest, fingerprint of the key."""

    bundle: str
    place: Path
    manifest: str
    fingerprint: str


def seal_bundle(
    material: Material,
    decided: Decided,
    vault: ReleaseVault,
    out: Path,
    *,
    passphrase: str,
    certificate: Certificate | None = None,
    day: date | None = None,
    run: Run | None = None,
) -> Sealed:
    """Seal what a committee approved.

    Parameters
    ----------
    decided
        The outcome, read by `synthproof.release.reading.read_outcome`.
    out
        Becomes the bundle: a folder, or one file when it ends in ``.zip``. Never overwritten.
    passphrase
        Opens the signing key.
    certificate
        For content credentials in images.
    day
        The day of sealing; today by default.

    Raises
    ------
    StateError
        Whatever the gate refuses (see `refuse_unapproved`, `refuse_training_rows`); ``release/data-differ``, ``release/image-not-covered``,
        ``release/was-withdrawn``, ``release/journal-names``; ``state/damaged`` for a changed dossier.
    WorkspaceError
        ``release/taken``, ``workspace/unwritable``.
    """
    run = quiet(run)
    refuse_url(out)
    if out.exists():
        raise WorkspaceError("release/taken", where=str(out), thing=Words(en="a bundle", ko="반출 묶음"))
    sealed = check_seal(material.dossier)
    name = str(sealed["digest"])
    refuse_unapproved(decided.outcome, name, day or today())
    refuse_training_rows(read_dossier(material.dossier), decided.outcome.case)
    _refuse_other_data(material, sealed["synthetic"])
    _refuse_called_back(vault, decided, name)
    _refuse_names(decided.journal)
    key = open_key(vault.key, passphrase)
    content = _content(material, decided, sealed, certificate, public_key_of(key).fingerprint)
    vault.add(
        "release.approved",
        subject=name,
        fields={"case": decided.outcome.case, "outcome": decided.digest, "decided": decided.outcome.decided},
    )
    with _whole(out) as part:
        run.tick("release", 0, 3)
        anchors = write_content(part, content, vault.lines())
        run.tick("release", 1, 3)
        manifest = _write_manifest(part, content, anchors, key)
        run.tick("release", 2, 3)
        _record(vault, content, manifest, part / MANIFEST)
    run.tick("release", 3, 3)
    return Sealed(bundle=content.bundle, place=out, manifest=manifest, fingerprint=content.fingerprint)


def _content(
    material: Material,
    decided: Decided,
    sealed: Mapping[str, Any],
    certificate: Certificate | None,
    fingerprint: str,
) -> Content:
    created, name = datetime.now(UTC).isoformat(timespec="seconds"), str(sealed["digest"])
    # with a drawn part: two bundles of one decision in one second are two releases
    told = {"dossier": name, "outcome": decided.digest, "at": created, "drawn": secrets.token_hex(16)}
    return Content(
        bundle="sp-" + digest_json(told)[7:23],
        created=created,
        proof=read_dossier(material.dossier),
        preview=json.loads((material.dossier / PREVIEW).read_text(encoding="utf-8")),
        dossier=name,
        named=sealed["synthetic"],
        decided=decided,
        synthetic=material.synthetic,
        images=material.images,
        certificate=certificate,
        fingerprint=fingerprint,
    )


def _record(vault: ReleaseVault, content: Content, name: str, manifest: Path) -> None:
    """Keep the full papers and write the journal's line: the last act before the bundle appears.

    What is outside is always in the journal; a line without its bundle, after a crash at this very moment, harms nobody.
    """
    write_full_papers(vault.papers(content.bundle), content, manifest)
    told = False
    try:
        vault.add("release.sealed", subject=name, fields=_told(content))
        told = True
    finally:
        if not told:
            shutil.rmtree(vault.papers(content.bundle), ignore_errors=True)


def _told(content: Content) -> dict[str, Any]:
    outcome = content.decided.outcome
    return {
        "bundle": content.bundle,
        "dossier": content.dossier,
        "outcome": content.decided.digest,
        "case": outcome.case,
        "start": outcome.start,
        "end": outcome.end,
        "title": content.proof.purpose.title,
        "key": content.fingerprint,
    }


def _refuse_other_data(material: Material, named: Mapping[str, Any]) -> None:
    found = material.synthetic.fingerprint()
    if found != named.get("fingerprint"):
        raise StateError(
            "release/data-differ", where=str(material.dossier), wanted=named.get("fingerprint"), found=found
        )
    covered = named.get("images", {})
    for name, path in material.images.items():
        if not _FILE.fullmatch(name) or covered.get(name) != digest_file(path):
            raise StateError("release/image-not-covered", where=name, n=len(covered))


def _refuse_called_back(vault: ReleaseVault, decided: Decided, dossier: str) -> None:
    """Refuse a decision under which something was withdrawn, also when its case was exported again or the days differ."""
    for r in vault.releases():
        same = r.outcome == decided.digest or r.decided == decided.outcome.decided
        if r.state == "withdrawn" and r.dossier == dossier and same:
            raise StateError("release/was-withdrawn", where=r.bundle, at=r.at[:10])


def _refuse_names(journal: tuple[Line, ...]) -> None:
    """Refuse a case's journal whose lines carry more than ids where the extract shows them."""
    for line in journal:
        for part in ("chain", "person", "act", "subject"):
            if not _PLAIN.fullmatch(getattr(line, part)):
                raise StateError("release/journal-names", where=f"journal.jsonl: {line.n}", part=part)


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """Yield an empty folder; what is written there becomes the folder or the zip file `out`, whole or not at all."""
    if out.suffix.lower() != ".zip":
        with whole_folder(out) as part:
            yield part
        return
    with whole_file(out) as packed, _scratch(packed) as part:
        yield part
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(p for p in part.rglob("*") if p.is_file()):
                entry = zipfile.ZipInfo(path.relative_to(part).as_posix(), (1980, 1, 1, 0, 0, 0))
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(entry, "w", force_zip64=True) as inside, path.open("rb") as source:
                    shutil.copyfileobj(source, inside, 1 << 20)


@contextmanager
def _scratch(packed: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"{packed.stem}.", suffix=".part", dir=packed.parent) as folder:
        yield Path(folder)


def _write_manifest(part: Path, content: Content, anchors: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    (part / PUBLIC_KEY).write_text(public_key_of(key).pem, encoding="ascii", newline="\n")
    outcome = content.decided.outcome
    names = sorted(p.relative_to(part).as_posix() for p in part.rglob("*") if p.is_file())
    body = {
        "format": FORMAT,
        "bundle": content.bundle,
        "created": content.created,
        "synthetic": True,
        "title": content.proof.purpose.title,
        "contact": content.proof.purpose.contact,
        "dossier": content.dossier,
        "outcome": content.decided.digest,
        "data": {k: content.named[k] for k in ("fingerprint", "rows", "units", "columns") if k in content.named},
        "period": {"from": outcome.start, "to": outcome.end},
        "journals": dict(anchors),
        "key": content.fingerprint,
        "made_with": f"synthproof {made_with()}",
        "files": {n: {"sha256": digest_file(part / n)[7:], "bytes": (part / n).stat().st_size} for n in names},
    }
    text = (json.dumps(body, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8")
    (part / MANIFEST).write_bytes(text)
    signed = signature_of(text, key)
    (part / SIGNATURE).write_text(signature_text(signed), encoding="ascii", newline="\n")
    return digest(text)
