"""The whole road: read, split, protect, fit, sample, verify, report; each stage leaves whole files or none."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from synthproof.core.errors import DataError, UsageError, WorkspaceError
from synthproof.core.evidence import Statement
from synthproof.core.files import refuse_url, whole_folder, write_text
from synthproof.core.models import load_model, recipe_of, save_model
from synthproof.core.random import derive, fresh_seed
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.data.split import Split, split
from synthproof.data.table.dataset import Table
from synthproof.data.table.io import notices, read_table, with_target, write_table
from synthproof.data.table.schema_file import load_schema, save_schema
from synthproof.dossier.assemble import read_dossier, write_dossier
from synthproof.engines.threads import one_blas_thread
from synthproof.pipeline.budget import Budget, plan_of, refuse_to_hold, thinned
from synthproof.pipeline.config import RunConfig, check_parameters, load_statements
from synthproof.pipeline.environment import peak_memory
from synthproof.pipeline.journey import Arrival, Load
from synthproof.pipeline.judging import (
    check_purpose,
    check_repeats,
    complete_purpose,
    facts_of,
    generator_facts,
    prove,
    removed_columns,
    repeated,
)
from synthproof.pipeline.lock import only_one
from synthproof.pipeline.private import check_private
from synthproof.pipeline.quick import generator_of
from synthproof.pipeline.rules import with_learned_rules, with_rules
from synthproof.pipeline.sources import source_digest, stem
from synthproof.pipeline.tables import load_table, save_table
from synthproof.pipeline.workspace import Workspace, stage_key
from synthproof.policy.load import load_policy
from synthproof.protection.apply import apply
from synthproof.protection.scan import propose, require_basis, scan
from synthproof.verification.proof import Proof
from synthproof.verification.refine import cap_remedy, drop_exact_copies

STAGES = ("read", "split", "protect", "fit", "sample", "verify", "report")


class Road:
    """One run over one workspace.

    Parameters
    ----------
    config
        All settings; `config.source` may be left empty when `source` is given.
    source
        A data frame instead of a file.
    run
        Progress, cancelling, workers.
    """

    def __init__(self, config: RunConfig, *, source: Any = None, run: Run | None = None) -> None:
        refuse_url(Path(config.out))
        if source is None and not config.source:
            raise UsageError("config/wrong-type", where="source", wanted=_SOURCE, type="-")
        self.config = config
        self.run = run or Run()
        self.load = Load(source=source if source is not None else config.source)
        self.workspace = Workspace(Path(config.out or f"{stem(config.source)}-synthproof"))
        self.seconds: dict[str, float] = {}
        self.memory: dict[str, int] = {}
        self.seed = 0
        self.statements: tuple[Statement, ...] = ()
        self.budget = Budget()

    @one_blas_thread()
    def travel(self, *, resume: bool = False) -> Arrival:
        """Go through all stages; with `resume`, take whole stages of an earlier run as they are.

        Raises
        ------
        SynthproofError
            Whatever a stage raises; earlier whole stages stay for ``--resume``.
        """
        check_repeats(self.config.verify.repeats)
        check_parameters(self.config)
        self.budget = Budget.of(self.config.budget, self.config.memory)
        refuse_to_hold(self.load.source, self.budget)
        # A wrong policy or synthesizer name must not cost a whole fit before it is noticed.
        load_policy(self.config.verify.policy)
        self.statements = load_statements(Path(self.config.statements)) if self.config.statements else ()
        check_private(self.config)
        with only_one(self.workspace.root):
            self.workspace.open(resume=resume)
            try:
                return self._travel(resume)
            finally:
                if "read" not in self.seconds:
                    self.workspace.restore()

    def _travel(self, resume: bool) -> Arrival:
        self._settle_seed(resume)
        key = ""
        for at, stage in enumerate(STAGES):
            self.run.tick("run", at, len(STAGES), stage=stage)
            if stage == "protect":
                self._plan()  # what cannot be kept is refused before anything takes long
            key = stage_key(stage, self._settings(stage), key)
            facts = self.workspace.whole(stage, key) if resume else None
            if facts is None and resume and stage == "read" and self.workspace.has(stage):
                changed = Words(en="the source or how it is read", ko="원본 또는 읽기 설정")
                raise WorkspaceError("workspace/another-run", where=str(self.workspace.root), changed=changed)
            started = time.perf_counter()
            if facts is not None:
                getattr(self, f"_load_{stage}")(facts)
                self.seconds[stage] = float(facts.get("seconds", 0.0))
                continue
            self.workspace.forget_after(STAGES[at:])
            files, told = getattr(self, f"_do_{stage}")()
            self.seconds[stage] = round(time.perf_counter() - started, 3)
            self.memory[stage] = peak_memory()
            if stage == "read":
                self.workspace.let_go()
            self.workspace.finish(stage, key, files, {**told, "seconds": self.seconds[stage]})
        self.run.tick("run", len(STAGES), len(STAGES), stage="done")
        assert self.load.proof is not None
        return Arrival(self.load.proof, self.workspace.root, dict(self.seconds), peak_memory())

    def _plan(self) -> None:
        """Estimate all that is left, say it, and make it fit the budget or refuse it."""
        assert self.load.parts is not None
        assert self.load.table is not None
        n = self.config.sample.n if self.config.sample.n is not None else self._default_n(self.load.table)
        self.load.plan = plan_of(self.config, self.load.parts.train, self.budget, draw=max(1, n), run=self.run)
        self.load.notices = (*self.load.notices, *(w.to_dict() for w in self.load.plan.notices))

    # settings ---------------------------------------------------------------------------------------------

    def _settle_seed(self, resume: bool) -> None:
        path = self.workspace.vault / "seed.json"
        earlier = self.workspace.seed if resume else None
        if earlier is not None:
            if self.config.seed is not None and self.config.seed != earlier:
                raise WorkspaceError("workspace/another-run", where=str(self.workspace.root), changed="seed")
            self.seed = earlier
            return
        self.seed = self.config.seed if self.config.seed is not None else fresh_seed()
        write_text(path, json.dumps({"seed": self.seed}))

    def _settings(self, stage: str) -> Any:
        settings = self.config.to_dict()
        own = settings.get(stage, {})
        if stage == "read":
            return {**own, "source": source_digest(self.load.source), "target": settings["target"]}
        if stage == "protect":
            learn = settings["read"]["learn_rules"]
            return {**own, "seed": self.seed, "purpose": settings["purpose"], "learn_rules": learn}
        if stage == "verify":
            said = [s.to_dict() for s in self.statements]
            policy = load_policy(self.config.verify.policy).digest
            return {**own, "policy_digest": policy, "statements": said, **self._bounds()}
        if stage == "fit":
            own = {**own, **self._bounds()}
        return {**own, "seed": self.seed, "lang": settings["lang"] if stage == "report" else ""}

    def _bounds(self) -> dict[str, str]:
        """Return the budget as it was given, if there is one: a stage made under another one is not this run's."""
        return {k: v for k, v in (("budget", self.config.budget), ("memory", self.config.memory)) if v}

    # stages -----------------------------------------------------------------------------------------------

    def _do_read(self) -> tuple[list[Path], dict[str, Any]]:
        read = self.config.read
        schema = load_schema(Path(read.schema)) if read.schema else None
        table = read_table(self.load.source, schema=schema, query=read.query or None, table=read.table or None)
        if self.config.target:
            table = table.with_schema(with_target(table.schema, self.config.target))
        table, counted = with_rules(table, read)
        check_purpose(self.config.purpose, table.schema)
        found = scan(table, purpose=self.config.purpose, run=self.run)
        require_basis(found, self.config.purpose)
        proposal = propose(found, table.schema, self.config.purpose)
        self.load.table = table
        self.load.scan = {**found.to_dict(), "proposal": proposal.to_dict()}
        vault = self.workspace.vault
        save_table(vault / "source", table)
        save_schema(table.schema, vault / "schema.toml")
        write_text(vault / "scan.json", json.dumps(self.load.scan, ensure_ascii=False, indent=1))
        told = (*notices(table), *repeated(table))
        texts = [{"en": n.text("en"), "ko": n.text("ko")} for n in told]
        self.load.notices = (*texts, *(words.to_dict() for words in counted))
        return [vault / "source", vault / "schema.toml", vault / "scan.json"], {"notices": list(self.load.notices)}

    def _load_read(self, facts: Mapping[str, Any]) -> None:
        self.load.notices = tuple(facts["notices"])
        self.load.table = load_table(self.workspace.vault / "source")
        self.load.scan = json.loads((self.workspace.vault / "scan.json").read_text(encoding="utf-8"))

    def _do_split(self) -> tuple[list[Path], dict[str, Any]]:
        assert self.load.table is not None
        target = next(iter(self.load.table.schema.with_role("target")), None)
        self.load.parts = split(
            self.load.table, holdout=self.config.split.holdout, seed=derive(self.seed, "split"), stratify=target
        )
        parts = self.load.parts
        folder = self.workspace.vault / "split"
        with whole_folder(folder) as part:
            np.savez(part / "units.npz", train=parts.train_units, holdout=parts.holdout_units)
        return [folder], {"fraction": parts.fraction, "stratified_by": parts.stratified_by}

    def _load_split(self, facts: Mapping[str, Any]) -> None:
        assert self.load.table is not None
        with np.load(self.workspace.vault / "split" / "units.npz", allow_pickle=False) as stored:
            train, holdout = stored["train"], stored["holdout"]
        self.load.parts = Split(
            train=self.load.table.take(train),
            holdout=self.load.table.take(holdout),
            train_units=train,
            holdout_units=holdout,
            seed=derive(self.seed, "split"),
            fraction=float(facts["fraction"]),
            stratified_by=str(facts["stratified_by"]),
        )

    def _do_protect(self) -> tuple[list[Path], dict[str, Any]]:
        assert self.load.parts is not None
        steps = [s for s in self.config.protect.steps if s != "none"]
        protected = apply(
            self.load.parts,
            steps,
            purpose=self.config.purpose,
            seed=derive(self.seed, "protect"),
            parameters=self.config.protect.parameters,
            run=self.run,
        )
        self.load.parts, self.load.receipts = protected.parts, tuple(protected.receipts)
        learned: tuple[Words, ...] = ()
        if self.config.read.learn_rules:
            self.load.parts, learned = with_learned_rules(self.load.parts, run=self.run)
        own = [n.to_dict() for n in (*removed_columns(protected.receipts), *protected.notices, *learned)]
        self.load.notices = (*self.load.notices, *own)
        vault = self.workspace.vault
        save_table(vault / "train", self.load.parts.train)
        save_table(vault / "holdout", self.load.parts.holdout)
        write_text(vault / "receipts.json", json.dumps(list(self.load.receipts), ensure_ascii=False, indent=1))
        return [vault / "train", vault / "holdout", vault / "receipts.json"], {"notices": own}

    def _load_protect(self, facts: Mapping[str, Any]) -> None:
        assert self.load.parts is not None
        vault = self.workspace.vault
        self.load.parts = replace(
            self.load.parts, train=load_table(vault / "train"), holdout=load_table(vault / "holdout")
        )
        self.load.notices = (*self.load.notices, *facts["notices"])
        self.load.receipts = tuple(json.loads((vault / "receipts.json").read_text(encoding="utf-8")))

    def _do_fit(self) -> tuple[list[Path], dict[str, Any]]:
        assert self.load.parts is not None
        assert self.load.plan is not None
        plan, seed = self.load.plan, derive(self.seed, "fit")
        model = synthesizers.make(generator_of(self.config.fit), random_state=seed, **plan.parameters)
        learned = thinned(self.load.parts.train, plan, derive(seed, "rows"))
        self.load.model = model.fit(learned, run=self.run)
        folder = self.workspace.vault / "model"
        save_model(self.load.model, folder)
        return [folder], {}

    def _load_fit(self, facts: Mapping[str, Any]) -> None:
        self.load.model = load_model(self.workspace.vault / "model")

    def _do_sample(self) -> tuple[list[Path], dict[str, Any]]:
        assert self.load.table is not None
        assert self.load.parts is not None
        settings = self.config.sample
        n = settings.n if settings.n is not None else self._default_n(self.load.table)
        if n < 1:
            raise UsageError("sample/bad-n", n=n)
        seed = derive(self.seed, "sample")
        drawn: Table = self.load.model.sample(n, seed=seed, run=self.run)
        log: list[Mapping[str, Any]] = []
        if settings.drop_copies:

            def more(k: int) -> Table:
                spare: Table = self.load.model.sample(k, seed=derive(seed, "spare"), run=self.run)
                return spare

            drawn, entry = drop_exact_copies(drawn, self.load.parts.train, more)
            log.append(entry)
        if settings.cap_remedy:
            drawn, entry = cap_remedy(drawn, self.load.parts.train, self._purpose())
            log.append(entry)
        if drawn.n_rows == 0:
            raise DataError("sample/nothing-left", n=n)
        self.load.synthetic, self.load.refinements = drawn, tuple(log)
        vault = self.workspace.vault
        save_table(vault / "synthetic", drawn)
        written = write_table(drawn, vault / "synthetic")
        write_text(vault / "refinements.json", json.dumps(log, ensure_ascii=False, indent=1))
        return [vault / "synthetic", *written, vault / "refinements.json"], {}

    def _load_sample(self, facts: Mapping[str, Any]) -> None:
        vault = self.workspace.vault
        self.load.synthetic = load_table(vault / "synthetic")
        self.load.refinements = tuple(json.loads((vault / "refinements.json").read_text(encoding="utf-8")))

    def _do_verify(self) -> tuple[list[Path], dict[str, Any]]:
        assert self.load.parts is not None
        assert self.load.table is not None
        assert self.load.synthetic is not None
        name = getattr(self.load.model, "chosen_", generator_of(self.config.fit))
        proof = prove(
            self.load.parts.train,
            self.load.synthetic,
            self.load.parts.holdout,
            purpose=self._purpose(),
            policy=self.config.verify.policy,
            seed=derive(self.seed, "verify"),
            repeats=self.load.plan.repeats if self.load.plan is not None else self.config.verify.repeats,
            generator=generator_facts(self.load.model, name, seconds=self.seconds, notices=self.load.notices),
            recipe=recipe_of(self.load.model),
            source=facts_of(self.load.table),
            record={
                "receipts": self.load.receipts,
                "refinements": self.load.refinements,
                "scan": self.load.scan,
                "settings": {"stages": {k: v for k, v in self.config.to_dict().items() if k not in _NOT_TOLD}},
                "seconds": dict(self.seconds),
            },
            statements=self.statements,
            gates=self.config.verify.gates,
            full=self.config.verify.full,
            run=self.run,
        )
        self.load.proof = proof
        vault = self.workspace.vault
        text = json.dumps(proof.to_dict(private=True), ensure_ascii=False, indent=1)
        return [write_text(vault / "private.json", text)], {}

    def _load_verify(self, facts: Mapping[str, Any]) -> None:
        text = (self.workspace.vault / "private.json").read_text(encoding="utf-8")
        self.load.proof = Proof.from_dict(json.loads(text))

    def _do_report(self) -> tuple[list[Path], dict[str, Any]]:
        assert self.load.proof is not None
        assert self.load.synthetic is not None
        policy = load_policy(self.config.verify.policy)
        write_dossier(
            self.workspace.dossier,
            self.load.proof,
            synthetic=self.load.synthetic,
            policy_text=policy.text,
            lang=self.config.lang or "ko",
            run=self.run,
        )
        return [self.workspace.dossier], {}

    def _load_report(self, facts: Mapping[str, Any]) -> None:
        read_dossier(self.workspace.dossier)

    def _purpose(self) -> Purpose:
        assert self.load.parts is not None
        schema: Schema = self.load.parts.train.schema
        proposal = self.load.scan.get("proposal", {})
        return complete_purpose(
            self.config.purpose,
            schema,
            quasi=proposal.get("quasi_identifiers", ()),
            sensitive=proposal.get("sensitive", ()),
        )

    def _default_n(self, table: Table) -> int:
        return table.n_rows if self.config.fit.row_wise else len(table)


_SOURCE = Words(en="a file, database URL or data frame", ko="파일, DB 주소 또는 데이터프레임")
# A database URL may hold a password, a query may hold values, a path names people: none goes into the dossier.
# Where the work was done changes nothing, and a cluster's address is nobody's business.
_NOT_TOLD = {"seed", "out", "purpose", "lang", "source", "read", "statements", "executor", "workers"}

__all__ = ["STAGES", "Arrival", "Road"]
