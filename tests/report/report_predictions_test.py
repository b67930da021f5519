"""What `strop report` shows of a model's predictions: those of the exported model."""

import base64
import io
import re
import sys
import unittest
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import helper, numpy_helper
from PIL import Image
from run_report import ReportTest, charts_of
from scipy.special import logsumexp
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from program import linear_model, make_model  # noqa: E402


class PredictionsTest(ReportTest):
    def test_predictions_are_those_of_the_exported_model(self) -> None:
        self.train_digits("--early-stopping", "50")  # the best weights are exported
        (best,) = (trace for trace in self.best_records("confusion_matrix"))
        digits, target = load_digits(return_X_y=True)
        images = (digits / 16).astype(np.float32).reshape(-1, 1, 8, 8)[200:500]
        target = target[200:500]
        session = onnxruntime.InferenceSession(self.output)
        logits = session.run(None, {"x": images})[0].astype(np.float64)
        matrix = confusion_matrix(target, logits.argmax(axis=1), labels=range(10))
        self.assertEqual(best["counts"], matrix.tolist())
        self.assertEqual(best["labels"], [str(digit) for digit in range(10)])
        losses = logsumexp(logits, axis=1) - logits[range(300), target]
        worst = np.argsort(-losses)[:16]
        (examples,) = self.best_records("examples")
        self.assertEqual([row["sample"] for row in examples["examples"]], worst.tolist())
        for row in examples["examples"]:
            sample = row["sample"]
            self.assertAlmostEqual(row["loss"], losses[sample], delta=1e-4 * losses[sample])
            self.assertEqual(row["true"], str(target[sample]))
            self.assertEqual(row["predicted"], str(logits[sample].argmax()))
            picture = np.array(Image.open(io.BytesIO(base64.b64decode(row["png"]))))
            self.assertEqual(picture.shape, (64, 64))
            expected = images[sample, 0] / images[sample].max() * 255
            self.assertLessEqual(abs(picture[::8, ::8] - expected).max(), 0.51)

        page = self.report()
        (trace,) = charts_of(page)["Confusion matrix"]["data"]
        self.assertEqual(trace["z"], matrix.tolist())
        self.assertEqual(
            re.findall(r'src="data:image/png;base64,([^"]*)"', page),
            [row["png"] for row in examples["examples"]],
        )

    def test_a_regression_is_shown_against_the_truth(self) -> None:
        random = np.random.default_rng(7)
        x = random.normal(size=(900, 4)).astype(np.float32)
        target = (x @ random.normal(size=(4, 2)) + 0.1 * random.normal(size=(900, 2))).astype("f4")
        model = self.save(linear_model(classes=2))
        data = self.save_data("train.npz", x=x[:100], target=target[:100])
        validation = self.save_data("validation.npz", x=x[100:], target=target[100:])
        arguments = [model, "--data", data, "--validation-data", validation, "-o", self.output]
        arguments += ["--loss", "mse", "--early-stopping", "50", "--epochs", "3"]
        self.run_well("train", *arguments, "--run-directory", self.run_folder)
        (record,) = self.best_records("regression")
        self.assertEqual(record["outputs"], [0, 1])
        self.assertEqual(record["samples"], list(range(0, 800, 2)))  # 800 are more than 512
        chosen = 100 + np.array(record["samples"])
        session = onnxruntime.InferenceSession(self.output)
        predicted = session.run(None, {"x": x})[0]
        np.testing.assert_allclose(np.array(record["predicted"]).T, predicted[chosen], atol=1e-5)
        np.testing.assert_array_equal(np.array(record["true"]).T, target[chosen])
        page = self.report()
        chart = charts_of(page)["Predicted against true"]
        for output, trace in enumerate(chart["data"][:2]):
            self.assert_near(trace["x"], record["true"][output])
            self.assert_near(trace["y"], record["predicted"][output])
        self.assertEqual(chart["layout"]["yaxis"]["scaleanchor"], "x")
        errors = np.abs(predicted[chosen] - target[chosen])
        self.assert_says(page, "Largest errors of these")
        sample = record["samples"][int(np.argmax(errors.max(axis=1)))]
        (first,) = re.findall(r"Largest errors.*?<tbody>\n<tr><th[^>]*>(\d+)</th>", page, re.DOTALL)
        self.assertEqual(int(first), sample)

    def test_classes_of_folders_have_names(self) -> None:
        random = np.random.default_rng(5)
        for split in ("train", "validation"):
            for name in ("cat", "dog", "<b>eel"):
                self.path(f"{split}/{name}").mkdir(parents=True)
                for i in range(4):
                    pixels = random.integers(0, 255, (8, 8, 3), dtype=np.uint8)
                    Image.fromarray(pixels).save(self.path(f"{split}/{name}/{i}.png"))
        weight = random.normal(size=(192, 3)).astype(np.float32)
        tensors = [numpy_helper.from_array(weight, "w")]
        nodes = [
            helper.make_node("Flatten", ["x"], ["f"], name="flatten"),
            helper.make_node("MatMul", ["f", "w"], ["y"], name="head"),
        ]
        model = self.save(make_model(nodes, tensors, ["n", 3, 8, 8], ["n", 3]))
        arguments = [model, "--data", self.path("train"), "-o", self.output]
        arguments += ["--validation-data", self.path("validation")]
        self.run_well("train", *arguments, "--run-directory", self.run_folder)
        (matrix,) = self.records("confusion_matrix")
        self.assertEqual(matrix["labels"], ["<b>eel", "cat", "dog"])
        self.assertEqual(np.sum(matrix["counts"], axis=1).tolist(), [4, 4, 4])
        (worst,) = self.records("examples")
        names = [row["true"] for row in sorted(worst["examples"], key=lambda row: row["sample"])]
        self.assertEqual(names, [name for name in matrix["labels"] for _ in range(4)])
        page = self.report()
        self.assertNotIn("<b>", page.split("<script>\n/*")[0])

    def test_pictures_have_their_own_colors(self) -> None:
        random = np.random.default_rng(5)
        pictures = {}
        for split in ("train", "validation"):
            for name in ("cat", "dog"):
                self.path(f"{split}/{name}").mkdir(parents=True)
                for i in range(3):
                    pixels = random.integers(40, 180, (8, 8, 3), dtype=np.uint8)
                    Image.fromarray(pixels).save(self.path(f"{split}/{name}/{i}.png"))
                    pictures.setdefault(split, []).append(pixels)
        weight = random.normal(size=(192, 2)).astype(np.float32)
        nodes = [
            helper.make_node("Flatten", ["x"], ["f"], name="flatten"),
            helper.make_node("MatMul", ["f", "w"], ["y"], name="head"),
        ]
        tensors = [numpy_helper.from_array(weight, "w")]
        model = self.save(make_model(nodes, tensors, ["n", 3, 8, 8], ["n", 2]))
        arguments = [model, "--data", self.path("train"), "-o", self.output]
        arguments += ["--validation-data", self.path("validation")]
        arguments += ["--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225"]
        self.run_well("train", *arguments, "--run-directory", self.run_folder)
        (examples,) = self.records("examples")
        self.assertEqual(len(examples["examples"]), 6)
        for row in examples["examples"]:
            shown = np.array(Image.open(io.BytesIO(base64.b64decode(row["png"]))))
            np.testing.assert_array_equal(shown[::8, ::8], pictures["validation"][row["sample"]])
        (samples,) = self.records("image")
        shown = np.array(Image.open(io.BytesIO(base64.b64decode(samples["png"]))))
        np.testing.assert_array_equal(shown[:64:8, :64:8], pictures["train"][0])


if __name__ == "__main__":
    unittest.main()
