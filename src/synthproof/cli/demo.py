"""`synthproof demo`: the main job on real patients that ship with scikit-learn."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from synthproof.cli.language import language
from synthproof.cli.main import app
from synthproof.cli.progress import drawn_run
from synthproof.cli.screens import screen, show_places, show_verdict
from synthproof.core.words import Words

_HELLO = Words(
    en="The breast-cancer data of scikit-learn: 569 real patients × 31 columns, policy pipc_2024.",
    ko="scikit-learn에 포함된 유방암 자료: 실제 환자 569명 × 31개 항목, 정책 pipc_2024.",
)
_BYE = Words(
    en="Any verdict is a success of the demo: it shows what the evidence carries, not that data are good.",
    ko="어떤 판정이 나와도 시연은 성공입니다. 판정은 증거가 말하는 바를 보여줄 뿐, 데이터가 좋다는 뜻이 아닙니다.",
)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results. / 결과 폴더.")] = Path("demo-out"),
    seed: Annotated[int, typer.Option("--seed", help="Seed. / 시드.")] = 20241201,
    lang: Annotated[str, typer.Option("--lang", help="ko | en")] = "",
) -> None:
    """Run the main job on 569 real patients (scikit-learn's breast-cancer data)."""
    from synthproof.pipeline.config import RunConfig
    from synthproof.pipeline.road import Road

    speak = language()
    console, errors = screen(), screen(stderr=True)
    console.print(Text(_HELLO.say(speak)))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "breast_cancer.csv"
        write_patients(source)
        config = RunConfig(source=str(source), target="diagnosis", out=str(out), seed=seed, lang=speak)
        with drawn_run(errors, speak) as job:
            arrival = Road(config, run=job).travel()
    show_verdict(console, arrival.proof.verdict, speak)
    show_places(console, arrival.root, speak)
    console.print(Text(_BYE.say(speak)))


def write_patients(target: Path) -> None:
    """Write scikit-learn's breast-cancer data as CSV, the diagnosis in words."""
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer(as_frame=True)
    frame = bunch.data.rename(columns=lambda name: name.replace(" ", "_"))
    frame.insert(0, "diagnosis", [str(bunch.target_names[i]) for i in bunch.target])
    frame.to_csv(target, index=False)
