"""What `strop train` offers besides the plain run, as its users type it."""

import json
import math
import unittest

from program import ProgramTest, linear_model, run

USAGE, BAD_DATA = 2, 65


class TrainingTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = self.save(linear_model(hidden=8))
        self.data = self.save_data(**self.samples(count=40))
        self.output = self.path("tuned.onnx")
        self.train_command = ["train", self.model, "--data", self.data, "-o", self.output, "--json"]
        self.train_command += ["--batch-size", "8"]  # five steps an epoch

    def train(self, *options: object) -> list[dict]:
        done = self.run_well(*self.train_command, *options)
        return [json.loads(line) for line in done.stdout.splitlines()]

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
            "--gamma is no option of --schedule cosine": ["--schedule", "cosine", "--gamma", "0.5"],
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


if __name__ == "__main__":
    unittest.main()
