"""Releases of a run: from its folder to the gate. What needs the workspace stands here; the gate itself needs none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from synthproof.core.errors import WorkspaceError
from synthproof.core.run import Run
from synthproof.dossier.seal import SEAL, check_seal
from synthproof.pipeline.image_road import PICTURES_FOLDER
from synthproof.pipeline.images import load_images
from synthproof.pipeline.lock import only_one
from synthproof.pipeline.tables import load_table
from synthproof.pipeline.workspace import Workspace
from synthproof.release.bundle import Material, Sealed, seal_bundle
from synthproof.release.check import check_release
from synthproof.release.credentials import Certificate
from synthproof.release.keys import PublicKey, load_public, make_key
from synthproof.release.reading import read_outcome
from synthproof.release.vault import ReleaseVault


def release_vault(run_dir: str | Path, keys: str | Path | None = None) -> ReleaseVault:
    """Return the room of releases of a run.

    Parameters
    ----------
    run_dir
        Folder that `run` wrote.
    keys
        Folder of a signing key that serves several runs.

    Raises
    ------
    WorkspaceError
        ``release/not-a-run``.
    """
    workspace = Workspace(Path(run_dir))
    if not workspace.vault.is_dir():
        raise WorkspaceError("release/not-a-run", where=str(run_dir), missing="vault/")
    return ReleaseVault(workspace.vault, Path(keys) if keys is not None else None)


def release_key(run_dir: str | Path, passphrase: str, *, keys: str | Path | None = None) -> PublicKey:
    """Make the signing key of a run, or one in the folder `keys`, and write that into the journal of releases."""
    vault = release_vault(run_dir, keys)
    made = make_key(vault.key, passphrase)
    vault.add("release.key", subject=made.fingerprint, fields={"algorithm": "Ed25519"})
    return made


def seal_release(
    run_dir: str | Path,
    out: str | Path,
    *,
    outcome: str | Path,
    passphrase: str,
    dossier: str | Path | None = None,
    keys: str | Path | None = None,
    outcome_key: str | Path | None = None,
    start: str = "",
    end: str = "",
    images: Mapping[str, Path] | None = None,
    certificate: Certificate | None = None,
    day: date | None = None,
    run: Run | None = None,
) -> Sealed:
    """Seal the synthetic data of a run into a signed bundle, if a committee approved exactly its dossier.

    Parameters
    ----------
    run_dir
        Folder that `run` wrote: the synthetic data are taken from its vault.
    out
        Becomes the bundle: a folder, or a file that ends in ``.zip``. Nothing is overwritten.
    outcome
        ``outcome.json``, or a case as the review server exported it (a zip, or a folder).
    passphrase
        Opens the signing key.
    dossier
        The dossier that was approved, when it is not the run's own (one that `renew` wrote).
    keys
        Folder of a signing key that serves several runs; the vault's own by default.
    outcome_key
        Public key that must have signed the outcome.
    start, end
        First and last day of use, ISO 8601, where the decision sets none.
    images, certificate
        Pictures that the dossier names, and what makes their content credentials.
    day
        The day of sealing; today by default.

    Returns
    -------
    Sealed
        Name, place, digest of the manifest, fingerprint of the key.

    Raises
    ------
    StateError
        ``release/…``: what the gate refuses, and why.
    """
    workspace = Workspace(Path(run_dir))
    vault = release_vault(run_dir, keys)
    folder = Path(dossier) if dossier is not None else workspace.dossier
    if not (folder / SEAL).is_file():
        raise WorkspaceError("release/not-a-run", where=str(run_dir), missing=f"{folder.name}/{SEAL}")
    if not (workspace.vault / "synthetic").is_dir():
        raise WorkspaceError("release/not-a-run", where=str(run_dir), missing="vault/synthetic/")
    key = load_public(Path(outcome_key)) if outcome_key is not None else None
    digest = str(check_seal(folder)["digest"])
    decided = read_outcome(Path(outcome), dossier=digest, key=key, start=start, end=end)
    with only_one(workspace.root):
        return seal_bundle(
            _material(workspace, folder, images),
            decided,
            vault,
            Path(out),
            passphrase=passphrase,
            certificate=certificate,
            day=day,
            run=run,
        )


def _material(workspace: Workspace, dossier: Path, images: Mapping[str, Path] | None) -> Material:
    """Return what a run has to release: its table, or its label table with the pictures."""
    place = workspace.vault / "synthetic"
    if not (place / "images.json").is_file():
        return Material(dossier=dossier, synthetic=load_table(place), images=dict(images or {}))
    own = {p.name: p for p in sorted((workspace.vault / PICTURES_FOLDER).glob("*.png"))}
    return Material(dossier=dossier, synthetic=load_images(place), images=dict(images) if images else own)


__all__ = ["check_release", "release_key", "release_vault", "seal_release"]
