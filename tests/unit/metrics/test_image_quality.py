"""Image metrics of fidelity, utility and membership: known laws, fresh pictures pass, noise and collapse fail."""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthproof.core.contracts import Case
from synthproof.core.errors import Cancelled, ConfigError, ReadError
from synthproof.core.evidence import Evidence
from synthproof.core.random import stream
from synthproof.core.registry import metrics
from synthproof.core.run import Run
from synthproof.data.image.dataset import ImageSet
from synthproof.engines.torch_nets.supplied import Supplied, SuppliedNet
from synthproof.engines.torch_nets.vision import random_digest
from synthproof.engines.vision.similarity import multi_scale_similarity, similarity
from synthproof.metrics.image.frechet import frechet_distance
from synthproof.metrics.image.kid import kernel_distance, permutation_p
from synthproof.metrics.image.similarity import tables
from synthproof.policy.load import load_policy
from synthproof.testing.pictures import digit_case, digits, image_set

SCENES = {"image.detection", "image.part_copies"}
"""Metrics of scenes, which digits are not: they have tests of their own."""
IMAGE = sorted(e.name for e in metrics.entries() if e.name.startswith("image.") and e.name not in SCENES)
QUICK: dict[str, dict[str, Any]] = {"image.prediction": {"steps": 60, "repeats": 1}}


@cache
def case_of(what: str) -> Case[ImageSet]:
    return digit_case(noise=what == "noise", kind="exact" if what == "copies" else None, copies=400)


@cache
def measured(name: str, what: str = "fresh") -> dict[str, Evidence]:
    found = metrics.make(name, **QUICK.get(name, {})).measure(case_of(what), seed=4, run=Run(workers=1))
    return {e.subject: e for e in found}


@pytest.mark.parametrize("name", IMAGE)
def test_the_contract_holds_for_pictures(name: str) -> None:
    card, found = metrics.get(name).card, measured(name)
    assert found
    for e in found.values():
        json.dumps(e.to_dict(private=True), allow_nan=False)
        assert e.metric == name
        if e.estimate is not None and e.interval is not None:
            assert e.interval[0] - 1e-9 <= e.estimate <= e.interval[1] + 1e-9, e.subject
            assert card.low - 1e-9 <= e.estimate <= card.high + 1e-9, e.subject
    # the search for near copies misses the noisy copies that it plants among these digits of eight pixels, and says so
    assert found["all"].outcome == ("insufficient" if name == "image.near_copies" else "measured")


@pytest.mark.parametrize("name", IMAGE)
def test_few_pictures_give_a_number_or_a_reason(name: str) -> None:
    for train, holdout, n in ((30, 20, 30), (5, 3, 2), (60, 0, 30)):
        case = digit_case(n, train=train, holdout=holdout)
        for e in metrics.make(name, **QUICK.get(name, {})).measure(case, seed=1):
            assert e.outcome != "measured" or (e.estimate is not None and math.isfinite(e.estimate))


@pytest.mark.parametrize("name", IMAGE)
def test_it_can_be_stopped(name: str) -> None:
    run = Run()
    run.cancel()
    with pytest.raises(Cancelled):
        metrics.make(name).measure(digit_case(40, train=40, holdout=40), seed=1, run=run)


@pytest.mark.parametrize("name", ["image.membership", "image.pixel_tests"])
def test_it_repeats_itself(name: str) -> None:
    case = replace(case_of("fresh"), cache={})
    again = {e.subject: e for e in metrics.make(name).measure(case, seed=4)}
    for subject, e in measured(name).items():
        assert again[subject].estimate == pytest.approx(e.estimate, abs=1e-9), subject


def findings(what: str, names: tuple[str, ...]) -> dict[str, str]:
    policy = load_policy("image")
    verdict = policy.judge([e for name in names for e in measured(name, what).values()])
    return {f.rule: f.result for f in verdict.findings}


def test_noise_fails_fidelity_and_fresh_pictures_pass() -> None:
    names = ("image.frechet", "image.class_agreement")
    noise, fresh = findings("noise", names), findings("fresh", names)
    assert noise["frechet"] == noise["class_agreement"] == "does_not_meet"
    assert fresh["frechet"] == fresh["class_agreement"] == "meets"


