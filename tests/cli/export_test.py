"""Which weights of a training are exported, and its checkpoints as models: the numbers that the
training itself validated, computed again by ONNX Runtime and NumPy."""

import json
import pathlib
import re
import unittest

import numpy as np
import onnxruntime
from program import ProgramTest, linear_model, run

USAGE, BAD_DATA, NO_INPUT = 2, 65, 66


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    logits = logits.astype(np.float64)
    log_sum = np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) + logits.max(1)
    return float(np.mean(log_sum - logits[np.arange(len(labels)), labels]))


class ExportTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = self.save(linear_model(4, 3))
        self.training = self.save_data("train.npz", **self.samples(24))
        # Labels that have nothing to do with the training's: the loss soon rises.
        self.held_out = self.samples(24, seed=9)
        self.validation = self.save_data("validation.npz", **self.held_out)

    def train(self, *options: object, output: str = "out.onnx") -> tuple[list[float], str]:
        """The validation loss of each epoch, and what was said."""
        recipe = ("--epochs", 8, "--optimizer", "adam", "--learning-rate", 0.1, "--json")
        done = self.run_well(
            *("train", self.model, "--data", self.training, "--validation-data", self.validation),
            *(*recipe, *options, "-o", self.path(output)),
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [line["validation_loss"] for line in lines if "epoch" in line], done.stderr

    def loss_of(self, model: pathlib.Path) -> float:
        session = onnxruntime.InferenceSession(model)
        logits = session.run(None, {"x": self.held_out["x"]})[0]
        return cross_entropy(logits, self.held_out["target"])

    def evaluated(self, *options: object) -> float:
        done = self.run_well(
            *("evaluate", self.model, "--data", self.validation, "--json", *options)
        )
        return json.loads(done.stdout)["loss"]

    def test_best_or_last(self) -> None:
        for options, is_best in (
            ((), False),
            (("--export", "last"), False),
            (("--export", "best"), True),
            (("--early-stopping", 3), True),
            (("--early-stopping", 3, "--export", "last"), False),
            (("--early-stopping", 3, "--no-restore-best"), False),
            (("--ema-decay", 0.5, "--export", "best"), True),
        ):
            with self.subTest(options=options):
                losses, said = self.train(*options)
                best = int(np.argmin(losses))
                self.assertLess(best, len(losses) - 1)  # or the test could not tell
                expected = losses[best] if is_best else losses[-1]
                self.assertAlmostEqual(self.loss_of(self.path("out.onnx")), expected, delta=1e-5)
                epoch = best + 1 if is_best else len(losses)
                rank = f"the best of {len(losses)}" if is_best else "the last"
                self.assertIn(f"the weights of epoch {epoch}, {rank}\n", said)

    def test_best_needs_validation(self) -> None:
        arguments = ("train", self.model, "--data", self.training, "-o", self.path("o.onnx"))
        done = run(*arguments, "--export", "best")
        self.assertEqual(done.returncode, BAD_DATA)
        self.assertIn("--validation-split", done.stderr)
        swa = ("--swa-start", 1, "--swa-learning-rate", 0.1)
        done = run(*arguments, "--validation-split", 0.5, "--export", "best", *swa)
        self.assertEqual(done.returncode, BAD_DATA)

    def test_checkpoints(self) -> None:
        folder = self.path("run")
        losses, _ = self.train("--run-directory", folder)
        best = int(np.argmin(losses))
        output = self.path("again.onnx")
        for place, expected in (
            (folder, losses[-1]),
            (folder / "best", losses[best]),
            (sorted((folder / "checkpoints").iterdir())[0], losses[best]),  # besides 3 newest
        ):
            with self.subTest(place=place):
                self.run_well("export", self.model, "--checkpoint", place, "-o", output)
                self.assertAlmostEqual(self.loss_of(output), expected, delta=1e-5)
                self.assertAlmostEqual(self.evaluated("--checkpoint", place), expected, delta=1e-6)
                written = self.path("y.npz")
                options = ("--data", self.validation, "--checkpoint", place, "-o", written)
                self.run_well("run", self.model, *options)
                session = onnxruntime.InferenceSession(output)
                expected_y = session.run(None, {"x": self.held_out["x"]})[0]
                np.testing.assert_allclose(np.load(written)["y"], expected_y, atol=1e-5)
        self.run_well("export", self.model, "--checkpoint", folder, "-o", output)
        self.assertEqual(output.read_bytes(), self.path("out.onnx").read_bytes())

    def test_runs_that_changed_the_model(self) -> None:
        head = self.samples(24, classes=5)
        self.training = self.save_data("head.npz", **head)
        self.held_out = self.samples(24, classes=5, seed=9)
        self.validation = self.save_data("held_out.npz", **self.held_out)
        for options in (
            ("--replace-head", 5),
            ("--replace-head", 5, "--ema-decay", 0.8),
            ("--replace-head", 5, "--lora", "*w0*"),
            ("--replace-head", 5, "--quantize", "int8"),
            ("--replace-head", 5, "--train-only", "*b0*"),
        ):
            with self.subTest(options=options):
                self.model = self.save(linear_model(4, 3, hidden=6))
                folder = self.path("run-" + "-".join(map(str, options)).replace("*", ""))
                losses, _ = self.train("--run-directory", folder, *options)
                found = self.evaluated("--checkpoint", folder)
                self.assertAlmostEqual(found, losses[-1], delta=1e-6)
                output = self.path("again.onnx")
                self.run_well("export", self.model, "--checkpoint", folder, "-o", output)
                self.assertEqual(output.read_bytes(), self.path("out.onnx").read_bytes())

    def test_what_cannot_be_taken(self) -> None:
        folder = self.path("run")
        self.train("--run-directory", folder)
        output = self.path("again.onnx")
        other = self.save(linear_model(4, 3, seed=5), "other.onnx")
        done = run("export", other, "--checkpoint", folder, "-o", output)
        self.assertEqual(done.returncode, BAD_DATA)
        self.assertIn("expected the one that the run trained", done.stderr)
        done = run("export", self.model, "--checkpoint", self.path("nowhere"), "-o", output)
        self.assertEqual(done.returncode, NO_INPUT)
        done = run("export", self.model, "--checkpoint", self.folder, "-o", output)
        self.assertEqual(done.returncode, NO_INPUT)
        newest = sorted((folder / "checkpoints").iterdir())[-1]
        newest.write_bytes(newest.read_bytes()[:-1] + b"?")
        done = run("export", self.model, "--checkpoint", newest, "-o", output)
        self.assertEqual(done.returncode, 74)
        # A run whose newest is damaged has others.
        done = self.run_well("export", self.model, "--checkpoint", folder, "-o", output)
        self.assertTrue(re.search(r"the weights of step \d+ \(epoch 7\)", done.stdout), done.stdout)
        self.assertFalse(self.path("nowhere").exists())


if __name__ == "__main__":
    unittest.main()
