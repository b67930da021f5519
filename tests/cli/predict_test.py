"""`strop predict` and `strop run --data`: what ONNX Runtime computes of the same samples, made into
classes and probabilities by NumPy."""

import csv
import gzip
import io
import json
import pathlib
import unittest

import numpy as np
import onnxruntime
from onnx import helper, numpy_helper
from PIL import Image
from program import ProgramTest, linear_model, make_model, run

USAGE, BAD_DATA = 2, 65


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


class PredictTest(ProgramTest):
    def predict(self, *arguments: object) -> list[dict]:
        text = self.run_well("predict", *arguments, "--format", "jsonl").stdout
        return [json.loads(line) for line in text.splitlines()]

    def infer(self, model: pathlib.Path, **feeds: np.ndarray) -> np.ndarray:
        result = onnxruntime.InferenceSession(model).run(None, feeds)[0]
        return result.astype(np.float64)

    def pixels_model(self) -> pathlib.Path:
        random = np.random.default_rng(5)
        tensors = [numpy_helper.from_array(random.normal(size=(48, 3)).astype(np.float32), "w")]
        nodes = [
            helper.make_node("Flatten", ["x"], ["flat"]),
            helper.make_node("MatMul", ["flat", "w"], ["y"]),
        ]
        return self.save(make_model(nodes, tensors, ["n", 3, 4, 4], ["n", 3]))

    def pictures(self) -> tuple[pathlib.Path, dict[str, np.ndarray]]:
        """A folder with pictures at several depths, and what is in each."""
        random = np.random.default_rng(6)
        found = {}
        for name in ("b.png", "a.png", "cat/1.png", "dog/old/2.png", "dog/0.png"):
            path = self.path("pictures") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = random.integers(0, 256, (4, 4, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(path)
            found[str(path)] = pixels.astype(np.float32).transpose(2, 0, 1) / 255
        return self.path("pictures"), found

    def test_folder_of_pictures(self) -> None:
        model = self.pixels_model()
        folder, pictures = self.pictures()
        names = ["red", "a,b", 'the "other"']
        self.path("names.txt").write_text("\n".join(names))
        arguments = (model, "--data", folder, "--class-names", self.path("names.txt"))
        output = self.path("out.csv")
        self.run_well("predict", *arguments, "--batch-size", 2, "-o", output)
        rows = list(csv.DictReader(io.StringIO(output.read_text())))
        self.assertEqual(sorted(row["file"] for row in rows), sorted(pictures))
        for row in rows:
            logits = self.infer(model, x=pictures[row["file"]][None])[0]
            self.assertEqual(row["class"], names[logits.argmax()])
            self.assertAlmostEqual(float(row["probability"]), softmax(logits).max(), delta=1e-6)
        # The same on stdout, more classes of each, as JSON.
        for line in self.predict(*arguments, "--top-k", 2):
            expected = softmax(self.infer(model, x=pictures[line["file"]][None])[0])
            order = np.argsort(-expected)[:2]
            self.assertEqual([top["class"] for top in line["top"]], [names[i] for i in order])
            found = [top["probability"] for top in line["top"]]
            np.testing.assert_allclose(found, expected[order], atol=1e-6)

    def test_every_kind_of_data(self) -> None:
        model = self.save(linear_model(4, 3))
        x = self.samples(7)["x"]
        expected = softmax(self.infer(model, x=x))
        np.save(self.path("x.npy"), x)
        table = ["a,b,c,d,kind"] + [",".join(map(repr, row)) + ",?" for row in x.tolist()]
        self.path("x.csv").write_text("\n".join(table))
        for data in (
            self.save_data(x=x),
            self.save_data("labelled.npz", x=x, target=np.full(7, 99)),
            self.path("x.npy"),
            (self.path("x.csv"), "--target", "kind"),
        ):
            words = data if isinstance(data, tuple) else (data,)
            lines = self.predict(model, "--data", *words, "--batch-size", 3)
            self.assertEqual([line["row"] for line in lines], list(range(7)))
            found = [line["probability"] for line in lines]
            np.testing.assert_allclose(found, expected.max(1), atol=1e-6)
            classes = [int(line["class"]) for line in lines]
            np.testing.assert_array_equal(classes, expected.argmax(1))

    def test_idx(self) -> None:
        model = self.save(
            make_model(
                [
                    helper.make_node("Flatten", ["x"], ["f"]),
                    helper.make_node("MatMul", ["f", "w"], ["y"]),
                ],
                [numpy_helper.from_array(np.eye(16, 4, dtype=np.float32), "w")],
                ["n", 1, 4, 4],
                ["n", 4],
            )
        )
        pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4)).astype(np.uint8)
        header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in pixels.shape)
        path = self.path("images-idx3-ubyte.gz")
        path.write_bytes(gzip.compress(header + pixels.tobytes()))
        expected = softmax(self.infer(model, x=pixels[:, None].astype(np.float32) / 255))
        found = [line["probability"] for line in self.predict(model, "--data", path)]
        np.testing.assert_allclose(found, expected.max(1), atol=1e-6)

    def ending_in(self, *ops: tuple[str, dict], classes: int = 3) -> pathlib.Path:
        model = linear_model(4, classes)
        name = "y"
        for i, (op, attributes) in enumerate(ops):
            result = f"end{i}"
            model.graph.node.append(helper.make_node(op, [name], [result], **attributes))
            name = result
        model.graph.output[0].name = name
        return self.save(model, f"{len(ops)}-{classes}.onnx")

    def test_activations_are_applied_once(self) -> None:
        x = self.samples(6)["x"]
        data = self.save_data(x=x)
        logits = self.infer(self.save(linear_model(4, 3)), x=x)
        for ops in ([("Softmax", {"axis": -1})], [("LogSoftmax", {"axis": 1})], []):
            lines = self.predict(self.ending_in(*ops), "--data", data)
            found = [line["probability"] for line in lines]
            np.testing.assert_allclose(found, softmax(logits).max(1), atol=1e-6)

    def test_several_labels(self) -> None:
        x = self.samples(6)["x"]
        data = self.save_data(x=x)
        model = self.ending_in(("Sigmoid", {}))
        expected = self.infer(model, x=x)
        names = ["p", "q", "r"]
        options = ("--class-names", "p,q,r", "--threshold", 0.3)
        for row, line in zip(expected, self.predict(model, "--data", data, *options), strict=True):
            above = [name for name, p in zip(names, row, strict=True) if p > 0.3]
            self.assertEqual(line["labels"], above)
            np.testing.assert_allclose(list(line["probabilities"].values()), row, atol=1e-6)
        text = self.run_well("predict", model, "--data", data, *options).stdout
        rows = list(csv.reader(io.StringIO(text)))
        self.assertEqual(rows[0], ["row", "labels", *(f"probability_{name}" for name in names)])
        found = np.array([row[2:] for row in rows[1:]], np.float64)
        np.testing.assert_allclose(found, expected, atol=1e-6)

    def test_yes_or_no(self) -> None:
        x = self.samples(6)["x"]
        data = self.save_data(x=x)
        model = self.save(linear_model(4, 1))
        done = run("predict", model, "--data", data)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--loss", done.stderr)
        options = ("--loss", "binary_cross_entropy", "--class-names", "no,yes")
        for p, line in zip(
            sigmoid(self.infer(model, x=x))[:, 0],
            self.predict(model, "--data", data, *options),
            strict=True,
        ):
            self.assertEqual(line["class"], "yes" if p > 0.5 else "no")
            self.assertAlmostEqual(line["probability"], max(p, 1 - p), delta=1e-6)

    def test_numbers(self) -> None:
        x = self.samples(6)["x"]
        data = self.save_data(x=x)
        for outputs in (1, 2):
            model = self.save(linear_model(4, outputs))
            expected = self.infer(model, x=x)
            text = self.run_well("predict", model, "--data", data, "--loss", "mse").stdout
            rows = list(csv.reader(io.StringIO(text)))
            self.assertEqual(len(rows[0]), 1 + outputs)
            found = np.array(rows[1:], np.float64)
            np.testing.assert_allclose(found[:, 1:], expected, rtol=1e-6, atol=1e-6)

    def test_a_class_for_every_pixel(self) -> None:
        nodes = [helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[1, 1])]
        weight = np.random.default_rng(1).normal(size=(3, 2, 1, 1)).astype(np.float32)
        model = self.save(
            make_model(
                nodes, [numpy_helper.from_array(weight, "w")], ["n", 2, 2, 3], ["n", 3, 2, 3]
            )
        )
        x = np.random.default_rng(2).normal(size=(4, 2, 2, 3)).astype(np.float32)
        expected = softmax(self.infer(model, x=x), axis=1).max(1).reshape(4, 6)
        lines = self.predict(model, "--data", self.save_data(x=x))
        self.assertEqual([(line["row"], line["position"]) for line in lines[5:7]], [(0, 5), (1, 0)])
        found = np.reshape([line["probability"] for line in lines], (4, 6))
        np.testing.assert_allclose(found, expected, atol=1e-6)

    def test_fixed_batches_are_filled_up(self) -> None:
        model = linear_model(4, 3)
        for value in (model.graph.input[0], model.graph.output[0]):
            value.type.tensor_type.shape.dim[0].dim_value = 4
        path = self.save(model)
        x = self.samples(6)["x"]
        data = self.save_data(x=x)
        expected = self.infer(self.save(linear_model(4, 3), "free.onnx"), x=x)
        found = [line["probability"] for line in self.predict(path, "--data", data)]
        np.testing.assert_allclose(found, softmax(expected).max(1), atol=1e-6)
        self.run_well("run", path, "--data", data, "-o", self.path("out.npz"))
        np.testing.assert_allclose(np.load(self.path("out.npz"))["y"], expected, atol=1e-5)

    def test_run_takes_what_evaluate_takes(self) -> None:
        model = self.pixels_model()
        folder, pictures = self.pictures()
        output = self.path("out.npz")
        order = [line["file"] for line in self.predict(model, "--data", folder)]
        expected = self.infer(model, x=np.stack([pictures[name] for name in order]))
        for batch in (2, "full"):
            options = ("--batch-size", batch, "-o", output)
            self.run_well("run", model, "--data", folder, *options)
            np.testing.assert_allclose(np.load(output)["y"], expected, atol=1e-5)
        normalized = ("--mean", 0.5, "--std", 0.25)
        self.run_well("run", model, "--data", folder, *normalized, "-o", output)
        x = (np.stack([pictures[name] for name in order]) - 0.5) / 0.25
        expected = self.infer(model, x=x.astype(np.float32))
        np.testing.assert_allclose(np.load(output)["y"], expected, atol=1e-5)

    def test_what_does_not_go_together(self) -> None:
        model = self.save(linear_model(4, 3))
        data = self.save_data(x=self.samples()["x"])
        output = self.path("out.npz")
        for arguments in (
            ("run", model, "-o", output),
            ("run", model, "--data", data, "--inputs", data, "-o", output),
            ("run", model, "--inputs", data, "--batch-size", 2, "-o", output),
            ("predict", model, "--data", data, "--threshold", 0.2),
            ("predict", model, "--data", data, "--loss", "mse", "--top-k", 2),
            ("predict", model, "--data", data, "--loss", "mse", "--class-names", "a,b,c"),
        ):
            done = run(*arguments)
            self.assertEqual(done.returncode, USAGE, arguments)
            self.assertEqual(len(done.stderr.splitlines()), 1)
        done = run("predict", model, "--data", data, "--class-names", "a,b")
        self.assertEqual(done.returncode, BAD_DATA)
        self.assertIn("2 classes (a, b)", done.stderr)


if __name__ == "__main__":
    unittest.main()
