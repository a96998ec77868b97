"""From the server's export to a signed bundle: the gate reads what the server wrote, whatever the database."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("synthproof.web.acts.cases", reason="the review server is not in this tree")
pytest.importorskip("cryptography", reason="the release extra is not installed")

from synthproof.core.errors import StateError  # noqa: E402
from synthproof.pipeline.releasing import check_release, release_key, seal_release  # noqa: E402
from synthproof.pipeline.tables import save_table  # noqa: E402

SECRET = "correct horse battery"
PERIOD = {"start": "2026-01-01", "end": "2099-12-31"}


def exported(world: Any, case: str, place: Path) -> Path:
    from synthproof.web.acts import cases

    place.write_bytes(cases.export_case(world.store, case, world.people["chair"].id))
    return place


@pytest.fixture
def root(world: Any, tools: Any, tmp_path: Path) -> Path:
    """The run whose dossier is before the committee."""
    folder = tmp_path / "out"
    shutil.copytree(world.dossiers[0], folder / "dossier")
    save_table(folder / "vault" / "synthetic", tools.made_table())
    release_key(folder, SECRET)
    return folder


def test_an_approved_case_is_sealed_and_an_undecided_one_is_not(world: Any, root: Path, tmp_path: Path) -> None:
    from synthproof.web.acts import votes

    case = world.open_case()
    for name in ("law", "privacy", "ai"):
        world.answer_all(name, case)
        world.vote(name, case)
    early = exported(world, case, tmp_path / "early.zip")
    with pytest.raises(StateError, match="release/undecided"):
        seal_release(root, tmp_path / "b", outcome=early, passphrase=SECRET, **PERIOD)
    votes.close(world.store, world.people["chair"], case)
    place = exported(world, case, tmp_path / "case.zip")
    seal_release(root, tmp_path / "b", outcome=place, passphrase=SECRET, **PERIOD)
    assert check_release(tmp_path / "b").faults == ()
    record = json.loads((tmp_path / "b/record.json").read_text("utf-8"))
    assert record["review"]["votes"] == {"approved": 3, "conditional": 0, "refused": 0}
    assert record["review"]["from_outside"] == 2
    journal = (tmp_path / "b/journal/review.jsonl").read_text("utf-8")
    assert '"outcome.closed"' in journal
    assert '"fields"' not in journal
