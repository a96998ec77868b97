"""`make bench-images`: time and memory of the road of pictures against their size and number.

    python benchmarks/images/scale.py [--minutes 40] [--work FOLDER] [--only SIDE ...] [--most COUNT]

Every stage of the road runs in a process of its own over the vault that the stage before left, at 28, 64, 96 and 128
pixels in grey and 64 in colour, and 1,000 to 50,000 pictures (`scale_data`): read, protect, fit, sample, search (what of
verifying grows with the pictures), verify (all of it, at 1,000) and write.
Seconds are CPU seconds of the process, on one thread each, which a busy machine hardly changes. Memory is read from
``/proc`` every 5 ms by the process that waits: *anonymous* memory (what cannot be given back) at its highest over that
before the stage began; pages mapped from files, which the system takes back when it needs them, are told apart.

Goes on where it stopped: ``benchmarks/results/images/scale.json`` keeps every stage of every point. `--work` keeps the
folders of pictures between runs (2 GiB for all); absent, a temporary folder. The page: ``scale_page.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from _machine import RESULTS, environment, keep
from scale_data import SEED, Pictures, make_folder, part_of

SIZES = ((28, 1), (64, 1), (96, 1), (128, 1), (64, 3))
COUNTS = (1_000, 5_000, 20_000, 50_000)
STAGES = ("read", "protect", "fit", "sample", "search", "verify", "write")
ONCE = ("sample", "verify")
"""Stages whose cost hardly knows how many pictures there are: measured at the smallest number alone."""
LEARNED, DRAWN = (320, 960), (64, 128)
"""Pictures looked at by the two fits, and drawn by the two draws, whose differences give the cost of one."""
ASKED, WRITTEN, LOOKED_AT = 2_000, 2_000, 64
"""Synthetic pictures at most that are searched for, files written, pictures whose loss is taken."""
_EVERY_S = 0.005
# What tells most comes first, in little time: the ends of the range, then what lies between.
FIRST = [
    (28, 1, 1_000), (64, 1, 1_000), (128, 1, 1_000), (28, 1, 5_000), (28, 1, 50_000), (128, 1, 5_000), (64, 3, 1_000),
    (96, 1, 1_000), (28, 1, 20_000), (64, 3, 5_000), (64, 3, 50_000), (128, 1, 50_000),
]  # fmt: skip
ORDER = FIRST + [(*s, n) for n in COUNTS for s in SIZES if (*s, n) not in FIRST]


# one stage, in a process of its own -------------------------------------------------------------------------


class Clock:
    """CPU seconds between two moments, and when they were."""

    def __enter__(self) -> Clock:
        self.began, self.cpu = time.monotonic(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu, self.ended = time.process_time() - self.cpu, time.monotonic()


def stage(name: str, folder: Path, vault: Path, side: int, channels: int, n: int) -> dict[str, Any]:
    """Do one stage and tell what it cost; the libraries it needs are loaded before the clock starts."""
    import synthproof.pipeline.image_road  # noqa: F401

    if name in ("fit", "sample", "verify"):
        from synthproof.engines.torch_nets.load import need_torch

        need_torch().set_num_threads(1)
    work = {"read": _read, "protect": _protect, "fit": _fit, "sample": _sample, "search": _search}
    work |= {"verify": _verify, "write": _write}
    return work[name](folder, vault, side, channels, n)


def _told(clock: Clock, **more: Any) -> dict[str, Any]:
    return {"cpu_s": clock.cpu, "began": clock.began, "ended": clock.ended, **more}


def _run() -> Any:
    from synthproof.core.run import Run

    return Run(workers=1)


def _read(folder: Path, vault: Path, side: int, channels: int, n: int) -> dict[str, Any]:
    from synthproof.data.image.io import How, read_images
    from synthproof.pipeline.images import read_into

    how = How(side=side, colour="rgb" if channels == 3 else "grey")
    with Clock() as clock:
        images = read_into(vault / "source", lambda store: read_images(folder, how, store=store, run=_run()))
    assert images.n_rows == n, (images.n_rows, n)
    size = sum(p.stat().st_size for p in folder.rglob("*.png"))
    return _told(clock, pictures=n, file_bytes=size)


def _protect(folder: Path, vault: Path, side: int, channels: int, n: int) -> dict[str, Any]:
    from synthproof.data.split import split
    from synthproof.pipeline.images import load_images, save_images
    from synthproof.protection.pictures import IMAGE_STEPS, protect_pictures

    with Clock() as clock:
        source = load_images(vault / "source")
        parts = split(source, seed=1)
        done = protect_pictures(parts, IMAGE_STEPS, seed=2, run=_run())
        for part in ("train", "holdout"):
            images = getattr(done.parts, part)
            kept = images.store is source.store
            save_images(vault / part, images, store=vault / "source" if kept else None)
    told = {r["step"]: r for r in done.receipts}
    return _told(
        clock, pictures=n, train=done.parts.train.n_rows, holdout=done.parts.holdout.n_rows,
        near_duplicates=told["image.near_duplicates"]["dropped"], with_text=told["image.burned_in"]["pictures_with_text"],
    )  # fmt: skip


def _fit(folder: Path, vault: Path, side: int, channels: int, n: int) -> dict[str, Any]:
    from synthproof.core.models import save_model
    from synthproof.core.registry import synthesizers
    from synthproof.pipeline.images import load_images

    train = load_images(vault / "train")
    spent, seen = [], []
    with Clock() as clock:
        for images in LEARNED if n == min(COUNTS) else (64, 128):
            with Clock() as one:
                model = synthesizers.make("image.flow", images=images, random_state=1, watch="warn").fit(
                    train, run=_run()
                )
            spent.append(one.cpu)
            seen.append(model.learned_["images"])
    save_model(model, vault / "model")
    each = (spent[1] - spent[0]) / (seen[1] - seen[0])
    batch = round(seen[1] / model.learned_["steps"])
    return _told(clock, per_picture_s=each, step_s=each * batch, batch=batch, before_s=spent[0] - each * seen[0])


def _sample(folder: Path, vault: Path, side: int, channels: int, n: int) -> dict[str, Any]:
    from synthproof.core.models import load_model

    model = load_model(vault / "model")
    spent = []
    with Clock() as clock:
        for drawn in DRAWN:
            with Clock() as one:
                model.sample(drawn, seed=3, run=_run())
            spent.append(one.cpu)
    return _told(clock, per_picture_s=(spent[1] - spent[0]) / (DRAWN[1] - DRAWN[0]), drawn=list(DRAWN))


def _stand_in(train: Any, vault: Path, n: int) -> Any:
    """Return n pictures of the recipe that no folder holds, as if they were drawn: drawing 50,000 would take hours."""
    import pandas as pd

    from synthproof.data.image.dataset import ImageSet
    from synthproof.data.image.store import new_store
    from synthproof.data.table.dataset import Table
    from synthproof.synthesizers.image.drawing import drawn_schema

    made = Pictures(train.chain.side, train.chain.channels, fresh=True)
    store = new_store(n, train.chain, vault / "stand-in")
    names = []
    for i in range(n):
        picture, name = made[i]
        store[i] = picture.reshape(train.chain.shape)
        names.append(name)
    schema = drawn_schema(train.schema)
    levels = list(schema.field("class").levels)
    labels = Table(pd.DataFrame({"class": pd.Categorical(names, categories=levels)}), schema, origin=train.origin)
    marks = pd.DataFrame({"seed": np.full(n, 3), "index": np.arange(n), "model": ["sha256:0"] * n})
    return ImageSet(labels, store, train.chain, marks=marks)


def _sides(vault: Path) -> tuple[Any, Any, Any]:
    """Return train, holdout and synthetic pictures; the last are made and kept at the first call."""
    from synthproof.pipeline.images import load_images, save_images

    train, holdout = load_images(vault / "train"), load_images(vault / "holdout")
    if not (vault / "synthetic").is_dir():
        save_images(vault / "synthetic", _stand_in(train, vault, min(ASKED, train.n_rows + holdout.n_rows)))
    return train, holdout, load_images(vault / "synthetic")


def _search(folder: Path, vault: Path, side: int, channels: int, n: int) -> dict[str, Any]:
    """What of verifying grows with the pictures: fingerprints, exact copies, near copies."""
    from synthproof.core.contracts import Case
    from synthproof.core.schema import Purpose
    from synthproof.metrics.image.exact_copies import ExactCopies
    from synthproof.metrics.image.near_copies import NearCopies

    train, holdout, synthetic = _sides(vault)
    case = Case(train=train, holdout=holdout, synthetic=synthetic, purpose=Purpose())
    with Clock() as clock:
        with Clock() as prints:
            train.fingerprint(), holdout.fingerprint()
        with Clock() as exact:
            ExactCopies().measure(case, seed=4, run=_run())
        with Clock() as near:
            found = NearCopies().measure(case, seed=4, run=_run())
    return _told(
        clock, fingerprints_s=prints.cpu, exact_s=exact.cpu, near_s=near.cpu, train=train.n_rows, holdout=holdout.n_rows,
        asked=[found[0].detail["images_looked_at"], found[0].detail["unseen_looked_at"]],
    )  # fmt: skip


def _verify(folder: Path, vault: Path, side: int, channels: int, n: int) -> dict[str, Any]:
    from synthproof.core.models import load_model
    from synthproof.core.schema import Purpose
    from synthproof.pipeline.judging import complete_purpose, prove

    train, holdout, synthetic = _sides(vault)
    model = load_model(vault / "model")
    with Clock() as clock:
        with Clock() as looking:
            model.unit_loss(holdout.take(np.arange(LOOKED_AT)), run=_run())
        with Clock() as proving:
            proof = prove(
                train, synthetic, holdout, purpose=complete_purpose(Purpose(), train.schema), policy="image", seed=4,
                repeats=100, run=_run(),
            )  # fmt: skip
    return _told(
        clock, prove_s=proving.cpu, loss_per_picture_s=looking.cpu / LOOKED_AT, synthetic=synthetic.n_rows,
        evidence=len(proof.evidence),
    )  # fmt: skip


def _write(folder: Path, vault: Path, side: int, channels: int, n: int) -> dict[str, Any]:
    from synthproof.data.image.write import write_images
    from synthproof.pipeline.images import load_images

    source = load_images(vault / "source")
    some = source.take(np.arange(min(n, WRITTEN)))
    with Clock() as clock:
        with Clock() as files:
            write_images(some, vault / "out")
        with Clock() as archive:
            write_images(source, vault / "out.npz")
    return _told(
        clock, files=some.n_rows, per_file_s=files.cpu / some.n_rows, archived=n, per_archived_s=archive.cpu / n
    )


# the process that waits and watches -------------------------------------------------------------------------


class Watch(threading.Thread):
    """Reads a process's memory every few milliseconds: anonymous, and mapped from files."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.path, self.seen, self.over = Path(f"/proc/{pid}/status"), [], threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                text = self.path.read_text(encoding="ascii")
            except OSError:
                return
            kib = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines() if line.startswith("Rss")}
            if kib:
                self.seen.append((time.monotonic(), kib["RssAnon"], kib["RssFile"] + kib["RssShmem"]))
            self.over.wait(_EVERY_S)

    def over_stage(self, began: float, ended: float) -> dict[str, float]:
        """Return the highest between two moments over what there was at the first, MiB."""
        seen = np.array(self.seen)
        before, inside = seen[seen[:, 0] <= began], seen[(seen[:, 0] >= began) & (seen[:, 0] <= ended)]
        inside = inside if len(inside) else before[-1:]
        base = before[-1]
        return {
            "base_anonymous_mib": base[1] / 1024,
            "anonymous_mib": float(inside[:, 1].max() - base[1]) / 1024,
            "mapped_mib": float(inside[:, 2].max() - base[2]) / 1024,
        }


