"""What Python costs: the steps of ResNet-50 by `strop train`, by fit, with a callback at each step,
with a loss of PyTorch's.

PYTHONPATH=build/release/python python tests/bench/python_overhead.py STROP [--rounds N] [--steps N]
    [--batch-size N] [--size N]

Each kind in a process of its own, all in turn, every other round in the opposite order; ratios are
of a round's own runs. A run's time is that of all its epochs but the first, in which plans are
made, by the engine's clock. Needs torch.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np

CHILD = """
import json, sys, time
import numpy as np
import strop

kind, path, data, options = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
arrays = np.load(data)
x, y = arrays["x"], arrays["target"]
loss, callbacks = "cross_entropy", []
if kind == "torch loss":
    import torch
    loss = strop.losses.torch(torch.nn.functional.cross_entropy)

class Watching(strop.callbacks.Callback):
    def on_train_batch_end(self, step, logs):
        seen.append(logs["loss"])

seen = []
if kind == "callback":
    callbacks = [Watching()]
trainer = strop.Trainer(strop.load(path), loss=loss, callbacks=callbacks, **options)
history = trainer.fit(x, y)
print(json.dumps([epoch.seconds for epoch in history.epochs]))
"""
KINDS = ("program", "fit", "callback", "torch loss")


def seconds_of(
    kind: str, strop: str, model: pathlib.Path, data: pathlib.Path, options: dict
) -> float:
    """Of the epochs behind the first, in which plans are made."""
    if kind == "program":
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        command = [strop, "train", model, "--data", data, "--loss", "cross_entropy", *words]
        command += ["--json", "-o", model.with_name("out.onnx")]
    else:
        command = [sys.executable, "-c", CHILD, kind, model, data, json.dumps(options)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    if kind == "program":
        records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        seconds = [record["seconds"] for record in records if "train_loss" in record]
    else:
        seconds = json.loads(done.stdout)
    return sum(seconds[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strop", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="of an epoch; there are three")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--size", type=int, default=224)
    arguments = parser.parse_args()
    strop = os.path.abspath(arguments.strop)
    with tempfile.TemporaryDirectory(prefix="strop-bench-") as name:
        model, data = pathlib.Path(name, "resnet50.onnx"), pathlib.Path(name, "data.npz")
        words = ["new", "resnet50", "--input", f"3x{arguments.size}x{arguments.size}"]
        subprocess.run([strop, *words, "-o", model], check=True, stdout=subprocess.DEVNULL)
        random = np.random.default_rng(0)
        count = arguments.batch_size * arguments.steps
        shape = (count, 3, arguments.size, arguments.size)
        np.savez(data, x=random.normal(size=shape).astype(np.float32), target=np.arange(count) % 10)
        options = {
            "batch_size": arguments.batch_size,
            "epochs": 3,
            "optimizer": "sgd",
            "learning_rate": 1e-6,  # of numbers that mean nothing
        }
        rounds = []
        for number in range(arguments.rounds):
            order = KINDS if number % 2 == 0 else tuple(reversed(KINDS))
            rounds.append({kind: seconds_of(kind, strop, model, data, options) for kind in order})
            shown = ", ".join(f"{kind} {rounds[-1][kind]:.2f} s" for kind in KINDS)
            print(f"round {number + 1}: {shown}", flush=True)
    steps = 2 * arguments.steps
    for kind, peer in (("fit", "program"), ("callback", "fit"), ("torch loss", "fit")):
        ratio = statistics.median(each[kind] / each[peer] for each in rounds)
        step = statistics.median(each[kind] for each in rounds) / steps
        print(f"{kind:10s} {step * 1000:7.1f} ms a step, {ratio:.4f} of {peer}")


if __name__ == "__main__":
    main()
