"""A planted leak has the size that it says, and nothing is handed out that was not meant to be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthproof.data.table.dataset import Table
from synthproof.testing.leaks import LEAKS, SPLITS, LawSource, leak_case, mixture, near_copies, told
from synthproof.testing.worlds import World, adult_like, patients, survey

N = 400
STATES = {"leak_shown", "bounded", "not_assessed"}


def rows(frame: pd.DataFrame) -> pd.Series:
    return pd.util.hash_pandas_object(frame.astype("string").fillna("?"), index=False)


def equal(a: Table, b: Table) -> int:
    return int(rows(a.frame).isin(set(rows(b.frame))).sum())


@pytest.mark.parametrize("name", sorted(LEAKS))
@pytest.mark.parametrize("world", [patients(), mixture()], ids=lambda w: w.name)
def test_every_leak_is_drawn_anew_by_seed_and_is_of_the_table_s_own_kind(name: str, world: World) -> None:
    first, again, other = (leak_case(LEAKS[name], LawSource(world), 120, "9:1", seed) for seed in (1, 1, 2))
    assert first.holdout is not None
    assert (len(first.train), len(first.holdout)) == (120, 13)
    assert len(first.synthetic) == (13 if name == "holdout handed out" else 120)
    assert first.synthetic.fingerprint() == again.synthetic.fingerprint()
    assert first.synthetic.fingerprint() != other.synthetic.fingerprint()
    assert first.synthetic.frame.dtypes.to_dict() == first.train.frame.dtypes.to_dict()


@pytest.mark.parametrize("name", [n for n in LEAKS if n.startswith("copies")])
def test_verbatim_rows_are_as_many_as_are_said(name: str) -> None:
    leak = LEAKS[name]
    case = leak_case(leak, LawSource(mixture()), N, "1:1", 3)
    assert case.holdout is not None
    assert leak.size is not None
    assert equal(case.synthetic, case.train) == equal(case.train, case.synthetic) == round(leak.size * N)
    assert equal(case.synthetic, case.holdout) == 0


@pytest.mark.parametrize(
    ("name", "times"), [("one outlier once", 1), ("one outlier five times", 5), ("one person twice", 2)]
)
def test_one_person_is_one_person(name: str, times: int) -> None:
    case = leak_case(LEAKS[name], LawSource(mixture()), N, "1:1", 3)
    assert equal(case.synthetic, case.train) == times
    assert equal(case.train, case.synthetic) == 1


@pytest.mark.parametrize("world", [patients(), adult_like(), mixture()], ids=lambda w: w.name)
def test_no_near_copy_equals_its_own_original_and_all_lie_near(world: World) -> None:
    train = world.draw(N, 1)
    moved = near_copies(train, train, 5)
    assert (rows(moved.frame).to_numpy() != rows(train.frame).to_numpy()).mean() == 1.0
    for f in train.schema.modelled:
        if f.numeric:
            old, new = (t.frame[f.name].to_numpy(float, na_value=np.nan) for t in (train, moved))
            assert (np.isnan(old) == np.isnan(new)).all()
            # Five standard deviations of the step, and the rounding to whole numbers.
            assert np.nanmax(np.abs(old - new)) <= 5 * 0.02 * np.nanstd(old) + 1


def test_attributes_are_copied_together_and_nothing_else_is() -> None:
    world = patients()
    known = [*world.purpose.quasi_identifiers, *world.purpose.sensitive]
    for name, k in (("attribute only 1 %", 4), ("attribute only 10 %", 40)):
        clean = leak_case(LEAKS["clean"], LawSource(world), N, "1:1", 2)
        case = leak_case(LEAKS[name], LawSource(world), N, "1:1", 2)
        changed = rows(case.synthetic.frame[known]).to_numpy() != rows(clean.synthetic.frame[known]).to_numpy()
        assert k - 2 <= changed.sum() <= k  # a person drawn by chance may have the same K and T
        assert rows(case.synthetic.frame[known])[changed].isin(set(rows(case.train.frame[known]))).all()
        rest = [c for c in case.train.schema.names if c not in known]
        pd.testing.assert_frame_equal(case.synthetic.frame[rest], clean.synthetic.frame[rest])
        assert equal(case.synthetic, case.train) == 0


def test_a_kernel_estimate_comes_nearer_the_narrower_it_is() -> None:
    def nearest(name: str) -> float:
        case = leak_case(LEAKS[name], LawSource(mixture()), N, "1:1", 1)
        x, y = (t.frame.iloc[:, :10].to_numpy(float) for t in (case.train, case.synthetic))
        return float(np.sqrt(((y[:, None] - x[None]) ** 2).sum(2)).min(1).mean())

    narrow, wide, fresh = nearest("kernel 0.1 sd"), nearest("kernel 0.4 sd"), nearest("clean")
    assert narrow < wide / 2 < wide < fresh


def test_shuffled_columns_hold_the_same_values_and_no_same_row() -> None:
    case = leak_case(LEAKS["shuffled columns"], LawSource(patients()), N, "1:1", 1)
    for name in case.train.schema.names:
        mine, theirs = (sorted(t.frame[name].astype("string").fillna("?")) for t in (case.train, case.synthetic))
        assert mine == theirs
    assert equal(case.synthetic, case.train) == 0


def test_every_leak_says_what_may_be_said_of_it() -> None:
    for leak in LEAKS.values():
        assert leak.expected
        assert leak.expected <= STATES
        if leak.size is not None and leak.size >= 0.01:
            assert leak.expected == {"leak_shown"}
    assert set(SPLITS) == {"1:1", "9:1"}
    assert LawSource(survey()).name == "survey"


def test_a_leak_of_k_and_t_tells_as_many_as_are_known_by_their_k_and_none_where_many_share_it() -> None:
    def size(world: World, name: str) -> float:
        case, clean = (leak_case(LEAKS[x], LawSource(world), N, "1:1", 2) for x in (name, "clean"))
        return told(case, clean)

    # K of the mixture are one person's alone: a row handed out is a secret told, as far as it was not guessed before.
    assert size(mixture(), "attribute only 10 %") == pytest.approx(0.1, abs=0.005)
    assert size(mixture(), "attribute only 1 %") == pytest.approx(0.01, abs=0.0026)
    # 40 classes of the survey hold ten persons each: a tenth of the rows tells nearly nobody's secret.
    assert abs(size(survey(), "attribute only 10 %")) < 0.05
    assert size(mixture(), "clean") == 0.0
