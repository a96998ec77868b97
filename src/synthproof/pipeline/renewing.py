"""Renewal: today's measurements on yesterday's release. Attacks get better; the same data may no longer be as safe."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from synthproof.core.errors import StateError, WorkspaceError
from synthproof.core.evidence import FAMILIES, Evidence
from synthproof.core.files import refuse_taken, write_text
from synthproof.core.models import load_model, recipe_of
from synthproof.core.run import Run
from synthproof.core.words import Lang, Words
from synthproof.dossier.assemble import POLICY, read_dossier, write_dossier
from synthproof.dossier.instruments import INSTRUMENTS
from synthproof.dossier.seal import SEAL, check_seal
from synthproof.pipeline.image_road import losses_of
from synthproof.pipeline.images import load_images
from synthproof.pipeline.judging import prove
from synthproof.pipeline.lock import only_one
from synthproof.pipeline.releasing import release_vault
from synthproof.pipeline.tables import load_table
from synthproof.pipeline.workspace import Workspace
from synthproof.policy.load import load_policy
from synthproof.release.vault import Released, ReleaseVault
from synthproof.verification.proof import Proof

Kind: TypeAlias = Literal["same", "within", "moved", "new", "gone", "version", "outcome"]
KIND_WORDS: Mapping[Kind, Words] = {
    "same": Words(en="the same", ko="같음"),
    "within": Words(en="differs within its interval", ko="구간 안에서 다름"),
    "moved": Words(en="moved: the intervals do not touch", ko="달라짐(구간이 겹치지 않음)"),
    "new": Words(en="new measurement", ko="새로 측정"),
    "gone": Words(en="no longer measured", ko="더는 측정하지 않음"),
    "version": Words(en="the metric itself was changed", ko="지표가 개정됨"),
    "outcome": Words(en="could be measured once, not both times", ko="한 번만 측정할 수 있었음"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One number then and now."""

    metric: str
    subject: str
    kind: Kind
    before: float | None
    now: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "metric": self.metric,
            "subject": self.subject,
            "kind": self.kind,
            "before": self.before,
            "now": self.now,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """What a renewal found.

    Parameters
    ----------
    bundle
        The release that was measured anew.
    approved
        Digest of the dossier that it was approved on.
    before, now
        Both proofs.
    dossier
        Where the new dossier lies; its seal names the old one's digest as parent.
    parent, digest
        Digests of the old and of the new dossier.
    differences
        Every number that both or one of them has.
    """

    bundle: str
    approved: str
    before: Proof
    now: Proof
    dossier: Path
    parent: str
    digest: str
    differences: tuple[Difference, ...]

    @property
    def families(self) -> tuple[tuple[str, str, str], ...]:
        """Family, verdict then and verdict now, for families that either has; ``-`` where there is none."""
        then, now = self.before.verdict.families, self.now.verdict.families
        return tuple((f, then.get(f, "-"), now.get(f, "-")) for f in FAMILIES if f in then or f in now)

    @property
    def compared_with_another(self) -> bool:
        """Whether "then" is not the dossier that the release was approved on, but another of the same data."""
        return self.parent != self.approved

    @property
    def worse(self) -> bool:
        """Whether the verdict met the rules before and does not now: a reason to call the release back."""
        return self.before.verdict.result == "meets" and self.now.verdict.result != "meets"


def renew(
    run_dir: str | Path,
    out: str | Path,
    *,
    bundle: str = "",
    dossier: str | Path | None = None,
    policy: str = "",
    repeats: int | None = None,
    lang: Lang = "ko",
    run: Run | None = None,
) -> Renewed:
    """Measure a release anew with today's battery and policy, and write the dossier for a new decision.

    Parameters
    ----------
    run_dir
        Folder of the run; real data, split and model are read from its vault.
    out
        Folder of the new dossier.
    bundle
        Which release; the last one by default.
    dossier
        The dossier that this release was approved on, when it is not the run's own (one that an earlier renewal wrote).
    policy
        Name or TOML file; the one that was applied before (in its present version) by default.
    repeats
        Of simulated limits; as before by default.

    Returns
    -------
    Renewed
        Both proofs and every difference. The release itself is untouched: only a new decision can change its period.

    Raises
    ------
    WorkspaceError
        ``release/not-a-run``.
    NotFoundError
        ``release/unknown-bundle``.
    StateError
        ``release/data-differ``, ``state/damaged``.
    """
    workspace, vault, target = Workspace(Path(run_dir)), release_vault(run_dir), Path(out)
    refuse_taken(target, SEAL)
    found = _release(vault, bundle)
    old_folder = Path(dossier) if dossier is not None else workspace.dossier
    sealed = check_seal(old_folder)
    before = read_dossier(old_folder)
    for name in ("train", "holdout", "synthetic"):
        if not (workspace.vault / name).is_dir():
            raise WorkspaceError("release/not-a-run", where=str(run_dir), missing=f"vault/{name}/")
    with only_one(workspace.root):
        now, synthetic, text = _measured(
            workspace, before, sealed, policy or _policy_of(before, old_folder), repeats, run
        )
        write_dossier(
            target,
            now,
            synthetic=synthetic,
            policy_text=text,
            images=sealed["synthetic"].get("images"),
            lang=lang,
            parent=str(sealed["digest"]),
            run=run,
        )
        made = Renewed(
            bundle=found.bundle,
            approved=found.dossier,
            before=before,
            now=now,
            dossier=target,
            parent=str(sealed["digest"]),
            digest=str(check_seal(target)["digest"]),
            differences=differences(before, now),
        )
        _keep(vault, found, made)
    return made


