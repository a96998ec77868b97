"""Run a policy's plan over a case, and judge what comes out.

A metric that breaks becomes evidence "failed", which no policy takes for good news; stopping the run, or a cluster that
is lost, is not a failure of a metric and goes through.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from synthproof.core.contracts import Case, Metric, Policy
from synthproof.core.errors import Cancelled, ExecutorError, NotFoundError, SynthproofError
from synthproof.core.evidence import Evidence, Limit, Statement, Verdict
from synthproof.core.random import derive
from synthproof.core.registry import metrics
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.policy.axes import GATE
from synthproof.verification.refine import withheld
from synthproof.verification.releases import NOTICE, held, words_of, worse


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """What a battery measured: a sequence of evidence, with the wall seconds each metric took."""

    evidence: tuple[Evidence, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Evidence]:
        return iter(self.evidence)

    def __len__(self) -> int:
        return len(self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Evidence, limits and the verdict that follows, with wall seconds per part.

    Parameters
    ----------
    seconds
        ``metric name → seconds``, and ``limits`` for the simulation.
    notices
        What the reader must know that no single number says, e.g. why no limit could be simulated.
    """

    evidence: tuple[Evidence, ...]
    limits: tuple[Limit, ...]
    verdict: Verdict
    seconds: Mapping[str, float] = field(default_factory=dict)
    notices: tuple[Words, ...] = ()


def run_battery(case: Case[Any], policy: Policy, *, seed: int, run: Run | None = None, strict: bool = False) -> Battery:
    """Measure everything that a policy's plan wants.

    Parameters
    ----------
    case
        What the metrics may look at. With earlier releases (`Case.released`) safety metrics run twice, see
        `releases`.
    seed
        Each metric gets its own seed, derived from this one and its name: leaving a metric out changes no other.
    strict
        Let a metric's exception through instead of recording it (for authors of metrics).

    Returns
    -------
    Battery
        Evidence in the order of the plan; a metric that was not run says why in evidence without a number. Each piece
        carries the fingerprints of the data and, as ``parts``, how many pieces its metric gave, so that a piece that
        is later lost is missed.
    """
    run = quiet(run)
    schema, purpose = case.train.schema, case.purpose
    left_out: Mapping[str, Words] = getattr(policy, "left_out", _nothing_left_out)(schema, purpose)
    parameters: Callable[[str], Mapping[str, Any]] = getattr(policy, "parameters", _no_parameters)
    names = [*policy.plan(schema, purpose), *left_out]
    inputs = _fingerprints(case)
    together = held(case)
    evidence: list[Evidence] = []
    seconds: dict[str, float] = {}
    for i, name in enumerate(names):
        run.tick("verify/metrics", i, len(names), metric=name)
        if name in left_out:
            found: Sequence[Evidence] = (_without(name, "not_applicable", left_out[name]),)
        else:
            started = time.perf_counter()
            own_seed = derive(seed, f"metric/{name}")
            found = _measure(name, parameters(name), case, seed=own_seed, run=run, strict=strict)
            if together is not None and _is_safety(name):
                of_all = _measure(name, parameters(name), together, seed=own_seed, run=run, strict=strict)
                found = worse(found, of_all, metrics.get(name).card.better, case)
            seconds[name] = time.perf_counter() - started
        stamp = {**inputs, "parts": str(len(found))}
        evidence.extend(replace(e, inputs={**e.inputs, **stamp}, detail=_counted(e)) for e in found)
    run.tick("verify/metrics", len(names), len(names))
    return Battery(evidence=tuple(evidence), seconds=seconds)


def verify_case(
    case: Case[Any],
    policy: Policy,
    *,
    seed: int,
    repeats: int = 100,
    statements: Sequence[Statement] = (),
    voided: Words | None = None,
    gates: Sequence[str] = (),
    run: Run | None = None,
    strict: bool = False,
) -> Judged:
    """Measure, simulate the limits that the policy asks for, and judge.

    Parameters
    ----------
    repeats
        Number of random halvings of train behind each simulated limit.
    voided
        Why nothing can be said of safety (`refine.voided_by`); ``None`` when something can.
    gates
        What forbids to exclude a leak, whatever the numbers say: ``"filtered"``, ``"holdout_used"`` (`policy.axes`).
    """
    run = quiet(run)
    battery = run_battery(case, policy, seed=seed, run=run, strict=strict)
    started = time.perf_counter()
    limits, notices = _limits(case, policy, seed=derive(seed, "limits"), repeats=repeats, run=run, strict=strict)
    seconds = {**battery.seconds, "limits": time.perf_counter() - started}
    bound: Policy = getattr(policy, "for_purpose", lambda _: policy)(case.purpose)
    evidence = battery.evidence if voided is None else withheld(battery.evidence, voided)
    if gates:
        evidence = tuple(replace(e, inputs={**e.inputs, GATE: ",".join(gates)}) for e in evidence)
    verdict = bound.judge(evidence, tuple(statements), limits)
    if case.released:
        notices = (words_of(case, NOTICE), *notices)
    return Judged(evidence=evidence, limits=limits, verdict=verdict, seconds=seconds, notices=notices)


