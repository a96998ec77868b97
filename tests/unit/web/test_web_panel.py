"""The visual Turing test from the vault to the new seal: blind on the way, counted right, and the votes before it void."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthproof.core.errors import DataError, StateError, UsageError, WorkspaceError
from synthproof.core.fingerprint import canonical_json
from synthproof.dossier.assemble import read_dossier, write_dossier
from synthproof.dossier.seal import check_seal
from synthproof.pipeline.panel import METRIC, close_panel, new_panel
from synthproof.pipeline.renewing import differences, with_readings
from synthproof.pipeline.tables import save_table
from synthproof.review.panel import Item, Plan
from synthproof.web.acts import panel as acts


@pytest.fixture
def run_dir(tmp_path: Path, tools: Any) -> Path:
    """A run's folder with vault and dossier."""
    root = tmp_path / "run"
    table = tools.made_table()
    order = np.random.default_rng(1).permutation(len(table))
    (root / "vault").mkdir(parents=True)
    save_table(root / "vault" / "train", table.take(order))
    save_table(root / "vault" / "synthetic", table)
    write_dossier(root / "dossier", tools.made_proof(table), synthetic=table)
    return root


def package(run: Path, out: Path, **plan: Any) -> tuple[str, dict[str, Any], dict[str, str]]:
    panel = new_panel(run, out, Plan(**{"n": 6, "band": (0.3, 0.7), "mode": "forced", **plan}))
    key = json.loads((run / "vault" / "panels" / f"{panel}.json").read_text(encoding="utf-8"))
    with zipfile.ZipFile(out) as packed:
        told = json.loads(packed.read("panel.json"))
    return panel, told, {Item.from_dict(i).name: i["side"] for i in key["key"]}


def test_the_package_is_blind_and_the_key_stays_in_the_vault(run_dir: Path, tmp_path: Path) -> None:
    _, told, key = package(run_dir, tmp_path / "p.zip", training=1, seed=5)
    assert len(told["items"]) == 14
    assert "seed" not in told["plan"]
    for item in told["items"]:
        assert set(item) <= {"name", "kind", "card", "answer"}
        assert ("answer" in item) == (item["name"] in {i["name"] for i in told["items"] if "answer" in i})
    assert sum("answer" in i for i in told["items"]) == 2
    assert [n for n, _ in told["items"][0]["card"]] == [n for n, _ in told["items"][1]["card"]]
    places = [v.partition(".")[2] for i in told["items"] for n, v in i["card"] if n == "age"]
    assert len({len(p) for p in places if p}) <= 1
    ages = [v for i in told["items"] for n, v in i["card"] if n == "age"]
    assert ages
    assert all(v == "–" or v.isdigit() for v in ages), "a whole number is written as one"
    names = [i["name"] for i in told["items"]]
    assert names == sorted(names)
    again = tmp_path / "again"
    package(run_dir, again, training=1, seed=5)
    with zipfile.ZipFile(again) as packed:
        items = json.loads(packed.read("panel.json"))["items"]
    assert sorted(i["card"] for i in items) == sorted(i["card"] for i in told["items"])
    assert not {i["name"] for i in items} & set(names), "whoever knows the seed must not know the names"
    assert (run_dir / "vault" / "panels").stat().st_mode & 0o077 == 0
    assert again.stat().st_mode & 0o077 == 0, "the package holds real records"
    with pytest.raises(UsageError, match="bad-plan"):
        package(run_dir, tmp_path / "x.zip", n=100_000)
    with pytest.raises(WorkspaceError, match="no-vault"):
        package(tmp_path / "nowhere", tmp_path / "x.zip")
    assert key


