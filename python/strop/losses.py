"""Losses of other libraries, for `Trainer(loss=…)`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from strop.arrays import Array
from strop.data import TARGET
from strop.errors import UsageError
from strop.host_loss import HostLoss
from strop.loading import load


@dataclass(frozen=True)
class DifferentiatedLoss:
    """A loss whose gradient somebody else finds: called, it gives (loss, gradient by outputs).

    >>> from strop.losses import DifferentiatedLoss
    >>> loss = DifferentiatedLoss(
    ...     value=lambda outputs, targets: float(((outputs - targets) ** 2).mean()),
    ...     value_and_gradient=lambda outputs, targets: (
    ...         float(((outputs - targets) ** 2).mean()),
    ...         2 * (outputs - targets) / outputs.size))
    >>> len(strop.Trainer(strop.load("model.onnx"), loss=loss).fit(x, x[:, :3]).epochs)
    1
    """

    value: Callable[[Any, Array], float]  # of outputs and targets
    value_and_gradient: HostLoss

    def __call__(self, outputs: Any, targets: Array) -> tuple[float, Any]:
        return self.value_and_gradient(outputs, targets)


def torch(function: Callable[[Any, Any], Any]) -> DifferentiatedLoss:
    """A loss of PyTorch's: function(outputs, targets) of tensors gives a scalar tensor, whose
    gradient by the outputs torch's autograd computes. Needs the package `torch`.

    Outputs are a tensor [batch, …], or tensors by name where the model has several; targets a
    tensor [batch, …].

        >>> from torch.nn.functional import cross_entropy
        >>> model = strop.load("model.onnx")
        >>> trainer = strop.Trainer(model, loss=strop.losses.torch(cross_entropy), epochs=2)
        >>> len(trainer.fit(x, y).epochs)
        2
    """
    import torch

    def value(outputs: Any, targets: Array) -> float:
        given: Any = _mapped(torch.from_numpy, outputs)
        with torch.no_grad():
            return float(function(given, torch.from_numpy(targets)))

    def value_and_gradient(outputs: Any, targets: Array) -> tuple[float, Any]:
        given: Any = _mapped(lambda output: torch.from_numpy(output).requires_grad_(), outputs)
        found = function(given, torch.from_numpy(targets))
        named = given if isinstance(given, Mapping) else {"": given}
        gradients = torch.autograd.grad(found, list(named.values()), allow_unused=True)
        pairs = zip(named, gradients, strict=True)
        by_name = {name: gradient.numpy() for name, gradient in pairs if gradient is not None}
        if not by_name:
            raise UsageError("loss: found a tensor that no output reaches, expected one of outputs")
        return found.item(), by_name if isinstance(given, Mapping) else by_name[""]

    return DifferentiatedLoss(value, value_and_gradient)


def jax(function: Callable[[Any, Any], Any]) -> DifferentiatedLoss:
    """A loss of JAX's: function(outputs, targets) of arrays gives a scalar, which is compiled and
    differentiated by the outputs. Needs the package `jax`, which computes in float32 unless it is
    told to enable float64.

    Outputs are an array [batch, …], or arrays by name where the model has several; targets an array
    [batch, …].

        >>> def loss(outputs, targets):
        ...     return ((outputs[:, 0] - targets) ** 2).mean()
        >>> trainer = strop.Trainer(strop.load("model.onnx"), loss=strop.losses.jax(loss))
        >>> len(trainer.fit(x, x[:, 0]).epochs)
        1
    """
    import jax

    compiled = jax.jit(function)
    with_gradient = jax.jit(jax.value_and_grad(function))

    def value_and_gradient(outputs: Any, targets: Array) -> tuple[float, Any]:
        found, gradients = with_gradient(outputs, targets)
        return float(found), gradients

    return DifferentiatedLoss(lambda o, t: float(compiled(o, t)), value_and_gradient)


def onnx(model: Any) -> DifferentiatedLoss:
    """A loss as an ONNX graph: a path, bytes, an `onnx.ModelProto`, or an onnxscript function.

    Its output is one number, the mean loss; its inputs are the trained model's outputs by name, or
    the only one, and "target". Strop itself finds the gradient. Raises strop.UsageError for another
    interface.

        >>> from onnx import parser
        >>> graph = parser.parse_model('''<ir_version: 10, opset_import: ["": 21]>
        ...     loss (float[N, 3] logits, float[N, 3] target) => (float mean) {
        ...         difference = Sub(logits, target)
        ...         square = Mul(difference, difference)
        ...         mean = ReduceMean<keepdims = 0>(square)
        ...     }''')
        >>> trainer = strop.Trainer(strop.load("model.onnx"), loss=strop.losses.onnx(graph))
        >>> len(trainer.fit(x, x[:, :3]).epochs)
        1
    """
    if hasattr(model, "to_model_proto"):
        model = model.to_model_proto()
    loss = load(model)
    inputs = [value.name for value in loss.inputs]
    rest = [name for name in inputs if name != TARGET]
    if TARGET not in inputs or not rest:
        raise UsageError(
            f"loss: found an ONNX graph with the inputs {', '.join(inputs)}, expected "
            f'"{TARGET}" and the outputs of the model to be trained'
        )
    if len(loss.outputs) != 1:
        raise UsageError(f"loss: found {len(loss.outputs)} outputs of the ONNX graph, expected one")
    [output] = loss.outputs

    def inputs_of(outputs: Any, targets: Array) -> dict[str, Any]:
        if not isinstance(outputs, Mapping):
            if len(rest) != 1:
                raise UsageError(
                    f"loss: found one output, expected all that the graph takes: {', '.join(rest)}"
                )
            outputs = {rest[0]: outputs}
        missing = [name for name in rest if name not in outputs]
        if missing:
            raise UsageError(
                f'loss: the ONNX graph takes "{missing[0]}", expected one of the outputs '
                f"{', '.join(outputs)}"
            )
        return {**{name: outputs[name] for name in rest}, TARGET: targets}

    def value(outputs: Any, targets: Array) -> float:
        found = loss.run(inputs_of(outputs, targets))[output.name]
        if found.size != 1:
            raise UsageError(
                f"loss: found {list(found.shape)} as the ONNX graph's output, expected one number"
            )
        return float(found.reshape(()))

    def value_and_gradient(outputs: Any, targets: Array) -> tuple[float, Any]:
        found = value(outputs, targets)
        gradients = loss.gradient(inputs_of(outputs, targets), wrt=rest)
        return found, gradients if isinstance(outputs, Mapping) else gradients[rest[0]]

    return DifferentiatedLoss(value, value_and_gradient)


def _mapped(convert: Callable[[Array], Any], outputs: Any) -> Any:
    if isinstance(outputs, Mapping):
        return {name: convert(output) for name, output in outputs.items()}
    return convert(outputs)
