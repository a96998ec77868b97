"""What a page says of a proof of differential privacy; the ledger itself, look by look, stands in ``dossier.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthproof.core.words import Words

_PURPOSES: Mapping[str, Words] = {
    "total": Words(en="number of rows", ko="행 수"),
    "range": Words(en="ranges", ko="값의 범위"),
    "grain": Words(en="grains", ko="값의 단위"),
    "levels": Words(en="levels", ko="범주 목록"),
    "column": Words(en="single columns", ko="단일 열"),
    "choice": Words(en="choice of pairs", ko="열 쌍의 선택"),
    "pair": Words(en="pairs of columns", ko="열 쌍"),
}
_SOURCES: Mapping[str, Words] = {
    "declared": Words(en="declared", ko="직접 지정"),
    "vouched": Words(en="read off the data, stated to be common knowledge", ko="데이터에서 읽고 공개된 지식으로 확인"),
    "bought": Words(en="found with a part of the budget", ko="예산의 일부로 탐색"),
}


def guarantee_rows(privacy: Mapping[str, Any]) -> list[tuple[Words, Words]]:
    """Return label and text of a guarantee: the promise, how it was spent, where the domains come from; none if none."""
    if not privacy:
        return []
    entries = privacy["entries"]
    spent: dict[str, float] = {}
    for e in entries:
        spent[e["purpose"]] = spent.get(e["purpose"], 0.0) + e["rho"]
    rho, rows = float(privacy["rho"]), int(privacy["rows_per_person"])
    shares = [(_PURPOSES[k], v / rho) for k, v in spent.items()]
    sources: dict[str, int] = {}
    for source in privacy["domain"].values():
        sources[source] = sources.get(source, 0) + 1
    said = [(_SOURCES[k], n) for k, n in sources.items()]
    epsilon, delta = privacy["epsilon_spent"], privacy["delta_spent"]
    return [
        (
            Words(en="Guarantee", ko="보장"),
            Words(
                en=f"ε = {epsilon:.4g}, δ = {delta:.2g}, for adding or removing one unit with at most {rows} row(s)",
                ko=f"ε = {epsilon:.4g}, δ = {delta:.2g} (단위 하나, 최대 {rows}행의 추가·삭제 기준)",
            ),
        ),
        (
            Words(en="Privacy budget", ko="프라이버시 예산"),
            Words(
                en=f"ρ = {rho:.4g} (zCDP), {len(entries)} looks: " + ", ".join(f"{w.en} {s:.1%}" for w, s in shares),
                ko=f"ρ = {rho:.4g} (zCDP), 조회 {len(entries)}회: " + ", ".join(f"{w.ko} {s:.1%}" for w, s in shares),
            ),
        ),
        (
            Words(en="What columns may hold", ko="값 범위의 근거"),
            Words(
                en=", ".join(f"{w.en}: {n} columns" for w, n in said),
                ko=", ".join(f"{w.ko}: {n}개 열" for w, n in said),
            ),
        ),
    ]


__all__ = ["guarantee_rows"]
