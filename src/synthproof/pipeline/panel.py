"""The visual Turing test of a run: drawn from its vault, closed back into it, and sealed into a new dossier.

What goes to the server holds blind items and the plan; the answer key stays in ``vault/panels``. Closing adds the
readers' numbers to the evidence (realism, never safety), judges again, and seals a dossier that names its parent.
"""

from __future__ import annotations

import base64
import json
import secrets
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthproof.core.errors import StateError, UsageError, WorkspaceError
from synthproof.core.evidence import Evidence
from synthproof.core.files import whole_file, write_text
from synthproof.core.fingerprint import digest_json
from synthproof.core.random import fresh_seed
from synthproof.core.schema import Field
from synthproof.core.words import Lang, Words
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.modality import png_address
from synthproof.data.table.dataset import Table
from synthproof.dossier.assemble import POLICY, read_dossier, rewrite_dossier
from synthproof.dossier.journal import Line
from synthproof.dossier.seal import check_seal
from synthproof.pipeline.images import load_images
from synthproof.pipeline.tables import load_table
from synthproof.policy.load import load_policy
from synthproof.review.panel import Item, Kind, Plan, Reading, draw
from synthproof.review.panel_result import PanelResult, evaluate
from synthproof.review.record import read_lines

METRIC = "any.visual_turing"
_MOST_ROWS = 8


def new_panel(root: Path, out: Path, plan: Plan, *, title: str = "") -> str:
    """Draw a panel from the vault of a run; write the package for the server, keep the key.

    Parameters
    ----------
    root
        Folder of the run.
    out
        The package (zip) to write: blind items and plan.
    plan
        Its seed is drawn here when it is 0; it stays in the vault, since what was drawn follows from it. The blind names do
        not: whoever sees them could try seeds until the names fit, and would know every side.

    Returns
    -------
    str
        Id of the panel, under which the key is kept.

    Raises
    ------
    WorkspaceError
        ``panel/no-vault`` when the run has no real or synthetic records any more.
    UsageError
        ``panel/bad-plan`` when there are too few of them.
    """
    real, synthetic = _tables(root)
    kind: Kind = "image" if isinstance(real, ImageSet) else "card"
    plan = replace(plan, kind=kind, seed=plan.seed or fresh_seed())
    stratum = _stratum(real, synthetic)
    items = draw(plan, _strata(real, stratum), _strata(synthetic, stratum), names=fresh_seed())
    told_items, pictures = _shown(items, real, synthetic)
    salt = secrets.token_hex(16)
    key = [item.to_dict() for item in items]
    bound = {"key": key, "salt": salt, "synthetic": synthetic.fingerprint()}
    commitment = digest_json(bound)
    panel = secrets.token_hex(8)
    title = title or f"{root.name} {panel}"
    kept = {"panel": panel, "plan": plan.to_dict(), **bound, "commitment": commitment, "title": title}
    told = {
        "format": 1,
        "title": title,
        "plan": {k: v for k, v in plan.to_dict().items() if k != "seed"},
        "commitment": commitment,
        "items": told_items,
    }
    place = root / "vault" / "panels" / f"{panel}.json"
    place.parent.mkdir(mode=0o700, exist_ok=True)
    write_text(place, json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True))
    with whole_file(out) as part:
        part.touch(mode=0o600)  # real records are in it: for its owner alone, from the first byte
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("panel.json", json.dumps(told, ensure_ascii=False))
            for name, data in pictures.items():
                packed.writestr(f"items/{name}", data)
    return panel


