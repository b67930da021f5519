"""The callbacks of a run, between the engine and those who listen."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from strop.callbacks import Callback
from strop.errors import UsageError
from strop.history import Epoch, History, Step
from strop.options import rows_of

if TYPE_CHECKING:
    from strop.trainer import Trainer


class Run:
    """Hands a run's steps and epochs to callbacks, and writes its history."""

    def __init__(
        self, trainer: "Trainer", callbacks: Sequence[Callback], options: Mapping[str, object]
    ) -> None:
        self._trainer = trainer
        self._callbacks = callbacks
        self._params: dict[str, Any] = {"epochs": _epochs_of(options), "options": dict(options)}
        self._epoch = 0  # the last that callbacks heard the beginning of
        self.history = History()

    @property
    def hears_steps(self) -> bool:
        """Whether anybody wants to be told of steps."""
        names = ("on_train_batch_end", "on_epoch_begin")
        return any(_overrides(callback, name) for callback in self._callbacks for name in names)

    def __enter__(self) -> None:
        self._trainer.stop_training = False
        for callback in self._callbacks:
            callback.trainer = self._trainer
            callback.params = self._params
            callback.on_train_begin({})

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None:
            return
        for callback in self._callbacks:
            callback.on_train_failed(error)

    def on_step(self, step: Step) -> None:
        if step.epoch != self._epoch:
            self._epoch = step.epoch
            self._params["steps"] = step.steps_per_epoch
            for callback in self._callbacks:
                callback.on_epoch_begin(step.epoch, {})
        logs = {
            "loss": step.loss,
            "learning_rate": step.learning_rate,
            "gradient_norm": step.gradient_norm,
        }
        for callback in self._callbacks:
            callback.on_train_batch_end(step.step, dict(logs))

    def on_epoch(self, epoch: Epoch) -> None:
        self.history.epochs.append(epoch)
        for callback in self._callbacks:
            callback.on_epoch_end(epoch.epoch, epoch.logs())

    def should_stop(self) -> bool:
        return self._trainer.stop_training

    def end(self, result: Mapping[str, Any]) -> None:
        self.history.steps = result["steps"]
        self.history.best_epoch = result["best_epoch"] or None
        self.history.weights_epoch = result["weights_epoch"] or None
        self.history.stopped_early = result["stopped_early"]
        self.history.was_stopped = result["was_stopped"]
        logs = self.history.epochs[-1].logs() if self.history.epochs else {}
        for callback in self._callbacks:
            callback.on_train_end(dict(logs))


def _epochs_of(options: Mapping[str, object]) -> int | None:
    """How many epochs a run has at most; None where a file of options may say it."""
    epochs: Any = options.get("epochs")
    if epochs is None:
        epochs = None if options.get("config") else rows_of("train")["epochs"].default
    return None if epochs is None else int(epochs)


def _overrides(callback: Callback, name: str) -> bool:
    return name in vars(callback) or getattr(type(callback), name) is not getattr(Callback, name)


def with_callbacks(
    options: Mapping[str, object], callbacks: Iterable[Callback]
) -> dict[str, object]:
    """The options of a run and of its callbacks. Raises UsageError where they contradict."""
    merged = dict(options)
    for callback in callbacks:
        for name, value in callback.options().items():
            if value is None:
                continue
            if merged.get(name) not in (None, value):
                raise UsageError(
                    f"{type(callback).__name__}: found {name}={value!r}, expected "
                    f"{merged[name]!r} as given; leave one of them out"
                )
            merged[name] = value
    return merged
