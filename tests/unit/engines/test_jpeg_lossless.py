from __future__ import annotations

import random

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames

from synthproof.engines.jpeg_lossless import decode_lossless
from synthproof.testing.jpeg_streams import encoded


def noise(bits: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(bits).integers(0, 1 << bits, shape, dtype=np.uint16)


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_every_predictor_gives_the_samples_back(predictor: int, bits: int) -> None:
    given = noise(bits, 9, 11)
    assert np.array_equal(decode_lossless(encoded(given, bits, predictor=predictor)), given)


def test_colours_restarts_and_shifts() -> None:
    colour = noise(8, 6, 7, 3)
    assert np.array_equal(decode_lossless(encoded(colour, 8, predictor=4)), colour)
    grey = noise(12, 9, 5)
    assert np.array_equal(decode_lossless(encoded(grey, 12, predictor=7, rows=2)), grey)
    assert np.array_equal(decode_lossless(encoded(grey, 12, predictor=2, shift=3)), grey >> 3 << 3)
    far = np.array([[0, 65_535, 32_768], [32_768, 0, 65_535]], dtype=np.uint16)
    assert np.array_equal(decode_lossless(encoded(far, 16, predictor=4)), far)


def test_a_file_of_another_encoder() -> None:
    path = get_testdata_file("SC_rgb_jpeg_gdcm.dcm", download=False)
    assert path is not None
    coded = pydicom.dcmread(path)
    found = decode_lossless(next(generate_frames(coded.PixelData, number_of_frames=1)))
    plain = get_testdata_file("SC_rgb_rle.dcm", download=False)
    assert plain is not None
    assert np.array_equal(found, pydicom.dcmread(plain).pixel_array)


def test_what_a_stream_cannot_mean_is_an_error() -> None:
    whole = encoded(noise(8, 6, 6), 8)
    for broken in (
        b"",
        b"\xff\xd8",
        whole[:40],
        whole[:-20],
        whole.replace(b"\xff\xc3", b"\xff\xc0"),
        whole[:2] + whole[whole.index(b"\xff\xda") :],
        encoded(noise(8, 6, 6), 8, rows=2).replace(b"\xff\xd0", b"\x12\x34"),
        whole.replace(b"\x08\x00\x06\x00\x06", b"\x08\xff\xff\xff\xff"),
    ):
        with pytest.raises(ValueError):
            decode_lossless(broken)


def test_no_damage_ends_the_process() -> None:
    made = random.Random(5)
    streams = [encoded(noise(8, 12, 12, 3), 8, predictor=4), encoded(noise(16, 12, 12), 16, predictor=7, rows=3)]
    refused = 0
    for i in range(400):
        bad = bytearray(streams[i % 2])
        for _ in range(made.choice([1, 2, 8])):
            at = made.randrange(len(bad) if made.random() < 0.5 else 90)
            # not into the stated size: a header of 65,535 × 65,535 is refused before decoding, by `check_size`
            if not 66 <= at <= 72:
                bad[at] = made.randrange(256)
        try:
            decode_lossless(bytes(bad[: made.randrange(30, len(bad))] if i % 5 == 0 else bad))
        except ValueError:
            refused += 1
    assert refused > 100
