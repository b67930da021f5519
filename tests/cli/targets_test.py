"""What data give as target against what the model predicts: losses and steps equal to NumPy's in
double, or a refusal that names the reason."""

import json
import unittest

import numpy as np
from bad_input_test import BAD_DATA, USAGE, BadInputTest
from onnx import ModelProto, helper, numpy_helper
from program import linear_model, make_model

RATE = 0.25


def cross_entropy(logits: np.ndarray, labels: np.ndarray, axis: int = -1) -> float:
    """Mean over all labels, in double; PyTorch's with the classes along that axis."""
    logits = np.moveaxis(logits.astype(np.float64), axis, -1)
    log_sum = np.log(np.exp(logits).sum(-1))
    return (log_sum - np.take_along_axis(logits, labels[..., None], -1)[..., 0]).mean()


def weights_of(model: ModelProto) -> dict[str, np.ndarray]:
    return {t.name: numpy_helper.to_array(t).astype(float) for t in model.graph.initializer}


def step_of(model: ModelProto, x: np.ndarray, shares: np.ndarray) -> dict[str, np.ndarray]:
    """One step of gradient descent of a linear model on cross-entropy with those probabilities."""
    weights = weights_of(model)
    logits = x.astype(float) @ weights["w0"] + weights["b0"]
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    slope = (softmax - shares) / len(x)
    weights["w0"] -= RATE * x.T.astype(float) @ slope
    weights["b0"] -= RATE * slope.sum(0)
    return weights


def pixel_model(shape: list[int | str], channels: int, permutation: list[int]) -> ModelProto:
    """y = 2·x by a Conv of 1x1, its axes in that order."""
    double = 2 * np.eye(channels, dtype=np.float32).reshape(channels, channels, 1, 1)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["h"], name="conv"),
        helper.make_node("Transpose", ["h"], ["y"], name="move", perm=permutation),
    ]
    tensors = [numpy_helper.from_array(double, "w")]
    return make_model(nodes, tensors, shape, [shape[i] for i in permutation])


def recurrent_model(shape: list[int | str], output: list[int | str]) -> ModelProto:
    """A GRU on [time, batch, 3] and a linear layer, as PyTorch exports without batch_first."""
    random = np.random.default_rng(5)
    tensors = [
        numpy_helper.from_array(random.normal(size=size).astype(np.float32) / 2, name)
        for name, size in (("w", (1, 12, 3)), ("r", (1, 12, 4)), ("head", (4, 2)))
    ]
    tensors.append(numpy_helper.from_array(np.array([1]), "one"))
    nodes = [
        helper.make_node("GRU", ["x", "w", "r"], ["h"], name="gru", hidden_size=4),
        helper.make_node("Squeeze", ["h", "one"], ["s"], name="squeeze"),
        helper.make_node("MatMul", ["s", "head"], ["y"], name="fc"),
    ]
    return make_model(nodes, tensors, shape, output)


class TargetsTest(BadInputTest):
    def loss(self, model: object, data: object, *options: object) -> float:
        done = self.run_well("evaluate", model, "--data", data, "--json", *options)
        return json.loads(done.stdout)["loss"]

    def refuse_all(self, culprit: str, model: object, data: object, *options: object) -> None:
        """Every command that reads a target says the same."""
        train = ["--data", data, *options]
        self.refuse(BAD_DATA, culprit, "train", model, *train, "-o", self.output)
        self.refuse(BAD_DATA, culprit, "evaluate", model, *train)
        self.refuse(BAD_DATA, culprit, "find-learning-rate", model, *train)


