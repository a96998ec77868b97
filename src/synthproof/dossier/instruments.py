"""Cards of what people measure: instruments of verification that are no metric, since no machine can run them."""

from __future__ import annotations

from collections.abc import Mapping

from synthproof.core.evidence import Card
from synthproof.core.words import Words

VISUAL_TURING = Card(
    id="any.visual_turing",
    version=1,
    family="fidelity",
    name=Words(en="Visual Turing test", ko="판독 시험(VTT)"),
    question=Words(
        en="How often do readers tell real from synthetic? It speaks of realism only, never of safety: copies of the originals "
        "would do perfectly.",
        ko="판독자가 실제와 합성을 얼마나 구별하는가? 현실성만을 뜻하며 안전성의 근거가 아니다(원본의 복제본이라면 가장 좋은 결과가 "
        "나온다).",
    ),
    unit="share of right answers",
    low=0.0,
    high=1.0,
    better="lower",
    source="PIPC reference model and guide (2024); exact intervals and tests: Clopper & Pearson 1934, Fleiss 1971",
    ideal=Words(en="0.5: guessing", ko="0.5: 추측과 같음"),
    needs=frozenset({"panel"}),
)
INSTRUMENTS: Mapping[str, Card] = {VISUAL_TURING.id: VISUAL_TURING}
