"""Copies among pictures: each kind is found, fresh pictures are not accused, and the axis says what follows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from synthproof.core.contracts import Case
from synthproof.core.evidence import Evidence
from synthproof.core.registry import metrics
from synthproof.core.schema import Purpose
from synthproof.core.stats import clopper_pearson
from synthproof.data.image.dataset import ImageSet
from synthproof.engines.vision.alignment import nearest_aligned, reference, resampling
from synthproof.metrics.image.alike import NEIGHBOURS, reference_of, small
from synthproof.metrics.image.copies_by_class import interval_of
from synthproof.metrics.image.near_copies import chance_without_leak, flags, views_of
from synthproof.metrics.image.tails import Tail, nearness
from synthproof.policy.axes import judge_axes
from synthproof.policy.load import load_policy
from synthproof.testing.pictures import KINDS, Kind, digit_case, digits, image_set, planted

FloatArray = npt.NDArray[np.float64]
Pixels8 = npt.NDArray[np.uint8]
COPIES = load_policy("image").axes[0]


def near(case: Case[ImageSet], seed: int = 3) -> dict[str, Evidence]:
    return {e.subject: e for e in metrics.make("image.near_copies").measure(case, seed=seed)}


@pytest.mark.parametrize("kind", KINDS)
def test_alignment_finds_the_source(kind: Kind) -> None:
    x, _ = digits()
    known = reference_of(image_set(x[:600]))
    copies = image_set(planted(x[100:120], kind, np.random.default_rng(0)))
    fine, _ = nearest_aligned(small(copies), known, 4)
    assert (fine.row[:, 0] == np.arange(100, 120)).mean() >= 0.9
    assert (np.diff(fine.distance, axis=1) >= 0).all()


def test_resampling_keeps_means_and_places() -> None:
    half = resampling(8, 4, 0.0, 8.0)
    assert half @ np.arange(8.0) == pytest.approx([0.5, 2.5, 4.5, 6.5])
    same = resampling(8, 6, 1.0, 6.0)
    assert same @ np.arange(8.0) == pytest.approx([1, 2, 3, 4, 5, 6])
    between = resampling(8, 4, 1.5, 4.0)
    assert between @ np.arange(8.0) == pytest.approx([1.5, 2.5, 3.5, 4.5])


def test_brightness_and_contrast_change_nothing() -> None:
    x, _ = digits()
    shown = image_set(x[:50])
    values = small(shown)
    fine, _ = nearest_aligned(0.5 * values + 0.2, reference(values), 2)
    assert (fine.row[:, 0] == np.arange(50)).all()
    assert fine.distance[:, 0].max() < 0.01


def test_a_plain_picture_is_like_nothing() -> None:
    x, _ = digits()
    plain = np.full((2, 1, 24, 24), 0.3, dtype=np.float32)
    fine, even = nearest_aligned(plain, reference_of(image_set(x[:50])), 3)
    assert fine.distance == pytest.approx(np.sqrt(2.0))
    assert np.isfinite(even.distance).all()


def test_tail_of_a_power_law_accuses_as_often_as_it_says() -> None:
    # nearness below r with probability r**12: 0.05 expected of 1,000, so at most a few accusations in 200 worlds
    rng = np.random.default_rng(0)
    accused = 0
    for _ in range(200):
        tail = Tail.of(rng.random(1_000) ** (1 / 12))
        accused += int((rng.random(1_000) ** (1 / 12) < tail.limit(0.05, 1_000)).any())
    assert accused <= 20  # 0.05 a world is 10 in 200; binomial 99.9 % end 20
    assert Tail.of(rng.random(4_000) ** (1 / 12)).rate == pytest.approx(12, rel=0.25)


def test_twins_do_not_hide_behind_each_other() -> None:
    rng = np.random.default_rng(0)
    clean = rng.random(1_000) ** (1 / 12)
    twins = clean.copy()
    twins[:8] = 0.001
    tail = Tail.of(twins)
    assert tail.twins == 8
    assert tail.limit(0.05, 1_000) == pytest.approx(Tail.of(clean[8:]).limit(0.05, 1_000))


@pytest.mark.parametrize("kind", ["exact", "mirrored"])
def test_one_percent_of_copies_is_a_leak(kind: Kind) -> None:
    case = digit_case(kind=kind, copies=4)
    found = near(case)["all"]
    assert found.detail["copies"] >= 2
    assert found.detail["chance_without_leak"] < 0.004
    others = metrics.make("image.exact_copies").measure(case, seed=3)
    state = judge_axes([*near(case).values(), *others], [COPIES])[0]
    assert state.state == "leak_shown"
    assert set(found.private["worst_pairs"]["synthetic_rows"][:2]) <= set(range(4))


def test_fresh_pictures_are_not_accused() -> None:
    case = digit_case()
    found = near(case)
    assert found["all"].detail["copies"] == 0
    # eight pixels made 24: a noisy copy cannot be told from another digit, and the metric says so
    assert found["all"].outcome == "insufficient"
    nearer = found["nearer"].interval
    assert nearer is not None
    assert nearer[0] <= 0.0 <= nearer[1]
    others = metrics.make("image.exact_copies").measure(case, seed=3)
    assert judge_axes([*found.values(), *others], [COPIES])[0].state != "leak_shown"


def test_duplicates_in_the_source_are_not_the_generators() -> None:
    x, y = digits()
    # thirty pictures stand in train, in the holdout and among the synthetic ones alike
    twins = x[:30]
    parts = [np.concatenate([twins, x[a:b]]) for a, b in ((30, 900), (900, 1270), (1270, 1640))]
    sets = [image_set(p, np.zeros(len(p), dtype=int)) for p in parts]
    case = Case(train=sets[0], holdout=sets[1], synthetic=sets[2], purpose=Purpose())
    found = near(case)["all"]
    assert found.detail["unseen_that_repeat"] >= 20
    assert found.detail["chance_without_leak"] > 0.1
    assert found.caveat is not None
    assert "duplicates" in found.caveat.en


def test_persons_are_the_unit() -> None:
    case = digit_case(kind="exact", copies=6, persons=True)
    found = near(case)["all"]
    assert found.detail["copies"] >= 6
    assert found.detail["training_persons_repeated_at_least"] <= 6


def test_exact_copies_count_persons_exactly() -> None:
    case = digit_case(kind="mirrored", copies=8)
    (found,) = metrics.make("image.exact_copies").measure(case, seed=0)
    assert found.detail["equal_to_train"] == 8
    assert found.private["synthetic_rows"] == list(range(8))
    # 8 of 1,300 persons met, all of train's 900: 0.69**8
    assert found.detail["chance_without_leak"] == pytest.approx(0.692**8, rel=0.05)
    (clean,) = metrics.make("image.exact_copies").measure(digit_case(), seed=0)
    assert clean.estimate == 0.0
    assert clean.detail["chance_without_leak"] == 1.0


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_exact_copies_that_were_turned_are_exact_copies(turns: int, mirrored: bool) -> None:
    case = digit_case()
    store = case.synthetic.pixels()
    source = case.train.pixels()[10:18]
    store[:8] = np.rot90(source[:, :, ::-1] if mirrored else source, turns, axes=(1, 2))
    (found,) = metrics.make("image.exact_copies").measure(
        replace(case, synthetic=case.synthetic.with_pixels(store), cache={}), seed=0
    )
    assert found.detail["equal_to_train"] == 8
    assert found.detail["chance_without_leak"] == pytest.approx(0.692**8, rel=0.05)


def test_too_few_and_no_holdout() -> None:
    assert near(digit_case(holdout=0))["all"].outcome == "insufficient"
    assert near(digit_case(holdout=100))["all"].outcome == "insufficient"
    assert near(digit_case(n=50, train=15))["all"].outcome == "insufficient"


def test_another_chain_is_not_compared() -> None:
    case = digit_case()
    x, _ = digits()
    other = image_set(np.repeat(np.repeat(x[:50], 2, axis=1), 2, axis=2))
    assert near(replace(case, synthetic=other, cache={}))["all"].outcome == "insufficient"


def test_one_copy_among_500_of_mnist(data_dir: Path) -> None:
    with np.load(data_dir / "mnist" / "mnist.npz") as z:
        x = z["x_train"][:2_000]
    train, holdout, fresh = x[:1_000], x[1_000:1_500], x[1_500:]
    learned = image_set(train)
    known = reference_of(learned)

    def look(shown: Pixels8) -> list[FloatArray]:
        near = nearest_aligned(small(image_set(shown)), known, NEIGHBOURS)
        return [nearness(n, learned.unit_of_row) for n in near]

    rng = np.random.default_rng(2)
    copies = look(np.concatenate([planted(train[[7]], kind, rng) for kind in KINDS]))
    clean, unseen = look(fresh), look(holdout)
    assert not flags(views_of(clean, unseen))[0].any()
    caught = []
    for i, _ in enumerate(KINDS):
        mixed = [np.concatenate([c[[i]], f[1:]]) for c, f in zip(copies, clean, strict=True)]
        views = views_of(mixed, unseen)
        flagged, twins = flags(views)
        caught.append(bool(flagged[0]) and chance_without_leak(views, 1, 500, int(twins.sum()), 500) < 0.05)
    assert all(caught[:4])
    assert sum(caught) >= 4


def test_fresh_x_rays_pass_although_their_source_holds_duplicates(data_dir: Path) -> None:
    with np.load(data_dir / "pneumonia_mnist" / "pneumonia_mnist.npz") as z:
        x, y = z["x_train"], z["y_train"]
    at = np.random.default_rng(0).permutation(len(x))[:1_600]
    sets = [image_set(x[i], y[i]) for i in (at[:800], at[800:1_200], at[1_200:])]
    case = Case(train=sets[0], holdout=sets[1], synthetic=sets[2], purpose=Purpose())
    found = [*near(case).values(), *metrics.make("image.exact_copies").measure(case, seed=0)]
    assert judge_axes(found, [COPIES])[0].state != "leak_shown"
    whole = x[at[1_200:]].copy()
    whole[:40] = planted(x[at[:40]], "cropped", np.random.default_rng(1))
    copied = near(Case(train=sets[0], holdout=sets[1], synthetic=image_set(whole), purpose=Purpose()))["all"]
    assert copied.detail["copies"] >= 20
    assert copied.detail["chance_without_leak"] < 0.001


def drawn_twice(x: Pixels8, share: float, kind: Kind) -> Case[ImageSet]:
    """Return a case whose unseen pictures are in part near duplicates of training ones, with eight copies planted."""
    rng = np.random.default_rng(0)
    train, holdout, fresh = x[:400], x[400:700].copy(), x[700:1_000].copy()
    if share:
        holdout[: round(300 * share)] = planted(train[: round(300 * share)], kind, rng)
    fresh[:8] = planted(train[300:308], kind, rng)
    sets = [image_set(part, np.arange(len(part)) % 2) for part in (train, holdout, fresh)]
    return Case(train=sets[0], holdout=sets[1], synthetic=sets[2], purpose=Purpose())


def test_a_holdout_of_near_duplicates_excludes_no_leak(data_dir: Path) -> None:
    # frames of one recording on both sides: the limit falls under every real copy, and none found is no safety
    with np.load(data_dir / "mnist" / "mnist.npz") as z:
        x = z["x_train"][:1_000]
    clean = near(drawn_twice(x, 0.0, "noisy"))
    assert clean["all"].outcome == "measured"
    assert clean["all"].detail["copies"] == 8
    assert clean["all"].detail["planted_and_seen"]["noisy"] == [24, 24]
    found = near(drawn_twice(x, 0.1, "noisy"))
    assert found["all"].outcome == "insufficient"
    assert sum(seen for seen, _ in found["all"].detail["planted_and_seen"].values()) < 24
    assert found["all"].caveat is not None
    assert "that this check planted itself" in found["all"].caveat.en
    assert len(found["all"].private["worst_pairs"]["synthetic_rows"]) == 50
    assert all(e.interval == (0.0, 1.0) for s, e in found.items() if "class" in s)
    assert judge_axes(list(found.values()), [COPIES])[0].state == "not_assessed"


def test_duplicates_of_the_source_exclude_no_copy_that_was_flagged() -> None:
    # 4 of 800 flagged where 8 of 400 unseen ones repeat: the excess is below 0, yet 4 pictures may be copies
    low, high = interval_of(4, 800, 8, 400)
    assert low < 4 / 800 - 8 / 400 < 0.0
    assert high == clopper_pearson(4, 800)[1] > 0.005
    assert interval_of(4, 800, 0, 400) == clopper_pearson(4, 800)