class OneHotTest(TargetsTest):
    def test_every_form_of_labels_takes_the_same_step(self) -> None:
        proto = linear_model()
        model = self.save(proto)
        samples = self.samples()
        labels, one_hot = samples["target"], np.eye(3)[samples["target"]]
        expected = step_of(proto, samples["x"], one_hot)
        forms = {
            "index": labels,
            "column": labels[:, None],
            "float": labels.astype(np.float64),
            **{f"one_hot_{t}": one_hot.astype(t) for t in ("f4", "f8", "i8", "i4", "u1")},
            "almost": (one_hot * 0.9995).astype(np.float32),
        }
        step = ["--optimizer", "sgd", "--momentum", 0, "--learning-rate", RATE, "--epochs", 1]
        for name, target in forms.items():
            data = self.save_data(x=samples["x"], target=target)
            output = self.path("tuned.onnx")
            self.run_well("train", model, "--data", data, "-o", output, *step)
            tuned = weights_of(ModelProto.FromString(output.read_bytes()))
            tolerance = 1e-3 if name == "almost" else 1e-6
            for key, value in expected.items():
                np.testing.assert_allclose(tuned[key], value, atol=tolerance, err_msg=name)

    def test_soft_rows(self) -> None:
        proto = linear_model()
        samples = self.samples()
        shares = np.random.default_rng(3).dirichlet(np.ones(3), size=12)
        data = self.save_data(x=samples["x"], target=shares)
        weights = weights_of(proto)
        logits = samples["x"].astype(float) @ weights["w0"] + weights["b0"]
        log_softmax = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        expected = -(shares * log_softmax).sum(1).mean()
        self.assertAlmostEqual(self.loss(self.save(proto), data), expected, places=6)

    def test_what_is_no_distribution(self) -> None:
        model = self.save(linear_model())
        x = self.samples()["x"]
        random = np.random.default_rng(4)
        several = np.eye(3, dtype=np.int64)[[0, 1, 2] * 4]
        several[5, 0] = several[5, 2] = 1
        some_negative = np.eye(3)[[0, 1, 2] * 4]
        some_negative[7] = [1.5, -0.25, -0.25]
        for culprit, target in (
            ("--loss mse", random.normal(size=(12, 3))),
            ("row 0: found class probabilities that add up to", random.random((12, 3)) + 1),
            ("row 5: found class probabilities that add up to 2, expected 1", several),
            ("--loss binary_cross_entropy", several),
            ("row 7: found -0.25", some_negative),
            ("add up to 1.002", np.eye(3)[[0, 1, 2] * 4] * 1.002),
        ):
            data = self.save_data(x=x, target=target)
            self.refuse_all(culprit, model, data)

    def test_probabilities_along_another_axis(self) -> None:
        model = self.save(pixel_model(["n", 3, 4, 5], 3, [0, 2, 3, 1]))
        shares = np.random.default_rng(4).dirichlet(np.ones(3), size=(6, 4, 5))
        data = self.save_data(x=np.zeros((6, 3, 4, 5), np.float32), target=shares)
        self.refuse_all("see --class-axis", model, data)
        self.assertAlmostEqual(self.loss(model, data, "--class-axis", "-1"), np.log(3), places=6)

    def test_answers_that_are_no_shares(self) -> None:
        model = self.save(linear_model())
        x = self.samples()["x"]
        for number in (2, -1, 1.001):
            target = np.zeros((12, 3))
            target[3, 1] = number
            data = self.save_data(x=x, target=target)
            culprit = f"row 3: found {number}, expected a number from 0"
            self.refuse_all(culprit, model, data, "--loss", "binary_cross_entropy")

    def test_one_output(self) -> None:
        data = self.save_data(**self.samples(classes=2))
        self.refuse_all("binary_cross_entropy", self.save(linear_model(classes=1)), data)


class ClassWeightsTest(TargetsTest):
    def test_number_and_sign(self) -> None:
        model, data = self.save(linear_model()), self.save_data(**self.samples())
        self.refuse_all("found 2 class weights", model, data, "--class-weights", "1,2")
        for weights in ("1,-1,1", "1,nan,1", "1,inf,1", "0,0,0"):
            train = ["train", model, "--data", data, "-o", self.output]
            self.refuse(USAGE, "--class-weights", *train, f"--class-weights={weights}")

    def test_labels_beyond_them(self) -> None:
        """A model with as many classes as samples, which does not say how many those are."""
        nodes = [
            helper.make_node("Gemm", ["x", "w"], ["h"], name="fc"),
            helper.make_node("Transpose", ["h"], ["t"], name="transpose"),
            helper.make_node("MatMul", ["h", "t"], ["y"], name="similarity"),
        ]
        weight = numpy_helper.from_array(np.ones((4, 4), np.float32), "w")
        model = self.save(make_model(nodes, [weight], ["n", 4], ["n", "classes"]))
        x = self.samples()["x"]
        weights = ["--class-weights", ",".join(["1"] * 12)]
        for label in (12, 10**9, -1):
            target = np.zeros(12, np.int64)
            target[4] = label
            data = self.save_data(x=x, target=target)
            culprit = f"row 4: found {label}, expected a class from 0 to 11"
            self.refuse_all(culprit, model, data, *weights)


