"""Who hears of a run, by Keras' names.

Steps and epochs are counted from 1, as everywhere in Strop. What the engine does itself (early
stopping, checkpoints, records for TensorBoard, plateaus of the schedule) becomes its options, and
what it cannot honour is refused, with strop.UsageError.

    >>> class Best(strop.callbacks.Callback):
    ...     def on_epoch_end(self, epoch, logs):
    ...         if logs["loss"] < 0.5:
    ...             self.trainer.stop_training = True
    >>> trainer = strop.Trainer(strop.load("model.onnx"), epochs=100, learning_rate=0.01)
    >>> history = trainer.fit(x, y, callbacks=[Best()])
    >>> history.was_stopped, len(history.epochs) < 100
    (True, True)
"""

import csv
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from strop.errors import UsageError

if TYPE_CHECKING:
    from strop.trainer import Trainer


class Callback:
    """Does nothing; override what is of interest. `self.trainer.stop_training = True` ends the run
    after the step or epoch; what is raised ends it, too, and comes out of `fit`.

        >>> class Printer(strop.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs):
        ...         print(epoch, sorted(logs))
        >>> history = strop.Trainer(strop.load("model.onnx")).fit(x, y, callbacks=[Printer()])
        1 ['learning_rate', 'loss']
    """

    trainer: "Trainer"
    # From on_train_begin on: "epochs", how many there will be at most, or None; "options", those of
    # the run by name; from the first step on "steps", how many an epoch has.
    params: dict[str, Any]

    def options(self) -> dict[str, object]:
        """Options of a run that this stands for.

        >>> strop.callbacks.TensorBoard("logs").options()
        {'run_directory': 'logs', 'log_every': None}
        """
        return {}

    def on_train_begin(self, logs: dict[str, float]) -> None:
        """Before the first step; logs are empty.

        >>> begun = strop.callbacks.LambdaCallback(on_train_begin=lambda logs: print("begins"))
        >>> history = strop.Trainer(strop.load("model.onnx")).fit(x, y, callbacks=[begun])
        begins
        """

    def on_train_end(self, logs: dict[str, float]) -> None:
        """After a run that nothing but its end or stop_training ended: the last epoch's numbers.

        >>> ended = strop.callbacks.LambdaCallback(on_train_end=lambda logs: print(list(logs)))
        >>> history = strop.Trainer(strop.load("model.onnx")).fit(x, y, callbacks=[ended])
        ['loss', 'learning_rate']
        """

    def on_train_failed(self, error: BaseException) -> None:
        """After a run that an error ended, one of a callback's or Ctrl-C included.

        >>> class Noted(strop.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs):
        ...         raise ValueError("enough")
        ...     def on_train_failed(self, error):
        ...         print(type(error).__name__)
        >>> try:
        ...     strop.Trainer(strop.load("model.onnx")).fit(x, y, callbacks=[Noted()])
        ... except ValueError as error:
        ...     print(error)
        ValueError
        enough
        """

    def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> None:
        """With the first step of an epoch, counted from 1; logs are empty.

        >>> begun = strop.callbacks.LambdaCallback(on_epoch_begin=lambda n, logs: print(n))
        >>> trainer = strop.Trainer(strop.load("model.onnx"), epochs=2)
        >>> history = trainer.fit(x, y, callbacks=[begun])
        1
        2
        """

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """After an epoch and its validation: loss, val_loss, val_METRIC, learning_rate.

        >>> shown = strop.callbacks.LambdaCallback(on_epoch_end=lambda n, logs: print(n, *logs))
        >>> trainer = strop.Trainer(strop.load("model.onnx"), metric="accuracy")
        >>> history = trainer.fit(x, y, validation_data=(x, y), callbacks=[shown])
        1 loss val_loss val_accuracy learning_rate
        """

    def on_train_batch_end(self, step: int, logs: dict[str, float]) -> None:
        """After a step, counted from 1: loss, learning_rate, and gradient_norm, which is NaN where
        it is not measured.

            >>> steps = []
            >>> noted = strop.callbacks.LambdaCallback(
            ...     on_train_batch_end=lambda step, logs: steps.append(step))
            >>> trainer = strop.Trainer(strop.load("model.onnx"), batch_size=20)
            >>> history = trainer.fit(x, y, callbacks=[noted])
            >>> steps
            [1, 2, 3]
        """


class LambdaCallback(Callback):
    """Functions, by the names of the methods that they take the place of. Raises TypeError for a
    name that no method has.

        >>> losses = []
        >>> noted = strop.callbacks.LambdaCallback(
        ...     on_epoch_end=lambda epoch, logs: losses.append(logs["loss"]))
        >>> history = strop.Trainer(strop.load("model.onnx"), epochs=3, callbacks=[noted]).fit(x, y)
        >>> losses == history.history["loss"]
        True
    """

    def __init__(self, **functions: Callable[..., None]) -> None:
        for name, function in functions.items():
            if name == "options" or not callable(getattr(Callback, name, None)):
                raise TypeError(f"found {name!r}, expected a method of Callback")
            setattr(self, name, function)


