"""The whole road for pictures: the same stages, records and verdict as for tables; only what a stage handles differs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from synthproof.core.errors import DataError, UsageError
from synthproof.core.files import whole_folder, write_text
from synthproof.core.fingerprint import digest_file, digest_json
from synthproof.core.models import load_model, recipe_of, save_model
from synthproof.core.random import derive
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.io import How, is_image_source, read_images
from synthproof.data.image.scenes_io import write_pictures
from synthproof.data.image.write import write_numbered
from synthproof.data.table.io import notices
from synthproof.dossier.assemble import write_dossier
from synthproof.metrics.image.membership import MOST as MOST_LOSSES
from synthproof.metrics.image.reading import rows_of
from synthproof.pipeline.budget import Plan, refuse_larger
from synthproof.pipeline.config import RunConfig
from synthproof.pipeline.contact_sheet import keep_private
from synthproof.pipeline.images import load_images, read_into, save_images
from synthproof.pipeline.judging import check_purpose, facts_of, generator_facts, prove
from synthproof.pipeline.model import PICTURES
from synthproof.pipeline.picture_costs import PictureSize, picture_estimate
from synthproof.pipeline.reading import how_of, own_pictures
from synthproof.pipeline.road import Road
from synthproof.policy.load import load_policy
from synthproof.protection.pictures import IMAGE_STEPS, protect_pictures

TABLE_POLICIES = {"pipc_2024": "image", "public": "image", "partner": "image", "internal": "image"}
"""What a policy for tables becomes where nothing else was asked for."""
PICTURES_FOLDER = "pictures"
"""Folder of the vault with the synthetic pictures as a release carries them."""
_FAST_MINUTES = 3.0
_IN_PICTURES = re.compile(r"([0-9][0-9_,]*(?:\.[0-9]+)?) ?([kKmM천만]?) ?(?:images?|장)")
_TIMES = {"": 1, "k": 1_000, "천": 1_000, "만": 10_000, "m": 1_000_000}
_FIT_SHARE = 0.6

OTHER_POLICY = Words(
    en="The policy {asked} holds rules for tables; the images were judged by the policy {used}, whose limits are ours.",
    ko="정책 {asked}은(는) 표를 위한 규칙이므로, 이미지는 자체 한계를 담은 정책 {used}로 판정했습니다.",
)

FAST_NOTICE = Words(
    en="This is a quick look (--fast): the network learned for three minutes. Run without --fast before anything is released.",
    ko="빠른 미리 보기(--fast)로 3분만 학습하였습니다. 반출 전에는 --fast 없이 다시 실행하십시오.",
)


def road_for(config: RunConfig, *, source: Any = None, run: Run | None = None) -> Road:
    """Return the road that a source travels: that of pictures or that of tables."""
    given = source if source is not None else config.source
    kind = ImageRoad if is_image_source(given) else Road
    return kind(config, source=source, run=run)


def image_policy(name: str) -> str:
    """Return the policy for pictures that a policy's name stands for."""
    return TABLE_POLICIES.get(name, name)


def policy_notice(name: str) -> tuple[Words, ...]:
    """Return what must be said when a policy for tables was asked for."""
    used = image_policy(name)
    return () if used == name else (OTHER_POLICY.filled(asked=name, used=used),)


def fast_minutes(config: RunConfig, name: str) -> dict[str, Any]:
    """Return what a quick look gives a generator of pictures."""
    return {"minutes": _FAST_MINUTES} if config.fit.fast and "minutes" in synthesizers.get(name).param_names() else {}


def budget_in_pictures(config: RunConfig) -> RunConfig:
    """Return a configuration whose budget such as ``200000 images`` became the generator's own setting.

    Raises
    ------
    UsageError
        ``image/no-image-budget``: the generator does not learn by steps.
    """
    found = _IN_PICTURES.fullmatch(config.budget.strip())
    if found is None or ("." in found[1] and not found[2]):  # no part of an image: 200.000 may mean two numbers
        return config
    name = PICTURES if config.fit.synthesizer == "auto" else config.fit.synthesizer
    if "images" not in synthesizers.get(name).param_names():
        raise UsageError("image/no-image-budget", where=name)
    count = round(float(found[1].replace(",", "").replace("_", "")) * _TIMES[found[2].lower()])
    given = {"images": count, **config.fit.parameters}
    return replace(config, budget="", fit=replace(config.fit, parameters=given))


