"""What monitoring adds to a step, at its default settings.

    python tests/bench/monitoring_cost.py STROP [--rounds N] [--only PATTERN]

Trains MobileNetV2 and a small GPT on random data, in turn with and without --run-directory, for 60
and for 160 steps. The difference between the two lengths is 100 steps of which one takes statistics
and one histograms, with nothing of the start in it. Compares wall time and processor time; the
latter tells more on a machine that has other work.
"""

import argparse
import os
import re
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SHORT, LONG = 60, 160
BATCH = 16
EPOCH_STEPS = 100


@dataclass(frozen=True)
class Benchmark:
    """A network of `strop new` and the data it learns from."""

    name: str
    network: tuple[str, ...]

    def samples(self, random: np.random.Generator) -> dict[str, np.ndarray]:
        count = EPOCH_STEPS * BATCH
        if self.name == "gpt":
            tokens = random.integers(0, 1000, (count, 65))
            return {"input_ids": tokens[:, :-1], "target": tokens[:, 1:]}
        image = random.standard_normal((count, 3, 64, 64), dtype=np.float32)
        return {"image": image, "target": random.integers(0, 10, count)}


BENCHMARKS = [
    Benchmark("mobilenet_v2", ("mobilenet_v2", "--input", "3x64x64", "--classes", "10")),
    Benchmark(
        "gpt",
        (
            *("gpt", "--vocabulary", "1000", "--positions", "64", "--depth", "4"),
            *("--width", "256", "--heads", "4"),
        ),
    ),
]


def run(command: list[str], steps: int, options: list[str]) -> np.ndarray:
    """Wall and processor seconds of a training."""
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    before, start = os.times(), time.monotonic()
    subprocess.run(
        [*command, "--steps", str(steps), *options],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    after = os.times()
    processor = after.children_user - before.children_user
    processor += after.children_system - before.children_system
    return np.array([time.monotonic() - start, processor])


def compare(benchmark: Benchmark, strop: Path, folder: Path, rounds: int) -> None:
    model, data = folder / "model.onnx", folder / "data.npz"
    subprocess.run(
        [strop, "new", *benchmark.network, "-o", model], check=True, stdout=subprocess.DEVNULL
    )
    np.savez(data, **benchmark.samples(np.random.default_rng(0)))
    command = [
        *(str(strop), "train", str(model), "--data", str(data), "--epochs", "9"),
        *("--batch-size", str(BATCH), "-o", str(folder / "out.onnx")),
    ]
    rows = []
    for i in range(rounds):
        watched = ["--run-directory", str(folder / f"run{i}")]
        short = [run(command, SHORT, options) for options in ([], [*watched[:1], watched[1] + "s"])]
        long = [run(command, LONG, options) for options in ([], watched)]
        plain, monitored = long[0] - short[0], long[1] - short[1]
        rows.append([*plain * 1000 / (LONG - SHORT), *monitored / plain])
    wall_ms, processor_ms, wall, processor = (
        statistics.median(column) for column in zip(*rows, strict=True)
    )
    print(
        f"{benchmark.name:14s} {wall_ms:7.1f} ms a step ({processor_ms:.1f} ms of processors)  "
        f"monitored: {100 * (wall - 1):+.1f} % wall, {100 * (processor - 1):+.1f} % processor"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strop", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="a regular expression on names")
    arguments = parser.parse_args()
    for benchmark in BENCHMARKS:
        if re.search(arguments.only, benchmark.name):
            with tempfile.TemporaryDirectory() as folder:
                compare(benchmark, arguments.strop.resolve(), Path(folder), arguments.rounds)


if __name__ == "__main__":
    main()
