"""The health monitor finds the layers whose gradient vanishes, and only those.

    STROP_PROGRAM=build/release/strop python tests/monitor/health_test.py

Both networks have 100 hidden layers. The oracle is backpropagation written out in NumPy, in double.
"""

import json
import sys
import unittest
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from sklearn.datasets import load_digits

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from program import ProgramTest  # noqa: E402

DEPTH = 100
# README.md of plugin/monitor and health_rule.h: below this share of the largest layer's.
VANISHING_SHARE = 1e-5
EPSILON = 1e-5  # of BatchNormalization


def softmax_gradient(logits: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Of the mean cross-entropy."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[np.arange(len(target)), target] -= 1
    return shares / len(target)


def root_mean_square(array: np.ndarray) -> float:
    return float(np.sqrt(np.mean(array**2)))


def sigmoid_gradients(
    weights: dict[str, np.ndarray], x: np.ndarray, target: np.ndarray
) -> dict[str, float]:
    """h ← sigmoid(h·Wᵀ + b), DEPTH times: the gradient's root mean square by layer."""
    values = [x]
    for i in range(DEPTH):
        layer = f"hidden.{i}.linear"
        z = values[-1] @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]
        values.append(1 / (1 + np.exp(-z)))
    head = weights["classifier.weight"]
    gradient = softmax_gradient(values[-1] @ head.T + weights["classifier.bias"], target)
    sizes = {"classifier": root_mean_square(gradient.T @ values[-1])}
    gradient = gradient @ head
    for i in reversed(range(DEPTH)):
        layer = f"hidden.{i}.linear"
        gradient = gradient * values[i + 1] * (1 - values[i + 1])
        sizes[layer] = root_mean_square(gradient.T @ values[i])
        gradient = gradient @ weights[f"{layer}.weight"]
    return sizes


def residual_gradients(
    weights: dict[str, np.ndarray], x: np.ndarray, target: np.ndarray
) -> dict[str, float]:
    """h ← h + ReLU(BatchNorm(h·Wᵀ)), the first layer without the sum."""
    values, normalized, deviations = [x], [], []
    for i in range(DEPTH):
        z = values[-1] @ weights[f"hidden.{i}.linear.weight"].T
        deviations.append(np.sqrt(z.var(axis=0) + EPSILON))
        normalized.append((z - z.mean(axis=0)) / deviations[-1])
        norm = f"hidden.{i}.norm"
        y = np.maximum(normalized[-1] * weights[f"{norm}.weight"] + weights[f"{norm}.bias"], 0)
        values.append(y + values[-1] if i else y)
    head = weights["classifier.weight"]
    gradient = softmax_gradient(values[-1] @ head.T + weights["classifier.bias"], target)
    sizes = {"classifier": root_mean_square(gradient.T @ values[-1])}
    gradient = gradient @ head
    for i in reversed(range(DEPTH)):
        norm, layer = f"hidden.{i}.norm", f"hidden.{i}.linear"
        scaled = normalized[i] * weights[f"{norm}.weight"] + weights[f"{norm}.bias"]
        branch = gradient * (scaled > 0) * weights[f"{norm}.weight"]
        mean, along = branch.mean(axis=0), (branch * normalized[i]).mean(axis=0)
        branch = (branch - mean - normalized[i] * along) / deviations[i]
        sizes[layer] = root_mean_square(branch.T @ values[i])
        gradient = branch @ weights[f"{layer}.weight"] + (gradient if i else 0)
    return sizes


class HealthTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        digits = load_digits()
        self.x = (digits.data[:256] / 16).astype(np.float32)
        self.target = digits.target[:256]
        self.data = self.save_data(features=self.x, target=self.target)

    def make(self, *options: str) -> dict[str, np.ndarray]:
        """model.onnx, DEPTH layers; its weights in double."""
        sizes = ("--input", 64, "--classes", 10, "--depth", DEPTH, "--width", 32)
        self.run_well("new", "mlp", *sizes, *options, "-o", self.path("model.onnx"))
        tensors = onnx.load(self.path("model.onnx")).graph.initializer
        return {t.name: numpy_helper.to_array(t).astype(np.float64) for t in tensors}

    def train(self, *options: object) -> list[dict]:
        """Records of a training whose steps all see the whole data."""
        run = self.path("run")
        whole = ("--data", self.data, "--batch-size", "full", "--run-directory", run)
        often = ("--log-every", 1, "-o", self.path("tuned.onnx"))
        self.run_well("train", self.path("model.onnx"), *whole, *often, *options)
        lines = (run / "records.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def first_sizes(self, records: list[dict]) -> dict[str, float]:
        """The recorded gradients of the first step by layer."""
        (layers,) = (record for record in records if record["kind"] == "layers")
        layer_of = {p["name"]: p["layer"] for p in layers["parameters"]}
        first = next(r for r in records if r["kind"] == "scalars" and r["step"] == 1)["values"]
        return {
            layer: first[f"gradient_rms/{name}"]
            for name, layer in layer_of.items()
            if name.endswith(".weight") and ".norm" not in name
        }

    def assert_same_sizes(self, found: dict[str, float], expected: dict[str, float]) -> None:
        self.assertEqual(set(found), set(expected))
        for layer, size in expected.items():
            if size > 1e-30:  # float32 rounds what is smaller away
                self.assertLess(abs(found[layer] - size), 1e-3 * size, layer)

    def test_a_hundred_sigmoids_vanish_where_they_do(self) -> None:
        weights = self.make("--activation", "sigmoid")
        sizes = sigmoid_gradients(weights, self.x, self.target)
        largest = max(sizes.values())
        vanishing = [
            f"hidden.{i}.linear"
            for i in range(DEPTH)
            if sizes[f"hidden.{i}.linear"] < VANISHING_SHARE * largest
        ]
        self.assertTrue(80 < len(vanishing) < DEPTH)
        records = self.train("--optimizer", "sgd", "--learning-rate", 0.1, "--epochs", 3)
        self.assert_same_sizes(self.first_sizes(records), sizes)
        findings = {r["finding"]: r for r in records if r["kind"] == "health"}
        self.assertEqual(findings["vanishing_gradients"]["layers"], vanishing)
        self.assertEqual(findings["vanishing_gradients"]["severity"], "warning")
        self.assertNotIn("exploding_gradients", findings)

    def test_a_hundred_normalized_residual_layers_are_healthy(self) -> None:
        weights = self.make("--activation", "relu", "--batch-norm", "--residual")
        sizes = residual_gradients(weights, self.x, self.target)
        self.assertGreater(min(sizes.values()), VANISHING_SHARE * max(sizes.values()))
        learning = ("--batch-norm", "train", "--optimizer", "adam", "--learning-rate", 1e-3)
        records = self.train(*learning, "--epochs", 10)
        self.assert_same_sizes(self.first_sizes(records), sizes)
        self.assertEqual([r for r in records if r["kind"] == "health"], [])
        losses = [r["values"]["train/epoch_loss"] for r in records if r["kind"] == "epoch"]
        self.assertLess(losses[-1], losses[0])

    def test_a_resumed_run_says_what_an_uninterrupted_one_says(self) -> None:
        random = np.random.default_rng(3)
        target = random.permutation(self.target)[:120]  # nothing to learn but by heart
        self.save_data(features=self.x[:120], target=target)
        model = self.path("model.onnx")
        sizes = ("--input", 64, "--classes", 10, "--depth", 2, "--width", 64)
        self.run_well("new", "mlp", *sizes, "-o", model)
        learning = ("--optimizer", "adam", "--learning-rate", 3e-3, "--validation-split", 0.3)
        arguments = ["train", model, "--data", self.data, *learning, "-o", self.path("out.onnx")]

        def findings(run: Path) -> list[tuple]:
            lines = (run / "records.jsonl").read_text(encoding="utf-8").splitlines()
            records = [r for r in map(json.loads, lines) if r["kind"] == "health"]
            return [(r["epoch"], r["step"], r["finding"], r["message"]) for r in records]

        whole, broken = self.path("whole"), self.path("broken")
        self.run_well(*arguments, "--epochs", 24, "--run-directory", whole)
        for epochs in range(2, 25, 2):
            go_on = ["--resume"] if epochs > 2 else []
            self.run_well(*arguments, "--epochs", epochs, "--run-directory", broken, *go_on)
        self.assertIn("overfitting", [finding for _, _, finding, _ in findings(whole)])
        self.assertEqual(findings(broken), findings(whole))


if __name__ == "__main__":
    unittest.main()
