"""Translation by re-noising: a drawn picture of one class goes half way back to noise and returns as another class.

Meng et al. 2022 (arXiv:2108.01073) with the weights of one class-conditional flow: no further network, no pairs.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Conditions
from synthproof.core.random import derive
from synthproof.core.run import Run, quiet
from synthproof.core.state import State
from synthproof.core.words import Words
from synthproof.data.image.chain import Pixels
from synthproof.data.image.custody import Input, Step, input_of, with_steps
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.store import new_store
from synthproof.data.table.dataset import Table
from synthproof.engines.torch_nets.load import need_torch
from synthproof.synthesizers.image.drawing import BLOCK, Learnt, model_digest, noise_of, own_seed, seed_of, to_pixels
from synthproof.synthesizers.image.flow import Flow
from synthproof.synthesizers.image.sizes import square
from synthproof.synthesizers.image.stage_flow import StageFlow
from synthproof.synthesizers.image.staged import Staged
from synthproof.synthesizers.table.columns.layout import check_count

FloatArray = npt.NDArray[np.float32]


class Translate(Staged):
    """Draw pictures of a class by translating drawn pictures of another (needs the images extra).

    Parameters
    ----------
    source
        Level of the label that pictures are first drawn as; empty: any, as often as they are.
    keep
        Time on the path at which the second half begins, 0.4 to 0.6: the share of the source that remains.
    minutes, images, width, steps, min_class, random_state
        Of the one `image.flow` that does both halves.

    Notes
    -----
    ``sample(where={label: class})`` says the target. `apply` translates drawn pictures of other generators; a real one is
    refused, for part of it would remain.
    """

    MORE: ClassVar = {"keep": (0.05, 0.95)}

    def __init__(
        self,
        *,
        source: str = "",
        keep: float = 0.5,
        minutes: float = 20.0,
        images: int | None = None,
        width: int = 0,
        steps: int = 0,
        min_class: int = 30,
        random_state: int | None = None,
    ) -> None:
        self.source = source
        self.keep = keep
        self.minutes = minutes
        self.images = images
        self.width = width
        self.steps = steps
        self.min_class = min_class
        self.random_state = random_state

    def fit(self, data: ImageSet, /, *, run: Run | None = None) -> Self:
        """Learn one flow of all classes.

        Raises
        ------
        DataError
            ``image/too-few``, ``image/classes-too-small``.
        """
        self._check()
        seed = seed_of(self.random_state)
        flow = Flow(
            minutes=self.minutes, images=self.images, width=self.width, steps=self.steps, min_class=self.min_class,
            random_state=seed,
        ).fit(data, run=run)  # fmt: skip
        self._take(flow)
        return self

    def _take(self, flow: Flow) -> None:
        state = flow.get_state()
        self._flow, self._path = flow, StageFlow.from_state({**state, "steps": self.steps})
        if not self.steps:
            self._path.steps = 8 if self._path.net.side <= 48 else 12
        learnt = Learnt.from_state(state["learnt"])
        self._learnt = Learnt(
            learnt.code, learnt.law, learnt.chain, learnt.origin, (*learnt.notices, _SAID), learnt.seed
        )
        self.digest_ = model_digest(f"image.translate/{self.keep}/{self.source}", state["arrays"])
        self.seed_ = learnt.seed

    def sample(
        self, n: int, /, *, where: Conditions | None = None, seed: int | None = None, run: Run | None = None
    ) -> ImageSet:
        """Return n pictures of the classes asked for; with one seed, fewer are the head of more.

        Raises
        ------
        UsageError
            ``sample/bad-count``.
        ConditionError
            ``image/no-such-label``, ``image/label-not-learned``.
        """
        learnt, n, job = self._fitted("sample"), check_count(n), quiet(run)
        own = own_seed(seed, learnt.seed)
        asked = {learnt.code.schema.modelled[0].name: self.source} if self.source else None
        source = self._flow.sample(n, where=asked, seed=derive(own, "source"), run=job)
        rows = learnt.law.draw(max(n, 1), where, derive(own, "target"), job).iloc[:n].reset_index(drop=True)
        wanted = Table(rows[list(source.schema.names)], source.labels.schema, origin=source.origin)
        return self._translated(source.with_labels(wanted), own, job, "drawn")

    def apply(
        self,
        data: ImageSet,
        /,
        *,
        where: Conditions | None = None,
        seed: int | None = None,
        knowingly: bool = False,
        run: Run | None = None,
    ) -> ImageSet:
        """Return drawn pictures translated to the classes asked for.

        Raises
        ------
        DataError
            ``image/real-input`` when they are not known to be drawn, unless `knowingly`: then the result says so;
            ``image/chains-differ`` when they have another size, depth or colour than was learned.
        """
        learnt, job = self._fitted("apply"), quiet(run)
        begun_from = input_of(data, "translate", knowingly=knowingly)
        self._refuse_other_chain(data)
        own = own_seed(seed, learnt.seed)
        rows = learnt.law.draw(max(data.n_rows, 1), where, derive(own, "target"), job).iloc[: data.n_rows]
        wanted = Table(rows.reset_index(drop=True), learnt.code.schema, origin=data.origin)
        source = ImageSet(wanted, data.store, data.chain, at=data.at, marks=data.marks)
        return self._translated(source, own, job, begun_from)

    def _translated(self, data: ImageSet, seed: int, run: Run, begun_from: Input) -> ImageSet:
        learnt, net = self._fitted("sample"), self._path.net
        condition = learnt.code.encode(data.frame[list(learnt.code.schema.names)])
        pixels, side = new_store(data.n_rows, data.chain), data.chain.side
        for block, at in enumerate(range(0, data.n_rows, BLOCK)):
            run.tick("translate", at, data.n_rows)
            some = np.arange(at, min(at + BLOCK, data.n_rows), dtype=np.intp)
            source = square(need_torch().as_tensor(data.values(some)), net.side).numpy()
            noise = noise_of(seed, "translate", block, (BLOCK, *source.shape[1:]))[: len(some)]
            made = self._path.paint(noise, condition[some], device=run.device, source=source, begin=self.keep)
            pixels[some] = self._shown(made[:, :, :side, :side])
        step = Step(did="translate", input=begun_from, model=self.digest_)
        return with_steps(self._marked(data, pixels, seed), step)

    def _shown(self, values: FloatArray) -> Pixels:
        return to_pixels(values, self._fitted("sample").chain)

    def get_state(self) -> State:
        """Return what was learned as JSON values and arrays."""
        self._fitted("get_state")
        return {"flow": self._flow.get_state(), "params": self._flow.get_params()}

    def set_state(self, state: State, /) -> Self:
        """Take back what `get_state` returned."""
        self._take(Flow(**state["params"]).set_state(state["flow"]))
        return self


_SAID = Words(
    en="Pictures are translations of drawn pictures of other classes; the source was drawn too, never taken from a person.",
    ko="이미지는 다른 부류로 생성된 이미지를 변환한 것입니다. 변환의 원본도 생성된 것이며 실제 사람의 것이 아닙니다.",
)


__all__ = ["Translate"]
