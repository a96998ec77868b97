"""Terms of use and the note on how to check a bundle, in Korean and English. The wording is ours; an institution adds its own.

The guide asks for none of these sentences word for word. They follow from its residual risks: newly found identification,
malicious use, a changed environment, the end of a period of use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synthproof.core.schema import Purpose
from synthproof.core.words import Lang, Words
from synthproof.dossier.cards import mark
from synthproof.policy.purposes import ENVIRONMENT_WORDS, FORM_WORDS
from synthproof.release.keys import spoken

TITLE = Words(en="Terms of use", ko="이용 조건")
NAME = Words(en="terms of use of the institution", ko="기관이 정한 이용 조건")
_ALWAYS: Sequence[Words] = (
    Words(
        en="The records are synthetic. Do not present them, or results from them, as records of real persons.",
        ko="모든 레코드는 합성된 것입니다. 실제 개인의 기록이거나 그로부터 얻은 결과인 것처럼 나타내지 마십시오.",
    ),
    Words(
        en="Do not try to find a real person in them, nor link them to other data for that end.",
        ko="특정 개인을 알아내려는 시도를 하거나 그 목적으로 다른 정보와 결합하지 마십시오.",
    ),
    Words(
        en="If a person seems identifiable, stop, tell nobody else, and report it to the contact below at once.",
        ko="개인이 식별될 수 있다고 판단되면 즉시 이용을 중지하고, 다른 사람에게 알리지 말고 아래 연락처로 지체 없이 알려 주십시오.",
    ),
    Words(
        en="Keep the label “synthetic” in every copy and in every publication that uses the data.",
        ko="모든 사본과 이 데이터를 이용한 발표물에 합성데이터임을 표시하십시오.",
    ),
    Words(
        en="Use ends with the period below, or when the release is called back; copies are then deleted and that is confirmed.",
        ko="아래 활용 기간이 끝나거나 반출이 철회되면 이용을 종료하고, 사본을 삭제한 뒤 그 사실을 확인해 주십시오.",
    ),
)
# What holds for whom: a published file may travel, others may not without asking.
_PASSING_ON: Mapping[bool, Words] = {
    True: Words(
        en="You may pass the whole bundle on, unchanged and with these terms.",
        ko="이 조건과 함께 묶음 전체를 변경 없이 다시 제공할 수 있습니다.",
    ),
    False: Words(
        en="Do not pass the data on without consent of the institution; use them only in the environment named below.",
        ko="기관의 동의 없이 제3자에게 제공하지 말고, 아래에 적은 환경에서만 이용하십시오.",
    ),
}


def terms(purpose: Purpose, restrictions: Sequence[Words], *, start: str, end: str, bundle: str, lang: Lang) -> str:
    """Return the terms as Markdown: ours, then the committee's restrictions, then purpose, period and contact."""

    def w(en: str, ko: str) -> str:
        return ko if lang == "ko" else en

    unnamed = w("not stated", "기재되지 않음")
    rules = [*_ALWAYS, _PASSING_ON[purpose.form == "publication"]]
    lines = [f"# {TITLE.say(lang)}", "", f"{w('Release', '반출물')}: `{bundle}`", ""]
    lines += [f"{i}. {rule.say(lang)}" for i, rule in enumerate(rules, start=1)]
    if restrictions:
        lines += ["", f"## {w('Restrictions set by the committee', '심의위원회가 정한 제한사항')}", ""]
        lines += [f"- {mark(r.say(lang), 600)}" for r in restrictions]
    lines += [
        "",
        f"## {w('Purpose and period', '목적과 기간')}",
        "",
        f"- {w('Purpose', '활용 목적')}: {mark(purpose.description, 600) or unnamed}",
        f"- {w('For', '활용 대상')}: {FORM_WORDS[purpose.form].say(lang)}, "
        f"{ENVIRONMENT_WORDS[purpose.environment].say(lang)}",
        f"- {w('Period of use', '활용 기간')}: {start} – {end}",
        f"- {w('Holder', '보유 기관')}: {mark(purpose.holder) or unnamed}",
        f"- {w('Contact', '연락처')}: {mark(purpose.contact) or unnamed}",
        "",
    ]
    return "\n".join(lines)


def readme(bundle: str, fingerprint: str) -> str:
    """Return ``README.txt``: what the bundle is and how anybody checks it, in both languages."""
    return f"""합성데이터 반출 묶음 {bundle}
Release of synthetic data {bundle}

이 묶음의 모든 레코드는 합성된 것입니다.
Every record in this bundle is synthetic.

확인 방법 / How to check it (offline, no other file is needed):

    pip install 'synthproof[release]'
    synthproof release check .

표시된 지문이 기관이 따로 알려 준 지문과 같은지 확인하십시오. 지문이 다르면 다른 사람이 서명한 것입니다.
Compare the fingerprint it prints with the one that the institution told you by another way. If they differ, somebody
else has signed.

    {spoken(fingerprint)}

철회 여부는 묶음만으로 알 수 없습니다. 기관이 철회 통지 파일을 보냈다면 함께 확인하십시오.
A bundle alone cannot tell whether it was called back later. If the institution sent a notice, check it, too:

    synthproof release check . --notice withdrawal.json
"""
