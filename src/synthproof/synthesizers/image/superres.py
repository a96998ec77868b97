"""A cascade: small pictures drawn by flow matching, then made twice as large, and again, by flows that see the small ones.

Ho et al. 2022 (arXiv:2106.15282). Every picture begins as noise; the stages learn from real pictures and their halves,
and are applied to drawn pictures alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Conditions
from synthproof.core.errors import DataError
from synthproof.core.random import derive
from synthproof.core.run import Run, quiet
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.image.custody import Step, input_of, with_steps
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.scenes import Scenes
from synthproof.engines.torch_nets.load import need_torch
from synthproof.engines.torch_nets.unet import UNet
from synthproof.synthesizers.image.drawing import Begun, Learnt, begin, model_digest, own_seed, seed_of
from synthproof.synthesizers.image.flow import Flow
from synthproof.synthesizers.image.staged import Staged
from synthproof.synthesizers.image.super_stage import SuperStage, doubled, halved, likeness
from synthproof.synthesizers.table.columns.layout import check_count

_LEAST = 4
_PAIRS = 32


class Superres(Staged):
    """Draw large pictures by a cascade (needs the images extra).

    Parameters
    ----------
    stages
        How often the side is doubled: 1 or 2 for 256 to 512 px from a base of 64 to 128 px.
    minutes, images
        Budget in all: half for the base, the rest shared by the stages; minutes of learning, or pictures to look at.
    width
        Channels of each network's first level; 0: by size and device.
    crop
        Side of the squares that stages learn from, pixels; 0: whole pictures. 64 to 128 makes 256 px affordable.
    noise
        Standard deviation of the noise laid on drawn pictures before they are enlarged, 0 to 0.5 (half the range is 1).
    steps
        Heun steps; 0: 8.
    min_class
        Units that a class must have to be learned.
    random_state
        Seed.

    Attributes
    ----------
    pairs_
        Of each stage: PSNR (dB) and SSIM of real pictures of the fold, halved and enlarged again, beside those of bilinear
        interpolation. They say how faithful the stage is, not how true the detail is: detail is invented. Side and n = 0
        alone where fewer than ten units leave no fold.

    Notes
    -----
    `apply` enlarges drawn pictures of other generators; real ones are refused.
    """

    MORE: ClassVar = {"stages": (1, 4), "crop": (0, 4096), "noise": (0, 0.5)}

    def __init__(
        self,
        *,
        stages: int = 1,
        minutes: float = 20.0,
        images: int | None = None,
        width: int = 0,
        crop: int = 0,
        noise: float = 0.1,
        steps: int = 0,
        min_class: int = 30,
        random_state: int | None = None,
    ) -> None:
        self.stages = stages
        self.minutes = minutes
        self.images = images
        self.width = width
        self.crop = crop
        self.noise = noise
        self.steps = steps
        self.min_class = min_class
        self.random_state = random_state

    def fit(self, data: ImageSet, /, *, run: Run | None = None) -> Self:
        """Learn the base and every stage.

        Raises
        ------
        DataError
            ``image/side-not-divisible``, ``image/too-few``, ``image/classes-too-small``.
        """
        need_torch()
        self._check()
        job, side = quiet(run), data.chain.side
        job.tick("superres", 0, 1)
        multiple = 1 << self.stages
        if side % multiple or side // multiple < _LEAST:
            least = _LEAST * multiple
            raise DataError(
                "image/side-not-divisible", where=data.origin.name, side=side, stages=self.stages, multiple=multiple,
                least=least,
            )  # fmt: skip
        begun = begin(data, seed_of(self.random_state), min_class=self.min_class, run=job)
        images = None if self.images is None else max(1, self.images // 2)
        base = Flow(
            minutes=self.minutes / 2, images=images, width=self.width, steps=self.steps, min_class=self.min_class,
            watch="warn", random_state=derive(begun.seed, "base"),
        ).fit(halved(data, self.stages), run=job)  # fmt: skip
        made, pairs = [], []
        for k in range(self.stages):
            stage, told = self._stage(begun, k, job)
            made.append(stage)
            pairs.append(told)
        notices = (*base.notices_[len(begun.notices) :], _said(pairs))
        self._base, self._stages, self.pairs_ = base, made, pairs
        self._learnt = Learnt.of(begun, notices)
        self._name()
        return self

    def _stage(self, begun: Begun, k: int, run: Run) -> tuple[SuperStage, dict[str, float]]:
        large = halved(begun.data, self.stages - 1 - k)
        side, channels = large.chain.side, large.chain.channels
        learned_at = self.crop if 0 < self.crop < side else side
        net = _net(learned_at, channels, begun.code.size, self.width)
        stage = SuperStage.learn(
            large, begun.condition, begun.batch(f"superres/{k}"), net, self._schedule(net, run, 0.5 / self.stages),
            crop=self.crop, noise=self.noise, steps=self.steps or 8, seed=derive(begun.seed, f"stage/{k}"), run=run,
        )  # fmt: skip
        rows = begun.fold[:_PAIRS]
        if not len(rows):  # under ten units nobody is held back to tell it by
            return stage, {"side": side, "n": 0}
        wanted = large.take_rows(rows)
        small = halved(wanted)
        found = stage.enlarge(small, begun.condition[rows], begun.seed, run, noise=0.0)
        blunt = doubled(need_torch().as_tensor(small.values())).numpy()
        top, truth = large.chain.top, wanted.pixels()
        plain = np.clip(np.rint((blunt.transpose(0, 2, 3, 1) + 1) * top / 2), 0, top)
        psnr, ssim = likeness(found, truth, top)
        psnr_plain, ssim_plain = likeness(plain.astype(truth.dtype), truth, top)
        return stage, {
            "side": side, "n": len(rows), "psnr": psnr, "ssim": ssim, "psnr_bilinear": psnr_plain,
            "ssim_bilinear": ssim_plain,
        }  # fmt: skip

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
        learnt, job = self._fitted("sample"), quiet(run)
        own = own_seed(seed, learnt.seed)
        data = self._base.sample(check_count(n), where=where, seed=derive(own, "base"), run=job)
        return self._enlarged(data, own, job, len(self._stages), "drawn")

    def apply(
        self, data: ImageSet, /, *, seed: int | None = None, knowingly: bool = False, run: Run | None = None
    ) -> ImageSet:
        """Return drawn pictures at twice their side, by the stage that was learned for their side.

        Raises
        ------
        DataError
            ``image/real-input`` when they are not known to be drawn, unless `knowingly`: then the result says so;
            ``image/chains-differ`` for another depth or colour than was learned.
        """
        learnt, job = self._fitted("apply"), quiet(run)
        begun_from = input_of(data, "super-resolve", knowingly=knowingly)
        self._refuse_other_chain(data, any_side=True)
        return self._enlarged(data, own_seed(seed, learnt.seed), job, 1, begun_from)

    def _enlarged(self, data: ImageSet, seed: int, run: Run, times: int, begun_from: Any) -> ImageSet:
        condition = self._condition(data)
        for _ in range(times):
            stage = next((s for s in self._stages if s.side == 2 * data.chain.side), self._stages[-1])
            pixels = stage.enlarge(data, condition, derive(seed, "stages"), run)
            marked = self._marked(_over(data, pixels), pixels, seed)
            if isinstance(data, Scenes):  # boxes and masks grow with their scenes
                scenes = data.at_side(pixels)
                marked = Scenes(
                    marked.labels, pixels, marked.chain, boxes=scenes.boxes, masks=scenes.masks, marks=marked.marks
                )
            data = with_steps(marked, Step(did="super-resolve", input=begun_from, model=self.digest_))
        return data

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        learnt = self._fitted("get_state")
        return {
            "base": self._base.get_state(),
            "base_params": self._base.get_params(),
            "stages": [s.get_state() for s in self._stages],
            "pairs": self.pairs_,
            "learnt": learnt.get_state(),
        }

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self._base = Flow(**state["base_params"]).set_state(state["base"])
        self._stages = [SuperStage.from_state(s) for s in state["stages"]]
        self.pairs_ = [dict(p) for p in state["pairs"]]
        self._learnt = Learnt.from_state(state["learnt"])
        self._name()
        return self

    def _name(self) -> None:
        arrays: dict[str, npt.NDArray[Any]] = {}
        for k, s in enumerate(self._stages):
            arrays |= {f"{k}/{name}": a for name, a in s.flow.arrays.items()}
        self.digest_ = model_digest(f"image.superres/{self._base.digest_}", arrays)
        self.seed_ = self._learnt.seed


def _over(data: ImageSet, pixels: Any) -> ImageSet:
    """Return the labels of some pictures over larger pixels."""

    chain = replace(data.chain, side=pixels.shape[1])
    return ImageSet(data.labels, pixels, chain, marks=data.marks)


def _net(side: int, channels: int, condition: int, width: int) -> UNet:
    unshuffle, mult = (2, (1, 2)) if side <= 64 else (4, (1, 2, 2))
    multiple = unshuffle << (len(mult) - 1)
    return UNet(
        side=-(-side // multiple) * multiple, channels=channels, unshuffle=unshuffle, base=width or 48, mult=mult,
        condition=condition, extra=channels, attention=False,
    )  # fmt: skip


def _said(pairs: list[dict[str, float]]) -> Words:
    told = "; ".join(
        f"{int(p['side'])} px: PSNR {p['psnr']:.1f} dB, SSIM {p['ssim']:.3f} "
        f"(bilinear {p['psnr_bilinear']:.1f} dB, {p['ssim_bilinear']:.3f}), n = {int(p['n'])}"
        for p in pairs
        if p["n"]
    )
    if not told:
        return Words(
            en="Detail finer than the base pictures is invented by the super-resolution stages, not observed. There are too "
            "few pictures to tell how faithful the stages are.",
            ko="기본 이미지보다 미세한 부분은 초해상화 단계가 지어낸 것이며 관측된 것이 아닙니다. 이미지가 너무 적어 초해상화가 얼마나 "
            "충실한지 확인할 수 없습니다.",
        )
    return Words(
        en=f"Detail finer than the base pictures is invented by the super-resolution stages, not observed. On real pictures "
        f"halved and enlarged again: {told}.",
        ko=f"기본 이미지보다 미세한 부분은 초해상화 단계가 지어낸 것이며 관측된 것이 아닙니다. 실제 이미지를 줄였다가 다시 키운 "
        f"결과: {told}.",
    )


__all__ = ["Superres"]
