"""Quantization-aware training: what --quantize writes, and what ONNX Runtime makes of it."""

import json
import re
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

    def check_training_computes_what_the_file_does(
        self, model: onnx.ModelProto, *options: str
    ) -> str:
        """What both round, the last validation loss, and ONNX Runtime's outputs. Stderr."""
        onnx.save(model, self.folder / "model.onnx")
        done = self.run_well(
            *("train", self.folder / "model.onnx", "--data", self.folder / "data.npz", "--json"),
            *("--validation-data", self.folder / "data.npz", "--optimizer", "adam"),
            *("--learning-rate", "0.02", "--epochs", "3", "--quantize", "int8"),
            *("--dump", "import", "-o", self.folder / "int8.onnx", *options),
        )
        written = onnx.load(self.folder / "int8.onnx")
        onnx.checker.check_model(written, full_check=True)
        in_training = set(re.findall(r"strop\.FakeQuantize\(%([^,]+),", done.stderr))
        in_file = {n.input[0] for n in written.graph.node if n.op_type == "QuantizeLinear"}
        for node in written.graph.node:  # weights; a bias has no zero point
            if node.op_type == "DequantizeLinear" and len(node.input) == 3:
                in_file.add(node.input[0].removesuffix("_quantized"))
        self.assertEqual(in_training, in_file)
        validation_loss = json.loads(done.stdout.splitlines()[-1])["validation_loss"]
        evaluated = self.run_well(
            *("evaluate", self.folder / "int8.onnx", "--data", self.folder / "data.npz", "--json")
        )
        # The file's biases are whole numbers in the scale of their sums.
        self.assertAlmostEqual(json.loads(evaluated.stdout)["loss"], validation_loss, delta=5e-4)
        ours, theirs = self.outputs()
        self.assertLessEqual(np.abs(ours - theirs).max(), 0.02 * np.abs(ours).max())
        return done.stderr

    def test_a_frozen_copy_of_a_trained_weight_keeps_its_elements(self) -> None:
        """Both convolutions are stored once and read through an Identity by the second."""
        for ir_version in (3, 8):
            model = convolutional_model(17)
            model.ir_version = ir_version
            tensors = {tensor.name: tensor for tensor in model.graph.initializer}
            model.graph.initializer.remove(tensors["w1"])
            square = np.resize(numpy_helper.to_array(tensors["w0"]), (3, 3, 3, 3))
            tensors["w0"].CopyFrom(numpy_helper.from_array(square, "w0"))
            tensors["b0"].CopyFrom(numpy_helper.from_array(np.ones(3, np.float32), "b0"))
            tensors["w2"].CopyFrom(numpy_helper.from_array(np.eye(2, 3, dtype=np.float32), "w2"))
            model.graph.node.insert(0, helper.make_node("Identity", ["w0"], ["w1"], name="copy"))
            if ir_version < 4:
                for tensor in model.graph.initializer:
                    info = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
                    model.graph.input.append(info)
            for frozen in ("w1", "w0"):
                with self.subTest(ir_version=ir_version, frozen=frozen):
                    self.check_training_computes_what_the_file_does(model, "--freeze", frozen)

    def test_weights_that_the_file_cannot_store_stay_floating(self) -> None:
        """A constant of a function that is called twice stands for two tensors."""
        random = np.random.default_rng(0)
        weight = (random.normal(size=(8, 8, 3, 3)) * 0.2).astype(np.float32)
        body = [
            helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(weight)),
            helper.make_node("Conv", ["a", "w"], ["b"], name="conv", pads=[1, 1, 1, 1]),
        ]
        block = helper.make_function(
            "test", "Block", ["a"], ["b"], body, [helper.make_opsetid("", 17)]
        )
        model = convolutional_model(17)
        model.functions.append(block)
        model.opset_import.append(helper.make_opsetid("test", 1))
        model.graph.node[2].input[0] = "s1"
        for i, (source, result) in enumerate((("r0", "s0"), ("s0", "s1"))):
            call = helper.make_node("Block", [source], [result], name=f"block{i}", domain="test")
            model.graph.node.insert(2 + i, call)
        stderr = self.check_training_computes_what_the_file_does(model)
        self.assertIn("note: 2 layers stay floating, in functions of the model", stderr)
        self.assertIn(": Block (2); inline them", stderr)
        model.opset_import[0].version = block.opset_import[0].version = 11
        onnx.save(model, self.folder / "old.onnx")
        done = run(
            *("train", self.folder / "old.onnx", "--data", self.folder / "data.npz"),
            *("--quantize", "int8", "-o", self.folder / "old8.onnx"),
        )
        self.assertEqual(done.returncode, 65, done.stderr)
        self.assertIn("opset 11 has functions, expected none, or opset 13", done.stderr)

    def test_functions_compute_in_the_file_what_they_compute_in_training(self) -> None:
        """A function with layers of its own hands out a value that it reads on itself."""
        random = np.random.default_rng(0)

        def constant(name: str, *shape: int) -> onnx.NodeProto:
            tensor = numpy_helper.from_array((random.normal(size=shape) * 0.3).astype(np.float32))
            return helper.make_node("Constant", [], [name], value=tensor)

        body = [
            constant("u", 8, 8, 3, 3),
            constant("v", 8, 8),
            helper.make_node("Conv", ["a", "u"], ["b"], name="conv", pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["b"], ["c"], name="relu"),
            helper.make_node("ReduceMean", ["c"], ["d"], name="mean", axes=[2, 3], keepdims=0),
            helper.make_node("Gemm", ["d", "v"], ["e"], name="linear", transB=1),
        ]
        block = helper.make_function(
            "test", "Block", ["a"], ["c", "e"], body, [helper.make_opsetid("", 17)]
        )
        model = convolutional_model(17)
        model.functions.append(block)
        model.opset_import.append(helper.make_opsetid("test", 1))
        call = helper.make_node("Block", ["r0"], ["s", "t"], name="block", domain="test")
        model.graph.node.insert(2, call)
        model.graph.node[3].input[0] = "s"  # a convolution of the main graph
        model.graph.node.insert(6, helper.make_node("Add", ["f", "t"], ["g"], name="add"))
        model.graph.node[7].input[0] = "g"
        stderr = self.check_training_computes_what_the_file_does(model)
        self.assertIn("note: 2 layers stay floating, in functions of the model", stderr)
        self.assertRegex(stderr, r"= ReduceMean\(%s, ")  # which the file does not round inside
        written = onnx.load(self.folder / "int8.onnx")
        names = {tensor.name for tensor in written.graph.initializer}
        self.assertLessEqual({"w1_quantized", "s_scale", "r0_scale", "g_scale"}, names)
        before = numpy_helper.to_array(block.node[0].attribute[0].t)
        after = numpy_helper.to_array(written.functions[0].node[0].attribute[0].t)
        self.assertGreater(np.abs(after - before).max(), 0.01)  # it was trained

    def test_excluded_nodes_stay_floating(self) -> None:
        model = self.train(17, "--quantize-exclude", "conv1")
        names = {tensor.name for tensor in model.graph.initializer}
        self.assertIn("w1", names)
        self.assertIn("w0_quantized", names)

    def test_options_that_would_do_nothing_are_refused(self) -> None:
        onnx.save(convolutional_model(17), self.folder / "model.onnx")
        command = ["train", self.folder / "model.onnx", "--data", self.folder / "data.npz"]
        command += ["-o", self.folder / "out.onnx"]
        for code, message, options in (
            (2, "requires --quantize", ["--quantize-exclude", "conv0"]),
            (2, "requires --quantize", ["--no-fold-batch-normalization"]),
            (65, '"conv9" matches no node', ["--quantize", "int8", "--quantize-exclude", "conv9"]),
            (65, "run at least one step", ["--quantize", "int8", "--epochs", "0"]),
        ):
            done = run(*command, *options)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(message, done.stderr)
            self.assertFalse((self.folder / "out.onnx").exists())

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
