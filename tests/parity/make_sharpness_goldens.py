"""Writes what sharpness_test.py compares with: sharpness-aware trainings in PyTorch, in float64.

    python tests/parity/make_sharpness_goldens.py            writes them
    python tests/parity/make_sharpness_goldens.py --check    makes them anew and compares

The ascent is the papers' formula around torch.optim: Foret et al. 2021, equation 2; Kwon et al.
2021, equation 8 with the operator |w|. Running statistics move in the first evaluation only.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from case_table import DATA, MODELS
from onnx import numpy_helper
from sharpness_cases import CASES, GOLDENS, SharpnessCase
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))
from make_goldens import batch, loss_of, make_reference, relative_difference, save  # noqa: E402
from networks.catalogue import Arrays, find_network  # noqa: E402

Batches = list[tuple[list[torch.Tensor], torch.Tensor]]


def mean_loss(case: SharpnessCase, model: nn.Module, batches: Batches) -> torch.Tensor:
    network = find_network(case.network)
    losses = [loss_of(network, model(*inputs), target) for inputs, target in batches]
    return torch.stack(losses).mean()


def set_momenta(model: nn.Module, momenta: list[float]) -> list[float]:
    """Of the running statistics; returns those before."""
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    before = [norm.momentum for norm in norms]
    for norm, momentum in zip(norms, momenta or [0.0] * len(norms), strict=True):
        norm.momentum = momentum
    return before


@torch.no_grad()
def ascend(parameters: list[nn.Parameter], rho: float, adaptive: bool) -> list[torch.Tensor]:
    """Moves the parameters to where the loss is highest nearby; returns the old ones."""
    old = [p.clone() for p in parameters]
    scales = [p.abs() if adaptive else torch.ones_like(p) for p in parameters]
    pairs = list(zip(parameters, scales, strict=True))
    norm = torch.sqrt(sum(((scale * p.grad) ** 2).sum() for p, scale in pairs))
    for p, scale in pairs:
        p.add_(scale**2 * p.grad, alpha=rho / float(norm + 1e-12))
    return old


def start_from(case: SharpnessCase, model: nn.Module) -> None:
    """The file's running statistics, which its export has moved."""
    tensors = {t.name: t for t in onnx.load(MODELS / case.model).graph.initializer}
    for name, buffer in model.named_buffers():
        if name in tensors:
            buffer.copy_(torch.from_numpy(numpy_helper.to_array(tensors[name]).copy()))


def make_golden(case: SharpnessCase) -> Arrays:
    data = dict(np.load(DATA / f"{case.network}.npz"))
    model = make_reference(f"{case.network}.train", torch.float64)
    start_from(case, model)
    parameters = list(model.parameters())
    kind, arguments, _ = case.optimizer
    update = getattr(torch.optim, kind)(parameters, foreach=False, **arguments)
    losses = []
    for step in range(case.steps):
        rows = range(step * case.batches, (step + 1) * case.batches)
        batches = [batch(data, row, torch.float64) for row in rows]
        update.zero_grad()
        loss = mean_loss(case, model, batches)
        loss.backward()
        losses.append(loss.item())
        old = ascend(parameters, case.rho, case.adaptive)
        momenta = set_momenta(model, [])
        update.zero_grad()
        mean_loss(case, model, batches).backward()
        set_momenta(model, momenta)
        with torch.no_grad():
            for parameter, before in zip(parameters, old, strict=True):
                parameter.copy_(before)
        if case.clip_norm:
            nn.utils.clip_grad_norm_(parameters, case.clip_norm)
        update.step()
    # Not the variances: PyTorch's running ones are unbiased, ONNX's are not.
    means = {n: b.numpy() for n, b in model.named_buffers() if "running_mean" in n}
    return {"losses": np.array(losses), **means}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    wrong = []
    for case in CASES:
        golden = make_golden(case)
        path = GOLDENS / f"{case.name}.npz"
        if not arguments.check:
            save(path, golden)
            continue
        committed = dict(np.load(path))
        same = committed.keys() == golden.keys() and all(
            relative_difference(committed[n], golden[n]) < 1e-11 for n in golden
        )
        wrong += [] if same else [case.name]
    print(f"differ: {wrong}" if wrong else "goldens agree" if arguments.check else "written")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
