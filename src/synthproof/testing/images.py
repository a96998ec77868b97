"""Contract checks for synthesizers of pictures: run them on your own before you register it.

>>> from synthproof.testing.images import check_image_synthesizer
>>> from synthproof.synthesizers.image.duplicate import Duplicate
>>> check_image_synthesizer(Duplicate)
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core import state as _state
from synthproof.core.contracts import Synthesizer, Tags
from synthproof.core.errors import ConditionError, DataError, NotFittedError, UsageError
from synthproof.core.run import Run
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.testing.shapes import shapes
from synthproof.testing.stopping import leaves_nothing

Factory = Callable[[], Any]


def example_images() -> ImageSet:
    """Return 150 small pictures of crosses, discs and rings, of about 70 persons."""
    return shapes(150, 0, side=8, persons=75)


class ImageBench:
    """One synthesizer of pictures under check: fitted once, then only drawn from.

    Parameters
    ----------
    factory
        The class, or a function without arguments that returns a new unfitted synthesizer. Its budget should be in
        pictures, not in minutes: a clock has no seed.
    data
        What it learns from; `example_images` if absent.
    """

    def __init__(self, factory: Factory, data: ImageSet | None = None) -> None:
        self.factory = factory
        self.data = example_images() if data is None else data

    def new(self) -> Any:
        """Return a new, unfitted synthesizer with a fixed seed."""
        return self.factory().set_params(random_state=7)

    @cached_property
    def model(self) -> Any:
        """The fitted synthesizer."""
        return self.new().fit(self.data)

    @cached_property
    def drawn(self) -> ImageSet:
        """Seventy pictures: more than a block."""
        drawn: ImageSet = self.model.sample(70, seed=11)
        return drawn

    @property
    def target(self) -> str:
        """The label column."""
        return self.data.targets[0]


def same(a: ImageSet, b: ImageSet) -> bool:
    """Whether two sets hold the same pixels and labels."""
    return np.array_equal(a.pixels(), b.pixels()) and a.frame.equals(b.frame) and a.schema == b.schema


def _head(data: ImageSet, n: int) -> ImageSet:
    return data.take_rows(np.arange(n, dtype=np.intp))


def check_contract(bench: ImageBench) -> None:
    """It has the methods and tags of the contract."""
    made = bench.new()
    assert isinstance(made, Synthesizer), "methods of core.contracts.Synthesizer are missing"
    assert isinstance(made.tags, Tags)
    assert made.tags.modality == "image"


def check_parameters(bench: ImageBench) -> None:
    """Parameters are kept verbatim, can be set, and survive `fit`."""
    before = bench.new().get_params()
    assert bench.factory().set_params(**before).get_params() == before
    assert bench.model.get_params() == before, "fit changed a parameter"


def check_data_untouched(bench: ImageBench) -> None:
    """Neither `fit` nor `sample` changes the pictures or the labels."""
    before = bench.data.pixels(), bench.data.frame.copy(deep=True)
    bench.new().fit(bench.data).sample(3, seed=1)
    assert np.array_equal(bench.data.pixels(), before[0])
    assert bench.data.frame.equals(before[1])


def check_unfitted(bench: ImageBench) -> None:
    """Asked too early it says so."""
    for call in ("sample", "get_state"):
        try:
            getattr(bench.new(), call)(*((5,) if call == "sample" else ()))
        except NotFittedError:
            continue
        raise AssertionError(f"{call} before fit must raise NotFittedError")


def check_size_and_chain(bench: ImageBench) -> None:
    """n pictures come, none when none are asked for, of the data's size and type, labelled, without persons."""
    for n in (0, 1, 5):
        drawn = bench.model.sample(n, seed=3)
        assert drawn.n_rows == len(drawn) == n
        assert drawn.chain == bench.data.chain
        assert drawn.pixels().shape == (n, *bench.data.chain.shape)
    assert bench.drawn.schema.unit_field is None, "a drawn picture is nobody's"
    assert bench.drawn.targets == bench.data.targets
    assert bench.drawn.frame[bench.target].notna().all()


def check_bad_count(bench: ImageBench) -> None:
    """A number of pictures that is none is refused."""
    try:
        bench.model.sample(-1, seed=3)
    except UsageError:
        return
    raise AssertionError("fewer pictures than none must raise UsageError")


def check_marks(bench: ImageBench) -> None:
    """Each picture says seed, number and model."""
    marks = bench.drawn.marks
    assert marks is not None, "drawn pictures must be marked"
    assert marks["seed"].eq(11).all()
    assert marks["index"].tolist() == list(range(70))
    assert marks["model"].nunique() == 1


def check_prefix(bench: ImageBench) -> None:
    """Fewer pictures are the head of more, whatever blocks they are computed in."""
    for n in (1, 10, 64, 65):
        assert same(bench.model.sample(n, seed=11), _head(bench.drawn, n)), f"first {n} pictures differ"


