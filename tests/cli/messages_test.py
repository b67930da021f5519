"""What the program says to what is likely to be typed or given: its advice works."""

import json
import unittest

import numpy as np
import onnx
from bad_input_test import BadInputTest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from program import ProgramTest, linear_model, make_model, run

USAGE, BAD_DATA = 2, 65


class MessagesTest(ProgramTest):
    def refuse(self, code: int, culprit: str, *arguments: object) -> str:
        done = run(*arguments)
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stderr}")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(culprit, done.stderr)
        return done.stderr

    def train(self, *options: object) -> list[object]:
        model = self.save(linear_model())
        data = self.save_data(**self.samples())
        return ["train", model, "--data", data, "-o", self.path("out.onnx"), *options]


class OptionsTest(MessagesTest):
    def test_names_that_others_use(self) -> None:
        for typed, meant in (
            ("--lr", "--learning-rate"),
            ("-lr", "--learning-rate"),
            ("--lr-scheduler", "--schedule"),
            ("--lr_scheduler", "--schedule"),
            ("--wd", "--weight-decay"),
            ("--bs", "--batch-size"),
            ("--num-epochs", "--epochs"),
            ("--max_epochs", "--epochs"),
            ("--optim", "--optimizer"),
            ("--criterion", "--loss"),
            ("--max-grad-norm", "--clip-norm"),
            ("--random_state", "--seed"),
            ("--val-split", "--validation-split"),
            ("--metrics", "--metric"),
            ("--out", "--output"),
            ("--log-dir", "--run-directory"),
        ):
            self.refuse(USAGE, f"did you mean {meant};", *self.train(), typed, "1")
        for option, typed, meant in (
            ("--loss", "bce", "binary_cross_entropy"),
            ("--loss", "CrossEntropy", "cross_entropy"),
            ("--loss", "mae", "l1"),
            ("--schedule", "CosineAnnealingLR", "cosine"),
            ("--precision", "float64", "f64"),
            ("--metric", "auc", "roc_auc"),
        ):
            self.refuse(USAGE, f"did you mean {meant};", *self.train(), option, typed)

    def test_an_option_of_another_command(self) -> None:
        line = self.refuse(USAGE, "--metric", "study", "optimizers", "--metric", "accuracy")
        self.assertRegex(line, "which belongs to strop train, .*evaluate")
        self.assertNotIn("--model", line)

    def test_an_option_of_one_value_twice(self) -> None:
        for option, first, second in (
            ("--seed", "2", "1"),
            ("--learning-rate", "0.1", "0.2"),
            ("--loss", "mse", "l1"),
            ("--validation-data", "a.npz", "b.npz"),
        ):
            typed = [option, first, option, second]
            culprit = f"{option}: given 2 times ({first}, {second}), expected once"
            self.refuse(USAGE, culprit, *self.train(), *typed)
            tune = ["tune", *self.train()[1:], "--search", "batch-size=4,8"]
            self.refuse(USAGE, culprit, *tune, *typed)

    def test_numbers_beyond_every_range(self) -> None:
        for number in ("1" * 310, "1e400", "inf", "nan"):
            for option in ("--learning-rate", "--weight-decay", "--mean", "--class-weights"):
                self.refuse(USAGE, option, *self.train(), option, number)

    def test_lists(self) -> None:
        """With commas or by repeating the option: the same."""
        outputs = []
        for options in (
            ["--freeze", "w0,b1", "--metric", "accuracy,f1_macro"],
            ["--freeze", "w0", "--freeze", "b1", "--metric", "accuracy", "--metric", "f1_macro"],
        ):
            model = linear_model(hidden=8)
            train = [*self.train("--validation-split", "0.25", "--json", *options)]
            self.save(model)
            rows = json.loads(self.run_well(*train).stdout.splitlines()[0])
            self.assertIn("accuracy", rows)
            self.assertIn("f1_macro", rows)
            tuned = onnx.load(self.path("out.onnx"))
            for before, after in zip(model.graph.initializer, tuned.graph.initializer, strict=True):
                is_frozen = before.name in ("w0", "b1")
                self.assertEqual(before.raw_data == after.raw_data, is_frozen, before.name)
            outputs.append(self.path("out.onnx").read_bytes())
        self.assertEqual(outputs[0], outputs[1])
        for command in ("train", "evaluate", "gradient", "tune"):
            self.assertIn("A,B or the option again", self.run_well(command, "--help").stdout)


