"""`--replace-head` on models that have no classifier to replace, against NumPy, ONNX's checker and
ONNX Runtime."""

import pathlib
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from program import ProgramTest, linear_model, make_model, run

FEATURES = 8


def constant(name: str, *shape: int, seed: int = 0) -> onnx.TensorProto:
    random = np.random.default_rng(seed + len(name))
    return numpy_helper.from_array(random.uniform(0.5, 1.5, shape).astype(np.float32), name)


def embedding_model(ir_version: int = 8) -> onnx.ModelProto:
    """A linear layer, a Relu, another layer, and BatchNormalization at the end."""
    normalization = ["scale", "shift", "mean", "variance"]
    nodes = [
        helper.make_node("Gemm", ["x", "w0", "b0"], ["h"], name="fc0"),
        helper.make_node("Relu", ["h"], ["r"], name="relu"),
        helper.make_node("MatMul", ["r", "w1"], ["e"], name="fc1"),
        helper.make_node("BatchNormalization", ["e", *normalization], ["y"], name="bn"),
    ]
    tensors = [constant("w0", 4, 6), constant("b0", 6), constant("w1", 6, FEATURES)]
    tensors += [constant(name, FEATURES) for name in normalization]
    model = make_model(nodes, tensors, ["n", 4], ["n", FEATURES])
    model.ir_version = ir_version
    if ir_version < 4:
        for tensor in tensors:
            info = helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.dims)
            model.graph.input.append(info)
    return model


def outputs(path: pathlib.Path, x: np.ndarray, names: list[str] | None = None) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(path).run(names, {"x": x})


def constants(path: pathlib.Path) -> dict[str, np.ndarray]:
    graph = onnx.load(path).graph
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


class NewHeadTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.arrays = self.samples()
        self.data = self.save_data(**self.arrays)
        self.output = self.path("out.onnx")

    def give_head(self, model: onnx.ModelProto, *options: object, data: object = None) -> str:
        """Without training: what remains is what the file had."""
        arguments = ("--data", data or self.data, "--epochs", 0, "--replace-head", 3, *options)
        done = self.run_well("train", self.save(model), *arguments, "-o", self.output)
        onnx.checker.check_model(self.output, full_check=True)
        return done.stderr

    def check_head(self, features: np.ndarray, x: np.ndarray) -> None:
        """The head is a fresh linear layer of these features."""
        found = constants(self.output)
        weight, bias = found["head.weight"], found["head.bias"]
        if weight.shape[0] != 3:
            weight = weight.T
        self.assertEqual(weight.shape, (3, features.shape[-1]))
        bound = 1 / np.sqrt(features.shape[-1])
        for drawn in (weight, bias):
            self.assertLessEqual(np.abs(drawn).max(), bound)
            self.assertEqual(len(np.unique(drawn)), drawn.size)
        expected = features.astype(np.float64) @ weight.T + bias
        np.testing.assert_allclose(outputs(self.output, x)[0], expected, rtol=1e-5, atol=1e-5)

    def test_behind_a_normalization(self) -> None:
        for ir_version in (8, 3):
            with self.subTest(ir_version=ir_version):
                model = embedding_model(ir_version)
                note = self.give_head(model)
                self.assertIn('8 inputs and 3 outputs stands behind "y"', note)
                x = self.arrays["x"]
                self.check_head(outputs(self.path("model.onnx"), x)[0], x)
                result = onnx.load(self.output).graph
                self.assertEqual([output.name for output in result.output], ["y"])
                shape = result.output[0].type.tensor_type.shape
                self.assertEqual([d.dim_param or d.dim_value for d in shape.dim], ["n", 3])
                for tensor in model.graph.initializer:
                    np.testing.assert_array_equal(
                        constants(self.output)[tensor.name], numpy_helper.to_array(tensor)
                    )

    def test_learns_together_with_what_was_there(self) -> None:
        model = self.save(embedding_model())
        options = ("--replace-head", 3, "--epochs", 200, "--learning-rate", "0.02")
        x = self.arrays["x"]
        target = x[:, :3].argmax(1)
        data = self.save_data("learnable.npz", x=x, target=target)
        self.run_well("train", model, "--data", data, *options, "-o", self.output)
        self.assertGreater(np.mean(outputs(self.output, x)[0].argmax(1) == target), 0.9)
        trained, before = constants(self.output), constants(model)
        for name in ("w0", "b0", "w1", "scale", "shift"):
            self.assertTrue(np.any(trained[name] != before[name]), name)

    def test_at_a_tensor(self) -> None:
        model = embedding_model()
        note = self.give_head(model, "--head-at", "r")
        self.assertIn("2 nodes", note)
        model.graph.output.append(helper.make_tensor_value_info("r", TensorProto.FLOAT, ["n", 6]))
        x = self.arrays["x"]
        self.check_head(outputs(self.save(model, "features.onnx"), x, ["r"])[0], x)
        result = onnx.load(self.output).graph
        self.assertEqual([node.op_type for node in result.node], ["Gemm", "Relu", "Gemm"])
        names = {tensor.name for tensor in result.initializer}
        self.assertEqual(names, {"w0", "b0", "head.weight", "head.bias"})

    def test_behind_a_classifier_when_told(self) -> None:
        x = self.arrays["x"]
        self.give_head(linear_model(), "--head-at", "y")
        self.check_head(outputs(self.path("model.onnx"), x)[0], x)

    def test_a_name_that_is_read_elsewhere(self) -> None:
        model = embedding_model()
        model.graph.node.append(helper.make_node("Neg", ["y"], ["z"], name="negative"))
        model.graph.output.append(
            helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", FEATURES])
        )
        self.give_head(model)
        x = self.arrays["x"]
        y, z = outputs(self.path("model.onnx"), x)
        self.check_head(y, x)
        np.testing.assert_array_equal(outputs(self.output, x)[1], z)

    def test_on_every_position(self) -> None:
        nodes = [
            helper.make_node("MatMul", ["x", "w"], ["h"], name="fc"),
            helper.make_node("LayerNormalization", ["h", "scale"], ["y"], name="norm"),
        ]
        tensors = [constant("w", 4, 5), constant("scale", 5)]
        model = make_model(nodes, tensors, ["n", 7, 4], ["n", 7, 5])
        x = np.random.default_rng(0).normal(size=(6, 7, 4)).astype(np.float32)
        data = self.save_data("positions.npz", x=x, target=np.zeros((6, 7), np.int64))
        self.give_head(model, data=data)
        self.check_head(outputs(self.path("model.onnx"), x)[0], x)

    def test_before_batch_normalization_is_folded(self) -> None:
        """Quantization folds it into the layer before; that layer is not the head all the same."""
        model = embedding_model()
        arguments = ("--data", self.data, "--epochs", 1, "--replace-head", 3, "--quantize", "int8")
        done = self.run_well("train", self.save(model), *arguments, "-o", self.output)
        self.assertIn('stands behind "y"', done.stderr)
        self.assertEqual(outputs(self.output, self.arrays["x"])[0].shape, (12, 3))

    def test_refusals(self) -> None:
        rounded = embedding_model()
        rounded.graph.node[3].output[0] = "z"
        rounded.graph.node.append(helper.make_node("ArgMax", ["z"], ["y"], axis=1, keepdims=1))
        rounded.graph.output[0].CopyFrom(
            helper.make_tensor_value_info("y", TensorProto.INT64, ["n", 1])
        )
        relu = helper.make_node("Relu", ["x"], ["y"], name="relu")
        image = make_model([relu], [], ["n", 3, 5, 5], ["n", 3, 5, 5])
        given = make_model([helper.make_node("Relu", ["x"], ["unread"])], [], ["n", 4], ["n", 4])
        given.graph.output[0].name = "x"
        for model, options, words in (
            (rounded, (), '"y" of int64'),
            (image, (), "4 axes"),
            (given, (), '"x", which no node'),
            (embedding_model(), ("--head-at", "nothing"), '"nothing", which no node'),
            (embedding_model(), ("--head-at", "w0"), '"w0", which no node'),
        ):
            with self.subTest(words):
                path = self.save(model)
                arguments = ("--data", self.data, "--replace-head", 3, *options)
                done = run("train", path, *arguments, "-o", self.output)
                self.assertEqual(done.returncode, 65, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertIn("--head-at", done.stderr)
        path = self.save(embedding_model())
        done = run("train", path, "--data", self.data, "--head-at", "r", "-o", self.output)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("--replace-head", done.stderr)


if __name__ == "__main__":
    unittest.main()
