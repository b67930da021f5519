"""A run's records and its report, as the tests of both read them."""

import html
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper
from sklearn.datasets import load_digits

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from program import ProgramTest, make_model  # noqa: E402

CHART = re.compile(
    r'<figure class="chart"><figcaption>(?:<h3>(.*?)</h3>)?.*?'
    r'<script type="application/json">(.*?)</script></figure>',
    re.DOTALL,
)


def small_cnn() -> onnx.ModelProto:
    """[n, 1, 8, 8] → Conv 3×3 → Relu → Gemm → [n, 10]"""
    random = np.random.default_rng(7)
    shapes = {"conv.w": (6, 1, 3, 3), "conv.b": (6,), "head.w": (216, 10), "head.b": (10,)}
    tensors = [
        numpy_helper.from_array((random.normal(size=shape) / 6).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["x", "conv.w", "conv.b"], ["c"], name="conv"),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("Flatten", ["r"], ["f"], name="flatten"),
        helper.make_node("Gemm", ["f", "head.w", "head.b"], ["y"], name="head"),
    ]
    return make_model(nodes, tensors, ["n", 1, 8, 8], ["n", 10])


def charts_of(page: str) -> dict[str, dict]:
    """The figures of a page by their titles."""
    return {html.unescape(title): json.loads(text) for title, text in CHART.findall(page)}


class ReportTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.run_folder = self.path("run")
        self.output = self.path("out.onnx")

    def train_digits(self, *options: object) -> None:
        digits, target = load_digits(return_X_y=True)
        images = (digits / 16).astype(np.float32).reshape(-1, 1, 8, 8)
        model = self.save(small_cnn())
        data = self.save_data("train.npz", x=images[:200], target=target[:200])
        validation = self.save_data("validation.npz", x=images[200:500], target=target[200:500])
        arguments = [model, "--data", data, "--validation-data", validation, "-o", self.output]
        arguments += ["--optimizer", "adam", "--batch-size", "20"]
        if "--learning-rate" not in options:
            arguments += ["--learning-rate", "0.01"]
        arguments += ["--epochs", "6", "--log-every", "4", "--run-directory", self.run_folder]
        self.run_well("train", *arguments, *options)

    def report(self, *options: object) -> str:
        self.run_well("report", self.run_folder, *options)
        return (self.run_folder / "report.html").read_text(encoding="utf-8")

    def records(self, kind: str) -> list[dict]:
        lines = (self.run_folder / "records.jsonl").read_text(encoding="utf-8").splitlines()
        return [record for record in map(json.loads, lines) if record["kind"] == kind]

    def values(self, kind: str, tag: str) -> Iterator[tuple[int, float]]:
        for record in self.records(kind):
            if tag in record["values"]:
                yield record["step"], record["values"][tag]

    def assert_says(self, page: str, text: str) -> None:
        self.assertTrue(text in html.unescape(page), f"the page lacks {text}")

    def assert_near(self, found: list, expected: list) -> None:
        np.testing.assert_allclose(np.array(found, float), np.array(expected, float), rtol=1e-7)

    def best_records(self, kind: str) -> list[dict]:
        """Of the epoch with the least validation loss."""
        epochs = self.records("epoch")
        best = min(epochs, key=lambda record: record["values"]["validation/loss"])["epoch"]
        return [record for record in self.records(kind) if record["epoch"] == best]
