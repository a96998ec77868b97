"""The library's verbs for pictures: what `face` and `parts` do when they are given pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthproof.core.errors import DataError, UsageError
from synthproof.core.evidence import Statement
from synthproof.core.files import refuse_taken, write_text
from synthproof.core.models import recipe_of, save_model
from synthproof.core.random import derive, fresh_seed
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run, is_first, processes
from synthproof.core.schema import Purpose
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import How, is_image_source, read_images
from synthproof.data.image.labels import labels_file
from synthproof.data.image.write import write_images
from synthproof.data.split import FEWEST_UNITS, Split
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.pipeline.budget import Budget
from synthproof.pipeline.config import RunConfig
from synthproof.pipeline.image_road import (
    FAST_NOTICE,
    budget_in_pictures,
    check_picture_settings,
    fast_minutes,
    how_of,
    image_policy,
    losses_of,
    policy_notice,
    scan_of,
)
from synthproof.pipeline.judging import check_purpose, check_repeats, complete_purpose, prove
from synthproof.pipeline.model import PICTURES, Model
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
) -> tuple[Proof, ImageSet]:
    """Return the proof of synthetic pictures of any tool, and the pictures; see `face.verify`.

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
    theirs = _own_table(replace(known, side=train.chain.side))
    earlier = [as_train(read_images(a, theirs, run=run), train) for a in also]
    wanted = purpose or Purpose()
    check_purpose(wanted, train.schema)
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
        losses=losses_of(model.core, train, unseen, run) if model and unseen is not None else None,
        released=earlier,
        record={"scan": {"images": scan_of(train)}},
        statements=statements,
        notices=policy_notice(policy),
        gates=gates,
        full=full,
        run=run,
    )
    assert rules.id == proof.verdict.policy
    return proof, drawn


def read_sides(
    real: Any, synthetic: Any, holdout: Any, known: How, run: Run | None
) -> tuple[ImageSet, ImageSet | None, ImageSet]:
    """Return train, holdout if there is one, and synthetic pictures, all through one chain."""
    free = known.side == 0 and not isinstance(real, Split | ImageSet)
    train = real.train if isinstance(real, Split) else read_images(real, known, run=run)
    found = read_images(synthetic, _own_table(known if free else replace(known, side=train.chain.side)), run=run)
    if found.chain.side < train.chain.side and free:
        train = read_images(real, replace(known, side=found.chain.side), run=run)
    elif found.chain.side != train.chain.side:
        found = read_images(synthetic, _own_table(replace(known, side=train.chain.side)), run=run)
    if isinstance(real, Split):
        return train, real.holdout, found
    unseen = None
    if holdout is not None:
        same = replace(known, side=train.chain.side)
        alone = isinstance(holdout, str | Path) and Path(holdout).is_dir() and labels_file(Path(holdout)) is not None
        unseen = read_images(holdout, replace(same, labels="") if alone else same, run=run)
        check_unseen_pictures(train, unseen)
    return train, unseen, found


def _own_table(how: How) -> How:
    """Return how pictures of another folder are read: by the table that lies there, and they are of nobody."""
    return replace(how, labels="", person="", part="")


def check_unseen_pictures(train: ImageSet, holdout: ImageSet) -> None:
    """Refuse a holdout that is too small to say anything, or that shares more than a twentieth of its pictures with train.

    Raises
    ------
    DataError
        ``verify/holdout-too-small``, ``image/holdout-overlaps``, ``image/chains-differ``.
    """
    if len(holdout) < FEWEST_UNITS // 2:
        raise DataError("verify/holdout-too-small", where=holdout.origin.name, n=len(holdout), least=FEWEST_UNITS // 2)
    _same_chain(holdout, train)
    known = set(train.digests())
    met = sum(d in known for d in holdout.digests())
    if met > 0.05 * holdout.n_rows:
        raise DataError("image/holdout-overlaps", where=holdout.origin.name, n=met, of=holdout.n_rows)


def _same_chain(data: ImageSet, train: ImageSet) -> None:
    a, b = data.chain, train.chain
    if (a.side, a.channels, a.bits) != (b.side, b.channels, b.bits):
        raise DataError(
            "image/chains-differ", where=data.origin.name, found=f"{a.side} px × {a.channels}, {a.bits} bit",
            wanted=f"{b.side} px × {b.channels}, {b.bits} bit",
        )  # fmt: skip


def as_train(drawn: ImageSet, train: ImageSet) -> ImageSet:
    """Return drawn pictures whose classes are those of train, in its order."""
    _same_chain(drawn, train)
    frame, fields = {}, []
    for f in train.schema.fields:
        if f.has("unit") or f.name not in drawn.schema:
            continue
        column = drawn.frame[f.name]
        frame[f.name] = (
            column.astype("str").astype(canonical_dtype(f)) if f.levelled and f.kind != "boolean" else column
        )
        fields.append(f)
    schema = replace(train.schema, fields=tuple(fields), unit="image")
    return drawn.with_labels(Table(pd.DataFrame(frame), schema, origin=drawn.origin))


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
    images = read_images(config.source, how_of(config), run=run)
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
    if own and is_first():
        write_text(unfinished / _SEED, json.dumps(seed))
    try:
        core.fit(done.parts.train, run=run)
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
    return write_images(drawn, out)


__all__ = ["as_train", "check_unseen_pictures", "fit_pictures", "of_pictures", "prove_pictures", "read_sides"]
__all__ += ["sample_pictures"]
