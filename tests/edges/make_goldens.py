"""Writes goldens.json: PyTorch's loss of every edge case's first batch, and of all its rows.

`--check` makes them anew and compares with what is committed.
"""

import json
import pathlib
import sys
import tempfile

import numpy as np
import torch
from cases import BATCH, Case, Written, all_cases
from torch.nn import functional

import models

GOLDENS = pathlib.Path(__file__).with_name("goldens.json")
LOSSES = {
    "cross_entropy": functional.cross_entropy,
    "binary_cross_entropy": functional.binary_cross_entropy_with_logits,
    "mse": functional.mse_loss,
    "l1": functional.l1_loss,
    "huber": functional.huber_loss,
}


def loss(case: Case, written: Written, rows: int) -> float:
    weight, bias = (
        torch.tensor(p, dtype=torch.float64) for p in models.parameters(written.x[0].size)
    )
    x = torch.tensor(written.x[:rows]).flatten(1).double()
    truth = torch.tensor(np.asarray(written.truth[:rows]))
    truth = truth.double() if truth.is_floating_point() else truth.long()
    return LOSSES[case.loss](x @ weight + bias, truth).item()


def goldens() -> dict[str, list[float]]:
    found = {}
    for case in all_cases():
        with tempfile.TemporaryDirectory() as folder:
            written = case.write(pathlib.Path(folder))
        if not written.refusal:
            found[case.name] = [loss(case, written, BATCH), loss(case, written, case.rows)]
    return found


def main() -> int:
    found = goldens()
    if sys.argv[1:] == ["--check"]:
        known = json.loads(GOLDENS.read_text())
        is_same = known.keys() == found.keys() and all(
            np.allclose(known[name], found[name], rtol=1e-12, atol=0) for name in found
        )
        print("the same" if is_same else "goldens.json is not what PyTorch says now")
        return 0 if is_same else 1
    lines = [f"{json.dumps(name)}: {json.dumps(values)}" for name, values in found.items()]
    GOLDENS.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
