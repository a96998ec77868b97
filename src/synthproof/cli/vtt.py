"""`synthproof vtt …`: a visual Turing test drawn from a run's vault, and closed back into it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from synthproof.cli.language import language
from synthproof.cli.main import app
from synthproof.cli.screens import screen
from synthproof.core.errors import UsageError
from synthproof.core.files import refuse_replacing
from synthproof.core.words import Words

if TYPE_CHECKING:
    from synthproof.review.panel_result import PanelResult

_HELP = Words(
    en="Visual Turing test: can readers tell real from synthetic? Realism, never safety.",
    ko="판독 시험(VTT): 실제와 합성을 구별할 수 있는지 봅니다. 현실성 평가이며 안전성 근거가 아닙니다.",
)
vtt = typer.Typer(no_args_is_help=True, help=_HELP.say(language()))
app.add_typer(vtt, name="vtt")


@vtt.command()
def new(
    run_dir: Annotated[Path, typer.Argument(help="Folder of a run, with its vault. / 실행 폴더.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Package for the server. / 서버용 패키지.")] = Path(
        "panel.zip"
    ),
    n: Annotated[int, typer.Option("--n", help="Items of each class. / 종류별 항목 수.")] = 100,
    band: Annotated[str, typer.Option("--band", help="utility (0.4–0.6) | safety (0.3–0.7). / 허용 범위.")] = "utility",
    mode: Annotated[str, typer.Option("--mode", help="forced (exactly n) | free. / 과제.")] = "forced",
    readers: Annotated[int, typer.Option("--readers", help="Fewest readers. / 최소 판독자 수.")] = 2,
    minutes: Annotated[int, typer.Option("--minutes", help="Time limit; 0: none. / 제한 시간(분).")] = 60,
    confidence: Annotated[bool, typer.Option("--confidence", help="Ask how sure (1–5). / 확신 정도.")] = False,
    hints: Annotated[str, typer.Option("--hints", help="Text of a second round. / 2차 판독의 힌트.")] = "",
    training: Annotated[int, typer.Option("--training", help="Examples of each class. / 연습 항목 수.")] = 0,
    title: Annotated[str, typer.Option("--title", help="Title. / 제목.")] = "",
    seed: Annotated[int, typer.Option("--seed", help="0: drawn, and kept in the vault. / 시드.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there. / 덮어쓰기.")] = False,
) -> None:
    """Draw a panel: blind items for the server; the answer key stays in vault/panels."""
    from synthproof.pipeline.panel import new_panel
    from synthproof.review.panel import BANDS, Plan

    if band not in BANDS:
        raise UsageError("usage/bad-value", name="--band", wanted=": utility | safety")
    if mode not in ("forced", "free"):
        raise UsageError("usage/bad-value", name="--mode", wanted=": forced | free")
    if not force:
        refuse_replacing(out)
    plan = Plan(
        n=n,
        band=BANDS[band],
        mode="forced" if mode == "forced" else "free",
        readers=readers,
        minutes=minutes,
        confidence=confidence,
        hints=hints,
        training=training,
        seed=seed,
    )
    panel = new_panel(run_dir, out, plan, title=title)
    told = Words(
        en=f"Panel {panel} in {out}: bring it in on the server. It shows real records to readers.",
        ko=f"판독 시험 {panel}: {out}을(를) 서버에 등록하십시오. 판독자에게 실제 레코드가 표시됩니다.",
    )
    screen().print(Text(told.say(language())), highlight=False, soft_wrap=True)


@vtt.command()
def close(
    run_dir: Annotated[Path, typer.Argument(help="Folder of the run. / 실행 폴더.")],
    readings: Annotated[Path, typer.Argument(help="What the server gave out. / 서버에서 내려받은 판독 결과.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the new dossier (default: in place). / 새 심의자료.")
    ] = None,
) -> None:
    """Count the readings, judge again, and seal a new dossier that names its parent."""
    from synthproof.dossier.seal import check_seal
    from synthproof.pipeline.panel import close_panel

    folder, result = close_panel(run_dir, readings, out, lang=language())
    low, high = result.interval
    yes, no = Words(en="yes", ko="예"), Words(en="no", ko="아니오")
    seen, band = (yes if result.distinguishable else no), (yes if result.in_band else no)
    seal = check_seal(folder)
    told = Words(
        en=f"{len(result.readers)} readers, right answers {result.share:.1%} [{low:.1%}, {high:.1%}]; in the band: {band.en}; "
        f"statistically distinguishable: {seen.en}. New dossier {seal['digest']} of {seal['parent']}: earlier votes are void.",
        ko=f"판독자 {len(result.readers)}명, 정답률 {result.share:.1%} [{low:.1%}, {high:.1%}], 허용 범위 안: {band.ko}, "
        f"통계적으로 구별 가능: {seen.ko}. 새 심의자료 {seal['digest']} (이전 {seal['parent']}): 이전 표결은 무효입니다.",
    )
    console, speak = screen(), language()
    console.print(Text(told.say(speak)), highlight=False, soft_wrap=True)
    for words in _details(result):
        console.print(Text(f"  {words.say(speak)}"), highlight=False, soft_wrap=True)


def _details(result: PanelResult) -> list[Words]:
    """Return each reader's numbers and what the panel can carry, in sentences; no item is named here."""
    out = [
        Words(
            en=f"reader {at}: {r.hits} of {r.n} right, sensitivity {r.sensitivity:.0%}, specificity {r.specificity:.0%}, "
            f"{r.seconds:.1f} s an item",
            ko=f"판독자 {at}: {r.n}개 중 {r.hits}개 정답, 민감도 {r.sensitivity:.0%}, 특이도 {r.specificity:.0%}, "
            f"항목당 {r.seconds:.1f}초",
        )
        for at, r in enumerate(result.readers, start=1)
    ]
    agreed = "–" if result.kappa is None else f"{result.kappa:.2f}"
    yes, no = Words(en="shown", ko="입증"), Words(en="not shown", ko="입증되지 않음")
    equal = yes if result.equivalent else no
    out.append(
        Words(
            en=f"equivalence within the band: {equal.en} ({result.n} judgements; {result.enough} would be enough for pure "
            f"guessing); agreement beyond chance (Fleiss κ): {agreed}",
            ko=f"허용 범위 안의 동등성: {equal.ko}(판독 {result.n}회, 추측만 할 때 필요한 수 {result.enough}회), "
            f"판독자 간 일치도(Fleiss κ): {agreed}",
        )
    )
    out.append(
        Words(
            en=f"every reader saw through {len(result.caught)} synthetic items and took {len(result.missed)} real ones for "
            "synthetic; which ones: vault/panels/*.result.json",
            ko=f"모든 판독자가 찾아낸 합성 항목 {len(result.caught)}개, 모두 합성으로 본 실제 항목 {len(result.missed)}개. "
            "목록: vault/panels/*.result.json",
        )
    )
    return out
