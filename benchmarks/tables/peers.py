"""Who is measured: name, environment, adapter, parameters; and in which order, on which sets and seeds."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from environments import python_of
from sets import SETS

ADAPTERS = Path(__file__).parent / "adapters"
OURS = "ours:"


@dataclass(frozen=True, slots=True)
class Peer:
    """One generator with its parameters; `label` names the folder of its kept results."""

    label: str
    title: str
    environment: str | None
    adapter: str
    params: dict[str, Any] = field(default_factory=dict)

    def python(self) -> Path:
        """Return the interpreter that runs the adapter: ours is the one that runs this."""
        return Path(sys.executable) if self.environment is None else python_of(self.environment)


PEERS: dict[str, Peer] = {
    p.label: p
    for p in (
        Peer("sdv.gaussian_copula", "SDV GaussianCopula", "sdv", "for_sdv.py", {"kind": "GaussianCopula"}),
        Peer("sdv.ctgan", "SDV CTGAN", "sdv", "for_sdv.py", {"kind": "CTGAN"}),
        Peer("sdv.ctgan_60", "SDV CTGAN, 60 of its 300 epochs", "sdv", "for_sdv.py", {"kind": "CTGAN", "epochs": 60}),
        Peer("sdv.tvae", "SDV TVAE", "sdv", "for_sdv.py", {"kind": "TVAE"}),
        Peer("sdv.tvae_100", "SDV TVAE, 100 of its 300 epochs", "sdv", "for_sdv.py", {"kind": "TVAE", "epochs": 100}),
        Peer("mostly.argn", "TabularARGN (mostlyai-engine)", "mostly", "for_mostly.py"),
        Peer("synthpop.cart", "CART (py-synthpop)", "synthpop", "for_synthpop.py"),
        Peer("arfpy", "Adversarial random forest (arfpy)", "arf", "for_arf.py"),
        Peer("dpmm.mst_e3", "MST, ε = 3 (dpmm)", "dpmm", "for_dpmm.py", {"kind": "MST", "epsilon": 3}),
    )
}


def peer(name: str, params: dict[str, Any] | None = None, label: str | None = None) -> Peer:
    """Return a peer by name; ``ours:table.cart_chain`` is any generator of our registry.

    Parameters
    ----------
    params
        Laid over the peer's own; they become part of the label unless `label` is given.
    """
    params = params or {}
    if name.startswith(OURS):
        synthesizer = name.removeprefix(OURS)
        base = Peer(f"ours.{synthesizer}", synthesizer, None, "for_ours.py", {"synthesizer": synthesizer})
    elif name in PEERS:
        base = PEERS[name]
    else:
        raise SystemExit(f"unknown peer {name}: ours:SYNTHESIZER, {', '.join(PEERS)}")
    told = ",".join(f"{k}={v}" for k, v in sorted(params.items()))
    suffix = f",{label or told}" if label or told else ""
    if any(c in suffix for c in '/\\: "'):
        raise SystemExit(f"name these parameters with --label: {told}")
    return replace(
        base,
        label=base.label + suffix,
        title=base.title + (f" ({label or told})" if suffix else ""),
        params=base.params | params,
    )


ALL = tuple(SETS)
_QUICK = ("heart_disease", "shoppers")
_LONG = ("adult", "default_credit")
_PLAIN = ("ours:table.cart_chain", "ours:table.copula", "sdv.gaussian_copula", "synthpop.cart")
_SLOW = ("arfpy", "sdv.tvae", "sdv.ctgan", "sdv.tvae_100", "sdv.ctgan_60", "dpmm.mst_e3")
Task = tuple[str, tuple[str, ...], tuple[int, ...]]
PLAN: tuple[Task, ...] = (
    *((name, ALL, (0,)) for name in _PLAIN),
    ("mostly.argn", ALL, (0,)),
    *((name, _QUICK, (0,)) for name in _SLOW),
    *((name, ALL, (1, 2)) for name in _PLAIN),
    *((name, _LONG, (0,)) for name in _SLOW),
    ("mostly.argn", ALL, (1, 2)),
)
"""What `make bench-tables` runs, in this order; the default generator is put first once the registry has it."""
DEFAULT = "ours:table.autoregressive"


def plan() -> tuple[Task, ...]:
    """Return `PLAN`, led by the default generator on every set and three seeds where it is installed."""
    from synthproof.core.registry import synthesizers

    if DEFAULT.removeprefix(OURS) in synthesizers.names():
        return ((DEFAULT, ALL, (0, 1, 2)), *PLAN)
    return PLAN
