"""Reading policies: names, files, copies, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from synthproof.core.errors import ConfigError, NotFoundError
from synthproof.core.registry import policies
from synthproof.core.schema import Purpose
from synthproof.policy import CATALOGUE
from synthproof.policy.load import load_policy, read_policy
from synthproof.policy.purposes import needed_level

TEXT = """
format = 1
id = "mine"
version = 1
title = { en = "Mine", ko = "우리 정책" }
summary = { en = "For tests.", ko = "시험용입니다." }
[[plan]]
metric = "table.shape"
[[rules]]
id = "shape"
family = "fidelity"
title = { en = "Shapes", ko = "분포" }
explain = { en = "Columns look alike.", ko = "열의 분포가 비슷한지 봅니다." }
metric = "table.shape"
limit = { origin = "own", value = 0.1, because = { en = "ours", ko = "자체 설정" } }
"""


def test_a_shipped_policy_is_unchanged_and_a_changed_copy_says_so(tmp_path: Path) -> None:
    shipped = load_policy("pipc_2024")
    assert not shipped.changed
    copy = tmp_path / "ours.toml"
    copy.write_text(shipped.text, encoding="utf-8")
    assert load_policy(copy).digest == shipped.digest
    assert not load_policy(str(copy)).changed
    copy.write_text("# our remark\n" + shipped.text, encoding="utf-8")
    assert not load_policy(copy).changed  # a remark changes no rule
    copy.write_text(shipped.text.replace("value = 0.8", "value = 0.9"), encoding="utf-8")
    loosened = load_policy(copy)
    assert loosened.changed
    assert loosened.digest != shipped.digest
    assert loosened.judge(()).changed


def test_a_policy_of_another_name_is_not_ours() -> None:
    assert read_policy(TEXT).changed


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one() -> None:
    with pytest.raises(NotFoundError) as caught:
        load_policy("pipc2024")
    assert caught.value.code == "policy/unknown"
    assert "pipc_2024" in caught.value.text("ko")
    with pytest.raises(NotFoundError) as caught:
        load_policy("nowhere/mine.toml")
    assert caught.value.code == "policy/no-file"


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("version = 1", "version = 1\nversoin = 2", "policy/unknown-key", "version"),
        ('metric = "table.shape"\nlimit', 'metirc = "table.shape"\nlimit', "policy/unknown-key", "metric"),
        ("value = 0.1", "valeu = 0.1", "policy/unknown-key", "value"),
        ('family = "fidelity"', 'family = "fidelty"', "policy/bad-value", "fidelity"),
        ("value = 0.1", "value = nan", "policy/bad-value", "finite"),
        ("value = 0.1", "value = true", "policy/bad-value", "finite"),
        ("value = 0.1, ", "", "policy/bad-value", "given"),
        ('origin = "own"', 'origin = "simulated"', "policy/bad-value", "absent"),
        ('ko = "분포"', 'ko = ""', "policy/bad-value", "text"),
        (', ko = "분포"', "", "policy/missing-key", "ko"),
        ('id = "shape"', "", "policy/missing-key", "id"),
        ("version = 1", 'version = "1"', "policy/bad-value", "whole number"),
        ("format = 1", "format = 2", "policy/too-new", "2"),
        ("format = 1", "", "policy/missing-key", "format"),
        ("version = 1", "version = ", "policy/not-toml", "line 4"),
        ('[[plan]]\nmetric = "table.shape"', '[[plan]]\nmetric = "table.shapes"', "policy/not-planned", "table.shapes"),
        ("[[plan]]", "[plan]", "policy/bad-value", "[[plan]]"),
        ('because = { en = "ours", ko = "자체 설정" }', 'because = "ours"', "policy/bad-value", "table"),
        ('family = "fidelity"', 'family = "fidelity"\nside = "below"', "policy/bad-value", "max, min"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_file_and_remedy(old: str, new: str, code: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(ConfigError) as caught:
        read_policy(TEXT.replace(old, new, 1), where="mine.toml")
    assert caught.value.code == code
    assert caught.value.where.startswith("mine.toml")
    assert said in caught.value.text("en")
    assert caught.value.text("ko")


def test_the_rule_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        read_policy(TEXT.replace('family = "fidelity"', 'family = "fidelity"\nsied = "min"'), where="mine.toml")
    assert caught.value.where == "mine.toml, rule shape"
    assert "Did you mean side?" in caught.value.text("en")


def test_a_rule_named_twice_is_refused() -> None:
    rule = TEXT[TEXT.index("[[rules]]") :]
    with pytest.raises(ConfigError) as caught:
        read_policy(TEXT + rule)
    assert caught.value.code == "policy/doubled-rule"


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes("format = 1 # 정책".encode("cp949"))
    with pytest.raises(ConfigError) as caught:
        load_policy(path)
    assert caught.value.code == "policy/not-utf8"


def test_the_quantile_follows_environment_and_form() -> None:
    pipc = load_policy("pipc_2024")
    wanted = {
        ("open", "publication"): 0.90,
        ("semi_open", "unspecified_third_party"): 0.90,
        ("semi_open", "third_party"): 0.95,
        ("closed", "other_department"): 0.95,
        ("closed", "internal"): 0.99,
        # The stricter of environment and form decides.
        ("open", "internal"): 0.90,
        ("closed", "publication"): 0.90,
        ("semi_open", "internal"): 0.95,
    }
    for (environment, form), quantile in wanted.items():
        specs = dict(pipc.limit_specs(Purpose(environment=environment, form=form)))  # type: ignore[arg-type]
        assert specs["table.pipc_singling_out"] == quantile, (environment, form)
        assert specs["table.pipc_inference"] == quantile


def test_levels_are_named_as_in_the_guide() -> None:
    assert needed_level(Purpose()).words.ko == "최고"
    ordinary = needed_level(Purpose(environment="closed", form="internal"))
    assert (ordinary.words.ko, ordinary.step) == ("보통", 5)
    assert "ⓒ 폐쇄" in ordinary.because.ko
    assert "⑤ 내부 이용" in ordinary.because.ko
    mixed = needed_level(Purpose(environment="open", form="internal"))
    assert mixed.step == 1
    assert "더 엄격한 쪽" in mixed.because.ko


def test_an_unknown_rule_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        load_policy("pipc_2024").rule("singling-out")
    assert "singling_out" in caught.value.text("en")


def test_every_profile_is_listed() -> None:
    assert set(policies.names()) >= {"internal", "partner", "public", "pipc_2024"}


def test_a_registered_thing_may_be_a_path_a_policy_or_a_maker_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "theirs.toml"
    path.write_text(TEXT, encoding="utf-8")
    module = ModuleType("synthproof_fake_policies")
    things = {"path": path, "ready": read_policy(TEXT), "maker": lambda: read_policy(TEXT), "wrong": 3}
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for name, thing in things.items():
        setattr(module, name, thing)
        monkeypatch.setitem(CATALOGUE, f"fake_{name}", f"{module.__name__}:{name}")
    policies.refresh()
    try:
        for name in ("path", "ready", "maker"):
            assert load_policy(f"fake_{name}").id == "mine"
        with pytest.raises(ConfigError) as caught:
            load_policy("fake_wrong")
        assert caught.value.code == "policy/not-a-policy"
    finally:
        monkeypatch.undo()
        policies.refresh()
