"""Scenes from parts, as the reviewed oral set was made: does a detector learn as much from composed blood-cell scenes as from real?

    python studies/blood_cells.py                # 128 px, twelve minutes of learning, about 25 minutes of two cores in all
    python studies/blood_cells.py --minutes 40   # longer; what is kept is not measured again: remove its files first

BCCD (Shenggan, MIT licence): 364 photographs of stained blood smears with boxes around red cells, white cells and
platelets. 200 are held out. `image.compose` learns parts, layout and background of the other 164 and draws as many
scenes. The reviewed embryo and oral sets reported a mAP gap of .059 and an AUROC gap of .05 and looked for no
copies; here scenes and their parts are looked at both, and all ends in a dossier for the six questions of the review.
The photographs name no patient and follow each other: one smear may lie on both sides of the split.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any

import blood_cells_pages
from scoring import DATA, HERE, RESULTS, SEED, machine, measured
from synthproof.core.models import load_model, recipe_of, save_model
from synthproof.core.random import derive
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.core.schema import Purpose
from synthproof.data.image.custody import altered_real, is_drawn, steps_of
from synthproof.data.image.io import How
from synthproof.data.image.scenes import Scenes
from synthproof.data.image.scenes_io import read_scenes
from synthproof.data.split import Split, split
from synthproof.dossier.assemble import write_dossier
from synthproof.pipeline.image_road import scan_of
from synthproof.pipeline.image_sides import as_train
from synthproof.pipeline.judging import complete_purpose, facts_of, generator_facts, prove
from synthproof.policy.load import load_policy
from synthproof.protection.pictures import IMAGE_STEPS, protect_pictures
from synthproof.synthesizers.image.parts import cut, part_side
from synthproof.verification.proof import Proof

GENERATOR = "image.compose"
SCENES, PARTS = "cells-compose", "cells-parts"
MORE = ("image.kid", "image.coverage", "image.diversity")
HOLDOUT = 0.55
"""Share of the 364 photographs that is held out: near copies are looked for from 200 unseen images on."""
OF_PARTS = (
    "image.exact_copies", "image.near_copies", "image.membership", "image.similarity", "image.frechet", "image.kid",
    "image.coverage", "image.diversity", "image.class_agreement", "image.prediction",
)  # fmt: skip
PURPOSE = Purpose(
    use="ai_training",
    environment="semi_open",
    title="Detector of blood cells",
    description="Scenes of blood cells with boxes, to train a detector of red cells, white cells and platelets.",
    legal_basis="Open data under the MIT licence of its repository; no person is named in it.",
)


@dataclass(frozen=True)
class Real:
    """Real scenes after protection, and what the protections wrote."""

    whole: Scenes
    parts: Split[Scenes]
    receipts: tuple[Any, ...]


def real() -> Real:
    """Return BCCD at 128 px: the middle square of each photograph, 200 held out, near-duplicates collapsed."""
    whole = read_scenes(DATA / "bccd_blood_cells", How(side=128, fit="crop"), run=Run())
    before = split(whole, holdout=HOLDOUT, seed=SEED)
    done = protect_pictures(before, IMAGE_STEPS, seed=derive(SEED, "protect"), run=Run())
    print("protected", *blood_cells_pages.receipts(done.receipts), sep="\n", flush=True)
    return Real(whole, done.parts, done.receipts)


def learned(train: Scenes, minutes: float) -> Any:
    """Return the model, learned now or kept from an earlier run on the same scenes with the same budget."""
    folder = HERE / "runs" / f"cells-{train.fingerprint()[7:15]}-{minutes:g}"
    if not (folder / "model.json").is_file():
        model = synthesizers.make(GENERATOR, random_state=SEED, minutes=minutes).fit(train, run=Run())
        folder.parent.mkdir(exist_ok=True)
        save_model(model, folder)
        print("learned", seen(model), flush=True)
    return load_model(folder)


def seen(model: Any) -> dict[str, Any]:
    """Return what each network of a model looked at."""
    state = model.get_state()
    nets = {k: f["state"]["learned"] for k, f in state["flows"].items()}
    nets["seams"] = (state["seams"] or {}).get("learned", {})
    return {k: {n: v for n, v in dict(d).items() if n in ("steps", "images", "seconds")} for k, d in nets.items()}


def proof_of(data: Real, drawn: Scenes, model: Any) -> Proof:
    """Return the proof of drawn scenes under the policy for images, as a run would make it."""
    train, unseen = data.parts.train, data.parts.holdout
    return prove(
        train,
        drawn,
        unseen,
        purpose=complete_purpose(PURPOSE, train.schema),
        policy="image",
        seed=derive(SEED, "verify"),
        generator=generator_facts(model, GENERATOR, seconds={k: v["seconds"] for k, v in seen(model).items() if v}),
        recipe=recipe_of(model),
        source=facts_of(data.whole),
        record={"receipts": data.receipts, "scan": {"images": scan_of(data.whole)}},
        run=Run(),
    )


def keep(proof: Proof, facts: dict[str, Any]) -> None:
    """Keep the evidence of a proof as every study keeps it."""
    by_metric: dict[str, Any] = {}
    for e in proof.evidence:
        took = round(proof.seconds.get(f"verify/{e.metric}", 0.0), 1)
        by_metric.setdefault(e.metric, {"seconds": took, "found": []})["found"].append(e.to_dict())
    record = {"evidence": by_metric, "machine": machine(), "facts": facts}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{SCENES}.json").write_text(json.dumps(record, ensure_ascii=False, indent=1))


def as_parts(data: Split[Scenes], drawn: Scenes) -> tuple[Split[Any], Any]:
    """Return the parts of all scenes as pictures of one side; a scene's parts are one unit."""
    side = part_side(data.train)
    real_parts = Split(
        train=cut(data.train, side), holdout=cut(data.holdout, side), train_units=data.train_units,
        holdout_units=data.holdout_units, seed=data.seed, fraction=data.fraction,
    )  # fmt: skip
    return real_parts, cut(drawn, side)


