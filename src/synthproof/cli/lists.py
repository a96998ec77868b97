"""The commands that tell: list, explain, config."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from rich.console import Console
from rich.text import Text

from synthproof.cli.korean import LISTED
from synthproof.cli.language import language
from synthproof.cli.main import app
from synthproof.cli.screens import screen, show_list
from synthproof.core.contracts import Tags
from synthproof.core.errors import NotFoundError, did_you_mean, messages
from synthproof.core.evidence import Card
from synthproof.core.registry import REGISTRIES, Entry, metrics
from synthproof.core.words import Lang, Words
from synthproof.pipeline.config import RunConfig, load_config
from synthproof.pipeline.purpose_help import PURPOSE_HELP


class Listed(StrEnum):
    """What `list` lists."""

    synthesizers = "synthesizers"
    metrics = "metrics"
    policies = "policies"
    protections = "protections"


_KINDS = {
    Listed.synthesizers: Words(en="generators of synthetic data", ko="합성데이터 생성기"),
    Listed.metrics: Words(
        en="measures of integrity, fidelity, utility, fairness and safety", ko="무결성·유사성·유용성·공정성·안전성 지표"
    ),
    Listed.policies: Words(en="rules by which evidence is judged", ko="증거를 판정하는 규칙"),
    Listed.protections: Words(en="changes made to the data before learning", ko="학습 전 데이터 보호조치"),
}


_LANG = typer.Option("--lang", help="ko | en")


@app.command("list")
def list_(
    what: Annotated[
        Listed | None,
        typer.Argument(help="synthesizers | metrics | policies | protections. / 생성기 | 지표 | 정책 | 보호조치."),
    ] = None,
    lang: Annotated[str, _LANG] = "",
) -> None:
    """List what is installed, ours and other people's; a broken plug-in is shown with its reason."""
    speak = language()
    if what is None:
        show_list(screen(), [_kind(kind, speak) for kind in Listed], speak)
        return
    rows = [_row(what.value, entry, speak) for entry in REGISTRIES[what.value].entries()]
    show_list(screen(), rows, speak)


def _kind(kind: Listed, lang: Lang) -> tuple[str, str, str]:
    n = len(REGISTRIES[kind.value].entries())
    return kind.value, f"{n:>3} {_KINDS[kind].say(lang)}", f"synthproof list {kind.value}"


def _row(kind: str, entry: Entry, lang: Lang) -> tuple[str, str, str]:
    if kind == "policies":
        from synthproof.policy.load import load_policy

        return entry.name, load_policy(entry.name).title.say(lang), entry.owner
    try:
        target = REGISTRIES[kind].get(entry.name)
    except NotFoundError as error:
        return entry.name, error.part("found", lang) or str(error.facts.get("reason", "")), entry.owner
    card = getattr(target, "card", None)
    if isinstance(card, Card):
        return entry.name, f"{card.name.say(lang)} · {card.question.say(lang)}", entry.owner
    title = getattr(target, "title", None)
    text = title.say(lang) if isinstance(title, Words) else (target.__doc__ or "").strip().split("\n")[0]
    if lang == "ko" and entry.owner == "synthproof":
        text = LISTED.get(entry.name, text)
    tags = getattr(target, "tags", None)
    if isinstance(tags, Tags):
        marks = [tags.family, *(n for n in ("conditional", "private", "irreversible") if getattr(tags, n))]
        if tags.extra:
            marks.append(f"synthproof[{tags.extra}]")
        text = f"{text} [{', '.join(marks)}]"
    return entry.name, text, entry.owner


