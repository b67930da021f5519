"""Holds LoRA to PEFT's numbers, which are committed: ten steps' losses and the trained adapters.

    python tests/parity/lora_test.py STROP

1e-9 in double; in float the losses to 1e-3, as for the optimizers. make_lora_goldens.py is where
PEFT itself loads what Strop writes.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from lora_cases import CASES, GOLDENS, LoraCase, strop_command

TOLERANCE = {"f64": 1e-9, "f32": 1e-3}
TYPES = {"F32": np.float32, "F64": np.float64}


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """The format as its specification has it: length, JSON header, elements."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    tensors = {}
    for name, row in header.items():
        begin, end = (start + offset for offset in row["data_offsets"])
        flat = np.frombuffer(content[begin:end], TYPES[row["dtype"]])
        tensors[name] = flat.reshape(row["shape"])
    return tensors


def difference(actual: np.ndarray, expected: np.ndarray) -> float:
    if actual.shape != expected.shape:
        return np.inf
    return float(np.linalg.norm(actual - expected) / max(np.linalg.norm(expected), 1e-300))


def train(strop: Path, case: LoraCase, precision: str, epochs: int) -> tuple[np.ndarray, dict]:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "adapter"
        command = strop_command(strop, case, precision, output, epochs)
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        losses = np.array([row["loss"] for row in rows if "loss" in row])
        return losses, read_safetensors(output / "adapter_model.safetensors")


def differences(strop: Path, case: LoraCase) -> list[str]:
    golden = dict(np.load(GOLDENS / f"{case.name}.npz"))
    first = {n[6:]: a for n, a in golden.items() if n.startswith("first/")}
    last = {n[5:]: a for n, a in golden.items() if n.startswith("last/")}
    found = []
    _, tensors = train(strop, case, "f64", epochs=0)
    if tensors.keys() != first.keys() or any((tensors[n] != first[n]).any() for n in first):
        found.append("starts from other adapters: make the goldens anew")
    for precision, tolerance in TOLERANCE.items():
        losses, tensors = train(strop, case, precision, epochs=1)
        if not difference(losses, golden["losses"]) <= tolerance:
            found.append(f"losses in {precision}: {losses} instead of {golden['losses']}")
        if precision != "f64":
            continue
        if tensors.keys() != last.keys():
            found.append(f"tensors {sorted(tensors.keys() ^ last.keys())}")
            continue
        for name, expected in last.items():
            if not difference(tensors[name], expected) <= tolerance:
                found.append(f"{name} differs by {difference(tensors[name], expected):.1e}")
    return found


def main() -> None:
    strop = Path(sys.argv[1]).resolve()
    failures = 0
    for case in CASES:
        found = differences(strop, case)
        failures += bool(found)
        print(f"{case.name:20} {'; '.join(found) or 'ok'}", flush=True)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
