"""Weights of samples: losses are Σ w·l / Σ w, as PyTorch's weighted means; against NumPy in double
and repeated samples."""

import json
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from program import ProgramTest, linear_model, make_model, run

USAGE, BAD_DATA = 2, 65
IGNORED = -100


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


class Loss:
    """A loss of positions [samples, positions] and its derivative by the outputs, with what each
    position counts."""

    def __init__(self, name: str, *options: object, of_class: tuple = (1, 1, 1)) -> None:
        self.name, self.of_class = name, np.array(of_class, float)
        self.options = ["--loss", name, *options]

    def __call__(self, y: np.ndarray, target: np.ndarray) -> tuple:
        """Losses and counts [samples, positions], derivatives in y's shape."""
        if self.name == "cross_entropy" and target.shape == y.shape:
            return -(target * np.log(softmax(y))).sum(-1), np.ones(len(y)), softmax(y) - target
        if self.name == "cross_entropy":
            counts = np.where(target == IGNORED, 0, self.of_class[np.maximum(target, 0)])
            one_hot = np.eye(y.shape[-1])[np.maximum(target, 0)]
            losses = -counts * (one_hot * np.log(softmax(y))).sum(-1)
            return losses, counts, counts[..., None] * (softmax(y) - one_hot)
        if self.name == "binary_cross_entropy":
            losses = np.logaddexp(0, y) - target * y
            return losses, np.ones(y.shape), sigmoid(y) - target
        if self.name == "mse":
            return (y - target) ** 2, np.ones(y.shape), 2 * (y - target)
        if self.name == "l1":
            return abs(y - target), np.ones(y.shape), np.sign(y - target)
        near = abs(y - target) < 1  # huber, smooth_l1
        losses = np.where(near, (y - target) ** 2 / 2, abs(y - target) - 0.5)
        return losses, np.ones(y.shape), np.where(near, y - target, np.sign(y - target))


class Linear:
    """x·W + b, trained by SGD on weighted means in double."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        tensors = {t.name: numpy_helper.to_array(t).astype(float) for t in graph.initializer}
        self.weight, self.bias = tensors["w0"], tensors["b0"]

    def outputs(self, x: np.ndarray) -> np.ndarray:
        return x.astype(float) @ self.weight + self.bias

    def mean(
        self, loss: Loss, x: np.ndarray, target: np.ndarray, weights: np.ndarray
    ) -> tuple[float, float]:
        """The loss, and what it is divided by, a sample's positions counting as one."""
        losses, counts, _ = loss(self.outputs(x), target)
        of_position = weights.reshape(-1, *[1] * (losses.ndim - 1))
        all_counts = (of_position * counts).sum()
        mean = (of_position * losses).sum() / all_counts if all_counts else 0.0
        return mean, all_counts / (losses.size / len(x))

    def step(
        self, loss: Loss, x: np.ndarray, target: np.ndarray, weights: np.ndarray, rate: float
    ) -> None:
        losses, counts, by_outputs = loss(self.outputs(x), target)
        of_position = weights.reshape(-1, *[1] * (losses.ndim - 1))
        all_counts = (of_position * counts).sum()
        if all_counts == 0:
            return
        d = by_outputs * weights.reshape(-1, *[1] * (by_outputs.ndim - 1)) / all_counts
        flat = d.reshape(-1, d.shape[-1])
        self.weight -= rate * x.reshape(-1, x.shape[-1]).astype(float).T @ flat
        self.bias -= rate * flat.sum(axis=0)


class SampleWeightTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.output = self.path("out.onnx")
        self.random = np.random.default_rng(5)
        self.x = self.random.normal(size=(24, 4)).astype(np.float32)
        self.weights = self.random.exponential(size=24) * 10.0 ** self.random.integers(-3, 3, 24)
        self.weights[4:8] = 0  # the second batch of four, whole
        self.weights[1] = 0

    def targets(self) -> list[tuple[Loss, np.ndarray]]:
        """Every loss, with a target for x·W + b."""
        labels = self.random.integers(0, 3, 24)
        ignored = labels.copy()
        ignored[[2, 9, 12, 13, 14, 15]] = IGNORED  # with a whole batch
        numbers = self.random.normal(size=(24, 3)).astype(np.float32)
        shares = softmax(numbers.astype(float))
        class_weights = Loss("cross_entropy", "--class-weights", "0.5,0,2", of_class=(0.5, 0, 2))
        answers = self.random.integers(0, 2, (24, 3)).astype(np.float32)
        return [
            (Loss("cross_entropy"), labels),
            (Loss("cross_entropy"), ignored),
            (class_weights, ignored),
            (Loss("cross_entropy"), shares),
            (Loss("binary_cross_entropy"), answers),
            *((Loss(name), numbers) for name in ("mse", "l1", "huber", "smooth_l1")),
        ]

    def train(
        self,
        model: object,
        data: object,
        *options: object,
        optimizer: str = "sgd",
        rate: float = 0.1,
    ) -> list[dict]:
        more = ["--optimizer", optimizer, "--learning-rate", rate, "--no-shuffle", "--json"]
        arguments = ["--data", data, "-o", self.output, "--sample-weight", "w", *more]
        done = self.run_well("train", model, *arguments, *options)
        return [json.loads(line) for line in done.stdout.splitlines() if "train_loss" in line]

    def check(self, linear: Linear, rows: list[dict], losses: list[float]) -> None:
        for row, loss in zip(rows, losses, strict=True):
            self.assertAlmostEqual(row["train_loss"], loss, delta=1e-9 * max(1, abs(loss)))
        for tensor in onnx.load(self.output).graph.initializer:
            found = numpy_helper.to_array(tensor)
            expected = {"w0": linear.weight, "b0": linear.bias}.get(tensor.name, found)
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)

    def test_steps_are_of_weighted_means(self) -> None:
        model = self.save(linear_model())
        for loss, target in self.targets():
            for batch, accumulated in ((24, 1), (4, 1), (5, 2), (4, 6)):
                with self.subTest(loss=loss.options, batch=batch, accumulated=accumulated):
                    data = self.save_data(x=self.x, target=target, w=self.weights)
                    more = ["--batch-size", batch, "--accumulation-steps", accumulated]
                    more += ["--precision", "f64", "--epochs", 2, "--divergence-factor", 0]
                    rows = self.train(model, data, *loss.options, *more)
                    linear, losses = Linear(onnx.load(model).graph), []
                    for _ in range(2):
                        total = counted = 0
                        for first in range(0, 24, batch * accumulated):
                            s = slice(first, first + batch * accumulated)
                            given = (loss, self.x[s], target[s], self.weights[s])
                            mean, count = linear.mean(*given)
                            total, counted = total + mean * count, counted + count
                            linear.step(*given, 0.1)
                        losses.append(total / counted)
                    self.check(linear, rows, losses)

    def test_float_is_as_exact(self) -> None:
        model = self.save(linear_model())
        for loss, target in self.targets():
            data = self.save_data(x=self.x, target=target, w=self.weights)
            rows = self.train(model, data, *loss.options, "--batch-size", "full")
            linear = Linear(onnx.load(model).graph)
            given = (loss, self.x, target, self.weights)
            mean, _ = linear.mean(*given)
            linear.step(*given, 0.1)
            self.assertAlmostEqual(rows[0]["train_loss"], mean, delta=1e-6 * max(1, mean))
            for tensor in onnx.load(self.output).graph.initializer:
                expected = {"w0": linear.weight, "b0": linear.bias}[tensor.name]
                found = numpy_helper.to_array(tensor)
                np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)

    def positions_model(self, is_flat: bool) -> onnx.ModelProto:
        """x [n, 5, 4] → logits [n, 3, 5], or [n·5, 3]."""
        tensors = list(linear_model().graph.initializer)
        nodes = [
            helper.make_node("MatMul", ["x", "w0"], ["h"]),
            helper.make_node("Add", ["h", "b0"], ["z"]),
        ]
        if is_flat:
            tensors.append(numpy_helper.from_array(np.array([-1, 3]), "shape"))
            nodes.append(helper.make_node("Reshape", ["z", "shape"], ["y"]))
        else:
            nodes.append(helper.make_node("Transpose", ["z"], ["y"], perm=[0, 2, 1]))
        return make_model(nodes, tensors, ["n", 5, 4], ["m", 3] if is_flat else ["n", 3, 5])

    def test_every_position_weighs_what_its_sample_does(self) -> None:
        x = self.random.normal(size=(24, 5, 4)).astype(np.float32)
        labels = self.random.integers(0, 3, (24, 5))
        labels[self.random.random((24, 5)) < 0.3] = IGNORED
        loss = Loss("cross_entropy", "--class-weights", "0.5,1,2", of_class=(0.5, 1, 2))
        data = self.save_data(x=x, target=labels, w=self.weights)
        for is_flat in (False, True):
            model = self.save(self.positions_model(is_flat))
            more = ["--precision", "f64", "--batch-size", 6, "--accumulation-steps", 2]
            rows = self.train(model, data, *loss.options, *more)
            linear = Linear(onnx.load(model).graph)
            start = linear.mean(loss, x, labels, self.weights)[0]
            total = counted = 0
            for s in (slice(0, 12), slice(12, 24)):
                mean, count = linear.mean(loss, x[s], labels[s], self.weights[s])
                total, counted = total + mean * count, counted + count
                linear.step(loss, x[s], labels[s], self.weights[s], 0.1)
            self.check(linear, rows, [total / counted])
            found = self.evaluate(model, data, *loss.options, "--batch-size", 7)
            self.assertAlmostEqual(found["loss"], start, 12)

    def evaluate(self, model: object, data: object, *options: object) -> dict:
        arguments = ["--data", data, "--sample-weight", "w", "--precision", "f64", "--json"]
        return json.loads(self.run_well("evaluate", model, *arguments, *options).stdout)

    def test_evaluation_is_of_weighted_means(self) -> None:
        model = self.save(linear_model())
        for loss, target in self.targets():
            data = self.save_data(x=self.x, target=target, w=self.weights)
            found = self.evaluate(model, data, *loss.options, "--batch-size", 7)
            mean, _ = Linear(onnx.load(model).graph).mean(loss, self.x, target, self.weights)
            self.assertAlmostEqual(found["loss"], mean, 12)
            self.assertEqual(found["samples"], 24)

    def test_weights_are_repetitions(self) -> None:
        """In whole batches, of which a mean is all that a step sees."""
        counts = self.random.integers(0, 4, 24)
        model = self.save(linear_model(hidden=6))
        for loss, target in self.targets():
            weighted = self.save_data(x=self.x, target=target, w=counts)
            repeated = self.save_data(
                "repeated.npz",
                x=self.x.repeat(counts, axis=0),
                target=target.repeat(counts, axis=0),
                w=np.ones(counts.sum()),
            )
            outcomes = []
            for data in (weighted, repeated):
                more = ["--batch-size", "full", "--precision", "f64", "--epochs", 5]
                rows = self.train(model, data, *loss.options, *more, optimizer="adam")
                tensors = onnx.load(self.output).graph.initializer
                outcomes.append((rows, [numpy_helper.to_array(tensor) for tensor in tensors]))
            (rows, tensors), (expected_rows, expected) = outcomes
            for row, expected_row in zip(rows, expected_rows, strict=True):
                self.assertAlmostEqual(row["train_loss"], expected_row["train_loss"], 9)
            for found, of_repeated in zip(tensors, expected, strict=True):
                np.testing.assert_allclose(found, of_repeated, rtol=1e-6, atol=1e-7)

    def test_a_padded_batch_weighs_its_samples_alone(self) -> None:
        tensors = linear_model().graph.initializer
        nodes = [helper.make_node("Gemm", ["x", "w0", "b0"], ["y"])]
        model = self.save(make_model(nodes, tensors, [10, 4], [10, 3]))
        loss, target = self.targets()[0]
        data = self.save_data(x=self.x, target=target, w=self.weights)
        found = self.evaluate(model, data, "--metric", "accuracy")
        linear = Linear(onnx.load(model).graph)
        self.assertAlmostEqual(
            found["loss"], linear.mean(loss, self.x, target, self.weights)[0], 12
        )
        right = linear.outputs(self.x).argmax(axis=1) == target
        self.assertAlmostEqual(found["accuracy"], np.average(right, weights=self.weights), 12)

    def test_every_source_has_them(self) -> None:
        """The same files from arrays, a table, and bytes that are pictures."""
        model = self.save(linear_model())
        labels = self.random.integers(0, 3, 24)
        x, weights = self.random.integers(0, 9, (24, 4)).astype(np.float32), np.arange(24) / 8
        rows = ["a,w,b,c,target,d"]
        for row, weight, label in zip(x, weights, labels, strict=True):
            a, b, c, d = row
            rows.append(f"{a},{weight},{b},{c},{label},{d}")
        table = self.path("table.csv")
        table.write_text("\n".join(rows))
        self.train(model, self.save_data(x=x, target=labels, w=weights[:, None].astype(np.float32)))
        expected = self.output.read_bytes()
        self.train(model, table)
        self.assertEqual(self.output.read_bytes(), expected)
        self.train(model, self.save_data(x=x, target=labels, w=np.ones(24)))
        self.assertNotEqual(self.output.read_bytes(), expected)
        flatten = helper.make_node("Flatten", ["x"], ["h"])
        gemm = helper.make_node("Gemm", ["h", "w0", "b0"], ["y"])
        tensors = linear_model().graph.initializer
        model = self.save(make_model([flatten, gemm], tensors, ["n", 1, 2, 2], ["n", 3]))
        bytes_of_pixels = self.random.integers(0, 256, (24, 2, 2), np.uint8)
        self.train(model, self.save_data(x=bytes_of_pixels, target=labels, w=weights))
        expected = self.output.read_bytes()
        scaled = (bytes_of_pixels[:, None] * np.float32(1 / 255)).astype(np.float32)
        self.train(model, self.save_data(x=scaled, target=labels, w=weights))
        self.assertEqual(self.output.read_bytes(), expected)

    def test_an_autoencoder_has_them(self) -> None:
        model = self.save(linear_model(classes=4))
        data = self.save_data(x=self.x, w=self.weights)
        loss = Loss("mse", "--target", "input")
        found = self.evaluate(model, data, *loss.options)
        linear = Linear(onnx.load(model).graph)
        expected, _ = linear.mean(loss, self.x, self.x, self.weights)
        self.assertAlmostEqual(found["loss"], expected, 12)

    def test_validation_is_weighted_where_its_data_are(self) -> None:
        model = self.save(linear_model())
        labels = self.random.integers(0, 3, 24)
        data = self.save_data(x=self.x, target=labels, w=self.weights)
        bare = self.save_data("bare.npz", x=self.x, target=labels)
        for validation, weights in ((data, self.weights), (bare, np.ones(24))):
            more = ["--epochs", 1, "--validation-data", validation]
            [row] = self.train(model, data, *more, "--precision", "f64", rate=0)
            mean, _ = Linear(onnx.load(model).graph).mean(
                Loss("cross_entropy"), self.x, labels, weights
            )
            self.assertAlmostEqual(row["validation_loss"], mean, 9)
        arguments = ["train", model, "--data", data, "--sample-weight", "w", "-o", self.output]
        done = self.run_well(*arguments, "--validation-data", bare)
        self.assertIn('bare.npz": found no "w" as --sample-weight says: each', done.stderr)
        split = self.train(model, data, "--validation-split", 0.5, "--epochs", 2)
        self.assertTrue(all(np.isfinite(row["validation_loss"]) for row in split))

    def test_every_way_to_train_takes_them(self) -> None:
        model = self.save(linear_model(hidden=6))
        data = self.save_data(x=self.x, target=self.random.integers(0, 3, 24), w=self.weights)
        folder = self.path("run")
        for optimizer, more in (
            ("lamb", ["--clip-norm", 1]),
            ("adam", ["--sam-rho", 0.05]),
            ("adam", ["--swa-start", 1, "--swa-learning-rate", 0.01, "--epochs", 2]),
            ("sgd", ["--label-smoothing", 0.1, "--ema-decay", 0.9, "--run-directory", folder]),
        ):
            self.train(model, data, *more, "--batch-size", 4, optimizer=optimizer)
            for tensor in onnx.load(self.output).graph.initializer:
                self.assertTrue(np.isfinite(numpy_helper.to_array(tensor)).all())
        self.assertIn("sample-weight = 'w'", self.path("run/config.toml").read_text())
        find = ["find-learning-rate", model, "--data", data, "--sample-weight", "w", "--steps", 30]
        self.run_well(*find, "--batch-size", 4)

    def refused(self, status: int, words: str, *arguments: object) -> None:
        done = run(*arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        errors = [line for line in done.stderr.splitlines() if line.startswith("strop ")]
        self.assertEqual(len(errors), 1, done.stderr)
        self.assertIn(words, errors[0])
        self.assertFalse(self.output.exists())

    def test_what_is_no_weight_is_refused(self) -> None:
        model = self.save(linear_model())
        labels = self.random.integers(0, 3, 24)
        bad = {
            '"w", row 3: found -1, expected a weight from 0 on': self.weights.copy(),
            '"w", row 3: found nan, expected a finite number': self.weights.copy(),
            '"w", row 3: found inf, expected a finite number': self.weights.copy(),
            '"w": found no weight but 0 in 24 rows, expected one above 0': np.zeros(24),
            '"w": found [2] a sample, expected one number, its weight': np.ones((24, 2)),
            'array "w": found 23 samples, expected 24': np.ones(23),
        }
        for words, number in zip(bad, (-1, np.nan, np.inf), strict=False):
            bad[words][3] = number
        for words, weights in bad.items():
            data = self.save_data(x=self.x, target=labels, w=weights)
            for command in (["train", "-o", self.output], ["evaluate"]):
                command[1:1] = [model, "--data", data, "--sample-weight", "w"]
                self.refused(BAD_DATA, words, *command)
        data = self.save_data(x=self.x, target=labels, w=self.weights)
        arguments = ["train", model, "--data", data, "-o", self.output, "--sample-weight"]
        words = 'data.npz": found no "v" as --sample-weight says; it has x, target, w'
        self.refused(BAD_DATA, words, *arguments, "v")
        words = "--mixup: found weights of samples, which are not mixed"
        self.refused(BAD_DATA, words, *arguments, "w", "--mixup", 0.4)
        self.weights[labels != 1] = 0
        data = self.save_data(x=self.x, target=labels, w=self.weights)
        words = "or of a sample of weight 0; give labels"
        self.refused(BAD_DATA, words, *arguments, "w", "--class-weights", "1,0,1")

    def test_tables_and_folders_are_refused_by_name(self) -> None:
        model = self.save(linear_model())
        table = self.path("table.csv")
        table.write_text("a,b,c,d,target,w\n1,2,3,4,0,1\n1,2,3,4,1,heavy\n")
        arguments = ["train", model, "-o", self.output, "--data"]
        words = 'line 3: column 6 ("w"): found "heavy", expected a number'
        self.refused(BAD_DATA, words, *arguments, table, "--sample-weight", "w")
        words = 'found no "v" as --sample-weight says'
        table.write_text("a,b,c,d,target,w\n1,2,3,4,0,1\n1,2,3,4,1,2\n")
        self.refused(BAD_DATA, words, *arguments, table, "--sample-weight", "v")
        for name in "ab":
            self.path(f"pictures/{name}").mkdir(parents=True)
            Image.fromarray(np.zeros((2, 2), np.uint8)).save(self.path(f"pictures/{name}/0.png"))
        flatten = helper.make_node("Flatten", ["x"], ["h"])
        gemm = helper.make_node("Gemm", ["h", "w0", "b0"], ["y"])
        tensors = linear_model(classes=2).graph.initializer
        model = self.save(
            make_model([flatten, gemm], tensors, ["n", 1, 2, 2], ["n", 2], TensorProto.FLOAT)
        )
        words = 'found pictures, which have no "w" as --sample-weight says; leave it out'
        folder = self.path("pictures")
        arguments = ["train", model, "-o", self.output, "--data", folder]
        self.refused(BAD_DATA, words, *arguments, "--sample-weight", "w")


if __name__ == "__main__":
    unittest.main()
