"""Run generators on real tables and keep what the scorer finds: one cell is one generator, one set, one seed.

    python benchmarks/tables/cells.py                                   the whole plan, from where it stopped
    python benchmarks/tables/cells.py --peer ours:table.autoregressive --sets adult shoppers --seeds 0 1
    python benchmarks/tables/cells.py --peer ours:table.autoregressive --param trees=4 --label small
    python benchmarks/tables/cells.py --peer ours:table.cart_chain --retime      times again, on a quiet machine

A kept cell is not run again unless it failed (``--again`` runs all). Every cell runs in a process of its own, one after the other, at the
lowest priority and on one thread; past 600 CPU-seconds (or an hour) it ends as "cap". ``--retime`` runs at ordinary
priority on all cores and replaces only the times. Synthetic tables stay in the cache outside the repository.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sets as real_sets
from peers import ADAPTERS, Peer, peer, plan
from sets import SETS, SMALL, cache_dir, label, stored_halves

from _machine import RESULTS, _processor  # noqa: PLC2701

KEPT = RESULTS / "tables"
CAP_S = 600.0
QUIET = 0.3
"""Cores that other work may keep busy while times are taken for the table of a quiet machine."""
_WALL_S = 3600.0
_TICK_S = 0.5
_DIGITS = 6
Cell = dict[str, Any]


def kept_path(folder: str, name: str, seed: int, split: real_sets.SplitName) -> Path:
    """Return where a cell's figures are kept."""
    return KEPT / folder / f"{label(name, seed, split)}.json"


def run_cell(who: Peer, name: str, seed: int, split: real_sets.SplitName, *, threads: int) -> Cell:
    """Fit, sample and score once; what went wrong is part of the result."""
    train, holdout = stored_halves(name, seed, split)
    synthetic = cache_dir() / who.label / f"{label(name, seed, split)}.parquet"
    cell: Cell = {
        "peer": who.label,
        "title": who.title,
        "params": who.params,
        "set": name,
        "split": split,
        "seed": seed,
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
    }
    cell |= generate(who, train, synthetic, seed, threads)
    if cell["status"] == "drawn":
        done = _python("--score", str(train), str(holdout), str(synthetic), name)
        if done.returncode == 0:
            cell |= {"status": "scored", "scores": json.loads(done.stdout.splitlines()[-1])}
        else:
            cell |= {"status": "failed", "error": "scorer: " + _told(done.stderr)}
    return cell


def generate(who: Peer, train: Path, out: Path, seed: int, threads: int) -> Cell:
    """Run the adapter under the cap, and return its times beside how busy the machine was with other work."""
    import pyarrow.parquet as pq

    out.parent.mkdir(parents=True, exist_ok=True)
    command = [str(who.python()), str(ADAPTERS / who.adapter), "--train", str(train), "--out", str(out)]
    command += ["--n", str(pq.read_metadata(train).num_rows), "--seed", str(seed)]
    for key, value in who.params.items():
        command += ["--param", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
    busy, started = _busy(), time.perf_counter()
    log, line = out.with_suffix(".log"), out.with_suffix(".said")
    with log.open("w", encoding="utf-8") as errors, line.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            command, stdout=said, stderr=errors, env=_surroundings(threads), start_new_session=True
        )
        try:
            used = _watch(process)
        finally:
            if process.poll() is None:  # we are being ended: the adapter has a session of its own and would go on
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    wall = time.perf_counter() - started
    machine = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "nice": os.nice(0),
        "load": round(os.getloadavg()[0], 1),
        "cores_busy_elsewhere": round(max(0.0, (_busy() - busy - used["cpu_s"]) / wall), 2),
    }
    if used["capped"]:
        return {"status": "cap", "cap_s": CAP_S, "cost": {"cpu_s": used["cpu_s"], "wall_s": wall}, "machine": machine}
    lines = line.read_text(encoding="utf-8").strip().splitlines()
    if process.returncode != 0 or not lines:
        return {"status": "failed", "error": _told(log.read_text(encoding="utf-8")), "machine": machine}
    told = json.loads(lines[-1])
    version = told["version"] + (f" ({_commit()})" if who.environment is None else "")
    return {"status": "drawn", "version": version, "rows": told["rows"], "cost": told["cost"], "machine": machine}


