"""Write the measured part of docs/explanation/balance.md and its pictures from benchmarks/results/balance/*.json.

python benchmarks/balance_page.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from _machine import RESULTS
from _page import write_section
from synthproof.balance.picture import dose_curve
from synthproof.balance.record import told_again, write_record

DOCS = Path(__file__).parents[1] / "docs"
TABLES = ("fraud_ulb_subset", "shoppers", "default_credit")
LEARNERS = ("perceptron", "trees")


def main() -> None:
    parts: list[str] = []
    for name in TABLES:
        for learner in LEARNERS:
            path = RESULTS / "balance" / f"{name}-{learner}.json"
            if not path.is_file():
                parts.append(f"### {name}, {learner}\n\nNot measured yet.")
                continue
            record = json.loads(path.read_text("utf-8"))
            record["sentences"] = told_again(record)
            write_record(record, path)
            parts.append(section(name, learner, record))
            if learner == "perceptron":
                for lang in ("ko", "en"):
                    picture = DOCS / "pictures" / f"balance-{name}.{lang}.png"
                    picture.write_bytes(dose_curve(record, lang))
                parts.append(f"![{name}: dose curve](../pictures/balance-{name}.en.png)")
    write_section("balance", "\n\n".join(parts), DOCS / "explanation" / "balance.md")


def section(name: str, learner: str, record: dict[str, Any]) -> str:
    rare = next(c for c, k in enumerate(record["classes"]) if k["rare"])
    common = 1 - rare
    facts = record["facts"]
    out = [
        f"### {name}, {learner}",
        "",
        f"{record['classes'][rare]['train']:,} rare and {record['classes'][common]['train']:,} common rows to learn from, "
        f"{record['classes'][rare]['test']:,} and {record['classes'][common]['test']:,} to test on; {facts['steps']:,} steps, "
        f"{facts['seeds']} seeds, generator {facts['generator']}; {record['cpu_seconds']:g} CPU s.",
        "",
        "| learned from | AUROC | AUPRC, rare | recall, rare | recall, common |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    found = {(d["arm"], d["score"], d["position"]): d for d in record["against_real"]}
    for arm in record["arms"]:
        cells = [
            cell(record, found, arm["id"], score, c)
            for score, c in (("auroc", rare), ("auprc", rare), ("recall", rare), ("recall", common))
        ]
        out.append(f"| {arm['name']['en']} | {' | '.join(cells)} |")
    return "\n".join([*out, "", *[f"- {w['en']}" for w in record["sentences"]]])


def cell(record: dict[str, Any], found: dict[Any, Any], arm: str, score: str, c: int) -> str:
    value = record["scores"][arm][score][c]
    d = found.get((arm, score, c))
    if d is None:
        return f"{value['mean']:.3f} ({value['low']:.3f}–{value['high']:.3f})"
    mark = {1: " ▲", 0: "", -1: " ▼"}[d["claim"]]
    return f"{d['estimate']:+.3f} ({d['low']:+.3f} to {d['high']:+.3f}){mark}"


if __name__ == "__main__":
    main()
