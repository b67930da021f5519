"""float16 and bfloat16 files: trained as their float32 twin is, and rounded once, at the end."""

import json
import pathlib
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from program import ProgramTest, run

HALF_TYPES = {"float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16}
BAD_DATA = 65


def bits_of(values: np.ndarray, kind: str) -> np.ndarray:
    """The nearest numbers of a half type, ties to even, as their 16 bits."""
    values = np.asarray(values, np.float32)
    if kind == "float16":
        return values.astype(np.float16).view(np.uint16)
    bits = values.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def values_of(bits: np.ndarray, kind: str) -> np.ndarray:
    if kind == "float16":
        return bits.view(np.float16).astype(np.float32)
    return (bits.astype(np.uint32) << 16).view(np.float32)


def weights_of(path: pathlib.Path) -> dict[str, np.ndarray]:
    """float32 tensors, and the bits of others."""
    weights = {}
    for tensor in onnx.load(path).graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            weights[tensor.name] = numpy_helper.to_array(tensor)
        else:
            weights[tensor.name] = np.frombuffer(tensor.raw_data, np.uint16).reshape(tensor.dims)
    return weights


class HalfTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        random = np.random.default_rng(27)
        self.tensors = {
            "w1": random.normal(size=(16, 8)) * 0.3,
            "b1": random.normal(size=16) * 0.3,
            "w2": random.normal(size=(3, 16)) * 0.3,
            "b2": random.normal(size=3) * 0.3,
        }
        x = random.normal(size=(64, 8)).astype(np.float16)
        labels = x[:, :3].argmax(1)
        self.x = x.astype(np.float32)
        self.data = self.save_data(x=self.x, target=labels)
        self.half_data = self.save_data("half.npz", x=x, target=labels)

    def network(self, kind: str, casts: bool) -> tuple[pathlib.Path, pathlib.Path]:
        """A file of that type, behind casts or in it from input to output, and its twin."""
        half = HALF_TYPES[kind]
        halves, floats = [], []
        for name, tensor in self.tensors.items():
            bits = bits_of(tensor, kind)
            halves.append(helper.make_tensor(name, half, tensor.shape, bits.tobytes(), raw=True))
            floats.append(numpy_helper.from_array(values_of(bits, kind), name))
        core = [
            helper.make_node("Gemm", ["h", "w1", "b1"], ["g"], transB=1, name="fc1"),
            helper.make_node("Relu", ["g"], ["r"], name="relu"),
            helper.make_node("Gemm", ["r", "w2", "b2"], ["o"], transB=1, name="fc2"),
        ]
        paths = []
        for tensors, inner, name in ((halves, half, "half"), (floats, TensorProto.FLOAT, "twin")):
            outer = TensorProto.FLOAT if casts else inner
            nodes = [
                helper.make_node("Cast", ["x"], ["h"], to=inner, name="in"),
                *core,
                helper.make_node("Cast", ["o"], ["y"], to=outer, name="out"),
            ]
            graph = helper.make_graph(
                nodes,
                "test",
                [helper.make_tensor_value_info("x", outer, ["n", 8])],
                [helper.make_tensor_value_info("y", outer, ["n", 3])],
                tensors,
            )
            opsets = [helper.make_opsetid("", 17)]
            model = helper.make_model(graph, ir_version=8, opset_imports=opsets)
            paths.append(self.save(model, f"{name}.onnx"))
        return paths[0], paths[1]

    def train(self, model: pathlib.Path, output: str, *options: object) -> pathlib.Path:
        data = [] if "--data" in options else ["--data", self.data]
        arguments = [*data, "--batch-size", "16", "-o", self.path(output), *options]
        self.run_well("train", model, *arguments)
        return self.path(output)

    def check_twins(self, kind: str, half: pathlib.Path, twin: pathlib.Path) -> None:
        found, expected = weights_of(half), weights_of(twin)
        self.assertEqual(found.keys(), expected.keys())
        for name, tensor in expected.items():
            np.testing.assert_array_equal(found[name], bits_of(tensor, kind), err_msg=name)

    def test_small_steps_are_not_rounded_away(self) -> None:
        options = ["--optimizer", "adam", "--learning-rate", "1e-5", "--epochs", "60"]
        for kind in HALF_TYPES:
            for casts in (True, False):
                with self.subTest(kind=kind, casts=casts):
                    half, twin = self.network(kind, casts)
                    outputs = [self.train(m, f"{m.stem}_out.onnx", *options) for m in (half, twin)]
                    self.check_twins(kind, *outputs)
                    before, after = weights_of(half), weights_of(outputs[0])
                    moved = np.mean([(before[n] != after[n]).mean() for n in ("w1", "w2")])
                    # Alone, 240 steps of at most 1e-5 are below half a unit of most weights.
                    self.assertGreater(moved, 0.5 if kind == "float16" else 0.1)

    def test_every_way_to_train(self) -> None:
        for options in (
            ["--optimizer", "sgd", "--learning-rate", "0.05", "--ema-decay", "0.9"],
            ["--optimizer", "adamw", "--accumulation-steps", "2", "--clip-norm", "1"],
            ["--optimizer", "adam", "--sam-rho", "0.05"],
            ["--swa-start", "2", "--swa-learning-rate", "1e-3"],
            ["--validation-split", "0.25", "--early-stopping", "1", "--epochs", "9"],
            ["--lora", "fc1", "--lora-rank", "2", "--learning-rate", "1e-2"],
        ):
            with self.subTest(options=options):
                half, twin = self.network("float16", casts=True)
                epochs = [] if "--epochs" in options else ["--epochs", "4"]
                outputs = [
                    self.train(m, f"{m.stem}_out.onnx", *options, *epochs) for m in (half, twin)
                ]
                self.check_twins("float16", *outputs)

    def test_data_in_the_inputs_own_type(self) -> None:
        half, _ = self.network("float16", casts=False)
        outputs = [
            self.train(half, f"{data.stem}_out.onnx", "--data", data, "--optimizer", "adam")
            for data in (self.data, self.half_data)
        ]
        self.assertEqual(outputs[0].read_bytes(), outputs[1].read_bytes())

    def test_a_run_that_goes_on_keeps_what_is_below_the_types_last_digit(self) -> None:
        half, twin = self.network("float16", casts=True)
        options = ["--optimizer", "adam", "--learning-rate", "1e-5"]
        kept = [*options, "--run-directory", self.path("run")]
        self.train(half, "some.onnx", *kept, "--epochs", "20")
        resumed = self.train(half, "all.onnx", *kept, "--epochs", "60", "--resume")
        self.check_twins("float16", resumed, self.train(twin, "t.onnx", *options, "--epochs", "60"))

    def test_gradients_are_the_twins(self) -> None:
        for kind in HALF_TYPES:
            half, twin = self.network(kind, casts=True)
            self.save_data("x.npz", x=self.x)
            gradients = []
            for model in (half, twin):
                output = self.path(f"{model.stem}.npz")
                arguments = ["--inputs", self.path("x.npz"), "--wrt", "w1", "--wrt", "b2"]
                self.run_well("gradient", model, *arguments, "-o", output)
                gradients.append(dict(np.load(output)))
            for name, gradient in gradients[1].items():
                np.testing.assert_array_equal(gradients[0][name], gradient)

    def test_inference_keeps_the_files_semantics(self) -> None:
        half, _ = self.network("float16", casts=False)
        x = self.x.astype(np.float16)
        self.save_data("x.npz", x=x)
        self.run_well("run", half, "--inputs", self.path("x.npz"), "-o", self.path("y.npz"))
        found = np.load(self.path("y.npz"))["y"]
        self.assertEqual(found.dtype, np.float16)
        session = onnxruntime.InferenceSession(half, providers=["CPUExecutionProvider"])
        expected = session.run(None, {"x": x})[0]
        np.testing.assert_allclose(found, expected, rtol=0, atol=4e-3)
        # The loss of what the file computes, in float: float16 ends at 65504.
        target = np.full((64, 3), 1000, np.float16)
        data = self.save_data("far.npz", x=x, target=target)
        done = self.run_well("evaluate", half, "--data", data, "--loss", "mse", "--json")
        loss = np.mean((found.astype(float) - 1000) ** 2)
        self.assertAlmostEqual(json.loads(done.stdout)["loss"] / loss, 1, 5)

    def test_commands_around_training(self) -> None:
        half, twin = self.network("bfloat16", casts=True)
        find = ["--data", self.data, "--steps", "40", "--json"]
        curves = [run("find-learning-rate", m, *find).stdout for m in (half, twin)]
        self.assertEqual(curves[0], curves[1])
        self.run_well("check", half)
        self.run_well("benchmark", half, "--batch-size", "4", "--steps", "2")
        searched = ["--search", "learning-rate=1e-3,1e-2", "--strategy", "grid"]
        for model in (half, twin):
            tune = ["tune", model, "--data", self.data, "--optimizer", "adam", *searched]
            self.run_well(*tune, "-o", self.path(f"{model.stem}_best.onnx"))
        best = [self.path(f"{stem}_best.onnx") for stem in ("half", "twin")]
        self.check_twins("bfloat16", *best)

    def test_quantization_asks_for_float(self) -> None:
        half, _ = self.network("float16", casts=True)
        arguments = ["--data", self.data, "--quantize", "int8", "-o", self.path("q.onnx")]
        done = run("train", half, *arguments)
        self.assertEqual(done.returncode, BAD_DATA, done.stderr)
        self.assertIn("is float16, expected float32", done.stderr)


if __name__ == "__main__":
    unittest.main()
