"""Folding of BatchNormalization before quantization: the folded numbers, and what stays."""

import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from program import ProgramTest, make_model

EPSILON = 1e-3


def arrays(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    found = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


class FoldTest(ProgramTest):
    """Layers "layer0" … with a normalization each, and a head that is quantized alone."""

    def setUp(self) -> None:
        super().setUp()
        self.random = np.random.default_rng(7)
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: dict[str, np.ndarray] = {}
        self.value = "x"

    def tensor(self, name: str, *shape: int) -> str:
        self.tensors[name] = self.random.normal(size=shape).astype(np.float32) * 0.5
        return name

    def add_normalization(self, channels: int, **attributes: object) -> str:
        """Its name; behind what was added last."""
        name = f"bn{sum(node.op_type == 'BatchNormalization' for node in self.nodes)}"
        inputs = [self.tensor(f"{name}.{role}", channels) for role in ("weight", "bias", "mean")]
        self.tensors[f"{name}.var"] = self.random.uniform(0.5, 2, channels).astype(np.float32)
        self.add("BatchNormalization", name, *inputs, f"{name}.var", epsilon=EPSILON, **attributes)
        return name

    def add(self, op: str, name: str, *inputs: str, **attributes: object) -> None:
        output = f"{name}_out"
        self.nodes.append(helper.make_node(op, [self.value, *inputs], [output], name, **attributes))
        self.value = output

    def model(self, ir_version: int = 8) -> onnx.ModelProto:
        self.add("GlobalAveragePool", "pool")
        self.add("Flatten", "flatten")
        self.add("Gemm", "head", self.tensor("head.weight", 8, 2))
        self.nodes[-1].output[0] = "y"
        tensors = [numpy_helper.from_array(a, n) for n, a in self.tensors.items()]
        model = make_model(self.nodes, tensors, ["n", 8, 6, 6], ["n", 2])
        model.ir_version = ir_version
        if ir_version < 4:
            for tensor in tensors:
                info = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
                model.graph.input.append(info)
        return model

    def folded(
        self, model: onnx.ModelProto, *options: str, exclude: str = "layer*"
    ) -> tuple[onnx.ModelProto, str]:
        """After a training whose steps are too small to move any weight."""
        x = self.random.normal(size=(32, 8, 6, 6)).astype(np.float32)
        data = self.save_data(x=x, target=np.arange(32) % 2)
        done = self.run_well(
            *("train", self.save(model), "--data", data, "--quantize", "int8"),
            *("--optimizer", "sgd", "--learning-rate", "1e-12", *options),
            *(("--quantize-exclude", exclude) if exclude else ()),
            *("-o", self.path("int8.onnx")),
        )
        written = onnx.load(self.path("int8.onnx"))
        onnx.checker.check_model(written, full_check=True)
        if exclude:
            expected, actual = (
                onnxruntime.InferenceSession(self.path(name)).run(None, {"x": x})[0]
                for name in ("model.onnx", "int8.onnx")
            )
            # Half a step of each of eight activations, and of each of their weights.
            step = arrays(written)["flatten_out_scale"] * np.abs(self.tensors["head.weight"]).max()
            self.assertLessEqual(np.abs(actual - expected).max(), 8 * 1.5 * step)
        return written, done.stderr

    def count(self, model: onnx.ModelProto) -> int:
        return sum(node.op_type == "BatchNormalization" for node in model.graph.node)

    def check_layer(self, written: onnx.ModelProto, norm: str, weight: str, bias: str) -> None:
        """W·s and (b − μ)·s + β, in double."""
        scale, shift, mean, variance = (
            self.tensors[f"{norm}.{role}"].astype(np.float64)
            for role in ("weight", "bias", "mean", "var")
        )
        factor = scale / np.sqrt(variance + EPSILON)
        old = self.tensors[weight].astype(np.float64)
        layer = next(node for node in written.graph.node if weight in node.input)
        new = arrays(written)
        axis = next((a.i for a in layer.attribute if a.name == "transB"), 0)
        is_row = layer.op_type == "Conv" or axis == 1
        expected = old * factor.reshape([-1] + [1] * (old.ndim - 1) if is_row else [1, -1])
        np.testing.assert_allclose(new[weight], expected, rtol=1e-6)
        old_bias = self.tensors[bias].astype(np.float64) if bias else 0
        expected = (old_bias - mean) * factor + shift
        np.testing.assert_allclose(new[layer.input[2]], expected, rtol=1e-5, atol=1e-6)

    def test_layers_with_and_without_bias(self) -> None:
        for ir_version in (3, 8):
            with self.subTest(ir_version=ir_version):
                self.setUp()
                self.add("Conv", "layer0", self.tensor("w0", 8, 4, 3, 3), group=2, pads=[1] * 4)
                self.add_normalization(8)
                self.add("Relu", "relu")
                self.add("Conv", "layer1", self.tensor("w1", 8, 8, 1, 1), self.tensor("b1", 8))
                self.add_normalization(8)
                model = self.model(ir_version)
                written, stderr = self.folded(model)
                self.assertIn("note: 2 BatchNormalizations are folded into", stderr)
                self.assertEqual(self.count(written), 0)
                self.check_layer(written, "bn0", "w0", "")
                self.check_layer(written, "bn1", "w1", "b1")
                self.assertEqual(written.graph.output, model.graph.output)
                names = {t.name for t in written.graph.initializer}
                self.assertFalse({"bn0.weight", "bn0.mean", "bn1.bias", "bn1.var"} & names)

    def test_linear_layers(self) -> None:
        for transposed in (0, 1):
            with self.subTest(transB=transposed):
                self.setUp()
                self.add("GlobalAveragePool", "squeeze")
                self.add("Flatten", "flat")
                shape = (8, 8)
                self.add("Gemm", "layer0", self.tensor("w0", *shape), transB=transposed, alpha=0.5)
                self.add_normalization(8)
                two = helper.make_node("Unsqueeze", ["bn0_out", "axes"], ["u"], "unsqueeze")
                self.tensors["axes"] = np.array([2, 3])
                self.nodes.append(two)
                self.value = "u"
                written, _ = self.folded(self.model())
                self.assertEqual(self.count(written), 0)
                self.check_layer(written, "bn0", "w0", "")

    def test_tensors_that_others_read_stay_theirs(self) -> None:
        """One shift for two normalizations, one bias for two layers, parameters by Identity."""
        for i in range(2):
            weight = self.tensor(f"w{i}", 8, 8, 1, 1)
            self.add("Conv", f"layer{i}", weight, *([] if i else [self.tensor("b", 8)]))
            self.add_normalization(8)
        self.add("Conv", "layer2", self.tensor("w2", 8, 8, 1, 1), "b")
        self.add("Relu", "relu")
        self.nodes[3].input[2] = "bn0.bias"
        self.tensors["bn1.bias"] = self.tensors["bn0.bias"]
        model = self.model()
        model.graph.node.insert(0, helper.make_node("Identity", ["bn0.var"], ["v"], "copy"))
        model.graph.node[4].input[4] = "v"
        self.tensors["bn1.var"] = self.tensors["bn0.var"]
        written, _ = self.folded(model)
        self.assertEqual(self.count(written), 0)
        self.check_layer(written, "bn0", "w0", "b")
        self.check_layer(written, "bn1", "w1", "")
        np.testing.assert_array_equal(arrays(written)["b"], self.tensors["b"])

    def test_what_cannot_be_folded_stays(self) -> None:
        weight = self.tensor("w0", 8, 8, 1, 1)
        self.add("Conv", "layer0", weight)
        self.add_normalization(8)  # of a weight that serves two layers
        self.add("Conv", "layer1", weight)
        self.add("Relu", "relu")
        self.add_normalization(8)  # behind no layer
        self.add("Conv", "layer2", self.tensor("w2", 8, 8, 1, 1))
        shortcut = self.value
        self.add_normalization(8)  # of a result that others read
        self.add("Add", "add", shortcut)
        written, stderr = self.folded(self.model())
        self.assertEqual(self.count(written), 3)
        self.assertNotIn("folded", stderr)

    def test_options_that_keep_it(self) -> None:
        self.add("Conv", "layer0", self.tensor("w0", 8, 8, 1, 1))
        self.add_normalization(8)
        model = self.model()
        for option, count in (([], 0), (["--no-fold-batch-normalization"], 1)):
            written, _ = self.folded(model, *option)
            self.assertEqual(self.count(written), count)

    def test_integer_kernels_need_no_floating_one_between(self) -> None:
        for i in range(3):
            self.add("Conv", f"layer{i}", self.tensor(f"w{i}", 8, 8, 3, 3), pads=[1] * 4)
            self.add_normalization(8)
            if i == 1:
                self.tensors.update(low=np.float32(0), high=np.float32(6))
                self.add("Clip", "clip", "low", "high")
            else:
                self.add("Relu", f"relu{i}")
        self.folded(self.model(), exclude="")
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(self.path("optimized.onnx"))
        options.log_severity_level = 3
        onnxruntime.InferenceSession(self.path("int8.onnx"), options)
        kernels = [node.op_type for node in onnx.load(self.path("optimized.onnx")).graph.node]
        first = kernels.index("QLinearConv")
        self.assertEqual(kernels[first : first + 3], ["QLinearConv"] * 3)


if __name__ == "__main__":
    unittest.main()