@app.command()
def explain(
    code: Annotated[
        str,
        typer.Argument(help="An error code, a metric, a policy or a verdict word. / 오류 코드, 지표, 정책, 판정 용어."),
    ],
    lang: Annotated[str, _LANG] = "",
) -> None:
    """Explain an error code, a metric, a policy's rules or a verdict word."""
    console, speak = screen(), language()
    if code in messages():
        entry = messages()[code]
        console.print(Text(code, style="bold"))
        for part in ("what", "found", "remedy", "why"):
            if part in entry:
                console.print(Text(f"  {entry[part][speak]}"))
        return
    if code in metrics.names():
        _explain_metric(console, metrics.get(code).card, speak)
        return
    if code in REGISTRIES["policies"].names() or code.endswith(".toml"):
        from synthproof.policy.load import load_policy

        console.print(load_policy(code).explain(speak), markup=False, highlight=False)
        return
    from synthproof.policy.explain import TERMS

    if code in TERMS:
        console.print(Text(TERMS[code].say(speak)))
        return
    known = [*messages(), *metrics.names(), *REGISTRIES["policies"].names(), *TERMS]
    raise NotFoundError("face/unknown-code", name=code, hint=did_you_mean(code, known))


def _explain_metric(console: Console, card: Card, lang: Lang) -> None:
    ko = lang == "ko"
    console.print(Text(f"{card.id} — {card.name.say(lang)} (v{card.version})", style="bold"))
    rows = [
        ("질문" if ko else "question", card.question.say(lang)),
        ("단위" if ko else "unit", f"{card.unit} [{card.low:g}, {card.high:g}]"),
        ("이상적인 값" if ko else "ideal", card.ideal.say(lang)),
        ("필요한 것" if ko else "needs", ", ".join(sorted(card.needs)) or "-"),
        ("출처" if ko else "source", card.source),
    ]
    if card.attacker is not None:
        rows += [
            ("공격자가 아는 것" if ko else "attacker knows", card.attacker.knows.say(lang)),
            ("시도" if ko else "attacker tries", card.attacker.tries.say(lang)),
            ("성공의 뜻" if ko else "success", card.attacker.success.say(lang)),
        ]
    for title, text in rows:
        console.print(Text(f"  {title}: {text}"))


@app.command()
def config(
    check: Annotated[
        Path | None,
        typer.Option("--check", help="Check a project file instead of printing one. / 프로젝트 파일 검사."),
    ] = None,
    policy: Annotated[
        str,
        typer.Option(
            "--policy", help="Print a policy's TOML instead, to copy and change. / 정책을 출력(복사하여 수정)."
        ),
    ] = "",
    lang: Annotated[str, _LANG] = "",
) -> None:
    """Print a whole project file with every key and its default, or check one; or print a policy."""
    if policy:
        from synthproof.policy.load import load_policy

        screen().print(load_policy(policy).text, markup=False, highlight=False, soft_wrap=True)
        return
    if check is not None:
        load_config(check)
        screen().print(f"{check.name}: ok", highlight=False, markup=False)
        return
    screen().print(example(language()), markup=False, highlight=False, soft_wrap=True)


def example(lang: Lang) -> str:
    """Return a project file that holds every key with its default and its explanation."""
    lines = ["# synthproof.toml"]
    tables: list[tuple[str, Any]] = []
    defaults = RunConfig()
    for f in fields(RunConfig):
        value = getattr(defaults, f.name)
        if is_dataclass(value):
            tables.append((f.name, value))
        else:
            lines += _entry(f.name, value, f.metadata.get("help"), lang)
    for name, value in tables:
        lines += ["", f"[{name}]"]
        hints = get_type_hints(type(value))
        for f in fields(value):
            if str(hints[f.name]).startswith("collections.abc.Mapping"):
                lines.append(f"# [{name}.{f.name}]")
            else:
                words = f.metadata.get("help") or (PURPOSE_HELP.get(f.name) if name == "purpose" else None)
                lines += _entry(f.name, getattr(value, f.name), words, lang)
    return "\n".join(lines)


def _entry(name: str, value: Any, words: Words | None, lang: Lang) -> list[str]:
    out = [f"# {words.say(lang)}"] if words else []
    if value is None:
        return [*out, f"# {name} ="]
    if isinstance(value, tuple):
        return [*out, f"{name} = [{', '.join(repr(v) for v in value)}]".replace("'", '"')]
    if isinstance(value, bool):
        return [*out, f"{name} = {str(value).lower()}"]
    return [*out, f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}"]
