"""What a run exports is finite, or the run says that it diverged."""

import math
import pathlib
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from program import ProgramTest, linear_model, make_model, run
from sklearn.metrics import roc_auc_score

BAD_DATA = 65


def weights_of(path: pathlib.Path) -> dict[str, np.ndarray]:
    return {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}


class FiniteTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.output = self.path("out.onnx")
        random = np.random.default_rng(1)
        self.x = random.normal(size=(64, 4)).astype(np.float32)
        y = np.stack([self.x.sum(1), self.x[:, 0], self.x[:, 2]], axis=1)
        self.model = self.save(linear_model())
        self.data = self.save_data(x=self.x, target=y.astype(np.float32))
        self.task = ["--data", self.data, "--loss", "mse"]

    def fails(self, words: str, *arguments: object) -> str:
        done = run(*arguments)
        self.assertEqual(done.returncode, BAD_DATA, done.stderr)
        line = done.stderr.splitlines()[-1]
        self.assertIn(words, line)
        return line

    def train(self, *options: object) -> list[object]:
        optimizer = [] if "--optimizer" in options else ["--optimizer", "sgd"]
        steps = ["--batch-size", "64", *optimizer, *options]
        return ["train", self.model, *self.task, *steps, "-o", self.output]

    def test_the_last_step_of_a_run(self) -> None:
        for more in (
            [],
            ["--optimizer", "adam", "--ema-decay", "0.5"],
            ["--optimizer", "lion", "--clip-norm", "1"],
            ["--swa-start", "1", "--swa-learning-rate", "1e300"],
            ["--lora", "fc0", "--lora-rank", "1"],
        ):
            with self.subTest(more=more):
                line = self.fails("holds", *self.train("--learning-rate", "1e300", *more))
                self.assertIn("diverged at step 1 (epoch 1)", line)
                self.assertFalse(self.output.exists())

    def test_comes_back_to_the_last_good_epoch(self) -> None:
        schedule = ["--schedule", "multi_step", "--milestones", "2", "--gamma", "1e300"]
        line = self.fails("epoch 3", *self.train("--epochs", "3", *schedule))
        self.assertIn("holds the weights of epoch 2", line)
        kept = weights_of(self.output)
        self.run_well(*self.train("--epochs", "2"))
        for name, tensor in weights_of(self.output).items():
            np.testing.assert_array_equal(tensor, kept[name])

    def test_a_validation_loss_that_is_no_number(self) -> None:
        nodes = [
            helper.make_node("Sqrt", ["x"], ["r"], name="root"),
            helper.make_node("MatMul", ["r", "w"], ["y"], name="fc"),
        ]
        weight = numpy_helper.from_array(np.ones((4, 3), np.float32), "w")
        model = self.save(make_model(nodes, [weight], ["n", 4], ["n", 3]))
        target = np.zeros((64, 3), np.float32)
        good = self.save_data("good.npz", x=abs(self.x), target=target)
        bad = self.save_data("bad.npz", x=self.x, target=target)
        train = ["train", model, "--data", good, "--validation-data", bad, "--loss", "mse"]
        line = self.fails("the validation loss is nan", *train, "-o", self.output, "--epochs", "9")
        self.assertIn("(epoch 1)", line)
        self.assertIn("Sqrt root makes NaN", line)
        self.assertFalse(self.output.exists())

    def test_a_weight_that_its_type_in_the_file_cannot_hold(self) -> None:
        half = numpy_helper.from_array(np.zeros((4, 1), np.float16), "w")
        nodes = [
            helper.make_node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16),
            helper.make_node("MatMul", ["h", "w"], ["o"], name="fc"),
            helper.make_node("Cast", ["o"], ["y"], to=TensorProto.FLOAT),
        ]
        model = self.save(make_model(nodes, [half], ["n", 4], ["n", 1]))
        x = np.ones((8, 4), np.float32)
        data = self.save_data("large.npz", x=x, target=np.full((8, 1), 1e5, np.float32))
        train = ["train", model, "--data", data, "--loss", "mse", "--optimizer", "sgd"]
        train += ["--batch-size", "8", "--learning-rate"]
        # The gradient of every weight is -2e5.
        self.run_well(*train, 65504 / 2e5, "-o", self.output)
        np.testing.assert_array_equal(weights_of(self.output)["w"], np.float16(65504))
        line = self.fails("cannot hold", *train, 70000 / 2e5, "-o", self.path("no.onnx"))
        self.assertIn('"w" holds 70000', line)
        self.assertFalse(self.path("no.onnx").exists())

    def test_weights_of_the_model(self) -> None:
        for number in (math.inf, math.nan):
            model = linear_model()
            weight = numpy_helper.to_array(model.graph.initializer[0]).copy()
            weight[2, 1] = number
            model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weight, "w0"))
            bad = self.save(model, "bad.onnx")
            self.fails('tensor "w0" holds', "train", bad, *self.task, "-o", self.output)
            self.assertFalse(self.output.exists())
        self.fails("the loss is nan", "evaluate", bad, *self.task)

    def test_a_mask_may_be_infinite(self) -> None:
        model = linear_model()
        mask = np.array([[0, -np.inf, 0]], np.float32)
        model.graph.initializer.append(numpy_helper.from_array(mask, "mask"))
        model.graph.node[0].output[0] = "masked"
        model.graph.node.append(helper.make_node("Add", ["masked", "mask"], ["y"], name="mask"))
        labels = self.save_data("labels.npz", x=self.x, target=np.arange(64) % 2 * 2)
        train = ["train", self.save(model), "--data", labels, "-o", self.output]
        self.run_well(*train, "--freeze", "mask", "--optimizer", "adam")

    def test_a_prediction_that_is_no_number(self) -> None:
        node = helper.make_node("Sqrt", ["x"], ["y"], name="root")
        model = self.save(make_model([node], [], ["n", 2], ["n", 2]))
        x = np.random.default_rng(0).uniform(0, 1, size=(40, 2)).astype(np.float32)
        labels = np.arange(40) % 2
        x[17, 0] = -1
        with self.assertRaisesRegex(ValueError, "NaN"), np.errstate(invalid="ignore"):
            logits = np.sqrt(x)
            roc_auc_score(labels, logits[:, 1] - logits[:, 0])
        data = self.save_data("nan.npz", x=x, target=labels)
        evaluate = ["evaluate", model, "--data", data]
        for metric in ("roc_auc", "average_precision", "accuracy", "f1", "top_2_accuracy"):
            self.fails("Sqrt root makes NaN", *evaluate, "--metric", metric)
        self.fails("row 17: the model makes NaN", "predict", model, "--data", data)

    def test_a_study_of_nothing_but_divergence(self) -> None:
        search = ["--search", "learning-rate=1e300,1e301", "--strategy", "grid", "--epochs", "2"]
        tune = ["tune", self.model, *self.task, *search, "--batch-size", "64", "-o", self.output]
        line = self.fails("no trial finished", *tune)
        self.assertIn("diverged at step 1", line)
        self.assertFalse(self.output.exists())

    def test_a_study_whose_objective_is_no_number(self) -> None:
        data = self.save_data("one.npz", x=self.x, target=np.zeros(64, np.int64))
        search = ["--search", "learning-rate=0.1,0.2", "--strategy", "grid"]
        model = self.save(linear_model(classes=2), "two.onnx")
        tune = ["tune", model, "--data", data, "--validation-split", "0.5", "-o", self.output]
        metric = ["--metric", "roc_auc", "--objective", "roc_auc"]
        self.fails("its roc_auc is no number", *tune, *search, *metric)
        self.assertFalse(self.output.exists())


if __name__ == "__main__":
    unittest.main()
