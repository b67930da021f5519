"""Losses in Python against the engine's own, to the bit, and NumPy's."""

import unittest

import numpy as np
import strop
from program import ProgramTest, linear_model, softmax_cross_entropy


def mean_squared_error(outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    difference = outputs - targets
    return float((difference**2).mean()), 2 * difference / difference.size


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    one_hot = np.eye(logits.shape[1])[labels]
    return softmax_cross_entropy(logits, labels), (probabilities - one_hot) / len(labels)


class LossesTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model_path = self.save(linear_model(hidden=8))
        self.model = strop.load(self.model_path)
        samples = self.samples(count=24)
        self.x, self.labels = samples["x"], samples["target"]
        self.y = np.random.default_rng(8).normal(size=(24, 3)).astype(np.float32)

    def trainer(self, loss: object = mean_squared_error, **options: object) -> strop.Trainer:
        return strop.Trainer(self.model, loss=loss, optimizer="sgd", learning_rate=0.1, **options)

    def test_the_loss_outside_is_the_loss_inside(self) -> None:
        data, expected = self.save_data(x=self.x, target=self.y), self.path("expected.onnx")
        self.run_well(
            *("train", self.model_path, "--data", data, "--loss", "mse", "--optimizer", "sgd"),
            *("--learning-rate", 0.1, "--batch-size", "full", "--no-shuffle", "--epochs", 5),
            *("-o", expected),
        )
        trainer = self.trainer(batch_size="full", no_shuffle=True)
        validation = {"x": self.x, "target": self.y}
        history = trainer.fit(self.x, self.y, epochs=5, validation_data=validation)
        inside = strop.load(expected)
        for name in ("w0", "b0", "w1", "b1"):
            ours, theirs = self.model.read_parameter(name), inside.read_parameter(name)
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)
        output = self.model.run(self.x)["y"]
        loss = mean_squared_error(output, self.y)[0]
        self.assertAlmostEqual(history.history["val_loss"][-1], loss, places=6)
        self.assertAlmostEqual(trainer.evaluate(self.x, self.y)["loss"], loss, places=6)
        self.assertEqual([len(history.epochs), history.steps], [5, 5])

    def test_steps_are_numpy_s(self) -> None:
        self.model = strop.load(linear_model())
        w, b = (self.model.read_parameter(name).astype(np.float64) for name in ("w0", "b0"))
        order: list[np.ndarray] = []

        def recorded(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
            order.append(labels)
            return cross_entropy(logits, labels)

        samples = np.arange(24)
        by_sample = np.eye(24, 4, dtype=np.float32) + self.x
        self.trainer(recorded, batch_size=5, seed=3).fit(by_sample, samples % 3, epochs=2)
        seen = [len(labels) for labels in order]
        self.assertEqual(seen, [5, 5, 5, 5, 4] * 2)
        self.assertNotEqual(order[0].tolist(), (samples % 3)[:5].tolist())
        for epoch in (1, 2):
            shuffled = np.random.default_rng([3, epoch]).permutation(24)
            for start in range(0, 24, 5):
                batch = shuffled[start : start + 5]
                x = by_sample[batch].astype(np.float64)
                gradient = cross_entropy(x @ w + b, batch % 3)[1]
                w, b = w - 0.1 * x.T @ gradient, b - 0.1 * gradient.sum(axis=0)
        np.testing.assert_allclose(self.model.read_parameter("w0"), w, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(self.model.read_parameter("b0"), b, rtol=1e-4, atol=1e-5)

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
            if len(calls) == 3:
                raise LookupError("on purpose")
            return mean_squared_error(outputs, targets)

        calls: list[int] = []
        with self.assertRaisesRegex(LookupError, "on purpose"):
            self.trainer(fail_later, batch_size=8).fit(self.x, self.y, epochs=9)
        self.assertFalse(np.array_equal(self.model.read_parameter("w0"), after))

    def test_what_a_loop_of_python_cannot_honour_is_refused(self) -> None:
        for options, words in (
            ({"schedule": "cosine"}, "schedule"),
            ({"early_stopping": 3}, "early-stopping"),
            ({"mixup": 0.2}, "mixup"),
        ):
            with self.subTest(options=options), self.assertRaisesRegex(ValueError, words):
                self.trainer(**options).fit(self.x, self.y)
        with self.assertRaisesRegex(ValueError, "expected targets"):
            self.trainer().fit(self.x)
        with self.assertRaisesRegex(ValueError, "expected arrays for a loss of your own"):
            self.trainer().fit(self.path("data.npz"))
        with self.assertRaisesRegex(ValueError, "found the loss nan in step 1"):
            self.trainer(lambda o, t: (np.nan, o)).fit(self.x, self.y)
        with self.assertRaisesRegex(ValueError, "shape|elements|expected"):
            self.trainer(lambda o, t: (0.0, o[:1])).fit(self.x, self.y)


if __name__ == "__main__":
    unittest.main()
