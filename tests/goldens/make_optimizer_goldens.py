"""Writes optimizer.json: ten steps of torch.optim on one parameter, in double and in float.

Run with the interpreter that has torch; the gradients are fixed numbers, so that nothing but the
update rule is compared.
"""

import json
import math
import pathlib

import torch

STEPS = 10
COUNT = 7

CASES = [
    ("sgd", torch.optim.SGD, dict(lr=0.1)),
    ("sgd_weight_decay", torch.optim.SGD, dict(lr=0.1, weight_decay=0.05)),
    ("sgd_momentum", torch.optim.SGD, dict(lr=0.1, momentum=0.9)),
    ("sgd_dampening", torch.optim.SGD, dict(lr=0.1, momentum=0.8, dampening=0.3)),
    ("sgd_nesterov", torch.optim.SGD, dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)),
    ("rmsprop", torch.optim.RMSprop, dict(lr=0.01)),
    ("rmsprop_centered", torch.optim.RMSprop, dict(lr=0.01, alpha=0.9, centered=True)),
    ("rmsprop_momentum", torch.optim.RMSprop, dict(lr=0.01, momentum=0.9, weight_decay=0.1)),
    (
        "rmsprop_centered_momentum",
        torch.optim.RMSprop,
        dict(lr=0.01, alpha=0.95, eps=1e-3, centered=True, momentum=0.5),
    ),
    ("adam", torch.optim.Adam, dict(lr=0.01)),
    ("adam_weight_decay", torch.optim.Adam, dict(lr=0.01, weight_decay=0.1, betas=(0.8, 0.95))),
    ("adam_amsgrad", torch.optim.Adam, dict(lr=0.01, amsgrad=True, eps=1e-4)),
    ("adamw", torch.optim.AdamW, dict(lr=0.01)),
    ("adamw_amsgrad", torch.optim.AdamW, dict(lr=0.01, weight_decay=0.2, amsgrad=True)),
]


def gradient(step: int, dtype: torch.dtype) -> torch.Tensor:
    """Gradients of both signs and many sizes, largest first so that amsgrad's maximum matters."""
    values = [math.sin(1.7 * step + 0.9 * i) * 3.0 ** (i - 3) / (1 + step) for i in range(COUNT)]
    return torch.tensor(values, dtype=dtype)


def run(optimizer_class: type, options: dict, dtype: torch.dtype) -> list[list[float]]:
    parameter = torch.linspace(-1.5, 2.0, COUNT, dtype=dtype).requires_grad_()
    optimizer = optimizer_class([parameter], foreach=False, **options)
    steps = []
    for step in range(STEPS):
        parameter.grad = gradient(step, dtype)
        optimizer.step()
        steps.append(parameter.tolist())
    return steps


def main() -> None:
    document = {
        "initial": torch.linspace(-1.5, 2.0, COUNT, dtype=torch.float64).tolist(),
        "gradients": [gradient(s, torch.float64).tolist() for s in range(STEPS)],
        "cases": [
            {
                "name": name,
                "options": options,
                "double": run(optimizer_class, options, torch.float64),
                "float": run(optimizer_class, options, torch.float32),
            }
            for name, optimizer_class, options in CASES
        ],
    }
    path = pathlib.Path(__file__).with_name("optimizer.json")
    path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
