"""Pictures from masks: a flow that sees the class of every pixel, fed with masks that are themselves drawn.

The idea of semantic diffusion (Wang et al. 2022, arXiv:2207.00050) on the straight path: the mask stands beside the noisy
picture as one channel a class, and is now and then withheld, so that the network also knows pictures without one.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Conditions
from synthproof.core.errors import DataError
from synthproof.core.random import derive
from synthproof.core.run import Run, quiet
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.image.chain import Pixels
from synthproof.data.image.custody import Input, Step, input_of, with_steps
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.scenes import Scenes
from synthproof.data.image.store import new_store
from synthproof.engines.torch_nets.load import device_for, need_torch
from synthproof.engines.torch_nets.unet import UNet
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
from synthproof.synthesizers.image.masks import BRIGHT, MaskLaw, bright_maps, maps_of, one_hot
from synthproof.synthesizers.image.sizes import shape_for, square
from synthproof.synthesizers.image.stage_flow import StageFlow
from synthproof.synthesizers.image.staged import Staged
from synthproof.synthesizers.table.columns.layout import check_count

FloatArray = npt.NDArray[np.float32]
_MASKS = 0.3
"""Share of the budget that masks get."""


class Semantic(Staged):
    """Draw a mask, then a picture that fits it (needs the images extra).

    Parameters
    ----------
    minutes, images
        Budget in all: three tenths for masks, the rest for pictures; minutes of learning, or pictures to look at.
    width
        Channels of each network's first level; 0: by size and device.
    mask_dropout
        Share of pictures that are learned without their mask.
    steps
        Heun steps; 0: 8 up to 48 px, 12 above.
    min_class
        Units that a class must have to be learned.
    random_state
        Seed.

    Notes
    -----
    Masks of scenes come from their masks or boxes; of other pictures from brightness, two classes. The masks of a draw:
    ``masks_of(n, seed=…)``. `apply` paints over the masks of drawn scenes, or of drawn pictures where brightness was learned.
    """

    scenes: ClassVar[str] = "auto"
    MORE: ClassVar = {"mask_dropout": (0, 0.9)}

    def __init__(
        self,
        *,
        minutes: float = 20.0,
        images: int | None = None,
        width: int = 0,
        mask_dropout: float = 0.1,
        steps: int = 0,
        min_class: int = 30,
        random_state: int | None = None,
    ) -> None:
        self.minutes = minutes
        self.images = images
        self.width = width
        self.mask_dropout = mask_dropout
        self.steps = steps
        self.min_class = min_class
        self.random_state = random_state

    def fit(self, data: ImageSet, /, *, run: Run | None = None) -> Self:
        """Learn masks, and pictures beside them.

        Raises
        ------
        DataError
            ``image/too-few``, ``image/classes-too-small``.
        """
        need_torch()
        self._check()
        job = quiet(run)
        job.tick("semantic", 0, 1)
        begun = begin(data, seed_of(self.random_state), min_class=self.min_class, run=job)
        maps, names = maps_of(begun.data)
        law = MaskLaw.learn(
            maps, begun.condition, begun.batch("masks"), lambda net: self._schedule(net, job, _MASKS),
            classes=len(names), width=self.width, steps=self.steps or 8, seed=derive(begun.seed, "masks"), run=job,
        )  # fmt: skip
        flow = self._pictures(begun, maps, len(names), job)
        self._law, self._flow, self._names = law, flow, names
        self._learnt = Learnt.of(begun, (_said(len(names)),))
        self._name()
        return self

    def _pictures(self, begun: Begun, maps: Any, classes: int, run: Run) -> StageFlow:
        torch = need_torch()
        device, data = device_for(run.device), begun.data
        like = shape_for(data.chain, begun.code.size, run.device, width=self.width)
        net = UNet.from_dict({**like.to_dict(), "extra": classes})

        def load(which: npt.NDArray[np.intp]) -> tuple[Any, Any, Any]:
            x = square(torch.as_tensor(data.values(which)), net.side)
            mask = square(torch.as_tensor(one_hot(maps[which], classes)), net.side)
            return x.to(device), torch.as_tensor(begun.condition[which], device=device), mask.to(device)

        def disturb(beside: Any, dice: Any) -> tuple[Any, Any]:
            kept = (torch.rand((len(beside), 1), generator=dice, device=device) >= self.mask_dropout).float()
            return beside * kept[:, :, None, None], kept

        return StageFlow.learn(
            load, begun.batch("semantic"), net, self._schedule(net, run, 1 - _MASKS), seed=derive(begun.seed, "paint"),
            steps=self.steps or (8 if net.side <= 48 else 12), purpose="semantic", run=run, told=1, disturb=disturb,
        )  # fmt: skip

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
        DataError
            ``image/mask-repeats``.
        """
        return self._drawn(n, where, seed, run, None)

    def masks_of(
        self, n: int, /, *, where: Conditions | None = None, seed: int | None = None, run: Run | None = None
    ) -> npt.NDArray[np.uint8]:
        """Return the masks of the n pictures that `sample` returns, shape (n, side, side); `mask_classes_` names them."""
        side = self._fitted("masks_of").chain.side
        kept = np.zeros((check_count(n), side, side), dtype=np.uint8)
        self._drawn(n, where, seed, run, kept)
        return kept

    def _drawn(
        self, n: int, where: Conditions | None, seed: int | None, run: Run | None, keep: npt.NDArray[np.uint8] | None
    ) -> ImageSet:
        learnt, n, job = self._fitted("sample"), check_count(n), quiet(run)
        own = own_seed(seed, learnt.seed)

        def paint(block: int, condition: FloatArray, _run: Run) -> Pixels:
            maps = self._law.draw(condition, derive(own, "masks"), block, job)
            if keep is not None:
                keep[block * BLOCK : (block + 1) * BLOCK] = maps[: max(0, n - block * BLOCK)]
                return np.zeros((len(maps), *learnt.chain.shape), dtype=learnt.chain.dtype)
            return self._painted(maps, condition, own, block, job)

        return draw(
            paint, n, code=learnt.code, law=learnt.law, chain=learnt.chain, origin=learnt.origin, model=self.digest_,
            where=where, seed=own, run=job, block=BLOCK,
        )  # fmt: skip

    def _painted(self, maps: npt.NDArray[np.uint8], condition: FloatArray, seed: int, block: int, run: Run) -> Pixels:
        learnt, net = self._fitted("sample"), self._flow.net
        side = learnt.chain.side
        beside = square(need_torch().as_tensor(one_hot(maps, len(self._names))), net.side).numpy()
        noise = noise_of(seed, "semantic", block, (len(maps), net.channels, net.side, net.side))
        told = np.ones((len(maps), 1), dtype=np.float32)
        made = self._flow.paint(noise, condition, device=run.device, beside=beside, told=told)
        return to_pixels(made[:, :, :side, :side], learnt.chain)

    def apply(
        self, data: ImageSet, /, *, seed: int | None = None, knowingly: bool = False, run: Run | None = None
    ) -> ImageSet:
        """Return drawn pictures painted anew over their masks: of scenes, boxes and masks kept, or by brightness, as learned.

        Raises
        ------
        DataError
            ``image/real-input``: a real outline is somebody's, too. ``image/no-boxes``, ``image/other-parts`` when masks were
            learned from boxes and the pictures have none, or of parts that were not learned.
        """
        learnt, job = self._fitted("apply"), quiet(run)
        begun_from: Input = input_of(data, "paint", knowingly=knowingly)
        self._refuse_other_chain(data)
        own = own_seed(seed, learnt.seed)
        condition = self._condition(data)
        maps = self._maps(data)
        pixels = new_store(data.n_rows, learnt.chain)
        for block, at in enumerate(range(0, data.n_rows, BLOCK)):
            some = slice(at, at + BLOCK)
            pixels[some] = self._painted(maps[some], condition[some], own, block, job)
        painted = self._marked(data, pixels, own)
        if isinstance(data, Scenes):
            masks = None if data.masks is None else data.masks[data.at]
            painted = Scenes(painted.labels, pixels, learnt.chain, boxes=data.boxes, masks=masks, marks=painted.marks)
        return with_steps(painted, Step(did="paint", input=begun_from, model=self.digest_))

    def _maps(self, data: ImageSet) -> npt.NDArray[np.uint8]:
        """Return the masks of given pictures in the classes that were learned."""
        if not self.paints_parts:
            return bright_maps(data)
        if not isinstance(data, Scenes):
            raise DataError("image/no-boxes", where=data.origin.name, n=data.n_rows)
        strange = int((~data.boxes["class"].astype(str).isin(self._names[1:])).sum())
        if strange:
            raise DataError("image/other-parts", where=data.origin.name, n=strange, of=len(data.boxes))
        return maps_of(data.with_part_classes(self._names[1:]))[0]

    @property
    def paints_parts(self) -> bool:
        """Whether masks are those of parts, learned from boxes: then `apply` takes scenes alone."""
        self._fitted("paints_parts")
        return self._names != BRIGHT

    @property
    def mask_classes_(self) -> tuple[str, ...]:
        """Names of the masks' classes, background first."""
        self._fitted("mask_classes_")
        return self._names

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        learnt = self._fitted("get_state")
        return {
            "masks": self._law.get_state(),
            "flow": self._flow.get_state(),
            "names": list(self._names),
            "learnt": learnt.get_state(),
        }

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self._law, self._flow = MaskLaw.from_state(state["masks"]), StageFlow.from_state(state["flow"])
        self._names = tuple(state["names"])
        self._learnt = Learnt.from_state(state["learnt"])
        self._name()
        return self

    def _name(self) -> None:
        arrays: dict[str, npt.NDArray[Any]] = {f"masks/{k}": a for k, a in self._law.flow.arrays.items()}
        self.digest_ = model_digest("image.semantic", {**arrays, **self._flow.arrays})
        self.seed_ = self._learnt.seed


def _said(classes: int) -> Words:
    return Words(
        en=f"Masks of {classes} classes are drawn first and pictures are painted over them; no real mask is used, and one that "
        "was drawn again exactly is refused. Neither network is watched for learning by heart.",
        ko=f"먼저 {classes}개 부류의 마스크를 생성하고 그 위에 이미지를 그립니다. 실제 마스크는 사용하지 않으며, 실제와 똑같이 "
        "생성된 마스크는 거부합니다. 두 신경망이 그대로 외우는지는 감시하지 않습니다.",
    )


__all__ = ["Semantic"]
