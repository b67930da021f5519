"""Arrays of others as NumPy's, without copies where they lie in memory as NumPy has them."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# What is taken for an array: NumPy's, torch's, JAX's, a pandas or Polars Series, an Arrow column, a
# number, nested lists of numbers.
ArrayLike: TypeAlias = Any
Array: TypeAlias = NDArray[Any]


def array_of(value: ArrayLike) -> Array:
    """`value` as an array of NumPy's, of the same memory where that can be."""
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "detach"):  # torch: the numbers without their history
        value = value.detach()
        if str(value.dtype) == "torch.bfloat16":  # which NumPy lacks
            return _bfloat16(value.contiguous().view(_torch().int16).numpy())
    elif hasattr(value, "to_numpy"):  # pandas, Polars, Arrow
        return np.asarray(value.to_numpy())
    return np.asarray(value)


def is_frame(value: object) -> bool:
    """Whether it is a table with named columns: pandas' or Polars' DataFrame, Arrow's Table."""
    is_exchanged = hasattr(value, "__arrow_c_stream__") or hasattr(value, "__dataframe__")
    return is_exchanged and _columns(value) is not None


def columns_of(frame: Any) -> dict[str, Array]:
    """A table's columns by name."""
    names = _columns(frame)
    assert names is not None
    return {str(name): array_of(frame[name]) for name in names}


def _columns(frame: Any) -> list[Any] | None:
    names = getattr(frame, "column_names", None)  # Arrow
    if names is None:
        names = getattr(frame, "columns", None)  # pandas, Polars
    return None if names is None or callable(names) else list(names)


def _torch() -> Any:
    import torch

    return torch


def _bfloat16(bits: Array) -> Array:
    import ml_dtypes

    return bits.view(ml_dtypes.bfloat16)
