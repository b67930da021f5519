"""MLflow: the numbers of runs, and models as what MLflow's own ONNX flavour has."""

import contextlib
import functools
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np

from strop.callbacks import Callback
from strop.extras import needed
from strop.history import History
from strop.integrations.monitored import texts_of
from strop.loading import load
from strop.model import Model
from strop.option_types import LoadOptions
from strop.trainer import Trainer

_LOGGER = logging.getLogger("strop")


class MlflowCallback(Callback):
    """Logs into MLflow's run of now, or into one that it begins: options as parameters, the numbers
    of each epoch as metrics, and "best_epoch" at the end."""

    def __init__(self) -> None:
        self._mlflow = needed("mlflow", "mlflow")

    def on_train_begin(self, logs: dict[str, float]) -> None:
        texts = {name: str(text)[:6000] for name, text in texts_of(self.params["options"]).items()}
        run = self._mlflow.active_run() or self._mlflow.start_run()
        # MLflow refuses another value for a parameter: the first of several trainings has the word.
        known = self._mlflow.tracking.MlflowClient().get_run(run.info.run_id).data.params
        self._mlflow.log_params({name: text for name, text in texts.items() if name not in known})

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self._mlflow.log_metrics(logs, step=epoch)

    def on_train_end(self, logs: dict[str, float]) -> None:
        best = self.trainer.history.best_epoch
        if best is not None:
            self._mlflow.log_metric("best_epoch", best)


def log_model(model: Model, name: str = "model", **arguments: Any) -> Any:
    """Logs a model into the run of now, as `mlflow.onnx.log_model` does, whose arguments are passed
    on; its signature is that of the model's inputs and outputs.

    What MLflow serves then needs `onnxruntime`, and nothing of Strop. Needs the package `onnx`.
    """
    mlflow = needed("mlflow", "mlflow")
    onnx = needed("mlflow.onnx", "mlflow")
    given = {
        "signature": _signature_of(mlflow, model),
        "save_as_external_data": False,  # one file, as models are here
        "onnx_execution_providers": ["CPUExecutionProvider"],
        **arguments,
    }
    return onnx.log_model(model.to_onnx(), name=name, **given)


def load_model(model_uri: str, **options: Unpack[LoadOptions]) -> Model:
    """A model that was logged, to be trained on; options are those of `strop.load`."""
    mlflow = needed("mlflow", "mlflow")
    folder = mlflow.artifacts.download_artifacts(model_uri)
    flavor = mlflow.models.Model.load(folder).flavors["onnx"]
    return load(os.path.join(folder, flavor["data"]), **options)


@dataclass(frozen=True)
class _Settings:
    log_models: bool
    registered_model_name: str | None


_fit: Callable[..., History] | None = None  # Trainer's own, while autolog is on
_settings = _Settings(True, None)


def autolog(
    log_models: bool = True, registered_model_name: str | None = None, disable: bool = False
) -> None:
    """From now on every `Trainer.fit`, those of estimators included, is logged: options, epochs,
    and with `log_models` the model, also as a version of `registered_model_name`.

    A run that is active is taken, and stays so; else one is begun and ended, as FAILED where `fit`
    raises. What MLflow cannot do is a warning, and the training goes on. `disable` ends it.
    """
    global _fit, _settings
    needed("mlflow", "mlflow")
    _settings = _Settings(log_models, registered_model_name)
    if disable and _fit is not None:
        Trainer.fit, _fit = _fit, None  # type: ignore[method-assign]
    elif not disable and _fit is None:
        _fit = Trainer.fit
        Trainer.fit = _logged(_fit)  # type: ignore[method-assign]


def _logged(fit: Callable[..., History]) -> Callable[..., History]:
    @functools.wraps(fit)
    def fit_and_log(trainer: Trainer, *args: Any, **kwargs: Any) -> History:
        heard = [*kwargs.pop("callbacks", ()), _Watching()]
        with _run():
            history = fit(trainer, *args, callbacks=heard, **kwargs)
            if _settings.log_models:
                with _warned():
                    name = _settings.registered_model_name
                    log_model(trainer.model, registered_model_name=name)
        return history

    return fit_and_log


class _Watching(MlflowCallback):
    """The same, and no reason for a training to end."""

    def on_train_begin(self, logs: dict[str, float]) -> None:
        with _warned():
            super().on_train_begin(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        with _warned():
            super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs: dict[str, float]) -> None:
        with _warned():
            super().on_train_end(logs)


@contextlib.contextmanager
def _run() -> Iterator[None]:
    """MLflow's run of now, or one for as long as this lasts."""
    mlflow = needed("mlflow", "mlflow")
    own: Any = contextlib.nullcontext()
    if mlflow.active_run() is None:
        with _warned():
            own = mlflow.start_run()
    with own:
        yield


@contextlib.contextmanager
def _warned() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        _LOGGER.warning("mlflow: %s; the training goes on", error)


def _signature_of(mlflow: Any, model: Model) -> Any:
    types = needed("mlflow.types", "mlflow")

    def schema(values: Any) -> Any:
        return types.Schema(
            [
                types.TensorSpec(
                    np.dtype("O" if value.type == "string" else value.type),
                    [-1 if size is None else size for size in value.shape],
                    value.name,
                )
                for value in values
            ]
        )

    values = [*model.inputs, *model.outputs]
    if any(value.shape is None or value.type == "bfloat16" for value in values):
        return None  # for which MLflow has no words
    return mlflow.models.ModelSignature(schema(model.inputs), schema(model.outputs))
