"""Callbacks against the options of the program that they stand for."""

import csv
import json
import unittest

import numpy as np
import strop
from program import ProgramTest, linear_model
from strop import callbacks


class Listening(callbacks.Callback):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def on_train_begin(self, logs: dict[str, float]) -> None:
        self.heard.append("begin")

    def on_train_end(self, logs: dict[str, float]) -> None:
        self.heard.append("end")

    def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> None:
        self.heard.append(("epoch", epoch))

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self.heard.append(("done", epoch))

    def on_train_batch_end(self, step: int, logs: dict[str, float]) -> None:
        self.heard.append(step)


class CallbacksTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model_path = self.save(linear_model(hidden=8))
        self.arrays = self.samples(count=24)
        self.x, self.y = self.arrays["x"], self.arrays["target"]
        self.data = self.save_data(**self.arrays)
        other = self.samples(count=24, seed=5)
        self.validation = (other["x"], other["target"])
        self.validation_path = self.save_data("validation.npz", **other)
        self.model = strop.load(self.model_path)

    def program(self, *options: object) -> tuple[bytes, list[dict[str, float]]]:
        path = self.path("expected.onnx")
        done = self.run_well(
            *("train", self.model_path, "--data", self.data, "--json", "-o", path),
            *("--validation-data", self.validation_path, *options),
        )
        records = [json.loads(line) for line in done.stdout.splitlines()]
        return path.read_bytes(), [record for record in records if "train_loss" in record]

    def fit(self, *given: callbacks.Callback, **options: object) -> strop.History:
        trainer = strop.Trainer(self.model, **options)
        return trainer.fit(self.x, self.y, validation_data=self.validation, callbacks=given)

    def test_methods_are_called_in_the_order_of_the_run(self) -> None:
        first, second = Listening(), Listening()
        trainer = strop.Trainer(self.model, batch_size=12, epochs=2, callbacks=[first])
        trainer.fit(self.x, self.y, callbacks=[second])
        expected = ["begin", ("epoch", 1), 1, 2, ("done", 1)]
        expected += [("epoch", 2), 3, 4, ("done", 2), "end"]
        self.assertEqual(first.heard, expected)
        self.assertEqual(second.heard, expected)
        self.assertIs(first.trainer, trainer)

    def test_callbacks_know_the_run(self) -> None:
        known: list[dict[str, object]] = []

        class Knowing(callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> None:
                known.append(dict(self.params))

        self.fit(Knowing(), callbacks.EarlyStopping(patience=4), batch_size=6, epochs=2)
        self.fit(Knowing())
        lengths = [(each["epochs"], each["steps"]) for each in known]
        self.assertEqual(lengths, [(2, 4), (2, 4), (1, 1)])
        expected = {"batch_size": 6, "epochs": 2, "early_stopping": 4}
        self.assertLessEqual(expected.items(), known[0]["options"].items())

    def test_a_run_that_fails_is_told_of(self) -> None:
        class Failing(callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
                raise LookupError("on purpose")

            def on_train_failed(self, error: BaseException) -> None:
                heard.append(repr(error))

            def on_train_end(self, logs: dict[str, float]) -> None:
                heard.append("ended")

        heard: list[str] = []
        with self.assertRaises(LookupError):
            self.fit(Failing())
        self.assertEqual(heard, ["LookupError('on purpose')"])

    def test_stop_training_ends_a_run(self) -> None:
        class Stop(callbacks.Callback):
            def on_train_batch_end(self, step: int, logs: dict[str, float]) -> None:
                self.trainer.stop_training = step == 3

        history = self.fit(Stop(), batch_size=2, epochs=9)
        self.assertEqual((history.steps, history.was_stopped), (3, True))

        class StopAtEnd(callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
                self.trainer.stop_training = epoch == 2

        history = self.fit(StopAtEnd(), batch_size=6, epochs=9)
        self.assertEqual((history.steps, history.was_stopped), (8, True))
        self.assertEqual(len(history.epochs), 2)

    def test_early_stopping_is_the_engine_s(self) -> None:
        words = ("--optimizer", "sgd", "--learning-rate", 0.5, "--epochs", 40, "--min-delta", 0.01)
        options = {"optimizer": "sgd", "learning_rate": 0.5, "epochs": 40}
        for restores, export in ((True, "best"), (False, "last")):
            self.model = strop.load(self.model_path)
            stopping = callbacks.EarlyStopping(
                patience=2, min_delta=0.01, restore_best_weights=restores
            )
            history = self.fit(stopping, **options)
            expected, epochs = self.program(*words, "--early-stopping", 2, "--export", export)
            self.assertTrue(history.stopped_early)
            self.assertEqual(len(history.epochs), len(epochs))
            self.assertEqual(self.model.to_bytes(), expected)

    def test_plateaus_are_the_engine_s(self) -> None:
        plateau = callbacks.ReduceLROnPlateau(factor=0.5, patience=0, threshold=0.1, min_lr=1e-3)
        history = self.fit(plateau, epochs=12, optimizer="sgd", learning_rate=0.1)
        _, epochs = self.program(
            *("--epochs", 12, "--optimizer", "sgd", "--learning-rate", 0.1),
            *("--schedule", "reduce_on_plateau", "--factor", 0.5, "--patience", 0),
            *("--threshold", 0.1, "--minimum-learning-rate", 1e-3),
        )
        rates = [record["learning_rate"] for record in epochs]
        self.assertEqual(history.history["learning_rate"], rates)
        self.assertGreater(len(set(rates)), 2)

    def test_checkpoints_are_the_engine_s(self) -> None:
        best = self.path("best.onnx")
        options = {"epochs": 6, "optimizer": "sgd", "learning_rate": 1.0}
        self.fit(callbacks.ModelCheckpoint(best, save_best_only=True), **options)
        words = ("--epochs", 6, "--optimizer", "sgd", "--learning-rate", 1, "--export", "best")
        self.assertEqual(best.read_bytes(), self.program(*words)[0])
        run = self.path("run")
        self.fit(callbacks.ModelCheckpoint(run, save_freq=2), **options)
        self.assertTrue(list((run / "checkpoints").iterdir()))

    def test_records_are_tensorboard_s(self) -> None:
        logs = self.path("logs")
        self.fit(callbacks.TensorBoard(logs, update_freq=1), epochs=2)
        self.assertTrue([path for path in logs.rglob("*") if "tfevents" in path.name])

    def test_rows_are_the_epochs(self) -> None:
        path = self.path("log.csv")
        history = self.fit(callbacks.CSVLogger(path, separator=";"), epochs=3)
        more = self.fit(callbacks.CSVLogger(path, separator=";", append=True), epochs=2)
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        self.assertEqual([row["epoch"] for row in rows], ["1", "2", "3", "1", "2"])
        losses = history.history["val_loss"] + more.history["val_loss"]
        np.testing.assert_array_equal([float(row["val_loss"]) for row in rows], losses)

    def test_functions_take_the_place_of_methods(self) -> None:
        heard: list[int] = []
        told = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: heard.append(epoch))
        self.fit(told, epochs=2)
        self.assertEqual(heard, [1, 2])
        with self.assertRaisesRegex(TypeError, "on_epoch_ends"):
            callbacks.LambdaCallback(on_epoch_ends=print)

    def test_what_the_engine_cannot_honour_is_refused(self) -> None:
        for make in (
            lambda: callbacks.EarlyStopping(monitor="val_accuracy"),
            lambda: callbacks.EarlyStopping(mode="max"),
            lambda: callbacks.EarlyStopping(baseline=1.0),
            lambda: callbacks.EarlyStopping(start_from_epoch=3),
            lambda: callbacks.ReduceLROnPlateau(min_delta=1e-4),
            lambda: callbacks.ReduceLROnPlateau(monitor="loss"),
            lambda: callbacks.ModelCheckpoint("m.onnx", save_best_only=True, save_freq=5),
            lambda: callbacks.TensorBoard("logs", update_freq="batch"),
        ):
            with self.assertRaisesRegex(ValueError, "expected .*: the engine has nothing for"):
                make()
        with self.assertRaisesRegex(ValueError, "EarlyStopping: found early_stopping=3"):
            self.fit(callbacks.EarlyStopping(patience=3), early_stopping=5)


if __name__ == "__main__":
    unittest.main()
