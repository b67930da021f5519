"""Every command on small models, against numpy and ONNX's reference evaluator."""

import json
import re
import shlex
import signal
import subprocess
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from program import PROGRAM, ProgramTest, linear_model, make_model, run, softmax_cross_entropy


class RunTest(ProgramTest):
    def test_equals_the_reference_evaluator(self) -> None:
        model = linear_model(hidden=8)
        x = self.samples()["x"]
        inputs = self.save_data("in.npz", x=x)
        self.run_well("run", self.save(model), "--inputs", inputs, "-o", self.path("out.npz"))
        outputs = np.load(self.path("out.npz"))
        self.assertEqual(outputs.files, ["y"])
        expected = ReferenceEvaluator(model).run(None, {"x": x})[0]
        np.testing.assert_allclose(outputs["y"], expected, rtol=1e-5, atol=1e-6)

    def test_computes_in_double(self) -> None:
        model = linear_model(hidden=8)
        x = self.samples()["x"].astype(np.float64)
        inputs = self.save_data("in.npz", x=x)
        arguments = ["--inputs", inputs, "-o", self.path("out.npz"), "--precision", "f64"]
        self.run_well("run", self.save(model), *arguments)
        y = np.load(self.path("out.npz"))["y"]
        w = {t.name: numpy_helper.to_array(t).astype(np.float64) for t in model.graph.initializer}
        expected = np.tanh(x @ w["w0"] + w["b0"]) @ w["w1"] + w["b1"]
        self.assertEqual(y.dtype, np.float64)
        np.testing.assert_allclose(y, expected, rtol=1e-13)

    def test_takes_and_gives_what_numpy_writes_and_reads(self) -> None:
        """All element types, Fortran order, compression, through a model that passes on."""
        types = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
        random = np.random.default_rng(3)
        arrays, inputs, outputs, nodes = {}, [], [], []
        for name in [*types, "float16", "float32", "float64"]:
            array = (random.random((3, 2, 4)) * 2).astype(name)
            arrays[name] = np.asfortranarray(array) if len(arrays) % 2 else array
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            inputs.append(helper.make_tensor_value_info(name, kind, [3, None, 4]))
            outputs.append(helper.make_tensor_value_info(f"{name}/copy", kind, None))
            nodes.append(helper.make_node("Identity", [name], [f"{name}/copy"], name=name))
        graph = helper.make_graph(nodes, "copies", inputs, outputs)
        opsets = [helper.make_opsetid("", 17)]
        model = self.save(helper.make_model(graph, ir_version=8, opset_imports=opsets))
        np.savez_compressed(self.path("in.npz"), **arrays)
        done = ["--inputs", self.path("in.npz"), "-o", self.path("out.npz")]
        self.run_well("run", model, *done)
        copies = np.load(self.path("out.npz"))
        for name, array in arrays.items():
            copy = copies[f"{name}/copy"]
            self.assertEqual(copy.dtype, array.dtype)
            np.testing.assert_array_equal(copy, array)


class GradientTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = linear_model()
        self.model_path = self.save(self.model)
        self.x = self.samples()["x"]
        self.inputs = self.save_data("in.npz", x=self.x)
        self.weight = numpy_helper.to_array(self.model.graph.initializer[0])

    def gradients(self, *options: object) -> dict[str, np.ndarray]:
        arguments = ["--inputs", self.inputs, "-o", self.path("g.npz"), *options]
        self.run_well("gradient", self.model_path, *arguments)
        return dict(np.load(self.path("g.npz")))

    def test_of_every_input_and_trained_tensor(self) -> None:
        dy = np.random.default_rng(5).normal(size=(12, 3)).astype(np.float32)
        cotangents = self.save_data("dy.npz", y=dy)
        gradients = self.gradients("--output-gradients", cotangents)
        self.assertEqual(sorted(gradients), ["b0", "w0", "x"])
        np.testing.assert_allclose(gradients["x"], dy @ self.weight.T, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(gradients["w0"], self.x.T @ dy, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(gradients["b0"], dy.sum(axis=0), rtol=1e-5, atol=1e-5)

    def test_of_named_tensors_with_ones(self) -> None:
        gradients = self.gradients("--wrt", "w0", "x")
        self.assertEqual(sorted(gradients), ["w0", "x"])
        ones = np.ones((12, 3), np.float32)
        np.testing.assert_allclose(gradients["w0"], self.x.T @ ones, rtol=1e-5, atol=1e-5)

    def test_of_frozen_tensors_when_named(self) -> None:
        self.assertEqual(sorted(self.gradients("--freeze", "w*")), ["b0", "x"])
        self.assertEqual(sorted(self.gradients("--freeze", "w*", "--wrt", "w0")), ["w0"])

    def test_of_an_unknown_tensor(self) -> None:
        out = ["--inputs", self.inputs, "-o", self.path("g.npz"), "--wrt", "nonsense"]
        done = run("gradient", self.model_path, *out)
        self.assertEqual(done.returncode, 65)
        self.assertIn("nonsense", done.stderr)


class CheckTest(ProgramTest):
    def test_agrees_with_finite_differences(self) -> None:
        model = self.save(linear_model(hidden=8))
        lines = self.run_well("check", model, "--json").stdout.splitlines()
        rows = [json.loads(line) for line in lines]
        self.assertEqual(sorted(row["tensor"] for row in rows), ["b0", "b1", "w0", "w1", "x"])
        for row in rows:
            self.assertTrue(row["ok"])
            self.assertLessEqual(row["relative_error"], 1e-7)
            self.assertNotEqual(row["analytic"], 0)

    def test_an_impossible_tolerance_fails(self) -> None:
        model = self.save(linear_model(hidden=8))
        done = run("check", model, "--tolerance", "1e-18")
        self.assertEqual(done.returncode, 1)
        self.assertIn("BAD", done.stdout)


class InspectTest(ProgramTest):
    def test_lists_the_interface_and_the_parameters(self) -> None:
        model = self.save(linear_model(hidden=8))
        page = json.loads(self.run_well("inspect", model, "--json", "--freeze", "b*").stdout)
        self.assertEqual(page["inputs"], [{"name": "x", "type": "float32", "shape": [None, 4]}])
        roles = {row["name"]: row["role"] for row in page["parameters"]}
        expected = {"w0": "trained", "b0": "frozen", "w1": "trained", "b1": "frozen"}
        self.assertEqual(roles, expected)
        self.assertTrue(all(row["reason"] for row in page["parameters"]))
        self.assertEqual(page["obstacles"], [])
        self.assertIn("weight of", self.run_well("inspect", model).stdout)

    def test_draws_the_graph(self) -> None:
        dot = self.run_well("inspect", self.save(linear_model()), "--dot").stdout
        self.assertTrue(dot.startswith("digraph"))


class OpsTest(ProgramTest):
    def test_lists_every_operator_of_onnx(self) -> None:
        rows = json.loads(self.run_well("ops", "--json").stdout)
        schemas = [s for s in onnx.defs.get_all_schemas() if s.domain == "" and not s.deprecated]
        self.assertEqual([row["name"] for row in rows], sorted(s.name for s in schemas))
        by_name = {row["name"]: row for row in rows}
        gemm = [row["gradient"] for row in by_name["Gemm"]["inputs"]]
        self.assertEqual(gemm, ["yes", "yes", "yes"])
        self.assertEqual(by_name["Shape"]["inputs"][0]["gradient"], "no")
        self.assertIn("| Gemm |", self.run_well("ops", "--markdown").stdout)


class TrainTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = linear_model()
        self.model_path = self.save(self.model)
        self.arrays = self.samples(count=20)
        self.data = self.save_data(**self.arrays)
        self.output = self.path("tuned.onnx")

    def train(self, *options: object) -> list[dict]:
        arguments = [self.model_path, "--data", self.data, "-o", self.output, "--json", *options]
        return [json.loads(line) for line in self.run_well("train", *arguments).stdout.splitlines()]

    def test_one_step_of_gradient_descent_in_double(self) -> None:
        weight, bias = (numpy_helper.to_array(t) for t in self.model.graph.initializer)
        x, labels = self.arrays["x"].astype(np.float64), self.arrays["target"]
        logits = x @ weight.astype(np.float64) + bias
        rows = self.train("--optimizer", "gd", "--learning-rate", "0.5", "--precision", "f64")
        self.assertAlmostEqual(rows[0]["train_loss"], softmax_cross_entropy(logits, labels), 12)
        probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        slope = (probabilities - np.eye(3)[labels]) / len(x)
        tuned = onnx.load(self.output)
        expected = weight - 0.5 * x.T @ slope
        found = numpy_helper.to_array(tuned.graph.initializer[0])
        np.testing.assert_allclose(found, expected, rtol=1e-6)

    def test_learns_and_reports(self) -> None:
        options = ["--optimizer", "adam", "--learning-rate", "0.1", "--epochs", "30"]
        rows = self.train(*options, "--batch-size", "8", "--validation-split", "0.2")
        self.assertEqual([row["epoch"] for row in rows], list(range(1, 31)))
        self.assertEqual(rows[-1]["step"], 60)
        for key in ("train_loss", "validation_loss", "learning_rate", "seconds", "accuracy"):
            self.assertIn(key, rows[0])
        self.assertLess(rows[-1]["train_loss"], rows[0]["train_loss"])
        onnx.checker.check_model(onnx.load(self.output))

    def test_a_line_a_step(self) -> None:
        rows = self.train("--log-every", "1", "--batch-size", "8", "--steps", "5", "--epochs", "9")
        steps = [row for row in rows if "loss" in row]
        self.assertEqual([row["step"] for row in steps], [1, 2, 3, 4, 5])
        self.assertEqual([row["epoch"] for row in steps], [1, 1, 1, 2, 2])

    def test_the_same_seed_gives_the_same_bytes(self) -> None:
        contents = []
        for seed in ("1", "1", "2"):
            self.train("--seed", seed, "--batch-size", "4", "--epochs", "2")
            contents.append(self.output.read_bytes())
        self.assertEqual(contents[0], contents[1])
        self.assertNotEqual(contents[0], contents[2])

    def test_no_epochs_export_the_same_bytes(self) -> None:
        self.train("--epochs", "0")
        self.assertEqual(self.output.read_bytes(), self.model_path.read_bytes())

    def test_csv_and_npy_equal_npz(self) -> None:
        x, labels = self.arrays["x"], self.arrays["target"]
        names = np.array(["zebra", "ant", "cat"])  # sorted: ant, cat, zebra
        rows = [
            ",".join([*map(repr, map(float, r)), names[k]]) for r, k in zip(x, labels, strict=True)
        ]
        self.path("data.csv").write_text("\n".join(["a,b,c,d,animal", *rows]) + "\n")
        np.save(self.path("x.npy"), x)
        sorted_labels = np.array([2, 0, 1])[labels]
        np.save(self.path("y.npy"), sorted_labels)
        self.save_data(x=x, target=sorted_labels)
        contents = []
        pair = f"{self.path('x.npy')},{self.path('y.npy')}"
        csv = [self.path("data.csv"), "--target", "animal"]
        for location in ([self.data], csv, [pair]):
            out = ["-o", self.output, "--batch-size", "5"]
            self.run_well("train", self.model_path, "--data", *location, *out)
            contents.append(self.output.read_bytes())
        self.assertEqual(contents[0], contents[1])
        self.assertEqual(contents[0], contents[2])

    def test_freezing_leaves_the_bytes(self) -> None:
        self.train("--freeze", "w*", "--learning-rate", "0.1")
        tuned = onnx.load(self.output)
        before = self.model.graph.initializer
        self.assertEqual(tuned.graph.initializer[0].raw_data, before[0].raw_data)
        self.assertNotEqual(tuned.graph.initializer[1].raw_data, before[1].raw_data)

    def test_a_new_head_learns_more_classes(self) -> None:
        self.save_data(x=self.arrays["x"], target=np.arange(20) % 7)
        self.train("--replace-head", "7", "--epochs", "3")
        tuned = onnx.load(self.output)
        self.assertEqual(numpy_helper.to_array(tuned.graph.initializer[0]).shape, (4, 7))
        self.assertEqual(tuned.graph.output[0].type.tensor_type.shape.dim[1].dim_value, 7)

    def test_dumps_the_stages(self) -> None:
        arguments = [self.model_path, "--data", self.data, "-o", self.output]
        stages = "import,differentiate,optimize,plan"
        done = self.run_well("train", *arguments, "--dump", stages)
        for stage in stages.split(","):
            self.assertIn(f"---- {stage}\n", done.stderr)

    def test_signals_end_the_run_after_a_step(self) -> None:
        for sent, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            arguments = [self.model_path, "--data", self.data, "-o", self.output]
            arguments += ["--epochs", "100000000", "--json", "--log-every", "1"]
            process = subprocess.Popen(
                [PROGRAM, "train", *map(str, arguments)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            process.stdout.readline()  # the first step is done
            process.send_signal(sent)
            _, errors = process.communicate(timeout=60)
            self.assertEqual(process.returncode, code, errors)
            self.assertEqual(len(errors.splitlines()), 1, errors)
            onnx.checker.check_model(onnx.load(self.output))
            self.output.unlink()


class EvaluateTest(ProgramTest):
    def test_loss_and_accuracy(self) -> None:
        model = linear_model()
        arrays = self.samples(count=50)
        data = self.save_data(**arrays)
        arguments = ["--data", data, "--metric", "accuracy", "--json", "--batch-size", "16"]
        page = json.loads(self.run_well("evaluate", self.save(model), *arguments).stdout)
        logits = ReferenceEvaluator(model).run(None, {"x": arrays["x"]})[0]
        expected = softmax_cross_entropy(logits.astype(np.float64), arrays["target"])
        self.assertAlmostEqual(page["loss"], expected, 5)
        accuracy = (logits.argmax(axis=1) == arrays["target"]).mean()
        self.assertAlmostEqual(page["accuracy"], accuracy, 12)
        self.assertEqual(page["samples"], 50)

    def test_regression(self) -> None:
        model = linear_model(classes=1)
        x = self.samples()["x"]
        target = np.arange(12.0)
        data = self.save_data(x=x, target=target)
        arguments = ["--data", data, "--loss", "mse", "--metric", "mae", "--json"]
        page = json.loads(self.run_well("evaluate", self.save(model), *arguments).stdout)
        y = ReferenceEvaluator(model).run(None, {"x": x})[0][:, 0]
        self.assertAlmostEqual(page["loss"], float(((y - target) ** 2).mean()), 3)
        self.assertAlmostEqual(page["mae"], float(abs(y - target).mean()), 5)


class BenchmarkTest(ProgramTest):
    def test_reports_every_number(self) -> None:
        model = self.save(linear_model(features=64, classes=10, hidden=64))
        arguments = ["--batch-size", "32", "--steps", "5", "--optimizer", "sgd", "--json"]
        page = json.loads(self.run_well("benchmark", model, *arguments).stdout)
        for key in ("step_ms_median", "step_ms_min", "first_step_s", "peak_rss_mb"):
            self.assertGreater(page[key], 0, key)
        # Above 1 where everything stays in the caches, as here.
        self.assertGreater(page["roofline_fraction"], 0)
        self.assertEqual(page["batch_size"], 32)

    def test_a_fixed_batch(self) -> None:
        proto = linear_model()
        for value in (proto.graph.input[0], proto.graph.output[0]):
            value.type.tensor_type.shape.dim[0].dim_value = 6
        model = self.save(proto)
        page = json.loads(self.run_well("benchmark", model, "--steps", "1", "--json").stdout)
        self.assertEqual(page["batch_size"], 6)
        self.run_well("benchmark", model, "--steps", "1", "--batch-size", "6")
        done = run("benchmark", model, "--batch-size", "8")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--batch-size: found 8, expected 6", done.stderr)


class HelpTest(ProgramTest):
    COMMANDS = ("train", "evaluate", "run", "gradient", "check", "inspect", "ops", "benchmark")
    COMMANDS += ("tune", "predict")

    def test_examples_work(self) -> None:
        """Runs the example of every command on files of the names that it uses."""
        model = linear_model()
        self.save(model)
        for name in ("train.npz", "test.npz"):
            self.save_data(name, **self.samples())
        self.save_data("in.npz", x=self.samples()["x"])
        self.save_data("dy.npz", y=np.ones((12, 3), np.float32))
        for command in self.COMMANDS:
            text = self.run_well(command, "--help").stdout
            example = re.search(r"^Example: strop (.*)$", text, re.MULTILINE).group(1)
            example = example.replace("x=2,3,32,32", "x=2,4").replace("'encoder.*'", "'w*'")
            words = shlex.split(example)
            done = subprocess.run(
                [PROGRAM, *words], cwd=self.folder, capture_output=True, text=True, timeout=120
            )
            self.assertEqual(done.returncode, 0, f"{example}\n{done.stderr}")

    def test_version(self) -> None:
        self.assertRegex(self.run_well("--version").stdout, r"^\d+\.\d+\.\d+\n$")


class IntegerInputTest(ProgramTest):
    def test_token_ids(self) -> None:
        table = numpy_helper.from_array(np.eye(5, 3, dtype=np.float32), "table")
        nodes = [
            helper.make_node("Gather", ["table", "x"], ["e"], name="embed"),
            helper.make_node("ReduceMean", ["e"], ["y"], name="mean", axes=[1], keepdims=0),
        ]
        model = make_model(nodes, [table], ["n", "t"], ["n", 3], TensorProto.INT64)
        ids = np.array([[0.0, 4.0], [2.0, 2.0]])  # whole numbers pass as indices
        inputs = self.save_data("in.npz", x=ids)
        self.run_well("run", self.save(model), "--inputs", inputs, "-o", self.path("out.npz"))
        y = np.load(self.path("out.npz"))["y"]
        np.testing.assert_allclose(y, [[0.5, 0, 0], [0, 0, 1]])


if __name__ == "__main__":
    unittest.main()
