"""Times a training step of PyTorch eager: python tests/bench/pytorch_step.py NAME BATCH_SIZE STEPS

Prints one JSON line with the keys of `strop benchmark --json`.
"""

import json
import re
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))
from networks.convolutional import resnet50  # noqa: E402
from networks.transformer import bert_base  # noqa: E402

TOKENS = 128
WARM_UP = 2


def make_case(
    name: str, batch_size: int
) -> tuple[nn.Module, tuple[torch.Tensor, ...], torch.Tensor, torch.optim.Optimizer]:
    torch.manual_seed(0)
    if name == "resnet50":
        model: nn.Module = resnet50()
        target = torch.randint(0, 1000, (batch_size,))
        images = torch.randn(batch_size, 3, 224, 224)
        return model, (images,), target, torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    model = bert_base()
    ids = torch.randint(0, 2, (batch_size, TOKENS))
    target = torch.randint(0, 2, (batch_size,))
    inputs = (ids, torch.ones_like(ids), torch.zeros_like(ids))
    return model, inputs, target, torch.optim.AdamW(model.parameters(), 1e-5)


def peak_megabytes() -> float:
    """Of this program: getrusage would count what the parent held before it started this."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def main() -> None:
    name, batch_size, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    model, inputs, target, optimizer = make_case(name, batch_size)
    model.train()
    times = []
    for _ in range(WARM_UP + steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(*inputs), target).backward()
        optimizer.step()
        times.append(1e3 * (time.perf_counter() - start))
    row = {
        "step_ms_median": statistics.median(times[WARM_UP:]),
        "peak_rss_mb": peak_megabytes(),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
