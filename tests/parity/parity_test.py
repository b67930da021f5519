"""Holds the program `strop` to PyTorch's numbers, which are committed, and to ONNX Runtime's.

    python tests/parity/parity_test.py STROP CHECK [--only PATTERN]
    python tests/parity/parity_test.py STROP outputs --models FOLDER    every exporter, opset, form

CHECK is one of

outputs       `strop run` against ONNX Runtime, before training, and for the exported file after it
gradients     `strop gradient` against PyTorch's float64: 1e-9 in double, 1e-4 in float
initializers  `strop gradient --wrt` of everything that the file stores: against PyTorch's, 1e-9,
              and what PyTorch has no parameter for against finite differences, 1e-5
losses        `strop train`, ten steps of every optimizer: 1e-9 in double against float64, 1e-3 in
              float against float32
export        the file without training is the same to the byte; after it, only tensors' data differ
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from case_table import BATCH_SIZE, DATA, GOLDENS, MANIFEST, MODELS, OPTIMIZERS, STEPS, pack
from onnx import numpy_helper

GRADIENT_TOLERANCE = {"f64": 1e-9, "f32": 1e-4}
SLOPE_TOLERANCE = 1e-5
SLOPE_STEPS = (1e-4, 1e-6, 1e-7)
SLOPE_NOISE = 1e-6  # a slope below this share of the sum is lost in its rounding
LOSS_TOLERANCE = {"f64": 1e-9, "f32": 1e-3}
# A gradient that is zero but for rounding (a bias in front of BatchNormalization, the keys' bias
# under a softmax) has no relative error: it has to stay this small beside all gradients together.
ZERO_GRADIENT = 1e-12


class Failure(Exception):
    """A comparison that does not hold, or a command that failed."""


@dataclass
class Case:
    """A committed model and what belongs to it."""

    model: Path
    row: dict
    strop: Path
    folder: Path
    data: dict[str, np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        self.data = dict(np.load(self.data_path))

    @property
    def data_path(self) -> Path:
        return DATA / f"{self.row['network']}.npz"

    def golden(self) -> dict[str, np.ndarray]:
        return dict(np.load(GOLDENS / f"{self.row['golden']}.npz"))

    def first_batch(self) -> dict[str, np.ndarray]:
        return {n: a[:BATCH_SIZE] for n, a in self.data.items() if n != "target"}

    def save(self, name: str, arrays: dict[str, np.ndarray]) -> Path:
        path = self.folder / name
        np.savez(path, **arrays)
        return path

    def run(self, *arguments: object) -> str:
        command = [str(part) for part in (self.strop, *arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            line = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise Failure(f"exit code {done.returncode}: {line}")
        return done.stdout

    def train(self, optimizer: str, precision: str, output: Path) -> np.ndarray:
        torch_options, options = OPTIMIZERS[optimizer][1:]
        batch_norm = "frozen" if self.row.get("golden", "").endswith(".frozen") else "train"
        lines = self.run(
            *("train", self.model, "--data", self.data_path, "--loss", self.row["loss"]),
            *("--optimizer", *options, "--learning-rate", repr(torch_options["lr"])),
            *("--batch-size", BATCH_SIZE, "--no-shuffle", "--epochs", 1, "--steps", STEPS),
            *("--batch-norm", batch_norm, "--precision", precision),
            *("--json", "--log-every", 1, "-o", output),
        )
        rows = [json.loads(line) for line in lines.splitlines() if line.startswith("{")]
        return np.array([row["loss"] for row in rows if "loss" in row])


def runtime_outputs(model: Path, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def compare_outputs(case: Case, model: Path) -> None:
    inputs = case.first_batch()
    output = case.folder / "outputs.npz"
    case.run("run", model, "--inputs", case.save("inputs.npz", inputs), "-o", output)
    actual = np.load(output)
    for name, expected in runtime_outputs(model, inputs).items():
        np.testing.assert_allclose(actual[name], expected, rtol=1e-4, atol=1e-5, err_msg=name)


def check_outputs(case: Case) -> Iterator[str]:
    compare_outputs(case, case.model)
    yield "before"
    trained = case.folder / "trained.onnx"
    case.train("adam", "f32", trained)
    if trained.read_bytes() == case.model.read_bytes():
        raise Failure("training left the file as it was")
    compare_outputs(case, trained)
    yield "after"


def check_gradients(case: Case) -> Iterator[str]:
    golden = case.golden()
    gradients = {n.partition("/")[2]: a for n, a in golden.items() if n.startswith("gradient/")}
    total = np.linalg.norm([np.linalg.norm(array) for array in gradients.values()])
    inputs = case.save("inputs.npz", case.first_batch())
    cotangent = case.save("cotangent.npz", {"logits": golden["cotangent"]})
    output = case.folder / "gradients.npz"
    for precision, tolerance in GRADIENT_TOLERANCE.items():
        case.run(
            *("gradient", case.model, "--inputs", inputs, "--output-gradients", cotangent),
            *("--precision", precision, "-o", output),
        )
        actual = np.load(output)
        for tensor, source in case.row["parameters"].items():
            if tensor not in actual:
                raise Failure(f"{precision}: no gradient of {tensor}")
            expected = pack(source["layout"], [gradients[n] for n in source["parameters"]])
            size = np.linalg.norm(expected)
            scale = size if size > ZERO_GRADIENT * total else total
            error = np.linalg.norm(actual[tensor] - expected) / scale
            if not error <= tolerance:
                raise Failure(f"{precision}: gradient of {tensor} is off by {error:.1e}")
            yield f"{precision} {tensor}"


def in_double(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same with every floating tensor widened, so that it can be moved by little."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    factors = resize_factors(model)  # are float whatever is resized
    stored = [tensor for tensor in wide.graph.initializer if tensor.name not in factors]
    for node in wide.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t") and not factors.intersection(node.output):
                stored.append(attribute.t)
            if node.op_type == "Cast" and attribute.i == onnx.TensorProto.FLOAT:
                attribute.i = onnx.TensorProto.DOUBLE
    for tensor in stored:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            array = numpy_helper.to_array(tensor).astype(np.float64)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    for value in [*wide.graph.input, *wide.graph.output]:
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
            value.type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
    return wide


def resize_factors(model: onnx.ModelProto) -> set[str]:
    nodes = [node for node in model.graph.node if node.op_type == "Resize"]
    return {node.input[2] for node in nodes if len(node.input) > 2}


@dataclass
class Slopes:
    """Finite differences of Σ cotangent·output by what the model stores."""

    case: Case
    inputs: Path
    cotangents: dict[str, np.ndarray]

    def __post_init__(self) -> None:
        self.model = in_double(onnx.load(self.case.model))
        self.tensors = {tensor.name: tensor for tensor in self.model.graph.initializer}

    def total(self) -> tuple[float, float]:
        """The sum, and the sum of its terms' magnitudes."""
        path, output = self.case.folder / "moved.onnx", self.case.folder / "moved.npz"
        path.write_bytes(self.model.SerializeToString())
        options = ("--inputs", self.inputs, "--precision", "f64")
        self.case.run("run", path, *options, "-o", output)
        outputs = np.load(output)
        terms = [outputs[name] * array for name, array in self.cotangents.items()]
        return sum(np.sum(t) for t in terms), sum(np.sum(np.abs(t)) for t in terms)

    def compare(self, name: str, gradient: np.ndarray) -> None:
        """Along a random direction, with ever smaller steps: large ones cross kinks."""
        tensor = self.tensors[name]
        start = numpy_helper.to_array(tensor)
        random = np.random.default_rng(0).normal(size=start.shape)
        direction = random * (np.minimum(np.abs(start), 1) + 1e-3)  # a variance stays positive
        predicted = np.sum(gradient * direction)
        for step in SLOPE_STEPS:
            sums = []
            for side in (step, -step):
                tensor.CopyFrom(numpy_helper.from_array(start + side * direction, name))
                total, magnitude = self.total()
                sums.append(total)
            tensor.CopyFrom(numpy_helper.from_array(start, name))
            measured = (sums[0] - sums[1]) / (2 * step)
            scale = max(abs(predicted), abs(measured), SLOPE_NOISE * magnitude)
            if abs(predicted - measured) <= SLOPE_TOLERANCE * scale:
                return
        raise Failure(f"slope of {name}: {predicted!r} by the gradient, {measured!r} by the model")