class CSVLogger(Callback):
    """Writes the numbers of each epoch as a row; with `append` behind what is there.

    >>> trainer = strop.Trainer(strop.load("model.onnx"), epochs=2)
    >>> history = trainer.fit(x, y, callbacks=[strop.callbacks.CSVLogger("log.csv")])
    >>> open("log.csv").readline()
    'epoch,loss,learning_rate\\n'
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        self._filename, self._separator, self._append = filename, separator, append
        self._names: list[str] | None = None

    def on_train_begin(self, logs: dict[str, float]) -> None:
        self._names = None
        has_rows = self._append and os.path.exists(self._filename)
        if has_rows and os.path.getsize(self._filename) > 0:
            with open(self._filename, newline="") as file:
                self._names = next(csv.reader(file, delimiter=self._separator))
        else:
            open(self._filename, "w").close()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        row = {"epoch": epoch, **logs}
        with open(self._filename, "a", newline="") as file:
            writer = csv.DictWriter(file, self._names or list(row), delimiter=self._separator)
            if self._names is None:
                self._names = list(row)
                writer.writeheader()
            writer.writerow(row)


class EarlyStopping(Callback):
    """Ends after `patience` epochs without a better validation loss: options early_stopping,
    min_delta, export. `min_delta` is in the loss's unit; a patience of 0 means 1.

        >>> stop = strop.callbacks.EarlyStopping(min_delta=10, patience=2)
        >>> trainer = strop.Trainer(strop.load("model.onnx"), epochs=50, callbacks=[stop])
        >>> history = trainer.fit(x, y, validation_data=(x, y))
        >>> history.stopped_early, len(history.epochs)
        (True, 3)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        mode: str = "auto",
        baseline: None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        _expect_validation_loss("EarlyStopping", monitor, mode)
        _expect("EarlyStopping", "baseline", baseline, None)
        _expect("EarlyStopping", "start_from_epoch", start_from_epoch, 0)
        self._options = {
            "early_stopping": max(patience, 1),  # in Keras the first worse epoch ends both
            "min_delta": min_delta,
            "export": "best" if restore_best_weights else "last",
        }

    def options(self) -> dict[str, object]:
        return dict(self._options)


class ReduceLROnPlateau(Callback):
    """Lowers the rate where the validation loss stays: option schedule="reduce_on_plateau".

    `threshold` is the share of the loss by which better has to be lower; Keras' min_delta, which is
    absolute, the engine has not. `patience` and `cooldown` count epochs.

        >>> plateau = strop.callbacks.ReduceLROnPlateau(factor=0.5, patience=3)
        >>> trainer = strop.Trainer(strop.load("model.onnx"), epochs=5, callbacks=[plateau])
        >>> len(trainer.fit(x, y, validation_data=(x, y)).epochs)
        5
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "auto",
        min_delta: None = None,
        cooldown: int = 0,
        min_lr: float = 0,
        threshold: float = 1e-4,
    ) -> None:
        _expect_validation_loss("ReduceLROnPlateau", monitor, mode)
        _expect("ReduceLROnPlateau", "min_delta", min_delta, None)
        self._options = {
            "schedule": "reduce_on_plateau",
            "factor": factor,
            "patience": patience,
            "threshold": threshold,
            "cooldown": cooldown,
            "minimum_learning_rate": min_lr,
        }

    def options(self) -> dict[str, object]:
        return dict(self._options)


class ModelCheckpoint(Callback):
    """Keeps a run. With `save_best_only` the model of the best validation loss is written to the
    file `filepath` as the run ends (options output, export); without, `filepath` is a folder that
    keeps checkpoints at every epoch, or every `save_freq` steps, too (options run_directory,
    checkpoint_every).

        >>> best = strop.callbacks.ModelCheckpoint("best.onnx", save_best_only=True)
        >>> trainer = strop.Trainer(strop.load("model.onnx"), epochs=3)
        >>> history = trainer.fit(x, y, validation_data=(x, y), callbacks=[best])
        >>> strop.load("best.onnx").outputs[0].name
        'logits'
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
    ) -> None:
        _expect_validation_loss("ModelCheckpoint", monitor, mode)
        if save_best_only:
            _expect("ModelCheckpoint(save_best_only=True)", "save_freq", save_freq, "epoch")
            self._options: dict[str, object] = {"output": filepath, "export": "best"}
        else:
            every = None if save_freq == "epoch" else save_freq
            self._options = {"run_directory": filepath, "checkpoint_every": every}

    def options(self) -> dict[str, object]:
        return dict(self._options)


class TensorBoard(Callback):
    """Records the run in the folder `log_dir`, every epoch or `update_freq` steps: options
    run_directory, log_every.

        >>> board = strop.callbacks.TensorBoard("logs", update_freq=1)
        >>> history = strop.Trainer(strop.load("model.onnx"), callbacks=[board]).fit(x, y)
        >>> import pathlib
        >>> len(list(pathlib.Path("logs").rglob("events.out.tfevents.*"))) > 0
        True
    """

    def __init__(
        self, log_dir: str | os.PathLike[str] = "logs", update_freq: str | int = "epoch"
    ) -> None:
        if isinstance(update_freq, str):
            _expect("TensorBoard", "update_freq", update_freq, "epoch")
        every = None if isinstance(update_freq, str) else update_freq
        self._options = {"run_directory": log_dir, "log_every": every}

    def options(self) -> dict[str, object]:
        return dict(self._options)


def _expect(callback: str, name: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise UsageError(
            f"{callback}: found {name}={found!r}, expected {expected!r}: the engine has nothing "
            "for others"
        )


def _expect_validation_loss(callback: str, monitor: str, mode: str) -> None:
    _expect(callback, "monitor", monitor, "val_loss")
    _expect(callback, "mode", "min" if mode == "auto" else mode, "min")
