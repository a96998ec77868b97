"""A real Ray cluster of several nodes on this machine: the same bytes, and nothing lost when a node is killed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

import synthproof as sp
from synthproof.core.errors import Cancelled, ExecutorError
from synthproof.core.executors import cluster as cluster_module
from synthproof.core.executors.carried import opened, packed
from synthproof.core.run import Event, Run
from synthproof.data.table.io import write_table
from synthproof.testing.calibration import campaign
from synthproof.testing.worlds import patients
from synthproof.verification.limits import LimitSpec, simulate_limits

pytestmark = pytest.mark.e2e
# Ray keeps sockets, pipes and child processes open as long as a driver lives.
quiet_ray = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
# A dead node is missed after some 4 seconds instead of Ray's 20.
WATCHED = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 2,
}
SMALL = {"object_store_memory": 100 * 2**20, "include_dashboard": False}

CALIBRATED = ("table.shape", "table.exact_copies", "table.distinguishability_linear")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Nodes:
    """Three nodes, of which tests may kill and replace."""

    def __init__(self) -> None:
        cluster_module._settle_ray(local=True)  # before Ray is imported: everything stays on loopback
        pytest.importorskip("ray")
        from ray.cluster_utils import Cluster

        self.port = free_port()
        self.cluster = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 1, "ray_client_server_port": self.port, "_system_config": WATCHED, **SMALL},
        )
        self.others = [self.cluster.add_node(wait=False, num_cpus=1, **SMALL) for _ in range(2)]
        self.cluster.wait_for_nodes()

    def kill_one(self) -> str:
        """Kill a node and its workers in the midst of their work, as a power cut does; return its id."""
        node = self.others.pop()
        raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
        workers = raylet.children(recursive=True)
        self.cluster.remove_node(node, allow_graceful=False)
        for worker in workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
        return str(node.node_id)

    def replace(self) -> None:
        self.others.append(self.cluster.add_node(num_cpus=1, **SMALL))
        self.cluster.wait_for_nodes()


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as patch:
        # the head node gives each client a server of its own, and half a minute is short on a machine with other work
        patch.setenv("RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S", "180")
        made = Nodes()
        patch.setenv("RAY_ADDRESS", made.cluster.address)
        yield made
    made.cluster.shutdown()


@pytest.fixture(scope="module")
def run(nodes: Nodes) -> Iterator[Run]:
    with Run(executor="ray") as job:
        yield job


def with_events(run: Run, on_event: Callable[[Event], None]) -> Run:
    """Return a run on the same connection."""
    return Run(on_event, executor=run._executor)


def killing(nodes: Nodes, task: str, after: int) -> tuple[Callable[[Event], None], list[str]]:
    """Return a listener that kills a node once `after` pieces of a task are done."""
    killed: list[str] = []

    def on_event(event: Event) -> None:
        if not killed and event.task == task and event.done >= after:
            killed.append(nodes.kill_one())

    return on_event, killed


@quiet_ray
def test_same_bytes_as_on_one_machine(run: Run) -> None:
    world = patients()
    train, holdout = world.draw(240, 1), world.draw(120, 2)

    def told(job: Run) -> tuple[str, ...]:
        drawn = []
        for name in ("table.copula", "table.cart_chain", "table.autoregressive"):
            model = sp.synthesizer(name, random_state=3).fit(train, run=job)
            drawn.append(model.core.sample(20_000, seed=4, run=job))
            drawn.append(model.core.sample(3000, seed=4, where={"sex": "F"}, run=job))
        fake = drawn[0].take(range(240))
        judged = sp.verify(train, fake, holdout=holdout, purpose=world.purpose, seed=5, repeats=8, run=job)
        limits = [x.record for x in judged.proof.limits]
        assert limits
        evidence: list[Any] = [e.to_dict(private=True) for e in judged.evidence]
        assert not [e for e in evidence if e["outcome"] == "failed"]
        evidence += campaign(world, "equal", "fresh", (1, 2, 3), n=200, names=CALIBRATED, run=job)[0]
        return (*(t.fingerprint() for t in drawn), hashlib.sha256(repr((evidence, limits)).encode()).hexdigest())

    assert told(run) == told(Run(executor="serial"))


def slow(folder: Path, i: int, *, stuck_on: str = "") -> int:
    """Leave a mark; hang on the doomed node, and elsewhere go on only when that node has something to hang on."""
    import ray

    node = ray.get_runtime_context().get_node_id()
    (folder / f"{i:02d}-{node}").touch()
    deadline = time.monotonic() + 30
    while i > 5 and stuck_on and time.monotonic() < deadline and not any(folder.glob(f"*-{stuck_on}")):
        time.sleep(0.05)
    time.sleep(600 if node == stuck_on else 0.1)
    return i * i


@quiet_ray
def test_what_a_killed_node_was_working_on_is_made_again(nodes: Nodes, run: Run, tmp_path: Path) -> None:
    doomed = str(nodes.others[-1].node_id)
    events: list[Event] = []
    killed: list[str] = []

    def on_event(event: Event) -> None:
        events.append(event)
        if not killed and event.done >= 3 and any(tmp_path.glob(f"*-{doomed}")):
            killed.append(nodes.kill_one())

    work = partial(slow, tmp_path, stuck_on=doomed)
    assert with_events(run, on_event).map(work, range(24), "slow") == [i * i for i in range(24)]
    begun = [p.name.split("-") for p in tmp_path.iterdir()]
    there = {i for i, node in begun if node == doomed}
    assert killed == [doomed]
    assert there
    assert there <= {i for i, node in begun if node != doomed}, "what the killed node held was not made again"
    assert events[-1].done == events[-1].total == 24
    nodes.replace()


@quiet_ray
def test_rows_and_limits_survive_a_killed_node(nodes: Nodes, run: Run) -> None:
    train = patients().draw(400, 1)
    model = sp.synthesizer("table.copula", random_state=3).fit(train).core
    on_event, killed = killing(nodes, "sample", 5)
    drawn = model.sample(60_000, seed=9, run=with_events(run, on_event))
    assert killed
    assert drawn.fingerprint() == model.sample(60_000, seed=9, run=Run(executor="serial")).fingerprint()
    nodes.replace()

    specs = [LimitSpec("table.pipc_singling_out", 0.9), LimitSpec("table.corr_sd", 0.9)]
    on_event, killed = killing(nodes, "limits/table.corr_sd", 4)
    purpose = patients().purpose
    found = simulate_limits(train, purpose, specs, seed=5, repeats=30, run=with_events(run, on_event))
    assert killed
    assert found == simulate_limits(train, purpose, specs, seed=5, repeats=30, run=Run(executor="serial"))


@quiet_ray
def test_cancel_leaves_no_task_behind(run: Run, tmp_path: Path) -> None:
    import ray

    def on_event(event: Event) -> None:
        if event.done >= 3:
            job.cancel()

    job = with_events(run, on_event)
    with pytest.raises(Cancelled):
        job.map(partial(slow, tmp_path), range(200), "slow")
    begun = len(list(tmp_path.iterdir()))
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        free = ray.available_resources().get("CPU", 0)
        if free == ray.cluster_resources()["CPU"]:
            break
        time.sleep(0.1)
    assert free == ray.cluster_resources()["CPU"], "workers are still busy"
    assert len(list(tmp_path.iterdir())) == begun < 30


@quiet_ray
def test_a_node_with_other_versions_is_refused() -> None:
    there = {**cluster_module.versions(), "numpy": "1.0"}
    with pytest.raises(ExecutorError, match="run/other-versions") as refused:
        opened(cluster_module._answer("key", [], packed(1), there))
    assert refused.value.facts["library"] == "numpy"


def cli(*args: object, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "synthproof", *map(str, args)]
    surroundings = {**os.environ, "LANG": "en_US.UTF-8", "PYTHONIOENCODING": "utf-8", **env}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=surroundings, check=False)


@quiet_ray
def test_the_command_line_reaches_a_cluster_by_its_address(nodes: Nodes, tmp_path: Path) -> None:
    model = sp.synthesizer("table.copula", random_state=3).fit(patients().draw(300, 1))
    model.save(tmp_path / "model")
    write_table(model.core.sample(20_000, seed=3), tmp_path / "here.csv")
    args = ("sample", "model", "--n", 20_000, "--seed", 3, "-o", "there.csv")
    done = cli(*args, "--executor", f"ray://127.0.0.1:{nodes.port}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "there.csv"
    assert "ray" not in done.stderr.lower()
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


LISTENERS = """
import json, os, psutil
from synthproof.core.run import Run

if __name__ == "__main__":
    with Run(executor="ray", workers=2) as run:
        assert run.map(abs, range(-20, 0)) == list(range(20, 0, -1))
        listen = set()
        for p in psutil.Process().children(recursive=True):
            try:
                listen |= {c.laddr.ip for c in p.net_connections(kind="inet") if c.status == "LISTEN"}
            except psutil.Error:
                continue
        import ray
        print(json.dumps([sorted(listen), os.environ["RAY_USAGE_STATS_ENABLED"], ray.is_initialized()]))
    print(json.dumps(ray.is_initialized()))
"""


def test_a_cluster_of_our_own_keeps_to_this_machine(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    script = tmp_path / "listeners.py"
    script.write_text(LISTENERS)
    env: dict[str, Any] = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    listen, usage, there = json.loads(done.stdout.splitlines()[0])
    assert listen
    assert all(ip.removeprefix("::ffff:") in ("127.0.0.1", "::1") for ip in listen), listen
    assert usage == "0"
    assert there is True
    assert json.loads(done.stdout.splitlines()[1]) is False
