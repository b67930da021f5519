"""Optuna: trials that are going badly end early."""

from typing import Any

from strop.callbacks import Callback
from strop.extras import needed
from strop.integrations.monitored import value_of


class OptunaPruningCallback(Callback):
    """Tells a trial of each epoch, and raises `optuna.TrialPruned` where its study's pruner says
    so: `fit` ends with it before another step, and the study takes it for a pruned trial.

    monitor: a name of `on_epoch_end`: "val_loss", "val_accuracy", "loss". The study's direction has
    to fit it. interval: epochs from one question to the next.
    """

    def __init__(self, trial: Any, monitor: str = "val_loss", interval: int = 1) -> None:
        self._optuna = needed("optuna", "optuna")
        self._trial, self._monitor, self._interval = trial, monitor, interval

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        value = value_of(logs, self._monitor, "OptunaPruningCallback")
        if epoch % self._interval:
            return
        self._trial.report(value, step=epoch)
        if self._trial.should_prune():
            raise self._optuna.TrialPruned(f"epoch {epoch}: {self._monitor} {value:g}")