def test_noise_is_useless_and_fresh_pictures_are_not() -> None:
    noise, fresh = measured("image.prediction", "noise")["all"], measured("image.prediction")["all"]
    assert noise.interval is not None
    assert noise.interval[0] > 0.2
    assert fresh.estimate is not None
    assert fresh.estimate < 0.1


def test_copies_are_told_by_membership() -> None:
    fresh, copies = measured("image.membership")["all"], measured("image.membership", "copies")["all"]
    assert fresh.interval is not None
    assert copies.interval is not None
    assert fresh.interval[0] <= 0.5 <= fresh.interval[1]
    assert copies.interval[0] > 0.6
    assert measured("image.membership", "copies")["surest"].estimate == 1.0


def test_losses_are_an_attack() -> None:
    case = case_of("fresh")
    draws = stream(0, "losses")
    losses = {"train": draws.normal(0.0, 1.0, 900), "holdout": draws.normal(1.0, 1.0, 400)}
    found = {
        e.subject: e for e in metrics.make("image.membership").measure(replace(case, losses=losses, cache={}), seed=1)
    }
    assert str(found["all"].detail["attack"]).startswith("loss")
    # P(N(1,1) > N(0,1)) = Φ(1/√2) = 0.760
    assert found["all"].interval is not None
    assert found["all"].interval[0] <= 0.76 <= found["all"].interval[1]
    with pytest.raises(ValueError, match="losses"):
        metrics.make("image.membership").measure(
            replace(case, losses={"train": np.ones(3), "holdout": np.ones(3)}, cache={}), seed=1
        )


def test_frechet_distance_of_known_normals() -> None:
    draws = stream(0, "normals")
    a, b = draws.normal(0, 1, (200_000, 3)), draws.normal([1, 0, 0], [2, 1, 1], (200_000, 3))
    assert frechet_distance(a, b) == pytest.approx(1 + 1, abs=0.03)  # |μ|² + (2 - 1)²
    assert frechet_distance(a, a) == pytest.approx(0.0, abs=1e-9)
    flat = np.zeros((50, 80))
    flat[:, 0] = draws.normal(size=50)
    assert frechet_distance(flat, flat) >= 0.0


def test_exact_copies_have_a_better_distance_than_fresh_pictures() -> None:
    # the reason why fidelity is never shown without safety
    fresh = measured("image.frechet")["pixel axes"].detail["fd_infinite_train"]
    copies = measured("image.frechet", "copies")["pixel axes"]
    assert copies.estimate is not None
    assert copies.estimate < 2.0
    assert math.isfinite(fresh)


def test_kernel_distance_is_unbiased_and_its_test_is_fair() -> None:
    draws = stream(0, "kernel")
    found = [kernel_distance(draws.normal(size=(60, 5)), draws.normal(size=(60, 5))) for _ in range(300)]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(300)
    assert permutation_p(draws.normal(size=(80, 5)), draws.normal(0.8, 1, (80, 5)), seed=0) < 0.01
    p = [permutation_p(draws.normal(size=(40, 3)), draws.normal(size=(40, 3)), seed=i) for i in range(40)]
    assert 0.3 < np.mean(p) < 0.7


def test_similarity_is_that_of_the_formula() -> None:
    draws = stream(0, "ssim")
    a, b = draws.random((3, 1, 11, 11)).astype(np.float32), draws.random((2, 1, 11, 11)).astype(np.float32)
    at = np.arange(11) - 5.0
    w = np.outer(np.exp(-(at**2) / 4.5), np.exp(-(at**2) / 4.5))
    w /= w.sum()

    def one(x: Any, y: Any) -> float:
        mx, my = (w * x).sum(), (w * y).sum()
        vx, vy, cov = (w * x * x).sum() - mx**2, (w * y * y).sum() - my**2, (w * x * y).sum() - mx * my
        return float((2 * mx * my + 1e-4) * (2 * cov + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4)))

    expected = [[one(x[0], y[0]) for y in b] for x in a]
    assert similarity(a, b)[0] == pytest.approx(np.array(expected), abs=1e-4)
    large = draws.random((2, 3, 44, 44)).astype(np.float32)
    assert np.diagonal(multi_scale_similarity(large, large)) == pytest.approx(1.0, abs=1e-4)


