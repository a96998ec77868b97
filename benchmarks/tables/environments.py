"""The peers' virtual environments: one for each family, outside the repository, made by pip.

    python benchmarks/tables/environments.py [NAME …] [--folder FOLDER] [--pin]

What is asked of pip is stated in `ENVIRONMENTS`; the versions it found when the kept results were made are in
`constraints/NAME.txt` and hold for every later make. ``--pin`` looks for the newest ones again and rewrites that file.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

CONSTRAINTS = Path(__file__).parent / "constraints"
TORCH = "torch==2.13.0"  # asked for first and alone, so that pip takes the build of this machine and never another


@dataclass(frozen=True, slots=True)
class Environment:
    """What pip is asked for, in order, and what must go again for the package to be imported at all."""

    steps: tuple[tuple[str, ...], ...]
    remove: tuple[str, ...] = ()
    why: str = ""


_OLD = ("pyarrow<18", "psutil")
ENVIRONMENTS: dict[str, Environment] = {
    "sdv": Environment(((TORCH,), ("sdv", "pyarrow", "psutil"))),
    "mostly": Environment(
        ((TORCH,), ("mostlyai-engine", "pyarrow", "psutil")),
        remove=("torchvision", "torchaudio"),
        why="it brings builds of torchvision and torchaudio that do not load beside a CPU-only torch",
    ),
    "arf": Environment(
        (("arfpy", "numpy<2", "pandas<3", "scikit-learn<1.6", *_OLD),), why="it calls numpy.in1d, which numpy 2 dropped"
    ),
    "synthpop": Environment(
        (("py-synthpop", "pandas<2", "numpy<2", "scikit-learn<1.6", "scipy", "sklearn-pandas<3", "tqdm", *_OLD),),
        why="it names no dependencies, and its code is of pandas 1",
    ),
    "anonymeter": Environment(
        (("anonymeter", "pandas<3", "numpy<1.27", "pyarrow<22", "psutil"),), why="its code is of pandas 2"
    ),
    "dpmm": Environment(((TORCH,), ("dpmm", *_OLD)), why="it holds pandas and numpy of 2023"),
}


def default_folder() -> Path:
    """Return where environments lie: ``SYNTHPROOF_PEERS``, or ``peers`` beside the repository."""
    return Path(os.environ.get("SYNTHPROOF_PEERS", Path(__file__).resolve().parents[3] / "peers"))


def python_of(name: str, folder: Path | None = None) -> Path:
    """Return the interpreter of an environment, or stop with the command that makes it."""
    path = (folder or default_folder()) / name / "bin" / "python"
    if not (path.parent.parent / ".made").is_file():
        raise SystemExit(f"environment {name} is not made: python benchmarks/tables/environments.py {name}")
    return path


def make(name: str, folder: Path, *, pin: bool = False) -> None:
    """Make one environment; one that was made is left alone unless `pin`."""
    place, made = folder / name, folder / name / ".made"
    if made.is_file() and not pin:
        return
    environment = ENVIRONMENTS[name]
    venv.create(place, with_pip=True, clear=True)
    python = place / "bin" / "python"
    kept = CONSTRAINTS / f"{name}.txt"
    held = ["-c", str(kept)] if kept.is_file() and not pin else []
    for step in environment.steps:
        _pip(python, "install", *held, *step)
    if environment.remove:
        _pip(python, "uninstall", "-y", *environment.remove)
    if not held:
        kept.write_text(_frozen(python), encoding="utf-8")
    made.touch()


def _frozen(python: Path) -> str:
    done = subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", "freeze"], capture_output=True, text=True, check=True
    )
    # Only name and version: a local part (+cpu) or an address would bind the file to one machine.
    lines = [line.split("+")[0].split(" @ ")[0].strip() for line in done.stdout.splitlines()]
    return "\n".join([line for line in lines if "==" in line] + [""])


def _pip(python: Path, *words: str) -> None:
    subprocess.run([python, "-m", "pip", "--disable-pip-version-check", "-q", *words], check=True)


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ENVIRONMENTS))
    ap.add_argument("--folder", type=Path, default=default_folder())
    ap.add_argument("--pin", action="store_true")
    a = ap.parse_args()
    unknown = set(a.names) - set(ENVIRONMENTS)
    if unknown:
        ap.error(f"unknown: {', '.join(sorted(unknown))}")
    failed = []
    for name in a.names or ENVIRONMENTS:
        try:
            make(name, a.folder, pin=a.pin)
            print(f"{name}: ready in {a.folder / name}")
        except subprocess.CalledProcessError as error:
            failed.append(name)
            print(f"{name}: FAILED ({error.cmd})", file=sys.stderr)
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