def _counted(e: Evidence) -> Mapping[str, Any]:
    """Return a piece's aggregates with how many records it lists for the owner: the list itself never leaves the vault."""
    lists = [next(iter(v.values()), ()) if isinstance(v, Mapping) else v for v in e.private.values()]
    listed = sum(len(v) for v in lists if isinstance(v, list | tuple))
    return {**e.detail, "listed": listed} if listed else e.detail


def _limits(
    case: Case[Any], policy: Policy, *, seed: int, repeats: int, run: Run, strict: bool
) -> tuple[tuple[Limit, ...], tuple[Words, ...]]:
    ask: Callable[[Purpose], list[tuple[str, float]]] | None = getattr(policy, "limit_specs", None)
    wanted = ask(case.purpose) if ask else []
    if not wanted:
        return (), ()
    from synthproof.verification.limits import LimitSpec, simulate_limits

    specs = [LimitSpec(metric, quantile) for metric, quantile in wanted]
    notices: tuple[Words, ...] = ()
    try:
        if case.train.schema.modality == "image":
            from synthproof.verification.image_limits import simulate_image_limits

            found, notices = simulate_image_limits(case, specs, seed=seed, repeats=repeats, run=run)
        else:
            found = simulate_limits(case.train, case.purpose, specs, seed=seed, repeats=repeats, run=run)
    except (Cancelled, ExecutorError):
        raise
    except Exception as error:  # noqa: BLE001 - without limits every rule that needs one is "not assessed"
        if strict:
            raise
        kind = type(error).__name__
        return (), (
            Words(
                en=f"The limits could not be simulated ({kind}); rules that need them are not assessed.",
                ko=f"한계를 모의할 수 없었습니다({kind}). 모의 한계가 필요한 규칙은 판단할 수 없습니다.",
            ),
        )
    return tuple(found), notices


def _measure(
    name: str, parameters: Mapping[str, Any], case: Case[Any], *, seed: int, run: Run, strict: bool
) -> Sequence[Evidence]:
    try:
        metric = metrics.make(name, **parameters)
        reason = _lacking(metric.card.needs, case)
        if reason is not None:
            return (_without(name, *reason, version=metric.card.version),)
        why_not = metric.applies(case.train.schema, case.purpose)
        if why_not is not None:
            return _unfit(metric, name, why_not, case, seed=seed, run=run)
        found = tuple(metric.measure(case, seed=seed, run=run))
        _check(name, found)
        return found
    except (Cancelled, ExecutorError):
        raise
    except Exception as error:  # noqa: BLE001 - a broken metric is a finding, not the end of the battery
        if strict:
            raise
        return (_without(name, "failed", _failed(name, error)),)


def _is_safety(name: str) -> bool:
    """Return whether a metric is an attack; one that cannot be loaded has said so already."""
    try:
        return bool(metrics.get(name).card.family == "safety")
    except NotFoundError:
        return False


def _unfit(metric: Metric, name: str, why_not: str, case: Case[Any], *, seed: int, run: Run) -> Sequence[Evidence]:
    """Return why a metric does not apply: its own bilingual words where measuring yields them, else ours around them."""
    try:
        found = tuple(metric.measure(case, seed=seed, run=run))
        _check(name, found)
    except (Cancelled, ExecutorError):
        raise
    except Exception:  # noqa: BLE001 - it said beforehand that it does not apply; nothing is lost
        found = ()
    if found and all(e.outcome in ("not_applicable", "insufficient") and e.caveat for e in found):
        return tuple(replace(e, outcome="not_applicable") for e in found)
    return (_without(name, "not_applicable", _both(why_not), version=metric.card.version),)


