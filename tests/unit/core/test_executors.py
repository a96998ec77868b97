"""Where work runs changes nothing: neither results, nor progress, nor how it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from synthproof.core.errors import (
    Cancelled,
    ConditionError,
    ExecutorError,
    MissingExtraError,
    SynthproofError,
    UsageError,
)
from synthproof.core.executors import make_executor
from synthproof.core.executors.local import LOSSES, Processes, Serial, Threads
from synthproof.core.run import Event, Run
from synthproof.testing.executors import Carried


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    pool = Processes(2)
    yield pool
    pool.close()


@pytest.fixture(params=["serial", "threads", "processes", "carried"])
def executor(request: pytest.FixtureRequest, processes: Processes) -> Any:
    return {"serial": Serial(), "threads": Threads(3), "processes": processes, "carried": Carried()}[request.param]


def doubled(i: int) -> int:
    return 2 * i


def test_results_stand_in_the_order_of_the_items(executor: Any) -> None:
    events: list[Event] = []
    run = Run(events.append, executor=executor)
    assert run.map(doubled, range(40), "double") == [2 * i for i in range(40)]
    assert (events[0].task, events[0].done, events[0].total) == ("double", 0, 40)
    assert events[-1].done == 40
    assert [e.done for e in events] == sorted(e.done for e in events)


def test_closures_and_arrays_travel_and_arrive_writable(executor: Any) -> None:
    table = np.arange(300_000.0)

    def work(i: int) -> float:
        assert table.flags.writeable
        return float(table[i : i + 3].sum())

    assert Run(executor=executor).map(work, range(6)) == [float(3 * i + 3) for i in range(6)]


def refusing(i: int) -> int:
    if i == 3:
        raise ConditionError("condition/impossible", where="age", probability=0.5)
    return i


def test_errors_keep_their_kind_code_and_facts(executor: Any) -> None:
    with pytest.raises(ConditionError, match="condition/impossible") as caught:
        Run(executor=executor).map(refusing, range(8))
    assert caught.value.facts["probability"] == 0.5
    assert caught.value.where == "age"


def test_an_error_that_cannot_travel_is_told_by_its_kind() -> None:
    class OddError(Exception):
        def __init__(self) -> None:
            super().__init__("quoting a cell")
            self.lock = threading.Lock()

    def work(i: int) -> int:
        raise OddError

    with pytest.raises(RuntimeError, match="OddError in a worker") as caught:
        Run(executor=Carried()).map(work, range(2))
    assert "cell" not in str(caught.value)


def test_work_that_cannot_travel_is_found_by_the_carried_executor() -> None:
    lock = threading.Lock()

    def work(i: int) -> int:
        with lock:
            return i

    with pytest.raises(TypeError, match="pickle"):
        Run(executor=Carried()).map(work, range(3))


def marked(folder: Path, i: int) -> int:
    (folder / f"{i}").touch()
    time.sleep(0.05)
    return i


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_cancel_leaves_nothing_running(kind: str, processes: Processes, tmp_path: Path) -> None:
    def on_event(event: Event) -> None:
        if event.done >= 3:
            run.cancel()

    run = Run(on_event, executor=processes if kind == "processes" else Threads(2))
    with pytest.raises(Cancelled):
        run.map(partial(marked, tmp_path), range(200), "mark")
    begun = len(list(tmp_path.iterdir()))
    assert 3 <= begun < 50
    time.sleep(0.3)
    assert len(list(tmp_path.iterdir())) == begun, "work went on after the cancel"
    assert Run(executor=run._executor).map(doubled, range(4)) == [0, 2, 4, 6]


def dying_once(folder: Path, i: int) -> int:
    """Kill the own process at item 5, the first time."""
    if i == 5:
        try:
            (folder / "died").touch(exist_ok=False)
        except FileExistsError:
            return i
        os.kill(os.getpid(), signal.SIGKILL)
    return i


def test_a_dead_process_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    events: list[Event] = []
    with Run(events.append, executor="processes", workers=2) as run:
        assert run.map(partial(dying_once, tmp_path), range(30)) == list(range(30))
    assert (tmp_path / "died").exists()
    assert events[-1].done == 30


def dying(i: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return i


def test_work_that_kills_every_worker_is_given_up(tmp_path: Path) -> None:
    with Run(executor="processes", workers=2) as run, pytest.raises(ExecutorError, match="run/workers-lost") as lost:
        run.map(dying, range(4))
    assert lost.value.facts["n"] == LOSSES + 1


ORPHANS = """
import sys, time
from synthproof.core.run import Run

def work(i):
    time.sleep(0.2)
    return i

if __name__ == "__main__":
    with Run(lambda e: print(e.done, flush=True), executor="processes", workers=2) as run:
        run.map(work, range(10_000))
