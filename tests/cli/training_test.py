"""What `strop train` offers besides the plain run, as its users type it."""

import json
import math
import pathlib
import unittest

import numpy as np
import onnx
from onnx import helper, numpy_helper
from program import ProgramTest, linear_model, make_model, run

USAGE, BAD_DATA = 2, 65


class TrainingTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = self.save(linear_model(hidden=8))
        self.data = self.save_data(**self.samples(count=40))
        self.output = self.path("tuned.onnx")
        self.train_command = ["train", self.model, "--data", self.data, "-o", self.output, "--json"]

    def train(self, *options: object, batch_size: int = 8) -> list[dict]:
        """Five steps an epoch."""
        done = self.run_well(*self.train_command, "--batch-size", batch_size, *options)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def tensors(self, path: pathlib.Path) -> dict[str, np.ndarray]:
        return {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}

    def refuse(self, code: int, said: str, *options: object) -> None:
        done = run(*self.train_command, *options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(said, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertFalse(self.output.exists())


class ScheduleTest(TrainingTest):
    def rates(self, *options: object) -> list[float]:
        rows = self.train("--log-every", "1", "--learning-rate", "0.1", "--epochs", "4", *options)
        return [row["learning_rate"] for row in rows if "loss" in row]

    def test_cosine_behind_a_warm_up(self) -> None:
        rates = self.rates("--schedule", "cosine", "--warmup-steps", "4")
        cosine = [0.05 * (1 + math.cos(math.pi * k / 16)) for k in range(16)]
        for rate, expected in zip(rates, [0, 0.025, 0.05, 0.075, *cosine], strict=True):
            self.assertAlmostEqual(rate, expected, 12)

    def test_steps_shorten_the_schedule(self) -> None:
        rates = self.rates("--schedule", "linear", "--steps", "7")
        for k, rate in enumerate(rates):
            self.assertAlmostEqual(rate, 0.1 * (1 - k / 7), 12)
        self.assertEqual(len(rates), 7)

    def test_milestones_are_epochs(self) -> None:
        rates = self.rates("--schedule", "multi_step", "--milestones", "1,3", "--gamma", "0.5")
        for rate, expected in zip(rates, [0.1] * 5 + [0.05] * 10 + [0.025] * 5, strict=True):
            self.assertAlmostEqual(rate, expected, 12)

    def test_reduces_when_the_validation_loss_stalls(self) -> None:
        # No loss falls to a hundredth of the first, so that every epoch but the first is bad.
        options = ["--schedule", "reduce_on_plateau", "--patience", "0", "--threshold", "0.99"]
        rows = self.train(*options, "--validation-split", "0.2", "--epochs", "4")
        rates = [row["learning_rate"] for row in rows]
        for rate, expected in zip(rates, [1e-3, 1e-3, 1e-4, 1e-5], strict=True):
            self.assertAlmostEqual(rate, expected, 12)

    def test_refuses_what_does_not_belong_together(self) -> None:
        for said, options in {
            "--gamma: the schedule cosine": ["--schedule", "cosine", "--gamma", "0.5"],
            "needs --step-size": ["--schedule", "step"],
            "needs --gamma": ["--schedule", "exponential"],
            "exclude each other": ["--warmup-steps", "3", "--warmup-ratio", "0.1"],
            "did you mean cosine": ["--schedule", "cosin"],
            "counts epochs": ["--schedule", "reduce_on_plateau", "--schedule-unit", "step"],
            "start factor": ["--schedule", "linear", "--start-factor", "2"],
        }.items():
            with self.subTest(said):
                self.refuse(USAGE, said, *options)
        self.refuse(BAD_DATA, "--validation-split", "--schedule", "reduce_on_plateau")


class EarlyStoppingTest(TrainingTest):
    def test_min_delta(self) -> None:
        validation = ["--validation-split", "0.2", "--epochs", "9"]
        rows = self.train("--early-stopping", "2", "--min-delta", "100", *validation)
        self.assertEqual(len(rows), 3)

    def test_options_of_early_stopping_alone(self) -> None:
        self.refuse(USAGE, "--early-stopping", "--min-delta", "1")
        self.refuse(USAGE, "--early-stopping", "--no-restore-best")


class GroupTest(TrainingTest):
    def test_rates_decay_and_layers(self) -> None:
        before = self.tensors(self.model)
        self.train("--group", "w0:learning_rate=0", "--group", "b*:weight_decay=0.5")
        after = self.tensors(self.output)
        np.testing.assert_array_equal(after["w0"], before["w0"])
        self.assertTrue((after["w1"] != before["w1"]).all())
        self.train("--layer-decay", "0.5", "--no-decay-norms-and-biases")

    def test_refuses_groups_that_cannot_be_read(self) -> None:
        for said, group in {
            "expected PATTERN:": "w0",
            "--group w0:rate=3": "w0:rate=3",
            "--group w0:weight_decay=-1": "w0:weight_decay=-1",
        }.items():
            self.refuse(USAGE, said, "--group", group)
        self.refuse(BAD_DATA, "conv*", "--group", "conv*:learning_rate=1")


class AccumulationTest(TrainingTest):
    def test_is_one_large_batch(self) -> None:
        options = ["--optimizer", "momentum", "--epochs", "3", "--precision", "f64"]
        rows = self.train(*options, "--accumulation-steps", "3")
        small = self.tensors(self.output)
        self.assertEqual([row["step"] for row in rows], [2, 4, 6])
        large_rows = self.train(*options, batch_size=24)
        large = self.tensors(self.output)
        for row, large_row in zip(rows, large_rows, strict=True):
            self.assertAlmostEqual(row["train_loss"], large_row["train_loss"], 12)
        for name, tensor in small.items():
            np.testing.assert_allclose(tensor, large[name], rtol=2e-7)


class AveragingTest(TrainingTest):
    def setUp(self) -> None:
        super().setUp()
        random = np.random.default_rng(2)

        def tensor(name: str, *shape: int) -> onnx.TensorProto:
            return numpy_helper.from_array(random.normal(size=shape).astype(np.float32), name)

        ones = numpy_helper.from_array(np.ones(5, np.float32), "variance")
        self.save(
            make_model(
                [
                    helper.make_node("Gemm", ["x", "w0", "b0"], ["h"], name="fc0"),
                    helper.make_node(
                        "BatchNormalization", ["h", "scale", "bias", "mean", "variance"], ["n"]
                    ),
                    helper.make_node("Gemm", ["n", "w1", "b1"], ["y"], name="fc1"),
                ],
                [tensor("w0", 4, 5), tensor("b0", 5), tensor("scale", 5), tensor("bias", 5)]
                + [tensor("mean", 5), ones, tensor("w1", 5, 3), tensor("b1", 3)],
                ["n", 4],
                ["n", 3],
            )
        )

    def test_statistics_are_those_of_the_averaged_weights(self) -> None:
        options = ["--batch-norm", "train", "--optimizer", "sgd", "--epochs", "4", "--no-shuffle"]
        swa = ["--swa-start", "2", "--swa-learning-rate", "0.05", "--learning-rate", "0.2"]
        rows = self.train(*options, *swa, "--validation-data", self.data)
        self.assertEqual(rows[-1]["weights"], "averaged")
        tuned = self.tensors(self.output)
        hidden = self.samples(count=40)["x"] @ tuned["w0"] + tuned["b0"]
        batches = hidden.reshape(5, 8, 5)
        np.testing.assert_allclose(tuned["mean"], batches.mean(axis=(0, 1)), rtol=1e-4, atol=1e-5)
        variance = batches.var(axis=1).mean(axis=0)
        np.testing.assert_allclose(tuned["variance"], variance, rtol=1e-4)

    def test_exponential_average(self) -> None:
        plain = self.train("--steps", "1")
        of_one_step = self.tensors(self.output)
        averaged = self.train("--steps", "1", "--ema-decay", "0.999")
        self.assertEqual(plain[0]["train_loss"], averaged[0]["train_loss"])
        for name, tensor in self.tensors(self.output).items():
            np.testing.assert_array_equal(tensor, of_one_step[name])

    def test_refuses_what_does_not_belong_together(self) -> None:
        swa = ["--swa-start", "1", "--swa-learning-rate", "0.1"]
        for code, said, options in (
            (USAGE, "needs --swa-learning-rate", ["--swa-start", "1"]),
            (USAGE, "--swa-start", ["--swa-anneal-epochs", "3"]),
            (USAGE, "one of the two", [*swa, "--ema-decay", "0.9"]),
            (USAGE, "ema-decay is 1", ["--ema-decay", "1"]),
            (BAD_DATA, "the run has 1", ["--swa-start", "2", "--swa-learning-rate", "1"]),
        ):
            with self.subTest(said):
                self.refuse(code, said, *options)


class DropoutTest(TrainingTest):
    def test_is_inserted_for_the_training_only(self) -> None:
        plain = self.train("--steps", "1")
        dropped = self.train("--steps", "1", "--dropout", "0.5", "--dropout-at", "tanh*")
        self.assertNotEqual(plain[0]["train_loss"], dropped[0]["train_loss"])
        again = self.train("--steps", "1", "--dropout", "0.5", "--dropout-at", "t0")
        self.assertEqual(again[0]["train_loss"], dropped[0]["train_loss"])
        nodes = [node.op_type for node in onnx.load(self.output).graph.node]
        self.assertEqual(nodes, ["Gemm", "Tanh", "Gemm"])

    def test_refuses(self) -> None:
        self.refuse(USAGE, "needs a rate", "--dropout-at", "tanh*")
        self.refuse(USAGE, "needs a rate", "--dropout-at", "tanh*", "--dropout", "on")
        self.refuse(BAD_DATA, "relu*", "--dropout-at", "relu*", "--dropout", "0.1")
        self.refuse(BAD_DATA, "--dropout-at PATTERN", "--dropout", "0.1")


class UnfreezingTest(TrainingTest):
    def test_waits_for_the_epoch(self) -> None:
        before = self.tensors(self.model)
        unfreeze = ["--unfreeze", "2:w0", "--unfreeze", "3:b0"]
        self.train("--epochs", "3", *unfreeze, "--steps", "5")
        np.testing.assert_array_equal(self.tensors(self.output)["w0"], before["w0"])
        self.train("--epochs", "3", *unfreeze, "--steps", "10")
        self.assertTrue((self.tensors(self.output)["w0"] != before["w0"]).any())
        np.testing.assert_array_equal(self.tensors(self.output)["b0"], before["b0"])

    def test_refuses(self) -> None:
        self.refuse(USAGE, "expected EPOCH:PATTERN", "--unfreeze", "w0")
        self.refuse(USAGE, "expected EPOCH:PATTERN", "--unfreeze", "two:w0")
        self.refuse(BAD_DATA, "--freeze", "--unfreeze", "2:w0")
        self.refuse(BAD_DATA, "conv*", "--epochs", "3", "--unfreeze", "2:conv*")


if __name__ == "__main__":
    unittest.main()
