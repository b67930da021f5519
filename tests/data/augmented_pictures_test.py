"""Augmentation of training images, seen through the loss of a step that changes nothing."""

import json
import pathlib
import struct
import unittest

import numpy as np
from onnx import helper, numpy_helper
from PIL import Image
from program import ProgramTest, linear_model, make_model, run


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log_probabilities[np.arange(len(labels)), labels].mean())


class AugmentationTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        random = np.random.default_rng(0)
        self.pixels = random.integers(0, 256, (8, 6, 5, 3), dtype=np.uint8)  # [n, h, w, c]
        self.labels = np.sort(random.integers(0, 2, 8))
        self.weights = (random.normal(size=(90, 2)) / 3).astype(np.float32)

    def model(self, shape: list[int]) -> pathlib.Path:
        nodes = [
            helper.make_node("Flatten", ["x"], ["f"], name="flatten"),
            helper.make_node("MatMul", ["f", "w"], ["y"], name="fc"),
        ]
        tensors = [numpy_helper.from_array(self.weights, "w")]
        return self.save(make_model(nodes, tensors, ["n", *shape], ["n", 2]))

    def loss(self, images: np.ndarray, is_channels_first: bool = True) -> float:
        if is_channels_first:
            images = images.transpose(0, 3, 1, 2)
        return cross_entropy(images.reshape(8, -1) @ self.weights.astype(float), self.labels)

    def train(self, model: pathlib.Path, data: object, *options: object) -> dict:
        arguments = ["--data", data, "--validation-data", data, "--learning-rate", "0", "--json"]
        done = self.run_well("train", model, *arguments, "-o", self.path("o.onnx"), *options)
        return json.loads(done.stdout.splitlines()[-1])

    def check(self, row: dict, training: float, validation: float) -> None:
        self.assertAlmostEqual(row["train_loss"], training, 5)
        self.assertAlmostEqual(row["validation_loss"], validation, 5)

    def test_arrays_as_they_are(self) -> None:
        flip = ["--random-horizontal-flip", "1"]
        for kind in (np.float32, np.float64, np.uint8):
            arrays = images = self.pixels
            if kind == np.uint8:
                images = images / 255
            else:
                arrays = images = images.astype(kind) / kind(64) - 2
            data = self.save_data(x=arrays.transpose(0, 3, 1, 2), target=self.labels)
            row = self.train(self.model([3, 6, 5]), data, *flip)
            self.check(row, self.loss(images[:, :, ::-1]), self.loss(images))
            data = self.save_data(x=arrays, target=self.labels)
            row = self.train(self.model([6, 5, 3]), data, *flip)
            self.check(row, self.loss(images[:, :, ::-1], False), self.loss(images, False))

    def test_folders_and_idx(self) -> None:
        for i, (pixels, label) in enumerate(zip(self.pixels, self.labels, strict=True)):
            path = self.path(f"images/{label}/{i}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
        images = self.pixels / 255
        normal = (images - 0.4) / 0.3
        options = ["--mean", "0.4", "--std", "0.3", "--random-vertical-flip", "1"]
        row = self.train(self.model([3, 6, 5]), self.path("images"), *options)
        self.check(row, self.loss(normal[:, ::-1]), self.loss(normal))

        head = struct.pack(">BBBBIIII", 0, 0, 8, 4, 8, 6, 5, 3)
        self.path("images-ubyte").write_bytes(head + self.pixels.tobytes())
        head = struct.pack(">BBBBI", 0, 0, 8, 1, 8)
        self.path("labels-ubyte").write_bytes(head + self.labels.astype(np.uint8).tobytes())
        data = f"{self.path('images-ubyte')},{self.path('labels-ubyte')}"
        row = self.train(self.model([3, 6, 5]), data, *options)
        self.check(row, self.loss(normal[:, ::-1]), self.loss(normal))

    def test_validation_split_stays(self) -> None:
        images = self.pixels.transpose(0, 3, 1, 2) / np.float32(255)
        data = self.save_data(x=images, target=self.labels)
        arguments = ["--data", data, "--validation-split", "0.5", "--learning-rate", "0", "--json"]
        rows = []
        for options in ([], ["--random-rotation", "90", "--random-crop", "2"]):
            out = ["-o", self.path("o.onnx"), *options]
            done = self.run_well("train", self.model([3, 6, 5]), *arguments, *out)
            rows.append(json.loads(done.stdout))
        self.assertEqual(rows[0]["validation_loss"], rows[1]["validation_loss"])
        self.assertNotEqual(rows[0]["train_loss"], rows[1]["train_loss"])

    def test_everything_at_once_is_reproducible(self) -> None:
        data = self.save_data(
            x=self.pixels.transpose(0, 3, 1, 2) / np.float32(255), target=self.labels
        )
        options = ["--random-resized-crop", "0.3,1", "--random-crop", "1", "--random-erasing", "1"]
        options += ["--random-rotation", "30", "--color-jitter", "0.4,0.4,0.4,0.2"]
        options += ["--random-horizontal-flip", "0.5", "--random-vertical-flip", "0.5"]
        model = self.model([3, 6, 5])
        losses = []
        for more in (["--threads", "1"], ["--threads", "2"], ["--batch-size", "3"]):
            row = self.train(model, data, *options, "--epochs", "2", *more)
            losses.append(row["train_loss"])
        self.assertEqual(losses[0], losses[1])
        self.assertAlmostEqual(losses[0], losses[2], 5)
        other = self.train(model, data, *options, "--epochs", "2", "--seed", "1")["train_loss"]
        self.assertNotAlmostEqual(losses[0], other, 5)

    def test_mixing(self) -> None:
        """Validation is never mixed; mixing a sample with its like changes nothing."""
        images = self.pixels.transpose(0, 3, 1, 2) / np.float32(255)
        data = self.save_data(x=images, target=self.labels)
        model = self.model([3, 6, 5])
        smooth = ["--label-smoothing", "0.1", "--no-shuffle"]
        for options in (["--mixup", "0.8"], ["--cutmix", "1"], ["--mixup", "1", "--cutmix", "1"]):
            plain = self.train(model, data, *smooth)
            mixed = self.train(model, data, *smooth, *options)
            self.assertEqual(mixed["validation_loss"], plain["validation_loss"])
            self.assertNotAlmostEqual(mixed["train_loss"], plain["train_loss"], 3)
            like = self.save_data("like.npz", x=images[[2] * 8], target=self.labels[[2] * 8])
            plain = self.train(model, like, *smooth)
            mixed = self.train(model, like, *smooth, *options)
            self.assertAlmostEqual(mixed["train_loss"], plain["train_loss"], 5)

    def test_refusals(self) -> None:
        flip = ["--random-horizontal-flip", "0.5"]
        model = self.model([3, 6, 5])
        images = self.pixels.transpose(0, 3, 1, 2) / np.float32(64) - 2
        data = self.save_data(x=images, target=self.labels)
        masks = self.save_data("masks.npz", x=images, target=images[:, 0])
        numbers = self.save_data("numbers.npz", x=images, target=np.zeros((8, 2)))
        table = self.save_data("table.npz", **self.samples())
        rows = ["a,b,c,d,target", *(["1,2,3,4,0"] * 4)]
        self.path("data.csv").write_text("\n".join(rows) + "\n")
        linear = self.save(linear_model(), "linear.onnx")
        for code, problem, used, arguments in (
            (65, "expected pixels from 0 to 1", model, [data, "--color-jitter", "1,0,0,0"]),
            (65, "do not move with their images", model, [masks, *flip]),
            (65, "expected pictures", linear, [table, *flip]),
            (65, "found columns", linear, [self.path("data.csv"), *flip]),
            (65, "no class probabilities", model, [numbers, "--mixup", "1", "--loss", "mse"]),
            (65, "use --mixup", linear, [table, "--cutmix", "1"]),
            (2, "expected B,C,S,H", model, [data, "--color-jitter", "0.4,0.4"]),
            (2, "expected B,C,S,H", model, [data, "--color-jitter", "0,0,0,0.6"]),
            (2, "expected MIN,MAX", model, [data, "--random-resized-crop", "0.5,0.2"]),
            (2, "--random-horizontal-flip", model, [data, "--random-horizontal-flip", "2"]),
        ):
            done = run("train", used, "-o", self.path("o.onnx"), "--data", *arguments)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(problem, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertFalse(self.path("o.onnx").exists())


if __name__ == "__main__":
    unittest.main()
