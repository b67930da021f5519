"""What comes batch by batch and cannot be asked for a sample: written once to a temporary file,
from which a run reads in its own order, as often as it has epochs, without having it in memory."""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np

from strop.arrays import Array, columns_of, is_frame
from strop.data import named_columns
from strop.datasets import named_batch
from strop.errors import DataError, UsageError
from strop.file_rows import FileRows
from strop.weights import Weights

_PARQUET_ROWS = 65536  # that are in memory at once


def is_parquet(x: object) -> bool:
    """Whether it is the path of a Parquet file."""
    return isinstance(x, (str, os.PathLike)) and os.fsdecode(x).endswith((".parquet", ".pq"))


def is_lazy_frame(x: object) -> bool:
    """Whether it is a LazyFrame of Polars."""
    return hasattr(x, "collect") and hasattr(x, "collect_schema")


def is_stream(x: object) -> bool:
    """Whether it gives batches, one after the other."""
    is_known = isinstance(x, (Mapping, list, tuple, str, bytes)) or is_frame(x)
    is_array = any(hasattr(x, name) for name in ("dtype", "to_numpy", "__array__"))
    return hasattr(x, "__iter__") and not is_known and not is_array


def spooled(
    inputs: Sequence[str], x: Any, y: Any, weights: Weights | None = None
) -> dict[str, FileRows]:
    """Arrays by name, in a file that is gone with them, of a stream's batches: (x, y), arrays by
    name, or tables whose column y is the target."""
    columns: dict[str, _Column] = {}
    with contextlib.ExitStack() as files:
        for number, batch in enumerate(_batches_of(x), 1):
            arrays = _named(inputs, batch, y, weights)
            if number == 1:
                columns = {
                    name: _Column(name, array, files.enter_context(_temporary_file()))
                    for name, array in arrays.items()
                }
            if arrays.keys() != columns.keys():
                raise DataError(
                    f"stream: batch {number}: found {', '.join(arrays)}, expected "
                    f"{', '.join(columns)} as in those before"
                )
            _check_batch(number, arrays)
            for name, array in arrays.items():
                columns[name].append(array, number)
        if not columns:
            raise DataError("stream: found no batch, expected some")
        return {name: column.rows() for name, column in columns.items()}


def _named(inputs: Sequence[str], batch: Any, y: Any, weights: Weights | None) -> dict[str, Array]:
    if is_frame(batch):
        table = {name: _rows(name, column) for name, column in columns_of(batch).items()}
        return named_columns(inputs, table, y, weights)
    if y is not None:
        raise UsageError("y: found targets beside a stream, expected them in its batches")
    return named_batch(inputs, batch)


def _check_batch(number: int, arrays: Mapping[str, Array]) -> None:
    counts = {array.shape[0] if array.ndim else None for array in arrays.values()}
    if len(counts) == 1 and None not in counts:
        return
    found = ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items())
    raise DataError(
        f"stream: batch {number}: found {found}, expected arrays of as many samples each; a "
        "stream of single samples belongs into a DataLoader"
    )


def _temporary_file() -> IO[bytes]:
    return tempfile.TemporaryFile(prefix="strop-")


def _batches_of(x: Any) -> Iterable[Any]:
    if is_parquet(x):
        return _parquet_batches(x)
    if is_lazy_frame(x):
        in_batches = getattr(x, "collect_batches", None)
        batches: Iterable[Any] = (
            [x.collect(engine="streaming")] if in_batches is None else in_batches()
        )
        return batches
    stream: Iterable[Any] = x
    return stream


def _parquet_batches(path: Any) -> Iterator[Any]:
    import pyarrow
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_PARQUET_ROWS):
            yield pyarrow.Table.from_batches([batch])


def _rows(name: str, column: Array) -> Array:
    """A column, of lists as an array of two axes."""
    if column.dtype != object:
        return column
    try:
        return np.stack([np.asarray(row) for row in column])
    except ValueError:
        raise DataError(f"column {name!r}: found rows of several shapes, expected one") from None


class _Column:
    """A field of the samples, as it grows in its file."""

    def __init__(self, name: str, first: Array, file: IO[bytes]) -> None:
        self._name = name
        self._dtype = first.dtype
        self._shape = first.shape[1:]
        self._count = 0
        self._file = file

    def append(self, array: Array, number: int) -> None:
        if array.shape[1:] != self._shape or array.dtype != self._dtype:
            raise DataError(
                f"stream: batch {number}: {self._name!r}: found {array.dtype} of "
                f"{list(array.shape[1:])} a sample, expected {self._dtype} of {list(self._shape)} "
                "as in those before"
            )
        self._file.write(np.ascontiguousarray(array).data)
        self._count += len(array)

    def rows(self) -> FileRows:
        self._file.flush()
        return FileRows(self._file.fileno(), 0, self._dtype, (self._count, *self._shape))
