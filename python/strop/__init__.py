"""Trains ONNX models on the CPU, and gives back the same files with better weights.

    import strop

    model = strop.load("classifier.onnx", seed=1)
    trainer = strop.Trainer(model, loss="cross_entropy", optimizer="adamw", epochs=5)
    history = trainer.fit(x, y)
    model.save("tuned.onnx")

Options are those of the command line, with underscores. What the library notices goes to
`logging.getLogger("strop")`.
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
from strop.loss_landscape import Landscape, LandscapePath, landscape
from strop.loss_trainer import LossTrainer
from strop.model import GradientCheck, Model, Parameter, Value, load
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
