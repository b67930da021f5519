"""Weights of samples in the estimators, against scikit-learn's check and the program's runs."""

import unittest

import numpy as np
from program import ProgramTest, linear_model
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_sample_weight_equivalence_on_dense_data
from strop.sklearn import StropClassifier, StropRegressor


def seed_of(random_state: int) -> int:
    return int(np.random.RandomState(random_state).randint(2**31 - 1))


def iris(count: int = 150) -> tuple[np.ndarray, np.ndarray]:
    X, y = load_iris(return_X_y=True)
    chosen = np.random.default_rng(0).permutation(150)[:count]
    return X[chosen].astype(np.float32), y[chosen]


class SklearnWeightsTest(ProgramTest):
    def test_weights_are_repetitions_to_scikit_learn(self) -> None:
        """As it checks its own MLPClassifier: of a solver that sees all samples at once."""
        for kind in (StropClassifier, StropRegressor):
            whole = kind(batch_size="full", options={"precision": "f64"})
            check_sample_weight_equivalence_on_dense_data(kind.__name__, whole)
        balanced = StropClassifier(
            batch_size="full", class_weight="balanced", options={"precision": "f64"}
        )
        check_sample_weight_equivalence_on_dense_data("balanced", balanced)

    def test_weights_are_the_program_s_to_the_bit(self) -> None:
        arrays, path = self.samples(count=40), self.save(linear_model(hidden=8))
        weights = np.random.default_rng(0).exponential(size=40)
        data, out = self.save_data(**arrays, w=weights), self.path("expected.onnx")
        options = ("--epochs", 3, "--batch-size", 32, "--optimizer", "adamw", "--seed", seed_of(4))
        words = ("--data", data, "--sample-weight", "w", *options, "--validation-split", 0.2)
        self.run_well("train", path, *words, "-o", out)
        classifier = StropClassifier(model=path, epochs=3, random_state=4, validation_split=0.2)
        classifier.fit(arrays["x"], arrays["target"], sample_weight=weights)
        self.assertEqual(classifier.model_bytes_, out.read_bytes())
        found = classifier.score(arrays["x"], arrays["target"], sample_weight=weights)
        right = classifier.predict(arrays["x"]) == arrays["target"]
        self.assertAlmostEqual(found, np.average(right, weights=weights), 12)

    def test_passes_over_parts_are_weighted(self) -> None:
        X, y = iris(96)
        weights = np.random.default_rng(1).exponential(size=96)
        weights[32:64] = 0  # a batch that weighs nothing is as if it were not there
        options = {"batch_size": 32, "random_state": 0}
        for kind in (StropClassifier, StropRegressor):
            classes = {"classes": [0, 1, 2]} if kind is StropClassifier else {}
            whole = kind(**options).partial_fit(X, y, **classes, sample_weight=weights)
            parts = kind(**options)
            for part in (slice(0, 32), slice(64, 96)):
                parts.partial_fit(X[part], y[part], **classes, sample_weight=weights[part])
            self.assertEqual(whole.model_bytes_, parts.model_bytes_)
            unweighted = kind(**options).partial_fit(X, y, **classes)
            self.assertNotEqual(whole.model_bytes_, unweighted.model_bytes_)
            self.assertTrue(np.isfinite(whole.loss_curve_).all())
            with self.assertRaisesRegex(ValueError, "Negative values"):
                kind().fit(X, y, sample_weight=weights - 1)

    def test_weights_go_through_pipelines_and_searches(self) -> None:
        X, y = iris()
        weights = np.where(y == 0, 0.0, 1.0)  # class 0 counts nowhere
        pipeline = make_pipeline(StandardScaler(), StropClassifier(epochs=20, random_state=0))
        pipeline.fit(X, y, stropclassifier__sample_weight=weights)
        self.assertNotIn(0, pipeline.predict(X))
        search = GridSearchCV(StropClassifier(epochs=20, random_state=0), {"width": [8, 16]}, cv=2)
        search.fit(X, y, sample_weight=weights)
        self.assertNotIn(0, search.predict(X))


if __name__ == "__main__":
    unittest.main()
