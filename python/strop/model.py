"""ONNX models and their weights of now."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from strop import _strop
from strop.arrays import Array, ArrayLike, array_of
from strop.data import Samples, Targets, named_arrays
from strop.errors import UsageError
from strop.gradient_flow import GradientFlow, gradient_flow
from strop.host_loss import HostLoss
from strop.inspection import Inspection
from strop.listener import HEARD
from strop.options import model_options, pairs_of, take_options
from strop.processing import LONE, Processor, is_text, path_beside, raw_columns, save_beside


@dataclass(frozen=True)
class Value:
    """An input or output of a model."""

    name: str
    type: str  # as NumPy calls it; "bfloat16" and "string" besides
    shape: tuple[int | None, ...] | None  # None: open


@dataclass(frozen=True)
class Parameter:
    """A floating constant of a model."""

    name: str
    type: str  # as the file has it
    shape: tuple[int, ...]
    role: str  # "trained", "frozen", "statistics"
    reason: str  # 'weight of "conv1" (Conv)'
    position: int  # of the first node that reads it, as nodes are computed; -1: none does


@dataclass(frozen=True)
class GradientCheck:
    """A tensor's gradient against finite differences along a random direction, in double."""

    tensor: str
    analytic: float
    numeric: float
    relative_error: float
    ok: bool


