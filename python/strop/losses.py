"""Losses of other libraries, for `Trainer(loss=…)`."""

from collections.abc import Callable, Mapping
from typing import Any

from strop.arrays import Array
from strop.outside_loss import OutsideLoss


def torch(function: Callable[[Any, Any], Any]) -> OutsideLoss:
    """A loss of PyTorch's: function(outputs, targets) of tensors gives a scalar tensor, whose
    gradient by the outputs torch's autograd computes. Needs the package `torch`.

    Outputs are a tensor, or tensors by name where the model has several.
    """

    def loss(outputs: Any, targets: Array) -> tuple[float, Any]:
        import torch

        if not isinstance(outputs, Mapping):
            tensor = torch.from_numpy(outputs).requires_grad_()
            value = function(tensor, torch.from_numpy(targets))
            [gradient] = torch.autograd.grad(value, [tensor])
            return value.item(), gradient.numpy()
        tensors = {name: torch.from_numpy(o).requires_grad_() for name, o in outputs.items()}
        value = function(tensors, torch.from_numpy(targets))
        found = torch.autograd.grad(value, list(tensors.values()), allow_unused=True)
        gradients = zip(tensors, found, strict=True)
        return value.item(), {name: g.numpy() for name, g in gradients if g is not None}

    return loss
