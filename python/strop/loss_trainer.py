"""Steps whose loss the caller computes between their two halves."""

from collections.abc import Mapping
from typing import Unpack

from strop import _strop
from strop.arrays import Array, ArrayLike
from strop.data import Samples, named_arrays
from strop.listener import HEARD
from strop.model import Model
from strop.option_rows import loss_trainer_options
from strop.option_types import LossTrainerOptions
from strop.options import pairs_of, rows_of, take_options


class LossTrainer:
    """Trains a model step by step on a loss that the caller has itself: outputs out, the loss's
    gradient by them in. Where a function of outputs and targets says it all, `Trainer(loss=…)` does
    more.

    Options are those of the optimizer and what belongs to it, clip_norm, clip_value, groups of
    parameters, batch_norm and dropout; epochs, schedules and validation are the caller's. Raises
    TypeError for an option that there is not, and strop.UsageError for one of a whole run.

        >>> model = strop.load("model.onnx")
        >>> trainer = strop.LossTrainer(model, optimizer="sgd", learning_rate=0.1)
        >>> for start in (0, 20, 40):
        ...     logits = trainer.forward(x[start : start + 20])["logits"]
        ...     norm = trainer.step({"logits": logits / len(logits)})
        >>> trainer.finish()
    """

    def __init__(self, model: Model, **options: Unpack[LossTrainerOptions]) -> None:
        self.model = model
        pairs = pairs_of("train", options)
        self._trainer = _strop.LossTrainer.make(model._handle, pairs, *HEARD)

    def forward(self, x: Samples) -> dict[str, Array]:
        """The model's floating outputs as it trains, by name. x: an array, or arrays by the names
        of the inputs, [samples, …]; they have to stay as they are until the step.

            >>> trainer = strop.LossTrainer(strop.load("model.onnx"))
            >>> trainer.forward(x)["logits"].shape
            (60, 3)
        """
        return self._trainer.forward(named_arrays([value.name for value in self.model.inputs], x))

    def step(self, gradients: Mapping[str, ArrayLike], learning_rate: float | None = None) -> float:
        """Backward and update. gradients: ∂loss/∂output by the output's name, of its type and
        shape; of an output that is not named, zeros. learning_rate: by default that of the options.
        Gives the norm of all parameters' gradients before clipping; NaN where it is not measured,
        as without clipping.

            >>> trainer = strop.LossTrainer(strop.load("model.onnx"), clip_norm=1.0)
            >>> logits = trainer.forward(x)["logits"]
            >>> trainer.step({"logits": np.ones_like(logits)}, learning_rate=0.01) > 1
            True
        """
        return self._trainer.step(named_arrays(list(gradients), dict(gradients)), learning_rate)

    def finish(self) -> None:
        """Gives the weights of now to the model; steps may go on.

        >>> model = strop.load("model.onnx")
        >>> trainer = strop.LossTrainer(model)
        >>> logits = trainer.forward(x)["logits"]
        >>> norm = trainer.step({"logits": np.ones_like(logits)})
        >>> trainer.finish()
        >>> bool(np.allclose(model.run(x)["logits"], logits))
        False
        """
        self._trainer.finish()


LossTrainer.__init__.__doc__ = LossTrainer.__doc__
take_options(LossTrainer.__init__, loss_trainer_options(rows_of("train").values()))
LossTrainer.__doc__ = LossTrainer.__init__.__doc__
