"""kill -9 at random moments of a run: it goes on each time and ends with an uninterrupted run's
bytes.

python tests/cli/kill_test.py [--kills 200] [--seed 1] [--only KIND]      with STROP_PROGRAM set
"""

import argparse
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import helper, numpy_helper
from program import PROGRAM, make_model

# What every run has: running statistics, best weights, checkpoints in the middle of epochs.
OPTIONS = (
    "--epochs 24 --batch-size 8 --batch-norm train --validation-split 0.25 --seed 5 "
    "--checkpoint-every 7"
).split()

# What else changes while a run goes on.
KINDS = {
    "adamw": (
        "--optimizer adamw --learning-rate 0.01 --dropout 0.3 --clip-norm 1 --early-stopping 8"
    ),
    "momentum": (
        "--optimizer sgd --momentum 0.9 --nesterov --learning-rate 0.02 --schedule one_cycle "
        "--accumulation-steps 3 --ema-decay 0.9 --mixup 0.2"
    ),
    "unfreezing": (
        "--optimizer nadam --unfreeze 3:w0 --dropout 0.2 --dropout-at matmul1 --early-stopping 8 "
        "--schedule reduce_on_plateau --patience 1"
    ),
    "averaging": ("--optimizer lamb --learning-rate 0.01 --swa-start 12 --swa-learning-rate 0.005"),
    "lora": "--optimizer adamw --learning-rate 0.01 --lora * --lora-dropout 0.2",
    "quantization": "--optimizer rmsprop --quantize int8 --early-stopping 8",
}


def network() -> onnx.ModelProto:
    """Two hidden layers with batch normalization and dropout."""
    draw = np.random.default_rng(0)
    nodes, tensors, value = [], [], "x"
    widths = [8, 48, 48]
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False)):
        weight = draw.normal(size=(inputs, outputs)) / np.sqrt(inputs)
        arrays = {"w": weight, "scale": np.ones(outputs), "shift": np.zeros(outputs)}
        arrays |= {"mean": np.zeros(outputs), "variance": np.ones(outputs)}
        tensors += [
            numpy_helper.from_array(array.astype(np.float32), f"{name}{i}")
            for name, array in arrays.items()
        ]
        statistics = [f"{name}{i}" for name in ("scale", "shift", "mean", "variance")]
        nodes += [
            helper.make_node("MatMul", [value, f"w{i}"], [f"m{i}"], name=f"matmul{i}"),
            helper.make_node("BatchNormalization", [f"m{i}", *statistics], [f"n{i}"], name=f"b{i}"),
            helper.make_node("Relu", [f"n{i}"], [f"r{i}"], name=f"relu{i}"),
            helper.make_node("Dropout", [f"r{i}"], [f"d{i}"], name=f"dropout{i}"),
        ]
        value = f"d{i}"
    head = draw.normal(size=(widths[-1], 3)).astype(np.float32)
    tensors.append(numpy_helper.from_array(head, "head"))
    nodes.append(helper.make_node("MatMul", [value, "head"], ["y"], name="classifier"))
    return make_model(nodes, tensors, ["n", widths[0]], ["n", 3])


class Run:
    """One training in a folder of its own."""

    def __init__(self, folder: pathlib.Path, name: str, kind: str) -> None:
        self.run = folder / name
        self.output = folder / f"{name}.onnx"
        model, data = folder / "model.onnx", folder / "data.npz"
        self.command = [PROGRAM, "train", model, "--data", data, "-o", self.output, *OPTIONS]
        self.command += KINDS[kind].split()
        self.command += ["--run-directory", self.run, "--resume"]

    def start(self) -> subprocess.Popen:
        return subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def finish(self, process: subprocess.Popen) -> None:
        _, errors = process.communicate(timeout=300)
        if process.returncode != 0:
            sys.exit(f"exit code {process.returncode}: {errors.decode()}")

    def has_checkpoint(self) -> bool:
        return any((self.run / "checkpoints").glob("*"))

    def clear(self) -> None:
        shutil.rmtree(self.run)
        self.output.unlink()


def kill_and_resume(folder: pathlib.Path, kind: str, kills: int, draw: random.Random) -> None:
    whole = Run(folder, f"{kind}-whole", kind)
    begin = time.monotonic()
    whole.finish(whole.start())
    duration = time.monotonic() - begin
    expected = whole.output.read_bytes()
    assert expected != (folder / "model.onnx").read_bytes(), "nothing was trained"
    run = Run(folder, f"{kind}-killed", kind)
    done, after_checkpoint, finished = 0, 0, 0
    while True:
        begin = time.monotonic()
        process = run.start()
        try:
            # The last one may end.
            process.wait(draw.uniform(0, duration) if done < kills else 300)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            process.stderr.close()
            done += 1
            after_checkpoint += run.has_checkpoint()
            continue
        run.finish(process)
        finished += 1
        duration = min(duration, time.monotonic() - begin)  # the first may have been held up
        if run.output.read_bytes() != expected:
            sys.exit(f"{kind}: after {done} kills the exported file differs")
        if done == kills:
            break
        run.clear()
    alike = f"{len(expected)} bytes alike each time"
    kills = f"{done} kills, {after_checkpoint} of them after a checkpoint"
    print(f"{kind}: {kills}, {finished} runs to their end, {alike}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=2, help="of each kind of run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=KINDS, help="one kind of run instead of all")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="strop-kill-"))
    try:
        (folder / "model.onnx").write_bytes(network().SerializeToString())
        draw = np.random.default_rng(1)
        x = draw.normal(size=(400, 8)).astype(np.float32)
        target = (x[:, :3] + draw.normal(size=(400, 3)) * 0.5).argmax(axis=1)
        np.savez(folder / "data.npz", x=x, target=target)
        for kind in [arguments.only] if arguments.only else KINDS:
            kill_and_resume(folder, kind, arguments.kills, random.Random(arguments.seed))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
