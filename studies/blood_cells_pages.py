"""What the study of blood cells leaves to look at: a picture of composed scenes, and the six questions with their evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scoring import HERE, RESULTS
from synthproof.core.evidence import RESULT_WORDS
from synthproof.data.image.scenes import Scenes
from synthproof.dossier.questions import questions
from synthproof.dossier.rules import rule_facts, title_of
from synthproof.dossier.seal import check_seal
from synthproof.policy.load import load_policy
from synthproof.verification.proof import Proof

PICTURE = HERE.parent / "docs" / "pictures" / "cells-synthetic.png"
QUESTIONS = RESULTS / "cells-dossier.md"
COLOURS = ((40, 90, 255), (255, 190, 0), (0, 150, 60))
ROWS, COLUMNS, ENLARGED = 2, 5, 2
FAMILIES = {5: ("fidelity", "utility", "fairness"), 6: ("safety",)}


def write_picture(drawn: Scenes) -> Path:
    """Write the first drawn scenes with their boxes: as they were drawn, none chosen. Synthetic scenes only."""
    from PIL import Image, ImageDraw

    side = drawn.chain.side * ENLARGED
    sheet = Image.new("RGB", (COLUMNS * side + (COLUMNS - 1) * 6, ROWS * side + (ROWS - 1) * 6), "white")
    for i in range(min(ROWS * COLUMNS, drawn.n_rows)):
        pixels = drawn.pixels(np.array([i], dtype=np.intp))[0]
        one = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
        pen = ImageDraw.Draw(one)
        corners, classes = drawn.boxes_of(i)
        for box, c in zip((corners * ENLARGED).tolist(), classes.tolist(), strict=True):
            pen.rectangle([box[0], box[1], box[2] - 1, box[3] - 1], outline=COLOURS[c % len(COLOURS)])
        sheet.paste(one, ((i % COLUMNS) * (side + 6), (i // COLUMNS) * (side + 6)))
    sheet.quantize(128, method=Image.Quantize.MEDIANCUT).save(PICTURE, optimize=True)
    return PICTURE


def write_questions(proof: Proof, folder: Path) -> Path:
    """Write the six questions with the evidence that the dossier gives each, from the proof that was sealed."""
    rules = rule_facts(load_policy("image").text)
    seal = check_seal(folder)
    lines = [
        "# Six questions, answered by the dossier of the composed blood-cell scenes",
        "",
        "*Written by `studies/blood_cells.py` from the sealed dossier; nothing here was typed by hand. "
        "합성 혈액세포 장면의 심의 질문 여섯 가지 "
        "(봉인된 자료집에서 자동 작성).*",
        "",
        f"Verdict / 판정: **{RESULT_WORDS[proof.verdict.result].en}** / **{RESULT_WORDS[proof.verdict.result].ko}** under the policy "
        f"`{proof.verdict.policy}`. Sealed / 봉인: {len(seal['files'])} files, `{seal['digest'][:23]}…`.",
        "",
    ]
    for q in questions(proof):
        result = "" if q["result_word"] is None else f" — {q['result_word'].en} / {q['result_word'].ko}"
        lines += [
            f"## {q['number']}. {q['text'].en}",
            "",
            f"{q['text'].ko}",
            "",
            f"**{q['word'].en} / {q['word'].ko}**{result}",
            "",
            f"{q['told'].en}",
            "",
            f"{q['told'].ko}",
            "",
            *_evidence(q["number"], proof, rules),
        ]
    QUESTIONS.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return QUESTIONS


def _evidence(number: int, proof: Proof, rules: Any) -> list[str]:
    """Return what the dossier holds for one question, as lines of a list."""
    if number == 1:
        p = proof.purpose
        return [f"- {p.title}: {p.description}", f"- use `{p.use}`, environment `{p.environment}`, form `{p.form}`", ""]
    if number == 2:
        source = proof.data["source"]
        return [
            f"- {proof.purpose.legal_basis}",
            f"- {source.name}: {source.rows:,} images, `{source.fingerprint[:23]}…`",
            "",
        ]
    if number == 3:
        made = next(e for e in proof.evidence if e.metric == "any.generation" and e.subject == "all")
        stages = " → ".join(made.detail.get("stages", ()))
        told = [f"- {n['en']} / {n['ko']}" for n in proof.generator.notices]
        return [
            f"- `{proof.generator.name}`; chain of custody: {stages}; full synthesis: {made.detail['full_synthesis']}, "
            f"irreversible: {made.detail['irreversible']}, value {made.estimate:g}",
            *told,
            "",
        ]
    if number == 4:
        return [*(f"- {r}" for r in receipts(proof.receipts)), ""]
    rows = [f for f in proof.verdict.findings if f.family in FAMILIES[number]]
    return [
        *(
            f"- {title_of(f.rule, rules).en} / {title_of(f.rule, rules).ko}: **{RESULT_WORDS[f.result].en}**"
            f"{' (shown, does not decide)' if f.advisory else ''}. {f.because.en}"
            for f in rows
        ),
        "",
    ]


def receipts(given: Sequence[Any]) -> list[str]:
    """Return what protections counted, one line each."""
    out = []
    for r in given:
        counts = {k: v for k, v in r.items() if isinstance(v, bool | int | float) and k != "version"}
        out.append(f"`{r['step']}`: " + ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in counts.items()))
    return out


def not_done() -> list[str]:
    """Return the sentence that the page owes while nothing is kept."""
    if (RESULTS / "cells-compose.json").is_file():
        return []
    return [
        "The study of blood-cell scenes has its script and its metric (`image.detection`), and no kept result: how well a detector learns "
        "from composed scenes is not measured here.",
        "",
    ]


def section() -> list[str]:
    """Return the study's section of the page, from what is kept; the published numbers beside ours."""
    path = RESULTS / "cells-compose.json"
    if not path.is_file():
        return ["Not measured yet: `python studies/blood_cells.py`.", ""]
    record = json.loads(path.read_text(encoding="utf-8"))
    facts, found = record["facts"], record["evidence"]["image.detection"]["found"]
    n, looked = facts["scenes"], sum(v.get("images", 0) for v in facts["seen"].values())
    return [
        f"{n['train']} real scenes to learn from, {n['holdout']} unseen ones to test on, {n['synthetic']} composed by `image.compose` "
        f"after {facts['minutes']:g} minutes of a shared two-core machine ({looked:,} pictures looked at). The same small detector, the "
        "same steps, the same movements for both.",
        "",
        "| average precision on unseen real scenes (COCO) | trained on real | trained on composed | lost (95 % interval) |",
        "| --- | --- | --- | --- |",
        *(_detected(e) for e in found),
        "",
        *_beside_the_papers(found),
        "![Composed blood-cell scenes with their boxes](pictures/cells-synthetic.png)",
        "",
        "*All synthetic: the first ten scenes as they were drawn, none chosen, with the boxes that come for free (blue platelets, yellow "
        "red cells, green white cells).*",
        "",
        f"Chain of custody: {' → '.join(facts['custody'])}; judged full synthesis: {'yes' if facts['full_synthesis'] else 'no'}. The "
        f"dossier's verdict under the policy `image`: **{facts['verdict'].replace('_', ' ')}**. "
        "[The six questions with their evidence](../studies/results/cells-dossier.md).",
        "",
    ]