def read_all(world: Any, panel: str, name: str, key: dict[str, str], wrong: int) -> None:
    """Read a panel through the pages; the first so many of each side are taken for the other."""
    assert world.post(name, f"/panels/{panel}/start").status_code == 303
    seen: set[str] = set()
    misled = {s: [n for n in sorted(key) if key[n] == s][:wrong] for s in ("real", "synthetic")}
    while match := re.search(r'data-item="([0-9a-f]{16})"', world.get(name, f"/panels/{panel}/read").text):
        item = match[1]
        assert item not in seen
        seen.add(item)
        side = key[item]
        says = side if item not in misled[side] else {"real": "synthetic", "synthetic": "real"}[side]
        done = world.post(name, f"/panels/{panel}/read", item=item, says=says, ms=1500)
        assert done.status_code == 303
    assert len(seen) == len(key)


def test_two_readers_a_new_seal_and_nothing_told_before(world: Any, run_dir: Path, tmp_path: Path) -> None:
    _, told, key = package(run_dir, tmp_path / "p.zip")
    old = check_seal(run_dir / "dossier")["digest"]
    file = {"file": ("p.zip", (tmp_path / "p.zip").read_bytes(), "application/zip")}
    made = world.post("steward", "/panels/upload", files=file, title="Patients")
    assert made.status_code == 303, made.text
    panel = made.headers["location"].rsplit("/", 1)[1]
    for name in ("reader", "reader2"):
        called = world.post("steward", f"/panels/{panel}/readers", person=world.people[name].id)
        assert called.status_code == 303
    assert world.post("steward", f"/panels/{panel}/readers", person=world.people["law"].id).status_code == 422
    assert "to read" in world.get("reader", "/").text
    started = world.get("reader", f"/panels/{panel}/read").text
    assert "data-item" not in started

    read_all(world, panel, "reader", key, 2)
    # with a forced count the number must be right, and may be made right until the end
    first = sorted(n for n in key if key[n] == "real")[2]  # neither of the two that were taken for synthetic
    world.post("reader", f"/panels/{panel}/read", item=first, says="synthetic", ms=1)
    again = world.post("reader", f"/panels/{panel}/finish")
    assert again.status_code == 422
    world.post("reader", f"/panels/{panel}/read", item=first, says="real", ms=1)
    assert world.post("reader", f"/panels/{panel}/finish").status_code == 303
    assert world.get("reader", f"/panels/{panel}/read").status_code == 404
    assert world.post("steward", f"/panels/{panel}/close").status_code == 422  # one of two readers
    assert world.post("steward", f"/panels/{panel}/export").status_code == 422  # open: nothing goes out
    read_all(world, panel, "reader2", key, 2)
    assert world.post("reader2", f"/panels/{panel}/finish").status_code == 303
    assert world.post("steward", f"/panels/{panel}/close").status_code == 303
    assert world.get("chair", f"/panels/{panel}").status_code == 200

    out = world.post("steward", f"/panels/{panel}/export")
    assert out.status_code == 200
    readings = tmp_path / "readings.zip"
    readings.write_bytes(out.content)
    target = tmp_path / "dossier2"
    folder, result = close_panel(run_dir, readings, target)
    assert result.share == pytest.approx(2 / 3)
    assert [r.hits for r in result.readers] == [8, 8]
    seal = check_seal(folder)
    assert seal["parent"] == old
    proof = read_dossier(folder)
    found = [e for e in proof.evidence if e.metric == METRIC]
    assert len(found) == 1
    assert found[0].detail["distinguishable"] is False
    assert found[0].detail["in_band"] is True
    # a renewal measures the same data anew: what people read of them stands, and is no number that is gone
    bare = replace(proof, evidence=tuple(e for e in proof.evidence if e.metric != METRIC))
    renewed = with_readings(bare, proof, proof.verdict.policy)
    assert [e for e in renewed.evidence if e.metric == METRIC] == found
    assert "gone" not in {d.kind for d in differences(proof, renewed)}
    text = (folder / "dossier.json").read_text(encoding="utf-8")
    assert not any(name in text for name in key), "a blind name left the vault"
    assert world.people["reader"].id not in text
    assert not any(f.family == "safety" and f.metric == METRIC for f in proof.verdict.findings)

    # a case with votes on the old dossier: the new one starts with none
    world.dossiers = (run_dir / "dossier", folder)
    case = world.open_case()
    for name in ("law", "privacy", "ai"):
        world.answer_all(name, case)
        world.vote(name, case)
    assert world.post("steward", f"/cases/{case}/upload", files=world.zip(1)).status_code == 303
    assert world.post("chair", f"/cases/{case}/outcome").status_code == 422
    assert "made from it" in world.get("law", f"/cases/{case}/compare").text
    with pytest.raises(StateError, match="no-key"):
        other = tmp_path / "other"
        (other / "vault" / "panels").mkdir(parents=True)
        close_panel(other, readings)


