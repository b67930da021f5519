"""What is trained on or measured with, from whatever people have: as data of the library."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from strop import _strop
from strop.arrays import Array, array_of, columns_of, is_frame
from strop.errors import UsageError
from strop.weights import Weights, named_weights

# An array [samples, …]; arrays by the names of the inputs, or in their order; a table; a path; a
# dataset with len() and samples by index: (x, y), or a mapping of names.
Samples: TypeAlias = Any
# An array [samples, …], or the name of a table's column.
Targets: TypeAlias = Any

TARGET = "target"


def is_path(x: object) -> bool:
    return isinstance(x, (str, os.PathLike))


def pair_of(validation_data: Any) -> tuple[Samples, Targets]:
    """(x, y) of what is given to validate with."""
    if isinstance(validation_data, tuple) and len(validation_data) == 2:
        return validation_data
    return validation_data, None


def is_dataset(x: object) -> bool:
    """Whether samples come one by one: it can be asked for its length and for a sample."""
    if isinstance(x, (Mapping, list, tuple)) or is_path(x) or is_frame(x):
        return False
    if any(hasattr(x, name) for name in ("dtype", "to_numpy", "__array__")):
        return False
    return hasattr(x, "__len__") and hasattr(x, "__getitem__")


def named_arrays(
    inputs: Sequence[str], x: Samples, y: Targets = None, weights: Weights | None = None
) -> dict[str, Array]:
    """Arrays by the names of the model's inputs, y as "target", and weights by theirs.

    Raises UsageError where x leaves open which array is for which input.
    """
    columns = columns_of(x) if is_frame(x) else None
    beside = {} if weights is None else weights.beside(columns or {})
    if columns is not None:
        x, y = _without_target(columns, y)
        if not set(inputs) <= set(x):
            x = np.column_stack([_numbers(name, column) for name, column in x.items()])
    arrays = {**_by_name(inputs, x), **beside}
    if y is not None:
        arrays[TARGET] = _one_column(array_of(y)) if is_frame(y) else array_of(y)
    return arrays


def _without_target(columns: dict[str, Array], y: Targets) -> tuple[Any, Targets]:
    if not isinstance(y, str):
        return columns, y
    if y not in columns:
        raise UsageError(f"y: found no column {y!r}, expected one of {', '.join(columns)}")
    return {name: column for name, column in columns.items() if name != y}, columns[y]


def _numbers(name: str, column: Array) -> Array:
    if column.dtype.kind not in "biuf":
        raise UsageError(f"column {name!r}: found {column.dtype}, expected numbers")
    return column


def _one_column(table: Array) -> Array:
    return table[:, 0] if table.ndim == 2 and table.shape[1] == 1 else table


def _by_name(inputs: Sequence[str], x: Samples) -> dict[str, Array]:
    if isinstance(x, Mapping):
        return {str(name): array_of(array) for name, array in x.items()}
    if len(inputs) == 1:
        return {inputs[0]: array_of(x)}
    if isinstance(x, (tuple, list)) and len(x) == len(inputs):
        return {name: array_of(array) for name, array in zip(inputs, x, strict=True)}
    raise UsageError(
        f"x: found one array, expected one for each input; a dict of {', '.join(inputs)}"
    )


def data_of(
    inputs: Sequence[str], x: Samples, y: Targets = None, weights: Weights | None = None
) -> _strop.Data:
    """Data of arrays, which are read where they lie, or of a dataset, whose samples are read as
    they are needed."""
    if not is_dataset(x):
        return _strop.Data.arrays(named_arrays(inputs, x, y, weights))
    named_weights(weights, "a dataset")
    if y is not None:
        raise UsageError("y: found targets beside a dataset, expected them in its samples")
    read_one = _reader(inputs, x)
    first = read_one(0)
    names = list(first)
    fields = [(name, str(first[name].dtype), first[name].shape) for name in names]

    def read(indices: list[int]) -> list[Array]:
        samples = [read_one(index) for index in indices]
        return [np.stack([sample[name] for sample in samples]) for name in names]

    return _strop.Data.reader(len(x), fields, read)


def _reader(inputs: Sequence[str], dataset: Any) -> Callable[[int], dict[str, Array]]:
    def read(index: int) -> dict[str, Array]:
        sample = dataset[index]
        if isinstance(sample, Mapping):
            return {str(name): _one(value) for name, value in sample.items()}
        if isinstance(sample, (tuple, list)) and len(sample) == 2:
            x, y = sample
            named = x if isinstance(x, Mapping) else _by_name(inputs, x)
            return {**{name: _one(value) for name, value in named.items()}, TARGET: _one(y)}
        return {name: _one(value) for name, value in _by_name(inputs, sample).items()}

    return read


def _one(value: Any) -> Array:
    """A value of a sample; Python's own numbers are what most models take."""
    if isinstance(value, float):
        return np.asarray(value, np.float32)
    return array_of(value)