"""


def test_workers_end_with_the_process_that_asked(tmp_path: Path) -> None:
    script = tmp_path / "asking.py"
    script.write_text(ORPHANS)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        while asking.stdout.readline().strip() not in ("3", ""):
            pass
        workers = psutil.Process(asking.pid).children(recursive=True)
        assert len(workers) >= 2
        asking.kill()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []


def big(table: np.ndarray, i: int) -> tuple[int, int]:
    return os.getpid(), id(table)


def test_what_a_function_drags_along_is_unpacked_once_a_process(processes: Processes) -> None:
    found = Run(executor=processes).map(partial(big, np.ones(200_000)), range(40))
    assert len({pid for pid, _ in found} - {os.getpid()}) >= 1
    assert len(set(found)) == len({pid for pid, _ in found}), "the array was unpacked for every call"


@pytest.mark.parametrize("n", [10, 200_000])
def test_two_maps_may_share_the_processes(processes: Processes, n: int) -> None:
    """Small and large functions in turn and at once: none is called for the other's items."""
    found: dict[int, list[float]] = {}

    def asking(k: int) -> None:
        table = np.full(n, float(k))
        found[k] = Run(executor=processes).map(partial(head_of, table), range(30))

    askers = [threading.Thread(target=asking, args=(k,)) for k in (1, 2)]
    for t in askers:
        t.start()
    for t in askers:
        t.join(60)
    assert found == {k: [float(k + i) for i in range(30)] for k in (1, 2)}


def test_a_large_function_reaches_each_process_once(processes: Processes) -> None:
    sent: list[int] = []
    pool = processes._started()
    true = pool.submit

    def counting(fn: Any, *args: Any) -> Any:
        sent.append(max((len(a) for a in args if isinstance(a, bytes)), default=0))
        return true(fn, *args)

    pool.submit = counting  # type: ignore[method-assign, assignment]
    try:
        assert Run(executor=processes).map(partial(head_of, np.ones(500_000)), range(50)) == [
            1.0 + i for i in range(50)
        ]
    finally:
        pool.submit = true  # type: ignore[method-assign]
    assert sum(size > 4_000_000 for size in sent) == processes.workers
    assert len(sent) == 50 + processes.workers


def head_of(table: np.ndarray, i: int) -> float:
    time.sleep(0.002)
    return float(table[0]) + i


def blas_threads(_: int) -> list[int]:
    import numpy  # noqa: F401
    from threadpoolctl import threadpool_info

    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


def test_workers_hold_linear_algebra_to_one_thread(processes: Processes) -> None:
    found = Run(executor=processes).map(blas_threads, range(4))
    assert all(n == 1 for each in found for n in each)
    assert found[0]


@pytest.mark.parametrize(
    ("made", "code", "kind"),
    [
        (lambda: Run(executor="thread"), "run/unknown-executor", UsageError),
        (lambda: Run(executor="dask://host:1"), "run/unknown-executor", UsageError),
        (lambda: Run(workers=0), "run/bad-workers", UsageError),
    ],
)
def test_what_cannot_be_asked_is_refused(made: Callable[[], Run], code: str, kind: type[SynthproofError]) -> None:
    with pytest.raises(kind, match=code):
        made()


def test_one_worker_needs_no_pool() -> None:
    for name in ("threads", "processes"):
        assert isinstance(make_executor(name, 1, 8), Serial)
        assert isinstance(make_executor(name, None, 1), Serial)


def test_ray_is_asked_only_when_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthproof.core.executors.cluster.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'synthproof\[ray\]'"):
        Run(executor="ray://head:10001")
    code = (
        "import sys; from synthproof.core.run import Run; Run(workers=2).map(abs, [1, -1]);"
        "loaded = [m for m in ('ray', 'fsspec') if m in sys.modules]; assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_run_may_be_used_again_after_it_was_closed() -> None:
    with Run(executor="processes", workers=2) as run:
        first = run.map(doubled, range(3))
    assert run.map(doubled, range(3)) == first
    run.close()


def rows_and_findings(run: Run) -> tuple[str, ...]:
    """Return fingerprints of what two generators draw, and of a whole verification with its simulated limits."""
    import hashlib

    import synthproof as sp
    from synthproof.testing.worlds import patients

    world = patients()
    train, holdout = world.draw(240, 1), world.draw(120, 2)
    drawn = []
    for name in ("table.copula", "table.cart_chain"):
        model = sp.synthesizer(name, random_state=3).fit(train, run=run)
        drawn += [
            model.core.sample(20_000, seed=4, run=run),
            model.core.sample(3000, seed=4, where={"sex": "F"}, run=run),
        ]
    fake = drawn[-2].take(np.arange(240))
    judged = sp.verify(train, fake, holdout=holdout, purpose=world.purpose, seed=5, repeats=8, run=run)
    assert judged.proof.limits
    told = [e.to_dict(private=True) for e in judged.evidence], [x.record for x in judged.proof.limits]
    return (*(t.fingerprint() for t in drawn), hashlib.sha256(repr(told).encode()).hexdigest())


def test_threads_and_processes_give_the_bytes_of_one_thread(processes: Processes) -> None:
    alone = rows_and_findings(Run(executor="serial"))
    assert rows_and_findings(Run(executor="threads", workers=3)) == alone
    assert rows_and_findings(Run(executor=processes)) == alone
