"""Other processes that learn the same network: none, or those that ``accelerate launch`` started."""

from __future__ import annotations

import os
from typing import Any

from synthproof.core.errors import MissingExtraError
from synthproof.core.run import processes
from synthproof.engines.torch_nets.load import need_torch


class Peers:
    """The processes of one training.

    Parameters
    ----------
    device
        Where this process computes.

    Attributes
    ----------
    rank, world
        Number of this process, and of all. Alone: 0 and 1.
    """

    def __init__(self, device: Any) -> None:
        self.world = processes()
        self.rank = int(os.environ.get("RANK", "0")) if self.world > 1 else 0
        self._joined: Any = None
        if self.world > 1:
            try:
                from accelerate import Accelerator
            except ImportError as error:
                raise MissingExtraError("extra/missing", library="accelerate", extra="images") from error
            self._joined = Accelerator(cpu=device.type == "cpu")

    def add(self, gradients: list[Any]) -> None:
        """Add up gradients over all processes, in place."""
        if self._joined is None:
            return
        torch = need_torch()
        flat = torch.cat([g.reshape(-1) for g in gradients])
        flat, at = self._joined.reduce(flat, reduction="sum"), 0
        for g in gradients:
            g.copy_(flat[at : at + g.numel()].reshape(g.shape))
            at += g.numel()

    def agreed(self, count: int) -> int:
        """Return the mean of a count over all processes: every one must take as many steps."""
        if self._joined is None:
            return count
        torch = need_torch()
        told = torch.tensor(float(count), device=self._joined.device)
        return int(self._joined.reduce(told, reduction="mean").item())


__all__ = ["Peers"]
