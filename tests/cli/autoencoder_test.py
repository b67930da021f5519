"""Autoencoders: the input is the target, whatever holds it; losses and steps equal to NumPy's."""

import gzip
import json
import struct
import unittest

import numpy as np
from bad_input_test import BAD_DATA, BadInputTest
from onnx import ModelProto, helper, numpy_helper
from PIL import Image
from program import linear_model, make_model

RATE = 0.25


class AutoencoderTest(BadInputTest):
    def setUp(self) -> None:
        super().setUp()
        self.proto = linear_model(features=4, classes=4)
        self.model = self.save(self.proto)
        self.x = np.random.default_rng(3).normal(size=(12, 4)).astype(np.float32)
        tensors = {t.name: numpy_helper.to_array(t) for t in self.proto.graph.initializer}
        self.weight, self.bias = tensors["w0"].astype(float), tensors["b0"].astype(float)
        self.error = self.x @ self.weight + self.bias - self.x

    def csv(self, header: str, rows: np.ndarray) -> object:
        path = self.path("data.csv")
        np.savetxt(path, rows, delimiter=",", header=header, comments="")
        return path

    def forms(self) -> dict[str, object]:
        np.save(self.path("x.npy"), self.x)
        labelled = np.column_stack([self.x, np.arange(12) % 3])
        return {
            "npz": self.save_data(x=self.x),
            "labelled": self.save_data("labelled.npz", x=self.x, target=np.arange(12) % 3),
            "of another name": self.save_data("other.npz", features=self.x),
            "npy": self.path("x.npy"),
            "csv": self.csv("a,b,c,d", self.x),
            "labelled csv": self.csv("a,b,c,d,target", labelled),
        }

    def test_numbers(self) -> None:
        slope = 2 * self.error / self.error.size
        expected = self.weight - RATE * self.x.T @ slope
        step = ["--optimizer", "sgd", "--momentum", 0, "--learning-rate", RATE, "--epochs", 1]
        for target in ("input", "x"):
            for name, data in self.forms().items():
                with self.subTest(target=target, name=name):
                    options = ["--data", data, "--target", target, "--loss", "mse"]
                    done = self.run_well("evaluate", self.model, *options, "--json")
                    loss = json.loads(done.stdout)["loss"]
                    self.assertAlmostEqual(loss, (self.error**2).mean(), places=6)
                    self.run_well("train", self.model, *options, *step, "-o", self.output)
                    tuned = ModelProto.FromString(self.output.read_bytes()).graph.initializer[0]
                    np.testing.assert_allclose(numpy_helper.to_array(tuned), expected, atol=1e-6)

    def test_pictures(self) -> None:
        """y = 2·x of pixels: the loss is their mean square."""
        pixels = np.random.default_rng(4).integers(0, 256, (6, 5, 4), np.uint8)
        gain = numpy_helper.from_array(np.full((1, 1, 1, 1), 2, np.float32), "gain")
        node = helper.make_node("Mul", ["x", "gain"], ["y"], name="mul")
        model = make_model([node], [gain], ["n", 1, 5, 4], ["n", 1, 5, 4])
        path = self.save(model, "gain.onnx")
        flat, classes = self.path("flat"), self.path("classes")
        for i, picture in enumerate(pixels):
            for folder in (flat, classes / "ab"[i % 2]):
                folder.mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture).save(folder / f"{i}.png")
        header = struct.pack(">4B3I", 0, 0, 8, 3, *pixels.shape)
        self.path("images.gz").write_bytes(gzip.compress(header + pixels.tobytes()))
        expected = ((pixels / 255) ** 2).mean()
        for data in (flat, classes, self.path("images.gz"), self.save_data(x=pixels)):
            options = ["--data", data, "--target", "input", "--loss", "mse"]
            done = self.run_well("evaluate", path, *options, "--json")
            self.assertAlmostEqual(json.loads(done.stdout)["loss"], expected, places=6)
            # A picture that is turned around is its own target, turned around.
            step = ["--learning-rate", 0, "--json", "--train", "gain", "-o", self.output]
            done = self.run_well("train", path, *options, "--random-horizontal-flip", 0.5, *step)
            self.assertAlmostEqual(json.loads(done.stdout)["train_loss"], expected, places=6)

    def test_messages_lead_there(self) -> None:
        data = self.save_data(x=self.x)
        train = ["train", self.model, "--data", data, "--loss", "mse", "-o", self.output]
        self.refuse(BAD_DATA, "whose output is as its input, takes --target input", *train)
        self.run_well(*train, "--target", "input")

    def test_several_inputs(self) -> None:
        weights = numpy_helper.from_array(np.ones(4, np.float32), "w")
        nodes = [
            helper.make_node("Mul", ["x", "w"], ["h"], name="mul"),
            helper.make_node("Mul", ["h", "z"], ["y"], name="by_z"),
        ]
        proto = make_model(nodes, [weights], ["n", 4], ["n", 4])
        proto.graph.input.append(helper.make_tensor_value_info("z", 1, ["n", 4]))
        model = self.save(proto, "two.onnx")
        data = self.save_data(x=self.x, z=self.x + 1)
        options = ["--data", data, "--loss", "mse"]
        self.refuse(BAD_DATA, "has 2 inputs", "evaluate", model, *options, "--target", "input")
        done = self.run_well("evaluate", model, *options, "--target", "z", "--json")
        z = self.x.astype(float) + 1
        expected = ((self.x * z - z) ** 2).mean()
        self.assertAlmostEqual(json.loads(done.stdout)["loss"], expected, places=5)

    def test_no_such_array(self) -> None:
        self.refuse(
            *(BAD_DATA, 'no array "label"', "evaluate", self.model),
            *("--data", self.save_data(x=self.x), "--target", "label"),
        )


if __name__ == "__main__":
    unittest.main()
