"""Numbers."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from strop.arrays import Array
from strop.sklearn.estimator import StropEstimator, with_parameters
from strop.sklearn.networks import flat

_LOSSES = ("mse", "l1", "huber", "smooth_l1")


class StropRegressor(RegressorMixin, StropEstimator):  # type: ignore[misc]
    """A regressor. Without arguments a perceptron of two hidden layers.

    loss: mse, l1, huber or smooth_l1. y is taken as it is: numbers far from 1 are learnt slowly,
    and sklearn.compose.TransformedTargetRegressor scales them.

        >>> from strop.sklearn import StropRegressor
        >>> regressor = StropRegressor(epochs=50, random_state=0).fit(x, x.sum(axis=1))
        >>> regressor.score(x, x.sum(axis=1)) > 0.9
        True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "StropRegressor":
        """Trains. y: numbers [samples] or [samples, outputs]. sample_weight: [samples], from 0 on.

        Raises ValueError for X and y that do not suit each other or the model, strop.DataError,
        one too, where training goes wrong.

            >>> from strop.sklearn import StropRegressor
            >>> regressor = StropRegressor(epochs=3).fit(x, x[:, :2])
            >>> len(regressor.loss_curve_)
            3
        """
        X, y = self._validated(X, y=y, multi_output=True, y_numeric=True)
        targets = self._begin(y)
        weights = self._weights(X, sample_weight)
        self._train(X, targets, targets.shape[1], weights, loss=self._loss_name())
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "StropRegressor":
        """One pass over X and y in their order, from the weights and the optimizer's state there
        are.

            >>> from strop.sklearn import StropRegressor
            >>> regressor = StropRegressor().partial_fit(x[:30], x[:30, 0])
            >>> regressor.partial_fit(x[30:], x[30:, 0]).n_iter_
            2
        """
        is_first = not hasattr(self, "model_bytes_")
        X, y = self._validated(X, y=y, multi_output=True, y_numeric=True, reset=is_first)
        targets = self._begin(y)
        weights = self._weights(X, sample_weight)
        self._train_further(X, targets, targets.shape[1], weights, loss=self._loss_name())
        return self

    def predict(self, X: Any) -> Array:
        """The model's numbers in double, [samples] or [samples, outputs] as y was.

        >>> from strop.sklearn import StropRegressor
        >>> StropRegressor(epochs=1).fit(x, x[:, :2]).predict(x[:5]).shape
        (5, 2)
        """
        output = flat(self._output(self._validated_for_output(X))).astype(np.float64)
        return output[:, 0] if self._is_one else output

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _begin(self, y: Array) -> Array:
        """Sets what kind of numbers y is, and gives them as [samples, outputs]."""
        self._is_one = y.ndim == 1
        return flat(y).astype(np.float32)

    def _loss_name(self) -> str:
        loss: str = self.loss or _LOSSES[0]
        if loss not in _LOSSES:
            raise ValueError(f"loss: found {loss!r}, expected one of {', '.join(_LOSSES)}")
        return loss


StropRegressor.__doc__ = with_parameters(StropRegressor)
