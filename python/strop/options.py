"""Keyword arguments, which are the rows of the table of options with underscores."""

import difflib
import functools
import inspect
import operator
import os
from collections.abc import Iterable, Mapping
from typing import Any, SupportsFloat, SupportsIndex

from strop import _strop
from strop.errors import UsageError
from strop.option_rows import Command, Option, commands_of, type_of


@functools.cache
def commands() -> Mapping[str, Command]:
    """The commands of the program, by name."""
    return commands_of(_strop.list_options())


def rows_of(command: str) -> Mapping[str, Option]:
    """The options of a command of the program, by keyword; empty for one that there is not."""
    found = commands().get(command)
    return {} if found is None else found.rows


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
    if isinstance(value, bool) and option.value_when_bare:
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
    if isinstance(value, bool) and option.takes_on_and_off:
        return "on" if value else "off"
    item = getattr(value, "item", None)  # a number of NumPy's or torch's
    if item is not None and not isinstance(value, (str, bytes)):
        value = item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, SupportsIndex):
        return str(operator.index(value))
    if isinstance(value, SupportsFloat):
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
            annotation=type_of(option),
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
