"""`synthproof release …`: keygen, seal, check, handover, withdraw, expire, register, renew, status."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from synthproof.cli.language import language
from synthproof.cli.main import app
from synthproof.cli.progress import drawn_run
from synthproof.cli.screens import screen, show_verdict
from synthproof.core.errors import UsageError
from synthproof.core.evidence import RESULT_WORDS
from synthproof.core.words import Lang, Words

release_app = typer.Typer(
    name="release",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help=Words(
        en="Seal what a committee approved into a signed bundle; check, hand over, call back, renew.",
        ko="승인된 합성데이터를 전자서명된 묶음으로 봉인하고, 확인·제공·철회·갱신합니다.",
    ).say(language()),
)
app.add_typer(release_app, name="release")

PASSPHRASE = "SYNTHPROOF_PASSPHRASE"  # noqa: S105 - the name of the variable, not a passphrase
_RUN = typer.Argument(help="Folder that `run` wrote. / 실행 폴더.")
_KEYS = typer.Option(
    "--keys", help="Folder of a signing key for several runs (default: the vault's own). / 서명 키 폴더."
)
_LANG = typer.Option("--lang", help="ko | en")
_FILE = typer.Option(
    "--passphrase-file",
    help=f"File whose first line is the passphrase (default: {PASSPHRASE}, else asked). / 암호문 파일.",
)


def _say(lang: Lang, en: str, ko: str) -> str:
    return ko if lang == "ko" else en


def _passphrase(file: Path | None, lang: Lang, *, new: bool = False) -> str:
    """Return the passphrase from a file, the environment or the keyboard; never from the command line, which others see."""
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("usage/missing", where=str(file), name="--passphrase-file") from error
    if found := os.environ.get(PASSPHRASE):
        return found
    label = _say(lang, "Passphrase of the signing key", "서명 키의 암호문")
    try:
        asked: str = typer.prompt(label, hide_input=True, confirmation_prompt=new, err=True)
    except typer.Abort as error:
        if sys.stdin is not None and sys.stdin.isatty():
            raise
        # nobody can answer there, in a scheduled job for example
        name = f"--passphrase-file ({PASSPHRASE})"
        raise UsageError("usage/missing", where="synthproof release", name=name) from error
    return asked


@release_app.command()
def keygen(
    run_dir: Annotated[Path, _RUN],
    keys: Annotated[Path | None, _KEYS] = None,
    passphrase_file: Annotated[Path | None, _FILE] = None,
    lang: Annotated[str, _LANG] = "",
) -> None:
    """Make the signing key (Ed25519): private half encrypted in the vault, public half and fingerprint to give away."""
    from synthproof.pipeline.releasing import release_key, release_vault
    from synthproof.release.keys import PUBLIC

    speak, vault = language(), release_vault(run_dir, keys)
    made = release_key(run_dir, _passphrase(passphrase_file, speak, new=True), keys=keys)
    console = screen()
    console.print(
        Text(_say(speak, f"Public key:  {vault.key / PUBLIC}", f"공개 키: {vault.key / PUBLIC}")), soft_wrap=True
    )
    _show_fingerprint(console, made.fingerprint, speak)


@release_app.command()
def seal(
    run_dir: Annotated[Path, _RUN],
    out: Annotated[Path, typer.Option("--out", "-o", help="The bundle: a folder, or a file.zip. / 반출 묶음.")],
    outcome: Annotated[
        Path, typer.Option("--outcome", help="outcome.json, or an exported case (zip, folder). / 심의 결과.")
    ],
    outcome_key: Annotated[
        Path | None, typer.Option("--outcome-key", help="Public key that must have signed the outcome. / 결과 서명 키.")
    ] = None,
    start: Annotated[
        str, typer.Option("--from", help="First day of use, where the decision sets none (2027-01-31). / 활용 시작일.")
    ] = "",
    end: Annotated[str, typer.Option("--until", help="Last day of use, likewise. / 활용 종료일.")] = "",
    dossier: Annotated[
        Path | None,
        typer.Option("--dossier", help="The approved dossier, when it is not the run's own. / 승인된 심의자료."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder of PNG files that the dossier names. / 이미지 폴더.")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="Certificate chain (PEM) for C2PA in images. / C2PA 인증서.")
    ] = None,
    certificate_key: Annotated[
        Path | None, typer.Option("--certificate-key", help="Its private key (PEM, PKCS#8). / 인증서의 개인 키.")
    ] = None,
    algorithm: Annotated[
        str, typer.Option("--algorithm", help="Of that key: es256, ed25519, ps256 … / 키의 알고리즘.")
    ] = "es256",
    keys: Annotated[Path | None, _KEYS] = None,
    passphrase_file: Annotated[Path | None, _FILE] = None,
    lang: Annotated[str, _LANG] = "",
) -> None:
    """Seal the synthetic data of a run, if a committee approved exactly its dossier, conditions ticked off, in its period."""
    from synthproof.pipeline.releasing import seal_release
    from synthproof.release.credentials import Certificate

    speak = language()
    if (certificate is None) != (certificate_key is None):
        name = "--certificate-key" if certificate_key is None else "--certificate"
        raise UsageError("usage/missing", where="synthproof release seal", name=name)
    signing = (
        Certificate(chain=certificate, key=certificate_key, algorithm=algorithm)
        if certificate is not None and certificate_key is not None
        else None
    )
    pictures = {p.name: p for p in sorted(images.glob("*.png"))} if images is not None else {}
    made = seal_release(
        run_dir,
        out,
        outcome=outcome,
        passphrase=_passphrase(passphrase_file, speak),
        dossier=dossier,
        keys=keys,
        outcome_key=outcome_key,
        start=start,
        end=end,
        images=pictures,
        certificate=signing,
    )
    console = screen()
    console.print(
        Text(_say(speak, f"Sealed {made.bundle}: {made.place}", f"봉인함 {made.bundle}: {made.place}")), soft_wrap=True
    )
    _show_fingerprint(console, made.fingerprint, speak)


@release_app.command()
def check(
    bundle: Annotated[Path, typer.Argument(help="Folder or zip file of a release. / 반출 묶음.")],
    key: Annotated[
        Path | None, typer.Option("--key", help="The institution's public key, got by another way. / 기관의 공개 키.")
    ] = None,
    notice: Annotated[
        Path | None, typer.Option("--notice", help="Notice of withdrawal that the institution sent. / 철회 통지.")
    ] = None,
    lang: Annotated[str, _LANG] = "",
) -> None:
    """Check a bundle offline: signature, every byte, journals, period, withdrawal. Exit code 0: holds, 1: does not."""
    from synthproof.release.check import check_release

    speak, console = language(), screen()
    report = check_release(bundle, key=key, notice=notice)
    for fault in report.faults:
        console.print(Text(_plain(fault.text(speak)), style="red"), highlight=False, soft_wrap=True)
    told = report.manifest
    if told:
        period = told["period"]
        line = _say(
            speak,
            f"{told['bundle']}: {report.files} files, {report.size:,} bytes; period of use {period['from']} – {period['to']}",
            f"{told['bundle']}: 파일 {report.files}개, {report.size:,}바이트, 활용 기간 {period['from']} – {period['to']}",
        )
        console.print(Text(line), highlight=False, soft_wrap=True)
    if report.fingerprint:
        _show_fingerprint(console, report.fingerprint, speak)
    if report.ok:
        console.print(Text(_say(speak, "✓ The bundle holds.", "✓ 이상이 없습니다."), style="green"))
        console.print(Text(_say(speak, "Not known from the bundle:", "묶음만으로 알 수 없는 것:")))
        for words in report.unknown:
            console.print(Text(_plain(f"  - {words.say(speak)}")), highlight=False, soft_wrap=True)
    else:
        n = len(report.faults)
        console.print(
            Text(_say(speak, f"✗ {n} fault(s). Do not use it.", f"✗ 이상 {n}건. 이용하지 마십시오."), style="bold red")
        )
    raise typer.Exit(0 if report.ok else 1)


def _plain(text: str) -> str:
    """Return a text without signs that steer a terminal: a bundle or a notice may come from anybody."""
    return "".join(c if c == "\n" or c.isprintable() else "�" for c in text)


def _show_fingerprint(console: Console, fingerprint: str, lang: Lang) -> None:
    from synthproof.release.keys import spoken

    label = _say(lang, "Key", "키 지문")
    console.print(Text(f"{label}: {fingerprint}"), highlight=False, soft_wrap=True)
    console.print(Text(f"  {spoken(fingerprint)}"), highlight=False, soft_wrap=True)


@release_app.command()
def handover(
    run_dir: Annotated[Path, _RUN],
    bundle: Annotated[str, typer.Option("--bundle", help="Name of the release (sp-…). / 반출물 이름.")],
    recipient: Annotated[str, typer.Option("--recipient", help="Who gets a copy. / 받는 곳.")],
    contact: Annotated[str, typer.Option("--contact", help="How to reach them. / 연락처.")] = "",
    lang: Annotated[str, _LANG] = "",
) -> None:
    """Record who got a copy; a recall can only reach who is on record."""
    from synthproof.pipeline.releasing import release_vault
    from synthproof.release.withdraw import hand_over

    line = hand_over(release_vault(run_dir), bundle, recipient, contact)
    speak = language()
    text = _say(speak, f"Recorded as line {line.n} of the journal.", f"기록부 {line.n}번째 줄에 기록했습니다.")
    screen().print(Text(text))


@release_app.command()
def withdraw(
    run_dir: Annotated[Path, _RUN],
    bundle: Annotated[str, typer.Option("--bundle", help="Name of the release (sp-…). / 반출물 이름.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; recipients will read it. / 철회 사유.")],
    contact: Annotated[str, typer.Option("--contact", help="Whom recipients may ask. / 문의처.")] = "",
    notice: Annotated[
        Path | None, typer.Option("--notice", "-o", help="Where a copy of the signed notice goes. / 통지 파일.")
    ] = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Without a signed notice (passphrase lost). / 서명 없이 철회.")
    ] = False,
    keys: Annotated[Path | None, _KEYS] = None,
    passphrase_file: Annotated[Path | None, _FILE] = None,
    lang: Annotated[str, _LANG] = "",
) -> None:
    """Call a release back: journal entry, signed notice for the recipients, recall list. Nothing is deleted."""
    from synthproof.pipeline.releasing import release_vault
    from synthproof.release.withdraw import withdraw as call_back

    speak = language()
    secret = None if unsigned else _passphrase(passphrase_file, speak)
    made = call_back(
        release_vault(run_dir, keys), bundle, reason, passphrase=secret, contact=contact, notice=notice, lang=speak
    )
    console = screen()
    if made.notice is not None:
        text = _say(speak, f"Notice to send:  {made.notice}", f"보낼 통지: {made.notice}")
        console.print(Text(text), soft_wrap=True)
    _show_recall(console, made.recall_list, [(r.name, r.contact) for r in made.release.recipients], speak)


def _show_recall(console: Console, place: Path, people: list[tuple[str, str]], lang: Lang) -> None:
    console.print(Text(_say(lang, f"Recall list:     {place}", f"회수 목록: {place}")), soft_wrap=True)
    for name, contact in people:
        console.print(Text(f"  {name}  {contact}"), highlight=False)
    if not people:
        console.print(Text(_say(lang, "  nobody is on record", "  기록된 곳이 없습니다")))


@release_app.command()
def expire(run_dir: Annotated[Path, _RUN], lang: Annotated[str, _LANG] = "") -> None:
    """Record every release whose period is over, with its recall list."""
    from synthproof.pipeline.releasing import release_vault
    from synthproof.release.withdraw import expire as run_out

    speak, console = language(), screen()
    found = run_out(release_vault(run_dir), lang=speak)
    for made in found:
        console.print(Text(f"{made.release.bundle}: {made.release.end}"), highlight=False)
        _show_recall(console, made.recall_list, [(r.name, r.contact) for r in made.release.recipients], speak)
    if not found:
        console.print(Text(_say(speak, "No release has run out since.", "새로 기간이 끝난 반출이 없습니다.")))


@release_app.command()
def status(run_dir: Annotated[Path, _RUN], lang: Annotated[str, _LANG] = "") -> None:
    """List the releases of a run with period, state and recipients; the journal is verified first."""
    from synthproof.pipeline.releasing import release_vault
    from synthproof.release.vault import STATE_WORDS

    speak, console = language(), screen()
    vault = release_vault(run_dir)
    grid = Grid(box=None, padding=(0, 2, 0, 0))
    for title in (
        "",
        _say(speak, "period", "활용 기간"),
        _say(speak, "state", "상태"),
        _say(speak, "recipients", "받은 곳"),
    ):
        grid.add_column(title, overflow="fold")
    for r in vault.releases():
        names = ", ".join(x.name for x in r.recipients)
        grid.add_row(
            Text(r.bundle, style="bold"), f"{r.start} – {r.end}", STATE_WORDS[r.state].say(speak), Text(names or "-")
        )
    console.print(grid)
    n = len(vault.lines())
    console.print(Text(_say(speak, f"Journal: {n} lines, whole.", f"기록부: {n}줄, 이상 없음.")))


@release_app.command()
def register(
    run_dir: Annotated[Path, _RUN],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the papers. / 서식 폴더.")],
    lang: Annotated[str, _LANG] = "",
) -> None:
    """Write form 1-6, the register of everything that went out, with its recipients, as PDF and DOCX."""
    from synthproof.pipeline.releasing import release_vault
    from synthproof.release.register import write_register

    for path in write_register(release_vault(run_dir), out):
        screen().print(str(path), highlight=False, markup=False, soft_wrap=True)


@release_app.command()
def renew(
    run_dir: Annotated[Path, _RUN],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new dossier. / 새 심의자료 폴더.")],
    bundle: Annotated[str, typer.Option("--bundle", help="Which release (default: the last). / 반출물 이름.")] = "",
    dossier: Annotated[
        Path | None,
        typer.Option(
            "--dossier", help="The dossier it was approved on, when it is not the run's own. / 승인된 심의자료."
        ),
    ] = None,
    policy: Annotated[str, typer.Option("--policy", help="Another policy than before. / 다른 정책.")] = "",
    repeats: Annotated[int | None, typer.Option("--repeats", help="Of simulated limits. / 모의실험 반복 수.")] = None,
    lang: Annotated[str, _LANG] = "",
) -> None:
    """Measure a release anew with today's battery, show what changed, write a new dossier that names its parent."""
    from synthproof.pipeline.renewing import KIND_WORDS
    from synthproof.pipeline.renewing import renew as measure_anew

    speak, console = language(), screen()
    with drawn_run(screen(stderr=True), speak) as job:
        made = measure_anew(
            run_dir, out, bundle=bundle, dossier=dossier, policy=policy, repeats=repeats, lang=speak, run=job
        )
    grid = Grid(box=None, padding=(0, 2, 0, 0))
    for title in ("", _say(speak, "then", "당시"), _say(speak, "now", "현재"), ""):
        grid.add_column(title, overflow="fold")
    told = [d for d in made.differences if d.kind != "same"]
    for d in told[:40]:
        subject = "" if d.subject == "all" else f" [{d.subject}]"
        values = [f"{v:.4g}" if v is not None else "-" for v in (d.before, d.now)]
        grid.add_row(Text(f"{d.metric}{subject}"), *values, KIND_WORDS[d.kind].say(speak))
    if told:
        console.print(grid)
    more, same = max(0, len(told) - 40), len(made.differences) - len(told)
    text = _say(
        speak, f"{same} numbers the same, {more} more not shown.", f"같은 값 {same}건, 표시하지 않은 차이 {more}건."
    )
    console.print(Text(text))
    if made.compared_with_another:
        warning = _say(
            speak,
            f"“Then” is the dossier {made.parent}, but {made.bundle} was approved on {made.approved}: give that one with --dossier.",
            f"비교한 심의자료 {made.parent}은(는) {made.bundle}이 승인된 심의자료 {made.approved}와 다릅니다. 승인된 심의자료를 "
            "--dossier로 지정하십시오.",
        )
        console.print(Text(warning, style="yellow"), soft_wrap=True)
    then = RESULT_WORDS[made.before.verdict.result].say(speak)
    console.print(Text(_say(speak, f"Verdict then: {then}", f"당시 판정: {then}")))
    show_verdict(console, made.now.verdict, speak)
    console.print(Text(str(made.dossier / "report.html")), highlight=False, soft_wrap=True)
    if made.worse:
        warning = _say(
            speak,
            "It met the rules then and does not now. Consider calling it back: synthproof release withdraw",
            "당시에는 기준을 충족하였으나 지금은 그렇지 않습니다. 철회를 검토하십시오: synthproof release withdraw",
        )
        console.print(Text(warning, style="bold red"), soft_wrap=True)
