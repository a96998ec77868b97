"""docs/explanation/calibration.md: what the trial of the verdict found, from results/verdicts.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthproof.testing.leaks import LEAKS

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "calibration.md"
_POLICY = "public"
_HARD = ("survey", "heart_disease")
_AXES = ("copies", "membership", "attribute", "linkability", "singling_out_attack")
_HEAD = """# Is the verdict true? · 판정은 옳은가

Written by `make calibrate` (`benchmarks/verdicts.py`). Known persons were given away in known numbers, many times; the whole
safety battery ran; the axes of the policies judged. Numbers are counts of redraws, with 95 % intervals (Clopper–Pearson).
알려진 사람을 알려진 수만큼 일부러 유출시킨 합성데이터로 판정 전체를 여러 번 시험한 결과입니다.
"""


def write_page(result: dict[str, Any]) -> str:
    """Write the page and return its path."""
    lines = [_HEAD, _machine(result), "", "## Goals · 목표", "", *_goals(result), ""]
    lines += [
        "## Every leak · 유출별 결과",
        "",
        f"Under `{_POLICY}`; tolerances are in the policy.",
        "",
        *_by_leak(result),
        "",
    ]
    lines += ["## By source · 자료별 결과", "", *_by_source(result), ""]
    lines += ["## Differential privacy · 차분 프라이버시", "", *_audit(result["dp_audit"]), "", *_blind()]
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return str(PAGE.relative_to(PAGE.parents[2]))


def _machine(result: dict[str, Any]) -> str:
    e = result["environment"]
    return (
        f"{result['cells']:,} batteries of {result['n']:,} training units (heart_disease has 920 in all), "
        f"{result['seconds_per_battery']} s each (median) · {e['cores']} cores {e['processor']} · Python {e['python']}, "
        f"numpy {e['numpy']} · {e['date']} · seeds 0, 1, 2, …"
    )


def _goals(result: dict[str, Any]) -> list[str]:
    clean = next(r for r in result["clean"] if r["policy"] == _POLICY)
    rows = [r for r in result["by_leak"] if r["policy"] == _POLICY]
    out = ["| goal | measured | met |", "| --- | --- | --- |"]
    hits, low, high = clean["leak_shown"]
    out.append(
        f"| clean data are called leaky in ≤ 5 % | {hits} of {clean['redraws']} ({100 * low:.1f}–{100 * high:.1f} %) | "
        f"{'yes' if hits <= 0.05 * clean['redraws'] else '**no**'} |"
    )
    must = [r for r in rows if LEAKS[r["group"][0]].expected == {"leak_shown"}]
    held = [r for r in must if r["leak_shown"][0] >= 0.95 * r["redraws"]]
    missed = ", ".join(f"{r['group'][0]} at {r['group'][1]} ({_share(r)})" for r in must if r not in held)
    out.append(
        f"| every leak of ≥ 1 % of rows is shown in ≥ 95 % | {len(held)} of {len(must)} leaks × splits"
        f"{'; missed: ' + missed if missed else ''} | {'yes' if not missed else '**no**'} |"
    )
    out.append(_fine(result))
    for key, words in (
        ("below_its_size", "no leak is *bounded* below its true size (attribute only: the share of persons told)"),
        ("below_its_share_of_rows", "the same, attribute only counted by rows"),
    ):
        below = sum(r[key] for r in result["by_leak"])
        where = ", ".join(
            f"{r['group'][0]} at {r['group'][1]} under {r['policy']}: {r[key]} of {r['redraws']}"
            for r in result["by_leak"]
            if r[key]
        )
        total = sum(r["redraws"] for r in result["by_leak"] if r["size"])
        out.append(
            f"| {words} | {below} of {total:,} verdicts, all policies{': ' + where if where else ''} | "
            f"{'yes' if not below else '**no**'} |"
        )
    return out


def _fine(result: dict[str, Any]) -> str:
    """Return the second goal where records can be told apart: at 1:1, not in the sources of `_HARD`."""
    runs: dict[str, list[int]] = {}
    for r in result["by_source"]:
        leak, source, split = r["group"]
        if r["policy"] == _POLICY and split == "1:1" and source not in _HARD and LEAKS[leak].expected == {"leak_shown"}:
            n, hits = runs.get(leak, [0, 0])
            runs[leak] = [n + r["redraws"], hits + r["leak_shown"][0]]
    missed = ", ".join(f"{k} ({h} of {n})" for k, (n, h) in runs.items() if h < 0.95 * n)
    held = sum(h >= 0.95 * n for n, h in runs.values())
    return (
        f"| the same at 1:1, without {' and '.join(_HARD)} (records that many share; few persons) | {held} of {len(runs)} leaks"
        f"{'; missed: ' + missed if missed else ''} | {'yes' if not missed else '**no**'} |"
    )


def _share(r: dict[str, Any]) -> str:
    return f"{100 * r['leak_shown'][0] / r['redraws']:.0f} %"


def _by_leak(result: dict[str, Any]) -> list[str]:
    out = [
        "| leak | split | redraws | leak shown | bounded | not assessed | expected | copies | membership | attribute | "
        "linkability | singling out |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    order = list(LEAKS)
    rows = [r for r in result["by_leak"] if r["policy"] == _POLICY]
    for r in sorted(rows, key=lambda r: (order.index(r["group"][0]), r["group"][1])):
        n = r["redraws"]
        expected = LEAKS[r["group"][0]].expected
        told = "anything" if len(expected) == 3 else " or ".join(sorted(x.replace("_", " ") for x in expected))  # noqa: PLR2004
        cells = [r["group"][0], r["group"][1], str(n)]
        for state in ("leak_shown", "bounded", "not_assessed"):
            hits, low, high = r[state]
            cells.append(f"{100 * hits / n:.0f} % ({100 * low:.0f}–{100 * high:.0f})")
        cells += [told, *(f"{100 * r['axes'][a][0] / n:.0f} %" for a in _AXES)]
        out.append("| " + " | ".join(cells) + " |")
    told = ", ".join(
        f"{r['group'][0]} {100 * r['told']:.1f} %" for r in rows if r.get("told") is not None and r["group"][1] == "1:1"
    )
    return [
        *out,
        "",
        "The last five columns: how often each axis shows a leak.",
        "",
        "Handing out K and T alone tells somebody's secret only where his K are rare. What an attacker who knows K guesses "
        f"rightly more often than from clean data, as a share of all persons, is the true size: {told or 'not measured yet'} "
        "(means over sources at 1:1). K와 T만 유출된 경우의 실제 크기는 비밀이 새로 드러난 사람의 비율입니다.",
    ]


def _by_source(result: dict[str, Any]) -> list[str]:
    rows = [r for r in result["by_source"] if r["policy"] == _POLICY and r["group"][2] == "1:1"]
    sources = list(dict.fromkeys(r["group"][1] for r in rows))
    table = {(r["group"][0], r["group"][1]): r for r in rows}
    out = ["| leak shown, 1:1 | " + " | ".join(sources) + " |", "| --- |" + " ---: |" * len(sources)]
    for leak in LEAKS:
        cells = []
        for source in sources:
            r = table.get((leak, source))
            cells.append("–" if r is None else f"{r['leak_shown'][0]}/{r['redraws']}")
        out.append(f"| {leak} | " + " | ".join(cells) + " |")
    return out


def _audit(found: dict[str, Any]) -> list[str]:
    kept, broken = found["as it is"], found["half the noise"]
    return [
        f"Our own mechanism at ε = {found['promise']['epsilon']:g}, attacked {found['runs']} times by somebody who knows all but "
        f"one person: the attack proves ε ≥ {kept['epsilon_gaussian']:g} (no more than promised). With half of the noise it "
        f"proves ε ≥ {broken['epsilon_gaussian']:g} (the bug is caught)."
    ]


def _blind() -> list[str]:
    return [
        "## What the battery cannot see · 배터리가 볼 수 없는 것",
        "",
        "- One person among thousands, copied once: no statistic of this size can tell it from chance. It is never *bounded* below "
        "its size, since every printed bound is larger; a list of the records nearest to synthetic ones lies in the vault.",
        "- Handing out K and T of a person where many persons share that K (survey, adult_like, korean_health_exam): few secrets "
        "are told (see above), and no axis shows it. A bound under the share of rows handed out is then right: it speaks of persons.",
        "- Copies in a table where a seventh of the real persons have a twin (korean_health_exam): fresh persons equal training "
        "persons too, and a hundredth of copies drowns in that.",
        "- Verbatim copies in a table whose records many persons share (survey): unseen persons have the same records. They are "
        "never called bounded there.",
        "- Near copies in tables of few, coarse numbers: near means little there, and the axis says *not assessed*.",
        "- At 9:1 nine of ten persons met by chance are training persons, so that k copies can be chance with 0.9^k: 40 of "
        "4,000 leave 1.5 %, too much after correction for five axes. It takes about 60 copies, or a larger holdout.",
        "- Attacks that nobody has thought of, several releases unless they are given together, and what an attacker knows "
        "from elsewhere.",
    ]
