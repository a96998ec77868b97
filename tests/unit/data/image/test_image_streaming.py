"""A folder of many pictures is read, protected, searched and written a batch at a time: nobody holds the set.

Memory is counted by tracemalloc, which sees every array that numpy makes and none that is mapped from a file.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synthproof.core.contracts import Case
from synthproof.core.errors import ReadError
from synthproof.core.run import Run
from synthproof.core.schema import Purpose
from synthproof.data.image import decode as decoding
from synthproof.data.image.chain import Chain
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.decode import decode
from synthproof.data.image.io import read_images
from synthproof.data.image.labels import of_classes
from synthproof.data.image.write import write_images
from synthproof.data.split import split
from synthproof.data.table.dataset import Origin
from synthproof.engines import scratch as on_disk
from synthproof.engines.vision import alignment
from synthproof.metrics.image import alike
from synthproof.metrics.image.exact_copies import ExactCopies
from synthproof.metrics.image.membership import Membership
from synthproof.metrics.image.near_copies import NearCopies
from synthproof.pipeline.images import load_images, read_into, save_images
from synthproof.protection.pictures import IMAGE_STEPS, protect_pictures

SIDE, FEW, MANY = 48, 800, 1_800
PICTURE = SIDE * SIDE * 3
"""Bytes of one picture in the store: 6.75 KiB."""
BOOKKEEPING = 2_000
"""Bytes that may be known of each picture beside its pixels: name, head, label, digest, hashes, evened window."""
OTHERS = 225


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing of size stay in memory by itself, and few pictures be asked about."""
    monkeypatch.setattr(on_disk, "IN_MEMORY", 0)
    monkeypatch.setattr(alignment, "HELD", 0)
    monkeypatch.setattr(alignment, "ALL", alignment.ALL[::10])
    monkeypatch.setattr(alignment, "COARSE", alignment.COARSE[::6])
    monkeypatch.setattr(alike, "MOST_PAIRS", 1)
    monkeypatch.setattr(alike, "FEWEST_ASKED", OTHERS)


