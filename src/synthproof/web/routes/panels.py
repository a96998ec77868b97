"""The visual Turing test: brought in, read, closed, taken out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, UploadFile
from fastapi.responses import JSONResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session as Work

from synthproof.web.acts import panel as acts
from synthproof.web.guard import Acting, Refused, needs
from synthproof.web.models import PanelItem, PanelReader, PanelReading, Person
from synthproof.web.pages import go, page
from synthproof.web.store import aware, now

router = APIRouter()
# Real pictures leave no copy: not in the browser's cache, not in one on the way.
NO_COPY = {
    "cache-control": "no-store, no-cache, max-age=0, private",
    "pragma": "no-cache",
    "expires": "0",
    "content-disposition": "inline",
    "cross-origin-resource-policy": "same-origin",
}


@router.get("/new-panel")
def new_panel(request: Request, me: Acting = needs("panel.open")) -> Response:
    """Show the form with which a panel comes in."""
    return page(request, "new_panel.html", me)


@router.post("/panels/upload")
def import_panel(
    file: UploadFile, title: Annotated[str, Form(max_length=300)] = "", me: Acting = needs("panel.open")
) -> Response:
    """Bring in a panel."""
    panel = acts.open_panel(me.store, me.person, file.file, title=title)
    return go(f"/panels/{panel.id}")


@router.get("/panels/{panel}")
def show_panel(request: Request, panel: str, me: Acting = needs("panel.result")) -> Response:
    """Show plan, readers and progress; never what was said, and never a key, since there is none here."""
    with me.store.read() as work:
        rows = work.execute(
            select(PanelReader, Person).join(Person, Person.id == PanelReader.person).where(PanelReader.panel == panel)
        ).all()
        judged = {p.id: acts.judged(work, panel, p.id, r.round) for r, p in rows}
        late = {p.id for r, p in rows if r.finished is not None and acts.unfinished(work, me.the_panel, r)}
        query = select(Person).where(Person.role == "reader", Person.blocked.is_(False)).order_by(Person.name)
        readers = work.execute(query).scalars().all()
    return page(request, "panel.html", me, panel=me.the_panel, rows=rows, judged=judged, late=late, readers=readers)


@router.post("/panels/{panel}/readers")
def call(panel: str, person: Annotated[str, Form(max_length=40)], me: Acting = needs("panel.close")) -> Response:
    """Call a reader."""
    acts.call_reader(me.store, me.person, panel, person)
    return go(f"/panels/{panel}")


@router.post("/panels/{panel}/close")
def close(panel: str, me: Acting = needs("panel.close")) -> Response:
    """End the panel."""
    acts.close(me.store, me.person, panel)
    return go(f"/panels/{panel}")


@router.post("/panels/{panel}/export")
def export(panel: str, me: Acting = needs("panel.close")) -> Response:
    """Give out what was said, for ``synthproof vtt close``."""
    data = acts.export_panel(me.store, me.person, panel)
    head = {"content-disposition": f'attachment; filename="panel-{panel[:8]}.zip"'}
    return Response(data, media_type="application/zip", headers=head)


@router.get("/panels/{panel}/read")
def read(request: Request, panel: str, item: str = "", me: Acting = needs("panel.read")) -> Response:
    """Show the next item, or one that was judged already."""
    mine = _open(me)
    with me.store.read() as work:
        said = _said(work, mine)
        training = _training(work, panel) if mine.started is None and mine.round == 1 else []
        name = item if item in mine.order else next((i for i in mine.order if i not in said), "")
        shown = work.get(PanelItem, (panel, name)) if name and mine.started is not None else None
    plan = me.the_panel.plan
    left = None
    if plan["minutes"] and mine.started is not None:
        left = max(0, int(plan["minutes"] * 60 - (now() - aware(mine.started)).total_seconds()))
    over = acts.out_of_time(mine, plan, grace=0)
    values: dict[str, Any] = {
        "mine": mine,
        "said": said,
        "item": shown,
        "training": training,
        "left": left,
        "over": over,
    }
    named = sum(r.says == "synthetic" for r in said.values())
    return page(request, "read.html", me, panel=me.the_panel, plan=plan, named=named, **values)


@router.post("/panels/{panel}/start")
def start(panel: str, me: Acting = needs("panel.read")) -> Response:
    """Start the clock."""
    acts.begin(me.store, me.person, panel)
    return go(f"/panels/{panel}/read")


@router.post("/panels/{panel}/read")
def judge(
    request: Request,
    panel: str,
    item: Annotated[str, Form(max_length=20)],
    says: Annotated[str, Form(max_length=10)],
    ms: Annotated[int, Form(ge=0, le=10**9)] = 0,
    confidence: Annotated[int, Form(ge=0, le=5)] = 0,
    me: Acting = needs("panel.read"),
) -> Response:
    """Judge an item. Whether it was right is told to nobody before the end."""
    n = acts.give(me.store, me.person, panel, item, says, milliseconds=ms, confidence=confidence)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"judged": n})
    return go(f"/panels/{panel}/read")


@router.post("/panels/{panel}/finish")
def finish(panel: str, me: Acting = needs("panel.read")) -> Response:
    """End one's own reading, or its first round."""
    again = acts.finish(me.store, me.person, panel)
    return go(f"/panels/{panel}/read" if again else "/")


@router.get("/panels/{panel}/items/{name}")
def picture(panel: str, name: str, me: Acting = needs("panel.read")) -> Response:
    """Give an item's picture, to a reader who has begun, under its blind name and without a copy anywhere."""
    mine = _open(me)
    with me.store.read() as work:
        found = work.get(PanelItem, (panel, name))
    if found is None or found.kind != "image" or (mine.started is None and not found.answer):
        raise Refused(404)
    data = (me.store.panels / panel / found.name).read_bytes()
    kind = next((k for magic, k in acts.PICTURES.items() if data.startswith(magic)), "application/octet-stream")
    return Response(data, media_type=kind, headers=NO_COPY)


def _open(me: Acting) -> PanelReader:
    if me.reader is None or me.the_panel.state != "open" or me.reader.finished is not None:
        raise Refused(404)
    return me.reader


def _said(work: Work, mine: PanelReader) -> dict[str, PanelReading]:
    rows = work.execute(
        select(PanelReading).where(
            PanelReading.panel == mine.panel, PanelReading.person == mine.person, PanelReading.round == mine.round
        )
    ).scalars()
    return {r.item: r for r in rows}


def _training(work: Work, panel: str) -> list[PanelItem]:
    query = select(PanelItem).where(PanelItem.panel == panel, PanelItem.answer != "").order_by(PanelItem.name)
    return list(work.execute(query).scalars())
