"""Numbers as an ONNX file keeps them.

Attributes and constants in a file are float32. A network that is built with the rounded numbers
computes in float64 what its exported file says. PyTorch's own GELU needs no rounding: Strop
recognises it, however it is written.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn


def float32(value: float) -> float:
    """The float32 number nearest to `value`."""
    return float(np.float32(value))


EPSILON = float32(1e-5)


class TanhGelu(nn.Module):
    """GELU's tanh approximation, written out as GPT-2 does."""

    def forward(self, x: Tensor) -> Tensor:
        cubic = x + float32(0.044715) * x * x * x
        return 0.5 * x * (1.0 + torch.tanh(float32(math.sqrt(2 / math.pi)) * cubic))


class HardSigmoid(nn.Module):
    """max(0, min(1, x/6 + 1/2)); in files the slope 1/6 is a float32 attribute."""

    def __init__(self, written_out: bool = False) -> None:
        super().__init__()
        self.written_out = written_out

    def forward(self, x: Tensor) -> Tensor:
        if self.written_out:
            return torch.clamp(x * float32(1 / 6) + 0.5, 0.0, 1.0)
        return nn.functional.hardsigmoid(x)
