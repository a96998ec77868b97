"""The controlled words of a report, each with one meaning, in both languages."""

from __future__ import annotations

from dataclasses import dataclass

from synthproof.core.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One word and what it means here."""

    word: Words
    meaning: Words


def _term(en: str, ko: str, means_en: str, means_ko: str) -> Term:
    return Term(word=Words(en=en, ko=ko), meaning=Words(en=means_en, ko=means_ko))


TERMS: tuple[Term, ...] = (
    _term(
        "meets / does not meet / not assessed",
        "충족 / 미충족 / 판단 불가",
        "The only three verdicts. The worst deciding one stands for the whole; nothing is averaged.",
        "판정은 이 세 가지뿐입니다. 판정 항목 중 가장 나쁜 결과가 전체 결과가 되며, 점수를 합산하지 않습니다.",
    ),
    _term(
        "interval",
        "구간",
        "Where the number would plausibly lie if the measurement were repeated on other records of the same kind (95 %).",
        "같은 성격의 다른 자료로 측정을 되풀이할 때 값이 놓일 것으로 보는 범위(95 %)입니다.",
    ),
    _term(
        "reference",
        "참조값",
        "The same metric, real records against other real records (or what theory says): what a value means.",
        "같은 지표를 실제 자료끼리 비교하여 얻은 값(또는 이론값)으로, 측정값의 크기를 가늠하는 기준입니다.",
    ),
    _term(
        "limit",
        "임계값",
        "The line a number is held against, always printed with its origin.",
        "측정값과 비교하는 경계선이며, 항상 출처를 함께 적습니다.",
    ),
    _term(
        "simulated limit",
        "모의실험 임계값",
        "Drawn from the institution's own preprocessed data: one random half plays the synthetic data against the other, "
        "many times, and a quantile of the results is the limit.",
        "기관의 전처리된 원본을 무작위로 둘로 나누어 한쪽을 합성데이터로 간주하는 실험을 "
        "되풀이하고, 그 결과의 분위수를 임계값으로 삼은 것입니다.",
    ),
    _term(
        "holdout",
        "검증용 원본(미학습)",
        "Real units that nothing was learned from; they are opened once, for verification.",
        "학습에 전혀 쓰지 않은 실제 자료로, 검증할 때 한 번만 사용합니다.",
    ),
    _term(
        "singling-out risk",
        "구별위험도(식별위험도)",
        "Share of synthetic records equal to a source record (singling out, identity disclosure).",
        "원본 레코드와 완전히 같은 합성 레코드의 비율입니다(singling out).",
    ),
    _term(
        "linkage risk (CAP)",
        "연결위험도(CAP)",
        "Among synthetic records that share a person's quasi-identifiers, the share that also shows the person's sensitive "
        "value. Abroad this is called attribute disclosure.",
        "어떤 원본과 준식별자가 같은 합성 레코드 중 민감 항목까지 같은 비율입니다. 해외에서는 속성 노출(attribute disclosure)로 부릅니다.",
    ),
    _term(
        "inference risk",
        "추론위험도",
        "Share of synthetic records nearer to their closest source record than that record is to any other source "
        "record; 0.5 is ideal. Abroad this is a closeness statistic, nearest to membership disclosure.",
        "가장 가까운 원본까지의 거리가 그 원본과 다른 원본 사이의 거리보다 짧은 "
        "합성 레코드의 비율입니다. 0.5가 이상적이며, 해외 용어로는 근접성 통계에 해당합니다.",
    ),
    _term(
        "quasi-identifier (K)",
        "준식별자(식별가능정보, K)",
        "A column that does not name a person by itself but may do so in combination.",
        "그 자체로는 개인을 알아볼 수 없으나 다른 정보와 결합하면 알아볼 수 있는 항목입니다.",
    ),
    _term(
        "sensitive item (T)",
        "민감 항목(T)",
        "A column whose disclosure would harm.",
        "노출되면 개인에게 피해를 줄 수 있는 항목입니다.",
    ),
    _term(
        "full synthesis",
        "완전합성",
        "Every value of every record is drawn anew; no part of a real record remains.",
        "모든 레코드의 모든 값을 새로 생성하여 실제 자료가 남지 않는 방식입니다.",
    ),
    _term(
        "irreversibility",
        "비가역성",
        "The source record cannot be recovered even by someone who has the algorithm and code.",
        "알고리즘과 코드를 알아도 원본 레코드를 복원할 수 없는 성질입니다.",
    ),
    _term(
        "digest, fingerprint",
        "지문(해시)",
        "A short number that changes when a single byte changes; it names the data and files this report speaks of.",
        "한 바이트만 바뀌어도 달라지는 짧은 값으로, 이 보고서가 다루는 데이터와 파일을 특정합니다.",
    ),
    _term(
        "vault and dossier",
        "보관소(vault)와 심의자료(dossier)",
        "What holds real data stays in the vault. The dossier goes to the committee and holds no real record.",
        "실제 자료가 담긴 것은 보관소에 남고, 심의위원회에는 실제 레코드가 없는 심의자료만 전달됩니다.",
    ),
)

GUIDE: tuple[Words, ...] = (
    Words(
        en="Read the first page, then only the rows marked “does not meet” or “not assessed”, then section “Not assessed”.",
        ko="첫 장을 읽은 뒤 ‘미충족’ 또는 ‘판단 불가’로 표시된 행과 ‘평가하지 못한 것’ 절을 먼저 보십시오.",
    ),
    Words(
        en="Each row shows the value (dot), its interval (bar), the reference (hollow triangle) and the limit (vertical "
        "line; the tinted side breaks it).",
        ko="각 행의 점은 측정값, 막대는 구간, 빈 삼각형은 참조값, 세로선은 임계값이며, 색이 깔린 쪽이 임계값을 벗어나는 쪽입니다.",
    ),
    Words(
        en="An estimate is held against the limit as the guide does it; an interval that crosses the limit says that "
        "another draw could have come out otherwise.",
        ko="안내서와 같이 추정값을 임계값과 비교합니다. 구간이 임계값에 걸쳐 있으면 다시 생성할 때 결과가 달라질 수 있다는 뜻입니다.",
    ),
    Words(
        en="“Meets” speaks of the rules of the named policy alone. It is no certificate, and no statement about attacks "
        "that were not tried.",
        ko="‘충족’은 적용한 기준의 규칙에 한정된 결과입니다. 인증이 아니며, 시도하지 않은 공격에 대해서는 아무것도 말하지 않습니다.",
    ),
    Words(
        en="The procedure follows the guide of the Personal Information Protection Commission (December 2024); it is "
        "advice and not a certification standard.",
        ko="절차는 개인정보보호위원회 안내서(2024. 12.)를 따랐습니다. 안내서는 권고이며 인증 기준이 아닙니다.",
    ),
)
