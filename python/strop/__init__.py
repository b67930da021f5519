"""Trains ONNX models on the CPU, and gives back the same files with better weights.

    >>> import numpy as np
    >>> import strop
    >>> made = strop.operations.new("mlp", input="4", classes=3, seed=1, output="model.onnx")
    >>> x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    >>> y = x[:, :3].argmax(axis=1)

    >>> model = strop.load("model.onnx", seed=1)
    >>> trainer = strop.Trainer(model, epochs=20, learning_rate=0.01, metric="accuracy")
    >>> history = trainer.fit(x, y, validation_data=(x, y))
    >>> history.history["val_accuracy"][-1] > 0.9
    True
    >>> model.save("tuned.onnx")

All examples of the package begin with the first five of these lines. Options are those of the
command line, with underscores. What the library notices goes to `logging.getLogger("strop")`.
"""

from strop import _strop, callbacks, losses, operations
from strop.errors import (
    BugError,
    CannotCreateError,
    DataError,
    Error,
    InputOutputError,
    NoInputError,
    StoppedError,
    UsageError,
)
from strop.gradient_flow import GradientFlow, ParameterGradient
from strop.history import Epoch, History, Step
from strop.inspection import Inspection
from strop.interface import GradientCheck, Parameter, Value
from strop.loading import load
from strop.loss_landscape import Landscape, LandscapePath, landscape
from strop.loss_trainer import LossTrainer
from strop.model import Model
from strop.program import list_options, obstacles, perform
from strop.trainer import Trainer

__version__: str = _strop.version()

__all__ = [
    "BugError",
    "CannotCreateError",
    "DataError",
    "Epoch",
    "Error",
    "GradientCheck",
    "GradientFlow",
    "History",
    "InputOutputError",
    "Inspection",
    "Landscape",
    "LandscapePath",
    "LossTrainer",
    "Model",
    "NoInputError",
    "Parameter",
    "ParameterGradient",
    "Step",
    "StoppedError",
    "Trainer",
    "UsageError",
    "Value",
    "callbacks",
    "landscape",
    "list_options",
    "load",
    "losses",
    "obstacles",
    "operations",
    "perform",
]
