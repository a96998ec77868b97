"""Progress with time left, drawn from the run's events; plain lines where there is no terminal."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from synthproof.core.amounts import show_seconds
from synthproof.core.run import Event, Run
from synthproof.core.words import Lang, Words

STAGE_WORDS = {
    "read": Words(en="reading and scanning", ko="읽기·식별자 탐지"),
    "split": Words(en="holding out", ko="홀드아웃 분리"),
    "protect": Words(en="protecting", ko="학습 전 보호조치"),
    "fit": Words(en="learning", ko="학습"),
    "sample": Words(en="drawing", ko="생성"),
    "verify": Words(en="verifying", ko="검증"),
    "report": Words(en="writing the dossier", ko="심의자료 작성"),
    "done": Words(en="done", ko="완료"),
}
# Usual share of each stage in a run's time; only the estimate of the time left depends on them.
_SHARE = {"read": 0.05, "split": 0.01, "protect": 0.04, "fit": 0.10, "sample": 0.05, "verify": 0.60, "report": 0.15}


class _Drawing:
    def __init__(self, console: Console, lang: Lang) -> None:
        self.console = console
        self.lang = lang
        self.lock = threading.Lock()
        self.started = time.monotonic()
        self.behind = 0.0
        self.within = 0.0
        self.stage = ""
        self.bars: Progress | None = None
        self.whole: TaskID | None = None
        self.part: TaskID | None = None

    def begin(self) -> None:
        if not self.console.is_terminal:
            return
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=self.console,
            transient=True,
        )
        self.whole = self.bars.add_task("synthproof", total=1.0, left="")
        self.part = self.bars.add_task("", total=1.0, left="")
        self.bars.start()

    def end(self) -> None:
        if self.bars is not None:
            self.bars.stop()

    def take(self, event: Event) -> None:
        with self.lock:
            if event.task == "run":
                self._next_stage(str(event.facts.get("stage", "")))
            elif event.task == "estimate":
                (self.bars.console if self.bars is not None else self.console).print(
                    str(event.facts.get(self.lang, "")), highlight=False, markup=False
                )
            elif self.bars is not None and self.part is not None:
                share = event.done / event.total if event.total else 0.0
                left = _pace(event, self.lang)
                self.bars.update(self.part, description=f"  {event.task}", completed=share, left=left)
                self.within = max(self.within, _within(event.task, share))
                self._whole()

    def _next_stage(self, stage: str) -> None:
        name = STAGE_WORDS[stage].say(self.lang) if stage in STAGE_WORDS else stage
        if self.stage and self.bars is None and stage != self.stage:
            elapsed = time.monotonic() - self.started
            self.console.print(f"  {STAGE_WORDS[self.stage].say(self.lang)} … {elapsed:.1f} s", highlight=False)
        if self.stage:
            self.behind += _SHARE.get(self.stage, 0.0)
        self.stage = stage if stage != "done" else ""
        self.within = 0.0
        if self.bars is not None and self.whole is not None:
            self.bars.update(self.whole, description=name)
            self._whole()

    def _whole(self) -> None:
        if self.bars is None or self.whole is None:
            return
        done = min(0.99, self.behind + self.within * _SHARE.get(self.stage, 0.0))
        elapsed = time.monotonic() - self.started
        left = elapsed / done * (1 - done) if done > 0.05 else None
        unit = "s left" if self.lang == "en" else "초 남음"
        self.bars.update(self.whole, completed=done, left=f"~{left:.0f} {unit}" if left is not None else "")


def _pace(event: Event, lang: Lang) -> str:
    """Return rows a second and the time left, where an event tells them."""
    pace, left = event.facts.get("rows_per_s"), event.facts.get("left_s")
    if not isinstance(pace, int) or not isinstance(left, float):
        return ""
    words = Words(en=f"{pace:,} rows/s, ~", ko=f"초당 {pace:,}행, 남은 시간 약 ")
    return words.say(lang) + show_seconds(left).say(lang)


def _within(task: str, share: float) -> float:
    """Return how far a stage has come, as far as one of its tasks tells."""
    if task == "verify/metrics":
        return 0.6 * share
    if task.startswith("limits/"):
        return 0.6 + 0.4 * share
    return share if task in STAGE_WORDS else 0.0


@contextmanager
def drawn_run(console: Console, lang: Lang, **options: Any) -> Iterator[Run]:
    """Yield a run whose progress is drawn and which Ctrl-C stops at its next tick; a second Ctrl-C kills."""
    drawing = _Drawing(console, lang)
    run = Run(drawing.take, **options)  # refuses an unknown executor before anything is drawn

    def stop(number: int, frame: FrameType | None) -> None:
        if run.cancelled:
            raise KeyboardInterrupt
        run.cancel()

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, stop) if main else None
    drawing.begin()
    try:
        yield run
    finally:
        drawing.end()
        run.close()
        if main:
            signal.signal(signal.SIGINT, before)
