"""The library's verbs for pictures: what `face` and `parts` do when they are given pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from synthproof.core.errors import DataError, UsageError
from synthproof.core.evidence import Statement
from synthproof.core.files import refuse_taken
from synthproof.core.models import load_model, recipe_of, registered_name, save_model
from synthproof.core.random import derive, fresh_seed
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.core.schema import Purpose
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import How, is_image_source
from synthproof.data.image.scenes import Scenes
from synthproof.data.image.scenes_io import read_pictures, write_pictures
from synthproof.data.split import FEWEST_UNITS, Split
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.pipeline.budget import Budget, refuse_larger
from synthproof.pipeline.config import RunConfig
from synthproof.pipeline.image_road import image_policy, losses_of, policy_notice, scan_of
from synthproof.pipeline.judging import check_purpose, check_repeats, complete_purpose, prove
from synthproof.pipeline.model import PICTURES, Model
from synthproof.pipeline.picture_costs import PictureSize, picture_estimate
from synthproof.pipeline.reading import how_of
from synthproof.pipeline.stage_config import ImageConfig
from synthproof.policy.load import load_policy
from synthproof.protection.pictures import IMAGE_STEPS, protect_pictures
from synthproof.verification.proof import GeneratorFacts, Proof


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

    Raises
    ------
    DataError
        ``image/chains-differ``: the pictures have another size, depth or number of channels than the real ones, so that
        every number would measure the way they were scaled. ``verify/holdout-too-small``, ``image/holdout-overlaps``.
    """
    check_repeats(repeats)
    rules = load_policy(image_policy(policy))
    known = how or How(targets=tuple(target.split(",")) if target else ())
    if isinstance(real, Split):
        train, unseen = real.train, real.holdout
    else:
        train = read_pictures(real, known, run=run)
        known = _alike(known, train)
        unseen = None if holdout is None else read_pictures(holdout, known, run=run)
        if unseen is not None:
            check_unseen_pictures(train, unseen)
    known = _alike(known, train)
    drawn = as_train(read_pictures(synthetic, known, run=run), train)
    earlier = [as_train(read_pictures(a, known, run=run), train) for a in also]
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


def _alike(how: How, train: ImageSet) -> How:
    """Return how further pictures are read: at the side of train, each with the labels and boxes that lie beside it."""
    return replace(
        how, side=train.chain.side, labels="", boxes="", part="", scenes="auto" if how.scenes != "no" else "no"
    )


def check_unseen_pictures(train: ImageSet, holdout: ImageSet) -> None:
    """Refuse a holdout that is too small to say anything, or that shares persons or a twentieth of its pictures with train.

    Raises
    ------
    DataError
        ``verify/holdout-too-small``, ``image/holdout-overlaps``, ``image/holdout-shares-persons``, ``image/chains-differ``.
    """
    if len(holdout) < FEWEST_UNITS // 2:
        raise DataError("verify/holdout-too-small", where=holdout.origin.name, n=len(holdout), least=FEWEST_UNITS // 2)
    _same_chain(holdout, train)
    known = set(train.digests())
    met = sum(d in known for d in holdout.digests())
    if met > 0.05 * holdout.n_rows:
        raise DataError("image/holdout-overlaps", where=holdout.origin.name, n=met, of=holdout.n_rows)
    shared = len(_persons(train) & _persons(holdout))
    if shared:
        raise DataError("image/holdout-shares-persons", where=holdout.origin.name, n=shared, of=len(holdout))


def _persons(images: ImageSet) -> set[str]:
    """Return whose the pictures are, where that is known."""
    name = images.schema.unit_field
    return set() if name is None else set(images.frame[name].dropna().astype(str))


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
    if isinstance(drawn, Scenes) and isinstance(train, Scenes):
        more = [n for n in drawn.part_classes if n not in train.part_classes]
        drawn = drawn.with_part_classes([*train.part_classes, *more])
    return drawn.with_labels(Table(pd.DataFrame(frame), schema, origin=drawn.origin))


def fit_pictures(config: RunConfig, out: Path, run: Run | None) -> Model:
    """Learn from all pictures of a source after protection, and save the model."""
    name = PICTURES if config.fit.synthesizer == "auto" else config.fit.synthesizer
    maker = synthesizers.make(name, **dict(config.fit.parameters))  # a wrong parameter is told before anything is read
    images = read_pictures(config.source, how_of(config.image, config.target, maker), run=run)
    seed = config.seed if config.seed is not None else fresh_seed()
    default = RunConfig().protect.steps
    asked = tuple(s for s in config.protect.steps if s != "none")
    none = images.take(np.empty(0, dtype=np.intp))
    everyone = np.arange(len(images), dtype=np.intp)
    parts = Split(train=images, holdout=none, train_units=everyone, holdout_units=none.at, seed=seed, fraction=0.0)
    steps = IMAGE_STEPS if asked == default else asked
    done = protect_pictures(parts, steps, seed=derive(seed, "protect"), parameters=config.protect.parameters, run=run)
    given = dict(config.fit.parameters)
    budget = Budget.of(config.budget, config.memory)
    if budget.seconds is not None and "minutes" in synthesizers.get(name).param_names():
        given = {"minutes": budget.left.seconds / 60, **given}
    core = synthesizers.make(name, random_state=derive(seed, "fit"), **given)
    train: ImageSet = done.parts.train
    expected = picture_estimate(name, PictureSize.of(train.n_rows, train.chain), core.get_params(), run=run)
    expected.tell(run)
    refuse_larger(name, expected, budget)
    core.fit(train, run=run)
    save_model(core, out)
    return Model(core, name, told=done.notices)


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
    scenes: Literal["yes", "no"] = "yes" if name == "image.semantic" else "no"  # it paints over the boxes of scenes
    asked = image if image.scenes != "auto" else replace(image, scenes=scenes)
    data = read_pictures(source, how_of(asked), run=run)
    return write_pictures(made.apply(data, seed=seed, knowingly=knowingly, run=run), out)


__all__ = [
    "alter_pictures",
    "as_train",
    "check_unseen_pictures",
    "fit_pictures",
    "of_pictures",
    "prove_pictures",
    "sample_pictures",
]