def close_panel(root: Path, readings: Path, out: Path | None = None, *, lang: Lang = "ko") -> tuple[Path, PanelResult]:
    """Count what the readers said, judge the dossier again with it, and seal a new one.

    Parameters
    ----------
    root
        Folder of the run; its dossier is replaced unless `out` names another place.
    readings
        What the server gave out when the panel was closed.

    Returns
    -------
    dossier, result
        The new dossier, whose seal names the old one as its parent, and the first round's numbers.

    Raises
    ------
    StateError
        ``journal/broken``; ``panel/no-key`` when no key of this run belongs to these readings; ``panel/other-data`` when
        the dossier speaks of other synthetic data than the readers saw (the run was resumed with other settings).
    UsageError
        ``panel/incomplete``.
    """
    lines = read_lines(readings)
    opened = next((x.fields for x in lines if x.act == "panel.opened" and x.fields), None)
    if opened is None or not any(x.act == "panel.closed" for x in lines):
        raise UsageError("panel/incomplete", reason="panel.closed")
    kept = _key(root, str(opened["commitment"]))
    _refuse_other_data(root / "dossier", kept)
    plan, items = Plan.from_dict(kept["plan"]), [Item.from_dict(i) for i in kept["key"]]
    said = readings_of(lines)
    rounds = sorted({r.round for r in said})
    results = [evaluate(plan, items, said, round=turn) for turn in rounds[:1]]
    if 2 in rounds:
        with suppress(UsageError):  # a second round that too few finished is left out; the first stands
            results.append(evaluate(plan, items, said, round=2))
    if not results:
        raise UsageError("panel/incomplete", reason="0")
    write_text(
        root / "vault" / "panels" / f"{kept['panel']}.result.json",
        json.dumps([r.to_dict() for r in results], ensure_ascii=False, indent=1),
    )
    end = lines[-1].anchor.to_dict()
    evidence = tuple(panel_evidence(plan, result, items, journal=end) for result in results)
    return with_panel(root / "dossier", evidence, out, lang=lang), results[0]


def with_panel(dossier: Path, evidence: Sequence[Evidence], out: Path | None = None, *, lang: Lang = "ko") -> Path:
    """Return a new dossier with a panel's numbers in it, judged again by the rules that were applied before."""
    proof = read_dossier(dossier)
    kept = tuple(e for e in proof.evidence if e.metric != METRIC)
    # Statements of an earlier panel are replaced: two panels side by side would invite choosing the nicer one.
    proof = replace(proof, evidence=(*kept, *evidence))
    text = (dossier / POLICY).read_text(encoding="utf-8")
    rules = load_policy(dossier / POLICY) if text.strip() else load_policy(proof.verdict.policy)
    judged = rules.for_purpose(proof.purpose).judge(proof.evidence, proof.statements, proof.limits)
    return rewrite_dossier(dossier, proof.with_verdict(judged), target=out, lang=lang)


def readings_of(lines: Sequence[Line]) -> list[Reading]:
    """Return what each reader said last of each item in the rounds they finished whole, not ended by the clock."""
    last: dict[tuple[str, str, int], Reading] = {}
    done: set[tuple[str, int]] = set()
    for line in lines:
        told = line.fields or {}
        if line.act == "panel.finished" and not told.get("void"):
            done.add((line.person, int(told["round"])))
        elif line.act == "reading.given":
            turn = int(told["round"])
            last[line.person, str(told["item"]), turn] = Reading(
                reader=line.person,
                item=str(told["item"]),
                says=told["says"],
                seconds=float(told["ms"]) / 1000,
                confidence=int(told["confidence"]),
                round=turn,
            )
    return [r for (person, _, turn), r in last.items() if (person, turn) in done]


def panel_evidence(
    plan: Plan, result: PanelResult, items: Sequence[Item], *, journal: Mapping[str, Any] | None = None
) -> Evidence:
    """Return one round as evidence: of realism, never of safety. No item is named outside the private part."""
    told = {k: v for k, v in result.to_dict().items() if k not in ("caught", "missed")}
    names = {r.reader: f"reader {i}" for i, r in enumerate(result.readers, start=1)}
    readers = [{**r, "reader": names[r["reader"]]} for r in told["readers"]]
    where = {item.name: item.position for item in items}
    yes_en, yes_ko = ("yes", "예") if result.distinguishable else ("no", "아니오")
    return Evidence(
        metric=METRIC,
        subject="all" if result.round == 1 else "with hints",
        estimate=result.share,
        interval=result.interval,
        reference=0.5,
        n=result.n,
        detail={
            **told,
            "readers": readers,
            "caught": len(result.caught),
            "missed": len(result.missed),
            "plan": {k: v for k, v in plan.to_dict().items() if k not in ("seed", "hints")},
            "journal": dict(journal or {}),
        },
        private={
            "caught": [where[n] for n in result.caught],
            "missed": [where[n] for n in result.missed],
        },
        caveat=Words(
            en=f"Share of right answers of {len(result.readers)} readers; statistically distinguishable: {yes_en}. It speaks "
            "of realism only: a copy of an original would do perfectly.",
            ko=f"판독자 {len(result.readers)}명의 정답률. 통계적으로 구별 가능: {yes_ko}. 현실성만을 뜻하며 안전성의 근거가 "
            "아닙니다(원본의 복제본이라면 가장 좋은 결과가 나옵니다).",
        ),
    )


