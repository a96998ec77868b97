"""Content credentials (C2PA) for images: a signed note inside the picture that it was made by a model.

They need a certificate of the institution and the optional library; without either the provenance file says that none
were made, and why. No time-stamping service is asked: that would be a call to the outside.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

from synthproof.core.errors import MissingExtraError, StateError
from synthproof.dossier.cards import DIGITAL_SOURCE
from synthproof.release.layout import made_with


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What signs the pictures.

    Parameters
    ----------
    chain
        PEM file: the signing certificate first, then those above it.
    key
        PEM file with its private key, PKCS#8.
    algorithm
        ``es256``, ``es384``, ``es512``, ``ps256``, ``ps384``, ``ps512`` or ``ed25519``.
    """

    chain: Path
    key: Path
    algorithm: str = "es256"


def with_credentials(picture: bytes, certificate: Certificate, bundle: str, *, name: str) -> bytes:
    """Return a PNG with a C2PA manifest: action ``c2pa.created``, source *trained algorithmic media*.

    Raises
    ------
    MissingExtraError
        ``extra/missing`` without c2pa-python.
    StateError
        ``release/no-credentials`` when the certificate does not do.
    """
    try:
        import c2pa
    except ModuleNotFoundError as error:
        raise MissingExtraError("extra/missing", library="c2pa-python", extra="c2pa") from error

    manifest = {
        "claim_generator_info": [{"name": "synthproof", "version": made_with()}],
        "title": name,
        "format": "image/png",
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": DIGITAL_SOURCE}]},
            },
            {"label": "kr.synthproof.release", "data": {"release": bundle}},
        ],
    }
    out = io.BytesIO()
    try:
        info = c2pa.C2paSignerInfo(
            alg=certificate.algorithm.encode("ascii"),
            sign_cert=certificate.chain.read_bytes(),
            private_key=certificate.key.read_bytes(),
            ta_url=None,
        )
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder.from_json(json.dumps(manifest)) as builder:
            builder.sign(signer, "image/png", io.BytesIO(picture), out)
    except (c2pa.C2paError, OSError, ValueError) as error:
        raise StateError("release/no-credentials", where=str(certificate.chain), reason=type(error).__name__) from error
    return out.getvalue()
