"""What monitoring adds to a step, at its default settings.

    python tests/bench/monitoring_cost.py STROP [--rounds N] [--only PATTERN]

Trains MobileNetV2 and a small GPT on random data in turn plainly, with statistics of every step
and with histograms of every step, each 4 and 34 steps long: the difference is 30 steps with nothing
of the start in it. What a step's statistics and histograms add is then far above the machine's
noise. By default every 50th step takes statistics and the last of an epoch histograms; "by default"
below is their sum for an epoch of 100 steps. Compares wall time and processor time; the latter
tells more on a machine that has other work.
"""

import argparse
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SHORT, LONG = 4, 34
BATCH = 16
EPOCH_STEPS = 100
RECORD_EVERY = 50  # as by default
EVERY_STEP = {
    "statistics": ("--log-every", "1", "--histogram-every", "100000"),
    "histograms": ("--log-every", "1", "--histogram-every", "1"),
}


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

    def step(name: str, options: tuple[str, ...]) -> np.ndarray:
        times = []
        for steps in (SHORT, LONG):
            kept = ["--run-directory", str(folder / f"{name}{steps}"), *options] if options else []
            times.append(run(command, steps, kept))
        return (times[1] - times[0]) / (LONG - SHORT)

    rounds_of = []
    for i in range(rounds):
        plain = step("plain", ())
        costs = {
            name: step(f"{name}{i}", options) / plain - 1 for name, options in EVERY_STEP.items()
        }
        costs["by default"] = (
            costs["statistics"] * (1 / RECORD_EVERY - 1 / EPOCH_STEPS)
            + costs["histograms"] / EPOCH_STEPS
        )
        rounds_of.append((plain, costs))
    wall, processor = np.median([plain for plain, _ in rounds_of], axis=0) * 1000
    print(f"{benchmark.name}: {wall:.0f} ms a step, {processor:.0f} ms of processors")
    for name in (*EVERY_STEP, "by default"):
        added = 100 * np.median([costs[name] for _, costs in rounds_of], axis=0)
        print(f"  {name:10s} add {added[0]:+6.2f} % wall, {added[1]:+6.2f} % processor")


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
