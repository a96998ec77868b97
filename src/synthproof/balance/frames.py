"""Tables and labels of any library, taken apart and put together without leaving it: types and index as they came.

The rows that were given are never converted: they are taken by position in their own container, and made rows, brought
to the same types, are put after them. In pandas a real row keeps its index label, and an added row gets one that no other
row has:

- whole numbers: those after the greatest
- unique texts: ``added-1``, ``added-2`` …
- anything else (dates, several levels, repeated labels): the whole result is numbered from 0, and positions are in
  `Balancer.sample_indices_`
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthproof.core.errors import DataError
from synthproof.core.words import Words
from synthproof.data.image.dataset import ImageSet

IntArray = npt.NDArray[np.intp]


def container_of(data: Any) -> str:
    """Return ``"pandas"``, ``"polars"``, ``"arrow"``, ``"images"`` or ``"numpy"`` (lists count as numpy).

    Raises
    ------
    DataError
        ``balance/container``: a sparse matrix, a lazy frame, an array of one dimension …
    """
    family = type(data).__module__.partition(".")[0]
    if isinstance(data, pd.DataFrame):
        return "pandas"
    if isinstance(data, ImageSet):
        return "images"
    if family == "polars" and hasattr(data, "columns") and not hasattr(data, "collect"):
        return "polars"
    if family == "pyarrow" and hasattr(data, "column_names"):
        return "arrow"
    if isinstance(data, np.ndarray | list | tuple) and np.ndim(data) >= 2:
        return "numpy"
    raise DataError("balance/container", type=f"{type(data).__module__}.{type(data).__qualname__}")


def of_pictures(data: Any) -> bool:
    """Return whether rows are pictures: a set of them, or an array of more than two dimensions."""
    return isinstance(data, ImageSet) or (isinstance(data, np.ndarray) and data.ndim > 2)


def plain_container(data: Any) -> Any:
    """Return a list of rows as an array, an Arrow batch as a table, anything else as it is."""
    if isinstance(data, list | tuple):
        return np.asarray(data)
    if type(data).__module__.partition(".")[0] == "pyarrow" and not hasattr(data, "combine_chunks"):
        import pyarrow as pa

        return pa.table(data)
    return data


def n_rows(data: Any) -> int:
    """Return the number of rows of a table or column of labels (pictures of a set, not its persons)."""
    if isinstance(data, ImageSet):
        return data.n_rows
    return int(data.shape[0]) if hasattr(data, "shape") else len(data)


def taken(data: Any, rows: IntArray) -> Any:
    """Return rows of a table, or cells of a column, by position in the given order; repeats are allowed."""
    if isinstance(data, ImageSet):
        return data.take_rows(rows)
    if isinstance(data, pd.DataFrame | pd.Series | pd.Index):
        return data.iloc[rows] if not isinstance(data, pd.Index) else data[rows]
    family = type(data).__module__.partition(".")[0]
    if family == "polars":
        return data[rows.tolist()]
    if family == "pyarrow":
        return data.take(rows.astype(np.int64))
    return np.asarray(data)[rows]


def column_values(column: Any) -> pd.Series:
    """Return a column of labels as a pandas series, to be counted; the column itself is not changed."""
    if isinstance(column, pd.DataFrame):
        column = column.iloc[:, 0]
    if isinstance(column, pd.Series):
        return column.reset_index(drop=True)
    family = type(column).__module__.partition(".")[0]
    if family == "polars":
        if hasattr(column, "columns"):
            column = column.to_series(0)
        return pd.Series(column.to_list())
    if family == "pyarrow":
        if hasattr(column, "column_names"):
            column = column.column(0)
        return pd.Series(column.to_pylist())
    array = np.asarray(column)
    return pd.Series(array.reshape(len(array)) if array.ndim == 2 and array.shape[1] == 1 else array)


def column_of(data: Any, name: str) -> Any:
    """Return one column of a table in its own library."""
    return data.column(name) if container_of(data) == "arrow" else data[name]


def column_names(data: Any) -> list[Any]:
    """Return the names of the columns; those of an array are their numbers."""
    kind = container_of(data)
    if kind == "images":
        return list(data.schema.names)
    if kind == "arrow":
        return list(data.column_names)
    return list(range(data.shape[1])) if kind == "numpy" else list(data.columns)


def with_labels(data: Any, name: str, labels: list[str | None]) -> Any:
    """Return a table with one more column of texts, in a container that `read_table` takes (an array: pandas)."""
    kind = container_of(data)
    if kind == "numpy" and np.ndim(data) != 2:
        raise DataError("balance/container", type=f"an array of {np.ndim(data)} dimensions, for rows of a table")
    if kind == "polars":
        import polars as pl

        return data.with_columns(pl.Series(name, labels, dtype=pl.String))
    if kind == "arrow":
        import pyarrow as pa

        return data.append_column(name, pa.array(labels, type=pa.string()))
    frame = pd.DataFrame(data).infer_objects() if kind == "numpy" else data.reset_index(drop=True)
    frame = frame.set_axis([str(c) for c in frame.columns], axis=1)
    return frame.assign(**{name: pd.Series(labels, dtype="str")})


def check_pairs(data: Any, labels: Any) -> None:
    """Refuse labels that do not belong to the rows: another number, or the same index in another order.

    Raises
    ------
    DataError
        ``balance/lengths-differ`` or ``balance/index-order``.
    """
    if n_rows(data) != n_rows(labels):
        raise DataError("balance/lengths-differ", rows=n_rows(data), labels=n_rows(labels))
    if isinstance(data, pd.DataFrame) and isinstance(labels, pd.Series | pd.DataFrame):
        left, right = data.index, labels.index
        if left.equals(right) or not (left.is_unique and right.is_unique):
            return
        if len(left) == len(left.intersection(right)):
            n = int(np.count_nonzero(np.asarray(left) != np.asarray(right)))
            raise DataError("balance/index-order", n=n)


def appended(data: Any, made: Any) -> Any:
    """Return a table with made rows after its own; the made rows take the types of the real ones.

    Parameters
    ----------
    data
        Real rows, in any container.
    made
        Made rows in the same order of columns: of the same library; for an array, an array or a pandas frame.

    Raises
    ------
    DataError
        ``balance/types-changed`` when a made value does not fit a type.
    """
    kind = container_of(data)
    if kind == "numpy":
        return np.concatenate([data, _cast_array(made, data.dtype)])
    if kind == "polars":
        return _append_polars(data, made)
    if kind == "arrow":
        return _append_arrow(data, made)
    made = made.set_axis(data.columns, axis=1)
    columns = {i: _cast_series(made.iloc[:, i], data.dtypes.iloc[i], data.columns[i]) for i in range(data.shape[1])}
    # the index says how many rows there are where there is no column
    cast = pd.DataFrame(columns, index=pd.RangeIndex(len(made))).set_axis(data.columns, axis=1)
    out = pd.concat([data.reset_index(drop=True), cast], ignore_index=True)
    for i, name in enumerate(data.columns):
        if out.dtypes.iloc[i] != data.dtypes.iloc[i]:
            raise _changed(name, out.dtypes.iloc[i], data.dtypes.iloc[i])
    return out


def indexed(result: Any, index: pd.Index, kept: int) -> Any:
    """Return a pandas result under its index: the first `kept` labels as they were, new ones for the rest.

    Parameters
    ----------
    index
        Labels of the kept real rows, shape (kept,).
    """
    if not isinstance(result, pd.DataFrame | pd.Series):
        return result
    return result.set_axis(_labels(index, len(result) - kept), axis=0)


def _labels(index: pd.Index, new: int) -> pd.Index:
    if isinstance(index, pd.RangeIndex) and index.step == 1:
        return pd.RangeIndex(index.start, index.stop + new, name=index.name)
    if new == 0:
        return index
    plain = not isinstance(index, pd.MultiIndex) and index.is_unique
    if plain and pd.api.types.is_integer_dtype(index.dtype) and not index.hasnans:
        first = int(index.max()) + 1 if len(index) else 0
        if first + new <= np.iinfo(np.int64).max:
            added = pd.Index(range(first, first + new))
            out = pd.Index(np.concatenate([index.to_numpy(dtype=np.int64), added.to_numpy()]), name=index.name)
            return out if str(index.dtype) == "int64" else _as(out, index.dtype)
    if plain and all(isinstance(v, str) for v in index):
        taken_names, at = set(index), 0
        names: list[str] = []
        while len(names) < new:
            at += 1
            if f"added-{at}" not in taken_names:
                names.append(f"added-{at}")
        return pd.Index([*index, *names], name=index.name, dtype=index.dtype)
    return pd.RangeIndex(len(index) + new)


def _as(index: pd.Index, dtype: Any) -> pd.Index:
    """Return an integer index in its own type, or in 64 bits where the new labels do not fit it."""
    try:
        cast = index.astype(dtype)
    except (OverflowError, TypeError, ValueError):
        return index
    return cast if (cast == index).all() else index


def _cast_array(made: Any, dtype: Any) -> npt.NDArray[Any]:
    if isinstance(made, np.ndarray):
        return made.astype(dtype)
    if dtype.kind == "O":
        return np.asarray(made.astype(object).to_numpy(dtype=object, na_value=None), dtype=object)
    if dtype.kind in "US":  # which have no missing cell: an empty text, not the word "nan"
        return np.asarray(made.astype(object).to_numpy(dtype=object, na_value=""), dtype=dtype)
    try:
        return np.asarray(made.to_numpy(dtype=dtype))
    except (TypeError, ValueError) as error:
        raise _changed("X", "missing values", dtype) from error


def _cast_series(column: Any, dtype: Any, name: Any) -> Any:
    if column.dtype == dtype:
        return column
    if isinstance(dtype, pd.CategoricalDtype) and not column.dropna().isin(dtype.categories).all():
        # e.g. new identifiers of a column that holds each of the old ones as a level
        found = Words(en="values beyond its categories", ko="범주 목록에 없는 값")
        raise _changed(name, found, dtype)
    try:
        cast = column.astype(dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise _changed(name, column.dtype, dtype) from error
    if bool((cast.isna() & column.notna().to_numpy()).any()):  # a level that the type does not have
        raise _changed(name, column.dtype, dtype)
    return cast


def _append_polars(data: Any, made: Any) -> Any:
    import polars as pl

    columns = []
    for name, there in zip(data.columns, made.columns, strict=True):
        wanted, series = data.schema[name], made[there]
        try:
            columns.append(series.cast(wanted).alias(name) if series.dtype != wanted else series.alias(name))
        except pl.exceptions.PolarsError as error:
            raise _changed(name, series.dtype, wanted) from error
    return pl.concat([data, pl.DataFrame(columns)])


def _append_arrow(data: Any, made: Any) -> Any:
    import pyarrow as pa

    arrays = []
    for i, wanted in enumerate(data.schema):
        column = made.column(i)
        try:
            arrays.append(column.cast(wanted.type) if column.type != wanted.type else column)
        except pa.ArrowException as error:
            raise _changed(wanted.name, column.type, wanted.type) from error
    return pa.concat_tables([data, pa.table(arrays, schema=data.schema)])


def _changed(name: Any, found: Any, wanted: Any) -> DataError:
    return DataError("balance/types-changed", name=name, found=found, wanted=wanted)


__all__ = [
    "appended",
    "check_pairs",
    "column_names",
    "column_of",
    "column_values",
    "container_of",
    "indexed",
    "n_rows",
    "of_pictures",
    "plain_container",
    "taken",
    "with_labels",
]
