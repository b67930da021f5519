"""Every bad input: its exit code, one line that names the culprit, no output touched."""

import os
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from program import ProgramTest, linear_model, make_model, run

USAGE, BAD_DATA, NO_INPUT, CANNOT_CREATE, INPUT_OUTPUT = 2, 65, 66, 73, 74
SENTINEL = b"what stood here before"


class BadInputTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.output = self.path("out.onnx")
        self.output.write_bytes(SENTINEL)

    def refuse(self, code: int, culprit: str, *arguments: object) -> str:
        """Runs, and checks everything that a refusal promises."""
        before = sorted(os.listdir(self.folder))
        done = run(*arguments)
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stderr}")
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith(f"strop {arguments[0]}: "), lines[0])
        self.assertIn(culprit, lines[0])
        self.assertEqual(done.stdout, "")
        self.assertEqual(self.output.read_bytes(), SENTINEL)
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        return lines[0]

    def refuse_model(self, model: onnx.ModelProto | bytes, culprit: str) -> None:
        path = self.path("model.onnx")
        is_bytes = isinstance(model, bytes)
        path.write_bytes(model if is_bytes else model.SerializeToString())
        data = self.save_data(**self.samples())
        inputs = self.save_data("inputs.npz", x=self.samples()["x"])
        self.refuse(BAD_DATA, culprit, "train", path, "--data", data, "-o", self.output)
        self.refuse(BAD_DATA, culprit, "run", path, "--inputs", inputs, "-o", self.output)
        self.refuse(BAD_DATA, culprit, "inspect", path)

    def refuse_data(self, culprit: str, *options: object, **arrays: np.ndarray) -> None:
        model = self.save(linear_model())
        data = self.save_data(**arrays)
        train = ["train", model, "--data", data, "-o", self.output, *options]
        self.refuse(BAD_DATA, culprit, *train)
        self.refuse(BAD_DATA, culprit, "evaluate", model, "--data", data, *options)


