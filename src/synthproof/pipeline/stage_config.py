"""Settings of the stages of a run: the only place of their defaults; file, flags and reference page come from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from synthproof.core.words import Words


def option(default: Any, en: str, ko: str, *flags: str, separator: str = ",") -> Any:
    """Return a dataclass field with its default, its help in both languages and its command-line flags."""
    metadata = {"help": Words(en=en, ko=ko), "flags": flags, "separator": separator}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class ReadConfig:
    """How the source is read."""

    schema: str = option(
        "",
        "Schema file (TOML) to use instead of inferring one.",
        "추론 대신 사용할 스키마 파일(TOML).",
        "--schema",
    )
    query: str = option(
        "", "SQL query, when the source is a database URL.", "원본이 DB 주소일 때의 SQL 질의.", "--query"
    )
    table: str = option(
        "", "Table name, when the source is a database URL.", "원본이 DB 주소일 때의 테이블 이름.", "--table"
    )
    rules: tuple[str, ...] = option(
        (),
        "Rules that every row keeps, with semicolons between: 'discharge >= admission; total = a + b'.",
        "모든 행이 지키는 규칙(세미콜론으로 구분): 'discharge >= admission; total = a + b'.",
        "--rules",
        separator=";",
    )
    learn_rules: bool = option(
        False,
        "Take the rules that the training data seem to keep as well (see `inspect --rules`).",
        "학습 데이터가 지키는 것으로 보이는 규칙도 함께 사용(`inspect --rules` 참조).",
        "--learn-rules",
    )
    broken_rules: Literal["notice", "refuse"] = option(
        "notice",
        "What to do when rows of the data break a declared rule (notice|refuse).",
        "데이터의 행이 선언된 규칙을 어길 때의 처리(notice: 알림 | refuse: 중단).",
        "--broken-rules",
    )


@dataclass(frozen=True, kw_only=True)
class SplitConfig:
    """How units are held out."""

    holdout: float | None = option(
        None,
        "Share of units held out (default 0.2; 0.5 under 2,000 units).",
        "홀드아웃으로 남기는 단위의 비율(기본 0.2, 2,000단위 미만이면 0.5).",
        "--holdout-share",
    )


@dataclass(frozen=True, kw_only=True)
class ProtectConfig:
    """What is changed before learning."""

    steps: tuple[str, ...] = option(
        ("identifiers", "rare", "extremes"),
        "Protections in order, with commas between; `none` for none.",
        "학습 전 보호조치(순서대로, 쉼표로 구분). 없으면 `none`.",
        "--protect",
    )
    parameters: Mapping[str, Any] = option({}, "Parameters per protection.", "보호조치별 매개변수.")


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Which synthesizer learns."""

    synthesizer: str = option(
        "auto", "Synthesizer (see `list synthesizers`).", "생성기(`list synthesizers` 참조).", "--synthesizer"
    )
    fast: bool = option(
        False, "A quick look by trees (table.cart_chain).", "의사결정나무(table.cart_chain)로 미리 보기.", "--fast"
    )
    row_wise: bool = option(
        False,
        "Learn rows as if each were a unit (within-person structure is then not assessed).",
        "행을 각각 하나의 단위로 보고 학습(개인 내 구조는 판단 불가).",
        "--row-wise",
    )
    parameters: Mapping[str, Any] = option({}, "Parameters of the synthesizer.", "생성기 매개변수.")


@dataclass(frozen=True, kw_only=True)
class SampleConfig:
    """How many are drawn, and what is done to them."""

    n: int | None = option(
        None, "Synthetic units (default: as many as the source has).", "합성 단위 수(기본: 원본과 같은 수).", "--n"
    )
    drop_copies: bool = option(
        False,
        "Replace synthetic records that equal a training record (logged; the reference model's variant B).",
        "학습 레코드와 일치하는 합성 레코드를 새로 뽑은 것으로 대체(기록됨, 참조모델의 방식 B).",
        "--drop-copies",
    )
    cap_remedy: bool = option(
        False,
        "Delete part of the synthetic records that push an original's CAP over the limit (logged; the guide's remedy).",
        "CAP이 한계를 넘는 원본의 일치 합성 레코드 일부를 삭제(기록됨, 안내서의 조치).",
        "--cap-remedy",
    )


