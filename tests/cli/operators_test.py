"""Operators at the edges where runtimes part, held to ONNX Runtime over grids."""

import json
import unittest

import numpy as np
import onnx
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


class ResizeTest(ProgramTest):
    """With align_corners and a broken length, the text's reference is not what runtimes do."""

    def resize_model(self, scale: float, length: int | str) -> onnx.ModelProto:
        node = helper.make_node(
            *("Resize", ["x", "", "scales"], ["y"], "up"),
            mode="linear",
            coordinate_transformation_mode="align_corners",
        )
        scales = numpy_helper.from_array(np.array([1, 1, scale, 1], np.float32), "scales")
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, length, 4])
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
        graph = helper.make_graph([node], "test", [x], [y], [scales])
        opsets = [helper.make_opsetid("", 17)]
        return helper.make_model(graph, ir_version=8, opset_imports=opsets)

    def told(self) -> list[str]:
        done = run("inspect", self.path("model.onnx"), "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["runtime_differences"]

    def test_told_where_runtimes_differ(self) -> None:
        differences = 0
        for scale in (0.4, 0.5, 1.25, 1.5, 1.7, 2.0):
            for length in (2, 4, 5, 10):
                model = self.resize_model(scale, length)
                x = np.random.default_rng(0).normal(size=(1, 1, length, 4)).astype(np.float32)
                done = run(
                    *("run", self.save(model), "--inputs", self.save_data("in.npz", x=x)),
                    *("-o", self.path("y.npz")),
                )
                self.assertEqual(done.returncode, 0, done.stderr)
                session = onnxruntime.InferenceSession(model.SerializeToString())
                expected = session.run(None, {"x": x})[0]
                is_equal = np.allclose(np.load(self.path("y.npz"))["y"], expected, atol=1e-5)
                with self.subTest(scale=scale, length=length):
                    told = self.told()
                    self.assertEqual(len(told), 0 if is_equal else 1, told)
                    if told:
                        self.assertTrue(told[0].startswith('"up" (Resize): align_corners'))
                        self.assertIn(f"at {expected.shape[2]} less one", told[0])
                differences += not is_equal
        self.assertEqual(differences, 8)

    def test_told_where_lengths_are_unknown(self) -> None:
        self.save(self.resize_model(1.5, "length"))
        self.assertIn("a scale of 1.5, where it gives no whole length", self.told()[0])
        self.assertIn("other runtimes", run("inspect", self.path("model.onnx")).stdout)
        self.save(self.resize_model(3, "length"))
        self.assertEqual(self.told(), [])


if __name__ == "__main__":
    unittest.main()