def test_no_page_and_no_answer_tells_the_side(small: Any, run_dir: Path, tmp_path: Path) -> None:
    _, _, key = package(run_dir, tmp_path / "p.zip")
    panel = acts.open_panel(small.store, small.people["steward"], tmp_path / "p.zip").id
    acts.call_reader(small.store, small.people["steward"], panel, small.people["reader"].id)
    small.post("reader", f"/panels/{panel}/start")
    by_side: dict[str, set[str]] = {"real": set(), "synthetic": set()}
    for name, side in key.items():
        page = small.get("reader", f"/panels/{panel}/read?item={name}")
        assert page.headers["cache-control"] == "no-store"
        bare = re.sub(r'<div class="show">.*?</div>', "", page.text, flags=re.S).replace(name, "")
        by_side[side].add(re.sub(r'name="csrf" value="[^"]+"|\d+ min left|data-left="\d+"', "", bare))
    assert by_side["real"] == by_side["synthetic"], "the page around the item differs by side"
    done = small.clients["reader"].post(
        f"/panels/{panel}/read",
        data={"csrf": small.csrf("reader"), "item": next(iter(key)), "says": "real"},
        headers={"accept": "application/json"},
    )
    assert done.json() == {"judged": 1}
    # not even the database has it
    database = b"".join(p.read_bytes() for p in (small.store.data).glob("review.sqlite*"))
    assert b'"stratum"' not in database
    assert b'"seed"' not in database


def test_the_clock_runs_out_and_second_rounds_follow(small: Any, run_dir: Path, tmp_path: Path) -> None:
    from synthproof.web.models import PanelReader
    from synthproof.web.store import later

    _, _, key = package(run_dir, tmp_path / "p.zip", hints="look at the dates", minutes=5, confidence=True)
    steward = small.people["steward"]
    panel = acts.open_panel(small.store, steward, tmp_path / "p.zip").id
    for name in ("reader", "reader2"):
        acts.call_reader(small.store, steward, panel, small.people[name].id)
    item = next(iter(key))
    early = small.post("reader", f"/panels/{panel}/read", item=item, says="real")
    assert early.status_code == 422
    for name in ("reader", "reader2"):
        read_all(small, panel, name, key, 3)
        assert small.post(name, f"/panels/{panel}/finish").headers["location"].endswith("/read")
        assert "look at the dates" in small.get(name, f"/panels/{panel}/read").text
        read_all(small, panel, name, key, 0)
        if name == "reader":
            with small.store.write() as work:
                mine = work.get_one(PanelReader, (panel, small.people[name].id))
                mine.started = later(minutes=-7)
            late = small.post(name, f"/panels/{panel}/read", item=item, says="synthetic", confidence=1)
            assert late.status_code == 422
        assert small.post(name, f"/panels/{panel}/finish").headers["location"] == "/"
    acts.close(small.store, steward, panel)
    readings = tmp_path / "r.zip"
    readings.write_bytes(acts.export_panel(small.store, steward, panel))
    folder, result = close_panel(run_dir, readings)
    assert result.share == pytest.approx(0.5)
    found = {e.subject: e for e in read_dossier(folder).evidence if e.metric == METRIC}
    assert found["all"].estimate == pytest.approx(0.5)
    assert found["with hints"].estimate == pytest.approx(1.0)

    changed = io.BytesIO()
    with zipfile.ZipFile(readings) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "journal.jsonl":
                lines = data.decode().split("\n")
                at = next(i for i, x in enumerate(lines) if "reading.given" in x)
                line = json.loads(lines[at])
                line["fields"]["says"] = "real" if line["fields"]["says"] == "synthetic" else "synthetic"
                lines[at] = canonical_json(line)
                data = "\n".join(lines).encode()
            target.writestr(name, data)
    readings.write_bytes(changed.getvalue())
    with pytest.raises(StateError, match="journal/broken"):
        close_panel(run_dir, readings)


