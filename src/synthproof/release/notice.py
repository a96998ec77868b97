"""A notice of withdrawal: one signed file that every recipient can check against the bundle it calls back."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from synthproof.core.errors import StateError
from synthproof.release.keys import PublicKey
from synthproof.release.signed import read_signed, signed_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KIND = "withdrawal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is called back.

    Parameters
    ----------
    bundle, manifest
        Name of the release and digest of its manifest: the notice holds for that bundle alone.
    at
        When it was withdrawn, ISO 8601.
    reason
        Why, in the institution's words; recipients read it.
    contact
        Whom to ask.
    """

    bundle: str
    manifest: str
    at: str
    reason: str = ""
    contact: str = ""

    def text(self, key: Ed25519PrivateKey) -> str:
        """Return the signed file."""
        body: dict[str, Any] = {"kind": KIND, **{f.name: getattr(self, f.name) for f in fields(self)}}
        return signed_text(body, key)


def read_notice(text: str | bytes, *, where: str) -> tuple[Notice, PublicKey]:
    """Return a notice and who signed it.

    Raises
    ------
    StateError
        ``release/bad-signature`` when it is no notice or its signature does not hold.
    """
    body, signer = read_signed(text, where=where)
    names = {f.name for f in fields(Notice)}
    if set(body) != names | {"kind"} or body["kind"] != KIND or not all(isinstance(v, str) for v in body.values()):
        raise StateError("release/bad-signature", where=where, fingerprint=signer.fingerprint)
    return Notice(**{k: body[k] for k in names}), signer
