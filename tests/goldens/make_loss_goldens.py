"""Writes loss.json: values and gradients of torch.nn's losses, in double."""

import json
import pathlib

import torch
from torch import nn

torch.manual_seed(20)
D = torch.float64


def rand(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=D)


def labels(classes: int, *shape: int) -> torch.Tensor:
    return torch.randint(classes, shape)


def probabilities(*shape: int) -> torch.Tensor:
    return torch.softmax(rand(*shape), 1)


def ignoring(target: torch.Tensor, label: int) -> torch.Tensor:
    target = target.clone()
    target.view(-1)[::3] = label
    return target


WEIGHT5 = torch.tensor([0.5, 1.0, 2.0, 0.1, 3.0], dtype=D)
CASES = [
    ("CrossEntropyLoss", {}, rand(6, 5) * 4, labels(5, 6), None),
    ("CrossEntropyLoss", {}, rand(5), torch.tensor(3), None),
    ("CrossEntropyLoss", dict(reduction="sum"), rand(6, 5), labels(5, 6), WEIGHT5),
    ("CrossEntropyLoss", {}, rand(6, 5), labels(5, 6), WEIGHT5),
    ("CrossEntropyLoss", dict(label_smoothing=0.2), rand(6, 5), labels(5, 6), None),
    ("CrossEntropyLoss", dict(label_smoothing=0.2), rand(6, 5), labels(5, 6), WEIGHT5),
    ("CrossEntropyLoss", dict(ignore_index=-100), rand(6, 5), ignoring(labels(5, 6), -100), None),
    (
        "CrossEntropyLoss",
        dict(ignore_index=2, label_smoothing=0.1),
        rand(2, 5, 3, 4),
        ignoring(labels(5, 2, 3, 4), 2),
        WEIGHT5,
    ),
    ("CrossEntropyLoss", {}, rand(2, 5, 9, 10), labels(5, 2, 9, 10), None),
    ("CrossEntropyLoss", {}, rand(6, 5), probabilities(6, 5), None),
    ("CrossEntropyLoss", dict(label_smoothing=0.3), rand(6, 5), probabilities(6, 5), WEIGHT5),
    ("CrossEntropyLoss", dict(reduction="sum"), rand(2, 5, 3), probabilities(2, 5, 3), WEIGHT5),
    ("BinaryCrossEntropyWithLogitsLoss", {}, rand(4, 3) * 5, labels(2, 4, 3).to(D), None),
    ("BinaryCrossEntropyWithLogitsLoss", {}, rand(4, 3), torch.rand(4, 3, dtype=D), None),
    (
        "BinaryCrossEntropyWithLogitsLoss",
        {},
        rand(4, 5),
        torch.rand(4, 5, dtype=D),
        WEIGHT5,
    ),
    ("MSELoss", {}, rand(4, 3), rand(4, 3), None),
    ("MSELoss", dict(reduction="sum"), rand(4, 3), rand(4, 3), None),
    (
        "L1Loss",
        {},
        torch.tensor([1.0, 2.0, -3.0], dtype=D),
        torch.tensor([1.0, 3.0, -4.0], dtype=D),
        None,
    ),
    ("HuberLoss", dict(delta=0.7), rand(5, 4) * 2, rand(5, 4), None),
    ("HuberLoss", {}, torch.tensor([1.0, 0.0, -1.0], dtype=D), torch.zeros(3, dtype=D), None),
    ("SmoothL1Loss", dict(beta=0.5), rand(5, 4) * 2, rand(5, 4), None),
]


def module(name: str, options: dict, weight: torch.Tensor | None) -> nn.Module:
    if name == "BinaryCrossEntropyWithLogitsLoss":
        return nn.BCEWithLogitsLoss(pos_weight=weight, **options)
    if name == "CrossEntropyLoss":
        return nn.CrossEntropyLoss(weight=weight, **options)
    return getattr(nn, name)(**options)


def flat(tensor: torch.Tensor | None) -> dict | None:
    if tensor is None:
        return None
    return {"shape": list(tensor.shape), "elements": tensor.flatten().tolist()}


def main() -> None:
    cases = []
    for name, options, x, target, weight in CASES:
        x = x.clone().requires_grad_()
        loss = module(name, options, weight)(x, target)
        loss.backward()
        cases.append(
            {
                "op": name,
                "attributes": options,
                "x": flat(x.detach()),
                "target": flat(target) | {"integer": not target.is_floating_point()},
                "weight": flat(weight),
                "loss": loss.item(),
                "gradient": flat(x.grad)["elements"],
            }
        )
    path = pathlib.Path(__file__).with_name("loss.json")
    path.write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    main()