def check_picture_settings(config: RunConfig) -> None:
    """Refuse settings that speak of tables: silently ignored, they would be taken for done.

    Raises
    ------
    UsageError
        ``image/table-setting``.
    """
    read, given = config.read, {"fit.row_wise": config.fit.row_wise}
    given |= {f"read.{n}": getattr(read, n) for n in ("schema", "query", "table", "rules", "learn_rules")}
    for name, value in given.items():
        if value:
            raise UsageError("image/table-setting", where=name)


class ImageRoad(Road):
    """One run of pictures over one workspace; see `Road`."""

    def __init__(self, config: RunConfig, *, source: Any = None, run: Run | None = None) -> None:
        check_picture_settings(config)
        config = budget_in_pictures(config)
        asked = config.verify.policy
        config = replace(config, verify=replace(config.verify, policy=image_policy(asked)))
        super().__init__(config, source=source, run=run)
        self._instead = policy_notice(asked)

    def _settings(self, stage: str) -> Any:
        settings = self.config.to_dict()
        if stage == "read":
            digest, how = _digest(self.load.source), self._how
            return {**settings["image"], "scenes": how.scenes, "source": digest, "target": settings["target"]}
        return super()._settings(stage)

    def _plan(self) -> None:
        """Give learning its share of the budget; without one it takes what the generator takes by itself."""
        fit = self.config.fit
        quick = fast_minutes(self.config, self._generator)
        given: dict[str, Any] = {**quick, **fit.parameters}
        notices: tuple[Words, ...] = (FAST_NOTICE,) if quick else ()
        takes = synthesizers.get(self._generator).param_names()
        if self.budget.seconds is not None and "minutes" in takes:
            given = {"minutes": max(0.05, self.budget.left.seconds * _FIT_SHARE / 60), **given}
        assert self.load.table is not None
        n = self.load.table.n_rows
        drawn = self.config.sample.n if self.config.sample.n is not None else n
        known = synthesizers.make(self._generator, **given).get_params()
        size = PictureSize.of(n, self.load.table.chain)
        estimate = picture_estimate(
            self._generator, size, known, protect=True, draw=max(1, drawn), verify=max(1, drawn), run=self.run
        )
        estimate.tell(self.run)
        refuse_larger(self._generator, estimate, self.budget)
        self.load.plan = Plan(estimate, n, self.config.verify.repeats, given, notices)
        self.load.notices = (*self.load.notices, *(w.to_dict() for w in notices))

    @property
    def _generator(self) -> str:
        name = self.config.fit.synthesizer
        return PICTURES if name == "auto" else name

    @property
    def _how(self) -> How:
        maker = synthesizers.make(self._generator, **dict(self.config.fit.parameters))
        return how_of(self.config.image, self.config.target, maker)

    # stages -----------------------------------------------------------------------------------------------

    def _do_read(self) -> tuple[list[Path], dict[str, Any]]:
        vault = self.workspace.vault

        def read(store: Path) -> ImageSet:
            found = own_pictures(self.load.source, self._how, store=store, run=self.run)
            check_purpose(self.config.purpose, found.schema)
            return found

        images = self.load.table = read_into(vault / "source", read)
        self.load.scan = {"images": scan_of(images)}
        write_text(vault / "scan.json", json.dumps(self.load.scan, ensure_ascii=False, indent=1))
        told = [{"en": n.text("en"), "ko": n.text("ko")} for n in notices(images.labels)]
        self.load.notices = (*(w.to_dict() for w in self._instead), *told)
        return [vault / "source", vault / "scan.json"], {"notices": list(self.load.notices)}

    def _load_read(self, facts: Mapping[str, Any]) -> None:
        self.load.notices = tuple(facts["notices"])
        self.load.table = load_images(self.workspace.vault / "source")
        self.load.scan = json.loads((self.workspace.vault / "scan.json").read_text(encoding="utf-8"))

    def _do_protect(self) -> tuple[list[Path], dict[str, Any]]:
        assert self.load.parts is not None
        asked = [s for s in self.config.protect.steps if s != "none"]
        default = RunConfig().protect.steps
        steps = list(IMAGE_STEPS) if tuple(asked) == tuple(default) else asked
        done = protect_pictures(
            self.load.parts,
            steps,
            seed=derive(self.seed, "protect"),
            parameters=self.config.protect.parameters,
            run=self.run,
        )
        self.load.parts, self.load.receipts = done.parts, done.receipts
        own = [n.to_dict() for n in done.notices]
        self.load.notices = (*self.load.notices, *own)
        vault = self.workspace.vault
        for name, part in (("train", done.parts.train), ("holdout", done.parts.holdout)):
            kept = part.store is self.load.table.store if self.load.table is not None else False
            save_images(vault / name, part, store=vault / "source" if kept else None)
        write_text(vault / "receipts.json", json.dumps(list(done.receipts), ensure_ascii=False, indent=1))
        return [vault / "train", vault / "holdout", vault / "receipts.json"], {"notices": own}

    def _load_protect(self, facts: Mapping[str, Any]) -> None:
        assert self.load.parts is not None
        vault = self.workspace.vault
        train, holdout = load_images(vault / "train"), load_images(vault / "holdout")
        self.load.parts = replace(self.load.parts, train=train, holdout=holdout)
        self.load.notices = (*self.load.notices, *facts["notices"])
        self.load.receipts = tuple(json.loads((vault / "receipts.json").read_text(encoding="utf-8")))

    def _do_fit(self) -> tuple[list[Path], dict[str, Any]]:
        assert self.load.parts is not None
        assert self.load.plan is not None
        given = dict(self.load.plan.parameters)
        if "checkpoint" in synthesizers.get(self._generator).param_names():
            given.setdefault("checkpoint", str(self.workspace.vault / "checkpoint"))
        model = synthesizers.make(self._generator, random_state=derive(self.seed, "fit"), **given)
        self.load.model = model.fit(self.load.parts.train, run=self.run)
        if "checkpoint" in given:
            self.load.model.set_params(checkpoint="")  # where the vault lies is nobody's business
        folder = self.workspace.vault / "model"
        save_model(self.load.model, folder)
        return [folder], {}

    def _load_fit(self, facts: Mapping[str, Any]) -> None:
        self.load.model = load_model(self.workspace.vault / "model")

    def _do_sample(self) -> tuple[list[Path], dict[str, Any]]:
        assert self.load.table is not None
        n = self.config.sample.n if self.config.sample.n is not None else self.load.table.n_rows
        if n < 1:
            raise UsageError("sample/bad-n", n=n)
        if self.config.sample.drop_copies or self.config.sample.cap_remedy:
            raise UsageError("image/no-refinement")
        drawn: ImageSet = self.load.model.sample(n, seed=derive(self.seed, "sample"), run=self.run)
        if drawn.n_rows == 0:
            raise DataError("sample/nothing-left", n=n)
        vault = self.workspace.vault
        save_images(vault / "synthetic", drawn)
        self.load.synthetic = load_images(vault / "synthetic")
        written = write_pictures(drawn, vault / "synthetic-images")
        write_text(vault / "refinements.json", "[]")
        return [vault / "synthetic", *written, vault / "refinements.json"], {}

    def _load_sample(self, facts: Mapping[str, Any]) -> None:
        self.load.synthetic = load_images(self.workspace.vault / "synthetic")
        self.load.refinements = ()

    def _do_verify(self) -> tuple[list[Path], dict[str, Any]]:
        assert self.load.parts is not None
        assert self.load.table is not None
        assert self.load.synthetic is not None
        settings = {k: v for k, v in self.config.to_dict().items() if k not in _NOT_TOLD}
        proof = prove(
            self.load.parts.train,
            self.load.synthetic,
            self.load.parts.holdout,
            purpose=self._purpose(),
            policy=self.config.verify.policy,
            seed=derive(self.seed, "verify"),
            repeats=self.config.verify.repeats,
            generator=generator_facts(
                self.load.model, self._generator, seconds=self.seconds, notices=self.load.notices
            ),
            recipe=recipe_of(self.load.model),
            losses=losses_of(
                self.load.model,
                self.load.parts.train,
                self.load.parts.holdout,
                self.run,
                full=self.config.verify.full,
            ),
            source=facts_of(self.load.table),
            record={
                "receipts": self.load.receipts,
                "refinements": self.load.refinements,
                "scan": self.load.scan,
                "settings": {"stages": settings},
                "seconds": dict(self.seconds),
            },
            statements=self.statements,
            gates=self.config.verify.gates,
            full=self.config.verify.full,
            run=self.run,
        )
        self.load.proof, kept = keep_private(self.workspace.vault, proof, self.load.synthetic, self.load.parts.train)
        return kept, {}

    def _do_report(self) -> tuple[list[Path], dict[str, Any]]:
        assert self.load.proof is not None
        assert self.load.synthetic is not None
        pictures = self.workspace.vault / PICTURES_FOLDER
        write_dossier(
            self.workspace.dossier,
            self.load.proof,
            synthetic=self.load.synthetic,
            policy_text=load_policy(self.config.verify.policy).text,
            images=release_pictures(pictures, self.load.synthetic),
            lang=self.config.lang or "ko",
            run=self.run,
        )
        return [self.workspace.dossier, pictures], {}


