"""A study as JSON values: every number of the page, and what is needed to run it again. No row, no seed of a split's rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from synthproof.balance.differences import Difference, Measured, interval
from synthproof.balance.plan import Arm
from synthproof.balance.scores import SCORES
from synthproof.balance.sentences import sentences
from synthproof.balance.study import Study
from synthproof.balance.wording import for_modality
from synthproof.core.files import whole_file

FORMAT = 1


def record_of(study: Study, machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``study.json``.

    Parameters
    ----------
    machine
        Versions and machine facts (`pipeline.environment.environment`).
    """
    modality = str(study.facts.get("modality", "table"))
    classes = [
        {"name": n, "train": tr, "test": te, "rare": r}
        for n, tr, te, r in zip(study.names, study.train, study.test, study.rare, strict=True)
    ]
    return {
        "format": FORMAT,
        "machine": dict(machine),
        "facts": dict(study.facts),
        "seconds": dict(study.seconds),
        "classes": classes,
        "arms": [
            {"id": a.id, "kind": a.kind, "dose": a.dose, "name": for_modality(a.words, modality).to_dict()}
            for a in study.arms
        ],
        "left_out": {k: w.to_dict() for k, w in study.left_out.items()},
        "sentences": [w.to_dict() for w in sentences(study)],
        "scores": {name: scores_of(m, study.test_units or study.test) for name, m in study.measured.items()},
        "against_real": [d.to_dict() for d in study.against_real],
        "against_copies": [d.to_dict() for d in study.against_copies],
    }


def told_again(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the sentences of a kept record anew: they rest on its differences alone, so no run is needed."""
    known = {f.name for f in fields(Difference)}
    lists = {
        k: tuple(Difference(**{n: v for n, v in d.items() if n in known}) for d in record[k])
        for k in ("against_real", "against_copies")
    }
    classes = record["classes"]
    study = Study(
        names=tuple(c["name"] for c in classes),
        train=tuple(c["train"] for c in classes),
        test=tuple(c["test"] for c in classes),
        rare=tuple(c["rare"] for c in classes),
        arms=tuple(Arm(a["kind"], a["dose"]) for a in record["arms"]),
        left_out={},
        measured={},
        against_real=lists["against_real"],
        against_copies=lists["against_copies"],
        facts=record["facts"],
        seconds={},
    )
    return [w.to_dict() for w in sentences(study)]


def scores_of(measured: Measured, test: Sequence[int]) -> dict[str, list[dict[str, Any]]]:
    """Return each score of each class: mean over seeds, interval at 95 %, and the seeds.

    Parameters
    ----------
    test
        Test units of each class.

    Notes
    -----
    A class of which every row is right (or none) varies neither over seeds nor over bootstrap replicates, and its
    interval would have no width. It then gets 3 / n to either side: what n units without one exception exclude at 95 %
    (Hanley & Lippman-Hand 1983, doi:10.1001/jama.1983.03330370053031).
    """
    out: dict[str, list[dict[str, Any]]] = {}
    for score in SCORES:
        seeds, draws = measured.by_seed[score], measured.by_draw[score]
        rows = []
        for c in range(seeds.shape[1]):
            low, high = interval(seeds[:, c], draws[:, c], 0.95, test[c])
            if high - low < 1e-9:
                low, high = low - 3 / max(1, test[c]), high + 3 / max(1, test[c])
            rows.append(
                {
                    "mean": round(float(np.mean(seeds[:, c])), 5),
                    "low": round(max(0.0, low), 5),
                    "high": round(min(1.0, high), 5),
                    "seeds": [round(float(v), 5) for v in seeds[:, c]],
                }
            )
        out[score] = rows
    return out


def write_record(record: Mapping[str, Any], target: Path) -> Path:
    """Write ``study.json``, whole or not at all."""
    with whole_file(target) as part:
        part.write_text(json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    return target