def test_mean_similarity_hides_a_copy_and_the_maximum_shows_it() -> None:
    fresh = measured("image.similarity")
    one = {e.subject: e for e in metrics.make("image.similarity").measure(digit_case(kind="exact", copies=1), seed=4)}
    assert one["all"].estimate == pytest.approx(fresh["all"].estimate, abs=0.002)
    assert one["SSIM maximum"].estimate == pytest.approx(1.0, abs=1e-3)
    assert fresh["SSIM maximum"].estimate is not None
    assert fresh["SSIM maximum"].estimate < 0.995


def test_large_sets_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    from synthproof.metrics.image import extractors
    from synthproof.metrics.image import similarity as module

    monkeypatch.setattr(extractors, "MOST", 60)
    monkeypatch.setattr(module, "MOST", 40)
    found = metrics.make("image.similarity").measure(digit_case(100, train=150, holdout=80), seed=2)
    assert all(e.outcome == "measured" for e in found)
    assert found[0].n <= 40


def test_halves_are_read_off_one_table() -> None:
    x, y = digits()
    shown = image_set(x[:200], y[:200])
    known = tables(shown, np.arange(200, dtype=np.intp))
    a, b = np.arange(0, 200, 2, dtype=np.intp), np.arange(1, 200, 2, dtype=np.intp)
    case = Case(train=shown.take_rows(a), holdout=None, synthetic=shown.take_rows(b), purpose=case_of("fresh").purpose)
    found = {e.subject: e.estimate for e in metrics.make("image.similarity").measure(case, seed=0)}
    for subject in ("all", "MS-SSIM", "SSIM nearest", "SSIM maximum", "MS-SSIM maximum"):
        assert known.halves(a, b, subject) == pytest.approx(found[subject], abs=1e-5), subject


def test_collapse_shows_in_likeness_and_recall() -> None:
    case = case_of("fresh")
    few = case.synthetic.take_rows(np.repeat(np.arange(20, dtype=np.intp), 20))
    again = replace(case, synthetic=few, cache={})
    alike = {e.subject: e for e in metrics.make("image.diversity").measure(again, seed=0)}["all"]
    recall = {e.subject: e for e in metrics.make("image.coverage").measure(again, seed=0)}["recall"]
    assert alike.interval is not None
    assert alike.interval[0] > 0.1
    assert recall.estimate is not None
    assert recall.reference is not None
    assert recall.estimate < 0.3 < recall.reference


def test_an_offset_moves_pixels_and_shuffling_does_not() -> None:
    case = case_of("fresh")
    x, y = digits()
    lifted = replace(
        case, synthetic=image_set(np.clip(x[1_300:1_700].astype(int) + 3, 0, 255).astype(np.uint8), y[1_300:1_700])
    )
    moved = {e.subject: e for e in metrics.make("image.pixel_tests").measure(replace(lifted, cache={}), seed=0)}
    fresh = measured("image.pixel_tests")
    assert moved["all"].estimate is not None
    assert fresh["all"].estimate is not None
    assert moved["all"].estimate > 0.3 > 0.1 > fresh["all"].estimate
    assert moved["all"].detail["permutation_p"] < 0.01 < fresh["all"].detail["permutation_p"]


