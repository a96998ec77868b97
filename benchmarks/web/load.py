"""Fifty people at once: readers of a panel and voting members, on SQLite and on PostgreSQL, against a real server.

    python benchmarks/web/load.py [--people 50] [--each 40] [--postgres URL]

Writes ``benchmarks/results/web_load.json``: latencies (logins apart), errors, and whether anything was lost or doubled.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from sqlalchemy import func, select

from synthproof.web.acts import panel as panels
from synthproof.web.acts import people
from synthproof.web.guard import COOKIE
from synthproof.web.models import PanelReading, Person, Session
from synthproof.web.security import digest_of, open_session
from synthproof.web.store import Store

RESULT = Path(__file__).parents[1] / "results" / "web_load.json"
PASSWORD = "a password for the load test"


def package(n: int) -> BytesIO:
    out = BytesIO()
    items = [{"name": f"{i:016x}", "kind": "card", "card": [["age", str(i)], ["sex", "F"]]} for i in range(2 * n)]
    told = {"format": 1, "title": "load", "commitment": "sha256:0", "items": items}
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("panel.json", json.dumps({**told, "plan": {"n": n, "mode": "free", "minutes": 0}}))
    out.seek(0)
    return out


def prepare(store: Store, count: int, n: int) -> tuple[str, list[tuple[str, str, str]]]:
    chair = people.join(store, people.first_setup(store), PASSWORD, login="chair", name="chair")
    made = []
    with store.write() as work:
        work.get_one(Person, chair.id)
    steward, _ = people.invite(store, chair, {"login": "steward", "name": "steward", "role": "steward"})
    panel = panels.open_panel(store, steward, package(n)).id
    for i in range(count):
        reader, _ = people.invite(store, chair, {"login": f"r{i}", "name": f"r{i}", "role": "reader"})
        people.pledge(store, reader, {str(k): "no" for k in range(6)}, "")
        panels.call_reader(store, steward, panel, reader.id)
        panels.begin(store, reader, panel)
        with store.write() as work:  # logins are counted apart: argon2 is slow on purpose
            token = open_session(work, work.get_one(Person, reader.id))
        with store.read() as work:
            csrf = work.execute(select(Session.csrf).where(Session.token == digest_of(token))).scalar_one()
        made.append((reader.id, token, csrf))
    return panel, made


def measure(data: Path, url: str, count: int, each: int) -> dict[str, Any]:
    store = Store(data, url)
    panel, readers = prepare(store, count, max(2, (each + 1) // 2))
    store.close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "synthproof", "review", "serve", "--port", str(port), "--data", str(data)]
    server = subprocess.Popen([*words, *(["--database", url] if url else [])], stdout=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            httpx.get(f"{base}/healthy", timeout=2)
            break
        except httpx.TransportError:
            time.sleep(0.1)
    writes: list[float] = []
    reads: list[float] = []
    errors: list[str] = []
    gate = threading.Barrier(count)

    def read_panel(token: str, csrf: str, seed: int) -> None:
        rng = np.random.default_rng(seed)
        with httpx.Client(base_url=base, cookies={COOKIE: token}, timeout=60) as client:
            client.get("/healthy")
            gate.wait()
            for i in range(each):
                time.sleep(float(rng.exponential(args.think)))
                begun = time.perf_counter()
                page = client.get(f"/panels/{panel}/read")
                reads.append(time.perf_counter() - begun)
                body = {
                    "csrf": csrf,
                    "item": f"{i:016x}",
                    "says": "real" if rng.random() < 0.5 else "synthetic",
                    "ms": "1",
                }
                begun = time.perf_counter()
                done = client.post(f"/panels/{panel}/read", data=body)
                writes.append(time.perf_counter() - begun)
                if page.status_code != 200 or done.status_code != 303:
                    errors.append(f"{page.status_code} {done.status_code}")

    threads = [threading.Thread(target=read_panel, args=(t, c, i)) for i, (_, t, c) in enumerate(readers)]
    begun = time.perf_counter()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    took = time.perf_counter() - begun
    server.send_signal(signal.SIGTERM)
    server.wait(30)
    again = Store(data, url)
    with again.read() as work:
        rows = work.execute(select(func.count()).select_from(PanelReading)).scalar_one()
        lines = again.journal(work, panels.chain_of(panel))
    given = [(x.person, (x.fields or {})["item"]) for x in lines if x.act == "reading.given"]
    flaws = again.flaws()
    again.close()
    return {
        "people": count,
        "each": each,
        "think_seconds": args.think,
        "seconds": round(took, 2),
        "requests_a_second": round((len(reads) + len(writes)) / took, 1),
        "write_ms": quantiles(writes),
        "read_ms": quantiles(reads),
        "errors": len(errors),
        "answers_expected": count * each,
        "answers_in_table": rows,
        "answers_in_journal": len(given),
        "doubled": len(given) - len(set(given)),
        "journal_whole": not flaws,
    }


def quantiles(seconds: list[float]) -> dict[str, float]:
    ms = np.array(seconds) * 1000
    return {f"p{q}": round(float(np.percentile(ms, q)), 1) for q in (50, 95, 99)} | {"max": round(float(ms.max()), 1)}


def own_postgres(root: Path) -> str:
    """Start a PostgreSQL of one's own as an unprivileged user, and return its URL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        return ""
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    if user:
        os.chown(root, 65534, 65534)
    bin_folder, data = found[-1].parent, root / "data"
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(root)}
    options = f"-c listen_addresses='' -c unix_socket_directories={root} -c max_connections=120"
    for words in (
        [str(bin_folder / "initdb"), "-D", str(data), "-U", "review", "-A", "trust", "-E", "UTF8", "--locale=C"],
        [str(bin_folder / "pg_ctl"), "-D", str(data), "-l", str(root / "log"), "-w", "-o", options, "start"],
    ):
        subprocess.run([*user, *words], check=True, capture_output=True, env=env, cwd=root)
    stops.append(([*user, str(bin_folder / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"], env, root))
    return f"postgresql://review@/postgres?host={root}"


stops: list[tuple[list[str], dict[str, str], Path]] = []

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--think", type=float, default=1.0, help="mean seconds between two answers of one person")
    parser.add_argument("--postgres", default="")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="sp-load-"))
    folder.chmod(0o755)
    pg = folder / "pg"
    pg.mkdir()
    try:
        out: dict[str, Any] = {
            "machine": {
                "cpus": os.cpu_count(),
                "load_average_of_others_before": round(os.getloadavg()[0], 1),
                "python": platform.python_version(),
            },
            "sqlite": measure(folder / "sqlite", "", args.people, args.each),
        }
        if url := args.postgres or own_postgres(pg):
            out["postgresql"] = measure(folder / "server", url, args.people, args.each)
        else:
            out["postgresql"] = {"skipped": "no PostgreSQL found"}
        RESULT.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")
        print(json.dumps(out, indent=1))
    finally:
        for words, env, root in stops:
            subprocess.run(words, check=False, env=env, cwd=root, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
