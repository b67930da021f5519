"""What a model tells of its inputs, outputs and parameters, and of their gradients."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Value:
    """An input or output of a model.

    >>> strop.load("model.onnx").inputs
    (Value(name='features', type='float32', shape=(None, 4)),)
    """

    name: str
    type: str  # as NumPy calls it; "bfloat16" and "string" besides
    shape: tuple[int | None, ...] | None  # None: open


@dataclass(frozen=True)
class Parameter:
    """A floating constant of a model.

    >>> parameter = strop.load("model.onnx").parameters[0]
    >>> parameter.name, parameter.shape, parameter.role
    ('hidden.0.linear.weight', (128, 4), 'trained')
    """

    name: str
    type: str  # as the file has it
    shape: tuple[int, ...]
    role: str  # "trained", "frozen", "statistics"
    reason: str  # 'weight of "conv1" (Conv)'
    position: int  # of the first node that reads it, as nodes are computed; -1: none does


@dataclass(frozen=True)
class GradientCheck:
    """A tensor's gradient against finite differences along a random direction, in double.

    >>> checks = strop.load("model.onnx").check(x)
    >>> all(check.ok and check.relative_error < 1e-4 for check in checks)
    True
    """

    tensor: str
    analytic: float
    numeric: float
    relative_error: float
    ok: bool
