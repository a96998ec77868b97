"""Visual Turing tests on the server: blind items come in, readers judge them, what they said goes out.

The answer key is never here. It stays in the vault of the run; what the server has is its digest, so that the key
cannot be changed after the reading.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import func, select
from sqlalchemy.orm import Session as Work

from synthproof.core.errors import DataError, UsageError
from synthproof.core.random import fresh_seed
from synthproof.core.words import Words
from synthproof.review.panel import SIDES, Item, Plan, order_for
from synthproof.web.acts.cases import packed_journal
from synthproof.web.acts.people import clean
from synthproof.web.intake import BAD_ZIP, MOST_BYTES, too_many_bytes
from synthproof.web.models import Panel, PanelItem, PanelReader, PanelReading, Person
from synthproof.web.store import Store, aware, fresh_id, later, now

LARGEST_ITEM = 16 << 20
LARGEST_PLAN = 32 << 20
MOST_ITEMS = 20_000
GRACE_MINUTES = 1
PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def chain_of(panel: str) -> str:
    """Return the name of a panel's journal."""
    return f"panel:{panel}"


def open_panel(store: Store, by: Person, source: Path | BinaryIO, *, title: str = "") -> Panel:
    """Return a new panel from what ``synthproof vtt new`` wrote.

    Raises
    ------
    DataError
        ``web/bad-package`` for anything else; also when items that count come with their answers.
    """
    try:
        with zipfile.ZipFile(source) as packed:
            told = json.loads(_bytes(packed, "panel.json", LARGEST_PLAN))
            plan = Plan.from_dict({**told["plan"], "seed": 0})
            items = [_item(x) for x in told["items"]]
            if len(items) > MOST_ITEMS or len({i.name for i in items}) != len(items):
                raise DataError("web/bad-package", reason=Words(en="names of items", ko="항목 이름"))
            if sum(not i.answer for i in items) != 2 * plan.n:
                raise DataError("web/bad-package", reason=Words(en="number of items", ko="항목 수"))
            panel = Panel(
                id=fresh_id(),
                title=clean(title or str(told["title"]), 300, name="title"),
                plan={k: v for k, v in plan.to_dict().items() if k != "seed"},
                commitment=str(told["commitment"])[:80],
                by=by.id,
                at=now(),
            )
            _pictures(packed, [i.name for i in items if i.kind == "image"], store.panels / panel.id)
    except (*BAD_ZIP, KeyError, TypeError) as error:
        if isinstance(error, DataError | UsageError):
            raise
        raise DataError("web/bad-package", reason=type(error).__name__) from error
    with store.write() as work:
        work.add(panel)
        work.flush()
        for item in items:
            item.panel = panel.id
        work.add_all(items)
        store.begin_chain(work, chain_of(panel.id))
        fields = {"title": panel.title, "plan": panel.plan, "commitment": panel.commitment, "items": len(items)}
        store.note(work, chain_of(panel.id), by.id, "panel.opened", fields=fields)
    return panel


def _item(data: Mapping[str, Any]) -> PanelItem:
    name, kind, answer = str(data["name"]), str(data["kind"]), str(data.get("answer", ""))
    if len(name) != 16 or not set(name) <= set("0123456789abcdef") or kind not in ("card", "image"):
        raise ValueError("item")
    if answer and answer not in SIDES:
        raise ValueError("answer")
    card = [[str(k)[:200], str(v)[:500]] for k, v in data.get("card", [])][:500]
    return PanelItem(name=name, kind=kind, card=card, answer=answer)


def _bytes(packed: zipfile.ZipFile, name: str, most: int) -> bytes:
    info = packed.getinfo(name)
    with packed.open(info) as inside:
        data = inside.read(most + 1)
    if len(data) > most:
        raise ValueError("too large")
    return data


def _pictures(packed: zipfile.ZipFile, names: Sequence[str], place: Path) -> None:
    """Put the pictures into their folder, one after another and within the bounds of a dossier; all of them or none."""
    part = place.with_name(f".{place.name}.part")
    part.mkdir(parents=True, mode=0o700)
    try:
        left = MOST_BYTES
        for name in names:
            data = _picture(packed, name)
            left -= len(data)
            if left < 0:
                raise DataError("web/bad-package", reason=too_many_bytes())
            (part / name).write_bytes(data)
        os.replace(part, place)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _picture(packed: zipfile.ZipFile, name: str) -> bytes:
    data = _bytes(packed, f"items/{name}", LARGEST_ITEM)
    if not any(data.startswith(magic) for magic in PICTURES):
        raise ValueError("neither PNG nor JPEG")
    return data


