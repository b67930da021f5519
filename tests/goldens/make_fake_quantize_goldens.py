"""Writes fake_quantize.json: torch.fake_quantize_* and its straight-through gradient, and the
parameters that torch.ao's moving-average observers find."""

import json
import pathlib

import torch
from torch.ao.quantization.observer import MovingAverageMinMaxObserver

torch.manual_seed(7)


def flat(tensor: torch.Tensor) -> dict[str, list]:
    return {"shape": list(tensor.shape), "elements": tensor.detach().double().flatten().tolist()}


def fake_quantize(axis: int | None, quant_min: int, quant_max: int) -> dict[str, object]:
    x = (torch.randn(3, 4, 5) * 2).requires_grad_()
    dy = torch.randn(3, 4, 5)
    if axis is None:
        scale, zero_point = torch.tensor(0.017), torch.tensor(37, dtype=torch.int32)
        y = torch.fake_quantize_per_tensor_affine(x, scale, zero_point, quant_min, quant_max)
    else:
        scale = torch.rand(x.shape[axis]) * 0.02 + 0.005
        zero_point = torch.arange(x.shape[axis], dtype=torch.int32)
        y = torch.fake_quantize_per_channel_affine(x, scale, zero_point, axis, quant_min, quant_max)
    y.backward(dy)
    tensors = {"x": x, "dy": dy, "scale": scale, "zero_point": zero_point, "y": y, "dx": x.grad}
    return {
        "axis": axis,
        "quant_min": quant_min,
        "quant_max": quant_max,
        **{name: flat(tensor) for name, tensor in tensors.items()},
    }


def observed() -> dict[str, object]:
    """The range after each of three batches, and what it gives."""
    observer = MovingAverageMinMaxObserver(
        averaging_constant=0.1, dtype=torch.quint8, quant_min=0, quant_max=255
    )
    batches, steps = [torch.randn(2, 7) + shift for shift in (0.5, 1.0, -0.25)], []
    for batch in batches:
        observer(batch)
        scale, zero_point = observer.calculate_qparams()
        steps.append(
            {
                "x": flat(batch),
                "minimum": observer.min_val.item(),
                "maximum": observer.max_val.item(),
                "scale": scale.item(),
                "zero_point": zero_point.item(),
            }
        )
    return {"averaging_constant": 0.1, "steps": steps}


goldens = {
    "fake_quantize": [
        fake_quantize(axis, *bounds)
        for axis in (None, 0, 1, 2)
        for bounds in ((0, 255), (-127, 127))
    ],
    "observed": observed(),
}
path = pathlib.Path(__file__).with_name("fake_quantize.json")
path.write_text(json.dumps(goldens, indent=1) + "\n")
