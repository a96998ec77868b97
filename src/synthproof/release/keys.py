"""The institution's signing key: Ed25519, its private half kept in the vault under a passphrase, never in a bundle.

The private key is PKCS#8 with PBES2: scrypt (RFC 7914) stretches the passphrase, AES-256-CBC hides the key (RFC 8018).
Any current OpenSSL opens it: ``openssl pkey -in private.pem``. The library that we sign with reads this form but writes only
PBKDF2, so the few bytes of its envelope are written here.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthproof.core.errors import MissingExtraError, StateError, UsageError, WorkspaceError
from synthproof.core.words import Words

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PRIVATE, PUBLIC = "private.pem", "public.pem"
SHORTEST = 12
"""Fewest characters of a passphrase; ours."""
# OWASP's set for 16 MiB; OpenSSL refuses to spend more than 32 MiB on opening a key unless told otherwise.
_N, _R, _P = 1 << 14, 8, 5
_PBES2, _SCRYPT, _AES256 = "1.2.840.113549.1.5.13", "1.3.6.1.4.1.11591.4.11", "2.16.840.1.101.3.4.1.42"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What others need: the public key and the fingerprint by which people compare it.

    Parameters
    ----------
    pem
        SubjectPublicKeyInfo as PEM text.
    fingerprint
        ``sha256:…`` over the key's DER; ``openssl pkey -pubin -in public.pem -outform DER | sha256sum`` gives the same.
    """

    pem: str
    fingerprint: str

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Return whether `signature` was made over `data` with this key's private half."""
        with _cryptography():
            from cryptography.exceptions import InvalidSignature
        try:
            _public_of(self.pem).verify(signature, data)
        except InvalidSignature:
            return False
        return True


def spoken(fingerprint: str) -> str:
    """Return a fingerprint in groups of four, so that two people can compare it on the telephone."""
    plain = fingerprint.removeprefix("sha256:")
    return " ".join(plain[i : i + 4] for i in range(0, len(plain), 4))


