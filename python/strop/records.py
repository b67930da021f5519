"""The dicts that the module beneath the package gives."""

from typing import TypedDict


class StepRecord(TypedDict):
    """A step of a run; strop.Step has the same fields."""

    step: int
    epoch: int
    step_of_epoch: int
    steps_per_epoch: int
    sample_count: int
    loss: float
    learning_rate: float
    gradient_norm: float


class EpochRecord(TypedDict):
    """An epoch of a run; strop.Epoch has the same fields."""

    epoch: int
    step: int
    training_loss: float
    validation_loss: float
    metrics: dict[str, float]
    learning_rate: float
    seconds: float
    is_best: bool


class ResultRecord(TypedDict):
    """How a run ended; an epoch of 0 is none."""

    steps: int
    epochs: int
    weights_epoch: int
    best_epoch: int
    stopped_early: bool
    was_stopped: bool
