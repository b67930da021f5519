"""The networks that edge cases are measured with: a linear layer over all that a sample holds."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from targets import CLASSES

FEATURES = 5
CHANNELS, HEIGHT, WIDTH = 3, 6, 5


def parameters(features: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(features)
    weight = random.integers(-8, 9, (features, CLASSES)) / (8 * np.sqrt(features))
    return weight.astype(np.float32), np.linspace(-0.5, 0.5, CLASSES).astype(np.float32)


def linear(sample: tuple[int, ...], batch: int | str) -> onnx.ModelProto:
    """logits[batch, 4] = flat(x[batch, *sample])·W + b"""
    weight, bias = parameters(int(np.prod(sample)))
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["x"], ["flat"], axis=1),
            helper.make_node("Gemm", ["flat", "weight", "bias"], ["logits"]),
        ],
        "edges",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *sample])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, CLASSES])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
