"""Losses that Python computes, as the engine asks for them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from strop.arrays import Array
from strop.errors import UsageError

# loss(outputs, targets) gives the mean loss and its gradient by the outputs: for an array, the only
# output, an array of its shape; for arrays by name, arrays by name. Where it has a method `value`,
# that gives the loss alone, for validation.
HostLoss: TypeAlias = Callable[[Any, Array], tuple[float, Any]]

# What the engine calls: of outputs by name and targets, whether gradients are wanted.
EngineLoss: TypeAlias = Callable[
    [dict[str, Array], Array, bool], tuple[float, dict[str, Array] | None]
]


def engine_loss(loss: HostLoss) -> EngineLoss:
    """The function that the engine calls, of the one that people write."""

    def compute(
        outputs: dict[str, Array], targets: Array, wants_gradients: bool
    ) -> tuple[float, dict[str, Array] | None]:
        shown = outputs if len(outputs) > 1 else next(iter(outputs.values()))
        if not wants_gradients:
            value = getattr(loss, "value", None)
            return float(value(shown, targets) if value else _pair(loss(shown, targets))[0]), None
        found, gradient = _pair(loss(shown, targets))
        if not isinstance(gradient, Mapping):
            if len(outputs) > 1:
                raise UsageError(
                    f"loss: found one gradient, expected a dict of those by {', '.join(outputs)}"
                )
            gradient = {next(iter(outputs)): gradient}
        return float(found), {
            name: _like(array, outputs.get(name)) for name, array in gradient.items()
        }

    return compute


def _pair(given: Any) -> tuple[Any, Any]:
    if isinstance(given, tuple) and len(given) == 2:
        return given
    raise UsageError(
        f"loss: found a {type(given).__name__}, expected (loss, gradient by the outputs); losses "
        "of torch, JAX and ONNX are for strop.losses"
    )


def _like(gradient: Any, output: Array | None) -> Array:
    """A gradient in its output's type, which NumPy's arithmetic with float64 leaves easily."""
    array = np.asarray(gradient)
    return array if output is None else np.ascontiguousarray(array, dtype=output.dtype)
