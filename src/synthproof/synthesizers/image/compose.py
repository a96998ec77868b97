"""Divide and conquer: parts, layout and background are drawn apart, pasted softly, and made one at their seams.

The way of the oral data set of the case study (teeth one by one, then the dentition), on one engine. Boxes and masks come
for free, because the composer knows where it put what. Parts of a scene come from several seeds, layouts from a perturbed
law that repeats none of train. This lowers the copying of whole pictures; it does not stop the copying of parts, which is
to be looked for part by part (`parts.cut`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.contracts import Conditions
from synthproof.core.errors import DataError
from synthproof.core.random import derive, stream
from synthproof.core.run import Run, quiet
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.image.chain import Pixels
from synthproof.data.image.custody import Step, with_steps
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.scenes import CORNERS, Scenes
from synthproof.engines.scratch import scratch
from synthproof.engines.torch_nets.load import device_for, need_torch
from synthproof.engines.torch_nets.unet import UNet
from synthproof.synthesizers.image.drawing import (
    Begun,
    Learnt,
    begin,
    draw,
    model_digest,
    own_seed,
    seed_of,
    to_pixels,
)
from synthproof.synthesizers.image.flow import Flow
from synthproof.synthesizers.image.layout import ALL, LayoutLaw, label_key, laws_of
from synthproof.synthesizers.image.parts import cut, emptied, part_side, paste, smaller, zone_of
from synthproof.synthesizers.image.sizes import square
from synthproof.synthesizers.image.stage_flow import StageFlow
from synthproof.synthesizers.image.staged import Staged
from synthproof.synthesizers.image.super_stage import squares
from synthproof.synthesizers.table.columns.layout import check_count

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]
SHARES = {"parts": 0.5, "ground": 0.3, "seams": 0.2}
"""Of the budget."""
_MANY = 1 << 12
_SQUARE = 32
"""Side of the squares that seams are learned from, pixels."""
_FEW, _SMALL_BATCH = 5_000, 16
"""Pictures under which steps are worth more than pictures a step, and how many a step then has on a CPU."""


class Compose(Staged):
    """Draw scenes from parts (needs the images extra). Learns from `Scenes`, draws `Scenes`.

    Parameters
    ----------
    minutes, images
        Budget in all: parts 50 %, background 30 %, seams 20 %; minutes of learning, or pictures to look at.
    width
        Channels of each network's first level; 0: by size and device.
    side
        Of part pictures, pixels; 0: what three quarters of the boxes fit into.
    harmonise
        Share of the path that seams go back before they are denoised, 0.3 to 0.5; 0: seams stay as pasted.
    seeds
        Seeds that the parts of one scene come from, at least (one a part when it has fewer).
    most_parts
        Parts of a scene at most.
    steps
        Heun steps of each network; 0: 8 up to 48 px, 12 above.
    min_class
        Units that a class of parts, and of scenes, must have to be learned.
    random_state
        Seed.

    Attributes
    ----------
    part_classes_
        Classes of parts that are drawn.

    Notes
    -----
    The layout law keeps the boxes of train, to refuse them: the saved model belongs in the vault. A scene of 64 px with
    twelve parts of 16 px takes 0.2 s on one core (width 32).
    """

    scenes: ClassVar[str] = "yes"
    MORE: ClassVar = {"side": (0, 512), "harmonise": (0, 0.9), "seeds": (1, 1000), "most_parts": (1, _MANY)}

    def __init__(
        self,
        *,
        minutes: float = 20.0,
        images: int | None = None,
        width: int = 0,
        side: int = 0,
        harmonise: float = 0.4,
        seeds: int = 3,
        most_parts: int = 100,
        steps: int = 0,
        min_class: int = 30,
        random_state: int | None = None,
    ) -> None:
        self.minutes = minutes
        self.images = images
        self.width = width
        self.side = side
        self.harmonise = harmonise
        self.seeds = seeds
        self.most_parts = most_parts
        self.steps = steps
        self.min_class = min_class
        self.random_state = random_state

    def fit(self, data: ImageSet, /, *, run: Run | None = None) -> Self:
        """Learn parts, layouts, backgrounds and seams.

        Raises
        ------
        DataError
            ``image/no-boxes``, ``image/too-few``, ``image/classes-too-small``.
        """
        need_torch()
        self._check()
        job = quiet(run)
        job.tick("compose", 0, 1)
        if not isinstance(data, Scenes) or not len(data.boxes):
            raise DataError("image/no-boxes", where=data.origin.name, n=data.n_rows)
        begun = begin(data, seed_of(self.random_state), min_class=self.min_class, run=job)
        scenes = begun.data
        assert isinstance(scenes, Scenes)
        parts = cut(scenes, self.side or part_side(scenes))
        flows = {
            name: self._flow(name, pictures, begun.seed, job)
            for name, pictures in (("parts", parts), ("ground", smaller(emptied(scenes))))
        }
        seams = self._seams(begun, job) if self.harmonise > 0 else None
        shares = np.asarray(flows["parts"].get_state()["learnt"]["law"]["shares"])
        layouts = laws_of(scenes, begun.code.schema.modelled[0], shares > 0)
        self._take(flows, seams, layouts, scenes.part_classes, Learnt.of(begun, _said(flows)))
        return self

    def _flow(self, name: str, data: ImageSet, seed: int, run: Run) -> Flow:
        share = SHARES[name]
        images = None if self.images is None else max(1, round(self.images * share))
        return Flow(
            minutes=self.minutes * share, images=images, width=self.width,
            batch_size=_SMALL_BATCH if run.device == "cpu" and data.n_rows < _FEW else 0, steps=self.steps, min_class=self.min_class,
            random_state=derive(seed, name),
        ).fit(data, run=run)  # fmt: skip

    def _seams(self, begun: Begun, run: Run) -> StageFlow:
        """Return what denoises seams: it knows the last part of the path alone, from squares of scenes."""
        torch, data, device = need_torch(), begun.data, device_for(run.device)
        cut_at = min(data.chain.side, _SQUARE)
        side = -(-cut_at // 4) * 4
        net = UNet(
            side=side, channels=data.chain.channels, unshuffle=2, base=self.width or 48, mult=(1, 2),
            condition=begun.code.size, attention=False,
        )  # fmt: skip

        def load(which: IntArray) -> tuple[Any, Any, Any]:
            values = torch.as_tensor(squares(data.values(which), cut_at, begun.seed, which))
            return square(values, side).to(device), torch.as_tensor(begun.condition[which], device=device), None

        schedule = replace(self._schedule(net, run, SHARES["seams"]), batch=_SMALL_BATCH)
        return StageFlow.learn(
            load, begun.batch("seams"), net, schedule, steps=self.steps or 8, seed=derive(begun.seed, "seams"),
            purpose="seams", run=run, share=0.0, least=1 - self.harmonise,
        )  # fmt: skip

    def _take(
        self,
        flows: dict[str, Flow],
        seams: StageFlow | None,
        layouts: dict[str, LayoutLaw],
        classes: tuple[str, ...],
        learnt: Learnt,
    ) -> None:
        self._flows, self._layouts, self._classes, self._seam_flow = flows, layouts, classes, seams
        self._paths, self._codes = {}, {}
        for name, flow in flows.items():
            state = flow.get_state()
            path = StageFlow.from_state(state)
            path.steps = self.steps or (8 if path.net.side <= 48 else 12)
            self._paths[name], self._codes[name] = path, Learnt.from_state(state["learnt"])
        digests = {name: np.frombuffer(f.digest_.encode(), dtype=np.uint8) for name, f in flows.items()}
        numbers = {f"{k}/{n}": a for k, law in layouts.items() for n, a in law.get_state().items()}
        arrays = {} if seams is None else {f"seams/{n}": a for n, a in seams.arrays.items()}
        self.digest_ = model_digest("image.compose", {**digests, **numbers, **arrays})
        self.seed_ = learnt.seed
        self._learnt = learnt

    # drawing -----------------------------------------------------------------------------------------------

    def sample(
        self, n: int, /, *, where: Conditions | None = None, seed: int | None = None, run: Run | None = None
    ) -> Scenes:
        """Return n scenes with boxes and masks; with one seed, fewer are the head of more.

        Raises
        ------
        UsageError
            ``sample/bad-count``.
        ConditionError
            ``image/no-such-label``, ``image/label-not-learned``.
        DataError
            ``image/layout-repeats``.
        """
        learnt, n, job = self._fitted("sample"), check_count(n), quiet(run)
        own, block = own_seed(seed, learnt.seed), 16
        rows = learnt.law.draw(max(1, -(-n // block)) * block, where, own, job)
        label = learnt.code.schema.modelled[0].name
        keys = [k if (k := label_key(v)) in self._layouts else ALL for v in rows[label].astype(str)]
        boxes: dict[int, pd.DataFrame] = {}
        masks = scratch((n, learnt.chain.side, learnt.chain.side), np.uint16)

        def paint(b: int, condition: FloatArray, _run: Run) -> Pixels:
            made = np.zeros((block, *learnt.chain.shape), dtype=learnt.chain.dtype)
            mine = range(b * block, min(n, (b + 1) * block))
            grounds = self._grounds(rows.iloc[mine.start : mine.stop], own, b, job)
            zones = np.zeros((len(mine), 1, *learnt.chain.shape[:2]), dtype=np.float32)
            for k, i in enumerate(mine):
                job.tick("compose", i, n)
                scene, masks[i], seam, boxes[i] = self._scene(grounds[k], keys[i], own, i, job)
                made[k], zones[k, 0] = np.clip(np.rint(scene), 0, learnt.chain.top), zone_of(seam)
            return self._harmonised(made, zones, rows.iloc[mine.start : mine.stop], own, b, job)

        drawn = draw(
            paint, n, code=learnt.code, law=learnt.law, chain=learnt.chain, origin=learnt.origin, model=self.digest_,
            where=where, seed=own, run=job, block=block,
        )  # fmt: skip
        listed = (
            pd.concat([boxes[i] for i in range(n)], ignore_index=True)
            if n
            else self._boxes(0, np.zeros((0, 4)), [], [])
        )
        out = with_steps(
            Scenes(drawn.labels, drawn.store, drawn.chain, boxes=listed, masks=masks, marks=drawn.marks),
            Step(did="compose", input="drawn", model=self.digest_),
        )
        assert isinstance(out, Scenes)
        return out

    def _scene(self, ground: Pixels, key: str, seed: int, i: int, run: Run) -> Any:
        """Return scene number i before its seams are harmonised: pixels, mask, seam, boxes."""
        chain = self._fitted("sample").chain
        dice = stream(seed, "compose/layout", i)
        corners, classes, _ = self._layouts[key].draw(dice, chain.side, most=self.most_parts)
        # every part from another seed in turn: no two neighbours share the noise of one draw
        seeds = [derive(seed, f"compose/seed/{(i + j) % max(self.seeds, 1)}") for j in range(len(classes))]
        path, code, part_chain = self._paths["parts"], self._codes["parts"].code, self._codes["parts"].chain
        net = path.net
        noise = np.zeros((len(classes), net.channels, net.side, net.side), dtype=np.float32)
        for j, s in enumerate(seeds):
            noise[j] = stream(s, "compose/part", i * _MANY + j).standard_normal(noise.shape[1:], dtype=np.float32)
        named = pd.DataFrame({"class": self._named(classes)})
        values = path.paint(noise, code.encode(named), device=run.device)[:, :, : part_chain.side, : part_chain.side]
        scene, mask, seam = paste(ground.astype(np.float64), to_pixels(values, part_chain), corners, chain)
        return scene, mask, seam, self._boxes(i, corners, classes.tolist(), seeds)

    def _named(self, classes: IntArray) -> pd.Categorical[Any]:
        return pd.Categorical(np.array(self._classes, dtype=object)[classes], categories=list(self._classes))

    def _boxes(self, i: int, corners: npt.NDArray[np.float64], classes: list[int], seeds: list[int]) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "image": np.full(len(classes), i, dtype=np.intp),
                "class": self._named(np.asarray(classes, dtype=np.intp)),
                **{c: corners[:, j] for j, c in enumerate(CORNERS)},
                "seed": np.array(seeds, dtype=np.int64),
            }
        )

    def _grounds(self, rows: pd.DataFrame, seed: int, block: int, run: Run) -> Pixels:
        path, kept = self._paths["ground"], self._codes["ground"]
        values = path.paint(_noise(path, len(rows), seed, "ground", block), kept.code.encode(rows), device=run.device)
        small, chain = kept.chain.side, self._fitted("sample").chain
        grown = need_torch().nn.functional.interpolate(
            need_torch().as_tensor(values[:, :, :small, :small]),
            size=(chain.side,) * 2,
            mode="bilinear",
            align_corners=False,
        )
        return to_pixels(grown.numpy(), chain)

    def _harmonised(
        self, made: Pixels, zones: FloatArray, rows: pd.DataFrame, seed: int, block: int, run: Run
    ) -> Pixels:
        n, chain = len(rows), self._fitted("sample").chain
        path, torch = self._seam_flow, need_torch()
        if path is None or self.harmonise <= 0 or n == 0:
            return made
        multiple = path.net.multiple
        wide = -(-chain.side // multiple) * multiple
        values = made[:n].astype(np.float32).transpose(0, 3, 1, 2) * np.float32(2.0 / chain.top) - 1
        source, zone = (square(torch.as_tensor(v), wide).numpy() for v in (np.ascontiguousarray(values), zones))
        found = path.paint(
            stream(seed, "compose/seams", block).standard_normal((16, *source.shape[1:]), dtype=np.float32)[:n],
            self._fitted("sample").code.encode(rows), device=run.device, source=source, begin=1 - self.harmonise,
            zone=zone,
        )  # fmt: skip
        out = made.copy()
        out[:n] = to_pixels(found[:, :, : chain.side, : chain.side], chain)
        return out

    # kept --------------------------------------------------------------------------------------------------

    @property
    def part_classes_(self) -> tuple[str, ...]:
        """Classes of parts that are drawn."""
        self._fitted("part_classes_")
        some = sum(law.counts.sum(axis=0) for law in self._layouts.values())
        return tuple(c for c, n in zip(self._classes, np.asarray(some).tolist(), strict=True) if n)

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        learnt = self._fitted("get_state")
        return {
            "flows": {k: {"params": f.get_params(), "state": f.get_state()} for k, f in self._flows.items()},
            "seams": None if self._seam_flow is None else self._seam_flow.get_state(),
            "layouts": {k: law.get_state() for k, law in self._layouts.items()},
            "classes": list(self._classes),
            "learnt": learnt.get_state(),
        }

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        flows = {k: Flow(**f["params"]).set_state(f["state"]) for k, f in state["flows"].items()}
        layouts = {k: LayoutLaw.from_state(law) for k, law in state["layouts"].items()}
        seams = None if state["seams"] is None else StageFlow.from_state(state["seams"])
        self._take(flows, seams, layouts, tuple(state["classes"]), Learnt.from_state(state["learnt"]))
        return self


def _noise(path: StageFlow, n: int, seed: int, purpose: str, block: int) -> FloatArray:
    net = path.net
    shape = (16, net.channels, net.side, net.side)
    return stream(seed, f"compose/{purpose}", block).standard_normal(shape, dtype=np.float32)[:n]


def _said(flows: dict[str, Flow]) -> tuple[Words, ...]:
    told = Words(
        en="Scenes are composed: parts, layout and background are drawn apart. That lowers the copying of whole pictures and "
        "does not stop the copying of parts: look at parts and at scenes. Masks are the ellipses within the boxes.",
        ko="장면은 부분, 배치, 배경을 따로 생성하여 합친 것입니다. 전체 이미지의 복제는 줄지만 부분의 복제는 막지 못하므로 부분과 "
        "장면을 모두 확인하십시오. 마스크는 상자 안의 타원입니다.",
    )
    return (told, *(w for f in flows.values() for w in f.notices_))


__all__ = ["SHARES", "Compose"]