class ClassAxisTest(TargetsTest):
    def evaluate(self, model: ModelProto, size: tuple[int, ...], *options: object) -> tuple:
        random = np.random.default_rng(11)
        x = random.normal(size=(6, *size)).astype(np.float32)
        target = random.integers(0, 5, (6, 5, 5))
        data = self.save_data(x=x, target=target)
        done = self.run_well("evaluate", self.save(model), "--data", data, "--json", *options)
        return x * 2, target, json.loads(done.stdout)["loss"], done.stderr

    def test_axis_one_of_several_is_pytorchs(self) -> None:
        model = pixel_model(["n", 5, 5, 5], 5, [0, 1, 2, 3])
        y, target, loss, stderr = self.evaluate(model, (5, 5, 5))
        self.assertAlmostEqual(loss, cross_entropy(y, target, 1), places=6)
        self.assertRegex(stderr, "note: .*axis 1, 2 or 3; axis 1 is taken.*--class-axis")
        y, target, loss, stderr = self.evaluate(model, (5, 5, 5), "--class-axis", "-1")
        self.assertAlmostEqual(loss, cross_entropy(y, target, -1), places=6)
        self.assertNotIn("axis", stderr)

    def test_axes_that_the_file_leaves_open_follow_from_the_data(self) -> None:
        """Dynamic height and width would fit everywhere."""
        model = pixel_model(["n", "h", "w", "c"], 7, [0, 3, 1, 2])
        random = np.random.default_rng(12)
        x = random.normal(size=(6, 7, 9, 5)).astype(np.float32)
        target = random.integers(0, 5, (6, 7, 9))
        expected = cross_entropy(2 * x, target, -1)
        data = self.save_data(x=x, target=target)
        done = self.run_well("evaluate", self.save(model), "--data", data, "--json")
        self.assertAlmostEqual(json.loads(done.stdout)["loss"], expected, places=6)
        self.assertNotIn("axis", done.stderr)

    def test_training_says_it_too(self) -> None:
        random = np.random.default_rng(11)
        model = self.save(pixel_model(["n", 5, 5, 5], 5, [0, 1, 2, 3]))
        data = self.save_data(
            x=random.normal(size=(6, 5, 5, 5)).astype(np.float32),
            target=random.integers(0, 5, (6, 5, 5)),
        )
        done = self.run_well("train", model, "--data", data, "-o", self.output)
        self.assertEqual(done.stderr.count("axis 1 is taken"), 1, done.stderr)

    def test_axes_two_and_three_are_left_to_the_user(self) -> None:
        model = self.save(pixel_model(["n", 7, 5, 5], 7, [0, 1, 2, 3]))
        target = np.random.default_rng(3).integers(0, 5, (6, 7, 5))
        data = self.save_data(x=np.ones((6, 7, 5, 5), np.float32), target=target)
        self.refuse_all("axis 2 or 3; say which with --class-axis", model, data)
        self.assertAlmostEqual(self.loss(model, data, "--class-axis", 2), np.log(5), places=6)

    def test_no_axis_fits(self) -> None:
        model = self.save(pixel_model(["n", 5, 7, 9], 5, [0, 1, 2, 3]))
        data = self.save_data(x=np.ones((6, 5, 7, 9), np.float32), target=np.zeros((6, 9, 7), int))
        self.refuse_all("targets of shape [9,7] a sample", model, data)
        axis = ["--class-axis", "0"]
        self.refuse_all("class axis 0 is no axis of a sample", model, data, *axis)


