"""Writes package.safetensors with the safetensors package: a tensor of every type that numpy has,
an empty one, a scalar, a name that JSON has to escape, metadata."""

import pathlib

import numpy as np
from safetensors.numpy import save_file

TYPES = ("bool", "i1", "u1", "i2", "u2", "f2", "i4", "u4", "f4", "i8", "u8", "f8")


def tensors() -> dict[str, np.ndarray]:
    """The i-th element is i, of booleans whether i is odd."""
    count = np.arange(6).reshape(2, 3)
    arrays = {name: (count % 2 if name == "bool" else count).astype(name) for name in TYPES}
    arrays["none"] = np.zeros((0, 5), np.float32)
    arrays["scalar"] = np.array(-1.5, np.float32)
    arrays['"Ω"\n'] = np.array([0.1], np.float64)
    return arrays


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("package.safetensors")
    save_file(tensors(), path, metadata={"format": "np", "note": "Ω"})
