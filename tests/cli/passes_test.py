"""`--disable-pass` and `--dump passes`: a pass that is left out is left out in every command, which
computes the same without it."""

import json
import re
import unittest

import numpy as np
import onnx
from onnx import helper, numpy_helper
from program import ProgramTest, make_model, run

PASSES = ["fold-weight-transposes", "recognize-gelu", "recompute-activations", "merge-equal-nodes"]


def gelu_model() -> onnx.ModelProto:
    """A linear layer as MatMul by a transpose, and a GELU in five operators."""
    random = np.random.default_rng(2)
    weight = random.normal(size=(3, 4)).astype(np.float32)
    numbers = {"root": 2**0.5, "one": 1, "half": 0.5}
    tensors = [numpy_helper.from_array(weight, "w")]
    tensors += [numpy_helper.from_array(np.float32(n), name) for name, n in numbers.items()]
    nodes = [
        helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["h"]),
        helper.make_node("Div", ["h", "root"], ["scaled"]),
        helper.make_node("Erf", ["scaled"], ["erf"]),
        helper.make_node("Add", ["erf", "one"], ["term"]),
        helper.make_node("Mul", ["h", "term"], ["product"]),
        helper.make_node("Mul", ["product", "half"], ["y"]),
    ]
    return make_model(nodes, tensors, ["n", 4], ["n", 3])


class PassesTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = self.save(gelu_model())
        self.arrays = self.samples()
        self.data = self.save_data(**self.arrays)
        self.inputs = self.save_data("in.npz", x=self.arrays["x"])

    def train(self, *options: str) -> str:
        """What a training says on stderr."""
        arguments = [self.model, "--data", self.data, "-o", self.path("tuned.onnx"), *options]
        return self.run_well("train", *arguments, "--epochs", "2").stderr

    def tuned(self) -> np.ndarray:
        return numpy_helper.to_array(onnx.load(self.path("tuned.onnx")).graph.initializer[0])

    def test_training_is_without_it(self) -> None:
        with_all = self.train("--dump", "differentiate")
        expected = self.tuned()
        self.assertIn("= Gelu(", with_all)
        self.assertIn("MatMulTransposed(", with_all)
        without = self.train(
            "--dump", "differentiate", "--disable-pass", "recognize-gelu,fold-weight-transposes"
        )
        self.assertNotIn("Gelu", without)
        self.assertNotIn("MatMulTransposed", without)
        np.testing.assert_allclose(self.tuned(), expected, rtol=1e-4, atol=1e-6)

    def test_every_command_computes_the_same(self) -> None:
        def gradient(*options: str) -> np.ndarray:
            output = self.path("gradient.npz")
            self.run_well("gradient", self.model, "--inputs", self.inputs, "-o", output, *options)
            return np.load(output)["w"]

        def outputs(*options: str) -> np.ndarray:
            output = self.path("out.npz")
            self.run_well("run", self.model, "--inputs", self.inputs, "-o", output, *options)
            return np.load(output)["y"]

        for name in PASSES:
            option = ("--disable-pass", name)
            np.testing.assert_allclose(gradient(*option), gradient(), rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(outputs(*option), outputs(), rtol=1e-5, atol=1e-6)
            done = self.run_well("benchmark", self.model, "--steps", "1", "--json", *option)
            self.assertGreater(json.loads(done.stdout)["step_ms_median"], 0)

    def test_times_are_told(self) -> None:
        line = r"^  (\S+) +\d+\.\d\d ms  (\d+) -> (\d+) nodes$"
        text = self.train("--dump", "passes", "--dropout-at", "Erf*", "--dropout", "0.5")
        found = re.findall(line, text, re.MULTILINE)
        self.assertEqual(
            [name for name, _, _ in found],
            ["insert-dropout", "fold-weight-transposes", "recognize-gelu", "merge-equal-nodes"],
        )
        self.assertEqual(found[0][1:], ("7", "8"))
        text = self.train("--dump", "passes", "--disable-pass", "recognize-gelu", "--lora", "*")
        names = [name for name, _, _ in re.findall(line, text, re.MULTILINE)]
        self.assertEqual(names, ["add-lora", *[name for name in PASSES if "gelu" not in name]])

    def test_unknown_ones_are_refused(self) -> None:
        done = run("gradient", self.model, "--disable-pass", "recognise-gelu", "--inputs", "x")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean recognize-gelu", done.stderr)
        for command in ("train", "benchmark", "find-learning-rate", "gradient", "run"):
            text = self.run_well(command, "--help-all").stdout
            for name in PASSES:
                self.assertIn(name, text.replace("\n", ""))


if __name__ == "__main__":
    unittest.main()