class BatchAxisTest(TargetsTest):
    def refuse_rows(self, culprit: str, model: ModelProto, x: np.ndarray, y: np.ndarray) -> None:
        data = self.save_data(x=x, target=y)
        self.refuse_all(culprit, self.save(model), data, "--loss", "mse")

    def test_time_major(self) -> None:
        x = np.random.default_rng(1).normal(size=(12, 20, 3)).astype(np.float32)
        y = np.zeros((12, 20, 2), np.float32)
        named = recurrent_model(["time", "batch", 3], ["time", "batch", 2])
        unnamed = recurrent_model(["a", "b", 3], ["a", "b", 2])
        fixed = recurrent_model([12, "sequences", 3], [12, "sequences", 2])
        by_name = 'axis 1 of input "x" is its batch, "batch" in the file'
        by_use = '"gru" takes axis 0 of the input for time'
        for arrays in ((x, y), (x.swapaxes(0, 1), y.swapaxes(0, 1))):
            self.refuse_rows(by_name, named, *arrays)
            self.refuse_rows(by_use, unnamed, *arrays)
        self.refuse_rows(by_use, fixed, x, y)

    def test_batch_first_is_trained(self) -> None:
        """The same network behind a Transpose."""
        proto = recurrent_model(["batch", "time", 3], ["batch", "time", 2])
        proto.graph.node[0].input[0] = "time_major"
        proto.graph.node[2].output[0] = "out"
        before = helper.make_node("Transpose", ["x"], ["time_major"], name="in", perm=[1, 0, 2])
        behind = helper.make_node("Transpose", ["out"], ["y"], name="behind", perm=[1, 0, 2])
        nodes = [before, *proto.graph.node, behind]
        del proto.graph.node[:]
        proto.graph.node.extend(nodes)
        x = np.random.default_rng(1).normal(size=(12, 20, 3)).astype(np.float32)
        data = self.save_data(x=x, target=np.zeros((12, 20, 2), np.float32))
        self.run_well(
            *("train", self.save(proto), "--data", data, "--loss", "mse", "-o", self.output)
        )

    def test_output_without_a_batch(self) -> None:
        axes = numpy_helper.from_array(np.array([0]), "axes")
        weight = numpy_helper.from_array(np.ones((4, 3), np.float32), "w")
        nodes = [
            helper.make_node("MatMul", ["x", "w"], ["h"], name="fc"),
            helper.make_node("ReduceSum", ["h", "axes"], ["y"], name="sum"),
        ]
        model = make_model(nodes, [weight, axes], ["n", 4], [1, 3])
        self.refuse_rows("no axis of which counts the samples", model, *self.arrays())

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        return self.samples()["x"], np.zeros((12, 3), np.float32)


class SingleNumberTest(TargetsTest):
    def model(self, output: list | None) -> ModelProto:
        nodes = [
            helper.make_node("MatMul", ["x", "w"], ["h"], name="fc"),
            helper.make_node("ReduceMean", ["h"], ["y"], name="mean", keepdims=0),
        ]
        weight = numpy_helper.from_array(np.ones((4, 3), np.float32), "w")
        model = make_model(nodes, [weight], ["n", 4], [])
        if output is None:
            model.graph.output[0].type.tensor_type.ClearField("shape")
        return model

    def test_declared_and_not(self) -> None:
        samples = self.samples()
        culprit = '"y" is a single number for a whole batch'
        for output, arrays in (
            ([], samples),
            ([], {"x": samples["x"]}),  # whose advice is not to look for a target
            (None, samples),
        ):
            model, data = self.save(self.model(output)), self.save_data(**arrays)
            for loss in ("cross_entropy", "binary_cross_entropy", "mse"):
                self.refuse_all(culprit, model, data, "--loss", loss)
            self.refuse(BAD_DATA, "a single number", "benchmark", model)
            found = json.loads(self.run_well("inspect", model, "--json").stdout)["obstacles"]
            self.assertEqual(len(found), 1 if output is not None else 0, found)
            for obstacle in found:
                self.assertIn(culprit, obstacle)

    def test_one_number_a_sample(self) -> None:
        weight = numpy_helper.from_array(np.ones(4, np.float32), "w")
        node = helper.make_node("MatMul", ["x", "w"], ["y"], name="fc")
        model = self.save(make_model([node], [weight], ["n", 4], ["n"]))
        samples = self.samples()
        data = self.save_data(**samples)
        self.refuse_all("one number per sample", model, data)
        expected = ((samples["x"].sum(1) - samples["target"]) ** 2).mean()
        self.assertAlmostEqual(self.loss(model, data, "--loss", "mse"), expected, places=5)


