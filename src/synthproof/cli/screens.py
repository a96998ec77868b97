"""What the command line shows: schema, verdict, lists, explanations."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text

from synthproof.core.evidence import FAMILIES, FAMILY_WORDS, RESULT_WORDS, Result, Verdict
from synthproof.core.words import Lang, Words
from synthproof.data.table.dataset import Table
from synthproof.data.table.reasons import in_korean

_MARK: Mapping[Result, str] = {"meets": "✓", "does_not_meet": "✗", "not_assessed": "?"}
_STYLE: Mapping[Result, str] = {"meets": "green", "does_not_meet": "bold red", "not_assessed": "yellow"}
_MOST_NOTICES = 12
EXIT: Mapping[Result, int] = {"meets": 0, "does_not_meet": 3, "not_assessed": 4}


def screen(*, stderr: bool = False) -> Console:
    """Return the console; where nobody looks (a pipe, a file) lines are not broken at 80 columns."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=500)


def _say(lang: Lang, en: str, ko: str) -> str:
    return ko if lang == "ko" else en


def show_schema(
    console: Console, table: Table, scan: Mapping[str, Any], proposal: Mapping[str, Any], lang: Lang
) -> None:
    """Print every field with kind, roles and the reason, and what the finders and proposals say."""
    head = _say(
        lang,
        f"{table.origin.name}: {len(table):,} {table.schema.unit}s, {table.n_rows:,} rows, {len(table.schema.fields)} fields",
        f"{table.origin.name}: 단위 {len(table):,}개, {table.n_rows:,}행, 항목 {len(table.schema.fields)}개",
    )
    console.print(Text(head, style="bold"))
    grid = Grid(box=None, padding=(0, 2, 0, 0))
    for title in (
        _say(lang, "field", "항목"),
        _say(lang, "kind", "종류"),
        _say(lang, "roles", "역할"),
        _say(lang, "why", "근거"),
    ):
        grid.add_column(title, overflow="fold")
    for f in table.schema.fields:
        grid.add_row(Text(f.name), f.kind, ", ".join(sorted(f.roles)), Text(_say(lang, f.reason, in_korean(f.reason))))
    console.print(grid)
    lines = [line for entry in scan.get("fields", ()) for line in _findings(entry, lang)]
    if lines:
        console.print(Text(_say(lang, "Found in the columns", "열에서 발견된 것"), style="bold"))
        for line in lines:
            console.print(Text(f"  {line}"))
    for key, words in _PROPOSED.items():
        names = proposal.get(key) or []
        console.print(Text(f"{words.say(lang)}: {', '.join(names) or '-'}"))


def show_pictures(console: Console, images: Any, lang: Lang) -> None:
    """Print what the pictures become, and how many there are of each class or label."""
    c = images.chain
    colours = _say(lang, "RGB" if c.channels == 3 else "grey", "RGB" if c.channels == 3 else "회색조")
    text = _say(
        lang, f"Squares: {c.side} px, {colours}, {c.bits} bits", f"정사각형: {c.side} px, {colours}, {c.bits}비트"
    )
    console.print(Text(text))
    if images.several:
        counts = {n: int(images.frame[n].fillna(False).sum()) for n in images.several}
    else:
        codes, names = images.classes()
        counts = {n: int((codes == i).sum()) for i, n in enumerate(names)}
    listed = ", ".join(f"{n} {k:,}" for n, k in counts.items())
    console.print(Text(_say(lang, f"Images by class: {listed}", f"부류별 이미지: {listed}")))


_PROPOSED = {
    "quasi_identifiers": Words(en="Proposed K (quasi-identifiers)", ko="제안된 K(준식별자)"),
    "sensitive": Words(en="Proposed T (sensitive)", ko="제안된 T(민감 항목)"),
}


def _findings(entry: Mapping[str, Any], lang: Lang) -> list[str]:
    from synthproof.engines.finders.kinds import KINDS

    out = []
    for found in entry["findings"]:
        kind = KINDS[found["kind"]]
        name = kind.ko if lang == "ko" else kind.en
        reason = found["reason_ko"] if lang == "ko" else found["reason_en"]
        # what only the column's name says has no share of the values
        share = f" ({found['share']:.0%})" if found["share"] else ""
        out.append(f"{entry['field']}: {name}{share} · {reason}")
    return out


