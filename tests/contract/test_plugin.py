"""A third party's package passes the same checks as our own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from synthproof.core import registry
from synthproof.core.contracts import Case
from synthproof.core.errors import NotFoundError
from synthproof.core.schema import Purpose
from synthproof.testing.synthesizers import check_synthesizer, example


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the sample package on the path, its entry points included."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[1] / "plugin_package"))
    for known in registry.REGISTRIES.values():
        known.refresh()
    yield
    sys.modules.pop("sp_sample_plugin", None)
    for known in registry.REGISTRIES.values():
        known.refresh()


@pytest.mark.usefixtures("installed")
def test_generator_keeps_the_contract() -> None:
    check_synthesizer(lambda **params: registry.synthesizers.make("sample.shy", **params))
    assert registry.synthesizers.entry("sample.shy").owner == "sp-sample-plugin"


@pytest.mark.usefixtures("installed")
def test_metric_keeps_the_contract() -> None:
    metric = registry.metrics.make("sample.column_count")
    table = example(60)
    (found,) = metric.measure(Case(train=table, holdout=None, synthetic=table, purpose=Purpose()), seed=1)
    assert found.estimate == 1.0
    assert metric.card.id in registry.metrics.names()


@pytest.mark.usefixtures("installed")
def test_broken_plug_in_is_shown_with_its_reason_and_stops_only_who_asks() -> None:
    assert "sample.broken" in registry.synthesizers.names()
    assert "needs a library that is not here" in registry.synthesizers.broken("sample.broken")
    assert registry.synthesizers.broken("sample.shy") == ""
    with pytest.raises(NotFoundError, match="registry/broken-plugin"):
        registry.synthesizers.get("sample.broken")
