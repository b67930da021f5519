"""Pictures that are lost while a run goes on: the finished epochs are not."""

import shutil
import subprocess
import unittest
from collections.abc import Callable

import numpy as np
from onnx import helper, numpy_helper
from PIL import Image
from program import PROGRAM, ProgramTest, make_model

BAD_DATA = 65
NO_INPUT = 66


class LostData(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        random = np.random.default_rng(0)
        for name in ("cat", "dog"):
            self.path(f"data/{name}").mkdir(parents=True)
            for i in range(40):
                pixels = random.integers(0, 256, (24, 24, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(self.path(f"data/{name}/{i:02d}.jpg"))
        self.victim = self.path("data/dog/31.jpg")
        nodes = [
            helper.make_node("Flatten", ["x"], ["f"], name="flatten"),
            helper.make_node("MatMul", ["f", "w"], ["y"], name="fc"),
        ]
        weights = (random.normal(size=(1728, 2)) / 40).astype(np.float32)
        tensors = [numpy_helper.from_array(weights, "w")]
        self.model = self.save(make_model(nodes, tensors, ["n", 3, 24, 24], ["n", 2]))

        shutil.copytree(self.path("data"), self.path("whole"))

    def arguments(self, data: str, output: str, *options: object) -> list[str]:
        words = ["train", self.model, "--data", self.path(data), "-o", self.path(output)]
        words += ["--learning-rate", "1e-3", "--batch-size", "16", *options]
        return [str(word) for word in words]

    def train_and_lose(self, lose: Callable[[], object], *options: object) -> tuple[int, str, int]:
        """Loses a picture after the second epoch. Returns the exit code, the last line, and the
        epoch whose weights were written: those of a run of so many epochs that lost nothing."""
        command = [PROGRAM, *self.arguments("data", "out.onnx", "--epochs", "100000", *options)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as training:
            for line in training.stderr:
                if line.startswith("epoch 2/"):
                    lose()
            code = training.wait(timeout=60)
        self.assertIn("31.jpg", line)
        epoch = int(line.split("holds the weights of epoch ")[1].split(";")[0])
        self.assertGreaterEqual(epoch, 2)
        self.run_well(*self.arguments("whole", "whole.onnx", "--epochs", epoch))
        self.assertEqual(self.path("out.onnx").read_bytes(), self.path("whole.onnx").read_bytes())
        return code, line, epoch

    def test_a_picture_that_vanished(self) -> None:
        code, line, _ = self.train_and_lose(self.victim.unlink)
        self.assertEqual(code, NO_INPUT, line)

    def test_a_picture_that_was_damaged(self) -> None:
        code, line, _ = self.train_and_lose(lambda: self.victim.write_bytes(b"no picture"))
        self.assertEqual(code, BAD_DATA, line)

    def test_the_run_goes_on_from_its_checkpoint(self) -> None:
        run = ["--run-directory", self.path("run")]
        code, line, epoch = self.train_and_lose(self.victim.unlink, *run)
        self.assertEqual(code, NO_INPUT, line)
        self.assertIn("--resume", line)
        shutil.copy(self.path("whole/dog/31.jpg"), self.victim)
        more = ["--epochs", epoch + 2]
        self.run_well(*self.arguments("data", "resumed.onnx", *more, *run, "--resume"))
        self.run_well(*self.arguments("whole", "more.onnx", *more))
        self.assertEqual(
            self.path("resumed.onnx").read_bytes(), self.path("more.onnx").read_bytes()
        )

    def test_validation_data_that_are_lost(self) -> None:
        """The epoch that was trained is kept, though nothing could be said of it."""
        for folder in ("data", "whole"):
            shutil.copytree(self.path(folder), self.path(f"{folder}/../valid-{folder}"))
        victim = self.path("valid-data/dog/31.jpg")
        command = self.arguments("whole", "out.onnx", "--epochs", "100000")
        command += ["--validation-data", str(self.path("valid-data"))]
        with subprocess.Popen([PROGRAM, *command], stderr=subprocess.PIPE, text=True) as training:
            for line in training.stderr:
                if line.startswith("epoch 1/"):
                    victim.unlink(missing_ok=True)
            self.assertEqual(training.wait(timeout=60), NO_INPUT, line)
        epoch = int(line.split("holds the weights of epoch ")[1].split(";")[0])
        self.assertIn(f"(epoch {epoch})", line)
        self.run_well(*self.arguments("whole", "whole.onnx", "--epochs", epoch))
        self.assertEqual(self.path("out.onnx").read_bytes(), self.path("whole.onnx").read_bytes())


if __name__ == "__main__":
    unittest.main()
