"""Holds sharpness-aware minimization to PyTorch's numbers, which are committed: ten steps' losses.

    python tests/parity/sharpness_test.py STROP

1e-9 in double; 1e-4 in float. The running means of the exported file, which is
in float, to 1e-5.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from sharpness_cases import CASES, GOLDENS, SharpnessCase, strop_command

TOLERANCE = {"f64": 1e-9, "f32": 1e-4}
MEAN_TOLERANCE = 1e-5


def difference(actual: np.ndarray, expected: np.ndarray) -> float:
    if actual.shape != expected.shape:
        return np.inf
    return float(np.linalg.norm(actual - expected) / max(np.linalg.norm(expected), 1e-300))


def train(strop: Path, case: SharpnessCase, precision: str) -> tuple[np.ndarray, dict]:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "trained.onnx"
        command = strop_command(strop, case, precision, output)
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        tensors = onnx.load(output).graph.initializer
        losses = np.array([row["loss"] for row in rows if "loss" in row])
        return losses, {t.name: numpy_helper.to_array(t) for t in tensors}


def differences(strop: Path, case: SharpnessCase) -> list[str]:
    golden = dict(np.load(GOLDENS / f"{case.name}.npz"))
    expected = golden.pop("losses")
    found = []
    for precision, tolerance in TOLERANCE.items():
        losses, tensors = train(strop, case, precision)
        if not difference(losses, expected) <= tolerance:
            found.append(f"losses in {precision}: {losses} instead of {expected}")
        if precision != "f64":
            continue
        for name, mean in golden.items():
            off = difference(tensors[name], mean)
            if not off <= MEAN_TOLERANCE:
                found.append(f"{name} differs by {off:.1e}")
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