def release_pictures(folder: Path, drawn: ImageSet) -> dict[str, str]:
    """Write drawn pictures one by one as a release carries them, and return their names and digests.

    Names are numbers: row i of the label table is picture ``{i:08d}.png``.
    """
    with whole_folder(folder) as part:
        write_numbered(drawn, part)
    return {p.name: digest_file(p) for p in sorted(folder.glob("*.png"))}


def scan_of(images: ImageSet) -> dict[str, Any]:
    """Return what is known of pictures before anything is changed: sizes, their chain, and what the files carried."""
    sizes = {"n": images.n_rows, "units": len(images), "chain": images.chain.to_dict()}
    return {**dict(images.origin.options.get("intake", {})), **sizes}


def losses_of(
    model: Any, train: ImageSet, holdout: ImageSet, run: Run | None, *, full: bool = False
) -> dict[str, Any] | None:
    """Return the loss of pictures of both sides under the model, for attacks by loss; ``None`` when it tells none.

    Parameters
    ----------
    full
        Whether every picture is looked at. Else up to 4,000 a side, of whole units drawn at random: as many as are
        attacked, for a loss takes eight evaluations of the network. The others' losses are not a number.
    """
    if not hasattr(model, "unit_loss"):
        return None
    out: dict[str, Any] = {}
    for side, images in (("train", train), ("holdout", holdout)):
        most = images.n_rows if full else MOST_LOSSES
        rows = rows_of(images, most, model.seed_, f"losses/{side}")
        out[side] = np.full(images.n_rows, np.nan)
        out[side][rows] = model.unit_loss(images if len(rows) == images.n_rows else images.take_rows(rows), run=run)
    return out


def _digest(source: Any) -> str:
    if isinstance(source, ImageSet):
        return source.fingerprint()
    if isinstance(source, Mapping):
        return read_images(source).fingerprint()
    path = Path(source)
    if path.is_file():
        return digest_file(path)
    listed = [
        (p.relative_to(path).as_posix(), p.stat().st_size, p.stat().st_mtime_ns)
        for p in sorted(path.rglob("*"))
        if p.is_file()
    ]
    return digest_json(listed)


_NOT_TOLD = {"seed", "out", "purpose", "lang", "source", "read", "image", "statements", "executor", "workers"}

__all__ = [
    "FAST_NOTICE",
    "ImageRoad",
    "budget_in_pictures",
    "check_picture_settings",
    "fast_minutes",
    "image_policy",
    "losses_of",
    "policy_notice",
    "release_pictures",
    "road_for",
    "scan_of",
]
