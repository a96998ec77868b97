"""Marks inside the files, and content credentials where a certificate is given."""

from __future__ import annotations

import datetime
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synthproof.core.errors import DataError, StateError
from synthproof.pipeline.releasing import seal_release
from synthproof.release.credentials import Certificate, with_credentials
from synthproof.release.marks import marked_png, png_marks


def picture(**text: str) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, value in text.items():
        info.add_text(key, value)
        info.add_itxt(f"i{key}", value)
    out = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 255, (24, 32), dtype=np.uint8)
    Image.fromarray(pixels).save(out, "PNG", pnginfo=info, dpi=(72, 72))
    return out.getvalue()


def test_a_png_is_marked_and_nothing_else_of_it_changes() -> None:
    before = picture(Author="CANARY-PATIENT-7731")
    after = marked_png(before, "sp-1")
    assert b"CANARY" in before
    assert b"CANARY" not in after
    marks = png_marks(after)
    assert marks["synthetic"] == "true"
    assert marks["synthproof.release"] == "sp-1"
    opened = Image.open(io.BytesIO(after))
    assert "trainedAlgorithmicMedia" in opened.info["XML:com.adobe.xmp"]
    assert np.array_equal(np.asarray(opened), np.asarray(Image.open(io.BytesIO(before))))
    assert marked_png(after, "sp-1") == after


@pytest.mark.parametrize(
    "damage", [lambda p: b"", lambda p: p[:-3], lambda p: p[:50] + b"x" + p[51:], lambda p: b"GIF89a"]
)
def test_what_is_no_whole_png_is_refused(damage: Any) -> None:
    with pytest.raises(DataError, match="release/not-a-png"):
        marked_png(damage(picture()), "sp-1")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    folder = tmp_path_factory.mktemp("certificate")
    top, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    now = datetime.datetime.now(datetime.UTC)

    def name(text: str) -> x509.Name:
        return x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Hospital"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
        )

    def made(subject: str, key: ec.EllipticCurvePrivateKey, *, authority: bool) -> x509.Certificate:
        builder = x509.CertificateBuilder(
            name("top"), name(subject), key.public_key(), x509.random_serial_number(),
            now - datetime.timedelta(days=1), now + datetime.timedelta(days=30),
        )  # fmt: skip
        builder = builder.add_extension(x509.BasicConstraints(authority, None), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        if not authority:
            uses = (True, False, False, False, False, False, False, False, False)
            builder = builder.add_extension(x509.KeyUsage(*uses), critical=True)
            mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            builder = builder.add_extension(mail, critical=False)
            issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(top.public_key())
            builder = builder.add_extension(issuer, critical=False)
        return builder.sign(top, hashes.SHA256())

    chain = [made("signer", own, authority=False), made("top", top, authority=True)]
    (folder / "chain.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in chain))
    (folder / "key.pem").write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Certificate(chain=folder / "chain.pem", key=folder / "key.pem")


def test_content_credentials_say_that_a_model_made_it(certificate: Certificate) -> None:
    c2pa = pytest.importorskip("c2pa")
    signed = with_credentials(marked_png(picture(), "sp-1"), certificate, "sp-1", name="a.png")
    assert png_marks(signed)["synthetic"] == "true"
    with c2pa.Reader("image/png", io.BytesIO(signed)) as reader:
        told = json.loads(reader.json())
    assert told["validation_state"] == "Valid"
    actions = told["manifests"][told["active_manifest"]]["assertions"][0]["data"]["actions"]
    assert actions[0]["action"] == "c2pa.created"
    assert actions[0]["digitalSourceType"].endswith("trainedAlgorithmicMedia")
    # a changed pixel is seen
    at = signed.rindex(b"IDAT") + 30
    with c2pa.Reader("image/png", io.BytesIO(signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :])) as reader:
        assert json.loads(reader.json())["validation_state"] == "Invalid"


def test_a_certificate_that_does_not_do_is_refused(certificate: Certificate, tmp_path: Path) -> None:
    pytest.importorskip("c2pa")
    for wrong in (replace(certificate, chain=tmp_path / "none"), replace(certificate, key=certificate.chain)):
        with pytest.raises(StateError, match="release/no-credentials"):
            with_credentials(picture(), wrong, "sp-1", name="a.png")


def test_images_go_out_only_when_the_dossier_names_them(
    own_run: Any, tmp_path: Path, passphrase: str, day: Any, certificate: Certificate
) -> None:
    from synthproof.core.fingerprint import digest
    from synthproof.dossier.seal import check_seal, write_seal

    image = tmp_path / "0001.png"
    image.write_bytes(picture(Patient="CANARY"))

    def seal(out: Path, outcome: Path, **more: Any) -> Any:
        given = {"images": {"0001.png": image}, **more}
        return seal_release(own_run.root, out, outcome=outcome, passphrase=passphrase, day=day, **given)

    with pytest.raises(StateError, match="release/image-not-covered"):
        seal(tmp_path / "b", own_run.case)
    folder = own_run.root / "dossier"
    sealed = check_seal(folder)
    named = {**sealed["synthetic"], "images": {"0001.png": digest(image.read_bytes())}}
    name = write_seal(folder, synthetic=named, created=sealed["created"])
    votes = [{**v, "dossier": name} for v in own_run.outcome.to_dict()["votes"]]
    outcome = own_run.write(tmp_path / "case", dossier=name, votes=votes)
    with pytest.raises(StateError, match="release/image-not-covered"):
        seal(tmp_path / "b", outcome, images={"../0001.png": image})
    seal(tmp_path / "plain", outcome)
    told = json.loads((tmp_path / "plain/provenance.json").read_text("utf-8"))
    assert told["c2pa"] == {"made": False, "because": "no certificate given"}
    assert b"CANARY" not in (tmp_path / "plain/data/images/0001.png").read_bytes()
    croissant = json.loads((tmp_path / "plain/croissant.json").read_text("utf-8"))
    assert croissant["distribution"][2]["includes"] == "data/images/*.png"
    pytest.importorskip("c2pa")
    seal(tmp_path / "signed", outcome, certificate=certificate)
    told = json.loads((tmp_path / "signed/provenance.json").read_text("utf-8"))
    assert told["c2pa"] == {"made": True, "because": ""}
    assert b"c2pa" in (tmp_path / "signed/data/images/0001.png").read_bytes()