@dataclass(frozen=True, kw_only=True)
class VerifyConfig:
    """Under which rules the data are judged."""

    policy: str = option("pipc_2024", "Policy name or TOML file.", "정책 이름 또는 TOML 파일.", "--policy")
    repeats: int = option(100, "Repeats of each simulated limit.", "모의실험 임계값의 반복 횟수.", "--repeats")
    holdout_used: bool = option(
        False,
        "The holdout was looked at while the generator was chosen or tuned: no leak can be excluded then.",
        "생성기를 고르거나 조정할 때 홀드아웃을 참조함. 이 경우 유출을 배제할 수 없음.",
        "--holdout-used",
    )
    filtered: bool = option(
        False,
        "Synthetic records were dropped by their distance to the training data: no leak can be excluded then.",
        "학습 데이터와의 거리를 기준으로 합성 레코드를 걸러 냄. 이 경우 유출을 배제할 수 없음.",
        "--filtered",
    )

    full: bool = option(
        False,
        "Attack every person and compare all pairs of records, however long it takes (default: a random sample).",
        "시간이 걸리더라도 모든 사람을 공격하고 모든 레코드 쌍을 비교(기본: 무작위 표본).",
        "--full",
    )

    @property
    def gates(self) -> tuple[str, ...]:
        """What forbids to exclude a leak, whatever the numbers say."""
        return tuple(name for name in ("filtered", "holdout_used") if getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """How pictures are read, when the source holds pictures."""

    labels: str = option(
        "",
        "Label table of a folder of images: file name, labels, person, attributes (default: a lone table beside them).",
        "이미지 폴더의 라벨 표: 파일 이름, 라벨, 대상자, 속성(기본: 폴더에 함께 있는 표).",
        "--labels",
    )
    person: str = option(
        "",
        "Column that says whose image it is; images of one person never part.",
        "누구의 이미지인지 나타내는 열. 한 사람의 이미지는 나뉘지 않습니다.",
        "--person",
    )
    side: int = option(
        0,
        "Side of the squares in pixels (default: what the median image fills, at most 128).",
        "정사각형 한 변의 픽셀 수(기본: 중앙 크기의 이미지가 채우는 크기, 최대 128).",
        "--side",
    )
    fit: Literal["pad", "crop"] = option(
        "pad",
        "How images become squares (pad: black margins | crop: the middle).",
        "정사각형으로 만드는 방법(pad: 검은 여백 | crop: 가운데 자르기).",
        "--square",
    )
    colour: Literal["auto", "grey", "rgb"] = option(
        "auto", "Channels (auto|grey|rgb).", "색 채널(auto|grey|rgb).", "--colour"
    )
    part: str = option(
        "",
        "Which arrays of an .npz (`train` for x_train and y_train), or which split of a table of boxes.",
        ".npz의 배열(x_train, y_train은 `train`) 또는 상자 표의 split 선택.",
        "--part",
    )
    scenes: Literal["auto", "yes", "no"] = option(
        "auto",
        "Whether boxes are read with the images (yes|no; auto: where the synthesizer learns from boxes).",
        "이미지와 함께 상자를 읽을지 여부(yes|no, auto: 생성기가 상자를 학습할 때).",
        "--scenes",
    )
    boxes: str = option(
        "",
        "Table of boxes: CSV, Parquet or COCO (default: boxes.csv, boxes.parquet or annotations.json beside the images).",
        "상자 표: CSV, Parquet 또는 COCO(기본: 이미지 옆의 boxes.csv, boxes.parquet, annotations.json).",
        "--boxes",
    )