def call_reader(store: Store, by: Person, panel_id: str, person_id: str) -> None:
    """Call a reader; the order of items is their own, drawn now and noted."""
    with store.write() as work:
        panel = work.get_one(Panel, panel_id)
        person = work.get(Person, person_id)
        if person is None or person.role != "reader" or person.blocked or panel.state != "open":
            raise UsageError("web/bad-input", name="person")
        if work.get(PanelReader, (panel_id, person_id)) is not None:
            return
        order = _order(work, panel, person.id, 1)
        work.add(PanelReader(panel=panel_id, person=person.id, order=order))
        told = {"person": person.id, "name": person.name, "affiliation": person.affiliation, "order": order}
        fields = {**told, "position": person.position, "expertise": person.expertise}
        store.note(work, chain_of(panel_id), by.id, "panel.called", fields=fields)


def _order(work: Work, panel: Panel, reader: str, turn: int) -> list[str]:
    names = work.execute(select(PanelItem.name).where(PanelItem.panel == panel.id, PanelItem.answer == "")).scalars()
    # The seed of the draw is not here (it would give the key away), so orders have one of their own.
    plan = Plan.from_dict({**panel.plan, "seed": fresh_seed()})
    items = [Item(name=name, side="real", position=0) for name in names]
    return list(order_for(plan, items, f"{reader}/{secrets.token_hex(8)}", round=turn))


def begin(store: Store, reader: Person, panel_id: str) -> None:
    """Start the reader's clock."""
    with store.write() as work:
        mine = _mine(work, panel_id, reader)
        if mine.started is None:
            mine.started = now()
            store.note(work, chain_of(panel_id), reader.id, "panel.started", fields={"round": mine.round})


def give(
    store: Store, reader: Person, panel_id: str, item: str, says: str, *, milliseconds: int = 0, confidence: int = 0
) -> int:
    """Judge an item, or change one's mind; return the number of items judged. No feedback is given.

    Time adds up when an item is looked at again. The same judgement sent twice changes nothing.
    """
    if says not in SIDES or not 0 <= confidence <= 5:
        raise UsageError("web/bad-input", name="says")
    spent = min(max(0, milliseconds), 24 * 3_600_000)
    with store.write() as work:
        mine = _mine(work, panel_id, reader)
        plan = work.get_one(Panel, panel_id).plan
        if mine.started is None or item not in mine.order:
            raise UsageError("web/bad-input", name="item")
        if out_of_time(mine, plan):
            raise UsageError("panel/time-over", minutes=plan["minutes"])
        key = (panel_id, reader.id, item, mine.round)
        kept = work.get(PanelReading, key, with_for_update=True)
        if kept is None:
            kept = PanelReading(panel=panel_id, person=reader.id, item=item, round=mine.round, milliseconds=0)
            work.add(kept)
        elif (kept.says, kept.confidence) == (says, confidence):
            return judged(work, panel_id, reader.id, mine.round)
        kept.says, kept.confidence, kept.at = says, confidence, now()
        kept.milliseconds += spent
        work.flush()
        done = judged(work, panel_id, reader.id, mine.round)
        fields = {
            "item": item,
            "says": says,
            "ms": kept.milliseconds,
            "confidence": confidence,
            "round": mine.round,
        }
        # Last, since from here to the commit nobody else writes into this journal.
        store.note(work, chain_of(panel_id), reader.id, "reading.given", fields=fields)
        return done


def judged(work: Work, panel: str, reader: str, turn: int) -> int:
    """Return how many items a reader judged in a round."""
    query = select(func.count()).where(
        PanelReading.panel == panel, PanelReading.person == reader, PanelReading.round == turn
    )
    return work.execute(query).scalar_one()


