"""`strop new` against torchvision's and Hugging Face's networks, published counts, ONNX's checker
and ONNX Runtime; and every architecture learns.

    STROP_PROGRAM=build/release/strop python tests/models/new_networks_test.py
"""

import hashlib
import json
import re
import sys
import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from program import ProgramTest, run  # noqa: E402

GOLDEN = Path(__file__).with_name("reference_networks.json")
TOKENS = ("--vocabulary", 50)
BLOCKS = ("--depth", 2, "--width", 16, "--heads", 2)
IMAGE = ("--input", "3x32x32", "--classes", 4)
# Every architecture as small as makes sense.
SMALL = {
    "mlp": ("--input", 12, "--classes", 4, "--width", 16, "--batch-norm", "--residual"),
    "lenet5": ("--classes", 4),
    **{f"vgg{n}": (*IMAGE, "--width", 4, "--batch-norm") for n in (11, 13, 16, 19)},
    **{f"resnet{n}": (*IMAGE, "--width", 4) for n in (18, 34, 50, 101, 152)},
    "preact_resnet": (*IMAGE, "--depth", 20, "--width", 4),
    **{f"densenet{n}": (*IMAGE, "--growth-rate", 4) for n in (121, 169, 201)},
    "mobilenet_v2": (*IMAGE, "--width-multiplier", 0.25),
    "mobilenet_v3_small": (*IMAGE, "--width-multiplier", 0.25),
    "mobilenet_v3_large": (*IMAGE, "--width-multiplier", 0.25),
    "unet": ("--input", "1x16x16", "--depth", 2, "--width", 4),
    "lstm": (*TOKENS, "--width", 8, "--classes", 4, "--depth", 2, "--bidirectional"),
    "gru": (*TOKENS, "--width", 8, "--classes", 4),
    "bert": (*TOKENS, *BLOCKS, "--classes", 4, "--positions", 12),
    "gpt": (*TOKENS, *BLOCKS, "--positions", 12),
    "vit": (*IMAGE, *BLOCKS, "--patch", 8),
    "autoencoder": ("--input", 12, "--width", "8,4"),
}
# Of one stage a family is enough where every member has the same code.
TRAINED = [n for n in SMALL if n not in ("vgg16", "vgg19", "resnet101", "resnet152", "densenet201")]
OPSETS = (13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)


