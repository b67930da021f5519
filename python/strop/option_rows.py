"""The rows of the table of options, and which of them a model, a trainer and others take.

It needs nothing of the package: python/option_types.py reads it while the package is built.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, SupportsFloat, SupportsIndex, TypeAlias

# Values of options as static tools know them; numbers may be NumPy's and torch's.
Integer: TypeAlias = int | SupportsIndex
Number: TypeAlias = float | SupportsFloat
PathText: TypeAlias = str | os.PathLike[str]

# Rows of `strop train` that a model is given when it is loaded or changed, and not its trainer.
_MODEL_GROUPS = ("LoRA", "Quantization")
_MODEL_NAMES = {
    *("precision", "seed", "threads", "disable_pass", "batch_norm"),
    *("train", "train_only", "freeze", "replace_head", "head_at"),
}
_SHARED_NAMES = {"seed", "threads", "disable_pass", "batch_norm"}
# Rows that are the command line's.
_COMMAND_NAMES = {"MODEL", "json", "dump", "dry_run"}
# What steps have besides the optimizer and groups of parameters.
_STEP_NAMES = {"batch_norm", "dropout", "dropout_at", "recompute_activations"}
# Arguments of `strop.landscape` by themselves, and its files.
_NOT_OF_LANDSCAPES = {"MODEL", "data", "output", "grid", "json"}
# Said when the model is saved, or with `output`.
_SAVING_NAMES = {"lora_export", "write_class_names"}

# Arguments of scikit-learn's estimators by themselves.
ESTIMATOR_ARGUMENTS = {
    **{name: name for name in ("loss", "optimizer", "learning_rate", "epochs", "batch_size")},
    **{name: name for name in ("validation_split", "early_stopping")},
    "seed": "random_state",
    "class_weights": "class_weight",
    "positive_weight": "class_weight",
}
# What their fit is given, or what its data are not.
NOT_OF_ESTIMATORS = (
    *("data", "validation_data", "target", "output", "class_names", "train_output"),
    "sample_weight",
)


@dataclass(frozen=True)
class Option:
    """A row of the table of options."""

    name: str  # on the command line, without dashes
    keyword: str
    group: str
    is_positional: bool
    is_required: bool
    is_list: bool
    is_path: bool
    kind: str  # of a value, or of each in a list: "switch", "integer", "number", "text"
    type: str  # what the table says of its values: "FLOAT", "adam|sgd|…"
    value_when_bare: str  # what True means; "": nothing
    choices: tuple[str, ...]
    default: str
    help: str

    @property
    def is_switch(self) -> bool:
        return self.kind == "switch"

    @property
    def annotation(self) -> str:
        """What a value of it is in Python, in names of this module."""
        value = self._value
        if self.is_list:
            value = f"{value} | Iterable[{value}]"
        return f"{value} | bool | None" if self.value_when_bare else f"{value} | None"

    @property
    def _value(self) -> str:
        if self.choices:
            return f"Literal[{', '.join(map(repr, self.choices))}]"
        if self.is_path:
            return "PathText"
        if self.kind != "text":
            return {"switch": "bool", "integer": "Integer", "number": "Number"}[self.kind]
        if self.takes_several:
            return "str | Number | Iterable[Number]"
        if self.is_list or "|" not in self.type:
            return "str"
        return "str | Number | bool" if self.takes_on_and_off else "str | Number"

    @property
    def takes_several(self) -> bool:
        """Whether its one text holds several numbers, as "224x224" and "0.08,1"."""
        is_text = self.kind == "text" and not (self.is_list or self.is_path or self.choices)
        return is_text and ("x" in self.type or "," in self.type)

    @property
    def takes_on_and_off(self) -> bool:
        return {"on", "off"} <= set(self.type.split("|"))

    def describe(self) -> str:
        """Its line in descriptions."""
        kind = "a switch" if self.is_switch else self.type
        default = f", by default {self.default}" if self.default else ""
        return f"{self.keyword}: {kind}{default}. {self.help}"


@dataclass(frozen=True)
class Command:
    """A command of the program, and its options by keyword."""

    name: str
    help: str
    rows: Mapping[str, Option]


def commands_of(listed: str) -> dict[str, Command]:
    """The commands that `strop --list-options` lists, by name."""
    return {
        entry["command"]: Command(
            name=entry["command"],
            help=entry["help"],
            rows={option.keyword: option for option in map(_option, entry["options"])},
        )
        for entry in json.loads(listed)
    }


def _option(row: Mapping[str, Any]) -> Option:
    name = row["long_name"].removeprefix("--")
    return Option(
        name=name,
        keyword=name.replace("-", "_"),
        group=row["group"],
        is_positional=row["positional"],
        is_required=row["required"],
        is_list=row["list"],
        is_path=row["path"] is not None,
        kind=row["value"],
        type=row["type"],
        value_when_bare=row["value_when_bare"],
        choices=tuple(row["choices"]),
        default=row["default"],
        help=row["help"],
    )


def _is_of_model(option: Option) -> bool:
    if option.keyword in _SAVING_NAMES:
        return False
    return option.group in _MODEL_GROUPS or option.keyword in _MODEL_NAMES


def model_options(rows: Iterable[Option]) -> list[Option]:
    """Of the rows of `strop train`, what `load` takes."""
    return [option for option in rows if _is_of_model(option)]


def trainer_options(rows: Iterable[Option]) -> list[Option]:
    """Of the rows of `strop train`, what a Trainer takes."""
    return [
        option
        for option in rows
        if option.keyword not in _COMMAND_NAMES
        and (option.keyword in _SHARED_NAMES or not _is_of_model(option))
    ]


def loss_trainer_options(rows: Iterable[Option]) -> list[Option]:
    """Of the rows of `strop train`, what a LossTrainer takes."""
    groups = ("Optimizer", "Parameter groups")
    return [
        option
        for option in rows
        if option.keyword in _STEP_NAMES
        or option.group in groups
        and not option.keyword.startswith("sam_")
    ]


def loss_options(rows: Iterable[Option]) -> list[Option]:
    """Of the rows of `strop train`, what the loss of one batch takes besides its name."""
    modes = ("batch_norm", "dropout", "dropout_at")
    return [o for o in rows if o.keyword in modes or o.group == "Loss" and o.keyword != "loss"]


def landscape_options(rows: Iterable[Option]) -> list[Option]:
    """Of the rows of `strop landscape`, what `strop.landscape` takes."""
    return [option for option in rows if option.keyword not in _NOT_OF_LANDSCAPES]


def lora_options(rows: Iterable[Option]) -> list[Option]:
    """Of the rows of `strop train`, what `Model.add_lora` takes besides patterns."""
    return [o for o in rows if o.group == "LoRA" and o.keyword not in {"lora", *_SAVING_NAMES}]


def quantize_options(rows: Iterable[Option]) -> list[Option]:
    """Of the rows of `strop train`, what `Model.quantize` takes besides the kind."""
    of_group = [o for o in rows if o.group == "Quantization" and o.keyword != "quantize"]
    return [*of_group, *(option for option in rows if option.keyword == "batch_norm")]


def saving_options(rows: Iterable[Option]) -> list[Option]:
    """Of the rows of `strop train`, what `Model.save` takes."""
    return [option for option in rows if option.keyword in _SAVING_NAMES]


def estimator_options(rows: Iterable[Option]) -> list[Option]:
    """Of the rows of `strop train`, what estimators take in their dict `options`."""
    listed = list(rows)
    taken = {option.keyword: option for option in model_options(listed) + trainer_options(listed)}
    return [
        option
        for name, option in taken.items()
        if name not in ESTIMATOR_ARGUMENTS and name not in NOT_OF_ESTIMATORS
    ]


def architecture_options(rows: Iterable[Option]) -> list[Option]:
    """Of the rows of `strop new`, the sizes and weights of a network."""
    return [option for option in rows if option.group != "Options"]


def type_of(option: Option) -> object:
    """`Option.annotation` as what it names."""
    known = {"Iterable": Iterable, "Literal": Literal, "bool": bool, "str": str}
    aliases = {"Integer": Integer, "Number": Number, "PathText": PathText}
    return eval(option.annotation, {**known, **aliases})
