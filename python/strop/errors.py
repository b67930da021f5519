"""What calls fail with: one line of what was found, what was expected and what to do.

    >>> try:
    ...     strop.load("none.onnx")
    ... except strop.Error as error:
    ...     print(error.status, isinstance(error, FileNotFoundError))
    66 True

A keyword that no option has is a TypeError, as in any call of Python's.
"""


class Error(Exception):
    """A failure of Strop's; ``status`` is the exit code that the program has for the same."""

    status: int = 1


class BugError(Error, RuntimeError):
    """A fault of Strop's own."""

    status = 1


class UsageError(Error, ValueError):
    """A call or an option that has no meaning: an unknown name, a wrong value."""

    status = 2


class DataError(Error, ValueError):
    """A model or data that cannot be used; numbers that went bad while training."""

    status = 65


class NoInputError(Error, FileNotFoundError):
    """What should be read is not there."""

    status = 66


class CannotCreateError(Error, OSError):
    """What should be written cannot be."""

    status = 73


class InputOutputError(Error, OSError):
    """Reading or writing failed on the way: a disk, a reader, memory."""

    status = 74


class StoppedError(Error, RuntimeError):
    """A callback asked for it."""

    status = 130


_BY_STATUS: dict[int, type[Error]] = {
    error.status: error
    for error in (
        BugError,
        UsageError,
        DataError,
        NoInputError,
        CannotCreateError,
        InputOutputError,
        StoppedError,
    )
}


def error_of(status: int, line: str) -> Error:
    """The exception of a status of the library."""
    return _BY_STATUS.get(status, BugError)(line)