class CsvTest(MessagesTest):
    def evaluate(self, text: str, *options: str) -> list[object]:
        self.path("data.csv").write_text(text)
        model = self.save(linear_model())
        return ["evaluate", model, "--data", self.path("data.csv"), "--json", *options]

    def test_separators(self) -> None:
        """As pandas reads them with sep=None: the loss is that of the same arrays."""
        arrays = self.samples()
        model = self.save(linear_model())
        data = self.save_data(**arrays)
        expected = self.run_well("evaluate", model, "--data", data, "--json").stdout
        for separator in (",", ";", "\t"):
            rows = [["a", '"b"', "c", "d", "label"]]
            for x, label in zip(arrays["x"], arrays["target"], strict=True):
                rows.append([*(repr(float(number)) for number in x), f'"{label}"'])
            text = "".join(separator.join(row) + "\n" for row in rows)
            found = self.run_well(*self.evaluate(text, "--target", "label")).stdout
            self.assertEqual(found, expected, repr(separator))

    def test_a_target_that_has_another_name(self) -> None:
        numbers = "a,b,c,d,label\n1,2,3,4,0\n"
        line = self.refuse(BAD_DATA, "a, b, c, d, label", *self.evaluate(numbers))
        self.assertIn("--target", line)
        self.run_well(*self.evaluate(numbers, "--target", "label"))
        words = "a,b,c,d,species\n" + "".join(f"1,2,3,4,{name}\n" for name in "xyz")
        self.refuse(BAD_DATA, "--target species", *self.evaluate(words))
        self.run_well(*self.evaluate(words, "--target", "species"))


class QuantizedModelTest(MessagesTest):
    def quantized(self) -> onnx.ModelProto:
        """y = x·dequantized(w), where x goes through eight bits too."""
        random = np.random.default_rng(0)
        tensors = [
            numpy_helper.from_array(random.integers(-9, 9, (4, 3)).astype(np.int8), "w"),
            numpy_helper.from_array(np.full(3, 0.1, np.float32), "weight_scale"),
            numpy_helper.from_array(np.zeros(3, np.int8), "weight_zero"),
            numpy_helper.from_array(np.float32(0.05), "input_scale"),
            numpy_helper.from_array(np.uint8(128), "input_zero"),
        ]
        inputs, weights = ["input_scale", "input_zero"], ["weight_scale", "weight_zero"]
        nodes = [
            helper.make_node("QuantizeLinear", ["x", *inputs], ["q"], name="round_x"),
            helper.make_node("DequantizeLinear", ["q", *inputs], ["dx"], name="widen_x"),
            helper.make_node("DequantizeLinear", ["w", *weights], ["dw"], name="widen_w", axis=1),
            helper.make_node("MatMul", ["dx", "dw"], ["y"], name="fc"),
        ]
        model = make_model(nodes, tensors, ["n", 4], ["n", 3])
        model.opset_import[0].version, model.ir_version = 21, 10
        return model

    def test_training_says_what_to_train_instead(self) -> None:
        model = self.quantized()
        path = self.save(model)
        arrays = self.samples()
        data = self.save_data(**arrays)
        train = ["train", path, "--data", data, "-o", self.path("out.onnx")]
        for more in ([], ["--train", "input_scale"], ["--lora"]):
            line = self.refuse(BAD_DATA, "--quantize int8", *train, *more)
            for name in ("round_x", "widen_x", "widen_w"):
                self.assertIn(name, line)
            self.assertNotIn("with --train\n", line)
        self.assertIn("--quantize int8", self.run_well("inspect", path).stdout)
        inputs = self.save_data("in.npz", x=arrays["x"])
        self.run_well("run", path, "--inputs", inputs, "-o", self.path("out.npz"))
        expected = ReferenceEvaluator(model).run(None, {"x": arrays["x"]})[0]
        np.testing.assert_allclose(np.load(self.path("out.npz"))["y"], expected, atol=1e-5)

    def test_operators_of_quantized_files(self) -> None:
        node = helper.make_node(
            "MatMulNBits", ["x", "w", "s"], ["y"], name="four", domain="com.microsoft",
            K=4, N=3, bits=4, block_size=16,
        )  # fmt: skip
        tensors = [
            numpy_helper.from_array(np.zeros((3, 1, 8), np.uint8), "w"),
            numpy_helper.from_array(np.ones(3, np.float32), "s"),
        ]
        model = make_model([node], tensors, ["n", 4], ["n", 3])
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
        data = self.save_data(**self.samples())
        train = ["train", self.save(model), "--data", data, "-o", self.path("out.onnx")]
        line = self.refuse(BAD_DATA, "--quantize int8", *train)
        self.assertIn('"four"', line)

    def test_the_advice_works(self) -> None:
        self.run_well(*self.train("--quantize", "int8"))


