"""Keyword arguments, which are the rows of the table of options with underscores."""

import difflib
import functools
import inspect
import json
import numbers
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from strop import _strop
from strop.errors import UsageError

# Rows of `strop train` that a model is given when it is loaded or changed, and not its trainer.
_MODEL_GROUPS = ("LoRA", "Quantization")
_MODEL_NAMES = {
    *("precision", "seed", "threads", "disable_pass", "batch_norm"),
    *("train", "train_only", "freeze", "replace_head", "head_at"),
}
_SHARED_NAMES = {"seed", "threads", "disable_pass", "batch_norm"}
# Rows that are the command line's.
_COMMAND_NAMES = {"MODEL", "json", "dump", "dry_run"}
# Said when the model is saved, or with `output`.
_SAVING_NAMES = {"lora_export", "write_class_names"}


@dataclass(frozen=True)
class Option:
    """A row of the table of options."""

    name: str  # on the command line, without dashes
    keyword: str
    group: str
    is_switch: bool
    is_list: bool
    is_path: bool
    type: str  # what the table says of its values: "FLOAT", "adam|sgd|…"
    choices: tuple[str, ...]
    default: str
    help: str

    @property
    def annotation(self) -> object:
        """What a value of it is in Python."""
        if self.is_switch:
            return bool | None
        if self.is_list:
            return Any
        if self.choices or self.is_path:
            return str | None
        kinds = {"INT": int, "UINT": int, "FLOAT": float}
        return kinds.get(self.type, str | float) | None

    def describe(self) -> str:
        kind = "a switch" if self.is_switch else self.type
        default = f", by default {self.default}" if self.default else ""
        return f"{self.keyword}: {kind}{default}. {self.help}"


@functools.cache
def rows_of(command: str) -> Mapping[str, Option]:
    """The options of a command of the program, by keyword; empty for one that there is not."""
    for entry in json.loads(_strop.list_options()):
        if entry["command"] == command:
            return {option.keyword: option for option in map(_option, entry["options"])}
    return {}


def _option(row: Mapping[str, Any]) -> Option:
    name = row["long_name"].lstrip("-")
    return Option(
        name=name,
        keyword=name.replace("-", "_"),
        group=row["group"],
        is_switch=row["flag"],
        is_list=row["list"],
        is_path=row["path"] is not None,
        type=row["type"],
        choices=tuple(row["choices"]),
        default=row["default"],
        help=row["help"],
    )


def _is_of_model(option: Option) -> bool:
    if option.keyword in _SAVING_NAMES:
        return False
    return option.group in _MODEL_GROUPS or option.keyword in _MODEL_NAMES


def model_options() -> list[Option]:
    """What `load` takes."""
    return [option for option in rows_of("train").values() if _is_of_model(option)]


def trainer_options() -> list[Option]:
    """What a Trainer takes."""
    return [
        option
        for option in rows_of("train").values()
        if option.keyword not in _COMMAND_NAMES
        and (option.keyword in _SHARED_NAMES or not _is_of_model(option))
    ]


def pairs_of(command: str, options: Mapping[str, object]) -> list[tuple[str, str | None]]:
    """Options as the library takes them: names without dashes, and texts.

    None leaves an option out, as False does a switch. Raises TypeError for a keyword that no option
    of the command has.
    """
    rows = rows_of(command)
    pairs: list[tuple[str, str | None]] = []
    for keyword, value in options.items():
        option = rows.get(keyword)
        if option is None:
            raise TypeError(_unknown(keyword, rows))
        if value is not None:
            pairs += [(option.name, text) for text in _texts_of(option, value)]
    return pairs


def _unknown(keyword: str, rows: Iterable[str]) -> str:
    close = difflib.get_close_matches(keyword, rows, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"found an option {keyword!r}, which there is not{hint}"


def _texts_of(option: Option, value: object) -> list[str | None]:
    if option.is_switch:
        if not isinstance(value, bool):
            raise UsageError(
                f"{option.keyword}: found {value!r}, expected True or False: it is a switch"
            )
        return [None] if value else []
    if _is_sequence(value):
        items = [_text_of(option, item) for item in value]  # type: ignore[attr-defined]
        if option.is_list:
            return [*items]
        # As in "224x224" and "0.08,1".
        return [("x" if "x" in option.type else ",").join(items)]
    return [_text_of(option, value)]


def _is_sequence(value: object) -> bool:
    if isinstance(value, (str, bytes, os.PathLike, Mapping)):
        return False
    return isinstance(value, Iterable) and getattr(value, "ndim", 1) != 0


def _text_of(option: Option, value: object) -> str:
    if isinstance(value, bool) and {"on", "off"} <= set(option.type.split("|")):
        return "on" if value else "off"
    item = getattr(value, "item", None)  # a number of NumPy's or torch's
    if item is not None and not isinstance(value, (str, bytes)):
        value = item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        return repr(float(value))
    if isinstance(value, (str, os.PathLike)):
        return os.fsdecode(value)
    raise UsageError(
        f"{option.keyword}: found a {type(value).__name__}, expected {option.type or 'text'}"
    )


def parameters_of(options: Iterable[Option], taken: Iterable[str]) -> list[inspect.Parameter]:
    """Keyword parameters for a signature, without those that a function names itself."""
    names = set(taken)
    return [
        inspect.Parameter(
            option.keyword,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=option.annotation,
        )
        for option in options
        if option.keyword not in names
    ]


def take_options(function: Any, options: Iterable[Option]) -> None:
    """Shows `options` in the place of **options in a function's signature and its description."""
    listed = list(options)
    signature = inspect.signature(function)
    own = [
        parameter
        for parameter in signature.parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    shown = own + parameters_of(listed, signature.parameters)
    function.__signature__ = signature.replace(parameters=shown)
    lines = "\n".join(f"    {option.describe()}" for option in listed)
    function.__doc__ = f"{inspect.getdoc(function)}\n\nOptions:\n{lines}\n"
