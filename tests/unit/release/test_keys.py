"""The signing key: standard form, hidden under a passphrase, readable by its owner alone, never overwritten."""

from __future__ import annotations

import shutil
import stat
import subprocess
import time
from pathlib import Path

import pytest

from synthproof.core.errors import StateError, UsageError, WorkspaceError
from synthproof.release.keys import PRIVATE, PUBLIC, load_public, make_key, open_key, public_key_of, read_public, spoken

SECRET = "correct horse battery"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("keys") / "key"
    make_key(place, SECRET)
    return place


def test_what_is_written_can_be_opened_and_signs(folder: Path) -> None:
    key = open_key(folder, SECRET)
    public = load_public(folder / PUBLIC)
    assert public == public_key_of(key)
    assert public.verifies(key.sign(b"text"), b"text")
    assert not public.verifies(key.sign(b"text"), b"texT")
    assert not public.verifies(b"\0" * 64, b"text")


def test_only_the_owner_may_read(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in (PRIVATE, PUBLIC):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("wrong", ["", "Correct horse battery", SECRET + " "])
def test_a_wrong_passphrase_opens_nothing(folder: Path, wrong: str) -> None:
    with pytest.raises(StateError, match="release/wrong-passphrase"):
        open_key(folder, wrong)


def test_guessing_is_made_dear(folder: Path) -> None:
    started = time.perf_counter()
    with pytest.raises(StateError):
        open_key(folder, "a guess of twelve")
    assert time.perf_counter() - started > 0.02  # scrypt, N = 16384, r = 8, p = 5: about 80 MiB·passes


def test_the_private_key_stands_nowhere_in_the_clear(folder: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    raw = open_key(folder, SECRET).private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    text = (folder / PRIVATE).read_bytes()
    assert text.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert raw not in text
    import base64

    assert raw not in base64.b64decode(b"".join(text.splitlines()[1:-1]))


def test_a_key_is_never_overwritten_and_a_short_passphrase_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="release/taken"):
        make_key(folder, SECRET)
    with pytest.raises(UsageError, match="release/short-passphrase"):
        make_key(tmp_path / "new", "short")
    assert not (tmp_path / "new").exists()
    with pytest.raises(StateError, match="release/no-key"):
        open_key(tmp_path / "new", SECRET)


def test_damage_is_refused(folder: Path, tmp_path: Path) -> None:
    text = (folder / PRIVATE).read_text()
    (tmp_path / PRIVATE).write_text(text.replace(text[60:64], "AAAA"))
    with pytest.raises(StateError, match="release/wrong-passphrase"):
        open_key(tmp_path, SECRET)


def test_other_keys_are_not_ours() -> None:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    rsa = generate_private_key(65537, 2048).public_key()
    for text in (b"", b"\xff", "no key", rsa.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)):
        with pytest.raises(StateError, match="release/not-a-key"):
            read_public(text)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="OpenSSL's command line is not installed")
def test_openssl_opens_it_and_names_the_same_fingerprint(folder: Path) -> None:
    import hashlib

    def openssl(*args: str) -> bytes:
        return subprocess.run(["openssl", *args], check=True, capture_output=True).stdout

    public = load_public(folder / PUBLIC)
    opened = openssl("pkey", "-in", str(folder / PRIVATE), "-passin", f"pass:{SECRET}", "-pubout")
    assert opened.decode() == public.pem
    der = openssl("pkey", "-pubin", "-in", str(folder / PUBLIC), "-outform", "DER")
    assert public.fingerprint == "sha256:" + hashlib.sha256(der).hexdigest()


def test_a_fingerprint_is_spoken_in_groups() -> None:
    assert spoken("sha256:" + "0123456789abcdef" * 4).split() == ["0123", "4567", "89ab", "cdef"] * 4


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_key_that_could_not_be_written_whole_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    """A private half without its public one would bar the way to a new key for good."""
    import os

    from synthproof.release import keys

    calls: list[int] = []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:
            raise stop

    monkeypatch.setattr(keys.os, "fsync", full)
    with pytest.raises((WorkspaceError, KeyboardInterrupt)):
        make_key(tmp_path / "key", SECRET)
    assert list((tmp_path / "key").iterdir()) == []
    monkeypatch.setattr(keys.os, "fsync", os.fsync if not calls else lambda handle: None)
    make_key(tmp_path / "key", SECRET)
