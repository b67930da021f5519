"""The dict `options` of the estimators: options of `strop train` for models and trainers."""

from collections.abc import Mapping
from typing import Any

from strop.option_rows import (
    ESTIMATOR_ARGUMENTS,
    NOT_OF_ESTIMATORS,
    model_options,
    trainer_options,
)
from strop.options import rows_of


def check_options(options: Mapping[str, object] | None) -> None:
    """Raises ValueError for an option that an argument of the estimator stands for, or none can."""
    for name in options or {}:
        if name in ESTIMATOR_ARGUMENTS:
            argument = ESTIMATOR_ARGUMENTS[name]
            raise ValueError(f"options: found {name!r}, expected it as argument {argument}")
        if name in NOT_OF_ESTIMATORS:
            raise ValueError(f"options: found {name!r}, expected none: fit is given arrays")


def model_settings(options: Mapping[str, object] | None) -> dict[str, Any]:
    """Those that a model is loaded with."""
    names = {option.keyword for option in model_options(rows_of("train").values())}
    return {name: value for name, value in (options or {}).items() if name in names}


def trainer_settings(options: Mapping[str, object] | None) -> dict[str, Any]:
    """Those of a trainer, and what no option is, which it refuses."""
    names = {option.keyword for option in model_options(rows_of("train").values())}
    shared = {option.keyword for option in trainer_options(rows_of("train").values())}
    return {
        name: value
        for name, value in (options or {}).items()
        if name in shared or name not in names
    }
