"""Environment and form of use, and the level of safety that follows from them (PIPC guide, December 2024, stage 1).

The guide orders ①–⑤ from the highest need for safety (최고) to the ordinary one (보통) and names only the two ends; the
steps between are a gradient. Which quantile of the simulation belongs to which step is ours and stands in the policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from synthproof.core.schema import USE_FORMS, Environment, Purpose, UseForm
from synthproof.core.words import Words

ENVIRONMENT_WORDS: Mapping[Environment, Words] = {
    "open": Words(en="ⓐ fully open", ko="ⓐ 완전 개방"),
    "semi_open": Words(en="ⓑ semi-open (the provider keeps control)", ko="ⓑ 부분 개방"),
    "closed": Words(en="ⓒ closed (control is enforced)", ko="ⓒ 폐쇄"),
}
FORM_WORDS: Mapping[UseForm, Words] = {
    "publication": Words(en="① publication", ko="① 외부 공개"),
    "unspecified_third_party": Words(en="② unspecified third party", ko="② 불특정 제3자"),
    "third_party": Words(en="③ named third party", ko="③ 특정 제3자"),
    "other_department": Words(en="④ other department", ko="④ 타 부서"),
    "internal": Words(en="⑤ internal use", ko="⑤ 내부 이용"),
}
_LEVEL_WORDS = (
    Words(en="highest", ko="최고"),
    Words(en="high (second of five steps)", ko="높음(5단계 중 2단계)"),
    Words(en="fairly high (third of five steps)", ko="다소 높음(5단계 중 3단계)"),
    Words(en="above ordinary (fourth of five steps)", ko="보통 이상(5단계 중 4단계)"),
    Words(en="ordinary", ko="보통"),
)
# The mildest form that each environment can carry in the guide's table.
_MILDEST: Mapping[Environment, int] = {"open": 1, "semi_open": 3, "closed": 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How much safety is needed.

    Parameters
    ----------
    step
        1 (최고) to 5 (보통).
    form
        The form of use that this step corresponds to.
    words
        Name of the level. The guide names 1 and 5; the names between are ours.
    because
        From which environment and form it follows.
    """

    step: int
    form: UseForm
    words: Words
    because: Words


def needed_level(purpose: Purpose) -> Level:
    """Return the level of safety that environment and form of use ask for; the stricter of the two decides."""
    step = min(purpose.form_number, _MILDEST[purpose.environment])
    place, form = ENVIRONMENT_WORDS[purpose.environment], FORM_WORDS[purpose.form]
    because = Words(
        en=f"environment {place.en}, form of use {form.en}",
        ko=f"활용 환경 {place.ko}, 활용 형태 {form.ko}",
    )
    if step < purpose.form_number:
        because = Words(
            en=f"{because.en}; the environment asks for more than the form does, and the stricter decides",
            ko=f"{because.ko}; 활용 환경이 활용 형태보다 높은 수준을 요구하므로 더 엄격한 쪽을 따름",
        )
    return Level(step=step, form=USE_FORMS[step - 1], words=_LEVEL_WORDS[step - 1], because=because)