class Model:
    """An ONNX model, whose weights are what trainers made of them. `strop.load` makes it.

    Threads may share it: calls take turns. In a callback of a call that uses it, it is refused.
    """

    def __init__(self, handle: _strop.Model, path: str | os.PathLike[str] | None = None) -> None:
        self._handle = handle
        self._path = path  # of the file that it came from
        # What makes its inputs of texts or sounds: a strop.text.Tokenizer, strop.audio.Waveforms.
        # Without one, the file that lies beside the model does when it is needed.
        self.processor: Processor | None = None

    @property
    def inputs(self) -> tuple[Value, ...]:
        return tuple(Value(*value) for value in self._handle.inputs())

    @property
    def outputs(self) -> tuple[Value, ...]:
        return tuple(Value(*value) for value in self._handle.outputs())

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(Parameter(*parameter) for parameter in self._handle.parameters())

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of its outputs: of the data that it was trained on, else of the
        file's metadata; () where none are known."""
        return tuple(self._handle.class_names())

    @property
    def metadata(self) -> dict[str, str]:
        """The file's own names and values. Needs the package `onnx`."""
        return {entry.key: entry.value for entry in self.to_onnx().metadata_props}

    def read_parameter(self, name: str) -> Array:
        """A parameter's elements as they are now."""
        return self._handle.read_parameter(name)

    def write_parameter(self, name: str, elements: ArrayLike) -> None:
        """Others in their place, of the same shape."""
        self._handle.write_parameter(name, self._named({name: elements})[name])

    def state_dict(self) -> dict[str, Array]:
        """All that training moves, by name: what is trained, and running statistics."""
        return {
            parameter.name: self.read_parameter(parameter.name)
            for parameter in self.parameters
            if parameter.role != "frozen"
        }

    def load_state_dict(self, state: Mapping[str, ArrayLike], strict: bool = True) -> None:
        """Others in the place of these. Raises strop.UsageError, before anything is written, for
        names that are not in `state_dict`, other shapes, and with `strict` for missing names."""
        own = {each.name: each.shape for each in self.parameters if each.role != "frozen"}
        arrays = {name: array_of(elements) for name, elements in state.items()}
        for name, array in arrays.items():
            if name not in own:
                raise UsageError(f"load_state_dict: found {name!r}, expected what state_dict has")
            if array.shape != own[name]:
                raise UsageError(
                    f"load_state_dict: {name!r}: found shape {list(array.shape)}, expected "
                    f"{list(own[name])}"
                )
        missing = [name for name in own if name not in arrays]
        if strict and missing:
            raise UsageError(f"load_state_dict: found no {missing[0]!r}, expected one")
        for name, array in arrays.items():
            self.write_parameter(name, array)

    def run(self, inputs: ArrayLike | Mapping[str, ArrayLike]) -> dict[str, Array]:
        """Inference: every input by its name, or the only one, in; every output by its name out.

        Nothing is done to the numbers but their conversion to the input's type. Texts and sounds go
        through the model's processor.
        """
        columns = raw_columns(inputs)
        if self.processor_for(columns) is None:
            return self._handle.run(self._named(inputs))
        return self.run_columns(columns)

    def run_columns(self, columns: Mapping[str, Array]) -> dict[str, Array]:
        """`run` on columns of texts or sounds by name."""
        processor = self.processor_for(columns)
        assert processor is not None
        arrays = processor.encode(self.inputs, columns)
        return self._handle.run({value.name: arrays[value.name] for value in self.inputs})

    def gradient(
        self,
        inputs: ArrayLike | Mapping[str, ArrayLike],
        cotangents: Mapping[str, ArrayLike] | None = None,
        wrt: Iterable[str] = (),
    ) -> dict[str, Array]:
        """cotangentᵀ · ∂outputs/∂wrt.

        Without cotangents, which have the names and shapes of outputs, ones; without names of
        inputs and parameters all floating inputs and all that is trained.
        """
        weights = self._named(cotangents or {})
        return self._handle.gradient(self._named(inputs), weights, list(wrt))

    def check(
        self,
        inputs: ArrayLike | Mapping[str, ArrayLike] | None = None,
        tolerance: float = 1e-4,
    ) -> list[GradientCheck]:
        """Gradients against finite differences in double; without inputs for random ones."""
        given = {} if inputs is None else self._named(inputs)
        found: list[dict[str, Any]] = json.loads(self._handle.check(given, tolerance))
        return [
            GradientCheck(
                tensor=each["tensor"],
                analytic=each["analytic"],
                numeric=each["numeric"],
                relative_error=each["relative_error"],
                ok=each["ok"],
            )
            for each in found
        ]

    def gradient_flow(
        self,
        x: Samples,
        y: Targets,
        loss: str | HostLoss = "cross_entropy",
        **options: object,
    ) -> GradientFlow:
        """Mean and maximum of the absolute gradient of a batch's loss, by each parameter that is
        trained, from the input to the output. The model stays as it is.

        x, y: a batch, as of `Trainer.step`. loss: a trainer's. options: those of the loss, such as
        class_weights; batch_norm, dropout.
        """
        return gradient_flow(self, x, y, loss, options)

    def plot_gradient_flow(
        self,
        x: Samples,
        y: Targets,
        loss: str | HostLoss = "cross_entropy",
        ax: Any = None,
        **options: object,
    ) -> Any:
        """Draws `gradient_flow` with matplotlib, on `ax` or on new axes, and gives these: weights,
        logarithmic."""
        return self.gradient_flow(x, y, loss, **options).plot(ax)

    def inspect(self) -> Inspection:
        """Inputs, outputs, parameters and why each is trained or not, as a table."""
        return Inspection(self.inputs, self.outputs, self.parameters)

    def train(self, *patterns: str) -> "Model":
        """Trains parameters whose names match, too; * and ? match."""
        for pattern in patterns:
            self._handle.train(pattern)
        return self

    def train_only(self, *patterns: str) -> "Model":
        """Trains nothing but parameters whose names match any pattern."""
        for pattern in patterns:
            self._handle.train_only(pattern)
        return self

    def freeze(self, *patterns: str) -> "Model":
        """Leaves parameters whose names match as they are; it has the last word."""
        for pattern in patterns:
            self._handle.freeze(pattern)
        return self

    def replace_head(self, classes: int, at: str | None = None) -> "Model":
        """A classifier of `classes` outputs in place of the last layer, or at the tensor `at`."""
        self._handle.replace_head(classes, at or "")
        return self

    def add_lora(self, *patterns: str, **options: object) -> "Model":
        """Low-rank adapters of layers whose weight or node matches, by default of all but the
        output layer; options lora_rank, lora_alpha, …"""
        given = {"lora": list(patterns) or ["all-linear"], **options}
        self._handle.add_lora(pairs_of("train", given))
        return self

    def quantize(self, kind: str = "int8", **options: object) -> "Model":
        """Rounds weights and activations while training; options quantize_exclude, batch_norm, …"""
        self._handle.quantize(pairs_of("train", {"quantize": kind, **options}))
        return self

    def save(self, path: str | os.PathLike[str], **options: object) -> None:
        """The file it came from with the weights of now; only that file is replaced, whole or not
        at all. Options lora_export, write_class_names. The processor that was used is written
        beside it: as tokenizer.json, or where the folder has another, as NAME.tokenizer.json."""
        self._handle.save(path, pairs_of("train", options))
        if self.processor is not None:
            save_beside(self.processor, path)

    def to_bytes(self) -> bytes:
        """The same in memory, external data taken in; at most 2 GiB."""
        return self._handle.serialize()

    def to_onnx(self) -> Any:
        """The same as an `onnx.ModelProto`. Needs the package `onnx`."""
        import onnx

        return onnx.load_from_string(self.to_bytes())

    def to_onnxruntime(self, **session: Any) -> Any:
        """The same in an `onnxruntime.InferenceSession`, whose arguments are passed on; by default
        on the CPU. Needs the package `onnxruntime`."""
        import onnxruntime

        arguments = {"providers": ["CPUExecutionProvider"], **session}
        return onnxruntime.InferenceSession(self.to_bytes(), **arguments)

    def processor_for(self, columns: Mapping[str, Array]) -> Processor | None:
        """What makes inputs of columns that are raw; None where they are numbers."""
        named = [columns[value.name] for value in self.inputs if value.name in columns]
        if len(named) == len(self.inputs) and all(column.dtype.kind in "biuf" for column in named):
            return None
        has_texts = any(is_text(column) for column in columns.values())
        is_raw = has_texts or any(column.dtype == object for column in columns.values())
        if self.processor is None and is_raw:
            self.processor = self._processor_beside()
        if self.processor is not None and self.processor.takes(columns):
            return self.processor
        if has_texts and list(columns) == [LONE]:
            raise UsageError(
                "x: found texts, expected numbers, or a tokenizer.json beside the model; else give "
                "processor=strop.text.Tokenizer(…) with it"
            )
        return None

    def _processor_beside(self) -> Processor | None:
        if self._path is None:
            return None
        tokenizer = path_beside(self._path, "tokenizer.json")
        if tokenizer is not None:
            from strop.text import Tokenizer

            return Tokenizer(tokenizer)
        waveforms = path_beside(self._path, "preprocessor_config.json")
        if waveforms is not None:
            from strop.audio import Waveforms

            return Waveforms.read(waveforms)
        return None

    def __repr__(self) -> str:
        inputs, outputs = (", ".join(v.name for v in vs) for vs in (self.inputs, self.outputs))
        return f"<strop.Model {inputs} -> {outputs}>"

    def _named(self, arrays: Any) -> dict[str, Array]:
        return named_arrays([value.name for value in self.inputs], arrays)


def load(model: Any, **options: object) -> Model:
    """A model from a path, from the bytes of a file, or from an `onnx.ModelProto`.

    External data lie beside the path. Raises FileNotFoundError where there is no file, and
    strop.DataError, a ValueError, for one that cannot be used: `strop.obstacles` tells all of why.
    """
    pairs = pairs_of("train", options)
    if isinstance(model, (str, os.PathLike)):
        return Model(_strop.Model.load(model, pairs, *HEARD), model)
    content = model.SerializeToString() if hasattr(model, "SerializeToString") else model
    return Model(_strop.Model.load_bytes(content, pairs, *HEARD))


take_options(load, model_options())