def make_key(folder: Path, passphrase: str) -> PublicKey:
    """Make a new key pair in `folder`, both files or none, readable by the owner alone.

    Parameters
    ----------
    folder
        Place in the vault; made when absent (mode 0700).
    passphrase
        At least `SHORTEST` characters; without it the private key cannot be opened, by nobody.

    Raises
    ------
    UsageError
        ``release/short-passphrase``.
    WorkspaceError
        ``release/taken``: a key is never overwritten, for old bundles are checked by it; ``workspace/unwritable``.
    MissingExtraError
        ``extra/missing``.
    """
    if len(passphrase) < SHORTEST:
        raise UsageError("release/short-passphrase", least=SHORTEST)
    with _cryptography():
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    if (folder / PRIVATE).exists() or (folder / PUBLIC).exists():
        raise WorkspaceError("release/taken", where=str(folder), thing=Words(en="a signing key", ko="서명 키"))
    key = Ed25519PrivateKey.generate()
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    public = public_key_of(key)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        _private_file(folder / PRIVATE, _encrypted_pem(plain, passphrase.encode("utf-8")))
        with _gone_unless_done(folder / PRIVATE):  # half a pair would bar the way to a new one
            _private_file(folder / PUBLIC, public.pem.encode("ascii"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise WorkspaceError("workspace/unwritable", where=str(folder), reason=reason) from error
    return public


def open_key(folder: Path, passphrase: str) -> Ed25519PrivateKey:
    """Return the private key of a folder.

    Raises
    ------
    StateError
        ``release/no-key``, ``release/wrong-passphrase``, ``release/not-a-key``.
    """
    with _cryptography():
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    path = folder / PRIVATE
    if not path.is_file():
        raise StateError("release/no-key", where=str(path))
    try:
        key = load_pem_private_key(path.read_bytes(), passphrase.encode("utf-8"))
    except (ValueError, TypeError) as error:
        # a wrong passphrase and a damaged file look alike: the padding or the structure inside does not hold
        raise StateError("release/wrong-passphrase", where=str(path)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise StateError("release/not-a-key", where=str(path), found=type(key).__name__)
    return key


def public_key_of(key: Ed25519PrivateKey) -> PublicKey:
    """Return the public half of a private key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(pem, "sha256:" + hashlib.sha256(der).hexdigest())


def read_public(text: str | bytes, *, where: str = "") -> PublicKey:
    """Return a public key from PEM text.

    Raises
    ------
    StateError
        ``release/not-a-key`` for anything but an Ed25519 public key.
    """
    with _cryptography():
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        pem = text.decode("ascii") if isinstance(text, bytes) else text
        key = _public_of(pem)
    except (ValueError, TypeError) as error:
        raise StateError("release/not-a-key", where=where, found=type(error).__name__) from error
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(pem, "sha256:" + hashlib.sha256(der).hexdigest())


def load_public(path: Path) -> PublicKey:
    """Return the public key in a file (``release/not-a-key`` when it cannot be read)."""
    with _cryptography():
        import cryptography  # noqa: F401
    try:
        text = path.read_bytes()
    except OSError as error:
        raise StateError("release/not-a-key", where=str(path), found=error.strerror or "?") from error
    return read_public(text, where=str(path))


def _public_of(pem: str) -> Ed25519PublicKey:
    with _cryptography():
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    try:
        key: Any = load_pem_public_key(pem.encode("ascii"))
    except UnsupportedAlgorithm as error:
        raise ValueError("not Ed25519") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not Ed25519")
    return key


@contextmanager
def _cryptography() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError("extra/missing", library="cryptography", extra="release") from error


def _private_file(path: Path, data: bytes) -> None:
    # created with its rights: between a wider mode and a later chmod another user could read it
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with _gone_unless_done(path), os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _gone_unless_done(path: Path) -> Iterator[None]:
    """Remove a file unless what is done in here ends well; also at Ctrl-C."""
    done = False
    try:
        yield
        done = True
    finally:
        if not done:
            path.unlink(missing_ok=True)


# the envelope of RFC 5208 and RFC 8018 -------------------------------------------------------------------


def _encrypted_pem(plain: bytes, passphrase: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES256
    from cryptography.hazmat.primitives.ciphers.modes import CBC
    from cryptography.hazmat.primitives.padding import PKCS7

    salt, start = os.urandom(16), os.urandom(16)
    memory = 128 * _R * (_N + _P) + (1 << 20)
    secret = hashlib.scrypt(passphrase, salt=salt, n=_N, r=_R, p=_P, maxmem=memory, dklen=32)
    padder = PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    cipher = Cipher(AES256(secret), CBC(start)).encryptor()
    hidden = cipher.update(padded) + cipher.finalize()
    stretch = _sequence(_oid(_SCRYPT), _sequence(_octets(salt), _integer(_N), _integer(_R), _integer(_P)))
    hide = _sequence(_oid(_AES256), _octets(start))
    der = _sequence(_sequence(_oid(_PBES2), _sequence(stretch, hide)), _octets(hidden))
    lines = base64.encodebytes(der).replace(b"\n", b"")
    body = b"\n".join(lines[i : i + 64] for i in range(0, len(lines), 64))
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + body + b"\n-----END ENCRYPTED PRIVATE KEY-----\n"


def _der(tag: int, content: bytes) -> bytes:
    n = len(content)
    size = (
        bytes([n]) if n < 128 else bytes([0x80 | ((n.bit_length() + 7) // 8)]) + n.to_bytes((n.bit_length() + 7) // 8)
    )
    return bytes([tag]) + size + content


def _sequence(*parts: bytes) -> bytes:
    return _der(0x30, b"".join(parts))


def _octets(data: bytes) -> bytes:
    return _der(0x04, data)


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1))


def _oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    out = bytearray([40 * first + second])
    for arc in rest:
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | (arc & 0x7F))
        out += bytes(reversed(groups))
    return _der(0x06, bytes(out))
