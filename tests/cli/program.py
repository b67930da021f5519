"""Runs the program under test, and makes the small models that its tests need."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# The build under test; ctest sets it.
PROGRAM = os.path.abspath(os.environ["STROP_PROGRAM"])


def run(*arguments: object, timeout: float = 120) -> subprocess.CompletedProcess:
    command = [PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def linear_model(
    features: int = 4, classes: int = 3, seed: int = 0, hidden: int = 0
) -> onnx.ModelProto:
    """y[n, classes] = x[n, features]·W + b, through a Tanh layer when `hidden` is not 0."""
    random = np.random.default_rng(seed)
    nodes, tensors, width, value = [], [], features, "x"
    for i, size in enumerate([hidden, classes] if hidden else [classes]):
        weight = (random.normal(size=(width, size)) / np.sqrt(width)).astype(np.float32)
        bias = random.normal(size=size).astype(np.float32)
        tensors += [
            numpy_helper.from_array(weight, f"w{i}"),
            numpy_helper.from_array(bias, f"b{i}"),
        ]
        is_last = size == classes and i == (1 if hidden else 0)
        name = "y" if is_last else f"h{i}"
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], [name], name=f"fc{i}"))
        if not is_last:
            nodes.append(helper.make_node("Tanh", [name], [f"t{i}"], name=f"tanh{i}"))
            name = f"t{i}"
        value, width = name, size
    return make_model(nodes, tensors, ["n", features], ["n", classes])


def make_model(
    nodes: list[onnx.NodeProto],
    tensors: list[onnx.TensorProto],
    input_shape: list[int | str],
    output_shape: list[int | str],
    input_type: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", input_type, input_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output_shape)],
        tensors,
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, ir_version=8, opset_imports=opsets)


def softmax_cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log_probabilities[np.arange(len(labels)), labels].mean())


class ProgramTest(unittest.TestCase):
    """A folder of its own for each test."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="strop-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name: str) -> pathlib.Path:
        return self.folder / name

    def save(self, model: onnx.ModelProto, name: str = "model.onnx") -> pathlib.Path:
        self.path(name).write_bytes(model.SerializeToString())
        return self.path(name)

    def save_data(self, name: str = "data.npz", **arrays: np.ndarray) -> pathlib.Path:
        np.savez(self.path(name), **arrays)
        return self.path(name)

    def samples(
        self, count: int = 12, features: int = 4, classes: int = 3, seed: int = 1
    ) -> dict[str, np.ndarray]:
        random = np.random.default_rng(seed)
        return {
            "x": random.normal(size=(count, features)).astype(np.float32),
            "target": random.integers(0, classes, count),
        }

    def run_well(self, *arguments: object) -> subprocess.CompletedProcess:
        done = run(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    @contextlib.contextmanager
    def small_disk(self, size: str) -> Iterator[pathlib.Path]:
        """A file system of `size`, as mount takes it, or a skip that says so."""
        disk = self.path("disk")
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk]
        if subprocess.run(mount, capture_output=True).returncode != 0:
            print("SKIPPED: a full disk needs the permission to mount", file=sys.stderr)
            self.skipTest("a full disk needs the permission to mount")
        try:
            yield disk
        finally:
            subprocess.run(["umount", disk], check=True)
