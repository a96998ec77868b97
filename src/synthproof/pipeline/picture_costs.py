"""What work on pictures will cost, said before it is begun: by their number, side and channels, and the machine's pace.

The constants (``picture_costs.json``) are fitted by ``benchmarks/images/scale_page.py`` to CPU seconds and anonymous
memory of every stage, measured at 28 to 128 pixels and 1,000 to 50,000 pictures. What grows with the number is linear in
it; what a network costs for a picture is interpolated between the sides that were measured. Memory is what cannot be given
back: pictures lie in files that are mapped, and their pages are the system's to take.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from synthproof.core.cost import Cost, machine_pace
from synthproof.core.run import Run, available_cores
from synthproof.data.image.chain import Chain
from synthproof.pipeline.budget import Estimate

_FILE = Path(__file__).with_name("picture_costs.json")
_SHARDS = 2
"""Cores that learning on a CPU keeps busy."""
_MOST_LOSSES = 4_000
NETWORK = "image.flow"
"""The generator whose network was measured; of others only the minutes that they are given are known."""


@dataclass(frozen=True, slots=True)
class PictureSize:
    """How large a set of pictures is, as far as time and memory depend on it.

    Parameters
    ----------
    pictures
        Number of pictures.
    side, channels
        Of a square.
    """

    pictures: int
    side: int
    channels: int = 1

    @classmethod
    def of(cls, pictures: int, chain: Chain) -> PictureSize:
        """Return the size of some pictures of a chain."""
        return cls(pictures, chain.side, chain.channels)

    @property
    def terms(self) -> dict[str, float]:
        """What costs are linear in: one, a picture, and its values."""
        values = float(self.side * self.side * self.channels)
        return {"one": 1.0, "values": values, "pictures": float(self.pictures), "all_values": self.pictures * values}


def picture_estimate(
    name: str,
    size: PictureSize,
    parameters: Mapping[str, Any],
    *,
    protect: bool = False,
    fit: bool = True,
    draw: int | None = None,
    verify: int | None = None,
    run: Run | None = None,
) -> Estimate:
    """Return what work on pictures will cost on this machine.

    Parameters
    ----------
    name, parameters
        Of the generator.
    size
        Of the real pictures, train and holdout together.
    protect, fit
        Whether these are part of the work.
    draw
        Pictures drawn; ``None``: none.
    verify
        Synthetic pictures verified; ``None``: none.
    run
        Cores and device; on a GPU what its network takes was not measured, so that drawing is left out.
    """
    job = run if run is not None else Run()
    cores = max(1, min(job.workers, available_cores()))
    pace = machine_pace()
    gpu = job.device != "cpu"
    known = name == NETWORK and not gpu
    steps: dict[str, Cost] = {}
    if protect:
        steps["protect"] = _linear("protect", size, pace)
    if fit:
        steps["fit"] = _learning(size, parameters, pace, min(_SHARDS, cores), known=known)
    if draw is not None and known:
        each = _by_side("draw_picture_s", size.side)
        steps["draw"] = Cost(draw * each * pace / cores, int(_by_side("draw_bytes", size.side)))
    if verify is not None:
        steps["verify"] = _verifying(size, verify, pace, losses=known and fit)
    return Estimate(steps)


def _learning(size: PictureSize, parameters: Mapping[str, Any], pace: float, cores: int, *, known: bool) -> Cost:
    held = int(_by_side("fit_bytes", size.side) + _measured()["fit_bytes_a_picture"] * size.pictures)
    images = parameters.get("images")
    if images is None:
        return Cost(60.0 * float(parameters.get("minutes", 0.0)), held)
    each = _by_side("step_picture_s", size.side) if known else 0.0
    return Cost(float(images) * each * pace / cores, held)


def _verifying(size: PictureSize, synthetic: int, pace: float, *, losses: bool) -> Cost:
    base = _by_side("verify_s", size.side)
    grown = _linear("search", replace(size, pictures=size.pictures + synthetic), pace)
    asked = min(size.pictures, 2 * _MOST_LOSSES) * _by_side("loss_picture_s", size.side) if losses else 0.0
    held = max(int(_by_side("verify_bytes", size.side)), grown.bytes)
    return Cost((base + asked) * pace + grown.seconds, held)


def _linear(work: str, size: PictureSize, pace: float) -> Cost:
    entry, terms = _measured()["linear"][work], size.terms
    seconds = sum(entry["seconds"].get(k, 0.0) * v for k, v in terms.items())
    held = sum(entry["bytes"].get(k, 0.0) * v for k, v in terms.items())
    return Cost(seconds * pace, int(held))


def _by_side(what: str, side: int) -> float:
    """Return a number between those measured, on logarithmic axes; what a network takes grows beyond them as the square."""
    entry = _measured()["by_side"][what]
    sides, found = np.log([float(s) for s in entry]), np.log(list(entry.values()))
    at = float(np.log(side))
    # judging looks at 32 pixels a side: beyond what was measured it grows no more
    beyond = 0.0 if what.startswith("verify") else 2.0 * max(0.0, at - float(sides[-1]))
    return float(np.exp(np.interp(at, sides, found) + beyond))


@cache
def _measured() -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


__all__ = ["NETWORK", "PictureSize", "picture_estimate"]