def out_of_time(mine: PanelReader, plan: Mapping[str, Any], *, grace: int = GRACE_MINUTES) -> bool:
    """Return whether the reader's time is over; the minute of grace is for answers that are on their way."""
    if not plan["minutes"] or mine.started is None:
        return False
    return aware(mine.started) < later(minutes=-(plan["minutes"] + grace))


def finish(store: Store, reader: Person, panel_id: str) -> bool:
    """End one's reading; return whether a second round, with hints, begins.

    Once the time is over an unfinished reading can be ended, too; it is noted as such and does not count.

    Raises
    ------
    UsageError
        ``panel/incomplete`` while there is time, and items are not judged or another number than asked for is named
        synthetic.
    """
    with store.write() as work:
        mine = _mine(work, panel_id, reader)
        panel = work.get_one(Panel, panel_id)
        left = unfinished(work, panel, mine)
        if left and not out_of_time(mine, panel.plan, grace=0):
            raise UsageError("panel/incomplete", reason=left)
        fields = {"round": mine.round, **({"void": left.en} if left else {})}
        store.note(work, chain_of(panel_id), reader.id, "panel.finished", fields=fields)
        if left:
            mine.finished = now()
            return False
        if panel.plan["hints"] and mine.round == 1:
            mine.round, mine.started = 2, None
            mine.order = _order(work, panel, reader.id, 2)
            return True
        mine.finished = now()
        return False


def unfinished(work: Work, panel: Panel, mine: PanelReader) -> Words | None:
    """Return what keeps a reading in its present round from counting; nothing when it is whole."""
    query = select(PanelReading.says).where(
        PanelReading.panel == panel.id, PanelReading.person == mine.person, PanelReading.round == mine.round
    )
    said = list(work.execute(query).scalars())
    if len(said) != len(mine.order):
        done = f"{len(said)} / {len(mine.order)}"
        return Words(en=done, ko=done)
    named = said.count("synthetic")
    if panel.plan["mode"] == "forced" and named != panel.plan["n"]:
        n = panel.plan["n"]
        return Words(en=f"synthetic: {named}, not {n}", ko=f"합성으로 고른 수 {named}개(필요한 수 {n}개)")
    return None


def close(store: Store, by: Person, panel_id: str) -> None:
    """End the panel: nobody reads any more.

    Raises
    ------
    UsageError
        ``panel/incomplete`` while fewer readers than planned have finished the first round.
    """
    with store.write() as work:
        panel = work.execute(select(Panel).where(Panel.id == panel_id).with_for_update()).scalar_one()
        if panel.state != "open":
            return
        readers = work.execute(select(PanelReader).where(PanelReader.panel == panel_id)).scalars().all()
        done = sum(r.round > 1 or (r.finished is not None and not unfinished(work, panel, r)) for r in readers)
        if done < panel.plan["readers"]:
            raise UsageError("panel/incomplete", reason=_readers(done, panel.plan["readers"]))
        panel.state = "closed"
        store.note(work, chain_of(panel_id), by.id, "panel.closed", fields={"finished": done})


def _readers(done: int, wanted: int) -> Words:
    return Words(en=f"{done} of {wanted} readers have finished", ko=f"판독을 마친 사람 {done}명(필요한 수 {wanted}명)")


def export_panel(store: Store, by: Person, panel_id: str) -> bytes:
    """Return a closed panel's journal as a zip, for ``synthproof vtt close``.

    Raises
    ------
    UsageError
        ``panel/incomplete`` while it is open: readings that go out early could be answered to.
    """
    with store.write() as work:
        panel = work.get_one(Panel, panel_id)
        if panel.state != "closed":
            raise UsageError("panel/incomplete", reason=Words(en="the panel is open", ko="판독 시험이 진행 중임"))
        store.note(work, chain_of(panel_id), by.id, "panel.exported")
        lines = store.journal(work, chain_of(panel_id))
    return packed_journal([line.text() for line in lines], lines[-1].anchor.to_dict())


def _mine(work: Work, panel_id: str, reader: Person) -> PanelReader:
    mine = work.get(PanelReader, (panel_id, reader.id), with_for_update=True)
    panel = work.get(Panel, panel_id)
    if mine is None or panel is None or panel.state != "open" or mine.finished is not None:
        words = Words(en="this reading has ended", ko="이 판독은 끝났음")
        raise UsageError("web/decided", reason=words)
    return mine