class InputsTest(MessagesTest):
    def test_an_input_without_a_batch_axis(self) -> None:
        weight = numpy_helper.from_array(np.ones((4, 3), np.float32), "w")
        nodes = [
            helper.make_node("MatMul", ["x", "w"], ["h"], name="fc"),
            helper.make_node("Mul", ["h", "temperature"], ["y"], name="scale"),
        ]
        model = make_model(nodes, [weight], ["n", 4], ["n", 3])
        scalar = helper.make_tensor_value_info("temperature", TensorProto.FLOAT, [])
        model.graph.input.append(scalar)
        path = self.save(model)
        data = self.save_data(**self.samples())
        train = ["train", path, "--data", data, "-o", self.path("out.onnx")]
        line = self.refuse(BAD_DATA, '"temperature"', *train)
        self.assertIn("no batch axis", line)
        arrays = dict(self.samples(), temperature=np.ones(12, np.float32))
        train[3] = self.save_data(**arrays)
        line = self.refuse(BAD_DATA, '"temperature"', *train)
        self.assertIn("no batch axis", line)


class BadUsageTest(BadInputTest):
    def test_mistyped_option(self) -> None:
        model = self.save(linear_model())
        data = self.save_data(**self.samples())
        train = ["train", model, "--data", data, "-o", self.output]
        for typed, meant in (
            ("--epcohs", "--epochs"),
            ("--learning-rat", "--learning-rate"),
            ("--bach-size", "--batch-size"),
            ("--optimiser", "--optimizer"),
        ):
            self.refuse(USAGE, f"{typed}, did you mean {meant};", *train, typed, "3")
            self.refuse(USAGE, f"did you mean {meant};", "train", model, f"{typed}=3")

    def test_mistyped_command(self) -> None:
        done = run("trian", "model.onnx")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("did you mean train", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_mistyped_value(self) -> None:
        model = self.save(linear_model())
        data = self.save_data(**self.samples())
        train = ["train", model, "--data", data, "-o", self.output]
        for option, typed, meant in (
            ("--loss", "cross-entropy", "did you mean cross_entropy"),
            ("--optimizer", "adamv", "did you mean adam"),
            ("--precision", "f16", "expected one of f32, f64"),
            ("--batch-size", "0", "from 1 on"),
            ("--epochs", "-1", "--epochs"),
            ("--epochs", "three", "--epochs"),
            ("--learning-rate", "-0.1", "--learning-rate"),
            ("--resize", "32", "HEIGHTxWIDTH"),
        ):
            self.refuse(USAGE, meant, *train, option, typed)

    def test_whole_numbers_out_of_range(self) -> None:
        """Of every option of every command; none takes the nearest number that is in range."""
        found = 0
        for command in json.loads(self.run_well("--list-options").stdout):
            for option in command["options"]:
                kind, name = option["type"].split(":")[0], option["name"]
                is_named = kind in ("CLASSES", "EPOCH", "K", "PAD", "PATIENCE")
                if kind not in ("INT", "UINT") and not is_named or name == "--unfreeze":
                    continue
                if is_named and command["command"] == "tune":  # which asks the trials' parser later
                    continue
                found += 1
                largest = 2**64 if kind == "UINT" else 2**63
                for number in (largest, "1" + "0" * 309, "0x10", -1 if kind == "UINT" else "1e3"):
                    arguments = [command["command"], f"{name}={number}"]
                    self.refuse(USAGE, "expected a whole number", *arguments)
        self.assertGreater(found, 40)

    def test_a_leading_zero_is_decimal(self) -> None:
        model, data = self.save(linear_model()), self.save_data(**self.samples())
        train = ["train", model, "--data", data, "-o", self.output, "--dry-run", "--json"]
        for epochs in ("010", 2**62):
            done = self.run_well(*train, "--epochs", epochs)
            self.assertEqual(json.loads(done.stdout)["steps"], int(epochs))

    def test_option_of_another_optimizer(self) -> None:
        model = self.save(linear_model())
        data = self.save_data(**self.samples())
        train = ["train", model, "--data", data, "-o", self.output]
        self.refuse(USAGE, "--momentum", *train, "--optimizer", "adam", "--momentum", "0.9")
        self.refuse(USAGE, "--amsgrad", *train, "--optimizer", "lion", "--amsgrad")

    def test_missing_arguments(self) -> None:
        for arguments in (["train"], ["run", "model.onnx"], []):
            done = run(*arguments)
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_options_that_exclude_each_other(self) -> None:
        model = self.save(linear_model())
        data = self.save_data(**self.samples())
        train = ["train", model, "--data", data, "-o", self.output]
        validation = ["--validation-split", "0.5", "--validation-data", data]
        self.refuse(USAGE, "--validation-split", *train, *validation)

    def test_early_stopping_without_validation(self) -> None:
        model = self.save(linear_model())
        data = self.save_data(**self.samples())
        train = ["train", model, "--data", data, "-o", self.output]
        self.refuse(BAD_DATA, "validation", *train, "--early-stopping", "3")


if __name__ == "__main__":
    unittest.main()
