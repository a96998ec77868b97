"""Flow matching: one class-conditional U-Net learns the straight way from noise to pictures of every class.

Lipman et al. 2023 (arXiv:2210.02747) with independent noise (couplings that ignore the class skew it: Cheng & Schwing
2025, arXiv:2503.10636), logit-normal then uniform times, averaged weights and Heun's method. Labels, several at once or
one, and attributes enter by their numbers, and each is left out now and then so that drawing may leave it open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from synthproof.core import state as _state
from synthproof.core.contracts import Conditions, Tags
from synthproof.core.errors import NotFittedError
from synthproof.core.files import refuse_replacing
from synthproof.core.fingerprint import digest_json
from synthproof.core.models import Saved
from synthproof.core.params import Params, check_choice, check_range
from synthproof.core.random import derive
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Schema
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.image.chain import Pixels
from synthproof.data.image.dataset import ImageSet
from synthproof.engines.torch_nets.jitter import TOLD
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import Arrays
from synthproof.engines.torch_nets.picture_training import Schedule, learn, on_device
from synthproof.engines.torch_nets.unet import UNet, start
from synthproof.synthesizers.image.drawing import (
    BLOCK,
    Begun,
    Learnt,
    begin,
    draw,
    model_digest,
    noise_of,
    own_seed,
    seed_of,
    to_pixels,
)
from synthproof.synthesizers.image.ends import Ends, ends_of, reached, shares_at_ends
from synthproof.synthesizers.image.flow_learning import (
    Loader,
    Painter,
    Plain,
    losses_of,
    member_losses,
    path_loss,
    runner_for,
)
from synthproof.synthesizers.image.gap import Watcher
from synthproof.synthesizers.image.sizes import batch_for, rate_for, shape_for
from synthproof.synthesizers.table.columns.layout import check_count

FloatArray = npt.NDArray[np.float64]
_GPU_BLOCK = 512


class Flow(Params, Saved):
    """Draw pictures by flow matching (needs the images extra).

    Parameters
    ----------
    minutes
        Wall minutes of learning; the schedule is counted out from the measured time of a step.
    images
        Pictures to look at instead of `minutes`; then the result is the same on every machine of one kind.
    width, levels, blocks
        Channels of the first level, number of levels and residual blocks a level; 0: by size and device.
    batch_size, learning_rate
        Of a step; 0: by size and device.
    dropout
        Share of units dropped while learning.
    jitter
        Share of pictures that are moved a little while learning; the network is told how.
    flip
        Whether left and right may be exchanged: never where sides matter (heart, teeth).
    steps
        Heun steps of a drawing; 0: 8 up to 48 px, 12 above.
    guidance
        1: pictures as they are distributed. Up to 2: more typical ones, which is not for training data.
    watch
        ``"stop"`` ends learning when pictures learned from lose less than pictures of other persons, class by class;
        ``"warn"`` only says so.
    min_class
        Units that a class must have to be learned.
    checkpoint
        Folder for checkpoints; a fit with the same settings goes on from there. Empty: none. It belongs in the vault.
    random_state
        Seed of `fit` and of `sample` calls without their own; ``None`` draws one and keeps it in ``seed_``.

    Attributes
    ----------
    schema_
        Schema of drawn pictures.
    notices_
        What the reader of a report must know.
    losses_
        Loss while learning: step and mean squared error of the velocity, shape (k, 2).
    gap_
        Member and non-member losses at every check, class by class.
    seed_
        Seed that was used.

    Notes
    -----
    Fit: about 480 pictures/s at 28 px (1.6 M weights) on two cores. Picture i depends on model, seed, i and label alone
    (on one kind of device), whatever the batch or the number of workers. Where at least one pixel in a hundred is exactly
    darkest or lightest, so many are in drawn pictures too (see `ends`).
    """

    tags: ClassVar[Tags] = Tags(modality="image", family="neural", extra="images")

    def __init__(
        self,
        *,
        minutes: float = 20.0,
        images: int | None = None,
        width: int = 0,
        levels: int = 0,
        blocks: int = 0,
        batch_size: int = 0,
        learning_rate: float = 0.0,
        dropout: float = 0.0,
        jitter: float = 0.15,
        flip: bool = False,
        steps: int = 0,
        guidance: float = 1.0,
        watch: str = "stop",
        min_class: int = 30,
        checkpoint: str = "",
        random_state: int | None = None,
    ) -> None:
        self.minutes = minutes
        self.images = images
        self.width = width
        self.levels = levels
        self.blocks = blocks
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.jitter = jitter
        self.flip = flip
        self.steps = steps
        self.guidance = guidance
        self.watch = watch
        self.min_class = min_class
        self.checkpoint = checkpoint
        self.random_state = random_state

    def fit(self, data: ImageSet, /, *, run: Run | None = None) -> Self:
        """Learn the velocity field.

        Raises
        ------
        MissingExtraError
            ``extra/missing``: torch is not installed.
        DataError
            ``image/too-few``, ``image/classes-too-small``.
        WorkspaceError
            ``workspace/exists``: a model lies where checkpoints are to go.
        """
        need_torch()
        self._check()
        job = quiet(run)
        job.tick("flow", 0, 1)
        begun = begin(data, seed_of(self.random_state), min_class=self.min_class, run=job)
        net = shape_for(
            data.chain,
            begun.code.size + TOLD,
            job.device,
            width=self.width,
            levels=self.levels,
            blocks=self.blocks,
            dropout=self.dropout,
        )
        loader = Loader(begun, net, job.device)
        watcher = Watcher(begun, lambda w, rows, s: member_losses(w, net, loader, rows, s), self.watch)
        schedule = Schedule(
            minutes=self.minutes,
            images=self.images,
            batch=self.batch_size or batch_for(net, job.device),
            rate=self.learning_rate or rate_for(net),
        )
        folder = Path(self.checkpoint) if self.checkpoint else None
        # the minutes may differ: what is left of a budget is another each time
        same = {
            **net.to_dict(),
            "schedule": [schedule.batch, schedule.rate, self.images],
            "moved": [self.jitter, self.flip],
        }
        key = digest_json({"pictures": data.fingerprint(), "seed": begun.seed, "min_class": self.min_class, **same})
        earlier = _earlier(folder, key)
        if earlier is not None:
            watcher.set_state(earlier["watch"])
        done = learn(
            start(net, begun.seed),
            begun.batch("flow"),
            loader.load,
            path_loss(net, begun, self.jitter, self.flip, runner_for(net, job.device, self.minutes)),
            schedule,
            seed=begun.seed,
            purpose="flow",
            run=job,
            watch=watcher.stop,
            watched=watcher.cost,
            keep=None if folder is None else lambda s: _keep(folder, key, {**s, "watch": watcher.get_state()}),
            resume=earlier,
        )
        learnt = Learnt.of(begun, watcher.notices(done.stopped_at))
        # everything is kept at once: a second fit that is cancelled while it draws leaves the first one whole
        ends = self._find_ends(begun, learnt, net, done.arrays, job)
        self._net, self._arrays, self._ends, self._learnt = net, done.arrays, ends, learnt
        self.losses_ = np.array(done.losses, dtype=np.float64).reshape(-1, 2)
        self.gap_ = watcher.record
        self.learned_: dict[str, Any] = {
            "steps": done.steps,
            "images": done.images,
            "seconds": round(done.seconds, 2),
            "device": job.device,
        }
        self.digest_ = self._digest()
        self.seed_ = begun.seed
        return self

    def sample(
        self, n: int, /, *, where: Conditions | None = None, seed: int | None = None, run: Run | None = None
    ) -> ImageSet:
        """Return n pictures; with one seed, fewer are the head of more.

        Raises
        ------
        UsageError
            ``sample/bad-count``.
        ConditionError
            ``image/no-such-label``, ``image/label-not-learned``.
        """
        learnt, n, job = self._fitted(), check_count(n), quiet(run)
        own = own_seed(seed, learnt.seed)
        values = self._painter(learnt, self._net, self._arrays, own, job)

        def paint(block: int, condition: npt.NDArray[np.float32], _run: Run) -> Pixels:
            return to_pixels(self._ends.settle(values(block, condition)), learnt.chain)

        return draw(
            paint, n, code=learnt.code, law=learnt.law, chain=learnt.chain, origin=learnt.origin, model=self.digest_,
            where=where, seed=own, run=job, block=_block(job),
        )  # fmt: skip

    def unit_loss(self, data: ImageSet, /, *, seed: int = 0, run: Run | None = None) -> FloatArray:
        """Return the velocity loss of each picture, mean over eight noise levels, shape (n_rows,).

        Pictures that were learned by heart lose less: what membership attacks look at. Cost: 8 evaluations a picture.
        """
        learnt = self._fitted()
        job = quiet(run)
        condition = learnt.code.encode(data.frame[list(learnt.code.schema.names)])
        loader = Plain(data, condition, self._net, job.device)
        weights = on_device(self._arrays, device_for(job.device))
        rows = np.arange(data.n_rows, dtype=np.intp)
        with one_torch_thread():
            return losses_of(weights, self._net, loader.load, rows, seed, levels=8, job=job)

    @property
    def schema_(self) -> Schema:
        """Schema of drawn pictures."""
        return self._fitted().code.schema

    @property
    def notices_(self) -> tuple[Words, ...]:
        """What the reader of a report must know."""
        return self._fitted().notices

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        return {
            "net": self._net.to_dict() if self._fitted() else {},
            "arrays": self._arrays,
            "learnt": self._learnt.get_state(),
            "losses": self.losses_,
            "gap": self.gap_,
            "learned": self.learned_,
            "ends": self._ends.get_state(),
        }

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self._net, self._arrays = UNet.from_dict(state["net"]), dict(state["arrays"])
        self._learnt = Learnt.from_state(state["learnt"])
        self.losses_, self.gap_, self.learned_ = state["losses"], list(state["gap"]), dict(state["learned"])
        self._ends = Ends.from_state(state["ends"])
        self.digest_ = self._digest()
        self.seed_ = self._learnt.seed
        return self

    def _painter(
        self, learnt: Learnt, net: UNet, arrays: Arrays, seed: int, job: Run
    ) -> Callable[[int, npt.NDArray[np.float32]], npt.NDArray[np.float32]]:
        """Return what gives the values of a block's pictures, shape (block, channels, side, side)."""
        painter = Painter(net, arrays, self._steps(net), self.guidance, learnt.code.field_of, job.device)
        side = learnt.chain.side

        def values(block: int, condition: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
            shape = (len(condition), net.channels, net.side, net.side)
            return painter.paint(noise_of(seed, "flow", block, shape), condition)[:, :, :side, :side]

        return values

    def _find_ends(self, begun: Begun, learnt: Learnt, net: UNet, arrays: Arrays, job: Run) -> Ends:
        """Return how the ends of grey are drawn, from one block of pictures; the default where hardly a pixel is there."""
        shares = shares_at_ends(begun)
        if not reached(shares):
            return Ends()
        own = derive(begun.seed, "image/ends")
        condition = learnt.code.encode(learnt.law.draw(_block(job), None, own, job))
        return ends_of(shares, self._painter(learnt, net, arrays, own, job)(0, condition))

    def _digest(self) -> str:
        return model_digest("image.flow", {**self._arrays, "ends": np.array(self._ends.get_state())})

    def _fitted(self) -> Learnt:
        if "_learnt" not in self.__dict__:
            raise NotFittedError("fit/not-fitted", owner="Flow", call="sample")
        return self._learnt

    def _steps(self, net: UNet) -> int:
        return self.steps or (8 if net.side <= 48 else 12)

    def _check(self) -> None:
        for name, (low, high) in _RANGES.items():
            check_range(self, name, getattr(self, name), low, high)
        if self.images is not None:
            check_range(self, "images", self.images, 1, 1e12)
        check_choice(self, "watch", self.watch, ("stop", "warn"))


_RANGES: Mapping[str, tuple[float, float]] = {
    "minutes": (0.001, 1e6), "width": (0, 1024), "levels": (0, 6), "blocks": (0, 8), "batch_size": (0, 65_536),
    "learning_rate": (0, 1), "dropout": (0, 0.9), "jitter": (0, 1), "steps": (0, 1000), "guidance": (1, 2),
    "min_class": (1, 1e9),
}  # fmt: skip


def _block(job: Run) -> int:
    return _GPU_BLOCK if job.device == "cuda" else BLOCK


def _keep(folder: Path, key: str, state: Mapping[str, Any]) -> None:
    _state.save(folder, header={"kind": "checkpoint", "key": key}, state=state)


def _earlier(folder: Path | None, key: str) -> Mapping[str, Any] | None:
    """Return a checkpoint of the same pictures and settings, if there is one; a model at its place is not overwritten."""
    if folder is None or not (folder / "model.json").is_file():
        return None
    header, state = _state.load(folder)
    if header.get("kind") != "checkpoint":
        refuse_replacing(folder)
    return state if header.get("key") == key else None


__all__ = ["Flow"]