def check_workers(bench: ImageBench) -> None:
    """One worker or three: the same bytes, in learning and in drawing."""
    one, three = (bench.new().fit(bench.data, run=Run(workers=w)) for w in (1, 3))
    a, b = one.sample(70, seed=11, run=Run(workers=3)), three.sample(70, seed=11, run=Run(workers=1))
    assert same(a, b)
    assert same(a, bench.drawn)


def check_seed(bench: ImageBench) -> None:
    """Another seed gives other pictures, in drawing and in learning; without one a model has its own."""
    assert not np.array_equal(bench.model.sample(70, seed=12).pixels(), bench.drawn.pixels())
    assert same(bench.model.sample(5), bench.model.sample(5))
    assert bench.new().set_params(random_state=8).fit(bench.data).seed_ == 8


def check_no_memory(bench: ImageBench) -> None:
    """What was drawn before does not matter."""
    bench.model.sample(5, seed=99)
    assert same(bench.model.sample(70, seed=11), bench.drawn)


def check_global_state(bench: ImageBench) -> None:
    """The global generators of Python, NumPy and torch are left alone."""
    bench.model.sample(3, seed=1)

    def states() -> list[Any]:
        found: list[Any] = [random.getstate(), np.random.get_state()[1].tolist()]  # type: ignore[index]  # noqa: NPY002
        if "torch" in sys.modules:
            found.append(sys.modules["torch"].get_rng_state().tolist())
        return found

    before = states()
    bench.new().fit(bench.data).sample(3, seed=1)
    assert states() == before


def check_state(bench: ImageBench) -> None:
    """What was learned is plain, and comes back from disk to draw the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        _state.save(Path(folder) / "m", header={}, state=bench.model.get_state())
        _, learned = _state.load(Path(folder) / "m")
    again = bench.new().set_state(learned)
    assert same(again.sample(70, seed=11), bench.drawn)
    assert again.schema_ == bench.model.schema_
    assert again.notices_ == bench.model.notices_
    assert again.digest_ == bench.model.digest_


def check_cancel(bench: ImageBench) -> None:
    """A cancelled fit leaves the object unfitted, whenever it is cancelled."""
    leaves_nothing(bench.new, bench.data, lambda n: (0, (n - 1) // 2))


def check_where(bench: ImageBench) -> None:
    """A class can be asked for, or several; one that does not exist is refused."""
    levels = bench.data.schema.field(bench.target).levels
    for wanted in (levels[0], list(levels[:2])):
        drawn = bench.model.sample(20, where={bench.target: wanted}, seed=4)
        allowed = [wanted] if isinstance(wanted, str) else wanted
        assert drawn.frame[bench.target].astype(str).isin(allowed).all()
        assert same(bench.model.sample(7, where={bench.target: wanted}, seed=4), _head(drawn, 7))
    for where in ({bench.target: "no such class"}, {"no such column": "x"}):
        try:
            bench.model.sample(5, where=where, seed=4)
        except ConditionError:
            continue
        raise AssertionError("a condition that cannot be met must raise ConditionError")


def check_classes_differ(bench: ImageBench) -> None:
    """The picture is of the class that its label says: what is asked for changes what is drawn."""
    levels = bench.data.schema.field(bench.target).levels
    means = [_mean(bench.model.sample(32, where={bench.target: level}, seed=4)) for level in levels]
    apart = [float(np.abs(a - b).mean()) for i, a in enumerate(means) for b in means[:i]]
    assert min(apart) > 0.0, "every class looks alike"


def check_too_few(bench: ImageBench) -> None:
    """A handful of persons is refused."""
    try:
        bench.new().fit(bench.data.take(np.arange(5, dtype=np.intp)))
    except DataError:
        return
    raise AssertionError("five persons must be refused")


def check_notices(bench: ImageBench) -> None:
    """What the reader must know is in two languages; what must not be released says so first."""
    notices = bench.model.notices_
    assert all(isinstance(w, Words) and w.en and w.ko for w in notices)
    if not bench.model.tags.releasable:
        assert "must not be released" in notices[0].en


def check_honest_tags(bench: ImageBench) -> None:
    """What hands out real pictures may not be called synthetic, and nothing else hands out one."""
    real = set(bench.data.digests())
    copied = sum(d in real for d in bench.drawn.digests())
    tags = bench.model.tags
    clean = tags.releasable or tags.full_synthesis or tags.irreversible
    assert not (copied and clean), f"{copied} real pictures came out"


CHECKS: Mapping[str, Callable[[ImageBench], None]] = {
    name.removeprefix("check_"): check
    for name, check in sorted(globals().items())
    if name.startswith("check_") and callable(check)
}
"""Every check by name."""


def check_image_synthesizer(factory: Factory, *, data: ImageSet | None = None) -> None:
    """Run every check; the first that fails raises ``AssertionError`` with the check's name."""
    bench = ImageBench(factory, data)
    for name, check in CHECKS.items():
        try:
            check(bench)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


def _mean(data: ImageSet) -> npt.NDArray[np.float32]:
    mean: npt.NDArray[np.float32] = data.values().mean(axis=0)
    return mean
