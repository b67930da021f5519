"""Writes optimizer.json: ten steps of each optimizer's reference on one parameter, in two types.

The references: torch.optim; lion-pytorch 0.2.5 for Lion, by the paper's reimplementer; timm 1.0.31
for LAMB and LARS, which is the papers' algorithm when it neither clips nor skips parameters without
decay. Run with the interpreter that has torch, and these two packages beside it (pip install
--no-deps). The gradients are fixed numbers, so that nothing but the update rule is compared.
"""

import importlib
import importlib.util
import json
import math
import pathlib
import sys
import types

import torch
from lion_pytorch import Lion

STEPS = 10
COUNT = 7


def from_timm(module: str, name: str) -> type:
    """One of timm's optimizers; the whole of timm would need torchvision."""
    if "timm" not in sys.modules:
        root = pathlib.Path(importlib.util.find_spec("timm").origin).parent
        for package, path in (("timm", root), ("timm.optim", root / "optim")):
            sys.modules[package] = types.ModuleType(package)
            sys.modules[package].__path__ = [str(path)]
    return getattr(importlib.import_module(f"timm.optim.{module}"), name)


REFERENCES = {
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "lion": Lion,
    "lamb": from_timm("lamb", "Lamb"),
    "lars": from_timm("lars", "Lars"),
}

# What turns a reference into the paper's algorithm, or into its plain loop.
FIXED = {
    "lion": {},
    "lamb": {"max_grad_norm": None, "always_adapt": True, "foreach": False},
    "lars": {"always_adapt": True},
}

# Name, optimizer, options.
CASES = [
    ("sgd", "sgd", dict(lr=0.1)),
    ("sgd_weight_decay", "sgd", dict(lr=0.1, weight_decay=0.05)),
    ("sgd_momentum", "sgd", dict(lr=0.1, momentum=0.9)),
    ("sgd_dampening", "sgd", dict(lr=0.1, momentum=0.8, dampening=0.3)),
    ("sgd_nesterov", "sgd", dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)),
    ("rmsprop", "rmsprop", dict(lr=0.01)),
    ("rmsprop_centered", "rmsprop", dict(lr=0.01, alpha=0.9, centered=True)),
    ("rmsprop_momentum", "rmsprop", dict(lr=0.01, momentum=0.9, weight_decay=0.1)),
    (
        "rmsprop_centered_momentum",
        "rmsprop",
        dict(lr=0.01, alpha=0.95, eps=1e-3, centered=True, momentum=0.5),
    ),
    ("adagrad", "adagrad", dict(lr=0.1)),
    (
        "adagrad_decay",
        "adagrad",
        dict(lr=0.1, lr_decay=0.05, weight_decay=0.1, initial_accumulator_value=0.2, eps=1e-4),
    ),
    ("adadelta", "adadelta", dict(lr=1.0)),
    ("adadelta_rho", "adadelta", dict(lr=0.5, rho=0.7, weight_decay=0.1, eps=1e-4)),
    ("adam", "adam", dict(lr=0.01)),
    ("adam_weight_decay", "adam", dict(lr=0.01, weight_decay=0.1, betas=(0.8, 0.95))),
    ("adam_amsgrad", "adam", dict(lr=0.01, amsgrad=True, eps=1e-4)),
    ("adamw", "adamw", dict(lr=0.01)),
    ("adamw_amsgrad", "adamw", dict(lr=0.01, weight_decay=0.2, amsgrad=True)),
    ("nadam", "nadam", dict(lr=0.01)),
    (
        "nadam_weight_decay",
        "nadam",
        dict(lr=0.01, weight_decay=0.1, betas=(0.8, 0.95), momentum_decay=0.1),
    ),
    ("nadam_decoupled", "nadam", dict(lr=0.01, weight_decay=0.2, decoupled_weight_decay=True)),
    ("radam", "radam", dict(lr=0.01)),
    ("radam_weight_decay", "radam", dict(lr=0.01, weight_decay=0.1, betas=(0.8, 0.95), eps=1e-4)),
    ("radam_decoupled", "radam", dict(lr=0.01, weight_decay=0.2, decoupled_weight_decay=True)),
    ("lion", "lion", dict(lr=0.01)),
    ("lion_weight_decay", "lion", dict(lr=0.01, weight_decay=0.1, betas=(0.8, 0.9))),
    ("lamb", "lamb", dict(lr=0.01)),
    ("lamb_no_decay", "lamb", dict(lr=0.01, weight_decay=0.0)),
    ("lamb_betas", "lamb", dict(lr=0.01, weight_decay=0.2, betas=(0.8, 0.95), eps=1e-3)),
    ("lamb_from_zero", "lamb", dict(lr=0.01)),
    ("lars", "lars", dict(lr=1.0, momentum=0.9)),
    (
        "lars_nesterov",
        "lars",
        dict(lr=0.5, momentum=0.8, weight_decay=0.05, nesterov=True, trust_coeff=0.02),
    ),
    ("lars_dampening", "lars", dict(lr=0.5, momentum=0.8, dampening=0.3, trust_coeff=0.02)),
    ("lars_plain", "lars", dict(lr=0.5, momentum=0.0, trust_coeff=0.02, eps=1e-3)),
    ("lars_from_zero", "lars", dict(lr=0.01, momentum=0.9)),
]


def initial(name: str, dtype: torch.dtype) -> torch.Tensor:
    if name.endswith("_from_zero"):
        return torch.zeros(COUNT, dtype=dtype)
    return torch.linspace(-1.5, 2.0, COUNT, dtype=dtype)


def gradient(step: int, dtype: torch.dtype) -> torch.Tensor:
    """Gradients of both signs and many sizes, largest first so that amsgrad's maximum matters."""
    values = [math.sin(1.7 * step + 0.9 * i) * 3.0 ** (i - 3) / (1 + step) for i in range(COUNT)]
    return torch.tensor(values, dtype=dtype)


def run(name: str, optimizer: str, options: dict, dtype: torch.dtype) -> list[list[float]]:
    torch.set_default_dtype(dtype)  # of NAdam's mu_product
    parameter = initial(name, dtype).requires_grad_()
    fixed = FIXED.get(optimizer, {"foreach": False})
    reference = REFERENCES[optimizer]([parameter], **options, **fixed)
    steps = []
    for step in range(STEPS):
        parameter.grad = gradient(step, dtype)
        reference.step()
        steps.append(parameter.tolist())
    return steps


def main() -> None:
    document = {
        "gradients": [gradient(s, torch.float64).tolist() for s in range(STEPS)],
        "cases": [
            {
                "name": name,
                "optimizer": optimizer,
                "options": options,
                "initial": initial(name, torch.float64).tolist(),
                "double": run(name, optimizer, options, torch.float64),
                "float": run(name, optimizer, options, torch.float32),
            }
            for name, optimizer, options in CASES
        ],
    }
    path = pathlib.Path(__file__).with_name("optimizer.json")
    path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