def coarse(rng: np.random.Generator, n: int) -> Any:
    """Return n pictures of 64 random squares in colour: no two are alike."""
    return np.kron(rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8), np.ones((1, SIDE // 8, SIDE // 8, 1), np.uint8))


def pictures(n: int) -> ImageSet:
    """Return n pictures that lie on disk."""
    chain, rng = Chain(side=SIDE, channels=3), np.random.default_rng(n)
    store = on_disk.scratch((n, *chain.shape), chain.dtype)
    for start in range(0, n, 300):
        store[start : start + 300] = coarse(rng, min(300, n - start))
    assert isinstance(store, np.memmap)
    names = ["ab"[i % 2] for i in range(n)]
    return ImageSet(of_classes(names, Origin(container="images", name="x", options={"format": "png"})), store, chain)


def peak(work: Callable[[], Any]) -> int:
    """Return the most bytes that some work held at once, beyond what there was."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def growth(work: Callable[[ImageSet], Any]) -> float:
    """Return the bytes that work on pictures holds more for each picture more."""
    few, many = pictures(FEW), pictures(MANY)
    work(few)  # what is loaded or compiled at the first call is no picture's
    return (peak(lambda: work(many)) - peak(lambda: work(few))) / (MANY - FEW)


def case_of(images: ImageSet) -> Case[ImageSet]:
    n = images.n_rows - 2 * OTHERS
    parts = (np.arange(a, b, dtype=np.intp) for a, b in ((0, n), (n, n + OTHERS), (n + OTHERS, n + 2 * OTHERS)))
    train, holdout, drawn = (images.take(rows) for rows in parts)
    return Case(train=train, holdout=holdout, synthetic=drawn, purpose=Purpose())


def test_the_measure_sees_who_holds_the_whole_set() -> None:
    assert growth(lambda images: images.pixels()) > 0.99 * PICTURE
    assert growth(lambda images: images.values()) > 3.9 * PICTURE


def test_reading_holds_names_and_heads(tmp_path: Path) -> None:
    n, rng, held = 900, np.random.default_rng(1), []
    for i in range(n):
        picture = Image.fromarray(coarse(rng, 1)[0])
        for folder in ("few", "many") if i < n // 3 else ("many",):
            path = tmp_path / folder / "ab"[i % 2] / f"{i:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path, compress_level=1)
    for folder in ("few", "few", "many"):
        source = tmp_path / folder

        def read(source: Path = source) -> ImageSet:
            return read_into(tmp_path / "vault", lambda store: read_images(source, store=store, run=Run(workers=1)))

        held.append(peak(read))
    assert read().n_rows == n
    assert (held[2] - held[1]) / (n - n // 3) < BOOKKEEPING


def test_protection_holds_hashes(tmp_path: Path) -> None:
    def protect(images: ImageSet) -> None:
        done = protect_pictures(split(images, holdout=0.2, seed=1), IMAGE_STEPS, seed=2)
        save_images(tmp_path / "train", done.parts.train)
        assert load_images(tmp_path / "train").n_rows == round(0.8 * images.n_rows)

    assert growth(protect) < BOOKKEEPING


@pytest.mark.parametrize("metric", [NearCopies, ExactCopies, Membership])
def test_looking_for_copies_holds_no_picture(metric: Any) -> None:
    def measure(images: ImageSet) -> None:
        assert metric().measure(case_of(images), seed=3)[0].outcome == "measured"

    assert growth(measure) < BOOKKEEPING


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_writing_holds_a_batch(kind: str, tmp_path: Path) -> None:
    target = tmp_path / ("out" if kind == "folder" else "out.npz")
    assert growth(lambda images: write_images(images, target)) < BOOKKEEPING
    write_images(few := pictures(FEW), target)
    assert sorted(read_images(target).digests()) == sorted(few.digests())


def test_positions_into_a_store_are_gathered_on_disk() -> None:
    images = pictures(300)
    assert images.gathered() is images.store
    turned = images.take(np.arange(len(images), dtype=np.intp)[::-1])
    gathered = turned.gathered()
    assert isinstance(gathered, np.memmap)
    assert np.array_equal(gathered, turned.pixels())


def test_a_large_array_lies_in_a_file_that_goes_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(on_disk.tempfile, "tempdir", str(tmp_path))
    made = on_disk.scratch((100, 10), np.float32)
    assert isinstance(made, np.memmap)
    assert len(list(tmp_path.iterdir())) == 1
    made[5] = 1
    assert made.sum() == 10
    del made
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(on_disk, "IN_MEMORY", 1 << 20)
    assert not isinstance(on_disk.scratch((100, 10), np.float32), np.memmap)


def test_a_disk_without_room_is_told_before_it_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from synthproof.core.errors import WorkspaceError

    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(on_disk.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(on_disk.os, "posix_fallocate", full, raising=False)
    with pytest.raises(WorkspaceError) as caught:
        on_disk.scratch((1_000,), np.float64)
    assert caught.value.code == "workspace/unwritable"
    assert not list(tmp_path.iterdir())


def test_a_later_frame_larger_than_the_first_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Image.new("L", (20, 20)), Image.new("L", (400, 400))
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    assert [p.shape for p in decode(tmp_path / "a.tif", "image 1 of 1")] == [(20, 20), (400, 400)]
    monkeypatch.setattr(decoding, "MOST_PIXELS", 10_000)
    with pytest.raises(ReadError) as caught:
        decode(tmp_path / "a.tif", "image 1 of 1")
    assert caught.value.code == "image/too-large"


def test_columns_first_archives_are_laid_out_on_disk(tmp_path: Path) -> None:
    x = np.random.default_rng(2).integers(0, 256, (300, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=np.asfortranarray(x), y=np.arange(300) % 3)
    assert np.array_equal(read_images(tmp_path / "a.npz").pixels()[..., 0], x)


_LIMITED = """
    import resource, sys
    from pathlib import Path
    from synthproof.pipeline import image_road  # the libraries are no picture's memory
    from synthproof.core.run import Run
    from synthproof.data.image.io import How, read_images
    from synthproof.data.split import split
    from synthproof.pipeline.images import read_into
    from synthproof.protection.pictures import IMAGE_STEPS, protect_pictures

    def warm(folder):
        images = read_into(Path(sys.argv[2]) / folder.name, lambda s: read_images(folder, How(), store=s, run=Run(workers=1)))
        done = protect_pictures(split(images, seed=1), IMAGE_STEPS, seed=2)
        return images.n_rows, done.parts.train.n_rows + done.parts.holdout.n_rows

    warm(Path(sys.argv[1]) / "few")
    kib = next(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmData"))
    limit = 1024 * kib + int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    n, kept = warm(Path(sys.argv[1]) / "many")
    print(n, kept)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA bounds private memory on Linux alone")
def test_fifty_thousand_pictures_are_read_and_protected_in_little_memory(tmp_path: Path) -> None:
    n, side, allowed = 50_000, 64, 200 << 20  # all of them are 586 MiB; a batch of work and 2 KiB of each are 150
    rng = np.random.default_rng(3)
    for i in range(n):
        picture = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((side, side))
        for folder in ("few", "many") if i < 300 else ("many",):
            path = tmp_path / folder / "ab"[i % 2] / f"{i:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path, compress_level=1)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_LIMITED), str(tmp_path), str(tmp_path / "vault"), str(allowed)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[0]) == n
    assert n * side * side * 3 > 2.5 * allowed
