"""ONNX models and their weights of now."""

import json
import operator
import os
from collections.abc import Iterable, Mapping
from typing import Any, Literal, SupportsIndex, Unpack

from strop import _strop
from strop.arrays import Array, ArrayLike, array_of
from strop.data import Samples, Targets, named_arrays
from strop.errors import UsageError
from strop.gradient_flow import GradientFlow, gradient_flow
from strop.host_loss import HostLoss
from strop.inspection import Inspection
from strop.interface import GradientCheck, Parameter, Value
from strop.option_rows import (
    lora_options,
    loss_options,
    quantize_options,
    saving_options,
)
from strop.option_types import LoraOptions, LossOptions, QuantizeOptions, SaveOptions
from strop.options import pairs_of, rows_of, take_options
from strop.processing import Processor, processor_for, raw_columns, run_columns, save_beside


class Model:
    """An ONNX model, whose weights are what trainers made of them. `strop.load` makes it.

    Threads may share it: calls take turns. In a callback of a call that uses it, it is refused with
    strop.UsageError.

        >>> model = strop.load("model.onnx")
        >>> model
        <strop.Model features -> logits>
        >>> model.run(x)["logits"].shape
        (60, 3)
    """

    def __init__(self, handle: _strop.Model, path: str | os.PathLike[str] | None = None) -> None:
        self._handle = handle
        self.path = path  # of the file that it came from; None: from memory
        # What makes its inputs of texts or sounds: a strop.text.Tokenizer, strop.audio.Waveforms.
        # Without one, the file that lies beside the model does when it is needed.
        self.processor: Processor | None = None

    @property
    def inputs(self) -> tuple[Value, ...]:
        """What it takes, in the file's order; a dimension that is open is None.

        >>> [(value.name, value.shape) for value in strop.load("model.onnx").inputs]
        [('features', (None, 4))]
        """
        return tuple(Value(*value) for value in self._handle.inputs())

    @property
    def outputs(self) -> tuple[Value, ...]:
        """What it gives, in the file's order.

        >>> [(value.name, value.shape) for value in strop.load("model.onnx").outputs]
        [('logits', (None, 3))]
        """
        return tuple(Value(*value) for value in self._handle.outputs())

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its floating constants, in the file's order, and why each is trained or not.

        >>> model = strop.load("model.onnx", freeze="hidden.*")
        >>> [each.name for each in model.parameters if each.role == "trained"]
        ['classifier.weight', 'classifier.bias']
        """
        return tuple(Parameter(*parameter) for parameter in self._handle.parameters())

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of its outputs: of the data that it was trained on, else of the
        file's metadata; () where none are known.

            >>> strop.load("model.onnx").class_names
            ()
        """
        return tuple(self._handle.class_names())

    @property
    def metadata(self) -> dict[str, str]:
        """The file's own names and values, as it was loaded.

        >>> strop.load("model.onnx").metadata
        {}
        """
        return self._handle.metadata()

    def read_parameter(self, name: str) -> Array:
        """A parameter's elements as they are now. Raises strop.DataError for a name that is none.

        >>> strop.load("model.onnx").read_parameter("classifier.bias")
        array([0., 0., 0.], dtype=float32)
        """
        return self._handle.read_parameter(_text("name", name))

    def write_parameter(self, name: str, elements: ArrayLike) -> None:
        """Others in their place, of the same shape and any floating type.

        Raises strop.DataError for another shape, and for a constant that is not trained.

            >>> model = strop.load("model.onnx")
            >>> model.write_parameter("classifier.bias", np.ones(3, np.float32))
            >>> model.read_parameter("classifier.bias")
            array([1., 1., 1.], dtype=float32)
        """
        self._handle.write_parameter(name, self._named({name: elements})[name])

    def state_dict(self) -> dict[str, Array]:
        """All that training moves, by name: what is trained, and running statistics.

        >>> list(strop.load("model.onnx", train_only="classifier.*").state_dict())
        ['classifier.weight', 'classifier.bias']
        """
        return {
            parameter.name: self.read_parameter(parameter.name)
            for parameter in self.parameters
            if parameter.role != "frozen"
        }

    def load_state_dict(self, state: Mapping[str, ArrayLike], strict: bool = True) -> None:
        """Others in the place of these. Raises strop.UsageError, before anything is written, for
        names that are not in `state_dict`, other shapes, and with `strict` for missing names.

            >>> model = strop.load("model.onnx")
            >>> before = model.state_dict()
            >>> history = strop.Trainer(model).fit(x, y)
            >>> model.load_state_dict(before)
            >>> model.to_bytes() == open("model.onnx", "rb").read()
            True
        """
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
        through the model's processor. Raises strop.DataError for arrays that the model does not
        take, TypeError for what is no array.

            >>> model = strop.load("model.onnx")
            >>> model.run({"features": x[:2]})["logits"].shape
            (2, 3)
        """
        columns = raw_columns(inputs)
        if processor_for(self, columns) is None:
            return self._handle.run(self._named(inputs))
        return run_columns(self, columns)

    def gradient(
        self,
        inputs: ArrayLike | Mapping[str, ArrayLike],
        cotangents: Mapping[str, ArrayLike] | None = None,
        wrt: Iterable[str] = (),
    ) -> dict[str, Array]:
        """cotangentᵀ · ∂outputs/∂wrt.

        Without cotangents, which have the names and shapes of outputs, ones; without names of
        inputs and parameters all floating inputs and all that is trained. Arrays have the shapes of
        what they are gradients by.

            >>> model = strop.load("model.onnx")
            >>> gradients = model.gradient(x, wrt=["features", "classifier.bias"])
            >>> gradients["features"].shape, gradients["classifier.bias"]
            ((60, 4), array([60., 60., 60.], dtype=float32))
        """
        weights = self._named(cotangents or {})
        return self._handle.gradient(self._named(inputs), weights, list(wrt))

    def check(
        self,
        inputs: ArrayLike | Mapping[str, ArrayLike] | None = None,
        tolerance: float = 1e-4,
    ) -> list[GradientCheck]:
        """Gradients against finite differences in double; without inputs for random ones, open
        dimensions 2. `tolerance` is the relative error from which `ok` is False.

            >>> len(strop.load("model.onnx").check())
            7
        """
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
        **options: Unpack[LossOptions],
    ) -> GradientFlow:
        """Mean and maximum of the absolute gradient of a batch's loss, by each parameter that is
        trained, from the input to the output. The model stays as it is.

        x, y: a batch, as of `Trainer.step`. loss: a trainer's. options: those of the loss, such as
        class_weights; batch_norm, dropout.

            >>> for each in strop.load("model.onnx").gradient_flow(x, y):
            ...     assert each.maximum >= each.mean > 0
        """
        return gradient_flow(self, x, y, loss, options)

    def plot_gradient_flow(
        self,
        x: Samples,
        y: Targets,
        loss: str | HostLoss = "cross_entropy",
        ax: Any = None,
        **options: Unpack[LossOptions],
    ) -> Any:
        """Draws `gradient_flow` with matplotlib, on `ax` or on new axes, and gives these: weights,
        logarithmic. Needs the package `matplotlib`.

            >>> strop.load("model.onnx").plot_gradient_flow(x, y).get_yscale()
            'log'
        """
        return self.gradient_flow(x, y, loss, **options).plot(ax)

    def inspect(self) -> Inspection:
        """Inputs, outputs, parameters and why each is trained or not, as a table.

        >>> strop.load("model.onnx").inspect().rows[2][:4]
        ('hidden.0.linear.weight', 'float32', '[128, 4]', 'trained')
        """
        return Inspection(self.inputs, self.outputs, self.parameters)

    def train(self, *patterns: str) -> "Model":
        """Trains parameters whose names match, too; * and ? match. Gives the model itself.

        >>> model = strop.load("model.onnx", train_only="classifier.*").train("hidden.0.*")
        >>> [each.role for each in model.parameters]
        ['trained', 'trained', 'frozen', 'frozen', 'trained', 'trained']
        """
        for pattern in patterns:
            self._handle.train(_text("pattern", pattern))
        return self

    def train_only(self, *patterns: str) -> "Model":
        """Trains nothing but parameters whose names match any pattern. Gives the model itself.

        >>> model = strop.load("model.onnx").train_only("classifier.*")
        >>> [each.name for each in model.parameters if each.role == "trained"]
        ['classifier.weight', 'classifier.bias']
        """
        for pattern in patterns:
            self._handle.train_only(_text("pattern", pattern))
        return self

    def freeze(self, *patterns: str) -> "Model":
        """Leaves parameters whose names match as they are; it has the last word. Gives the model
        itself. Raises strop.DataError for a pattern that matches none.

            >>> model = strop.load("model.onnx").freeze("*.bias")
            >>> [each.name for each in model.parameters if each.role == "frozen"]
            ['hidden.0.linear.bias', 'hidden.1.linear.bias', 'classifier.bias']
        """
        for pattern in patterns:
            self._handle.freeze(_text("pattern", pattern))
        return self

    def replace_head(self, classes: int, at: str | None = None) -> "Model":
        """A classifier of `classes` outputs in place of the last layer, or at the tensor `at`; its
        weights are fresh from the model's seed. Gives the model itself.

            >>> strop.load("model.onnx").replace_head(7).outputs[0].shape
            (None, 7)
        """
        if not isinstance(classes, SupportsIndex):
            raise TypeError(f"classes: found {classes!r}, expected a whole number")
        self._handle.replace_head(operator.index(classes), _text("at", at or ""))
        return self

    def add_lora(self, *patterns: str, **options: Unpack[LoraOptions]) -> "Model":
        """Low-rank adapters of layers whose weight or node matches, by default of all but the
        output layer; nothing else is trained then. Gives the model itself. Raises
        strop.UsageError where it has adapters already.

            >>> model = strop.load("model.onnx").add_lora(lora_rank=4)
            >>> sum(each.role == "trained" for each in model.parameters)
            4
        """
        given = {"lora": list(patterns) or ["all-linear"], **options}
        self._handle.add_lora(pairs_of("train", given))
        return self

    def quantize(
        self, kind: Literal["int8"] = "int8", **options: Unpack[QuantizeOptions]
    ) -> "Model":
        """Rounds weights and activations while training; the file gets QuantizeLinear and
        DequantizeLinear. Gives the model itself.

            >>> model = strop.load("model.onnx").quantize(quantize_exclude="classifier")
            >>> history = strop.Trainer(model).fit(x, y)
            >>> model.save("int8.onnx")
        """
        self._handle.quantize(pairs_of("train", {"quantize": kind, **options}))
        return self

    def save(self, path: str | os.PathLike[str], **options: Unpack[SaveOptions]) -> None:
        """The file it came from with the weights of now; only that file is replaced, whole or not
        at all. The processor that was used is written beside it: as tokenizer.json, or where the
        folder has another, as NAME.tokenizer.json. Raises strop.CannotCreateError where it cannot
        be made.

            >>> strop.load("model.onnx").save("copy.onnx")
            >>> open("copy.onnx", "rb").read() == open("model.onnx", "rb").read()
            True
        """
        self._handle.save(path, pairs_of("train", options))
        if self.processor is not None:
            save_beside(self.processor, path)

    def to_bytes(self) -> bytes:
        """The same in memory, external data taken in. Raises strop.DataError beyond 2 GiB.

        >>> content = strop.load("model.onnx").to_bytes()
        >>> strop.load(content).to_bytes() == content
        True
        """
        return self._handle.serialize()

    def to_onnx(self) -> Any:
        """The same as an `onnx.ModelProto`. Needs the package `onnx`.

        >>> strop.load("model.onnx").to_onnx().graph.output[0].name
        'logits'
        """
        import onnx

        return onnx.load_from_string(self.to_bytes())

    def to_onnxruntime(self, **session: Any) -> Any:
        """The same in an `onnxruntime.InferenceSession`, whose arguments are passed on; by default
        on the CPU. Needs the package `onnxruntime`.

            >>> session = strop.load("model.onnx").to_onnxruntime()
            >>> [logits] = session.run(["logits"], {"features": x})
            >>> bool(np.allclose(logits, strop.load("model.onnx").run(x)["logits"], atol=1e-5))
            True
        """
        import onnxruntime

        arguments = {"providers": ["CPUExecutionProvider"], **session}
        return onnxruntime.InferenceSession(self.to_bytes(), **arguments)

    def __repr__(self) -> str:
        inputs, outputs = (", ".join(v.name for v in vs) for vs in (self.inputs, self.outputs))
        return f"<strop.Model {inputs} -> {outputs}>"

    def _named(self, arrays: Any) -> dict[str, Array]:
        return named_arrays([value.name for value in self.inputs], arrays)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name}: found a {type(value).__name__}, expected text")
    return value


_ROWS = rows_of("train").values()
take_options(Model.gradient_flow, loss_options(_ROWS))
take_options(Model.plot_gradient_flow, loss_options(_ROWS))
take_options(Model.add_lora, lora_options(_ROWS))
take_options(Model.quantize, quantize_options(_ROWS))
take_options(Model.save, saving_options(_ROWS))