def test_a_reading_ended_by_the_clock_does_not_count_and_stops_nobody(
    small: Any, run_dir: Path, tmp_path: Path
) -> None:
    from synthproof.web.models import PanelReader
    from synthproof.web.store import later

    _, _, key = package(run_dir, tmp_path / "p.zip", minutes=5)
    steward = small.people["steward"]
    panel = acts.open_panel(small.store, steward, tmp_path / "p.zip").id
    small.add("slow", "reader")
    for name in ("reader", "reader2", "slow"):
        acts.call_reader(small.store, steward, panel, small.people[name].id)
    small.post("slow", f"/panels/{panel}/start")
    small.post("slow", f"/panels/{panel}/read", item=next(iter(key)), says="real")
    assert small.post("slow", f"/panels/{panel}/finish").status_code == 422
    with small.store.write() as work:
        work.get_one(PanelReader, (panel, small.people["slow"].id)).started = later(minutes=-7)
    late = small.post("slow", f"/panels/{panel}/read", item=sorted(key)[1], says="synthetic")
    assert late.status_code == 422
    assert "panel/time-over" in late.text
    shown = small.get("slow", f"/panels/{panel}/read").text
    assert "The time is over" in shown
    assert "data-item" not in shown
    assert small.post("slow", f"/panels/{panel}/finish").headers["location"] == "/"
    assert "not counted" in small.get("steward", f"/panels/{panel}").text
    read_all(small, panel, "reader", key, 3)
    assert small.post("reader", f"/panels/{panel}/finish").status_code == 303
    assert small.post("steward", f"/panels/{panel}/close").status_code == 422  # one whole reading of two
    read_all(small, panel, "reader2", key, 3)
    assert small.post("reader2", f"/panels/{panel}/finish").status_code == 303
    assert small.post("steward", f"/panels/{panel}/close").status_code == 303
    readings = tmp_path / "r.zip"
    readings.write_bytes(acts.export_panel(small.store, steward, panel))
    _, result = close_panel(run_dir, readings, tmp_path / "dossier2")
    assert len(result.readers) == 2
    assert result.share == pytest.approx(0.5)


def test_numbers_about_other_data_enter_no_dossier(small: Any, run_dir: Path, tmp_path: Path, tools: Any) -> None:
    """A run that was resumed with other settings keeps its panels, but what readers saw is no longer its data."""
    _, _, key = package(run_dir, tmp_path / "p.zip")
    steward = small.people["steward"]
    panel = acts.open_panel(small.store, steward, tmp_path / "p.zip").id
    for name in ("reader", "reader2"):
        acts.call_reader(small.store, steward, panel, small.people[name].id)
        read_all(small, panel, name, key, 2)
        assert small.post(name, f"/panels/{panel}/finish").status_code == 303
    acts.close(small.store, steward, panel)
    readings = tmp_path / "r.zip"
    readings.write_bytes(acts.export_panel(small.store, steward, panel))
    table = tools.made_table()
    other = table.take(np.arange(len(table) - 1, -1, -1))
    shutil.copytree(run_dir / "dossier", tmp_path / "kept")
    write_dossier(run_dir / "dossier", tools.made_proof(other), synthetic=other)
    with pytest.raises(StateError, match="panel/other-data"):
        close_panel(run_dir, readings, tmp_path / "d2")
    shutil.rmtree(run_dir / "dossier")
    shutil.copytree(tmp_path / "kept", run_dir / "dossier")
    assert close_panel(run_dir, readings, tmp_path / "d2")[1].n == 24


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def picture_panel(n: int = 2, picture: bytes = PNG, **more: Any) -> io.BytesIO:
    out = io.BytesIO()
    items = [{"name": f"{i:016x}", "kind": "image", **more} for i in range(2 * n)]
    told = {"format": 1, "title": "x", "commitment": "sha256:0", "items": items}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("panel.json", json.dumps({**told, "plan": {"n": n, "kind": "image", "band": [0.3, 0.7]}}))
        for name in sorted({str(item["name"]) for item in items}):
            packed.writestr(f"items/{name}", picture)
    out.seek(0)
    return out


