"""Every metric of `strop evaluate`, in double, against scikit-learn's."""

import json
import unittest
import warnings

import numpy as np
import sklearn.metrics as sk
from onnx import helper
from program import ProgramTest, linear_model, make_model, run

AVERAGES = ("macro", "micro", "weighted")
RATIOS = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def averaged(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    values = {}
    for name, score in RATIOS.items():
        for average in AVERAGES:
            values[f"{name}_{average}"] = score(labels, predicted, average=average, zero_division=0)
    values["mean_iou"] = sk.jaccard_score(labels, predicted, average="macro", zero_division=0)
    return values


def of_binary(labels: np.ndarray, predicted: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    values = averaged(labels, predicted)
    for name, score in RATIOS.items():
        values[name] = score(labels, predicted, zero_division=0)
    for suffix in ("", "_weighted"):
        values[f"roc_auc{suffix}"] = sk.roc_auc_score(labels, scores)
        values[f"average_precision{suffix}"] = sk.average_precision_score(labels, scores)
    values["accuracy"] = sk.accuracy_score(labels, predicted)
    values["balanced_accuracy"] = sk.balanced_accuracy_score(labels, predicted)
    values["confusion_matrix"] = sk.confusion_matrix(labels, predicted, labels=[0, 1]).tolist()
    return values


def of_classes(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """What scikit-learn says of labels [n] and logits [n, classes]."""
    classes = np.arange(logits.shape[1])
    predicted = logits.argmax(axis=1)
    probabilities = softmax(logits)
    if len(classes) == 2:
        values = of_binary(labels, predicted, logits[:, 1] - logits[:, 0])
    else:
        values = averaged(labels, predicted)
        one_hot = np.eye(len(classes))[labels]
        for average, suffix in (("macro", ""), ("weighted", "_weighted")):
            values[f"roc_auc{suffix}"] = sk.roc_auc_score(
                labels, probabilities, multi_class="ovr", average=average, labels=classes
            )
            values[f"average_precision{suffix}"] = sk.average_precision_score(
                one_hot, probabilities, average=average
            )
        values["accuracy"] = sk.accuracy_score(labels, predicted)
        values["balanced_accuracy"] = sk.balanced_accuracy_score(labels, predicted)
        values["confusion_matrix"] = sk.confusion_matrix(labels, predicted, labels=classes).tolist()
        for k in (1, 2):
            values[f"top_{k}_accuracy"] = sk.top_k_accuracy_score(
                labels, logits, k=k, labels=classes
            )
    values["log_loss"] = sk.log_loss(labels, probabilities, labels=classes)
    of_truth = probabilities[np.arange(len(labels)), labels]
    values["perplexity"] = np.exp(-np.log(of_truth).mean())
    return values


class MetricsTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        warnings.simplefilter("ignore")  # scikit-learn's, about the cases that are meant here

    def evaluate(self, x: np.ndarray, target: np.ndarray, *options: object) -> dict:
        """Of a model whose output is its input."""
        shape = ["n", *x.shape[1:]]
        model = make_model([helper.make_node("Identity", ["x"], ["y"])], [], shape, shape)
        data = self.save_data(x=x, target=target)
        arguments = ["--data", data, "--json", "--precision", "f64", "--batch-size", 7]
        done = self.run_well("evaluate", self.save(model), *arguments, *options)
        return json.loads(done.stdout)

    def check(self, expected: dict, x: np.ndarray, target: np.ndarray, *options: object) -> None:
        names = [name for name in expected if name != "confusion_matrix"]
        asked = [word for name in names for word in ("--metric", name)]
        if "confusion_matrix" in expected:
            asked.append("--confusion-matrix")
        found = self.evaluate(x, target, *asked, *options)
        for name in names:
            value = np.nan if found[name] is None else found[name]
            np.testing.assert_allclose(value, expected[name], rtol=1e-12, atol=1e-12, err_msg=name)
        self.assertEqual(found.get("confusion_matrix"), expected.get("confusion_matrix"))

    def test_classes(self) -> None:
        for seed, classes in enumerate((2, 3, 5, 11)):
            random = np.random.default_rng(seed)
            labels = random.integers(0, classes, 60)
            logits = random.normal(size=(60, classes)) + np.eye(classes)[labels]
            with self.subTest(classes=classes):
                self.check(of_classes(labels, logits), logits, labels)

    def test_ties(self) -> None:
        for seed, classes in enumerate((2, 4)):
            random = np.random.default_rng(10 + seed)
            labels = random.integers(0, classes, 80)
            logits = random.integers(-1, 2, (80, classes)).astype(float)
            with self.subTest(classes=classes):
                self.check(of_classes(labels, logits), logits, labels)

    def test_missing_classes_and_zero_divisions(self) -> None:
        logits = np.random.default_rng(20).normal(size=(40, 5))
        logits[:, 4] -= 100  # never predicted
        labels = np.random.default_rng(21).integers(0, 3, 40)  # 3 is predicted, 4 is nowhere
        self.check(of_classes(labels, logits), logits, labels)
        labels[:] = 4  # all that is true is never predicted
        self.check(of_classes(labels, logits), logits, labels)

    def test_probabilities_beyond_double(self) -> None:
        random = np.random.default_rng(30)
        logits = random.normal(size=(30, 3)) * 40
        labels = random.integers(0, 3, 30)
        names = ["log_loss", "perplexity", "accuracy"]
        expected = of_classes(labels, logits)
        self.check({name: expected[name] for name in names}, logits, labels)

    def test_class_axis_and_ignored_labels(self) -> None:
        random = np.random.default_rng(40)
        for axis in (1, 2, 3):
            logits = random.normal(size=(9, 2, 4, 3))  # classes last
            labels = random.integers(0, 3, (9, 2, 4))
            labels[random.random(labels.shape) < 0.3] = 255
            counted = labels != 255
            expected = of_classes(labels[counted], logits[counted])
            x = np.moveaxis(logits, 3, axis)
            with self.subTest(axis=axis):
                self.check(expected, x, labels, "--class-axis", axis, "--ignore-index", 255)

    def test_soft_targets(self) -> None:
        random = np.random.default_rng(50)
        logits = random.normal(size=(25, 4))
        targets = random.dirichlet(np.ones(4), 25)
        expected = of_classes(targets.argmax(axis=1), logits)
        likelihood = -(targets * np.log(softmax(logits))).sum(axis=1).mean()
        expected |= {"log_loss": likelihood, "perplexity": np.exp(likelihood)}
        self.check(expected, logits, targets)

    def test_binary(self) -> None:
        for seed, shape in enumerate(((50, 1), (50,), (10, 1, 5))):
            random = np.random.default_rng(60 + seed)
            logits = random.normal(size=shape).round(1)
            labels = (random.random(shape) < 0.4).astype(float)
            flat = labels.ravel().astype(int)
            expected = of_binary(flat, (logits.ravel() > 0).astype(int), logits.ravel())
            expected["log_loss"] = sk.log_loss(flat, 1 / (1 + np.exp(-logits.ravel())))
            with self.subTest(shape=shape):
                self.check(expected, logits, labels, "--loss", "binary_cross_entropy")

    def test_binary_of_one_class(self) -> None:
        logits = np.random.default_rng(65).normal(size=(20, 1))
        for label in (0, 1):
            labels = np.full((20, 1), float(label))
            flat = labels.ravel().astype(int)
            expected = of_binary(flat, (logits.ravel() > 0).astype(int), logits.ravel())
            with self.subTest(label=label):
                self.check(expected, logits, labels, "--loss", "binary_cross_entropy")

    def test_several_labels_a_sample(self) -> None:
        random = np.random.default_rng(70)
        logits = random.normal(size=(40, 4)).round(1)
        labels = (random.random((40, 4)) < 0.3).astype(int)
        logits[:, 2] -= 100  # never predicted
        for is_missing in (False, True):
            if is_missing:
                labels[:, 1] = 0
            expected = averaged(labels, logits > 0)
            for average, suffix in (("macro", ""), ("weighted", "_weighted")):
                auc = sk.roc_auc_score(labels, logits, average=average)
                expected[f"roc_auc{suffix}"] = auc
                precision = sk.average_precision_score(labels, logits, average=average)
                expected[f"average_precision{suffix}"] = precision
            expected["accuracy"] = sk.accuracy_score(labels, logits > 0)
            with self.subTest(is_missing=is_missing):
                self.check(expected, logits, labels, "--loss", "binary_cross_entropy")

    def test_regression(self) -> None:
        random = np.random.default_rng(80)
        for shape in ((30,), (30, 1), (30, 4), (2, 3)):
            target = random.normal(size=shape) * 3 + 100
            x = target + random.normal(size=shape)
            if shape[-1] == 4:
                target[:, 1] = 5  # constant and missed
                x[:, 2] = target[:, 2] = 7  # constant and met
            expected = {
                "mae": sk.mean_absolute_error(target, x),
                "rmse": sk.root_mean_squared_error(target, x),
                "r2": sk.r2_score(target, x),
            }
            with self.subTest(shape=shape):
                self.check(expected, x, target, "--loss", "mse")

    def test_one_sample_has_no_r2(self) -> None:
        found = self.evaluate(np.ones((1, 2)), np.zeros((1, 2)), "--loss", "l1", "--metric", "r2")
        self.assertIsNone(found["r2"])

    def test_table_with_class_names(self) -> None:
        x, names = np.eye(3, 4)[[0, 0, 1, 2]], ["cat", "dog", "elephant", "dog"]
        rows = [",".join([*map(str, map(float, r)), n]) for r, n in zip(x, names, strict=True)]
        self.path("data.csv").write_text("\n".join(["a,b,c,d,animal", *rows]) + "\n")
        identity = [helper.make_node("Identity", ["x"], ["y"])]
        model = self.save(make_model(identity, [], ["n", 4], ["n", 4]))
        data = ["--data", self.path("data.csv"), "--target", "animal"]
        data += ["--class-names", "cat,dog,elephant,fox"]
        done = self.run_well("evaluate", model, *data, "--confusion-matrix")
        table = [line.split() for line in done.stdout.splitlines()[-5:]]
        self.assertEqual(table[0], ["true", "\\", "predicted", "cat", "dog", "elephant", "fox"])
        self.assertEqual(table[1], ["cat", "1", "0", "0", "0"])
        self.assertEqual(table[2], ["dog", "1", "0", "1", "0"])
        self.assertEqual(table[3], ["elephant", "0", "1", "0", "0"])

    def test_validation_of_a_training(self) -> None:
        data = self.save_data(**self.samples(count=30))
        options = ["--data", data, "--validation-data", data, "--json", "--learning-rate", "0"]
        asked = ["--metric", "f1_macro", "--metric", "roc_auc", "--metric", "top_2_accuracy"]
        model = self.save(linear_model())
        out = ["-o", self.path("tuned.onnx")]
        trained = json.loads(self.run_well("train", model, *options, *asked, *out).stdout)
        evaluated = self.run_well("evaluate", model, "--data", data, "--json", *asked).stdout
        for name in ("f1_macro", "roc_auc", "top_2_accuracy"):
            self.assertEqual(trained[name], json.loads(evaluated)[name])

    def test_refusals(self) -> None:
        model = self.save(linear_model(classes=3))
        data = ["--data", self.save_data(**self.samples())]
        for code, problem, options in (
            (2, "did you mean f1_macro", ["--metric", "f1_makro"]),
            (2, "expected one of accuracy", ["--metric", "top_0_accuracy"]),
            (65, "use f1_macro, f1_micro or f1_weighted", ["--metric", "f1"]),
            (65, "expected one of classes", ["--metric", "mae"]),
            (65, "expected mae, rmse or r2", ["--metric", "accuracy", "--loss", "mse"]),
            (65, "confusion matrix does not suit", ["--confusion-matrix", "--loss", "mse"]),
        ):
            done = run("evaluate", model, *data, *options)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(problem, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