def show_proposals(console: Console, proposals: Sequence[Words], lang: Lang) -> None:
    """Print the rules that the data seem to keep; none of them is declared by this."""
    head = _say(lang, "Rules that the data seem to keep (proposals)", "데이터가 지키는 것으로 보이는 규칙(제안)")
    console.print(Text(head, style="bold"))
    for words in proposals:
        console.print(Text(f"  {words.say(lang)}"), highlight=False)
    if not proposals:
        console.print("  -")


def show_verdict(console: Console, verdict: Verdict, lang: Lang, *, findings: bool = True) -> None:
    """Print the verdict in words: the whole, each family, and every finding that does not meet or was not assessed."""
    word = RESULT_WORDS[verdict.result].say(lang)
    head = _say(lang, f"Under policy {verdict.policy}: {word}", f"{verdict.policy} 정책 기준 판정: {word}")
    if verdict.changed:
        head += _say(lang, " (changed copy of the policy)", " (변경된 정책 사본)")
    console.print(Panel(Text(head, style=_STYLE[verdict.result]), expand=False))
    for family in FAMILIES:
        if family in verdict.families:
            result = verdict.families[family]
            line = f"  {_MARK[result]} {FAMILY_WORDS[family].say(lang)}: {RESULT_WORDS[result].say(lang)}"
            console.print(Text(line, style=_STYLE[result]))
    if not findings:
        return
    for result in ("does_not_meet", "not_assessed"):
        chosen = [f for f in verdict.findings if f.result == result and not f.advisory]
        for finding in chosen[:12]:
            subject = "" if finding.subject == "all" else f" [{finding.subject}]"
            console.print(Text(f"    {_MARK[finding.result]} {finding.because.say(lang)}{subject}"), highlight=False)
        if len(chosen) > 12:
            console.print(_say(lang, f"    … and {len(chosen) - 12} more", f"    … 외 {len(chosen) - 12}건"))


def show_notices(console: Console, lines: Sequence[str], lang: Lang) -> None:
    """Print what the user should know, each thing once; of many the first, since the report holds all."""
    told = list(dict.fromkeys(lines))
    for line in told[:_MOST_NOTICES]:
        console.print(Text(f"· {line}"))
    if len(told) > _MOST_NOTICES:
        n = len(told) - _MOST_NOTICES
        console.print(Text(_say(lang, f"· … and {n} more notices", f"· … 외 알림 {n}건")))


def show_places(console: Console, root: Path, lang: Lang) -> None:
    """Print where the report and the synthetic data are."""
    dossier = root / "dossier"
    console.print(Text(_say(lang, f"Report:    {dossier / 'report.html'}", f"보고서:     {dossier / 'report.html'}")))
    data = sorted(p for p in (root / "vault").glob("synthetic.*") if p.is_file())
    for path in data:
        console.print(
            Text(
                _say(
                    lang,
                    f"Synthetic: {path}  (stays in the vault until released)",
                    f"합성데이터: {path}  (반출 승인 전까지 vault에 보관)",
                )
            )
        )


def show_model(console: Console, folder: Path, lang: Lang, *, pictures: bool = False) -> None:
    """Print where a model lies and how to draw from it: pictures into a folder, rows into a file."""
    drawing = (
        f"synthproof sample {shlex.quote(str(folder))} --n 1000 -o {'synthetic/' if pictures else 'synthetic.csv'}"
    )
    for line in (
        _say(lang, f"Model: {folder}", f"모델: {folder}"),
        _say(lang, f"Draw:  {drawing}", f"생성: {drawing}"),
    ):
        console.print(Text(line), highlight=False, soft_wrap=True)


def show_filled(console: Console, filled: int, lang: Lang) -> None:
    """Print how many cells were filled, and what completed rows are not."""
    en = f"Cells filled: {filled:,}. Completed rows hold real cells: they are not synthetic data, and no verdict covers them."
    ko = f"채운 셀: {filled:,}개. 채운 행에는 실제 값이 들어 있으므로 합성데이터가 아니며, 어떤 판정도 적용되지 않습니다."
    console.print(Text(_say(lang, en, ko)), highlight=False, soft_wrap=True)


def show_list(console: Console, rows: Iterable[tuple[str, str, str]], lang: Lang) -> None:
    """Print names with what they are and whose."""
    grid = Grid(box=None, padding=(0, 2, 0, 0), show_header=False)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_column(no_wrap=True)
    for name, text, owner in rows:
        grid.add_row(Text(name, style="bold"), Text(text), Text("" if owner == "synthproof" else owner))
    console.print(grid)
