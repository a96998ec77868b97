"""`make bench`: the whole road on five real data sets with three generators, each run in a process of its own.

    python benchmarks/run.py [--data adult …] [--synthesizer table.cart_chain …] [--repeats 100]

Writes ``benchmarks/results/road.json``: wall and CPU seconds per stage, peak memory, every metric, the verdict.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _machine import data_dir, environment, keep
from _page import write_section

SEED = 20241201
SYNTHESIZERS = ("table.marginals", "table.copula", "table.cart_chain")
# Data set → target, K (quasi-identifiers), T (sensitive), columns that only number the rows.
DATA: dict[str, dict[str, Any]] = {
    "adult": {
        "target": "income",
        "K": ["age", "marital_status", "race", "sex", "native_country"],
        "T": ["income"],
        "drop": [],
    },
    "support2_emr": {"target": "death", "K": ["age", "sex", "race"], "T": ["dzgroup"], "drop": []},
    "korean_health_exam": {"target": "smoking", "K": ["age"], "T": ["smoking"], "drop": []},
    "heart_disease": {"target": "num", "K": ["age", "sex", "site"], "T": ["num"], "drop": []},
    "default_credit": {
        "target": "default.payment.next.month",
        "K": ["SEX", "EDUCATION", "MARRIAGE", "AGE"],
        "T": ["default.payment.next.month"],
        "drop": ["ID"],
    },
}


def frame_of(name: str) -> Any:
    import pandas as pd

    parts = sorted((data_dir() / name).glob("*.parquet"))
    order = {"train.parquet": 0, "test.parquet": 1}
    parts.sort(key=lambda p: order.get(p.name, 2))
    frame = pd.concat([pd.read_parquet(p) for p in parts], ignore_index=True)
    return frame.drop(columns=DATA[name]["drop"])


def one(name: str, synthesizer: str, repeats: int, policy: str) -> dict[str, Any]:
    from synthproof.core.schema import Purpose
    from synthproof.pipeline.config import FitConfig, RunConfig, VerifyConfig
    from synthproof.pipeline.road import Road

    facts = DATA[name]
    frame = frame_of(name)
    columns = {c.lower().replace("-", "_").replace(".", "_"): c for c in frame.columns}

    def known(names: list[str]) -> tuple[str, ...]:
        return tuple(columns.get(n.lower().replace("-", "_").replace(".", "_"), n) for n in names)

    purpose = Purpose(quasi_identifiers=known(facts["K"]), sensitive=known(facts["T"]))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"{name}.csv"
        frame.to_csv(source, index=False)
        del frame
        config = RunConfig(
            source=str(source),
            target=known([facts["target"]])[0],
            out=str(Path(folder) / "out"),
            seed=SEED,
            lang="en",
            purpose=purpose,
            fit=FitConfig(synthesizer=synthesizer),
            verify=VerifyConfig(policy=policy, repeats=repeats),
        )
        wall, cpu = time.perf_counter(), time.process_time()
        road = Road(config)
        arrival = road.travel()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    proof = arrival.proof
    return {
        "data": name,
        "synthesizer": synthesizer,
        "policy": policy,
        "rows": proof.data["source"].rows,
        "columns": proof.data["source"].columns,
        "repeats": repeats,
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "stages_s": arrival.seconds,
        "peak_mib_after_stage": {k: round(v / 2**20) for k, v in road.memory.items()},
        "verify_s": {k: round(v, 2) for k, v in proof.seconds.items() if k.startswith("verify/")},
        "verdict": proof.verdict.result,
        "families": dict(proof.verdict.families),
        "findings": [
            {"rule": f.rule, "subject": f.subject, "result": f.result, "advisory": f.advisory, "because": f.because.en}
            for f in proof.verdict.findings
        ],
        "metrics": [
            {k: getattr(e, k) for k in ("metric", "subject", "outcome", "estimate", "interval", "reference", "n")}
            for e in proof.evidence
        ],
        "limits": [{"metric": x.metric, "value": x.value, "origin": x.origin, **_told(x.record)} for x in proof.limits],
    }


def _told(record: Any) -> dict[str, Any]:
    return {k: v for k, v in record.items() if not isinstance(v, list | dict) and k != "digest"}


def page(result: dict[str, Any]) -> str:
    """Return this benchmark's section of docs/benchmarks.md: the kept file as tables."""
    e = result["environment"]
    out = [
        "## The whole road · 전체 과정",
        "",
        "Written by `make bench` from `benchmarks/results/road.json`; every metric with interval and reference is in that file.",
        "",
        f"Machine: {e['cores']} cores ({e['processor']}), {e['memory_gib']} GiB, {e['system']}, load at start "
        f"{e['load_at_start']}; Python {e['python']}, numpy {e['numpy']}, scikit-learn {e['scikit-learn']}, numba {e['numba']}; "
        f"synthproof {e['synthproof']}; seed {result['seed']}; {e['date']}.",
        "",
        "`synthproof run` end to end, policy `pipc_2024`, each run in a process of its own (start of Python and compiled "
        "kernels' loading included in wall seconds from the first stage on).",
        "",
        "The first screen of Adult's report (`auto`, which chose `table.cart_chain`):",
        "",
        "![First screen of the report on Adult](pictures/adult.en.png)",
        "",
        "### Time and memory",
        "",
        "| data | rows × columns | synthesizer | wall s | CPU s | peak MiB | read | protect | fit | sample "
        "| metrics | limits | report | verdict |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    runs = [r for r in result["runs"] if "error" not in r]
    for r in runs:
        t, limits = r["stages_s"], r["verify_s"].get("verify/limits", 0.0)
        cells = [t["read"], t["protect"], t["fit"], t["sample"], t["verify"] - limits, limits, t["report"]]
        out.append(
            f"| {r['data']} | {r['rows']:,} × {r['columns']} | {r['synthesizer']} | {r['wall_s']:.1f} | {r['cpu_s']:.1f} | "
            f"{r['peak_mib']:,} | " + " | ".join(f"{c:.1f}" for c in cells) + f" | {r['verdict']} |"
        )
    out += [
        "",
        "### What was found (estimate, its reference in brackets)",
        "",
        "| data | synthesizer | " + " | ".join(_SHOWN.values()) + " |",
        "| --- | --- |" + " ---: |" * len(_SHOWN),
    ]
    for r in runs:
        found = {(m["metric"], m["subject"]): m for m in r["metrics"]}
        out.append(f"| {r['data']} | {r['synthesizer']} | " + " | ".join(_cell(found, k) for k in _SHOWN) + " |")
    out += ["", "### Findings that decide and are not met or not assessed", ""]
    for r in runs:
        bad = [f for f in r["findings"] if f["result"] != "meets" and not f["advisory"]]
        out += [f"- **{r['data']}, {r['synthesizer']}** [{f['subject']}] {f['because']}" for f in bad]
    return "\n".join([*out, ""])


_SHOWN = {
    "table.shape": "shape",
    "table.corr_sd": "corr-sd",
    "table.distinguishability": "distinguishable (AUC)",
    "table.prediction": "prediction gap",
    "table.pipc_singling_out": "구별",
    "table.pipc_linkage": "연결 (CAP > 0.7)",
    "table.pipc_inference": "추론",
    "table.exact_copies": "copies beyond chance",
    "table.nearer_than_unseen": "nearer than unseen",
}


def _cell(found: dict[tuple[str, str], dict[str, Any]], metric: str) -> str:
    entry = found.get((metric, "all")) or next((v for (m, _), v in found.items() if m == metric), None)
    if entry is None or entry["estimate"] is None:
        return "–" if entry is None else entry["outcome"].replace("_", " ")
    reference = "" if entry["reference"] is None else f" ({entry['reference']:.3g})"
    return f"{entry['estimate']:.3g}{reference}"


def main() -> None:
    ap = argparse.ArgumentParser()
    ap.add_argument("--data", nargs="*", default=list(DATA))
    ap.add_argument("--synthesizer", nargs="*", default=list(SYNTHESIZERS))
    ap.add_argument("--repeats", type=int, default=100)
    ap.add_argument("--policy", default="pipc_2024")
    ap.add_argument("--name", default="road")
    ap.add_argument("--one", nargs=2, metavar=("DATA", "SYNTHESIZER"))
    a = ap.parse_args()
    if a.one:
        print(json.dumps(one(*a.one, a.repeats, a.policy), ensure_ascii=False))
        return
    result: dict[str, Any] = {"environment": environment(), "seed": SEED, "runs": []}
    for name in a.data:
        for synthesizer in a.synthesizer:
            command = [sys.executable, __file__, "--one", name, synthesizer, "--repeats", str(a.repeats)]
            done = subprocess.run(
                [*command, "--policy", a.policy], capture_output=True, text=True, env={**os.environ}, check=False
            )
            if done.returncode != 0:
                result["runs"].append({"data": name, "synthesizer": synthesizer, "error": done.stderr[-2000:]})
                print(f"{name:20} {synthesizer:18} FAILED\n{done.stderr[-2000:]}")
                continue
            run = json.loads(done.stdout.strip().splitlines()[-1])
            result["runs"].append(run)
            print(f"{name:20} {synthesizer:18} {run['wall_s']:7.1f} s {run['peak_mib']:6} MiB  {run['verdict']}")
            keep(a.name, result)
    print(keep(a.name, result))
    if a.name == "road" and not set(DATA) - set(a.data) and not set(SYNTHESIZERS) - set(a.synthesizer):
        write_section("road", page(result))


if __name__ == "__main__":
    main()
