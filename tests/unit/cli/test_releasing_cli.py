"""`synthproof release …` on the command line: help, exit codes, what is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from synthproof.cli.releasing import PASSPHRASE, release_app
from synthproof.core.errors import StateError, UsageError, WorkspaceError

COMMANDS = ("keygen", "seal", "check", "handover", "withdraw", "expire", "register", "status", "renew")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    shown = CliRunner().invoke(release_app, [command, "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.output


def test_what_is_no_bundle_or_no_run_is_refused(tmp_path: Path) -> None:
    said = CliRunner().invoke(release_app, ["check", str(tmp_path)])
    assert isinstance(said.exception, StateError)
    assert said.exception.code == "release/not-a-bundle"
    for command in (["status"], ["expire"], ["keygen"], ["renew", "-o", str(tmp_path / "x")]):
        said = CliRunner().invoke(release_app, [command[0], str(tmp_path), *command[1:]], env={PASSPHRASE: "x" * 20})
        assert isinstance(said.exception, WorkspaceError), said.output
        assert said.exception.code == "release/not-a-run"


def test_the_passphrase_comes_from_file_environment_or_keyboard(tmp_path: Path) -> None:
    vault = tmp_path / "run" / "vault"
    vault.mkdir(parents=True)
    (tmp_path / "secret").write_text("from the file, long\nsecond line")
    run = CliRunner().invoke
    for at, (more, env, typed) in enumerate(
        (
            (["--passphrase-file", str(tmp_path / "secret")], {}, ""),
            ([], {PASSPHRASE: "from the environment"}, ""),
            ([], {}, "from the keyboard\nfrom the keyboard\n"),
        )
    ):
        keys = ["--keys", str(tmp_path / f"keys{at}")]
        done = run(release_app, ["keygen", str(vault.parent), *keys, *more], env={PASSPHRASE: "", **env}, input=typed)
        assert done.exit_code == 0, done.output
        assert "sha256:" in done.output
        assert "long" not in done.output
    from synthproof.release.keys import open_key

    for at, secret in enumerate(("from the file, long", "from the environment", "from the keyboard")):
        open_key(tmp_path / f"keys{at}", secret)
    short = run(release_app, ["keygen", str(vault.parent), "--keys", str(tmp_path / "k")], env={PASSPHRASE: "short"})
    assert isinstance(short.exception, UsageError)
    nobody = run(release_app, ["keygen", str(vault.parent), "--keys", str(tmp_path / "k")], env={PASSPHRASE: ""})
    assert isinstance(nobody.exception, UsageError)  # a job without a keyboard
    assert "--passphrase-file" in str(nobody.exception)


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    said = CliRunner().invoke(
        release_app, ["seal", str(tmp_path), "-o", "x", "--outcome", "y", "--certificate", "z"], env={PASSPHRASE: "x"}
    )
    assert isinstance(said.exception, UsageError)
    assert said.exception.code == "usage/missing"
