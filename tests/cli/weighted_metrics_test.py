"""Every metric of `strop evaluate --sample-weight`, in double, against scikit-learn's."""

import json
import unittest
import warnings

import numpy as np
import sklearn.metrics as sk
from onnx import helper
from program import ProgramTest, make_model


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


class WeightedMetricsTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.random = np.random.default_rng(7)

    def measured(
        self, output: np.ndarray, target: np.ndarray, weights: np.ndarray, *more: object
    ) -> dict:
        """What evaluate says of a model whose output is its input."""
        shape = ["n", *output.shape[1:]]
        nodes = [helper.make_node("Identity", ["x"], ["y"])]
        model = self.save(make_model(nodes, [], shape, shape))
        data = self.save_data(x=output, target=target, w=weights)
        arguments = ["--data", data, "--sample-weight", "w", "--precision", "f64", "--json"]
        done = self.run_well("evaluate", model, *arguments, "--batch-size", 7, *more)
        return json.loads(done.stdout)

    def check_metrics(self, expected: dict, *given: object) -> None:
        asked = [word for name in expected for word in ("--metric", name)]
        found = self.measured(*given, *asked)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-12, err_msg=name)

    def test_metrics_are_scikit_learn_s(self) -> None:
        warnings.simplefilter("ignore")  # scikit-learn's, of classes that weigh nothing
        for classes in (2, 3, 6):
            labels = self.random.integers(0, classes, 60)
            logits = self.random.normal(size=(60, classes)) + np.eye(classes)[labels]
            weights = self.random.exponential(size=60)
            weights[self.random.random(60) < 0.2] = 0
            if classes == 6:
                weights[labels == 5] = 0  # there, and of no weight
            probabilities, predicted = softmax(logits), logits.argmax(axis=1)
            given = {"sample_weight": weights}
            ratios = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}
            expected = {
                f"{name}_{average}": score(
                    labels, predicted, average=average, zero_division=0, **given
                )
                for name, score in ratios.items()
                for average in ("macro", "micro", "weighted")
            }
            expected["mean_iou"] = sk.jaccard_score(labels, predicted, average="macro", **given)
            expected["accuracy"] = sk.accuracy_score(labels, predicted, **given)
            expected["balanced_accuracy"] = sk.balanced_accuracy_score(labels, predicted, **given)
            all_classes = np.arange(classes)
            expected["log_loss"] = sk.log_loss(labels, probabilities, labels=all_classes, **given)
            expected["perplexity"] = np.exp(expected["log_loss"])
            one_hot = np.eye(classes)[labels]
            if classes == 2:
                score = logits[:, 1] - logits[:, 0]
                expected["roc_auc"] = sk.roc_auc_score(labels, score, **given)
                expected["average_precision"] = sk.average_precision_score(labels, score, **given)
                for name, of_one in ratios.items():
                    expected[name] = of_one(labels, predicted, **given)
            elif classes == 3:
                for average, suffix in (("macro", ""), ("weighted", "_weighted")):
                    expected[f"roc_auc{suffix}"] = sk.roc_auc_score(
                        one_hot, probabilities, average=average, **given
                    )
                    expected[f"average_precision{suffix}"] = sk.average_precision_score(
                        one_hot, probabilities, average=average, **given
                    )
            if classes > 2:
                expected["top_2_accuracy"] = sk.top_k_accuracy_score(
                    labels, logits, k=2, labels=all_classes, **given
                )
            with self.subTest(classes=classes):
                self.check_metrics(expected, logits, labels, weights)
                matrix = self.measured(logits, labels, weights, "--confusion-matrix")
                counted = sk.confusion_matrix(labels, predicted).tolist()
                self.assertEqual(matrix["confusion_matrix"], counted)  # of samples

    def test_metrics_of_several_labels_and_of_numbers(self) -> None:
        weights = self.random.exponential(size=60)
        answers = self.random.integers(0, 2, (60, 3)).astype(float)
        logits = self.random.normal(size=(60, 3)) + answers
        said, given = logits > 0, {"sample_weight": weights}
        expected = {
            "accuracy": sk.accuracy_score(answers, said, **given),
            "f1_macro": sk.f1_score(answers, said, average="macro", **given),
            "roc_auc": sk.roc_auc_score(answers, logits, **given),
            "log_loss": np.mean(
                [
                    sk.log_loss(answers[:, c], sigmoid(logits[:, c]), labels=[0, 1], **given)
                    for c in range(3)
                ]
            ),
        }
        self.check_metrics(expected, logits, answers, weights, "--loss", "binary_cross_entropy")
        numbers = self.random.normal(size=(60, 3)) * [1, 100, 1e6] + [0, 1e6, -1e6]
        guesses = numbers + self.random.normal(size=(60, 3))
        expected = {
            "mae": sk.mean_absolute_error(numbers, guesses, **given),
            "rmse": sk.root_mean_squared_error(numbers, guesses, **given),
            "r2": sk.r2_score(numbers, guesses, **given),
        }
        self.check_metrics(expected, guesses, numbers, weights, "--loss", "mse")


if __name__ == "__main__":
    unittest.main()
