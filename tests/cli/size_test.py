"""Models of tens of thousands of nodes: time grows with their number, not with its square. Where it
did, the commands below took minutes; now they take seconds."""

import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from program import ProgramTest, run

NODE = helper.make_node
LIMIT = 60  # seconds


class SizeTest(ProgramTest):
    def save_graph(
        self,
        nodes: list[onnx.NodeProto],
        tensors: list[onnx.TensorProto] = (),
        functions: list[onnx.FunctionProto] = (),
    ) -> object:
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])
        graph = helper.make_graph(nodes, "test", [x], [y], tensors)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
        model = helper.make_model(graph, ir_version=8, opset_imports=opsets, functions=functions)
        return self.save(model)

    def test_nodes_of_one_name(self) -> None:
        count = 40_000
        values = ["x", *(f"v{i}" for i in range(count - 1)), "y"]
        nodes = [NODE("Tanh", [values[i]], [values[i + 1]], "same") for i in range(count)]
        done = run("inspect", self.save_graph(nodes), timeout=LIMIT)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{count} nodes", done.stdout)

    def test_calls_of_one_name(self) -> None:
        count = 40_000
        body = [NODE("Constant", [], ["k"], value_floats=[1.0] * 4), NODE("Add", ["a", "k"], ["o"])]
        opsets = [helper.make_opsetid("", 17)]
        shift = helper.make_function("local", "Shift", ["a"], ["o"], body, opsets)
        values = ["x", *(f"v{i}" for i in range(count - 1)), "y"]
        nodes = [
            NODE("Shift", [values[i]], [values[i + 1]], "call", domain="local")
            for i in range(count)
        ]
        done = run("inspect", self.save_graph(nodes, functions=[shift]), timeout=LIMIT)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"call_{count}/k", done.stdout)

    def test_tensors_and_identities(self) -> None:
        """From import to export, with as many parameters, half of them by Identity."""
        count = 4_000
        tensors = [numpy_helper.from_array(np.ones(4, np.float32), f"b{i}") for i in range(count)]
        copies = [NODE("Identity", [f"b{i}"], [f"c{i}"]) for i in range(count)]
        values = ["x", *(f"v{i}" for i in range(2 * count - 1)), "y"]
        read = [name for i in range(count) for name in (f"b{i}", f"c{i}")]
        sums = [NODE("Add", [values[i], name], [values[i + 1]]) for i, name in enumerate(read)]
        path = self.save_graph([*copies, *sums], tensors)
        x = np.ones((2, 4), np.float32)
        done = run(
            *("train", path, "--data", self.save_data(x=x, target=x), "--loss", "mse"),
            *("--optimizer", "gd", "--learning-rate", 1e-4, "--steps", 1, "--train", "*"),
            *("-o", self.path("out.onnx")),
            timeout=LIMIT,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(onnx.load(self.path("out.onnx")).graph.initializer), 2 * count)


if __name__ == "__main__":
    unittest.main()
