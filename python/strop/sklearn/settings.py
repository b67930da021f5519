"""The dict `options` of the estimators: options of `strop train` for models and trainers."""

from collections.abc import Mapping

from strop.options import model_options, trainer_options

# Arguments of the estimators by themselves.
_ARGUMENTS = {
    **{name: name for name in ("loss", "optimizer", "learning_rate", "epochs", "batch_size")},
    **{name: name for name in ("validation_split", "early_stopping")},
    "seed": "random_state",
    "class_weights": "class_weight",
    "positive_weight": "class_weight",
}
# What fit is given, or what its data are not.
_NOT_HERE = (
    *("data", "validation_data", "target", "output", "class_names", "train_output"),
    "sample_weight",
)


def check_options(options: Mapping[str, object] | None) -> None:
    """Raises ValueError for an option that an argument of the estimator stands for, or none can."""
    for name in options or {}:
        if name in _ARGUMENTS:
            raise ValueError(f"options: found {name!r}, expected it as argument {_ARGUMENTS[name]}")
        if name in _NOT_HERE:
            raise ValueError(f"options: found {name!r}, expected none: fit is given arrays")


def model_settings(options: Mapping[str, object] | None) -> dict[str, object]:
    """Those that a model is loaded with."""
    names = {option.keyword for option in model_options()}
    return {name: value for name, value in (options or {}).items() if name in names}


def trainer_settings(options: Mapping[str, object] | None) -> dict[str, object]:
    """Those of a trainer, and what no option is, which it refuses."""
    names = {option.keyword for option in model_options()}
    shared = {option.keyword for option in trainer_options()}
    return {
        name: value
        for name, value in (options or {}).items()
        if name in shared or name not in names
    }
