"""Batches of which no label counts: they add nothing, and a run goes on, as PyTorch's does."""

import json
import unittest

import numpy as np
import onnx
from onnx import numpy_helper
from program import ProgramTest, linear_model, run

BAD_DATA = 65
IGNORED = -100


class Softmax:
    """Cross-entropy of x·W + b in double, by hand: torch.nn.functional.cross_entropy(ignore_index,
    weight) and its gradients, which are 0 where no label counts."""

    def __init__(self, weight: np.ndarray, bias: np.ndarray, of_class: np.ndarray) -> None:
        self.parameters = {"w0": weight.astype(float), "b0": bias.astype(float)}
        self.of_class = of_class

    def loss(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, float, dict]:
        """Loss, what it was divided by, gradients."""
        counts = labels != IGNORED
        x, labels = x[counts].astype(float), labels[counts]
        weights = self.of_class[labels]
        zeros = {name: np.zeros_like(tensor) for name, tensor in self.parameters.items()}
        if weights.sum() == 0:
            return 0, 0, zeros
        logits = x @ self.parameters["w0"] + self.parameters["b0"]
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        rows = np.arange(len(labels))
        loss = -(weights * np.log(p[rows, labels])).sum() / weights.sum()
        p[rows, labels] -= 1
        p *= weights[:, None] / weights.sum()
        return loss, weights.sum(), {"w0": x.T @ p, "b0": p.sum(axis=0)}


class IgnoredLabels(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.output = self.path("out.onnx")
        random = np.random.default_rng(3)
        self.x = random.normal(size=(24, 4)).astype(np.float32)
        self.labels = random.integers(0, 3, 24)
        self.labels[4:8] = IGNORED  # the second batch of four, whole
        self.labels[16:24] = IGNORED  # the last two
        self.labels[1] = IGNORED
        self.model = self.save(linear_model())
        self.data = self.save_data(x=self.x, target=self.labels)
        self.train = ["train", self.model, "--data", self.data, "-o", self.output, "--no-shuffle"]
        self.train += ["--batch-size", "4", "--json", "--epochs", "2", "--learning-rate", "0.1"]

    def oracle(self, of_class: list[float]) -> Softmax:
        graph = onnx.load(self.model).graph
        tensors = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        return Softmax(tensors["w0"], tensors["b0"], np.array(of_class, float))

    def check(self, softmax: Softmax) -> None:
        for tensor in onnx.load(self.output).graph.initializer:
            found = numpy_helper.to_array(tensor)
            np.testing.assert_allclose(found, softmax.parameters[tensor.name], rtol=0, atol=1e-6)

    def momentum(self, softmax: Softmax, batches: list[slice], rows: list[dict]) -> None:
        """torch.optim.SGD(lr=0.1, momentum=0.9, weight_decay=0.01), whose steps go on without a
        gradient."""
        buffers = {}
        for row in rows:
            total = weight = 0
            for batch in batches:
                loss, counted, gradients = softmax.loss(self.x[batch], self.labels[batch])
                total, weight = total + loss * counted, weight + counted
                for name, parameter in softmax.parameters.items():
                    gradient = gradients[name] + 0.01 * parameter
                    buffers[name] = 0.9 * buffers[name] + gradient if name in buffers else gradient
                    parameter -= 0.1 * buffers[name]
            self.assertAlmostEqual(row["train_loss"], total / weight, 6)

    def test_momentum_and_decay_go_on(self) -> None:
        optimizer = ["--optimizer", "sgd", "--momentum", "0.9", "--weight-decay", "0.01"]
        batches = [slice(i, i + 4) for i in range(0, 24, 4)]
        weights = ([1, 1, 1], [0.5, 0, 2])
        for of_class, more in zip(weights, ([], ["--class-weights", "0.5,0,2"]), strict=True):
            self.labels[8:12] = 1  # with weight 0, nothing counts here either
            self.save_data(x=self.x, target=self.labels)
            rows = self.run_well(*self.train, *optimizer, *more).stdout.splitlines()
            softmax = self.oracle(of_class)
            self.momentum(softmax, batches, [json.loads(row) for row in rows[:2]])
            self.check(softmax)

    def test_accumulated_batches(self) -> None:
        optimizer = ["--optimizer", "sgd", "--momentum", "0.9", "--weight-decay", "0.01"]
        rows = self.run_well(*self.train, *optimizer, "--accumulation-steps", "2").stdout
        softmax = self.oracle([1, 1, 1])
        batches = [slice(i, i + 8) for i in range(0, 24, 8)]
        self.momentum(softmax, batches, [json.loads(row) for row in rows.splitlines()[:2]])
        self.check(softmax)

    def test_every_way_to_train_goes_on(self) -> None:
        for more in (
            ["--optimizer", "adamw"],
            ["--optimizer", "lamb", "--clip-norm", "1"],
            ["--optimizer", "adam", "--sam-rho", "0.05"],
            ["--optimizer", "adam", "--label-smoothing", "0.1", "--ema-decay", "0.9"],
        ):
            self.run_well(*self.train, *more)
            for tensor in onnx.load(self.output).graph.initializer:
                self.assertTrue(np.isfinite(numpy_helper.to_array(tensor)).all())

    def test_a_range_test_goes_on(self) -> None:
        find = ["find-learning-rate", self.model, "--data", self.data, "--no-shuffle"]
        find += ["--batch-size", "4", "--max-learning-rate", "1"]
        done = run(*find, "--steps", "60", "--json")
        row = json.loads(done.stdout.splitlines()[0])
        self.assertFalse(row["diverged"])
        self.assertEqual(row["steps"], 30)  # half of the batches count

    def test_nothing_at_all_is_refused(self) -> None:
        nothing = self.save_data("nothing.npz", x=self.x, target=np.full(24, IGNORED))
        for arguments in (
            ["train", self.model, "--data", nothing, "-o", self.output],
            [*self.train, "--validation-data", nothing],
            ["evaluate", self.model, "--data", nothing, "--metric", "accuracy"],
        ):
            done = run(*arguments)
            self.assertEqual(done.returncode, BAD_DATA, done.stderr)
            self.assertIn("no label counts", done.stderr)
            self.assertNotIn("nan", done.stdout)
            self.assertFalse(self.output.exists())


if __name__ == "__main__":
    unittest.main()
