"""`synthproof review …`: the committee's server, what it gives out, and its backups."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from synthproof.cli.language import language
from synthproof.cli.main import app
from synthproof.cli.screens import screen
from synthproof.core.errors import MissingExtraError, UsageError
from synthproof.core.files import refuse_replacing, write_bytes
from synthproof.core.words import Words

if TYPE_CHECKING:
    from synthproof.web.store import Store

_HELP = Words(en="The committee's server and what it gives out.", ko="심의 서버와 내보내기·백업.")
review = typer.Typer(no_args_is_help=True, help=_HELP.say(language()))
app.add_typer(review, name="review")

_DATA = typer.Option("--data", help="Folder of the server: database and dossiers. / 서버 폴더.")
_DATABASE = typer.Option("--database", help="postgresql://… (default: a file in --data). / 데이터베이스 주소.")
_WHERE = Path("synthproof-review")


def _open(data: Path, database: str, *, make: bool = False) -> Store:
    for library in ("fastapi", "sqlalchemy", "alembic", "argon2", "multipart", "uvicorn"):
        if importlib.util.find_spec(library) is None:
            raise MissingExtraError("extra/missing", library=library, extra="web")
    from synthproof.web.store import Store

    return Store(data, database, make=make)


def _say(words: Words) -> None:
    screen().print(Text(words.say(language())), highlight=False, soft_wrap=True)


@review.command()
def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen at. / 주소.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port. / 포트.")] = 8500,
    database: Annotated[str, _DATABASE] = "",
    data: Annotated[Path, _DATA] = _WHERE,
    certificate: Annotated[Path | None, typer.Option("--certificate", help="TLS certificate (PEM). / 인증서.")] = None,
    key: Annotated[Path | None, typer.Option("--key", help="Its private key (PEM). / 개인 키.")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="No TLS here: a proxy in front does it. / 앞단 프록시가 TLS 처리.")
    ] = False,
    proxy: Annotated[
        str, typer.Option("--proxy", help="Address of that proxy, to count tries by person. / 프록시 주소.")
    ] = "",
) -> None:
    """Run the review server. The first start prints one setup link."""
    store = _open(data, database, make=True)
    from synthproof.web.serve import check_address, check_proxy, greeting
    from synthproof.web.serve import serve as run

    tls = check_address(host, certificate, key, insecure=insecure)
    proxy = check_proxy(proxy)
    for words in greeting(store, host, port, tls=tls, proxied=(insecure or bool(proxy)) and not tls):
        _say(words)
    run(store, host=host, port=port, certificate=certificate, key=key, insecure=insecure, proxy=proxy)


@review.command("import")
def import_(
    dossier: Annotated[Path, typer.Argument(help="Folder or zip of a sealed dossier. / 봉인된 심의자료.")],
    title: Annotated[str, typer.Option("--title", help="Title of the case. / 안건 제목.")],
    steward: Annotated[str, typer.Option("--steward", help="Login of the steward it belongs to. / 담당자.")],
    form: Annotated[
        str, typer.Option("--form", help="Review form: a name or a TOML file. / 심의 서식.")
    ] = "pipc_guide",
    database: Annotated[str, _DATABASE] = "",
    data: Annotated[Path, _DATA] = _WHERE,
) -> None:
    """Bring a dossier in on the server itself: for large ones, and for an institution's own form."""
    store = _open(data, database)
    from sqlalchemy import select

    from synthproof.web.acts.cases import open_case
    from synthproof.web.models import Person

    with store.read() as work:
        query = select(Person).where(Person.login == steward.casefold(), Person.role == "steward")
        person = work.execute(query).scalar_one_or_none()
    if person is None:
        raise UsageError("web/bad-input", where="--steward", name=steward)
    named = str(Path(form).resolve()) if form.endswith(".toml") else form
    case = open_case(store, person, dossier, title=title, form=named)
    _say(Words(en=f"Case {case.id}", ko=f"안건 {case.id}"))


@review.command()
def export(
    case: Annotated[str, typer.Argument(help="Id of the case, as in its address. / 안건 번호.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write. / 출력 파일.")] = Path("case.zip"),
    database: Annotated[str, _DATABASE] = "",
    data: Annotated[Path, _DATA] = _WHERE,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there. / 덮어쓰기.")] = False,
) -> None:
    """Give out a case: its journal with the anchor, which is all that a release needs."""
    if not force:
        refuse_replacing(out)
    store = _open(data, database)
    from synthproof.web.acts.cases import export_case
    from synthproof.web.models import Case

    with store.read() as work:
        if work.get(Case, case) is None:
            raise UsageError("web/bad-input", name=case)
    write_bytes(out, export_case(store, case, "server"))
    _say(Words(en=f"Written: {out}", ko=f"저장: {out}"))


@review.command()
def reset(
    login: Annotated[str, typer.Argument(help="Login of the person. / 로그인 이름.")],
    database: Annotated[str, _DATABASE] = "",
    data: Annotated[Path, _DATA] = _WHERE,
) -> None:
    """Offer a new password on the server itself: for a chair whom no other chair can help."""
    store = _open(data, database)
    from synthproof.web.acts.people import reset_here

    token = reset_here(store, login)
    _say(
        Words(
            en=f"Once, within seven days, at the server's address: /link/{token}\n(the old password has ended)",
            ko=f"7일 안에 한 번, 서버 주소 뒤에 붙여 여십시오: /link/{token}\n(이전 비밀번호는 더 이상 쓸 수 없습니다)",
        )
    )


@review.command()
def check(database: Annotated[str, _DATABASE] = "", data: Annotated[Path, _DATA] = _WHERE) -> None:
    """Verify every journal of the server, line by line."""
    store = _open(data, database)
    flaws = store.flaws()
    for chain, found in flaws.items():
        for flaw in found:
            _say(Words(en=f"{chain}: {flaw.words.en}", ko=f"{chain}: {flaw.words.ko}"))
    if flaws:
        raise typer.Exit(1)
    _say(Words(en="Every journal is whole.", ko="모든 기록부가 온전합니다."))


@review.command()
def backup(
    out: Annotated[Path, typer.Argument(help="File to write. / 출력 파일.")],
    database: Annotated[str, _DATABASE] = "",
    data: Annotated[Path, _DATA] = _WHERE,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there. / 덮어쓰기.")] = False,
) -> None:
    """Write database and dossiers into one file; the server may go on meanwhile."""
    if not force:
        refuse_replacing(out)
    store = _open(data, database)
    from synthproof.web.backup import back_up

    back_up(store, out)
    _say(Words(en=f"Written: {out}", ko=f"저장: {out}"))


@review.command()
def restore(
    source: Annotated[Path, typer.Argument(help="A backup. / 백업 파일.")],
    database: Annotated[str, _DATABASE] = "",
    data: Annotated[Path, _DATA] = _WHERE,
) -> None:
    """Make a server from a backup, in an empty folder and database."""
    _open_check(source)
    from synthproof.web.backup import restore as bring_back

    bring_back(source, data, database)
    _say(
        Words(
            en=f"Restored into {data}; every journal is whole.", ko=f"{data}에 복원했습니다. 모든 기록부가 온전합니다."
        )
    )


def _open_check(source: Path) -> None:
    if not source.is_file():
        raise UsageError("usage/bad-value", name=str(source), wanted="")
    if importlib.util.find_spec("sqlalchemy") is None:
        raise MissingExtraError("extra/missing", library="SQLAlchemy", extra="web")
