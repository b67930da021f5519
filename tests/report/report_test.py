"""`strop report`: the page holds what records.jsonl holds, says what it lacks, needs no network."""

import json
import math
import re
import sys
import unittest
from pathlib import Path

import numpy as np
import onnxruntime
from run_report import ReportTest, charts_of, small_cnn
from scipy.special import logsumexp
from sklearn.datasets import load_digits

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from program import linear_model, run  # noqa: E402

LAYERS = ["conv", "head"]


class PageTest(ReportTest):
    def test_the_page_holds_the_records(self) -> None:
        self.train_digits("--metric", "accuracy", "--metric", "log_loss", "--schedule", "cosine")
        page = self.report()
        charts = charts_of(page)
        epochs = self.records("epoch")
        self.assertEqual(len(epochs), 6)

        curves = {trace["name"]: trace for trace in charts["Training and validation loss"]["data"]}
        for name, tag in (("training", "train/epoch_loss"), ("validation", "validation/loss")):
            self.assertEqual(curves[name]["x"], [1, 2, 3, 4, 5, 6])
            self.assert_near(curves[name]["y"], [record["values"][tag] for record in epochs])
        self.assertEqual(curves["validation"]["fill"], "tonexty")  # the gap
        steps, losses = zip(*self.values("scalars", "train/loss"), strict=True)
        self.assert_near(curves["training, single batches"]["y"], losses)
        self.assert_near(curves["training, single batches"]["x"], np.array(steps) / 10)
        marks = charts["Training and validation loss"]["layout"]["annotations"]
        validation = [record["values"]["validation/loss"] for record in epochs]
        best = int(np.argmin(validation)) + 1
        self.assertEqual([mark["text"] for mark in marks], [f"best: epoch {best}"])

        steps, rates = zip(*self.values("scalars", "train/learning_rate"), strict=True)
        curves = {trace["name"]: trace for trace in charts["Learning rate"]["data"]}
        self.assert_near(curves["by step"]["x"], np.array(steps) / 10)
        self.assert_near(curves["by step"]["y"], rates)
        self.assert_near(
            curves["at the epoch's end"]["y"],
            [rate for _, rate in self.values("epoch", "train/epoch_learning_rate")],
        )

        (trace,) = charts["Gradients by layer"]["data"]
        self.assertEqual(trace["y"], LAYERS)
        elements = {"conv": 60, "head": 2170}
        for layer, row, logarithms in zip(LAYERS, trace["customdata"], trace["z"], strict=True):
            weight = dict(self.values("scalars", f"gradient_norm/{layer}.w"))
            bias = dict(self.values("scalars", f"gradient_norm/{layer}.b"))
            self.assertEqual(trace["x"], list(weight))
            rms = [math.hypot(weight[s], bias[s]) / math.sqrt(elements[layer]) for s in weight]
            self.assert_near(row, rms)
            self.assert_near(10 ** np.array(logarithms), rms)
        (trace,) = charts["Update to weight by layer"]["data"]
        for layer, row in zip(LAYERS, trace["customdata"], strict=True):
            ratios = self.values("scalars", f"update_ratio/{layer}.w")
            self.assert_near(row, [ratio for _, ratio in ratios])
        (trace,) = charts["Mean"]["data"]
        self.assertEqual(trace["y"], ["conv", "relu", "head"])
        means = self.values("scalars", "activation_mean/relu")
        self.assert_near(trace["z"][1], [mean for _, mean in means])

        for record in self.records("histogram"):
            if record["tag"] == "weights/head.w":
                (trace,) = charts["weights/head.w"]["data"]
                column = trace["x"].index(record["step"])
                shares = [row[column] for row in trace["z"]]
                self.assertGreater(sum(shares), 0.99)  # all but outliers
                mean = np.dot(shares, trace["y"]) / sum(shares)
                self.assertAlmostEqual(mean, record["sum"] / record["count"], delta=0.01)

        (start,) = self.records("run")
        self.assert_says(page, start["command"])
        self.assert_says(page, start["environment"]["processor"])
        self.assert_says(page, (self.run_folder / "config.toml").read_text(encoding="utf-8"))

    def test_gradients_are_shown_by_magnitude(self) -> None:
        self.train_digits()
        chart = charts_of(self.report())["gradients/head.w, magnitude"]
        (trace,) = chart["data"]
        self.assertEqual(chart["layout"]["yaxis"]["type"], "log")
        edges = np.array(trace["y"])
        rows = np.array(trace["z"])
        self.assertEqual(len(edges), len(rows) + 1)
        for record in self.records("histogram"):
            if record["tag"] != "gradients/head.w":
                continue
            shares = rows[:, trace["x"].index(record["step"])]
            lows = np.maximum(record["limits"][:-1], record["minimum"])
            highs = np.minimum(record["limits"][1:], record["maximum"])
            counts = np.array(record["counts"])[lows * highs > 0]  # all but the bucket of the 0
            self.assertAlmostEqual(shares.sum(), counts.sum() / record["count"], delta=1e-2)
            sizes = np.sqrt(edges[1:] * edges[:-1])
            rms = math.sqrt(np.dot(shares, sizes**2))
            self.assertAlmostEqual(
                rms, math.sqrt(record["sum_of_squares"] / record["count"]), delta=0.1 * rms
            )

    def test_watching_changes_nothing(self) -> None:
        self.train_digits()
        watched = self.output.read_bytes()
        self.run_folder = self.path("unwatched")
        self.train_digits("--no-monitor")
        self.assertEqual(self.output.read_bytes(), watched)
        self.assertEqual(self.records("confusion_matrix") + self.records("examples"), [])

    def test_the_page_needs_no_network(self) -> None:
        self.train_digits()
        page = self.report()
        own = re.sub(r"<script>\n/\*.*?</script>", "", page, count=1, flags=re.DOTALL)
        self.assertLess(len(own), len(page) / 5)  # the library is out
        self.assertIsNone(re.search(r"""(src|href)\s*=\s*["'](?!#|data:)""", own))
        self.assertIsNone(re.search("http(?!-equiv)", own))
        self.assert_says(page, "default-src 'none'")

    def test_says_the_summary(self) -> None:
        self.train_digits()
        page = self.path("page.html")
        done = self.run_well("report", self.run_folder, "-o", page, "--json")
        summary = json.loads(done.stdout)
        losses = [loss for _, loss in self.values("epoch", "validation/loss")]
        self.assertEqual(summary["status"], "finished")
        self.assertEqual(summary["best_validation_loss"], min(losses))
        self.assertEqual(summary["validation_loss"], losses[-1])
        self.assertEqual(summary["best_epoch"], losses.index(min(losses)) + 1)
        self.assertEqual((summary["steps"], summary["epochs"]), (60, 6))
        self.assertEqual(summary["page"], str(page))
        self.assertTrue(page.exists())
        self.assertFalse((self.run_folder / "report.html").exists())

    def test_says_what_is_missing(self) -> None:
        self.save(linear_model())
        self.save_data(**self.samples(count=40))
        arguments = [self.path("model.onnx"), "--data", self.path("data.npz"), "-o", self.output]
        self.run_well("train", *arguments, "--run-directory", self.run_folder, "--no-monitor")
        page = self.report()
        for said in (
            *("Without validation data", "No metric", "No layer was measured"),
            *("No confusion matrix", "No worst examples"),
        ):
            self.assert_says(page, said)
        with (self.run_folder / "records.jsonl").open("a") as file:
            file.write('{"kind":"hologram","step":1,"epoch":1,"time":0}\n{"kind":"sca')
        self.assert_says(self.report(), "1 line of records.jsonl could not be read")

    def test_compares_runs(self) -> None:
        folders = []
        for rate in ("0.01", "0.001"):
            self.run_folder = self.path(f"rate-{rate}")
            folders.append(self.run_folder)
            self.train_digits("--learning-rate", rate)
        done = run("report", *folders)
        self.assertEqual(done.returncode, 2, done.stderr)
        output = self.path("comparison.html")
        done = self.run_well("report", *folders, "-o", output, "--json")
        summaries = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([row["run"] for row in summaries], [str(path) for path in folders])
        page = output.read_text(encoding="utf-8")
        traces = charts_of(page)["Validation loss"]["data"]
        self.assertEqual([trace["name"] for trace in traces], [path.name for path in folders])
        for folder, trace in zip(folders, traces, strict=True):
            self.run_folder = folder
            self.assert_near(trace["y"], [v for _, v in self.values("epoch", "validation/loss")])
        (row,) = re.findall(r"<tr><th[^>]*>learning-rate</th>(.*?)</tr>", page)
        self.assertEqual(re.findall(r">([\d.]+)<", row), ["0.01", "0.001"])
        rows = re.findall(r"<tr><th[^>]*>batch-size</th>", page)
        self.assertEqual(rows, [])

    def test_a_short_run_has_curves(self) -> None:
        digits, target = load_digits(return_X_y=True)
        images = (digits / 16).astype(np.float32).reshape(-1, 1, 8, 8)
        model = self.save(small_cnn())
        data = self.save_data(x=images[:200], target=target[:200])
        arguments = [model, "--data", data, "-o", self.output, "--batch-size", "50"]
        for epochs, points in ((1, 4), (3, 12), (10, 20)):
            self.run_folder = self.path(f"run-{epochs}")
            folder = ["--run-directory", self.run_folder]
            self.run_well("train", *arguments, "--epochs", str(epochs), *folder)
            losses = list(self.values("scalars", "train/loss"))
            self.assertGreaterEqual(len(losses), points)
            self.assertGreaterEqual(len(list(self.values("scalars", "gradient_norm/conv.w"))), 4)
            rates = [rate for _, rate in self.values("epoch", "train/epoch_learning_rate")]
            self.assertEqual(rates, [1e-3] * epochs)
            charts = charts_of(self.report())
            for trace in charts["Training and validation loss"]["data"]:
                self.assertIn("markers", trace["mode"])
                count = epochs if trace["name"] == "training" else len(losses)
                self.assertEqual(len(trace["x"]), count)

    def test_says_whose_weights_were_exported(self) -> None:
        self.train_digits("--early-stopping", "50", "--learning-rate", "0.05")
        (end,) = self.records("end")
        self.assertEqual(end["weights"], "best")
        digits, target = load_digits(return_X_y=True)
        images = (digits / 16).astype(np.float32).reshape(-1, 1, 8, 8)[200:500]
        session = onnxruntime.InferenceSession(self.output)
        logits = session.run(None, {"x": images})[0].astype(np.float64)
        loss = np.mean(logsumexp(logits, axis=1) - logits[range(300), target[200:500]])
        losses = [loss for _, loss in self.values("epoch", "validation/loss")]
        self.assertAlmostEqual(losses[end["weights_epoch"] - 1], loss, delta=1e-5 * loss)
        epoch = end["weights_epoch"]
        self.assert_says(self.report(), f"those of epoch {epoch}, which has the best")
        summary = json.loads(self.run_well("report", self.run_folder, "--json").stdout)
        self.assertEqual(summary["weights_epoch"], end["weights_epoch"])
        self.run_folder = self.path("last")
        self.train_digits()
        self.assert_says(self.report(), "those of epoch 6, the last")

    def test_goes_on_after_a_break(self) -> None:
        self.train_digits("--steps", "25")
        self.train_digits("--steps", "60", "--resume")
        chart = charts_of(self.report())["Training and validation loss"]
        marks = [mark["text"] for mark in chart["layout"]["annotations"]]
        self.assertIn("resumed", marks)
        for kind in ("epoch", "confusion_matrix"):
            epochs = [record["epoch"] for record in self.records(kind)]
            self.assertEqual(epochs, [1, 2, 3, 4, 5, 6])

    def test_refuses_what_is_no_run(self) -> None:
        self.path("empty").mkdir()
        self.path(
            "empty",
        ).joinpath("records.jsonl").write_text("not a record\n")
        for folder in (self.path("none"), self.folder, self.path("empty")):
            done = run("report", folder)
            self.assertEqual(done.returncode, 66, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(str(folder), done.stderr)
        self.assertEqual(run("report").returncode, 2)

    def test_does_not_write_over_the_records(self) -> None:
        self.train_digits("--steps", "2")
        records = self.run_folder / "records.jsonl"
        before = records.read_bytes()
        done = run("report", self.run_folder, "-o", records)
        self.assertEqual(done.returncode, 73, done.stderr)
        self.assertEqual(records.read_bytes(), before)
        done = run("report", self.run_folder, "-o", self.path("no/page.html"))
        self.assertEqual(done.returncode, 73, done.stderr)


if __name__ == "__main__":
    unittest.main()
