"""The learning rate range test."""

import json
import subprocess
import unittest

import numpy as np
from program import ProgramTest, linear_model, run

USAGE = 2
BAD_DATA = 65
SUGGESTIONS = ("suggestion", "valley", "steep", "minimum")


class FindLearningRate(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        random = np.random.default_rng(1)
        x = random.normal(size=(256, 4)).astype(np.float32)
        y = np.stack([x.sum(1), x[:, 0] - x[:, 1], x[:, 2]], axis=1)
        self.model = self.save(linear_model())
        self.data = self.save_data(x=x, target=y.astype(np.float32))
        self.step = [self.model, "--data", self.data, "--loss", "mse", "--optimizer", "sgd"]
        self.step += ["--batch-size", "8"]

    def find(self, *options: object) -> dict:
        done = self.run_well("find-learning-rate", *self.step, "--json", *options)
        return json.loads(done.stdout)

    def refuse(self, code: int, *options: object) -> subprocess.CompletedProcess:
        done = run("find-learning-rate", *self.step, *options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        return done

    def train(self, rate: float) -> float:
        options = ["--learning-rate", str(rate), "--epochs", "5", "--json"]
        done = self.run_well("train", *self.step, "-o", self.path("out.onnx"), *options)
        return json.loads(done.stdout.splitlines()[-1])["train_loss"]

    def test_finds_a_rate_that_trains(self) -> None:
        before = self.model.read_bytes()
        found = self.find()
        self.assertEqual(self.model.read_bytes(), before)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["data.npz", "model.onnx"])
        self.assertTrue(found["diverged"])
        rates = np.array([point["learning_rate"] for point in found["curve"]])
        np.testing.assert_allclose(rates[0], 1e-7)
        np.testing.assert_allclose(rates[1:] / rates[:-1], 1e8 ** (1 / 99), rtol=1e-9)
        # Gradient descent on a mean square is fast at 1/λ and diverges at 2/λ, λ the largest
        # eigenvalue of the loss's second derivative.
        x = np.load(self.data)["x"].astype(np.float64)
        with_one = np.concatenate([x, np.ones((len(x), 1))], axis=1)
        limit = 2 / np.linalg.eigvalsh(2 / 3 * with_one.T @ with_one / len(x)).max()
        for name in SUGGESTIONS:
            self.assertTrue(limit / 100 < found[name] < limit, f"{name}: {found[name]}")
        self.assertLess(self.train(found["suggestion"]), 1e-3 * self.train(1e-4))

    def test_baseline_is_the_loss_of_the_untouched_model(self) -> None:
        found = self.find("--no-shuffle")
        x, y = (np.load(self.data)[name].astype(np.float64) for name in ("x", "target"))
        tensors = dict(np.load(self.weights()))
        outputs = x @ tensors["w0"] + tensors["b0"]
        losses = ((outputs - y) ** 2).reshape(32, -1).mean(1)
        baseline = [point["baseline_loss"] for point in found["curve"]]
        np.testing.assert_allclose(baseline, np.resize(losses, len(baseline)), rtol=1e-5)

    def weights(self) -> str:
        import onnx

        tensors = {
            t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(self.model).graph.initializer
        }
        return self.save_data("weights.npz", **tensors)

    def test_same_seed_gives_the_same_curve(self) -> None:
        self.assertEqual(self.find("--seed", 3), self.find("--seed", 3))
        self.assertNotEqual(self.find("--seed", 3), self.find("--seed", 4))

    def test_range_and_mode(self) -> None:
        limits = ["--min-learning-rate", "1e-3", "--max-learning-rate", "0.05"]
        found = self.find(*limits, "--steps", "40", "--mode", "linear")
        rates = [point["learning_rate"] for point in found["curve"]]
        np.testing.assert_allclose(rates, np.linspace(1e-3, 0.05, 40))
        self.assertFalse(found["diverged"])
        done = self.run_well("find-learning-rate", *self.step, *limits)
        self.assertIn("--max-learning-rate", done.stderr)

    def test_shows_the_curve_on_a_page_and_in_text(self) -> None:
        page = self.path("curve.html")
        done = self.run_well("find-learning-rate", *self.step, "--page", page)
        self.assertIn("suggestion: --learning-rate ", done.stdout)
        self.assertIn("┊", done.stdout)
        text = page.read_text()
        for part in ("Learning rate range test", "valley", "steep", "minimum", "Plotly.newPlot"):
            self.assertIn(part, text)

    def test_says_when_no_rate_helps(self) -> None:
        limits = ["--min-learning-rate", "100", "--max-learning-rate", "1000"]
        done = self.refuse(BAD_DATA, *limits)
        self.assertIn("falls at no rate", done.stderr)

    def test_refuses_what_it_does_not_honour(self) -> None:
        for options in (
            ["--learning-rate", "1"],
            ["--unfreeze", "2:w0"],
            ["--min-learning-rate", "1", "--max-learning-rate", "0.1"],
            ["--steps", "2"],
            ["--early-stop-threshold", "0.5"],
            ["--epochs", "3"],
            ["--mode", "cubic"],
        ):
            self.refuse(USAGE, *options)
        self.refuse(73, "--page", self.model)


if __name__ == "__main__":
    unittest.main()
