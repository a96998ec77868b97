"""A signed statement as one JSON file: the body, the public key, and the signature over the body's canonical form."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthproof.core.errors import StateError
from synthproof.core.fingerprint import canonical_json
from synthproof.release.keys import PublicKey, public_key_of, read_public

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "Ed25519"


def signature_of(data: bytes, key: Ed25519PrivateKey) -> dict[str, str]:
    """Return what proves that `data` came from the holder of `key`: algorithm, public key, fingerprint, signature."""
    public = public_key_of(key)
    return {
        "algorithm": ALGORITHM,
        "fingerprint": public.fingerprint,
        "public_key": public.pem,
        "signature": base64.b64encode(key.sign(data)).decode("ascii"),
    }


def signature_text(signed: Mapping[str, Any]) -> str:
    """Return a signature as the text of a file."""
    return json.dumps(signed, indent=1) + "\n"


def signer_of(signed: Mapping[str, Any], data: bytes, *, where: str) -> PublicKey:
    """Return the key that signed `data`.

    Raises
    ------
    StateError
        ``release/bad-signature`` when the signature does not hold or says something else of its own key.
    """
    try:
        public = read_public(str(signed["public_key"]), where=where)
        signature = base64.b64decode(str(signed["signature"]), validate=True)
        if base64.b64encode(signature).decode("ascii") != signed["signature"]:
            raise TypeError  # spare bits of the last letter: a second text for the same signature
        named, algorithm = str(signed["fingerprint"]), str(signed["algorithm"])
    except (KeyError, TypeError, binascii.Error, StateError) as error:
        raise StateError("release/bad-signature", where=where, fingerprint="?") from error
    if algorithm != ALGORITHM or named != public.fingerprint or not public.verifies(signature, data):
        raise StateError("release/bad-signature", where=where, fingerprint=public.fingerprint)
    return public


def signed_text(body: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """Return a body and the signature over its canonical JSON as the text of a file."""
    data = canonical_json(dict(body)).encode("utf-8")
    return json.dumps({"body": dict(body), "signed": signature_of(data, key)}, ensure_ascii=False, indent=1) + "\n"


def read_signed(text: str | bytes, *, where: str) -> tuple[dict[str, Any], PublicKey]:
    """Return body and signer of what `signed_text` wrote.

    Raises
    ------
    StateError
        ``release/bad-signature``, also for a text that is no such file.
    """
    try:
        outer = json.loads(text)
        body, signed = outer["body"], outer["signed"]
        data = canonical_json(body).encode("utf-8")
        if not isinstance(body, dict) or set(outer) != {"body", "signed"}:
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StateError("release/bad-signature", where=where, fingerprint="?") from error
    return body, signer_of(signed, data, where=where)


def is_signed(path: Path) -> bool:
    """Return whether a JSON file has the outer form of a signed statement."""
    try:
        outer = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(outer, dict) and set(outer) == {"body", "signed"}
