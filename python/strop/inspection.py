"""What a model has, as a table for terminals and notebooks."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def shape(self) -> Sequence[int | None] | None: ...


class _Parameter(_Named, Protocol):
    @property
    def role(self) -> str: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True)
class Inspection:
    """What a model has, by `Model.inspect`; str() and notebooks show it as a table.

    >>> print(strop.load("model.onnx", train_only="classifier.*").inspect())
    name                    type     shape       role     why
    features                float32  [?, 4]      input
    logits                  float32  [?, 3]      output
    hidden.0.linear.weight  float32  [128, 4]    frozen   ...
    hidden.0.linear.bias    float32  [128]       frozen   ...
    hidden.1.linear.weight  float32  [128, 128]  frozen   ...
    hidden.1.linear.bias    float32  [128]       frozen   ...
    classifier.weight       float32  [3, 128]    trained  ...
    classifier.bias         float32  [3]         trained  ...
    """

    inputs: Sequence[_Named]
    outputs: Sequence[_Named]
    parameters: Sequence[_Parameter]

    @property
    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Name, type, shape, role and reason of each input, output and parameter, as texts.

        >>> strop.load("model.onnx").inspect().rows[0]
        ('features', 'float32', '[?, 4]', 'input', '')
        """
        ends = [(value, "input") for value in self.inputs]
        ends += [(value, "output") for value in self.outputs]
        rows = [(end.name, end.type, _text_of(end.shape), role, "") for end, role in ends]
        return rows + [
            (each.name, each.type, _text_of(each.shape), each.role, each.reason)
            for each in self.parameters
        ]

    def __str__(self) -> str:
        rows = [_HEADING, *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADING))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def line(cells: Sequence[str], tag: str) -> str:
            return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)

        body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in self.rows)
        return f"<table><thead><tr>{line(_HEADING, 'th')}</tr></thead><tbody>{body}</tbody></table>"


_HEADING = ("name", "type", "shape", "role", "why")


def _text_of(shape: Sequence[int | None] | None) -> str:
    if shape is None:
        return "?"
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"
