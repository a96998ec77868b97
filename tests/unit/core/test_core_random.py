from __future__ import annotations

import numpy as np
import pytest

from synthproof.core.random import BLOCK, derive, normals, permutation, stream, uniforms


def test_fewer_rows_are_the_head_of_more() -> None:
    assert np.array_equal(uniforms(3, "a", BLOCK + 900)[:1200], uniforms(3, "a", 1200))
    assert np.array_equal(normals(3, "a", BLOCK + 900, 4)[:1200], normals(3, "a", 1200, 4))


def test_addresses_do_not_meet() -> None:
    draws = [stream(1, "a").random(), stream(1, "b").random(), stream(2, "a").random(), stream(1, "a", 1).random()]
    assert len(set(draws)) == 4
    assert derive(1, "a") != derive(1, "b")
    assert 0 <= derive(123, "x") < 2**63


def test_purpose_and_seed_cannot_be_confused() -> None:
    assert derive(1, "1") != derive(11, "")


def test_uniforms_are_uniform() -> None:
    n = 20_000
    # Mean of n uniforms: standard error 1/sqrt(12 n); 5.2 of them is a false alarm of 2e-7.
    assert abs(uniforms(5, "law", n).mean() - 0.5) < 5.2 / np.sqrt(12 * n)


def test_global_generator_is_untouched() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    uniforms(1, "x", 10)
    permutation(1, "x", 10)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_permutation_is_one() -> None:
    assert sorted(permutation(9, "p", 50)) == list(range(50))


@pytest.mark.parametrize("n", [0, 1, BLOCK, BLOCK + 1])
def test_sizes(n: int) -> None:
    assert uniforms(1, "s", n).shape == (n,)
    assert uniforms(1, "s", n, 3).shape == (n, 3)
