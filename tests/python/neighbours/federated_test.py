"""examples/federated: what the clients know together, measured by ONNX Runtime, and the average."""

import contextlib
import gzip
import importlib.util
import io
import pathlib
import re
import sys
import unittest
from unittest import mock

import numpy as np
import onnxruntime
import strop
from program import ProgramTest

ROOT = pathlib.Path(__file__).parents[3]
EXAMPLE = ROOT / "examples/federated/federated.py"
DIGITS = ROOT / "models/data/digits.csv.gz"


class FederatedTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        spec = importlib.util.spec_from_file_location("federated", EXAMPLE)
        self.example = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.example)
        size = ("--input", 64, "--classes", 10, "--width", 32, "--seed", 1)
        self.model, self.data = self.path("digits.onnx"), self.path("digits.csv")
        self.run_well("new", "mlp", *size, "-o", self.model)
        self.data.write_bytes(gzip.decompress(DIGITS.read_bytes()))

    def run_example(self) -> str:
        output = str(self.path("averaged.onnx"))
        words = ["federated.py", str(self.model), str(self.data), output]
        printed = io.StringIO()
        with mock.patch.object(sys, "argv", words), contextlib.redirect_stdout(printed):
            self.example.main()
        return printed.getvalue()

    def test_together_they_know_more_than_each_alone(self) -> None:
        printed = self.run_example()
        alone = [float(found) for found in re.findall(r"alone  accuracy (\S+)", printed)]
        rounds = [float(found) for found in re.findall(r"round \d  .*accuracy (\S+)", printed)]
        self.assertEqual((len(alone), len(rounds)), (3, 9))
        session = onnxruntime.InferenceSession(self.path("averaged.onnx"))
        x, y = self.example.held_out(str(self.data))
        [logits] = session.run(None, {session.get_inputs()[0].name: x})
        accuracy = float((logits.argmax(axis=1) == y).mean())
        self.assertAlmostEqual(rounds[-1], accuracy, places=4)
        self.assertGreater(accuracy, max(alone) + 0.2)
        table = np.loadtxt(self.data, delimiter=",", skiprows=1)
        self.assertEqual(len(y), -(-len(table) // 5))

    def test_a_round_is_the_mean_by_samples(self) -> None:
        self.example.ROUNDS = 1
        self.run_example()
        weights, counts = [], []
        for client in range(self.example.CLIENTS):
            model = strop.load(self.model)
            x, y = self.example.share_of(client, str(self.data))
            self.assertEqual(set(y % 3), {client})
            self.example.trainer_of(model, self.example.EPOCHS).fit(x, y)
            weights.append(model.state_dict())
            counts.append(len(y))
        for name, found in strop.load(self.path("averaged.onnx")).state_dict().items():
            expected = np.average([each[name] for each in weights], axis=0, weights=counts)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


if __name__ == "__main__":
    unittest.main()