class BadModelTest(BadInputTest):
    def test_missing_file(self) -> None:
        data = self.save_data(**self.samples())
        path = self.path("absent.onnx")
        self.refuse(NO_INPUT, "absent.onnx", "train", path, "--data", data, "-o", self.output)

    def test_empty_file(self) -> None:
        self.refuse_model(b"", "model.onnx")

    def test_truncated_file(self) -> None:
        whole = linear_model(hidden=16).SerializeToString()
        for share in (0.1, 0.5, 0.9):
            self.refuse_model(whole[: int(len(whole) * share)], "import: ")
        self.refuse_model(whole[:-1], "import: ")

    def test_no_protobuf(self) -> None:
        self.refuse_model(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "import: ")
        self.refuse_model(b"<html>not found</html>", "import: ")

    def test_cyclic_graph(self) -> None:
        nodes = [
            helper.make_node("Add", ["x", "b"], ["a"], name="first"),
            helper.make_node("Relu", ["a"], ["b"], name="second"),
            helper.make_node("Relu", ["b"], ["y"], name="third"),
        ]
        self.refuse_model(make_model(nodes, [], ["n", 4], ["n", 4]), "first")

    def test_missing_initializer(self) -> None:
        model = linear_model()
        del model.graph.initializer[0]
        self.refuse_model(model, "w0")

    def test_unknown_operator(self) -> None:
        node = helper.make_node("Frobnicate", ["x"], ["y"], name="strange")
        self.refuse_model(make_model([node], [], ["n", 4], ["n", 4]), "Frobnicate")

    def test_operator_of_the_program_itself(self) -> None:
        """What gradient rules emit checks no ranks: it is no operator of models."""
        node = helper.make_node("ConvWeightGradient", ["x", "x", "x"], ["y"], domain="strop")
        model = make_model([node], [], ["n"], ["n"])
        model.opset_import.append(helper.make_opsetid("strop", 1))
        self.refuse_model(model, "strop.ConvWeightGradient")

    def test_wrong_element_type(self) -> None:
        model = linear_model()
        weight = np.ones((4, 3), np.int64)
        model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weight, "w0"))
        self.refuse_model(model, "fc0")

    def test_shape_product_overflow(self) -> None:
        model = linear_model()
        del model.graph.initializer[0].dims[:]
        model.graph.initializer[0].dims.extend([1 << 40, 1 << 40])
        self.refuse_model(model, "w0")

    def test_negative_dimension(self) -> None:
        model = linear_model()
        model.graph.initializer[0].dims[0] = -4
        self.refuse_model(model, "w0")

    def test_raw_data_of_wrong_length(self) -> None:
        model = linear_model()
        model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-4]
        self.refuse_model(model, "w0")

    def test_selection_that_changes_nothing(self) -> None:
        random = np.random.default_rng(2)
        names = ("scale", "bias", "mean", "variance")
        tensors = [numpy_helper.from_array(random.random(4).astype(np.float32), n) for n in names]
        node = helper.make_node("BatchNormalization", ["x", *names], ["y"], name="bn")
        model = self.save(make_model([node], tensors, ["n", 4], ["n", 4]))
        data = self.save_data(x=np.ones((8, 4), np.float32), target=np.ones((8, 4), np.float32))
        train = ["train", model, "--data", data, "--loss", "mse"]
        for option in ("--train", "--train-only", "--freeze"):
            line = self.refuse(BAD_DATA, option, *train, option, "mea*", "-o", self.output)
            self.assertIn('"mean" is running mean of "bn" (BatchNormalization)', line)
        # Beside tensors that it can change, a pattern may match others.
        self.run_well(*train, "--train", "*", "-o", self.path("tuned.onnx"))

    def refuse_external(self, location: str) -> None:
        model = linear_model()
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        del tensor.external_data[:]
        tensor.external_data.add(key="location", value=location)
        self.refuse_model(model, "w0")

    def test_external_data_that_escape(self) -> None:
        outside = self.folder.parent / f"{self.folder.name}.bin"
        outside.write_bytes(bytes(48))
        self.addCleanup(outside.unlink)
        os.symlink(outside, self.path("link.bin"))
        self.refuse_external(f"../{outside.name}")
        self.refuse_external(str(outside))
        self.refuse_external("link.bin")

    def test_external_data_that_are_missing(self) -> None:
        model = linear_model()
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="absent.bin")
        path = self.save(model)
        done = run("inspect", path)
        self.assertIn(done.returncode, (BAD_DATA, NO_INPUT), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("absent.bin", done.stderr)

    def test_nothing_trainable(self) -> None:
        model = self.save(linear_model())
        data = self.save_data(**self.samples())
        train = ["train", model, "--data", data, "-o", self.output, "--freeze", "*"]
        self.refuse(BAD_DATA, "no tensor to train", *train)


class BadDataTest(BadInputTest):
    def test_missing_data(self) -> None:
        model = self.save(linear_model())
        for name in ("absent.npz", "absent.csv", "absent.npy", "absent"):
            train = ["train", model, "--data", self.path(name), "-o", self.output]
            self.refuse(NO_INPUT, name, *train)

    def test_damaged_archive(self) -> None:
        model = self.save(linear_model())
        data = self.save_data(**self.samples())
        whole = data.read_bytes()
        for content in (b"", b"nothing", whole[: len(whole) // 2], whole[:-30]):
            data.write_bytes(content)
            train = ["train", model, "--data", data, "-o", self.output]
            self.refuse(BAD_DATA, "data.npz", *train)

    def test_feature_count(self) -> None:
        samples = self.samples(features=5)
        self.refuse_data("found 5 features per sample, expected 4", **samples)

    def test_label_out_of_range(self) -> None:
        for label in (3, -1, 1 << 40):
            samples = self.samples()
            samples["target"][7] = label
            self.refuse_data(f"row 7: found {label}", **samples)

    def test_fractional_label(self) -> None:
        samples = self.samples()
        samples["target"] = samples["target"].astype(np.float64)
        samples["target"][2] = 0.5
        self.refuse_data("row 2: found 0.5", **samples)

    def test_not_a_number(self) -> None:
        for number in (np.nan, np.inf, -np.inf):
            samples = self.samples()
            samples["x"][5, 1] = number
            self.refuse_data("row 5", **samples)

    def test_number_beyond_float32(self) -> None:
        samples = self.samples()
        samples["x"] = samples["x"].astype(np.float64)
        samples["x"][5, 1] = 1e300
        self.refuse_data("row 5: found 1e+300", **samples)

    def test_empty_data(self) -> None:
        self.refuse_data("no sample", **self.samples(count=0))

    def test_arrays_of_different_length(self) -> None:
        samples = self.samples()
        samples["target"] = samples["target"][:-1]
        self.refuse_data("11 samples, expected 12", **samples)

    def test_missing_target(self) -> None:
        self.refuse_data("--target", x=self.samples()["x"])
        self.refuse_data("label", "--target", "label", **self.samples())

    def test_text_and_objects(self) -> None:
        samples = self.samples()
        samples["x"] = samples["x"].astype(str)
        self.refuse_data("dtype", **samples)

    def test_big_endian(self) -> None:
        samples = self.samples()
        samples["x"] = samples["x"].astype(">f4")
        self.refuse_data("big-endian", **samples)

    def test_csv(self) -> None:
        model = self.save(linear_model(features=2))
        data = self.path("data.csv")
        for text, culprit in (
            ("", "empty"),
            ("a,b,target\n", "no sample"),
            ("a,b,target\n1,2,0\n1,,0\n", "line 3: column 2"),
            ("a,b,target\n1,nan,0\n", "line 2: column 2"),
            ("a,b,target\n1,2\n", "line 2"),
            ("a,b,c,target\n1,2,3,0\n", "found 3 features"),
            ("a,b,target\n1,2,7\n", "row 0: found 7"),
        ):
            data.write_text(text)
            train = ["train", model, "--data", data, "-o", self.output]
            self.refuse(BAD_DATA, culprit, *train)

    def test_image_folder(self) -> None:
        node = helper.make_node("Flatten", ["x"], ["f"], name="flatten")
        product = helper.make_node("MatMul", ["f", "w"], ["y"], name="fc")
        weight = numpy_helper.from_array(np.ones((48, 2), np.float32), "w")
        model = make_model([node, product], [weight], ["n", 3, 4, 4], ["n", 2])
        path = self.save(model)
        root = self.path("images")
        root.mkdir()
        train = ["train", path, "--data", root, "-o", self.output]
        self.refuse(BAD_DATA, "no image", *train)
        (root / "cat").mkdir()
        (root / "cat" / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        self.refuse(BAD_DATA, "damaged.png", *train)
        (root / "cat" / "damaged.png").write_bytes(b"\xff\xd8\xff\xe0 no jpeg")
        self.refuse(BAD_DATA, "damaged.png", *train)

    def test_inputs_of_run(self) -> None:
        model = self.save(linear_model())
        x = self.samples()["x"]
        for culprit, arrays in (
            ('found no array "x"', {}),
            ('"z" is no input', {"x": x, "z": x}),
            ("[12,2]", {"x": x[:, :2]}),
        ):
            inputs = self.save_data("inputs.npz", **arrays)
            for command in ("run", "gradient"):
                arguments = [command, model, "--inputs", inputs, "-o", self.output]
                self.refuse(BAD_DATA, culprit, *arguments)


class BadOutputTest(BadInputTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = self.save(linear_model(features=200, classes=200))
        self.data = self.save_data(**self.samples(features=200, classes=200))
        self.inputs = self.save_data("inputs.npz", x=self.samples(features=200)["x"])

    def commands(self, output: object) -> list[list[object]]:
        return [
            ["train", self.model, "--data", self.data, "-o", output],
            ["run", self.model, "--inputs", self.inputs, "-o", output],
            ["gradient", self.model, "--inputs", self.inputs, "-o", output],
        ]

    def test_unwritable_output(self) -> None:
        for output in (self.path("no/such/folder/x"), self.folder, self.path("data.npz/x")):
            for command in self.commands(output):
                self.refuse(CANNOT_CREATE, str(output), *command)

    def test_output_equals_input(self) -> None:
        os.symlink(self.model, self.path("link.onnx"))
        os.link(self.data, self.path("hard.npz"))
        for output in (self.model, self.path("link.onnx")):
            before = self.model.read_bytes()
            for command in self.commands(output):
                self.refuse(CANNOT_CREATE, "is the input", *command)
            self.assertEqual(self.model.read_bytes(), before)
        self.refuse(CANNOT_CREATE, "is the input", *self.commands(self.path("hard.npz"))[0])

    def test_disk_full(self) -> None:
        with self.small_disk("64k") as disk:
            output = disk / "out"
            output.write_bytes(SENTINEL)
            train, _, gradient = self.commands(output)
            for command in (train, gradient):
                done = run(*command)
                lines = [line for line in done.stderr.splitlines() if line.startswith("strop")]
                self.assertEqual(done.returncode, INPUT_OUTPUT, done.stderr)
                self.assertEqual(len(lines), 1, done.stderr)
                self.assertIn("out", lines[0])
                self.assertEqual(output.read_bytes(), SENTINEL)
                self.assertEqual(os.listdir(disk), ["out"])


if __name__ == "__main__":
    unittest.main()