def _detected(e: dict[str, Any]) -> str:
    name = {"all": "mAP, overlaps 0.5–0.95", "AP50": "AP at overlap 0.5"}.get(
        e["subject"], e["subject"].removeprefix("class ")
    )
    if e["estimate"] is None:
        return f"| {name} | – | – | {e['outcome'].replace('_', ' ')} |"
    d, (low, high) = e["detail"], e["interval"]
    return f"| {name} | {_span(d, 'trtr')} | {_span(d, 'tstr')} | {e['estimate']:.3f} ({low:.3f} to {high:.3f}) |"


def _span(d: dict[str, Any], name: str) -> str:
    low, high = d[f"{name}_interval"]
    return f"{d[name]:.3f} ({low:.3f}–{high:.3f})"


def _beside_the_papers(found: list[dict[str, Any]]) -> list[str]:
    """Return the reviewed sets' four numbers beside ours."""
    gap = next((e for e in found if e["subject"] == "all" and e["estimate"] is not None), None)
    ours = (
        "not measured"
        if gap is None
        else f"{gap['estimate']:.3f} ({gap['interval'][0]:.3f} to {gap['interval'][1]:.3f}), blood cells"
    )
    xrays = json.loads((RESULTS / "xrays-flow.json").read_text(encoding="utf-8"))["evidence"]
    auroc = next(e for e in xrays["image.prediction"]["found"] if e["subject"] == "all")
    low, high = auroc["interval"]
    return [
        "| the reviewed sets | theirs | ours, on open data |",
        "| --- | --- | --- |",
        f"| mAP lost by training on synthetic | .059 | {ours} |",
        f"| AUROC lost by training on synthetic | .05 | {auroc['estimate']:.3f} ({low:.3f} to {high:.3f}), X-rays by flow |",
        "| visual Turing test, share told apart | .45 | not measured: it takes readers (`synthproof vtt`) |",
        "| FID | 16.47 | not comparable: no canonical extractor is used here; nFD stands in the tables |",
        "",
    ]
