"""Who may do what: one table of roles and actions. Every face asks it, and nothing else decides.

A cell says how far a right reaches. ``everywhere``: in every case. ``member``: in cases the person was called to.
``area``: in those, and only for the questions given to the person. ``own``: on what is the person's own (a password, a
pledge). An empty cell: not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, TypeAlias

from synthproof.core.words import Words

Role: TypeAlias = Literal["steward", "chair", "reviewer", "reader", "auditor"]
Reach: TypeAlias = Literal["", "own", "area", "member", "everywhere"]

ROLES: tuple[Role, ...] = ("steward", "chair", "reviewer", "reader", "auditor")
ROLE_WORDS: Mapping[Role, Words] = {
    "steward": Words(en="data steward", ko="데이터 담당자"),
    "chair": Words(en="chair", ko="위원장"),
    "reviewer": Words(en="reviewer", ko="심의위원"),
    "reader": Words(en="reader", ko="판독자"),
    "auditor": Words(en="auditor", ko="감사자"),
}

#                        steward       chair         reviewer    reader      auditor
_TABLE: Mapping[str, tuple[Reach, Reach, Reach, Reach, Reach]] = {
    "account.own":       ("own",        "own",        "own",      "own",      "own"),
    "pledge.sign":       ("own",        "own",        "own",      "own",      "own"),
    "people.see":        ("",           "everywhere", "",         "",         "everywhere"),
    "people.invite":     ("",           "everywhere", "",         "",         ""),
    "people.block":      ("",           "everywhere", "",         "",         ""),
    "people.reset":      ("",           "everywhere", "",         "",         ""),
    "case.list":         ("member",     "everywhere", "member",   "member",   "everywhere"),
    "case.import":       ("everywhere", "",           "",         "",         ""),
    "case.read":         ("member",     "everywhere", "member",   "",         "everywhere"),
    "case.members":      ("",           "everywhere", "",         "",         ""),
    "case.renew":        ("member",     "",           "",         "",         ""),
    "case.submit":       ("member",     "",           "",         "",         ""),
    "case.move":         ("",           "everywhere", "",         "",         ""),
    "comment.write":     ("member",     "everywhere", "member",   "",         ""),
    "comment.ask":       ("",           "everywhere", "member",   "",         ""),
    "comment.reply":     ("member",     "",           "",         "",         ""),
    "answer.give":       ("",           "area",       "area",     "",         ""),
    "answer.see_all":    ("",           "everywhere", "",         "",         "everywhere"),
    "outcome.see":       ("member",     "everywhere", "member",   "",         "everywhere"),
    "outcome.close":     ("",           "everywhere", "",         "",         ""),
    "condition.tick":    ("",           "everywhere", "",         "",         ""),
    "journal.read":      ("",           "everywhere", "",         "",         "everywhere"),
    "case.export":       ("member",     "everywhere", "",         "",         "everywhere"),
    "panel.open":        ("member",     "",           "",         "",         ""),
    "panel.read":        ("",           "",           "",         "member",   ""),
    "panel.close":       ("member",     "",           "",         "",         ""),
    "panel.result":      ("member",     "everywhere", "",  "",         "everywhere"),
}  # fmt: skip

ACTIONS: tuple[str, ...] = tuple(_TABLE)
ACTION_WORDS: Mapping[str, Words] = {
    "account.own": Words(en="own account", ko="본인 계정"),
    "pledge.sign": Words(en="sign own pledges", ko="본인 서약"),
    "people.see": Words(en="see people", ko="사용자 보기"),
    "people.invite": Words(en="invite people", ko="사용자 초대"),
    "people.block": Words(en="block people", ko="사용자 차단"),
    "people.reset": Words(en="reset a password", ko="비밀번호 재설정"),
    "case.list": Words(en="see the list of cases", ko="안건 목록 보기"),
    "case.import": Words(en="bring in a dossier", ko="심의자료 등록"),
    "case.read": Words(en="read a case", ko="안건 열람"),
    "case.members": Words(en="call members, give areas and dates", ko="위원 지정, 담당 영역·기한 설정"),
    "case.renew": Words(en="bring in a later dossier", ko="보완 심의자료 등록"),
    "case.submit": Words(en="submit for review", ko="심의 요청"),
    "case.move": Words(en="move or return the stage", ko="단계 이동·반송"),
    "comment.write": Words(en="write comments", ko="의견 작성"),
    "comment.ask": Words(en="ask the steward", ko="담당자에게 질의"),
    "comment.reply": Words(en="reply to questions", ko="질의에 답변"),
    "answer.give": Words(en="answer and vote", ko="심의 의견·표결"),
    "answer.see_all": Words(en="see all answers before the end", ko="종료 전 모든 의견 보기"),
    "outcome.see": Words(en="see the outcome", ko="심의 결과 보기"),
    "outcome.close": Words(en="count and close", ko="집계·종료"),
    "condition.tick": Words(en="tick off conditions", ko="조건 이행 확인"),
    "journal.read": Words(en="read the journal", ko="기록부 열람"),
    "case.export": Words(en="export a case", ko="안건 내보내기"),
    "panel.open": Words(en="bring in and open a panel", ko="판독 시험 등록·시작"),
    "panel.read": Words(en="read as a panel's reader", ko="판독 시험 응시"),
    "panel.close": Words(en="close a panel", ko="판독 시험 종료"),
    "panel.result": Words(en="see a closed panel's result", ko="종료된 판독 시험 결과 보기"),
}


def reach(role: Role, action: str) -> Reach:
    """Return how far a role's right to an action reaches; empty: it has none.

    Raises
    ------
    KeyError
        For an action that is not in the table: a misspelt one must never be allowed by default.
    """
    return _TABLE[action][ROLES.index(role)]


def may(role: Role, action: str, *, member: bool = False, area: bool = False, own: bool = False) -> bool:
    """Return whether a person may do something.

    Parameters
    ----------
    member
        The person was called to the case.
    area
        The question is one of those given to the person in that case.
    own
        It is the person's own account or pledge.
    """
    allowed = reach(role, action)
    if allowed == "everywhere":
        return True
    if allowed == "member":
        return member
    if allowed == "area":
        return member and area
    return allowed == "own" and own


def allowed(role: Role) -> tuple[str, ...]:
    """Return the actions that a role may do somewhere."""
    return tuple(action for action in ACTIONS if reach(role, action))


def table(roles: Collection[Role] = ROLES) -> tuple[tuple[str, Mapping[Role, Reach]], ...]:
    """Return the whole table, row by row, for pages and documentation."""
    return tuple((action, {role: reach(role, action) for role in roles}) for action in ACTIONS)
