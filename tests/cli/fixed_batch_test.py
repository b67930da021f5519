"""Models that take whole batches only: evaluated on any number of samples as if the batches were
free, trained where whole batches can be made, or refused with advice that works."""

import json
import unittest

import numpy as np
import onnxruntime
from bad_input_test import BAD_DATA, BadInputTest
from onnx import ModelProto
from program import linear_model

BATCH = 16


class FixedBatchTest(BadInputTest):
    def setUp(self) -> None:
        super().setUp()
        proto = linear_model(hidden=6)
        for value in (proto.graph.input[0], proto.graph.output[0]):
            value.type.tensor_type.shape.dim[0].dim_value = BATCH
        self.model = self.save(proto)
        self.free = self.save(linear_model(hidden=6), "free.onnx")

    def logits(self, model: object, x: np.ndarray) -> np.ndarray:
        session = onnxruntime.InferenceSession(str(model))
        return session.run(None, {"x": x})[0].astype(np.float64)

    def evaluate(self, model: object, data: object, *options: object) -> dict[str, object]:
        done = self.run_well("evaluate", model, "--data", data, "--json", *options)
        return json.loads(done.stdout)

    def test_evaluation_leaves_the_padding_out(self) -> None:
        for count in (10, 16, 100):
            samples = self.samples(count=count)
            data = self.save_data(**samples)
            logits = self.logits(self.free, samples["x"])
            softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
            losses = -np.log(softmax[np.arange(count), samples["target"]])
            row = self.evaluate(self.model, data, "--metric", "accuracy", "--confusion-matrix")
            self.assertEqual(row["samples"], count)
            self.assertAlmostEqual(row["loss"], losses.mean(), places=6)
            accuracy = (logits.argmax(1) == samples["target"]).mean()
            self.assertAlmostEqual(row["accuracy"], accuracy, places=12)
            self.assertEqual(np.sum(row["confusion_matrix"]), count)
            weights = np.array([1, 2, 5])[samples["target"]]
            row = self.evaluate(self.model, data, "--class-weights", "1,2,5")
            self.assertAlmostEqual(row["loss"], (weights * losses).sum() / weights.sum(), places=6)

    def test_regression_and_answers(self) -> None:
        samples = self.samples(count=21)
        logits = self.logits(self.free, samples["x"])
        target = np.random.default_rng(8).random((21, 3))
        data = self.save_data(x=samples["x"], target=target)
        row = self.evaluate(self.model, data, "--loss", "mse", "--metric", "mae")
        self.assertAlmostEqual(row["loss"], ((logits - target) ** 2).mean(), places=6)
        self.assertAlmostEqual(row["mae"], np.abs(logits - target).mean(), places=6)
        row = self.evaluate(self.model, data, "--loss", "binary_cross_entropy")
        losses = np.log1p(np.exp(logits)) - target * logits
        self.assertAlmostEqual(row["loss"], losses.mean(), places=6)

    def test_validation(self) -> None:
        """The validation loss of a run's only epoch is that of the exported model."""
        data = self.save_data(**self.samples(count=32))
        held_out = self.samples(count=21, seed=7)
        validation = self.save_data("validation.npz", **held_out)
        arguments = ["--data", data, "--validation-data", validation, "--epochs", 1, "--json"]
        done = self.run_well("train", self.model, *arguments, "-o", self.output)
        row = json.loads(done.stdout.splitlines()[0])
        logits = self.logits(self.freed(), held_out["x"])
        softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        losses = -np.log(softmax[np.arange(21), held_out["target"]])
        self.assertAlmostEqual(row["validation_loss"], losses.mean(), places=6)

    def freed(self) -> object:
        """The trained model with a dynamic batch."""
        proto = ModelProto.FromString(self.output.read_bytes())
        for value in (proto.graph.input[0], proto.graph.output[0]):
            value.type.tensor_type.shape.dim[0].dim_param = "n"
        return self.save(proto, "freed.onnx")

    def test_advice_works(self) -> None:
        data = self.save_data(**self.samples(count=100))
        train = ["train", self.model, "--data", data]
        line = self.refuse(BAD_DATA, "--drop-last", *train, "-o", self.output)
        self.assertIn("do not divide 100 samples", line)
        self.run_well(*train, "--drop-last", "-o", self.path("dropped.onnx"))
        # 80 samples are left to train on.
        self.run_well(*train, "--validation-split", "0.2", "-o", self.path("split.onnx"))
        self.refuse(
            BAD_DATA,
            "use --batch-size 16",
            "evaluate",
            self.model,
            "--data",
            data,
            "--batch-size",
            8,
        )
        self.run_well("evaluate", self.model, "--data", data, "--batch-size", 16)

    def test_fewer_samples_than_a_batch(self) -> None:
        data = self.save_data(**self.samples(count=10))
        train = ["train", self.model, "--data", data, "-o", self.output]
        for options in ([], ["--drop-last"], ["--batch-size", 16]):
            line = self.refuse(BAD_DATA, "found 10 samples to train on, too few", *train, *options)
            self.assertNotIn("--drop-last", line)
        step = ["find-learning-rate", self.model, "--data", data]
        self.refuse(BAD_DATA, "too few", *step)


if __name__ == "__main__":
    unittest.main()
