"""The gate: what must hold before anything leaves the vault. Each refusal says what is missing and who can change it."""

from __future__ import annotations

from datetime import date

from synthproof.core.errors import StateError
from synthproof.core.words import Words
from synthproof.dossier.disclose import printable
from synthproof.release.outcome import DECISION_WORDS, Outcome
from synthproof.verification.proof import Proof

GENERATION = "any.generation"


def today() -> date:
    """Return the day by this machine's calendar."""
    return date.today()  # noqa: DTZ011 - a period of use is meant in the reader's own calendar


def refuse_unapproved(outcome: Outcome, digest: str, day: date) -> None:
    """Let pass only what a committee approved: this dossier, conditions ticked off, within its period.

    A conditional approval counts once a named person has ticked off every one of its conditions.

    Parameters
    ----------
    outcome
        What was decided.
    digest
        Digest of the dossier at hand, recomputed from its files.
    day
        The day of sealing.

    Raises
    ------
    StateError
        ``release/other-dossier``, ``release/votes-void``, ``release/not-approved``, ``release/outcome-contradicts``,
        ``release/conditions-open``, ``release/no-period``, ``release/not-begun``, ``release/expired``.
    """
    if outcome.dossier != digest:
        raise StateError("release/other-dossier", where=outcome.case, decided=outcome.dossier, found=digest)
    if void := sum(v.dossier != digest for v in outcome.votes):
        raise StateError("release/votes-void", where=outcome.case, n=void, of=len(outcome.votes))
    if outcome.result == "refused" or (outcome.result == "conditional" and not outcome.conditions):
        raise StateError("release/not-approved", where=outcome.case, found=DECISION_WORDS[outcome.result])
    _refuse_contradiction(outcome)
    if open_ones := [c.id for c in outcome.conditions if not c.met]:
        raise StateError("release/conditions-open", where=outcome.case, n=len(open_ones), names=", ".join(open_ones))
    assert outcome.approved
    if not (outcome.start and outcome.end):
        raise StateError("release/no-period", where=outcome.case)
    if fault := out_of_period(outcome.start, outcome.end, day, where=outcome.case):
        raise fault


def refuse_training_rows(proof: Proof, where: str) -> None:
    """Refuse data that serve to train a model and nothing else, whatever a committee approved.

    Rows between real ones (SMOTE), repeated or moved real ones, and the output of any generator that says of itself
    that it is not meant for release: a real record follows from such a row, and no vote changes that.

    Raises
    ------
    StateError
        ``release/training-only``.
    """
    said = [e for e in proof.evidence if (e.metric, e.subject, e.outcome) == (GENERATION, "releasable", "measured")]
    shown = any(e.estimate is not None and e.estimate < 1 for e in said)
    if shown or proof.generator.tags.get("releasable") is False:
        raise StateError("release/training-only", where=where, generator=printable(proof.generator.name or "-", 60))


def _refuse_contradiction(outcome: Outcome) -> None:
    """Refuse an approval that its own votes deny; how votes are counted otherwise is the institution's rule."""
    if not outcome.votes:
        raise StateError(
            "release/outcome-contradicts",
            where=outcome.case,
            reason=Words(en="nobody voted", ko="의견을 낸 위원이 없음"),
        )
    against = sum(v.result == "refused" for v in outcome.votes)
    if 2 * against >= len(outcome.votes):
        raise StateError(
            "release/outcome-contradicts",
            where=outcome.case,
            reason=Words(
                en=f"{against} of {len(outcome.votes)} members refused",
                ko=f"위원 {len(outcome.votes)}명 중 {against}명이 부적정 의견",
            ),
        )


def out_of_period(start: str, end: str, day: date, *, where: str) -> StateError | None:
    """Return what is wrong with using data on a day outside their period, or ``None``.

    Parameters
    ----------
    start, end
        First and last day of use, ISO 8601.
    """
    if day < date.fromisoformat(start):
        return StateError("release/not-begun", where=where, start=start, today=day.isoformat())
    if day > date.fromisoformat(end):
        return StateError("release/expired", where=where, end=end, today=day.isoformat())
    return None
