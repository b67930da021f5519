"""The module beneath the package, over the library's C++ interface (plugin/python/)."""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any, TypeAlias, TypedDict

from numpy.typing import NDArray

# Names without dashes, and values; None: a switch, on.
_Options: TypeAlias = Sequence[tuple[str, str | None]]
_Arrays: TypeAlias = Mapping[str, object]
_Line: TypeAlias = Callable[[str], object] | None
_Progress: TypeAlias = Callable[[str, int, int], object] | None
_Shape: TypeAlias = tuple[int | None, ...]

class _Step(TypedDict):
    step: int
    epoch: int
    step_of_epoch: int
    steps_per_epoch: int
    sample_count: int
    loss: float
    learning_rate: float
    gradient_norm: float

class _Epoch(TypedDict):
    epoch: int
    step: int
    training_loss: float
    validation_loss: float
    metrics: dict[str, float]
    learning_rate: float
    seconds: float
    is_best: bool

class _Result(TypedDict):
    steps: int
    epochs: int
    weights_epoch: int
    best_epoch: int
    stopped_early: bool
    was_stopped: bool

class Model:
    @staticmethod
    def load(
        path: str | PathLike[str],
        options: _Options = ...,
        note: _Line = None,
        warning: _Line = None,
        progress: _Progress = None,
    ) -> Model: ...
    @staticmethod
    def load_bytes(
        bytes: object,
        options: _Options = ...,
        note: _Line = None,
        warning: _Line = None,
        progress: _Progress = None,
    ) -> Model: ...
    def inputs(self) -> list[tuple[str, str, _Shape | None]]: ...
    def outputs(self) -> list[tuple[str, str, _Shape | None]]: ...
    def class_names(self) -> list[str]: ...
    def parameters(self) -> list[tuple[str, str, tuple[int, ...], str, str, int]]: ...
    def read_parameter(self, name: str) -> NDArray[Any]: ...
    def write_parameter(self, name: str, elements: object) -> None: ...
    def train(self, pattern: str) -> None: ...
    def train_only(self, pattern: str) -> None: ...
    def freeze(self, pattern: str) -> None: ...
    def replace_head(self, classes: int, at: str) -> None: ...
    def add_lora(self, options: _Options) -> None: ...
    def quantize(self, options: _Options) -> None: ...
    def run(self, inputs: _Arrays) -> dict[str, NDArray[Any]]: ...
    def gradient(
        self, inputs: _Arrays, cotangents: _Arrays = ..., wrt: Sequence[str] = ...
    ) -> dict[str, NDArray[Any]]: ...
    def check(self, inputs: _Arrays, tolerance: float) -> str: ...
    def save(self, path: str | PathLike[str], options: _Options = ...) -> None: ...
    def serialize(self) -> bytes: ...

class Data:
    @staticmethod
    def arrays(arrays: _Arrays) -> Data: ...
    @staticmethod
    def reader(
        sample_count: int,
        fields: Sequence[tuple[str, str, Sequence[int]]],
        read: Callable[[list[int]], Sequence[object]],
    ) -> Data: ...

# (outputs by name, targets, whether gradients are wanted) -> (loss, gradients by output)
_Loss = Callable[[dict[str, NDArray[Any]], NDArray[Any], bool], tuple[float, _Arrays | None]]

class Trainer:
    @staticmethod
    def make(
        model: Model,
        training: Data | None,
        validation: Data | None,
        options: _Options,
        note: _Line = None,
        warning: _Line = None,
        progress: _Progress = None,
        loss: _Loss | None = None,
    ) -> Trainer: ...
    def fit(
        self,
        on_step: Callable[[_Step], object] | None = None,
        on_epoch: Callable[[_Epoch], object] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> _Result: ...
    def step(self, batch: _Arrays) -> _Step: ...
    def finish(self) -> None: ...
    def evaluate(self, data: Data | None = None) -> str: ...
    def state(self) -> bytes: ...
    def set_state(self, state: bytes) -> None: ...

class LossTrainer:
    @staticmethod
    def make(
        model: Model,
        options: _Options,
        note: _Line = None,
        warning: _Line = None,
        progress: _Progress = None,
    ) -> LossTrainer: ...
    def forward(self, inputs: _Arrays) -> dict[str, NDArray[Any]]: ...
    def step(self, gradients: _Arrays, learning_rate: float | None = None) -> float: ...
    def finish(self) -> None: ...

def perform(
    operation: str,
    options: _Options = ...,
    note: _Line = None,
    warning: _Line = None,
    progress: _Progress = None,
    should_stop: Callable[[], bool] | None = None,
) -> str: ...
def obstacles(path: str | PathLike[str]) -> str: ...
def list_options() -> str: ...
def version() -> str: ...