def _release(vault: ReleaseVault, bundle: str) -> Released:
    known = vault.releases()
    return vault.release(bundle or (known[-1].bundle if known else "-"))


def _policy_of(before: Proof, dossier: Path) -> str:
    """Return the policy's name, or the file that the dossier keeps of a policy that was not one of ours."""
    return str(dossier / POLICY) if before.verdict.changed else before.verdict.policy


def _measured(
    workspace: Workspace, before: Proof, sealed: Mapping[str, Any], policy: str, repeats: int | None, run: Run | None
) -> tuple[Proof, Any, str]:
    vault = workspace.vault
    pictures = (vault / "synthetic" / "images.json").is_file()
    load: Callable[[Path], Any] = load_images if pictures else load_table
    synthetic = load(vault / "synthetic")
    wanted = sealed["synthetic"]["fingerprint"]
    if synthetic.fingerprint() != wanted:
        found = synthetic.fingerprint()
        raise StateError("release/data-differ", where=str(workspace.root), wanted=wanted, found=found)
    settings = before.settings
    full = bool(settings.get("stages", {}).get("verify", {}).get("full", False))
    model = load_model(vault / "model") if (vault / "model").is_dir() else None
    train, holdout = load(vault / "train"), load(vault / "holdout")
    now = prove(
        train,
        synthetic,
        holdout,
        purpose=before.purpose,
        policy=policy,
        seed=int(settings.get("seed", 0)),
        repeats=repeats or int(settings.get("repeats", 100)),
        generator=before.generator,
        recipe=recipe_of(model) if model is not None else None,
        losses=losses_of(model, train, holdout, run, full=full) if pictures else None,
        source=before.data.get("source"),
        record={
            "receipts": before.receipts,
            "refinements": before.refinements,
            "scan": before.scan,
            "settings": {"stages": settings["stages"]} if "stages" in settings else {},
        },
        statements=before.statements,
        gates=tuple(settings.get("gates", ())),
        full=full,
        run=run,
    )
    return with_readings(now, before, policy), synthetic, load_policy(policy).text


def with_readings(now: Proof, before: Proof, policy: str) -> Proof:
    """Return today's proof with the panel of readers that the earlier one holds, judged with it.

    People read the same data, and no machine can read them anew; without their numbers the new dossier would say less.
    """
    readings = tuple(e for e in before.evidence if e.metric in INSTRUMENTS)
    if not readings:
        return now
    now = replace(now, evidence=(*now.evidence, *readings))
    rules = load_policy(policy).for_purpose(now.purpose)
    return now.with_verdict(rules.judge(now.evidence, now.statements, now.limits))


def differences(before: Proof, now: Proof) -> tuple[Difference, ...]:
    """Return every number of either proof with what became of it, in the order of today's evidence."""
    then = {(e.metric, e.subject): e for e in before.evidence}
    here = {(e.metric, e.subject): e for e in now.evidence}
    return tuple(
        Difference(
            metric=key[0],
            subject=key[1],
            kind=_kind(then.get(key), here.get(key)),
            before=then[key].estimate if key in then else None,
            now=here[key].estimate if key in here else None,
        )
        for key in dict.fromkeys([*here, *then])
    )


def _kind(then: Evidence | None, now: Evidence | None) -> Kind:
    if then is None:
        return "new"
    if now is None:
        return "gone"
    if then.version != now.version:
        return "version"
    if then.outcome != now.outcome:
        return "outcome"
    if then.estimate == now.estimate:
        return "same"
    assert then.interval is not None
    assert now.interval is not None
    apart = then.interval[1] < now.interval[0] or now.interval[1] < then.interval[0]
    return "moved" if apart else "within"


def _keep(vault: ReleaseVault, found: Released, made: Renewed) -> None:
    """Keep the comparison in the vault, and write into the journal that it was made."""
    record = {
        "bundle": made.bundle,
        "parent": made.parent,
        "dossier": made.digest,
        "created": made.now.created,
        "result": {"before": made.before.verdict.result, "now": made.now.verdict.result},
        "families": [list(row) for row in made.families],
        "differences": [d.to_dict() for d in made.differences],
    }
    name = f"renewal-{made.digest[7:19]}.json"
    write_text(vault.papers(made.bundle) / name, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    fields = {k: record[k] for k in ("bundle", "parent", "dossier", "result")}
    vault.add("release.renewed", subject=found.manifest, fields=fields)


__all__ = ["KIND_WORDS", "Difference", "Renewed", "differences", "renew", "with_readings"]
