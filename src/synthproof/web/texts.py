"""The pledges that come before the first page, and the roles' and acts' names as pages print them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from synthproof.core.fingerprint import digest_json
from synthproof.core.words import Words


@dataclass(frozen=True, kw_only=True)
class PledgeText:
    """A pledge.

    Parameters
    ----------
    title
        Heading.
    paragraphs
        What is pledged.
    questions
        Yes-no items that must be answered first; a yes asks for a word of explanation.
    """

    title: Words
    paragraphs: tuple[Words, ...]
    questions: tuple[Words, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Digest of the text: a pledge on an earlier wording is asked for again."""
        parts = (self.title, *self.paragraphs, *self.questions)
        return digest_json([w.to_dict() for w in parts])


PLEDGES: Mapping[str, PledgeText] = {
    "confidentiality": PledgeText(
        title=Words(en="Pledge of confidentiality", ko="비밀유지 서약"),
        paragraphs=(
            Words(
                en="I keep secret what I learn here about the data, the people behind them and the committee's talks, also "
                "after my task has ended.",
                ko="심의 과정에서 알게 된 데이터, 정보주체, 위원회 논의 내용을 업무가 끝난 뒤에도 누설하지 않겠습니다.",
            ),
            Words(
                en="I make no copy of what is shown to me, and I do not try to find out whom a record belongs to.",
                ko="열람한 자료를 복사하지 않으며, 기록이 누구의 것인지 알아내려 하지 않겠습니다.",
            ),
        ),
    ),
    "interest": PledgeText(
        title=Words(en="Declaration on conflicts of interest", ko="이해충돌 여부 신고"),
        paragraphs=(
            Words(
                en="Answer each item. A yes does not shut you out by itself: for a case that it touches, declare the conflict "
                "there, and you neither vote nor count. Report changes within five business days.",
                ko="항목마다 답해 주십시오. '예'라고 답해도 곧바로 배제되지 않습니다. 관련된 안건에서 이해충돌을 신고하면 그 안건의 "
                "표결에서 제외됩니다. 변동이 있으면 5영업일 안에 알려 주십시오.",
            ),
        ),
        questions=(
            Words(
                en="I took part in making or commissioning data that are reviewed here.",
                ko="심의 대상 데이터의 생성이나 의뢰에 참여하였다.",
            ),
            Words(
                en="I work for, or am paid by, someone who will use such data.",
                ko="해당 데이터를 이용할 기관에 소속되어 있거나 보수를 받는다.",
            ),
            Words(
                en="I hold shares or other financial interests that the outcome may change.",
                ko="심의 결과에 따라 영향을 받을 수 있는 지분 등 경제적 이해관계가 있다.",
            ),
            Words(
                en="Someone of my family stands in one of these relations.",
                ko="가족이 위와 같은 관계에 있다.",
            ),
            Words(
                en="I advised one of the parties on these data within the last two years.",
                ko="최근 2년 안에 해당 데이터에 관하여 당사자에게 자문하였다.",
            ),
            Words(
                en="There is another reason why my judgement could be doubted.",
                ko="그 밖에 공정한 판단을 의심받을 사정이 있다.",
            ),
        ),
    ),
}

ACT_WORDS: Mapping[str, Words] = {
    "person.invited": Words(en="invited", ko="초대"),
    "person.joined": Words(en="joined", ko="가입"),
    "person.blocked": Words(en="blocked", ko="차단"),
    "person.reset": Words(en="password reset offered", ko="비밀번호 재설정 링크 발급"),
    "person.password": Words(en="password set", ko="비밀번호 설정"),
    "person.locked": Words(en="account locked", ko="계정 잠김"),
    "pledge.signed": Words(en="pledge signed", ko="서약"),
    "case.opened": Words(en="case opened", ko="안건 등록"),
    "dossier.imported": Words(en="dossier brought in", ko="심의자료 등록"),
    "member.called": Words(en="member called", ko="위원 지정"),
    "member.conflict": Words(en="conflict of interest declared", ko="이해충돌 신고"),
    "stage.moved": Words(en="stage changed", ko="단계 변경"),
    "comment.written": Words(en="comment", ko="의견"),
    "question.asked": Words(en="question to the steward", ko="담당자에 대한 질의"),
    "question.replied": Words(en="reply", ko="답변"),
    "answer.given": Words(en="answer", ko="항목별 의견"),
    "ballot.cast": Words(en="vote", ko="표결"),
    "outcome.closed": Words(en="outcome", ko="심의 결과"),
    "condition.ticked": Words(en="condition fulfilled", ko="조건 이행 확인"),
    "case.exported": Words(en="case exported", ko="안건 내보내기"),
    "panel.opened": Words(en="panel opened", ko="판독 시험 시작"),
    "panel.called": Words(en="reader called", ko="판독자 지정"),
    "panel.started": Words(en="reading begun", ko="판독 시작"),
    "reading.given": Words(en="reading", ko="판독"),
    "panel.finished": Words(en="reading finished", ko="판독 완료"),
    "panel.closed": Words(en="panel closed", ko="판독 시험 종료"),
    "panel.exported": Words(en="readings taken out", ko="판독 결과 반출"),
}

STATE_WORDS: Mapping[str, Words] = {
    "open": Words(en="open", ko="진행 중"),
    "closed": Words(en="closed", ko="종료"),
}
EXPERTISE_WORDS: Mapping[str, Words] = {
    "any": Words(en="any", ko="공통"),
    "law": Words(en="law", ko="법률"),
    "privacy": Words(en="privacy", ko="개인정보"),
    "ai": Words(en="AI and data", ko="인공지능·데이터"),
    "clinical": Words(en="clinical", ko="임상"),
    "security": Words(en="security", ko="정보보안"),
}
