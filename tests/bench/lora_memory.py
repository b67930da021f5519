"""Peak memory of `strop train` on BERT-base, whole and with adapters.

    python tests/bench/lora_memory.py STROP [--rounds N] [--batch-size N] [--length N]

AdamW, 8×128 tokens. Each training is a process of its own; its peak is the largest resident set
that the kernel has seen (wait4's ru_maxrss, in all of its life: the model read, the steps, the
export). Adapters on every layer that can have one, `--lora '*'`, rank 8. Takes turns; the medians
are compared.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

import numpy as np

STEPS = 3
VOCABULARY = 30522
RUNS = {"whole": [], "adapters": ["--lora", "*"]}


def peak_megabytes(command: list[str]) -> float:
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_WAIT_POLICY": "passive"},
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise RuntimeError(f"{' '.join(command)}: wait status {status}")
    return usage.ru_maxrss / 1024


def make_data(path: Path, batch_size: int, length: int) -> None:
    random = np.random.default_rng(0)
    shape = (STEPS * batch_size, length)
    np.savez(
        path,
        input_ids=random.integers(0, VOCABULARY, shape),
        attention_mask=np.ones(shape, np.int64),
        token_type_ids=np.zeros(shape, np.int64),
        target=random.integers(0, 2, shape[0]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strop", type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--length", type=int, default=128)
    arguments = parser.parse_args()
    strop = str(arguments.strop.resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, data = str(folder / "bert.onnx"), folder / "data.npz"
        subprocess.run([strop, "new", "bert", "-o", model], check=True, stdout=subprocess.DEVNULL)
        make_data(data, arguments.batch_size, arguments.length)
        command = [
            *(strop, "train", model, "--data", str(data), "--optimizer", "adamw"),
            *("--batch-size", str(arguments.batch_size), "--steps", str(STEPS)),
            *("-o", str(folder / "out.onnx")),
        ]
        rounds = [
            {kind: peak_megabytes([*command, *options]) for kind, options in RUNS.items()}
            for _ in range(arguments.rounds)
        ]
    peaks = {kind: statistics.median(row[kind] for row in rounds) for kind in RUNS}
    for kind, megabytes in peaks.items():
        print(f"{kind:9s} {megabytes:6.0f} MB at most")
    print(f"adapters need {peaks['adapters'] / peaks['whole']:.3f} of the memory")


if __name__ == "__main__":
    main()
