"""Images as Pillow decodes and resizes them, under every layout of the input; IDX files."""

import gzip
import json
import pathlib
import struct
import unittest

import numpy as np
from onnx import helper, numpy_helper
from PIL import Image
from program import ProgramTest, make_model, softmax_cross_entropy


class ImageInputsTest(ProgramTest):
    def flat_model(self, shape: list[int], seed: int = 1) -> tuple[pathlib.Path, np.ndarray]:
        count = int(np.prod(shape))
        random = np.random.default_rng(seed)
        weight = (random.normal(size=(count, 2)) / count**0.5).astype(np.float32)
        nodes = [
            helper.make_node("Flatten", ["x"], ["f"], name="flatten"),
            helper.make_node("MatMul", ["f", "w"], ["y"], name="fc"),
        ]
        tensors = [numpy_helper.from_array(weight, "w")]
        return self.save(make_model(nodes, tensors, ["n", *shape], ["n", 2])), weight

    def check(self, model: pathlib.Path, expected: float, *options: object) -> None:
        page = json.loads(self.run_well("evaluate", model, "--json", *options).stdout)
        self.assertAlmostEqual(page["loss"], expected, 5)

    def make_folder(self) -> tuple[list[pathlib.Path], np.ndarray]:
        random = np.random.default_rng(0)
        blocks = np.kron(random.integers(0, 256, (5, 6, 3)), np.ones((8, 8, 1)))
        images = {
            "a/0.png": random.integers(0, 256, (20, 30, 3)),
            "a/1.jpg": blocks,
            "b/2.png": random.integers(0, 256, (9, 11)),  # grey
            "b/3.PNG": random.integers(0, 256, (16, 8, 4)),  # with alpha
        }
        for name, pixels in images.items():
            path = self.path(f"images/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(path)
        return [self.path(f"images/{name}") for name in images], np.array([0, 0, 1, 1])

    def test_folder(self) -> None:
        paths, labels = self.make_folder()
        mean, std = np.array([0.5, 0.4, 0.3]), np.array([0.2, 0.3, 0.4])
        samples = np.zeros((4, 3, 12, 20))
        for sample, path in zip(samples, paths, strict=True):
            pixels = np.asarray(Image.open(path).convert("RGB"), dtype=np.float32)
            for c in range(3):
                channel = Image.fromarray(pixels[..., c]).resize((16, 10), Image.BILINEAR)
                sample[c, :10, :16] = (np.asarray(channel) / 255 - mean[c]) / std[c]
        options = ["--data", self.path("images"), "--resize", "10x16", "--pad", "12x20"]
        options += ["--mean", "0.5,0.4,0.3", "--std", "0.2,0.3,0.4"]
        model, weight = self.flat_model([3, 12, 20])
        expected = softmax_cross_entropy(samples.reshape(4, -1) @ weight, labels)
        self.check(model, expected, *options)
        model, weight = self.flat_model([12, 20, 3])
        samples = samples.transpose(0, 2, 3, 1)
        expected = softmax_cross_entropy(samples.reshape(4, -1) @ weight, labels)
        self.check(model, expected, *options)

    def test_grey_input(self) -> None:
        paths, labels = self.make_folder()
        samples = np.zeros((4, 1, 7, 9))
        for sample, path in zip(samples, paths, strict=True):
            grey = Image.open(path).convert("RGB").convert("L")
            pixels = Image.fromarray(np.asarray(grey, dtype=np.float32))
            sample[0] = np.asarray(pixels.resize((9, 7), Image.BILINEAR)) / 255
        model, weight = self.flat_model([1, 7, 9])
        expected = softmax_cross_entropy(samples.reshape(4, -1) @ weight, labels)
        self.check(model, expected, "--data", self.path("images"))

    def test_idx(self) -> None:
        random = np.random.default_rng(2)
        pixels = random.integers(0, 256, (6, 5, 4), dtype=np.uint8)
        labels = random.integers(0, 2, 6).astype(np.uint8)
        images_file = struct.pack(">BBBBIII", 0, 0, 8, 3, 6, 5, 4) + pixels.tobytes()
        labels_file = struct.pack(">BBBBI", 0, 0, 8, 1, 6) + labels.tobytes()
        self.path("images.gz").write_bytes(gzip.compress(images_file))
        self.path("labels-idx1-ubyte").write_bytes(labels_file)
        data = f"{self.path('images.gz')},{self.path('labels-idx1-ubyte')}"
        for shape in ([1, 5, 4], [20]):
            model, weight = self.flat_model(shape)
            expected = softmax_cross_entropy(pixels.reshape(6, 20) / 255 @ weight, labels)
            self.check(model, expected, "--data", data)


if __name__ == "__main__":
    unittest.main()
