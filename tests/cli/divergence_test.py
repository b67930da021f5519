"""Learning rates that are too high: how a run ends."""

import subprocess
import unittest

import numpy as np
import onnx
from onnx import numpy_helper
from program import ProgramTest, linear_model, run

BAD_DATA = 65


class Divergence(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.output = self.path("out.onnx")
        random = np.random.default_rng(1)
        x = random.normal(size=(64, 4)).astype(np.float32)
        y = np.stack([x.sum(1), x[:, 0] - x[:, 1], x[:, 2]], axis=1)
        self.model = self.save(linear_model())
        self.data = self.save_data(x=x, target=y.astype(np.float32))
        self.step = [self.model, "--data", self.data, "--loss", "mse", "--optimizer", "sgd"]
        self.step += ["--batch-size", "8"]

    def train(self, *options: str) -> subprocess.CompletedProcess:
        return run("train", *self.step, "-o", self.output, *options)

    def test_names_step_tensor_and_rate_and_writes_nothing(self) -> None:
        done = self.train("--learning-rate", "1e15", "--epochs", "2")
        self.assertEqual(done.returncode, BAD_DATA, done.stderr)
        line = done.stderr.splitlines()[-1]
        for words in ("diverged at step", "(epoch 1", "makes", "--learning-rate 1e+14", "nothing"):
            self.assertIn(words, line)
        self.assertFalse(self.output.exists())

    def test_keeps_the_weights_of_the_last_good_epoch(self) -> None:
        schedule = ["--schedule", "multi_step", "--milestones", "1", "--gamma", "1e17"]
        done = self.train("--learning-rate", "0.01", "--epochs", "3", *schedule)
        self.assertEqual(done.returncode, BAD_DATA, done.stderr)
        self.assertIn("holds the weights of epoch 1", done.stderr)
        kept = {t.name: numpy_helper.to_array(t) for t in onnx.load(self.output).graph.initializer}
        self.assertEqual(self.train("--learning-rate", "0.01", "--epochs", "1").returncode, 0)
        for tensor in onnx.load(self.output).graph.initializer:
            np.testing.assert_array_equal(numpy_helper.to_array(tensor), kept[tensor.name])

    def test_a_loss_that_grows_ends_the_run_before_it_overflows(self) -> None:
        rate = ["--learning-rate", "4", "--epochs", "50", "--divergence-factor", "10"]
        done = self.train(*rate)
        self.assertEqual(done.returncode, BAD_DATA, done.stderr)
        self.assertIn("the largest weight is", done.stderr)

    def test_detect_anomaly_names_the_node(self) -> None:
        x = np.zeros((8, 4), np.float32)
        x[3, 2] = 1e30
        data = self.save_data("huge.npz", x=x, target=np.zeros((8, 3), np.float32))
        train = ["train", self.model, "--data", data, "--loss", "mse", "-o", self.output]
        done = run(*train, "--detect-anomaly")
        self.assertEqual(done.returncode, BAD_DATA, done.stderr)
        self.assertIn("forward node", done.stderr)
        self.assertIn("makes infinity in", done.stderr)
        self.assertEqual(self.train("--detect-anomaly", "--learning-rate", "0.01").returncode, 0)


if __name__ == "__main__":
    unittest.main()