def test_weights_of_a_user_are_checked_and_named(tmp_path: Path) -> None:
    import torch

    layers = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # what users have is such files, however they were made
        net = torch.jit.trace(layers, torch.zeros(1, 3, 32, 32))
        path = tmp_path / "net.pt"
        torch.jit.save(net, str(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    case = digit_case(100, train=100, holdout=100)
    frechet = metrics.make("image.frechet", weights=str(path), sha256=digest, side=32, called="pooled")
    found = {e.subject: e for e in frechet.measure(case, seed=0)}["pooled"]
    assert found.detail["digest"] == f"sha256:{digest}"
    with pytest.raises(ReadError) as other:
        metrics.make("image.frechet", weights=str(path), sha256="0" * 64).measure(replace(case, cache={}), seed=0)
    assert other.value.code == "vision/other-weights"
    with pytest.raises(ReadError) as none:
        metrics.make("image.frechet", weights=str(tmp_path / "no.pt"), sha256=digest).measure(
            replace(case, cache={}), seed=0
        )
    assert none.value.code == "vision/no-weights"
    own = {"weights": str(path), "sha256": digest, "side": 32, "called": "pooled"}
    for name, subject in (("image.kid", "pooled"), ("image.coverage", "recall (pooled)")):
        seen = {e.subject: e for e in metrics.make(name, **own).measure(case, seed=0)}[subject]
        assert seen.detail["digest"] == f"sha256:{digest}"


def test_a_pickled_network_is_refused_with_the_way_to_export_it(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "net.pth"
    torch.save(torch.nn.Linear(2, 2).state_dict(), path)
    given = Supplied(path=str(path), sha256=f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}")
    with pytest.raises(ReadError) as refused:
        SuppliedNet(given, run=Run())
    assert refused.value.code == "vision/not-torchscript"
    with pytest.raises(ConfigError) as unknown:
        Supplied(path=str(path), sha256="", scale="byte")
    assert unknown.value.code == "vision/no-such-scale"
    assert "bytes" in unknown.value.text("en")


@pytest.mark.parametrize(
    ("scale", "low", "high"), [("symmetric", -1, 1), ("unit", 0, 1), ("bytes", 0, 255), ("imagenet", -2.1179, 2.2489)]
)
def test_a_network_of_the_user_sees_whole_pictures_in_the_range_it_wants(
    tmp_path: Path, scale: str, low: float, high: float
) -> None:
    import torch

    class Ends(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return x.flatten(2).aminmax(dim=2)[0][:, :1], x

    class Tokens(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return x.flatten(2)[:, :1].transpose(1, 2).repeat(1, 1, 2)

    pictures = np.full((5, 1, 40, 40), -1, dtype=np.float32)
    pictures[:, :, 1::2, :] = 1  # stripes of one pixel, which a reduction to 32 px would make grey
    for make, expected in ((Ends, [[low]] * 5), (Tokens, [[low, low]] * 5)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = tmp_path / f"{make.__name__}.pt"
            torch.jit.save(torch.jit.trace(make(), torch.zeros(1, 3, 40, 40)), str(path))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        net = SuppliedNet(Supplied(path=str(path), sha256=digest, side=40, scale=scale), run=Run())
        assert np.allclose(net.look([pictures[:3], pictures[3:]]), expected, atol=1e-3)
        assert np.allclose(
            net.look([-pictures]),
            np.where(np.isclose(expected, low), high, low) if make is Tokens else expected,
            atol=1e-3,
        )


def test_the_distance_is_the_same_by_the_short_way_for_few_pictures() -> None:
    draws = stream(3, "few", 0)
    a, b = draws.standard_normal((30, 40)), draws.standard_normal((25, 40)) + 0.3
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    shared = np.sqrt(np.clip(np.linalg.eigvalsh(root @ second @ root), 0, None)).sum()
    mean = a.mean(axis=0) - b.mean(axis=0)
    assert frechet_distance(a, b) == pytest.approx(
        mean @ mean + np.trace(first) + np.trace(second) - 2 * shared, rel=1e-6
    )


def test_random_filters_are_the_same_everywhere() -> None:
    assert random_digest(1, 0) == random_digest(1, 0) != random_digest(1, 1)


@pytest.mark.parametrize("name", ["image.class_agreement", "image.prediction"])
def test_pictures_of_one_class_are_asked_nothing_about_classes(name: str) -> None:
    case = case_of("fresh")
    held, parts = case.holdout, {}
    assert held is not None
    for side, data in (("train", case.train), ("holdout", held), ("synthetic", case.synthetic)):
        codes, _ = data.classes()
        parts[side] = data.take_rows(np.flatnonzero(codes == 1))
    alone = replace(case, cache={}, **parts)
    assert [e.outcome for e in metrics.make(name).measure(alone, seed=1)] == ["not_applicable"]
