"""Models as the estimators need them: new ones, and what stands at the end of given ones."""

import functools
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from strop.arrays import Array
from strop.program import perform


@functools.cache
def _options_of(architecture: str) -> frozenset[str] | None:
    """Names of the options that an architecture has; None for one that there is not."""
    for row in perform("new", list=True):
        if row["name"] == architecture:
            return frozenset(option.replace("-", "_") for option in row["options"])
    return None


def new_network(
    architecture: str,
    sample_shape: Sequence[int],
    outputs: int,
    seed: int,
    sizes: Mapping[str, object],
) -> bytes:
    """What `strop new` makes for samples of that shape; sizes that are None are its own."""
    known = _options_of(architecture)
    given = {name: value for name, value in sizes.items() if value is not None}
    if known is None or "input" in known and "vocabulary" not in known:
        given.setdefault("input", "x".join(map(str, sample_shape)))
    if known is None or "classes" in known:
        given.setdefault("classes", outputs)
    with tempfile.TemporaryDirectory(prefix="strop-") as folder:
        path = pathlib.Path(folder, "model.onnx")
        perform("new", ARCHITECTURE=architecture, output=path, **{"seed": seed, **given})
        return path.read_bytes()


def last_activation(content: bytes) -> str | None:
    """ "Softmax", "LogSoftmax" or "Sigmoid" where the model's first output is that of one, else
    None. Needs the package `onnx`."""
    import onnx

    graph = onnx.load_from_string(content).graph
    name = graph.output[0].name
    [operator] = [node.op_type for node in graph.node if name in node.output] or [None]
    return operator if operator in ("Softmax", "LogSoftmax", "Sigmoid") else None


def cut_at(content: bytes, tensor: str) -> bytes:
    """The part of a model that computes `tensor`, its only output. Raises ValueError where the
    model computes no such. Needs the package `onnx`."""
    import onnx.shape_inference
    import onnx.utils

    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(content))
    if not any(tensor in node.output for node in model.graph.node):
        near = ", ".join(name for node in model.graph.node[-5:] for name in node.output)
        raise ValueError(f"output: found {tensor!r}, expected a tensor of the model, as {near}")
    inputs = [value.name for value in model.graph.input]
    extracted: Any = onnx.utils.Extractor(model).extract_model(inputs, [tensor])
    content_of_part: bytes = extracted.SerializeToString()
    return content_of_part


def flat(output: Array) -> Array:
    """[samples, …] as [samples, numbers]."""
    return output.reshape(len(output), -1)
