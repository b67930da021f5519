"""Arrays and tables, by the names of a model's inputs."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from strop.arrays import Array, array_of, columns_of, is_frame
from strop.errors import UsageError
from strop.weights import Weights

# An array [samples, …]; arrays by the names of the inputs, or in their order; a table; a path; a
# dataset with len() and samples by index: (x, y), or a mapping of names; a DataLoader; an iterable
# of batches.
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


def named_arrays(
    inputs: Sequence[str], x: Samples, y: Targets = None, weights: Weights | None = None
) -> dict[str, Array]:
    """Arrays by the names of the model's inputs, y as "target", and weights by theirs.

    Raises UsageError where x leaves open which array is for which input.
    """
    if is_frame(x):
        return named_columns(inputs, columns_of(x), y, weights)
    beside = {} if weights is None else weights.beside({})
    return _with_targets({**by_name(inputs, x), **beside}, y)


def named_columns(
    inputs: Sequence[str],
    columns: dict[str, Array],
    y: Targets = None,
    weights: Weights | None = None,
) -> dict[str, Array]:
    """The same of a table's columns, each an input by its name, or together the only one; y may be
    the name of one, as that of weights."""
    columns = dict(columns)
    beside = {} if weights is None else weights.beside(columns)
    columns, y = without_target(columns, y)
    x: Samples = columns
    if not set(inputs) <= set(columns):
        x = np.column_stack([_numbers(name, column) for name, column in columns.items()])
    return _with_targets({**by_name(inputs, x), **beside}, y)


def _with_targets(arrays: dict[str, Array], y: Targets) -> dict[str, Array]:
    if y is not None:
        arrays[TARGET] = _one_column(array_of(y)) if is_frame(y) else array_of(y)
    return arrays


def without_target(columns: dict[str, Array], y: Targets) -> tuple[dict[str, Array], Targets]:
    """A table's other columns, and the one that y names."""
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


def by_name(inputs: Sequence[str], x: Samples) -> dict[str, Array]:
    """Arrays by the names of the inputs. Raises UsageError where that is left open."""
    if isinstance(x, Mapping):
        return {str(name): array_of(array) for name, array in x.items()}
    if len(inputs) == 1:
        return {inputs[0]: array_of(x)}
    if isinstance(x, (tuple, list)) and len(x) == len(inputs):
        return {name: array_of(array) for name, array in zip(inputs, x, strict=True)}
    raise UsageError(
        f"x: found one array, expected one for each input; a dict of {', '.join(inputs)}"
    )
