"""What a run may be told: one frozen dataclass per stage, the only place of a default.

The project file (``synthproof.toml``), the command line's flags and the reference page are derived from these.
Flags override the file; unknown keys are refused with the nearest known one.
"""

from __future__ import annotations

import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass, replace
from dataclasses import Field as DataField
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from synthproof.core.errors import ConfigError, did_you_mean
from synthproof.core.evidence import Statement
from synthproof.core.schema import Purpose
from synthproof.core.words import Words
from synthproof.pipeline.stage_config import (
    FitConfig,
    ImageConfig,
    ProtectConfig,
    ReadConfig,
    SampleConfig,
    SplitConfig,
    VerifyConfig,
    option,
)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """A whole run."""

    source: str = option(
        "",
        "Data to learn from: a file, s3://…, a database URL or images.",
        "학습할 데이터: 파일, s3://…, DB 주소, 이미지.",
    )
    target: str = option("", "Target column of the later task.", "예측 대상 열.", "--target")
    out: str = option(
        "", "Folder for the results (default: NAME-synthproof).", "결과 폴더(기본: 이름-synthproof).", "--out", "-o"
    )
    seed: int | None = option(
        None, "Seed; drawn and recorded in the vault when absent.", "시드. 없으면 뽑아서 vault에 기록.", "--seed"
    )
    lang: Literal["ko", "en", ""] = option(
        "",
        "Language of messages and report (ko|en; default: the system's).",
        "메시지와 보고서의 언어(ko|en, 기본: 시스템 언어).",
        "--lang",
    )
    statements: str = option(
        "",
        "TOML file of what named persons state ([[statements]] question, author, text).",
        "담당자의 진술을 적은 TOML 파일([[statements]] question, author, text).",
        "--statements",
    )
    executor: str = option(
        "threads",
        "Where the work is done: threads | processes | serial | ray | ray://HOST:PORT (a cluster). Results are the same.",
        "계산 방식: threads | processes | serial | ray | ray://호스트:포트(클러스터). 결과는 모두 같음.",
        "--executor",
    )
    workers: int | None = option(
        None,
        "Pieces of work at a time (default: every core, or every core of the cluster).",
        "동시에 처리할 작업 수(기본: 모든 코어 또는 클러스터의 모든 코어).",
        "--workers",
    )
    device: Literal["cpu", "cuda", "auto"] = option(
        "cpu",
        "Where networks compute (cpu | cuda | auto: a GPU if there is one). Numbers differ between devices.",
        "신경망을 계산하는 장치(cpu | cuda | auto: GPU가 있으면 GPU). 장치가 다르면 수치가 달라집니다.",
        "--device",
    )
    budget: str = option(
        "",
        "Time that the whole work may take (90s, 5m, 2h): picks generator, rows learned from and repeats. Of images also "
        "how many are looked at (200000 images).",
        "전체 작업에 허용하는 시간(90s, 5m, 2h). 생성기, 학습 행 수, 반복 횟수를 이에 맞춥니다. 이미지는 학습 중 볼 장수로도 지정합니다"
        "(200000 images).",
        "--budget",
    )
    memory: str = option(
        "",
        "Memory that the process may hold (512M, 4G): picks rows learned from, chunks and batches.",
        "프로세스에 허용하는 메모리(512M, 4G). 학습 행 수와 나누어 읽고 생성하는 크기를 이에 맞춥니다.",
        "--memory",
    )
    purpose: Purpose = field(default_factory=Purpose)
    read: ReadConfig = field(default_factory=ReadConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    protect: ProtectConfig = field(default_factory=ProtectConfig)
    fit: FitConfig = field(default_factory=FitConfig)
    sample: SampleConfig = field(default_factory=SampleConfig)
    verify: VerifyConfig = field(default_factory=VerifyConfig)
    image: ImageConfig = field(default_factory=ImageConfig)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        out: dict[str, Any] = asdict(self)
        out["purpose"] = self.purpose.to_dict()
        out["protect"]["steps"] = list(self.protect.steps)
        out["read"]["rules"] = list(self.read.rules)
        return out


STAGES: Mapping[str, type] = {
    "read": ReadConfig,
    "split": SplitConfig,
    "protect": ProtectConfig,
    "fit": FitConfig,
    "sample": SampleConfig,
    "verify": VerifyConfig,
    "image": ImageConfig,
}


def load_config(path: Path | None, base: Path | None = None) -> RunConfig:
    """Return the configuration of a project file, or the defaults.

    Parameters
    ----------
    path
        A TOML file. ``None`` takes ``synthproof.toml`` in `base` (the current folder) when there is one.

    Raises
    ------
    ConfigError
        ``config/unreadable``, ``params/unknown`` or ``config/wrong-type``, each with file and key.
    """
    if path is None:
        path = (base or Path.cwd()) / "synthproof.toml"
        if not path.is_file():
            return RunConfig()
    return from_mapping(RunConfig, _toml(path), where=path.name)


def check_parameters(config: RunConfig) -> None:
    """Refuse parameters of steps that are not taken, of no table's form, and a seed beside the run's own.

    Raises
    ------
    ConfigError
        ``params/unknown`` or ``config/wrong-type``.
    """
    steps = [s for s in config.protect.steps if s != "none"]
    if config.protect.steps == RunConfig().protect.steps:
        from synthproof.protection.pictures import IMAGE_STEPS

        steps += IMAGE_STEPS  # what pictures are given where nothing was asked for
    for name, given in config.protect.parameters.items():
        if name not in steps:
            hint = did_you_mean(name, steps)
            raise ConfigError(
                "params/unknown", owner="protect.parameters", name=name, hint=hint, known=", ".join(steps) or "-"
            )
        if not isinstance(given, Mapping):
            raise _wrong(f"protect.parameters.{name}", _TABLE, given)
    if "random_state" in config.fit.parameters:
        hint = Words(en="Set seed instead. ", ko="대신 seed를 지정하십시오. ")
        raise ConfigError("params/unknown", owner="fit.parameters", name="random_state", hint=hint, known="seed")


def load_purpose(path: Path) -> Purpose:
    """Return the purpose written in a TOML file (a ``[purpose]`` table or the keys themselves)."""
    data = _toml(path)
    return from_mapping(Purpose, data.get("purpose", data), where=path.name)


def load_statements(path: Path) -> tuple[Statement, ...]:
    """Return what named persons state in a TOML file: ``[[statements]]`` with question, author, text, at."""
    entries = _toml(path).get("statements", [])
    if not isinstance(entries, list):
        raise _wrong(f"{path.name}: statements", Words(en="[[statements]] tables", ko="[[statements]] 표"), entries)
    return tuple(from_mapping(Statement, entry, where=f"{path.name}: statements") for entry in entries)


def override(config: RunConfig, **flags: Any) -> RunConfig:
    """Return the configuration with flags laid over it; ``None`` means "not given".

    Flags are named ``stage__key`` for a stage's key, or by the key of the run itself.

    Raises
    ------
    ConfigError
        ``config/wrong-type`` for a word that is none of those which the key may be, as in a project file.
    """
    for name, value in flags.items():
        if value is None:
            continue
        stage, _, key = name.rpartition("__")
        owner = STAGES[stage] if stage else RunConfig
        hint = get_type_hints(owner)[key]
        if get_origin(hint) is Literal:
            given = next(f for f in fields(owner) if f.name == key).metadata["flags"]
            _checked(value, hint, given[0] if given else f"--{key.replace('_', '-')}")
        if stage:
            if isinstance(getattr(getattr(config, stage), key), tuple) and isinstance(value, str):
                mark = next(f for f in fields(STAGES[stage]) if f.name == key).metadata["separator"]
                value = tuple(part.strip() for part in value.split(mark) if part.strip())
            config = replace(config, **{stage: replace(getattr(config, stage), **{key: value})})
        else:
            config = replace(config, **{key: value})
    return config


def from_mapping(cls: type[T], data: Mapping[str, Any], *, where: str) -> T:
    """Build a configuration dataclass from plain values, checking every key and type."""
    hints = get_type_hints(cls)
    known: dict[str, DataField[Any]] = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key not in known:
            raise ConfigError(
                "params/unknown",
                where=where,
                owner=where,
                name=key,
                hint=did_you_mean(key, known),
                known=", ".join(known),
            )
        values[key] = _checked(value, hints[key], f"{where}: {key}")
    absent = [n for n, f in known.items() if n not in values and f.default is MISSING and f.default_factory is MISSING]
    if absent:
        raise ConfigError("config/missing-key", where=where, names=", ".join(absent))
    return cls(**values)


def _checked(value: Any, hint: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise _wrong(where, _TABLE, value)
        return from_mapping(hint, value, where=where)
    origin = get_origin(hint)
    if origin is Literal:
        if value not in get_args(hint):
            told = value if isinstance(value, str) else type(value).__name__
            raise ConfigError("config/wrong-type", where=where, wanted=_one_of(get_args(hint)), type=told)
        return value
    if origin in (Union, types.UnionType):
        allowed = [a for a in get_args(hint) if a is not type(None)]
        absent = value is None and len(allowed) < len(get_args(hint))  # as `to_dict` writes it
        return None if absent else _checked(value, allowed[0], where)
    if origin is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise _wrong(where, Words(en="a list of texts", ko="문자열 목록"), value)
        return tuple(value)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _wrong(where, _TABLE, value)
        return dict(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise _wrong(where, _SCALARS.get(hint, _NUMBER), value)
    return value


_TABLE = Words(en="a table", ko="표([이름] 아래의 값들)")
_NUMBER = Words(en="a number", ko="수")
_SCALARS: Mapping[Any, Words] = {
    str: Words(en="a text", ko="문자열"),
    int: Words(en="a whole number", ko="정수"),
    bool: Words(en="true or false", ko="true 또는 false"),
}


def _one_of(allowed: tuple[Any, ...]) -> Words:
    names = ", ".join(repr(a) for a in allowed if a)
    return Words(en=f"one of {names}", ko=f"{names} 중 하나")


def _wrong(where: str, wanted: Words, value: Any) -> ConfigError:
    return ConfigError("config/wrong-type", where=where, wanted=wanted, type=type(value).__name__)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError("config/unreadable", where=str(path), reason=error.strerror or "cannot be opened") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("config/unreadable", where=str(path), reason=str(error)) from error
