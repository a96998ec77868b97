"""The library's verbs for pictures: what `face` and `parts` do when they are given pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from synthproof.core.errors import UsageError
from synthproof.core.evidence import Statement
from synthproof.core.files import refuse_taken, write_text
from synthproof.core.models import load_model, recipe_of, registered_name, save_model
from synthproof.core.random import derive, fresh_seed
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run, is_first, processes
from synthproof.core.schema import Purpose
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import How, is_image_source
from synthproof.data.image.scenes_io import read_pictures, write_pictures
from synthproof.data.split import Split
from synthproof.pipeline.budget import Budget, refuse_larger
from synthproof.pipeline.config import RunConfig
from synthproof.pipeline.image_road import (
    FAST_NOTICE,
    budget_in_pictures,
    check_picture_settings,
    fast_minutes,
    image_policy,
    losses_of,
    policy_notice,
    scan_of,
)
from synthproof.pipeline.image_sides import as_train, own_table, read_sides
from synthproof.pipeline.judging import check_purpose, check_repeats, complete_purpose, prove
from synthproof.pipeline.model import PICTURES, Model
from synthproof.pipeline.picture_costs import PictureSize, picture_estimate
from synthproof.pipeline.reading import how_of, own_pictures
from synthproof.pipeline.stage_config import ImageConfig
from synthproof.policy.load import load_policy
from synthproof.protection.pictures import IMAGE_STEPS, protect_pictures
from synthproof.verification.proof import GeneratorFacts, Proof

_SEED = "seed.json"


def of_pictures(real: Any) -> bool:
    """Return whether real data, or a split of them, are pictures."""
    return is_image_source(real.train if isinstance(real, Split) else real)


def prove_pictures(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    also: Sequence[Any] = (),
    policy: str,
    purpose: Purpose | None = None,
    target: str | None = None,
    model: Model | None = None,
    statements: Sequence[Statement] = (),
    repeats: int = 100,
    seed: int | None = None,
    gates: Sequence[str] = (),
    full: bool = False,
    how: How | None = None,
    run: Run | None = None,
) -> tuple[Proof, ImageSet, ImageSet]:
    """Return the proof of synthetic pictures of any tool, the pictures, and those learned from; see `face.verify`.

    Real and synthetic pictures become squares of one side: the one asked for, else the smaller of the two that they
    would be given by themselves, since enlarging one of them would make them differ.

    Raises
    ------
    DataError
        ``image/chains-differ``: the pictures have another size, depth or number of channels than the real ones, so that
        every number would measure the way they were scaled. ``verify/holdout-too-small``, ``image/holdout-overlaps``.
    """
    check_repeats(repeats)
    rules = load_policy(image_policy(policy))
    known = how or How(targets=tuple(target.split(",")) if target else ())
    train, unseen, found = read_sides(real, synthetic, holdout, known, run)
    drawn = as_train(found, train)
    theirs = own_table(replace(known, side=train.chain.side))
    earlier = [as_train(read_pictures(a, theirs, run=run), train) for a in also]
    wanted = purpose or Purpose()
    check_purpose(wanted, train.schema)
    size = PictureSize.of(train.n_rows + (0 if unseen is None else unseen.n_rows), train.chain)
    name = model.name if model else ""
    picture_estimate(name, size, {}, fit=False, verify=drawn.n_rows, run=run).tell(run)
    proof = prove(
        train,
        drawn,
        unseen,
        purpose=complete_purpose(wanted, train.schema),
        policy=image_policy(policy),
        seed=fresh_seed() if seed is None else seed,
        repeats=repeats,
        generator=model.facts if model else GeneratorFacts(),
        recipe=recipe_of(model.core) if model else None,
        losses=losses_of(model.core, train, unseen, run, full=full) if model and unseen is not None else None,
        released=earlier,
        record={"scan": {"images": scan_of(train)}},
        statements=statements,
        notices=policy_notice(policy),
        gates=gates,
        full=full,
        run=run,
    )
    assert rules.id == proof.verdict.policy
    return proof, drawn, train


def fit_pictures(config: RunConfig, out: Path, run: Run | None, *, resume: bool = False) -> Model:
    """Learn from all pictures of a source after protection, and save the model.

    Parameters
    ----------
    resume
        Go on from the checkpoint of a fit into `out` that was cut off. Checkpoints lie beside it, in ``<out>.unfinished``,
        until the model is whole; they can remember persons as it can.

    Raises
    ------
    UsageError
        ``fit/no-checkpoints``; ``fit/peers-need-seed``: several processes (``accelerate launch -m synthproof fit …``) would
        each draw a seed of their own.
    """
    name = PICTURES if config.fit.synthesizer == "auto" else config.fit.synthesizer
    keeps = "checkpoint" in synthesizers.get(name).param_names()
    if resume and not keeps:
        raise UsageError("fit/no-checkpoints", where=name)
    check_picture_settings(config)
    config = budget_in_pictures(config)
    if processes() > 1 and config.seed is None:
        raise UsageError("fit/peers-need-seed", where=name, n=processes())
    maker = synthesizers.make(name, **dict(config.fit.parameters))  # a wrong parameter is told before anything is read
    images = own_pictures(config.source, how_of(config.image, config.target, maker), run=run)
    unfinished = out.with_name(f"{out.name}.unfinished")
    seed = _seed_of_fit(config, unfinished, resume=resume)
    default = RunConfig().protect.steps
    asked = tuple(s for s in config.protect.steps if s != "none")
    none = images.take(np.empty(0, dtype=np.intp))
    everyone = np.arange(len(images), dtype=np.intp)
    parts = Split(train=images, holdout=none, train_units=everyone, holdout_units=none.at, seed=seed, fraction=0.0)
    steps = IMAGE_STEPS if asked == default else asked
    done = protect_pictures(parts, steps, seed=derive(seed, "protect"), parameters=config.protect.parameters, run=run)
    given = fast_minutes(config, name) | dict(config.fit.parameters)
    own = keeps and "checkpoint" not in given
    if own:
        given["checkpoint"] = str(unfinished / "checkpoint")
    budget = Budget.of(config.budget, config.memory)
    if budget.seconds is not None and "minutes" in synthesizers.get(name).param_names():
        given = {"minutes": budget.left.seconds / 60, **given}
    core = synthesizers.make(name, random_state=derive(seed, "fit"), **given)
    train: ImageSet = done.parts.train
    expected = picture_estimate(name, PictureSize.of(train.n_rows, train.chain), core.get_params(), run=run)
    expected.tell(run)
    refuse_larger(name, expected, budget)
    if own and is_first():
        write_text(unfinished / _SEED, json.dumps(seed))
    try:
        core.fit(train, run=run)
    except Exception:
        if not (unfinished / "checkpoint").is_dir():  # nothing to go on from
            shutil.rmtree(unfinished, ignore_errors=True)
        raise
    if own:
        core.set_params(checkpoint="")
    if is_first():  # of several processes all have learned the same
        save_model(core, out)
        shutil.rmtree(unfinished, ignore_errors=True)
    told = (FAST_NOTICE, *done.notices) if config.fit.fast and "minutes" in given else done.notices
    return Model(core, name, told=told)


def _seed_of_fit(config: RunConfig, unfinished: Path, *, resume: bool) -> int:
    """Return the seed of a fit: that of the one that was cut off when it is gone on with."""
    if not resume and is_first():
        shutil.rmtree(unfinished, ignore_errors=True)
    if config.seed is None and (unfinished / _SEED).is_file():
        return int(json.loads((unfinished / _SEED).read_text(encoding="utf-8")))
    return config.seed if config.seed is not None else fresh_seed()


def sample_pictures(
    made: Model, n: int, out: Path, *, where: Any, seed: int | None, force: bool, run: Run | None
) -> tuple[Path, ...]:
    """Draw pictures from a model and write them.

    Raises
    ------
    UsageError
        ``sample/bad-n``.
    """
    if n < 1:
        raise UsageError("sample/bad-n", n=n)
    if not force:
        refuse_taken(out, "images.csv")
    drawn: ImageSet = made.core.sample(n, where=where, seed=seed, run=run)
    return write_pictures(drawn, out)


def alter_pictures(
    model: Path,
    source: str,
    out: Path,
    *,
    image: ImageConfig,
    knowingly: bool = False,
    seed: int | None = None,
    force: bool = False,
    run: Run | None = None,
) -> tuple[Path, ...]:
    """Send the pictures of a source through a saved stage and write what comes out.

    Pictures from files are taken for real: who drew them is not known.

    Raises
    ------
    UsageError
        ``synthesizer/cannot``: the model draws and alters nothing.
    DataError
        ``image/real-input`` unless `knowingly`: then the pictures say of themselves that they are altered real ones.
    """
    made = load_model(model)
    name = registered_name(type(made))
    if not hasattr(made, "apply"):
        raise UsageError("synthesizer/cannot", where=name, name=name, wanted="alter", able="image.superres")
    if not force:
        refuse_taken(out, "images.csv")
    scenes: Literal["yes", "no"] = "yes" if getattr(made, "paints_parts", False) else "no"
    asked = image if image.scenes != "auto" else replace(image, scenes=scenes)
    data = read_pictures(source, how_of(asked), run=run)
    return write_pictures(made.apply(data, seed=seed, knowingly=knowingly, run=run), out)


__all__ = [
    "alter_pictures",
    "fit_pictures",
    "of_pictures",
    "prove_pictures",
    "sample_pictures",
]
