"""The page on differential privacy shows what the kept result says, and the result meets the goals it states."""

from __future__ import annotations

import importlib
import json

import pytest

pytest.importorskip("lightgbm", reason="the bench extra is not installed")


def test_the_page_is_made_of_the_kept_result() -> None:
    dp = importlib.import_module("dp")
    kept = json.loads((dp.RESULTS / "dp.json").read_text(encoding="utf-8"))
    assert dp.shown(kept) in dp.PAGE.read_text(encoding="utf-8")
    best = next(c["mean"] for c in kept["cells"] if c["method"] == "adaptive" and c["epsilon"] == 1.0)
    assert best["trend_err"] <= kept["goals_at_epsilon_1"]["trend_err"]
    assert best["tstr"] >= kept["goals_at_epsilon_1"]["tstr"]
    assert best["fit_wall_s"] <= kept["goals_at_epsilon_1"]["fit_wall_s"]
    for cell in kept["cells"]:
        assert cell["epsilon_spent"] <= cell["epsilon"]
    assert kept["audit"]["as it is"]["epsilon_gaussian"] <= 4.0 < kept["audit"]["half the noise"]["epsilon_gaussian"]
