"""The dose curve and the per-class changes as pictures, drawn from the record alone; Hangul from the report's own font."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from synthproof.balance.plan import DOSED, KIND_WORDS
from synthproof.balance.sentences import SCORE_WORDS
from synthproof.balance.wording import say_for
from synthproof.core.files import whole_file
from synthproof.core.words import Lang, Words
from synthproof.dossier.disclose import printable
from synthproof.dossier.fonts import font_files

_STYLE: Mapping[str, tuple[str, str, str]] = {
    "duplicates": ("#52606d", "o", "--"),
    "smote": ("#b3411c", "s", "-."),
    "augmentation": ("#8a6d1a", "D", ":"),
    "synthetic": ("#0b6fa4", "^", "-"),
}
_MOST = 4  # classes that are drawn, the rarest first
_X = Words(en="rows added per real row of the rare class", ko="희소 범주의 실제 행당 추가한 행")
_Y = Words(en="difference from real rows alone", ko="실제 행만 사용한 경우와의 차이")
_TITLE = Words(en="class {name} ({n} rows)", ko="범주 {name}({n}행)")
_LABEL = Words(en="label {name} ({n} rows)", ko="라벨 {name}({n}행)")
_BAND = Words(
    en="points: mean of {seeds} seeds; bars: 95 % intervals, paired over seeds and test units; grey: no difference",
    ko="점: 시드 {seeds}개 평균, 막대: 시드와 시험 단위에 대해 짝지은 95% 구간, 회색: 차이 없음",
)


def dose_curve(record: Mapping[str, Any], lang: Lang, kind: Literal["png", "svg"] = "png") -> bytes:
    """Return the dose curve: for the rarest classes and one common class the change in AUROC, AUPRC and recall by dose.

    Parameters
    ----------
    record
        What `record.record_of` returned, or what was read from ``study.json``.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.ticker import MaxNLocator

    modality = str(record["facts"].get("modality", "table"))
    named = _LABEL if record["facts"].get("several") else _TITLE
    font = FontProperties(fname=str(font_files()[0]), size=8)
    classes, scores = drawn_classes(record), ("auroc", "auprc", "recall")
    figure = Figure(figsize=(9.2, 2.6 * len(classes) + 1.0), dpi=130)
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(classes), len(scores), squeeze=False, sharex=True)
    kinds = [k for k in DOSED if any(a["kind"] == k for a in record["arms"])]
    for r, c in enumerate(classes):
        for k, score in enumerate(scores):
            ax = axes[r][k]
            ax.axhline(0.0, color="#9aa5b1", linewidth=1)
            for i, name in enumerate(kinds):
                _line(ax, record, name, score, c, shift=0.02 * (i - (len(kinds) - 1) / 2), lang=lang)
            entry = record["classes"][c]
            title = say_for(named, modality, lang).format(name=printable(entry["name"], 24), n=f"{entry['train']:,}")
            # two lines: a class may have a long name
            ax.set_title(f"{title}\n{SCORE_WORDS[score].say(lang)}", fontproperties=font)  # type: ignore[index]
            ax.set_xticks([0, *record["facts"]["doses"]], [f"{d:g}" for d in (0, *record["facts"]["doses"])])
            ax.yaxis.set_major_locator(MaxNLocator(5))
            ax.tick_params(labelsize=7, colors="#52606d")
            for label in [*ax.get_xticklabels(), *ax.get_yticklabels()]:
                label.set_fontproperties(font)
            for side in ("top", "right"):
                ax.spines[side].set_visible(False)
            if r == len(classes) - 1:
                ax.set_xlabel(say_for(_X, modality, lang), fontproperties=font)
            if k == 0:
                ax.set_ylabel(say_for(_Y, modality, lang), fontproperties=font)
    handles, names = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="upper center", ncols=max(1, len(names)), prop=font, frameon=False)
    foot = _BAND.say(lang).format(seeds=record["facts"]["seeds"])
    figure.text(0.5, 0.008, foot, ha="center", fontproperties=font, color="#52606d")
    figure.subplots_adjust(
        left=0.08,
        right=0.985,
        hspace=0.5,
        wspace=0.24,
        top=1 - 0.78 / figure.get_figheight(),
        bottom=0.72 / figure.get_figheight(),
    )
    return _bytes(figure, kind)


def drawn_classes(record: Mapping[str, Any]) -> list[int]:
    """Return the positions of the classes that are drawn: the rarest, and the commonest, which pays for them."""
    order = sorted(range(len(record["classes"])), key=lambda c: (record["classes"][c]["train"], c))
    return order if len(order) <= _MOST else [*order[: _MOST - 1], order[-1]]


def write_pictures(record: Mapping[str, Any], folder: Path, stem: str = "dose") -> tuple[Path, ...]:
    """Write the dose curve in both languages as PNG and SVG."""
    out = []
    langs: Sequence[Lang] = ("ko", "en")
    kinds: Sequence[Literal["png", "svg"]] = ("png", "svg")
    for lang in langs:
        for kind in kinds:
            path = folder / f"{stem}.{lang}.{kind}"
            with whole_file(path) as part:
                part.write_bytes(dose_curve(record, lang, kind))
            out.append(path)
    return tuple(out)


def _line(ax: Any, record: Mapping[str, Any], kind: str, score: str, c: int, *, shift: float, lang: Lang) -> None:
    colour, mark, dash = _STYLE[kind]
    doses = {a["id"]: a["dose"] for a in record["arms"] if a["kind"] == kind}
    points = sorted(
        (doses[d["arm"]], d["estimate"], d["low"], d["high"])
        for d in record["against_real"]
        if d["arm"] in doses and d["score"] == score and d["position"] == c
    )
    x = [p[0] + shift for p in points]
    y = [p[1] for p in points]
    arms = [[p[1] - p[2] for p in points], [p[3] - p[1] for p in points]]
    name = KIND_WORDS[kind].say(lang)  # type: ignore[index]
    ax.plot([0, *x], [0, *y], color=colour, linestyle=dash, linewidth=1.2)
    ax.errorbar(x, y, yerr=arms, fmt=mark, color=colour, markersize=3.5, elinewidth=0.9, capsize=2, label=name)


def _bytes(figure: Any, kind: str) -> bytes:
    import matplotlib

    out = io.BytesIO()
    # letters as outlines, no date and a fixed salt: the same record gives the same bytes and needs no font
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "synthproof", "axes.unicode_minus": False}):
        metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
        figure.savefig(out, format=kind, metadata=metadata)
    return out.getvalue()
