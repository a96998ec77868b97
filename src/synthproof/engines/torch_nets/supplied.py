"""A network that the user supplies (Inception, DINO …), known by its path and digest: what it sees in pictures.

TorchScript alone is read: it brings its own architecture, and no Python runs when it is opened. A pickled ``.pth`` or a bare
state dict is refused with the way to export it.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.errors import ConfigError, ReadError, did_you_mean
from synthproof.core.run import Run
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import Float32Array

FloatArray = npt.NDArray[np.float64]

SCALES = ("symmetric", "unit", "bytes", "imagenet")
"""How a network wants its pixels: -1 … 1, 0 … 1, 0 … 255, or standardised by the means and spreads of ImageNet."""
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplied:
    """Which network, and how it wants its pictures.

    Parameters
    ----------
    path
        TorchScript file.
    sha256
        Its digest, 64 hexadecimal digits, with or without ``sha256:`` before them.
    side
        Pixels that pictures are brought to.
    scale
        One of `SCALES`.
    name
        What to call it in evidence.
    """

    path: str
    sha256: str
    side: int = 299
    scale: str = "symmetric"
    name: str = "own weights"

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            hint = did_you_mean(self.scale, SCALES)
            raise ConfigError("vision/no-such-scale", where=self.name, hint=hint, known=", ".join(SCALES))

    @property
    def digest(self) -> str:
        """``sha256:…`` as it was stated."""
        return f"sha256:{self.sha256.removeprefix('sha256:').lower()}"


class SuppliedNet:
    """The opened network.

    Raises
    ------
    ReadError
        ``vision/no-weights``, ``vision/other-weights``, ``vision/not-torchscript``.
    """

    def __init__(self, given: Supplied, *, run: Run) -> None:
        path = Path(given.path)
        if not path.is_file():
            raise ReadError("vision/no-weights", where=given.path)
        content = path.read_bytes()
        found = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if found != given.digest:
            raise ReadError("vision/other-weights", where=given.path, found=found[7:23], asked=given.digest[7:23])
        torch = need_torch()
        self.given, self.device = given, device_for(run.device)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that TorchScript is old is no news to whoever has such a file
            try:
                # what was digested is what is opened, not the file again
                self._net = torch.jit.load(io.BytesIO(content), map_location=self.device).eval()
            except Exception as error:  # noqa: BLE001 - torch raises what a strange file leads it to
                raise ReadError("vision/not-torchscript", where=given.path, reason=type(error).__name__) from error

    def look(self, batches: Iterable[Float32Array]) -> FloatArray:
        """Return the network's outputs for pictures of shape (k, 1 or 3, s, s) in [-1, 1]; shape (n, d).

        Grey pictures are given three equal channels and every picture is brought to `Supplied.side` (bilinear, antialiased
        when it shrinks). Maps of features are averaged over places; of tokens the first is taken, which in vision
        transformers stands for the whole.

        Raises
        ------
        ReadError
            ``vision/no-features``: the outputs are no numbers of fixed length.
        """
        torch = need_torch()
        out = []
        with one_torch_thread(), torch.no_grad():
            for batch in batches:
                x = torch.as_tensor(batch, device=self.device)
                x = x.expand(-1, 3, -1, -1) if x.shape[1] == 1 else x
                side = (self.given.side, self.given.side)
                if tuple(x.shape[2:]) != side:
                    x = torch.nn.functional.interpolate(
                        x, size=side, mode="bilinear", align_corners=False, antialias=True
                    )
                out.append(self._vector(self._net(_scaled(x, self.given.scale))).double().cpu().numpy())
        return np.concatenate(out) if out else np.empty((0, 1))

    def _vector(self, found: Any) -> Any:
        torch = need_torch()
        while isinstance(found, tuple | list) and found:
            found = found[0]
        if not torch.is_tensor(found) or found.dim() not in (2, 3, 4):
            kind = f"{found.dim()} dimensions" if torch.is_tensor(found) else type(found).__name__
            raise ReadError("vision/no-features", where=self.given.path, found=kind)
        if found.dim() == 4:
            return found.mean(dim=(2, 3))
        return found[:, 0] if found.dim() == 3 else found


def _scaled(x: Any, scale: str) -> Any:
    torch = need_torch()
    if scale == "symmetric":
        return x
    unit = (x + 1.0) * 0.5
    if scale == "unit":
        return unit
    if scale == "bytes":
        return unit * 255.0
    mean, spread = (torch.tensor(v, device=x.device).view(1, 3, 1, 1) for v in (_MEAN, _SPREAD))
    return (unit - mean) / spread


__all__ = ["SCALES", "Supplied", "SuppliedNet"]
