"""A simulated limit read again at another quantile: its record keeps every repeat, so nothing need be simulated anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from synthproof.core.evidence import Limit
from synthproof.core.words import Words


def at_quantiles(limits: Sequence[Limit], wanted: Mapping[str, float]) -> tuple[Limit, ...]:
    """Return the limits, the simulated ones at the quantile that is wanted of their metric.

    A dossier may be judged under a policy, or for a form of use, that asks for another quantile than the one it was
    made with. A limit at the wrong quantile whose repeats were not kept is left out: no line is better than a false one.

    Parameters
    ----------
    wanted
        Quantile by metric; metrics that are not named keep their limits as they are.
    """
    out: list[Limit] = []
    for limit in limits:
        stated = limit.record.get("quantile")
        quantile = wanted.get(limit.metric)
        if limit.origin != "simulated" or stated is None or quantile is None or _same(float(stated), quantile):
            out.append(limit)
            continue
        values = [float(v) for v in limit.record.get("values", ())]
        if values:
            out.append(_moved(limit, values, float(stated), quantile))
    return tuple(out)


def _moved(limit: Limit, values: Sequence[float], stated: float, quantile: float) -> Limit:
    old, new = f"{100 * stated:g}", f"{100 * quantile:g}"
    en = f"{new}th percentile of the {len(values)} repeats that were kept (the dossier was made at the {old}th)"
    ko = f"보관된 {len(values)}회 모의 값의 {new}백분위수(당초 {old}백분위수로 작성)"
    return replace(
        limit,
        value=float(np.quantile(values, quantile)),
        because=Words(en=f"{en}. {limit.because.en}", ko=f"{ko}. {limit.because.ko}"),
        record={**limit.record, "quantile": quantile, "quantile_interval": None},
    )


def _same(a: float, b: float) -> bool:
    return abs(a - b) < 1e-9
