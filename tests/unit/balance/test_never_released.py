"""Interpolated, moved and repeated rows never leave: files say so of themselves, every policy fails them, the CLI too."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthproof.balance.balancer import Balancer
from synthproof.cli import balance, commands  # noqa: F401  (they register themselves)
from synthproof.cli.main import main
from synthproof.core.contracts import Case, Recipe
from synthproof.core.evidence import Evidence
from synthproof.core.schema import Purpose
from synthproof.data.balanced import counts_of, not_drawn
from synthproof.data.image.io import read_images
from synthproof.data.table.io import conform, notices, read_table
from synthproof.metrics.any.generation import Generation
from synthproof.policy.load import load_policy
from synthproof.testing.shapes import shapes
from synthproof.testing.worlds import patients


def asked(synthetic: Any, name: str | None = None) -> list[Evidence]:
    recipe = None if name is None else Recipe(name=name)
    case: Case[Any] = Case(train=synthetic, holdout=None, synthetic=synthetic, purpose=Purpose(), recipe=recipe)
    return list(Generation().measure(case, seed=1))


def refused(synthetic: Any, policies: tuple[str, ...] = ("pipc_2024", "partner", "internal")) -> bool:
    # whoever is said to have drawn them: a generator's own tags do not wash a marked file
    for name in (None, "table.autoregressive"):
        found = asked(synthetic, name)
        if [e.estimate for e in found] != [0.0, 0.0]:
            return False
        if any(load_policy(p).judge(found).result != "does_not_meet" for p in policies):
            return False
    return True


@pytest.mark.parametrize("strategy", ["smote", "duplicates", "table.marginals"])
def test_a_file_that_holds_real_rows_says_so(strategy: str, tmp_path: Path) -> None:
    table = read_table(patients().draw(300, 1).frame)
    done = Balancer(strategy, target="disease", random_state=1).balance(table)
    assert refused(done.data)
    written, _, receipt = done.write(tmp_path / "train.csv")
    assert refused(read_table(written))
    assert refused(conform(written, table.schema))
    assert refused(read_table(str(written)))
    assert "read/balanced" in {n.code for n in notices(read_table(written))}  # whoever would learn from it is told
    receipt.write_text("{ damaged", encoding="utf-8")
    assert refused(read_table(written))  # a receipt that cannot be read is still a receipt
    receipt.unlink()
    assert not counts_of(read_table(written))


def test_interpolated_rows_cut_out_of_a_frame_are_refused_and_synthetic_ones_are_not() -> None:
    frame = patients().draw(300, 1).to_native()
    done = Balancer("smote", target="disease", random_state=1).balance(frame)
    alone = done.data[done.origin == "augmentation"].reset_index(drop=True)
    assert refused(read_table(alone))
    X2, _ = (b := Balancer("smote", random_state=1)).fit_resample(frame.drop(columns="disease"), frame["disease"])
    assert refused(read_table(X2[b.origin_ == "augmentation"]))
    assert not frame.attrs
    done = Balancer("table.marginals", target="disease", random_state=1).balance(frame)
    drawn = read_table(done.data[done.origin == "synthetic"].reset_index(drop=True))
    assert not not_drawn(drawn)
    assert [e.outcome for e in asked(drawn)] == ["insufficient", "not_applicable"]


def test_a_folder_of_moved_pictures_is_refused(tmp_path: Path) -> None:
    done = Balancer("augmentation", random_state=1).balance(shapes(200, 1, shares=(0.45, 0.45, 0.1)))
    assert refused(done.data, ("image",))
    (folder,) = done.write(tmp_path / "out")
    assert refused(read_images(folder), ("image",))


def call(monkeypatch: pytest.MonkeyPatch, *args: object) -> int:
    monkeypatch.setattr(sys, "argv", ["synthproof", *map(str, args), "--lang", "en"])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    patients().draw(300, 1).frame.to_csv(tmp_path / "people.csv", index=False)
    made = ("--target", "disease", "--strategy", "smote", "--seed", 1, "-o", tmp_path / "train.csv")
    assert call(monkeypatch, "balance", tmp_path / "people.csv", *made) == 0
    capsys.readouterr()
    judged = ("--policy", "internal", "--repeats", 1, "--seed", 1, "-o", tmp_path / "dossier")
    assert call(monkeypatch, "verify", tmp_path / "people.csv", tmp_path / "train.csv", *judged) == 3
    kept = json.loads((tmp_path / "dossier" / "dossier.json").read_text(encoding="utf-8"))
    found = {f["rule"]: f["result"] for f in kept["verdict"]["findings"]}
    assert found["releasable"] == "does_not_meet"
    assert kept["verdict"]["result"] == "does_not_meet"
    # only the interpolated rows, saved under another name beside no receipt: another tool's file, never "meets"
    marks, rows = pd.read_csv(tmp_path / "train.csv.origin.csv"), pd.read_csv(tmp_path / "train.csv")
    rows[marks["origin"].to_numpy() == "augmentation"].to_csv(tmp_path / "alone.csv", index=False)
    told = [e.outcome for e in asked(read_table(tmp_path / "alone.csv"))]
    assert told == ["insufficient", "not_applicable"]
