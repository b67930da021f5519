"""How large the gradients of a loss are from layer to layer."""

import json
import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from strop import _strop
from strop.arrays import Array
from strop.data import TARGET, Samples, Targets, named_arrays
from strop.errors import UsageError
from strop.host_loss import HostLoss, engine_loss
from strop.listener import HEARD
from strop.options import pairs_of, rows_of
from strop.plots import new_axes, pyplot

if TYPE_CHECKING:
    from strop.interface import Parameter
    from strop.model import Model

# Momentum's buffer after the first step is the gradient of that step, before the rate.
_ONE_STEP = {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.0}
_MODES = ("batch_norm", "dropout", "dropout_at")
_PLACE = re.compile("state/(.*)/momentum_buffer")
_TYPES = {"F32": np.float32, "F64": np.float64}


@dataclass(frozen=True)
class ParameterGradient:
    """The gradient of a loss by a parameter that is trained.

    >>> first = strop.load("model.onnx").gradient_flow(x, y)[0]
    >>> first.name, first.maximum >= first.mean > 0
    ('hidden.0.linear.weight', True)
    """

    name: str
    reason: str  # 'weight of "conv1" (Conv)'
    mean: float  # of the absolute values
    maximum: float  # of the absolute values


class GradientFlow(Sequence[ParameterGradient]):
    """The gradients of one batch, from the model's input to its output.

    >>> flow = strop.load("model.onnx").gradient_flow(x, y)
    >>> len(flow), flow[-1].name
    (6, 'classifier.bias')
    """

    def __init__(self, gradients: Sequence[ParameterGradient]) -> None:
        self._gradients = tuple(gradients)

    def __len__(self) -> int:
        return len(self._gradients)

    def __iter__(self) -> Iterator[ParameterGradient]:
        return iter(self._gradients)

    def __getitem__(self, index: Any) -> Any:
        return self._gradients[index]

    def __repr__(self) -> str:
        width = max((len(each.name) for each in self), default=0)
        rows = [f"{each.name:<{width}}  {each.mean:.3e}  {each.maximum:.3e}" for each in self]
        return "\n".join([f"{'parameter':<{width}}  mean |g|   max |g|", *rows])

    def plot(self, ax: Any = None, *, weights_only: bool = True) -> Any:
        """Draws mean and maximum by layer on a logarithmic scale, on `ax` or on new axes, and gives
        these. Needs the package `matplotlib`. `weights_only`: without biases and what
        normalizations scale and shift with. A cross at the foot: no gradient at all.

            >>> ax = strop.load("model.onnx").gradient_flow(x, y).plot()
            >>> ax.get_yscale()
            'log'
        """
        if ax is None:
            [ax] = new_axes()
        shown = [each for each in self if not weights_only or each.reason.startswith("weight ")]
        shown = shown or list(self)
        places = list(range(len(shown)))
        means = [_drawn(each.mean) for each in shown]
        maxima = [_drawn(each.maximum) for each in shown]
        ax.fill_between(places, means, maxima, color="C0", alpha=0.15, linewidth=0)
        ax.plot(places, maxima, color="C1", marker=".", label="maximum")
        ax.plot(places, means, color="C0", marker="o", markersize=4, label="mean")
        without = [place for place, mean in enumerate(means) if math.isnan(mean)]
        if without:
            at_foot = ax.get_xaxis_transform()  # x of the data, y as a share of the height
            feet = [0.03] * len(without)
            ax.plot(without, feet, "x", color="C3", transform=at_foot, label="no gradient")
        ax.set_yscale("log")
        _name_places(ax, [each.name for each in shown])
        ax.set_ylabel("absolute gradient")
        ax.set_title("Gradient flow, from input to output")
        ax.legend()
        return ax


def _name_places(ax: Any, names: Sequence[str]) -> None:
    """Names below the layers, as many as can be read."""
    every = max(1, -(-len(names) // 40))
    size = pyplot().rcParams["font.size"] * (0.9 if len(names) <= 15 else 0.7)
    ax.set_xticks(range(0, len(names), every), names[::every], rotation=90, fontsize=size)
    ax.set_xlim(-0.5, len(names) - 0.5)
    ax.grid(axis="y", alpha=0.3)


def _drawn(number: float) -> float:
    """0, which a logarithmic scale lacks, as a gap."""
    return number if number > 0 else math.nan


def gradient_flow(
    model: "Model", x: Samples, y: Targets, loss: str | HostLoss, options: Mapping[str, object]
) -> GradientFlow:
    """See Model.gradient_flow."""
    trained = [parameter for parameter in model.parameters if parameter.role == "trained"]
    trained.sort(key=lambda parameter: parameter.position)
    arrays = named_arrays([value.name for value in model.inputs], x, y)
    if TARGET not in arrays:
        raise UsageError("y: found none, expected targets for the loss")
    found = _gradients_of(model, arrays, loss, options)
    return GradientFlow([_measured(parameter, found.get(parameter.name)) for parameter in trained])


def _measured(parameter: "Parameter", gradient: Array | None) -> ParameterGradient:
    size = np.abs(np.zeros(1) if gradient is None or not gradient.size else gradient)
    mean, maximum = float(size.mean(dtype=np.float64)), float(size.max())
    return ParameterGradient(parameter.name, parameter.reason, mean, maximum)


def _gradients_of(
    model: "Model",
    arrays: dict[str, Array],
    loss: str | HostLoss,
    options: Mapping[str, object],
) -> dict[str, Array]:
    """Of a step that the model never gets."""
    rows = rows_of("train")
    for name in options:
        if name in rows and name not in _MODES and rows[name].group != "Loss":
            raise UsageError(f"gradient_flow: found {name}, expected options of the loss")
    own = engine_loss(loss) if callable(loss) else None
    named = {} if callable(loss) else {"loss": loss}
    pairs = pairs_of("train", {**options, **named, **_ONE_STEP})
    trainer = _strop.Trainer.make(model._handle, None, None, pairs, *HEARD, own)
    trainer.step(arrays)
    tensors = _tensors_of(trainer.state())
    found = {name: _PLACE.fullmatch(name) for name in tensors}
    return {match[1]: tensors[name] for name, match in found.items() if match}


def _tensors_of(state: bytes) -> dict[str, Array]:
    """The floating tensors of a file in the safetensors format."""
    [length] = struct.unpack_from("<Q", state)
    header = json.loads(state[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if entry.get("dtype") in _TYPES:
            start, end = (8 + length + offset for offset in entry["data_offsets"])
            elements = np.frombuffer(state[start:end], _TYPES[entry["dtype"]])
            tensors[name] = elements.reshape(entry["shape"])
    return tensors
