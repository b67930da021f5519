"""What callbacks for other packages share."""

import os
from collections.abc import Mapping
from typing import Any

from strop.errors import UsageError
from strop.options import rows_of

# Whose defaults are worth knowing, too.
_ALWAYS = ("loss", "optimizer", "epochs")


def value_of(logs: Mapping[str, float], monitor: str, callback: str) -> float:
    """A number of an epoch by its name. Raises UsageError where there is none of it."""
    if monitor not in logs:
        raise UsageError(
            f"{callback}: found no {monitor!r}, expected one of {', '.join(logs)}; names that "
            "begin with val_ need validation data"
        )
    return logs[monitor]


def texts_of(options: Mapping[str, object]) -> dict[str, Any]:
    """Options of a run that say something, as numbers and texts."""
    rows = rows_of("train")
    defaults = {name: rows[name].default for name in _ALWAYS}
    given = {name: value for name, value in options.items() if value is not None}
    return {name: _plain(value) for name, value in {**defaults, **given}.items()}


def _plain(value: object) -> Any:
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return str(value)
