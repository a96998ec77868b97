"""How image.flow learns and paints: pictures and conditions as tensors, the loss along the path, a network that draws."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.run import Run, quiet
from synthproof.data.image.dataset import ImageSet
from synthproof.engines.torch_nets.flow_path import between, times, walk
from synthproof.engines.torch_nets.jitter import TOLD, jitter
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import Arrays, Weights
from synthproof.engines.torch_nets.picture_training import on_device
from synthproof.engines.torch_nets.unet import UNet, run
from synthproof.synthesizers.image.drawing import Begun
from synthproof.synthesizers.image.gap import losses_at
from synthproof.synthesizers.image.sizes import square

FloatArray = npt.NDArray[np.float64]
_LEFT_OUT = 0.1
_WORTH_COMPILING = 2.0
"""Minutes of learning from which a minute of compiling pays on a GPU: a step then takes half as long."""


class Plain:
    """Pictures and conditions of a data set as tensors of the network's size."""

    def __init__(self, data: ImageSet, condition: npt.NDArray[np.float32], net: UNet, device: str) -> None:
        torch = need_torch()
        self.data, self.condition, self.side = data, torch.as_tensor(condition), net.side
        self.device = device_for(device)

    def load(self, rows: npt.NDArray[np.intp]) -> tuple[Any, Any]:
        """Return pictures and conditions of some rows."""
        torch = need_torch()
        x = square(torch.as_tensor(self.data.values(rows)), self.side)
        return x.to(self.device), self.condition[torch.as_tensor(rows)].to(self.device)


class Loader(Plain):
    """The same for learning: on a GPU all pixels lie there, when a quarter of its memory holds them."""

    def __init__(self, begun: Begun, net: UNet, device: str) -> None:
        super().__init__(begun.data, begun.condition, net, device)
        torch = need_torch()
        self.resident: Any = None
        if self.device.type == "cuda":
            store, free = begun.data.store, torch.cuda.mem_get_info()[0]
            if store.nbytes * 2 < free // 4:
                self.resident = _on_device(begun.data, self.device)
                self.condition = self.condition.to(self.device)
                self.top = begun.data.chain.top

    def load(self, rows: npt.NDArray[np.intp]) -> tuple[Any, Any]:
        """Return pictures and conditions of some rows."""
        if self.resident is None:
            return super().load(rows)
        at = need_torch().as_tensor(rows, device=self.device)
        values = self.resident[at].float()
        values = values + 65_536.0 * (values < 0)  # 16-bit pixels lie there as signed numbers
        return square(values * (2.0 / self.top) - 1.0, self.side), self.condition[at]


def runner_for(net: UNet, device: str, minutes: float) -> Any:
    """Return the network as a function of weights and inputs; compiled on a GPU when minutes are enough to pay for it."""
    if device != "cuda" or minutes < _WORTH_COMPILING:
        return partial(run, net)
    return need_torch().compile(partial(run, net), dynamic=False)


def _on_device(data: ImageSet, device: Any) -> Any:
    """Return all pictures on a device, channels first, taken there a batch at a time: 16 bits as they are in int16."""
    torch, chain = need_torch(), data.chain
    kind = torch.uint8 if chain.bits == 8 else torch.int16
    out = torch.empty((data.n_rows, chain.channels, chain.side, chain.side), dtype=kind, device=device)
    for rows in data.batches():
        given = np.ascontiguousarray(data.pixels(rows).transpose(0, 3, 1, 2))
        out[rows] = torch.as_tensor(given if chain.bits == 8 else given.view(np.int16)).to(device)
    return out


def path_loss(net: UNet, begun: Begun, share: float, flip: bool, runner: Any) -> Any:
    """Return the loss of a batch: mean squared error of the velocity, labels left out now and then, pictures moved a little."""
    torch = need_torch()
    field_of = torch.as_tensor(begun.code.field_of)
    fields = len(begun.code.blocks)

    def loss(weights: Weights, batch: tuple[Any, ...], progress: float, dice: Any) -> Any:
        pictures, condition = batch
        device = pictures.device
        pictures, told = jitter(pictures, share, flip, dice)
        known = torch.rand((len(pictures), fields), generator=dice, device=device) >= _LEFT_OUT
        condition = condition * known[:, field_of.to(device)]
        noise = torch.randn(pictures.shape, generator=dice, device=device)
        t = times(len(pictures), progress, dice, device)
        found = runner(
            weights, between(pictures, noise, t), t, torch.cat([condition, told], dim=1), dice=_dice(net, dice)
        )
        return (found.float() - (pictures - noise)).square().mean()

    return loss


def _dice(net: UNet, dice: Any) -> Any:
    return dice if net.dropout > 0 else None


def member_losses(weights: Weights, net: UNet, loader: Plain, rows: npt.NDArray[np.intp], seed: int) -> FloatArray:
    """Return the loss of some pictures at two noise levels: what the gap watch compares."""
    return losses_of(weights, net, loader.load, rows, seed, levels=2, job=quiet(None))


def losses_of(
    weights: Weights, net: UNet, load: Any, rows: npt.NDArray[np.intp], seed: int, *, levels: int, job: Run
) -> FloatArray:
    """Return the velocity loss of each picture, mean over evenly spread noise levels, shape (len(rows),)."""
    torch = need_torch()

    def velocity(x: Any, t: Any, condition: Any) -> Any:
        told = torch.zeros((len(x), TOLD), device=x.device)
        with torch.no_grad(), torch.autocast(x.device.type, torch.bfloat16, enabled=x.device.type == "cuda"):
            return run(net, weights, x, t, torch.cat([condition, told], dim=1))

    return losses_at(velocity, load, rows, seed, levels, job)


class Painter:
    """A fitted network ready to draw."""

    def __init__(
        self, net: UNet, arrays: Arrays, steps: int, guidance: float, field_of: npt.NDArray[np.intp], device: str
    ) -> None:
        self.net, self.steps, self.guidance = net, steps, guidance
        self.device = device_for(device)
        self.weights = on_device(arrays, self.device)

    def paint(self, noise: npt.NDArray[np.float32], condition: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return pictures in [-1, 1], shape of `noise`."""
        torch = need_torch()
        told = np.zeros((len(condition), TOLD), dtype=np.float32)
        wanted = torch.as_tensor(np.concatenate([condition, told], axis=1)).to(self.device)
        nothing = torch.zeros_like(wanted)

        def velocity(x: Any, t: Any) -> Any:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
                v = run(self.net, self.weights, x, t, wanted).float()
                # guidance only in the middle of the way (Kynkäänniemi et al. 2024, arXiv:2404.07724)
                if self.guidance > 1.0 and 0.2 < float(t[0]) < 0.8:
                    free = run(self.net, self.weights, x, t, nothing).float()
                    v = free + self.guidance * (v - free)
            return v

        with one_torch_thread(), torch.no_grad():
            x = torch.as_tensor(noise).to(self.device)
            out = walk(velocity, x, self.steps, shift=2.0 if self.net.side >= 128 else 1.0)
            return np.asarray(out.float().cpu().numpy(), dtype=np.float32)


__all__ = ["Loader", "Painter", "Plain", "losses_of", "member_losses", "path_loss", "runner_for"]