def test_pictures_leave_no_copy_and_are_for_readers_who_have_begun(small: Any) -> None:
    steward = small.people["steward"]
    panel = acts.open_panel(small.store, steward, picture_panel()).id
    acts.call_reader(small.store, steward, panel, small.people["reader"].id)
    url = f"/panels/{panel}/items/{0:016x}"
    assert small.get("reader", url).status_code == 404
    small.post("reader", f"/panels/{panel}/start")
    given = small.get("reader", url)
    assert given.content == PNG
    assert given.headers["content-type"] == "image/png"
    assert given.headers["cache-control"] == "no-store, no-cache, max-age=0, private"
    assert given.headers["pragma"] == "no-cache"
    assert "etag" not in given.headers
    assert "last-modified" not in given.headers
    assert "data-viewer" in small.get("reader", f"/panels/{panel}/read").text
    for name in ("reader2", "law", "steward", "chair", "auditor"):
        assert small.get(name, url).status_code in (403, 404)
    assert small.stranger().get(url).status_code == 401
    for bad in ("..", "%2e%2e%2freview.sqlite", "0" * 15, "f" * 16):
        refused = small.get("reader", f"/panels/{panel}/items/{bad}")
        assert refused.status_code in (403, 404, 405)
        assert b"SQLite" not in refused.content


@pytest.mark.parametrize(
    "change",
    [{"name": "../x"}, {"name": "0" * 16}, {"kind": "exe"}, {"answer": "both"}, {"answer": "real"}],
    ids=["name", "twice", "kind", "answer", "all told"],
)
def test_packages_that_are_refused(small: Any, change: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="bad-package"):
        acts.open_panel(small.store, small.people["steward"], picture_panel(**change))
    with pytest.raises(DataError, match="bad-package"):
        acts.open_panel(small.store, small.people["steward"], io.BytesIO(b"nothing"))


def test_a_package_that_grows_without_end_is_refused_and_leaves_nothing(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    steward, large = small.people["steward"], PNG + b"\0" * (1 << 20)
    packed = picture_panel(n=4, picture=large)
    assert len(packed.getvalue()) < len(large) / 50
    monkeypatch.setattr("synthproof.web.acts.panel.MOST_BYTES", 6 << 20)
    with pytest.raises(DataError, match="more than"):
        acts.open_panel(small.store, steward, packed)
    broken = bytearray(packed.getvalue())
    start = broken.index(b"items/") + 30
    broken[start : start + 8] = b"\xff" * 8  # a stream that does not unpack
    with pytest.raises(DataError, match="bad-package"):
        acts.open_panel(small.store, steward, io.BytesIO(bytes(broken)))
    assert list(small.store.panels.iterdir()) == []
    monkeypatch.undo()
    panel = acts.open_panel(small.store, steward, packed)
    assert [p.name for p in small.store.panels.iterdir()] == [panel.id]
    assert len(list((small.store.panels / panel.id).iterdir())) == 8
    monkeypatch.setattr("synthproof.web.acts.panel.LARGEST_PLAN", 100)
    with pytest.raises(DataError, match="bad-package"):
        acts.open_panel(small.store, steward, packed)
