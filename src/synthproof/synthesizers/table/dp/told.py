"""What the reader of a report must know of a guarantee: what it says, what it rests on, and what it does not cover."""

from __future__ import annotations

from collections.abc import Mapping

from synthproof.core.words import Words
from synthproof.synthesizers.table.dp.domain import Domain, Source
from synthproof.synthesizers.table.dp.ledger import Ledger


def notices_of(ledger: Ledger, domains: Mapping[str, Domain], unit: str) -> tuple[Words, ...]:
    """Return the notices, the guarantee first."""
    epsilon, delta = ledger.spent
    said = [
        _PROMISE.filled(
            epsilon=f"{epsilon:.4g}", delta=f"{delta:.2g}", unit=unit, rows=ledger.rows, n=len(ledger.entries)
        )
    ]
    for source, words in _FROM.items():
        names = [name for name, d in domains.items() if d.source == source]
        if names:
            said.append(words.filled(names=", ".join(names)))
    return (*said, _NOT_COVERED)


_PROMISE = Words(
    en="Differential privacy, proved for the generator: ({epsilon}, {delta}), for adding or removing one {unit} with at most "
    "{rows} row(s); {n} looks at the data, each in the ledger. It covers the fitted model and every table drawn from it.",
    ko="생성기에 대해 증명된 차분 프라이버시: ({epsilon}, {delta}). {unit} 하나(최대 {rows}행)의 추가·삭제를 기준으로 하며, 데이터 "
    "조회 {n}회가 모두 장부에 기록되어 있습니다. 학습된 모형과 그 모형으로 생성한 모든 표에 적용됩니다.",
)
_FROM: Mapping[Source, Words] = {
    "vouched": Words(
        en="A person stated that what these columns may hold is common knowledge, though it was read off the data; the proof "
        "rests on that: {names}.",
        ko="다음 열이 가질 수 있는 값은 데이터에서 읽었으나 공개된 지식이라고 담당자가 확인하였으며, 증명은 이를 전제로 합니다: {names}.",
    ),
    "bought": Words(
        en="What these columns may hold was found with a part of the budget: {names}.",
        ko="다음 열이 가질 수 있는 값은 프라이버시 예산의 일부로 찾았습니다: {names}.",
    ),
}
_NOT_COVERED = Words(
    en="Not covered: figures that compare drawn with real records (they are made from the real ones, so this report is for "
    "the house); names and kinds of columns and how values are written; a number of drawn records that repeats how many were "
    "learned from; any filter that looks at the data afterwards.",
    ko="적용되지 않는 것: 생성 데이터와 실제 데이터를 비교한 수치(실제 데이터로 계산하므로 이 보고서는 기관 내부용), "
    "열의 이름·유형과 값의 표기 방식, 학습한 건수와 같게 정한 생성 건수, 생성 후 원본을 참조하는 모든 후처리.",
)

__all__ = ["notices_of"]
