"""Weights & Biases: the numbers of a run, and the model."""

from typing import Any

from strop.callbacks import Callback
from strop.errors import UsageError
from strop.extras import needed
from strop.integrations.monitored import texts_of


class WandbCallback(Callback):
    """Logs into the run of now, which `wandb.init()` began: the options as its config; each epoch
    as epoch/loss, epoch/val_loss, …; with `log_freq` "batch", or a number of steps from one to the
    next, batch/loss, …, too; with `log_model` the trained model as an artifact.

    What is sent where, or nowhere (`mode="offline"`), is wandb's matter.
    """

    def __init__(self, log_freq: str | int = "epoch", log_model: bool = False) -> None:
        self._wandb = needed("wandb", "wandb")
        every = {"epoch": 0, "batch": 1}.get(log_freq) if isinstance(log_freq, str) else log_freq
        if every is None:
            raise UsageError(
                f"WandbCallback: found log_freq={log_freq!r}, expected epoch, batch or a number"
            )
        self._every = every
        self._log_model = log_model
        self._run: Any = None

    def on_train_begin(self, logs: dict[str, float]) -> None:
        self._run = self._wandb.run
        if self._run is None:
            raise UsageError("WandbCallback: found no run, expected wandb.init() before fit")
        self._run.config.update(texts_of(self.params["options"]), allow_val_change=True)
        # Curves over what they belong to, not over how often something was logged.
        for group, step in (("epoch", "epoch/epoch"), ("batch", "batch/step")):
            self._run.define_metric(step)
            self._run.define_metric(f"{group}/*", step_metric=step)

    def on_train_batch_end(self, step: int, logs: dict[str, float]) -> None:
        if self._every and step % self._every == 0:
            numbers = {f"batch/{name}": value for name, value in logs.items() if value == value}
            self._run.log({"batch/step": step, **numbers})

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        numbers = {f"epoch/{name}": value for name, value in logs.items()}
        self._run.log({"epoch/epoch": epoch, **numbers})

    def on_train_end(self, logs: dict[str, float]) -> None:
        best = self.trainer.history.best_epoch
        if best is not None:
            self._run.summary["best_epoch"] = best
        if self._log_model:
            artifact = self._wandb.Artifact(f"run-{self._run.id}-model", type="model")
            with artifact.new_file("model.onnx", mode="wb") as file:
                file.write(self.trainer.model.to_bytes())
            self._run.log_artifact(artifact)
