"""Fitted models on disk: written under their registry name, opened by that name alone."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from synthproof.core import state as _state
from synthproof.core.contracts import Recipe
from synthproof.core.errors import StateError, SynthproofError
from synthproof.core.registry import synthesizers

_LIBRARIES = ("synthproof", "numpy", "scipy", "scikit-learn", "pandas")


class Saved:
    """Give a synthesizer ``save(folder)``; `load_model` opens what it wrote."""

    def save(self, folder: str | Path) -> Path:
        """Write the fitted model as a folder with ``model.json`` and one array file, whole or not at all.

        Raises
        ------
        NotFittedError
            Nothing was learned yet.
        StateError
            ``state/not-registered``: the class is not in the registry, so no one could open the folder again.
        """
        return save_model(self, folder)


def save_model(model: Any, folder: str | Path) -> Path:
    """Write a fitted synthesizer as a folder; an older one at the same place is replaced.

    Parameters
    ----------
    model
        Any fitted, registered `Synthesizer` with ``schema_``.
    folder
        Where to write.

    Notes
    -----
    The folder holds what was learned from real people. It belongs in the vault.
    """
    learned = model.get_state()
    header = {
        "kind": "synthesizer",
        "name": registered_name(type(model)),
        "params": model.get_params(),
        "schema": model.schema_.to_dict(),
        "schema_fingerprint": model.schema_.fingerprint(),
        "versions": _versions(),
    }
    return _state.save(Path(folder), header=header, state=learned)


def load_model(folder: str | Path) -> Any:
    """Return the fitted synthesizer that `save_model` wrote.

    The class is looked up by its registry name; nothing in the folder can name a module or hold code.

    Raises
    ------
    StateError
        ``state/not-a-model``, ``state/too-new`` or ``state/damaged``.
    NotFoundError
        ``registry/unknown-name``: the model's plug-in is not installed.
    """
    header, learned = _state.load(Path(folder))
    if header.get("kind") != "synthesizer" or not isinstance(header.get("name"), str):
        raise StateError("state/not-a-model", where=str(folder), reason="no synthesizer")
    try:
        return synthesizers.get(header["name"])(**header["params"]).set_state(learned)
    except SynthproofError:
        raise
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        raise StateError("state/not-a-model", where=str(folder), reason=type(error).__name__) from error


def read_header(folder: str | Path) -> Mapping[str, Any]:
    """Return a saved model's name, parameters, schema and versions without building it."""
    header, _ = _state.load(Path(folder))
    return header


def registered_name(cls: type) -> str:
    """Return the registry name of a synthesizer class."""
    target = f"{cls.__module__}:{cls.__qualname__}"
    for entry in synthesizers.entries():
        if entry.target == target:
            return entry.name
    for entry in synthesizers.entries():  # a plug-in may point at a name that re-exports the class
        if entry.owner != "synthproof" and not synthesizers.broken(entry.name) and synthesizers.get(entry.name) is cls:
            return entry.name
    raise StateError("state/not-registered", type=cls.__qualname__)


def recipe_of(model: Any) -> Recipe:
    """Return how to build a fitted synthesizer again; of ``auto``, the generator that it chose."""
    maker = model.model_ if hasattr(model, "chosen_") else model
    return Recipe(name=registered_name(type(maker)), params=dict(maker.get_params()))


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
