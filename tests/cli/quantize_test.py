"""Quantization-aware training: what --quantize writes, and what ONNX Runtime makes of it."""

import unittest
from collections import Counter

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from program import ProgramTest, make_model, run


def convolutional_model(opset: int) -> onnx.ModelProto:
    """Two convolutions, one with its Relu, pooled, and a linear layer."""
    random = np.random.default_rng(3)

    def weight(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array((random.normal(size=shape) * 0.3).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["x", "w0", "b0"], ["c0"], name="conv0", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c0"], ["r0"], name="relu0"),
        helper.make_node("Conv", ["r0", "w1"], ["c1"], name="conv1", strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["c1"], ["p"], name="pool"),
        helper.make_node("Flatten", ["p"], ["f"], name="flatten"),
        helper.make_node("Gemm", ["f", "w2", "b2"], ["y"], name="head", transB=1),
    ]
    tensors = [weight("w0", 8, 3, 3, 3), weight("b0", 8), weight("w1", 8, 8, 3, 3)]
    tensors += [weight("w2", 2, 8), weight("b2", 2)]
    model = make_model(nodes, tensors, ["n", 3, 8, 8], ["n", 2])
    model.opset_import[0].version = opset
    return model


class QuantizeTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        random = np.random.default_rng(0)
        self.x = random.normal(size=(96, 3, 8, 8)).astype(np.float32)
        self.y = (self.x[:, 0].mean((1, 2)) > 0).astype(np.int64)
        self.x[self.y == 1, 0] += 0.5
        np.savez(self.folder / "data.npz", x=self.x, target=self.y)

    def train(self, opset: int, *options: str) -> onnx.ModelProto:
        onnx.save(convolutional_model(opset), self.folder / "model.onnx")
        done = run(
            *("train", self.folder / "model.onnx", "--data", self.folder / "data.npz"),
            *("--optimizer", "adam", "--learning-rate", "0.02", "--epochs", "12"),
            *("--quantize", "int8", "-o", self.folder / "int8.onnx", *options),
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        model = onnx.load(self.folder / "int8.onnx")
        onnx.checker.check_model(model, full_check=True)
        return model

    def outputs(self) -> tuple[np.ndarray, np.ndarray]:
        """Of Strop, which computes QDQ in floating numbers, and of ONNX Runtime."""
        np.savez(self.folder / "in.npz", x=self.x)
        done = run(
            *("run", self.folder / "int8.onnx", "--inputs", self.folder / "in.npz"),
            *("-o", self.folder / "out.npz"),
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        session = onnxruntime.InferenceSession(self.folder / "int8.onnx")
        return np.load(self.folder / "out.npz")["y"], session.run(None, {"x": self.x})[0]

    def test_integer_kernels_compute_what_was_trained(self) -> None:
        for opset in (11, 17):
            with self.subTest(opset=opset):
                model = self.train(opset)
                original = convolutional_model(opset)
                self.assertEqual(model.graph.input, original.graph.input)
                self.assertEqual(model.graph.output, original.graph.output)
                self.assertEqual(model.opset_import[0].version, max(opset, 13))
                types = {t.name: t.data_type for t in model.graph.initializer}
                for name in ("w0", "w1", "w2"):
                    self.assertEqual(types[f"{name}_quantized"], TensorProto.INT8)
                    self.assertNotIn(name, types)
                self.assertEqual(types["b0_c0_quantized"], TensorProto.INT32)

                options = onnxruntime.SessionOptions()
                options.optimized_model_filepath = str(self.folder / "optimized.onnx")
                options.log_severity_level = 3
                onnxruntime.InferenceSession(self.folder / "int8.onnx", options)
                kernels = Counter(
                    node.op_type for node in onnx.load(self.folder / "optimized.onnx").graph.node
                )
                self.assertEqual(kernels["QLinearConv"], 2)
                self.assertEqual(kernels["Conv"], 0)

                ours, theirs = self.outputs()
                self.assertGreaterEqual(np.mean(theirs.argmax(1) == self.y), 0.95)
                # Integer sums round where floating ones do not: a step of the activations apart.
                self.assertLessEqual(np.abs(ours - theirs).max(), 0.02 * np.abs(ours).max())

    def test_excluded_nodes_stay_floating(self) -> None:
        model = self.train(17, "--quantize-exclude", "conv1")
        names = {tensor.name for tensor in model.graph.initializer}
        self.assertIn("w1", names)
        self.assertIn("w0_quantized", names)

    def test_a_model_without_layers_is_refused(self) -> None:
        model = make_model(
            [helper.make_node("Mul", ["x", "scale"], ["y"], name="mul")],
            [numpy_helper.from_array(np.ones(2, np.float32), "scale")],
            *(["n", 2], ["n", 2]),
        )
        onnx.save(model, self.folder / "mul.onnx")
        np.savez(self.folder / "mul.npz", x=np.ones((4, 2), np.float32), target=self.y[:4])
        done = run(
            *("train", self.folder / "mul.onnx", "--data", self.folder / "mul.npz"),
            *("--train", "scale", "--quantize", "int8", "-o", self.folder / "out.onnx"),
        )
        self.assertEqual(done.returncode, 65, done.stderr)
        self.assertIn("quantize: the model has no Conv, Gemm or MatMul", done.stderr)
        self.assertFalse((self.folder / "out.onnx").exists())


if __name__ == "__main__":
    unittest.main()