def _check(name: str, found: Sequence[Evidence]) -> None:
    if not found:
        raise ValueError("a metric must return evidence, at least why there is none")
    for e in found:
        if e.metric != name:
            raise ValueError("a metric may speak only for itself")


def _failed(name: str, error: Exception) -> Words:
    kind = type(error).__name__
    # The error's text may hold values out of the data; its type cannot.
    if isinstance(error, NotFoundError):
        return Words(
            en=f"There is no metric called {name} here, or its package cannot be loaded.",
            ko=f"{name} 지표가 설치되어 있지 않거나 불러올 수 없습니다.",
        )
    if isinstance(error, SynthproofError):
        # our own errors carry names and counts alone, and their code says what to do
        return Words(
            en=f"The metric stopped with {error.code} (`synthproof explain {error.code}`). Its number is missing, which is not "
            "a good result.",
            ko=f"지표가 {error.code} 오류로 중단되었습니다(`synthproof explain {error.code}`). 값이 없는 것은 좋은 결과가 아닙니다.",
        )
    return Words(
        en=f"The metric stopped with {kind}. Its number is missing, which is not a good result.",
        ko=f"지표가 {kind} 오류로 중단되었습니다. 값이 없는 것은 좋은 결과가 아닙니다.",
    )


def _lacking(needs: frozenset[str], case: Case[Any]) -> tuple[Any, Words] | None:
    """Return (outcome, reason) when the case lacks what a metric needs."""
    have = _present(case)
    for need in ("sensitive", "target", "quasi_identifiers", "holdout", "recipe", "losses"):
        if need in needs and not have[need]:
            # Without T there is no question; with T but without K there is one that nobody can answer.
            open_question = need not in {"sensitive", "target"} and not (
                need == "quasi_identifiers" and not have["sensitive"]
            )
            return ("insufficient" if open_question else "not_applicable"), _LACKING[need]
    return None


def _present(case: Case[Any]) -> dict[str, bool]:
    schema: Schema = case.train.schema
    purpose: Purpose = case.purpose
    return {
        "sensitive": bool(purpose.sensitive or schema.with_role("sensitive")),
        "target": bool(purpose.targets or schema.with_role("target")),
        "quasi_identifiers": bool(purpose.quasi_identifiers or schema.with_role("quasi_identifier")),
        "holdout": case.holdout is not None and len(case.holdout) > 0,
        "recipe": case.recipe is not None,
        "losses": case.losses is not None,
    }


_LACKING: Mapping[str, Words] = {
    "sensitive": Words(
        en="No sensitive item (T) was named.",
        ko="민감 항목(T)이 지정되지 않았습니다.",
    ),
    "target": Words(
        en="No target column was named, so there is nothing to predict.",
        ko="목표 변수가 지정되지 않아 예측할 것이 없습니다.",
    ),
    "quasi_identifiers": Words(
        en="A sensitive item (T) is named but no quasi-identifier (K) is, so nobody can say what an attacker knows. "
        "Name K in the purpose file (quasi_identifiers).",
        ko="준식별자(K)가 지정되지 않아 공격자가 아는 정보를 정할 수 없습니다. 활용 목적 파일의 quasi_identifiers에 K를 적으십시오.",
    ),
    "holdout": Words(
        en="There are no held-out real units to compare with.",
        ko="비교할 홀드아웃(학습에 쓰지 않은 실제 자료)이 없습니다.",
    ),
    "recipe": Words(
        en="The generator is not known here, so it cannot be built again.",
        ko="생성기를 알 수 없어 다시 만들 수 없습니다.",
    ),
    "losses": Words(
        en="The generator gave no losses per unit.",
        ko="생성기가 단위별 손실값을 제공하지 않았습니다.",
    ),
}


def _without(name: str, outcome: Any, reason: Words, *, version: int = 1) -> Evidence:
    return Evidence(metric=name, version=version, outcome=outcome, caveat=reason)


def _both(reason: str | Words) -> Words:
    if isinstance(reason, Words):
        return reason
    return Words(en=reason, ko=f"이 자료에는 해당하지 않습니다({reason}).")


def _fingerprints(case: Case[Any]) -> dict[str, str]:
    parts = {"train": case.train, "holdout": case.holdout, "synthetic": case.synthetic}
    return {name: data.fingerprint() for name, data in parts.items() if data is not None}


def _nothing_left_out(_schema: Schema, _purpose: Purpose) -> dict[str, Words]:
    return {}


def _no_parameters(_metric: str) -> dict[str, Any]:
    return {}
