"""Arrays in files, of which samples are read as they are needed, so that nothing piles up in
memory: pages of a memory map stay in it."""

import mmap
import os
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from strop import _strop
from strop.arrays import Array
from strop.errors import InputOutputError


class FileRows:
    """An array [samples, …] that lies row by row in a file, from `offset` bytes on."""

    def __init__(self, file: int, offset: int, dtype: Any, shape: tuple[int, ...]) -> None:
        self.dtype, self.shape = np.dtype(dtype), shape
        self._file = os.dup(file)
        weakref.finalize(self, os.close, self._file)
        self._offset = offset
        self._row_bytes = self.dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: Sequence[int]) -> Array:
        """The rows of these indices. Raises strop.InputOutputError where the file has lost them."""
        rows = np.empty((len(indices), *self.shape[1:]), self.dtype)
        if rows.nbytes == 0:
            return rows
        buffer = rows.reshape(-1).view(np.uint8).data
        order = np.asarray(indices)
        ends = [*(np.flatnonzero(np.diff(order) != 1) + 1), len(order)]
        begin = 0
        for end in ends:  # of rows that follow each other in the file
            self._read(buffer[begin * self._row_bytes : end * self._row_bytes], int(order[begin]))
            begin = end
        return rows

    def _read(self, buffer: memoryview, first: int) -> None:
        offset = self._offset + first * self._row_bytes
        while buffer:
            count = os.preadv(self._file, [buffer], offset)
            if count == 0:
                raise InputOutputError(
                    f"read: found the end of the file at row {first}, expected {len(self)} rows; "
                    "it has become shorter"
                )
            buffer, offset = buffer[count:], offset + count


def mapped_rows(array: Array) -> FileRows | None:
    """The rows of an array in a memory-mapped file; None where it is in memory, or of another
    order, or where that file cannot be opened by its name any more."""
    root: Any = array
    while root is not None and not isinstance(getattr(root, "base", None), mmap.mmap):
        root = getattr(root, "base", None)
    is_of_file = isinstance(root, np.memmap) and root.mode != "c" and root.filename is not None
    if not is_of_file or not array.flags.c_contiguous or array.ndim == 0 or array.nbytes == 0:
        return None
    offset = root.offset + array.ctypes.data - root.ctypes.data
    try:
        file = os.open(root.filename, os.O_RDONLY)
    except OSError:
        return None
    try:
        rows = FileRows(file, offset, array.dtype, array.shape)
        ends = [0, len(array) - 1]
        return rows if rows[ends].tobytes() == array[ends].tobytes() else None
    except InputOutputError:
        return None
    finally:
        os.close(file)


def rows_data(arrays: Mapping[str, Array | FileRows]) -> _strop.Data:
    """Data of arrays by name, in memory or in files."""
    fields = [(name, str(array.dtype), array.shape[1:]) for name, array in arrays.items()]

    def read(indices: list[int]) -> list[Array]:
        return [array[indices] for array in arrays.values()]

    return _strop.Data.reader(len(next(iter(arrays.values()))), fields, read)
