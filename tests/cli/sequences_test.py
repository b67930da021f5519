"""Batches of sequences, cut to what their samples need: losses and predictions against those of
NumPy and ONNX Runtime on samples without padding, and runs that go on, to the bit."""

import json
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from program import ProgramTest, run, softmax_cross_entropy

VOCABULARY, WIDTH, CLASSES, LENGTH = 20, 5, 3, 40
SAMPLES = 50


def sequence_model(
    honours_mask: bool = True, of_tokens: bool = False, length: int | str = "length"
) -> onnx.ModelProto:
    """y = (mean over the tokens of E[ids])·W; of tokens: y[n, length, classes] = E[ids]·W. Without
    the mask the mean is over all positions."""
    random = np.random.default_rng(0)
    tensors = [
        numpy_helper.from_array(random.normal(size=shape).astype(np.float32), name)
        for name, shape in (("E", (VOCABULARY, WIDTH)), ("W", (WIDTH, CLASSES)))
    ]
    nodes = [helper.make_node("Gather", ["E", "input_ids"], ["tokens"], "gather")]
    if of_tokens:
        nodes.append(helper.make_node("MatMul", ["tokens", "W"], ["y"], "head"))
    elif honours_mask:
        tensors.append(numpy_helper.from_array(np.array([2]), "axes"))
        tensors.append(numpy_helper.from_array(np.array([1]), "time"))
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["mask"], "cast", to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask", "axes"], ["rows"], "rows"),
            helper.make_node("Mul", ["tokens", "rows"], ["kept"], "kept"),
            helper.make_node("ReduceSum", ["kept", "time"], ["total"], "total", keepdims=0),
            helper.make_node("ReduceSum", ["rows", "time"], ["count"], "count", keepdims=0),
            helper.make_node("Div", ["total", "count"], ["mean"], "mean"),
            helper.make_node("MatMul", ["mean", "W"], ["y"], "head"),
        ]
    else:
        nodes += [
            helper.make_node("ReduceMean", ["tokens"], ["mean"], "mean", axes=[1], keepdims=0),
            helper.make_node("MatMul", ["mean", "W"], ["y"], "head"),
        ]
    names = ("input_ids",) if not honours_mask or of_tokens else ("input_ids", "attention_mask")
    make_value = helper.make_tensor_value_info
    inputs = [make_value(name, TensorProto.INT64, ["n", length]) for name in names]
    shape = ["n", length, CLASSES] if of_tokens else ["n", CLASSES]
    output = make_value("y", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "sequences", inputs, [output], tensors)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def sequences(seed: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    lengths = random.integers(1, LENGTH // 2 + 1, SAMPLES)
    mask = (np.arange(LENGTH) < lengths[:, None]).astype(np.int64)
    ids = random.integers(1, VOCABULARY, (SAMPLES, LENGTH)) * mask
    target = random.integers(0, CLASSES, SAMPLES)
    return {"input_ids": ids, "attention_mask": mask, "length": lengths, "target": target}


class SequencesTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.arrays = sequences()
        self.lengths = self.arrays["length"]
        masked = {name: array for name, array in self.arrays.items() if name != "length"}
        self.model = self.save(sequence_model())
        self.data = self.save_data(**masked)

    def test_the_array_of_lengths_is_read(self) -> None:
        path = self.save(sequence_model(honours_mask=False), "mean.onnx")
        arrays = {name: self.arrays[name] for name in ("input_ids", "length", "target")}
        data = self.save_data("lengths.npz", **arrays)
        train = ("train", path, "--data", data, "-o", self.path("trained.onnx"))
        unread = 'nothing reads "length"'
        self.assertIn(unread, self.run_well(*train).stderr)
        self.assertNotIn(unread, self.run_well(*train, "--group-by-length").stderr)

    def losses(self, model: object, data: object, *options: object) -> list[float]:
        done = self.run_well(
            *("train", model, "--data", data, "--precision", "f64", "--optimizer", "sgd"),
            *("--learning-rate", 0.1, "--batch-size", 8, *options, "--log-every", 1, "--json"),
            *("-o", self.path("trained.onnx")),
        )
        records = [json.loads(line) for line in done.stdout.splitlines()]
        return [record["loss"] for record in records if "loss" in record]

    def logits_without_padding(self, model: onnx.ModelProto) -> np.ndarray:
        session = onnxruntime.InferenceSession(model.SerializeToString())
        names = [value.name for value in session.get_inputs()]
        return np.concatenate(
            [
                session.run(None, {name: self.arrays[name][i : i + 1, :length] for name in names})[
                    0
                ]
                for i, length in enumerate(self.lengths)
            ]
        )

    def test_a_model_that_honours_its_mask_has_the_losses_of_whole_batches(self) -> None:
        whole = self.losses(self.model, self.data, "--epochs", 2)
        cut = self.losses(self.model, self.data, "--epochs", 2, "--pad-to-multiple-of", 1)
        self.assertEqual(len(whole), 2 * 7)
        np.testing.assert_allclose(cut, whole, rtol=1e-12)

    def test_batches_are_as_long_as_their_longest_sample(self) -> None:
        """A mean over all positions tells how many there are."""
        model = sequence_model(honours_mask=False)
        data = self.save_data("lengths.npz", **self.arrays)
        options = ("--no-shuffle", "--steps", 1, "--pad-to-multiple-of", 4)
        [loss] = self.losses(self.save(model, "mean.onnx"), data, *options)
        length = -(-self.lengths[:8].max() // 4) * 4
        self.assertLess(length, LENGTH)
        E, W = (numpy_helper.to_array(tensor).astype(float) for tensor in model.graph.initializer)
        logits = E[self.arrays["input_ids"][:8, :length]].mean(axis=1) @ W
        self.assertAlmostEqual(loss, softmax_cross_entropy(logits, self.arrays["target"][:8]), 12)

    def test_labels_of_tokens_are_cut_with_them(self) -> None:
        model = sequence_model(of_tokens=True)
        random = np.random.default_rng(2)
        labels = random.integers(0, CLASSES, (SAMPLES, LENGTH))
        labels[self.arrays["attention_mask"] == 0] = -100
        arrays = {"input_ids": self.arrays["input_ids"], "length": self.lengths, "target": labels}
        data = self.save_data("tokens.npz", **arrays)
        path = self.save(model, "tokens.onnx")
        cut = self.losses(path, data, "--group-by-length", "--epochs", 1, "--steps", 1)
        self.assertEqual(len(cut), 1)
        E, W = (numpy_helper.to_array(tensor).astype(float) for tensor in model.graph.initializer)
        counts = labels != -100
        expected = softmax_cross_entropy((E[arrays["input_ids"]] @ W)[counts], labels[counts])
        found = json.loads(
            self.run_well(
                *("evaluate", path, "--data", data, "--pad-to-multiple-of", 8, "--json"),
                *("--batch-size", 8),
            ).stdout
        )
        self.assertAlmostEqual(found["loss"], expected, 5)

    def test_evaluate_predict_and_run_are_those_of_samples_without_padding(self) -> None:
        logits = self.logits_without_padding(sequence_model())
        expected = softmax_cross_entropy(logits.astype(float), self.arrays["target"])
        cut = ("--pad-to-multiple-of", 8, "--batch-size", 6)
        found = json.loads(
            self.run_well("evaluate", self.model, "--data", self.data, *cut, "--json").stdout
        )
        self.assertAlmostEqual(found["loss"], expected, 5)
        rows = self.run_well("predict", self.model, "--data", self.data, *cut).stdout.splitlines()
        classes = [int(row.split(",")[1]) for row in rows[1:]]
        self.assertEqual(classes, logits.argmax(axis=1).tolist())
        self.run_well("run", self.model, "--data", self.data, *cut, "-o", self.path("out.npz"))
        with np.load(self.path("out.npz")) as outputs:
            np.testing.assert_allclose(outputs["y"], logits, rtol=1e-5, atol=1e-6)

    def test_a_run_of_grouped_batches_goes_on_to_the_bit(self) -> None:
        options = ("--data", self.data, "--batch-size", 8, "--group-by-length", "--epochs", 3)
        options = (*options, "--validation-split", 0.2, "--seed", 5)
        self.run_well("train", self.model, *options, "-o", self.path("whole.onnx"))
        folder = self.path("run")
        run_folder = ("--run-directory", folder)
        self.run_well(
            "train", self.model, *options, *run_folder, "--steps", 7, "-o", self.path("part.onnx")
        )
        self.run_well(
            *("train", self.model, *options, *run_folder, "--resume"),
            *("-o", self.path("resumed.onnx")),
        )
        whole = self.path("whole.onnx").read_bytes()
        self.assertEqual(self.path("resumed.onnx").read_bytes(), whole)
        self.assertNotEqual(self.path("part.onnx").read_bytes(), whole)

    def test_what_cannot_be_cut_is_refused_in_one_line(self) -> None:
        fixed = self.save(sequence_model(length=LENGTH), "fixed.onnx")
        unmasked = self.save(sequence_model(honours_mask=False), "unmasked.onnx")
        arrays = {"input_ids": self.arrays["input_ids"], "target": self.arrays["target"]}
        ids = self.save_data("ids.npz", **arrays)
        output = self.path("refused.onnx")
        for model, data, option, expected in (
            (fixed, self.data, ("--pad-to-multiple-of", 8), "expected one of any length"),
            (unmasked, ids, ("--group-by-length",), 'is a mask and no array "length"'),
            (self.model, self.data, ("--pad-to-multiple-of", 0), "expected"),
            (self.model, self.data, ("--group-by-length", "--no-shuffle"), "--no-shuffle"),
        ):
            done = run("train", model, "--data", data, *option, "-o", output)
            self.assertIn(done.returncode, (2, 65), done.stderr)
            self.assertIn(expected, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        mask = self.arrays["attention_mask"][:, ::-1]
        left = self.save_data("left.npz", attention_mask=mask, **arrays)
        done = run("train", self.model, "--data", left, "--pad-to-multiple-of", 8, "-o", output)
        self.assertIn("found padding in front, expected it behind the sample", done.stderr)

    def test_outputs_as_long_as_their_batch_are_no_arrays_of_samples(self) -> None:
        path = self.save(sequence_model(of_tokens=True), "tokens.onnx")
        data = self.save_data("tokens.npz", input_ids=self.arrays["input_ids"], length=self.lengths)
        done = run(
            *("run", path, "--data", data, "--pad-to-multiple-of", 1, "--batch-size", 6),
            *("-o", self.path("out.npz")),
        )
        self.assertEqual(done.returncode, 65)
        self.assertIn("expected the shape that those before had", done.stderr)


if __name__ == "__main__":
    unittest.main()
