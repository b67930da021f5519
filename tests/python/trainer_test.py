"""strop.Trainer against the program's runs, to the bit, and formulas."""

import collections
import json
import signal
import subprocess
import sys
import unittest

import numpy as np
import strop
from program import ProgramTest, linear_model, softmax_cross_entropy

ENDLESS = """
import sys
import numpy as np
import strop

model = strop.load(sys.argv[1])
with np.load(sys.argv[2]) as arrays:
    x, y = arrays["x"], arrays["target"]
trainer = strop.Trainer(model, batch_size="full", divergence_factor=0)
started = strop.callbacks.LambdaCallback(
    on_epoch_end=lambda epoch, logs: epoch == 2 and print("running", flush=True)
)
try:
    trainer.fit(x, y, epochs=1_000_000_000, callbacks=[started])
except KeyboardInterrupt:
    print(len(trainer.history.epochs), np.isfinite(model.run(x)["y"]).all(), flush=True)
"""


class Listed(collections.UserList):
    """A dataset that is a sequence."""


class TrainerTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model_path = self.save(linear_model(hidden=8))
        self.arrays = self.samples(count=24)
        self.x, self.y = self.arrays["x"], self.arrays["target"]
        self.data = self.save_data(**self.arrays)
        self.model = strop.load(self.model_path)

    def trained_by_program(self, *options: object) -> tuple[bytes, list[dict[str, object]]]:
        path = self.path("expected.onnx")
        done = self.run_well(
            "train", self.model_path, "--data", self.data, *options, "--json", "-o", path
        )
        records = [json.loads(line) for line in done.stdout.splitlines()]
        return path.read_bytes(), [record for record in records if "train_loss" in record]

    def test_a_run_is_the_program_s_to_the_bit(self) -> None:
        runs: list[tuple[dict[str, object], tuple[object, ...]]] = [
            ({}, ()),
            (
                {"optimizer": "sgd", "momentum": np.float32(0.5), "nesterov": True},
                ("--optimizer", "sgd", "--momentum", 0.5, "--nesterov"),
            ),
            (
                {"epochs": 4, "schedule": "multi_step", "milestones": [1, 3], "gamma": 0.5},
                ("--epochs", 4, "--schedule", "multi_step", "--milestones", "1,3", "--gamma", 0.5),
            ),
            (
                {"class_weights": np.array([1.5, 1, 2]), "label_smoothing": 0.1, "amsgrad": False},
                ("--class-weights", "1.5,1,2", "--label-smoothing", 0.1),
            ),
            (
                {"batch_size": 7, "drop_last": True, "seed": np.int64(9), "clip_norm": None},
                ("--batch-size", 7, "--drop-last", "--seed", 9),
            ),
            ({"output": self.path("o.onnx"), "ema_decay": 0.5}, ("--ema-decay", 0.5)),
        ]
        for options, words in runs:
            with self.subTest(options=options):
                model = strop.load(self.model_path)
                strop.Trainer(model, **options).fit(self.x, self.y)
                expected, _ = self.trained_by_program(*words)
                self.assertEqual(model.to_bytes(), expected)
        self.assertEqual(self.path("o.onnx").read_bytes(), expected)

    def test_a_history_has_the_program_s_numbers(self) -> None:
        trainer = strop.Trainer(self.model, metric=["accuracy", "f1_macro"], optimizer="adam")
        history = trainer.fit(self.x, self.y, validation_data=self.data, epochs=3, batch_size=5)
        _, records = self.trained_by_program(
            *("--validation-data", self.data, "--metric", "accuracy,f1_macro"),
            *("--optimizer", "adam", "--epochs", 3, "--batch-size", 5),
        )
        self.assertEqual(history.history["loss"], [record["train_loss"] for record in records])
        validation = [record["validation_loss"] for record in records]
        self.assertEqual(history.history["val_loss"], validation)
        self.assertEqual(history.best_epoch, 1 + int(np.argmin(validation)))
        self.assertEqual([epoch.epoch for epoch in history.epochs], [1, 2, 3])
        self.assertEqual((history.steps, history.stopped_early), (15, False))
        logits = self.model.run(self.x)["y"]
        accuracy = float((logits.argmax(axis=1) == self.y).mean())
        self.assertAlmostEqual(history.history["val_accuracy"][-1], accuracy, places=12)
        self.assertEqual(len(history.history["val_f1_macro"]), 3)

    def test_evaluation_and_prediction_are_formulas(self) -> None:
        trainer = strop.Trainer(self.model, metric="accuracy")
        trainer.fit(self.x, self.y, validation_data=(self.x, self.y))
        logits = trainer.predict(self.x)
        [expected] = self.model.to_onnxruntime().run(None, {"x": self.x})
        np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)
        in_batches = trainer.predict(self.x, batch_size=7)
        np.testing.assert_allclose(in_batches, expected, rtol=1e-5, atol=1e-6)
        loss = softmax_cross_entropy(expected, self.y)
        for given in ((self.x, self.y), (self.data,)):
            found = trainer.evaluate(*given)
            self.assertAlmostEqual(found["loss"], loss, places=5)
            self.assertEqual(found["samples"], 24)
            self.assertEqual(found["accuracy"], (expected.argmax(axis=1) == self.y).mean())
        scaled = strop.Trainer(self.model, mean=0.5, std=2)
        shifted = (self.x - np.float32(0.5)) / np.float32(2)
        np.testing.assert_allclose(scaled.predict(self.x), self.model.run(shifted)["y"], rtol=1e-5)

    def test_pictures_are_predicted_as_they_are_trained_on(self) -> None:
        path = self.path("lenet5.onnx")
        self.run_well("new", "lenet5", "--input", "1x28x28", "--classes", 4, "-o", path)
        pictures = np.random.default_rng(3).integers(0, 256, (6, 1, 20, 20)).astype(np.uint8)
        data, out = self.save_data("pictures.npz", x=pictures), self.path("out.npz")
        changes = ("--resize", "28x28", "--mean", 0.5, "--std", 0.25)
        self.run_well("run", path, "--data", data, *changes, "-o", out)
        [expected] = np.load(out).values()
        trainer = strop.Trainer(strop.load(path), resize="28x28", mean=0.5, std=0.25)
        for given in (pictures, [(picture, 0) for picture in pictures]):
            dataset = Listed(given) if isinstance(given, list) else given
            found = trainer.predict(dataset, batch_size=4)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        with self.assertRaisesRegex(ValueError, "predict: found a path"):
            trainer.predict(data)

    def test_a_second_run_goes_on_from_the_weights(self) -> None:
        trainer = strop.Trainer(self.model, optimizer="sgd", no_shuffle=True)
        trainer.fit(self.x, self.y)
        trainer.fit(self.x, self.y)
        words = ("--optimizer", "sgd", "--no-shuffle", "--epochs", 2)
        self.assertEqual(self.model.to_bytes(), self.trained_by_program(*words)[0])

    def test_steps_are_those_of_a_run(self) -> None:
        expected, _ = self.trained_by_program("--no-shuffle", "--batch-size", 12, "--epochs", 2)
        trainer = strop.Trainer(self.model, batch_size=12)
        for number in range(4):
            half = slice(12 * (number % 2), 12 * (number % 2) + 12)
            step = trainer.step(self.x[half], self.y[half])
            self.assertEqual(step.step, number + 1)
            if number == 0:
                initial = strop.load(self.model_path).run(self.x[half])["y"]
                self.assertAlmostEqual(step.loss, softmax_cross_entropy(initial, self.y[half]), 5)
            if number == 1:
                state = trainer.state_dict()
        trainer.finish()
        self.assertEqual(self.model.to_bytes(), expected)
        # From the state, with another trainer and another model of the same file.
        model = strop.load(self.model_path)
        other = strop.Trainer(model, batch_size=12)
        other.load_state_dict(state, self.x[:12], self.y[:12])
        for half in (slice(0, 12), slice(12, 24)):
            other.step(self.x[half], self.y[half])
        other.finish()
        self.assertEqual(model.to_bytes(), expected)

    def test_what_has_no_meaning_is_refused_at_once(self) -> None:
        for kind, options, words in (
            (TypeError, {"learning_rat": 1}, "did you mean 'learning_rate'"),
            (TypeError, {"zzz": 1}, "which there is not$"),
            (ValueError, {"learning_rate": "fast"}, "expected a finite number"),
            (ValueError, {"learning_rate": {}}, "found a dict"),
            (ValueError, {"nesterov": 1}, "True or False"),
            (ValueError, {"loss": "hinge"}, "hinge"),
            (ValueError, {"lora": "*"}, "give it there"),
            (ValueError, {"epochs": -1}, "epochs"),
        ):
            with self.subTest(options=options), self.assertRaisesRegex(kind, words):
                strop.Trainer(self.model, **options)
        trainer = strop.Trainer(self.model)
        for call, words in (
            (trainer.finish, "found no steps"),
            (trainer.state_dict, "found no steps"),
            (lambda: trainer.fit(self.x, validation_data=self.x[:0]), "target"),
        ):
            with self.assertRaisesRegex(ValueError, words):
                call()

    def test_ctrl_c_raises_keyboard_interrupt_and_keeps_the_history(self) -> None:
        child = subprocess.Popen(
            [sys.executable, "-c", ENDLESS, self.model_path, self.data],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(child.kill)
        self.assertEqual(child.stdout.readline(), "running\n")
        child.send_signal(signal.SIGINT)
        output, _ = child.communicate(timeout=60)
        epochs, is_finite = output.split()
        self.assertEqual((child.returncode, is_finite), (0, "True"))
        self.assertGreaterEqual(int(epochs), 2)


if __name__ == "__main__":
    unittest.main()
