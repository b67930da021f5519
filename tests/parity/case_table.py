"""What the parity tests compare: optimizers, and how tensors of files come from PyTorch's.

Shared by make_goldens.py, which needs PyTorch, and parity_test.py, which does not.
"""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
MODELS = HERE / "models"
DATA = HERE / "data"
GOLDENS = HERE / "goldens"
MANIFEST = HERE / "manifest.json"

STEPS = 10
BATCH_SIZE = 4

# The name of a case: (PyTorch's class and arguments, strop's options).
OPTIMIZERS: dict[str, tuple[str, dict[str, float | bool], list[str]]] = {
    "gd": ("SGD", {"lr": 0.05}, ["gd"]),
    "momentum": ("SGD", {"lr": 0.02, "momentum": 0.9}, ["sgd", "--momentum", "0.9"]),
    "nesterov": (
        "SGD",
        {"lr": 0.02, "momentum": 0.9, "nesterov": True},
        ["sgd", "--momentum", "0.9", "--nesterov"],
    ),
    "rmsprop": ("RMSprop", {"lr": 1e-3, "alpha": 0.95}, ["rmsprop", "--alpha", "0.95"]),
    "rmsprop_centered": (
        "RMSprop",
        {"lr": 1e-3, "alpha": 0.95, "centered": True},
        ["rmsprop", "--alpha", "0.95", "--centered"],
    ),
    "rmsprop_momentum": (
        "RMSprop",
        {"lr": 5e-4, "alpha": 0.9, "momentum": 0.8},
        ["rmsprop", "--alpha", "0.9", "--momentum", "0.8"],
    ),
    "adam": (
        "Adam",
        {"lr": 2e-3, "betas": (0.8, 0.95), "eps": 1e-7},
        ["adam", "--beta1", "0.8", "--beta2", "0.95", "--epsilon", "1e-7"],
    ),
    "adamw": ("AdamW", {"lr": 2e-3, "weight_decay": 0.1}, ["adamw", "--weight-decay", "0.1"]),
}

# Rows of PyTorch's gates in the order of ONNX: LSTM i f g o as i o f c, GRU r z n as z r h.
GATE_ORDER = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}


def reorder_gates(array: np.ndarray, cell: str) -> np.ndarray:
    gates = np.split(array, len(GATE_ORDER[cell]))
    return np.concatenate([gates[index] for index in GATE_ORDER[cell]])


def pack(layout: str, arrays: list[np.ndarray]) -> np.ndarray:
    """The tensor of an ONNX file from PyTorch's: same, transposed, lstm, gru, or one of a bias.

    lstm and gru [directions, gates·H, …] stack one array a direction; lstm_bias and gru_bias
    [directions, 2·gates·H] take the input's and the recurrence's bias of each direction.
    """
    if layout == "same":
        return arrays[0]
    if layout == "transposed":
        return arrays[0].T
    cell, _, is_bias = layout.partition("_")
    rows = [reorder_gates(array, cell) for array in arrays]
    if is_bias:
        rows = [np.concatenate(rows[i : i + 2]) for i in range(0, len(rows), 2)]
    return np.stack(rows)
