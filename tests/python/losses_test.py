"""Losses in Python against the engine's own and NumPy's."""

import pathlib
import signal
import threading
import unittest

import numpy as np
import onnx
import strop
from onnx import TensorProto, helper
from program import ProgramTest, linear_model, softmax_cross_entropy


def mean_squared_error(outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    difference = outputs - targets
    return float((difference**2).mean()), 2 * difference / difference.size


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    one_hot = np.eye(logits.shape[1])[labels]
    return softmax_cross_entropy(logits, labels), (probabilities - one_hot) / len(labels)


def loss_graph(*inputs: str) -> onnx.ModelProto:
    """mean((input − target)²), summed over the inputs."""
    nodes, terms = [], []
    for name in inputs:
        nodes += [
            helper.make_node("Sub", [name, "target"], [f"{name}_difference"]),
            helper.make_node("Mul", [f"{name}_difference"] * 2, [f"{name}_square"]),
            helper.make_node("ReduceMean", [f"{name}_square"], [f"{name}_mean"], keepdims=0),
        ]
        terms.append(f"{name}_mean")
    nodes.append(helper.make_node("Sum", terms, ["loss"]))
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3])
        for name in (*inputs, "target")
    ]
    output = helper.make_tensor_value_info("loss", TensorProto.FLOAT, [])
    graph = helper.make_graph(nodes, "loss", values, [output])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


class LossesTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model_path = self.save(linear_model(hidden=8))
        self.model = strop.load(self.model_path)
        samples = self.samples(count=24)
        self.x, self.labels = samples["x"], samples["target"]
        self.y = np.random.default_rng(8).normal(size=(24, 3)).astype(np.float32)

    def trainer(self, loss: object = mean_squared_error, **options: object) -> strop.Trainer:
        given = {"optimizer": "sgd", "learning_rate": 0.1, **options}
        return strop.Trainer(self.model, loss=loss, **given)

    def assert_same_weights(self, inside: strop.Model) -> None:
        for name in ("w0", "b0", "w1", "b1"):
            ours, theirs = self.model.read_parameter(name), inside.read_parameter(name)
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)

    def test_a_run_is_that_of_the_engine_s_own_loss(self) -> None:
        cases = (
            {"batch_size": "full"},
            {"batch_size": 5, "seed": 3, "drop_last": True},
            {"batch_size": 4, "accumulation_steps": 2, "clip_norm": 0.5},
            {"schedule": "cosine", "warmup_steps": 2, "optimizer": "adamw"},
            {"early_stopping": 1, "min_delta": 0.02, "batch_size": 8},
            {"sam_rho": 0.05},
            {"ema_decay": 0.9},
            {"dropout": 0.3, "dropout_at": ["tanh0"]},
        )
        for options in cases:
            with self.subTest(options=options):
                histories, models = [], []
                for loss in (mean_squared_error, "mse"):
                    self.model = strop.load(self.model_path)
                    trainer = self.trainer(loss, metric=["mae", "r2"], **options)
                    validation = (self.x[:10], self.y[:10])
                    histories.append(
                        trainer.fit(self.x, self.y, epochs=5, validation_data=validation)
                    )
                    models.append(self.model)
                outside, inside = (history.history for history in histories)
                self.assertEqual(outside.keys(), inside.keys())
                for name, values in inside.items():
                    np.testing.assert_allclose(outside[name], values, rtol=1e-4, err_msg=name)
                self.assertEqual(histories[0].best_epoch, histories[1].best_epoch)
                self.model = models[0]
                self.assert_same_weights(models[1])

    def test_metrics_of_classes(self) -> None:
        expected = None
        for loss in ("cross_entropy", cross_entropy):
            self.model = strop.load(self.model_path)
            trainer = self.trainer(loss, metric=["accuracy", "f1_macro", "log_loss"])
            trainer.fit(self.x, self.labels, validation_data=(self.x, self.labels), epochs=2)
            found = trainer.evaluate(self.x, self.labels)
            expected = expected or found
            self.assertEqual(found.keys(), expected.keys())
            for name, value in expected.items():
                self.assertAlmostEqual(found[name], value, places=5, msg=name)
        output = self.model.run(self.x)["y"]
        accuracy = float((output.argmax(axis=1) == self.labels).mean())
        self.assertAlmostEqual(found["accuracy"], accuracy)
        with self.assertRaisesRegex(ValueError, "accuracy.*expected mae, rmse or r2"):
            self.trainer(metric="accuracy").evaluate(self.x, self.y)
        with self.assertRaisesRegex(ValueError, "accuracy: found targets of shape"):
            self.trainer(metric="accuracy").evaluate(self.x, np.zeros((24, 7), np.float32))
        with self.assertRaisesRegex(ValueError, r'"target", row 3: found 9, expected a class'):
            wrong = np.where(np.arange(24) == 3, 9, self.labels)
            self.trainer(lambda o, t: (0.0, o), metric="accuracy").evaluate(self.x, wrong)

    def test_targets_are_what_the_data_have(self) -> None:
        seen: list[np.ndarray] = []

        def recorded(outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
            seen.append(targets)
            return 0.0, np.zeros_like(outputs)

        for targets in (
            np.arange(48, dtype=np.int16).reshape(24, 2, 1),
            np.where(np.arange(24) % 2, np.nan, 1.5),
            np.arange(24) % 2 == 0,
        ):
            seen.clear()
            self.trainer(recorded, no_shuffle=True, batch_size=10).fit(self.x, targets)
            found = np.concatenate(seen)
            self.assertEqual(found.dtype, targets.dtype)
            np.testing.assert_array_equal(found, targets)
            self.assertEqual([len(batch) for batch in seen], [10, 10, 4])

    def test_datasets_files_and_steps(self) -> None:
        data = self.save_data(x=self.x, target=self.y)
        dataset = [(x, y) for x, y in zip(self.x, self.y, strict=True)]

        class Dataset:
            def __len__(self) -> int:
                return len(dataset)

            def __getitem__(self, index: int) -> object:
                return dataset[index]

        weights = []
        for given in ((self.x, self.y), (Dataset(),), (data,)):
            self.model = strop.load(self.model_path)
            self.trainer(validation_split=0.25).fit(*given, epochs=2)
            weights.append(self.model.to_bytes())
        self.assertEqual(weights, [weights[0]] * 3)

        self.model = strop.load(self.model_path)
        trainer = self.trainer()
        losses = [trainer.step(self.x, self.y).loss for _ in range(3)]
        trainer.finish()
        again = strop.load(self.model_path)
        whole = strop.Trainer(
            again, loss="mse", optimizer="sgd", learning_rate=0.1, batch_size="full"
        ).fit(self.x, self.y, epochs=3)
        np.testing.assert_allclose(losses, whole.history["loss"], rtol=1e-5)
        self.assert_same_weights(again)

    def test_files_to_train_on_and_arrays_to_validate_with(self) -> None:
        data = self.save_data(x=self.x, target=self.y)
        history = self.trainer("mse").fit(data, validation_data=(self.x, self.y), epochs=2)
        output = self.model.run(self.x)["y"]
        loss = mean_squared_error(output, self.y)[0]
        self.assertAlmostEqual(history.history["val_loss"][-1], loss, places=6)

    def test_a_graph_of_onnx_is_a_loss(self) -> None:
        graph = loss_graph("y")
        path = self.save(graph, "loss.onnx")
        self.trainer("mse").fit(self.x, self.y, epochs=3)
        inside, self.model = self.model, strop.load(self.model_path)

        class Script:  # as onnxscript's functions
            def to_model_proto(self) -> onnx.ModelProto:
                return graph

        for given in (path, graph, graph.SerializeToString(), Script(), loss_graph("any")):
            self.model = strop.load(self.model_path)
            loss = strop.losses.onnx(given)
            self.trainer(loss).fit(self.x, self.y, epochs=3)
            self.assert_same_weights(inside)
            value = loss.value(self.y + 1, self.y)
            self.assertAlmostEqual(value, 1.0, places=5)

    def test_a_graph_on_two_outputs(self) -> None:
        model = linear_model(hidden=3)
        model.graph.output.append(helper.make_tensor_value_info("t0", TensorProto.FLOAT, ["n", 3]))
        self.model = strop.load(self.save(model))

        def both(outputs: dict[str, np.ndarray], targets: np.ndarray) -> tuple[float, dict]:
            found = {name: mean_squared_error(o, targets) for name, o in outputs.items()}
            return sum(f[0] for f in found.values()), {n: f[1] for n, f in found.items()}

        self.trainer(both).fit(self.x, self.y, epochs=3)
        by_function, self.model = self.model, strop.load(self.model_path)
        self.trainer(strop.losses.onnx(loss_graph("y", "t0"))).fit(self.x, self.y, epochs=3)
        self.assert_same_weights(by_function)
        with self.assertRaisesRegex(ValueError, 'takes "any", expected one of the outputs y, t0'):
            self.trainer(strop.losses.onnx(loss_graph("any"))).fit(self.x, self.y)
        with self.assertRaisesRegex(ValueError, "found one gradient, expected a dict"):
            self.trainer(lambda o, t: (0.0, o["y"])).fit(self.x, self.y)
        # One of the outputs alone.
        history = self.trainer(mean_squared_error, train_output="t0").fit(self.x, self.y)
        self.assertEqual(history.steps, 1)

    def test_a_graph_that_is_no_loss_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, 'inputs x, expected "target" and'):
            strop.losses.onnx(self.model_path)
        graph = loss_graph("y")
        graph.graph.output[0].CopyFrom(
            helper.make_tensor_value_info("y_square", TensorProto.FLOAT, ["n", 3])
        )
        with self.assertRaisesRegex(ValueError, r"found \[24, 3\] as the ONNX graph's output"):
            self.trainer(strop.losses.onnx(graph)).fit(self.x, self.y, batch_size=24)

    def test_steps_in_two_halves(self) -> None:
        trainer = strop.LossTrainer(self.model, optimizer="sgd", learning_rate=0.1)
        inside = strop.load(self.model_path)
        whole = strop.Trainer(inside, loss="mse", optimizer="sgd", learning_rate=0.1)
        for _ in range(3):
            outputs = trainer.forward(self.x)["y"]
            loss, gradient = mean_squared_error(outputs, self.y)
            norm = trainer.step({"y": gradient.astype(np.float32)})
            self.assertAlmostEqual(loss, whole.step(self.x, self.y).loss, places=5)
        self.assertTrue(np.isnan(norm))
        trainer.finish()
        whole.finish()
        self.assert_same_weights(inside)
        with self.assertRaisesRegex(ValueError, "schedule"):
            strop.LossTrainer(self.model, schedule="cosine")
        with self.assertRaisesRegex(ValueError, "without a forward pass"):
            trainer.step({})

    def test_callbacks_and_failures_end_a_run_with_its_weights(self) -> None:
        class Stop(strop.callbacks.Callback):
            def on_train_batch_end(self, step: int, logs: dict[str, float]) -> None:
                self.trainer.stop_training = step == 2

        before = self.model.read_parameter("w0")
        history = self.trainer(batch_size=8).fit(self.x, self.y, epochs=9, callbacks=[Stop()])
        self.assertEqual((history.steps, history.was_stopped), (2, True))
        after = self.model.read_parameter("w0")
        self.assertFalse(np.array_equal(after, before))

        def fail_later(outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
            calls.append(1)
            if len(calls) == 5:
                raise LookupError("on purpose")
            return mean_squared_error(outputs, targets)

        calls: list[int] = []
        with self.assertRaisesRegex(LookupError, "on purpose"):
            self.trainer(fail_later, batch_size=8).fit(self.x, self.y, epochs=9)
        # Those of the first epoch, which ended well.
        self.assertFalse(np.array_equal(self.model.read_parameter("w0"), after))

    def test_an_interrupt_waits_for_the_end_of_the_step(self) -> None:
        calls: list[int] = []

        def interrupted(outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
            calls.append(1)
            return mean_squared_error(outputs, targets)

        class Kill(strop.callbacks.Callback):
            def on_train_batch_end(self, step: int, logs: dict[str, float]) -> None:
                if step == 3:
                    killer = threading.Thread(target=signal.raise_signal, args=(signal.SIGINT,))
                    killer.start()
                    killer.join()

        before = self.model.read_parameter("w0")
        with self.assertRaises(KeyboardInterrupt):
            self.trainer(interrupted, batch_size=8, callbacks=[Kill()]).fit(
                self.x, self.y, epochs=9
            )
        self.assertLessEqual(len(calls), 4)
        self.assertFalse(np.array_equal(self.model.read_parameter("w0"), before))

    def test_a_run_that_is_kept_goes_on(self) -> None:
        run = self.path("run")
        options = {"run_directory": run, "batch_size": 8, "keep": 2}

        class Stop(strop.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
                self.trainer.stop_training = epoch == 2

        history = self.trainer(epochs=4, **options).fit(self.x, self.y, callbacks=[Stop()])
        self.assertEqual((history.steps, history.was_stopped), (6, True))
        stopped = self.model.to_bytes()
        self.assertNotEqual(stopped, pathlib.Path(self.model_path).read_bytes())
        self.assertIn("loss = 'host'", (run / "config.toml").read_text())

        self.model = strop.load(self.model_path)
        resumed = self.trainer(epochs=4, resume=True, **options).fit(self.x, self.y)
        self.assertEqual(resumed.steps, 12)
        whole, self.model = self.model, strop.load(self.model_path)
        self.trainer(batch_size=8).fit(self.x, self.y, epochs=4)
        self.assertEqual(self.model.to_bytes(), whole.to_bytes())

    def test_what_cannot_be_honoured_is_refused(self) -> None:
        for options, words in (
            ({"label_smoothing": 0.1}, "the loss host does not have it"),
            ({"huber_delta": 2.0}, "the loss host does not have it"),
            ({"mixup": 0.2}, "mixup"),
        ):
            with self.subTest(options=options), self.assertRaisesRegex(ValueError, words):
                self.trainer(**options).fit(self.x, self.y)
        with self.assertRaisesRegex(ValueError, 'found no "target"'):
            self.trainer().fit(self.x)
        with self.assertRaisesRegex(ValueError, "diverged at step 1 .*HostLoss loss makes NaN"):
            self.trainer(lambda o, t: (np.nan, o)).fit(self.x, self.y)
        with self.assertRaisesRegex(ValueError, r"gradient of \"y\": found float32 of \[1, 3\]"):
            self.trainer(lambda o, t: (0.0, o[:1])).fit(self.x, self.y)
        with self.assertRaisesRegex(ValueError, 'gradient of "z", expected those of outputs'):
            self.trainer(lambda o, t: (0.0, {"z": o})).fit(self.x, self.y)
        with self.assertRaisesRegex(ValueError, r"found a float, expected \(loss, gradient"):
            self.trainer(lambda o, t: 0.0).fit(self.x, self.y)


if __name__ == "__main__":
    unittest.main()
