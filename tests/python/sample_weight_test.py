"""Weights of samples and of classes in Python, against the program's files, formulas and
scikit-learn."""

import unittest

import numpy as np
import pandas
import strop
from program import ProgramTest, linear_model
from sklearn.metrics import accuracy_score, log_loss
from sklearn.utils.class_weight import compute_class_weight


class Dataset:
    def __init__(self, **fields: np.ndarray) -> None:
        self.fields = fields

    def __len__(self) -> int:
        return len(self.fields["x"])

    def __getitem__(self, index: int) -> dict[str, object]:
        return {name: field[index] for name, field in self.fields.items()}


class SampleWeightTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model_path = self.save(linear_model(hidden=8))
        arrays = self.samples(count=40)
        self.x, self.y = arrays["x"], arrays["target"]
        self.weights = np.random.default_rng(3).exponential(size=40).astype(np.float32)
        self.data = self.save_data(**arrays, w=self.weights)

    def program(self, *options: object) -> bytes:
        path = self.path("expected.onnx")
        self.run_well("train", self.model_path, "--data", self.data, *options, "-o", path)
        return path.read_bytes()

    def fitted(self, *given: object, trainer: dict | None = None, **more: object) -> bytes:
        model = strop.load(self.model_path)
        strop.Trainer(model, **(trainer or {})).fit(*given, **more)
        return model.to_bytes()

    def test_every_form_is_the_program_s_to_the_bit(self) -> None:
        expected = self.program("--sample-weight", "w")
        self.assertNotEqual(expected, self.program())
        table = pandas.DataFrame(self.x, columns=list("abcd"))
        table.insert(1, "w", self.weights)
        labelled = table.assign(label=self.y)
        column, w = pandas.Series(self.weights), self.weights
        arrays = {"x": self.x, "w": self.weights}
        named = {"sample_weight": "w"}
        forms: dict[str, bytes] = {
            "array": self.fitted(self.x, self.y, sample_weight=w),
            "a column": self.fitted(self.x, self.y, sample_weight=w[:, None]),
            "double": self.fitted(self.x, self.y, sample_weight=w.astype(float)),
            "list": self.fitted(self.x, self.y, sample_weight=w.tolist()),
            "series": self.fitted(self.x, self.y, sample_weight=column),
            "named array": self.fitted(arrays, self.y, **named),
            "named by the trainer": self.fitted(arrays, self.y, trainer=named),
            "array under a name": self.fitted(self.x, self.y, trainer=named, sample_weight=w),
            "column": self.fitted(table, self.y, **named),
            "column of a labelled table": self.fitted(labelled, "label", **named),
            "field": self.fitted(Dataset(x=self.x, target=self.y, w=w), **named),
            "path": self.fitted(self.data, **named),
        }
        for name, found in forms.items():
            self.assertEqual(found, expected, name)

    def test_validation_weighs_what_it_is_given(self) -> None:
        x, y, w = self.x[:20], self.y[:20], self.weights[:20]
        model = strop.load(self.model_path)
        trainer = strop.Trainer(model, learning_rate=0, epochs=1, metric="accuracy")
        probabilities = self.probabilities(model, self.x[20:])
        for weights in (None, self.weights[20:]):
            given = {"sample_weight": weights}
            expected = log_loss(self.y[20:], probabilities, labels=[0, 1, 2], **given)
            right = accuracy_score(self.y[20:], probabilities.argmax(axis=1), **given)
            triple = (self.x[20:], self.y[20:], weights)
            for validation in [triple, triple[:2]][: 1 if weights is not None else 2]:
                history = trainer.fit(x, y, sample_weight=w, validation_data=validation)
                self.assertAlmostEqual(history.history["val_loss"][0], expected, 6)
                self.assertAlmostEqual(history.history["val_accuracy"][0], right, 6)

    def probabilities(self, model: strop.Model, x: np.ndarray) -> np.ndarray:
        logits = model.run(x)["y"].astype(float)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def test_evaluation_is_scikit_learn_s(self) -> None:
        model = strop.load(self.model_path)
        trainer = strop.Trainer(model, metric=["accuracy"])
        probabilities = self.probabilities(model, self.x)
        given = {"sample_weight": self.weights}
        expected = {
            "loss": log_loss(self.y, probabilities, labels=[0, 1, 2], **given),
            "accuracy": accuracy_score(self.y, probabilities.argmax(axis=1), **given),
            "samples": 40,
        }
        for found in (
            trainer.evaluate(self.x, self.y, sample_weight=self.weights),
            trainer.evaluate({"x": self.x, "w": self.weights}, self.y, sample_weight="w"),
            trainer.evaluate(self.data, sample_weight="w"),
        ):
            self.assertEqual(set(found), set(expected))
            for name, value in expected.items():
                self.assertAlmostEqual(found[name], value, 6)

    def test_steps_are_those_of_a_run(self) -> None:
        options = {"optimizer": "adam"}
        expected = self.fitted(
            self.x,
            self.y,
            sample_weight=self.weights,
            trainer={**options, "no_shuffle": True, "batch_size": 8, "epochs": 1},
        )
        parts = [slice(start, start + 8) for start in range(0, 40, 8)]
        batches = [(self.x[part], self.y[part], self.weights[part]) for part in parts]
        model = strop.load(self.model_path)
        trainer = strop.Trainer(model, **options)
        for x, y, w in batches[:2]:
            trainer.step(x, y, sample_weight=w)
        state = trainer.state_dict()
        trainer = strop.Trainer(model, **options)
        trainer.load_state_dict(state, *batches[0][:2], sample_weight=batches[0][2])
        for x, y, w in batches[2:]:
            trainer.step(x, y, sample_weight=w)
        found = trainer.evaluate(self.x, self.y, sample_weight=self.weights)
        with self.assertRaisesRegex(strop.UsageError, "expected in all or in none"):
            trainer.step(*batches[0][:2])
        trainer.finish()
        self.assertEqual(model.to_bytes(), expected)
        again = strop.Trainer(model).evaluate(self.x, self.y, sample_weight=self.weights)
        self.assertAlmostEqual(found["loss"], again["loss"], 6)
        trainer = strop.Trainer(model)
        trainer.step(*batches[0][:2])
        for call in (trainer.step, trainer.evaluate):
            with self.assertRaisesRegex(strop.UsageError, "expected in all or in none"):
                call(*batches[0][:2], sample_weight=batches[0][2])

    def test_classes_are_weighted_as_the_program_weights_them(self) -> None:
        expected = self.program("--class-weights", "1,1,2.5")
        for given in ({2: 2.5}, {np.int64(0): 1, 1: 1.0, 2: np.float32(2.5)}):
            self.assertEqual(self.fitted(self.x, self.y, class_weight=given), expected)
            trainer = {"class_weight": given}
            self.assertEqual(self.fitted(self.x, self.y, trainer=trainer), expected)
            other = {"class_weight": "balanced"}
            self.assertEqual(
                self.fitted(self.x, self.y, trainer=other, class_weight=given), expected
            )
        y = np.minimum(self.y, 1)  # none of class 2
        self.data = self.save_data(x=self.x, target=y, w=self.weights)
        for weights in (None, self.weights):
            counted = {} if weights is None else {"sample_weight": weights}
            balanced = compute_class_weight("balanced", classes=np.arange(2), y=y, **counted)
            words = [] if weights is None else ["--sample-weight", "w"]
            words += ["--class-weights", ",".join(map(repr, map(float, [*balanced, 1])))]
            self.assertEqual(
                self.fitted(self.x, y, class_weight="balanced", **counted), self.program(*words)
            )

    def test_weights_of_classes_count_in_evaluation(self) -> None:
        model = strop.load(self.model_path)
        of_classes = compute_class_weight("balanced", classes=np.arange(3), y=self.y)
        expected = log_loss(
            self.y, self.probabilities(model, self.x), sample_weight=of_classes[self.y]
        )
        trainer = strop.Trainer(model, class_weight="balanced", learning_rate=0, epochs=1)
        self.assertAlmostEqual(trainer.evaluate(self.x, self.y)["loss"], expected, 6)
        trainer.fit(self.x[:30], self.y[:30])
        again = compute_class_weight("balanced", classes=np.arange(3), y=self.y[:30])
        expected = log_loss(self.y, self.probabilities(model, self.x), sample_weight=again[self.y])
        self.assertAlmostEqual(trainer.evaluate(self.x, self.y)["loss"], expected, 6)

    def test_what_has_no_meaning_is_refused(self) -> None:
        model = strop.load(self.model_path)
        x, y, w = self.x, self.y, self.weights
        trainer = strop.Trainer(model)
        negative = np.where(np.arange(40) == 3, -1, 1)
        cases: list[tuple[type, str, tuple, dict]] = [
            (strop.UsageError, "beside a path", (self.data,), {"sample_weight": w}),
            (strop.UsageError, "a dataset", (Dataset(x=x, target=y),), {"sample_weight": w}),
            (strop.DataError, "row 3: found -1", (x, y), {"sample_weight": negative}),
            (strop.DataError, "no weight but 0", (x, y), {"sample_weight": np.zeros(40)}),
            (strop.DataError, "found 39 samples", (x, y), {"sample_weight": w[:39]}),
            (strop.DataError, 'found no "v"', (x, y), {"sample_weight": "v"}),
            (strop.UsageError, "expected a dict or", (x, y), {"class_weight": "even"}),
            (strop.UsageError, "classes 0 to 3", (x, y), {"class_weight": {0: 1, 3: 2}}),
        ]
        with self.assertRaisesRegex(strop.UsageError, "array of class numbers"):
            trainer.fit(self.data, class_weight="balanced")
        for kind, words, given, more in cases:
            with self.assertRaisesRegex(kind, words):
                trainer.fit(*given, **more)
        with self.assertRaisesRegex(strop.UsageError, "expected cross_entropy"):
            strop.Trainer(model, loss="mse", class_weight={0: 1})
        with self.assertRaisesRegex(strop.UsageError, "class_weights besides"):
            strop.Trainer(model, class_weights=[1, 1, 2], class_weight={0: 1})
        with self.assertRaisesRegex(strop.UsageError, "single steps"):
            strop.Trainer(model, class_weight="balanced").step(x, y)

        def loss(outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
            return 0.0, np.zeros_like(outputs)

        with self.assertRaisesRegex(strop.DataError, "for a loss of the program's"):
            strop.Trainer(model, loss=loss).fit(x, y, sample_weight=w)
        self.assertEqual(model.to_bytes(), self.model_path.read_bytes())


if __name__ == "__main__":
    unittest.main()
