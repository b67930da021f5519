"""strop.Model against ONNX, ONNX Runtime, NumPy and the program."""

import html.parser
import unittest

import numpy as np
import onnx
import strop
from onnx import helper, numpy_helper
from program import ProgramTest, linear_model, make_model


class ModelTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.proto = linear_model(hidden=8)
        self.proto.metadata_props.add(key="author", value="somebody")
        self.model_path = self.save(self.proto)
        self.arrays = self.samples(count=24)

    def trained_by_program(self, *options: object) -> bytes:
        data, path = self.save_data(**self.arrays), self.path("expected.onnx")
        self.run_well("train", self.model_path, "--data", data, *options, "-o", path)
        return path.read_bytes()

    def trained(self, model: strop.Model) -> bytes:
        strop.Trainer(model).fit(self.arrays["x"], self.arrays["target"])
        return model.to_bytes()

    def test_a_path_bytes_and_a_proto_are_one_model(self) -> None:
        content = self.model_path.read_bytes()
        for given in (self.model_path, str(self.model_path), content, memoryview(content)):
            self.assertEqual(strop.load(given).to_bytes(), content)
        self.assertEqual(strop.load(self.proto).to_onnx(), onnx.load(self.model_path))

    def test_the_interface_is_the_file_s(self) -> None:
        model = strop.load(self.model_path)
        self.assertEqual(model.inputs, (strop.Value("x", "float32", (None, 4)),))
        self.assertEqual(model.outputs, (strop.Value("y", "float32", (None, 3)),))
        self.assertEqual(model.metadata, {"author": "somebody"})
        found = {parameter.name: parameter.shape for parameter in model.parameters}
        stored = {tensor.name: tuple(tensor.dims) for tensor in self.proto.graph.initializer}
        self.assertEqual(found, stored)

    def test_outputs_are_onnx_runtime_s(self) -> None:
        model, x = strop.load(self.model_path), self.arrays["x"]
        self.trained(model)
        [expected] = model.to_onnxruntime().run(None, {"x": x})
        for given in (x, {"x": x}, x.tolist(), [row for row in x]):
            np.testing.assert_allclose(model.run(given)["y"], expected, rtol=1e-5, atol=1e-6)

    def test_gradients_are_the_formula_s(self) -> None:
        model, x = strop.load(linear_model()), self.arrays["x"]
        weight = model.read_parameter("w0").astype(np.float64)
        cotangent = np.random.default_rng(3).normal(size=(24, 3)).astype(np.float32)
        for weights, given in ((np.ones((24, 3)), None), (cotangent, {"y": cotangent})):
            found = model.gradient(x, given)
            expected = {"x": weights @ weight.T, "w0": x.T @ weights, "b0": weights.sum(axis=0)}
            self.assertEqual(set(found), set(expected))
            for name, gradient in expected.items():
                np.testing.assert_allclose(found[name], gradient, rtol=1e-5, atol=1e-5)
        self.assertEqual(list(model.gradient(x, wrt=["w0"])), ["w0"])

    def test_parameters_are_read_and_written(self) -> None:
        model, x = strop.load(linear_model()), self.arrays["x"]
        for array, name in zip(linear_model().graph.initializer, ("w0", "b0"), strict=True):
            stored = onnx.numpy_helper.to_array(array)
            np.testing.assert_array_equal(model.read_parameter(name), stored)
        model.write_parameter("w0", np.zeros((4, 3), np.float32))
        model.write_parameter("b0", np.array([1, 2, 3], np.float32))
        np.testing.assert_array_equal(model.run(x)["y"], np.tile([1, 2, 3], (24, 1)))

    def test_a_state_is_what_training_moves(self) -> None:
        """Batch normalization's running statistics among it."""
        node = helper.make_node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"], name="norm")
        numbers = {"s": [1, 2, 3, 4], "b": [0, 0, 1, 1], "m": [0, 1, 0, 1], "v": [1, 2, 1, 2]}
        tensors = [
            numpy_helper.from_array(np.array(row, np.float32), name)
            for name, row in numbers.items()
        ]
        model = strop.load(make_model([node], tensors, ["n", 4], ["n", 4]))
        before = model.state_dict()
        self.assertEqual({name: list(array) for name, array in before.items()}, numbers)
        trainer = strop.Trainer(model, loss="mse", batch_norm="train", learning_rate=0.1)
        trainer.fit(self.arrays["x"], self.arrays["x"])
        moved = model.to_bytes()
        after = model.state_dict()
        for name, array in after.items():
            self.assertFalse(np.array_equal(array, before[name]), name)
        other = strop.load(make_model([node], tensors, ["n", 4], ["n", 4]))
        other.load_state_dict(after)
        self.assertEqual(other.to_bytes(), moved)
        model.freeze("s")
        self.assertEqual(set(model.state_dict()), {"b", "m", "v"})

    def test_a_state_of_another_model_is_refused_whole(self) -> None:
        model = strop.load(self.model_path)
        state = {name: array + 1 for name, array in model.state_dict().items()}
        before = model.to_bytes()
        with self.assertRaisesRegex(ValueError, "load_state_dict: found 'w9'"):
            model.load_state_dict({**state, "w9": np.zeros(3)})
        with self.assertRaisesRegex(ValueError, r"'b1': found shape \[2\], expected \[3\]"):
            model.load_state_dict({**state, "b1": np.zeros(2)})
        del state["b1"]
        with self.assertRaisesRegex(ValueError, "load_state_dict: found no 'b1'"):
            model.load_state_dict(state)
        self.assertEqual(model.to_bytes(), before)
        model.load_state_dict(state, strict=False)
        np.testing.assert_array_equal(model.read_parameter("b0"), state["b0"])

    def test_checks_hold(self) -> None:
        checks = strop.load(self.model_path).check()
        self.assertEqual({check.tensor for check in checks} >= {"w0", "b0", "w1", "b1"}, True)
        for check in checks:
            self.assertTrue(check.ok)
            self.assertLess(abs(check.analytic - check.numeric), 1e-6 * (1 + abs(check.numeric)))

    def test_changes_are_those_of_the_program(self) -> None:
        changes = {
            ("--freeze", "b*"): lambda model: model.freeze("b*"),
            ("--train-only", "w1", "--train-only", "b1"): lambda m: m.train_only("w1", "b1"),
            ("--freeze", "w*", "--seed", 3): lambda model: model.freeze("w*"),
            ("--lora", "--lora-rank", 2, "--lora-alpha", 4): lambda model: model.add_lora(
                lora_rank=2, lora_alpha=4.0
            ),
            ("--lora", "w0", "--lora-rank", 2): lambda model: model.add_lora("w0", lora_rank=2),
            ("--quantize", "int8", "--quantize-exclude", "fc1"): lambda model: model.quantize(
                quantize_exclude=["fc1"]
            ),
        }
        for options, change in changes.items():
            with self.subTest(options=options):
                seed = 3 if "--seed" in options else None
                model = strop.load(self.model_path, seed=seed)
                change(model)
                self.assertEqual(self.trained(model), self.trained_by_program(*options))
        model = strop.load(self.model_path, seed=5)
        self.assertEqual(model.replace_head(7).outputs[0].shape, (None, 7))
        expected = self.trained_by_program("--replace-head", 7, "--seed", 5)
        self.assertEqual(self.trained(model), expected)
        model = strop.load(self.model_path, freeze=["b*", "w0"], seed=2)
        expected = self.trained_by_program("--freeze", "b*,w0", "--seed", 2)
        self.assertEqual(self.trained(model), expected)

    def test_saving_takes_options(self) -> None:
        model = strop.load(self.model_path).add_lora(lora_rank=2)
        self.trained(model)
        model.save(self.path("m.onnx"), lora_export="onnx_adapter")
        self.assertTrue(self.path("m.onnx_adapter").is_file())
        with self.assertRaisesRegex(TypeError, "did you mean 'lora_export'"):
            model.save(self.path("m.onnx"), lora_exports="peft")

    def test_the_table_shows_all_in_text_and_html(self) -> None:
        self.proto.graph.initializer[0].name = "<w>&0"
        self.proto.graph.node[0].input[1] = "<w>&0"
        table = strop.load(self.proto).inspect()
        for line, row in zip(str(table).splitlines()[1:], table.rows, strict=True):
            self.assertEqual(line.split()[0], row[0])
        cells: list[str] = []

        class Cells(html.parser.HTMLParser):
            def handle_data(self, data: str) -> None:
                cells.append(data)

        Cells().feed(table._repr_html_())
        self.assertIn("<w>&0", cells)
        self.assertEqual(len(table.rows), 2 + 4)

    def test_failures_are_python_s_own_kinds(self) -> None:
        broken = self.path("broken.onnx")
        broken.write_bytes(b"no model")
        for kind, given in (
            (FileNotFoundError, self.path("none.onnx")),
            (ValueError, broken),
            (ValueError, b"no model"),
            (TypeError, 7),
        ):
            with self.subTest(given=given), self.assertRaises(kind) as caught:
                strop.load(given)
            if kind is not TypeError:
                self.assertIsInstance(caught.exception, strop.Error)
                self.assertNotIn("\n", str(caught.exception))
        model = strop.load(self.model_path)
        with self.assertRaises(OSError) as failed:
            model.save(self.path("no/folder/model.onnx"))
        self.assertEqual(failed.exception.status, 73)
        with self.assertRaisesRegex(ValueError, "x"):
            model.run({"z": self.arrays["x"]})

    def test_what_is_of_another_kind_is_refused_in_one_line(self) -> None:
        model = strop.load(self.model_path)
        for call, words in (
            (lambda: strop.load(7), "model: found a int, expected a path, bytes or an onnx"),
            (lambda: strop.load({"x": 1}), "model: found a dict, expected a path"),
            (lambda: model.freeze("b*", None), "pattern: found a NoneType, expected text"),
            (lambda: model.train(3), "pattern: found a int, expected text"),
            (lambda: model.train_only([]), "pattern: found a list, expected text"),
            (lambda: model.read_parameter(0), "name: found a int, expected text"),
            (lambda: model.replace_head("7"), "classes: found '7', expected a whole number"),
            (lambda: model.replace_head(7, at=3), "at: found a int, expected text"),
            (lambda: model.save(3), "path: found a int, expected text or a pathlib.Path"),
            (lambda: strop.obstacles(3), "path: found a int, expected text"),
        ):
            with self.subTest(words=words), self.assertRaises(TypeError) as caught:
                call()
            self.assertIn(words, str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))

    def test_notes_and_warnings_are_logged(self) -> None:
        model = strop.load(self.model_path)
        trainer = strop.Trainer(model, run_directory=self.path("run"), log_every=1)
        with self.assertLogs("strop", "WARNING") as logs:  # of inputs that teach nothing
            trainer.fit(np.zeros((24, 4), np.float32), self.arrays["target"])
        self.assertIn("gradients vanish", logs.output[0])

    def test_operations_are_the_program_s(self) -> None:
        inspected = strop.perform("inspect", MODEL=self.model_path)
        self.assertEqual([value["name"] for value in inspected["inputs"]], ["x"])
        self.assertEqual(strop.obstacles(self.model_path), [])
        with self.assertRaisesRegex(TypeError, "did you mean 'MODEL'"):
            strop.perform("inspect", MODELS=self.model_path)


if __name__ == "__main__":
    unittest.main()
