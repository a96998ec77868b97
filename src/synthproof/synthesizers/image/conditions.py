"""Labels and attributes as numbers that a network can heed, and the law that labels of drawn pictures follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.contracts import Conditions
from synthproof.core.errors import ConditionError, did_you_mean
from synthproof.core.random import derive, uniforms
from synthproof.core.registry import synthesizers
from synthproof.core.run import Run
from synthproof.core.schema import Schema
from synthproof.data.table.dataset import Table, canonical_dtype
from synthproof.engines.codes import to_numbers

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]
_WAVES = (1.0, 2.0, 4.0)
JOINT = "table.bayes_net"


@dataclass(frozen=True, slots=True)
class LabelCode:
    """Fields as blocks of numbers, each closed by a one that says the field is known.

    Parameters
    ----------
    schema
        Fields that pictures are drawn by (no unit).
    centre, spread
        Of numeric fields, by name.
    """

    schema: Schema
    centre: Mapping[str, float]
    spread: Mapping[str, float]

    @classmethod
    def learn(cls, frame: pd.DataFrame, schema: Schema) -> Self:
        """Return the code of some label rows."""
        centre, spread = {}, {}
        for f in schema.modelled:
            if f.numeric:
                numbers = to_numbers(frame[f.name], f)
                present = numbers[np.isfinite(numbers)]
                centre[f.name] = float(present.mean()) if len(present) else 0.0
                spread[f.name] = float(present.std()) or 1.0 if len(present) else 1.0
        return cls(schema, centre, spread)

    @property
    def blocks(self) -> list[int]:
        """Numbers a field, in the order of the schema."""
        return [self._width(f) for f in self.schema.modelled]

    @property
    def size(self) -> int:
        """Numbers in all."""
        return sum(self.blocks)

    @property
    def field_of(self) -> IntArray:
        """Field of each number, shape (size,)."""
        return np.repeat(np.arange(len(self.blocks)), self.blocks).astype(np.intp)

    def _width(self, f: Any) -> int:
        if f.numeric:
            return 2 + 2 * len(_WAVES)
        return 2 if f.kind == "boolean" else len(f.levels) + 1

    def encode(self, frame: pd.DataFrame) -> FloatArray:
        """Return the rows' numbers, shape (n, size); zeros where a field is missing."""
        parts = [self._encoded(frame[f.name], f) for f in self.schema.modelled]
        return np.concatenate(parts, axis=1).astype(np.float32) if parts else np.zeros((len(frame), 0), np.float32)

    def _encoded(self, column: pd.Series, f: Any) -> npt.NDArray[np.float64]:
        out = np.zeros((len(column), self._width(f)))
        if f.numeric:
            z = (to_numbers(column, f) - self.centre[f.name]) / self.spread[f.name]
            known = np.isfinite(z)
            z = np.where(known, np.clip(z, -4, 4), 0.0)
            waves = [g(w * z) for w in _WAVES for g in (np.sin, np.cos)]
            out[:, :-1] = np.stack([z, *waves], axis=1) * known[:, None]
        elif f.kind == "boolean":
            known = column.notna().to_numpy()
            out[:, 0] = np.where(known, column.fillna(False).astype(bool).to_numpy() * 2.0 - 1.0, 0.0)
        else:
            at = column.astype(canonical_dtype(f)).cat.codes.to_numpy().astype(np.intp)
            known = at >= 0
            # a one among many zeros is small beside other fields; sqrt(levels) makes each field weigh alike
            out[np.flatnonzero(known), at[known]] = np.sqrt(len(f.levels))
        out[:, -1] = known
        return out

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {"schema": self.schema.to_dict(), "centre": dict(self.centre), "spread": dict(self.spread)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        return cls(Schema.from_dict(state["schema"]), dict(state["centre"]), dict(state["spread"]))


class LabelLaw:
    """How often each combination of labels and attributes is drawn.

    One label alone keeps its shares of train. Several fields together are themselves a table of people: they are drawn
    anew by ``table.bayes_net``, never taken from a real row.
    """

    def __init__(self, schema: Schema, shares: npt.NDArray[np.float64] | None, model: Any = None) -> None:
        self.schema, self.shares, self.model = schema, shares, model

    @classmethod
    def learn(cls, frame: pd.DataFrame, schema: Schema, seed: int, run: Run) -> Self:
        """Return the law of some label rows."""
        fields = schema.modelled
        if len(fields) == 1 and fields[0].levelled and fields[0].kind != "boolean":
            column = frame[fields[0].name].astype(canonical_dtype(fields[0]))
            counts = np.bincount(
                column.cat.codes.to_numpy()[column.notna().to_numpy()], minlength=len(fields[0].levels)
            )
            return cls(schema, counts / max(1, counts.sum()))
        table = Table(frame[list(schema.names)], replace(schema, modality="table"))
        return cls(schema, None, synthesizers.make(JOINT, random_state=derive(seed, "labels")).fit(table, run=run))

    def draw(self, n: int, where: Conditions | None, seed: int, run: Run) -> pd.DataFrame:
        """Return label rows; the first rows of more are those of fewer.

        Raises
        ------
        ConditionError
            ``image/no-such-label``, ``image/label-not-learned``, or what the table's generator raises.
        """
        if self.model is not None:
            drawn: Table = self.model.sample(n, where=where, seed=derive(seed, "labels"), run=run)
            return drawn.frame
        f = self.schema.modelled[0]
        assert self.shares is not None
        chances = self.shares.copy()
        for name, wanted in (where or {}).items():
            if name != f.name:
                hint = did_you_mean(name, [f.name])
                raise ConditionError("image/no-such-label", where=name, hint=hint, known=f.name)
            asked = asked_levels(wanted, f.levels)
            unknown = sorted(asked - set(f.levels))
            if unknown:
                raise ConditionError("image/no-such-label", where=name, hint="", known=f"{len(f.levels)} levels")
            chances *= [level in asked for level in f.levels]
        if not chances.sum():
            raise ConditionError("image/label-not-learned", where=f.name)
        edges = np.cumsum(chances / chances.sum())
        codes = np.searchsorted(edges / edges[-1], uniforms(seed, "labels", n), side="right")
        column = pd.Categorical.from_codes(codes.astype(np.int64), dtype=canonical_dtype(f))
        return pd.DataFrame({f.name: column})

    def get_state(self) -> dict[str, Any]:
        """Return plain values."""
        law: dict[str, Any] = {"schema": self.schema.to_dict()}
        if self.shares is not None:
            return {**law, "shares": self.shares}
        return {**law, "params": self.model.get_params(), "model": self.model.get_state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Take back what `get_state` returned."""
        schema = Schema.from_dict(state["schema"])
        if "shares" in state:
            return cls(schema, np.asarray(state["shares"], dtype=np.float64))
        return cls(schema, None, synthesizers.make(JOINT, **state["params"]).set_state(state["model"]))


def asked_levels(wanted: Any, levels: Sequence[str]) -> set[str]:
    """Return the levels that a condition asks for, as texts.

    One yes/no label has the levels ``false`` and ``true``, and codes of classes are whole numbers: ``True`` and ``1.0`` mean
    those.
    """
    out = set()
    for w in wanted if isinstance(wanted, list | tuple | set) else [wanted]:
        text = str(w)
        if text not in levels and isinstance(w, bool | np.bool_):
            text = text.lower()
        elif text not in levels and isinstance(w, float) and w.is_integer():
            text = str(int(w))
        out.add(text)
    return out


__all__ = ["JOINT", "LabelCode", "LabelLaw", "asked_levels"]