def main() -> None:
    """Learn, draw, prove, measure; what is kept is not done again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=12.0, help="of learning")
    parser.add_argument("--scenes", type=int, default=0, help="to draw; 0: as many as train has")
    given = parser.parse_args()
    data = real()
    train = data.parts.train
    model = learned(train, given.minutes)
    drawn = as_train(model.sample(given.scenes or train.n_rows, seed=derive(SEED, "sample"), run=Run()), train)
    assert isinstance(drawn, Scenes)
    print("drawn", drawn, [f"{s.did} ({s.input})" for s in steps_of(drawn)], flush=True)
    blood_cells_pages.write_picture(drawn)
    if not (RESULTS / f"{SCENES}.json").is_file():
        proof = proof_of(data, drawn, model)
        folder = write_dossier(
            HERE / "runs" / "cells-dossier", proof, synthetic=drawn, policy_text=load_policy("image").text, lang="en"
        )
        blood_cells_pages.write_questions(proof, folder)
        counts = {n: s.counts().sum(axis=0).tolist() for n, s in sets(data, drawn).items()}
        facts = {
            "minutes": model.minutes,
            "seen": seen(model),
            "scenes": {n: s.n_rows for n, s in sets(data, drawn).items()},
            "classes": list(train.part_classes),
            "boxes": counts,
            "custody": [f"{s.did} ({s.input})" for s in steps_of(drawn)],
            "full_synthesis": bool(is_drawn(drawn) and not altered_real(drawn)),
            "verdict": proof.verdict.result,
            "verify_seconds": round(sum(v for k, v in proof.seconds.items() if k.startswith("verify/")), 1),
        }
        keep(proof, facts)
    measured(SCENES, data.parts, drawn, MORE, generator=GENERATOR)
    real_parts, drawn_parts = as_parts(data.parts, drawn)
    print("parts", real_parts.train, real_parts.holdout, drawn_parts, flush=True)
    measured(PARTS, real_parts, drawn_parts, OF_PARTS, generator=GENERATOR)


def sets(data: Real, drawn: Scenes) -> dict[str, Scenes]:
    """Return the three sets by name."""
    return {"train": data.parts.train, "holdout": data.parts.holdout, "synthetic": drawn}


if __name__ == "__main__":
    main()
