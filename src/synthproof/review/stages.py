"""The five stages of the procedure as a state machine: forward by one, back to any earlier one with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from synthproof.core.errors import UsageError
from synthproof.core.words import Words

Result: TypeAlias = Literal["open", "approved", "conditional", "rejected"]
RESULT_WORDS: Mapping[Result, Words] = {
    "open": Words(en="open", ko="미결"),
    "approved": Words(en="proper (approved)", ko="적정(승인)"),
    "conditional": Words(en="approved with conditions", ko="조건부 승인"),
    "rejected": Words(en="improper (returned)", ko="부적정(반려)"),
}

STAGES: tuple[Words, ...] = (
    Words(en="Preparation", ko="사전준비"),
    Words(en="Generation", ko="합성데이터 생성"),
    Words(en="Verification", ko="안전성·유용성 검증"),
    Words(en="Committee", ko="심의위원회 평가"),
    Words(en="Use and safe management", ko="활용·안전한 관리"),
)
COMMITTEE, USE = 4, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One step of a case.

    Parameters
    ----------
    before, after
        Stages, 1 to 5.
    because
        Why; needed when a case goes back.
    """

    before: int
    after: int
    because: str = ""

    @property
    def back(self) -> bool:
        """Whether it is a return."""
        return self.after < self.before

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"before": self.before, "after": self.after, "because": self.because}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Move:
        """Read what `to_dict` wrote."""
        return cls(before=int(data["before"]), after=int(data["after"]), because=str(data.get("because", "")))


def move(stage: int, to: int, *, because: str = "", result: Result = "open", open_conditions: int = 0) -> Move:
    """Return the step from one stage to another, if the procedure has it.

    Parameters
    ----------
    stage, to
        1 to 5.
    because
        Needed for a return, and kept with every step.
    result
        Outcome for the dossier that lies before the committee now; stage 5 is entered only when it is approved, or
        conditional with nothing left open.
    open_conditions
        Number of conditions not ticked off yet.

    Raises
    ------
    UsageError
        ``review/no-such-step`` or ``review/reason-needed``; ``review/not-approved`` before stage 5.
    """
    if not 1 <= to <= len(STAGES) or to == stage or to > stage + 1:
        raise UsageError("review/no-such-step", stage=stage, to=to)
    if to < stage and not because.strip():
        raise UsageError("review/reason-needed", what=Words(en="a return to an earlier stage", ko="이전 단계로의 반송"))
    if to == USE and not (result == "approved" or (result == "conditional" and open_conditions == 0)):
        raise UsageError("review/not-approved", result=RESULT_WORDS[result], n=open_conditions)
    return Move(before=stage, after=to, because=because.strip())


def replay(moves: Sequence[Move], *, start: int = 1) -> int:
    """Return the stage after a history of steps.

    Raises
    ------
    ValueError
        When one of them does not begin where the one before ended.
    """
    stage = start
    for at, step in enumerate(moves, start=1):
        if step.before != stage:
            raise ValueError(f"step {at} begins at stage {step.before}, but the case was at {stage}")
        stage = step.after
    return stage
