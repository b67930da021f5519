"""strop.sklearn against scikit-learn's own checks, the program's runs, and ONNX Runtime."""

import copy
import io
import os
import pathlib
import pickle
import re
import unittest
import warnings
from contextlib import redirect_stdout

import numpy as np
import onnx
import onnxruntime
import pandas
import strop
from onnx import helper
from program import ProgramTest, linear_model
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from strop.sklearn import StropClassifier, StropRegressor, StropTransformer, to_onnx

PAGE = pathlib.Path(__file__).parents[2] / "docs/sklearn.md"
EQUIVALENCE = "check_sample_weight_equivalence_on_dense_data"


def seed_of(random_state: int) -> int:
    return int(np.random.RandomState(random_state).randint(2**31 - 1))


def run_onnx(model: onnx.ModelProto, X: object) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    if isinstance(X, pandas.DataFrame):
        fed = {name: X[[name]].to_numpy() for name in X}
    else:
        fed = {session.get_inputs()[0].name: X}
    return session.run(None, fed)


def iris(count: int = 150) -> tuple[np.ndarray, np.ndarray]:
    X, y = load_iris(return_X_y=True)
    chosen = np.random.default_rng(0).permutation(150)[:count]
    return X[chosen].astype(np.float32), y[chosen]


class SklearnTest(ProgramTest):
    def test_scikit_learn_s_checks_hold(self) -> None:
        for estimator in (StropClassifier(), StropRegressor(), StropTransformer()):
            with self.subTest(estimator=estimator), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                results = check_estimator(
                    estimator,
                    on_fail="raise",
                    on_skip=None,
                    # Repeated samples make other batches than weighted ones, and float rounds their
                    # sums otherwise; sklearn_weights_test.py has it where neither is so.
                    expected_failed_checks={EQUIVALENCE: "of mini-batches, in float"},
                )
                found = {result["check_name"]: result["status"] for result in results}
                if not os.environ.get("SCIPY_ARRAY_API"):  # which ctest sets
                    self.assertEqual(found.pop("check_array_api_input"), "skipped")
                is_weighted = not isinstance(estimator, StropTransformer)
                self.assertEqual(found.pop(EQUIVALENCE, None), "xfail" if is_weighted else None)
                self.assertEqual(set(found.values()), {"passed"})

    def test_a_fit_is_the_program_s_to_the_bit(self) -> None:
        arrays, path = self.samples(count=40), self.save(linear_model(hidden=8))
        data, out = self.save_data(**arrays), self.path("expected.onnx")
        options = (
            "--epochs",
            3,
            "--batch-size",
            16,
            "--optimizer",
            "adam",
            "--learning-rate",
            0.01,
        )
        more = ("--weight-decay", 0.1, "--freeze", "b*", "--seed", seed_of(4))
        self.run_well("train", path, "--data", data, *options, *more, "-o", out)
        classifier = StropClassifier(
            model=path,
            epochs=3,
            batch_size=16,
            optimizer="adam",
            learning_rate=0.01,
            random_state=4,
            options={"weight_decay": 0.1, "freeze": "b*"},
        )
        classifier.fit(arrays["x"], arrays["target"])
        self.assertEqual(classifier.model_bytes_, out.read_bytes())
        for given in (path.read_bytes(), onnx.load(path), str(path)):
            again = clone(classifier).set_params(model=given).fit(arrays["x"], arrays["target"])
            self.assertEqual(again.model_bytes_, classifier.model_bytes_)

    def test_a_new_network_is_the_program_s(self) -> None:
        X, y = iris()
        path = self.path("new.onnx")
        sizes = ("--input", 4, "--classes", 3, "--depth", 1, "--width", 16, "--residual")
        self.run_well("new", "mlp", *sizes, "--seed", seed_of(2), "-o", path)
        options = {"depth": 1, "width": 16, "architecture_options": {"residual": True}}
        classifier = StropClassifier(epochs=0, random_state=2, **options).fit(X, y)
        self.assertEqual(classifier.model_bytes_, path.read_bytes())
        self.assertEqual((classifier.n_iter_, classifier.loss_curve_), (0, []))

    def test_the_random_state_is_all_that_is_random(self) -> None:
        X, y = iris()
        fits = [StropClassifier(epochs=3, random_state=seed).fit(X, y) for seed in (1, 1, 2)]
        self.assertEqual(fits[0].model_bytes_, fits[1].model_bytes_)
        self.assertNotEqual(fits[0].model_bytes_, fits[2].model_bytes_)

    def test_digits_are_learnt_as_well_as_by_a_linear_model(self) -> None:
        X, y = load_digits(return_X_y=True)
        parts = train_test_split(X / 16, y, test_size=0.3, random_state=0, stratify=y)
        train_x, test_x, train_y, test_y = parts
        ours = StropClassifier(epochs=30, random_state=0).fit(train_x, train_y)
        theirs = LogisticRegression(max_iter=1000).fit(train_x, train_y)
        self.assertGreaterEqual(ours.score(test_x, test_y), theirs.score(test_x, test_y))

    def test_a_linear_model_learns_what_least_squares_finds(self) -> None:
        X, y = load_diabetes(return_X_y=True, scaled=False)
        X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
        parts = train_test_split(X, y, test_size=0.3, random_state=0)
        linear = linear_model(features=10, classes=1)
        settings = {"learning_rate": 0.01, "epochs": 300, "options": {"schedule": "cosine"}}
        ours = StropRegressor(model=linear, random_state=0, **settings).fit(parts[0], parts[2])
        theirs = LinearRegression().fit(parts[0], parts[2])
        self.assertAlmostEqual(
            ours.score(parts[1], parts[3]), theirs.score(parts[1], parts[3]), delta=0.01
        )
        several = StropRegressor(random_state=0, epochs=5).fit(X, np.stack([y, -y], axis=1))
        self.assertEqual(several.predict(X).shape, (len(X), 2))

    def test_labels_are_of_any_kind(self) -> None:
        X, y = iris()
        names = np.array(["setosa", "versicolor", "virginica"])
        classifier = StropClassifier(epochs=40, random_state=0).fit(X, names[y])
        np.testing.assert_array_equal(classifier.classes_, names)
        self.assertGreater(classifier.score(X, names[y]), 0.9)
        numbers = StropClassifier(epochs=40, random_state=0).fit(X, y)
        np.testing.assert_array_equal(names[numbers.predict(X)], classifier.predict(X))
        np.testing.assert_allclose(classifier.predict_proba(X).sum(axis=1), 1)

    def test_two_classes_are_of_one_output_or_two(self) -> None:
        X, y = iris()
        y = np.where(y == 2, "yes", "no")
        for loss, outputs in (("cross_entropy", 2), ("binary_cross_entropy", 1)):
            classifier = StropClassifier(loss=loss, epochs=60, random_state=0).fit(X, y)
            self.assertEqual(classifier.model_.outputs[0].shape, (None, outputs))
            self.assertGreater(classifier.score(X, y), 0.9)
            probabilities, scores = classifier.predict_proba(X), classifier.decision_function(X)
            np.testing.assert_allclose(probabilities[:, 1], 1 / (1 + np.exp(-scores)), rtol=1e-12)

    def test_several_labels(self) -> None:
        X, y = make_multilabel_classification(n_samples=300, n_classes=4, random_state=0)
        classifier = StropClassifier(epochs=60, random_state=0).fit(X, y)
        self.assertGreater(f1_score(y, classifier.predict(X), average="micro"), 0.9)
        [labels, probabilities] = run_onnx(to_onnx(classifier, X[:1]), X)
        np.testing.assert_array_equal(labels, classifier.predict(X))
        np.testing.assert_allclose(probabilities, classifier.predict_proba(X), atol=1e-5)

    def test_outputs_behind_an_activation_are_read_as_it_means(self) -> None:
        arrays = self.samples(count=40)
        x, y = arrays["x"], arrays["target"]
        plain = StropClassifier(model=linear_model(), random_state=0, epochs=3).fit(x, y)
        for operator in ("Softmax", "LogSoftmax"):
            model = linear_model()
            model.graph.node.append(helper.make_node(operator, ["y"], ["p"], axis=-1))
            model.graph.output[0].name = "p"
            found = clone(plain).set_params(model=model).fit(x, y)
            expected = plain.predict_proba(x)
            np.testing.assert_allclose(found.predict_proba(x), expected, rtol=1e-5, atol=1e-6)
            [_, probabilities] = run_onnx(to_onnx(found, x[:1]), x)
            np.testing.assert_allclose(probabilities, expected, rtol=1e-5, atol=1e-6)

    def test_class_weights_are_the_engine_s(self) -> None:
        arrays, path = self.samples(count=40), self.save(linear_model())
        counts = np.bincount(arrays["target"])
        weights = ",".join(repr(float(40 / (3 * count))) for count in counts)
        out = self.path("expected.onnx")
        options = ("--class-weights", weights, "--seed", seed_of(0), "--batch-size", 32)
        data = self.save_data(**arrays)
        self.run_well("train", path, "--data", data, *options, "--epochs", 2, "-o", out)
        settings = {"model": path, "epochs": 2, "random_state": 0, "class_weight": "balanced"}
        classifier = StropClassifier(**settings).fit(arrays["x"], arrays["target"])
        self.assertEqual(classifier.model_bytes_, out.read_bytes())

    def test_passes_in_parts_are_the_passes_of_one_fit(self) -> None:
        X, y = iris(48)
        settings = {"batch_size": 16, "random_state": 3}
        whole = StropClassifier(epochs=3, options={"no_shuffle": True}, **settings).fit(X, y)
        parts = StropClassifier(**settings)
        for classes in ([0, 1, 2], None, None):
            parts.partial_fit(X, y, classes=classes)
            parts = pickle.loads(pickle.dumps(parts))
        self.assertEqual(parts.n_iter_, 3)
        np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-6)
        self.assertEqual(parts.model_bytes_, whole.model_bytes_)
        with self.assertRaisesRegex(ValueError, "of the classes"):
            parts.partial_fit(X, y + 1)
        with self.assertRaisesRegex(ValueError, "expected all"):
            StropClassifier().partial_fit(X, y)

    def test_warm_starts_go_on(self) -> None:
        X, y = iris()
        classifier = StropClassifier(epochs=5, random_state=0, warm_start=True).fit(X, y)
        first = classifier.loss_curve_
        classifier.fit(X, y)
        self.assertLess(classifier.loss_curve_[0], first[-1])
        with self.assertRaisesRegex(ValueError, "as before"):
            classifier.fit(X, y + 1)
        classifier.set_params(warm_start=False).fit(X, y)
        self.assertEqual(classifier.loss_curve_, first)

    def test_early_stopping_ends_with_the_best_weights(self) -> None:
        X, y = iris()
        classifier = StropClassifier(
            epochs=500, validation_split=0.3, early_stopping=2, learning_rate=0.05, random_state=0
        ).fit(X, y)
        losses = classifier.validation_loss_curve_
        self.assertLess(classifier.n_iter_, 500)
        self.assertEqual(int(np.argmin(losses)), len(losses) - 3)

    def test_copies_are_the_same(self) -> None:
        X, y = iris()
        for estimator in (StropClassifier(), StropRegressor(), StropTransformer()):
            fitted = estimator.set_params(epochs=3).fit(X, y)
            method = "transform" if isinstance(estimator, StropTransformer) else "predict"
            expected = getattr(fitted, method)(X)
            for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
                np.testing.assert_array_equal(getattr(other, method)(X), expected)
            with self.assertRaises(NotFittedError):
                getattr(clone(fitted), method)(X)

    def test_names_of_features_are_kept(self) -> None:
        X, y = load_iris(return_X_y=True, as_frame=True)
        classifier = StropClassifier(epochs=3, random_state=0).fit(X, y)
        np.testing.assert_array_equal(classifier.feature_names_in_, list(X.columns))
        with self.assertRaisesRegex(ValueError, "feature names"):
            classifier.predict(X[X.columns[::-1]])
        transformer = StropTransformer(epochs=3, width=[8, 2]).fit(X)
        names = ["stroptransformer0", "stroptransformer1"]
        self.assertEqual(transformer.get_feature_names_out().tolist(), names)
        transformed = transformer.set_output(transform="pandas").transform(X)
        self.assertEqual(list(transformed), names)

    def test_searches_and_calibration(self) -> None:
        X, y = iris()
        pipeline = make_pipeline(StandardScaler(), StropClassifier(epochs=20, random_state=0))
        grid = {"stropclassifier__width": [2, 32], "stropclassifier__learning_rate": [1e-5, 1e-2]}
        search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
        self.assertEqual(search.best_params_["stropclassifier__learning_rate"], 1e-2)
        self.assertGreater(search.best_score_, 0.9)
        calibrated = CalibratedClassifierCV(pipeline, cv=3).fit(X, y)
        self.assertGreater(calibrated.score(X, y), 0.9)

    def test_embeddings_are_onnx_runtime_s(self) -> None:
        model, x = linear_model(hidden=8), self.samples(count=24)["x"]
        transformer = StropTransformer(model=model, output="t0").fit(x)
        named = onnx.ModelProto()
        named.CopyFrom(model)
        named.graph.output.append(helper.make_tensor_value_info("t0", 1, ["n", 8]))
        [_, expected] = run_onnx(named, x)
        np.testing.assert_allclose(transformer.transform(x), expected, rtol=1e-5, atol=1e-6)
        self.assertEqual(transformer.model_bytes_, model.SerializeToString())
        outputs = StropTransformer(model=model).fit_transform(x)
        np.testing.assert_allclose(outputs, run_onnx(model, x)[0], rtol=1e-5, atol=1e-6)
        with self.assertRaisesRegex(ValueError, "found 'none'"):
            StropTransformer(model=model, output="none").fit(x)

    def test_an_autoencoder_keeps_what_matters(self) -> None:
        X, y = load_digits(return_X_y=True)
        transformer = StropTransformer(epochs=20, width=[64, 16], random_state=0)
        pipeline = make_pipeline(transformer, StandardScaler(), LogisticRegression())
        self.assertGreater(pipeline.fit(X / 16, y).score(X / 16, y), 0.9)
        self.assertLess(transformer.loss_curve_[-1], 0.3 * transformer.loss_curve_[0])
        exported = to_onnx(transformer, X[:1].astype(np.float32))
        [code] = run_onnx(exported, (X / 16).astype(np.float32))
        np.testing.assert_allclose(code, transformer.transform(X / 16), rtol=1e-4, atol=1e-5)

    def test_a_pipeline_is_one_file(self) -> None:
        random = np.random.default_rng(0)
        X = pandas.DataFrame(
            {
                "size": random.normal(3, 5, 200).astype(np.float32),
                "weight": random.normal(-100, 50, 200).astype(np.float32),
                "kind": random.choice(["a", "b", "c"], 200).astype(object),
            }
        )
        y = np.where((X["size"] > 3) ^ (X["kind"] == "a"), "yes", "no")
        columns = ColumnTransformer(
            [("n", StandardScaler(), ["size", "weight"]), ("k", OneHotEncoder(), ["kind"])],
            sparse_threshold=0,
        )
        for loss in ("cross_entropy", "binary_cross_entropy"):
            classifier = StropClassifier(epochs=20, random_state=0, loss=loss)
            pipeline = make_pipeline(columns, classifier).fit(X, y)
            [labels, probabilities] = run_onnx(to_onnx(pipeline, X[:1]), X)
            np.testing.assert_array_equal(labels, pipeline.predict(X))
            np.testing.assert_allclose(probabilities, pipeline.predict_proba(X), atol=1e-5)
        target = X["size"].to_numpy()
        regression = make_pipeline(columns, StropTransformer(epochs=2), StropRegressor(epochs=5))
        exported = to_onnx(regression.fit(X, target), X[:1])
        onnx.checker.check_model(exported, full_check=True)
        [numbers] = run_onnx(exported, X)
        np.testing.assert_allclose(numbers[:, 0], regression.predict(X), rtol=1e-4, atol=1e-4)

    def test_pictures_are_rows_or_not(self) -> None:
        random = np.random.default_rng(0)
        X, y = random.normal(size=(20, 784)).astype(np.float32), np.arange(20) % 10
        path = self.path("lenet.onnx")
        self.run_well("new", "lenet5", "-o", path)
        of_rows = StropClassifier(model=path, epochs=1, random_state=0).fit(X, y)
        pictures = X.reshape(-1, 1, 28, 28)
        of_pictures = clone(of_rows).set_params(model=None, architecture="lenet5", epochs=0)
        of_pictures.fit(pictures, y)
        self.assertEqual(of_pictures.model_.inputs[0].shape, (None, 1, 28, 28))
        [labels, _] = run_onnx(to_onnx(of_rows, X[:1]), X)
        np.testing.assert_array_equal(labels, of_rows.predict(X))
        np.testing.assert_array_equal(labels, of_rows.model_.run(pictures)["logits"].argmax(1))

    def test_heads_are_replaced_when_asked_for(self) -> None:
        X, y = self.samples(count=24)["x"], np.arange(24) % 5
        with self.assertRaisesRegex(ValueError, "found 3 outputs, expected 5.*replace_head"):
            StropClassifier(model=linear_model(hidden=8), epochs=1).fit(X, y)
        options = {"replace_head": 5}
        settings = {"options": options, "epochs": 1, "random_state": 0, "warm_start": True}
        classifier = StropClassifier(model=linear_model(hidden=8), **settings).fit(X, y)
        self.assertEqual(classifier.predict_proba(X).shape, (24, 5))
        first = classifier.loss_curve_[0]
        for _ in range(5):
            classifier.fit(X, y)
        self.assertLess(classifier.loss_curve_[0], first)

    def test_what_has_no_meaning_is_refused(self) -> None:
        X, y = iris(30)
        for kind, settings, words in (
            (ValueError, {"options": {"epochs": 3}}, "expected it as argument epochs"),
            (ValueError, {"options": {"data": "x.npz"}}, "fit is given arrays"),
            (ValueError, {"options": {"sample_weight": "w"}}, "fit is given arrays"),
            (TypeError, {"options": {"weight_decays": 3}}, "did you mean 'weight_decay'"),
            (ValueError, {"optimizer": "best"}, "best"),
            (ValueError, {"loss": "mse"}, "expected one of cross_entropy"),
            (ValueError, {"architecture": "perceptron"}, "perceptron"),
        ):
            with self.subTest(settings=settings), self.assertRaisesRegex(kind, words):
                StropClassifier(**settings).fit(X, y)
        with self.assertRaisesRegex(ValueError, "non-zero number"):
            StropClassifier().fit(X, y, sample_weight=np.zeros(30))
        with self.assertRaisesRegex(ValueError, "too large for float32"):
            StropClassifier().fit(X.astype(np.float64) * 1e39, y)
        with self.assertRaisesRegex(ValueError, r"samples of \[4\], expected \[7\]"):
            StropClassifier(model=linear_model(features=7)).fit(X, y)

    def test_the_example_of_the_page_runs(self) -> None:
        [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        known: dict[str, object] = {}
        exec(example, known)
        self.assertGreater(known["accuracy"], 0.95)
        labels, _ = run_onnx(onnx.load("digits.onnx"), known["X_test"].astype(np.float32))
        np.testing.assert_array_equal(labels, known["pipeline"].predict(known["X_test"]))

    def test_epochs_are_told_when_asked_for(self) -> None:
        X, y = iris(30)
        with redirect_stdout(io.StringIO()) as output:
            fitted = StropClassifier(epochs=2, verbose=True, random_state=0).fit(X, y)
        lines = output.getvalue().splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn(f"epoch 2: loss {fitted.loss_curve_[1]:.6g}", lines[1])
        self.assertIsInstance(fitted.model_, strop.Model)


if __name__ == "__main__":
    unittest.main()