def check_initializers(case: Case) -> Iterator[str]:
    model = onnx.load(case.model)
    factors = resize_factors(model)
    stored = [t.name for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT]
    names = [name for name in stored if name not in factors]
    inputs = case.save("inputs.npz", case.first_batch())
    golden = case.golden() if "golden" in case.row else {}
    cotangents = {"logits": golden["cotangent"]} if golden else {}
    if not golden:
        random = np.random.default_rng(0)
        for name, array in runtime_outputs(case.model, case.first_batch()).items():
            cotangents[name] = random.normal(size=array.shape)
    output = case.folder / "gradients.npz"
    arguments = ("gradient", case.model, "--inputs", inputs, "--precision", "f64", "-o", output)
    cotangent = case.save("cotangent.npz", cotangents)
    case.run(*arguments, "--output-gradients", cotangent, "--wrt", *names)
    actual = np.load(output)
    expected = {n.partition("/")[2]: a for n, a in golden.items() if n.startswith("gradient/")}
    total = np.linalg.norm([np.linalg.norm(array) for array in expected.values()])
    slopes = Slopes(case, inputs, cotangents)
    for name in names:
        source = case.row.get("parameters", {}).get(name) if golden else None
        if source is None:
            slopes.compare(name, actual[name])
            yield name
            continue
        right = pack(source["layout"], [expected[n] for n in source["parameters"]])
        size = np.linalg.norm(right)
        error = np.linalg.norm(actual[name] - right)
        error /= size if size > ZERO_GRADIENT * total else total
        if not error <= GRADIENT_TOLERANCE["f64"]:
            raise Failure(f"gradient of {name} is off by {error:.1e}")
        yield name
    for name in factors.intersection(stored):  # no gradient is written: refused, never zero
        try:
            case.run(*arguments, "--wrt", name)
        except Failure as failure:
            if "input 2 is not implemented" not in str(failure):
                raise
            yield name
            continue
        raise Failure(f"a gradient of {name}, which Resize reads as scales")