def digest(tensors: list[dict]) -> str:
    """As reference_networks.py has it."""
    shapes = {t["name"]: t["shape"] for t in tensors}
    lines = [f"{n} {sorted(s) if len(s) == 2 else s}" for n, s in shapes.items()]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def sample_inputs(model: onnx.ModelProto, count: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(2)
    arrays = {}
    for value in model.graph.input:
        sizes = [d.dim_value for d in value.type.tensor_type.shape.dim]
        shape = [count, *(size or 9 for size in sizes[1:])]
        if value.type.tensor_type.elem_type == onnx.TensorProto.INT64:
            high = 2 if value.name in ("attention_mask", "token_type_ids") else 50
            arrays[value.name] = random.integers(0, high, shape)
            if value.name == "attention_mask":
                arrays[value.name][:, 0] = 1
        else:
            arrays[value.name] = random.normal(size=shape).astype(np.float32)
    return arrays


def sample_target(name: str, inputs: dict[str, np.ndarray], count: int) -> np.ndarray:
    random = np.random.default_rng(3)
    if name == "autoencoder":
        return inputs["features"]
    if name == "unet":
        return random.integers(0, 2, (count, 1, 16, 16)).astype(np.float32)
    if name == "gpt":
        return random.integers(0, 50, (count, 9))
    return random.integers(0, 4, count)


class NewTest(ProgramTest):
    def make(self, name: str, *options: object) -> Path:
        path = self.path(f"{name}.onnx")
        self.run_well("new", name, *options, "-o", path)
        return path

    def describe(self, name: str, *options: object) -> dict:
        return json.loads(self.run_well("new", name, *options, "--dry-run", "--json").stdout)


class ReferenceTest(NewTest):
    def test_tensors_are_those_of_torchvision_and_transformers(self) -> None:
        for row in json.loads(GOLDEN.read_text()):
            with self.subTest(row["architecture"], options=row["options"]):
                found = self.describe(row["architecture"], *row["options"])
                self.assertEqual(found["parameters"], row["parameters"])
                self.assertEqual(len(found["tensors"]), row["tensors"])
                self.assertEqual(digest(found["tensors"]), row["digest"])

    def test_published_counts(self) -> None:
        published = {
            # torchvision.models, "num_params" of each weights entry
            ("resnet50",): 25_557_032,
            ("densenet121",): 7_978_856,
            ("mobilenet_v2",): 3_504_872,
            ("vit",): 86_567_656,
            # Hugging Face, bert-base-uncased without its head of 2·768 + 2; gpt2
            ("bert",): 109_482_240 + 1538,
            ("gpt",): 124_439_808,
            # github.com/milesial/Pytorch-UNet, UNet(1, 1, bilinear=False)
            ("unet",): 31_036_481,
            # LeNet-5 with a full second convolution and trainable output layer
            ("lenet5", "--input", "1x32x32"): 61_706,
            # He et al. 2016, table 4: 1.7 and 10.2 million
            ("preact_resnet",): 1_703_258,
            ("resnet1001",): 10_327_706,
            # torch.nn: Embedding(10000, 128), LSTM or GRU(128, 128), Linear(128, 2)
            ("lstm",): 1_280_000 + 4 * 128 * (128 + 128 + 2) + 258,
            ("gru",): 1_280_000 + 3 * 128 * (128 + 128 + 2) + 258,
        }
        for arguments, count in published.items():
            with self.subTest(arguments):
                self.assertEqual(self.describe(*arguments)["parameters"], count)


class EveryArchitectureTest(NewTest):
    def test_all_are_tested(self) -> None:
        lines = self.run_well("new", "--list", "--json").stdout.splitlines()
        names = {json.loads(line)["name"] for line in lines}
        self.assertEqual(names - {"resnet1001"}, set(SMALL))

    def test_is_valid_and_equals_onnx_runtime(self) -> None:
        for index, (name, options) in enumerate(SMALL.items()):
            # The opsets go round; families with several forms are held to all below.
            with self.subTest(name):
                self.check(name, OPSETS[index % len(OPSETS)], options)

    def test_every_opset_of_what_is_written_in_several_forms(self) -> None:
        for name in ("mobilenet_v3_small", "bert", "gpt"):
            for opset in (13, 14, 16, 17, 18, 20, 23):
                with self.subTest(name, opset=opset):
                    self.check(name, opset, SMALL[name])
        for activation in ("silu", "mish", "gelu_tanh", "hard_swish", "leaky_relu", "relu6"):
            for opset in (13, 18, 20):
                with self.subTest(activation, opset=opset):
                    self.check("mlp", opset, (*SMALL["mlp"], "--activation", activation))

    def check(self, name: str, opset: int, options: tuple) -> None:
        path = self.make(name, *options, "--opset", opset)
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        self.assertEqual(inferred.graph.output, model.graph.output)
        self.assertEqual(model.opset_import[0].version, opset)
        inputs = sample_inputs(model, 3)
        self.run_well("run", path, "--inputs", self.save_data(**inputs), "-o", self.path("o.npz"))
        found = np.load(self.path("o.npz"))
        for output, expected in zip(found.files, self.runtime(path, inputs), strict=True):
            scale = np.abs(expected).max()
            np.testing.assert_allclose(found[output], expected, rtol=1e-4, atol=1e-5 * scale)

    @staticmethod
    def runtime(path: Path, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(path, options).run(None, inputs)

    def test_learns(self) -> None:
        losses = {"autoencoder": "mse", "unet": "binary_cross_entropy"}
        for name in TRAINED:
            with self.subTest(name):
                path = self.make(name, *SMALL[name])
                inputs = sample_inputs(onnx.load(path), 8)
                data = self.save_data(**inputs, target=sample_target(name, inputs, 8))
                lines = self.run_well(
                    *("train", path, "--data", data, "--loss", losses.get(name, "cross_entropy")),
                    *("--batch-norm", "train", "--optimizer", "adam", "--learning-rate", 3e-3),
                    *("--batch-size", 8, "--epochs", 6, "--json", "-o", self.path("tuned.onnx")),
                ).stdout.splitlines()
                found = [json.loads(line)["train_loss"] for line in lines]
                self.assertLess(found[-1], found[0])


class InitializationTest(NewTest):
    def weights(self, *options: object) -> dict[str, np.ndarray]:
        path = self.make("mlp", "--input", 400, "--width", 300, *options)
        return {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}

    def test_deviations_and_bounds_are_those_of_torch_nn_init(self) -> None:
        he, both = np.sqrt(2 / 400), np.sqrt(2 / (400 + 300))
        cases = {
            "he": (he, None),
            "he_uniform": (he, he * np.sqrt(3)),
            "xavier_normal": (both, None),
            "xavier": (both, both * np.sqrt(3)),
        }
        for name, (deviation, bound) in cases.items():
            with self.subTest(name):
                weight = self.weights("--initialization", name)["hidden.0.linear.weight"]
                # The deviation of 120,000 draws is known to 0.2 %, the mean to 0.3 % of it.
                self.assertAlmostEqual(weight.std() / deviation, 1, delta=0.01)
                self.assertAlmostEqual(weight.mean() / deviation, 0, delta=0.015)
                if bound is not None:
                    self.assertLessEqual(np.abs(weight).max(), bound * (1 + 1e-6))
                    self.assertGreater(np.abs(weight).max(), bound * 0.999)
                else:
                    self.assertGreater(np.abs(weight).max(), 4 * deviation)

    def test_gains(self) -> None:
        for options, gain in ((("--activation", "tanh"), 5 / 3), (("--gain", "3"), 3)):
            weight = self.weights("--initialization", "he", *options)["hidden.0.linear.weight"]
            self.assertAlmostEqual(weight.std() * 20 / gain, 1, delta=0.01)

    def test_orthogonal(self) -> None:
        weights = self.weights("--initialization", "orthogonal", "--gain", "1.5")
        wide, square = weights["hidden.0.linear.weight"], weights["hidden.1.linear.weight"]
        for weight in (wide, square):
            product = weight @ weight.T
            np.testing.assert_allclose(product, 2.25 * np.eye(300), atol=1e-5)
        self.assertAlmostEqual(square.mean(), 0, delta=0.01)

    def test_the_seed_decides_the_bytes(self) -> None:
        files = [self.make("lenet5", "--seed", seed).read_bytes() for seed in (1, 1, 2)]
        self.assertEqual(files[0], files[1])
        self.assertNotEqual(files[0], files[2])


class ExternalDataTest(NewTest):
    def test_weights_beside_the_model_are_the_same_ones(self) -> None:
        whole = onnx.load(self.make("lenet5", "--classes", 4))
        path = self.path("split.onnx")
        options = ("--classes", 4, "--external-data")
        done = self.run_well("new", "lenet5", *options, "-o", path)
        name = re.search(r"its weights to (split\.onnx\.[0-9a-f]{16}\.data)\n", done.stdout)[1]
        split = onnx.load(path, load_external_data=False)
        offsets = []
        for tensor in split.graph.initializer:
            entries = {entry.key: entry.value for entry in tensor.external_data}
            if entries:
                self.assertEqual(entries["location"], name)
                offsets.append(int(entries["offset"]))
        self.assertEqual(len(offsets), 10)
        self.assertEqual([offset % 4096 for offset in offsets], [0] * 10)
        self.assertLess(path.stat().st_size, 10_000)
        onnx.checker.check_model(path, full_check=True)
        onnx.external_data_helper.load_external_data_for_model(split, str(self.folder))
        for found, expected in zip(split.graph.initializer, whole.graph.initializer, strict=True):
            np.testing.assert_array_equal(
                numpy_helper.to_array(found), numpy_helper.to_array(expected), found.name
            )
        inputs = sample_inputs(whole, 3)
        data = self.save_data(**inputs, target=sample_target("lenet5", inputs, 3))
        tuned = self.path("tuned.onnx")
        self.run_well("train", path, "--data", data, "--epochs", 1, "-o", tuned)
        onnxruntime.InferenceSession(tuned).run(None, inputs)

    def test_a_file_that_cannot_be_made_leaves_nothing(self) -> None:
        self.path("model.onnx").mkdir()
        done = run("new", "lenet5", "--external-data", "-o", self.path("model.onnx"))
        self.assertEqual(done.returncode, 73, done.stderr)
        self.assertEqual(list(self.folder.iterdir()), [self.path("model.onnx")])


class RefusalTest(NewTest):
    def test_says_what_is_wrong(self) -> None:
        cases = {
            ("lenet",): (2, "did you mean lenet5"),
            ("lenet5", "--depth", 3): (2, "lenet5 has no --depth"),
            ("resnet18", "--input", "3x32"): (65, "channels, height and width"),
            ("lenet5", "--input", "1x4x4"): (65, "larger --input"),
            ("preact_resnet", "--depth", 100): (65, "expected 9n+2"),
            ("bert", "--heads", 7): (65, "divide the width"),
            ("vit", "--patch", 15): (65, "--patch that divides both"),
            ("unet", "--input", "1x100x100"): (65, "multiples of 16"),
            ("mlp", "--width", "3,4", "--depth", 3): (65, "--depth is 3"),
            ("mlp", "--gain", 2): (2, "need --initialization"),
        }
        for arguments, (code, words) in cases.items():
            with self.subTest(arguments):
                done = run("new", *arguments, "-o", self.path("model.onnx"))
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1)
                self.assertFalse(self.path("model.onnx").exists())


if __name__ == "__main__":
    unittest.main()
