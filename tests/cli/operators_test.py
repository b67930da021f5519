"""Operators at the edges where runtimes part, held to ONNX Runtime over grids."""

import unittest

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from program import ProgramTest, run

FIRST, LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


class SliceTest(ProgramTest):
    def test_starts_ends_steps(self) -> None:
        """Every place of start and end around an axis of 5, forward and gradient."""
        places = [FIRST, *range(-8, 9)]
        cases = [
            (start, end, step)
            for start in [*places, LAST]
            for end in places  # ONNX Runtime takes the largest for "to the end", the text does not
            for step in (-3, -1, 2)
        ]
        nodes, tensors, outputs = [], [], []
        for number, bounds in enumerate([*cases, (0, LAST, 1), (2, LAST, 3)]):
            names = [f"{what}{number}" for what in ("start", "end", "axis", "step")]
            for name, value in zip(names, (*bounds[:2], 0, bounds[2]), strict=True):
                tensors.append(numpy_helper.from_array(np.array([value]), name))
            nodes.append(helper.make_node("Slice", ["x", *names], [f"y{number}"]))
            outputs.append(helper.make_tensor_value_info(f"y{number}", TensorProto.FLOAT, None))
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [5])]
        graph = helper.make_graph(nodes, "test", inputs, outputs, tensors)
        opsets = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, ir_version=8, opset_imports=opsets)
        path = self.save(model)
        x = np.arange(5, dtype=np.float32)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        expected = dict(zip((o.name for o in outputs), session.run(None, {"x": x}), strict=True))

        feed = self.save_data("in.npz", x=x)
        done = run("run", path, "--inputs", feed, "-o", self.path("out.npz"))
        self.assertEqual(done.returncode, 0, done.stderr)
        found = np.load(self.path("out.npz"))
        random = np.random.default_rng(0)
        cotangents, gradient = {}, np.zeros(5)
        for (name, taken), bounds in zip(expected.items(), [*cases, None, None], strict=True):
            np.testing.assert_array_equal(found[name], taken, err_msg=str(bounds))
            cotangents[name] = random.normal(size=taken.shape).astype(np.float32)
            np.add.at(gradient, taken.astype(int), cotangents[name])
        done = run(
            *("gradient", path, "--inputs", feed, "-o", self.path("g.npz")),
            *("--output-gradients", self.save_data("dy.npz", **cotangents), "--precision", "f64"),
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        np.testing.assert_allclose(np.load(self.path("g.npz"))["x"], gradient, rtol=1e-9)


if __name__ == "__main__":
    unittest.main()