def measured(name: str, folder: Path, vault: Path, side: int, channels: int, n: int) -> dict[str, Any]:
    """Return what one stage cost, done in a process of its own."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    given = [sys.executable, __file__, "--one", name, str(folder), str(vault), str(side), str(channels), str(n)]
    child = subprocess.Popen(
        given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **one_thread, "TMPDIR": str(vault), "MALLOC_ARENA_MAX": "2"},
    )  # fmt: skip
    watch = Watch(child.pid)
    watch.start()
    out, err = child.communicate()
    watch.over.set()
    watch.join()
    if child.returncode:
        raise RuntimeError(f"{name} at {side} px × {channels}, {n} pictures: {err[-2000:]}")
    found: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    began, ended = found.pop("began"), found.pop("ended")
    return {**found, "wall_s": ended - began, **watch.over_stage(began, ended)}


def main() -> None:
    ap = argparse.ArgumentParser()
    ap.add_argument("--minutes", type=float, default=40)
    ap.add_argument("--work", type=Path)
    ap.add_argument("--only", type=int, nargs="*")
    ap.add_argument("--most", type=int, default=max(COUNTS))
    ap.add_argument("--stages", nargs="*", default=STAGES, choices=STAGES)
    ap.add_argument("--one", nargs=6)
    a = ap.parse_args()
    if a.one:
        name, folder, vault, *sizes = a.one
        print(json.dumps(stage(name, Path(folder), Path(vault), *(int(s) for s in sizes))))
        return
    with tempfile.TemporaryDirectory(prefix="synthproof-scale-") as spare:
        go_on(a.work or Path(spare), a.minutes, a.only, a.most, a.stages)


def go_on(work: Path, minutes: float, only: list[int] | None, most: int, stages: Sequence[str] = STAGES) -> None:
    """Measure what is not yet kept, until the CPU minutes are spent."""
    spent = 0.0
    for side, channels, n in ORDER:
        if (only and side not in only) or n > most:
            continue
        key = f"{side}x{channels}/{n}"
        vault = work / f"vault-{side}x{channels}-{n}"
        for name in stages:
            if name in _kept()["points"].get(key, {}) or (name in ONCE and n > min(COUNTS)):
                continue
            if spent > 60 * minutes:
                return
            folder = _folder(work, side, channels, n)
            done = measured(name, folder, vault, side, channels, n)
            spent += done["cpu_s"]
            result = _kept()  # read again: another process may have gone on meanwhile
            result["points"].setdefault(key, {"side": side, "channels": channels, "n": n})[name] = done
            keep("images/scale", result)
            print(f"{side:4} px × {channels}, {n:6,}  {name:8} {done['cpu_s']:8.1f} CPU s, {done['anonymous_mib']:7.1f} MiB "
                  f"anonymous, {done['mapped_mib']:7.1f} mapped", flush=True)  # fmt: skip


def _kept() -> dict[str, Any]:
    """Return what is kept, with the machine's facts."""
    from synthproof.core.cost import pace_seconds

    path = RESULTS / "images" / "scale.json"
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"points": {}}
    result |= {"environment": environment(), "seed": SEED, "threads": 1, "clock": "CPU seconds of the process"}
    result["pace_s"] = min(result.get("pace_s", 1.0), pace_seconds(time.process_time))
    return result


def _folder(work: Path, side: int, channels: int, n: int) -> Path:
    whole = work / f"pictures-{side}x{channels}"
    folder = work / f"pictures-{side}x{channels}-{n}"
    if (folder / ".made").is_file():
        return folder
    make_folder(whole, n, side, channels)
    return part_of(folder, whole, n)


if __name__ == "__main__":
    main()