def check_losses(case: Case) -> Iterator[str]:
    golden = case.golden()
    for optimizer in OPTIMIZERS:
        for precision, tolerance in LOSS_TOLERANCE.items():
            actual = case.train(optimizer, precision, case.folder / "trained.onnx")
            expected = golden[f"loss/{optimizer}/{precision}"]
            if actual.shape != expected.shape:
                raise Failure(f"{optimizer} {precision}: {len(actual)} losses for {STEPS} steps")
            errors = np.abs(actual - expected) / np.abs(expected)
            if not np.all(errors <= tolerance):
                step = int(np.argmax(~(errors <= tolerance)))
                raise Failure(
                    f"{optimizer} {precision}: loss {actual[step]!r} at step {step + 1}, "
                    f"PyTorch {expected[step]!r}, off by {errors[step]:.1e}"
                )
            yield f"{optimizer} {precision}"


def rows_of_folder(folder: Path, manifest: dict[str, dict]) -> dict[str, dict]:
    """Other files of the same networks have the same data and loss, and no golden."""
    losses = {row["network"]: row["loss"] for row in manifest.values()}
    names = sorted(path.name for path in folder.glob("*.onnx"))
    networks = {name: name.split(".")[0] for name in names}
    return {name: {"network": net, "loss": losses[net]} for name, net in networks.items()}


def without_elements(model: Path) -> bytes:
    """The model with the data of all its floating tensors taken out."""
    proto = onnx.load(model)
    attributes = [a for node in proto.graph.node for a in node.attribute]
    for tensor in [*proto.graph.initializer, *(a.t for a in attributes if a.HasField("t"))]:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.ClearField("raw_data")
            tensor.ClearField("float_data")
    return proto.SerializeToString(deterministic=True)


def check_export(case: Case) -> Iterator[str]:
    options = ["--data", case.data_path, "--loss", case.row["loss"], "--batch-norm", "train"]
    output = case.folder / "exported.onnx"
    case.run("train", case.model, *options, "--epochs", 0, "-o", output)
    if output.read_bytes() != case.model.read_bytes():
        raise Failure("without training, the exported file differs from the model")
    yield "untrained"
    case.run("train", case.model, *options, "--steps", 2, "-o", output)
    if output.read_bytes() == case.model.read_bytes():
        raise Failure("training left the file as it was")
    if without_elements(output) != without_elements(case.model):
        raise Failure("training changed more than tensors' data")
    yield "trained"


CHECKS = {
    "outputs": check_outputs,
    "gradients": check_gradients,
    "initializers": check_initializers,
    "losses": check_losses,
    "export": check_export,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strop", type=Path)
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--only", default="", help="a regular expression on model file names")
    parser.add_argument("--models", type=Path, default=MODELS, help="made by export_networks.py")
    arguments = parser.parse_args()
    manifest = json.loads(MANIFEST.read_text())
    if arguments.models != MODELS:
        manifest = rows_of_folder(arguments.models, manifest)
    passed = failed = 0
    for file_name, row in sorted(manifest.items()):
        if not re.search(arguments.only, file_name):
            continue
        if arguments.check in ("gradients", "losses") and "golden" not in row:
            continue
        with tempfile.TemporaryDirectory() as folder:
            case = Case(arguments.models / file_name, row, arguments.strop.resolve(), Path(folder))
            count = 0
            try:
                for _ in CHECKS[arguments.check](case):
                    count += 1
                print(f"ok    {file_name}: {count} comparisons", flush=True)
                passed += 1
            except (Failure, AssertionError, subprocess.TimeoutExpired) as error:
                message = " ".join(str(error).split())[:300]
                print(f"FAIL  {file_name}: {message}", flush=True)
                failed += 1
    print(f"{arguments.check}: {passed} models passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


if __name__ == "__main__":
    main()