def _watch(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Wait for the end or the cap; CPU seconds are of the process and all its children."""
    import psutil

    root, cpu, started = psutil.Process(process.pid), 0.0, time.perf_counter()
    while process.poll() is None:
        try:
            own = root.cpu_times()
            total = own.user + own.system + own.children_user + own.children_system
            for child in root.children(recursive=True):
                try:
                    mine = child.cpu_times()
                    total += mine.user + mine.system
                except psutil.Error:
                    continue
            cpu = max(cpu, total)
        except psutil.Error:
            pass
        if cpu > CAP_S or time.perf_counter() - started > _WALL_S:
            os.killpg(process.pid, signal.SIGKILL)  # its own session: nothing else is in this group
            process.wait()
            return {"capped": True, "cpu_s": cpu}
        time.sleep(_TICK_S)
    return {"capped": False, "cpu_s": cpu}


def _surroundings(threads: int) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    names = ("OMP", "OPENBLAS", "MKL", "NUMBA", "BENCH")
    env |= {f"{n}_{'THREADS' if n == 'BENCH' else 'NUM_THREADS'}": str(threads) for n in names}
    return env | {"CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore", "TQDM_DISABLE": "1"}


def _busy() -> float:
    """CPU seconds that all cores have worked since the machine started (Linux; elsewhere 0)."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    except OSError:
        return 0.0
    user, nice, system, _idle, _wait, irq, soft = map(int, first[:7])
    return (user + nice + system + irq + soft) / float(os.sysconf("SC_CLK_TCK"))


def _commit() -> str:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        return "no git"
    changed = subprocess.run(["git", "-C", str(root), "diff", "--quiet", "HEAD", "--", "src"], check=False).returncode
    return done.stdout.strip() + (", changed" if changed else "")


def _told(text: str) -> str:
    """The last line that says something, without paths."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = next(
        (line for line in reversed(lines) if re.match(r"[\w.]*(Error|Exception|Killed)", line)), (lines or ["?"])[-1]
    )
    return re.sub(r"(/[\w.+-]+){2,}", "…", last)[:300]


def _python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, __file__, *words], capture_output=True, text=True, env=_surroundings(1), check=False
    )


def _score(train: str, holdout: str, synthetic: str, name: str) -> None:
    """What the scoring process does: print the figures as one JSON line."""
    import numpy as np
    import pandas as pd
    from scorer import real_side, score

    a, h, s = (pd.read_parquet(p) for p in (train, holdout, synthetic))
    target, store = SETS[name].target, Path(train).parent / "real_side.npz"
    if not store.is_file():
        np.savez(store, **real_side(a, h, target))
    side = dict(np.load(store)) | {"trtr": float(np.load(store)["trtr"])}
    print(json.dumps(rounded(score(a, h, s, target, real_side=side, bootstrap=len(a) < SMALL))))


def _floor(name: str, seed: str, split: real_sets.SplitName) -> None:
    import pandas as pd
    from scorer import floor

    train, holdout = (pd.read_parquet(p) for p in stored_halves(name, int(seed), split))
    numeric = sum(pd.api.types.is_numeric_dtype(train[c]) for c in train)
    facts = {"rows": len(train), "holdout_rows": len(holdout), "columns": train.shape[1], "numeric": numeric}
    print(json.dumps(facts | {"scores": rounded(floor(train, holdout, SETS[name].target))}))


def rounded(value: Any) -> Any:
    """Return figures with six digits: more would only be noise in the kept files."""
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, float):
        return None if value != value else float(f"{value:.{_DIGITS}g}")  # noqa: PLR0124
    return value


def keep(path: Path, cell: Cell) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_suffix(".part")
    waiting.write_text(json.dumps(rounded(cell), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    waiting.replace(path)


def ensure_floor(name: str, seed: int, split: real_sets.SplitName) -> None:
    """Measure and keep what a fresh real sample scores, once for each set and seed."""
    path = kept_path("floor", name, seed, split)
    if path.is_file():
        return
    done = _python("--floor", name, str(seed), split)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    found = json.loads(done.stdout.splitlines()[-1])
    keep(path, {"peer": "floor", "title": "a fresh real sample", "set": name, "split": split, "seed": seed, **found})


def retime(path: Path, who: Peer, name: str, seed: int, split: real_sets.SplitName) -> Cell | None:
    """Run a kept cell's generator again on all cores and put its times in the kept file; `None` on a busy machine."""
    cell: Cell = json.loads(path.read_text(encoding="utf-8"))
    train, _ = stored_halves(name, seed, split)
    scratch = cache_dir() / who.label / f"{label(name, seed, split)}.retime.parquet"
    again = generate(who, train, scratch, seed, threads=os.cpu_count() or 1)
    scratch.unlink(missing_ok=True)
    if again["machine"]["cores_busy_elsewhere"] > QUIET:
        return None
    return cell | {
        "retimed": {k: again.get(k) for k in ("status", "cost", "machine", "version", "error") if k in again}
    }


def main() -> None:
    if sys.argv[1:2] == ["--score"]:
        return _score(*sys.argv[2:])
    if sys.argv[1:2] == ["--floor"]:
        return _floor(*sys.argv[2:])  # type: ignore[arg-type]
    a = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not a.retime:
        os.nice(19 - os.nice(0))
    tasks = (
        [(peer(p, a.param, a.label), a.sets, a.seeds) for p in a.peer]
        if a.peer
        else [(peer(p), s, k) for p, s, k in plan()]
    )
    for who, names, seeds in tasks:
        for seed in seeds:
            for name in names:
                one(who, name, seed, a)
    return None


def one(who: Peer, name: str, seed: int, a: argparse.Namespace) -> None:
    """Run one cell unless it is kept, and say how it went."""
    path = kept_path(who.label, name, seed, a.split)
    if a.retime:
        if path.is_file():
            timed = retime(path, who, name, seed, a.split)
            if timed is not None:
                keep(path, timed)
            found = "the machine is busy: not kept" if timed is None else timed["retimed"]
            print(who.label, name, seed, found, flush=True)
        return
    if path.is_file() and not a.again and json.loads(path.read_text(encoding="utf-8"))["status"] != "failed":
        return
    ensure_floor(name, seed, a.split)
    cell = run_cell(who, name, seed, a.split, threads=a.threads)
    keep(path, cell)
    s, c = cell.get("scores", {}), cell.get("cost", {})
    told = "  ".join(f"{k} {s[k]:.3f}" for k in ("c2st_auc_holdout", "dcr_share", "mia_auc", "tstr") if k in s)
    spent = (
        f"fit {c['fit_cpu_s']:.1f} sample {c['sample_cpu_s']:.1f} CPU-s" if "fit_cpu_s" in c else cell.get("error", "")
    )
    print(f"{time.strftime('%H:%M:%S')} {who.label:32} {name:22} {seed} {cell['status']:7} {told}  {spent}", flush=True)


def _arguments() -> argparse.Namespace:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--peer", nargs="*", default=[], help="the whole plan when absent")
    ap.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS), metavar="SET")
    ap.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    ap.add_argument("--param", action="append", default=[], metavar="K=V", help="V is read as JSON where it is that")
    ap.add_argument("--label", help="what the kept results of these parameters are called")
    ap.add_argument("--split", choices=("halves", "published"), default="halves")
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--again", action="store_true", help="run kept cells again")
    ap.add_argument("--retime", action="store_true")
    a = ap.parse_args()
    a.param = dict(_param(p) for p in a.param)
    if a.split == "published" and set(a.sets) != {"adult"}:
        ap.error("--split published: only adult has the publisher's own parts; add --sets adult")
    return a


def _param(text: str) -> tuple[str, Any]:
    name, found, value = text.partition("=")
    if not found:
        raise SystemExit(f"--param {text}: K=V")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


if __name__ == "__main__":
    main()
