"""Times a training step of Strop and of PyTorch eager, in turn, on the same networks.

    python tests/bench/compare_pytorch.py STROP [--steps N] [--rounds N] [--only PATTERN]

ResNet-50 (16×3×224×224, SGD with momentum) and BERT-base (8×128, AdamW), float32, PyTorch in its
default layout. Each measurement is a process of its own, so that peak memory is its own too; the
two take turns, `--rounds` times, and the medians of the rounds' medians are compared. Needs
PyTorch: `scripts/setup --torch`.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
EXPORT = HERE.parents[1] / "models" / "export_networks.py"


@dataclass(frozen=True)
class Benchmark:
    """A network as both train it."""

    name: str
    batch_size: int
    options: tuple[str, ...]


BENCHMARKS = [
    Benchmark(
        "resnet50",
        16,
        (*("--optimizer", "sgd", "--momentum", "0.9"), *("--shape", "image=16,3,224,224")),
    ),
    Benchmark(
        "bert_base",
        8,
        (
            *("--optimizer", "adamw", "--shape", "input_ids=8,128"),
            *("--shape", "attention_mask=8,128", "--shape", "token_type_ids=8,128"),
        ),
    ),
]


def run_json(command: list[str]) -> dict[str, float]:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(benchmark: Benchmark, strop: Path, folder: Path, steps: int, rounds: int) -> None:
    commands = {
        "Strop": [
            *(str(strop), "benchmark", str(folder / f"{benchmark.name}.onnx"), "--json"),
            *("--batch-size", str(benchmark.batch_size), "--loss", "cross_entropy"),
            *("--steps", str(steps), *benchmark.options),
        ],
        "PyTorch": [
            *(sys.executable, str(HERE / "pytorch_step.py"), benchmark.name),
            *(str(benchmark.batch_size), str(steps)),
        ],
    }
    rows: dict[str, list[dict[str, float]]] = {peer: [] for peer in commands}
    for _ in range(rounds):
        for peer, command in commands.items():
            rows[peer].append(run_json(command))
    medians = {
        peer: [
            statistics.median(row[key] for row in found)
            for key in ("step_ms_median", "peak_rss_mb")
        ]
        for peer, found in rows.items()
    }
    threads = {peer: int(found[0]["threads"]) for peer, found in rows.items()}
    for peer, (milliseconds, megabytes) in medians.items():
        print(
            f"{benchmark.name:10s} {peer:8s} {milliseconds:8.0f} ms a step  {megabytes:6.0f} MB "
            f"peak  {threads[peer]} threads"
        )
    ratios = [medians["PyTorch"][i] / medians["Strop"][i] for i in range(2)]
    print(
        f"{benchmark.name:10s} Strop is {ratios[0]:.2f}x as fast, {1 / ratios[1]:.2f}x the memory"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strop", type=Path)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="a regular expression on names")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([sys.executable, EXPORT, name, "--large"], check=True)
        for benchmark in BENCHMARKS:
            if re.search(arguments.only, benchmark.name):
                compare(
                    *(benchmark, arguments.strop.resolve(), Path(name)),
                    *(arguments.steps, arguments.rounds),
                )


if __name__ == "__main__":
    main()