class FlattenedTest(TargetsTest):
    """Outputs [batch·time, classes], targets [time] a sample."""

    def setUp(self) -> None:
        super().setUp()
        random = np.random.default_rng(9)
        self.weight = random.normal(size=(3, 5)).astype(np.float32)
        tensors = [
            numpy_helper.from_array(self.weight, "w"),
            numpy_helper.from_array(np.array([-1, 5]), "rows"),
        ]
        nodes = [
            helper.make_node("MatMul", ["x", "w"], ["h"], name="fc"),
            helper.make_node("Reshape", ["h", "rows"], ["y"], name="flatten"),
        ]
        self.model = self.save(make_model(nodes, tensors, ["n", 7, 3], ["rows", 5]))
        self.x = random.normal(size=(10, 7, 3)).astype(np.float32)
        self.labels = random.integers(0, 5, (10, 7))
        self.logits = self.x.astype(float) @ self.weight

    def test_evaluate(self) -> None:
        data = self.save_data(x=self.x, target=self.labels)
        options = ["--metric", "accuracy", "--json", "--batch-size", 4]
        done = self.run_well("evaluate", self.model, "--data", data, *options)
        row = json.loads(done.stdout)
        self.assertAlmostEqual(row["loss"], cross_entropy(self.logits, self.labels), places=6)
        accuracy = (self.logits.argmax(-1) == self.labels).mean()
        self.assertAlmostEqual(row["accuracy"], accuracy, places=12)

    def test_train(self) -> None:
        softmax = np.exp(self.logits) / np.exp(self.logits).sum(-1, keepdims=True)
        slope = (softmax - np.eye(5)[self.labels]) / self.labels.size
        expected = self.weight - RATE * np.einsum("btf,btc->fc", self.x.astype(float), slope)
        step = ["--optimizer", "sgd", "--momentum", 0, "--learning-rate", RATE, "--epochs", 1]
        for target in (self.labels, np.eye(5)[self.labels]):
            data = self.save_data(x=self.x, target=target)
            self.run_well("train", self.model, "--data", data, "-o", self.output, *step)
            tuned = weights_of(ModelProto.FromString(self.output.read_bytes()))
            np.testing.assert_allclose(tuned["w"], expected, atol=1e-6)

    def test_regression(self) -> None:
        target = np.random.default_rng(2).normal(size=(10, 7, 5))
        data = self.save_data(x=self.x, target=target)
        expected = ((self.logits - target) ** 2).mean()
        options = ["--loss", "mse", "--metric", "rmse", "--batch-size", 4]
        self.assertAlmostEqual(self.loss(self.model, data, *options), expected, places=5)

    def test_benchmark(self) -> None:
        self.run_well("benchmark", self.model, "--steps", 1, "--batch-size", 2)

    def test_targets_that_do_not_fit(self) -> None:
        data = self.save_data(x=self.x, target=self.labels[:, 0])
        self.refuse_all("expected labels [7]", self.model, data)


class LossOptionsTest(TargetsTest):
    def test_options_of_another_loss(self) -> None:
        model, data = self.save(linear_model()), self.save_data(**self.samples())
        for loss, option, value, owners in (
            ("mse", "--class-weights", "1,2,3", "cross_entropy"),
            ("mse", "--label-smoothing", "0.1", "cross_entropy"),
            ("mse", "--ignore-index", "-100", "cross_entropy"),
            ("binary_cross_entropy", "--class-axis", "1", "cross_entropy"),
            ("cross_entropy", "--positive-weight", "1", "binary_cross_entropy"),
            ("l1", "--huber-delta", "1", "huber, smooth_l1"),
        ):
            culprit = f"{option}: the loss {loss} does not have it; it belongs to {owners}"
            options = ["--data", data, "--loss", loss, option, value]
            self.refuse(USAGE, culprit, "train", model, *options, "-o", self.output)
            self.refuse(USAGE, culprit, "evaluate", model, *options)


if __name__ == "__main__":
    unittest.main()