def _key(root: Path, commitment: str) -> dict[str, Any]:
    for path in sorted((root / "vault" / "panels").glob("*.json")):
        if path.name.endswith(".result.json"):
            continue
        try:
            kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            # a panel that was drawn before the data were bound, too, has two parts alone
            found = digest_json({n: kept[n] for n in ("key", "salt", "synthetic") if n in kept})
        except (OSError, ValueError, KeyError) as error:
            raise StateError("panel/no-key", where=str(path), reason=type(error).__name__) from error
        if found == commitment == kept["commitment"]:
            return kept
    raise StateError("panel/no-key", where=str(root), reason="commitment")


def _refuse_other_data(dossier: Path, kept: Mapping[str, Any]) -> None:
    seen, told = kept.get("synthetic"), check_seal(dossier)["synthetic"].get("fingerprint")
    if seen is not None and seen != told:
        raise StateError("panel/other-data", where=str(dossier), seen=seen, found=told)


def _tables(root: Path) -> tuple[Any, Any]:
    vault = root / "vault"
    try:
        if (vault / "synthetic" / "images.json").is_file():
            return load_images(vault / "train"), load_images(vault / "synthetic")
        return load_table(vault / "train"), load_table(vault / "synthetic")
    except (OSError, ValueError) as error:
        raise WorkspaceError("panel/no-vault", where=str(root), reason=type(error).__name__) from error


def _shown(items: Sequence[Item], real: Any, synthetic: Any) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Return the blind items as the server gets them, and their pictures: of one size and one compression, bare of marks."""
    sides = {"real": real, "synthetic": synthetic}
    if isinstance(real, ImageSet):
        told = [{"name": i.name, "kind": "image", **({"answer": i.side} if i.training else {})} for i in items]
        return told, {i.name: _bare_png(sides[i.side], i.position) for i in items}
    shown = [f for f in real.schema.modelled if f.name in synthetic.schema]
    days = _whole_days(real)
    return [_told(item, sides[item.side], shown, days) for item in items], {}


def _bare_png(images: ImageSet, unit: int) -> bytes:
    """Return a unit's first picture as a PNG of 8 bits a channel without any metadata."""
    row = int(np.flatnonzero(images.unit_of_row == unit)[0])
    return base64.b64decode(png_address(images.pixels(np.array([row], dtype=np.intp))[0]).partition(",")[2])


def _stratum(real: Any, synthetic: Any) -> str:
    """Return the column that strata are made of: the first target that has levels, or none."""
    for name in real.schema.with_role("target"):
        if name in synthetic.schema and real.schema.field(name).levelled:
            return str(name)
    return ""


def _strata(table: Any, column: str) -> list[str]:
    if not column:
        return [""] * len(table)
    first = pd.Series(table.unit_of_row).drop_duplicates().index
    values = table.frame[column].iloc[first]
    order = np.argsort(table.unit_of_row[first])
    return ["" if pd.isna(v) else str(v) for v in values.to_numpy(dtype=object)[order]]


def _whole_days(table: Table) -> frozenset[str]:
    return frozenset(
        f.name
        for f in table.schema.fields
        if f.kind == "datetime" and (table.frame[f.name].dropna() == table.frame[f.name].dropna().dt.normalize()).all()
    )


def _told(item: Item, table: Table, shown: Sequence[Field], days: frozenset[str]) -> dict[str, Any]:
    rows = table.frame.iloc[np.flatnonzero(table.unit_of_row == item.position)[:_MOST_ROWS]]
    card = [
        (f.name if len(rows) == 1 else f"{f.name} ({at})", cell_text(rows[f.name].iloc[at - 1], f, days=f.name in days))
        for at in range(1, len(rows) + 1)
        for f in shown
    ]
    return {"name": item.name, "kind": "card", "card": card, **({"answer": item.side} if item.training else {})}


def cell_text(value: Any, f: Field, *, days: bool = False) -> str:
    """Return a cell as every card prints it: by the field alone, so that its writing does not tell the side.

    Parameters
    ----------
    days
        The field's real values are whole days.
    """
    if pd.isna(value):
        return "–"
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d" if days else "%Y-%m-%d %H:%M:%S")
    if f.numeric:
        digits = 0 if f.kind == "integer" else f.decimals if f.decimals is not None else 4
        return f"{float(value):.{max(0, min(digits, 6))}f}"
    return str(value)
