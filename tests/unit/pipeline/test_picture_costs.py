"""What work on pictures will cost is said before it begins, and work that would not fit is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synthproof.core.errors import ConfigError
from synthproof.core.run import Event, Run
from synthproof.data.image.chain import Chain
from synthproof.pipeline import face, model
from synthproof.pipeline.config import RunConfig
from synthproof.pipeline.image_face import fit_pictures
from synthproof.pipeline.picture_costs import PictureSize, _measured, picture_estimate
from synthproof.testing.shapes import shapes


def told(work: object) -> list[Event]:
    seen: list[Event] = []
    work(Run(seen.append, workers=1))  # type: ignore[operator]
    return [e for e in seen if e.task == "estimate"]


def test_more_and_larger_pictures_cost_more() -> None:
    def whole(n: int, side: int) -> tuple[float, int]:
        size = PictureSize.of(n, Chain(side=side))
        found = picture_estimate(
            "image.flow", size, {"images": 10 * n}, protect=True, draw=n, verify=n, run=Run(workers=1)
        )
        assert list(found.steps) == ["protect", "fit", "draw", "verify"]
        return found.seconds, found.bytes

    seconds, held = zip(
        *(whole(n, s) for n, s in ((1_000, 28), (50_000, 28), (50_000, 64), (200_000, 128))), strict=True
    )
    assert list(seconds) == sorted(seconds)
    assert seconds[1] > 10 * seconds[0]
    assert list(held) == sorted(held)
    # nobody holds the pictures: fifty times as many take not even thrice the memory, and less than they are themselves
    assert held[1] < 3 * held[0]
    assert held[3] < 200_000 * 128 * 128


def test_minutes_are_what_learning_takes_and_a_gpu_is_not_guessed() -> None:
    size = PictureSize(5_000, 96)
    found = picture_estimate("image.flow", size, {"minutes": 20.0, "images": None}, draw=10)
    assert found.steps["fit"].seconds == 1_200.0
    assert "draw" in found.steps
    other = picture_estimate("image.dcgan", size, {"minutes": 5.0}, draw=10)
    assert other.steps["fit"].seconds == 300.0
    assert "draw" not in other.steps


def test_measured_constants_are_whole() -> None:
    found = _measured()
    for values in found["by_side"].values():
        assert [int(s) for s in values] == sorted(int(s) for s in values)
        assert min(values.values()) > 0
    assert {"protect", "search"} <= set(found["linear"])


def test_fit_and_verify_say_it_first(tmp_path: Path) -> None:
    real = shapes(240, 1)
    parts = face.split(real, seed=1)
    events = told(lambda run: face.synthesizer("image.flow", images=64, random_state=1).fit(parts.train, run=run))
    assert [set(e.facts["steps"]) for e in events] == [{"fit"}]  # type: ignore[call-overload]
    assert str(events[0].facts["en"]).startswith("About ")
    assert "MiB" in str(events[0].facts["ko"])
    source = tmp_path / "a.npz"
    np.savez(source, x=real.pixels()[..., 0], y=real.classes()[0])
    from dataclasses import replace

    base = RunConfig()
    config = replace(base, source=str(source), seed=3, fit=replace(base.fit, parameters={"images": 64}))
    assert len(told(lambda run: fit_pictures(config, tmp_path / "model", run))) == 1
    with pytest.raises(ConfigError) as caught:
        fit_pictures(replace(config, memory="20M"), tmp_path / "model", None)
    assert caught.value.code == "budget/memory"


def test_the_public_estimate_knows_pictures() -> None:
    found = model.estimate(shapes(100, 2), n=100, repeats=10, images=1_000)
    assert set(found.steps) == {"fit", "draw", "verify"}
    assert found.seconds > 1.0
    assert set(face.synthesizer("auto").cost(shapes(100, 2), 50).steps) == {"fit", "draw"}
